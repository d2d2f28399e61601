"""Where the portal is reached, and what follows from it.

Belongs here: the public address, hosts, names of cookies. Does not: how the process listens (``serving``).
"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from observatory.errors import ObservatoryError
from observatory.paths import DataPaths

LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")


class AddressError(ObservatoryError):
    """The portal cannot be safely reached as asked."""


@dataclass(frozen=True)
class Settings:
    """The folders that are served, and the origin that browsers see.

    Attributes:
        paths: data folders.
        origin: scheme, host and port without a slash at the end, ``https://portail.example.fr``.
    """

    paths: DataPaths
    origin: str

    @property
    def secure(self) -> bool:
        """Whether browsers come over TLS: cookies are then for TLS only."""
        return self.origin.startswith("https://")

    @property
    def hosts(self) -> list[str]:
        """Hosts that requests may name: that of the origin, and this machine, for probes."""
        return [urlsplit(self.origin).hostname or "", *LOOPBACK]

    def cookie(self, name: str) -> str:
        """Return the name of a cookie; ``__Host-`` binds it to this very host, path and to TLS.

        Over loopback HTTP, for trials, cookies have neither the prefix nor ``Secure``: some browsers would
        not keep them.
        """
        return f"__Host-{name}" if self.secure else f"observatoire-{name}"


def origin_of(address: str | None, host: str, port: int) -> str:
    """Return the origin that browsers see.

    Args:
        address: public address, ``https://…``; None on loopback.
        host: address of this machine to listen on.
        port: port to listen on.

    Raises:
        AddressError: the address is not an ``https://`` origin, or there is none beyond loopback.
    """
    if address is None:
        if not _is_loopback(host):
            raise AddressError(
                f"Écouter sur {host} montrerait le portail sans chiffrement au réseau. Que faire : donner "
                "l’adresse publique du mandataire TLS par --address https://…, ou rester sur 127.0.0.1."
            )
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"
    parts = urlsplit(address)
    if (
        parts.scheme != "https"
        or not parts.hostname
        or parts.path.strip("/")
        or parts.query
        or "@" in address
    ):
        raise AddressError(
            f"L’adresse publique « {address} » n’est pas de la forme https://portail.exemple.fr. Que faire : "
            "donner le nom d’hôte seul, précédé de https://, sans chemin."
        )
    return f"https://{parts.netloc}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
