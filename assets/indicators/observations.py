"""Definitions, measures and observations; the journal of disclosure control comes with these."""

import dagster as dg
import polars as pl

from assets.building import YEARLY, table_asset
from assets.perimeter import chosen_perimeter
from assets.storage import SESSION
from observatory.disclosure.release import read_releases
from observatory.disclosure.rules import protect_with_journal
from observatory.indicators import measures, mining
from observatory.indicators.catalogue import definitions, load_indicators, measured
from observatory.indicators.compute import compute_observations
from observatory.indicators.values import value_measures
from observatory.tables import DISCLOSURE_JOURNAL
from observatory.territories import delivered

_POLARS = {"polars"}


@table_asset(
    "indicators_all__definitions",
    "indicators.definitions",
    group="indicators",
    kinds={"yaml"},
    description="Catalogue des indicateurs.",
)
def indicator_definitions(
    indicators_public__territory_measures: pl.DataFrame, indicators_mining__territory_measures: pl.DataFrame
) -> pl.DataFrame:
    """Keep of the catalogue what this run measures."""
    counts = pl.concat([indicators_public__territory_measures, indicators_mining__territory_measures])
    return definitions(measured(load_indicators(), counts))


@table_asset(
    "indicators_public__territory_measures",
    "indicators.measures",
    group="indicators",
    kinds=_POLARS,
    description="Effectifs des sources publiques, à tous les niveaux de territoire.",
)
def public_measures(
    core_insee__iris_census: pl.DataFrame,
    core_etalab__territory_populations: pl.DataFrame,
    core_contours__commune_outlines: pl.DataFrame,
    core_files__territory_values: pl.DataFrame,
    core_insee__commune_population_series: pl.DataFrame,
    core_all__territories: pl.DataFrame,
) -> pl.DataFrame:
    """Count and sum up the perimeter; what the embedded data give comes before the files."""
    territories = chosen_perimeter(core_all__territories)
    embedded = pl.concat(
        [
            measures.census_measures(core_insee__iris_census, territories),
            measures.population_measures(core_etalab__territory_populations, territories),
            measures.area_measures(core_contours__commune_outlines, territories),
            measures.series_measures(core_insee__commune_population_series, territories),
        ]
    )
    return pl.concat([embedded, value_measures(core_files__territory_values, territories, embedded)])


@table_asset(
    "indicators_mining__territory_measures",
    "confidential.measures",
    group="indicators",
    kinds=_POLARS,
    description="Effectifs des bailleurs et de l’ANGDM avant secret statistique.",
)
def mining_measures(
    core_landlords__dwellings: pl.DataFrame,
    core_angdm__beneficiaries: pl.DataFrame,
    indicators_public__territory_measures: pl.DataFrame,
    core_all__territories: pl.DataFrame,
) -> pl.DataFrame:
    """Count the individual data; the result holds small counts and stays confidential."""
    territories = delivered(chosen_perimeter(core_all__territories))
    return pl.concat(
        [
            mining.dwelling_measures(
                core_landlords__dwellings, territories, indicators_public__territory_measures
            ),
            mining.beneficiary_measures(
                core_angdm__beneficiaries, territories, indicators_public__territory_measures
            ),
        ]
    )


@table_asset(
    "indicators_all__observations",
    "indicators.observations",
    group="indicators",
    kinds=_POLARS,
    description="Une ligne par territoire, indicateur et millésime, après secret statistique.",
    required_resource_keys={SESSION},
    freshness_policy=YEARLY,
)
def observations(
    context: dg.AssetExecutionContext,
    indicators_public__territory_measures: pl.DataFrame,
    indicators_mining__territory_measures: pl.DataFrame,
    core_all__territories: pl.DataFrame,
) -> pl.DataFrame:
    """Apply the one formula, then hide what must not be shown."""
    territories = chosen_perimeter(core_all__territories)
    counts = pl.concat([indicators_public__territory_measures, indicators_mining__territory_measures])
    indicators = measured(load_indicators(), counts)
    computed = compute_observations(indicators, counts, territories)
    session = context.resources.session
    protected = protect_with_journal(
        computed,
        indicators,
        counts,
        delivered(territories),
        earlier=read_releases(session.paths.releases),
    )
    session.write(DISCLOSURE_JOURNAL.qualified_name, protected.journal)
    return protected.observations


TABLES = [indicator_definitions, public_measures, mining_measures, observations]
