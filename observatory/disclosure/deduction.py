"""What follows from published cells by sums and differences alone.

Belongs here: cells replaced by their differences, the variables that become exactly known, the components
that the others fall into.
Does not: intervals (``attack``).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from observatory.disclosure.system import InconsistentCellsError, Key, System, Variable

TOLERANCE = 1e-6
"""Counts are whole numbers; sums and solutions closer than this are equal."""


@dataclass(frozen=True)
class Equation:
    """A sum of variables that is exactly known, and the combination of cells that gives it."""

    variables: frozenset[Variable]
    value: float
    origin: Mapping[Key, int]


@dataclass(frozen=True)
class Exposure:
    """What is known of a target: its interval, and the published cells that narrow it.

    ``path`` gives the sum of published cells that the upper end follows from: cell -> how many times.
    """

    target: Key
    least: float
    most: float
    causes: frozenset[Key]
    path: Mapping[Key, float] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Knowledge:
    """What follows from the published cells: variables exactly known, and linked unknown ones."""

    fixed: Mapping[Variable, Equation]
    components: tuple["Component", ...]
    settled: tuple[Exposure, ...]


@dataclass(frozen=True)
class Component:
    """Unknown variables linked with one another, with the targets among them."""

    system: System
    fixed: Mapping[Variable, Equation]
    variables: tuple[Variable, ...]
    equations: tuple[Equation, ...]
    targets: Mapping[Key, dict[Variable, int]]


def learn(system: System, hidden: Iterable[Key]) -> Knowledge:
    """Return what the figures that are not ``hidden`` teach about all targets.

    Raises:
        InconsistentCellsError: the cells contradict one another.
    """
    variables = frozenset().union(
        *(cell.variables for cell in system.cells.values()),
        *(target.plus | target.minus for target in system.targets.values()),
        system.inclusions_of,
    )
    everything = Component(system, {}, tuple(variables), (), {key: {} for key in system.targets})
    return deduce(system, {}, [everything], system.known(hidden))


def deduce(
    system: System, fixed: Mapping[Variable, Equation], components: list[Component], cells: Iterable[Key]
) -> Knowledge:
    """Return what follows when ``cells`` are published too.

    Args:
        system: the whole system.
        fixed: variables known before.
        components: all the components that the cells touch.
        cells: keys of cells that were not known.

    Raises:
        InconsistentCellsError: the cells contradict one another.
    """
    known = dict(fixed)
    learnt = [Equation(system.cells[key].variables, system.cells[key].value, {key: 1}) for key in cells]
    equations = [
        _substitute(eq, known) for eq in [*learnt, *(eq for part in components for eq in part.equations)]
    ]
    while True:
        equations = _differences(equations)
        single = {next(iter(eq.variables)): eq for eq in equations if len(eq.variables) == 1}
        if not single:
            break
        known |= single
        equations = [_substitute(eq, known) for eq in equations]
    forms, settled = {}, []
    for key in sorted(key for part in components for key in part.targets):
        target = system.targets[key]
        signs = dict.fromkeys(target.plus, 1) | dict.fromkeys(target.minus, -1)
        if form := {variable: sign for variable, sign in signs.items() if variable not in known}:
            forms[key] = form
        else:
            value = sum(sign * known[variable].value for variable, sign in signs.items())
            path = combination((sign, known[variable].origin) for variable, sign in signs.items())
            causes = frozenset().union(*(known[variable].origin for variable in signs))
            settled.append(Exposure(key, value, value, causes, path))
    unknown = [variable for part in components for variable in part.variables if variable not in known]
    return Knowledge(known, tuple(_components(system, known, unknown, equations, forms)), tuple(settled))


def combination(terms: Iterable[tuple[float, Mapping[Key, float]]]) -> dict[Key, float]:
    """Return the sum of combinations of cells, each times its coefficient, without what cancels out."""
    found: defaultdict[Key, float] = defaultdict(float)
    for coefficient, origin in terms:
        for key, times in origin.items():
            found[key] += coefficient * times
    return {key: times for key, times in found.items() if abs(times) > TOLERANCE}


def _substitute(equation: Equation, fixed: Mapping[Variable, Equation]) -> Equation:
    gone = equation.variables & fixed.keys()
    if not gone:
        return equation
    value, origin = equation.value, dict(equation.origin)
    for variable in sorted(gone):
        value -= fixed[variable].value
        _subtract(origin, fixed[variable].origin)
    return Equation(equation.variables - gone, value, origin)


def _subtract(origin: dict[Key, int], other: Mapping[Key, int]) -> None:
    for key, coefficient in other.items():
        left = origin.get(key, 0) - coefficient
        if left:
            origin[key] = left
        else:
            origin.pop(key, None)


def _differences(equations: list[Equation]) -> list[Equation]:
    """Replace each equation by its difference with those that it contains.

    The order, and with it the cells that an attack is laid to, does not depend on that of the input.
    """
    kept: list[Equation] = []
    holding: defaultdict[Variable, list[int]] = defaultdict(list)
    for equation in sorted(
        equations, key=lambda eq: (len(eq.variables), sorted(eq.variables), sorted(eq.origin))
    ):
        rest, value, origin = set(equation.variables), equation.value, dict(equation.origin)
        inside = {index for variable in rest for index in holding[variable]}
        for index in sorted(inside, key=lambda index: (-len(kept[index].variables), index)):
            if kept[index].variables <= rest:
                rest -= kept[index].variables
                value -= kept[index].value
                _subtract(origin, kept[index].origin)
        if value < -TOLERANCE or (not rest and value > TOLERANCE):
            raise InconsistentCellsError.among(equation.origin)
        if rest:
            for variable in rest:
                holding[variable].append(len(kept))
            kept.append(Equation(frozenset(rest), value, origin))
    return kept


def _components(
    system: System,
    fixed: Mapping[Variable, Equation],
    unknown: list[Variable],
    equations: list[Equation],
    forms: Mapping[Key, dict[Variable, int]],
) -> Iterator[Component]:
    parent = {variable: variable for variable in unknown}

    def root(variable: Variable) -> Variable:
        while parent[variable] != variable:
            parent[variable] = variable = parent[parent[variable]]
        return variable

    # By identity: hashing tens of thousands of frozen sets takes longer than the attack.
    inclusions = {
        id(known): known for variable in unknown for known in system.inclusions_of.get(variable, ())
    }
    for linked in (
        *(inclusion.coefficients.keys() - fixed.keys() for inclusion in inclusions.values()),
        *(equation.variables for equation in equations),
        *forms.values(),
    ):
        first, *others = linked
        for other in others:
            parent[root(other)] = root(first)
    groups: defaultdict[Variable, list[Variable]] = defaultdict(list)
    for variable in sorted(unknown):
        groups[root(variable)].append(variable)
    lines: defaultdict[Variable, list[Equation]] = defaultdict(list)
    for equation in equations:
        lines[root(next(iter(equation.variables)))].append(equation)
    targets: defaultdict[Variable, dict[Key, dict[Variable, int]]] = defaultdict(dict)
    for key, form in forms.items():
        targets[root(next(iter(form)))][key] = form
    for head, variables in sorted(groups.items(), key=lambda item: item[1]):
        yield Component(system, fixed, tuple(variables), tuple(lines[head]), targets[head])
