"""Headers that every answer carries.

Belongs here: what browsers and caches are told. Does not: policies of pages (``policies``).
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from observatory.portal.policies import BARE

PARTNERS = "/partenaires"
"""Beginning of all addresses that depend on who asks."""
_RESERVED = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
"""Kept by nobody, indexed by nobody."""
_ALWAYS = {
    "Content-Security-Policy": BARE,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Not "no-referrer": forms would then come from nowhere, and could not be told from forged ones.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_TLS_ONLY = "max-age=31536000"


class SecurityHeaders:
    """Adds the headers to every answer, errors included.

    Args:
        app: the application.
        secure: whether browsers come over TLS, and are to come over nothing else for a year.
        longest: bytes of a head, beyond which a request is refused.
    """

    def __init__(self, app: ASGIApp, *, secure: bool, longest: int) -> None:
        self._app, self._longest = app, longest
        self._headers = _ALWAYS | ({"Strict-Transport-Security": _TLS_ONLY} if secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(PARTNERS):
                    headers.update(_RESERVED)
                    headers.add_vary_header("Cookie")
            await send(message)

        head = sum(len(name) + len(value) for name, value in scope["headers"])
        if head + len(scope.get("raw_path") or b"") + len(scope["query_string"]) > self._longest:
            body = "En-têtes trop longs.\n".encode()
            named = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
            await with_headers({"type": "http.response.start", "status": 431, "headers": named})
            await send({"type": "http.response.body", "body": body})
            return
        await self._app(scope, receive, with_headers)
