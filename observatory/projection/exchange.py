"""Worlds that the published tables cannot tell from the true one.

Belongs here: moving persons between cells, places by places, within what rounding hides.
Does not: which tables are published (``guard``).

A class is the places that lie in the very same published territories. A move changes the persons of a few
classes, as many in as out of each, so that every published total stands; each published table must still be
one that the new numbers round to. What such moves make of a group of persons is a part of what an attacker
cannot exclude, hence a proof that he knows it no better. Numbers of persons may be fractions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from observatory.disclosure.programme import load, solved
from observatory.projection.mortality import OLDEST
from observatory.projection.responses import all_cells

Floats = NDArray[np.float64]
Class = frozenset[int]

_LOSSES = 80
# Nobody believes a beneficiary to be younger; one age in three is enough to gain persons at.
_YOUNGEST, _THINNED = 30, 3
_ROUNDS = 4
_ADDED = 20
_NEARLY = 1e-6
_SLACK = 1e-7


@dataclass(frozen=True)
class Table:
    """A published table as bounds of what it may lose or gain, shape (rows,): ``lower`` <= 0 <= ``upper``."""

    lower: Floats
    upper: Floats


@dataclass(frozen=True)
class Move:
    """Persons gained by each cell of some classes, each of shape (cells,)."""

    changes: Mapping[Class, Floats]

    def inside(self, places: frozenset[int]) -> Floats | None:
        """Return what a territory gains, or None if it cuts a class that moves."""
        total: Floats | float = 0.0
        for one, change in self.changes.items():
            if one <= places:
                total = total + change
            elif not one.isdisjoint(places):
                return None
        size = len(next(iter(self.changes.values())))
        return np.broadcast_to(np.asarray(total, float), (size,))

    def keeps(self, places: frozenset[int], table: Table, responses: Floats) -> bool:
        """Return whether a territory's table still fits."""
        gained = self.inside(places)
        if gained is None:
            return False
        change = gained @ responses
        return bool((change >= table.lower - _SLACK).all() and (change <= table.upper + _SLACK).all())


class Movement:
    """The moves of some classes, as one linear programme of which the objective alone changes."""

    def __init__(
        self,
        classes: Sequence[Class],
        persons: Floats,
        tables: Mapping[frozenset[int], Table],
        responses: Floats,
    ) -> None:
        """Load the programme.

        Args:
            classes: those that may move, each wholly in or out of every table.
            persons: by place and cell.
            tables: published, by places.
            responses: table of one person of each cell, shape (cells, rows).
        """
        self._classes, self._cells = tuple(classes), persons.shape[1]
        self._lines = _Lines.of(classes, persons)
        touched = [
            (table, places) for places, table in tables.items() if any(one <= places for one in classes)
        ]
        within = [
            np.repeat([float(one <= places) for one in classes], self._cells)[self._lines.cells]
            for _, places in touched
        ]
        signed = responses[self._lines.cells % self._cells].T * self._lines.sign
        self._matrix = np.concatenate([np.zeros((0, len(signed[0]))), *(signed * own for own in within)])
        self._lower = np.concatenate([np.zeros(0), *(table.lower for table, _ in touched)])
        self._upper = np.concatenate([np.zeros(0), *(table.upper for table, _ in touched)])
        # The rows of three scenarios are near one another: some of them hold the others.
        self._loaded = np.arange(len(self._matrix)) % responses.shape[1] % _THINNED == 0
        self._solver = load(
            np.zeros(len(self._lines.cells)),
            np.zeros(len(self._lines.cells)),
            self._lines.most,
            [dict(enumerate(row)) for row in [*self._lines.balance, *self._matrix[self._loaded]]],
            [*np.zeros(len(classes)), *self._lower[self._loaded]],
            [*np.zeros(len(classes)), *self._upper[self._loaded]],
        )

    def both_ways(self, target: frozenset[int], group: Floats) -> list[Move]:
        """Return the moves that add most to a group of a target, and that take most away."""
        return [self.farthest(target, group), self.farthest(target, -group)]

    def farthest(self, target: frozenset[int], group: Floats) -> Move:
        """Return the move that adds most to a group of a target, or nearly.

        Args:
            target: its places, of which every class is in or out.
            group: weight of each cell, shape (cells,); minus it for what takes most away.
        """
        weights = np.concatenate([group if one <= target else np.zeros_like(group) for one in self._classes])
        gain = weights[self._lines.cells] * self._lines.sign
        columns = np.arange(len(gain), dtype=np.int32)
        self._solver.changeColsCost(len(gain), columns, gain)
        best = np.zeros(len(gain))
        for _ in range(_ROUNDS):
            if not solved(self._solver):
                break
            found = np.array(self._solver.getSolution().col_value)
            change = self._matrix @ found
            # The origin fits: the way from it leaves the tables at most once.
            part = _part(change, self._lower, self._upper)
            if part * (gain @ found) > gain @ best:
                best = part * found
            if part > 1 - _NEARLY:
                break
            excess = np.where(self._loaded, 0, np.maximum(change - self._upper, self._lower - change))
            for row in np.argsort(-excess)[:_ADDED]:
                if excess[row] > 0:
                    self._solver.addRow(
                        self._lower[row], self._upper[row], len(columns), columns, self._matrix[row]
                    )
                    self._loaded[row] = True
        changes = self._lines.changes(best, self._cells)
        return Move(dict(zip(self._classes, changes, strict=True)))


def _part(change: Floats, lower: Floats, upper: Floats) -> float:
    over, under = change > upper, change < lower
    parts = [1.0, *(upper[over] / change[over]), *(lower[under] / change[under])]
    return float(min(parts))


@dataclass(frozen=True)
class _Lines:
    """Unknowns of a move: persons gained, then lost, by class and cell, flattened class after class."""

    gains: NDArray[np.int64]
    losses: NDArray[np.int64]
    cells: NDArray[np.int64]
    sign: Floats
    most: Floats
    balance: Floats

    @classmethod
    def of(cls, classes: Sequence[Class], persons: Floats) -> "_Lines":
        size = persons.shape[1]
        sums = [persons[sorted(one)].sum(axis=0) for one in classes]
        lost = [np.sort(np.argsort(-one, kind="stable")[:_LOSSES]) for one in sums]
        lost = [cells[one[cells] > 0] for one, cells in zip(sums, lost, strict=True)]
        age = all_cells().age
        likely = np.flatnonzero((age >= _YOUNGEST) & (age < OLDEST) & (age % _THINNED == 0))
        gained = np.unique(np.concatenate([likely, *lost]))
        gains = np.concatenate([rank * size + gained for rank in range(len(classes))])
        losses = np.concatenate([rank * size + cells for rank, cells in enumerate(lost)])
        cells = np.concatenate([gains, losses])
        sign = np.concatenate([np.ones(len(gains)), -np.ones(len(losses))])
        owner = cells // size
        balance = np.stack([np.where(owner == rank, sign, 0.0) for rank in range(len(classes))])
        room = np.concatenate([np.full(len(gained), one.sum()) for one in sums])
        most = np.concatenate([room, np.concatenate([one[c] for one, c in zip(sums, lost, strict=True)])])
        return cls(gains, losses, cells, sign, most, balance)

    def changes(self, found: Floats, size: int) -> list[Floats]:
        flat = np.zeros(len(self.balance) * size)
        np.add.at(flat, self.cells, self.sign * found)
        return list(flat.reshape(-1, size))
