"""Whether the classes would be found again on other draws of the individuals, and better than by chance.

Belongs here: resampling of the individuals (Hennig 2007) and the same figures on random tables.
Does not: changes of the method's own settings (``sensitivity``), noise of the values (``noise``).
"""

from contextlib import suppress
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
    consolidated: bool

    @classmethod
    def of(cls, typology: Typology) -> "Procedure":
        """Return the settings of ``typology``."""
        return cls(typology.pca.coordinates.shape[1], typology.n_classes, typology.consolidated)

    def run(self, values: np.ndarray, weights: np.ndarray | None) -> Typology:
        """Redo the ACP, the tree, its cut and the consolidation on the n×p ``values``.

        Raises:
            TypologyError: the table does not allow them.
        """
        variables = [f"variable {column}" for column in range(1, values.shape[1] + 1)]
        frame = pl.DataFrame(values, schema=variables, orient="row").with_row_index("row")
        if weights is not None:
            frame = frame.with_columns(weight=weights)
        return classify(
            frame,
            "row",
            variables,
            n_axes=self.n_axes,
            n_classes=self.n_classes,
            consolidated=self.consolidated,
            weights=None if weights is None else "weight",
        )


def bootstrap_jaccard(typology: Typology, n_bootstrap: int = 100, seed: int = 2026) -> dict[int, float]:
    """Mean bootstrap Jaccard similarity of each class of a typology, from 0 to 1.

    See ``stability_frame``, of which this is the column ``jaccard``.

    Raises:
        TypologyError: fewer than two draws are asked for.
    """
    draws = _draws(typology, n_bootstrap, seed)
    return dict(enumerate(draws.similarities.mean(axis=0).tolist(), start=1))


def stability_frame(typology: Typology, n_bootstrap: int = 100, seed: int = 2026) -> pl.DataFrame:
    """Stability of each class when the individuals are drawn again.

    Each draw takes n rows with replacement, all as likely, and keeps each drawn row once (Hennig's default:
    a repeated row is a tiny artificial class), about 63 % of the rows. The whole procedure is redone on
    them: means, standard deviations, axes, tree, cut at the same number of classes, consolidation. A class,
    restricted to the drawn rows, is then compared with the most similar class of the draw: Jaccard
    similarity = rows in both / rows in either. A class of which no row is drawn scores 0, as in fpc, and so
    does each class in a draw that does not allow the procedure.

    Source: C. Hennig, "Cluster-wise assessment of cluster stability", Computational Statistics and Data
    Analysis 52, 2007, pp. 258-271; R package fpc, ``clusterboot`` with ``bootmethod="boot"``.

    Args:
        typology: the typology to judge.
        n_bootstrap: number of draws, at least 2.
        seed: same seed, same result, whatever the order of the rows.

    Returns:
        One row per class: ``class``; ``size`` (individuals); ``jaccard`` (mean over the draws, 0 to 1);
        ``standard_error`` of that mean (a verdict within two of a threshold may be another with more draws);
        ``dissolved`` and ``recovered`` (shares of the draws, 0 to 1, with a similarity of at most 0.5, and
        above 0.75); ``verdict`` (très stable from 0.85, stable from 0.75, moyenne from 0.6, or instable);
        ``impossible_draws`` (number of draws that did not allow the procedure).

    Raises:
        TypologyError: fewer than two draws are asked for.
    """
    draws = _draws(typology, n_bootstrap, seed)
    means = draws.similarities.mean(axis=0)
    return pl.DataFrame(
        {
            "class": np.arange(1, typology.n_classes + 1),
            "size": np.bincount(typology.classes)[1:],
            "jaccard": means,
            "standard_error": draws.similarities.std(axis=0, ddof=1) / np.sqrt(n_bootstrap),
            "dissolved": (draws.similarities <= DISSOLVED).mean(axis=0),
            "recovered": (draws.similarities > RECOVERED).mean(axis=0),
            "verdict": [verdict(mean) for mean in means],
            "impossible_draws": np.full(len(means), draws.impossible),
        }
    )


def chance_frame(
    typology: Typology, n_tables: int = 20, n_bootstrap: int = 20, seed: int = 2026
) -> pl.DataFrame:
    """What the same procedure finds in random tables, where there is no class to find.

    A random table keeps the values of each variable and breaks every link between variables: each column is
    permuted independently. Ward and k-means cut any table into classes; the classes mean something as far as
    their figures are better than those of the random tables.

    Args:
        typology: the typology to judge.
        n_tables: number of random tables, at least 1; a table that does not allow the procedure is drawn
            again, ``n_tables`` times at most.
        n_bootstrap: draws per table for the Jaccard similarity.
        seed: same seed, same result, whatever the order of the rows.

    Returns:
        One row per ``statistic``, ``between_inertia_ratio`` (share of the inertia of the kept axes between
        classes, 0 to 1) and ``mean_jaccard`` (plain mean over the classes, 0 to 1): ``observed``;
        ``random_low``, ``random_median`` and ``random_high`` (10 %, 50 % and 90 % quantiles of the random
        tables); ``share_as_high`` (share of the random tables that do as well, the observed one counted
        among them: never 0, as a p-value of a permutation test).

    Raises:
        TypologyError: no table or fewer than two draws are asked for, or the random tables do not allow
            the procedure.
    """
    if n_tables < 1:
        raise TypologyError(f"{n_tables} table(s) aléatoire(s) demandée(s).", "demandez-en au moins une.")
    random = np.random.default_rng(seed)
    observed = _strength(typology, n_bootstrap, random)
    strengths = [
        _strength(_random_typology(typology, n_tables, random), n_bootstrap, random) for _ in range(n_tables)
    ]
    low, median, high = np.quantile(strengths, [0.1, 0.5, 0.9], axis=0)
    return pl.DataFrame(
        {
            "statistic": ["between_inertia_ratio", "mean_jaccard"],
            "observed": observed,
            "random_low": low,
            "random_median": median,
            "random_high": high,
            "share_as_high": (1 + (np.array(strengths) >= observed).sum(axis=0)) / (1 + n_tables),
        }
    )


def _random_typology(typology: Typology, attempts: int, random: np.random.Generator) -> Typology:
    """Typology of the same table once its columns are permuted independently."""
    procedure, matrix = Procedure.of(typology), typology.matrix
    for _ in range(attempts):
        with suppress(TypologyError):
            return procedure.run(random.permuted(matrix.values, axis=0), matrix.weights)
    raise TypologyError(
        f"aucune des {attempts} tables aléatoires ne se laisse classer.", "demandez moins de classes."
    )


def _strength(typology: Typology, n_bootstrap: int, random: np.random.Generator) -> np.ndarray:
    """Between inertia ratio and mean bootstrap Jaccard of a typology."""
    similarities = _draws(typology, n_bootstrap, random).similarities
    return np.array([typology.between_after, similarities.mean()])


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


def _draws(typology: Typology, count: int, seed: int | np.random.Generator) -> _Draws:
    if count < 2:
        raise TypologyError(f"{count} tirage(s) demandé(s).", "demandez au moins deux tirages, plutôt cent.")
    procedure, matrix = Procedure.of(typology), typology.matrix
    random = np.random.default_rng(seed)
    similarities = np.zeros((count, typology.n_classes))
    impossible, n = 0, len(matrix.values)
    for draw in range(count):
        rows = np.unique(random.integers(0, n, n))
        weights = None if matrix.weights is None else matrix.weights[rows]
        try:
            found = procedure.run(matrix.values[rows], weights).classes
        except TypologyError:
            impossible += 1
            continue
        kept = typology.classes[rows]
        similarities[draw, : kept.max()] = _best_jaccard(crossed(kept, found))
    return _Draws(similarities, impossible)


def _best_jaccard(table: np.ndarray) -> np.ndarray:
    """Largest Jaccard similarity of each row's class with a column's class, none of them empty."""
    either = table.sum(axis=1, keepdims=True) + table.sum(axis=0) - table
    return (table / either).max(axis=1)
