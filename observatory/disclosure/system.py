"""Counts linked by sums: cells, the figures that print them, the amounts to protect.

Belongs here: the vocabulary of the attack and of the protection.
Does not: how a system is built from territories and counts (``cells``), attacked (``attack``) or protected
(``linked``).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from observatory.errors import ObservatoryError

Key = tuple[str, ...]
Variable = tuple[str, ...]


class InconsistentCellsError(ObservatoryError):
    """Published cells contradict one another: a total is not the sum of its parts."""

    @classmethod
    def among(cls, cells: Iterable[Key]) -> "InconsistentCellsError":
        """Return the error for some cells; it names them and never says their values."""
        names = ", ".join(f"« {' / '.join(cell)} »" for cell in sorted(cells))
        return cls(
            f"Des effectifs liés par des sommes se contredisent : {names}. Que faire : vérifiez que tous "
            "les niveaux sont comptés sur les mêmes lignes, et que chaque cité n’en a que dans ses communes."
        )


@dataclass(frozen=True)
class Cell:
    """A count: the sum of some variables."""

    value: float
    variables: frozenset[Variable]


@dataclass(frozen=True)
class Target:
    """An amount to protect, ``plus`` less ``minus``: its interval must be at least ``width`` wide.

    ``flag`` is the letter of the rule: A for too few units, B for dominance.
    """

    plus: frozenset[Variable]
    minus: frozenset[Variable]
    width: float
    flag: str = "A"


@dataclass(frozen=True)
class Inclusion:
    """The ``parts``, disjoint, are together at most the ``whole``; ``exact`` if they make it up."""

    parts: frozenset[Variable]
    whole: Variable
    exact: bool = False

    @cached_property
    def coefficients(self) -> dict[Variable, int]:
        """Coefficients of the inequality ``<= 0``, or of the equation ``= 0``."""
        return {self.whole: -1} | dict.fromkeys(self.parts, 1)


@dataclass(frozen=True)
class Line:
    """A line of a printed table: cells that add up to their margin, but for ``slack``, printed nowhere."""

    whole: Key
    parts: tuple[Key, ...]
    slack: float

    @property
    def cells(self) -> tuple[Key, ...]:
        """Parts first, then the margin."""
        return (*self.parts, self.whole)


@dataclass(frozen=True)
class System:
    """Cells, the figures that print them, the amounts to protect and what everybody knows.

    Attributes:
        cells: counts by key.
        figures: key of a figure -> keys of the cells that it prints, hidden or shown together.
        targets: amounts to protect, by key.
        inclusions: relations that hold by definition.
        given: cells that are known whatever is hidden here: other releases print them.
        weights: what hiding a figure costs, 1 where nothing is said.
        lines: lines of the tables, for a first choice of what to hide; none is needed.
        highest: what no variable of a measure is believed to exceed, where it is not ``programme.HIGHEST``.
    """

    cells: Mapping[Key, Cell]
    figures: Mapping[Key, frozenset[Key]]
    targets: Mapping[Key, Target]
    inclusions: tuple[Inclusion, ...] = ()
    given: frozenset[Key] = frozenset()
    weights: Mapping[Key, float] = field(default_factory=dict)
    highest: Mapping[str, float] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()

    @cached_property
    def printing(self) -> dict[Key, frozenset[Key]]:
        """Key of a cell -> keys of the figures that print it."""
        figures: defaultdict[Key, set[Key]] = defaultdict(set)
        for figure, cells in self.figures.items():
            for cell in cells:
                figures[cell].add(figure)
        return {cell: frozenset(keys) for cell, keys in figures.items()}

    @cached_property
    def cells_of(self) -> dict[Variable, list[Key]]:
        """Variable -> the cells that sum it, smallest first."""
        found: defaultdict[Variable, list[Key]] = defaultdict(list)
        for key in sorted(self.cells, key=lambda key: (len(self.cells[key].variables), key)):
            for variable in self.cells[key].variables:
                found[variable].append(key)
        return dict(found)

    @cached_property
    def inside(self) -> dict[Key, list[Key]]:
        """Cell -> the cells that it contains, but for those that these contain."""
        pairs = {pair for cells in self.cells_of.values() for pair in pairwise(cells)}
        found: defaultdict[Key, list[Key]] = defaultdict(list)
        for part, whole in sorted(pairs):
            if self.cells[part].variables <= self.cells[whole].variables:
                found[whole].append(part)
        return dict(found)

    @cached_property
    def targets_of(self) -> dict[Variable, list[Key]]:
        """Variable -> the targets that it stands in."""
        found: defaultdict[Variable, list[Key]] = defaultdict(list)
        for key, target in self.targets.items():
            for variable in target.plus | target.minus:
                found[variable].append(key)
        return dict(found)

    @cached_property
    def inclusions_of(self) -> dict[Variable, list[Inclusion]]:
        """Variable -> the inclusions that it stands in."""
        found: defaultdict[Variable, list[Inclusion]] = defaultdict(list)
        for inclusion in sorted(self.inclusions, key=lambda known: (known.whole, sorted(known.parts))):
            for variable in sorted(inclusion.coefficients):
                found[variable].append(inclusion)
        return dict(found)

    @cached_property
    def _parts_of(self) -> dict[str, set[frozenset[str]]]:
        """Measure -> the sets of measures that it contains by definition."""
        found: defaultdict[str, set[frozenset[str]]] = defaultdict(set)
        for inclusion in self.inclusions:
            found[inclusion.whole[0]].add(frozenset(variable[0] for variable in inclusion.parts))
        return dict(found)

    @cached_property
    def hubs(self) -> frozenset[str]:
        """Measures that contain others in several ways: they link breakdowns with one another."""
        return frozenset(measure for measure, parts in self._parts_of.items() if len(parts) > 1)

    @cached_property
    def _beside(self) -> dict[str, set[str]]:
        found: defaultdict[str, set[str]] = defaultdict(set)
        for together in (parts for every in self._parts_of.values() for parts in every):
            for measure in together:
                found[measure] |= together
        return dict(found)

    def beside(self, measure: str) -> set[str]:
        """Return a measure and those that make up a whole with it."""
        return self._beside.get(measure, set()) | {measure}

    def weight(self, figures: Iterable[Key]) -> float:
        """Return what hiding some figures costs."""
        return sum(self.weights.get(figure, 1.0) for figure in figures)

    def known(self, hidden: Iterable[Key]) -> set[Key]:
        """Return the cells that a figure not hidden prints, and those that are known anyhow."""
        hidden = set(hidden)
        return set(self.given) | {
            cell for figure, cells in self.figures.items() if figure not in hidden for cell in cells
        }
