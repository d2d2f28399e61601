"""An attacker whose knowledge follows what is hidden and shown, without being learnt anew each time.

Belongs here: which variables and components a figure hidden, or shown again, leaves to be learnt again.
Does not: how they are learnt (``deduction``), what is hidden (``linked``) or shown again (``superfluous``).

What was deduced keeps the combination of published cells that gives it (``Equation.origin``): only what rests
on a cell that gets hidden is lost.
"""

from collections.abc import Iterable
from dataclasses import replace

from observatory.disclosure.deduction import (
    Component,
    Equation,
    Knowledge,
    deduce,
    equation_of,
    inclusions_of,
    learn,
    substitute,
    without,
)
from observatory.disclosure.programme import Programme
from observatory.disclosure.system import Key, System, Variable


class Attacker:
    """What is known of a system, first with nothing hidden.

    Attributes:
        system: the system.
        hidden: figures that are not shown.
        known: cells that are known to all.
        fixed: variables exactly known.
        truth: a value of each variable that agrees with every cell, hidden or not.

    Raises:
        InconsistentCellsError: the cells contradict one another.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self.hidden: set[Key] = set()
        self.known = system.known(())
        everything = learn(system, ())
        self.fixed: dict[Variable, Equation] = dict(everything.fixed)
        self._component_of: dict[Variable, Component] = {}
        self.truth = {variable: equation.value for variable, equation in self.fixed.items()}
        self._untouched = {exposure.target: exposure for exposure in everything.settled}
        for component in everything.components:
            self._adopt(component)
            point = Programme(component).greatest({component.variables[0]: 1}).point
            self.truth |= zip(component.variables, point.tolist(), strict=True)

    def components(self) -> list[Component]:
        """Return the components of linked unknown variables, in order of their variables."""
        distinct = {id(part): part for part in self._component_of.values()}
        return sorted(distinct.values(), key=lambda part: part.variables)

    def hide(self, figures: Iterable[Key]) -> Knowledge:
        """Hide figures; return what is left of the knowledge that rested on them.

        The first time, targets that nothing hidden protects are there too.
        """
        figures = set(figures) - self.hidden
        self.hidden |= figures
        gone = {
            cell
            for figure in figures
            for cell in self.system.figures[figure]
            if cell not in self.system.given and self.system.printing[cell] <= self.hidden
        }
        self.known -= gone
        lost = {variable for variable, eq in self.fixed.items() if not gone.isdisjoint(eq.origin)}
        for variable in lost:
            del self.fixed[variable]
        region, equations = self._region(gone, lost)
        targets = {key for variable in region for key in self.system.targets_of.get(variable, ())}
        unknown = Component(self.system, self.fixed, tuple(sorted(region)), (), {key: {} for key in targets})
        left = self.accept(deduce(self.system, self.fixed, [unknown], equations))
        bare = tuple(exposure for key, exposure in self._untouched.items() if key not in targets)
        self._untouched = {}
        return replace(left, settled=left.settled + bare)

    def _region(self, gone: set[Key], lost: set[Variable]) -> tuple[set[Variable], list[Equation]]:
        """Return the unknown variables that may no longer be linked as they were, and their equations."""
        system = self.system
        linked = {variable for cell in gone for variable in system.cells[cell].variables}
        linked |= {v for known in inclusions_of(system, lost) for v in known.coefficients}
        for key in {key for variable in lost for key in system.targets_of.get(variable, ())}:
            linked |= system.targets[key].plus | system.targets[key].minus
        parts = {id(part) for v in linked if (part := self._component_of.get(v)) is not None}
        region = set(lost)
        for part in self.components():
            if id(part) in parts or any(not gone.isdisjoint(eq.origin) for eq in part.equations):
                region |= set(part.variables)
        equations: dict[Key, Equation] = {}
        pending = region
        while pending:
            cells = {cell for variable in pending for cell in system.cells_of.get(variable, ())}
            beyond: set[Variable] = set()
            for cell in sorted(cells & self.known - equations.keys()):
                equations[cell] = self._without_others(cell, region)
                beyond |= equations[cell].variables - region
            others = {id(part): part for v in beyond if (part := self._component_of.get(v)) is not None}
            pending = {variable for part in others.values() for variable in part.variables}
            region |= pending
        return region, list(equations.values())

    def _without_others(self, cell: Key, region: set[Variable]) -> Equation:
        """Return the equation of a cell, less those of components outside a region that it contains."""
        equation = self._equation(cell)
        others = {
            id(part): part for v in equation.variables if v not in region for part in [self._component_of[v]]
        }
        for part in sorted(others.values(), key=lambda part: part.variables):
            equation = without(equation, part.equations)
        return equation

    def show(self, figure: Key) -> Knowledge:
        """Return what a hidden figure, shown again, would teach; it stays hidden."""
        cells = self.system.figures[figure] - self.known
        touched = {
            id(part): part
            for cell in cells
            for variable in self.system.cells[cell].variables
            if (part := self._component_of.get(variable)) is not None
        }
        equations = [self._equation(cell) for cell in sorted(cells)]
        parts = sorted(touched.values(), key=lambda part: part.variables)
        return deduce(self.system, self.fixed, parts, equations)

    def _equation(self, cell: Key) -> Equation:
        return substitute(equation_of(self.system, cell, self.known), self.fixed)

    def accept(self, knowledge: Knowledge, shown: Key | None = None) -> Knowledge:
        """Take ``knowledge`` for what is known, once a figure is ``shown``."""
        if shown is not None:
            self.hidden.discard(shown)
            self.known |= self.system.figures[shown]
        for variable in knowledge.learnt:
            self._component_of.pop(variable, None)
        self.fixed |= knowledge.learnt
        for component in knowledge.components:
            self._adopt(component)
        return knowledge

    def _adopt(self, component: Component) -> None:
        self._component_of |= dict.fromkeys(component.variables, component)
