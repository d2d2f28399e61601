"""One file from the network to a folder, whole and of the expected kind, or an error that says what to do.

Belongs here: attempts, resumption, the body and its checks. Does not: where the file is then kept
(``snapshots``), which origin is used (``resolution``), a single request (``requesting``).
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import requests
from urllib3 import exceptions as lower

from observatory.files import hold, sha256_bytes, write_atomic
from observatory.sources.kinds import Kind, mismatch, octets
from observatory.sources.requesting import (
    LANDING,
    USER_AGENT,
    Clock,
    DirectSession,
    Errand,
    FetchError,
    Limits,
    RateLimiter,
    check_url,
    open_response,
    status_error,
    transport_error,
)
from observatory.sources.snapshots import Sighting, Snapshot

__all__ = ["Clock", "FetchError", "Fetched", "Limits", "RateLimiter", "fetch", "file_name"]

Progress = Callable[[int, int | None], None]

_BLOCK = 262_144
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True)
class Fetched:
    """What a fetch brought.

    Attributes:
        path: the file; that of the former snapshot when ``unchanged``.
        url: address asked for.
        final_url: address that answered, after redirects.
        sha256: hexadecimal fingerprint of the content.
        bytes: size of the content.
        etag: entity tag given by the server.
        last_modified: ``Last-Modified`` given by the server, as it stands.
        unchanged: whether the server said that the former snapshot is still current (code 304).
    """

    path: Path
    url: str
    final_url: str
    sha256: str
    bytes: int
    etag: str | None
    last_modified: str | None
    unchanged: bool = False


def fetch(
    url: str,
    target_folder: Path,
    *,
    source: str,
    kind: Kind,
    previous: Snapshot | None = None,
    name: str | None = None,
    progress: Progress | None = None,
    limits: Limits | None = None,
    clock: Clock | None = None,
    limiter: RateLimiter | None = None,
) -> Fetched:
    """Download ``url`` into ``target_folder``.

    Bytes go to a hidden partial file, kept when the fetch fails so that the next one resumes it where the
    server lets it; it takes its name once complete and of the right kind. Proxies and additional
    certificates come from the environment (``HTTPS_PROXY``, ``NO_PROXY``, ``REQUESTS_CA_BUNDLE``).

    Args:
        url: http or https address.
        target_folder: staging folder, made if absent; the same one from run to run allows resumption.
        source: id of the source, for errors.
        kind: what the file must be.
        previous: snapshot to compare with; the caller answers for its being unaltered.
        name: name of the file; that of the address by default.
        progress: called with bytes received and total, None when the server does not say.
        limits: time, attempts and size.
        clock: time and chance.
        limiter: shared between fetches from a host that counts requests.

    Raises:
        FetchError: whatever went wrong; nothing is left under the file's name.
    """
    limits, clock = limits or Limits(), clock or Clock()
    deadline = clock.monotonic() + limits.total_seconds
    errand = Errand(source, url, limits, clock, limiter, deadline)
    check_url(errand, url)
    sighting = previous.seen_from(url) if previous is not None else None
    try:
        target_folder.mkdir(parents=True, exist_ok=True)
        partial = _Partial(target_folder, url)
        target = target_folder / file_name(url, kind, name)
        transfer = _Transfer(errand, partial, target, kind, previous, sighting, progress)
        with _sole(errand, partial), DirectSession() as session:
            return _persist(errand, lambda: transfer.attempt(session))
    except OSError as error:
        raise errand.error(
            f"le fichier n’a pu être écrit dans « {target_folder} » ({error.strerror or error}).",
            "vérifiez la place libre et les droits sur ce dossier, puis relancez.",
        ) from error


def file_name(url: str, kind: Kind, name: str | None = None) -> str:
    """Return a plain file name, from ``name`` or else from the address, with an extension.

    Nothing but ASCII letters, digits, ``.``, ``_`` and ``-`` stays, and no leading dot: a name cannot
    leave its folder nor hide.
    """
    raw = name or unquote(urlsplit(url).path).rsplit("/", 1)[-1]
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", raw).lstrip(".")[-100:] or "fichier"
    return plain if "." in plain else f"{plain}.{kind}"


def _persist(errand: Errand, attempt: Callable[[], Fetched]) -> Fetched:
    """Try until it works, the failure is not a passing one, or attempts or time run out."""
    made = 1
    while True:
        try:
            return attempt()
        except FetchError as error:
            error.attempts = made
            if not error.transient or made >= errand.limits.attempts:
                raise
            _pause(errand, error, made)
        made += 1


def _pause(errand: Errand, error: FetchError, made: int) -> None:
    """Wait as the server asks, else twice as long each time, with half of it left to chance."""
    doubled = errand.limits.backoff_seconds * 2 ** (made - 1)
    seconds = doubled * (0.5 + errand.clock.random() / 2) if error.retry_after is None else error.retry_after
    seconds = min(seconds, errand.limits.longest_wait_seconds)
    if seconds >= errand.remaining():
        raise errand.too_slow() from error
    errand.clock.sleep(seconds)


@contextmanager
def _sole(errand: Errand, partial: "_Partial") -> Iterator[None]:
    """Hold the partial file alone: two writers would mix their bytes."""
    try:
        descriptor = hold(partial.lock)
    except BlockingIOError as error:
        raise errand.error(
            "un autre téléchargement de ce fichier est en cours.",
            "attendez qu’il finisse, ou arrêtez-le, puis relancez.",
        ) from error
    try:
        yield
    finally:
        os.close(descriptor)


class _Partial:
    """The bytes received so far, and the validator of the version that they belong to."""

    def __init__(self, folder: Path, url: str) -> None:
        key = sha256_bytes(url.encode())[:16]
        self.path = folder / f".{key}.partial"
        self.card = folder / f".{key}.validator"
        self.lock = folder / f".{key}.lock"

    def resumable(self) -> tuple[int, str | None]:
        """Return the bytes at hand and their validator, or ``(0, None)``: without one, versions could mix."""
        if not (self.path.is_file() and self.card.is_file()):
            return 0, None
        size = self.path.stat().st_size
        return (size, self.card.read_text(encoding="latin-1")) if size else (0, None)

    def start(self, validator: str | None) -> None:
        """Forget former bytes and note what the coming ones belong to, in the encoding of headers."""
        self.discard()
        if validator is not None:
            write_atomic(self.card, validator.encode("latin-1"))

    def discard(self) -> None:
        """Forget everything."""
        self.path.unlink(missing_ok=True)
        self.card.unlink(missing_ok=True)


@dataclass(frozen=True)
class _Transfer:
    errand: Errand
    partial: _Partial
    target: Path
    kind: Kind
    previous: Snapshot | None
    sighting: Sighting | None
    progress: Progress | None

    def attempt(self, session: requests.Session) -> Fetched:
        offset, validator = self.partial.resumable()
        with open_response(self.errand, session, self._headers(offset, validator)) as response:
            if response.status_code == 304 and self.previous is not None and self.sighting is not None:
                return self._unchanged(response, self.previous, self.sighting)
            if response.status_code == 416 or (response.status_code == 206 and not offset):
                raise self._restart()
            if response.status_code not in (200, 206):
                raise status_error(self.errand, response)
            return self._receive(response, offset if response.status_code == 206 else 0, validator)

    def _headers(self, offset: int, validator: str | None) -> dict[str, str]:
        # Compressed on the way, the body could be neither measured nor resumed.
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "Accept-Encoding": "identity"}
        if offset and validator:
            headers |= {"Range": f"bytes={offset}-", "If-Range": validator}
        elif self.sighting is not None:
            if self.sighting.etag:
                headers["If-None-Match"] = self.sighting.etag
            if self.sighting.last_modified:
                headers["If-Modified-Since"] = self.sighting.last_modified
        return headers

    def _unchanged(self, response: requests.Response, previous: Snapshot, sighting: Sighting) -> Fetched:
        return Fetched(
            previous.path,
            self.errand.url,
            response.url,
            previous.sha256,
            previous.bytes,
            response.headers.get("ETag", sighting.etag),
            response.headers.get("Last-Modified", sighting.last_modified),
            unchanged=True,
        )

    def _restart(self) -> FetchError:
        self.partial.discard()
        return self.errand.error(
            "le serveur ne reprend pas le téléchargement interrompu comme demandé.",
            f"relancez pour reprendre depuis le début ; si cela persiste, {LANDING}.",
            transient=True,
        )

    def _receive(self, response: requests.Response, offset: int, validator: str | None) -> Fetched:
        total = self._total(response, offset, validator)
        if total is not None:
            self._check_size(total)
        if not offset:
            self.partial.start(_validator(response))
        sha256, size = self._store(response, offset, total)
        if total is not None and size != total:
            if size > total:
                self.partial.discard()
            raise self.errand.error(
                f"le fichier reçu fait {octets(size)}, alors que le serveur en annonçait {octets(total)}.",
                f"relancez plus tard ; si cela persiste, {LANDING}.",
                transient=True,
            )
        fault = mismatch(self.partial.path, self.kind)
        if fault is not None:
            self.partial.discard()
            raise self.errand.error(
                f"{fault}.",
                "ouvrez l’adresse dans un navigateur : page d’accueil, maintenance ou portail de connexion ? "
                f"Corrigez l’adresse au catalogue, ou {LANDING}.",
            )
        self.partial.path.replace(self.target)
        self.partial.discard()
        etag, modified = response.headers.get("ETag"), response.headers.get("Last-Modified")
        return Fetched(self.target, self.errand.url, response.url, sha256, size, etag, modified)

    def _total(self, response: requests.Response, offset: int, validator: str | None) -> int | None:
        """Return the size of the whole file, after a check that a resumed part is the one asked for."""
        if offset:
            given = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            same = validator in (response.headers.get("ETag"), response.headers.get("Last-Modified"))
            if given is None or int(given[1]) != offset or not (same or _validator(response) is None):
                raise self._restart()
            return None if given[2] == "*" else int(given[2])
        if response.headers.get("Content-Encoding", "identity") != "identity":
            return None
        length = response.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() else None

    def _store(self, response: requests.Response, offset: int, total: int | None) -> tuple[str, int]:
        """Append the body to the partial file; return the fingerprint and size of the whole."""
        digest, size = hashlib.sha256(), 0
        with self.partial.path.open("r+b" if offset else "wb") as stream:
            while block := stream.read(_BLOCK) if size < offset else b"":
                digest.update(block)
                size += len(block)
            for block in self._blocks(response):
                size += len(block)
                self._check_size(size)
                digest.update(block)
                stream.write(block)
                if self.progress is not None:
                    self.progress(size, total)
            stream.flush()
            os.fsync(stream.fileno())
        return digest.hexdigest(), size

    def _blocks(self, response: requests.Response) -> Iterator[bytes]:
        """Yield the body as it comes: waiting for full blocks would let a slow drip pass the deadline."""
        try:
            while block := response.raw.read1(_BLOCK, decode_content=True):
                yield block
                self.errand.remaining()
        except (lower.HTTPError, OSError) as error:
            raise transport_error(self.errand, error) from error

    def _check_size(self, size: int) -> None:
        if size > self.errand.limits.size:
            self.partial.discard()
            raise self.errand.error(
                f"le fichier fait au moins {octets(size)}, au-delà de la limite de "
                f"{octets(self.errand.limits.size)}.",
                f"vérifiez l’adresse ; si le fichier a vraiment grossi, {LANDING}.",
            )


def _validator(response: requests.Response) -> str | None:
    """Return what tells this version from another: a strong entity tag, else the date of the file."""
    etag = response.headers.get("ETag")
    if etag and not etag.startswith("W/"):
        return etag
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return None
    return response.headers.get("Last-Modified")
