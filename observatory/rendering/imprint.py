"""What identifies an edition: its name, its dates, whom to ask.

Belongs here: the card ``data/reference/edition.yaml`` and its reading.
Does not: anything derived from figures.
"""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from observatory.cards import read_card
from observatory.releases.embargo import instant, paris_day

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
        embargo_until: instant before which nobody outside may have it, an hour of Paris of that same day.
        doi: its DOI, once it is registered.
        next_update: when the next one is due, in French.
        contact: whom readers ask.
        address: where the site is served, if it is known: canonical and shared addresses, site map.
        portal: where partners sign in, ``/partenaires/`` of the portal, if it is open.
        host: who serves it, as the legal notice names it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: str = Field(pattern=r"^20\d\d-[1-9]\d?$")
    published_on: date
    embargo_until: Annotated[datetime, AfterValidator(instant)] | None = None
    doi: str | None = Field(default=None, pattern=r"^10\.\d{4,9}/[A-Za-z0-9._;()/:-]+$")
    next_update: str = Field(min_length=4)
    contact: Contact
    address: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+/$")
    portal: str | None = Field(default=None, pattern=r"^https://[^\s?#]+/partenaires/$")
    host: str | None = Field(default=None, min_length=3)

    @model_validator(mode="after")
    def _published_when_the_embargo_ends(self) -> Self:
        if self.embargo_until is not None and paris_day(self.embargo_until) != self.published_on:
            raise ValueError("l’embargo finit un autre jour que celui de la publication")
        return self


def read_imprint(path: Path) -> Imprint:
    """Return the card of a YAML file.

    Raises:
        InputError: the file is absent or unreadable, or the card lacks what it must have.
    """
    return read_card(path, Imprint)
