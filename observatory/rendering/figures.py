"""Figures as the reader meets them: a value or the reason for its absence, ranks, series.

Belongs here: looking up observations, choosing the vintage shown, ranking communes.
Does not: computing indicators, pages, HTML.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from observatory.opendata import fictive_mask
from observatory.rendering.french import number, quantity, typeset_row
from observatory.rendering.places import Place
from observatory.rendering.wording import STATUSES

_COLUMNS = (
    "territory_level",
    "territory_code",
    "indicator",
    "vintage",
    "value",
    "status",
    "geography_vintage",
)


@dataclass(frozen=True)
class Indicator:
    """One row of the catalogue."""

    indicator: str
    position: int
    label: str
    theme: str
    formula: str
    unit: str
    decimals: int
    polarity: str
    comparison: str
    sources: tuple[str, ...]
    aggregation: str
    levels: tuple[str, ...]
    vintages: tuple[int, ...]
    comparability: str
    fictive: bool
    breakdown: str | None
    category: str | None
    category_position: int | None

    @property
    def anchor(self) -> str:
        """Identifier of its definition on the methods page."""
        return f"indicateur-{self.indicator}"

    @property
    def stands_alone(self) -> bool:
        """Whether its label says all that it is, outside the breakdown that it may be a share of."""
        return self.breakdown is None or not self.label.startswith(self.breakdown)

    @property
    def latest(self) -> int:
        """Vintage shown where only one is."""
        return max(self.vintages)

    @property
    def compared(self) -> bool:
        """Whether territories are set beside those that contain them."""
        return self.comparison == "with_parents"

    @property
    def ranked(self) -> bool:
        """Whether a position among communes says something: a size, or a better and a worse end."""
        return not self.fictive and (self.aggregation == "sum" or self.polarity != "neutral")


@dataclass(frozen=True)
class Figure:
    """One observation; ``value`` is None unless ``status`` is ``published``."""

    indicator: Indicator
    vintage: int
    value: float | None
    status: str
    fictive: bool
    geography: str
    file_ids: tuple[str, ...]

    @cached_property
    def text(self) -> str:
        """The number alone, or the word that says why there is none."""
        if self.value is None:
            return STATUSES[self.status].short
        return number(self.value, self.indicator.decimals)

    @cached_property
    def full_text(self) -> str:
        """The number with its unit, or the word that says why there is none."""
        if self.value is None:
            return self.text
        return quantity(self.value, self.indicator.decimals, self.indicator.unit)

    @property
    def meaning(self) -> str:
        """What the status means."""
        return STATUSES[self.status].meaning


@dataclass(frozen=True)
class Rank:
    """Position of a commune among those whose value is published; first = best, or largest."""

    position: int
    among: int


class FigureBook:
    """Every figure of the edition, found by territory, indicator and vintage."""

    def __init__(self, observations: pl.DataFrame, definitions: pl.DataFrame, files: pl.DataFrame) -> None:
        """Index the observations; one is fictive when its definition or one of its files is."""
        self.indicators = [_indicator(row) for row in definitions.sort("position", "indicator").to_dicts()]
        self._by_id = {indicator.indicator: indicator for indicator in self.indicators}
        marked = observations.select(*_COLUMNS, "file_ids", fictive_mask(definitions, files).alias("fictive"))
        self._rows: dict[tuple[str, str, str, int], tuple[Any, ...]] = {
            row[:4]: row[4:] for row in marked.iter_rows()
        }
        self._figures: dict[tuple[str, str, str, int], Figure] = {}
        self._ranks = {
            indicator.indicator: self._rank_communes(indicator)
            for indicator in self.indicators
            if indicator.ranked
        }

    @cached_property
    def themes(self) -> dict[str, list[Indicator]]:
        """Indicators by theme, both in order of display."""
        themes: dict[str, list[Indicator]] = {}
        for indicator in self.indicators:
            themes.setdefault(indicator.theme, []).append(indicator)
        return themes

    @cached_property
    def breakdowns(self) -> dict[str, dict[str, list[Indicator]]]:
        """Theme -> title of a breakdown -> its indicators, in order of display."""
        found: dict[str, dict[str, list[Indicator]]] = {}
        parts = [one for one in self.indicators if one.breakdown is not None]
        for one in sorted(parts, key=lambda one: one.category_position or 0):
            found.setdefault(one.theme, {}).setdefault(str(one.breakdown), []).append(one)
        titles = dict.fromkeys(str(one.breakdown) for one in parts)
        return {
            theme: {title: tables[title] for title in titles if title in tables}
            for theme, tables in found.items()
        }

    def indicator(self, identifier: str) -> Indicator:
        """Return an indicator of the catalogue by its identifier."""
        return self._by_id[identifier]

    def headlines(self, level: str, *, with_fictive: bool = False, by_theme: int = 2) -> list[Indicator]:
        """Return the first indicators of each theme at a level, real ones, and fictive ones if asked."""
        return [
            indicator
            for indicators in self.themes.values()
            for indicator in [
                one
                for one in indicators
                if (with_fictive or not one.fictive) and level in one.levels and one.stands_alone
            ][:by_theme]
        ]

    def figure(self, place: Place, indicator: Indicator, vintage: int | None = None) -> Figure:
        """Return one figure, of the latest vintage by default.

        A territory without an observation gets the status ``not_available``: the catalogue does not
        compute the indicator there.
        """
        key = (place.level, place.code, indicator.indicator, vintage or indicator.latest)
        if key not in self._figures:
            value, status, geography, file_ids, fictive = self._rows.get(
                key, (None, "not_available", "", (), indicator.fictive)
            )
            self._figures[key] = Figure(indicator, key[3], value, status, fictive, geography, tuple(file_ids))
        return self._figures[key]

    def series(self, place: Place, indicator: Indicator) -> list[Figure]:
        """Return the figures of every vintage, oldest first."""
        return [self.figure(place, indicator, vintage) for vintage in sorted(indicator.vintages)]

    def rank(self, place: Place, indicator: Indicator) -> Rank | None:
        """Return the position of a commune, or None where no position may be given."""
        return self._ranks.get(indicator.indicator, {}).get(place.code) if place.level == "commune" else None

    def _rank_communes(self, indicator: Indicator) -> dict[str, Rank]:
        values = {
            code: row[0]
            for (level, code, identifier, vintage), row in self._rows.items()
            if level == "commune"
            and identifier == indicator.indicator
            and vintage == indicator.latest
            and row[1] == "published"
            and not row[4]
        }
        ordered = sorted(values.values(), reverse=indicator.polarity != "lower_is_better")
        first: dict[float, int] = {}
        for position, value in enumerate(ordered, start=1):
            first.setdefault(value, position)
        return {code: Rank(first[value], len(ordered)) for code, value in values.items()}


def file_ids(figures: Iterable[Figure]) -> list[str]:
    """Return the files that figures come from, sorted."""
    return sorted({identifier for figure in figures for identifier in figure.file_ids})


def _indicator(row: dict[str, Any]) -> Indicator:
    lists = {name: tuple(row[name]) for name in ("sources", "levels", "vintages")}
    return Indicator(
        **(typeset_row(row, "label", "formula", "comparability", "breakdown", "category") | lists)
    )
