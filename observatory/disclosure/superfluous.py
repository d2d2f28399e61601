"""Figures that were hidden beside the sensitive ones and that the protection can do without.

Belongs here: which secondary suppressions are given back.
Does not: which are chosen (``linked``, ``cheapest``), the proofs that spare attacks (``witness``).

A figure may be shown again if no amount is exposed by it. Only the amounts whose proof it breaks are
attacked.
"""

from collections.abc import Mapping
from dataclasses import replace

from observatory.disclosure.attack import exposures
from observatory.disclosure.attacker import Attacker
from observatory.disclosure.cover import Lines
from observatory.disclosure.deduction import Knowledge
from observatory.disclosure.system import Key
from observatory.disclosure.witness import Witnesses


def give_back(
    attacker: Attacker,
    primary: frozenset[Key],
    saved: Mapping[Key, Key | None],
) -> dict[Key, Key]:
    """Show again, largest first, every secondary suppression that the protection does not need.

    One pass is enough: what may not be given back now may not be later, when more is published.

    Args:
        attacker: its hidden figures protect every target.
        primary: figures hidden in any case.
        saved: figure -> target that it was hidden for.

    Returns:
        The secondary suppressions that are left, and for each a target that it protects.
    """
    system = attacker.system
    witnesses = Witnesses(attacker, primary)
    for component in attacker.components():
        witnesses.prove(component, component.targets.keys())

    def size(figure: Key) -> float:
        return max((system.cells[cell].value for cell in system.figures[figure]), default=0.0)

    kept: dict[Key, Key] = {}
    lines = Lines(system)
    for figure in sorted(attacker.hidden - primary, key=lambda figure: (-size(figure), figure)):
        if (bare := lines.exposed_by(system.figures[figure] - attacker.known, attacker.known)) is not None:
            kept[figure] = bare
            continue
        trial = attacker.show(figure)
        doubtful = {key for cell in system.figures[figure] - attacker.known for key in witnesses.broken(cell)}
        doubtful |= witnesses.unproven(key for part in trial.components for key in part.targets)
        leak = _first_leak(trial, doubtful, saved.get(figure))
        if leak is not None:
            kept[figure] = leak
            continue
        attacker.accept(trial, figure)
        for component in trial.components:
            witnesses.prove(component, doubtful & component.targets.keys())
    return kept


def _first_leak(trial: Knowledge, doubtful: set[Key], first: Key | None) -> Key | None:
    """Return a target that an attack exposes; ``first`` is one that the figure was hidden for."""
    if trial.settled:
        return trial.settled[0].target
    parts = [
        replace(part, targets={key: part.targets[key] for key in part.targets if key in doubtful})
        for part in sorted(trial.components, key=lambda part: first not in part.targets)
    ]
    early = () if first is None else [first]
    return next((found.target for part in parts for found in exposures(part, early)), None)
