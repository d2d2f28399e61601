"""Embedded extracts, read as text after their fingerprint is checked against their card."""

from datetime import date
from pathlib import Path

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict

from observatory.errors import InputError
from observatory.files import sha256_file
from observatory.sources.catalogue import Source, get_source
from observatory.tables import FILES


class Origin(BaseModel):
    """One file of a package, from which an extract was cut."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file_id: str
    vintage: str
    package: str
    member: str
    sha256: str
    retrieved: date


class Card(BaseModel):
    """The source card that stands beside an embedded extract."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    sha256: str
    bytes: int
    source: str
    title: str
    producer: str
    licence: str
    origins: tuple[Origin, ...]


def read_card(path: Path) -> Card:
    """Return the card of the extract ``path``.

    Raises:
        InputError: there is no card.
        pydantic.ValidationError: the card breaks the model.
    """
    card = path.with_suffix(".card.yaml")
    if not card.is_file():
        raise InputError(
            card.name, "la fiche de source manque.", "relancez « observatory embed » pour la refaire."
        )
    return Card.model_validate(yaml.safe_load(card.read_text(encoding="utf-8")))


def read_embedded(path: Path) -> pl.DataFrame:
    """Return an extract, every column as text, empty cells as null.

    Raises:
        InputError: the file is absent, or is not the one that its card describes.
    """
    card = read_card(path)
    if not path.is_file():
        raise InputError(path.name, "le fichier manque.", "relancez « observatory embed ».")
    if sha256_file(path) != card.sha256:
        raise InputError(
            path.name,
            "le contenu n’est plus celui que décrit sa fiche de source (empreinte SHA-256 différente).",
            "remettez le fichier d’origine, ou relancez « observatory embed » pour le refaire.",
        )
    return pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema=False)


def files_of_card(card: Card) -> pl.DataFrame:
    """Return the rows of ``core.files`` for the origins of one extract."""
    source = get_source(card.source)
    rows = [
        _file_row(source, origin.vintage, origin.file_id, origin.sha256, origin.package, origin.retrieved)
        for origin in card.origins
    ]
    return pl.DataFrame(rows, schema=FILES.polars_schema)


def file_of_path(source: Source, vintage: str, role: str, path: Path) -> pl.DataFrame:
    """Return the row of ``core.files`` for a file read as it lies on disk."""
    return file_as_taken(source, vintage, role, sha256_file(path), source.vintages[vintage].retrieved)


def file_as_taken(source: Source, vintage: str, role: str, sha256: str, taken: date) -> pl.DataFrame:
    """Return the row of ``core.files`` for a file known by its fingerprint and the day it was taken."""
    file_id = source.file_id(vintage, role)
    row = _file_row(source, vintage, file_id, sha256, source.url(vintage), taken)
    return pl.DataFrame([row], schema=FILES.polars_schema)


def _file_row(
    source: Source, vintage: str, file_id: str, sha256: str, url: str, retrieved: date
) -> dict[str, object]:
    return {
        "file_id": file_id,
        "source": source.id,
        "title": source.title,
        "producer": source.producer,
        "vintage": vintage,
        "sha256": sha256,
        "url": url,
        "licence": source.licence,
        "fetched_at": retrieved,
        "fictive": source.fictive,
    }
