"""The editions of partners, one by agreement in force, staged and published with the site."""

import dagster as dg
import polars as pl

from assets.agreements import agreements_of_the_day
from assets.building import OWNER, WARNING, YEARLY
from assets.instance import WRITER
from assets.perimeter import chosen_perimeter
from assets.storage import SESSION
from observatory.disclosure.release import read_releases
from observatory.disclosure.rules import Protected
from observatory.disclosure.tiers import protect_for_partners
from observatory.indicators.catalogue import load_indicators, measured
from observatory.indicators.compute import compute_observations
from observatory.rendering.partner import EditionData, build_edition
from observatory.tables import DISCLOSURE_JOURNAL
from observatory.tables.disclosure import Tier


@dg.asset(
    name="published_partners__editions",
    group_name="published",
    kinds={"html", "csv"},
    owners=[OWNER],
    description="Éditions des partenaires : ce que chaque convention en vigueur permet de leur montrer.",
    # Whoever holds an edition holds the site: it stands before it is attacked.
    deps=["published_all__site"],
    required_resource_keys={SESSION},
    pool=WRITER,
    freshness_policy=YEARLY,
)
def editions(
    context: dg.AssetExecutionContext,
    core_all__territories: pl.DataFrame,
    core_all__files: pl.DataFrame,
    core_landlords__dwellings: pl.DataFrame,
    indicators_public__territory_measures: pl.DataFrame,
    indicators_mining__territory_measures: pl.DataFrame,
    indicators_all__observations: pl.DataFrame,
    indicators_all__definitions: pl.DataFrame,
) -> dg.MaterializeResult:
    """Write the folder of each partner; those whose agreement is over are gone with the former editions."""
    session = context.resources.session
    agreements, problems = agreements_of_the_day(
        session.paths, core_all__territories, core_landlords__dwellings
    )
    for problem in problems:
        context.log.warning(problem)
    if agreements or session.paths.partners.exists():
        session.partners.mkdir(mode=0o700)
    journal = session.read(DISCLOSURE_JOURNAL.qualified_name).filter(pl.col("tier") == Tier.PUBLIC)
    made: dict[str, Protected] = {}
    if agreements:
        territories = chosen_perimeter(core_all__territories)
        counts = pl.concat([indicators_public__territory_measures, indicators_mining__territory_measures])
        indicators = measured(load_indicators(), counts)
        made = protect_for_partners(
            agreements,
            compute_observations(indicators, counts, territories),
            Protected(indicators_all__observations, journal),
            indicators,
            counts,
            territories,
            earlier=read_releases(session.paths.releases),
        )
        data = EditionData(territories, indicators_all__definitions, core_all__files)
        for agreement in agreements:
            folder = session.partners / agreement.partner
            build_edition(agreement, made[agreement.partner], data, folder)
    session.write(
        DISCLOSURE_JOURNAL.qualified_name, pl.concat([journal, *(one.journal for one in made.values())])
    )
    told = {WARNING: "\n".join(problems)} if problems else {}
    return dg.MaterializeResult(metadata={"éditions": len(made), **told})
