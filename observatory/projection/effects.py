"""What the projection changes around the beneficiaries: benefits no longer paid, who moves in.

Belongs here: euros and dwellings that follow from expected numbers.
Does not: the numbers themselves (``expectation``).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from observatory.errors import ObservatoryError
from observatory.projection.assumptions import Assumptions
from observatory.projection.cohorts import Cohorts, cohorts
from observatory.projection.expectation import Expectation, expect
from observatory.projection.mortality import Surface

Floats = NDArray[np.float64]


def benefits(
    beneficiaries: pl.DataFrame,
    amount: str,
    start: Cohorts,
    mortality: Surface,
    assumed: Assumptions,
) -> Floats:
    """Return the euros of a benefit still paid, expected each 1 January, shape (places, years + 1).

    Every beneficiary keeps what he has, in euros of the start, and leaves ``assumed.reverted`` of it to a
    surviving spouse. The amounts are a linear function of the persons, so that their expectation is exact.

    Args:
        beneficiaries: rows counted in ``start``, with its columns and ``amount``, in euros a year.
        amount: name of that column; null stands for nothing paid.
        start: their places and first year.
        mortality: as for ``expect``.
        assumed: assumptions.
    """
    paid = beneficiaries.filter(pl.col(amount).fill_null(0) > 0)
    amounts = cohorts(paid, start.places, start.first_year, weights=paid[amount])
    found = expect(amounts, mortality, assumed)
    first = found.miners
    others = found.beneficiaries - first
    owned = amounts.counts[:, 1:].sum(axis=(1, 2, 3))
    # What spouses will have is reverted; what they have today is theirs.
    alone = Cohorts(start.first_year, start.places, _without_miners(amounts.counts))
    theirs = expect(alone, mortality, assumed).beneficiaries if owned.any() else np.zeros_like(others)
    result: Floats = first + theirs + assumed.reverted * (others - theirs)
    return result


def amounts(beneficiaries: pl.DataFrame, benefit: str, paid: str, assumed: Assumptions) -> pl.Series:
    """Return the euros a year of a benefit that is received in a given way, 0 where it is not.

    Args:
        beneficiaries: with the columns ``{benefit}_benefit`` and ``{benefit}_amount``.
        benefit: ``heating`` or ``housing``.
        paid: ``cash`` or ``in_kind``; the latter is worth what is assumed where no amount was delivered.
        assumed: assumptions.
    """
    value = float(getattr(assumed.in_kind, benefit)) if paid == "in_kind" else 0.0
    known = pl.col(f"{benefit}_amount").fill_null(value)
    received = pl.when(pl.col(f"{benefit}_benefit") == paid).then(known).otherwise(0.0)
    return beneficiaries.select(received.alias("amount"))["amount"]


def _without_miners(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    kept = counts.copy()
    kept[:, 0] = 0
    return kept


@dataclass(frozen=True)
class Recomposition:
    """Dwellings of a place by who lives there on each 1 January, shape (years + 1).

    Attributes:
        beneficiaries: those that a beneficiary or the spouse of one still occupies.
        others: those that others occupy today and that are taken as unchanged.
        newcomers: those freed since the start and let again, by category of today's newcomers.
        empty: those freed and not let again.
    """

    beneficiaries: Floats
    others: float
    newcomers: Mapping[str, Floats]
    empty: Floats


def recomposition(
    expected: Expectation, place: int, others: float, profile: Mapping[str, float], let_again: float
) -> Recomposition:
    """Return what a place becomes if freed dwellings are let as dwellings are today.

    Args:
        expected: of the beneficiaries.
        place: its position.
        others: dwellings of the place that are occupied by others than beneficiaries.
        profile: shares of the categories among those who moved in lately, summing to one.
        let_again: share of freed dwellings let again.

    Raises:
        ObservatoryError: shares do not sum to one, or one is out of 0 to 1.
    """
    if abs(sum(profile.values()) - 1) > 1e-6 or not all(
        0 <= one <= 1 for one in (*profile.values(), let_again)
    ):
        raise ObservatoryError(
            "Le profil des nouveaux entrants doit être fait de parts de 0 à 1 dont la somme est 1."
        )
    housed = expected.housed[place]
    freed = housed[0] - housed
    return Recomposition(
        housed,
        others,
        {name: freed * let_again * share for name, share in profile.items()},
        freed * (1 - let_again),
    )
