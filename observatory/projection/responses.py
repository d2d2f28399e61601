"""What one person of each kind, sex and age adds to every published number.

Belongs here: the published quantities as sums over persons.
Does not: projecting a place (``expectation``), attacking what is published (``guard``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from observatory.projection.assumptions import Assumptions
from observatory.projection.cohorts import KINDS, Cohorts
from observatory.projection.expectation import Expectation, expect
from observatory.projection.mortality import OLDEST, SEXES, Surface
from observatory.projection.simulation import THRESHOLDS

Floats = NDArray[np.float64]

# Other beneficiaries have the future of surviving spouses.
RESPONDING = KINDS[:2]
_SHAPE = (len(RESPONDING), len(SEXES), OLDEST + 1)
CELLS = int(np.prod(_SHAPE))
"""Kinds, sexes and ages, in that order, flattened."""


@dataclass(frozen=True)
class Cells:
    """Kind, sex and age of each cell, each of shape (``CELLS``,)."""

    kind: NDArray[np.int64]
    sex: NDArray[np.int64]
    age: NDArray[np.int64]

    def groups(self) -> dict[str, Floats]:
        """Return the groups that today's publication counts, as 0 or 1 by cell: kind, sex, the oldest.

        What is not in a group makes another one, known as precisely as it.
        """
        found = {RESPONDING[0]: self.kind == 0, f"sex_{SEXES[0]}": self.sex == 0}
        found |= {f"from_{limit}": self.age >= limit for limit in (70, 80, 90)}
        return {name: members.astype(float) for name, members in found.items()}


def all_cells() -> Cells:
    """Return the cells in their order."""
    return Cells(*(one.ravel() for one in np.indices(_SHAPE)))


def persons(start: Cohorts) -> Floats:
    """Return the persons of each place by cell, shape (places, ``CELLS``)."""
    folded = np.stack([start.counts[:, 0], start.counts[:, 1:].sum(axis=1)], axis=1)
    result: Floats = folded.reshape(len(folded), CELLS)
    return result


def quantities(found: Expectation) -> Mapping[str, Floats]:
    """Return the expected quantities that a projection publishes, each of shape (places, years + 1)."""
    return {
        "beneficiaries": found.beneficiaries,
        **{f"aged_{age}": found.from_age(age) for age in THRESHOLDS},
        "freed": found.housed[:, :1] - found.housed,
        "alone": found.alone_from(0),
        "alone_85": found.alone_from(85),
    }


def responses(mortality: Surface, assumed: Assumptions, years: Sequence[int]) -> Floats:
    """Return the table of one person of each cell, shape (``CELLS``, quantities x years)."""
    counts = np.zeros((CELLS, len(KINDS), len(SEXES), OLDEST + 1))
    cells = all_cells()
    counts[np.arange(CELLS), cells.kind, cells.sex, cells.age] = 1
    start = Cohorts(mortality.first_year, tuple(map(str, range(CELLS))), counts)
    columns = [year - mortality.first_year for year in years]
    tables = quantities(expect(start, mortality, assumed)).values()
    return np.concatenate([one[:, columns] for one in tables], axis=1)
