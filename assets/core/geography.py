"""The history of the communes, and populations since 1968 on the communes of today."""

from pathlib import Path

import polars as pl

from assets.building import table_asset
from assets.raw.files import PATH_COLUMN
from observatory.geography import History, build_history, populations_on
from observatory.geography.perimeter_versions import lists_of_communes
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
    core_all__perimeter_communes: pl.DataFrame,
) -> pl.DataFrame:
    """Bring every census onto the communes of today's perimeters."""
    history = read_history(raw_insee_cog_mouvements__snapshots, core_all__perimeter_communes)
    if history is None or raw_cog_populations__snapshots.is_empty():
        return pl.DataFrame(schema=POPULATION_SERIES.polars_schema)
    series = raw_cog_populations__snapshots.sort("vintage").row(-1, named=True)
    latest = latest_perimeter(core_all__perimeter_communes)
    today = int(latest["perimeter_vintage"][0])
    populations = populations_on(
        history, read_populations(path_of(series)), frozenset(latest["commune_code"]), today
    )
    return populations.with_columns(file_id=pl.lit(series["file_id"]))


def read_history(events: pl.DataFrame, perimeters: pl.DataFrame) -> History | None:
    """Return the history of the communes, from the latest events and ``core.perimeter_communes``.

    None without events.
    """
    read = read_latest_events(events)
    if read is None:
        return None
    return build_history(*read, lists=lists_of_communes(perimeters, read[1]))


def read_latest_events(snapshots: pl.DataFrame) -> tuple[pl.DataFrame, int] | None:
    """Return the latest events between communes and the COG year they reach; None without a file."""
    if snapshots.is_empty():
        return None
    latest = snapshots.sort("vintage").row(-1, named=True)
    return read_events(path_of(latest)), int(latest["vintage"])


def latest_perimeter(perimeters: pl.DataFrame) -> pl.DataFrame:
    """Return the communes of today: those of every perimeter in the latest COG year of the seven EPCI.

    Args:
        perimeters: ``core.perimeter_communes``.

    Returns:
        Columns perimeter_vintage (one value), commune_code, commune_name, without repeat; a name is that of
        the editions where they have the commune.
    """
    today = perimeters.filter(pl.col("perimeter") == "sept_epci")["perimeter_vintage"].max()
    return (
        perimeters.filter(pl.col("perimeter_vintage") == today)
        .sort(pl.col("perimeter") != "sept_epci", "commune_code", maintain_order=True)
        .unique("commune_code", keep="first", maintain_order=True)
        .select("perimeter_vintage", "commune_code", "commune_name")
    )


def path_of(snapshot: dict[str, str]) -> Path:
    """Return where a snapshot lies, from its row."""
    return data_paths().root / snapshot[PATH_COLUMN]


TABLES = [population_series]
