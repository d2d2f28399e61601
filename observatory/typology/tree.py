"""Ward's tree (CAH) on the kept axes, the gains of inertia it shows and where to cut it.

Belongs here: the tree, the criteria for the number of classes, the cut.
Does not: consolidation, description.
"""

from typing import Literal, get_args

import numpy as np
from fastcluster import linkage_vector

from observatory.typology.chain import weighted_linkage
from observatory.typology.matrix import TypologyError
from observatory.typology.ties import ROUNDING, along_axes, first_smallest

Criterion = Literal["within", "gain"]


def ward(coordinates: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Ward's tree of n points: n - 1 merges as ``scipy.cluster.hierarchy.linkage`` writes them.

    Leaf i is row i of the n×d ``coordinates``. Points enter along axis 1, so that equal distances are
    settled by the values and not by the order of the rows. Whatever n, memory grows as n d and time as n²:
    there is one path, not a small and a large one. About 5 s for 35,000 points in 5 dimensions, ten times
    as long with weights that differ.

    Args:
        coordinates: n×d.
        weights: n positive weights of mean 1 (``None``: all equal); the loss of a merge is then that of
            the classes' masses, as in FactoMineR.
    """
    order, points = along_axes(coordinates, weights)
    if weights is None or np.ptp(weights) == 0:
        tree = linkage_vector(points, method="ward")
        # Heights equal in theory may decrease by a rounding.
        tree[:, 2] = np.maximum.accumulate(tree[:, 2])
    else:
        tree = weighted_linkage(points, weights[order])
    members = tree[:, :2].astype(np.int64)
    leaves = members < len(points)
    members[leaves] = order[members[leaves]]
    tree[:, :2] = members
    return tree


def inertia_gains(tree: np.ndarray) -> np.ndarray:
    """The n - 1 gains of between-class inertia: position j is the gain from j + 1 to j + 2 classes.

    Inertia has weights of sum 1: the gains sum to the total inertia of the kept axes.
    """
    n = len(tree) + 1
    return tree[::-1, 2] ** 2 / (2 * n)


def distinct_groups(gains: np.ndarray) -> int:
    """Largest number of classes that the tree separates by a distance that is not zero."""
    heights = np.sqrt(2 * (len(gains) + 1) * gains)
    return 1 + int((heights > 10 * ROUNDING).sum())


def choose_classes(
    gains: np.ndarray,
    *,
    criterion: Criterion = "within",
    minimum: int = 3,
    maximum: int | None = None,
) -> int:
    """Number of classes k, ``minimum`` <= k <= ``maximum``, that a named criterion prefers.

    ``within``: smallest W(k) / W(k - 1), W the within-class inertia (FactoMineR 2.7). ``gain``: largest
    gain from k - 1 to k classes over gain from k to k + 1 (FactoMineR 2.14; Husson et al. 2010). The
    smallest k of equals.

    Args:
        gains: result of ``inertia_gains``.
        criterion: name of the criterion.
        minimum: smallest k, at least 2.
        maximum: largest k, at most n - 1; by default 10 or, if less, half the rows, as FactoMineR. A k
            that would separate equal points is never chosen.

    Raises:
        TypologyError: unknown criterion, or bounds that the rows do not allow.
    """
    n = len(gains) + 1
    if criterion not in get_args(Criterion):
        raise TypologyError(
            f"le critère « {criterion} » est inconnu.", f"choisissez parmi {', '.join(get_args(Criterion))}."
        )
    upper = min(10, round(n / 2)) if maximum is None else maximum
    if not 2 <= minimum <= upper <= n - 1:
        raise TypologyError(
            f"le nombre de classes ne peut pas être cherché entre {minimum} et {upper} pour {n} lignes.",
            "donnez des bornes croissantes, de 2 au nombre de lignes moins un, ou un nombre de classes.",
        )
    upper = min(upper, distinct_groups(gains))
    check_class_count(gains, minimum)
    candidates = np.arange(minimum, upper + 1)
    within = np.append(np.cumsum(gains[::-1])[::-1], 0.0)
    if criterion == "within":
        scores = within[candidates - 1] / within[candidates - 2]
    else:
        scores = gains[candidates - 1] / gains[candidates - 2]
    return int(candidates[first_smallest(scores)])


def check_class_count(gains: np.ndarray, n_classes: int) -> None:
    """Refuse a number of classes that the points do not allow.

    Raises:
        TypologyError: fewer than two classes, or more than the distinct points.
    """
    distinct = distinct_groups(gains)
    if not 2 <= n_classes <= distinct:
        raise TypologyError(
            f"{n_classes} classe(s) demandée(s) pour {len(gains) + 1} lignes, dont {distinct} distinctes "
            "sur les axes retenus.",
            f"demandez entre 2 et {distinct} classes.",
        )


def cut(tree: np.ndarray, n_classes: int) -> np.ndarray:
    """Cut the tree of n leaves: one label from 0 to ``n_classes`` - 1 per leaf, in no particular order."""
    n = len(tree) + 1
    merges = n - n_classes
    above = np.arange(n + merges)
    above[tree[:merges, :2].astype(np.int64)] = np.arange(n, n + merges)[:, None]
    # Each node points to one above it; twice as high each time, until all point to the top.
    while (above != above[above]).any():
        above = above[above]
    return np.asarray(np.unique(above[:n], return_inverse=True)[1])
