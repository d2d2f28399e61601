"""Parsers of the embedded extracts: text frames in, frames of the core contracts out.

Belongs here: the column names of the extracts and what they mean.
Does not: reading files (``embedded``), aggregation (``territories``, ``indicators``).
"""

import polars as pl

from observatory.errors import InputError
from observatory.sources.catalogue import MembershipCorrection, get_source
from observatory.tables import CENSUS, CONTOURS, PERIMETERS, POPULATIONS, POSTCODES

_CENSUS_NAMES = {
    "pop": "population",
    "pop_0_19": "population_under_20",
    "pop_20_64": "population_20_64",
    "pop_65p": "population_65_over",
    "logements": "dwellings",
    "res_principales": "main_residences",
    "res_secondaires": "second_homes",
    "logements_vacants": "vacant_dwellings",
    "maisons": "houses",
    "appartements": "flats",
    "rp_en_appartement": "main_residences_in_flats",
}


def parse_perimeters(text: pl.DataFrame, name: str = "perimetres.csv") -> pl.DataFrame:
    """Return ``core.perimeters`` from the composition of the EPCI, declared errors of the source corrected.

    Raises:
        InputError: a column is missing, a value is not of its type, or a declared correction no longer
            applies.
    """
    source = get_source("etalab_decoupage")
    frame = typed(text, name, {"cog": pl.Int32}, ("epci", "nom_epci", "nature", "commune", "nom_commune"))
    for vintage, card in source.vintages.items():
        for correction in card.corrections:
            frame = _corrected(frame, name, int(vintage), correction)
    return PERIMETERS.conform(
        frame.select(
            pl.col("cog").alias("perimeter_vintage"),
            pl.col("epci").alias("epci_code"),
            pl.col("nom_epci").alias("epci_name"),
            pl.col("nature").alias("epci_kind"),
            pl.col("commune").alias("commune_code"),
            pl.col("nom_commune").alias("commune_name"),
            pl.format(f"{source.id}:{{}}:epci", pl.col("cog")).alias("file_id"),
        )
    )


def _corrected(
    frame: pl.DataFrame, name: str, vintage: int, correction: MembershipCorrection
) -> pl.DataFrame:
    """Move a commune to its EPCI in one edition, which must still say what the correction says it does."""
    edition = frame.filter(pl.col("cog") == vintage)
    if edition.is_empty():
        return frame
    said = edition.filter(pl.col("commune") == correction.commune)["epci"].to_list()
    right = edition.filter(pl.col("epci") == correction.right)
    if said != [correction.says] or right.is_empty():
        raise InputError(
            name,
            f"la correction déclarée pour la commune {correction.commune} au COG {vintage} ne s’applique "
            f"plus ({correction.reason})",
            "le producteur a sans doute corrigé son fichier\u202f: retirez-la de « corrections » dans "
            "observatory/sources/catalogue.yaml.",
            column="epci",
            value=", ".join(said),
        )
    there = (pl.col("cog") == vintage) & (pl.col("commune") == correction.commune)
    return frame.with_columns(
        pl.when(there).then(pl.lit(right[column][0])).otherwise(pl.col(column)).alias(column)
        for column in ("epci", "nom_epci", "nature")
    )


def parse_populations(text: pl.DataFrame, name: str = "populations.csv") -> pl.DataFrame:
    """Return ``core.populations``: inhabitants by level, code and census year.

    Raises:
        InputError: a column is missing, or a value is not of its type.
    """
    frame = typed(
        text, name, {"recensement": pl.Int32, "population": pl.Int64}, ("niveau", "code", "file_id")
    )
    return POPULATIONS.conform(
        frame.select(
            pl.col("niveau").alias("level"),
            "code",
            pl.col("recensement").alias("vintage"),
            "population",
            "file_id",
        )
    )


def parse_postcodes(text: pl.DataFrame, name: str = "codes_postaux.csv") -> pl.DataFrame:
    """Return ``core.postcodes``: one row per commune and postcode.

    Raises:
        InputError: a column is missing.
    """
    source = get_source("etalab_decoupage")
    frame = typed(text, name, {}, ("cog", "commune", "code_postal"))
    return POSTCODES.conform(
        frame.select(
            pl.col("commune").alias("commune_code"),
            pl.col("code_postal").alias("postcode"),
            pl.format(f"{source.id}:{{}}:communes", pl.col("cog")).alias("file_id"),
        )
    )


def parse_census(text: pl.DataFrame, vintage: str = "2021", name: str = "iris_2021.csv") -> pl.DataFrame:
    """Return ``core.census``: census counts by IRIS of the perimeter and by comparator.

    Raises:
        InputError: a column is missing, or a value is not of its type.
    """
    source = get_source("insee_rp_iris")
    frame = typed(text, name, dict.fromkeys(_CENSUS_NAMES, pl.Int64), ("niveau", "code"))
    return CENSUS.conform(
        frame.select(
            pl.col("niveau").alias("level"),
            "code",
            pl.lit(int(vintage), pl.Int32).alias("vintage"),
            *(pl.col(french).alias(english) for french, english in _CENSUS_NAMES.items()),
            pl.lit(source.file_id(vintage, "iris")).alias("file_id"),
        )
    )


def parse_contours(text: pl.DataFrame, vintage: str = "2025", name: str = "contours.csv") -> pl.DataFrame:
    """Return ``core.contours``: GeoJSON contours of the communes and areas in km².

    Raises:
        InputError: a column is missing, or a value is not of its type.
    """
    source = get_source("contours_communes")
    frame = typed(text, name, {"superficie_km2": pl.Float64}, ("niveau", "code", "contour"))
    return CONTOURS.conform(
        frame.select(
            pl.col("niveau").alias("level"),
            "code",
            pl.col("contour").alias("geometry"),
            pl.col("superficie_km2").alias("area_km2"),
            pl.lit(source.file_id(vintage, "communes")).alias("file_id"),
        )
    )


def typed(
    text: pl.DataFrame, name: str, types: dict[str, type[pl.DataType]], texts: tuple[str, ...]
) -> pl.DataFrame:
    """Return ``text`` with the columns of ``types`` cast, once those of ``texts`` are seen to be there.

    Raises:
        InputError: a column is missing, or a value is not of its type.
    """
    for column in (*types, *texts):
        if column not in text.columns:
            raise InputError(
                name,
                "la colonne manque.",
                "remettez le fichier d’origine, ou relancez « observatory embed ».",
                column=column,
            )
    frame = text.with_columns(pl.col(column).cast(dtype, strict=False) for column, dtype in types.items())
    for column, dtype in types.items():
        wrong = (~frame[column].is_finite().fill_null(False)).arg_true()
        if len(wrong):
            value = text[column][int(wrong[0])]
            kind = "nombre entier" if dtype.is_integer() else "nombre"
            raise InputError(
                name,
                "la valeur manque." if value is None else f"la valeur n’est pas un {kind}.",
                "corrigez la cellule ou remettez le fichier d’origine.",
                row=int(wrong[0]) + 2,
                column=column,
                value=value,
            )
    return frame
