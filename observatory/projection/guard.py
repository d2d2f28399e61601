"""What of a projection may be published, by territory.

Belongs here: which territories are projected, the rounding, the attack on what is rounded.
Does not: the counts of today (``disclosure``), on which this rests.

A projection says something of the ages of today's beneficiaries. It is published only every five years, after
the start, rounded to the nearest ten, for territories whose number of beneficiaries is published and at
least ``LEAST``, and whose parts leave no smaller remainder. Then whoever knows the model, its assumptions and
the number of beneficiaries looks for ages, sexes and kinds that would give the very same table: if all of
them agree on a group of persons within less than ``WIDTH``, the territory is withdrawn.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import linprog

from observatory.projection.assumptions import Assumptions
from observatory.projection.cohorts import KINDS, Cohorts
from observatory.projection.expectation import expect
from observatory.projection.mortality import OLDEST, SEXES, Surface
from observatory.projection.simulation import THRESHOLDS

STEP = 5
"""Years between two published ones."""
BASE = 10
"""Published numbers are multiples of it."""
LEAST = 50
WIDTH = 11

Floats = NDArray[np.float64]
# The median is at most this far from the expectation for numbers that round to something.
_SLACK = 1.0
# Whoever supposes fewer possible ages concludes more: one age in three makes the attack faster and stricter.
_ATTACK_AGES = range(30, OLDEST, 3)
# Other beneficiaries have the future of surviving spouses.
_ATTACK_KINDS = KINDS[:2]


def shown_years(first_year: int, years: int) -> list[int]:
    """Return the years published: multiples of five after the start."""
    return [year for year in range(first_year + 1, first_year + years + 1) if year % STEP == 0]


def rounded(frame: pl.DataFrame) -> pl.DataFrame:
    """Round the numbers of a ``summary`` to the nearest ten, halves up, and drop the expectation."""
    return frame.drop("expected").with_columns(
        ((pl.col(name) / BASE + 0.5).floor() * BASE).cast(pl.Int64) for name in ("low", "median", "high")
    )


def large_enough(
    totals: Mapping[str, int | None], parts: Mapping[str, Sequence[str]], whole: Mapping[str, frozenset[int]]
) -> set[str]:
    """Return the territories that may be projected, the largest being kept first.

    Args:
        totals: published number of beneficiaries of each territory, or None where it is not published.
        parts: territories within each territory, at any level.
        whole: positions of the places of each territory.
    """
    kept = {name for name, total in totals.items() if total is not None and total >= LEAST}
    for name in sorted(kept, key=lambda one: (-(totals[one] or 0), one)):
        inside = [one for one in parts.get(name, ()) if one in kept and whole[one] != whole[name]]
        for smallest in sorted(inside, key=lambda one: (totals[one] or 0, one)):
            union: frozenset[int] = frozenset().union(*(whole[one] for one in inside))
            left = (totals[name] or 0) - sum(totals[one] or 0 for one in _disjoint(inside, whole))
            if union == whole[name] or left >= LEAST or left == 0:
                break
            kept.discard(smallest)
            inside.remove(smallest)
    return kept


def _disjoint(names: Sequence[str], whole: Mapping[str, frozenset[int]]) -> list[str]:
    """Return the largest of territories that share no place, each before what it contains."""
    chosen: list[str] = []
    for name in sorted(names, key=lambda one: (-len(whole[one]), one)):
        if all(whole[name].isdisjoint(whole[other]) for other in chosen):
            chosen.append(name)
    return chosen


@dataclass(frozen=True)
class Attack:
    """What the attacker knows: the response of the table to one person of each cell.

    Attributes:
        cells: shape (cells, 3): kind, sex and age of each.
        responses: expected table of one person, shape (cells, quantities x years).
    """

    cells: NDArray[np.int64]
    responses: Floats

    @classmethod
    def of(cls, mortality: Surface, assumed: Assumptions, years: Sequence[int]) -> "Attack":
        """Compute the response of each kind, sex and age, in the order of ``summary``."""
        cells = np.array(
            [
                (kind, sex, age)
                for kind in range(len(_ATTACK_KINDS))
                for sex in range(len(SEXES))
                for age in _ATTACK_AGES
            ]
        )
        counts = np.zeros((len(cells), len(KINDS), len(SEXES), OLDEST + 1))
        counts[np.arange(len(cells)), cells[:, 0], cells[:, 1], cells[:, 2]] = 1
        start = Cohorts(mortality.first_year, tuple(map(str, range(len(cells)))), counts)
        found = expect(start, mortality, assumed)
        columns = [year - mortality.first_year for year in years]
        tables = [
            found.beneficiaries,
            *(found.from_age(age) for age in THRESHOLDS),
            found.housed[:, :1] - found.housed,
        ]
        return cls(cells, np.concatenate([one[:, columns] for one in tables], axis=1))

    @classmethod
    def joined(cls, attacks: Sequence["Attack"]) -> "Attack":
        """Return the attack of who reads several tables of the same persons, one after the other."""
        first = attacks[0]
        return cls(first.cells, np.concatenate([one.responses for one in attacks], axis=1))

    def width(self, total: int, table: Floats, members: NDArray[np.bool_]) -> float:
        """Return within how much a group of persons may be known from a territory's rounded medians.

        Numbers of persons may be fractions, which widens what is found by less than one. A table that no ages
        explain within the slack is taken as fully known.

        Args:
            total: number of beneficiaries, known.
            table: its rounded medians, shape (quantities x years), in the order of ``responses``.
            members: cells of the group.
        """
        reach = BASE / 2 + _SLACK
        bounds = np.concatenate([table + reach, reach - table])
        rows = np.concatenate([self.responses.T, -self.responses.T])
        everyone = np.ones((1, len(self.cells)))
        ends = []
        for sign in (1.0, -1.0):
            found = linprog(sign * members, rows, bounds, everyone, [total], method="highs")
            if not found.success:
                return 0.0
            ends.append(sign * found.fun)
        return float(ends[1] - ends[0])

    def groups(self) -> dict[str, NDArray[np.bool_]]:
        """Return the groups that today's publication counts: kinds, sexes, the oldest."""
        kind, sex, age = self.cells.T
        found = {name: kind == rank for rank, name in enumerate(_ATTACK_KINDS)}
        found |= {f"sex_{name}": sex == rank for rank, name in enumerate(SEXES)}
        return found | {f"from_{limit}": age >= limit for limit in (70, 80, 90)}


def withdrawn(
    attack: Attack, tables: Mapping[str, Floats], totals: Mapping[str, int], names: Iterable[str]
) -> dict[str, str]:
    """Return the territories whose table says too much, each with the group that it would give away."""
    groups = attack.groups()
    found = {}
    for name in names:
        for group, members in groups.items():
            if attack.width(totals[name], tables[name], members) < WIDTH:
                found[name] = group
                break
    return found
