"""The description of the tables that programs read: a Frictionless data package.

Belongs here: its form. Does not: tables, their CSV files.
"""

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from observatory.opendata.archives import fingerprint
from observatory.opendata.exports import Export

TITLE = "Observatoire du Bassin minier"


def package_text(tables: list[Export], folder: Path, release: str, published_on: date, publisher: str) -> str:
    """Return the data package of tables, as JSON.

    Args:
        tables: the tables.
        folder: where their CSV files are.
        release: the edition.
        published_on: its day.
        publisher: who publishes it.
    """
    content = {
        "profile": "tabular-data-package",
        "name": "observatoire-bassin-minier",
        "title": TITLE,
        "version": release,
        "created": f"{published_on}T00:00:00Z",
        "contributors": [{"title": publisher, "role": "publisher"}],
        "resources": [_resource(export, (folder / export.name).read_bytes()) for export in tables],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _resource(export: Export, content: bytes) -> dict[str, Any]:
    fields = [
        {"name": name, "type": _type(export.frame.schema[name]), "description": note}
        for name, note in export.columns.items()
    ]
    return {
        "name": export.name.removesuffix(".csv"),
        "path": export.name,
        "title": export.title,
        "description": export.description,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": len(content),
        "hash": f"sha256:{fingerprint(content)}",
        "schema": {"fields": fields},
    }


def _type(dtype: pl.DataType) -> str:
    """Return the type of a column in a data package; lists are joined as text."""
    if dtype.is_integer():
        return "integer"
    if dtype.is_float():
        return "number"
    return {pl.Boolean: "boolean", pl.Date: "date"}.get(type(dtype), "string")
