"""What the deliveries of landlords and of ANGDM have in common: a layout, a file read as text.

Belongs here: what a delivery is once sorted, how a producer's file is described, decoded and split.
Does not: the rules on values (``delivery_rules``), nor the columns and codes of one producer
(``landlords``, ``angdm``).

Nothing here quotes a delivered value: the data are confidential, so a quarantine says file, line,
column, rule and remedy, and the producer finds the value in its own file.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from observatory.errors import InputError
from observatory.tables import ContractError

QUARANTINE_SCHEMA = {
    "file": pl.String,
    "row": pl.Int64,
    "column": pl.String,
    "rule": pl.String,
    "remedy": pl.String,
}
"""One line per rejected row; ``row`` counts the lines of the file from 1, ``column`` is null when the
line as a whole is at fault."""


@dataclass(frozen=True)
class Delivery:
    """A delivery once sorted: every delivered row is either accepted or quarantined.

    Attributes:
        accepted: rows that conform to the table's contract.
        quarantined: one row per rejected row, as ``QUARANTINE_SCHEMA``, with its first broken rule.
        delivered: number of rows in the file, header, comments and blank lines apart.
        fictive: true when the file says, in a comment or on any row, that it is generated.
    """

    accepted: pl.DataFrame = field(repr=False)
    quarantined: pl.DataFrame
    delivered: int
    fictive: bool

    def __post_init__(self) -> None:
        if self.accepted.height + self.quarantined.height != self.delivered:
            raise ContractError(
                f"La livraison compte {self.delivered} lignes, mais {self.accepted.height} acceptées "
                f"et {self.quarantined.height} mises en quarantaine."
            )


@dataclass(frozen=True)
class Layout:
    """How one producer writes its file.

    Attributes:
        encoding: ``cp1252``, ``utf-8`` or, with a byte order mark, ``utf-8-sig``; the mark is written
            but never asked for.
        separator: column separator.
        decimal: decimal mark.
        date_format: as ``strptime`` reads it.
        date_example: the same, as the producer knows it.
        columns: the producer's header by our column name; all of them must be there.
        codes: for each coded column of ours, our code by the producer's code.
    """

    encoding: str
    separator: str
    decimal: str
    date_format: str
    date_example: str
    columns: Mapping[str, str]
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def encoding_label(self) -> str:
        """Name of the encoding, as an analyst knows it."""
        return "Windows-1252" if self.encoding == "cp1252" else "UTF-8"


@dataclass(frozen=True)
class Rows:
    """The rows of a file, still text.

    Attributes:
        frame: ``line`` (number in the file, from 1), ``readable`` and one String column per column of
            the layout, trimmed, null where empty.
        fictive: see ``Delivery``.
    """

    frame: pl.DataFrame = field(repr=False)
    fictive: bool


def file_label(path: Path) -> str:
    """Return the end of a path, as ``producer/year/file.csv``: enough to find it, no local folder."""
    return "/".join(path.parts[-3:])


def _decode(path: Path, layout: Layout) -> str:
    label, expected = file_label(path), layout.encoding_label
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            file=label,
            rule="le fichier est absent ou illisible.",
            remedy="vérifier son emplacement et les droits de lecture.",
        ) from error
    wrong = InputError(
        file=label,
        rule=f"le fichier n’est pas encodé en {expected}.",
        remedy=f"l’enregistrer de nouveau en CSV, encodage {expected}.",
    )
    if b"\x00" in content:
        raise wrong
    # Nearly any bytes decode as Windows-1252, whereas accented text that decodes as UTF-8 is UTF-8.
    if layout.encoding == "cp1252" and not content.isascii() and _is_utf8(content):
        raise wrong
    try:
        return content.decode("cp1252" if layout.encoding == "cp1252" else "utf-8-sig")
    except UnicodeDecodeError:
        # The original error quotes the content, which is confidential.
        raise wrong from None


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _split(line: str, separator: str) -> list[str]:
    """Return the cells of one line; none when its quotes do not close.

    A line is a row: a stray quote then spoils its own row instead of swallowing the next ones.
    """
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator, strict=True))
    except csv.Error:
        return []


def _header(cells: list[str], layout: Layout, label: str) -> list[int]:
    """Return where each column of the layout stands."""
    names = [cell.strip() for cell in cells]
    for name in layout.columns.values():
        if names.count(name) != 1:
            problem = "la colonne manque." if name not in names else "la colonne figure plusieurs fois."
            raise InputError(
                file=label,
                rule=problem,
                remedy=f"livrer les colonnes convenues, séparées par « {layout.separator} », "
                "une fois chacune et sous leur nom exact.",
                column=name,
            )
    return [names.index(name) for name in layout.columns.values()]


def read_rows(path: Path, layout: Layout) -> Rows:
    """Read a delivered CSV as text, one row per line that is not blank.

    Lines that begin with ``#`` before the header are comments.

    Raises:
        InputError: the file cannot be read, is not in the agreed encoding, has no header, or a column
            is missing or there twice.
    """
    label = file_label(path)
    text = _decode(path, layout).replace("\r\n", "\n").replace("\r", "\n")
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    start = next((i for i, (_, line) in enumerate(lines) if not line.startswith("#")), None)
    if start is None:
        raise InputError(
            file=label,
            rule="le fichier n’a pas de ligne d’en-tête.",
            remedy="livrer un fichier CSV dont la première ligne nomme les colonnes.",
        )
    fictive = any("fictive" in line.casefold() for _, line in lines[:start])
    header = _split(lines[start][1], layout.separator)
    places = _header(header, layout, label)
    nature = next((i for i, name in enumerate(header) if name.strip().casefold() == "nature"), None)
    numbers: list[int] = []
    readable: list[bool] = []
    records: list[list[str | None]] = []
    for number, line in lines[start + 1 :]:
        cells = _split(line, layout.separator)
        whole = len(cells) == len(header)
        numbers.append(number)
        readable.append(whole)
        records.append([cells[place].strip() or None for place in places] if whole else [None] * len(places))
        if nature is not None and whole and cells[nature].strip().casefold() == "fictif":
            fictive = True
    frame = pl.DataFrame(records, schema=dict.fromkeys(layout.columns, pl.String), orient="row").with_columns(
        pl.Series("line", numbers, dtype=pl.Int64), pl.Series("readable", readable, dtype=pl.Boolean)
    )
    return Rows(frame, fictive)
