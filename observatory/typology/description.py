"""What sets classes apart: v-tests and eta2 of the variables, distances of the individuals to the centres.

Belongs here: figures that describe classes, however they were made. Does not: their wording.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import erfc, fdtrc

from observatory.typology.ties import DECIMALS, class_means


@dataclass(frozen=True, eq=False)
class Description:
    """Description of k classes by p variables, in the units of the variables.

    Attributes:
        means: k×p means in the classes.
        sds: k×p population standard deviations in the classes.
        v_tests: k×p v-tests.
        p_values: k×p two-sided p-values of the v-tests (normal law).
        eta2: p shares of the variance that the classes explain.
        eta2_p_values: p p-values of the F test; NaN where each individual is a class.
    """

    means: np.ndarray
    sds: np.ndarray
    v_tests: np.ndarray
    p_values: np.ndarray
    eta2: np.ndarray
    eta2_p_values: np.ndarray


def describe(values: np.ndarray, classes: np.ndarray, weights: np.ndarray | None = None) -> Description:
    """Describe the ``classes`` (1 to k, k at least 2) of the n rows of ``values`` (n×p), as FactoMineR.

    v-test = (mean in class - mean) / sd * sqrt(n_q) / sqrt((n - n_q) / (n - 1)), population sd
    (Lebart, Morineau and Piron 1995). Every variable gets one, significant or not.

    Weights have mean 1: n and n_q are sums of them, so that what is significant depends on how many rows
    there are and not on the unit of the weights (FactoMineR, given populations, would count inhabitants).
    """
    labels = classes - 1
    masses = np.ones(len(values)) if weights is None else weights
    sizes = np.bincount(labels, weights=masses)
    n, k = len(values), len(sizes)
    overall_mean = masses @ values / n
    overall_sd = np.sqrt(masses @ (values - overall_mean) ** 2 / n)
    means = class_means(values, labels, masses)
    sds = np.sqrt(class_means((values - means[labels]) ** 2, labels, masses))
    deviations = means - overall_mean
    errors = overall_sd * np.sqrt((n - sizes) / (n - 1) / sizes)[:, None]
    v_tests = deviations / errors
    between = sizes @ deviations**2
    within = sizes @ sds**2
    eta2 = between / (between + within)
    return Description(means, sds, v_tests, erfc(np.abs(v_tests) / np.sqrt(2)), eta2, _f_test(eta2, n, k))


def _f_test(eta2: np.ndarray, n: int, k: int) -> np.ndarray:
    """p-values of the one-way analysis of variance, from the shares of variance explained."""
    if n == k:
        return np.full(len(eta2), np.nan)
    with np.errstate(divide="ignore"):
        statistic = eta2 / (1 - eta2) * (n - k) / (k - 1)
    return np.asarray(fdtrc(k - 1, n - k, statistic))


def centre_distances(
    coordinates: np.ndarray, classes: np.ndarray, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Distances of each point to the centre of its class, and to the closest other centre.

    Args:
        coordinates: n×d, kept axes.
        classes: n classes, 1 to k, k at least 2.
        weights: n weights of the points in the centres; ``None`` for equal ones.
    """
    labels = classes - 1
    return own_and_next(distances_to(class_means(coordinates, labels, weights), coordinates), labels)


def distances_to(centres: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
    """Distances (n×k) of the n×d ``coordinates`` to the k×d ``centres``."""
    return np.column_stack([np.linalg.norm(coordinates - centre, axis=1) for centre in centres])


def own_and_next(distances: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of n×k distances, that to each row's class (``labels``, 0 to k - 1) and the least of the others."""
    distances = distances.copy()
    everyone = np.arange(len(distances))
    own = distances[everyone, labels].copy()
    distances[everyone, labels] = np.inf
    return own, distances.min(axis=1)


def paragons(own: np.ndarray, classes: np.ndarray, count: int = 5) -> dict[int, np.ndarray]:
    """Rows of the ``count`` points closest to their own centre, by class, closest first."""
    return _first_rows(own, classes, count)


def specifics(following: np.ndarray, classes: np.ndarray, count: int = 5) -> dict[int, np.ndarray]:
    """Rows of the ``count`` points farthest from the closest other centre, by class, farthest first."""
    return _first_rows(-following, classes, count)


def _first_rows(scores: np.ndarray, classes: np.ndarray, count: int) -> dict[int, np.ndarray]:
    """First rows of each class by increasing score, equal scores in the order of the rows."""
    order = np.argsort(np.round(scores, DECIMALS), kind="stable")
    return {label: order[classes[order] == label][:count] for label in range(1, int(classes.max()) + 1)}
