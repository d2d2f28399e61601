"""Alerts: what happened to a run nobody watches, told by mail or to an address, both off by default.

Belongs here: the message, the settings (``data/confidential/alertes.yaml``) and the two transports.
Does not: when there is something to tell (``assets.automation``).

An alert names sources, vintages and steps. It never carries a delivered value, nor a secret: passwords and
tokens come from the environment only.
"""

import ipaddress
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import requests
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from observatory.cards import read_card
from observatory.errors import ObservatoryError
from observatory.paths import DataPaths

SETTINGS = "alertes.yaml"
PASSWORD_VARIABLE, TOKEN_VARIABLE = "OBSERVATORY_SMTP_PASSWORD", "OBSERVATORY_WEBHOOK_TOKEN"
ATTEMPTS = 3
_TIMEOUT = 10.0
_PAUSE = 2.0
_RETRIED = (429, 500, 502, 503, 504)

Level = Literal["échec", "information"]
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$")]


class AlertError(ObservatoryError):
    """An alert did not leave by one of its transports."""


@dataclass(frozen=True)
class Alert:
    """One message.

    Attributes:
        level: whether something failed, or is to be known.
        what: what happened, in French, a sentence.
        where: source, step, run or file.
        remedy: what to do about it, in French.
    """

    level: Level
    what: str
    where: str
    remedy: str

    @property
    def title(self) -> str:
        """One line, which no line break can leave."""
        first = " ".join(self.what.partition("\n")[0].split())
        return f"Observatoire du Bassin minier – {self.level} : {first[:120]}"

    @property
    def text(self) -> str:
        """The whole message."""
        return f"Quoi : {self.what}\n\nOù : {self.where}\n\nQue faire : {self.remedy}\n"


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Mail(_Settings):
    """A mail server.

    Attributes:
        host: its name.
        port: its port.
        starttls: whether the connection is encrypted before anything is said; required beyond this machine.
        authority: file of the certificates to trust, where the server's is not from a known authority.
        user: account; its password is in the environment.
        sender: address that writes.
        recipients: addresses that are written to.
    """

    host: str = Field(min_length=1)
    port: int = Field(587, ge=1, le=65535)
    starttls: bool = True
    authority: Path | None = None
    user: str | None = None
    sender: Address
    recipients: tuple[Address, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        if not self.starttls and (self.user is not None or not _is_loopback(self.host)):
            raise ValueError("starttls")
        return self


class Webhook(_Settings):
    """An address that is posted a JSON object.

    Attributes:
        url: the address; https, but on this machine.
    """

    url: str

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        parts = urlsplit(self.url)
        plain = parts.scheme == "http" and _is_loopback(parts.hostname or "")
        if not parts.hostname or not (parts.scheme == "https" or plain):
            raise ValueError("https")
        return self


class AlertSettings(_Settings):
    """By what alerts leave.

    Attributes:
        smtp: the mail server, if any.
        webhook: the address, if any.
    """

    smtp: Mail | None = None
    webhook: Webhook | None = None


def read_settings(paths: DataPaths) -> AlertSettings | None:
    """Return the settings of this installation; None without a file: alerts are off.

    Raises:
        InputError: the file is unreadable, or an entry does not suit.
    """
    path = paths.confidential / SETTINGS
    return read_card(path, AlertSettings) if path.exists() else None


def deliver(
    alert: Alert,
    settings: AlertSettings,
    environment: Mapping[str, str],
    pause: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Send an alert by each transport that is set, and return their names.

    Args:
        alert: the message.
        settings: by what it leaves.
        environment: where the password and the token are.
        pause: waits between two attempts, seconds.

    Raises:
        AlertError: a transport failed; the others were tried all the same.
    """
    sent, failed = [], []
    for name, send in (("SMTP", _mail), ("webhook", _post)):
        try:
            if send(alert, settings, environment, pause):
                sent.append(name)
        except (OSError, smtplib.SMTPException, requests.RequestException, AlertError) as error:
            # The address may hold a secret, and requests repeats it: only what kind of fault it is.
            told = str(error) if isinstance(error, AlertError) else type(error).__name__
            failed.append(f"{name} ({told})")
    if failed:
        raise AlertError(
            f"L’alerte « {alert.title} » n’est pas partie par {', '.join(failed)}. Vérifiez {SETTINGS}, "
            "puis « observatory alert »."
        )
    return sent


def _mail(
    alert: Alert,
    settings: AlertSettings,
    environment: Mapping[str, str],
    pause: Callable[[float], None],
) -> bool:
    server = settings.smtp
    if server is None:
        return False
    password = environment.get(PASSWORD_VARIABLE)
    if server.user is not None and not password:
        raise AlertError(f"le mot de passe manque : donnez-le par {PASSWORD_VARIABLE}")
    message = EmailMessage()
    message["Subject"], message["From"] = alert.title, server.sender
    message["To"] = ", ".join(server.recipients)
    message.set_content(alert.text)
    for attempt in range(ATTEMPTS):
        try:
            with smtplib.SMTP(server.host, server.port, timeout=_TIMEOUT) as connection:
                if server.starttls:
                    connection.starttls(context=ssl.create_default_context(cafile=server.authority))
                if server.user is not None and password:
                    connection.login(server.user, password)
                connection.send_message(message)
            return True
        except (smtplib.SMTPException, OSError) as error:
            if attempt == ATTEMPTS - 1 or _is_final(error):
                raise
            pause(_PAUSE * 2**attempt)
    return True


def _post(
    alert: Alert,
    settings: AlertSettings,
    environment: Mapping[str, str],
    pause: Callable[[float], None],
) -> bool:
    if settings.webhook is None:
        return False
    token = environment.get(TOKEN_VARIABLE)
    body = {
        "text": f"{alert.title}\n\n{alert.text}",
        "niveau": alert.level,
        "quoi": alert.what,
        "ou": alert.where,
        "que_faire": alert.remedy,
    }
    for attempt in range(ATTEMPTS):
        last = attempt == ATTEMPTS - 1
        try:
            answer = requests.post(
                settings.webhook.url,
                json=body,
                headers={"Authorization": f"Bearer {token}"} if token else {},
                timeout=_TIMEOUT,
                allow_redirects=False,
            )
        except (requests.ConnectionError, requests.Timeout):
            if last:
                raise
        else:
            if answer.ok and not answer.is_redirect:
                return True
            if last or answer.status_code not in _RETRIED:
                raise AlertError(f"code {answer.status_code}")
        pause(_PAUSE * 2**attempt)
    return True


def _is_final(error: Exception) -> bool:
    """Whether asking again would change nothing: a refused account, certificate or address."""
    code = getattr(error, "smtp_code", 0)
    final = (smtplib.SMTPNotSupportedError, smtplib.SMTPRecipientsRefused, ssl.SSLCertVerificationError)
    return isinstance(error, final) or 500 <= code < 600


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
