"""Which further figures to hide, so that no hidden amount can be worked out.

Belongs here: the choice of secondary suppressions.
Does not: what an attacker learns (``attack``, ``attacker``), which amounts are sensitive (``policy``), the
first choice (``cover``), the return of what proves superfluous (``superfluous``), a better choice
(``cheapest``).

Method: figures are hidden one at a time among those that the attacker's linear programme shows to narrow
an exposed amount (its dual values), then each is given back if the attack still fails without it. The
result is minimal in the sense that no single secondary suppression can be lifted. A cheaper one is
then sought. What spares attacks on the way is not trusted in the end: what is left is attacked whole.
"""

from collections.abc import Iterable
from dataclasses import replace

from observatory.disclosure.attack import audit, exposures
from observatory.disclosure.attacker import Attacker
from observatory.disclosure.cheapest import Cut, cut_of, improve
from observatory.disclosure.cover import cover_lines
from observatory.disclosure.deduction import Exposure, Knowledge
from observatory.disclosure.superfluous import give_back
from observatory.disclosure.system import Key, System
from observatory.errors import ObservatoryError


class ExposedCellError(ObservatoryError):
    """A sensitive amount cannot be protected whatever is hidden beside it."""


def protect(system: System, primary: Iterable[Key], before: Iterable[Key] = ()) -> dict[Key, Key | None]:
    """Return the figures to hide, ``primary`` included, so that every target keeps its width.

    Each secondary suppression comes with a target that it protects; primary ones come without.

    Args:
        system: the system.
        primary: figures hidden in any case.
        before: figures that another release of the same counts hides: the first choice, where there are some.
            What else it hid with them may be all that still protects, now that the rest is known.

    Raises:
        ExposedCellError: nothing is left to hide beside an exposed amount, or the last attack finds one.
        InconsistentCellsError: the cells contradict one another.
    """
    primary = frozenset(primary)
    attacker = Attacker(system)
    kept = (system.figures.keys() & set(before)) - primary
    covered = kept or cover_lines(system, set(primary), _needs(system))
    saved: dict[Key, Key | None] = dict.fromkeys(sorted(covered))
    # What nothing hidden links is unknown from the first where cells leave it so: all of it is attacked once.
    knowledge = replace(attacker.hide(primary | covered), components=tuple(attacker.components()))
    cuts: list[Cut] = []
    pending = set(system.targets)
    while exposed := _exposed(knowledge, pending):
        cuts += [cut_of(system, exposure) for exposure in exposed]
        added = _additions(system, attacker.hidden, exposed)
        for target, figures in added.items():
            saved |= dict.fromkeys(sorted(figures), target)
        # Hiding more only widens intervals: what was safe stays safe.
        pending = {exposure.target for exposure in exposed}
        knowledge = attacker.hide(frozenset().union(*added.values()))
    saved |= give_back(attacker, primary, saved)
    hidden = improve(system, primary, attacker.hidden, cuts, lambda trial: audit(system, trial))
    if hidden != attacker.hidden:
        # Zeros are never chosen as cover, yet one hidden along with another count may be all it takes.
        attacker = Attacker(system)
        attacker.hide(hidden)
        saved |= give_back(attacker, primary, saved)
    for exposure in audit(system, attacker.hidden):
        raise ExposedCellError(
            f"L’effectif « {' / '.join(exposure.target)} » se retrouve dans ce qui allait être publié."
        )
    return {figure: None if figure in primary else saved[figure] for figure in sorted(attacker.hidden)}


def _needs(system: System) -> dict[Key, float]:
    """Return the width that the cells of the targets must keep."""
    cells = {cell.variables: key for key, cell in system.cells.items()} if system.lines else {}
    return {cells[target.plus]: target.width for target in system.targets.values() if target.plus in cells}


def _exposed(knowledge: Knowledge, pending: set[Key]) -> list[Exposure]:
    """Return the ``pending`` targets that come out."""
    found = [exposure for exposure in knowledge.settled if exposure.target in pending]
    for component in knowledge.components:
        targets = {key: form for key, form in component.targets.items() if key in pending}
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
    """Return the cell to hide: least loss, then the smallest that is large enough."""
    lacking = system.targets[exposure.target].width - (exposure.most - exposure.least)

    def loss(cell: Key) -> tuple[float, bool, float, Key]:
        value = system.cells[cell].value
        short = value < lacking
        return system.weight(system.printing[cell] - hidden), short, -value if short else value, cell

    options = cut_of(system, exposure)
    if not options:
        before = " Que faire : une édition antérieure le donne en partie ; ne publiez pas ces effectifs ici."
        raise ExposedCellError(
            f"L’effectif « {' / '.join(exposure.target)} » ne peut être protégé par aucune suppression."
            + (before if system.given else "")
        )
    return min(options, key=loss)
