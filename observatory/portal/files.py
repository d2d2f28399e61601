"""Answers made of one file: whole, a part of it, or only that it has not changed.

Belongs here: types, conditional and range requests, compression.
Does not: which file (``tree``), who may (``app``).
"""

import gzip
import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from mimetypes import guess_type
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from observatory.portal.policies import BARE, policy_of
from observatory.portal.tree import Opened

_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".geojson": "application/geo+json",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
}
_COMPRESSED = ("text/", "application/json", "application/geo+json", "application/xml", "image/svg+xml")
_SMALLEST, _LARGEST = 512, 16 * 2**20
_LEVEL = 6


@dataclass(frozen=True)
class Body:
    """What is sent for a file, and the policy of it as a page."""

    content: bytes
    policy: str


class Bodies:
    """Bodies in memory, by identity of the file: for the public site alone.

    Args:
        most: bytes in all; those asked for longest ago are forgotten first.
    """

    def __init__(self, most: int = 96 * 2**20) -> None:
        self._most, self._size, self._lock = most, 0, threading.Lock()
        self._kept: OrderedDict[tuple[object, ...], Body] = OrderedDict()

    def get(self, key: tuple[object, ...]) -> Body | None:
        """Return the body of that key, if it is there."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: tuple[object, ...], body: Body) -> None:
        """Keep a body, unless it would take the place of all others."""
        with self._lock:
            if key in self._kept or len(body.content) > self._most // 4:
                return
            self._kept[key] = body
            self._size += len(body.content)
            while self._size > self._most:
                self._size -= len(self._kept.popitem(last=False)[1].content)


class _Held(FileResponse):
    """A file sent from the descriptor that was opened: its path may lead elsewhere by now."""

    def __init__(self, opened: Opened, headers: Mapping[str, str], media_type: str) -> None:
        self._descriptor = opened.descriptor
        path = f"/dev/fd/{opened.descriptor}"
        super().__init__(path, headers=headers, media_type=media_type, stat_result=opened.status)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            os.close(self._descriptor)

    def drop(self) -> None:
        os.close(self._descriptor)


def drop(response: Response) -> None:
    """Close what an answer that will not be sent holds open."""
    if isinstance(response, _Held):
        response.drop()


def type_of(name: str) -> str:
    """Return the media type of a file, from its name."""
    ending = Path(name).suffix.lower()
    found = _TYPES.get(ending) or guess_type(name)[0] or "application/octet-stream"
    return f"{found}; charset=utf-8" if found in ("text/plain", "text/html", "text/css") else found


async def answer(
    opened: Opened, request: Request, headers: Mapping[str, str], bodies: Bodies | None = None
) -> Response:
    """Return the answer to a request for an open file, which it closes; it is read in a thread.

    Args:
        opened: the file.
        request: GET or HEAD.
        headers: others to send.
        bodies: where to keep what is made; None to keep nothing.
    """
    status, kind = opened.status, type_of(opened.name)
    tag = f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
    compressible = kind.startswith(_COMPRESSED) and _SMALLEST <= status.st_size <= _LARGEST
    given = dict(headers) | {"ETag": tag, "Last-Modified": formatdate(status.st_mtime, usegmt=True)}
    if compressible:
        given["Vary"] = "Accept-Encoding"
    if unchanged(request.headers, tag, status.st_mtime):
        opened.close()
        return Response(status_code=304, headers=given)
    page = kind.startswith("text/html")
    if not page and ("range" in request.headers or not (compressible or status.st_size <= _SMALLEST * 1024)):
        return _Held(opened, given, kind)
    packed = compressible and "gzip" in request.headers.get("accept-encoding", "")

    key = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size, packed)
    body = bodies.get(key) if bodies else None
    if body is None:
        body = await run_in_threadpool(_made, opened, page=page, packed=packed)
        if bodies:
            bodies.put(key, body)
    else:
        opened.close()
    given |= {"Content-Security-Policy": body.policy, "Content-Length": str(len(body.content))}
    if packed:
        given |= {"Content-Encoding": "gzip", "ETag": f"W/{tag}"}
    elif not page:
        given["Accept-Ranges"] = "bytes"
    return Response(b"" if request.method == "HEAD" else body.content, headers=given, media_type=kind)


def _made(opened: Opened, *, page: bool, packed: bool) -> Body:
    content = opened.read()
    policy = policy_of(content) if page else BARE
    return Body(gzip.compress(content, _LEVEL, mtime=0) if packed else content, policy)


def unchanged(headers: Headers, tag: str, modified: float) -> bool:
    """Return whether who asks has the file already (RFC 9110, 13.2.2).

    Args:
        headers: of the request.
        tag: the file's, strong.
        modified: seconds since 1970.
    """
    if known := headers.get("if-none-match"):
        return known.strip() == "*" or tag in [one.strip().removeprefix("W/") for one in known.split(",")]
    try:
        return int(modified) <= parsedate_to_datetime(headers.get("if-modified-since", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return False
