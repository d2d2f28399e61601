"""Any table of an analyst, from a CSV file to a frame whose rows know their line in the file.

Belongs here: encoding, separator, decimals, texts that are no number. Does not: the files of producers
(``sources``), nor what a typology wants of a table (``matrix``).
"""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from observatory.errors import InputError
from observatory.typology.matrix import TypologyError

_SEPARATORS = ";,"


@dataclass(frozen=True, eq=False)
class CsvTable:
    """A table read from a CSV file.

    Attributes:
        name: name of the file, for the errors.
        frame: identifiers as they are written (texts), every other column as numbers (null where empty).
        lines: line of each row in the file, 1 being the header.
    """

    name: str
    frame: pl.DataFrame
    lines: tuple[int, ...]

    @contextmanager
    def naming_lines(self) -> Iterator[None]:
        """Turn an error on this table's frame into one that names the file and the line.

        Raises:
            InputError: in place of a ``TypologyError``.
        """
        try:
            yield
        except TypologyError as error:
            rule = error.rule
            if error.identifier is not None:
                rule = f"{rule.removesuffix('.')} (identifiant « {error.identifier} »)."
            row = None if error.row is None else self.lines[error.row - 1]
            raise InputError(self.name, rule, error.remedy, row=row, column=error.column) from error


def read_table(path: Path, id_column: str) -> CsvTable:
    """Read a CSV file in UTF-8, with or without byte order mark, separated by commas or semicolons.

    The separator is the one under which the header names ``id_column``. Decimals are points; commas too
    where the separator is the semicolon. Blank lines are skipped.

    Raises:
        InputError: the file cannot be read, is empty or not UTF-8, lacks the column of identifiers, names a
            column twice or not at all, a row has not as many cells as the header, a cell is no number.
    """
    text = _text(path)
    names, separator = _header(text, path.name, id_column)
    rows, lines = _rows(text, path.name, separator, len(names))
    cells = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    columns = [
        _identifiers(cells[name]) if name == id_column else _numbers(cells[name], separator, path.name, lines)
        for name in names
    ]
    return CsvTable(path.name, pl.DataFrame(columns), tuple(lines))


def _text(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputError(
            path.name, "le fichier ne peut pas être lu.", "vérifiez son chemin et les droits."
        ) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise InputError(
            path.name,
            "le fichier n’est pas en UTF-8.",
            "enregistrez-le en « CSV UTF-8 ».",
            row=line,
        ) from error
    if not text.strip():
        raise InputError(path.name, "le fichier est vide.", "donnez un fichier avec en-tête et lignes.")
    return text


def _header(text: str, name: str, id_column: str) -> tuple[list[str], str]:
    """Names of the columns, and the separator."""
    # Not strict: under the wrong separator, quotes look out of place.
    headers = {separator: next(_records(text, name, separator, strict=False)) for separator in _SEPARATORS}
    separator = max(headers, key=lambda key: (id_column in headers[key][1], len(headers[key][1])))
    line, names = headers[separator]
    if id_column not in names:
        raise InputError(
            name,
            "le fichier n’a pas cette colonne d’identifiants.",
            f"choisissez parmi ses colonnes : {', '.join(names)}.",
            row=line,
            column=id_column,
        )
    for position, column in enumerate(names):
        if not column:
            raise InputError(name, f"la colonne {position + 1} n’a pas de nom.", "nommez-la.", row=line)
        if column in names[:position]:
            raise InputError(
                name, "deux colonnes portent ce nom.", "renommez ou retirez-en une.", row=line, column=column
            )
    return names, separator


def _rows(text: str, name: str, separator: str, width: int) -> tuple[list[list[str]], list[int]]:
    """Cells of each row under the header, and its line."""
    records = list(_records(text, name, separator))[1:]
    for line, cells in records:
        if len(cells) != width:
            raise InputError(
                name,
                f"la ligne compte {len(cells)} valeur(s), l’en-tête {width}.",
                "corrigez la ligne ; un texte qui contient le séparateur se met entre guillemets.",
                row=line,
            )
    if not records:
        raise InputError(name, "le fichier n’a aucune ligne sous l’en-tête.", "ajoutez des lignes.")
    return [cells for _, cells in records], [line for line, _ in records]


def _records(text: str, name: str, separator: str, *, strict: bool = True) -> Iterator[tuple[int, list[str]]]:
    """Line where each record that is not blank starts, and its cells without the spaces around them."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=strict)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, [cell.strip() for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            name, "les guillemets ou les fins de ligne sont mal formés.", "corrigez la ligne.", row=line
        ) from error


def _identifiers(cells: pl.Series) -> pl.Series:
    return cells.to_frame().select(pl.col(cells.name).replace("", None)).to_series()


def _numbers(cells: pl.Series, separator: str, name: str, lines: Sequence[int]) -> pl.Series:
    """Cells as floats, null where empty."""
    points = cells.str.replace(",", ".", literal=True) if separator == ";" else cells
    numbers = points.replace("", None).cast(pl.Float64, strict=False)
    wrong = (numbers.is_null() & (cells != "")).arg_true()
    if len(wrong):
        row = wrong[0]
        raise InputError(
            name,
            "la valeur n’est pas un nombre.",
            "corrigez-la, laissez-la vide si elle manque, ou retirez la colonne.",
            row=lines[row],
            column=cells.name,
            value=cells[row],
        )
    return numbers
