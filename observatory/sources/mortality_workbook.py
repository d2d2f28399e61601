"""INSEE's workbook of mortality tables (T68): one sheet per year, men and women side by side.

Belongs here: finding each table in its sheet and checking that it is one. Does not: the text made of it
(``mortality``).
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import polars as pl
from python_calamine import CalamineError, CalamineWorkbook

from observatory.errors import InputError

RADIX = 100_000
"""Newborns of each table, and unit of its quotients."""
LAST_AGE = 99
_YEAR = re.compile(r"(19|20)\d\d")
# Survivors and quotients are published rounded to the unit.
_ROUNDING = 3
_ADULTS = range(40, 80)
_WRONG = "reprenez le classeur chez le producteur ; s’il a changé de forme, déposez un CSV."


def read_workbook(path: Path) -> pl.DataFrame:
    """Return the yearly probabilities of death: columns year (name of the sheet), sex, age, probability.

    Columns are found by what they hold: an age, then for each sex survivors that start from 100,000 and the
    quotients that make the next ones. Men come first, which their higher mortality between 40 and 80 checks.

    Raises:
        InputError: the workbook is unreadable, has no sheet of a year, or one without these tables.
    """
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        sheets = {name: workbook.get_sheet_by_name(name).to_python() for name in workbook.sheet_names}
    except CalamineError as error:
        raise InputError(path.name, "le classeur est illisible ou abîmé.", _WRONG) from error
    frames = [
        _table(f"{path.name} › {name}", int(name), rows)
        for name, rows in sheets.items()
        if _YEAR.fullmatch(name.strip())
    ]
    if not frames:
        raise InputError(path.name, "aucune feuille ne porte le nom d’une année.", _WRONG)
    return pl.concat(frames).sort("year", "sex", "age")


def _table(name: str, year: int, rows: Sequence[Sequence[object]]) -> pl.DataFrame:
    numbers = [[_number(cell) for cell in row] for row in rows]
    numbers = [
        row for row in numbers if row and row[0] is not None and len([cell for cell in row if cell]) > 2
    ]
    if [row[0] for row in numbers[: LAST_AGE + 1]] != list(range(LAST_AGE + 1)):
        raise InputError(name, f"la première colonne ne donne pas les âges de 0 à {LAST_AGE}.", _WRONG)
    numbers = numbers[: LAST_AGE + 1]
    columns = list(zip(*numbers, strict=False))
    quotients = [columns[place + 1] for place in range(1, len(columns) - 1) if _is_table(columns, place)]
    if len(quotients) < 2:
        raise InputError(name, "les survivants et les quotients des deux sexes ne s’y trouvent pas.", _WRONG)
    men, women = quotients[:2]
    if sum(men[age] for age in _ADULTS) <= sum(women[age] for age in _ADULTS):
        raise InputError(name, "la première table n’est pas celle des hommes.", _WRONG)
    return pl.DataFrame(
        {
            "year": [year] * (2 * len(men)),
            "sex": ["M"] * len(men) + ["F"] * len(women),
            "age": [*range(len(men)), *range(len(women))],
            "probability": [quotient / RADIX for quotient in (*men, *women)],
        }
    )


def _is_table(columns: Sequence[Sequence[float | None]], place: int) -> bool:
    """Whether a column of survivors stands there, followed by the quotients that make it."""
    survivors, quotients = columns[place], columns[place + 1]
    if survivors[0] != RADIX or None in survivors or None in quotients:
        return False
    steps = zip(pairwise(survivors), quotients, strict=False)
    return all(
        abs(now * (1 - quotient / RADIX) - after) <= _ROUNDING  # type: ignore[operator]
        for (now, after), quotient in steps
    )


def _number(cell: object) -> float | None:
    return float(cell) if isinstance(cell, int | float) and not isinstance(cell, bool) else None
