"""A delivered file as grids of text: bytes to lines and cells, the row of headers found.

Belongs here: encodings, separators, quotes, sheets, limits of size. Does not: what the cells mean
(``values``, ``rules``), nor which columns are wanted (``mappings``).

A row is a line, or a row of a sheet, with anything in it; nothing else is left out.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import polars as pl

from observatory.errors import InputError
from observatory.intake.contracts import DeliveryContract
from observatory.intake.mappings import NATURE, Header, Mapping, known_cells, text_key, understand
from observatory.intake.workbook import Sheet, is_workbook, read_workbook

MAX_BYTES = 200_000_000
MAX_ROWS = 1_000_000
MAX_COLUMNS = 500
"""Far beyond any true delivery (63 000 dwellings); what is larger is a mistake or an attack."""

HEADER_ROWS = 50
SEPARATORS = (";", ",", "\t", "|")

_GENERATED = "fictif"


@dataclass(frozen=True)
class Grid:
    """The rows of a text file or of one sheet.

    Attributes:
        sheet: name of the sheet; None for a text file.
        header: its headers, understood.
        frame: ``line`` (number in the file or sheet, from 1), ``readable`` and one String column per known
            column that is there, trimmed, null where empty.
        typed: whether the cells come from a workbook, whose numbers and dates have no style.
    """

    sheet: str | None
    header: Header
    frame: pl.DataFrame = field(repr=False)
    typed: bool


@dataclass(frozen=True)
class Content:
    """What a delivered file holds.

    Attributes:
        grids: one per sheet that has the columns; exactly one for a text file.
        ignored_sheets: names of the other sheets.
    """

    grids: tuple[Grid, ...]
    ignored_sheets: tuple[str, ...] = ()

    @property
    def fictive(self) -> bool:
        """Whether every row says that it is generated. One row that does not makes the file a real one."""
        marks = [
            grid.frame.filter("readable")[NATURE].str.to_lowercase()
            if NATURE in grid.frame.columns
            else pl.Series([None] * grid.frame.height, dtype=pl.String)
            for grid in self.grids
        ]
        every = pl.concat(marks)
        return every.len() > 0 and bool((every == _GENERATED).fill_null(False).all())


def read_delivery(path: Path, mapping: Mapping, contract: DeliveryContract) -> Content:
    """Read a delivered file, CSV or workbook, as text.

    Raises:
        InputError: the file is absent, too large, in no known encoding or format, or has no row of headers
            with the required columns. No message quotes a cell, the headers apart.
    """
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError:
        raise InputError(
            path.name,
            "le fichier est absent ou illisible.",
            "vérifier son emplacement et les droits de lecture.",
        ) from None
    if size > MAX_BYTES:
        raise InputError(
            path.name,
            f"le fichier dépasse {MAX_BYTES // 1_000_000} Mo.",
            "vérifier que c’est bien la livraison, puis la livrer en CSV.",
        )
    if is_workbook(content):
        return _from_workbook(content, path.name, mapping, contract)
    return Content((_from_text(content, path.name, mapping, contract),))


def decode(content: bytes, file: str, encoding: str | None = None) -> str:
    """Return the text of a file, in the encoding that is stated or that its bytes tell.

    A byte order mark decides; then UTF-8 if the bytes are UTF-8; then Windows-1252, which covers Latin-1.

    Raises:
        InputError: the bytes are in no such encoding.
    """
    candidates = [encoding] if encoding else []
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        candidates = ["utf-16"]
    elif not candidates:
        if b"\x00" in content[:200]:
            candidates = ["utf-16-le" if content[1:2] == b"\x00" else "utf-16-be"]
        else:
            candidates = ["utf-8-sig", "cp1252"]
    elif encoding == "utf-8":
        candidates = ["utf-8-sig"]
    for candidate in candidates:
        try:
            text = content.decode(candidate)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise InputError(
        file,
        "l’encodage du fichier n’est pas reconnu, ou le fichier est abîmé.",
        "l’enregistrer en CSV UTF-8, ou en XLSX sans mot de passe.",
    )


def split_line(line: str, separator: str) -> list[str]:
    """Return the cells of one line; none when its quotes do not close.

    A line is a row: a stray quote then spoils its own row instead of swallowing the next ones.
    """
    if '"' not in line:
        return line.split(separator)
    try:
        return next(csv.reader([line], delimiter=separator, strict=True))
    except csv.Error:
        return []


def _from_text(content: bytes, file: str, mapping: Mapping, contract: DeliveryContract) -> Grid:
    text = decode(content, file, mapping.encoding).replace("\r\n", "\n").replace("\r", "\n")
    lines = list(enumerate(text.split("\n"), 1))
    headers = mapping.headers(contract)
    separators = (mapping.separator,) if mapping.separator else SEPARATORS
    tops = [(number, line) for number, line in lines if line.strip()][:HEADER_ROWS]
    candidates = [
        (known_cells(cells := split_line(line, separator), headers), -number, len(cells), separator)
        for number, line in tops
        for separator in separators
    ]
    best = max(candidates, key=lambda one: one[:3], default=(0, 0, 0, ";"))
    if best[0] < _enough(contract):
        raise _no_header(file, contract)
    row, separator = -best[1], best[3]
    header = split_line(lines[row - 1][1], separator)
    nothing = {ord(separator): None, ord('"'): None}
    rows = [
        (number, split_line(line, separator))
        for number, line in lines[row:]
        if line.translate(nothing).strip()
    ]
    return _grid(None, header, rows, file, contract, mapping, typed=False)


def _from_workbook(content: bytes, file: str, mapping: Mapping, contract: DeliveryContract) -> Content:
    headers = mapping.headers(contract)
    required = {one.column for one in contract.columns if one.required and one.when is None}
    sheets = read_workbook(content, file)
    if mapping.sheet is not None:
        wanted = mapping.sheet.casefold()
        chosen = [sheet for sheet in sheets if fnmatchcase(sheet.name.casefold(), wanted)]
    else:
        chosen = sheets
    found: list[tuple[int, int, bool, Sheet]] = []
    for sheet in chosen:
        tops = [(rank, row) for rank, row in enumerate(sheet.rows) if any(row)][:HEADER_ROWS]
        counts = [(known_cells(row, headers), -rank) for rank, row in tops]
        known, rank = max(counts, default=(0, 0))
        columns = (
            {headers[key] for key in map(text_key, sheet.rows[-rank]) if key in headers} if known else set()
        )
        found.append((known, -rank, required <= columns, sheet))
    whole = [one for one in found if one[2]]
    # Without a whole sheet, the one that comes nearest says in its refusal what is missing.
    retained = whole or sorted(found, key=lambda one: -one[0])[:1]
    if not retained or retained[0][0] < _enough(contract):
        raise _no_header(file, contract)
    grids = []
    for _, rank, _, sheet in retained:
        rows = [(number, row) for number, row in enumerate(sheet.rows[rank + 1 :], rank + 2) if any(row)]
        grids.append(_grid(sheet.name, sheet.rows[rank], rows, file, contract, mapping, typed=True))
    read = {grid.sheet for grid in grids}
    return Content(tuple(grids), tuple(sheet.name for sheet in sheets if sheet.name not in read))


def _enough(contract: DeliveryContract) -> int:
    """Return how many known headers make a row of headers: no row of values has as many by chance."""
    return max(2, sum(one.required and one.when is None for one in contract.columns) // 2)


def _no_header(file: str, contract: DeliveryContract) -> InputError:
    names = ", ".join(f"« {one.name} »" for one in contract.columns if one.required and one.when is None)
    return InputError(
        file,
        f"aucune des {HEADER_ROWS} premières lignes n’est une ligne d’en-tête reconnue.",
        f"nommer les colonnes comme dans l’annexe (au moins {names}), ou compléter le fichier de "
        "correspondance du producteur.",
    )


def _grid(
    sheet: str | None,
    cells: Sequence[str],
    rows: list[tuple[int, list[str]]],
    file: str,
    contract: DeliveryContract,
    mapping: Mapping,
    *,
    typed: bool,
) -> Grid:
    if len(rows) > MAX_ROWS or len(cells) > MAX_COLUMNS:
        raise InputError(
            file,
            f"le fichier dépasse {MAX_ROWS // 1_000_000} million de lignes ou {MAX_COLUMNS} colonnes.",
            "vérifier que c’est bien la livraison.",
        )
    header = understand(cells, contract, mapping, file)
    places, width = list(header.places.values()), len(cells)
    whole = [len(row) >= width and not any(cell.strip() for cell in row[width:]) for _, row in rows]
    blank = {"", *mapping.blank}
    records = [
        [None if (cell := row[place].strip()) in blank else cell for place in places]
        if kept
        else [None] * len(places)
        for (_, row), kept in zip(rows, whole, strict=True)
    ]
    frame = pl.DataFrame(records, schema=dict.fromkeys(header.places, pl.String), orient="row").with_columns(
        pl.Series("line", [number for number, _ in rows], dtype=pl.Int64),
        pl.Series("readable", whole, dtype=pl.Boolean),
    )
    return Grid(sheet, header, frame, typed)
