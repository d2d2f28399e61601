"""Identifiers replaced by keyed fingerprints (HMAC-SHA256), the same from one year to the next.

Belongs here: where the key comes from, its refusals, the fingerprints. Does not: storing them (``store``).

Whoever has the key and a list of identifiers can tell who is who: the key stays out of the data folder.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from observatory.errors import ObservatoryError

HASH_KEY_VARIABLE = "OBSERVATORY_HASH_KEY"
SHORTEST_KEY = 16
"""Bytes."""

_FICTIVE_SECRET = b"observatory: fictive deliveries"


class HashKeyError(ObservatoryError):
    """The key is absent, too short, or not the one that a delivery was taken with."""


@dataclass(frozen=True)
class HashKey:
    """The secret that identifiers are fingerprinted with; it never shows."""

    secret: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """What tells two keys apart, and gives neither away."""
        return hmac.new(self.secret, b"fingerprint of the key", hashlib.sha256).hexdigest()[:16]

    def of(self, producer: str, identifier: str) -> str:
        """Return the fingerprint of one identifier of a producer, in hexadecimal."""
        message = f"{producer}\x00{identifier}".encode()
        return hmac.new(self.secret, message, hashlib.sha256).hexdigest()

    def of_all(self, producer: str, identifiers: pl.Series) -> pl.Series:
        """Return the fingerprints of a String column; null stays null."""
        prints = [None if one is None else self.of(producer, one) for one in identifiers]
        return pl.Series(identifiers.name, prints, dtype=pl.String)


FICTIVE_KEY = HashKey(_FICTIVE_SECRET)
"""Key of generated deliveries, known to all since they hide nobody."""


def hash_key(*, fictive: bool, environment: Mapping[str, str]) -> HashKey:
    """Return the key of a delivery: the known one if it is generated, else that of the environment.

    Raises:
        HashKeyError: the environment has none, or one of less than 16 bytes.
    """
    if fictive:
        return FICTIVE_KEY
    secret = environment.get(HASH_KEY_VARIABLE, "").encode()
    if len(secret) < SHORTEST_KEY:
        problem = "est absente" if not secret else f"a moins de {SHORTEST_KEY} octets"
        raise HashKeyError(
            f"La clé des identifiants {problem}. Une livraison réelle n’est prise qu’avec une clé : donner à "
            f"{HASH_KEY_VARIABLE} un secret de {SHORTEST_KEY} octets ou plus, toujours le même, gardé hors "
            "du dossier de données."
        )
    return HashKey(secret)
