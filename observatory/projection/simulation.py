"""Seeded draws of a projection: what chance alone may make of so few people.

Belongs here: drawing every person's future, counting by place.
Does not: the expected numbers (``expectation``), intervals to publish.

Each person of each draw has a year of death and a year of departure, from the very probabilities of
``expectation``; the survivors of many independent persons are binomial, and since every level adds up the
same draws, the parts of a territory always sum to it.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from observatory.errors import ObservatoryError
from observatory.projection.assumptions import Assumptions
from observatory.projection.cohorts import Cohorts
from observatory.projection.expectation import spouse_ages
from observatory.projection.mortality import OLDEST, Floats, Surface

THRESHOLDS = (85, 90)
"""Ages from which the occupants are counted."""

_SLOTS = 32
_BITS = 5
_WHOLE = 1 << (32 - _BITS)
# Arrays of so many persons stay in the cache of a core.
_AT_ONCE = 250_000
_THREADS = 2

Counts = NDArray[np.uint32]


@dataclass(frozen=True)
class Draws:
    """Numbers drawn, each of shape (draws, places, years + 1), the flow having years.

    Attributes:
        first_year: year of the first stock.
        beneficiaries: rights still open on 1 January.
        freed: dwellings freed in the year.
        aged: by age of ``THRESHOLDS``, dwellings whose occupant is at least that old on 1 January.
    """

    first_year: int
    beneficiaries: NDArray[np.uint16]
    freed: NDArray[np.uint16]
    aged: dict[int, NDArray[np.uint16]]


def simulate(start: Cohorts, mortality: Surface, assumed: Assumptions, draws: int, seed: int) -> Draws:
    """Return ``draws`` futures; equal arguments give equal numbers, whatever the machine's cores.

    Raises:
        ObservatoryError: more than 31 years, or more than 65,535 people in one place.
    """
    if mortality.years >= _SLOTS:
        raise ObservatoryError(f"La simulation couvre {_SLOTS - 1} années au plus, pas {mortality.years}.")
    if start.counts.sum(axis=(1, 2, 3)).max(initial=0) > np.iinfo(np.uint16).max:
        raise ObservatoryError("Un lieu compte plus de 65 535 bénéficiaires : partagez-le.")
    model = _Model(start, mortality, assumed)
    shape = (draws, len(start.places), mortality.years + 1)
    result = Draws(
        start.first_year,
        np.zeros(shape, np.uint16),
        np.zeros((*shape[:2], mortality.years), np.uint16),
        {age: np.zeros(shape, np.uint16) for age in THRESHOLDS},
    )
    size = max(1, _AT_ONCE // max(1, start.total))
    parts = [slice(first, min(first + size, draws)) for first in range(0, draws, size)]
    seeds = np.random.SeedSequence(seed).spawn(len(parts))

    def fill(part: slice, one: np.random.SeedSequence) -> None:
        model.fill(result, part, np.random.Generator(np.random.SFC64(one)))

    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(fill, parts, seeds))
    return result


@dataclass(frozen=True)
class _Alias:
    """Tables for drawing a year in two look-ups (Walker's alias method, as Vose builds it, 1991)."""

    threshold: NDArray[np.uint32]
    other: NDArray[np.uint8]

    def draw(self, generator: np.random.Generator, tables: NDArray[np.int32]) -> NDArray[np.uint8]:
        """Return one year per table, each given by its first slot."""
        bits = generator.integers(0, 1 << 32, tables.shape, dtype=np.uint32)
        slot = (bits & np.uint32(_SLOTS - 1)).astype(np.uint8)
        cell = tables + slot
        kept = (bits >> np.uint32(_BITS)) < self.threshold[cell]
        return np.where(kept, slot, self.other[cell])


class _Model:
    """Persons of the start, sorted, and the tables that their futures are drawn from."""

    def __init__(self, start: Cohorts, mortality: Surface, assumed: Assumptions) -> None:
        self._years = mortality.years
        self._places = len(start.places)
        people = start.counts.astype(np.int64)
        place, kind, sex, age = (
            np.repeat(one, people[people > 0]).astype(np.int32) for one in np.nonzero(people)
        )
        miner = kind == 0
        self._miners = (place[miner], sex[miner], age[miner])
        self._others = (place[~miner], sex[~miner], age[~miner])
        leaving = assumed.institution.by_age(OLDEST + 1)
        self._death = _alias(_spells(mortality.probability))
        self._leave = _alias(_spells(np.repeat(leaving[:, :, None], self._years, axis=2)))
        self._married = (assumed.married.by_age(OLDEST + 1) * 2.0**32).clip(max=2**32 - 1).ravel()
        self._gaps = np.stack([spouse_ages(gap) for gap in assumed.gap.years])
        self._cumulated = np.cumsum(assumed.gap.shares)

    def fill(self, result: Draws, part: slice, generator: np.random.Generator) -> None:
        """Draw the futures of a part of the draws."""
        tally = _Tally(part.stop - part.start, self._places, self._years)
        self._draw_others(tally, generator)
        self._draw_miners(tally, generator)
        living, freed, aged = tally.counts()
        result.beneficiaries[part] = living
        result.freed[part] = freed
        for age in THRESHOLDS:
            result.aged[age][part] = aged[age]

    def _draw_others(self, tally: "_Tally", generator: np.random.Generator) -> None:
        place, sex, age = self._others
        row = tally.rows(place)
        end, out = self._spell(generator, np.broadcast_to(self._tables(0, sex, age), row.shape))
        tally.open(place)
        tally.beneficiaries(row, end)
        tally.from_the_start(place, row, out, age)
        tally.dwellings(row, out)

    def _draw_miners(self, tally: "_Tally", generator: np.random.Generator) -> None:
        place, sex, age = self._miners
        row = tally.rows(place)
        end, out = self._spell(generator, np.broadcast_to(self._tables(0, sex, age), row.shape))
        tally.open(place)
        tally.from_the_start(place, row, out, age)
        chance = generator.integers(0, 1 << 32, row.shape, dtype=np.uint32)
        leaving_age = np.minimum(age + out, OLDEST)
        limit = self._married[sex * (OLDEST + 1) + leaving_age]
        widow = (out < self._years) & (chance < limit)
        alone = ~widow
        tally.beneficiaries(row[alone], end[alone])
        tally.dwellings(row[alone], out[alone])
        row, end, out, leaving_age = row[widow], end[widow], out[widow], leaving_age[widow]
        sex = np.broadcast_to(sex, widow.shape)[widow]
        gap = np.searchsorted(self._cumulated, chance[widow] / limit[widow], side="right")
        gap = np.minimum(gap, len(self._cumulated) - 1)
        spouse_age = (self._gaps[gap, sex, leaving_age] + 1).astype(np.int32)
        begin = out + np.uint8(1)
        spouse_end, spouse_out = self._spell(generator, self._tables(begin, 1 - sex, spouse_age))
        tally.beneficiaries(row, np.maximum(end, spouse_end))
        tally.newcomers(row, begin, spouse_out, spouse_age)
        tally.dwellings(row, spouse_out)

    @staticmethod
    def _tables(
        begin: int | NDArray[np.uint8], sex: NDArray[np.int32], age: NDArray[np.int32]
    ) -> NDArray[np.int32]:
        """Return the first slot of the table of each person: whence, sex, age."""
        number = (np.asarray(begin, np.int32) * 2 + sex) * np.int32(OLDEST + 1) + age
        return number * np.int32(_SLOTS)

    def _spell(
        self, generator: np.random.Generator, tables: NDArray[np.int32]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the years of death and of leaving the dwelling; the number of years means later."""
        end = self._death.draw(generator, tables)
        return end, np.minimum(end, self._leave.draw(generator, tables))


class _Tally:
    """Counts by draw, place and year."""

    def __init__(self, draws: int, places: int, years: int) -> None:
        self._draws, self._places, self._years = draws, places, years
        self._wide = years + 2
        self._closed = self._zeros()
        self._opened = np.zeros(places, np.int64)
        self._freed = self._zeros()
        self._grown = {age: np.zeros((places, self._wide), np.int64) for age in THRESHOLDS}
        self._entered = {age: self._zeros() for age in THRESHOLDS}
        self._gone = {age: self._zeros() for age in THRESHOLDS}

    def _zeros(self) -> NDArray[np.int64]:
        return np.zeros(self._draws * self._places * self._wide, np.int64)

    def rows(self, place: NDArray[np.int32]) -> NDArray[np.intp]:
        """Return the first count of each draw and person, shape (draws, persons)."""
        first = np.arange(self._draws, dtype=np.intp)[:, None] * self._places
        return (first + place) * self._wide

    def open(self, place: NDArray[np.int32]) -> None:
        """Count rights that are open at the start."""
        self._opened += np.bincount(place, minlength=self._places)

    def beneficiaries(self, row: NDArray[np.intp], end: NDArray[np.uint8]) -> None:
        """Close rights in their last year."""
        self._closed += self._count(row, end)

    def dwellings(self, row: NDArray[np.intp], out: NDArray[np.uint8]) -> None:
        """Free dwellings."""
        self._freed += self._count(row, out)

    def from_the_start(
        self,
        place: NDArray[np.int32],
        row: NDArray[np.intp],
        out: NDArray[np.uint8],
        age: NDArray[np.int32],
    ) -> None:
        """Count the old among who is there at the start: when they become old is known to all draws.

        Who leaves before that is taken away when becoming old.
        """
        for threshold in THRESHOLDS:
            old = np.clip(threshold - age, 0, self._wide - 1).astype(np.uint8)
            np.add.at(self._grown[threshold], (place, old), 1)
            self._gone[threshold] += self._count(row, np.maximum(out + np.uint8(1), old))

    def newcomers(
        self, row: NDArray[np.intp], begin: NDArray[np.uint8], out: NDArray[np.uint8], age: NDArray[np.int32]
    ) -> None:
        """Count the old among who comes later, from the 1 January when they are there and old."""
        for threshold in THRESHOLDS:
            old = np.minimum(begin + np.maximum(threshold - age, 0), self._wide - 1)
            self._entered[threshold] += self._count(row, old)
            self._gone[threshold] += self._count(row, np.maximum(out + np.uint8(1), old))

    def _count(self, row: NDArray[np.intp], year: NDArray[np.integer]) -> NDArray[np.int64]:
        return np.bincount((row + year).ravel(), minlength=len(self._closed))

    def counts(self) -> tuple[Counts, Counts, dict[int, Counts]]:
        """Return the beneficiaries, the dwellings freed and the old, by draw, place and year."""
        shape = (self._draws, self._places, self._wide)
        closed = self._closed.reshape(shape)
        before = np.concatenate([np.zeros_like(closed[..., :1]), closed[..., : self._years]], axis=2)
        old = {
            age: self._grown[age] + (self._entered[age] - self._gone[age]).reshape(shape)
            for age in THRESHOLDS
        }
        return (
            (self._opened[:, None] - before.cumsum(axis=2)).astype(np.uint32),
            self._freed.reshape(shape)[..., : self._years].astype(np.uint32),
            {age: one.cumsum(axis=2)[..., : self._years + 1].astype(np.uint32) for age, one in old.items()},
        )


def _spells(probability: Floats) -> Floats:
    """Return the distribution of the year of an event, by first year, sex and age then.

    Args:
        probability: shape (2, ages, years), of the event in a year for who has not known it.

    Returns:
        shape ((years + 1) * 2 * ages, 32): the probability of each year, that of ``years`` being later, and
        nothing in the slots beyond.
    """
    sexes, ages, years = probability.shape
    result = np.zeros((years + 1, sexes, ages, _SLOTS))
    for begin in range(years + 1):
        still = np.ones((sexes, ages))
        for year in range(begin, years):
            then = np.minimum(np.arange(ages) + year - begin, ages - 1)
            event = probability[:, then, year]
            result[begin, :, :, year] = still * event
            still = still * (1 - event)
        result[begin, :, :, years] = still
    return result.reshape(-1, _SLOTS)


def _alias(distributions: Floats) -> _Alias:
    """Build one table per row, all rows together, one pair of slots settled per step.

    At each step the least full slot takes what it lacks from the fullest.
    """
    scaled = distributions * _SLOTS
    rows = np.arange(len(scaled))
    settled = np.zeros_like(scaled, dtype=bool)
    kept = np.ones_like(scaled)
    other = np.tile(np.arange(_SLOTS, dtype=np.uint8), (len(scaled), 1))
    for _ in range(_SLOTS - 1):
        least = np.where(settled, np.inf, scaled).argmin(axis=1)
        fullest = np.where(settled, -np.inf, scaled).argmax(axis=1)
        part = np.minimum(scaled[rows, least], 1.0)
        kept[rows, least] = part
        other[rows, least] = fullest
        settled[rows, least] = True
        scaled[rows, fullest] -= np.where(fullest == least, 0.0, 1 - part)
    threshold = np.rint(kept * _WHOLE).astype(np.uint32).ravel()
    return _Alias(threshold, other.ravel())
