"""The typology as its pages tell it: classes, communes, communes alike.

Belongs here: turning the tables of the typology into what a reader can follow.
Does not: where classes stand on the variables (``traits``), sentences (``typology_prose``), two dates
(``trajectories``), drawings.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from observatory.indicators.catalogue import load_indicators
from observatory.rendering import typology_prose as prose
from observatory.rendering.figures import FigureBook
from observatory.rendering.french import NO_BREAK_SPACE, typeset
from observatory.rendering.inputs import SiteData
from observatory.rendering.places import Gazetteer, Place
from observatory.rendering.traits import Trait, Variable, profile, summary, traits_of, variables_of

# Variables that a table of comparable communes shows: those that the classes tell apart best.
_SHOWN = 5


@dataclass(frozen=True)
class LeftOut:
    """A variable of the choice that this edition leaves out, and why."""

    label: str
    reason: str
    why: str


@dataclass(frozen=True)
class Portrait:
    """What an analyst wrote of a class, and the names of the communes that came or went since."""

    title: str
    sentences: tuple[str, ...]
    written_on: date
    likeness: float
    joined: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True)
class Stability:
    """What becomes of a class when communes are drawn at random."""

    size: int
    jaccard: float
    dissolved: float
    recovered: float
    verdict: str

    @property
    def sentence(self) -> str:
        """The same, in words."""
        return prose.stability(self.jaccard, self.verdict)


@dataclass(frozen=True)
class TypologyClass:
    """One class: its size, portrait if there is one, traits (the strongest first), examples, stability."""

    number: int
    size: int
    portrait: Portrait | None
    traits: tuple[Trait, ...]
    paragons: tuple[Place, ...]
    specifics: tuple[Place, ...]
    stability: Stability | None

    @property
    def label(self) -> str:
        """Number and title."""
        title = f" — {self.portrait.title}" if self.portrait else ""
        return f"Classe{NO_BREAK_SPACE}{self.number}{title}"

    @property
    def css(self) -> str:
        """CSS class of its colour."""
        return f"c{self.number - 1}"

    @property
    def summary(self) -> str:
        """What sets the class apart, in a sentence: its portrait's first, or its strongest traits."""
        return self.portrait.sentences[0] if self.portrait else summary(self.traits)


@dataclass(frozen=True)
class Member:
    """A commune in its class; ``missing`` says what a commune placed afterwards lacks, and why."""

    place: Place
    number: int
    role: str
    missing: tuple[str, ...]
    axis_1: float
    axis_2: float
    distance_to_own: float
    next_class: int
    distance_to_next: float
    alike: tuple[Place, ...]

    @property
    def placed(self) -> bool:
        """Whether it was placed once the classes were made."""
        return self.role == "placed"

    @property
    def border(self) -> str:
        """How close it is to another class, in words."""
        return prose.border(self.distance_to_own, self.distance_to_next, self.next_class)


@dataclass(frozen=True)
class Typology:
    """Classes by number, communes by code, variables in order of eta2, axes, and tables shown as they are."""

    classes: dict[int, TypologyClass]
    members: dict[str, Member]
    variables: tuple[Variable, ...]
    left_out: tuple[LeftOut, ...]
    tree: pl.DataFrame
    axes: tuple[dict[str, Any], ...]
    chance: tuple[dict[str, Any], ...]
    sensitivity: tuple[dict[str, Any], ...]

    @property
    def active(self) -> tuple[Variable, ...]:
        """Variables that make the classes."""
        return tuple(one for one in self.variables if one.role == "active")

    @property
    def supplementary(self) -> tuple[Variable, ...]:
        """Variables that only describe the classes."""
        return tuple(one for one in self.variables if one.role == "supplementary")

    @property
    def shown(self) -> tuple[Variable, ...]:
        """Variables that set the classes apart best, for tables of communes."""
        return self.active[:_SHOWN]

    @property
    def themes(self) -> list[str]:
        """Themes of the active variables, in order of display."""
        ordered = sorted(self.active, key=lambda one: one.indicator.position)
        return list(dict.fromkeys(one.indicator.theme for one in ordered))

    @property
    def placed(self) -> list[Member]:
        """Communes placed once the classes were made."""
        return [member for member in self.members.values() if member.placed]

    @property
    def profile(self) -> list[tuple[Trait, ...]]:
        """One row per variable, that which sets the classes apart best first: its trait in each class."""
        return profile([group.traits for group in self.classes.values()], self.variables)

    def count(self, places: list[Place]) -> list[tuple[TypologyClass, int]]:
        """Return each class and how many of some communes are in it."""
        counts = Counter(self.members[place.code].number for place in places if place.code in self.members)
        return [(group, counts[group.number]) for group in self.classes.values()]


def typology(data: SiteData, gazetteer: Gazetteer, book: FigureBook) -> Typology:
    """Gather the typology of the communes."""
    frames = data.typology
    places = {place.code: place for place in gazetteer.communes}
    variables = variables_of(frames["variables"], book)
    labels = {one.id: typeset(one.label) for one in load_indicators()}
    labels |= {one.indicator: one.label for one in book.indicators}
    return Typology(
        classes=_classes(frames, variables, places),
        members=_members(frames, variables, places, book),
        variables=tuple(sorted(variables.values(), key=lambda one: (-one.eta2, one.indicator.indicator))),
        left_out=tuple(
            LeftOut(
                labels[row["variable"]],
                typeset(row["reason"]),
                typeset(re.sub(r"« (\w+) »", lambda found: f"« {labels[found[1]]} »", row["left_out"])),
            )
            for row in frames["variables"].filter(pl.col("role") == "left_out").iter_rows(named=True)
        ),
        tree=frames["tree"],
        axes=tuple(frames["axes"].sort("axis").to_dicts()),
        chance=tuple(frames["chance"].sort("statistic").to_dicts()),
        sensitivity=tuple(
            row
            | {
                "label": variables[row["setting"]].indicator.label
                if row["perturbation"] == "variable"
                else row["setting"]
            }
            for row in frames["sensitivity"].sort("perturbation", "setting").to_dicts()
        ),
    )


def _classes(
    frames: Mapping[str, pl.DataFrame], variables: Mapping[str, Variable], places: Mapping[str, Place]
) -> dict[int, TypologyClass]:
    sizes = Counter(frames["communes"]["class"].to_list())
    traits = traits_of(frames["classes"], variables)
    examples: dict[tuple[int, str], list[Place]] = {}
    for row in frames["examples"].sort("class", "kind", "rank").iter_rows(named=True):
        examples.setdefault((row["class"], row["kind"]), []).append(places[row["commune_code"]])
    columns = ("size", "jaccard", "dissolved", "recovered", "verdict")
    stabilities = {
        row["class"]: Stability(**{name: row[name] for name in columns})
        for row in frames["stability"].iter_rows(named=True)
    }
    portraits = {
        row["class"]: _portrait(row, places)
        for row in frames["portraits"].drop_nulls("title").iter_rows(named=True)
    }
    return {
        group: TypologyClass(
            group,
            sizes[group],
            portraits.get(group),
            traits.get(group, ()),
            tuple(examples.get((group, "paragon"), ())),
            tuple(examples.get((group, "specific"), ())),
            stabilities.get(group),
        )
        for group in sorted(sizes)
    }


def _portrait(row: dict[str, Any], places: Mapping[str, Place]) -> Portrait:
    joined, left = (
        tuple(sorted(places[code].name if code in places else code for code in row[side]))
        for side in ("entered", "departed")
    )
    return Portrait(
        typeset(row["title"]),
        tuple(typeset(sentence) for sentence in row["sentences"]),
        row["written_on"],
        row["likeness"],
        joined,
        left,
    )


def _members(
    frames: Mapping[str, pl.DataFrame],
    variables: Mapping[str, Variable],
    places: Mapping[str, Place],
    book: FigureBook,
) -> dict[str, Member]:
    alike: dict[str, list[Place]] = {}
    for row in frames["neighbours"].sort("commune_code", "rank").iter_rows(named=True):
        alike.setdefault(row["commune_code"], []).append(places[row["neighbour_code"]])

    def missing(code: str, name: str) -> str:
        variable = variables[name]
        figure = book.figure(places[code], variable.indicator, variable.vintage)
        label = prose.lower_first(variable.indicator.label)
        return f"{label} {variable.vintage} ({prose.absence(figure.status)})"

    columns = ("role", "axis_1", "axis_2", "distance_to_own", "next_class", "distance_to_next")
    return {
        row["commune_code"]: Member(
            places[row["commune_code"]],
            row["class"],
            missing=tuple(missing(row["commune_code"], name) for name in row["missing"]),
            alike=tuple(alike.get(row["commune_code"], ())),
            **{name: row[name] for name in columns},
        )
        for row in frames["communes"].sort("commune_code").iter_rows(named=True)
    }
