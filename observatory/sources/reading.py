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


def read_numbers(
    cells: pl.Series, marks: Mapping[str, str], decimal: str = "point"
) -> tuple[pl.Series, pl.Series]:
    """Return the numbers and the statuses of cells, as two series of their length.

    The status is ``published`` for a finite number, that of its mark for a mark, null for anything else:
    the caller says where. Thousands may be grouped by three with no-break or thin spaces.
    """
    if cells.dtype.is_numeric():
        finite = cells.cast(pl.Float64).is_finite()
        numbers = cells.cast(pl.Float64).set(~finite.fill_null(False), None)
        # What is neither null nor finite takes no mark.
        text = cells.is_null().replace_strict({True: "", False: None}, return_dtype=pl.String)
    else:
        text = cells.fill_null("").str.strip_chars()
        numbers = _parsed(text, decimal)
    frame = pl.DataFrame({"text": text, "number": numbers})
    status = pl.col("text").replace_strict(dict(marks), default=None, return_dtype=pl.String)
    found = frame.select(
        pl.col("number"),
        pl.when(pl.col("number").is_not_null()).then(pl.lit("published")).otherwise(status).alias("status"),
    )
    return found["number"], found["status"]


def _parsed(text: pl.Series, decimal: str) -> pl.Series:
    """Return numbers; what is not a finite number in the notation of the card is null."""
    frame = pl.DataFrame({"text": text})
    cell = pl.col("text")
    plain = cell.cast(pl.Float64, strict=False)
    if decimal == "comma":
        # In such a file a point may group thousands: no guess.
        plain = pl.when(cell.str.contains(".", literal=True)).then(None).otherwise(plain)
    numbers = frame.select(pl.when(plain.is_finite()).then(plain).alias("number"))["number"]
    rest = frame.with_columns(number=numbers).with_row_index().filter(pl.col("number").is_null())
    joined = (
        pl.when(cell.str.contains(_GROUPED))
        .then(cell.str.replace_all(f"[{_GROUP_SPACES}]", ""))
        .otherwise(cell)
    )
    signs = {"point": r"^[+-]?\d+(\.\d+)?$", "comma": r"^[+-]?\d+(,\d+)?$", "either": r"^[+-]?\d+([.,]\d+)?$"}
    rest = rest.with_columns(joined.alias("text")).filter(cell.str.contains(signs[decimal]))
    if rest.is_empty():
        return numbers
    more = rest.select(cell.str.replace(",", ".", literal=True).cast(pl.Float64))["text"]
    return numbers.scatter(rest["index"], more)


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
