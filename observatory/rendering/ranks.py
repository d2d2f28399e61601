"""Where a figure stands among those of the territories of its level.

Belongs here: which figures are ranked together, positions, quarters of the distribution.
Does not: the drawing of the distribution (``charts``), words of the page.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

# Below this a rank says little and a reader guesses the others: two in a commune name each other.
SMALLEST_RANKING = 5
RANKED_LEVELS = ("cite", "commune", "epci")

_QUARTERS = {
    1: "quart des valeurs les plus faibles",
    2: "deuxième quart des valeurs, de la plus faible à la plus élevée",
    3: "troisième quart des valeurs, de la plus faible à la plus élevée",
    4: "quart des valeurs les plus élevées",
}
_ORDERS = {
    "higher_is_better": "du plus élevé, favorable, au plus faible",
    "lower_is_better": "du plus faible, favorable, au plus élevé",
    "neutral": "du plus élevé au plus faible",
}


@dataclass(frozen=True)
class Rank:
    """Position among the published and reliable values of a level; first = favourable end, or largest.

    Attributes:
        level: level of those ranked.
        position: 1 for the first; equal values have the same.
        among: how many are ranked.
        tied: whether another has the same value.
        quarter: quarter of the distribution by value, 1 = the lowest; equal values share theirs.
        order: which end comes first, in French.
    """

    level: str
    position: int
    among: int
    tied: bool
    quarter: int
    order: str

    @property
    def text(self) -> str:
        """Which end comes first, and the quarter of the distribution, in French."""
        return f"Rang {self.order}\u202f; {_QUARTERS[self.quarter]}"


@dataclass(frozen=True)
class Ranking:
    """The published and reliable values of one indicator at one level, of one nature (real or fictive)."""

    level: str
    polarity: str
    values: Mapping[str, float]

    @cached_property
    def distribution(self) -> tuple[float, ...]:
        """Values in ascending order."""
        return tuple(sorted(self.values.values()))

    @cached_property
    def quartiles(self) -> tuple[float, float, float]:
        """First quartile, median, third quartile, interpolated between neighbours."""
        return self._quantile(0.25), self._quantile(0.5), self._quantile(0.75)

    def rank(self, code: str) -> Rank | None:
        """Return the rank of a territory; None if it has none or too few are ranked."""
        if code not in self.values or len(self.values) < SMALLEST_RANKING:
            return None
        value, ordered = self.values[code], self.distribution
        below, upto = bisect_left(ordered, value), bisect_right(ordered, value)
        position = below if self.polarity == "lower_is_better" else len(ordered) - upto
        quarter = 1 + below * 4 // len(ordered)
        tied = upto - below > 1
        return Rank(self.level, position + 1, len(ordered), tied, quarter, _ORDERS[self.polarity])

    def _quantile(self, share: float) -> float:
        place = share * (len(self.distribution) - 1)
        low = int(place)
        high = min(low + 1, len(self.distribution) - 1)
        return self.distribution[low] + (place - low) * (self.distribution[high] - self.distribution[low])
