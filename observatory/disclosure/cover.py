"""A first choice of suppressions in publications of many crossed tables, line by line.

Belongs here: enough cover in each line of each table, found without any programme.
Does not: the guarantee (``linked``, whose attacker goes on from here).

In a line whose margin is published, a hidden count lies between nought and the sum of the hidden ones: their
sum must reach the width asked. What is hidden as cover is given away by its other lines unless it is covered
there.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable

from observatory.disclosure.deduction import TOLERANCE
from observatory.disclosure.system import Key, Line, System


class Lines:
    """The lines of a system, to tell at once what they alone expose."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._of: defaultdict[Key, list[Line]] = defaultdict(list)
        for line in system.lines:
            for key in line.cells:
                self._of[key].append(line)
        cells = {cell.variables: key for key, cell in system.cells.items()} if system.lines else {}
        self._targets = {
            cells[target.plus]: key
            for key, target in system.targets.items()
            if not target.minus and target.plus in cells
        }

    def exposed_by(self, shown: Collection[Key], known: Collection[Key]) -> Key | None:
        """Return a target that cells, shown beside the ``known`` ones, expose in a line of known margin.

        None may be exposed otherwise: an attack must tell.
        """
        for line in (line for cell in sorted(shown) for line in self._of.get(cell, ())):
            if line.whole not in known and line.whole not in shown:
                continue
            left = [part for part in line.parts if part not in known and part not in shown]
            most = line.slack + _sum(self._system, left)
            for part in left:
                target = self._targets.get(part)
                if target is not None and most < self._system.targets[target].width - TOLERANCE:
                    return target
        return None


def cover_lines(system: System, hidden: set[Key], needs: dict[Key, float]) -> set[Key]:
    """Return figures to hide besides ``hidden`` so that every line has the cover that it needs.

    Args:
        system: the system; its lines are those of the tables.
        hidden: figures hidden already.
        needs: cell -> width of the interval that it must keep.
    """
    lines: defaultdict[Key, list[Line]] = defaultdict(list)
    for line in system.lines:
        for key in line.cells:
            lines[key].append(line)
    taken: set[Key] = set(hidden)
    gone = {cell for cell, printing in system.printing.items() if printing <= taken} - system.given
    pending = sorted(key for key in needs if key in gone)
    while pending:
        key = pending.pop()
        for line in lines[key]:
            while (chosen := _missing(system, line, gone, needs[key])) is not None:
                taken |= system.printing[chosen]
                gone.add(chosen)
                needs[chosen] = max(needs[key], needs.get(chosen, 0.0))
                pending.append(chosen)
    return taken - hidden


def _missing(system: System, line: Line, gone: set[Key], width: float) -> Key | None:
    """Return the cell to hide in a line that lacks cover; none if it has enough, or nothing left to hide."""
    if line.whole in gone:
        return None
    lacking = width - line.slack - _sum(system, (key for key in line.parts if key in gone))
    options = [
        key
        for key in line.cells
        if key not in gone
        and key not in system.given
        and system.cells[key].value > 0
        and key in system.printing
    ]
    if lacking <= 0 or not options:
        return None

    def loss(key: Key) -> tuple[float, bool, float, Key]:
        value = system.cells[key].value
        short = value < lacking
        return system.weight(system.printing[key]), short, -value if short else value, key

    return min(options, key=loss)


def _sum(system: System, keys: Iterable[Key]) -> float:
    return sum(system.cells[key].value for key in keys)
