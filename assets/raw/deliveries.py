"""Deliveries of the landlords and of ANGDM: those taken by ``observatory intake``, else generated ones.

They are registered by fingerprint, never copied: rows of a delivery are individual data, which only the store
and the parsed tables hold. Which sources are real is settled once for the whole process (``settling``).
"""

from pathlib import Path

import dagster as dg
import polars as pl

from assets.building import table_asset
from assets.partitions import vintages_of
from assets.settling import PRODUCERS
from assets.storage import PARTITION_COLUMN
from observatory.intake.store import Manifest, folder_of, read_manifest
from observatory.paths import data_paths
from observatory.sources.catalogue import Source, get_source
from observatory.sources.default_sample import write_default_sample
from observatory.sources.embedded import file_as_taken, file_of_path


def taken_delivery(source: Source, vintage: str) -> Manifest | None:
    """Return what is known of the stored delivery that a source uses; None if it uses a generated file.

    Raises:
        dagster.Failure: the source is a real one, and its delivery is no longer there.
    """
    taken = read_manifest(folder_of(data_paths(), PRODUCERS[source.id], int(vintage)))
    if taken is not None and taken.fictive == source.fictive:
        return taken
    if not source.fictive:
        raise dg.Failure(
            f"La livraison réelle de {source.title}, {vintage}, n’est plus là. Relancez « observatory run » "
            "ou « observatory dev »."
        )
    return None


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
            _file(source_id, vintage, role).with_columns(pl.lit(vintage).alias(PARTITION_COLUMN))
            for vintage in context.partition_keys
            for role in get_source(source_id).vintages[vintage].members
        ]
        return pl.concat(rows)

    return delivery


def _file(source_id: str, vintage: str, role: str) -> pl.DataFrame:
    source = get_source(source_id)
    taken = taken_delivery(source, vintage)
    if taken is None:
        return file_of_path(source, vintage, role, delivery_path(source_id, vintage))
    return file_as_taken(source, vintage, role, taken.last.sha256, taken.last.at.date())


DELIVERIES = [_delivery(source_id) for source_id in PRODUCERS]
