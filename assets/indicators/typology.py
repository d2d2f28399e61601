"""The typology of the communes and their trajectories."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from assets.building import OWNER, column_schema
from assets.instance import WRITER
from assets.storage import TABLE
from observatory.paths import data_paths
from observatory.tables import TYPOLOGY_TABLES, Table
from observatory.typology.commune_tables import trajectory_tables, typology_tables
from observatory.typology.communes import classify_communes, follow_communes, load_choice
from observatory.typology.portraits import read_portraits

PORTRAITS = "portraits_typologie.yaml"


def output_name(table: Table) -> str:
    """Return the asset that fills a table of the typology."""
    return f"typology_communes__{table.name}"


@dg.multi_asset(
    name="typology",
    outs={
        output_name(table): dg.AssetOut(
            description=table.description,
            group_name="indicators",
            kinds={"polars", "scipy", "duckdb"},
            owners=[OWNER],
            metadata={TABLE: table.qualified_name, **column_schema(table.qualified_name)},
        )
        for table in TYPOLOGY_TABLES
    },
    pool=WRITER,
)
def typology(
    context: dg.AssetExecutionContext, indicators_all__observations: pl.DataFrame
) -> Iterator[dg.Output[pl.DataFrame]]:
    """Run ACP, CAH and consolidation on the communes, judge them, and follow the communes through time."""
    found = classify_communes(indicators_all__observations)
    followed = follow_communes(indicators_all__observations)
    context.log.info(
        f"{found.typology.n_classes} classes ; inertie interclasse : {found.typology.between_after:.1%} ; "
        f"{found.placed.height} commune(s) placée(s) ensuite ; {len(found.unplaced)} sans classe"
    )
    made = typology_tables(found, read_portraits(data_paths().reference / PORTRAITS))
    made |= trajectory_tables(followed, load_choice(), indicators_all__observations)
    for table in TYPOLOGY_TABLES:
        yield dg.Output(made[table.qualified_name], output_name=output_name(table))
