"""Consolidation of the classes of a tree by k-means (algorithm of Hartigan and Wong, AS 136, 1979).

R's ``kmeans``, hence FactoMineR, uses that algorithm: Lloyd's stops at other, poorer classes on the same
data. Belongs here: k-means from given classes. Does not: any other way to start it.
"""

from dataclasses import dataclass

import numpy as np

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
    """State of the k-means: the class of each point and its second choice; centres, sizes and masses."""

    def __init__(self, points: np.ndarray, weights: np.ndarray, centres: np.ndarray) -> None:
        self.points, self.weights = points, weights
        distances = _squared_distances(points, centres)
        everyone = np.arange(len(points))
        self.own = first_smallest(distances)
        distances[everyone, self.own] = np.inf
        self.second = first_smallest(distances)
        self.sizes = np.bincount(self.own, minlength=len(centres))
        if not self.sizes.all():
            raise TypologyError(
                "la consolidation viderait une classe de l’arbre : aucun point n’est proche de son centre.",
                "demandez un autre nombre de classes, ou la typologie sans consolidation.",
            )
        self.masses = np.bincount(self.own, weights=weights)
        self.centres = class_means(points, self.own, weights)
        # A class is live for point i when it changed since i last compared itself with every class.
        self.live_until = np.full(len(centres), len(points))
        self.changed = np.ones(len(centres), dtype=bool)
        self.still = 0

    def run(self, rounds: int) -> bool:
        """Alternate the two stages; true once every point in turn has stayed where it is."""
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
        self.live_until[self.changed] = n
        position, block = 0, _BLOCK
        while position < n and self.still < n:
            rows = np.arange(position, min(position + block, n, position + n - self.still))
            leaving, joining = self._costs(rows)
            target = self._best_target(rows, joining)
            mover = _first_mover(leaving, joining[np.arange(len(rows)), target])
            settled = rows[:mover]
            alone = self.sizes[self.own[settled]] == 1
            self.second[settled] = np.where(alone, self.second[settled], target[:mover])
            if mover == len(rows):
                self.still += mover
                position, block = position + mover, 2 * block
            else:
                point = position + mover
                self.live_until[[self.own[point], target[mover]]] = n + point
                self._move(point, target[mover])
                position, block = point + 1, _BLOCK
        self.changed[:] = False
        self.live_until -= n

    def _quick_transfers(self) -> None:
        """Passes over the points until none wants to swap its class for its second choice."""
        n = len(self.points)
        position, block, quiet = 0, _BLOCK, 0
        while quiet < n:
            rows = np.arange(position, min(position + block, n, position + n - quiet))
            leaving, joining = self._costs(rows)
            target = self.second[rows]
            mover = _first_mover(leaving, joining[np.arange(len(rows)), target])
            if mover == len(rows):
                quiet += mover
                position, block = (position + mover) % n, 2 * block
            else:
                point = position + mover
                self.changed[[self.own[point], target[mover]]] = True
                self._move(point, target[mover])
                position, block, quiet = (point + 1) % n, _BLOCK, 0

    def _costs(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Inertia saved when each row leaves its class, and added when it joins each class (rows × k).

        Both are divided by the weight of the row.
        """
        distances = _squared_distances(self.points[rows], self.centres)
        own, weights = self.own[rows], self.weights[rows]
        masses = self.masses[own]
        with np.errstate(divide="ignore", invalid="ignore"):
            leaving = distances[np.arange(len(rows)), own] * masses / (masses - weights)
        joining = distances * (self.masses / (self.masses + weights[:, None]))
        return np.where(self.sizes[own] == 1, 0.0, leaving), joining

    def _best_target(self, rows: np.ndarray, joining: np.ndarray) -> np.ndarray:
        """Cheapest other class of each row: the second choice unless a live class is cheaper."""
        index = np.arange(len(rows))
        own, second = self.own[rows], self.second[rows]
        live = rows[:, None] < self.live_until
        candidates = np.where(live | live[index, own][:, None], joining, np.inf)
        candidates[index, own] = np.inf
        best = first_smallest(candidates)
        current = joining[index, second]
        return np.where(candidates[index, best] < current * (1 - TOLERANCE), best, second)

    def _move(self, point: int, target: int) -> None:
        """Put ``point`` into class ``target``; its former class becomes its second choice."""
        origin = self.own[point]
        for label, change in ((origin, -1), (target, 1)):
            former, moved = self.masses[label], change * self.weights[point]
            total = former + moved
            self.centres[label] = (self.centres[label] * former + moved * self.points[point]) / total
            self.masses[label] = total
            self.sizes[label] += change
        self.own[point], self.second[point] = target, origin
        self.still = 0


def _squared_distances(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared distances, points × centres, from the differences: exact where points are far from 0."""
    differences = points[:, None, :] - centres[None, :, :]
    return np.einsum("ijk,ijk->ij", differences, differences)


def _first_mover(leaving: np.ndarray, joining: np.ndarray) -> int:
    """Position of the first point that gains by moving, or their number."""
    moving = joining < leaving * (1 - TOLERANCE)
    return int(moving.argmax()) if moving.any() else len(moving)
