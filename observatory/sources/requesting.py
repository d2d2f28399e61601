"""One HTTP request bounded in time, and what its failure means for the analyst.

Belongs here: limits, clocks, rate, redirects, transport errors and status codes, each with its remedy.
Does not: the body of the answer (``fetching``).
"""

import ssl
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import random
from urllib.parse import urldefrag, urljoin, urlsplit

import requests
from requests import exceptions as failures
from urllib3 import exceptions as lower

from observatory import __version__
from observatory.errors import ObservatoryError

USER_AGENT = f"observatoire-bassin-minier/{__version__} (+contact in README)"
LANDING = "déposez le fichier dans data/landing/<source>/<millésime>/"
_TRANSIENT = (429, 500, 502, 503, 504)


@dataclass(eq=False)
class FetchError(ObservatoryError):
    """A file could not be had.

    Attributes:
        source: id of the source.
        url: address asked for, or path of a local file.
        cause: what happened, in French, a sentence.
        remedy: what to do about it, in French, a sentence.
        transient: whether the same request may succeed later.
        retry_after: seconds that the server asks to wait, if it says so.
        attempts: requests made before giving up.
    """

    source: str
    url: str
    cause: str
    remedy: str
    transient: bool = False
    retry_after: float | None = None
    attempts: int = 1

    def __str__(self) -> str:
        attempts = f" ({self.attempts} essais)" if self.attempts > 1 else ""
        return (
            f"Source « {self.source} », adresse « {self.url} »{attempts} : {self.cause} "
            f"Que faire : {self.remedy}"
        )


@dataclass(frozen=True)
class Limits:
    """What one fetch may cost.

    Attributes:
        connect_seconds: time to open a connection.
        read_seconds: longest silence of the server.
        total_seconds: whole fetch, all attempts and waits included.
        attempts: requests at most, the first included.
        backoff_seconds: wait before the second attempt; doubles at each one.
        longest_wait_seconds: longest wait between two attempts, whatever the server asks.
        redirects: hops followed.
        size: largest body in bytes.
    """

    connect_seconds: float = 10.0
    read_seconds: float = 60.0
    total_seconds: float = 1800.0
    attempts: int = 4
    backoff_seconds: float = 1.0
    longest_wait_seconds: float = 120.0
    redirects: int = 5
    size: int = 1_000_000_000


@dataclass(frozen=True)
class Clock:
    """Time and chance, so that tests may hold them."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = random


def _seconds(number: float) -> str:
    return f"{number:g} s".replace(".", ",")


class RateLimiter:
    """At most ``requests`` per ``seconds`` to each host, over a sliding window; safe between threads."""

    def __init__(self, requests: int, seconds: float, clock: Clock | None = None) -> None:
        """Allow ``requests`` in any ``seconds``; the Melodi API of INSEE takes 30 in 60."""
        self._seconds = seconds
        self._clock = clock or Clock()
        self._slots: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=requests))
        self._lock = threading.Lock()

    def wait(self, host: str) -> float:
        """Take the next free slot of ``host``, sleep until then and return the seconds slept."""
        with self._lock:
            slots = self._slots[host]
            now = self._clock.monotonic()
            slot = max(now, slots[0] + self._seconds) if len(slots) == slots.maxlen else now
            slots.append(slot)
        if slot > now:
            self._clock.sleep(slot - now)
        return slot - now


@dataclass(frozen=True)
class Errand:
    """One file to fetch: what for, from where, within what; makes the errors that name them."""

    source: str
    url: str
    limits: Limits
    clock: Clock
    limiter: RateLimiter | None
    deadline: float

    def error(
        self, cause: str, remedy: str, *, transient: bool = False, retry_after: float | None = None
    ) -> FetchError:
        """Return an error on this source and address."""
        return FetchError(self.source, self.url, cause, remedy, transient, retry_after)

    def remaining(self) -> float:
        """Return the seconds left before the deadline.

        Raises:
            FetchError: there are none.
        """
        left = self.deadline - self.clock.monotonic()
        if left <= 0:
            raise self.too_slow()
        return left

    def too_slow(self) -> FetchError:
        """Return the error of a fetch that passes its deadline."""
        return self.error(
            f"le téléchargement dépasse le délai total de {_seconds(self.limits.total_seconds)}.",
            f"relancez : ce qui est déjà reçu sera repris si le serveur le permet ; sinon, {LANDING}.",
        )


def check_url(errand: Errand, url: str) -> None:
    """Refuse an address that is not http(s) to a host, or carries a password that would end in a log."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname)
        secret = parts.username is not None or parts.password is not None
    except ValueError:
        valid, secret = False, False
    if not valid:
        raise errand.error(
            "ce n’est pas une adresse http ou https valable.", "corrigez-la dans le catalogue des sources."
        )
    if secret:
        raise FetchError(
            errand.source,
            f"{parts.scheme}://{parts.hostname}",
            "l’adresse porte un identifiant ou un mot de passe.",
            "retirez-le du catalogue : les sources prévues sont ouvertes à tous.",
        )


class DirectSession(requests.Session):
    """A session that never looks at redirects: requests would read their whole body, whatever its size."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None, whatever the answer."""
        return None


def open_response(errand: Errand, session: requests.Session, headers: Mapping[str, str]) -> requests.Response:
    """Return the answer to a GET, body unread, after at most ``limits.redirects`` hops.

    Raises:
        FetchError: no answer in time, no trusted connection, or a redirect that loops, has no end, leaves
            http(s) or goes from https to http.
    """
    url, seen = errand.url, [errand.url]
    while True:
        response = _get(errand, session, url, headers)
        if not response.is_redirect:
            return response
        response.close()
        target = _target(errand, response, url)
        _check_redirect(errand, url, target, seen)
        seen.append(target)
        url = target


def _target(errand: Errand, response: requests.Response, url: str) -> str:
    try:
        # Headers are read as latin-1, whereas servers write UTF-8.
        location = response.headers["Location"].encode("latin-1").decode("utf-8")
        return urldefrag(urljoin(url, location)).url
    except ValueError as error:
        raise errand.error(
            "le serveur redirige vers une adresse illisible.",
            f"vérifiez l’adresse sur la page du producteur et corrigez le catalogue, ou {LANDING}.",
        ) from error


def _check_redirect(errand: Errand, url: str, target: str, seen: list[str]) -> None:
    remedy = f"vérifiez l’adresse sur la page du producteur et corrigez le catalogue, ou {LANDING}."
    if target in seen:
        raise errand.error(f"les redirections tournent en rond (retour à {target}).", remedy)
    if len(seen) > errand.limits.redirects:
        raise errand.error(f"plus de {errand.limits.redirects} redirections se suivent.", remedy)
    if urlsplit(url).scheme == "https" and urlsplit(target).scheme == "http":
        raise errand.error(
            f"le serveur redirige vers une adresse non chiffrée ({target}), ce qui est refusé.", remedy
        )
    check_url(errand, target)


def _get(
    errand: Errand, session: requests.Session, url: str, headers: Mapping[str, str]
) -> requests.Response:
    if errand.limiter is not None:
        errand.limiter.wait(urlsplit(url).hostname or "")
    left = errand.remaining()
    timeout = (min(errand.limits.connect_seconds, left), min(errand.limits.read_seconds, left))
    answer = _in_thread(
        lambda: session.get(url, headers=headers, timeout=timeout, stream=True, allow_redirects=False)
    )
    try:
        return answer.result(left)
    except TimeoutError as error:
        answer.add_done_callback(_close)
        raise errand.too_slow() from error
    except failures.RequestException as error:
        raise transport_error(errand, error) from error


def _in_thread(call: Callable[[], requests.Response]) -> "Future[requests.Response]":
    """Run a request aside: timeouts of sockets bound neither name resolution nor headers that drip."""
    future: Future[requests.Response] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        # Not handled here: raised again by ``Future.result`` in the thread that waits.
        except Exception as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True, name="fetch").start()
    return future


def _close(late: "Future[requests.Response]") -> None:
    if late.exception() is None:
        late.result().close()


def transport_error(errand: Errand, error: Exception) -> FetchError:
    """Return what a failure of requests or urllib3 means.

    A server that cannot be reached or trusted is not asked again: the cause is rarely gone a second later.
    A connection lost on the way is.
    """
    if isinstance(error, failures.SSLError):
        return errand.error(
            f"la connexion sécurisée est refusée, car {_tls_reason(error)}.",
            "vérifiez la date de la machine ; derrière un proxy qui déchiffre le trafic, indiquez son "
            f"certificat par REQUESTS_CA_BUNDLE ; sinon, {LANDING}. La vérification ne se désactive pas.",
        )
    if isinstance(error, failures.ProxyError):
        return errand.error(
            "le proxy ne répond pas ou refuse la connexion.",
            "vérifiez HTTP_PROXY, HTTPS_PROXY et NO_PROXY auprès de votre service informatique.",
        )
    if isinstance(error, failures.ConnectTimeout) or _within(error, lower.NewConnectionError):
        return errand.error(
            "le serveur est injoignable (nom inconnu, connexion refusée ou sans réponse).",
            f"vérifiez l’accès à Internet et le proxy (HTTPS_PROXY) ; à défaut, {LANDING} "
            "ou utilisez un miroir (--sources mirror=DOSSIER).",
        )
    retry = f"relancez plus tard ; si cela persiste, {LANDING}."
    if isinstance(error, failures.Timeout | lower.TimeoutError):
        silence = _seconds(errand.limits.read_seconds)
        return errand.error(f"le serveur se tait depuis plus de {silence}.", retry, transient=True)
    if isinstance(error, failures.ConnectionError | lower.ProtocolError | lower.SSLError):
        return errand.error(
            "la connexion a été coupée avant la fin : le fichier reçu est incomplet.", retry, transient=True
        )
    return errand.error(f"la requête a échoué ({type(error).__name__}).", retry)


def _within(error: BaseException, wanted: type[BaseException]) -> BaseException | None:
    """Return the error of type ``wanted`` in what ``error`` wraps: libraries nest theirs in arguments."""
    stack: list[object] = [error]
    met: set[int] = set()
    while stack:
        item = stack.pop()
        if isinstance(item, wanted):
            return item
        if isinstance(item, BaseException) and id(item) not in met:
            met.add(id(item))
            stack += [*item.args, getattr(item, "reason", None), item.__cause__, item.__context__]
    return None


def _tls_reason(error: BaseException) -> str:
    refused = _within(error, ssl.SSLCertVerificationError)
    if isinstance(refused, ssl.SSLCertVerificationError):
        return f"le certificat du serveur n’est pas reconnu ({refused.verify_message.rstrip('.')})"
    other = _within(error, ssl.SSLError)
    reason = other.reason if isinstance(other, ssl.SSLError) else None
    return f"la négociation avec le serveur a échoué ({reason or 'sans détail'})"


def status_error(errand: Errand, response: requests.Response) -> FetchError:
    """Return what an answer other than the file means, from its status code."""
    code = response.status_code
    check = f"vérifiez l’adresse sur la page du producteur et corrigez le catalogue, ou {LANDING}."
    if code in (404, 410):
        return errand.error(f"le fichier n’existe pas ou plus à cette adresse (code {code}).", check)
    if code in (401, 403):
        return errand.error(
            f"le serveur refuse l’accès (code {code}).",
            f"ouvrez l’adresse dans un navigateur ; si elle s’y ouvre, {LANDING}.",
        )
    if code in _TRANSIENT:
        cause = "le serveur limite le nombre de requêtes" if code == 429 else "le serveur est en panne"
        return errand.error(
            f"{cause} (code {code}).",
            f"relancez plus tard ; si cela persiste, {LANDING}.",
            transient=True,
            retry_after=_retry_after(response.headers.get("Retry-After"), errand.clock),
        )
    return errand.error(f"le serveur a répondu par un code inattendu ({code}).", check)


def _retry_after(value: str | None, clock: Clock) -> float | None:
    """Return the seconds to wait: the header holds a number or an HTTP date; anything else says nothing."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    return max(0.0, (aware - clock.now()).total_seconds())
