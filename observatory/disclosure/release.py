"""A release as whoever downloads it reads it: figures, territories, fingerprints of the files behind.

Belongs here: the files of a published folder that hold figures, whatever their format.
Does not: its pages (``pages``), what an attacker makes of it (``audit``).

Read are the files CSV, JSON and GeoJSON of the whole folder that give figures by territory: one row per
figure (the columns of ``indicators.observations``), or one column per indicator, named by its identifier.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from observatory.disclosure.spreadsheet import spreadsheet_table
from observatory.errors import ObservatoryError

FIGURES: dict[str, type[pl.DataType]] = {
    "origin": pl.String,
    "level": pl.String,
    "code": pl.String,
    "indicator": pl.String,
    "vintage": pl.Int32,
    "value": pl.Float64,
    "numerator": pl.Float64,
    "denominator": pl.Float64,
    "status": pl.String,
    "file_ids": pl.String,
}
"""One row per figure printed in a file; ``origin`` is that file, within the release."""

_LONG = {"territory_level": "level", "territory_code": "code", "indicator": "indicator", "vintage": "vintage"}
_CODES = ("territory_code", "code", "slug")
_LEVELS = ("territory_level", "level")
_FOLDER = "donnees"


class ReleaseError(ObservatoryError):
    """A folder is not that of a release, or a file of it cannot be read."""


@dataclass(frozen=True)
class Release:
    """What one publication gives away.

    Attributes:
        name: how reports call it.
        folder: where it was read.
        figures: frame of ``FIGURES``.
        territories: level, code, name, parents (list of ``level:code``).
        perimeter: perimeter and its year, as one word.
        fingerprints: file identifier -> SHA-256 of the file.
    """

    name: str
    folder: Path
    figures: pl.DataFrame
    territories: pl.DataFrame
    perimeter: str
    fingerprints: Mapping[str, str]


def read_releases(folder: Path) -> list[Release]:
    """Return the releases kept in a folder, one site by subfolder; none where there is no folder."""
    return (
        [read_release(path) for path in sorted(folder.iterdir()) if path.is_dir()] if folder.is_dir() else []
    )


def read_release(folder: Path) -> Release:
    """Return the release of a published folder.

    Args:
        folder: the site, as published or staged.

    Raises:
        ReleaseError: no territories or no figures in it, or a file that cannot be read.
    """
    listed = _listed(folder, "territoires.csv", "level", "code", "name", "parents")
    territories = listed.select("level", "code", "name", pl.col("parents").fill_null("").str.split("|"))
    sources = _listed(folder, "sources.csv", "file_id", "sha256")
    definitions = _listed(folder, "definitions.csv", "indicator", "vintages")
    # A file with one column per indicator gives the latest year of each.
    vintages = {
        name: int(years.split("|")[-1]) for name, years in definitions.select("indicator", "vintages").rows()
    }
    frames = [
        _figures(records, path.relative_to(folder).as_posix(), vintages)
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".csv", ".json", ".geojson")
        for records in _tables(path)
    ]
    figures = pl.concat([frame for frame in frames if frame is not None] or [pl.DataFrame(schema=FIGURES)])
    if figures.is_empty():
        raise ReleaseError(
            f"Le dossier « {folder} » ne contient aucun chiffre : est-ce bien un site publié ?"
        )
    # The first editions had one perimeter, and named its year alone.
    versions = [name for name in ("perimeter", "perimeter_vintage") if name in listed.columns]
    perimeter = "-".join(listed.select(versions).row(0))
    prints = dict(sources.select("file_id", "sha256").iter_rows())
    return Release(folder.name, folder, figures, territories, perimeter, prints)


def _listed(folder: Path, name: str, *columns: str) -> pl.DataFrame:
    """Return a file that every release has.

    Raises:
        ReleaseError: it is absent, empty, or lacks a column.
    """
    table = _text_columns(folder / _FOLDER / name)
    if table.is_empty() or not set(columns) <= set(table.columns):
        raise ReleaseError(f"Le fichier « {name} » de « {folder} » n’a pas les colonnes d’un site publié.")
    return table


def _text_columns(path: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(path, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ReleaseError(
            f"Le fichier « {path} » manque ou ne se lit pas. Que faire : donnez le dossier d’un site publié."
        ) from error


def _tables(path: Path) -> Iterator[pl.DataFrame]:
    """Yield the tables of text of one file."""
    if path.suffix == ".csv":
        french = spreadsheet_table(path.read_bytes())
        yield _text_columns(path) if french is None else french
        return
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ReleaseError(f"Le fichier « {path} » n’est pas du JSON.") from error
    for records in _record_lists(content):
        names = dict.fromkeys(name for record in records for name in record)
        yield pl.DataFrame(
            {name: [_text(record.get(name)) for record in records] for name in names},
            schema=dict.fromkeys(names, pl.String),
        )


def _record_lists(content: Any) -> Iterator[list[dict[str, Any]]]:
    """Yield every list of objects, at any depth; of a GeoJSON feature, its properties."""
    if isinstance(content, dict):
        for value in content.values():
            yield from _record_lists(value)
    elif isinstance(content, list) and content and all(isinstance(item, dict) for item in content):
        yield [item["properties"] if isinstance(item.get("properties"), dict) else item for item in content]
        for item in content:
            yield from _record_lists([value for value in item.values() if isinstance(value, list | dict)])
    elif isinstance(content, list):
        for value in content:
            if isinstance(value, list | dict):
                yield from _record_lists(value)


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return "|".join(map(str, value)) if isinstance(value, list) else str(value)


def _figures(table: pl.DataFrame, origin: str, vintages: Mapping[str, int]) -> pl.DataFrame | None:
    """Return the figures of a table; none for a table of something else."""
    if {*_LONG, "value"} <= set(table.columns):
        return _conform(table.rename(_LONG), origin)
    code = next((name for name in _CODES if name in table.columns), None)
    indicators = [name for name in table.columns if name in vintages]
    if code is None or not indicators:
        return None
    level = next((pl.col(name) for name in _LEVELS if name in table.columns), pl.lit("cite"))
    wide = table.select(level.alias("level"), pl.col(code).alias("code"), *indicators)
    long = wide.unpivot(on=indicators, index=["level", "code"], variable_name="indicator")
    year = pl.col("indicator").replace_strict(vintages, return_dtype=pl.Int32)
    return _conform(long.with_columns(vintage=year), origin)


def _conform(table: pl.DataFrame, origin: str) -> pl.DataFrame:
    absent = [
        name for name in ("numerator", "denominator", "status", "file_ids") if name not in table.columns
    ]
    table = table.with_columns(pl.lit(None, pl.String).alias(name) for name in absent)
    shown = pl.when(pl.col("value").is_not_null()).then(pl.lit("published")).otherwise(pl.lit("missing"))
    table = table.with_columns(origin=pl.lit(origin), status=pl.col("status").fill_null(shown))
    try:
        return table.select(pl.col(name).cast(dtype) for name, dtype in FIGURES.items())
    except pl.exceptions.InvalidOperationError as error:
        raise ReleaseError(f"Le fichier « {origin} » a des chiffres illisibles.") from error


def same_data(one: Release, other: Release, files: Iterable[str]) -> bool:
    """Return whether two releases count the rows of the same ``files``, as far as their sources say."""
    return all(
        one.fingerprints[name] == other.fingerprints[name]
        for name in files
        if name in one.fingerprints and name in other.fingerprints
    )
