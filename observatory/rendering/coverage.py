"""How many figures an edition publishes, indicator by indicator, and why it does not give the others.

Belongs here: counting the statuses of the observations.
Does not: figures, pages. Every status is published with its figure: their counts tell nothing more.
"""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Count:
    """Statuses of some figures: how many there are of each."""

    published: int = 0
    secret: int = 0
    missing: int = 0
    not_applicable: int = 0
    not_available: int = 0

    @property
    def total(self) -> int:
        """How many figures there are."""
        return self.published + self.absent

    @property
    def absent(self) -> int:
        """How many are not published."""
        return self.secret + self.missing + self.not_applicable + self.not_available

    @property
    def held(self) -> bool:
        """Whether the source covers any of them."""
        return self.total > self.not_available


class Coverage:
    """Counts by indicator, level and vintage."""

    def __init__(self, observations: pl.DataFrame) -> None:
        """Count the statuses of ``indicators.observations``."""
        key = ["indicator", "territory_level", "vintage"]
        counted = observations.group_by(*key, "status").len().sort(*key, "status")
        found: dict[tuple[str, str, int], dict[str, int]] = {}
        for indicator, level, vintage, status, number in counted.iter_rows():
            found.setdefault((indicator, level, vintage), {})[status] = number
        self._counts = {where: Count(**statuses) for where, statuses in found.items()}
        self._years: dict[tuple[str, str], list[int]] = {}
        for (indicator, level, vintage), count in self._counts.items():
            if count.held:
                self._years.setdefault((indicator, level), []).append(vintage)

    def vintages(self, indicator: str, level: str) -> list[int]:
        """Return the years of an indicator that the sources cover at a level, oldest first."""
        return self._years.get((indicator, level), [])

    def latest(self, indicator: str, level: str) -> tuple[int, Count] | None:
        """Return the last year that the sources cover at a level, and its count."""
        years = self.vintages(indicator, level)
        return (years[-1], self._counts[indicator, level, years[-1]]) if years else None

    def total(self, level: str | None = None) -> Count:
        """Return the count of everything, or of one level."""
        chosen = [count for (_, where, _), count in self._counts.items() if level in (None, where)]
        return Count(
            *(
                sum(getattr(count, status) for count in chosen)
                for status in ("published", "secret", "missing", "not_applicable", "not_available")
            )
        )
