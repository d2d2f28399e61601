"""Ward's tree of points that do not weigh the same, by the chain of nearest neighbours.

Belongs here: the one tree that no library builds. Does not: points of equal weights (``tree``).
"""

import numpy as np

from observatory.typology.ties import TOLERANCE, first_smallest


def weighted_linkage(points: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Ward's tree of n points (n×d) of given ``masses``, as ``scipy.cluster.hierarchy.linkage`` writes it.

    Merging two classes of masses a and b, whose centres are d apart, loses an inertia of a b / (a + b) d²;
    the height of the merge is the square root of twice that, which is SciPy's height where masses are 1.

    A chain goes from a class to its nearest neighbour until two classes are each other's nearest, which
    Ward's criterion allows to merge at once (F. Murtagh, "A survey of recent advances in hierarchical
    clustering algorithms", The Computer Journal 26, 1983). Time n², memory n d.
    """
    n = len(points)
    centres, masses = points.copy(), masses.astype(float)
    nodes, losses = np.arange(n), np.zeros(n)
    merges, heights = np.empty((n - 1, 2), dtype=np.int64), np.empty(n - 1)
    chain: list[int] = []
    for merge in range(n - 1):
        if 2 * (n - merge) <= len(nodes):  # half of the classes are gone: look at the others only
            alive = np.isfinite(centres[:, 0])
            chain = [int(alive[:place].sum()) for place in chain]
            centres, masses, nodes, losses = centres[alive], masses[alive], nodes[alive], losses[alive]
        if not chain:
            chain.append(int(np.isfinite(centres[:, 0]).argmax()))
        first, second, loss = _mutual_neighbours(chain, centres, masses)
        # Equal up to rounding, a loss must not look smaller than that of the classes it merges.
        losses[first] = max(loss, losses[first], losses[second])
        merges[merge], heights[merge] = (nodes[first], nodes[second]), losses[first]
        total = masses[first] + masses[second]
        centres[first] = (centres[first] * masses[first] + centres[second] * masses[second]) / total
        centres[second] = np.inf
        masses[first], nodes[first] = total, n + merge
    return _sorted_tree(merges, np.sqrt(2 * heights))


def _mutual_neighbours(chain: list[int], centres: np.ndarray, masses: np.ndarray) -> tuple[int, int, float]:
    """Lengthen ``chain`` until its last two are nearest to each other; take them off and return them."""
    while True:
        last = chain[-1]
        differences = centres - centres[last]
        losses = np.einsum("ij,ij->i", differences, differences) * (masses * masses[last])
        losses /= masses + masses[last]
        losses[last] = np.inf
        nearest = int(first_smallest(losses))
        if len(chain) > 1 and losses[chain[-2]] <= losses[nearest] * (1 + TOLERANCE):
            loss = float(losses[chain[-2]])
            first, second = sorted((chain.pop(), chain.pop()))
            return first, second, loss
        chain.append(nearest)


def _sorted_tree(merges: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Merges (n - 1 pairs of nodes, in the order they were found) by increasing height, with their sizes."""
    n = len(merges) + 1
    order = np.argsort(heights, kind="stable")
    rank = np.arange(2 * n - 1)
    rank[n + order] = np.arange(n, 2 * n - 1)
    pairs = np.sort(rank[merges[order]], axis=1)
    sizes = np.ones(2 * n - 1, dtype=np.int64)
    for merge, (first, second) in enumerate(pairs):
        sizes[n + merge] = sizes[first] + sizes[second]
    return np.column_stack([pairs, heights[order], sizes[n:]])
