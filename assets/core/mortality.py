"""Mortality of France by year, sex and age."""

import polars as pl

from assets.building import table_asset
from assets.raw.files import PATH_COLUMN
from observatory.paths import data_paths
from observatory.sources.mortality import read_mortality
from observatory.tables import MORTALITY


@table_asset(
    "core_insee__mortality",
    MORTALITY.qualified_name,
    group="core",
    kinds={"polars"},
    description="Quotients de mortalité de la France par année, sexe et âge.",
)
def mortality(raw_insee_mortalite__snapshots: pl.DataFrame) -> pl.DataFrame:
    """Read the latest table, where there is one."""
    if raw_insee_mortalite__snapshots.is_empty():
        return pl.DataFrame(schema=MORTALITY.polars_schema)
    latest = raw_insee_mortalite__snapshots.sort("vintage").row(-1, named=True)
    return read_mortality(data_paths().root / latest[PATH_COLUMN])


TABLES = [mortality]
