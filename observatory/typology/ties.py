"""How ties and near-ties are settled: by the values first, then by the order of the rows, never by rounding.

Belongs here: the one tolerance of the package and the helpers that apply it. Does not: the methods.
"""

import numpy as np

# Coordinates are a few units at most and known to about 1e-13: what differs less than this is equal.
DECIMALS = 10
ROUNDING = 10.0**-DECIMALS
# Same for quotients of inertias, and for the gain of a transfer between classes.
TOLERANCE = 1e-10


def along_axes(coordinates: np.ndarray, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Order of the rows along axis 1 (then 2..., then weights), and the rounded coordinates in that order.

    FactoMineR too sorts along axis 1 before the tree and the k-means, whose result depends on the order.
    """
    rounded = np.round(coordinates, DECIMALS)
    last = () if weights is None else (weights,)
    order = np.lexsort((*last, *rounded.T[::-1]))
    return order, rounded[order]


def first_smallest(values: np.ndarray) -> np.ndarray:
    """First position, along the last axis, of what equals the smallest of non-negative ``values``."""
    return (values <= values.min(axis=-1, keepdims=True) * (1 + TOLERANCE)).argmax(axis=-1)


def class_means(values: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Means (k×d) of the n×d ``values`` in each class of ``labels`` (0 to k - 1), with n ``weights``."""
    members = np.equal.outer(np.arange(labels.max() + 1), labels).astype(float)
    if weights is not None:
        members *= weights
    return np.asarray(members @ values / members.sum(axis=1)[:, None])


def number_along_axis(
    classes: np.ndarray, coordinates: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Classes 1 to k by increasing mean on axis 1, then 2...; equal means in order of first appearance."""
    labels, first, inverse = np.unique(classes, return_index=True, return_inverse=True)
    means = np.round(class_means(coordinates, inverse, weights), DECIMALS)
    rank = np.empty(len(labels), dtype=np.int64)
    rank[np.lexsort((first, *means.T[::-1]))] = np.arange(1, len(labels) + 1)
    return rank[inverse]
