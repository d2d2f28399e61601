"""Filosofi on the 200 m grid: cells with their place and communes, and counts that say what is imputed.

Belongs here: the columns of INSEE's file of cells, cells to communes. Does not: maps, disclosure control.

INSEE publishes no true figure of a cell under 11 households: such cells are flagged and their figures imputed
from a larger square. Any count made of cells must say which share of it is imputed.
"""

from collections.abc import Collection
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import polars as pl

from observatory.errors import InputError
from observatory.sources.archives import read_member
from observatory.sources.catalogue import Reading
from observatory.sources.reading import prepare, read_cells, read_header, read_numbers

SOURCE = "insee_filosofi_carreaux"
MEMBER = "carreaux_200m_met.csv"

CELLS: dict[str, pl.DataType | type[pl.DataType]] = {
    "cell": pl.String,
    "easting": pl.Int32,
    "northing": pl.Int32,
    "commune_codes": pl.List(pl.String),
    "imputed": pl.Boolean,
    "persons": pl.Float64,
    "households": pl.Float64,
    "poor_households": pl.Float64,
    "living_standard_sum": pl.Float64,
    "owner_households": pl.Float64,
    "single_parent_households": pl.Float64,
    "social_dwellings": pl.Float64,
}
"""Schema of the cells: one row per cell. ``easting`` and ``northing`` are those of its lower left corner, in
metres of EPSG:3035; ``living_standard_sum`` is the sum of the persons' living standards, winsorised, in euros
a year; counts are weighted."""

_COLUMNS = {
    "persons": "ind",
    "households": "men",
    "poor_households": "men_pauv",
    "living_standard_sum": "ind_snv",
    "owner_households": "men_prop",
    "single_parent_households": "men_fmp",
    "social_dwellings": "log_soc",
}
_TEXTS = ("idcar_200m", "lcog_geo", "i_est_200")
_READING = Reading(separator=",")
_CELL = r"^CRS3035RES200mN(\d+)E(\d+)$"
_CODES = r"^((\d{2}|2[AB])\d{3})+$"
_TAKE = (
    "prenez le fichier CSV du carroyage à 200 m sur insee.fr (Filosofi, données carroyées) et déposez "
    f"« {MEMBER} » dans data/landing/{SOURCE}/<millésime>/."
)
_EXTRACT = f"extrayez-en « {MEMBER} » et déposez-le dans data/landing/{SOURCE}/<millésime>/."
_WRONG = "vérifiez que c’est bien le fichier de France métropolitaine tel que l’Insee le diffuse."


def read_cells_of(path: Path, communes: Collection[str]) -> pl.DataFrame:
    """Return the cells that touch some communes (schema ``CELLS``), in the order of their names.

    Args:
        path: the CSV, or the zip that holds it.
        communes: codes of the communes, in the geography of the file.

    Raises:
        InputError: the file is absent, or one of its rows, kept or not, is not a cell as documented.
        ArchiveError: the archive is unreadable.
    """
    fault = _fault(path)
    if fault is not None:
        raise InputError(path.name, *fault)
    zipped = path.suffix.lower() == ".zip"
    name = f"{path.name} › {MEMBER}" if zipped else path.name
    content = prepare(read_member(path, MEMBER) if zipped else path.read_bytes(), name, _READING)
    # Names begin with a capital in some editions.
    header = read_header(content, name, _READING)
    header = replace(header, names=tuple(one.lower() for one in header.names))
    wanted = [*_TEXTS, *_COLUMNS.values()]
    for column in wanted:
        if column not in header.names:
            raise InputError(name, "la colonne manque.", _WRONG, column=column)
    text = read_cells(content, name, _READING, header, wanted)
    return _typed(text, name, header.row + 1, sorted(set(communes)))


def _typed(text: pl.DataFrame, name: str, first_row: int, communes: list[str]) -> pl.DataFrame:
    frame = text.with_columns(pl.all().str.strip_chars())
    places = frame["idcar_200m"].str.extract_groups(_CELL).struct.unnest()
    easting, northing = (places[field].cast(pl.Int32) for field in ("2", "1"))
    aligned = ((easting % 200 == 0) & (northing % 200 == 0)).fill_null(False)
    _refuse(
        name,
        ~aligned,
        frame["idcar_200m"],
        first_row,
        "ce n’est pas un carreau de 200 m de la grille EPSG:3035.",
    )
    _refuse(
        name,
        frame["idcar_200m"].is_duplicated(),
        frame["idcar_200m"],
        first_row,
        "le carreau figure deux fois.",
    )
    coded = frame["lcog_geo"].str.contains(_CODES)
    _refuse(name, ~coded, frame["lcog_geo"], first_row, "ce ne sont pas des codes de communes accolés.")
    flagged = frame["i_est_200"].is_in(["0", "1"])
    _refuse(name, ~flagged, frame["i_est_200"], first_row, "l’indicateur d’imputation vaut 0 ou 1.")
    numbers = {}
    for column, label in _COLUMNS.items():
        numbers[column] = read_numbers(frame[label], {})[0]
        wrong = (
            (numbers[column] < 0).fill_null(True)
            if column != "living_standard_sum"
            else numbers[column].is_null()
        )
        _refuse(name, wrong, frame[label], first_row, "ce n’est pas un nombre admis.")
    cells = pl.DataFrame(
        {
            "cell": frame["idcar_200m"],
            "easting": easting,
            "northing": northing,
            # Codes are joined without a sign: each takes five.
            "commune_codes": frame["lcog_geo"].str.extract_all(r".{5}"),
            "imputed": frame["i_est_200"] == "1",
            **numbers,
        },
        schema=CELLS,
    )
    touching = pl.col("commune_codes").list.eval(pl.element().is_in(communes)).list.any()
    return cells.filter(touching).sort("cell")


def _refuse(name: str, wrong: pl.Series, cells: pl.Series, first_row: int, rule: str) -> None:
    if wrong.any():
        index = int(wrong.arg_true()[0])
        raise InputError(name, rule, _WRONG, row=first_row + index, column=cells.name, value=cells[index])


def _fault(path: Path) -> tuple[str, str] | None:
    """Return why the file cannot be read and what to do, or None.

    The producer's archive of 2019 holds a second one, in 7z, that nothing here opens.
    """
    if not path.is_file():
        return "Le carroyage Filosofi à 200 m n’est pas sur cette machine.", _TAKE
    if path.suffix.lower() == ".7z" or _only_7z(path):
        return "Le fichier contient une archive 7z, que l’observatoire n’ouvre pas.", _EXTRACT
    return None


def _only_7z(path: Path) -> bool:
    if path.suffix.lower() != ".zip":
        return False
    try:
        with ZipFile(path) as archive:
            names = [name.lower() for name in archive.namelist()]
    except BadZipFile:
        return False
    return bool(names) and all(fnmatchcase(name, "*.7z") for name in names)
