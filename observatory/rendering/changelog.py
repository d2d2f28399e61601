"""The log of the releases, kept as data by whoever publishes.

Belongs here: the file ``data/reference/nouveautes.yaml`` and its reading.
Does not: comparing figures between releases (``releases.differences``).
"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from observatory.cards import read_yaml
from observatory.errors import InputError
from observatory.opendata.changes import Correction as CorrectionRow
from observatory.rendering.french import typeset

CHANGES = "nouveautes.yaml"
"""Its file, among the reference tables."""
_REMEDY = (
    "corrigez-le sur le modèle versionné avec le code ; une phrase qui contient deux points se met entre "
    "guillemets."
)


class Correction(BaseModel):
    """A figure or a text that was wrong, and is no longer: when, what, why.

    ``indicators`` and ``territories`` (``level:code``) name what it touches, where that is known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    corrected_on: date
    what: str = Field(min_length=10)
    reason: str = Field(min_length=10)
    indicators: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], ...] = ()
    territories: tuple[
        Annotated[str, Field(pattern=r"^(iris|cite|commune|epci|basin|department|region|country):[\w-]+$")],
        ...,
    ] = ()


class ReleaseNotes(BaseModel):
    """What a release brings.

    Attributes:
        release: as on the card of the edition.
        published_on: its day.
        data: new data, one French sentence each.
        methods: new methods.
        corrections: what was wrong before.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    release: str = Field(pattern=r"^20\d\d-[1-9]\d?$")
    published_on: date
    data: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()


def read_changes(path: Path) -> tuple[ReleaseNotes, ...]:
    """Return the log of a YAML file, latest release first, its sentences typeset.

    Raises:
        InputError: the file is absent or unreadable, an entry lacks what it must have, or two entries have
            one release or are out of order.
    """
    entries = read_yaml(path, _REMEDY)
    if not isinstance(entries, list):
        raise InputError(path.name, "ce n’est pas une liste d’éditions.", _REMEDY)
    found = []
    for rank, entry in enumerate(entries, start=1):
        try:
            found.append(_typeset(ReleaseNotes.model_validate(entry)))
        except ValidationError as error:
            name = ".".join(map(str, error.errors()[0]["loc"])) or "édition"
            raise InputError(
                path.name, f"édition n° {rank} : « {name} » ne convient pas.", _REMEDY
            ) from error
    days = [one.published_on for one in found]
    if days != sorted(days, reverse=True) or len({one.release for one in found}) != len(found):
        raise InputError(
            path.name,
            "une édition y est deux fois, ou elles ne vont pas de la plus récente à la plus ancienne.",
            "remettez-les dans l’ordre, une entrée par édition.",
        )
    return tuple(found)


def corrections(log: Iterable[ReleaseNotes]) -> list[CorrectionRow]:
    """Return every correction of a log, as rows to publish."""
    return [
        (notes.release, one.corrected_on, one.what, one.reason, one.indicators, one.territories)
        for notes in log
        for one in notes.corrections
    ]


def _typeset(notes: ReleaseNotes) -> ReleaseNotes:
    return notes.model_copy(
        update={
            "data": tuple(map(typeset, notes.data)),
            "methods": tuple(map(typeset, notes.methods)),
            "corrections": tuple(
                one.model_copy(update={"what": typeset(one.what), "reason": typeset(one.reason)})
                for one in notes.corrections
            ),
        }
    )
