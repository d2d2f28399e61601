"""What follows from published cells by sums and differences alone.

Belongs here: cells replaced by their differences, the variables that become exactly known, the components
that the others fall into.
Does not: intervals (``attack``).
"""

from collections import ChainMap, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field

from observatory.disclosure.system import Inclusion, InconsistentCellsError, Key, System, Variable

TOLERANCE = 1e-6
"""Counts are whole numbers; sums and solutions closer than this are equal."""


@dataclass(frozen=True)
class Equation:
    """A sum of variables that is exactly known, and the combination of cells that gives it."""

    variables: frozenset[Variable]
    value: float
    origin: Mapping[Key, float]


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
    learnt: Mapping[Variable, Equation]
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
    everything = Component(system, {}, tuple(sorted(variables)), (), {key: {} for key in system.targets})
    known = system.known(hidden)
    return deduce(system, {}, [everything], [equation_of(system, cell, known) for cell in sorted(known)])


def equation_of(system: System, cell: Key, known: Set[Key]) -> Equation:
    """Return what a published cell adds to the published cells that it contains."""
    own = system.cells[cell]
    rest, value, origin = set(own.variables), own.value, {cell: 1.0}
    inside = list(system.inside.get(cell, ()))
    while inside:
        part = inside.pop()
        if part in known and system.cells[part].variables <= rest:
            rest -= system.cells[part].variables
            value -= system.cells[part].value
            origin[part] = -1.0
        elif not rest.isdisjoint(system.cells[part].variables):
            inside += system.inside.get(part, ())
    return Equation(frozenset(rest), value, origin)


def deduce(
    system: System,
    fixed: dict[Variable, Equation],
    components: list[Component],
    published: Iterable[Equation],
) -> Knowledge:
    """Return what follows when more is published.

    Args:
        system: the whole system.
        fixed: variables known before; the knowledge returned looks them up here.
        components: all the components that the equations touch.
        published: equations that were not known, without the variables known before.

    Raises:
        InconsistentCellsError: the cells contradict one another.
    """
    learnt: dict[Variable, Equation] = {}
    known: Mapping[Variable, Equation] = ChainMap(learnt, fixed) if fixed else learnt
    equations = [*published, *(eq for part in components for eq in part.equations)]
    variables = [variable for part in components for variable in part.variables]
    unknown = set(variables)
    definitions = [known for known in inclusions_of(system, variables) if known.exact]
    while True:
        before = len(learnt)
        equations = _settle(equations, learnt)
        unknown -= learnt.keys()
        definitions = _settle_definitions(definitions, unknown, known, learnt)
        if len(learnt) == before:
            equations = _differences(equations)
            if all(len(eq.variables) > 1 for eq in equations):
                break
    forms, settled = {}, []
    for key in sorted(key for part in components for key in part.targets):
        target = system.targets[key]
        signs = dict.fromkeys(target.plus, 1) | dict.fromkeys(target.minus, -1)
        if form := {variable: sign for variable, sign in signs.items() if variable in unknown}:
            forms[key] = form
        else:
            value = sum(sign * known[variable].value for variable, sign in signs.items())
            path = combination((sign, known[variable].origin) for variable, sign in signs.items())
            causes = frozenset().union(*(known[variable].origin for variable in signs))
            settled.append(Exposure(key, value, value, causes, path))
    parts = _components(system, known, unknown, equations, forms)
    return Knowledge(known, learnt, tuple(parts), tuple(settled))


def combination(terms: Iterable[tuple[float, Mapping[Key, float]]]) -> dict[Key, float]:
    """Return the sum of combinations of cells, each times its coefficient, without what cancels out."""
    found: defaultdict[Key, float] = defaultdict(float)
    for coefficient, origin in terms:
        for key, times in origin.items():
            found[key] += coefficient * times
    return {key: times for key, times in found.items() if abs(times) > TOLERANCE}


def inclusions_of(system: System, variables: Iterable[Variable]) -> list[Inclusion]:
    """Return the inclusions that some variables stand in, once each."""
    # By identity: hashing tens of thousands of frozen sets takes longer than the attack.
    found = {id(known): known for v in variables for known in system.inclusions_of.get(v, ())}
    return list(found.values())


def _settle(equations: list[Equation], learnt: dict[Variable, Equation]) -> list[Equation]:
    """Move to ``learnt`` the variables that an equation gives alone; return the others less what is known."""
    left = []
    for equation in sorted(equations, key=lambda equation: len(equation.variables)):
        rest = substitute(equation, learnt)
        if rest.value < -TOLERANCE or (not rest.variables and rest.value > TOLERANCE):
            raise InconsistentCellsError.among(equation.origin)
        if len(rest.variables) == 1:
            learnt |= dict.fromkeys(rest.variables, rest)
        elif rest.variables:
            left.append(rest)
    return left


def _settle_definitions(
    definitions: list[Inclusion],
    unknown: set[Variable],
    known: Mapping[Variable, Equation],
    learnt: dict[Variable, Equation],
) -> list[Inclusion]:
    """Move from ``unknown`` to ``learnt`` what is alone in a definition; return those that have several."""
    left = []
    for definition in definitions:
        missing = [variable for variable in definition.coefficients if variable in unknown]
        if len(missing) > 1:
            left.append(definition)
        elif missing:
            own = definition.coefficients[missing[0]]
            given = [(-own * c, known[v]) for v, c in definition.coefficients.items() if v != missing[0]]
            origin = combination((sign, equation.origin) for sign, equation in given)
            value = sum(sign * equation.value for sign, equation in given)
            if value < -TOLERANCE:
                raise InconsistentCellsError.among(origin)
            learnt[missing[0]] = Equation(frozenset(missing), value, origin)
            unknown.discard(missing[0])
    return left


def substitute(equation: Equation, fixed: Mapping[Variable, Equation]) -> Equation:
    """Return an equation less the variables that are exactly known."""
    gone = [variable for variable in equation.variables if variable in fixed]
    if not gone:
        return equation
    value, origin = equation.value, dict(equation.origin)
    for variable in sorted(gone):
        value -= fixed[variable].value
        _subtract(origin, fixed[variable].origin)
    return Equation(equation.variables.difference(gone), value, origin)


def _subtract(origin: dict[Key, float], other: Mapping[Key, float]) -> None:
    for key, coefficient in other.items():
        left = origin.get(key, 0) - coefficient
        if left:
            origin[key] = left
        else:
            origin.pop(key, None)


def without(equation: Equation, others: Iterable[Equation]) -> Equation:
    """Return an equation less those of ``others`` that it contains, one after the other."""
    rest, value, origin = set(equation.variables), equation.value, dict(equation.origin)
    for other in others:
        if other.variables <= rest:
            rest -= other.variables
            value -= other.value
            _subtract(origin, other.origin)
    return Equation(frozenset(rest), value, origin)


def _differences(equations: list[Equation]) -> list[Equation]:
    """Replace each equation by its difference with those that it contains.

    The order, and with it the cells that an attack is laid to, does not depend on that of the input.
    """
    kept: list[Equation] = []
    holding: defaultdict[Variable, list[int]] = defaultdict(list)
    for equation in sorted(
        equations, key=lambda eq: (len(eq.variables), sorted(eq.variables), sorted(eq.origin))
    ):
        inside = {index for variable in equation.variables for index in holding[variable]}
        largest = sorted(inside, key=lambda index: (-len(kept[index].variables), index))
        rest = without(equation, (kept[index] for index in largest))
        if rest.value < -TOLERANCE or (not rest.variables and rest.value > TOLERANCE):
            raise InconsistentCellsError.among(equation.origin)
        if rest.variables:
            for variable in rest.variables:
                holding[variable].append(len(kept))
            kept.append(rest)
    return kept


def _components(
    system: System,
    fixed: Mapping[Variable, Equation],
    unknown: set[Variable],
    equations: list[Equation],
    forms: Mapping[Key, dict[Variable, int]],
) -> Iterator[Component]:
    ordered = sorted(unknown)
    parent = {variable: variable for variable in ordered}

    def root(variable: Variable) -> Variable:
        while parent[variable] != variable:
            parent[variable] = variable = parent[parent[variable]]
        return variable

    for linked in (
        *([v for v in known.coefficients if v in unknown] for known in inclusions_of(system, ordered)),
        *(equation.variables for equation in equations),
        *forms.values(),
    ):
        first, *others = linked
        for other in others:
            parent[root(other)] = root(first)
    groups: defaultdict[Variable, list[Variable]] = defaultdict(list)
    for variable in ordered:
        groups[root(variable)].append(variable)
    lines: defaultdict[Variable, list[Equation]] = defaultdict(list)
    for equation in equations:
        lines[root(next(iter(equation.variables)))].append(equation)
    targets: defaultdict[Variable, dict[Key, dict[Variable, int]]] = defaultdict(dict)
    for key, form in forms.items():
        targets[root(next(iter(form)))][key] = form
    for head, variables in sorted(groups.items(), key=lambda item: item[1]):
        yield Component(system, fixed, tuple(variables), tuple(lines[head]), targets[head])
