"""The perimeters that a run can show, from the sources that it has."""

import polars as pl

from assets.building import table_asset
from assets.core.geography import path_of, read_latest_events
from assets.perimeter import choices, chosen_wide, files_of, told_files
from observatory.geography import build_history
from observatory.geography.perimeter_versions import (
    COMPOSITION,
    choice_of,
    of_composition,
    of_mission,
    of_property,
    seven_of_editions,
    seven_of_year,
    versions,
)
from observatory.geography.perimeters import communes_touching
from observatory.sources.catalogue import get_source
from observatory.sources.cog_events import communes_of, read_communes
from observatory.sources.dgcl import read_epci
from observatory.sources.mbm_perimeter import check_communes
from observatory.sources.national import parse_composition
from observatory.tables import PERIMETER_COMMUNES, PERIMETER_VERSIONS
from observatory.territories import WIDE

_MISSION, _PROPERTY = "communes_mbm", "bien_inscrit"
_VERSION = ("perimeter", "perimeter_vintage")


@table_asset(
    "core_all__perimeter_communes",
    PERIMETER_COMMUNES.qualified_name,
    group="core",
    kinds={"polars"},
    description="Communes de chaque version de chaque périmètre que les sources de cette édition décrivent.",
)
def perimeter_communes(
    core_etalab__commune_perimeters: pl.DataFrame,
    core_mbm__heritage_features: pl.DataFrame,
    raw_dgcl_epci__snapshots: pl.DataFrame,
    raw_insee_cog_mouvements__snapshots: pl.DataFrame,
    raw_insee_cog_communes__snapshots: pl.DataFrame,
    raw_etalab__commune_composition: pl.DataFrame,
) -> pl.DataFrame:
    """Gather the seven EPCI, edition by edition, the communes of the Mission, those of the property.

    The region or France are there where the run is for them: they would have every run read all France.
    """
    editions = core_etalab__commune_perimeters
    frames = [seven_of_editions(editions)]
    if (wide := chosen_wide()) is not None:
        national = parse_composition(raw_etalab__commune_composition)
        source, year = get_source("etalab_decoupage"), str(national["cog_year"][0])
        files = [source.file_id(year, role) for role in ("epci", "communes")]
        frames.append(of_composition(wide, national, files))
    events = read_latest_events(raw_insee_cog_mouvements__snapshots)
    if events is None or raw_insee_cog_communes__snapshots.is_empty():
        return pl.concat(frames)
    named = raw_insee_cog_communes__snapshots.sort("vintage").row(-1, named=True)
    communes = read_communes(path_of(named))
    today = int(editions["perimeter_vintage"].max())  # type: ignore[arg-type]
    lists = editions.select("commune_code", cog_year="perimeter_vintage")
    history = build_history(*events, lists=lists)
    compositions = _compositions(editions, raw_dgcl_epci__snapshots)
    known = set(editions["perimeter_vintage"])
    for year in sorted(set(compositions["cog_year"]) - known):
        frames.append(seven_of_year(year, compositions, communes_of(communes, year), history, today))
    layer = core_mbm__heritage_features.filter(pl.col("layer") == _MISSION)
    # An EPCI out of the seven is only told by a composition as recent as theirs.
    recent = compositions.filter(pl.col("cog_year") >= min(known))
    if layer.is_empty() or recent.height == editions.height:
        return pl.concat(frames)
    present = communes_of(communes, int(named["vintage"]))
    check_communes(layer, present, layer["file_id"][0])
    mission = of_mission(layer, recent, present, int(layer["file_id"][0].split(":")[1]))
    frames.append(mission)
    areas = core_mbm__heritage_features.filter(pl.col("layer") == _PROPERTY)
    if not areas.is_empty():
        touching = communes_touching(areas, layer.select("geometry", commune_code="code"))
        frames.append(of_property(mission, touching, areas["file_id"][0]))
    return PERIMETER_COMMUNES.conform(pl.concat(frames))


def _compositions(editions: pl.DataFrame, snapshots: pl.DataFrame) -> pl.DataFrame:
    """Return every composition of EPCI; that of the editions stands where both have a year."""
    ours = editions.rename({"perimeter_vintage": "cog_year"}).select(COMPOSITION)
    frames = [ours]
    for row in snapshots.iter_rows(named=True):
        read = read_epci(path_of(row), int(row["vintage"])).with_columns(file_id=pl.lit(row["file_id"]))
        frames.append(read.select(COMPOSITION).join(ours, on=["cog_year", "commune_code"], how="anti"))
    return pl.concat(frames)


@table_asset(
    "core_all__perimeter_versions",
    PERIMETER_VERSIONS.qualified_name,
    group="core",
    kinds={"polars"},
    description="Périmètres que l’on peut choisir, et raison de l’absence des autres.",
)
def perimeter_versions(core_all__perimeter_communes: pl.DataFrame) -> pl.DataFrame:
    """List what can be chosen, and what each of the others would take."""
    present = {
        choice_of(*pair) for pair in core_all__perimeter_communes.select(_VERSION).unique().iter_rows()
    }
    lacking = {
        choice: "Ses communes ne sont dans les tables que d’un traitement qui le choisit."
        if choice in WIDE
        else f"Il demande {told_files(files_of(choice))}."
        for choice in choices()
        if choice not in present
    }
    return versions(core_all__perimeter_communes, lacking)


TABLES = [perimeter_communes, perimeter_versions]
