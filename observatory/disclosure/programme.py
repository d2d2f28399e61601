"""The linear programmes of an attack: one model by component, of which the objective alone changes.

Belongs here: bounds and lines of a component, the published cells behind each of them.
Does not: which programmes are solved, and what their solutions say (``attack``).

Each programme starts from the basis where the one before ended, which stays feasible: a few pivots of the
primal simplex instead of a search from nothing (HiGHS: Huangfu and Hall, Mathematical Programming
Computation 10, 2018).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from highspy import HighsModelStatus, MatrixFormat, ObjSense, kHighsInf

# The public class, built on this one, prints its version on standard output.
from highspy._core import _Highs as Highs

from observatory.disclosure.deduction import TOLERANCE, Component, inclusions_of
from observatory.disclosure.system import InconsistentCellsError, Key, Variable

HIGHEST = 1e6
"""No count of the basin, of some 1.2 million inhabitants, is believed to exceed this."""
_PRIMAL, _DUAL = 4, 1
"""The primal and the dual simplex, among the strategies of HiGHS."""

Form = Mapping[Variable, float]
"""A linear form: variable -> coefficient."""


@dataclass(frozen=True)
class Solution:
    """Where a form is greatest: its value, the point, the duals of the lines and of the bounds."""

    value: float
    point: np.ndarray
    line_duals: np.ndarray
    bound_duals: np.ndarray


class Programme:
    """What an attacker knows of a component, as lines and bounds that come from published cells.

    The lines of ``component.equations`` come first.
    """

    def __init__(self, component: Component) -> None:
        self.index = {variable: position for position, variable in enumerate(component.variables)}
        size = len(self.index)
        highest = component.system.highest
        self.lower = np.zeros(size)
        self.upper = np.array([highest.get(variable[0], HIGHEST) for variable in component.variables])
        self.lines: list[Form] = [dict.fromkeys(eq.variables, 1) for eq in component.equations]
        self.least = [eq.value for eq in component.equations]
        self.most = list(self.least)
        self.origins = [frozenset(eq.origin) for eq in component.equations]
        self._lower_origin: dict[int, frozenset[Key]] = {}
        self._upper_origin: dict[int, frozenset[Key]] = {}
        self._add_inclusions(component)
        self._objective = np.zeros(0, dtype=np.int32)

    def _add_inclusions(self, component: Component) -> None:
        """Add what the definitions say: those that hold one unknown are bounds."""
        for inclusion in inclusions_of(component.system, component.variables):
            unknown = {v: c for v, c in inclusion.coefficients.items() if v in self.index}
            given = {v: c for v, c in inclusion.coefficients.items() if v not in self.index}
            room = -sum(c * component.fixed[v].value for v, c in given.items())
            origin = frozenset().union(*(component.fixed[v].origin for v in given))
            if len(unknown) > 1:
                self.lines.append(unknown)
                self.least.append(room if inclusion.exact else -kHighsInf)
                self.most.append(room)
                self.origins.append(origin)
                continue
            ((variable, coefficient),) = unknown.items()
            position = self.index[variable]
            if coefficient > 0 and room < self.upper[position]:
                self.upper[position], self._upper_origin[position] = room, origin
            if coefficient < 0 and -room > self.lower[position]:
                self.lower[position], self._lower_origin[position] = -room, origin

    @cached_property
    def _solver(self) -> Highs:
        lines = [{self.index[variable]: c for variable, c in line.items()} for line in self.lines]
        return load(np.zeros(len(self.index)), self.lower, self.upper, lines, self.least, self.most)

    def greatest(self, form: Form, sign: int = 1) -> Solution:
        """Return where ``form``, times ``sign``, is greatest.

        Raises:
            InconsistentCellsError: nothing agrees with the published cells.
        """
        columns = np.array([self.index[variable] for variable in form], dtype=np.int32)
        coefficients = np.array(list(form.values()), dtype=float)
        self._solver.changeColsCost(len(self._objective), self._objective, np.zeros(len(self._objective)))
        self._solver.changeColsCost(len(columns), columns, sign * coefficients)
        self._objective = columns
        if not solved(self._solver):
            raise InconsistentCellsError.among(frozenset().union(*self.origins))
        solution = self._solver.getSolution()
        point = np.array(solution.col_value)
        return Solution(
            float(coefficients @ point[columns]),
            point,
            np.array(solution.row_dual),
            np.array(solution.col_dual),
        )

    def causes(self, solution: Solution) -> set[Key]:
        """Return the published cells behind the lines and bounds that hold a solution back."""
        found: set[Key] = set()
        for line in np.flatnonzero(np.abs(solution.line_duals) > TOLERANCE):
            found |= self.origins[line]
        for duals, origins in (
            (solution.bound_duals, self._upper_origin),
            (-solution.bound_duals, self._lower_origin),
        ):
            for position in np.flatnonzero(duals > TOLERANCE):
                found |= origins.get(int(position), frozenset())
        return found


def solved(solver: Highs) -> bool:
    """Solve from the last basis, or from nothing where that fails; return whether there is an optimum."""
    solver.run()
    if solver.getModelStatus() != HighsModelStatus.kOptimal:
        solver.clearSolver()
        solver.run()
    return bool(solver.getModelStatus() == HighsModelStatus.kOptimal)


def load(
    costs: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    lines: Sequence[Mapping[int, float]],
    least: Sequence[float],
    most: Sequence[float],
    *,
    dual: bool = False,
) -> Highs:
    """Return a solver that maximises ``costs`` within bounds and lines (column -> coefficient).

    By the primal simplex, or by the ``dual`` one where each programme starts from the origin.
    """
    solver = Highs()
    strategy = _DUAL if dual else _PRIMAL
    for option, value in (("output_flag", False), ("presolve", "off"), ("simplex_strategy", strategy)):
        solver.setOptionValue(option, value)
    entries = [sorted(line.items()) for line in lines]
    solver.passModel(
        len(costs),
        len(lines),
        sum(map(len, entries)),
        int(MatrixFormat.kRowwise),
        int(ObjSense.kMaximize),
        0.0,
        costs,
        lower,
        upper,
        np.array(least, dtype=float),
        np.array(most, dtype=float),
        np.cumsum([0, *map(len, entries)], dtype=np.int32),
        np.array([column for line in entries for column, _ in line], dtype=np.int32),
        np.array([coefficient for line in entries for _, coefficient in line], dtype=float),
        np.zeros(len(costs), dtype=np.int32),
    )
    return solver
