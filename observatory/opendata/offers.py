"""What an edition offers to download: files as written, and what they hold.

Belongs here: the description of a file and of what is offered in one or several formats.
Does not: writing them (``publishing``), the page (``rendering``), catalogues (``description``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from observatory.opendata.archives import fingerprint
from observatory.opendata.exports import Export
from observatory.opendata.layers import Layer

TITLE = "Observatoire du Bassin minier"


@dataclass(frozen=True)
class Publisher:
    """Who publishes an edition, and how to reach them.

    Attributes:
        name: organisation.
        address: lines of its postal address, the last one being « postcode town ».
        phone: as written in French.
        website: host, as readers type it.
        email: address to write to.
    """

    name: str
    address: tuple[str, ...]
    phone: str | None = None
    website: str | None = None
    email: str | None = None


@dataclass(frozen=True)
class OfferedFile:
    """A file as written: path in the folder, format, what sets it apart in its offer, bytes, SHA-256."""

    name: str
    format: str
    content: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Offer:
    """What is offered in one or several formats.

    Attributes:
        name: identifier that lasts from one edition to the next, in lower case and without accents.
        group: ``figures``, ``maps``, ``sheets``, ``typology``, ``dashboard``, ``reference``,
            ``geoportal`` or ``developers``.
        title: French title.
        description: what it holds, in French.
        files: its formats.
        rows: its number of rows, or of territories.
        unit: what is counted, singular and plural.
        licences: those of what it holds, French.
        columns: French notes by column.
        fictive: whether it holds figures that derive from generated data.
        file_ids: source files that it derives from, as far as each row says.
        years: first and last year that its figures describe; none where it has no figures of a year.
        layer: what is drawn, if it is a layer.
        export: its table, if it is one.
    """

    name: str
    group: str
    title: str
    description: str
    files: tuple[OfferedFile, ...]
    rows: int
    unit: tuple[str, str]
    licences: tuple[str, ...]
    columns: Mapping[str, str] = field(default_factory=dict)
    fictive: bool = False
    file_ids: tuple[str, ...] = ()
    years: tuple[int, int] | None = None
    layer: Layer | None = None
    export: Export | None = None


def offered(folder: Path, name: str, written: str, content: str = "") -> OfferedFile:
    """Describe a file as written.

    Args:
        folder: that of the open data.
        name: path of the file in it.
        written: its format, as readers call it.
        content: what sets it apart, in French.
    """
    read = (folder / name).read_bytes()
    return OfferedFile(name, written, content, len(read), fingerprint(read))
