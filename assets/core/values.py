"""What the producers' files say, one row per variable and territory."""

from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import polars as pl

from assets.building import table_asset
from assets.core.geography import latest_perimeter, read_history
from assets.raw.files import PATH_COLUMN, asset_name
from assets.storage import PARTITION_COLUMN
from observatory.geography import History, build_passage, former_communes
from observatory.indicators.values import onto_communes, with_comparators
from observatory.paths import data_paths
from observatory.sources.catalogue import Source
from observatory.sources.landing_contracts import get_contract, load_contracts, read_landing
from observatory.sources.layouts import LayoutError
from observatory.sources.melodi_values import get_dataset, read_melodi
from observatory.sources.national import parse_composition
from observatory.sources.obtaining import value_sources
from observatory.sources.values import read_whole
from observatory.tables import VALUES
from observatory.territories import BASIN_AREAS, WIDE, Areas, areas_of


@table_asset(
    "core_files__territory_values",
    VALUES.qualified_name,
    group="core",
    kinds={"polars"},
    description="Valeurs des fichiers des producteurs, avec le statut de chaque absence.",
    ins={asset_name(source_id): dg.AssetIn() for source_id in value_sources()}
    | {
        "events": dg.AssetIn("raw_insee_cog_mouvements__snapshots"),
        "later_events": dg.AssetIn("raw_etalab__commune_events"),
        "composition": dg.AssetIn("raw_etalab__commune_composition"),
    },
)
def values(
    context: dg.AssetExecutionContext,
    core_all__perimeter_communes: pl.DataFrame,
    events: pl.DataFrame,
    later_events: pl.DataFrame,
    composition: pl.DataFrame,
    **snapshots: pl.DataFrame,
) -> pl.DataFrame:
    """Read every snapshot by its layout, onto the communes of today's perimeters.

    Sums of the comparators that a file holds whole stand beside them.
    """
    perimeters = core_all__perimeter_communes
    latest, national = latest_perimeter(perimeters), parse_composition(composition)
    wide = perimeters.filter(pl.col("perimeter").is_in(WIDE))
    ground = _Ground(
        int(latest["perimeter_vintage"][0]),
        frozenset(latest["commune_code"]),
        read_history(events, perimeters, later_events),
        BASIN_AREAS if wide.is_empty() else areas_of(national, wide),
        national.drop_nulls("population").select("cog_year", "population", code="commune_code"),
    )
    frames = [pl.DataFrame(schema=VALUES.polars_schema)]
    for source_id, source in value_sources().items():
        for row in snapshots[asset_name(source_id)].iter_rows(named=True):
            path, vintage = data_paths().root / row[PATH_COLUMN], row[PARTITION_COLUMN]
            found = _read(path, source, vintage, ground)
            context.log.info(f"{source_id} {vintage} : {sum(frame.height for frame in found)} valeurs")
            frames += found
    return pl.concat(frames)


@dataclass(frozen=True)
class _Ground:
    """What values are brought onto: the communes of the perimeter in a COG year, and what holds them.

    Populations say which communes have split since, and not in which shares their figures do.
    """

    year: int
    communes: frozenset[str]
    history: History | None
    areas: Areas
    populations: pl.DataFrame

    def former(self, cog: int) -> frozenset[str]:
        """Return the communes of COG ``cog`` that hold a part of them, which without events are the same."""
        if self.history is None:
            return self.communes
        return former_communes(self.history, self.communes, self.year, cog)

    def bring(self, values: pl.DataFrame, source_id: str, cog: int) -> pl.DataFrame:
        """Return ``values`` of the communes of COG ``cog`` on those of the perimeter."""
        if self.history is None:
            return values
        passage = build_passage(self.history, self.former(cog), cog, self.year, self.populations)
        return onto_communes(values, passage, source_id, self.year)


def _read(path: Path, source: Source, vintage: str, ground: _Ground) -> list[pl.DataFrame]:
    file = source.data_file(vintage).as_in(path)
    if source.id in load_contracts():
        return [read_landing(path, get_contract(source.id), vintage, ground.communes)]
    if file.melodi is not None:
        return _read_melodi(path, file.melodi.dataset, vintage, ground)
    if file.cog is None:
        raise LayoutError(f"La fiche de {source.id} ne dit pas la géographie du millésime {vintage}.")
    whole = read_whole(path, source.id, vintage)
    found = [ground.bring(whole.rows(ground.former(file.cog)), source.id, file.cog)]
    if file.complete:
        found.append(with_comparators(whole.rows(), source.id, file.complete, ground.areas))
    return found


def _read_melodi(path: Path, dataset: str, vintage: str, ground: _Ground) -> list[pl.DataFrame]:
    """Return the values of a Melodi dataset, each year of geography brought onto the perimeter."""
    card = get_dataset(dataset)
    whole = read_melodi(path, card, vintage)
    found = []
    for (cog,), values in whole.group_by("geography_vintage", maintain_order=True):
        year = int(str(cog))
        asked = values.filter(
            (pl.col("level") != "commune") | pl.col("code").is_in(sorted(ground.former(year)))
        )
        found.append(ground.bring(asked, card.source, year))
    return found


TABLES = [values]
