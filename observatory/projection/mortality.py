"""Mortality to come: probabilities of dying by sex, age and year, from a national table.

Belongs here: closing a table at the highest ages, its trend, local excess, life expectancy.
Does not: reading the table (``sources.mortality``), cohorts.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from observatory.errors import ObservatoryError
from observatory.projection.assumptions import Mortality

SEXES = ("F", "M")
OLDEST = 110
"""Age at which everyone left dies within the year."""

_FITTED = (80, 95)
"""Ages from which the hazards above are extrapolated: senescence, and people enough."""
_TREND_AGES = (40, 95)
_FADING = (85, 100)
_SHORTEST_TREND = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Surface:
    """Probabilities of dying within a year.

    Attributes:
        first_year: the year of the first column.
        probability: shape (2 sexes, ``OLDEST`` + 1 ages, years), sexes in the order of ``SEXES``, ages
            those attained on 1 January.
    """

    first_year: int
    probability: Floats

    @property
    def years(self) -> int:
        """Number of years."""
        return self.probability.shape[2]


def surface(table: pl.DataFrame, assumed: Mortality, first_year: int, years: int) -> Surface:
    """Return the mortality of ``years`` years from ``first_year`` on.

    Hazards are those of the last year of the table, carried on by the trend that is assumed, then multiplied
    by the excess, which fades from 85 to 100, where local and national mortality meet.

    Args:
        table: ``core.mortality``: year, sex, age, probability; every age from 0 to 99 at least.
        assumed: trend and excess.
        first_year: first year projected, after the last of the table.
        years: number of years.

    Raises:
        ObservatoryError: the table is empty, begins after its last year, or is too short for a trend.
    """
    observed, last = _hazards(table)
    if first_year <= last:
        raise ObservatoryError(
            f"La projection commencerait en {first_year}, année que la table de mortalité observe déjà "
            f"(jusqu’en {last})."
        )
    ahead = np.arange(first_year - last, first_year - last + years)
    hazard = np.stack([_carried(one, assumed, ahead) for one in observed])
    ages = np.arange(OLDEST + 1)
    fading = np.interp(ages, _FADING, (1.0, 0.0))
    hazard *= (1 + (assumed.excess - 1) * fading)[None, :, None]
    probability = 1 - np.exp(-hazard)
    probability[:, OLDEST] = 1.0
    return Surface(first_year, probability)


def surface_from(table: pl.DataFrame, assumed: Mortality, first_year: int, last_year: int) -> Surface:
    """Return the mortality of each year from one that the table observes to ``last_year``, without excess.

    Raises:
        ObservatoryError: the table does not observe ``first_year``.
    """
    known = observed_surface(table)
    last = known.first_year + known.years - 1
    if not known.first_year <= first_year <= last:
        raise ObservatoryError(
            f"La table de mortalité va de {known.first_year} à {last} et n’observe pas {first_year}."
        )
    ahead = surface(table, assumed.model_copy(update={"excess": 1.0}), last + 1, last_year - last)
    observed = known.probability[:, :, first_year - known.first_year :]
    return Surface(first_year, np.concatenate([observed, ahead.probability], axis=2))


def observed_surface(table: pl.DataFrame) -> Surface:
    """Return the mortality of the years of a table, closed at ``OLDEST``, as ``surface`` does."""
    observed, last = _hazards(table)
    probability = 1 - np.exp(-observed)
    probability[:, OLDEST] = 1.0
    return Surface(last - observed.shape[2] + 1, probability)


def life_expectancy(probability: Floats, age: int = 0) -> Floats:
    """Return the years left to live at ``age`` under the probabilities of one period.

    Args:
        probability: by age, last axis but those of the period; shape (ages, ...), 1 at the last age.
        age: exact age.

    Deaths fall in the middle of the year of age.
    """
    alive = np.cumprod(1 - probability[age:], axis=0)
    result: Floats = 0.5 + alive.sum(axis=0)
    return result


def lee_carter(hazard: Floats) -> tuple[Floats, float]:
    """Return the response of each age to the trend, and the mean yearly step of the trend.

    The log hazards are decomposed as a(x) + b(x) k(t), b summing to one and k to zero, by the first singular
    vectors; k is a random walk whose drift is its mean step (Lee and Carter, Journal of the American
    Statistical Association 87, 1992). Without deaths and populations, k is not adjusted afterwards.

    Args:
        hazard: shape (ages, years), positive.

    Raises:
        ObservatoryError: fewer than ten years.
    """
    if hazard.shape[1] < _SHORTEST_TREND:
        raise ObservatoryError(
            f"La table de mortalité couvre {hazard.shape[1]} année(s) : il en faut {_SHORTEST_TREND} pour en "
            "prolonger la tendance. Choisissez un taux annuel de baisse."
        )
    logs = np.log(hazard)
    left, scale, right = np.linalg.svd(logs - logs.mean(axis=1, keepdims=True), full_matrices=False)
    total = left[:, 0].sum()
    response, trend = left[:, 0] / total, right[0] * scale[0] * total
    return response, float((trend[-1] - trend[0]) / (len(trend) - 1))


def _carried(observed: Floats, assumed: Mortality, ahead: NDArray[np.int64]) -> Floats:
    """Return the hazards of one sex, shape (ages, years ahead)."""
    last = observed[:, -1:]
    if assumed.improvement is not None:
        return last * (1 - assumed.improvement) ** ahead
    first, end = _TREND_AGES
    response, drift = lee_carter(observed[first : end + 1])
    spread = np.zeros(OLDEST + 1)
    spread[first : end + 1] = response
    # Below the ages fitted nobody is projected; above, the trend dies out with the age.
    spread[:first] = response[0]
    spread[end + 1 :] = response[-1] * np.linspace(1, 0, OLDEST - end)
    carried: Floats = last * np.exp(np.outer(spread, drift * ahead))
    return carried


def _hazards(table: pl.DataFrame) -> tuple[Floats, int]:
    """Return the hazards of a table, shape (2, OLDEST + 1, years), and its last year."""
    if table.is_empty():
        raise ObservatoryError("La table de mortalité est vide : prenez la source « insee_mortalite ».")
    years = sorted(table["year"].unique().to_list())
    ages = table["age"].n_unique()
    ordered = table.sort("sex", "age", "year")
    probability = ordered["probability"].to_numpy().reshape(len(SEXES), ages, len(years))
    hazard = -np.log1p(-np.clip(probability, 1e-7, 1 - 1e-7))
    return np.stack([closed(one) for one in hazard]), years[-1]


def closed(hazard: Floats) -> Floats:
    """Return hazards until ``OLDEST``, those over 95 on the logistic curve fitted from 80 to 95.

    The model is Kannisto's: logit of the hazard linear in age (Thatcher, Kannisto and Vaupel, The Force of
    Mortality at Ages 80 to 120, 1998), here by least squares on logits, year by year.

    Args:
        hazard: shape (ages from 0, years), at least 96 ages, less than 1 from 80 to 95.
    """
    first, end = _FITTED
    ages = np.arange(first, end + 1) - first
    fitted = hazard[first : end + 1]
    slope, level = np.polyfit(ages, np.log(fitted / (1 - fitted)), 1)
    above = np.arange(end + 1, OLDEST + 1) - first
    odds = np.exp(level[None, :] + np.outer(above, slope))
    return np.concatenate([hazard[: end + 1], odds / (1 + odds)])
