"""What of a projection may be published, by territory.

Belongs here: which territories are projected, the rounding, those withdrawn because others give them away.
Does not: the counts of today (``disclosure``), on which this rests; the worlds compared (``exchange``).

A projection says something of the ages of today's beneficiaries. It is published only every five years, after
the start, rounded to the nearest ten, for territories whose number of beneficiaries is published and at
least ``LEAST``, and whose parts leave no smaller remainder. Whoever knows the model, its assumptions and the
numbers of beneficiaries then looks for ages, sexes and kinds that would give the very same tables, all of
them together: that of a territory, those of what holds it less those of its neighbours. Of every territory,
projected or not, and of every remainder, he must not know a group of persons within less than ``WIDTH``, nor
what a withdrawn table would have told. A table that does not leave that is withdrawn, then those beside it
that give it away, until nothing is found; then those that proved superfluous are given back, largest first.

That he cannot is proven, not supposed: two worlds are exhibited that the published tables do not tell apart
and that differ by that much. What cannot be proven is withdrawn. The bounds of an interval are not used: what
they add is the spread of the draws, which rounding leaves within some four persons.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from observatory.projection.exchange import Class, Move, Movement, Table
from observatory.projection.responses import all_cells

STEP = 5
"""Years between two published ones."""
BASE = 10
"""Published numbers are multiples of it."""
LEAST = 50
WIDTH = 11

Floats = NDArray[np.float64]
Places = frozenset[int]
# The median is at most this far from the expectation for numbers that round to something.
_SLACK = 1.0


def reaches(drawn: int, expected: int) -> Floats:
    """Return ``Published.reach`` of rows that are medians of draws, then of rows that are expectations."""
    return np.concatenate([np.full(drawn, BASE / 2 + _SLACK), np.full(expected, BASE / 2)])


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
            left = (totals[name] or 0) - sum(totals[one] or 0 for one in _disjoint(inside, whole, totals))
            if union == whole[name] or left >= LEAST or left == 0:
                break
            kept.discard(smallest)
            inside.remove(smallest)
    return kept


def _disjoint(
    names: Sequence[str], whole: Mapping[str, frozenset[int]], totals: Mapping[str, int | None]
) -> list[str]:
    """Return the largest of territories that share no place, each before what it contains."""
    chosen: list[str] = []
    for name in sorted(names, key=lambda one: (-(totals[one] or 0), -len(whole[one]), one)):
        if all(whole[name].isdisjoint(whole[other]) for other in chosen):
            chosen.append(name)
    return chosen


@dataclass(frozen=True)
class Published:
    """What an attacker reads and what he looks for.

    Attributes:
        persons: today's persons by place and cell (``responses``), which nobody but the guard knows.
        responses: table of one person of each cell, shape (cells, rows), all scenarios side by side.
        tables: rounded table of each territory that may be projected, shape (rows,).
        whole: places of each territory, projected or not.
        reach: how far from its table an expectation may be, shape (rows,).
    """

    persons: Floats
    responses: Floats
    tables: Mapping[str, Floats]
    whole: Mapping[str, Places]
    reach: Floats

    def total(self, places: Iterable[int]) -> float:
        """Return the number of persons of some places."""
        return float(self.persons[sorted(places)].sum())

    def room(self, name: str) -> Table:
        """Return what a territory may gain before its table changes: nothing where the table is wrong."""
        true = self.persons[sorted(self.whole[name])].sum(axis=0) @ self.responses
        return Table(
            np.minimum(self.tables[name] - self.reach - true, 0),
            np.maximum(self.tables[name] + self.reach - true, 0),
        )


def withdrawn(published: Published) -> dict[str, str]:
    """Return the territories not to publish, each with the group or the territory that it would give away."""
    guard = _Guard(published, dict.fromkeys(published.tables))
    found: dict[str, str] = {}
    while (leak := guard.leak()) is not None:
        name = guard.to_withdraw(leak.target)
        found[name] = leak.what
        guard.withdraw(name)
    for name in sorted(found, key=lambda one: (-published.total(published.whole[one]), one)):
        trial = guard.with_more(name)
        if trial.leak() is None:
            guard = trial
            del found[name]
    return found


@dataclass(frozen=True)
class _Leak:
    target: Places
    what: str


@dataclass
class _Guard:
    """Tables published, and for each target the moves that prove it safe."""

    published: Published
    names: dict[str, None]
    moves: dict[Places, list[Move]] = field(default_factory=dict)
    safe: set[Places] = field(default_factory=set)

    def __post_init__(self) -> None:
        # Territories of the very same places have the same table.
        self._tables = {self.published.whole[name]: self.published.room(name) for name in self.names}

    def withdraw(self, name: str) -> None:
        """Publish a table less: what was safe stays so."""
        same = [one for one in self.names if self.published.whole[one] == self.published.whole[name]]
        self.names = {one: None for one in self.names if one not in same}
        del self._tables[self.published.whole[name]]

    def with_more(self, name: str) -> "_Guard":
        """Return a guard that publishes a table more, with the proofs that stand."""
        table, places = self.published.room(name), self.published.whole[name]
        kept = {
            target: [move for move in moves if move.keeps(places, table, self.published.responses)]
            for target, moves in self.moves.items()
        }
        whole = {target for target, moves in kept.items() if len(moves) == len(self.moves[target])}
        return _Guard(self.published, {**self.names, name: None}, kept, self.safe & whole)

    def leak(self) -> _Leak | None:
        """Return a target that is not proven safe, the smallest first."""
        for target in sorted(self._targets(), key=lambda one: (self.published.total(one), sorted(one))):
            if target not in self.safe:
                if (what := self._unproven(target)) is not None:
                    return _Leak(target, what)
                self.safe.add(target)
        return None

    def to_withdraw(self, target: Places) -> str:
        """Return the table to withdraw: its own, or the smallest beside it in the least that holds it."""
        whole = self.published.whole
        by_size = sorted(self.names, key=lambda one: (self.published.total(whole[one]), one))
        own = [name for name in by_size if whole[name] == target]
        holding = [name for name in by_size if whole[name] > target]
        beside = [name for name in by_size if not holding or whole[name] < whole[holding[0]]]
        return (own or beside or holding)[0]

    def _classes(self) -> list[Class]:
        """Return the places that no published table tells apart."""
        found: dict[frozenset[Places], set[int]] = {}
        for place in range(len(self.published.persons)):
            found.setdefault(frozenset(one for one in self._tables if place in one), set()).add(place)
        return [frozenset(one) for one in found.values()]

    def _targets(self) -> set[Places]:
        """Return the classes, and the territories without the classes that they cut.

        Of a part of a class nothing more is known than of the class, whose table is published or proven safe:
        any of its persons may live there.
        """
        classes = self._classes()
        cores = {
            frozenset().union(*(one for one in classes if one <= places))
            for places in self.published.whole.values()
        }
        return {one for one in {*classes, *cores} if one and self.published.total(one)}

    def _unproven(self, target: Places) -> str | None:
        """Return something of a target that no move of persons proves unknown, or None."""
        moves = self.moves.setdefault(target, [])
        for groups in self._looked_for(target):
            missing = self._missing(target, groups, moves)
            for classes in self._movable(target) if missing else ():
                movement = Movement(classes, self.published.persons, self._tables, self.published.responses)
                # One move may take several groups far enough.
                moves += movement.both_ways(target, np.sum([groups[one] for one in missing], axis=0))
                for what in self._missing(target, groups, moves):
                    own = {what: groups[what]}
                    if self._missing(target, own, moves):
                        moves += movement.both_ways(target, groups[what])
                    if self._missing(target, own, moves):
                        break
                missing = self._missing(target, groups, moves)
                if not missing:
                    break
            if missing:
                return missing[0]
        return None

    def _missing(self, target: Places, groups: Mapping[str, Floats], moves: Sequence[Move]) -> list[str]:
        """Return the groups of a target that no two moves set far enough apart."""
        if not groups:
            return []
        weights = np.stack(list(groups.values()), axis=1)
        gains = [np.zeros(len(weights))]
        gains += [gain for move in moves if (gain := move.inside(target)) is not None]
        apart = np.ptp(np.stack(gains) @ weights, axis=0)
        need = np.minimum(WIDTH, self.published.total(target) * np.ptp(weights, axis=0))
        return [what for what, enough in zip(groups, apart >= need, strict=True) if not enough]

    def _looked_for(self, target: Places) -> list[dict[str, Floats]]:
        """Return what of a target must stay unknown: groups of persons, and the table it does not publish."""
        withheld = [
            name
            for name, places in self.published.whole.items()
            if places == target and name in self.published.tables and name not in self.names
        ]
        lines = self.published.responses.T if withheld else ()
        return [all_cells().groups(), {f"row_{rank}": line for rank, line in enumerate(lines)}]

    def _movable(self, target: Places) -> Iterable[list[Class]]:
        """Yield classes to move, more and more: those of the target in the fewest tables, then their kin."""
        pieces = [
            piece
            for one in self._classes()
            for piece in (one & target, one - target)
            if piece and self.published.total(piece)
        ]
        around = {piece: {one for one in self._tables if piece <= one} for piece in pieces}

        def rank(piece: Class, kin: set[Places]) -> tuple[int, int, float, list[int]]:
            return (
                -len(around[piece] & kin),
                len(around[piece]),
                -self.published.total(piece),
                sorted(piece),
            )

        inside = sorted((one for one in pieces if one <= target), key=lambda one: rank(one, set()))
        first = around[inside[0]]
        outside = sorted((one for one in pieces if one.isdisjoint(target)), key=lambda one: rank(one, first))
        for inner, outer in ((1, 0), (1, 2), (2, 6), (4, 12)):
            yield [*inside[:inner], *outside[:outer]]
