"""The process that listens: uvicorn, with the limits that it lacks.

Belongs here: sockets, time limits, proxies. Does not: what is answered (``app``).
"""

import asyncio
from asyncio import TimerHandle
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from observatory.portal.app import LONGEST_HEAD

HEAD_SECONDS, STALLED_SECONDS = 10, 30
"""Time to send the head of a request, and to take what was sent."""
CONNECTIONS = 256


class GuardedProtocol(HttpToolsProtocol):
    """A connection that is cut when its client is slow to ask, slow to take, or asks at length."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for a head."""
        super().connection_made(transport)
        self._waiting: TimerHandle | None = None
        self._stalled: TimerHandle | None = None
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._stop_waiting()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Cut a head that is too long."""
        if self._waiting is not None:
            self._head += len(data)
        super().data_received(data)
        if self._waiting is not None and self._head > LONGEST_HEAD:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        """Stop waiting for the head that came."""
        self._stop_waiting()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Wait for the next head, unless it came already."""
        last = not self.pipeline
        super().on_response_complete()
        if last and not self.transport.is_closing():
            self._await_head()

    def pause_writing(self) -> None:
        """Start waiting for the client to take what was sent."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop waiting: it was taken."""
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        super().resume_writing()

    def _await_head(self) -> None:
        self._stop_waiting()
        self._head = 0
        self._waiting = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def server(app: ASGIApp, host: str, port: int, proxies: list[str]) -> uvicorn.Server:
    """Return the server of an application.

    Args:
        app: the portal.
        host: address to listen on.
        port: port, 0 for any free one.
        proxies: addresses or networks whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed.
    """
    options: dict[str, Any] = {
        "http": GuardedProtocol,
        "ws": "none",
        "lifespan": "off",
        "access_log": False,
        "log_level": "warning",
        "server_header": False,
        "limit_concurrency": CONNECTIONS,
        "timeout_graceful_shutdown": 10,
        "proxy_headers": bool(proxies),
        "forwarded_allow_ips": proxies,
    }
    return uvicorn.Server(uvicorn.Config(app, host=host, port=port, **options))
