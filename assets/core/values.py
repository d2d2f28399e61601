"""What the producers' files say, one row per variable and territory."""

import dagster as dg
import polars as pl

from assets.building import table_asset
from assets.core.geography import latest_perimeter, read_history
from assets.raw.files import PATH_COLUMN, asset_name
from assets.storage import PARTITION_COLUMN
from observatory.geography import build_passage, former_communes
from observatory.indicators.values import onto_communes, with_comparators
from observatory.paths import data_paths
from observatory.sources.landing_contracts import get_contract, load_contracts, read_landing
from observatory.sources.obtaining import value_sources
from observatory.sources.values import read_values
from observatory.tables import VALUES


@table_asset(
    "core_files__territory_values",
    VALUES.qualified_name,
    group="core",
    kinds={"polars"},
    description="Valeurs des fichiers des producteurs, avec le statut de chaque absence.",
    ins={asset_name(source_id): dg.AssetIn() for source_id in value_sources()}
    | {"events": dg.AssetIn("raw_insee_cog_mouvements__snapshots")},
)
def values(
    context: dg.AssetExecutionContext,
    core_etalab__commune_perimeters: pl.DataFrame,
    events: pl.DataFrame,
    **snapshots: pl.DataFrame,
) -> pl.DataFrame:
    """Read every snapshot by its layout, onto the communes of the latest perimeter.

    Sums of the comparators that a file holds whole stand beside them.
    """
    latest = latest_perimeter(core_etalab__commune_perimeters)
    today, communes = int(latest["perimeter_vintage"][0]), frozenset(latest["commune_code"])
    history = read_history(events, core_etalab__commune_perimeters)
    frames = [pl.DataFrame(schema=VALUES.polars_schema)]
    for source_id, source in value_sources().items():
        for row in snapshots[asset_name(source_id)].iter_rows(named=True):
            path, vintage = data_paths().root / row[PATH_COLUMN], row[PARTITION_COLUMN]
            file = source.data_file(vintage)
            if source_id in load_contracts():
                frames.append(read_landing(path, get_contract(source_id), vintage, communes))
                continue
            if history is None or file.cog is None:
                asked = read_values(path, source_id, vintage, communes)
            else:
                former = former_communes(history, communes, today, file.cog)
                passage = build_passage(history, former, file.cog, today)
                asked = read_values(path, source_id, vintage, former)
                asked = onto_communes(asked, passage, source_id, today)
            frames.append(asked)
            if file.complete:
                frames.append(with_comparators(read_values(path, source_id, vintage), source_id, vintage))
            context.log.info(f"{source_id} {vintage} : {asked.height} valeurs")
    return pl.concat(frames)


TABLES = [values]
