"""Comparable communes: for each individual, those whose profile is closest on the kept axes.

Belongs here: the neighbours and their distances. Does not: whom a page shows, nor why they are alike.
"""

import numpy as np
import polars as pl

from observatory.typology.matrix import TypologyError
from observatory.typology.ties import DECIMALS


def comparable_communes(coordinates: np.ndarray, ids: pl.Series, count: int = 5) -> pl.DataFrame:
    """Find the ``count`` closest others of each individual.

    Distances are Euclidean on the kept axes, as for the classes; equal ones go in the order of the
    identifiers. Closeness is not mutual: the closest of A may have closer ones than A.

    Args:
        coordinates: n×d, kept axes, those of individuals placed afterwards included if wanted.
        ids: n distinct identifiers.
        count: neighbours wanted, from 1 to n - 1.

    Returns:
        n × ``count`` rows, by identifier then rank: ``id``; ``rank`` (from 1, the closest); ``neighbour``
        (identifier); ``distance`` (units of the axes: 1 is one standard deviation of a variable).

    Raises:
        TypologyError: an identifier is missing or repeated, an individual has no complete coordinates,
            ``count`` is out of range.
    """
    _check(coordinates, ids, count)
    order = ids.arg_sort()
    ids, points = ids.gather(order), coordinates[order.to_numpy()]
    neighbours = np.empty((len(points), count), dtype=np.int64)
    distances = np.empty((len(points), count))
    for row, point in enumerate(points):
        gaps = np.round(np.linalg.norm(points - point, axis=1), DECIMALS)
        gaps[row] = np.inf
        # Sorting the few that may be among the closest is five times faster than sorting all of France.
        few = np.flatnonzero(gaps <= np.partition(gaps, count - 1)[count - 1])
        neighbours[row] = few[np.argsort(gaps[few], kind="stable")[:count]]
        distances[row] = gaps[neighbours[row]]
    return pl.DataFrame(
        {
            "id": ids.gather(np.repeat(np.arange(len(ids)), count)),
            "rank": np.tile(np.arange(1, count + 1), len(ids)),
            "neighbour": ids.gather(neighbours.ravel()),
            "distance": distances.ravel(),
        }
    )


def _check(coordinates: np.ndarray, ids: pl.Series, count: int) -> None:
    n = len(ids)
    if len(coordinates) != n:
        raise TypologyError(
            f"{n} identifiants pour {len(coordinates)} lignes de coordonnées.",
            "donnez un identifiant par ligne.",
            ids.name,
        )
    if not 1 <= count <= n - 1:
        raise TypologyError(
            f"{count} commune(s) comparable(s) demandée(s) parmi {n}.", f"demandez-en de 1 à {n - 1}."
        )
    for faulty, rule, remedy in (
        (ids.is_null(), "l’identifiant manque.", "donnez un identifiant à chaque ligne."),
        (
            ids.is_duplicated(),
            "l’identifiant est porté par plusieurs lignes.",
            "gardez une seule ligne par identifiant.",
        ),
        (
            pl.Series(~np.isfinite(coordinates).all(axis=1)),
            "une coordonnée manque ou est infinie.",
            "placez l’individu sur les axes, ou retirez-le.",
        ),
    ):
        rows = faulty.arg_true()
        if len(rows):
            identifier = ids[rows[0]]
            raise TypologyError(
                rule, remedy, ids.name, None if identifier is None else str(identifier), rows[0] + 1
            )
