"""A release as whoever downloads it reads it: figures, territories, fingerprints of the files behind.

Belongs here: the files of a published folder that hold figures, whatever their format.
Does not: its pages (``pages``), what an attacker makes of it (``audit``).

A frozen release (``releases.freezing``) holds more than its site: whoever has it has it all.

Read are the files of the whole folder, of every format (``formats``), that give figures by territory: one row
per figure (the columns of ``indicators.observations``), or one column per indicator, named by its identifier,
with the year after it or, for want of one, of its latest year.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from observatory.disclosure.formats import FormatError, documents, tables
from observatory.errors import ObservatoryError
from observatory.opendata.wide import STATUS_SUFFIX, STATUS_WORDS
from observatory.releases.naming import release_folders, site_of

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
_DATED = re.compile(r"(\w+)_((?:19|20)\d\d)$")
_STATUSES = {word: status for status, word in STATUS_WORDS.items()}


class ReleaseError(ObservatoryError):
    """A folder is not that of a release, or a file of it cannot be read."""


@dataclass(frozen=True)
class Release:
    """What one publication gives away.

    Attributes:
        name: how reports call it.
        folder: its site.
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
    """Return the releases kept in a folder, oldest first; none where there is no folder."""
    return [read_release(path) for path in release_folders(folder)]


def read_release(folder: Path) -> Release:
    """Return the release of a published folder.

    Args:
        folder: the site, as published or staged, or the folder of a frozen release.

    Raises:
        ReleaseError: no territories or no figures in it, or a file that cannot be read.
    """
    site = site_of(folder)
    listed = _listed(site, "territoires.csv", "level", "code", "name", "parents")
    territories = listed.select("level", "code", "name", pl.col("parents").fill_null("").str.split("|"))
    sources = _listed(site, "sources.csv", "file_id", "sha256")
    definitions = _listed(site, "definitions.csv", "indicator", "vintages")
    # A file with one column per indicator gives the latest year of each.
    vintages = {
        name: int(years.split("|")[-1]) for name, years in definitions.select("indicator", "vintages").rows()
    }
    frames = [
        _figures(table, name, vintages)
        for name, content in documents(folder)
        for table in _tables(name, content)
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
    return Release(folder.name, site, figures, territories, perimeter, prints)


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


def _tables(name: str, content: bytes) -> list[pl.DataFrame]:
    try:
        return list(tables(name, content))
    except FormatError as error:
        raise ReleaseError(
            f"Le fichier « {name} » ne se lit pas. Que faire : donnez le dossier d’un site publié."
        ) from error


def _figures(table: pl.DataFrame, origin: str, vintages: Mapping[str, int]) -> pl.DataFrame | None:
    """Return the figures of a table; none for a table of something else."""
    if {*_LONG, "value"} <= set(table.columns):
        return _conform(table.rename(_LONG), origin)
    code = next((name for name in _CODES if name in table.columns), None)
    columns = {name: found for name in table.columns if (found := _column(name, vintages)) is not None}
    if code is None or not columns:
        return None
    level = next((pl.col(name) for name in _LEVELS if name in table.columns), pl.lit("cite"))
    key = (level.alias("level"), pl.col(code).alias("code"))
    # A word in place of a figure says why there is none.
    words = {
        name: pl.col(name).replace_strict(_STATUSES, default=None, return_dtype=pl.String) for name in columns
    }
    said = {
        name: pl.col(name + STATUS_SUFFIX) if name + STATUS_SUFFIX in table.columns else words[name]
        for name in columns
    }
    values = [pl.when(words[name].is_null()).then(pl.col(name)).alias(name) for name in columns]
    long = table.select(*key, *values).unpivot(
        on=list(columns), index=["level", "code"], variable_name="column"
    )
    statuses = table.select(*key, **said).unpivot(on=list(columns), index=["level", "code"])["value"]
    named = pl.col("column")
    return _conform(
        long.with_columns(
            indicator=named.replace_strict({name: found[0] for name, found in columns.items()}),
            vintage=named.replace_strict({name: found[1] for name, found in columns.items()}),
            status=statuses,
        ),
        origin,
    )


def _column(name: str, vintages: Mapping[str, int]) -> tuple[str, int] | None:
    """Return the indicator and the year of a column; none for a column of something else."""
    if name in vintages:
        return name, vintages[name]
    dated = _DATED.match(name)
    return (dated[1], int(dated[2])) if dated and dated[1] in vintages else None


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
