"""Which further figures to hide, so that no hidden amount can be worked out.

Belongs here: the choice of secondary suppressions, and the return of those that prove superfluous.
Does not: what an attacker learns (``attack``), which amounts are sensitive (``policy``).

Method: figures are hidden one at a time among those that the attacker's linear programme shows to narrow
an exposed amount (its dual values), then each is given back if the attack still fails without it. The
result is minimal in the sense that no single secondary suppression can be lifted.
"""

from collections.abc import Iterable
from dataclasses import replace

from observatory.disclosure.attack import exposures
from observatory.disclosure.deduction import Component, Exposure, Knowledge, deduce, learn
from observatory.disclosure.system import Key, System
from observatory.errors import ObservatoryError


class ExposedCellError(ObservatoryError):
    """A sensitive amount cannot be protected whatever is hidden beside it."""


def protect(system: System, primary: Iterable[Key]) -> set[Key]:
    """Return the figures to hide, ``primary`` included, so that every target keeps its width.

    Raises:
        ExposedCellError: nothing is left to hide beside an exposed amount.
        InconsistentCellsError: the cells contradict one another.
    """
    primary = frozenset(primary)
    hidden = set(primary)
    saved: dict[Key, Key] = {}
    pending = set(system.targets)
    while True:
        knowledge = learn(system, hidden)
        exposed = _exposed(knowledge, pending)
        if not exposed:
            break
        for target, figures in _additions(system, hidden, exposed).items():
            hidden |= figures
            saved |= dict.fromkeys(sorted(figures), target)
        # Hiding more only widens intervals: what was safe stays safe.
        pending = {exposure.target for exposure in exposed}
    return _without_superfluous(system, primary, hidden, saved, knowledge)


def _exposed(knowledge: Knowledge, pending: set[Key]) -> list[Exposure]:
    found = [exposure for exposure in knowledge.settled if exposure.target in pending]
    for component in knowledge.components:
        targets = {key: form for key, form in component.targets.items() if key in pending}
        if targets:
            found += exposures(replace(component, targets=targets))
    return sorted(found, key=lambda exposure: exposure.target)


def _additions(system: System, hidden: set[Key], exposed: list[Exposure]) -> dict[Key, frozenset[Key]]:
    """Return figures to hide by exposed target; one figure may serve several targets of a round."""
    chosen: dict[Key, frozenset[Key]] = {}
    taken: set[Key] = set()
    for exposure in exposed:
        if exposure.causes & taken:
            continue
        cell = _next_cell(system, hidden, exposure)
        taken.add(cell)
        chosen[exposure.target] = system.printing[cell] - hidden
    return chosen


def _next_cell(system: System, hidden: set[Key], exposure: Exposure) -> Key:
    """Return the cell to hide: fewest figures lost, then the smallest that is large enough.

    A zero is no cover: who lives there knows that there is nothing to count.
    """
    lacking = system.targets[exposure.target].width - (exposure.most - exposure.least)

    def loss(cell: Key) -> tuple[int, bool, float, Key]:
        value = system.cells[cell].value
        short = value < lacking
        return len(system.printing[cell] - hidden), short, -value if short else value, cell

    options = [cell for cell in exposure.causes if system.cells[cell].value > 0]
    if not options:
        raise ExposedCellError(
            f"L’effectif « {' / '.join(exposure.target)} » ne peut être protégé par aucune suppression."
        )
    return min(options, key=loss)


def _without_superfluous(
    system: System, primary: frozenset[Key], hidden: set[Key], saved: dict[Key, Key], knowledge: Knowledge
) -> set[Key]:
    """Give back, largest first, every secondary suppression that the protection does not need.

    One pass is enough: what may not be given back now may not be later, when more is published.
    """
    known = system.known(hidden)
    kept = set(hidden)
    fixed = dict(knowledge.fixed)
    components = list(knowledge.components)

    def size(figure: Key) -> float:
        return max(system.cells[cell].value for cell in system.figures[figure])

    for figure in sorted(hidden - primary, key=lambda figure: (-size(figure), figure)):
        learnt = system.figures[figure] - known
        variables = frozenset().union(*(system.cells[cell].variables for cell in learnt)) - fixed.keys()
        touched = [part for part in components if not variables.isdisjoint(part.variables)]
        trial = deduce(system, fixed, touched, learnt)
        if _leaks(trial, saved[figure]):
            continue
        kept.discard(figure)
        known |= learnt
        fixed = dict(trial.fixed)
        components = [part for part in components if part not in touched] + list(trial.components)
    return kept


def _leaks(trial: Knowledge, first: Key) -> bool:
    """Return whether an attack succeeds; ``first`` is the target that the figure was hidden for."""
    if trial.settled:
        return True
    parts: list[Component] = sorted(trial.components, key=lambda part: first not in part.targets)
    return any(True for part in parts for _ in exposures(part, [first]))
