"""Where classes stand on the variables: values, gaps to all communes, words for them.

Belongs here: variables of the typology and the traits of any classes that they describe.
Does not: which classes there are (``typology``, ``trajectories``).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from observatory.rendering import typology_prose as prose
from observatory.rendering.figures import FigureBook, Indicator
from observatory.rendering.french import THIN_SPACE, number, typeset
from observatory.typology.communes import load_choice

_TRANSFORMS: dict[str, Callable[[float], float]] = {"none": float, "log": math.log, "log1p": math.log1p}
# Traits told in a sentence, on each side of the mean.
_TOLD = 3
_INDEX = "indice, moyenne des communes = 100"
_INDEX_DECIMALS = 1


@dataclass(frozen=True)
class Measure:
    """An indicator as the typology takes it; ``relative`` if in time it is set against the communes' mean."""

    indicator: Indicator
    transform: str
    relative: bool

    def value(self, value: float, *, in_time: bool = False) -> str:
        """Write a value of the variable without its unit."""
        return number(value, _INDEX_DECIMALS if self.relative and in_time else self.indicator.decimals)

    def unit(self, *, in_time: bool = False) -> str:
        """Return the unit of its values."""
        return _INDEX if self.relative and in_time else self.indicator.unit

    def change(self, value: float) -> str:
        """Write a change between two dates."""
        one = self.indicator
        return prose.change(value, self.transform, one.unit, one.decimals, relative=self.relative)


@dataclass(frozen=True)
class Variable(Measure):
    """A variable of the typology: its vintage, and its ties to the classes and the first two axes."""

    role: str
    vintage: int
    reason: str
    eta2: float
    axis_1: float
    axis_2: float


@dataclass(frozen=True)
class Trait:
    """Where a class stands on one variable; ``gap`` in standard deviations of all communes."""

    variable: Measure
    v_test: float
    p_value: float
    mean_in_class: float
    overall_mean: float
    gap: float

    @property
    def significant(self) -> bool:
        """Whether the gap is more than chance."""
        return self.p_value <= prose.SIGNIFICANCE

    @property
    def reading(self) -> str:
        """Where the class stands, in words."""
        return prose.reading(self.gap, self.p_value)

    @property
    def tint(self) -> str:
        """CSS class of its cell: above or below, and how much; empty near the mean."""
        if not self.significant:
            return ""
        rank = next(rank for rank, (least, _) in enumerate(prose.DEGREES) if abs(self.gap) >= least)
        return f"{'above' if self.gap > 0 else 'below'}-{len(prose.DEGREES) - rank}"


def variables_of(frame: pl.DataFrame, book: FigureBook) -> dict[str, Variable]:
    """Return the variables that make or describe the classes, by indicator."""
    measures = measures_of(frame, book)
    columns = ("role", "vintage", "eta2", "axis_1", "axis_2")
    return {
        row["variable"]: Variable(
            one.indicator,
            one.transform,
            one.relative,
            reason=typeset(row["reason"]),
            **{name: row[name] for name in columns},
        )
        for row in frame.filter(pl.col("role") != "left_out").sort("variable").iter_rows(named=True)
        for one in [measures[row["variable"]]]
    }


def measures_of(frame: pl.DataFrame, book: FigureBook) -> dict[str, Measure]:
    """Return every indicator of the choice that the edition has, left out of the classes or not.

    Two dates may share a variable that the typology of the latest one lacks.
    """
    known = {one.indicator for one in book.indicators}
    relative = {one.indicator for one in load_choice().variables if one.current_euros}
    return {
        name: Measure(book.indicator(name), transform, name in relative)
        for name, transform in frame.sort("variable").select("variable", "transform").iter_rows()
        if name in known
    }


def traits_of(frame: pl.DataFrame, variables: Mapping[str, Measure]) -> dict[int, tuple[Trait, ...]]:
    """Return the traits of each class, the strongest first."""
    found: dict[int, list[Trait]] = {}
    for row in frame.sort("class", "variable").iter_rows(named=True):
        variable = variables[row["variable"]]
        scale = _TRANSFORMS[variable.transform]
        gap = (scale(row["mean_in_class"]) - scale(row["overall_mean"])) / row["overall_sd"]
        figures = {name: row[name] for name in ("v_test", "p_value", "mean_in_class", "overall_mean")}
        found.setdefault(row["class"], []).append(Trait(variable, gap=gap, **figures))
    return {
        group: tuple(sorted(traits, key=lambda one: (-abs(one.v_test), one.variable.indicator.indicator)))
        for group, traits in found.items()
    }


def profile(groups: Sequence[Sequence[Trait]], variables: Sequence[Measure]) -> list[tuple[Trait, ...]]:
    """Return one row per variable: its trait in each of some classes, all of which have it."""
    found = [{one.variable.indicator.indicator: one for one in traits} for traits in groups]
    keys = [one.indicator.indicator for one in variables]
    return [tuple(traits[key] for traits in found) for key in keys if all(key in one for one in found)]


def side(traits: Sequence[Trait], *, above: bool) -> list[Trait]:
    """Return the traits that set a class apart on one side of the mean, in their order."""
    return [trait for trait in traits if trait.significant and (trait.gap > 0) is above]


def summary(traits: Sequence[Trait]) -> str:
    """Say in a sentence what sets a class apart: its first traits on both sides of the mean."""
    told = []
    for above, where in ((True, "au-dessus"), (False, "au-dessous")):
        labels = [prose.lower_first(one.variable.indicator.label) for one in side(traits, above=above)]
        if labels:
            listed = prose.enumeration(labels[:_TOLD])
            told.append(f"{where} de la moyenne des communes{THIN_SPACE}: {listed}")
    sentence = f"{THIN_SPACE}; ".join(told)
    return f"{sentence[:1].upper()}{sentence[1:]}." if told else "Proche de la moyenne des communes en tout."
