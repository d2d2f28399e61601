"""How carefully figures must be read, as frozen models read from ``precautions.yaml``.

Belongs here: from which base a figure is reliable, over which interval it may be compared, and why.
Does not: which indicator needs which (``catalogue``), applying them to figures (``rendering``).
"""

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from observatory.errors import ObservatoryError

PRECAUTIONS = Path(__file__).with_name("precautions.yaml")


class PrecautionError(ObservatoryError):
    """The precautions contradict one another, or an indicator names one that is not there."""


class Precaution(BaseModel):
    """One entry of ``precautions.yaml``, whose head says what its fields mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    reliable_from: int | None = Field(default=None, ge=2)
    reliability: str | None = None
    shortest_interval: int | None = Field(default=None, ge=1)
    breaks: tuple[int, ...] = ()
    exceptional: tuple[int, ...] = ()
    change_note: str

    @model_validator(mode="after")
    def _says_why(self) -> "Precaution":
        if (self.reliable_from is None) != (self.reliability is None):
            raise ValueError(f"la précaution « {self.id} » donne un seuil sans raison, ou l’inverse")
        return self


@cache
def load_precautions(path: Path = PRECAUTIONS) -> dict[str, Precaution]:
    """Return the precautions by identifier.

    Raises:
        PrecautionError: an identifier stands twice.
        pydantic.ValidationError: an entry breaks the model.
    """
    found: dict[str, Precaution] = {}
    for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
        one = Precaution.model_validate(entry)
        if one.id in found:
            raise PrecautionError(f"Deux précautions ont le même identifiant « {one.id} ».")
        found[one.id] = one
    return found


def get_precaution(identifier: str) -> Precaution:
    """Return a precaution.

    Raises:
        PrecautionError: ``precautions.yaml`` has none of that name.
    """
    try:
        return load_precautions()[identifier]
    except KeyError as error:
        raise PrecautionError(
            f"La précaution « {identifier} » n’est pas dans {PRECAUTIONS.name} ; connues : "
            f"{', '.join(load_precautions())}."
        ) from error
