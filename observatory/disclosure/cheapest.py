"""The least costly set of figures to hide, proven such where the proof is short.

Belongs here: the choice among all sets of suppressions, by weight.
Does not: a first set that protects (``linked``), what an attacker learns (``attack``).

Method: an attack that succeeds names the published cells that it rests on; whatever is hidden in the end,
one of them must be. The cheapest set that hits all such lists is a mixed integer programme; it is attacked in
turn, and what it lets out gives further lists, until nothing comes out (implicit hitting set: Moreno-Centeno
and Karp, Operations Research 61, 2013). The cost of each programme is a lower bound of any protection.
"""

from collections.abc import Callable, Iterable

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from observatory.disclosure.deduction import TOLERANCE, Exposure
from observatory.disclosure.system import Key, System

ROUNDS = 40
"""Programmes tried before settling for the best set so far."""
MOST = 100
"""Beyond so many secondary suppressions the search is not begun: it would not end within its rounds."""

Cut = frozenset[Key]
"""Published cells of which at least one must be hidden."""


def cut_of(system: System, exposure: Exposure) -> Cut:
    """Return the cells of which one must be hidden so that an exposed amount is no longer.

    A zero is no cover: who lives there knows that there is nothing to count. What another release has
    published cannot be hidden.
    """
    return frozenset(
        cell for cell in exposure.causes if cell not in system.given and system.cells[cell].value > 0
    )


def improve(
    system: System,
    primary: frozenset[Key],
    hidden: set[Key],
    cuts: Iterable[Cut],
    attack: Callable[[set[Key]], list[Exposure]],
) -> set[Key]:
    """Return the cheapest figures to hide, or ``hidden`` if none cheaper is found in ``ROUNDS``, or sought.

    Args:
        system: the system.
        primary: figures hidden in any case.
        hidden: a set that protects, ``primary`` included.
        cuts: lists of cells, one of each of which must be hidden.
        attack: what comes out when some figures are hidden.
    """
    needed = dict.fromkeys(cuts)
    cost = system.weight(hidden)
    rounds = ROUNDS if len(hidden) - len(primary) <= MOST else 0
    for _ in range(rounds):
        if frozenset() in needed:
            # Only a zero covers it: no choice made here would do better than the first one.
            return hidden
        trial = _hitting_set(system, primary, list(needed))
        if system.weight(trial) > cost - TOLERANCE:
            return hidden
        exposed = attack(trial)
        if not exposed:
            return trial
        needed |= dict.fromkeys(cut_of(system, exposure) for exposure in exposed)
    return hidden


def _hitting_set(system: System, primary: frozenset[Key], cuts: list[Cut]) -> set[Key]:
    """Return the cheapest figures, ``primary`` included, that hide a cell of each cut."""
    cells = sorted(frozenset().union(*cuts))
    figures = sorted(frozenset().union(*(system.printing.get(cell, frozenset()) for cell in cells)) - primary)
    if not figures:
        return set(primary)
    column = {figure: position for position, figure in enumerate(figures)}
    position_of = {cell: len(figures) + position for position, cell in enumerate(cells)}
    rows: list[tuple[int, int, float]] = []
    least: list[float] = []
    # A cell is hidden when every figure that prints it is.
    for cell in cells:
        for figure in sorted(system.printing.get(cell, frozenset()) - primary):
            rows += [(len(least), column[figure], 1.0), (len(least), position_of[cell], -1.0)]
            least.append(0.0)
    for cut in cuts:
        rows += [(len(least), position_of[cell], 1.0) for cell in sorted(cut)]
        least.append(1.0)
    lines, columns, values = zip(*rows, strict=True)
    weights = np.zeros(len(figures) + len(cells))
    weights[: len(figures)] = [system.weight([figure]) for figure in figures]
    whole = np.zeros(len(figures) + len(cells))
    whole[: len(figures)] = 1
    result = milp(
        weights,
        constraints=LinearConstraint(
            coo_array((values, (lines, columns)), shape=(len(least), len(weights))).tocsr(), lb=least
        ),
        integrality=whole,
        bounds=Bounds(0, 1),
    )
    return set(primary) | {figure for figure in figures if result.x[column[figure]] > 0.5}
