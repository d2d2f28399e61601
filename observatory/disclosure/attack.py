"""What an attacker learns from the published cells, by sums, differences and linear programming.

Belongs here: the interval left to each protected amount, and the published cells that narrow it.
Does not: which amounts are sensitive (``policy``), what is hidden to protect them (``linked``).

The attacker knows every published cell exactly, which variables each cell sums, that no variable is
negative nor above ``programme.HIGHEST``, and which variables are parts of which (inclusions). Counts are
treated as real numbers. In a tree of territories the ends of an interval are whole anyway; cités on two
communes and inclusions may in principle leave a fraction, of which an attacker who counts whole units could
take advantage.

Method: intervals by linear programming, as in Willenborg and de Waal, Elements of Statistical Disclosure
Control (2001), chapter 5. Cells that contain one another are first replaced by their differences, so
that the system falls apart into small components.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np

from observatory.disclosure.deduction import TOLERANCE, Component, Exposure, combination, learn
from observatory.disclosure.programme import Form, Programme, Solution
from observatory.disclosure.system import Key, System, Variable


def exposures(component: Component, first: Iterable[Key] = ()) -> Iterator[Exposure]:
    """Yield the targets of a component that are known within less than their width.

    Args:
        component: linked unknown variables.
        first: targets to attack before the others.
    """
    if not component.targets:
        return
    programme = Programme(component)
    reach = _Reach(component, programme)

    def attack(key: Key) -> Exposure | None:
        width = component.system.targets[key].width - TOLERANCE
        solutions: list[Solution] = []
        for sign in (1, -1):
            if reach.of(key) >= width:
                return None
            solutions.append(programme.greatest(component.targets[key], sign))
            reach.note(solutions[-1].point)
        if reach.of(key) >= width:
            return None
        given, causes = _given(component, key)
        most, least = (given + solution.value for solution in solutions)
        return Exposure(key, least, most, frozenset(causes.union(*map(programme.causes, solutions))))

    early = [key for key in first if key in component.targets]
    for key in early:
        if exposure := attack(key):
            yield exposure
    # A few solutions that push all targets at once clear most of them without a programme each.
    for push in _pushes(component):
        for sign in (1, -1):
            reach.note(programme.greatest(push, sign).point)
    for key in component.targets:
        if key not in early and (exposure := attack(key)):
            yield exposure


class _Reach:
    """The values that solutions give to each target: any two of them are possible."""

    def __init__(self, component: Component, programme: Programme) -> None:
        self._row = {key: row for row, key in enumerate(component.targets)}
        entries = [
            (self._row[key], programme.index[variable], coefficient)
            for key, form in component.targets.items()
            for variable, coefficient in form.items()
        ]
        self._rows, self._columns, self._signs = np.array(entries).T
        self._least = np.full(len(self._row), np.inf)
        self._most = np.full(len(self._row), -np.inf)

    def note(self, point: np.ndarray) -> None:
        terms = self._signs * point[self._columns]
        values = np.bincount(self._rows, terms, minlength=len(self._row))
        np.minimum(self._least, values, out=self._least)
        np.maximum(self._most, values, out=self._most)

    def of(self, key: Key) -> float:
        row = self._row[key]
        return self._most[row] - self._least[row]


def _pushes(component: Component) -> list[Form]:
    """Return forms that move all targets at once: together, then every other one apart."""
    forms = list({tuple(sorted(form.items())): form for form in component.targets.values()}.values())
    if len(forms) < 3:
        return []
    apart = (form if row % 2 else {v: -c for v, c in form.items()} for row, form in enumerate(forms))
    return [_total(forms), _total(apart)]


def _total(forms: Iterable[Form]) -> Form:
    total: defaultdict[Variable, float] = defaultdict(float)
    for form in forms:
        for variable, coefficient in form.items():
            total[variable] += coefficient
    return total


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
            programme = Programme(component)
            found += [_interval(component, programme, key) for key in component.targets]
    return sorted(found, key=lambda exposure: exposure.target)


def _given(component: Component, key: Key) -> tuple[float, set[Key]]:
    """Return the part of a target that is exactly known, and the published cells that give it."""
    target, unknown = component.system.targets[key], component.targets[key]
    signs = dict.fromkeys(target.plus, 1) | dict.fromkeys(target.minus, -1)
    known = [(sign, component.fixed[variable]) for variable, sign in signs.items() if variable not in unknown]
    return sum(sign * eq.value for sign, eq in known), {cell for _, eq in known for cell in eq.origin}


def _interval(component: Component, programme: Programme, key: Key) -> Exposure:
    """Return the interval of one target."""
    given, causes = _given(component, key)
    high, low = (programme.greatest(component.targets[key], sign) for sign in (1, -1))
    # The equations come first among the lines; definitions follow.
    held = zip(high.line_duals.tolist(), component.equations, strict=False)
    path = combination((dual, equation.origin) for dual, equation in held)
    causes |= programme.causes(low) | programme.causes(high)
    return Exposure(key, given + low.value, given + high.value, frozenset(causes), path)
