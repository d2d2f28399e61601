"""The code location: every asset, check, job, schedule, sensor and resource, gathered."""

import dagster as dg

from assets.automation import JOBS, SCHEDULES
from assets.checks import audit_check, partners_check, suites, values_check
from assets.core import confidential, geography, heritage, mortality, perimeters, public, values
from assets.executors import chosen_executor
from assets.indicators import dashboard, observations, projection, typology
from assets.progress import progress_logger
from assets.published import partners, website
from assets.raw import deliveries, extracts, files
from assets.sensors import SENSORS
from assets.storage import SESSION, session_of_run, warehouse_io_manager

RAW = [*extracts.EXTRACTS, *deliveries.DELIVERIES]
FILES = files.SNAPSHOT_ASSETS
REFRESHED = [
    *public.TABLES,
    *perimeters.TABLES,
    *values.TABLES,
    *geography.TABLES,
    *heritage.TABLES,
    *mortality.TABLES,
    *confidential.TABLES,
    *observations.TABLES,
    dashboard.dashboard,
    projection.projections,
    typology.typology,
    website.site,
    partners.editions,
]

refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.groups("core", "indicators", "published"),
    description="Refait les tables, les indicateurs, le site et les éditions de partenaires à partir des "
    "sources déjà prises.",
)

refresh_tables = dg.define_asset_job(
    "refresh_tables",
    selection=dg.AssetSelection.groups("core", "indicators"),
    description="Refait les tables et les indicateurs seuls, sans site ni éditions de partenaires.",
)


def ingest_name(key: dg.AssetKey) -> str:
    """Return the name of the job that takes one source again."""
    return f"ingest_{key.to_user_string().removeprefix('raw_')}"


INGESTS = [
    dg.define_asset_job(
        ingest_name(asset.key),
        selection=[asset],
        description="Reprend une source, tous millésimes ou ceux que l’on choisit.",
    )
    for asset in (*RAW, *FILES)
]

defs = dg.Definitions(
    assets=[*RAW, *FILES, *REFRESHED],
    asset_checks=[*suites(REFRESHED), values_check(values.values), audit_check(), partners_check()],
    jobs=[*INGESTS, refresh, refresh_tables, *JOBS],
    schedules=SCHEDULES,
    sensors=SENSORS,
    resources={SESSION: session_of_run, "io_manager": warehouse_io_manager},
    executor=chosen_executor(),
    loggers={"console": dg.colored_console_logger, "progress": progress_logger},
)
