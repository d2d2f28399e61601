"""The perimeter version of a run: the latest, or the one that the environment names."""

import os

import polars as pl

from observatory.territories import UnknownPerimeterError, select_perimeter

PERIMETER_VARIABLE = "OBSERVATORY_PERIMETER"


def chosen_perimeter(territories: pl.DataFrame) -> pl.DataFrame:
    """Return the territories of the perimeter version of this run.

    Raises:
        UnknownPerimeterError: the environment names no version that the sources hold.
    """
    year = os.environ.get(PERIMETER_VARIABLE)
    if year is None:
        return select_perimeter(territories)
    if not year.isdecimal():
        raise UnknownPerimeterError(f"{PERIMETER_VARIABLE} attend une année, et non « {year} ».")
    return select_perimeter(territories, int(year))
