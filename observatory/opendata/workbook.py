"""The wide tables as a workbook that opens in any spreadsheet.

Belongs here: sheets, headings, number formats, cells that a spreadsheet must not run.
Does not: which figures (``wide``).

Rows 1 to 3 of a sheet of figures are for readers (label, unit, year), row 4 names the columns as the other
formats do, figures start in row 5. A figure that is not published is a word, never an empty cell nor a zero.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from observatory.opendata.exports import LIST_SEPARATOR, Export
from observatory.opendata.wide import LEVELS, STATUS_WORDS, WideTable

HEADINGS = {
    "level": "Niveau",
    "code": "Code",
    "name": "Nom",
    "commune": "Commune",
    "epci": "Intercommunalité",
}
_TITLE_ROWS = 3
_WIDTHS = {"level": 9, "code": 12, "name": 34, "commune": 22, "epci": 34}
_OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_SHEETS = {"epci": "EPCI"}
_INK, _BRICK, _HATCH = "#1f2b38", "#a3341f", "#fbeee9"


@dataclass(frozen=True)
class Book:
    """What a workbook says of itself: title and lines of its first sheet, author, day of publication."""

    title: str
    lines: tuple[str, ...]
    author: str
    published_on: date


def write_workbook(path: Path, book: Book, tables: Iterable[WideTable], exports: Iterable[Export]) -> int:
    """Write a workbook: what it is, a sheet by level, then a sheet by export; equal content, equal bytes.

    Args:
        path: where.
        book: what the first sheet says.
        tables: sheets of figures, all real or all fictive.
        exports: sheets that go with them, as their CSV files.

    Returns:
        The number of territories in its sheets of figures.
    """
    workbook = Workbook(str(path), _OPTIONS)
    workbook.set_properties(
        {
            "title": book.title,
            "author": book.author,
            # Without it, the hour of writing would make two equal workbooks differ.
            "created": datetime.combine(book.published_on, time(), UTC),
        }
    )
    styles = _Styles(workbook)
    _about(workbook.add_worksheet("Lisez-moi"), book, styles)
    rows = 0
    for table in tables:
        name = _SHEETS.get(table.level, LEVELS[table.level])
        _figures(workbook.add_worksheet(f"{name} (fictif)" if table.fictive else name), table, styles)
        rows += table.frame.height
    for export in exports:
        _rows(workbook.add_worksheet(export.title), export.frame, styles)
    workbook.close()
    return rows


class _Styles:
    """The formats of a workbook."""

    def __init__(self, workbook: Workbook) -> None:
        self._workbook = workbook
        self._numbers: dict[tuple[int, bool], Format] = {}
        self.title = workbook.add_format({"bold": True, "font_size": 14})
        self.text = workbook.add_format({"text_wrap": True, "valign": "top"})
        self.head = workbook.add_format(
            {"bold": True, "font_color": "#ffffff", "bg_color": _INK, "text_wrap": True, "valign": "top"}
        )
        self.fictive_head = workbook.add_format(
            {"bold": True, "font_color": "#ffffff", "bg_color": _BRICK, "text_wrap": True, "valign": "top"}
        )
        self.name = workbook.add_format({"font_color": "#56616d", "font_size": 8, "bottom": 1})
        self.absent = workbook.add_format({"font_color": "#56616d", "italic": True, "align": "right"})

    def number(self, decimals: int, fictive: bool) -> Format:
        """Return the format of figures; the fictive ones have a ground of their own."""
        if (decimals, fictive) not in self._numbers:
            pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
            ground = {"bg_color": _HATCH, "italic": True} if fictive else {}
            self._numbers[decimals, fictive] = self._workbook.add_format({"num_format": pattern} | ground)
        return self._numbers[decimals, fictive]


def _about(sheet: Worksheet, book: Book, styles: _Styles) -> None:
    sheet.set_column(0, 0, 110)
    sheet.write_string(0, 0, book.title, styles.title)
    for row, line in enumerate(book.lines, start=2):
        sheet.write_string(row, 0, line, styles.text)


def _figures(sheet: Worksheet, table: WideTable, styles: _Styles) -> None:
    head = styles.fictive_head if table.fictive else styles.head
    places = table.places
    for position, name in enumerate(places):
        sheet.write_string(0, position, HEADINGS[name], head)
        sheet.write_string(1, position, "", head)
        sheet.write_string(2, position, "données fictives" if table.fictive and not position else "", head)
        sheet.write_string(_TITLE_ROWS, position, name, styles.name)
        sheet.set_column(position, position, _WIDTHS[name])
        sheet.write_column(_TITLE_ROWS + 1, position, [text or "" for text in table.frame[name].to_list()])
    for position, one in enumerate(table.columns, start=len(places)):
        for row, text in enumerate((one.label, one.unit, str(one.vintage))):
            sheet.write_string(row, position, text, head)
        sheet.write_string(_TITLE_ROWS, position, one.name, styles.name)
        number = styles.number(one.decimals, table.fictive)
        pairs = zip(table.frame[one.name].to_list(), table.frame[one.status].to_list(), strict=True)
        for row, (value, status) in enumerate(pairs, start=_TITLE_ROWS + 1):
            if value is None:
                sheet.write_string(row, position, STATUS_WORDS[status], styles.absent)
            else:
                sheet.write_number(row, position, value, number)
    last = len(places) + len(table.columns) - 1
    if table.columns:
        sheet.set_column(len(places), last, 15)
    sheet.set_row(0, 62)
    sheet.freeze_panes(_TITLE_ROWS + 1, 3)
    sheet.autofilter(_TITLE_ROWS, 0, _TITLE_ROWS + table.frame.height, last)


def _rows(sheet: Worksheet, frame: pl.DataFrame, styles: _Styles) -> None:
    """Write a table as its CSV file has it: lists joined, dates as text."""
    for position, name in enumerate(frame.columns):
        sheet.write_string(0, position, name, styles.head)
        for row, value in enumerate(frame[name].to_list(), start=1):
            _cell(sheet, row, position, value)
    sheet.set_column(0, frame.width - 1, 22)
    sheet.freeze_panes(1, 1)


def _cell(sheet: Worksheet, row: int, position: int, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, position, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, position, value)
    else:
        text = LIST_SEPARATOR.join(map(str, value)) if isinstance(value, list) else str(value)
        sheet.write_string(row, position, text)
