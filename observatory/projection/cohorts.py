"""Beneficiaries by place, kind, sex and age on the day a projection starts.

Belongs here: counting them from the individual rows.
Does not: what becomes of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from observatory.errors import ObservatoryError
from observatory.projection.mortality import OLDEST, SEXES

KINDS = ("former_miner", "surviving_spouse", "other")
"""Only the first leaves his rights to a surviving spouse."""


@dataclass(frozen=True)
class Cohorts:
    """Beneficiaries on 1 January of ``first_year``.

    Attributes:
        first_year: year that the projection starts.
        places: identifiers of the places, which share nobody.
        counts: shape (places, 3 kinds, 2 sexes, ``OLDEST`` + 1 ages), as ``KINDS`` and ``SEXES`` order
            them.
    """

    first_year: int
    places: tuple[str, ...]
    counts: NDArray[np.float64]

    @property
    def total(self) -> int:
        """Number of beneficiaries."""
        return int(self.counts.sum())


def cohorts(
    beneficiaries: pl.DataFrame, places: Sequence[str], first_year: int, weights: pl.Series | None = None
) -> Cohorts:
    """Count beneficiaries, each in one place.

    Args:
        beneficiaries: columns place, kind, sex (F, M) and birth_year; a row per person whose rights are open.
        places: every place, in the order wanted; those where nobody lives are zero.
        first_year: year that the projection starts; ages are those attained on its 1 January.
        weights: what each row counts for; one by default.

    Raises:
        ObservatoryError: a place or a kind is unknown, or an age is not between 0 and 110.
    """
    aged = beneficiaries.with_columns(age=first_year - 1 - pl.col("birth_year"))
    outside = aged.filter(~pl.col("age").is_between(0, OLDEST))
    if outside.height:
        raise ObservatoryError(
            f"{outside.height} bénéficiaire(s) auraient moins de 0 an ou plus de {OLDEST} ans au 1er janvier "
            f"{first_year} : corrigez les années de naissance avant de projeter."
        )
    counts = np.zeros((len(places), len(KINDS), len(SEXES), OLDEST + 1), dtype=np.float64)
    index = [
        _positions(aged["place"], places, "lieu inconnu"),
        _positions(aged["kind"], KINDS, "catégorie inconnue"),
        _positions(aged["sex"], SEXES, "sexe inconnu"),
        aged["age"].to_numpy(),
    ]
    np.add.at(counts, tuple(index), 1 if weights is None else weights.to_numpy())
    return Cohorts(first_year, tuple(places), counts)


def _positions(values: pl.Series, known: Sequence[str], fault: str) -> NDArray[np.int64]:
    positions = {name: position for position, name in enumerate(known)}
    strange = sorted(set(values.to_list()) - positions.keys(), key=str)
    if strange:
        raise ObservatoryError(
            f"Projection : {fault} « {strange[0]} » ; valeurs admises : {', '.join(known)}."
        )
    return np.array([positions[value] for value in values], dtype=np.int64)
