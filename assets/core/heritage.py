"""Heritage layers of the Mission and the cités tied to them."""

import dagster as dg
import polars as pl

from assets.building import table_asset
from assets.raw.files import PATH_COLUMN, asset_name
from assets.storage import PARTITION_COLUMN
from observatory.heritage.attributes import cite_heritage, contradictions
from observatory.heritage.decisions import read_decisions
from observatory.heritage.grid import grid_of_cites
from observatory.heritage.iris import iris_shares, parse_iris
from observatory.heritage.layers import parse_layer
from observatory.heritage.shares import territory_shares
from observatory.heritage.ties import tie_cites
from observatory.paths import data_paths
from observatory.sources.catalogue import get_source
from observatory.sources.features import read_features
from observatory.sources.filosofi_grid import read_cells_of
from observatory.sources.obtaining import file_sources
from observatory.tables.heritage import (
    CITE_CONTRADICTIONS,
    CITE_GRID,
    CITE_HERITAGE,
    CITE_IRIS,
    CITE_SHARES,
    CITE_TIES,
    HERITAGE,
)

_PREFIX = "heritage_"
_LAYERS = {
    source_id: source_id.removeprefix(_PREFIX)
    for source_id in file_sources()
    if source_id.startswith(_PREFIX)
}
_COMMUNES = "communes_mbm"


@table_asset(
    "core_mbm__heritage_features",
    HERITAGE.qualified_name,
    group="core",
    kinds={"polars", "shapely"},
    description="Couches du patrimoine : cités, Bien inscrit, zone tampon, communes de la Mission.",
    ins={asset_name(source_id): dg.AssetIn() for source_id in _LAYERS},
)
def heritage(**snapshots: pl.DataFrame) -> pl.DataFrame:
    """Read every layer that this run has."""
    frames = [pl.DataFrame(schema=HERITAGE.polars_schema)]
    for source_id, layer in _LAYERS.items():
        for row in snapshots[asset_name(source_id)].iter_rows(named=True):
            path = data_paths().root / row[PATH_COLUMN]
            features = read_features(path, get_source(source_id).data_file(row[PARTITION_COLUMN]))
            frames.append(parse_layer(features, layer, path.name, row["file_id"]))
    return pl.concat(frames)


@table_asset(
    "core_mbm__cite_ties",
    CITE_TIES.qualified_name,
    group="core",
    kinds={"polars"},
    description="Rattachement de chaque cité aux couches du patrimoine, avec sa raison.",
)
def cite_ties(core_mbm__cites: pl.DataFrame, core_mbm__heritage_features: pl.DataFrame) -> pl.DataFrame:
    """Tie the cités where there are layers to tie them to."""
    if core_mbm__heritage_features.is_empty():
        return pl.DataFrame(schema=CITE_TIES.polars_schema)
    decisions = read_decisions(data_paths().reference / "cites_heritage.csv", set(core_mbm__cites["slug"]))
    communes = _communes(core_mbm__heritage_features).select("code", "name")
    return tie_cites(core_mbm__cites, core_mbm__heritage_features, communes, decisions)


@table_asset(
    "core_mbm__cite_heritage",
    CITE_HERITAGE.qualified_name,
    group="core",
    kinds={"polars", "shapely"},
    description="Contour, compagnie, type, intérêt et protection des cités rattachées avec certitude.",
)
def cite_attributes(
    core_mbm__cite_ties: pl.DataFrame, core_mbm__heritage_features: pl.DataFrame
) -> pl.DataFrame:
    """Gather what the tied surfaces say."""
    if core_mbm__cite_ties.is_empty():
        return pl.DataFrame(schema=CITE_HERITAGE.polars_schema)
    return cite_heritage(core_mbm__cite_ties, core_mbm__heritage_features)


@table_asset(
    "core_mbm__cite_shares",
    CITE_SHARES.qualified_name,
    group="core",
    kinds={"polars", "shapely"},
    description="Communes que chaque cité traverse réellement, et dans quelles proportions.",
)
def cite_shares(
    core_mbm__cite_heritage: pl.DataFrame, core_mbm__heritage_features: pl.DataFrame
) -> pl.DataFrame:
    """Measure on the Mission's own commune contours: the embedded ones are too coarse for it."""
    if core_mbm__cite_heritage.is_empty():
        return pl.DataFrame(schema=CITE_SHARES.polars_schema)
    communes = _communes(core_mbm__heritage_features).select("code", "geometry")
    return territory_shares(core_mbm__cite_heritage.select("slug", "geometry"), communes)


@table_asset(
    "core_mbm__cite_iris",
    CITE_IRIS.qualified_name,
    group="core",
    kinds={"polars", "shapely"},
    description="IRIS que chaque cité traverse, et dans quelles proportions.",
)
def cite_iris(
    core_mbm__cite_heritage: pl.DataFrame, raw_ign_contours_iris__snapshots: pl.DataFrame
) -> pl.DataFrame:
    """Measure on the contours of the IRIS, where the run has both contours."""
    if core_mbm__cite_heritage.is_empty() or raw_ign_contours_iris__snapshots.is_empty():
        return pl.DataFrame(schema=CITE_IRIS.polars_schema)
    row = raw_ign_contours_iris__snapshots.sort("vintage").row(-1, named=True)
    path = data_paths().root / row[PATH_COLUMN]
    card = get_source(row["source"]).data_file(row[PARTITION_COLUMN])
    iris = parse_iris(read_features(path, card), path.name)
    return iris_shares(core_mbm__cite_heritage.select("slug", "geometry"), iris, row["file_id"])


@table_asset(
    "core_mbm__cite_grid",
    CITE_GRID.qualified_name,
    group="core",
    kinds={"polars", "shapely"},
    description="Carreaux de 200 m de Filosofi dans chaque cité, avec ce qui est imputé.",
)
def cite_grid(
    core_mbm__cite_heritage: pl.DataFrame,
    core_mbm__heritage_features: pl.DataFrame,
    raw_insee_filosofi_carreaux__snapshots: pl.DataFrame,
) -> pl.DataFrame:
    """Sum the cells of each cité, where an analyst has dropped the grid."""
    frames = [pl.DataFrame(schema=CITE_GRID.polars_schema)]
    if core_mbm__cite_heritage.is_empty():
        return frames[0]
    communes = _communes(core_mbm__heritage_features)["code"].to_list()
    for row in raw_insee_filosofi_carreaux__snapshots.iter_rows(named=True):
        cells = read_cells_of(data_paths().root / row[PATH_COLUMN], communes)
        frames.append(
            grid_of_cites(
                core_mbm__cite_heritage.select("slug", "geometry"), cells, int(row["vintage"]), row["file_id"]
            )
        )
    return pl.concat(frames)


@table_asset(
    "core_mbm__cite_contradictions",
    CITE_CONTRADICTIONS.qualified_name,
    group="core",
    kinds={"polars"},
    description="Ce que disent différemment les documents fondateurs et les contours.",
)
def cite_contradictions(
    core_mbm__cites: pl.DataFrame,
    core_mbm__cite_heritage: pl.DataFrame,
    core_mbm__cite_shares: pl.DataFrame,
    core_mbm__heritage_features: pl.DataFrame,
) -> pl.DataFrame:
    """List the contradictions, for the Mission to settle."""
    if core_mbm__cite_heritage.is_empty():
        return pl.DataFrame(schema=CITE_CONTRADICTIONS.polars_schema)
    communes = _communes(core_mbm__heritage_features).select("code", "name")
    return contradictions(core_mbm__cites, core_mbm__cite_heritage, core_mbm__cite_shares, communes)


def _communes(heritage: pl.DataFrame) -> pl.DataFrame:
    return heritage.filter(pl.col("layer") == _COMMUNES)


TABLES = [heritage, cite_ties, cite_attributes, cite_shares, cite_iris, cite_grid, cite_contradictions]
