"""The one way assets are declared: from the contract of the table that they fill."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import dagster as dg

from assets.instance import WRITER
from assets.storage import TABLE
from observatory.tables import TABLES

OWNER = "team:observatoire"
WARNING, NOTICE = "avertissement", "information"
"""Metadata of an asset: what makes an edition less than whole, and what is only to be known."""
YEARLY = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=400), warn_window=timedelta(days=370))
"""Published assets are made again each year; the UI says where they are not."""


def column_schema(name: str) -> dict[str, Any]:
    """Return a table's column schema as Dagster metadata; empty for a table without contract."""
    if name not in TABLES:
        return {}
    columns = [
        dg.TableColumn(
            column.name,
            str(column.dtype),
            column.description,
            constraints=dg.TableColumnConstraints(nullable=column.nullable),
        )
        for column in TABLES[name].columns
    ]
    return {"dagster/column_schema": dg.TableSchema(columns=columns)}


def table_asset(
    name: str, table: str, *, group: str, kinds: set[str], description: str, **options: Any
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Declare the asset that fills ``table`` (``schema.name``), stored by the warehouse I/O manager.

    Args:
        name: asset key, ``{layer}_{source|theme}__{grain}_{content}``.
        table: qualified name of the table.
        group: layer.
        kinds: badges in the UI.
        description: French sentence for the analyst.
        options: passed to ``dagster.asset``.
    """
    return dg.asset(
        name=name,
        group_name=group,
        kinds=kinds | {"duckdb"},
        owners=[OWNER],
        description=description,
        metadata={TABLE: table, **column_schema(table)},
        pool=WRITER,
        **options,
    )
