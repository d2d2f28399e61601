"""The dashboard of the cités."""

import polars as pl

from assets.building import table_asset
from assets.perimeter import chosen_perimeter
from observatory.indicators.dashboard import cite_dashboard
from observatory.tables import CITE_DASHBOARD
from observatory.territories import cites_within


@table_asset(
    "indicators_mbm__cite_dashboard",
    CITE_DASHBOARD.qualified_name,
    group="indicators",
    kinds={"polars"},
    description="Tableau de bord des cités : bailleurs, risques pour le patrimoine et leurs raisons.",
)
def dashboard(
    core_mbm__cites: pl.DataFrame,
    core_mbm__cite_signals: pl.DataFrame,
    core_mbm__cite_heritage: pl.DataFrame,
    core_landlords__dwellings: pl.DataFrame,
    indicators_all__observations: pl.DataFrame,
    core_all__territories: pl.DataFrame,
) -> pl.DataFrame:
    """Judge the risks from what may be published."""
    return cite_dashboard(
        cites_within(core_mbm__cites, chosen_perimeter(core_all__territories)),
        core_mbm__cite_signals,
        core_mbm__cite_heritage,
        core_landlords__dwellings,
        indicators_all__observations,
    )
