"""Draws of the projection against yearly binomials cell by cell: ratio, duration, processor and memory.

Whole: 10,000 draws x 30 years x 300 places x 2 sexes x 60 ages, one person a cell on average. The baseline
draws the same deaths as NumPy writes it, for fewer draws, without reversion, departures nor ages counted.
"""

import argparse
import resource
import time
from pathlib import Path

import numpy as np

from observatory.paths import PROJECT
from observatory.projection import Cohorts, Surface, simulate
from observatory.projection.assumptions import CARD, read_assumptions
from observatory.projection.mortality import OLDEST

PLACES, YEARS, AGES = 300, 30, range(50, 110)
REFERENCE = PROJECT / "data" / "reference" / CARD


def mortality() -> Surface:
    hazard = np.array([2e-5, 4e-5])[:, None, None] * np.exp(0.1 * np.arange(OLDEST + 1))[None, :, None]
    values = 1 - np.exp(-hazard * 0.985 ** np.arange(YEARS))
    values[:, OLDEST] = 1
    return Surface(2025, values)


def start(places: int) -> Cohorts:
    generator = np.random.default_rng(0)
    counts = np.zeros((places, 3, 2, OLDEST + 1))
    counts[:, 0, :, AGES.start : AGES.stop] = generator.poisson(0.4, (places, 2, len(AGES)))
    counts[:, 1, :, AGES.start : AGES.stop] = generator.poisson(0.6, (places, 2, len(AGES)))
    return Cohorts(2025, tuple(map(str, range(places))), counts)


def binomials(cohorts: Cohorts, surface: Surface, draws: int) -> int:
    """Draw the deaths of each cell and year, and return how many are left."""
    generator = np.random.default_rng(0)
    alive = np.repeat(cohorts.counts.sum(axis=1).astype(np.int64)[None], draws, axis=0)
    for year in range(surface.years):
        alive -= generator.binomial(alive, surface.probability[:, :, year])
        alive[..., 1:] = alive[..., :-1]
        alive[..., 0] = 0
    return int(alive.sum())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    small = parser.parse_args().small
    draws, baseline_draws = (200, 20) if small else (10_000, 100)
    cohorts, surface, assumed = start(30 if small else PLACES), mortality(), read_assumptions(Path(REFERENCE))
    begun, worked = time.perf_counter(), time.process_time()
    simulate(cohorts, surface, assumed, draws, 1)
    ours, processor = time.perf_counter() - begun, time.process_time() - worked
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    begun = time.perf_counter()
    binomials(cohorts, surface, baseline_draws)
    theirs = (time.perf_counter() - begun) * draws / baseline_draws
    print(
        f"{draws} draws of {cohorts.total} persons in {len(cohorts.places)} places over {YEARS} years: "
        f"{ours:.1f} s ({processor:.1f} s of processor), {memory:.1f} GB at most; "
        f"{theirs / ours:.1f} times faster than yearly binomials"
    )


if __name__ == "__main__":
    main()
