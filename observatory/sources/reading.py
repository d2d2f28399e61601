"""Text tables of the producers: bytes in, cells out, then numbers and statuses.

Belongs here: encoding, byte order mark, comment lines, header, cells, thousands, decimals and marks.
Does not: which columns are wanted and what they mean (``layouts``), where files come from.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from observatory.errors import InputError
from observatory.sources.catalogue import Reading

_BOM = b"\xef\xbb\xbf"
_GROUP_SPACES = "\u00a0\u202f\u2009"
_GROUPED = rf"^[+-]?\d{{1,3}}([{_GROUP_SPACES}]\d{{3}})+([.,]\d+)?$"
_SIGNS = {"point": r"^[+-]?\d+(\.\d+)?$", "comma": r"^[+-]?\d+(,\d+)?$", "either": r"^[+-]?\d+([.,]\d+)?$"}
_WRONG_FILE = "vérifiez que c’est bien le fichier du producteur, puis reprenez-le."


@dataclass(frozen=True)
class Header:
    """The header of a text table.

    Attributes:
        names: column names, in order.
        row: line number of the header in the file, comments and titles included (1 for the first).
        start: offset of the first byte after it.
    """

    names: tuple[str, ...]
    row: int
    start: int


@dataclass(frozen=True)
class Figures:
    """Cells as numbers, or as the reason why there is none.

    Attributes:
        numbers: the columns of the cells, as Float64; null where a cell holds no number.
        absences: the cells without number, column after column: ``column``, ``row`` (its place, from 0) and
            ``status``, which is null for a cell that is no known mark: the caller refuses it.
    """

    numbers: pl.DataFrame
    absences: pl.DataFrame


def read_table(path: Path, reading: Reading) -> pl.DataFrame:
    """Return a whole text table, every column as text under the producer's name, empty cells as null.

    Raises:
        InputError: the file is absent, or as ``prepare``, ``read_header`` and ``read_cells``.
    """
    if not path.is_file():
        raise InputError(path.name, "le fichier manque.", "déposez-le, ou relancez la récupération.")
    content = prepare(path.read_bytes(), path.name, reading)
    header = read_header(content, path.name, reading)
    cells = read_cells(content, path.name, reading, header, header.names)
    return cells.select(pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)))


def prepare(content: bytes, name: str, reading: Reading) -> bytes:
    """Return the bytes of a text table in UTF-8, without byte order mark.

    Raises:
        InputError: the file is empty or binary, or is not in the encoding of its card.
    """
    if content.startswith(_BOM):
        content = content[len(_BOM) :]
    elif reading.encoding == "latin-1":
        content = content.decode("latin-1").encode()
    if content.endswith((b"\n\n", b"\n\r\n")):
        content = content.rstrip(b"\r\n")
    # No copy of what may be half a gigabyte.
    if not content or content.isspace():
        raise InputError(name, "le fichier est vide.", _WRONG_FILE)
    if b"\x00" in content[:65_536]:
        raise InputError(name, "le fichier n’est pas du texte.", _WRONG_FILE)
    return content


def read_header(content: bytes, name: str, reading: Reading) -> Header:
    """Return the header of prepared bytes.

    Raises:
        InputError: there is no header row, or it does not hold the separator of the card.
    """
    stream = io.BytesIO(content)
    comment = reading.comment.encode() if reading.comment else None
    wanted, row = reading.header_row, 0
    for line in stream:
        row += 1
        if comment is not None and line.startswith(comment):
            continue
        wanted -= 1
        if wanted == 0:
            text = _decoded(line, name, row)
            names = next(csv.reader([text.rstrip("\r\n")], delimiter=reading.separator), [])
            if len(names) < 2:
                raise InputError(
                    name,
                    f"la ligne des noms de colonnes ne contient pas le séparateur « {reading.separator} ».",
                    "vérifiez que c’est bien le fichier du producteur ; si le séparateur a changé, "
                    "corrigez la fiche de la source dans observatory/sources/catalogue.yaml.",
                    row=row,
                )
            return Header(tuple(one.strip() for one in names), row, stream.tell())
    raise InputError(name, "la ligne des noms de colonnes manque.", _WRONG_FILE)


def read_cells(
    content: bytes, name: str, reading: Reading, header: Header, columns: Sequence[str]
) -> pl.DataFrame:
    """Return some columns of prepared bytes as text, an empty cell as ``""``.

    Raises:
        InputError: a row has more or fewer cells than the header, a column stands twice, or a cell is not in
            the encoding of the card.
    """
    for column in columns:
        if header.names.count(column) != 1:
            raise InputError(
                name, "la colonne figure plusieurs fois.", _WRONG_FILE, row=header.row, column=column
            )
    if not content[header.start : header.start + 4096].strip():
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    _check_shape(content, name, reading, header)
    places = sorted({header.names.index(column) for column in columns})
    try:
        frame = pl.read_csv(
            content,
            has_header=False,
            skip_lines=header.row,
            columns=places,
            separator=reading.separator,
            comment_prefix=reading.comment,
            infer_schema=False,
        )
    except pl.exceptions.PolarsError as error:
        _decoded(content, name, 1)
        raise InputError(name, f"le tableau est illisible ({error}).", _WRONG_FILE) from error
    frame.columns = [header.names[place] for place in places]
    return frame.select(pl.col(columns).fill_null(""))


def read_figures(
    cells: pl.DataFrame, marks: Mapping[str, Mapping[str, str]], decimal: str = "point"
) -> Figures:
    """Return the numbers of cells, and the status of the cells that have none.

    Thousands may be grouped by three with no-break or thin spaces; what is not finite is no number.

    Args:
        cells: columns of texts, or of numbers in a typed file.
        marks: for each column, the status of each of its marks; an empty cell is the mark ``""``.
        decimal: the decimal sign of texts: ``point``, ``comma`` or ``either``.
    """
    numbers = cells.select(
        _plain(pl.col(name), "point" if dtype.is_numeric() else decimal).alias(name)
        for name, dtype in cells.schema.items()
    )
    # Few cells are left once the plain numbers are read, and fewer texts: each further rule bears on those.
    rest = _left(cells, numbers)
    texts = rest.select(pl.col("cell").unique()).with_columns(text=pl.col("cell").str.strip_chars())
    texts = texts.with_columns(number=_written(pl.col("text"), decimal))
    rest = rest.join(texts, on="cell", how="left", maintain_order="left")
    read = rest.filter(pl.col("number").is_not_null())
    for (name,), found in read.partition_by("column", as_dict=True).items():
        numbers = numbers.with_columns(numbers[name].scatter(found["row"], found["number"]))
    known = pl.DataFrame(
        [(name, mark, status) for name, of_one in marks.items() for mark, status in of_one.items()],
        schema={"column": pl.String, "text": pl.String, "status": pl.String},
        orient="row",
    )
    absences = rest.filter(pl.col("number").is_null()).join(
        known, on=["column", "text"], how="left", maintain_order="left"
    )
    return Figures(numbers, absences.select("column", "row", "status"))


def read_numbers(
    cells: pl.Series, marks: Mapping[str, str], decimal: str = "point"
) -> tuple[pl.Series, pl.Series]:
    """Return the numbers and the statuses of one column of cells, by the rules of :func:`read_figures`.

    The status is ``published`` for a number, that of its mark for a mark, null for anything else: the caller
    says where.
    """
    figures = read_figures(cells.to_frame("cell"), {"cell": marks}, decimal)
    statuses = pl.repeat("published", len(cells), eager=True)
    absences = figures.absences
    return figures.numbers["cell"], statuses.scatter(absences["row"], absences["status"])


def _plain(cell: pl.Expr, decimal: str) -> pl.Expr:
    """Return the numbers that need no rewriting; what is not finite is null."""
    number = cell.cast(pl.Float64, strict=False)
    plain = number.is_finite()
    if decimal == "comma":
        # In such a file a point may group thousands: no guess.
        plain &= ~cell.str.contains(".", literal=True)
    return pl.when(plain).then(number)


def _left(cells: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """Return the cells that are no plain number, column after column: column, row and cell."""
    frames = [pl.DataFrame(schema={"column": pl.String, "row": pl.UInt32, "cell": pl.String})]
    for series in numbers:
        if series.null_count():
            left = series.is_null()
            cell = cells[series.name].filter(left).cast(pl.String).fill_null("")
            frame = pl.DataFrame({"row": left.arg_true(), "cell": cell})
            frames.append(frame.select(pl.lit(series.name).alias("column"), "row", "cell"))
    return pl.concat(frames)


def _written(text: pl.Expr, decimal: str) -> pl.Expr:
    """Return the numbers of texts without spaces around them, decimal commas and grouped thousands read."""
    grouped = pl.when(text.str.contains(_GROUPED))
    joined = grouped.then(text.str.replace_all(f"[{_GROUP_SPACES}]", "")).otherwise(text)
    number = _plain(joined.str.replace(",", ".", literal=True), "point")
    return pl.coalesce(_plain(text, decimal), pl.when(joined.str.contains(_SIGNS[decimal])).then(number))


def _check_shape(content: bytes, name: str, reading: Reading, header: Header) -> None:
    """Refuse a row with a cell too many or too few: read as empty, a cut row would look withheld."""
    separator, cells = reading.separator.encode(), len(header.names)
    comment = reading.comment.encode() if reading.comment else None
    stream = io.BytesIO(content)
    stream.seek(header.start)
    for row, line in enumerate(stream, start=header.row + 1):
        if line.count(separator) == cells - 1 and b'"' not in line:
            continue
        if comment is not None and line.startswith(comment):
            continue
        text = _decoded(line, name, row).rstrip("\r\n")
        found = len(next(csv.reader([text], delimiter=reading.separator), []))
        if found != cells:
            raise InputError(
                name,
                f"la ligne a {found} cellule(s) au lieu de {cells}.",
                "le fichier est sans doute coupé ou abîmé : reprenez-le chez le producteur.",
                row=row,
            )


def _decoded(content: bytes, name: str, row: int) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InputError(
            name,
            "le texte n’est pas dans l’encodage annoncé (UTF-8).",
            "si le producteur a changé d’encodage, corrigez la fiche de la source dans "
            "observatory/sources/catalogue.yaml ; sinon reprenez le fichier.",
            row=row + content.count(b"\n", 0, error.start),
        ) from error
