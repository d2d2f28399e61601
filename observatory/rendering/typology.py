"""The typology as its page tells it: classes, their traits, axes.

Belongs here: turning v-tests and correlations into what a reader can follow.
Does not: computing the typology.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from observatory.rendering.figures import FigureBook, Indicator
from observatory.rendering.inputs import SiteData
from observatory.rendering.places import Gazetteer, Place

# The usual 5 % two-sided threshold, below which a trait may be chance.
_SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Trait:
    """What sets a class apart on one variable."""

    indicator: Indicator
    v_test: float
    mean_in_class: float
    overall_mean: float


@dataclass(frozen=True)
class TypologyClass:
    """One class: its size and its traits, the strongest first."""

    number: int
    size: int
    higher: tuple[Trait, ...]
    lower: tuple[Trait, ...]


@dataclass(frozen=True)
class Member:
    """A commune in its class."""

    place: Place
    number: int
    axis_1: float
    axis_2: float
    distance_to_own: float
    distance_to_next: float


@dataclass(frozen=True)
class Typology:
    """Classes, communes by code, correlations (indicator, axis 1, axis 2) and axes."""

    classes: dict[int, TypologyClass]
    members: dict[str, Member]
    variables: tuple[tuple[Indicator, float, float], ...]
    axes: tuple[dict[str, Any], ...]


def typology(data: SiteData, gazetteer: Gazetteer, book: FigureBook) -> Typology:
    """Gather the typology of the communes."""
    members = {
        row["commune_code"]: Member(
            gazetteer.place("commune", row["commune_code"]),
            row["class"],
            row["axis_1"],
            row["axis_2"],
            row["distance_to_own"],
            row["distance_to_next"],
        )
        for row in data.typology_communes.sort("commune_code").iter_rows(named=True)
    }
    sizes = Counter(member.number for member in members.values())
    traits: dict[int, list[Trait]] = {number: [] for number in sorted(sizes)}
    for row in data.typology_classes.sort("class", "variable").iter_rows(named=True):
        if row["p_value"] <= _SIGNIFICANCE:
            traits[row["class"]].append(
                Trait(
                    book.indicator(row["variable"]),
                    row["v_test"],
                    row["mean_in_class"],
                    row["overall_mean"],
                )
            )
    classes = {number: _class(number, sizes[number], found) for number, found in traits.items()}
    variables = tuple(
        (book.indicator(row["variable"]), row["axis_1"], row["axis_2"])
        for row in data.typology_variables.iter_rows(named=True)
        if row["axis_1"] is not None
    )
    ordered = tuple(sorted(variables, key=lambda variable: (-abs(variable[1]), variable[0].indicator)))
    return Typology(classes, members, ordered, tuple(data.typology_axes.sort("axis").to_dicts()))


def _class(number: int, size: int, traits: list[Trait]) -> TypologyClass:
    ordered = sorted(traits, key=lambda trait: (-abs(trait.v_test), trait.indicator.indicator))
    return TypologyClass(
        number,
        size,
        tuple(trait for trait in ordered if trait.v_test > 0),
        tuple(trait for trait in ordered if trait.v_test < 0),
    )
