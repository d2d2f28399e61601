"""The history of the communes, and populations since 1968 on the communes of today."""

from pathlib import Path

import polars as pl

from assets.building import table_asset
from assets.raw.files import PATH_COLUMN
from observatory.geography import History, build_history, populations_on
from observatory.paths import data_paths
from observatory.sources.cog_events import read_events
from observatory.sources.commune_populations import read_populations
from observatory.tables import POPULATION_SERIES


@table_asset(
    "core_insee__commune_population_series",
    POPULATION_SERIES.qualified_name,
    group="core",
    kinds={"polars"},
    description="Populations depuis 1968 sur les communes d’aujourd’hui ; les estimations sont signalées.",
)
def population_series(
    raw_insee_cog_mouvements__snapshots: pl.DataFrame,
    raw_cog_populations__snapshots: pl.DataFrame,
    core_etalab__commune_perimeters: pl.DataFrame,
) -> pl.DataFrame:
    """Bring every census onto the communes of the latest perimeter."""
    history = read_history(raw_insee_cog_mouvements__snapshots, core_etalab__commune_perimeters)
    if history is None or raw_cog_populations__snapshots.is_empty():
        return pl.DataFrame(schema=POPULATION_SERIES.polars_schema)
    series = raw_cog_populations__snapshots.sort("vintage").row(-1, named=True)
    latest = latest_perimeter(core_etalab__commune_perimeters)
    today = int(latest["perimeter_vintage"][0])
    populations = populations_on(
        history, read_populations(_path(series)), frozenset(latest["commune_code"]), today
    )
    return populations.with_columns(file_id=pl.lit(series["file_id"]))


def read_history(events: pl.DataFrame, perimeters: pl.DataFrame) -> History | None:
    """Return the history of the communes, from the latest events and the embedded lists; None without."""
    if events.is_empty():
        return None
    latest = events.sort("vintage").row(-1, named=True)
    lists = perimeters.select(cog_year="perimeter_vintage", commune_code="commune_code")
    return build_history(read_events(_path(latest)), int(latest["vintage"]), lists=lists)


def latest_perimeter(perimeters: pl.DataFrame) -> pl.DataFrame:
    """Return the latest version of the perimeter."""
    return perimeters.filter(pl.col("perimeter_vintage") == pl.col("perimeter_vintage").max())


def _path(row: dict[str, str]) -> Path:
    return data_paths().root / row[PATH_COLUMN]


TABLES = [population_series]
