"""One row per territory, one column per indicator: the latest figures of a level.

Belongs here: which year of each indicator a level shows, the columns, the split of real and fictive figures.
Does not: formats.

A column is named ``indicator_year``, so that no figure parts from its year. Where a figure is not published
its value is null and the column ``indicator_year_statut`` says why; a column all of whose figures are
published has none.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from observatory.opendata.exports import fictive_mask
from observatory.tables import DEFINITIONS

STATUS_SUFFIX = "_statut"
LEVELS = {
    "commune": "Communes",
    "epci": "Intercommunalités",
    "cite": "Cités",
    "iris": "IRIS",
}
"""The levels that have wide tables, and how files call them."""
STATUS_WORDS = {
    "secret": "secret",
    "missing": "manquant",
    "not_applicable": "sans objet",
    "not_available": "non disponible",
}
"""What stands in a cell for a figure that is not published."""
_PARENTS = {"commune": ("epci",), "epci": (), "cite": ("commune", "epci"), "iris": ("commune", "epci")}


@dataclass(frozen=True)
class Measured:
    """One column of figures: its indicator, the year, and what readers must know of it (French)."""

    indicator: str
    vintage: int
    label: str
    unit: str
    decimals: int
    theme: str

    @property
    def name(self) -> str:
        """Name of the column of values."""
        return f"{self.indicator}_{self.vintage}"

    @property
    def status(self) -> str:
        """Name of the column of statuses."""
        return self.name + STATUS_SUFFIX


@dataclass(frozen=True)
class WideTable:
    """The latest figures of the territories of one level.

    Attributes:
        level: level of the territories.
        fictive: whether its figures derive from generated data.
        frame: level, code, name, names of the parents, then per column of ``columns`` its value
            (``Float64``) and its status (``String``).
        columns: the figures, in the order of the catalogue.
        file_ids: files that the figures come from, sorted.
    """

    level: str
    fictive: bool
    frame: pl.DataFrame
    columns: tuple[Measured, ...]
    file_ids: tuple[str, ...]

    @property
    def places(self) -> list[str]:
        """Names of the columns that say which territory a row is."""
        return self.frame.columns[: self.frame.width - 2 * len(self.columns)]

    @property
    def compact(self) -> pl.DataFrame:
        """The frame without the statuses of the columns all of whose figures are published."""
        full = [one.status for one in self.columns if (self.frame[one.status] == "published").all()]
        return self.frame.drop(full)

    @property
    def notes(self) -> dict[str, str]:
        """What each column of ``compact`` holds, in French."""
        notes = {
            "level": "niveau",
            "code": "code du territoire : Insee, SIREN, ou identifiant de la cité",
            "name": "nom",
            "commune": "commune, la principale s’il y en a plusieurs",
            "epci": "intercommunalité",
        }
        for one in self.columns:
            notes[one.name] = f"{one.label}, {one.unit}, {one.vintage}"
            notes[one.status] = (
                f"pourquoi {one.name} est vide : secret, missing, not_applicable, not_available"
            )
        return {name: notes[name] for name in self.compact.columns}


def wide_tables(
    observations: pl.DataFrame, definitions: pl.DataFrame, files: pl.DataFrame, territories: pl.DataFrame
) -> list[WideTable]:
    """Return the real, then the fictive table of each level of ``LEVELS`` that has territories.

    A column one of whose figures is fictive is in the fictive table only. A fictive table without column is
    left out; a real one is not, since its territories have a geometry at least.

    Args:
        observations: ``indicators.observations``.
        definitions: ``indicators.definitions``.
        files: ``core.files``.
        territories: ``core.territories`` of one perimeter version.
    """
    marked = observations.with_columns(fictive=fictive_mask(definitions, files))
    return [table for level in LEVELS for table in _of_level(level, marked, definitions, territories)]


def _of_level(
    level: str, marked: pl.DataFrame, definitions: pl.DataFrame, territories: pl.DataFrame
) -> Iterator[WideTable]:
    places = _territories_of(level, territories)
    if places.is_empty():
        return
    rows = marked.filter(pl.col("territory_level") == level).join(
        places, left_on="territory_code", right_on="code", how="semi"
    )
    # A source that skips a level in its last year is shown for the last year that has it.
    known = rows.filter(pl.col("status") != "not_available")
    latest = known.group_by("indicator").agg(pl.col("vintage").max())
    rows = rows.join(latest, on=["indicator", "vintage"], how="semi")
    invented = set(rows.filter(pl.col("fictive"))["indicator"])
    columns = [
        Measured(row["indicator"], vintage, row["label"], row["unit"], row["decimals"], row["theme"])
        for row in definitions.sort("position", *DEFINITIONS.key).iter_rows(named=True)
        if (vintage := dict(latest.iter_rows()).get(row["indicator"])) is not None
    ]
    for fictive in (False, True):
        chosen = tuple(one for one in columns if (one.indicator in invented) == fictive)
        if chosen or not fictive:
            kept = rows.filter(pl.col("indicator").is_in([one.indicator for one in chosen]))
            files = kept["file_ids"].explode().drop_nulls().unique().sort().to_list()
            yield WideTable(level, fictive, _pivoted(places, kept, chosen), chosen, tuple(files))


def _pivoted(places: pl.DataFrame, rows: pl.DataFrame, columns: tuple[Measured, ...]) -> pl.DataFrame:
    """Return the places with a value and a status by column; no row is « not available »."""
    frame = places
    by_indicator = rows.partition_by("indicator", as_dict=True)
    for one in columns:
        figures = by_indicator[(one.indicator,)].select(
            pl.col("territory_code").alias("code"),
            pl.col("value").alias(one.name),
            pl.col("status").alias(one.status),
        )
        frame = frame.join(figures, on="code", how="left", maintain_order="left")
    return frame.with_columns(pl.col(one.status).fill_null("not_available") for one in columns)


def _territories_of(level: str, territories: pl.DataFrame) -> pl.DataFrame:
    """Return level, code, name and names of the parents of the territories of a level, by code."""
    names = dict(territories.select(pl.concat_str("level", "code", separator=":"), "name").iter_rows())
    rows = territories.filter(pl.col("level") == level).sort("code")
    frame = rows.select("level", "code", "name")
    for parent in _PARENTS[level]:
        found = [
            next((names[key] for key in parents if key.startswith(f"{parent}:")), None)
            for parents in rows["parents"].to_list()
        ]
        frame = frame.with_columns(pl.Series(parent, found, pl.String))
    return frame
