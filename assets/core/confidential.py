"""Core tables of individual data: sorted deliveries, kept apart from what readers open."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from assets.building import table_asset
from assets.raw.deliveries import delivery_path, taken_delivery
from assets.settling import PRODUCERS
from observatory.errors import InputError
from observatory.intake.deliveries import as_table, contract_of, sample_rows
from observatory.intake.places import Places
from observatory.intake.rules import RULES
from observatory.intake.store import folder_of, read_state
from observatory.paths import data_paths
from observatory.sources.catalogue import Source, get_source
from observatory.tables import BENEFICIARIES, DWELLINGS, Table
from observatory.territories import WIDE


@table_asset(
    "core_landlords__dwellings",
    "confidential.dwellings",
    group="core",
    kinds={"polars"},
    description="Logements des deux bailleurs : lignes acceptées des livraisons.",
    deps=["raw_maisons_et_cites__deliveries", "raw_sia_habitat__deliveries"],
)
def dwellings(
    context: dg.AssetExecutionContext,
    core_mbm__cites: pl.DataFrame,
    core_all__perimeter_communes: pl.DataFrame,
) -> pl.DataFrame:
    """Take the accepted rows of the landlords' deliveries."""
    return _table(context, DWELLINGS, core_mbm__cites, core_all__perimeter_communes)


@table_asset(
    "core_angdm__beneficiaries",
    "confidential.beneficiaries",
    group="core",
    kinds={"polars"},
    description="Bénéficiaires de l’ANGDM : lignes acceptées des livraisons.",
    deps=["raw_angdm__deliveries"],
)
def beneficiaries(
    context: dg.AssetExecutionContext,
    core_mbm__cites: pl.DataFrame,
    core_all__perimeter_communes: pl.DataFrame,
) -> pl.DataFrame:
    """Take the accepted rows of ANGDM's deliveries."""
    return _table(context, BENEFICIARIES, core_mbm__cites, core_all__perimeter_communes)


TABLES = [dwellings, beneficiaries]


def _table(
    context: dg.AssetExecutionContext, table: Table, cites: pl.DataFrame, communes: pl.DataFrame
) -> pl.DataFrame:
    # Deliveries are about the mining basin, whatever the run is about.
    basin = communes.filter(~pl.col("perimeter").is_in(WIDE))
    places = Places(cites, frozenset(basin["commune_code"]))
    return pl.concat(_accepted(context, table, places))


def _accepted(context: dg.AssetExecutionContext, table: Table, places: Places) -> Iterator[pl.DataFrame]:
    """Yield the rows of each delivery of a table, and say how they were sorted, never what they hold."""
    for source_id, producer in PRODUCERS.items():
        if contract_of(producer).id != table.name:
            continue
        source = get_source(source_id)
        for vintage in source.vintages:
            file_id = source.file_id(vintage, table.name)
            rows, metadata = _delivered(source, vintage, producer, places, file_id)
            context.add_output_metadata({f"{source_id} : {name}": value for name, value in metadata.items()})
            yield rows


def _delivered(
    source: Source, vintage: str, producer: str, places: Places, file_id: str
) -> tuple[pl.DataFrame, dict[str, dg.MetadataValue]]:
    """Return the rows of a stored delivery, or else of the generated one, and their counts."""
    if taken_delivery(source, vintage) is None:
        try:
            path = delivery_path(source.id, vintage)
            rows, delivery = sample_rows(path, producer, int(vintage), places, file_id)
        except InputError as error:
            raise dg.Failure(str(error)) from None
        return rows, _counts(delivery.delivered, delivery.by_rule)
    state = read_state(folder_of(data_paths(), producer, int(vintage)))
    if state is None:
        raise dg.Failure(f"La livraison de {source.title}, {vintage}, a été purgée pendant le traitement.")
    rows = as_table(state.accepted, producer, int(vintage), file_id)
    return rows, _counts(state.manifest.delivered, state.manifest.rules)


def _counts(delivered: int, rules: dict[str, int]) -> dict[str, dg.MetadataValue]:
    waiting = sum(rules.values())
    lines = "\n".join(f"- {RULES[rule]} : {count}" for rule, count in rules.items())
    return {
        "lignes livrées": dg.MetadataValue.int(delivered),
        "lignes acceptées": dg.MetadataValue.int(delivered - waiting),
        "lignes en quarantaine": dg.MetadataValue.int(waiting),
        "règles": dg.MetadataValue.md(lines or "aucune"),
    }
