"""What a projection assumes, stated and variable.

Belongs here: the assumptions, their bounds and their reading from ``data/reference/projection.yaml``.
Does not: computing with them.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from observatory.cards import read_card

CARD = "projection.yaml"
"""Its file, among the reference tables."""

Share = Annotated[float, Field(ge=0, le=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Mortality(_Frozen):
    """Mortality assumed: excess over the nation, and trend.

    Attributes:
        excess: ratio of local to national hazards until 85; it fades to 1 at 100.
        improvement: yearly fall of the hazards; the trend of the table (Lee-Carter) when None.
    """

    excess: float = Field(default=1.0, ge=0.5, le=3)
    improvement: float | None = Field(default=None, ge=-0.05, le=0.05)


class Steps(_Frozen):
    """A share by age: each value holds from its age to the next; 0 below the first."""

    ages: tuple[int, ...] = Field(min_length=1)
    values: tuple[Share, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ordered(self) -> "Steps":
        if len(self.ages) != len(self.values) or sorted(set(self.ages)) != list(self.ages):
            raise ValueError("as many ages, growing, as values")
        return self

    def by_age(self, ages: int) -> NDArray[np.float64]:
        """Return the share at each age from 0 to ``ages`` - 1."""
        position = np.searchsorted(self.ages, np.arange(ages), side="right")
        return np.concatenate([[0.0], self.values])[position]


class BySex(_Frozen):
    """Shares by age for women and men."""

    women: Steps
    men: Steps

    def by_age(self, ages: int) -> NDArray[np.float64]:
        """Return the shares, shape (2, ages), women first."""
        return np.stack([self.women.by_age(ages), self.men.by_age(ages)])


class Gap(_Frozen):
    """Years by which the surviving spouse is younger, and the share of couples with each."""

    years: tuple[int, ...] = Field(min_length=1)
    shares: tuple[Share, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> "Gap":
        if len(self.years) != len(self.shares) or abs(sum(self.shares) - 1) > 1e-9:
            raise ValueError("one share per gap, summing to one")
        return self


class InKind(_Frozen):
    """Euros a year that a benefit in kind stands for where the delivery gives no amount."""

    heating: float = Field(ge=0, le=50_000)
    housing: float = Field(ge=0, le=50_000)


class LettingAgain(_Frozen):
    """What becomes of freed dwellings.

    Attributes:
        share: part of them that is let again, to households like those who moved in lately.
        year: 1 January for which the new occupants are counted.
    """

    share: Share
    year: int = Field(ge=2030, le=2050, multiple_of=5)


class Assumptions(_Frozen):
    """What is assumed of beneficiaries.

    Attributes:
        mortality: excess and trend.
        married: share of former miners who leave a surviving spouse, by sex and age at death.
        gap: how much younger a man's spouse is; a woman's is older by as much.
        institution: yearly probability of leaving one's dwelling for an institution, by sex and age.
        reverted: share of a benefit in euros that a surviving spouse goes on receiving.
        in_kind: value of benefits in kind.
        let_again: letting of freed dwellings.
    """

    mortality: Mortality = Mortality()
    married: BySex
    gap: Gap
    institution: BySex
    reverted: Share = 1.0
    in_kind: InKind
    let_again: LettingAgain


def read_assumptions(path: Path) -> Assumptions:
    """Return the assumptions of a YAML file.

    Raises:
        InputError: the file is absent or unreadable, or an assumption is missing or out of bounds.
    """
    return read_card(path, Assumptions)
