"""From text cells to typed values, in the styles that producers use.

Belongs here: decimal marks, thousands, dates, codes; null where a cell is not what it should be.
Does not: what is said of a cell that is not (``rules``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from observatory.intake.contracts import DeliveryColumn, DeliveryContract
from observatory.intake.grids import Grid
from observatory.intake.mappings import DateStyle, Mapping, text_key

_TIME = r"(?:[ T]0{1,2}:00(?::00(?:\.0+)?)?)?$"
_DATES: dict[str, tuple[str, str]] = {
    "JJ/MM/AAAA": (r"^(\d{1,2}/\d{1,2}/\d{4})" + _TIME, "%d/%m/%Y"),
    "AAAA-MM-JJ": (r"^(\d{4}-\d{1,2}-\d{1,2})" + _TIME, "%Y-%m-%d"),
    "JJ-MM-AAAA": (r"^(\d{1,2}-\d{1,2}-\d{4})" + _TIME, "%d-%m-%Y"),
    "JJ.MM.AAAA": (r"^(\d{1,2}\.\d{1,2}\.\d{4})" + _TIME, "%d.%m.%Y"),
}
"""Day first, as the French write: MM/JJ/AAAA is not one of them."""

_SERIAL = r"^([1-9]\d{4})(?:\.0+)?$"
_EPOCH = pl.date(1899, 12, 30)
TWO_DIGIT_YEAR = r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{2}$"


@dataclass(frozen=True)
class Style:
    """How a file writes numbers and dates.

    Attributes:
        marks: decimal marks that are understood.
        dates: styles of dates that are understood.
        serial: whether a date may be a spreadsheet's serial number.
    """

    marks: str
    dates: tuple[str, ...]
    serial: bool


def style_of(grid: Grid, mapping: Mapping, contract: DeliveryContract) -> Style:
    """Return the style that is stated, or else that the cells show.

    A workbook has no style of its own: its numbers and dates are typed, and its texts may be written anyhow.
    In a text file without a stated decimal mark, the more frequent one is the file's; the comma if neither.
    """
    every = tuple(_DATES)
    if grid.typed:
        return Style(",.", every, serial=True)
    dates: DateStyle = mapping.dates
    marks = {"comma": ",", "point": ".", "auto": ""}[mapping.decimal] or _frequent_mark(grid, contract)
    return Style(marks, every if dates == "auto" else (dates,), serial=dates == "auto")


def _frequent_mark(grid: Grid, contract: DeliveryContract) -> str:
    names = [one.column for one in contract.columns if one.kind in ("decimal", "coordinate")]
    cells = [grid.frame[name] for name in names if name in grid.frame.columns]
    if not cells:
        return ","
    every = pl.concat(cells).drop_nulls()
    commas = int(every.str.contains(r"\d,\d+$").sum())
    return "." if int(every.str.contains(r"\d\.\d+$").sum()) > commas else ","


def number(name: str, style: Style, *, signed: bool = False) -> pl.Expr:
    """The number that a cell holds; thousands may be set apart by spaces."""
    sign = "-?" if signed else ""
    tail = rf"(?:[{style.marks}]\d+)?$"
    text = pl.col(name)
    shaped = text.str.contains(rf"^{sign}\d{{1,15}}{tail}") | text.str.contains(
        rf"^{sign}\d{{1,3}}(?:[ \u{{a0}}\u{{202f}}]\d{{3}}){{1,4}}{tail}"
    )
    plain = text.str.replace_all(r"[ \u{a0}\u{202f}]", "").str.replace(",", ".", literal=True)
    return pl.when(shaped).then(plain).cast(pl.Float64, strict=False)


def integer(name: str) -> pl.Expr:
    """The whole number that a cell holds; exports add « .0 » to some."""
    return pl.col(name).str.extract(r"^(\d{1,9})(?:[.,]0+)?$").cast(pl.Int32, strict=False)


def year(name: str) -> pl.Expr:
    """The year that a cell holds in four digits."""
    return pl.col(name).str.extract(r"^(\d{4})(?:[.,]0+)?$").cast(pl.Int32, strict=False)


def day(name: str, style: Style) -> pl.Expr:
    """The date that a cell holds, at midnight if it has a time."""
    text = pl.col(name)
    readings = [
        text.str.extract(pattern).str.strptime(pl.Date, form, strict=False)
        for pattern, form in (_DATES[one] for one in style.dates)
    ]
    if style.serial:
        days = text.str.extract(_SERIAL).cast(pl.Int32, strict=False)
        readings.append(_EPOCH + pl.duration(days=days))
    return pl.coalesce(readings)


def code(cells: pl.Series, values: dict[str, str]) -> pl.Series:
    """Return our values for codes, whatever their case, accents and punctuation."""
    known: dict[str, str] = {}
    for cell in cells.unique().drop_nulls():
        value = values.get(text_key(cell))
        if value is not None:
            known[cell] = value
    return cells.replace_strict(known, default=None, return_dtype=pl.String)


def typed(
    frame: pl.DataFrame,
    columns: Sequence[DeliveryColumn],
    style: Style,
    mapping: Mapping,
    contract: DeliveryContract,
) -> pl.DataFrame:
    """Return the frame's columns as values, null where a cell is empty or is not what it should be.

    Args:
        frame: one String column per column of ``columns``.
        columns: those that are there.
        style: style of the file.
        mapping: mapping of the producer.
        contract: contract of the delivery.
    """
    expressions: list[pl.Expr | pl.Series] = []
    for column in columns:
        name = column.column
        if column.kind == "code":
            expressions.append(code(frame[name], mapping.values(contract, name)).alias(name))
        elif column.kind == "integer":
            expressions.append(integer(name).alias(name))
        elif column.kind in ("decimal", "coordinate"):
            signed = column.kind == "coordinate"
            expressions.append(number(name, style, signed=signed).alias(name))
        elif column.kind == "year":
            expressions.append(year(name).alias(name))
        elif column.kind == "date":
            expressions.append(day(name, style).alias(name))
        else:
            expressions.append(pl.col(name))
    return frame.select(expressions)
