"""Populations of the communes since 1968, each on the geography of its own year (COGugaison's compilation).

Belongs here: which census a column « COG » of that file carries, and the rows that repeat another year's.
Does not: bringing them onto one geography (``geography.populations``).
"""

from pathlib import Path

import polars as pl

from observatory.errors import InputError
from observatory.sources.catalogue import Reading
from observatory.sources.columns import check_commune_codes, columns_by_meaning, typed_column
from observatory.sources.reading import read_table

CENSUSES_BEFORE_2006 = (1968, 1975, 1982, 1990, 1999)
"""General censuses: the file names them by their own year, on the geography of the census."""

_READING = Reading(separator=",")
_COLUMNS = {
    "cog_year": ("COG",),
    "variant": ("variante",),
    "code": ("CODGEO",),
    "population": ("POP",),
}
# Years of the COG whose figures are those of another COG year, each with the one it repeats.
_REPEATS = {2022: 2021, 2024: 2023}
_REMEDY = "vérifiez ce que portent les années de COG du fichier, puis corrigez « commune_populations »."


def census_year(cog_year: int) -> int:
    """Return the year that the populations of a COG year describe, in this file.

    General censuses bear their own year. COG 2008 to 2021 carries the municipal population of two years
    before; COG 2022 repeats that of 2021 (year 2019), COG 2023 and 2024 both carry the year 2021.
    """
    if cog_year in CENSUSES_BEFORE_2006:
        return cog_year
    return census_year(_REPEATS[cog_year]) if cog_year in _REPEATS else cog_year - 2


def read_populations(path: Path) -> pl.DataFrame:
    """Return ``parse_populations`` of the file.

    Raises:
        InputError: as ``parse_populations``, or the file is absent.
    """
    return parse_populations(read_table(path, _READING), path.name)


def parse_populations(text: pl.DataFrame, name: str = "populations_1968_2024.csv") -> pl.DataFrame:
    """Return the populations by year of the COG, without the years that repeat another.

    Only the variant ``cog`` is kept. Until 1999 the population is « sans doubles comptes », since 2006 the
    municipal population: the definitions differ little, and the years are not chained without saying so.

    Returns:
        Columns cog_year, vintage (the year described), code, population (inhabitants).

    Raises:
        InputError: a column is missing, a value is not of its type, a commune comes twice in a year, or a
            year known as a repeat no longer is one.
    """
    frame = columns_by_meaning(text, name, _COLUMNS)
    frame = typed_column(
        frame, name, "cog_year", pl.col("cog_year").cast(pl.Int32, strict=False), "une année"
    )
    number = pl.col("population").cast(pl.Float64, strict=False)
    whole = pl.when(number % 1 == 0).then(number).cast(pl.Int64)
    frame = typed_column(frame, name, "population", whole, "un nombre entier")
    check_commune_codes(frame, name, "code")
    frame = frame.filter(pl.col("variant") == "cog").drop("variant").sort("cog_year", "code")
    if frame.select("cog_year", "code").is_duplicated().any():
        raise InputError(name, "une commune a deux populations la même année.", _REMEDY, column="CODGEO")
    return _without_repeats(frame, name).select("cog_year", "vintage", "code", "population")


def _without_repeats(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    for year, original in _REPEATS.items():
        left, right = (frame.filter(cog_year=wanted).drop("cog_year") for wanted in (year, original))
        if left.height and right.height and not left.equals(right):
            raise InputError(
                name,
                f"les populations du COG {year} ne sont plus celles du COG {original}.",
                _REMEDY,
                column="COG",
                value=str(year),
            )
    vintage = pl.col("cog_year").replace_strict(
        {year: census_year(year) for year in frame["cog_year"].unique()}, return_dtype=pl.Int32
    )
    return frame.filter(~pl.col("cog_year").is_in(list(_REPEATS))).with_columns(vintage=vintage)
