"""What the producers' files say, one row per variable and territory."""

import dagster as dg
import polars as pl

from assets.building import table_asset
from assets.raw.files import PATH_COLUMN, asset_name
from assets.storage import PARTITION_COLUMN
from observatory.indicators.values import with_comparators
from observatory.paths import data_paths
from observatory.sources.obtaining import file_sources
from observatory.sources.values import read_values
from observatory.tables import VALUES


@table_asset(
    "core_files__territory_values",
    VALUES.qualified_name,
    group="core",
    kinds={"polars"},
    description="Valeurs des fichiers des producteurs, avec le statut de chaque absence.",
    ins={asset_name(source_id): dg.AssetIn() for source_id in file_sources()},
)
def values(
    context: dg.AssetExecutionContext,
    core_etalab__commune_perimeters: pl.DataFrame,
    **snapshots: pl.DataFrame,
) -> pl.DataFrame:
    """Read every snapshot by its layout; keep the perimeter and the sums of complete comparators."""
    latest = core_etalab__commune_perimeters.filter(
        pl.col("perimeter_vintage") == pl.col("perimeter_vintage").max()
    )
    communes = latest["commune_code"].to_list()
    frames = [pl.DataFrame(schema=VALUES.polars_schema)]
    for source_id in file_sources():
        for row in snapshots[asset_name(source_id)].iter_rows(named=True):
            path, vintage = data_paths().root / row[PATH_COLUMN], row[PARTITION_COLUMN]
            whole = read_values(path, source_id, vintage)
            asked = read_values(path, source_id, vintage, communes)
            frames.append(pl.concat([asked, with_comparators(whole, source_id, vintage)]))
            context.log.info(f"{source_id} {vintage} : {frames[-1].height} valeurs")
    return pl.concat(frames)


TABLES = [values]
