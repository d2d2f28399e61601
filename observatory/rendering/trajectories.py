"""The communes between two dates, as the page of the typology and the sheets tell them.

Belongs here: flows, moves, common drift, noise, one commune's path.
Does not: computing them, their sentences (``typology_prose``), drawings (``alluvial``).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from observatory.rendering import typology_prose as prose
from observatory.rendering.figures import FigureBook
from observatory.rendering.inputs import SiteData
from observatory.rendering.places import Gazetteer, Place
from observatory.rendering.traits import Measure, Trait, measures_of, profile, summary, traits_of
from observatory.typology.communes import load_choice

# Variables told of each move.
_TOLD = 2


@dataclass(frozen=True)
class Letter:
    """A class of the two dates, A being the first along its own axis 1, and what sets it apart."""

    number: int
    size: int
    traits: tuple[Trait, ...]

    @property
    def name(self) -> str:
        """Its letter."""
        return prose.letter(self.number)

    @property
    def summary(self) -> str:
        """What sets the class apart, in a sentence."""
        return summary(self.traits)


@dataclass(frozen=True)
class Flows:
    """Communes by class before (rows) and after (columns), the common drift taken away if ``net``."""

    net: bool
    counts: tuple[tuple[int, ...], ...]

    @property
    def before(self) -> tuple[int, ...]:
        """Communes of each class at the first date."""
        return tuple(sum(row) for row in self.counts)

    @property
    def after(self) -> tuple[int, ...]:
        """Communes of each class at the second date."""
        return tuple(sum(column) for column in zip(*self.counts, strict=True))

    @property
    def moved(self) -> int:
        """Communes that change class."""
        return sum(self.before) - sum(row[rank] for rank, row in enumerate(self.counts))


@dataclass(frozen=True)
class Driver:
    """What one variable has to do with a move: its change, and its share of the move."""

    variable: Measure
    change: str
    share: float


@dataclass(frozen=True)
class Path:
    """One commune at both dates; classes before and after, the common drift taken away in ``net``."""

    place: Place
    raw: tuple[int, int]
    net: tuple[int, int]
    border: bool
    border_net: bool
    noise_probability: float
    drivers: tuple[Driver, ...]
    drivers_net: tuple[Driver, ...]
    years: tuple[int, int]

    @property
    def sentence(self) -> str:
        """The same, in words."""
        near = (
            " Elle est à la frontière de deux classes à l’une des deux dates."
            if self.border or self.border_net
            else ""
        )
        return (
            f"{prose.path(self.raw, self.net, self.years)}{near} "
            f"{prose.noise_probability(self.noise_probability)}"
        )


@dataclass(frozen=True)
class Drift:
    """How a variable changed on average over the communes, between its own two vintages."""

    variable: Measure
    vintages: tuple[int, int]
    change: str
    standardised: float


@dataclass(frozen=True)
class Trajectories:
    """Everything told of two dates; without communes where the edition knows one date only."""

    years: tuple[int, int]
    letters: tuple[Letter, ...]
    flows: tuple[Flows, ...]
    paths: dict[str, Path]
    drift: tuple[Drift, ...]
    noise: tuple[dict[str, Any], ...]
    crossed: tuple[tuple[int, ...], ...]

    def letter(self, path: Path) -> Letter:
        """Return the class of a commune at the second date."""
        return self.letters[path.raw[1] - 1]

    @property
    def profile(self) -> list[tuple[Trait, ...]]:
        """One row per variable: its trait in each class, at the reference date."""
        return profile([one.traits for one in self.letters], [one.variable for one in self.drift])

    @property
    def moved(self) -> list[Path]:
        """Communes that change class with the common drift."""
        return self._sorted([path for path in self.paths.values() if path.raw[0] != path.raw[1]])

    @property
    def moved_net(self) -> list[Path]:
        """Communes that change class relative to the others."""
        return self._sorted([path for path in self.paths.values() if path.net[0] != path.net[1]])

    @property
    def moves_sentence(self) -> str:
        """How many communes change class."""
        return prose.moves(len(self.moved_net), len(self.paths), len(self.moved), self.years)

    @property
    def noise_sentence(self) -> str:
        """Whether noise would make as many moves."""
        bounds = {row["bound"]: row for row in self.noise}
        low, high = (
            prose.Bound(*(bounds[name][f"expected_{part}"] for part in ("low", "median", "high")))
            for name in ("low", "high")
        )
        return prose.noise(bounds["high"]["observed"], low, high)

    def _sorted(self, paths: list[Path]) -> list[Path]:
        return sorted(paths, key=lambda path: path.place.sort_key)


def trajectories(data: SiteData, gazetteer: Gazetteer, book: FigureBook) -> Trajectories:
    """Gather what the tables say of two dates."""
    frames = data.typology
    choice = load_choice()
    dates = choice.trajectory
    years = (min(dates.other, dates.reference), max(dates.other, dates.reference))
    vintages = {one.indicator: one.trajectory for one in choice.variables if one.trajectory is not None}
    variables = measures_of(frames["variables"], book)
    places = {place.code: place for place in gazetteer.communes}
    traits = traits_of(frames["trajectory_classes"], variables)
    side = "after" if dates.other < dates.reference else "before"
    sizes = Counter(frames["trajectory_communes"][f"class_{side}"].to_list())
    letters = tuple(Letter(group, sizes[group], traits[group]) for group in sorted(traits))
    return Trajectories(
        years=years,
        letters=letters,
        flows=tuple(_flows(frames["trajectory_flows"], net, len(letters)) for net in (False, True))
        if letters
        else (),
        paths=_paths(frames, variables, places, years),
        drift=tuple(
            Drift(
                variables[row["variable"]],
                vintages.get(row["variable"], years),
                variables[row["variable"]].change(row["shift"]),
                row["standardised_shift"],
            )
            for row in frames["trajectory_shift"]
            .sort(pl.col("standardised_shift").abs().round(6), "variable", descending=[True, False])
            .iter_rows(named=True)
        ),
        noise=tuple(frames["trajectory_noise"].sort("bound", descending=True).to_dicts()),
        crossed=_crossed(frames, side, len(letters)),
    )


def _flows(frame: pl.DataFrame, net: bool, letters: int) -> Flows:
    rows = frame.filter(pl.col("net") == net)
    counts = {(row["class_before"], row["class_after"]): row["count"] for row in rows.iter_rows(named=True)}
    every = range(1, letters + 1)
    return Flows(net, tuple(tuple(counts.get((one, other), 0) for other in every) for one in every))


def _paths(
    frames: Mapping[str, pl.DataFrame],
    variables: Mapping[str, Measure],
    places: Mapping[str, Place],
    years: tuple[int, int],
) -> dict[str, Path]:
    drivers: dict[tuple[str, bool], list[Driver]] = {}
    ordered = frames["trajectory_drivers"].sort("share", "variable", descending=[True, False])
    for row in ordered.iter_rows(named=True):
        variable = variables[row["variable"]]
        found = drivers.setdefault((row["commune_code"], row["net"]), [])
        # A variable that held the move back is no reason of it.
        if len(found) < _TOLD and row["share"] > 0:
            found.append(Driver(variable, variable.change(row["change"]), row["share"]))
    return {
        row["commune_code"]: Path(
            places[row["commune_code"]],
            (row["class_before"], row["class_after"]),
            (row["class_before_net"], row["class_after_net"]),
            row["borderline"],
            row["borderline_net"],
            row["noise_probability"],
            tuple(drivers.get((row["commune_code"], False), ())),
            tuple(drivers.get((row["commune_code"], True), ())),
            years,
        )
        for row in frames["trajectory_communes"].sort("commune_code").iter_rows(named=True)
    }


def _crossed(frames: Mapping[str, pl.DataFrame], side: str, letters: int) -> tuple[tuple[int, ...], ...]:
    """Count communes by letter at the reference date (rows) and class of the typology (columns)."""
    both = frames["trajectory_communes"].join(frames["communes"], on="commune_code")
    counts = Counter(both.select(f"class_{side}", "class").iter_rows())
    groups = sorted(frames["communes"]["class"].unique())
    return tuple(tuple(counts[one, group] for group in groups) for one in range(1, letters + 1))
