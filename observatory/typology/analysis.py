"""The whole typology of a table, and its result as arrays and as frames.

Belongs here: the order of the steps and the shape of the result. Does not: any formula.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from observatory.typology.consolidation import consolidate
from observatory.typology.description import Description, centre_distances, describe, paragons, specifics
from observatory.typology.matrix import TypologyError, TypologyMatrix, read_matrix
from observatory.typology.pca import Pca, pca
from observatory.typology.ties import class_means, number_along_axis
from observatory.typology.tree import Criterion, check_class_count, choose_classes, cut, inertia_gains, ward


@dataclass(frozen=True, eq=False)
class Typology:
    """Typology of n individuals described by p variables; rows in the order of ``matrix.ids``.

    Attributes:
        matrix: the table analysed.
        pca: principal component analysis; its coordinates on the kept axes carry the classes.
        tree: Ward's tree, n - 1 merges as SciPy writes them, leaf i being row i.
        inertia_gains: n - 1 gains of inertia, the first from one to two classes.
        tree_classes: n classes of the tree, before consolidation, from 1 along axis 1.
        classes: n final classes, from 1 along axis 1.
        converged: false when the consolidation stopped before it was stable.
        between_before: share of the inertia of the kept axes between the tree's classes.
        between_after: the same for the final classes.
        distance_to_own: n distances to the centre of the class, on the kept axes.
        distance_to_next: n distances to the closest other centre.
        description: v-tests and eta2 of the variables.
        consolidated: whether k-means followed the tree.
    """

    matrix: TypologyMatrix
    pca: Pca
    tree: np.ndarray
    inertia_gains: np.ndarray
    tree_classes: np.ndarray
    classes: np.ndarray
    converged: bool
    between_before: float
    between_after: float
    distance_to_own: np.ndarray
    distance_to_next: np.ndarray
    description: Description
    consolidated: bool = True

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.classes.max())

    @property
    def centres(self) -> np.ndarray:
        """Centres of the classes on the kept axes: classes × axes."""
        return class_means(self.pca.coordinates, self.classes - 1, self.matrix.weights)

    def individuals_frame(self) -> pl.DataFrame:
        """``id``, ``class``, ``axis_1``..., ``distance_to_own``, ``distance_to_next`` of each individual."""
        return pl.DataFrame(
            {
                "id": self.matrix.ids,
                "class": self.classes,
                **{f"axis_{axis}": column for axis, column in enumerate(self.pca.coordinates.T, start=1)},
                "distance_to_own": self.distance_to_own,
                "distance_to_next": self.distance_to_next,
            }
        )

    def classes_frame(self) -> pl.DataFrame:
        """Every class × every variable, significant or not: v-test, p-value, means and deviations."""
        k, p = self.description.means.shape
        return pl.DataFrame(
            {
                "class": np.repeat(np.arange(1, k + 1), p),
                "variable": self.matrix.variables * k,
                "v_test": self.description.v_tests.ravel(),
                "p_value": self.description.p_values.ravel(),
                "mean_in_class": self.description.means.ravel(),
                "overall_mean": np.tile(self.pca.means, k),
                "sd_in_class": self.description.sds.ravel(),
                "overall_sd": np.tile(self.pca.sds, k),
            }
        )

    def axes_frame(self) -> pl.DataFrame:
        """``axis``, ``eigenvalue``, ``explained_variance`` in %, ``kept``: every axis, kept or not."""
        rank = np.arange(1, len(self.pca.eigenvalues) + 1)
        return pl.DataFrame(
            {
                "axis": rank,
                "eigenvalue": self.pca.eigenvalues,
                "explained_variance": self.pca.explained_variance,
                "kept": rank <= self.pca.coordinates.shape[1],
            }
        )

    def variables_frame(self) -> pl.DataFrame:
        """``variable``, ``axis_1``, ``axis_2``: correlations with the first two axes."""
        return pl.DataFrame(
            {
                "variable": self.matrix.variables,
                "axis_1": self.pca.correlations[:, 0],
                "axis_2": self.pca.correlations[:, 1],
            }
        )

    def eta2_frame(self) -> pl.DataFrame:
        """``variable``, ``eta2``, ``p_value`` (null where each individual is a class)."""
        return pl.DataFrame(
            {
                "variable": self.matrix.variables,
                "eta2": self.description.eta2,
                "p_value": self.description.eta2_p_values,
            }
        ).with_columns(pl.col("p_value").fill_nan(None))

    def paragons_frame(self, count: int = 5) -> pl.DataFrame:
        """``class``, ``rank``, ``id``, ``distance`` to own centre of the closest individuals."""
        return self._individuals(paragons(self.distance_to_own, self.classes, count), self.distance_to_own)

    def specifics_frame(self, count: int = 5) -> pl.DataFrame:
        """``class``, ``rank``, ``id``, ``distance`` to the closest other centre of the farthest ones."""
        return self._individuals(specifics(self.distance_to_next, self.classes, count), self.distance_to_next)

    def _individuals(self, rows_by_class: dict[int, np.ndarray], distances: np.ndarray) -> pl.DataFrame:
        return pl.concat(
            pl.DataFrame(
                {
                    "class": np.full(len(rows), label),
                    "rank": np.arange(1, len(rows) + 1),
                    "id": self.matrix.ids.gather(rows),
                    "distance": distances[rows],
                }
            )
            for label, rows in rows_by_class.items()
        )


def classify(
    frame: pl.DataFrame,
    id_column: str,
    variables: Sequence[str],
    *,
    n_axes: int | None,
    n_classes: int | None = None,
    criterion: Criterion = "within",
    minimum: int = 3,
    maximum: int | None = None,
    consolidated: bool = True,
    weights: str | None = None,
) -> Typology:
    """Classify the rows of ``frame`` as FactoMineR's ``PCA`` then ``HCPC`` (Husson, Josse and Pagès 2010).

    The result depends neither on the order of the rows, whatever their identifiers, nor on that of the
    columns.

    Args:
        frame: one row per individual, without missing value in ``variables``.
        id_column: column of unique identifiers.
        variables: at least two numeric columns, standardised by the analysis.
        n_axes: number of axes kept for the classes, at least 2; ``None`` for five, or all if fewer.
        n_classes: number of classes; ``None`` lets ``criterion`` choose from ``minimum`` to ``maximum``.
        criterion: see ``choose_classes``, as for the bounds.
        minimum: smallest number of classes tried.
        maximum: largest number of classes tried.
        consolidated: whether k-means moves individuals between the tree's classes.
        weights: column of positive weights (such as populations), divided by their mean; they enter every
            step, from means and axes to centres and v-tests.

    Raises:
        TypologyError: the table or a setting does not allow the typology; names the column and the row.
    """
    rows, wanted = frame.height, n_classes or minimum
    if rows < wanted:
        raise TypologyError(
            f"la table compte {rows} ligne(s) pour {wanted} classes.",
            f"demandez au plus {rows} classes, ou ajoutez des lignes.",
        )
    matrix = read_matrix(frame, id_column, variables, weights)
    masses = matrix.weights
    analysis = _pca_in_one_order(matrix, n_axes)
    coordinates = analysis.coordinates
    if coordinates.shape[1] < 2:
        raise TypologyError("un seul axe gardé.", "gardez au moins deux axes : ils portent le plan.")
    tree = ward(coordinates, masses)
    gains = inertia_gains(tree)
    if n_classes is None:
        n_classes = choose_classes(gains, criterion=criterion, minimum=minimum, maximum=maximum)
    check_class_count(gains, n_classes)
    tree_classes = number_along_axis(cut(tree, n_classes), coordinates, masses)
    classes, converged = tree_classes, True
    if consolidated:
        consolidation = consolidate(coordinates, tree_classes, weights=masses)
        classes, converged = consolidation.classes, consolidation.converged
    own, following = centre_distances(coordinates, classes, masses)
    return Typology(
        matrix=matrix,
        pca=analysis,
        tree=tree,
        inertia_gains=gains,
        tree_classes=tree_classes,
        classes=classes,
        converged=converged,
        between_before=_between_share(coordinates, tree_classes, masses),
        between_after=_between_share(coordinates, classes, masses),
        distance_to_own=own,
        distance_to_next=following,
        description=describe(matrix.values, classes, masses),
        consolidated=consolidated,
    )


def _pca_in_one_order(matrix: TypologyMatrix, n_axes: int | None) -> Pca:
    """ACP of the rows and columns in an order that only their values and names decide.

    Sums and axes then hold the same bits whatever the order given: what rounding would settle between
    equal distances, it settles in the same way.
    """
    columns = np.array(sorted(range(len(matrix.variables)), key=matrix.variables.__getitem__))
    values = matrix.values[:, columns]
    keys = values if matrix.weights is None else np.column_stack([values, matrix.weights])
    rows = np.lexsort(keys.T)
    weights = None if matrix.weights is None else matrix.weights[rows]
    analysis = pca(values[rows], n_axes, weights)
    row_places, column_places = np.argsort(rows), np.argsort(columns)
    return replace(
        analysis,
        coordinates=analysis.coordinates[row_places],
        correlations=analysis.correlations[column_places],
        means=analysis.means[column_places],
        sds=analysis.sds[column_places],
    )


def _between_share(coordinates: np.ndarray, classes: np.ndarray, weights: np.ndarray | None) -> float:
    """Share of the inertia of centred ``coordinates`` (n×d) that lies between the classes, from 0 to 1."""
    masses = np.ones(len(coordinates)) if weights is None else weights
    centres = class_means(coordinates, classes - 1, masses)
    between = np.bincount(classes - 1, weights=masses) @ (centres**2).sum(axis=1)
    return float(between / (masses @ (coordinates**2).sum(axis=1)))
