"""The description of an edition that programs read: a Frictionless data package.

Belongs here: its form. Does not: tables, files (``publishing``).

Source of the format: Data Package 2.0. The tables are tabular resources with the types, the keys and the
constraints of their contracts; every other file is a resource with its size and fingerprint alone.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl

from observatory.opendata.exports import FICTIVE_NATURE, LIST_SEPARATOR, Export
from observatory.opendata.licences import licence
from observatory.opendata.media import MEDIA
from observatory.opendata.offers import TITLE, Offer, OfferedFile
from observatory.opendata.publishing import FICTIVE_WARNING, OpenData

NAME = "datapackage.json"
_PROFILES = "https://datapackage.org/profiles/2.0"
_REFERENCES = {
    ("indicator",): ("definitions", ("indicator",)),
    ("territory_level", "territory_code"): ("territoires", ("level", "code")),
}


def package_text(data: OpenData, offers: Iterable[Offer]) -> str:
    """Return the data package of an edition, as JSON.

    Args:
        data: what the edition is made from.
        offers: all that it offers, files written.
    """
    offers = list(offers)
    publisher: dict[str, Any] = {"title": data.publisher.name, "roles": ["publisher"]}
    if data.publisher.website:
        publisher["path"] = f"https://{data.publisher.website}"
    content = {
        "$schema": f"{_PROFILES}/datapackage.json",
        "name": "observatoire-bassin-minier",
        "title": TITLE,
        "description": "Chiffres, contours, définitions et sources de l’édition."
        + (
            f" Les ressources marquées « nature : {FICTIVE_NATURE} » viennent de fichiers générés."
            if any(offer.fictive for offer in offers)
            else ""
        ),
        "version": data.release,
        "created": f"{data.published_on}T00:00:00Z",
        "keywords": ["Bassin minier", "Nord", "Pas-de-Calais", "socio-économie", "cités minières"],
        "contributors": [publisher],
        "licenses": _licences(data.files["licence"].unique().sort()),
        "sources": _sources(data.files),
        "resources": list(_resources(data, offers)),
    }
    if data.address:
        content["homepage"] = data.address
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _resources(data: OpenData, offers: list[Offer]) -> Iterator[dict[str, Any]]:
    tables = {_stem(offer.export) for offer in offers if offer.export}
    for offer in offers:
        files = data.files.filter(pl.col("file_id").is_in(offer.file_ids))
        shared: dict[str, Any] = {"title": offer.title, "description": offer.description}
        if offer.file_ids:
            shared |= {
                "licenses": _licences(files["licence"].unique().sort()),
                "sources": _sources(files),
            }
        if offer.fictive:
            shared |= {"nature": FICTIVE_NATURE, "warning": FICTIVE_WARNING}
        for file in offer.files:
            resource = _file(file) | shared
            if file.content:
                resource["title"] = f"{offer.title}, {file.content}"
            if offer.export and file.format == "CSV":
                resource |= {
                    "name": _stem(offer.export),
                    "type": "table",
                    "$schema": f"{_PROFILES}/dataresource.json",
                    "encoding": "utf-8",
                    "schema": _schema(offer.export, tables),
                }
            yield resource


def _file(file: OfferedFile) -> dict[str, Any]:
    media = MEDIA[file.format]
    return {
        "name": file.name.replace("/", "-").lower(),
        "type": "file",
        "path": file.name,
        "format": file.name.rpartition(".")[2],
        "mediatype": media.iana,
        "bytes": file.size,
        "hash": f"sha256:{file.sha256}",
    }


def _schema(export: Export, tables: set[str]) -> dict[str, Any]:
    """Return the columns of a table, its key and what it refers to."""
    contract = export.contract
    known = {column.name: column for column in contract.columns} if contract else {}
    fields = []
    for name, note in export.columns.items():
        dtype = export.frame.schema[name]
        described: dict[str, Any] = {"name": name, "type": _type(dtype), "description": note}
        if isinstance(dtype, pl.List):
            described["description"] += f" ; valeurs séparées par « {LIST_SEPARATOR} »"
        column = known.get(name)
        constraints: dict[str, Any] = {}
        # An empty list and an empty text are empty cells, as what is absent is.
        if column and not column.nullable and _type(dtype) != "string":
            constraints["required"] = True
        if column and column.values and not isinstance(dtype, pl.List):
            constraints["enum"] = list(column.values)
        if constraints:
            described["constraints"] = constraints
        fields.append(described)
    schema: dict[str, Any] = {
        "$schema": f"{_PROFILES}/tableschema.json",
        "missingValues": [""],
        "fields": fields,
    }
    if contract and set(contract.key) <= set(export.columns):
        schema["primaryKey"] = list(contract.key)
    schema["foreignKeys"] = [
        {"fields": list(columns), "reference": {"resource": table, "fields": list(theirs)}}
        for columns, (table, theirs) in _REFERENCES.items()
        if table in tables and set(columns) <= set(export.columns) and contract and table != _stem(export)
    ]
    return schema


def _stem(export: Export) -> str:
    return export.name.removesuffix(".csv")


def _licences(texts: Iterable[str]) -> list[dict[str, str]]:
    """Return licences by their identifier, or the words of the cards, which the sources repeat."""
    found = []
    for text in texts:
        known = licence(text)
        name = {"name": known.spdx, "path": known.address} if known else {"path": "sources.csv"}
        found.append(name | {"title": text})
    return found


def _sources(files: pl.DataFrame) -> list[dict[str, str]]:
    """Return files as sources, once each, by title and vintage."""
    found = []
    rows = files.sort("title", "vintage", "file_id").unique(
        ["title", "vintage", "producer"], keep="first", maintain_order=True
    )
    for row in rows.iter_rows(named=True):
        source = {"title": f"{row['title']}, {row['producer']}", "version": row["vintage"]}
        if row["url"].startswith(("http://", "https://")):
            source["path"] = row["url"]
        found.append(source)
    return found


def _type(dtype: pl.DataType) -> str:
    """Return the type of a column in a data package; lists are joined as text."""
    if dtype.is_integer():
        return "integer"
    if dtype.is_float():
        return "number"
    return {pl.Boolean: "boolean", pl.Date: "date"}.get(type(dtype), "string")
