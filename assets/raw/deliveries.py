"""Deliveries of the landlords and of ANGDM: generated, registered by fingerprint, never copied.

Rows of a delivery are individual data: only the parsed tables hold them, in their own database.
"""

from pathlib import Path

import dagster as dg
import polars as pl

from assets.building import table_asset
from assets.partitions import vintages_of
from assets.storage import PARTITION_COLUMN
from observatory.paths import data_paths
from observatory.sources.catalogue import get_source
from observatory.sources.default_sample import write_default_sample
from observatory.sources.embedded import file_of_path

PRODUCERS = {"maisons_et_cites": "maisons-et-cites", "sia_habitat": "sia-habitat", "angdm": "angdm"}
"""Source of the catalogue -> producer of the deliveries."""


def delivery_path(source_id: str, vintage: str) -> Path:
    """Return the file of one delivery; the fictive deliveries are generated where they are absent."""
    (member,) = get_source(source_id).vintages[vintage].members.values()
    path = data_paths().sample / member
    if not path.is_file():
        write_default_sample(data_paths())
    return path


def _delivery(source_id: str) -> dg.AssetsDefinition:
    source = get_source(source_id)

    @table_asset(
        f"raw_{source_id}__deliveries",
        f"raw.{source_id}_deliveries",
        group="raw",
        kinds={"csv", "polars"},
        description=f"{source.title} : la livraison, avec son empreinte.",
        partitions_def=vintages_of(source_id),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def delivery(context: dg.AssetExecutionContext) -> pl.DataFrame:
        rows = [
            file_of_path(source, vintage, role, delivery_path(source_id, vintage)).with_columns(
                pl.lit(vintage).alias(PARTITION_COLUMN)
            )
            for vintage in context.partition_keys
            for role in source.vintages[vintage].members
        ]
        return pl.concat(rows)

    return delivery


DELIVERIES = [_delivery(source_id) for source_id in PRODUCERS]
