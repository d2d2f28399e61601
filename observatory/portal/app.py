"""The ASGI application: addresses, and who may have what is behind them.

Belongs here: routes, sessions and forms of browsers, order of the checks.
Does not: accounts, rights, files, headers, each of which has its module.

An account opens the edition of its own organisation, under an address that names it, as long as the account,
its session and the organisation's agreement all last. Whatever else is asked for gets the answer of what does
not exist.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO
from urllib.parse import parse_qsl, quote

import anyio
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from observatory.disclosure.conventions import Convention, ConventionError
from observatory.portal.accounts import Account, Accounts
from observatory.portal.files import Bodies, Body, answer, drop
from observatory.portal.headers import PARTNERS, SecurityHeaders
from observatory.portal.journal import Journal
from observatory.portal.limits import Buckets
from observatory.portal.packing import ReplacedError, pack
from observatory.portal.pages import error_page, render
from observatory.portal.policies import policy_of
from observatory.portal.rights import Rights
from observatory.portal.settings import Settings
from observatory.portal.tree import AbsentError, FolderFoundError, Opened, held, list_files, open_file

SIGN_IN, HOME, EDITIONS = f"{PARTNERS}/connexion", f"{PARTNERS}/", f"{PARTNERS}/editions/"
LONGEST_BODY, LONGEST_HEAD = 4 * 1024, 16 * 1024
"""Bytes of a form, and of what comes before it."""
FORM_SECONDS = 10
SESSION, FORM = "seance", "formulaire"
_FORM_TYPE = "application/x-www-form-urlencoded"
_TRIES = 3
_LOGGER = logging.getLogger(__name__)
_LINK = re.compile(rb'\b(href|src|data-root)="(?![a-z]+:|[#/])')


@dataclass
class Portal:
    """What the addresses share.

    ``sign_ins`` and ``asked`` bound what an address may try and ask of the partners' part; ``hashing`` and
    ``packing``, how many passwords are checked and archives made at a time.
    """

    settings: Settings
    accounts: Accounts
    rights: Rights
    journal: Journal
    bodies: Bodies = field(default_factory=Bodies)
    sign_ins: Buckets = field(default_factory=lambda: Buckets(10, 1 / 30))
    asked: Buckets = field(default_factory=lambda: Buckets(120, 4))
    hashing: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(2))
    packing: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(2))
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    # --- The public site ---------------------------------------------------------------------------------

    async def public(self, request: Request) -> Response:
        """Return a file of the site; what is in memory already waits for no thread."""
        path = request.path_params["path"]
        try:
            opened = open_file(self.settings.paths.site, path)
        except FolderFoundError:
            return _with_slash(request)
        except AbsentError:
            return await run_in_threadpool(self._absent, request)
        return await answer(opened, request, {"Cache-Control": "public, no-cache"}, self.bodies)

    def _absent(self, request: Request) -> Response:
        """Return the site's own page for what does not exist, its links made to work from anywhere."""
        try:
            opened = open_file(self.settings.paths.site, "404.html")
        except AbsentError:
            return error_page(request, 404 if self.settings.paths.site.is_dir() else 503)
        key = ("404", opened.status.st_ino, opened.status.st_mtime_ns)
        body, content = self.bodies.get(key), opened.read()
        if body is None:
            body = Body(_LINK.sub(rb'\1="/', content), policy_of(content))
            self.bodies.put(key, body)
        headers = {"Cache-Control": "no-cache", "Content-Security-Policy": body.policy}
        return Response(body.content, 404, headers, "text/html")

    def robots(self, request: Request) -> Response:
        """Return what robots may visit: not the partners' part; what the site says besides."""
        try:
            said = open_file(self.settings.paths.site, "robots.txt").read().decode()
        except AbsentError:
            said = "User-agent: *\nAllow: /\n"
        return PlainTextResponse(said.replace("Allow: /\n", f"Disallow: {HOME}\nAllow: /\n", 1))

    async def icon(self, request: Request) -> Response:
        """Return the icon of pages that name none, such as the sheets to mail."""
        request.path_params["path"] = "assets/favicon.png"
        return await self.public(request)

    def health(self, request: Request) -> Response:
        """Return which edition is served; 503 where there is none."""
        try:
            package = json.loads(open_file(self.settings.paths.site, "donnees/datapackage.json").read())
            facts = {"release": package["version"], "published_on": package["created"][:10]}
        except (AbsentError, FolderFoundError, ValueError, KeyError):
            return JSONResponse({"ok": False}, 503, {"Cache-Control": "no-store"})
        return JSONResponse({"ok": True} | facts, headers={"Cache-Control": "no-store"})

    # --- Signing in and out ------------------------------------------------------------------------------

    async def sign_in_page(self, request: Request) -> Response:
        """Return the form."""
        self._bound(request, self.asked)
        return self._form_page(request, 200)

    async def sign_in(self, request: Request) -> Response:
        """Open a session; whatever is wrong gets the same answer, after the same work."""
        self._bound(request, self.sign_ins)
        form = await _form(request)
        self._check_form(request, form, FORM)
        if self.hashing.statistics().tasks_waiting > 16:
            raise HTTPException(503)
        name, password = form.get("nom", ""), form.get("mot_de_passe", "")
        found = await anyio.to_thread.run_sync(self.accounts.sign_in, name, password, limiter=self.hashing)
        if found is None:
            await run_in_threadpool(self.journal.write, "refus", address=_address(request))
            return self._form_page(request, 403, refused=True)
        account, token = found
        if former := self._cookie(request, SESSION):
            await run_in_threadpool(self.accounts.sign_out, former)
        await run_in_threadpool(self.journal.write, "connexion", **_who(account, request))
        response = RedirectResponse(HOME, 303)
        self._set_cookie(response, SESSION, token)
        self._drop_cookie(response, FORM)
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        self._bound(request, self.asked)
        form = await _form(request)
        self._check_form(request, form, SESSION)
        await run_in_threadpool(self.accounts.sign_out, self._cookie(request, SESSION))
        response = RedirectResponse(SIGN_IN, 303)
        self._drop_cookie(response, SESSION)
        return response

    # --- What partners see -------------------------------------------------------------------------------

    def home(self, request: Request) -> Response:
        """Return the page of a partner: its agreement, its edition."""
        account = self._account(request)
        if account is None:
            return RedirectResponse(SIGN_IN, 303)
        agreement = self._agreement(account.organisation)
        files = []
        if agreement:
            try:
                with held(self.settings.paths.partners / account.organisation) as root:
                    files = [(name, status.st_size) for name, status in list_files(root)]
            except AbsentError:
                files = []
        return render(
            "accueil.html.j2",
            account=account,
            agreement=agreement,
            files=[(name, quote(name), size) for name, size in files],
            token=self._token(self._cookie(request, SESSION)),
        )

    async def edition(self, request: Request) -> Response:
        """Return a file of the account's own edition."""
        account = await run_in_threadpool(self._account, request)
        if account is None:
            return RedirectResponse(SIGN_IN, 303)
        try:
            opened = await run_in_threadpool(self._open, account, request)
        except FolderFoundError:
            return _with_slash(request)
        except AbsentError:
            await run_in_threadpool(self._log, account, request, 404, 0)
            raise HTTPException(404) from None
        response = await answer(opened, request, {})
        size = int(response.headers.get("content-length", 0))
        try:
            await run_in_threadpool(self._log, account, request, response.status_code, size)
        except OSError:
            drop(response)
            raise
        return response

    async def archive(self, request: Request) -> Response:
        """Return the account's own edition as one archive."""
        account = await run_in_threadpool(self._account, request)
        if account is None:
            return RedirectResponse(SIGN_IN, 303)
        if not await run_in_threadpool(self._may_open, account, request.path_params["partner"]):
            await run_in_threadpool(self._log, account, request, 404, 0)
            raise HTTPException(404)
        archive, size = await anyio.to_thread.run_sync(self._pack, account.organisation, limiter=self.packing)
        try:
            await run_in_threadpool(self._log, account, request, 200, size)
        except OSError:
            archive.close()
            raise
        headers = {
            "Content-Length": str(size),
            "Content-Disposition": f'attachment; filename="edition-{account.organisation}.zip"',
        }
        if request.method == "HEAD":
            archive.close()
            return Response(b"", headers=headers, media_type="application/zip")
        return StreamingResponse(_chunks(archive), headers=headers, media_type="application/zip")

    def _open(self, account: Account, request: Request) -> Opened:
        if not self._may_open(account, request.path_params["partner"]):
            raise AbsentError(request.scope["path"])
        # The folder is named by the account, never by the address.
        return open_file(self.settings.paths.partners / account.organisation, request.path_params["path"])

    def _may_open(self, account: Account, partner: str) -> bool:
        return partner == account.organisation and self._agreement(partner) is not None

    def _agreement(self, organisation: str) -> Convention | None:
        try:
            return self.rights.agreement(organisation)
        except ConventionError as error:
            _LOGGER.error("Conventions illisibles, éditions fermées. %s", error)
            raise HTTPException(503) from None

    def _pack(self, organisation: str) -> tuple[IO[bytes], int]:
        folder = self.settings.paths.partners / organisation
        for _ in range(_TRIES):
            try:
                return pack(folder, self.settings.paths.confidential)
            except AbsentError:
                raise HTTPException(404) from None
            except ReplacedError:
                continue
        raise HTTPException(503)

    def _log(self, account: Account, request: Request, status: int, size: int) -> None:
        facts = {"path": request.scope["path"], "status": status, "bytes": size}
        self.journal.write("téléchargement", **_who(account, request), **facts)

    # --- Browsers ----------------------------------------------------------------------------------------

    def _account(self, request: Request) -> Account | None:
        self._bound(request, self.asked)
        token = self._cookie(request, SESSION)
        return self.accounts.session(token) if token else None

    def _bound(self, request: Request, buckets: Buckets) -> None:
        if wait := buckets.wait(_address(request)):
            raise HTTPException(429, headers={"Retry-After": str(wait)})

    def _form_page(self, request: Request, status: int, *, refused: bool = False) -> Response:
        """Return the form, tied to a cookie: one that is sent from elsewhere lacks one or the other."""
        known = self._cookie(request, FORM)
        nonce = known or secrets.token_urlsafe(32)
        response = render("connexion.html.j2", status, token=self._token(nonce), refused=refused)
        if not known:
            self._set_cookie(response, FORM, nonce)
        return response

    def _token(self, cookie: str) -> str:
        return hmac.new(self.key, cookie.encode(), hashlib.sha256).hexdigest()

    def _check_form(self, request: Request, form: dict[str, str], cookie: str) -> None:
        """Check that a form was sent from a page of the portal, to the browser that asked for it."""
        tied = self._cookie(request, cookie)
        right = hmac.compare_digest(self._token(tied).encode(), form.get("jeton", "").encode())
        origin = request.headers.get("origin", self.settings.origin)
        scheme = "https" if self.settings.secure else "http"
        if (
            not tied
            or not right
            or origin not in (self.settings.origin, f"{scheme}://{request.headers['host']}")
        ):
            raise HTTPException(403)

    def _cookie(self, request: Request, name: str) -> str:
        return request.cookies.get(self.settings.cookie(name), "")

    def _set_cookie(self, response: Response, name: str, value: str) -> None:
        response.set_cookie(
            self.settings.cookie(name), value, secure=self.settings.secure, httponly=True, samesite="strict"
        )

    def _drop_cookie(self, response: Response, name: str) -> None:
        response.delete_cookie(
            self.settings.cookie(name), secure=self.settings.secure, httponly=True, samesite="strict"
        )


def build_portal(portal: Portal) -> ASGIApp:
    """Return the application."""
    routes = [
        Route("/sante", portal.health),
        Route("/robots.txt", portal.robots),
        Route("/favicon.ico", portal.icon),
        Route(SIGN_IN, portal.sign_in_page, methods=["GET"]),
        Route(SIGN_IN, portal.sign_in, methods=["POST"]),
        Route(f"{PARTNERS}/deconnexion", portal.sign_out, methods=["POST"]),
        Route(HOME, portal.home),
        Route(EDITIONS + "{partner}.zip", portal.archive),
        Route(EDITIONS + "{partner}/{path:path}", portal.edition),
        Route(PARTNERS, _with_slash),
        Route(PARTNERS + "/{path:path}", _nothing),
        Route("/{path:path}", portal.public),
    ]
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=portal.settings.hosts, www_redirect=False),
            Middleware(RequestBodyLimitMiddleware, max_body_size=LONGEST_BODY),
        ],
        exception_handlers={HTTPException: _refused, Exception: _failed},
    )
    app.router.redirect_slashes = False
    return SecurityHeaders(app, secure=portal.settings.secure, longest=LONGEST_HEAD)


def _nothing(request: Request) -> Response:
    raise HTTPException(404)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    response = error_page(request, error.status_code)
    response.headers.update(error.headers or {})
    return response


def _failed(request: Request, error: Exception) -> Response:
    return error_page(request, 500)


def _with_slash(request: Request) -> Response:
    """Send to the address of a folder; the path begins with one slash only, or nothing was found there."""
    return Response(status_code=308, headers={"Location": quote(request.scope["path"]) + "/"})


async def _form(request: Request) -> dict[str, str]:
    """Return the fields of a small form that comes in time."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != _FORM_TYPE:
        raise HTTPException(400)
    try:
        async with asyncio.timeout(FORM_SECONDS):
            body = await request.body()
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=8, errors="strict"))
    except TimeoutError:
        raise HTTPException(408, headers={"Connection": "close"}) from None
    except (ValueError, ClientDisconnect):
        raise HTTPException(400) from None


def _chunks(archive: IO[bytes]) -> Iterator[bytes]:
    with archive:
        while chunk := archive.read(64 * 1024):
            yield chunk


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _who(account: Account, request: Request) -> dict[str, str]:
    return {"account": account.name, "organisation": account.organisation, "address": _address(request)}
