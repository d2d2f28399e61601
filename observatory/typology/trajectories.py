"""The typology through time: another vintage placed on the axes and centres of a reference year.

Belongs here: the projection, classes before and after, flows, what drives each move.
Does not: how many moves noise alone would make (``noise``), names of the classes, display.

Both vintages are standardised by the means and standard deviations of the reference year, projected on its
axes, and each individual goes to the nearest of its centres, at both dates. In the reference year that is the
class of the typology itself wherever its consolidation has converged. Nothing is estimated again: a change of
place is a change of the values, never of the axes.

Raw moves count everything, the drift that all territories share (everyone ages) included. *Net* figures first
take from the other vintage the common shift, i.e. the plain mean over the individuals of the change of each
variable: they tell who moved relative to the others. The reference year stays where it is in both.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from observatory.typology.analysis import Typology
from observatory.typology.description import distances_to, own_and_next
from observatory.typology.matrix import TypologyError, read_ids, read_values
from observatory.typology.ties import first_smallest

MINIMUM_GAP = 5
"""Years: each census gathers five years of collection, closer ones share some (INSEE's advice to users)."""

BORDERLINE = 0.9
"""Ratio of the distances to own and next centre from which an individual sits on the border of two classes.

1 is the border itself. One minus the ratio is the silhouette in its simplified form (distances to centres):
below 0.1, next to nothing tells the two classes apart for that individual.
"""


@dataclass(frozen=True, eq=False)
class Placement:
    """Where m individuals stand at one date, on the axes and among the centres of the reference.

    Attributes:
        coordinates: m × kept axes.
        classes: m classes, from 1, of the nearest centre (the first of equals).
        own: m distances to that centre.
        following: m distances to the next centre.
    """

    coordinates: np.ndarray
    classes: np.ndarray
    own: np.ndarray
    following: np.ndarray

    @property
    def ratios(self) -> np.ndarray:
        """Own distance over next distance, from 0 (on the centre) to 1 (on the border)."""
        return self.own / self.following


@dataclass(frozen=True, eq=False)
class Trajectories:
    """m individuals known at both dates, rows in the order of ``ids``.

    Attributes:
        reference: typology whose means, standard deviations, axes and centres hold for both dates.
        reference_year: vintage of the reference.
        other_year: the other vintage, earlier or later.
        ids: m identifiers, sorted.
        reference_values: m×p values of the reference year, standardised.
        other_values: m×p values of the other vintage, standardised by the reference.
        excluded: ``id``, ``reason`` (in French) of those that one of the dates lacks, by identifier.
    """

    reference: Typology
    reference_year: int
    other_year: int
    ids: pl.Series
    reference_values: np.ndarray
    other_values: np.ndarray
    excluded: pl.DataFrame

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the p variables."""
        return self.reference.matrix.variables

    @property
    def shift(self) -> np.ndarray:
        """Common shift of each variable, from the reference year to the other vintage, in deviations."""
        return np.asarray((self.other_values - self.reference_values).mean(axis=0))

    def values(self, *, net: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Standardised values before and after (m×p each), the earlier year first."""
        other = self.other_values - self.shift if net else self.other_values
        if self.other_year < self.reference_year:
            return other, self.reference_values
        return self.reference_values, other

    def placements(self, *, net: bool = False) -> tuple[Placement, Placement]:
        """Placements before and after, the earlier year first."""
        before, after = self.values(net=net)
        return self.place(before), self.place(after)

    def place(self, standardised: np.ndarray) -> Placement:
        """Place individuals (m×p standardised values) on the axes and among the centres of the reference."""
        coordinates = standardised @ self.reference.pca.axes
        distances = distances_to(self.reference.centres, coordinates)
        labels = first_smallest(distances)
        return Placement(coordinates, labels + 1, *own_and_next(distances, labels))

    def individuals_frame(self) -> pl.DataFrame:
        """One row per individual, by ``id``.

        ``class_before``, ``class_after`` (the earlier year is *before*), ``moved``; ``own_before``,
        ``next_before``, ``own_after``, ``next_after`` (distances to own and next centre, units of the axes),
        ``ratio_before``, ``ratio_after`` (own / next, 0 to 1), ``borderline`` (either ratio at least
        ``BORDERLINE``: a move that may be none, or a stay that was nearly a move); ``axis_1_before``,
        ``axis_2_before``, ``axis_1_after``, ``axis_2_after``, ``displacement`` (distance covered in the
        plane of axes 1 and 2). The same net of the common shift: ``class_before_net``, ``class_after_net``,
        ``moved_net``, ``borderline_net``, ``displacement_net``.
        """
        before, after = self.placements()
        net_before, net_after = self.placements(net=True)
        return pl.DataFrame(
            {
                "id": self.ids,
                "class_before": before.classes,
                "class_after": after.classes,
                "moved": before.classes != after.classes,
                "own_before": before.own,
                "next_before": before.following,
                "own_after": after.own,
                "next_after": after.following,
                "ratio_before": before.ratios,
                "ratio_after": after.ratios,
                "borderline": _borderline(before, after),
                "axis_1_before": before.coordinates[:, 0],
                "axis_2_before": before.coordinates[:, 1],
                "axis_1_after": after.coordinates[:, 0],
                "axis_2_after": after.coordinates[:, 1],
                "displacement": _plane_distance(before, after),
                "class_before_net": net_before.classes,
                "class_after_net": net_after.classes,
                "moved_net": net_before.classes != net_after.classes,
                "borderline_net": _borderline(net_before, net_after),
                "displacement_net": _plane_distance(net_before, net_after),
            }
        )

    def flows_frame(self, *, net: bool = False) -> pl.DataFrame:
        """One row per pair of classes: ``class_before``, ``class_after``, ``count``, ``share``.

        The share, 0 to 1, is of the individuals of ``class_before``; null where there are none.
        """
        before, after = self.placements(net=net)
        k = self.reference.n_classes
        counts = np.zeros((k, k), dtype=np.int64)
        np.add.at(counts, (before.classes - 1, after.classes - 1), 1)
        return pl.DataFrame(
            {
                "class_before": np.repeat(np.arange(1, k + 1), k),
                "class_after": np.tile(np.arange(1, k + 1), k),
                "count": counts.ravel(),
            }
        ).with_columns(
            pl.when(pl.col("count").sum().over("class_before") > 0)
            .then(pl.col("count") / pl.col("count").sum().over("class_before"))
            .alias("share")
        )

    def contributions_frame(self, *, net: bool = False) -> pl.DataFrame:
        """What drives each move: one row per individual that changes class and variable.

        With y the coordinates, a the centre of the class left and b that of the class joined, the balance
        D(y) = |y - a|² - |y - b|² is negative before and positive after. The squares of y cancel out:
        D(y) = 2 y·(b - a) + |a|² - |b|². With y = z U (z the p standardised values, U the p × d axes), the
        change of D is the sum over the variables of 2 Δz_j [U (b - a)]_j: exact, not an approximation, and
        no term is left over.

        Returns:
            ``id``, ``class_before``, ``class_after``, ``variable``, ``change`` (after - before, in the
            variable's units), ``standardised_change`` (in standard deviations of the reference year),
            ``contribution`` (squared units of the axes; negative where the variable held back the move) and
            ``share`` (of the change of D; the shares of a move add up to 1, each may be negative or above
            1), by identifier then in the order of the variables.
        """
        start, end = self.values(net=net)
        before, after = self.place(start), self.place(end)
        rows = np.flatnonzero(before.classes != after.classes)
        changes = (end - start)[rows]
        centres = self.reference.centres
        paths = centres[after.classes[rows] - 1] - centres[before.classes[rows] - 1]
        contributions = 2 * changes * (paths @ self.reference.pca.axes.T)
        p = len(self.variables)
        return pl.DataFrame(
            {
                "id": self.ids.gather(np.repeat(rows, p)),
                "class_before": np.repeat(before.classes[rows], p),
                "class_after": np.repeat(after.classes[rows], p),
                "variable": pl.Series(self.variables * len(rows), dtype=pl.String),
                "change": (changes * self.reference.pca.sds).ravel(),
                "standardised_change": changes.ravel(),
                "contribution": contributions.ravel(),
                "share": (contributions / contributions.sum(axis=1, keepdims=True)).ravel(),
            }
        )

    def shift_frame(self) -> pl.DataFrame:
        """The common drift, from the earlier year to the later: one row per variable.

        ``variable``; ``shift`` (mean change over the individuals, each counting the same, in the variable's
        units) and ``standardised_shift`` (in standard deviations of the reference year).
        """
        shift = self.shift if self.other_year > self.reference_year else -self.shift
        return pl.DataFrame(
            {
                "variable": self.variables,
                "shift": shift * self.reference.pca.sds,
                "standardised_shift": shift,
            }
        )


def trace(
    reference: Typology, frame: pl.DataFrame, id_column: str, *, reference_year: int, other_year: int
) -> Trajectories:
    """Follow the individuals of a typology to, or from, another vintage.

    Args:
        reference: typology of the reference year.
        frame: the other vintage, one row per individual, with the variables of the reference in the same
            units and transformations; missing values allowed.
        id_column: column of ``frame`` with the identifiers of the reference.
        reference_year: vintage of ``reference``.
        other_year: vintage of ``frame``, at least ``MINIMUM_GAP`` years before or after.

    Raises:
        TypologyError: vintages too close; a column is absent or not numeric, an identifier is missing or
            repeated or of another type, a value is infinite; no individual is known at both dates.
    """
    gap = abs(other_year - reference_year)
    if gap < MINIMUM_GAP:
        raise TypologyError(
            f"les millésimes {reference_year} et {other_year} sont distants de {gap} an(s).",
            f"comparez des millésimes distants d’au moins {MINIMUM_GAP} ans : les recensements plus proches "
            "ont des années de collecte en commun.",
        )
    matrix = reference.matrix
    ids = read_ids(frame, id_column)
    if ids.dtype != matrix.ids.dtype:
        raise TypologyError(
            f"les identifiants n’ont pas le même type qu’en {reference_year} ({ids.dtype} au lieu de "
            f"{matrix.ids.dtype}).",
            "donnez-leur le même type.",
            id_column,
        )
    values = read_values(frame, ids, matrix.variables, missing_allowed=True)
    known = dict(zip(ids.to_list(), values, strict=True))
    wanted = matrix.ids.to_list()
    rows = [row for row, identifier in enumerate(wanted) if _complete(known.get(identifier))]
    if not rows:
        raise TypologyError(
            f"aucun individu n’est connu à la fois en {reference_year} et en {other_year}.",
            "vérifiez les identifiants et les valeurs manquantes.",
            id_column,
        )
    scale = reference.pca.means, reference.pca.sds
    return Trajectories(
        reference=reference,
        reference_year=reference_year,
        other_year=other_year,
        ids=matrix.ids.gather(rows),
        reference_values=_standardised(matrix.values[rows], *scale),
        other_values=_standardised(np.array([known[wanted[row]] for row in rows]), *scale),
        excluded=_excluded(matrix.ids, ids, values, matrix.variables, reference_year, other_year),
    )


def _complete(values: np.ndarray | None) -> bool:
    return values is not None and not np.isnan(values).any()


def _standardised(values: np.ndarray, means: np.ndarray, sds: np.ndarray) -> np.ndarray:
    return (values - means) / sds


def _excluded(
    reference_ids: pl.Series,
    other_ids: pl.Series,
    other_values: np.ndarray,
    variables: tuple[str, ...],
    reference_year: int,
    other_year: int,
) -> pl.DataFrame:
    """Who cannot be followed, and why."""
    in_reference, in_other = set(reference_ids), set(other_ids)
    reasons = {
        **dict.fromkeys(in_reference - in_other, f"absent du millésime {other_year}"),
        **dict.fromkeys(in_other - in_reference, f"absent de la typologie de {reference_year}"),
    }
    for code, values in zip(other_ids, other_values, strict=True):
        if code in in_reference and np.isnan(values).any():
            names = [f"« {variables[column]} »" for column in np.flatnonzero(np.isnan(values))]
            reasons[code] = f"valeur manquante en {other_year} : {', '.join(names)}"
    return pl.DataFrame(
        {"id": pl.Series(list(reasons), dtype=reference_ids.dtype), "reason": list(reasons.values())},
        schema_overrides={"reason": pl.String},
    ).sort("id")


def _borderline(before: Placement, after: Placement) -> np.ndarray:
    return np.asarray(np.maximum(before.ratios, after.ratios) >= BORDERLINE)


def _plane_distance(before: Placement, after: Placement) -> np.ndarray:
    return np.asarray(np.linalg.norm((after.coordinates - before.coordinates)[:, :2], axis=1))
