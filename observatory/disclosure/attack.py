"""What an attacker learns from the published cells, by sums, differences and linear programming.

Belongs here: the interval left to each protected amount, and the published cells that narrow it.
Does not: which amounts are sensitive (``policy``), what is hidden to protect them (``linked``).

The attacker knows every published cell exactly, which variables each cell sums, that no variable is
negative nor above ``HIGHEST``, and which variables are parts of which (inclusions). Counts are treated as
real numbers. In a tree of territories the ends of an interval are whole anyway; cités on two communes and
inclusions may in principle leave a fraction, of which an attacker who counts whole units could take
advantage.

Method: intervals by linear programming, as in Willenborg and de Waal, Elements of Statistical Disclosure
Control (2001), chapter 5. Cells that contain one another are first replaced by their differences, so
that the system falls apart into small components.
"""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from scipy.optimize import OptimizeResult, linprog
from scipy.sparse import coo_array

from observatory.disclosure.deduction import TOLERANCE, Component, Exposure, combination, learn
from observatory.disclosure.system import InconsistentCellsError, Key, System, Variable

HIGHEST = 1e6
"""No count of the basin, of some 1.2 million inhabitants, is believed to exceed this."""


def exposures(component: Component, first: Iterable[Key] = ()) -> Iterator[Exposure]:
    """Yield the targets of a component that are known within less than their width.

    Args:
        component: linked unknown variables.
        first: targets to attack before the others.
    """
    if not component.targets:
        return
    reached: dict[Key, tuple[float, float]] = {}
    programme = _Programme(component)

    def note(solution: np.ndarray) -> None:
        for key in component.targets:
            value = programme.objectives[key] @ solution
            least, most = reached.get(key, (value, value))
            reached[key] = min(least, value), max(most, value)

    def attack(key: Key) -> Exposure | None:
        width = component.system.targets[key].width - TOLERANCE
        given, causes = _given(component, key)
        for sign in (1, -1):
            if key in reached and reached[key][1] - reached[key][0] >= width:
                return None
            result = programme.solve(sign * programme.objectives[key])
            causes |= programme.causes(result)
            note(result.x)
        least, most = reached[key]
        if most - least >= width:
            return None
        return Exposure(key, given + float(least), given + float(most), frozenset(causes))

    early = [key for key in first if key in component.targets]
    for key in early:
        if exposure := attack(key):
            yield exposure
    # A few solutions that push all targets at once clear most of them without a programme each.
    for push in programme.pushes():
        for sign in (1, -1):
            note(programme.solve(sign * push).x)
    for key in component.targets:
        if key not in early and (exposure := attack(key)):
            yield exposure


def audit(system: System, hidden: Iterable[Key]) -> list[Exposure]:
    """Return every target known within less than its width when ``hidden`` figures are not published.

    Raises:
        InconsistentCellsError: the cells contradict one another.
    """
    knowledge = learn(system, hidden)
    found = [*knowledge.settled, *(e for part in knowledge.components for e in exposures(part))]
    return sorted(found, key=lambda exposure: exposure.target)


def intervals(system: System, hidden: Iterable[Key] = ()) -> list[Exposure]:
    """Return the exact interval of every target, narrow or not, when ``hidden`` figures are not published.

    Two linear programmes per target: ``audit`` is the one to ask whether anything leaks.

    Raises:
        InconsistentCellsError: the cells contradict one another.
    """
    knowledge = learn(system, hidden)
    found = list(knowledge.settled)
    for component in knowledge.components:
        if component.targets:
            programme = _Programme(component)
            found += [programme.interval(component, key) for key in component.targets]
    return sorted(found, key=lambda exposure: exposure.target)


def _given(component: Component, key: Key) -> tuple[float, set[Key]]:
    """Return the part of a target that is exactly known, and the published cells that give it."""
    target, fixed = component.system.targets[key], component.fixed
    plus, minus = target.plus & fixed.keys(), target.minus & fixed.keys()
    value = sum(fixed[variable].value for variable in plus) - sum(fixed[variable].value for variable in minus)
    return value, {cell for variable in plus | minus for cell in fixed[variable].origin}


class _Programme:
    """The matrices of a component, built once, and the published cells behind each line and bound."""

    def __init__(self, component: Component) -> None:
        self.index = {variable: position for position, variable in enumerate(component.variables)}
        self.size = len(component.variables)
        self.lower = np.zeros(self.size)
        highest = component.system.highest
        self.upper = np.array([highest.get(variable[0], HIGHEST) for variable in component.variables])
        self.lower_origin: dict[int, frozenset[Key]] = {}
        self.upper_origin: dict[int, frozenset[Key]] = {}
        self.equal_origin = [frozenset(eq.origin) for eq in component.equations]
        self.equal_value = [eq.value for eq in component.equations]
        self.limit_origin: list[frozenset[Key]] = []
        self.limit_value: list[float] = []
        self.equal_line = [dict.fromkeys(eq.variables, 1) for eq in component.equations]
        self.limit = self._matrix(self._limits(component))
        self.equal = self._matrix(self.equal_line)
        self.objectives = {key: self._vector(form) for key, form in component.targets.items()}

    def _vector(self, form: Mapping[Variable, int]) -> np.ndarray:
        vector = np.zeros(self.size)
        for variable, coefficient in form.items():
            vector[self.index[variable]] = coefficient
        return vector

    def _matrix(self, lines: list[dict[Variable, int]]) -> coo_array | None:
        if not lines:
            return None
        entries = [(row, self.index[v], c) for row, line in enumerate(lines) for v, c in line.items()]
        rows, columns, values = zip(*entries, strict=True)
        return coo_array((values, (rows, columns)), shape=(len(lines), self.size), dtype=float)

    def _limits(self, component: Component) -> list[dict[Variable, int]]:
        """Return the inclusions that hold several unknowns.

        Exact ones join the equations, and those that hold one unknown become bounds.
        """
        lines = []
        known = component.system.inclusions_of
        distinct = {id(inclusion): inclusion for v in component.variables for inclusion in known.get(v, ())}
        for inclusion in distinct.values():
            unknown = {v: c for v, c in inclusion.coefficients.items() if v in self.index}
            given = {v: c for v, c in inclusion.coefficients.items() if v not in self.index}
            room = -sum(c * component.fixed[v].value for v, c in given.items())
            origin = frozenset().union(*(component.fixed[v].origin for v in given))
            if len(unknown) > 1 and inclusion.exact:
                self.equal_line.append(unknown)
                self.equal_value.append(room)
                self.equal_origin.append(origin)
                continue
            if len(unknown) > 1:
                lines.append(unknown)
                self.limit_value.append(room)
                self.limit_origin.append(origin)
                continue
            variable, coefficient = next(iter(unknown.items()))
            position = self.index[variable]
            bound = room * coefficient
            if (coefficient > 0 or inclusion.exact) and bound < self.upper[position]:
                self.upper[position], self.upper_origin[position] = bound, origin
            if (coefficient < 0 or inclusion.exact) and bound > self.lower[position]:
                self.lower[position], self.lower_origin[position] = bound, origin
        return lines

    def pushes(self) -> list[np.ndarray]:
        """Return objectives that move all targets at once: together, then every other one apart."""
        vectors = list({tuple(vector): vector for vector in self.objectives.values()}.values())
        if len(vectors) < 3:
            return []
        together = sum(vectors)
        apart = sum(vector if row % 2 else -vector for row, vector in enumerate(vectors))
        return [np.asarray(together), np.asarray(apart)]

    def solve(self, objective: np.ndarray) -> OptimizeResult:
        """Return the solution of least ``objective``."""
        result = linprog(
            objective,
            A_ub=self.limit,
            b_ub=self.limit_value or None,
            A_eq=self.equal,
            b_eq=self.equal_value or None,
            bounds=np.column_stack([self.lower, self.upper]),
            method="highs-ds",
        )
        if result.x is None:
            raise InconsistentCellsError.among(frozenset().union(*self.equal_origin))
        return result

    def interval(self, component: Component, key: Key) -> Exposure:
        """Return the interval of one target."""
        given, causes = _given(component, key)
        low, high = self.solve(self.objectives[key]), self.solve(-self.objectives[key])
        least, most = (float(given + self.objectives[key] @ result.x) for result in (low, high))
        # The equations come first among the equalities; definitions follow.
        held = zip(-high.eqlin.marginals, component.equations, strict=False)
        path = combination((float(dual), equation.origin) for dual, equation in held)
        return Exposure(key, least, most, frozenset(causes | self.causes(low) | self.causes(high)), path)

    def causes(self, result: OptimizeResult) -> set[Key]:
        """Return the published cells behind the lines and bounds that hold a solution back."""
        found: set[Key] = set()
        for marginals, origins in (
            (result.eqlin.marginals, dict(enumerate(self.equal_origin))),
            (result.ineqlin.marginals, dict(enumerate(self.limit_origin))),
            (result.upper.marginals, self.upper_origin),
            (result.lower.marginals, self.lower_origin),
        ):
            for position in np.flatnonzero(np.abs(marginals) > TOLERANCE):
                found |= origins.get(int(position), frozenset())
        return found
