"""The history of the communes, and populations since 1968 on the communes of today."""

from pathlib import Path

import polars as pl

from assets.building import table_asset
from assets.raw.files import PATH_COLUMN
from observatory.geography import History, build_history, populations_on
from observatory.geography.perimeter_versions import lists_of_communes
from observatory.geography.populations import former_by_commune
from observatory.paths import data_paths
from observatory.sources.cog_events import read_events
from observatory.sources.commune_populations import read_populations
from observatory.sources.national import parse_later_events
from observatory.tables import POPULATION_SERIES
from observatory.territories import WIDE, department_of


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
    raw_etalab__commune_events: pl.DataFrame,
) -> pl.DataFrame:
    """Bring every census onto the communes of today's perimeters, in the departments that the file covers."""
    history = read_history(
        raw_insee_cog_mouvements__snapshots, core_all__perimeter_communes, raw_etalab__commune_events
    )
    if history is None or raw_cog_populations__snapshots.is_empty():
        return pl.DataFrame(schema=POPULATION_SERIES.polars_schema)
    series = raw_cog_populations__snapshots.sort("vintage").row(-1, named=True)
    latest = latest_perimeter(core_all__perimeter_communes)
    today = int(latest["perimeter_vintage"][0])
    read = read_populations(path_of(series))
    communes = _covered(history, read, frozenset(latest["commune_code"]), today)
    populations = populations_on(history, read, communes, today)
    return populations.with_columns(file_id=pl.lit(series["file_id"]))


def _covered(
    history: History, populations: pl.DataFrame, communes: frozenset[str], today: int
) -> frozenset[str]:
    """Return the communes that hold nothing, now or at first, of a department that a file leaves out."""
    departments = {department_of(code) for code in populations["code"].unique()}
    here = frozenset(code for code in communes if department_of(code) in departments)
    first = int(populations["cog_year"].min())  # type: ignore[arg-type]
    former = former_by_commune(history, here, today, first)
    return frozenset(
        code for code, held in former.items() if all(department_of(one) in departments for one in held)
    )


def read_history(events: pl.DataFrame, perimeters: pl.DataFrame, later: pl.DataFrame) -> History | None:
    """Return the history of the communes, from the latest events and ``core.perimeter_communes``.

    Past INSEE's events, lists of the communes say that none of those of the mining basin has gone. Of those
    of a region or of France some have: there the events go on with those that the editions of the package
    tell.

    Args:
        events: snapshots of INSEE's events; without any there is no history.
        perimeters: ``core.perimeter_communes``.
        later: extract of the events that the package tells.
    """
    read = read_latest_events(events)
    if read is None:
        return None
    if not perimeters["perimeter"].is_in(WIDE).any():
        return build_history(*read, lists=lists_of_communes(perimeters, read[1]))
    known, year = read
    told = parse_later_events(later).filter(pl.col("date") > pl.date(year, 1, 1))
    today = int(latest_perimeter(perimeters)["perimeter_vintage"][0])
    return build_history(pl.concat([known, told.select(known.columns)]), max(year, today))


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
