"""The projection against the national series of ANGDM and the path that the Cour des comptes draws.

Belongs here: what the model gives from 2010 on for two shapes of the ages then, and how far it is.
Does not: local figures.

ANGDM publishes numbers and no ages: the ages of 2010 are those that fit best, under the mean age published.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import least_squares

from observatory.errors import ObservatoryError
from observatory.projection.assumptions import Assumptions
from observatory.projection.cohorts import KINDS, Cohorts
from observatory.projection.expectation import expect
from observatory.projection.mortality import OLDEST, SEXES, surface_from

FIRST_YEAR = 2010
MEAN_AGE = 77
"""Mean age of the beneficiaries of mining communes in 2010 (ANGDM)."""
COURT_BASE = 2022
COURT = {2030: 0.5, 2040: 0.25}
"""Parts of the number of ``COURT_BASE`` still there, after the report of the Cour des comptes of 2023, which
says « halved by 2030, quartered by 2040 » without naming the base year."""

_AGES = np.arange(45, 105)
# Beneficiaries of 2010 who were former miners, men; the others are taken as widows.
_MINERS = 0.45

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Check:
    """One figure of the outside and what each shape of the ages gives.

    Attributes:
        year: year of the figure.
        base: year of which it is a part.
        target: part still there, observed or announced.
        one_group: what a single bell of ages gives.
        two_groups: what an older and a younger group give.
    """

    year: int
    base: int
    target: float
    one_group: float
    two_groups: float


@dataclass(frozen=True)
class Calibration:
    """Checks, and the shapes that were fitted: mean ages, spreads and share of the older group.

    ``path`` is the number of beneficiaries from 2010 to 2050 with two groups.
    """

    checks: tuple[Check, ...]
    spread_alone: float
    older: float
    younger: float
    share_older: float
    spread: float
    path: tuple[tuple[int, float], ...]


def calibrate(
    table: pl.DataFrame, series: Sequence[tuple[int, int]], assumed: Assumptions, last_year: int = 2050
) -> Calibration:
    """Fit the ages of 2010 and set the model beside what is known.

    Args:
        table: ``core.mortality``.
        series: year and number of beneficiaries, the first of ``FIRST_YEAR``.
        assumed: assumptions; mortality is the nation's, whatever excess they state.
        last_year: end of the path.

    Raises:
        ObservatoryError: the series does not begin in 2010.
    """
    if not series or series[0][0] != FIRST_YEAR:
        raise ObservatoryError(f"La série nationale des ayants droit doit commencer en {FIRST_YEAR}.")
    numbers = _numbers(table, assumed, last_year)
    targets = [(year, FIRST_YEAR, number / series[0][1]) for year, number in series[1:]]
    targets += [(year, COURT_BASE, part) for year, part in COURT.items()]

    def parts(weights: Floats) -> Floats:
        path = weights @ numbers
        return np.array([path[year - FIRST_YEAR] / path[base - FIRST_YEAR] for year, base, _ in targets])

    wanted = np.array([part for *_, part in targets])
    alone = _fit(lambda shape: _bell(MEAN_AGE, shape[0]), parts, wanted, (9.0,), ((4.0,), (20.0,)))
    both = _fit(_two_groups, parts, wanted, (82.0, 0.7, 5.0), ((78.0, 0.5, 3.0), (90.0, 0.95, 9.0)))
    one, two = parts(_bell(MEAN_AGE, alone[0])), parts(_two_groups(both))
    path = series[0][1] * (_two_groups(both) @ numbers)
    return Calibration(
        tuple(
            Check(year, base, part, float(one[rank]), float(two[rank]))
            for rank, (year, base, part) in enumerate(targets)
        ),
        spread_alone=float(alone[0]),
        older=float(both[0]),
        younger=float(_younger(both)),
        share_older=float(both[1]),
        spread=float(both[2]),
        path=tuple((FIRST_YEAR + rank, float(number)) for rank, number in enumerate(path)),
    )


def _numbers(table: pl.DataFrame, assumed: Assumptions, last_year: int) -> Floats:
    """Return the beneficiaries that one of each age leaves each year, shape (ages, years)."""
    counts = np.zeros((2 * len(_AGES), len(KINDS), len(SEXES), OLDEST + 1))
    rows = np.arange(len(_AGES))
    counts[rows, 0, 1, _AGES] = 1
    counts[len(_AGES) + rows, 1, 0, _AGES] = 1
    start = Cohorts(FIRST_YEAR, tuple(map(str, range(len(counts)))), counts)
    mortality = surface_from(table, assumed.mortality, FIRST_YEAR, last_year)
    men, women = np.split(expect(start, mortality, assumed).beneficiaries, 2)
    result: Floats = _MINERS * men + (1 - _MINERS) * women
    return result


def _fit(
    weights: Callable[[Floats], Floats],
    parts: Callable[[Floats], Floats],
    wanted: Floats,
    first: tuple[float, ...],
    bounds: tuple[tuple[float, ...], tuple[float, ...]],
) -> Floats:
    found = least_squares(lambda shape: np.log(parts(weights(shape)) / wanted), first, bounds=bounds)
    shape: Floats = found.x
    return shape


def _bell(mean: float, spread: float) -> Floats:
    density = np.exp(-0.5 * ((_AGES - mean) / spread) ** 2)
    result: Floats = density / density.sum()
    return result


def _two_groups(shape: Floats) -> Floats:
    older, share, spread = shape
    return share * _bell(older, spread) + (1 - share) * _bell(_younger(shape), spread)


def _younger(shape: Floats) -> float:
    """Return the mean age of the younger group, the mean of all being given."""
    older, share, _ = shape
    return float((MEAN_AGE - share * older) / (1 - share))
