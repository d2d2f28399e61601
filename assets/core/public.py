"""Core tables from public sources."""

import dagster as dg
import polars as pl

from assets.building import table_asset
from assets.raw.deliveries import PRODUCERS
from assets.raw.files import asset_name
from observatory.paths import data_paths
from observatory.sources.catalogue import get_source
from observatory.sources.cites import check_communes, read_cites
from observatory.sources.embedded import file_of_path, files_of_card, read_card
from observatory.sources.extracts import (
    parse_census,
    parse_contours,
    parse_perimeters,
    parse_populations,
)
from observatory.sources.obtaining import file_sources
from observatory.tables import FILES
from observatory.territories import build_territories

_POLARS = {"polars"}


@table_asset(
    "core_etalab__commune_perimeters",
    "core.perimeters",
    group="core",
    kinds=_POLARS,
    description="Composition des sept EPCI, une version par année du code officiel géographique.",
)
def perimeters(raw_etalab__commune_perimeters: pl.DataFrame) -> pl.DataFrame:
    """Type the compositions."""
    return parse_perimeters(raw_etalab__commune_perimeters)


@table_asset(
    "core_etalab__territory_populations",
    "core.populations",
    group="core",
    kinds=_POLARS,
    description="Populations municipales légales des communes et des territoires de comparaison.",
)
def populations(raw_etalab__territory_populations: pl.DataFrame) -> pl.DataFrame:
    """Type the populations."""
    return parse_populations(raw_etalab__territory_populations)


@table_asset(
    "core_insee__iris_census",
    "core.census",
    group="core",
    kinds=_POLARS,
    description="Effectifs du recensement par IRIS du périmètre et par territoire de comparaison.",
)
def census(raw_insee__iris_census: pl.DataFrame) -> pl.DataFrame:
    """Type the census counts."""
    return parse_census(raw_insee__iris_census)


@table_asset(
    "core_contours__commune_outlines",
    "core.contours",
    group="core",
    kinds=_POLARS,
    description="Contours simplifiés des communes et superficies.",
)
def contours(raw_contours__commune_outlines: pl.DataFrame) -> pl.DataFrame:
    """Type the contours."""
    return parse_contours(raw_contours__commune_outlines)


@table_asset(
    "core_mbm__cites",
    "core.cites",
    group="core",
    kinds={"csv", "polars"},
    description="Cités minières que nomment les documents fondateurs, rattachées à leurs communes.",
)
def cites(core_etalab__commune_perimeters: pl.DataFrame) -> pl.DataFrame:
    """Read the reference table and tie it to the latest perimeter."""
    table = read_cites(data_paths().reference / "cites.csv")
    latest = core_etalab__commune_perimeters.filter(
        pl.col("perimeter_vintage") == pl.col("perimeter_vintage").max()
    )
    check_communes(table, dict(latest.select("commune_code", "epci_code").iter_rows()))
    return table


@table_asset(
    "core_all__territories",
    "core.territories",
    group="core",
    kinds=_POLARS,
    description="Tous les territoires de toutes les versions du périmètre, avec ceux qui les contiennent.",
)
def territories(
    core_etalab__commune_perimeters: pl.DataFrame,
    core_insee__iris_census: pl.DataFrame,
    core_mbm__cites: pl.DataFrame,
) -> pl.DataFrame:
    """Build the territories and their parents."""
    iris = core_insee__iris_census.filter(pl.col("level") == "iris")
    return build_territories(core_etalab__commune_perimeters, iris, core_mbm__cites)


@table_asset(
    "core_all__files",
    "core.files",
    group="core",
    kinds=_POLARS,
    description="Fichiers sources : empreinte, licence, provenance, date.",
    ins={
        name: dg.AssetIn()
        for name in (
            *(f"raw_{source_id}__deliveries" for source_id in PRODUCERS),
            *(asset_name(source_id) for source_id in file_sources()),
        )
    },
)
def files(**received: pl.DataFrame) -> pl.DataFrame:
    """Gather the origins of the extracts, the reference table, the deliveries and the snapshots."""
    paths = data_paths()
    extracts = [files_of_card(read_card(path)) for path in sorted(paths.embedded.glob("*.csv"))]
    reference = file_of_path(get_source("mbm_cites"), "2023", "cites", paths.reference / "cites.csv")
    others = [frame.select(list(FILES.polars_schema)) for frame in received.values()]
    return pl.concat([*extracts, reference, *others]).unique(subset="file_id")


TABLES = [perimeters, populations, census, contours, cites, territories, files]
