"""Consolidation of the classes of a tree by k-means (algorithm of Hartigan and Wong, AS 136, 1979).

R's ``kmeans``, hence FactoMineR, uses that algorithm: Lloyd's stops at other, poorer classes on the same
data. Belongs here: k-means from given classes. Does not: any other way to start it.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from observatory.typology.matrix import TypologyError
from observatory.typology.ties import (
    TOLERANCE,
    along_axes,
    class_means,
    first_smallest,
    number_along_axis,
)

# Points examined at once; doubled while nothing moves, since a move makes the rest of a block obsolete.
_BLOCK = 64


@dataclass(frozen=True, eq=False)
class Consolidation:
    """Result of the k-means.

    Attributes:
        classes: n classes, from 1, along axis 1.
        converged: false when the last round still moved points.
    """

    classes: np.ndarray
    converged: bool


def consolidate(
    coordinates: np.ndarray,
    classes: np.ndarray,
    *,
    rounds: int = 10,
    weights: np.ndarray | None = None,
) -> Consolidation:
    """Move points between classes while that lowers the within-class inertia.

    Args:
        coordinates: n×d, kept axes.
        classes: n starting classes, whose centres start the k-means.
        rounds: most rounds of optimal then quick transfers (10 in FactoMineR).
        weights: n positive weights, so that the inertia lowered is the one that the tree and the axes have;
            ``None`` for equal ones. R's k-means, hence FactoMineR's consolidation, ignores weights.

    Raises:
        TypologyError: a starting centre is nobody's closest centre.
    """
    order, points = along_axes(coordinates, weights)
    masses = np.ones(len(points)) if weights is None else weights[order]
    start = number_along_axis(classes[order], points, masses) - 1
    search = _Search(points, masses, class_means(points, start, masses))
    converged = search.run(rounds)
    result = np.empty(len(points), dtype=np.int64)
    result[order] = number_along_axis(search.own, points, masses)
    return Consolidation(result, converged)


class _Search:
    """State of the k-means: the class of each point and its second choice; centres, sizes and masses.

    The algorithm moves one point at a time. Points are examined by blocks, up to the first that moves: each
    array operation counts, since a table of a few hundred rows takes a hundred blocks.
    """

    def __init__(self, points: np.ndarray, weights: np.ndarray, centres: np.ndarray) -> None:
        self.points, self.weights = points, weights
        distances = cdist(points, centres, "sqeuclidean")
        everyone = np.arange(len(points))
        # First choice, which is the class of the point, and second one.
        self.choices = np.empty((2, len(points)), dtype=np.int64)
        self.own, self.second = self.choices
        self.own[:] = first_smallest(distances)
        distances[everyone, self.own] = np.inf
        self.second[:] = first_smallest(distances)
        self.sizes = np.bincount(self.own, minlength=len(centres)).tolist()
        if not all(self.sizes):
            raise TypologyError(
                "la consolidation viderait une classe de l’arbre : aucun point n’est proche de son centre.",
                "demandez un autre nombre de classes, ou la typologie sans consolidation.",
            )
        self.masses = np.bincount(self.own, weights=weights)
        self.centres = class_means(points, self.own, weights)
        # What a point's departure, and its arrival, add to the mass of a class.
        self.shifts = np.stack([-weights, weights])
        # A class is live for point i when it changed since i last compared itself with every class.
        self.live_until = [len(points)] * len(centres)
        self.changed: set[int] = set()
        self.still = 0
        self.first_cells = np.arange(len(points)) * len(centres)

    def run(self, rounds: int) -> bool:
        """Alternate the two stages; true once every point in turn has stayed where it is."""
        # A point alone in its class leaves no mass behind it: its cost is not a number, and not used.
        with np.errstate(divide="ignore", invalid="ignore"):
            for _ in range(rounds):
                self._optimal_transfers()
                if self.still == len(self.points):
                    return True
                self._quick_transfers()
                if len(self.centres) == 2:
                    return True
        return False

    def _optimal_transfers(self) -> None:
        """One pass: each point may join whichever class lowers the inertia most."""
        n = len(self.points)
        for label in self.changed:
            self.live_until[label] = n
        position, block = 0, _BLOCK
        while position < n and self.still < n:
            stop = min(position + block, n, position + n - self.still)
            target, mover = self._first_optimal_move(position, stop)
            settled = slice(position, position + mover)
            if 1 in self.sizes:
                target[:mover] = np.where(self._alone(settled), self.second[settled], target[:mover])
            self.second[settled] = target[:mover]
            if position + mover == stop:
                self.still += mover
                position, block = stop, 2 * block
            else:
                point, label = position + mover, int(target[mover])
                self.live_until[self.own[point]] = self.live_until[label] = n + point
                self._move(point, label)
                position, block = point + 1, _BLOCK
        self.changed.clear()
        self.live_until = [until - n for until in self.live_until]

    def _quick_transfers(self) -> None:
        """Passes over the points until none wants to swap its class for its second choice."""
        n = len(self.points)
        position, block, quiet = 0, _BLOCK, 0
        while quiet < n:
            stop = min(position + block, n, position + n - quiet)
            mover = self._first_quick_move(position, stop)
            if position + mover == stop:
                quiet += mover
                position, block = stop % n, 2 * block
            else:
                point = position + mover
                label = int(self.second[point])
                self.changed |= {int(self.own[point]), label}
                self._move(point, label)
                position, block, quiet = (point + 1) % n, _BLOCK, 0

    def _first_optimal_move(self, start: int, stop: int) -> tuple[np.ndarray, int]:
        """Cheapest other class of the points from ``start`` to ``stop``, and how many precede a move.

        That class is the second choice unless a live one is cheaper.
        """
        rows = slice(start, stop)
        own, second = self.own[rows], self.second[rows]
        costs = cdist(self.points[rows], self.centres, "sqeuclidean")
        # Cells of a points × classes array, counted row by row.
        firsts = self.first_cells[: stop - start]
        own_cells, masses = firsts + own, self.masses.take(own)
        leaving = costs.take(own_cells) * (masses / (masses + self.shifts[0, rows]))
        costs *= self.masses / (self.masses + self.weights[rows, None])
        current = costs.take(firsts + second)
        if min(self.live_until) < stop:
            live = np.arange(start, stop)[:, None] < np.array(self.live_until)
            costs[~(live | live.take(own_cells)[:, None])] = np.inf
        costs.put(own_cells, np.inf)
        best = first_smallest(costs)
        cheapest = costs.take(firsts + best)
        better = cheapest < current * (1 - TOLERANCE)
        mover = self._first_gain(rows, leaving, np.where(better, cheapest, current))
        return np.where(better, best, second), mover

    def _first_quick_move(self, start: int, stop: int) -> int:
        """How many points, from ``start`` to ``stop``, precede one that its second choice suits better."""
        rows = slice(start, stop)
        choices = self.choices[:, rows]
        differences = self.points[rows] - self.centres.take(choices, axis=0)
        masses = self.masses.take(choices)
        costs = np.vecdot(differences, differences) * (masses / (masses + self.shifts[:, rows]))
        return self._first_gain(rows, costs[0], costs[1])

    def _first_gain(self, rows: slice, leaving: np.ndarray, joining: np.ndarray) -> int:
        """Position in ``rows`` of the first point that gains by moving, or their number.

        Costs are the inertia saved by leaving a class and added by joining another, per unit of weight.
        """
        moving = joining < leaving * (1 - TOLERANCE)
        if 1 in self.sizes:
            moving &= ~self._alone(rows)
        first = int(moving.argmax())
        return first if moving[first] else len(moving)

    def _alone(self, rows: slice) -> np.ndarray:
        return np.asarray(np.array(self.sizes)[self.own[rows]] == 1)

    def _move(self, point: int, target: int) -> None:
        """Put ``point`` into class ``target``; its former class becomes its second choice."""
        origin = int(self.own[point])
        for label, shift, change in ((origin, self.shifts[0, point], -1), (target, self.shifts[1, point], 1)):
            mass = self.masses[label] + shift
            centre = self.centres[label]
            centre += (self.points[point] - centre) * (shift / mass)
            self.masses[label] = mass
            self.sizes[label] += change
        self.own[point], self.second[point] = target, origin
        self.still = 0
