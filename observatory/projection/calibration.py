"""The projection against the national series of ANGDM and the path that the Cour des comptes draws.

Belongs here: what the model gives from 2010 on for two shapes of the ages then, and how far it is.
Does not: local figures.

ANGDM publishes numbers and no ages: the ages of 2010 are those that fit best, under the mean age published.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from scipy.optimize import least_squares

from observatory.errors import InputError
from observatory.projection.assumptions import Assumptions
from observatory.projection.cohorts import KINDS, Cohorts
from observatory.projection.expectation import expect
from observatory.projection.mortality import OLDEST, SEXES, life_expectancy, observed_surface, surface_from

FIRST_YEAR = 2010
MEAN_AGE = 77
"""Mean age of the beneficiaries of mining communes in 2010 (ANGDM)."""
_AGES = np.arange(45, 105)
# Beneficiaries of 2010 who were former miners, men; the others are taken as widows.
_MINERS = 0.45
_CLOSED_AGE = 70

Floats = NDArray[np.float64]


CARD = "projection_reperes.csv"
"""File of the figures of the outside, among the reference tables."""
_COLUMNS = ("nature", "annee", "sexe", "age", "base", "valeur", "source")


class Landmark(BaseModel):
    """A figure of the outside: a life expectancy, a number of beneficiaries, or a part of a year's number."""

    model_config = ConfigDict(frozen=True)

    nature: Literal["esperance", "beneficiaires", "part"]
    annee: int
    sexe: Literal["F", "M"] | None
    age: int | None
    base: int | None
    valeur: float
    source: str


@dataclass(frozen=True)
class Check:
    """One figure of the outside and what each shape of the ages gives.

    Attributes:
        landmark: the figure.
        target: part still there, observed or announced.
        one_group: what a single bell of ages gives.
        two_groups: what an older and a younger group give.
    """

    landmark: Landmark
    target: float
    one_group: float
    two_groups: float


@dataclass(frozen=True)
class LifeExpectancy:
    """A published life expectancy and what the closed table gives, in years."""

    landmark: Landmark
    found: float


@dataclass(frozen=True)
class ClosedCohort:
    """Of a thousand women of ``age`` on 1 January ``since``, those alive on that of ``year``.

    ``table`` is the product of the survivals of the table, made without the model.
    """

    since: int
    age: int
    year: int
    model: float
    table: float


@dataclass(frozen=True)
class Calibration:
    """What is known beside the model, and the shapes fitted: mean ages, spreads, share of the older group.

    ``path`` is the number of beneficiaries from 2010 to 2050 with two groups.
    """

    life_expectancies: tuple[LifeExpectancy, ...]
    checks: tuple[Check, ...]
    spread_alone: float
    older: float
    younger: float
    share_older: float
    spread: float
    path: tuple[tuple[int, float], ...]
    closed: tuple[ClosedCohort, ...]

    @property
    def numbers(self) -> dict[int, float]:
        """The path, by year."""
        return dict(self.path)


def read_landmarks(path: Path) -> list[Landmark]:
    """Return the figures of the outside.

    Raises:
        InputError: the file is absent, has other columns, or a row is faulty.
    """
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    except FileNotFoundError as error:
        raise InputError(path.name, "le fichier manque.", "remettez-le.") from error
    if not rows or tuple(rows[0]) != _COLUMNS:
        raise InputError(path.name, "les colonnes ne conviennent pas.", f"attendues : {', '.join(_COLUMNS)}.")
    found = []
    for number, row in enumerate(rows, start=2):
        try:
            found.append(Landmark.model_validate({name: value or None for name, value in row.items()}))
        except ValidationError as error:
            column = str(error.errors()[0]["loc"][0])
            raise InputError(
                path.name, "la valeur n’est pas admise.", "corrigez la ligne.", row=number, column=column
            ) from error
    return found


def calibrate(
    table: pl.DataFrame, landmarks: list[Landmark], assumed: Assumptions, last_year: int = 2050
) -> Calibration:
    """Fit the ages of 2010 and set the model beside what is known.

    Args:
        table: ``core.mortality``.
        landmarks: life expectancies, numbers of beneficiaries from ``FIRST_YEAR`` on, parts to come.
        assumed: assumptions; mortality is the nation's, whatever excess they state.
        last_year: end of the path.

    Raises:
        InputError: no number of beneficiaries is of ``FIRST_YEAR``.
    """
    series = {one.annee: one.valeur for one in landmarks if one.nature == "beneficiaires"}
    if FIRST_YEAR not in series:
        raise InputError(CARD, f"aucun nombre de bénéficiaires de {FIRST_YEAR}.", "ajoutez-le.")
    numbers = _numbers(table, assumed, last_year)
    checked = [
        (one, one.base or FIRST_YEAR, one.valeur if one.nature == "part" else one.valeur / series[FIRST_YEAR])
        for one in landmarks
        if one.nature != "esperance" and (one.nature == "part" or one.annee > FIRST_YEAR)
    ]

    def parts(weights: Floats) -> Floats:
        path = weights @ numbers
        return np.array([path[one.annee - FIRST_YEAR] / path[base - FIRST_YEAR] for one, base, _ in checked])

    wanted = np.array([part for *_, part in checked])
    alone = _fit(lambda shape: _bell(MEAN_AGE, shape[0]), parts, wanted, (9.0,), ((4.0,), (20.0,)))
    both = _fit(_two_groups, parts, wanted, (82.0, 0.7, 5.0), ((78.0, 0.5, 3.0), (90.0, 0.95, 9.0)))
    one, two = parts(_bell(MEAN_AGE, alone[0])), parts(_two_groups(both))
    path = series[FIRST_YEAR] * (_two_groups(both) @ numbers)
    return Calibration(
        tuple(_life_expectancies(table, landmarks)),
        tuple(
            Check(landmark, part, float(one[rank]), float(two[rank]))
            for rank, (landmark, _, part) in enumerate(checked)
        ),
        spread_alone=float(alone[0]),
        older=float(both[0]),
        younger=float(_younger(both)),
        share_older=float(both[1]),
        spread=float(both[2]),
        path=tuple((FIRST_YEAR + rank, float(number)) for rank, number in enumerate(path)),
        closed=tuple(_closed_cohort(table, assumed, last_year)),
    )


def _closed_cohort(table: pl.DataFrame, assumed: Assumptions, last_year: int) -> Iterator[ClosedCohort]:
    """Yield a cohort that only death leaves, every ten years."""
    mortality = surface_from(table, assumed.mortality, FIRST_YEAR, last_year)
    counts = np.zeros((1, len(KINDS), len(SEXES), OLDEST + 1))
    counts[0, 1, 0, _CLOSED_AGE] = 1000
    alive = expect(Cohorts(FIRST_YEAR, ("closed",), counts), mortality, assumed).beneficiaries[0]
    steps = np.arange(min(last_year - FIRST_YEAR, OLDEST - _CLOSED_AGE))
    survival = np.cumprod(1 - mortality.probability[0, _CLOSED_AGE + steps, steps])
    for years in range(10, len(steps) + 1, 10):
        yield ClosedCohort(
            FIRST_YEAR,
            _CLOSED_AGE,
            FIRST_YEAR + years,
            float(alive[years]),
            1000 * float(survival[years - 1]),
        )


def _life_expectancies(table: pl.DataFrame, landmarks: list[Landmark]) -> Iterator[LifeExpectancy]:
    known = observed_surface(table)
    for one in landmarks:
        if one.nature == "esperance":
            year = known.probability[SEXES.index(one.sexe or "F"), :, one.annee - known.first_year]
            yield LifeExpectancy(one, float(life_expectancy(year, one.age or 0)))


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
