"""Dagster's side of the warehouse: each step joins the session of its run, and an I/O manager over it.

A run started from the UI is a session of its own, which its executor holds (``executors``). The command line
holds one session over the several runs of a refresh, and publishes once.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import polars as pl

from assets.settling import check_settled
from observatory.paths import data_paths
from observatory.staging import Staging
from observatory.tables import TABLES

SESSION = "session"
TABLE = "table"
PARTITION_COLUMN = "partition"
PREVIEW_ROWS = 5


def table_of(metadata: Any) -> str:
    """Return the qualified name of the table that an asset's metadata declares."""
    return str(metadata[TABLE])


class WarehouseIOManager(dg.IOManager):
    """Stages each asset's frame as its table, and says in the UI what was written."""

    def __init__(self, session: Staging) -> None:
        self.session = session

    def handle_output(self, context: dg.OutputContext, obj: pl.DataFrame | None) -> None:
        """Stage a frame; for a partitioned asset, replace the rows of its partitions."""
        if obj is None:
            return
        name = table_of(context.definition_metadata)
        if context.has_asset_partitions:
            self.session.replace_rows(name, obj, PARTITION_COLUMN, context.asset_partition_keys)
        else:
            self.session.write(name, obj)
        context.add_output_metadata(_described(name, obj))

    def load_input(self, context: dg.InputContext) -> pl.DataFrame:
        """Return the whole table of the upstream asset, every partition of it."""
        if context.upstream_output is None:
            raise dg.DagsterInvariantViolationError(f"{context.name} n’a pas d’actif en amont.")
        return self.session.read(table_of(context.upstream_output.definition_metadata))


def _described(name: str, frame: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    described: dict[str, dg.MetadataValue] = {
        "dagster/row_count": dg.MetadataValue.int(frame.height),
        "dagster/relation_identifier": dg.MetadataValue.text(name),
    }
    if name in TABLES and TABLES[name].confidential:
        described["aperçu"] = dg.MetadataValue.text("Données individuelles : aucun aperçu.")
    else:
        described["aperçu"] = dg.MetadataValue.md(_markdown(frame.head(PREVIEW_ROWS)))
    return described


def _markdown(frame: pl.DataFrame) -> str:
    def cell(value: Any) -> str:
        text = "" if value is None else str(value)
        return (text if len(text) <= 60 else f"{text[:57]}…").replace("|", "\\|")

    rows = [frame.columns, ["---"] * frame.width, *(map(cell, row) for row in frame.iter_rows())]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


@dg.resource
def session_of_run(context: dg.InitResourceContext) -> Iterator[Staging]:
    """The session of the run, joined from the process of a step.

    Raises:
        ChangedDeliveriesError: real deliveries came or went since this process settled on them.
    """
    if context.run is None:
        raise dg.DagsterInvariantViolationError("La session d’entrepôt n’existe que pendant un traitement.")
    paths = data_paths()
    with Staging(paths, context.run.run_id) as staging:
        check_settled(paths)
        yield staging


@dg.io_manager(required_resource_keys={SESSION})
def warehouse_io_manager(context: dg.InitResourceContext) -> WarehouseIOManager:
    """The I/O manager over the run's session."""
    return WarehouseIOManager(context.resources.session)
