"""National mortality by year, sex and age, checked against the hazard it derives from.

Belongs here: the columns of that file. Does not: cohorts and projections.
"""

from pathlib import Path

import numpy as np
import polars as pl

from observatory.errors import InputError
from observatory.sources.catalogue import get_source
from observatory.sources.mortality_workbook import read_workbook
from observatory.sources.reading import prepare, read_cells, read_header, read_numbers
from observatory.tables import MORTALITY

_SEXES = {"male": "M", "female": "F"}
_NUMBERS = ("year", "age", "daily_hazard", "qx_annual_derived")
# Days in the year of the table from which the file was taken, which is not 365.25.
_DAYS = 365.241
_TOLERANCE = 1e-9
_REMEDY = "reprenez le fichier à l’endroit d’où il vient ; s’il a changé de forme, signalez-le."


def read_mortality(
    path: Path, source_id: str = "insee_mortalite", vintage: str = "1977-2019"
) -> pl.DataFrame:
    """Return ``core.mortality`` from the national table of daily hazards, or from INSEE's own workbook.

    In the table, the annual probability is 1 - exp(-365.241 h), h being the daily hazard: the two columns are
    checked against each other. Every year has both sexes and the same ages without a gap.

    Raises:
        InputError: a column is missing, a cell is not of its kind, the two columns disagree, or a year, sex
            or age is missing or stands twice.
    """
    source = get_source(source_id)
    file = source.data_file(vintage).as_in(path)
    if file.kind == "xlsx":
        frame = read_workbook(path).with_columns(file_id=pl.lit(source.file_id(vintage, "data")))
        _check_grid(path.name, frame, file.rows)
        return MORTALITY.conform(frame)
    content = prepare(path.read_bytes(), path.name, file.reading)
    header = read_header(content, path.name, file.reading)
    for column in ("sex", *_NUMBERS):
        if column not in header.names:
            raise InputError(path.name, "la colonne manque.", _REMEDY, column=column)
    cells = read_cells(content, path.name, file.reading, header, ["sex", *_NUMBERS])
    frame = pl.DataFrame({"sex": cells["sex"].replace_strict(_SEXES, default=None, return_dtype=pl.String)})
    frame = frame.with_columns(read_numbers(cells[name], {})[0].alias(name) for name in _NUMBERS)
    frame = frame.with_columns(probability=pl.col("qx_annual_derived"))
    first_row = header.row + 1
    for column in ("sex", *_NUMBERS):
        _refuse(path.name, frame[column].is_null(), cells[column], first_row, "la valeur n’est pas admise.")
    derived = 1 - np.exp(-_DAYS * frame["daily_hazard"].to_numpy())
    apart = pl.Series(np.abs(derived - frame["probability"].to_numpy()) > _TOLERANCE)
    outside = ~frame["probability"].is_between(0, 1)
    rule = "la probabilité annuelle n’est pas celle que donne le taux quotidien de la ligne."
    _refuse(path.name, apart | outside, cells["qx_annual_derived"], first_row, rule)
    twice = frame.select("year", "sex", "age").is_duplicated()
    _refuse(path.name, twice, cells["age"], first_row, "l’âge figure deux fois pour cette année et ce sexe.")
    _check_grid(path.name, frame, file.rows)
    return MORTALITY.conform(
        frame.select("year", "sex", "age", "probability", file_id=pl.lit(source.file_id(vintage, "data")))
    )


def _check_grid(name: str, frame: pl.DataFrame, rows: int) -> None:
    years, sexes, ages = (frame[column].n_unique() for column in ("year", "sex", "age"))
    whole = years * sexes * ages
    spans = [frame[column].max() - frame[column].min() + 1 for column in ("year", "age")]  # type: ignore[operator]
    if frame.height != whole or spans != [years, ages] or sexes != len(_SEXES) or frame.height < rows:
        raise InputError(
            name,
            f"le tableau n’est pas complet : {frame.height} ligne(s) pour {years} année(s), {sexes} sexe(s) "
            f"et {ages} âge(s), et {rows} attendues.",
            _REMEDY,
        )


def _refuse(name: str, wrong: pl.Series, cells: pl.Series, first_row: int, rule: str) -> None:
    if wrong.any():
        index = int(wrong.arg_true()[0])
        raise InputError(name, rule, _REMEDY, row=first_row + index, column=cells.name, value=cells[index])
