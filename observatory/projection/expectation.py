"""The exact expectation of a projection, by yearly steps.

Belongs here: expected numbers, from the same events as ``simulation`` draws.
Does not: uncertainty.

Events of one year, in this order: a person dies; one who does not may leave for an institution. A former
miner who leaves the dwelling, dead or alive, may leave a spouse in it, who is there from the next 1 January
on, and becomes a beneficiary once the miner is dead. Deaths and departures are independent, and so are
persons.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from observatory.projection.assumptions import Assumptions
from observatory.projection.cohorts import Cohorts
from observatory.projection.mortality import OLDEST, Surface

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Expectation:
    """Expected numbers by place, stocks on each 1 January (years + 1) and flows of each year (years).

    Attributes:
        first_year: year of the first stock.
        beneficiaries: rights still open, one per household, shape (places, years + 1).
        miners: former miners among them.
        housed: dwellings that a beneficiary, or the spouse of one who left, lives in.
        aged: age of the person who lives there, shape (places, ages, years + 1).
        alone: age of those who live there alone: surviving spouses, others, former miners without a spouse;
            same shape.
        freed: dwellings freed in the year, shape (places, years).
    """

    first_year: int
    beneficiaries: Floats
    miners: Floats
    housed: Floats
    aged: Floats
    alone: Floats
    freed: Floats

    def from_age(self, age: int) -> Floats:
        """Return the expected dwellings whose occupant is at least ``age``, shape (places, years + 1)."""
        result: Floats = self.aged[:, age:].sum(axis=1)
        return result

    def alone_from(self, age: int) -> Floats:
        """Return the expected persons who live there alone and are at least ``age``, same shape."""
        result: Floats = self.alone[:, age:].sum(axis=1)
        return result


def expect(start: Cohorts, mortality: Surface, assumed: Assumptions) -> Expectation:
    """Return the expected numbers, 1 January after 1 January, for the years of ``mortality``."""
    steps = _Steps(start, mortality, assumed)
    stocks, freed = [steps.stocks()], []
    for year in range(mortality.years):
        freed.append(steps.advance(year))
        stocks.append(steps.stocks())
    beneficiaries, miners, housed, aged, alone = (np.stack(one, axis=-1) for one in zip(*stocks, strict=True))
    return Expectation(start.first_year, beneficiaries, miners, housed, aged, alone, np.stack(freed, axis=-1))


class _Steps:
    """The state on a 1 January; every array but ``both`` is (places, 2 sexes, ages).

    ``both`` are the couples parted by an institution, both alive: (places, gaps, 2 sexes, ages), sex and age
    being the miner's.
    """

    def __init__(self, start: Cohorts, mortality: Surface, assumed: Assumptions) -> None:
        counts = start.counts
        ages = OLDEST + 1
        self._probability = mortality.probability
        self._married = assumed.married.by_age(ages)
        self._leaving = assumed.institution.by_age(ages)
        self._gaps = list(zip(assumed.gap.years, assumed.gap.shares, strict=True))
        self._miners_home = counts[:, 0]
        self._miners_away = np.zeros_like(self._miners_home)
        self._others_home = counts[:, 1:].sum(axis=1)
        self._others_away = np.zeros_like(self._miners_home)
        self._both = np.zeros((len(counts), len(self._gaps), *self._miners_home.shape[1:]))

    def stocks(self) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        miners = self._miners_home + self._miners_away
        others = self._others_home + self._others_away
        housed = self._miners_home + self._others_home
        alone = self._others_home + self._miners_home * (1 - self._married)
        total = (1, 2)
        beneficiaries = miners.sum(total) + others.sum(total) - self._both.sum((1, 2, 3))
        return beneficiaries, miners.sum(total), housed.sum(total), housed.sum(1), alone.sum(1)

    def advance(self, year: int) -> Floats:
        """Go to the next 1 January and return the dwellings freed meanwhile, by place."""
        dying = self._probability[:, :, year]
        living = 1 - dying
        lost = self._miners_home * dying
        gone = self._miners_home * living * self._leaving
        left = (lost + gone) * self._married
        others_out = self._others_home * (1 - living * (1 - self._leaving))
        freed = (lost + gone - left + others_out).sum((1, 2))
        # Widows and widowers take part in the next year only, one year older by then.
        spouses = np.zeros_like(lost)
        both = np.zeros_like(self._both)
        for position, (gap, share) in enumerate(self._gaps):
            spouses += _spouses(left * share, gap)
            both[:, position] = _older(
                self._both[:, position] * living * _of_spouses(living, gap) + gone * self._married * share
            )
        others_gone = self._others_home * living * self._leaving
        self._others_away = _older((self._others_away * living) + others_gone)
        self._others_home = _older(self._others_home * living * (1 - self._leaving)) + _older(spouses)
        self._miners_away = _older(self._miners_away * living + gone)
        self._miners_home = _older(self._miners_home * living * (1 - self._leaving))
        self._both = both
        return freed


def _older(state: Floats) -> Floats:
    """Return a state one year later; at the last age everyone has died."""
    later = np.zeros_like(state)
    later[..., 1:] = state[..., :-1]
    return later


def spouse_ages(gap: int) -> NDArray[np.int64]:
    """Return the ages of spouses, older than women and younger than men, by sex and age of the miner.

    The shape is (2, ages). Ages out of the table are brought to its ends.
    """
    ages = np.arange(OLDEST + 1)
    return np.clip(np.stack([ages + gap, ages - gap]), 0, OLDEST - 1)


def _spouses(left: Floats, gap: int) -> Floats:
    """Return who is left, by sex and age of the spouse."""
    result = np.zeros_like(left)
    for sex, ages in enumerate(spouse_ages(gap)):
        for age, spouse_age in enumerate(ages):
            result[:, 1 - sex, spouse_age] += left[:, sex, age]
    return result


def _of_spouses(living: Floats, gap: int) -> Floats:
    """Return the spouse's probability of surviving, by sex and age of the miner."""
    ages = spouse_ages(gap)
    return np.stack([living[1 - sex, ages[sex]] for sex in range(2)])
