"""Core tables of individual data: sorted deliveries, kept apart from what readers open."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from assets.building import table_asset
from assets.raw.deliveries import PRODUCERS, delivery_path
from observatory.errors import InputError
from observatory.intake.deliveries import contract_of, sample_rows
from observatory.intake.places import Places
from observatory.intake.rules import RULES
from observatory.intake.sorting import Delivery
from observatory.sources.catalogue import get_source
from observatory.tables import BENEFICIARIES, DWELLINGS, Table


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
    places = Places(cites, frozenset(communes["commune_code"]))
    return pl.concat(_accepted(context, table, places))


def _accepted(context: dg.AssetExecutionContext, table: Table, places: Places) -> Iterator[pl.DataFrame]:
    """Yield the rows of each delivery of a table, and say how they were sorted, never what they hold."""
    for source_id, producer in PRODUCERS.items():
        if contract_of(producer).id != table.name:
            continue
        source = get_source(source_id)
        for vintage in source.vintages:
            file_id = source.file_id(vintage, table.name)
            try:
                rows, delivery = sample_rows(
                    delivery_path(source_id, vintage), producer, int(vintage), places, file_id
                )
            except InputError as error:
                raise dg.Failure(str(error)) from None
            context.add_output_metadata(_sorted(source_id, delivery))
            yield rows


def _sorted(source_id: str, delivery: Delivery) -> dict[str, dg.MetadataValue]:
    lines = "\n".join(f"- {RULES[rule]} : {count}" for rule, count in delivery.by_rule.items())
    return {
        f"{source_id} : lignes livrées": dg.MetadataValue.int(delivery.delivered),
        f"{source_id} : lignes acceptées": dg.MetadataValue.int(delivery.accepted.height),
        f"{source_id} : lignes en quarantaine": dg.MetadataValue.int(delivery.quarantine.height),
        f"{source_id} : règles": dg.MetadataValue.md(lines or "aucune"),
    }
