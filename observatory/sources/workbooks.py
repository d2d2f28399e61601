"""Sheets of workbooks (xls, xlsx) as text cells.

Belongs here: finding the sheet and its row of names, cells to text. Does not: which columns are wanted and
what they mean (``layouts``).
"""

import io
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from fnmatch import fnmatchcase

import polars as pl
from python_calamine import CalamineError, CalamineWorkbook

from observatory.errors import InputError
from observatory.sources.reading import Header

_WRONG = "vérifiez que c’est bien le classeur du producteur, puis reprenez-le."
_HEADER_ROWS = 50
Cell = int | float | str | bool | time | date | datetime | timedelta


def read_sheet(content: bytes, name: str, sheet: str, key: Sequence[str]) -> tuple[Header, pl.DataFrame]:
    """Return the row of names of a sheet and the rows under it, as text, an empty cell as ``""``.

    The row of names is the first that holds every column of ``key``: titles above it vary from one edition to
    the next. A whole number loses the decimals that workbooks give to all numbers.

    Args:
        content: the workbook.
        name: name of the file, for errors.
        sheet: name or pattern of the sheet, whatever the letter case; the first one that fits.
        key: columns that the table cannot be without.

    Raises:
        InputError: the workbook is unreadable, has no such sheet or no such row of names, or a name stands
            twice.
    """
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        wanted = sheet.casefold()
        title = next((one for one in workbook.sheet_names if fnmatchcase(one.casefold(), wanted)), None)
        rows = None if title is None else workbook.get_sheet_by_name(title).to_python(skip_empty_area=False)
    except CalamineError as error:
        raise InputError(name, "le classeur est illisible ou abîmé.", _WRONG) from error
    if rows is None:
        listed = ", ".join(f"« {one} »" for one in workbook.sheet_names)
        raise InputError(name, f"la feuille « {sheet} » manque ; le classeur contient {listed}.", _WRONG)
    tops = [tuple(_text(cell).strip() for cell in row) for row in rows[:_HEADER_ROWS]]
    rank = next((rank for rank, names in enumerate(tops) if set(key) <= set(names)), None)
    if rank is None:
        listed = ", ".join(f"« {one} »" for one in key)
        raise InputError(
            name, f"aucune des {_HEADER_ROWS} premières lignes ne porte les colonnes {listed}.", _WRONG
        )
    names = tops[rank]
    twice = next((one for one in names if one and names.count(one) > 1), None)
    if twice is not None:
        raise InputError(name, "la colonne figure plusieurs fois.", _WRONG, row=rank + 1, column=twice)
    body = [[_text(cell) for cell in row] for row in rows[rank + 1 :]]
    while body and not any(body[-1]):
        body.pop()
    kept = [place for place, one in enumerate(names) if one]
    cells = pl.DataFrame(
        {names[place]: [row[place] for row in body] for place in kept},
        schema=dict.fromkeys((names[place] for place in kept), pl.String),
    )
    return Header(names, rank + 1, start=0), cells


def _text(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
