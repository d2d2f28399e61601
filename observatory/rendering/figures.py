"""Figures as the reader meets them: a value or the reason for its absence, rankings, series.

Belongs here: looking up observations, the vintage shown, which figures are fragile or ranked together.
Does not: computing indicators, pages, HTML.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from observatory.opendata import fictive_mask
from observatory.rendering.french import number, quantity, typeset_row
from observatory.rendering.places import Place
from observatory.rendering.ranks import RANKED_LEVELS, Rank, Ranking
from observatory.rendering.wording import STATUSES
from observatory.territories import NO_EPCI

_COLUMNS = (
    "territory_level",
    "territory_code",
    "indicator",
    "vintage",
    "value",
    "status",
    "geography_vintage",
    "numerator",
    "denominator",
)
_PROSE = (
    "label",
    "formula",
    "comparability",
    "breakdown",
    "category",
    "reliability",
    "change_note",
    "phrase",
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
    proportion: bool
    reliable_from: int | None
    reliability: str | None
    shortest_interval: int | None
    breaks: tuple[int, ...]
    exceptional: tuple[int, ...]
    change_note: str
    phrase: str | None

    def __hash__(self) -> int:
        """Return the hash of the identifier, which the catalogue gives to one indicator only."""
        return hash(self.indicator)

    @property
    def anchor(self) -> str:
        """Identifier of its definition in the catalogue."""
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


@dataclass(frozen=True)
class Figure:
    """One observation; value, numerator and denominator are None unless ``status`` is ``published``.

    A count has neither numerator nor denominator, nor has a rate that its producer gives ready made.
    """

    indicator: Indicator
    vintage: int
    value: float | None
    status: str
    fictive: bool
    geography: str
    file_ids: tuple[str, ...]
    numerator: float | None
    denominator: float | None

    @cached_property
    def fragile(self) -> bool:
        """Whether it is published on a base too small to be relied upon."""
        base = self.value if self.indicator.aggregation == "sum" else self.denominator
        smallest = self.indicator.reliable_from
        return smallest is not None and base is not None and base < smallest

    @property
    def bare(self) -> bool:
        """Whether it is shown as a number alone, without a mark."""
        return self.value is not None and not self.fictive and not self.fragile

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
        self._codes: dict[tuple[str, str, int], list[str]] = defaultdict(list)
        for level, code, indicator, vintage in self._rows:
            self._codes[level, indicator, vintage].append(code)
        self._rankings: dict[tuple[str, str, bool], Ranking] = {}

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
            value, status, geography, numerator, denominator, file_ids, fictive = self._rows.get(
                key, (None, "not_available", "", None, None, (), indicator.fictive)
            )
            self._figures[key] = Figure(
                indicator, key[3], value, status, fictive, geography, tuple(file_ids), numerator, denominator
            )
        return self._figures[key]

    def series(self, place: Place, indicator: Indicator) -> list[Figure]:
        """Return the figures of every vintage, oldest first."""
        return [self.figure(place, indicator, vintage) for vintage in sorted(indicator.vintages)]

    def rank(self, place: Place, indicator: Indicator) -> Rank | None:
        """Return the position of a territory at its level, or None where no position may be given."""
        ranking = self.ranking(place, indicator)
        return ranking.rank(place.code) if ranking else None

    def ranking(self, place: Place, indicator: Indicator) -> Ranking | None:
        """Return the values that the figure of a territory is ranked with, of its own nature.

        Neither fragile nor unpublished figures are in it; None where the territory has such a figure.
        """
        figure = self.figure(place, indicator)
        if (
            place.level not in RANKED_LEVELS
            or place.code == NO_EPCI
            or figure.value is None
            or figure.fragile
        ):
            return None
        key = (place.level, indicator.indicator, figure.fictive)
        if key not in self._rankings:
            self._rankings[key] = self._ranking(place.level, indicator, figure.fictive)
        return self._rankings[key]

    def _ranking(self, level: str, indicator: Indicator, fictive: bool) -> Ranking:
        codes = self._codes[level, indicator.indicator, indicator.latest]
        figures = {
            code: self.figure(Place(level, code, "", ()), indicator) for code in codes if code != NO_EPCI
        }
        return Ranking(
            level,
            indicator.polarity,
            {
                code: figure.value
                for code, figure in figures.items()
                if figure.value is not None and figure.fictive == fictive and not figure.fragile
            },
        )


def file_ids(figures: Iterable[Figure]) -> list[str]:
    """Return the files that figures come from, sorted."""
    return sorted({identifier for figure in figures for identifier in figure.file_ids})


def _indicator(row: dict[str, Any]) -> Indicator:
    lists = {name: tuple(row[name]) for name in ("sources", "levels", "vintages", "breaks", "exceptional")}
    return Indicator(**(typeset_row(row, *_PROSE) | lists))
