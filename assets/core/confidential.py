"""Core tables of individual data: sorted deliveries, kept apart from what readers open."""

import dagster as dg
import polars as pl

from assets.building import table_asset
from assets.raw.deliveries import delivery_path
from observatory.sources.angdm import read_angdm
from observatory.sources.catalogue import get_source
from observatory.sources.delivery import Delivery
from observatory.sources.landlords import Landlord, read_landlord

_LANDLORDS: dict[str, Landlord] = {"maisons_et_cites": "maisons-et-cites", "sia_habitat": "sia-habitat"}


@table_asset(
    "core_landlords__dwellings",
    "confidential.dwellings",
    group="core",
    kinds={"polars"},
    description="Logements des deux bailleurs (données fictives) : lignes acceptées des livraisons.",
    deps=["raw_maisons_et_cites__deliveries", "raw_sia_habitat__deliveries"],
)
def dwellings(
    context: dg.AssetExecutionContext,
    core_mbm__cites: pl.DataFrame,
    core_all__perimeter_communes: pl.DataFrame,
) -> pl.DataFrame:
    """Sort the landlords' deliveries and keep the accepted rows."""
    communes = set(core_all__perimeter_communes["commune_code"])
    accepted = []
    for source_id, landlord in _LANDLORDS.items():
        source = get_source(source_id)
        for vintage in source.vintages:
            delivery = read_landlord(
                delivery_path(source_id, vintage),
                landlord,
                int(vintage),
                core_mbm__cites,
                communes,
                source.file_id(vintage, "dwellings"),
            )
            _report(context, source_id, delivery)
            accepted.append(delivery.accepted)
    return pl.concat(accepted)


@table_asset(
    "core_angdm__beneficiaries",
    "confidential.beneficiaries",
    group="core",
    kinds={"polars"},
    description="Bénéficiaires de l’ANGDM (données fictives) : lignes acceptées des livraisons.",
    deps=["raw_angdm__deliveries"],
)
def beneficiaries(
    context: dg.AssetExecutionContext,
    core_mbm__cites: pl.DataFrame,
    core_all__perimeter_communes: pl.DataFrame,
) -> pl.DataFrame:
    """Sort ANGDM's deliveries and keep the accepted rows."""
    communes = set(core_all__perimeter_communes["commune_code"])
    source = get_source("angdm")
    accepted = []
    for vintage in source.vintages:
        delivery = read_angdm(
            delivery_path("angdm", vintage),
            int(vintage),
            core_mbm__cites,
            communes,
            source.file_id(vintage, "beneficiaries"),
        )
        _report(context, "angdm", delivery)
        accepted.append(delivery.accepted)
    return pl.concat(accepted)


TABLES = [dwellings, beneficiaries]


def _report(context: dg.AssetExecutionContext, source_id: str, delivery: Delivery) -> None:
    """Refuse a delivery that is not the generated one, and say how its rows were sorted.

    Real deliveries need the intake's safeguards; until they are in place the chain takes none.
    """
    if not delivery.fictive:
        raise dg.Failure(
            f"La livraison de {source_id} n’est pas marquée fictive. Cette version ne traite aucune donnée "
            "confidentielle réelle : retirez le fichier et relancez « observatory sample »."
        )
    rules = delivery.quarantined.group_by("rule").len("lignes").sort("lignes", descending=True)
    lines = "\n".join(f"- {rule} : {count}" for rule, count in rules.iter_rows())
    context.add_output_metadata(
        {
            f"{source_id} : lignes livrées": delivery.delivered,
            f"{source_id} : lignes acceptées": delivery.accepted.height,
            f"{source_id} : lignes en quarantaine": delivery.quarantined.height,
            f"{source_id} : règles": dg.MetadataValue.md(lines or "aucune"),
        }
    )
