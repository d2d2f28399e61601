"""The code location: every asset, check, job and resource, gathered."""

import dagster as dg

from assets.checks import suites
from assets.core import confidential, public
from assets.indicators import observations, typology
from assets.progress import progress_logger
from assets.published import website
from assets.raw import deliveries, extracts
from assets.storage import SESSION, session_of_run, warehouse_io_manager

RAW = [*extracts.EXTRACTS, *deliveries.DELIVERIES]
REFRESHED = [*public.TABLES, *confidential.TABLES, *observations.TABLES, typology.typology, website.site]

refresh = dg.define_asset_job(
    "refresh",
    selection=dg.AssetSelection.groups("core", "indicators", "published"),
    description="Refait les tables, les indicateurs et le site à partir des sources déjà prises.",
)

INGESTS = [
    dg.define_asset_job(
        f"ingest_{asset.key.to_user_string().removeprefix('raw_')}",
        selection=[asset],
        description="Reprend une source, tous millésimes ou ceux que l’on choisit.",
    )
    for asset in RAW
]

defs = dg.Definitions(
    assets=[*RAW, *REFRESHED],
    asset_checks=suites(REFRESHED),
    jobs=[*INGESTS, refresh],
    resources={SESSION: session_of_run, "io_manager": warehouse_io_manager},
    # Steps take a second or two each: starting a process per step would cost more than it gives.
    executor=dg.in_process_executor,
    loggers={"console": dg.colored_console_logger, "progress": progress_logger},
)
