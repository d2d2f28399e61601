"""The whole typology of a table, and its result as arrays and as frames of the warehouse's contracts.

Belongs here: the order of the steps and the shape of the result. Does not: any formula.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from observatory import tables
from observatory.typology.consolidation import consolidate
from observatory.typology.description import Description, centre_distances, describe, paragons, specifics
from observatory.typology.matrix import TypologyError, TypologyMatrix, read_matrix
from observatory.typology.pca import Pca, pca
from observatory.typology.ties import number_along_axis
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

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return int(self.classes.max())

    def communes_frame(self) -> pl.DataFrame:
        """Rows of ``typology.communes``."""
        return tables.TYPOLOGY_COMMUNES.conform(
            pl.DataFrame(
                {
                    "commune_code": self.matrix.ids,
                    "class": self.classes,
                    "axis_1": self.pca.coordinates[:, 0],
                    "axis_2": self.pca.coordinates[:, 1],
                    "distance_to_own": self.distance_to_own,
                    "distance_to_next": self.distance_to_next,
                }
            )
        )

    def classes_frame(self) -> pl.DataFrame:
        """Rows of ``typology.classes``: every class × every variable, significant or not."""
        k, p = self.description.means.shape
        return tables.TYPOLOGY_CLASSES.conform(
            pl.DataFrame(
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
        )

    def axes_frame(self) -> pl.DataFrame:
        """Rows of ``typology.axes``: every axis, kept or not."""
        rank = np.arange(1, len(self.pca.eigenvalues) + 1)
        return tables.TYPOLOGY_AXES.conform(
            pl.DataFrame(
                {
                    "axis": rank,
                    "eigenvalue": self.pca.eigenvalues,
                    "explained_variance": self.pca.explained_variance,
                    "kept": rank <= self.pca.coordinates.shape[1],
                }
            )
        )

    def variables_frame(self) -> pl.DataFrame:
        """Rows of ``typology.variables``."""
        return tables.TYPOLOGY_VARIABLES.conform(
            pl.DataFrame(
                {
                    "variable": self.matrix.variables,
                    "axis_1": self.pca.correlations[:, 0],
                    "axis_2": self.pca.correlations[:, 1],
                }
            )
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
    n_axes: int,
    n_classes: int | None = None,
    criterion: Criterion = "within",
    minimum: int = 3,
    maximum: int | None = None,
    consolidated: bool = True,
) -> Typology:
    """Classify the rows of ``frame`` as FactoMineR's ``PCA`` then ``HCPC`` (Husson, Josse and Pagès 2010).

    The result does not depend on the order of the rows.

    Args:
        frame: one row per individual, without missing value in ``variables``.
        id_column: column of unique identifiers.
        variables: at least two numeric columns, standardised by the analysis.
        n_axes: number of axes kept for the classes, at least 2.
        n_classes: number of classes; ``None`` lets ``criterion`` choose from ``minimum`` to ``maximum``.
        criterion: see ``choose_classes``, as for the bounds.
        minimum: smallest number of classes tried.
        maximum: largest number of classes tried.
        consolidated: whether k-means moves individuals between the tree's classes.

    Raises:
        TypologyError: the table or a setting does not allow the typology; names the column and the row.
    """
    if n_axes < 2:
        raise TypologyError(
            f"{n_axes} axe(s) demandé(s).", "gardez au moins deux axes : ils portent le plan."
        )
    rows, wanted = frame.height, n_classes or minimum
    if rows < wanted:
        raise TypologyError(
            f"la table compte {rows} ligne(s) pour {wanted} classes.",
            f"demandez au plus {rows} classes, ou ajoutez des lignes.",
        )
    matrix = read_matrix(frame, id_column, variables)
    analysis = pca(matrix.values, n_axes)
    coordinates = analysis.coordinates
    tree = ward(coordinates)
    gains = inertia_gains(tree)
    if n_classes is None:
        n_classes = choose_classes(gains, criterion=criterion, minimum=minimum, maximum=maximum)
    check_class_count(gains, n_classes)
    tree_classes = number_along_axis(cut(tree, n_classes), coordinates)
    classes, converged = tree_classes, True
    if consolidated:
        consolidation = consolidate(coordinates, tree_classes)
        classes, converged = consolidation.classes, consolidation.converged
    own, following = centre_distances(coordinates, classes)
    total = float((coordinates**2).sum())
    before, _ = centre_distances(coordinates, tree_classes)
    return Typology(
        matrix=matrix,
        pca=analysis,
        tree=tree,
        inertia_gains=gains,
        tree_classes=tree_classes,
        classes=classes,
        converged=converged,
        between_before=1 - float((before**2).sum()) / total,
        between_after=1 - float((own**2).sum()) / total,
        distance_to_own=own,
        distance_to_next=following,
        description=describe(matrix.values, classes),
    )
