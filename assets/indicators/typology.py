"""The typology of the communes."""

import dagster as dg
import polars as pl

from assets.building import OWNER, column_schema
from assets.storage import TABLE
from observatory.typology.communes import classify_communes, describe_classes

_DESCRIPTIONS = {
    "communes": "Classe, coordonnées et distances de chaque commune.",
    "classes": "Ce qui distingue chaque classe : valeurs-tests des variables.",
    "axes": "Valeurs propres de l’analyse en composantes principales.",
    "variables": "Corrélations des variables avec les deux premiers axes.",
}


@dg.multi_asset(
    name="typology",
    outs={
        f"typology_communes__{name}": dg.AssetOut(
            description=description,
            group_name="indicators",
            kinds={"polars", "scipy", "duckdb"},
            owners=[OWNER],
            metadata={TABLE: f"typology.{name}", **column_schema(f"typology.{name}")},
        )
        for name, description in _DESCRIPTIONS.items()
    },
)
def typology(
    context: dg.AssetExecutionContext, indicators_all__observations: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Run ACP, CAH and consolidation on the communes."""
    result = classify_communes(indicators_all__observations)
    context.log.info(f"{result.n_classes} classes ; inertie interclasse : {result.between_after:.1%}")
    return result.communes_frame(), describe_classes(result), result.axes_frame(), result.variables_frame()
