"""Cells linked by sums, seen by an attacker who knows every published one.

Belongs here: the linear system that published cells make, the interval it leaves to a hidden cell, and
the choice of further cells to hide until every interval is wide enough.
Does not: which cells are sensitive (``rules``).

Method: secondary suppression with the attacker's linear programme as its own audit, as in Willenborg
and de Waal, Elements of Statistical Disclosure Control (2001), chapter 5.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array

from observatory.errors import ObservatoryError

Key = Hashable


class ExposedCellError(ObservatoryError):
    """A sensitive cell cannot be protected whatever is hidden beside it."""


@dataclass(frozen=True)
class Cell:
    """One cell: a sum of base variables.

    Attributes:
        value: the true count.
        bases: names of the non-negative base variables that it sums.
        publishable: false for a remainder that is never printed but that differences give away.
    """

    value: float
    bases: frozenset[Key]
    publishable: bool = True


@dataclass
class System:
    """Cells by key, with the upper bounds that an attacker knows of base variables."""

    cells: Mapping[Key, Cell]
    upper: Mapping[Key, float] = field(default_factory=dict)


def intervals(
    system: System, hidden: set[Key], targets: set[Key], width: float
) -> dict[Key, tuple[float, float]]:
    """Return the feasible interval of each target that the attacker can narrow below ``width``.

    Args:
        system: all cells; those neither hidden nor unpublishable are known exactly.
        hidden: keys of the hidden cells.
        targets: keys of the cells to attack.
        width: an interval at least this wide is safe and is left out of the answer.
    """
    exposed: dict[Key, tuple[float, float]] = {}
    for component in _components(system, hidden, targets):
        exposed |= _attack(component, width)
    return exposed


def protect(system: System, sensitive: set[Key], width: float) -> set[Key]:
    """Return the cells to hide so that no sensitive one is known within less than ``width``.

    Cells are added one at a time, the smallest of those that share a base variable's sum with an exposed
    cell, so that little is lost; every round is audited anew.

    Raises:
        ExposedCellError: nothing is left to hide beside an exposed cell.
    """
    hidden = {key for key in sensitive if system.cells[key].publishable}
    pending = set(sensitive)
    while exposed := intervals(system, hidden, pending, width):
        for key in sorted(exposed, key=str):
            hidden.add(_next_to_hide(system, hidden, key))
        # Hiding more only widens intervals: what was safe stays safe.
        pending = set(exposed)
    return hidden


def _next_to_hide(system: System, hidden: set[Key], key: Key) -> Key:
    bases = system.cells[key].bases
    above = [
        other
        for other, cell in system.cells.items()
        if other not in hidden and cell.publishable and other != key and cell.bases > bases
    ]
    if above:
        parent = min(above, key=lambda other: len(system.cells[other].bases))
        inside = system.cells[parent].bases
        siblings = [
            other
            for other, cell in system.cells.items()
            if other not in hidden
            and cell.publishable
            and cell.value > 0
            and cell.bases < inside
            and not cell.bases & bases
        ]
        candidates = siblings or [parent]
    else:
        candidates = [
            other
            for other, cell in system.cells.items()
            if other not in hidden and cell.publishable and cell.bases & bases
        ]
    if not candidates:
        raise ExposedCellError(f"La cellule {key} ne peut être protégée par aucune suppression.")
    return min(candidates, key=lambda other: (system.cells[other].value, str(other)))


@dataclass
class _Component:
    """A part of the system in which unknown base variables are linked."""

    names: list[Key]
    equations: list[tuple[list[int], float]]
    bounds: list[tuple[float, float | None]]
    targets: dict[Key, list[int]]


def _components(system: System, hidden: set[Key], targets: set[Key]) -> list[_Component]:
    known: list[tuple[frozenset[Key], float]] = [
        (cell.bases, cell.value)
        for key, cell in system.cells.items()
        if cell.publishable and key not in hidden
    ]
    fixed = {next(iter(bases)): value for bases, value in known if len(bases) == 1}
    equations = []
    for bases, value in known:
        free = bases - fixed.keys()
        if free:
            equations.append((free, value - sum(fixed[base] for base in bases & fixed.keys())))
    equations = _reduced(equations)
    groups = _union(
        [free for free, _ in equations] + [system.cells[key].bases - fixed.keys() for key in targets]
    )
    components = []
    for group in groups:
        names = sorted(group, key=str)
        index = {name: position for position, name in enumerate(names)}
        components.append(
            _Component(
                names,
                [([index[base] for base in free], value) for free, value in equations if free <= group],
                [(0.0, system.upper.get(name)) for name in names],
                {
                    key: [index[base] for base in system.cells[key].bases - fixed.keys()]
                    for key in targets
                    if system.cells[key].bases - fixed.keys()
                    and system.cells[key].bases - fixed.keys() <= group
                },
            )
        )
    settled = {key: system.cells[key].value for key in targets if not system.cells[key].bases - fixed.keys()}
    if settled:
        names = sorted(settled, key=str)
        components.append(
            _Component(
                names,
                [([position], settled[name]) for position, name in enumerate(names)],
                [(0.0, None)] * len(names),
                {name: [position] for position, name in enumerate(names)},
            )
        )
    return [component for component in components if component.targets]


def _reduced(equations: list[tuple[frozenset[Key], float]]) -> list[tuple[frozenset[Key], float]]:
    """Replace sums by differences where one contains another, so that components come apart."""
    reduced: list[tuple[frozenset[Key], float]] = []
    for bases, value in sorted(equations, key=lambda item: (len(item[0]), sorted(map(str, item[0])))):
        rest, left = bases, value
        for smaller, amount in sorted(reduced, key=lambda item: -len(item[0])):
            if smaller <= rest:
                rest, left = rest - smaller, left - amount
        if rest:
            reduced.append((rest, left))
    return reduced


def _union(sets: list[frozenset[Key]]) -> list[frozenset[Key]]:
    groups: list[set[Key]] = []
    for bases in sets:
        joined = set(bases)
        apart = []
        for group in groups:
            if group & joined:
                joined |= group
            else:
                apart.append(group)
        groups = [*apart, joined]
    return [frozenset(group) for group in groups if group]


def _attack(component: _Component, width: float) -> dict[Key, tuple[float, float]]:
    """Return the interval of each target narrower than ``width``.

    Two solutions, all targets together as low and as high as can be, clear most targets at once; the
    others are attacked one by one.
    """
    everything = np.zeros(len(component.names))
    for positions in component.targets.values():
        everything[positions] += 1
    low, high = (_solve(component, sign * everything) for sign in (1, -1))
    exposed = {}
    for key, positions in component.targets.items():
        if abs(high[positions].sum() - low[positions].sum()) >= width:
            continue
        objective = np.zeros(len(component.names))
        objective[positions] = 1
        least = _solve(component, objective)[positions].sum()
        most = _solve(component, -objective, ceiling=least + width)[positions].sum()
        if most - least < width - 1e-6:
            exposed[key] = (float(least), float(most))
    return exposed


def _solve(component: _Component, objective: np.ndarray, ceiling: float | None = None) -> np.ndarray:
    """Return a solution of least objective; ``ceiling`` bounds the opposite of the objective."""
    rows = [row for row, (positions, _) in enumerate(component.equations) for _ in positions]
    columns = [position for positions, _ in component.equations for position in positions]
    matrix = coo_array(
        (np.ones(len(rows)), (rows, columns)), shape=(len(component.equations), len(component.names))
    )
    result = linprog(
        objective,
        A_eq=matrix if component.equations else None,
        b_eq=[value for _, value in component.equations] if component.equations else None,
        A_ub=-objective[None, :] if ceiling is not None else None,
        b_ub=[ceiling] if ceiling is not None else None,
        bounds=component.bounds,
        method="highs",
    )
    if result.status == 3:
        # Unbounded: no published total limits these cells; any width is reached at a large value.
        bounded = [(lower, 1e9 if upper is None else upper) for lower, upper in component.bounds]
        return _solve(_Component(component.names, component.equations, bounded, component.targets), objective)
    if result.x is None:
        raise ExposedCellError(f"Le système des cellules publiées est incohérent : {result.message}")
    return np.asarray(result.x)
