"""Whether the classes would be found again on other draws of the individuals, and better than by chance.

Belongs here: resampling of the individuals (Hennig 2007) and the same figures on random tables.
Does not: changes of the method's own settings (``sensitivity``), noise of the values (``noise``).
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from observatory.typology.analysis import Typology, classify
from observatory.typology.matrix import TypologyError

# Thresholds of Hennig's own software (R package fpc, help of clusterboot).
VERDICTS = ((0.85, "très stable"), (0.75, "stable"), (0.6, "moyenne"))
UNSTABLE = "instable"
DISSOLVED, RECOVERED = 0.5, 0.75


@dataclass(frozen=True)
class Procedure:
    """How a typology is redone on another table: the settings that do not come from the data.

    Attributes:
        n_axes: axes kept.
        n_classes: classes, the same on each table.
        consolidated: whether k-means moves individuals between the tree's classes.
    """

    n_axes: int
    n_classes: int
    consolidated: bool = True

    @classmethod
    def of(cls, typology: Typology, *, consolidated: bool = True) -> "Procedure":
        """Return the settings of ``typology``, which does not say whether it was consolidated."""
        return cls(typology.pca.coordinates.shape[1], typology.n_classes, consolidated)

    def run(self, values: np.ndarray) -> Typology:
        """Redo the ACP, the tree, its cut and the consolidation on the n×p ``values``.

        Raises:
            TypologyError: the table does not allow them.
        """
        variables = [f"variable {column}" for column in range(1, values.shape[1] + 1)]
        frame = pl.DataFrame(values, schema=variables, orient="row").with_row_index("row")
        return classify(
            frame,
            "row",
            variables,
            n_axes=self.n_axes,
            n_classes=self.n_classes,
            consolidated=self.consolidated,
        )


def bootstrap_jaccard(typology: Typology, n_bootstrap: int = 100, seed: int = 2026) -> dict[int, float]:
    """Mean bootstrap Jaccard similarity of each class of a consolidated typology, from 0 to 1.

    See ``stability_frame``, of which this is the column ``jaccard``.
    """
    draws = _draws(typology.matrix.values, typology.classes, Procedure.of(typology), n_bootstrap, seed)
    return dict(enumerate(draws.similarities.mean(axis=0).tolist(), start=1))


def stability_frame(
    typology: Typology, n_bootstrap: int = 100, seed: int = 2026, *, consolidated: bool = True
) -> pl.DataFrame:
    """Stability of each class when the individuals are drawn again.

    Each draw takes n rows with replacement and keeps each drawn row once (Hennig's default: a repeated row
    is a tiny artificial class), about 63 % of the rows. The whole procedure is redone on them: means,
    standard deviations, axes, tree, cut at the same number of classes, consolidation. A class, restricted
    to the drawn rows, is then compared with the most similar class of the draw: Jaccard similarity = rows
    in both / rows in either. A class of which no row is drawn scores 0, and so does each class in a draw
    that does not allow the procedure.

    Source: C. Hennig, "Cluster-wise assessment of cluster stability", Computational Statistics and Data
    Analysis 52, 2007, pp. 258-271; R package fpc, ``clusterboot`` with ``bootmethod="boot"``.

    Args:
        typology: the typology to judge.
        n_bootstrap: number of draws, at least 1.
        seed: same seed, same result, whatever the order of the rows.
        consolidated: whether the typology was consolidated.

    Returns:
        One row per class: ``class``; ``size`` (individuals); ``jaccard`` (mean over the draws, 0 to 1);
        ``dissolved`` and ``recovered`` (shares of the draws, 0 to 1, with a similarity of at most 0.5, and
        above 0.75); ``verdict`` (très stable from 0.85, stable from 0.75, moyenne from 0.6, or instable);
        ``impossible_draws`` (number of draws that did not allow the procedure).

    Raises:
        TypologyError: no draw is asked for.
    """
    procedure = Procedure.of(typology, consolidated=consolidated)
    draws = _draws(typology.matrix.values, typology.classes, procedure, n_bootstrap, seed)
    means = draws.similarities.mean(axis=0)
    return pl.DataFrame(
        {
            "class": np.arange(1, typology.n_classes + 1),
            "size": np.bincount(typology.classes)[1:],
            "jaccard": means,
            "dissolved": (draws.similarities <= DISSOLVED).mean(axis=0),
            "recovered": (draws.similarities > RECOVERED).mean(axis=0),
            "verdict": [verdict(mean) for mean in means],
            "impossible_draws": np.full(len(means), draws.impossible),
        }
    )


def verdict(jaccard: float) -> str:
    """Word, in French, for a mean bootstrap Jaccard similarity."""
    return next((word for threshold, word in VERDICTS if jaccard >= threshold), UNSTABLE)


def crossed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Contingency table of two partitions of the same individuals, classes from 1: largest × largest."""
    rows, columns = int(first.max()), int(second.max())
    cells = (first - 1) * columns + second - 1
    return np.bincount(cells, minlength=rows * columns).reshape(rows, columns)


@dataclass(frozen=True, eq=False)
class _Draws:
    """Similarities (draws × classes), and the number of draws that did not allow the procedure."""

    similarities: np.ndarray
    impossible: int


def _draws(
    values: np.ndarray, classes: np.ndarray, procedure: Procedure, count: int, seed: int | np.random.Generator
) -> _Draws:
    if count < 1:
        raise TypologyError(f"{count} tirage(s) demandé(s).", "demandez au moins un tirage, plutôt cent.")
    random = np.random.default_rng(seed)
    similarities = np.zeros((count, int(classes.max())))
    impossible = 0
    for draw in range(count):
        rows = np.unique(random.integers(0, len(values), len(values)))
        try:
            found = procedure.run(values[rows]).classes
        except TypologyError:
            impossible += 1
            continue
        kept = classes[rows]
        similarities[draw, : kept.max()] = _best_jaccard(crossed(kept, found))
    return _Draws(similarities, impossible)


def _best_jaccard(table: np.ndarray) -> np.ndarray:
    """Largest Jaccard similarity of each row's class with a column's class, none of them empty."""
    either = table.sum(axis=1, keepdims=True) + table.sum(axis=0) - table
    return (table / either).max(axis=1)
