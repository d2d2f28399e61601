"""What identifies an edition: its name, its dates, whom to ask.

Belongs here: the card ``data/reference/edition.yaml`` and its reading.
Does not: anything derived from figures.
"""

from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from observatory.cards import read_card

CARD = "edition.yaml"
"""Its file, among the reference tables."""


class Contact(BaseModel):
    """Whom readers ask.

    Attributes:
        organisation: name.
        address: lines of its postal address.
        phone: as written in French, ``03 21 08 72 72``.
        website: host, as readers type it.
        email: address to write to.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    organisation: str = Field(min_length=3)
    address: tuple[str, ...] = Field(min_length=1)
    phone: str | None = Field(default=None, pattern=r"^0\d(?: \d\d){4}$")
    website: str | None = Field(default=None, pattern=r"^[a-z0-9-]+(?:\.[a-z0-9-]+)+$")
    email: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+\.[a-z]+$")


class Imprint(BaseModel):
    """The card of an edition.

    Attributes:
        release: year and number of the edition, ``2026-1``.
        published_on: day from which it may be cited.
        next_update: when the next one is due, in French.
        contact: whom readers ask.
        address: where the site is served, if it is known: canonical and shared addresses, site map.
        host: who serves it, as the legal notice names it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: str = Field(pattern=r"^20\d\d-[1-9]\d?$")
    published_on: date
    next_update: str = Field(min_length=4)
    contact: Contact
    address: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+/$")
    host: str | None = Field(default=None, min_length=3)


def read_imprint(path: Path) -> Imprint:
    """Return the card of a YAML file.

    Raises:
        InputError: the file is absent or unreadable, or the card lacks what it must have.
    """
    return read_card(path, Imprint)
