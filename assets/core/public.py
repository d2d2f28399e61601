"""Core tables from public sources."""

import dagster as dg
import polars as pl

from assets.building import table_asset
from assets.core.geography import latest_perimeter, read_history
from assets.perimeter import chosen_wide
from assets.raw.deliveries import PRODUCERS
from assets.raw.files import asset_name
from observatory.geography.perimeter_versions import on_communes_of_today
from observatory.paths import data_paths
from observatory.sources.catalogue import get_source
from observatory.sources.cite_signals import read_signals
from observatory.sources.cites import check_communes, read_cites
from observatory.sources.embedded import file_of_path, files_of_card, read_card
from observatory.sources.extracts import (
    parse_census,
    parse_contours,
    parse_perimeters,
    parse_populations,
    parse_postcodes,
)
from observatory.sources.national import COMPOSITION, parse_composition
from observatory.sources.obtaining import file_sources
from observatory.tables import CITE_SIGNALS, CONTOURS, FILES, TERRITORIES
from observatory.territories import BASIN_AREAS, WIDE, areas_of, build_territories, build_version

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
    "core_etalab__commune_postcodes",
    "core.postcodes",
    group="core",
    kinds=_POLARS,
    description="Codes postaux des communes du Nord et du Pas-de-Calais.",
)
def postcodes(raw_etalab__commune_postcodes: pl.DataFrame) -> pl.DataFrame:
    """Type the postcodes."""
    return parse_postcodes(raw_etalab__commune_postcodes)


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
def contours(
    raw_contours__commune_outlines: pl.DataFrame, core_mbm__heritage_features: pl.DataFrame
) -> pl.DataFrame:
    """Type the contours, and take those of the Mission's other communes from its layer."""
    embedded = parse_contours(raw_contours__commune_outlines)
    beyond = core_mbm__heritage_features.filter(pl.col("layer") == "communes_mbm").join(
        embedded.filter(pl.col("level") == "commune"), on="code", how="anti"
    )
    others = beyond.select(
        pl.lit("commune").alias("level"),
        "code",
        "geometry",
        (pl.col("area_ha") / 100).alias("area_km2"),
        "file_id",
    )
    return CONTOURS.conform(pl.concat([embedded, others]))


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
    "core_mbm__cite_signals",
    CITE_SIGNALS.qualified_name,
    group="core",
    kinds={"csv", "polars"},
    description="Cités dont les documents fondateurs signalent un projet, une démolition, un accord.",
)
def cite_signals(core_mbm__cites: pl.DataFrame) -> pl.DataFrame:
    """Read what the follow-up committee and the technical group said of cités."""
    return read_signals(data_paths().reference / "cites_signalements.csv", core_mbm__cites["slug"].to_list())


@table_asset(
    "core_all__territories",
    "core.territories",
    group="core",
    kinds=_POLARS,
    description="Tous les territoires de toutes les versions des périmètres, avec ceux qui les contiennent.",
)
def territories(
    core_etalab__commune_perimeters: pl.DataFrame,
    core_all__perimeter_communes: pl.DataFrame,
    raw_insee_cog_mouvements__snapshots: pl.DataFrame,
    core_insee__iris_census: pl.DataFrame,
    core_mbm__cites: pl.DataFrame,
    raw_etalab__commune_composition: pl.DataFrame,
    raw_etalab__commune_events: pl.DataFrame,
) -> pl.DataFrame:
    """Build the territories and their parents: the editions of the seven EPCI, then the other versions."""
    iris = core_insee__iris_census.filter(pl.col("level") == "iris")
    frames = [build_territories(core_etalab__commune_perimeters, iris, core_mbm__cites)]
    history = read_history(
        raw_insee_cog_mouvements__snapshots, core_all__perimeter_communes, raw_etalab__commune_events
    )
    latest = latest_perimeter(core_all__perimeter_communes)
    today, names = int(latest["perimeter_vintage"][0]), dict(latest.drop("perimeter_vintage").iter_rows())
    editions = core_etalab__commune_perimeters.select(
        pl.lit("sept_epci").alias("perimeter"), "perimeter_vintage"
    )
    others = core_all__perimeter_communes.join(editions, on=editions.columns, how="anti")
    for (perimeter, _), version in others.group_by(editions.columns):
        now = on_communes_of_today(version, today, names, history)
        wide = perimeter in WIDE
        areas = areas_of(parse_composition(raw_etalab__commune_composition), now) if wide else BASIN_AREAS
        frames.append(build_version(now, iris, core_mbm__cites, areas))
    return TERRITORIES.conform(pl.concat(frames))


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
    used = [*paths.embedded.glob("*.csv"), *([paths.embedded / COMPOSITION] if chosen_wide() else [])]
    extracts = [files_of_card(read_card(path)) for path in sorted(used)]
    founding = get_source("mbm_cites")
    reference = [
        file_of_path(founding, vintage, role, paths.shipped.parent / member)
        for vintage, edition in founding.vintages.items()
        for role, member in edition.members.items()
    ]
    others = [frame.select(list(FILES.polars_schema)) for frame in received.values()]
    return pl.concat([*extracts, *reference, *others]).unique(subset="file_id")


TABLES = [perimeters, populations, postcodes, census, contours, cites, cite_signals, territories, files]
