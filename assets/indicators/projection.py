"""The beneficiaries to come."""

import polars as pl

from assets.building import table_asset
from assets.perimeter import chosen_perimeter
from observatory.paths import data_paths
from observatory.projection.assumptions import CARD, read_assumptions
from observatory.projection.territories import project
from observatory.tables import PROJECTIONS
from observatory.territories import delivered


@table_asset(
    "indicators_angdm__projections",
    PROJECTIONS.qualified_name,
    group="indicators",
    kinds={"polars"},
    description="Bénéficiaires de l’ANGDM à venir, par territoire et scénario, arrondis.",
)
def projections(
    core_angdm__beneficiaries: pl.DataFrame,
    core_landlords__dwellings: pl.DataFrame,
    core_insee__mortality: pl.DataFrame,
    indicators_all__observations: pl.DataFrame,
    core_all__territories: pl.DataFrame,
) -> pl.DataFrame:
    """Project the individual data and keep what may be published."""
    return project(
        core_angdm__beneficiaries,
        core_landlords__dwellings,
        delivered(chosen_perimeter(core_all__territories)),
        core_insee__mortality,
        indicators_all__observations,
        read_assumptions(data_paths().reference / CARD),
    )
