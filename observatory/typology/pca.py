"""Standardised principal component analysis (ACP normée), each row with the same weight or its own.

Belongs here: eigenvalues, coordinates, correlations. Does not: checks of the input (``matrix``).
"""

from dataclasses import dataclass

import numpy as np
from threadpoolctl import ThreadpoolController

from observatory.typology.matrix import TypologyError

DEFAULT_AXES = 5
"""Axes kept where nobody says how many, as in FactoMineR."""

# On a few columns, threads of the linear algebra wait for each other a hundred times longer than they work.
_POOLS = ThreadpoolController()
# An eigenvalue below this (their mean is about 1) is rounding: its axis means nothing.
_NULL = 1e-10
# A sum of loadings below this is zero: another rule must give the axis its sign.
_BALANCED = 1e-9


@dataclass(frozen=True, eq=False)
class Pca:
    """Result of a standardised principal component analysis of n individuals and p variables.

    Attributes:
        eigenvalues: all min(n - 1, p) of them, decreasing; their sum is p.
        explained_variance: share of the inertia of each, in %.
        coordinates: n × kept axes.
        correlations: p × kept axes, correlation of each variable with each axis.
        means: p means, in the units of the variables.
        sds: p population standard deviations (divided by n).
    """

    eigenvalues: np.ndarray
    explained_variance: np.ndarray
    coordinates: np.ndarray
    correlations: np.ndarray
    means: np.ndarray
    sds: np.ndarray

    @property
    def axes(self) -> np.ndarray:
        """Loadings (p × kept axes): a standardised row times these gives its coordinates."""
        return np.asarray(self.correlations / np.sqrt(self.eigenvalues[: self.correlations.shape[1]]))

    def project(self, values: np.ndarray) -> np.ndarray:
        """Coordinates (m × kept axes) of other rows (m×p), with the means, deviations and axes of these."""
        return np.asarray((values - self.means) / self.sds @ self.axes)


def pca(matrix: np.ndarray, n_axes: int | None, weights: np.ndarray | None = None) -> Pca:
    """Analyse an n×p matrix without missing value nor constant column, and keep ``n_axes`` axes.

    Sign of an axis: the loadings of the variables have a positive sum, as in FactoMineR. Where that sum is
    zero, the largest loading (the first of equals) is positive.

    Args:
        matrix: n×p values.
        n_axes: axes kept; ``None`` keeps five, or as many as there are.
        weights: n positive weights of any sum (``row.w`` of FactoMineR), which enter means, standard
            deviations and axes; ``None`` gives each row the same.

    Raises:
        TypologyError: the matrix has fewer than ``n_axes`` dimensions.
    """
    n, p = matrix.shape
    shares = np.full(n, 1 / n) if weights is None else weights / weights.sum()
    means = shares @ matrix
    sds = np.sqrt(shares @ (matrix - means) ** 2)
    standardised = (matrix - means) / sds
    with _POOLS.limit(limits=1, user_api="blas"):
        _, singular, loadings = np.linalg.svd(standardised * np.sqrt(shares)[:, None], full_matrices=False)
    eigenvalues = singular[: min(n - 1, p)] ** 2
    dimensions = int((eigenvalues > _NULL).sum())
    if n_axes is None:
        n_axes = min(DEFAULT_AXES, dimensions)
    if not 1 <= n_axes <= dimensions:
        raise TypologyError(
            f"{n_axes} axe(s) demandé(s) alors que la table a {dimensions} dimension(s).",
            f"demandez entre 1 et {dimensions} axes.",
        )
    axes = _oriented(loadings[:n_axes]).T
    return Pca(
        eigenvalues=eigenvalues,
        explained_variance=100 * eigenvalues / p,
        coordinates=standardised @ axes,
        correlations=axes * singular[:n_axes],
        means=means,
        sds=sds,
    )


def _oriented(loadings: np.ndarray) -> np.ndarray:
    """Axes (one per row) turned to the sign convention of ``pca``."""
    sums = loadings.sum(axis=1)
    sizes = np.abs(loadings)
    largest = (sizes >= sizes.max(axis=1, keepdims=True) - _BALANCED).argmax(axis=1)
    fallback = loadings[np.arange(len(loadings)), largest]
    return loadings * np.where(np.abs(sums) > _BALANCED, np.sign(sums), np.sign(fallback))[:, None]
