"""Embedded extracts, passed through as text."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import polars as pl

from assets.building import table_asset
from assets.partitions import vintages_of
from assets.storage import PARTITION_COLUMN
from observatory.paths import data_paths
from observatory.sources.catalogue import get_source
from observatory.sources.embedded import read_embedded
from observatory.sources.national import COMPOSITION, EVENTS


def _extract(
    name: str, source_id: str, table: str, file: str, partition: Callable[[], pl.Expr]
) -> dg.AssetsDefinition:
    source = get_source(source_id)

    @table_asset(
        name,
        table,
        group="raw",
        kinds={Path(file).suffix[1:], "polars"},
        description=f"{source.title} : l’extrait embarqué {file}, tel quel. Producteur : {source.producer}.",
        partitions_def=vintages_of(source_id),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def extract(context: dg.AssetExecutionContext) -> pl.DataFrame:
        text = read_embedded(data_paths().embedded / file)
        return text.with_columns(partition().alias(PARTITION_COLUMN)).filter(
            pl.col(PARTITION_COLUMN).is_in(list(context.partition_keys))
        )

    return extract


def _of_file_id() -> pl.Expr:
    return pl.col("file_id").str.split(":").list.get(1)


EXTRACTS = [
    _extract(
        "raw_etalab__commune_perimeters",
        "etalab_decoupage",
        "raw.etalab_perimeters",
        "perimetres.csv",
        lambda: pl.col("cog"),
    ),
    _extract(
        "raw_etalab__territory_populations",
        "etalab_decoupage",
        "raw.etalab_populations",
        "populations.csv",
        _of_file_id,
    ),
    _extract(
        "raw_etalab__commune_postcodes",
        "etalab_decoupage",
        "raw.etalab_postcodes",
        "codes_postaux.csv",
        lambda: pl.col("cog"),
    ),
    _extract(
        "raw_etalab__commune_composition",
        "etalab_decoupage",
        "raw.etalab_composition",
        COMPOSITION,
        lambda: pl.col("cog"),
    ),
    _extract(
        "raw_etalab__commune_events",
        "etalab_decoupage",
        "raw.etalab_events",
        EVENTS,
        lambda: pl.col("cog"),
    ),
    _extract(
        "raw_insee__iris_census",
        "insee_rp_iris",
        "raw.insee_iris_census",
        "iris_2021.csv",
        lambda: pl.lit("2021"),
    ),
    _extract(
        "raw_contours__commune_outlines",
        "contours_communes",
        "raw.commune_outlines",
        "contours.csv",
        lambda: pl.lit("2025"),
    ),
]
