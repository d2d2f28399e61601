"""Proofs that an amount is protected: two possible states of the counts, far enough apart.

Belongs here: the shortest move from the true counts that widens an amount, and the cells that it changes.
Does not: the exact interval of an amount (``attack``), what is done with the proofs (``superfluous``).

A move that changes none of the published cells leads from the true counts to others that an attacker cannot
tell from them. As long as the cells that it changes stay hidden, the amount stays protected: nothing needs be
attacked again (the moves are those by which cell suppression is chosen in Castro, European Journal of
Operational Research 171, 2006).
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from observatory.disclosure.attacker import Attacker
from observatory.disclosure.deduction import TOLERANCE, Component
from observatory.disclosure.programme import Form, Programme, load, solved
from observatory.disclosure.system import Key, Variable

_PENALTY = 1e-3
"""What a unit moved costs beside a unit of the amount: short moves first, none left out."""

Move = Mapping[Variable, float]


class Moves:
    """The moves from the true counts of a component that no published cell shows.

    They are looked for among the counts of the same breakdown first, the wholes that several breakdowns share
    held at the truth: a component falls apart without them.
    """

    def __init__(
        self, component: Component, truth: Mapping[Variable, float], price: Callable[[Variable], float]
    ) -> None:
        self._system, self._price = component.system, price
        programme = Programme(component)
        self._lines: list[_Line] = []
        for form, least, most in zip(programme.lines, programme.least, programme.most, strict=True):
            here = sum(c * truth[variable] for variable, c in form.items())
            # The truth keeps within each line, whatever the rounding of the programme that found it.
            slack = (min(least - here, 0.0), max(most - here, 0.0)) if least < most else (0.0, 0.0)
            self._lines.append(_Line(form, *slack))
        self._room = {
            variable: (max(most - truth[variable], 0.0), max(truth[variable] - least, 0.0))
            for variable, least, most in zip(
                component.variables, programme.lower, programme.upper, strict=True
            )
        }
        self._near: dict[tuple[frozenset[str], Variable], _Model] = {}

    def widening(self, form: Form, width: float) -> list[Move] | None:
        """Return moves, up and down, that change a form by ``width`` together; none if there are not."""
        return self._around(form).widening(form, width) or self._whole.widening(form, width)

    @cached_property
    def _whole(self) -> "_Model":
        return _Model(self._lines, self._room, self._price)

    @cached_property
    def _lines_of(self) -> dict[Variable, list[int]]:
        found: defaultdict[Variable, list[int]] = defaultdict(list)
        for row, line in enumerate(self._lines):
            for variable in line.form:
                found[variable].append(row)
        return dict(found)

    def _around(self, form: Form) -> "_Model":
        """Return the model of what is linked with a form when the wholes of breakdowns are held."""
        held = self._system.hubs.difference(*(self._system.beside(variable[0]) for variable in form))
        key = held, min(form)
        if key not in self._near:
            reached, pending = set(form), list(form)
            while pending:
                rows = self._lines_of.get(pending.pop(), ())
                new = {
                    v for row in rows for v in self._lines[row].form if v not in reached and v[0] not in held
                }
                reached |= new
                pending += new
            lines = [
                replace(
                    self._lines[row], form={v: c for v, c in self._lines[row].form.items() if v in reached}
                )
                for row in sorted({row for variable in reached for row in self._lines_of.get(variable, ())})
            ]
            model = _Model(lines, {v: self._room[v] for v in sorted(reached)}, self._price)
            self._near |= {(held, variable): model for variable in reached}
        return self._near[key]


@dataclass(frozen=True)
class _Line:
    """How far a form may move, down and up."""

    form: Form
    least: float
    most: float


class _Model:
    """The programme that looks for the shortest moves of some variables."""

    def __init__(
        self,
        lines: Sequence[_Line],
        room: Mapping[Variable, tuple[float, float]],
        price: Callable[[Variable], float],
    ) -> None:
        self._variables, self._size = tuple(room), len(room)
        self._index = {variable: position for position, variable in enumerate(room)}
        self._room = np.array([up for up, _ in room.values()] + [down for _, down in room.values()])
        self._costs = -_PENALTY * np.tile([price(variable) for variable in room], 2)
        self._solver = load(
            self._costs,
            np.zeros(2 * self._size),
            self._room,
            [self._columns(line.form) for line in lines],
            [line.least for line in lines],
            [line.most for line in lines],
            dual=True,
        )

    def _columns(self, form: Form) -> dict[int, float]:
        """Return the coefficients of a form: what goes up comes first, then what goes down."""
        up = {self._index[variable]: float(c) for variable, c in form.items() if variable in self._index}
        return up | {column + self._size: -c for column, c in up.items()}

    def widening(self, form: Form, width: float) -> list[Move] | None:
        """Return moves, up and down, that change a form by ``width`` together; none if there are not."""
        lacking, moves = width - TOLERANCE, []
        for sign in (1, -1):
            move = self._furthest(form, sign, lacking)
            amount = sign * sum(c * move.get(variable, 0.0) for variable, c in form.items())
            if amount > TOLERANCE:
                moves.append(move)
                lacking -= amount
            if lacking <= 0:
                return moves
        return None

    def _furthest(self, form: Form, sign: int, enough: float) -> Move:
        columns = np.array(list(coefficients := self._columns(form)), dtype=np.int32)
        base = self._costs[columns]
        gain = sign * np.array(list(coefficients.values()))
        self._solver.changeColsCost(len(columns), columns, base + gain)
        capped = columns[gain > 0] if len(form) == 1 else columns[:0]
        floor = np.zeros(len(capped))
        self._solver.changeColsBounds(len(capped), capped, floor, np.minimum(self._room[capped], enough))
        # From no move at all: undoing the last one takes longer than finding the next.
        self._solver.setBasis()
        found = solved(self._solver)
        point = np.array(self._solver.getSolution().col_value) if found else np.zeros(2 * self._size)
        self._solver.changeColsBounds(len(capped), capped, floor, self._room[capped])
        self._solver.changeColsCost(len(columns), columns, base)
        change = point[: self._size] - point[self._size :]
        return {self._variables[at]: float(change[at]) for at in np.flatnonzero(np.abs(change) > 1e-9)}


def _spread(moves: Iterable[Move], form: Form) -> float:
    """Return how far apart a form is among the true counts and those that moves lead to."""
    values = [0.0, *(sum(c * move.get(variable, 0.0) for variable, c in form.items()) for move in moves)]
    return max(values) - min(values)


class Witnesses:
    """One proof for each protected amount, and which of them a cell breaks.

    Args:
        attacker: who must not tell the moves from the truth.
        primary: figures hidden in any case, which moves had better change.
    """

    def __init__(self, attacker: Attacker, primary: frozenset[Key]) -> None:
        self._attacker, self._primary = attacker, primary
        self._moves: dict[Key, list[Move]] = {}
        self._moving: defaultdict[Variable, set[Key]] = defaultdict(set)

    def prove(self, component: Component, keys: Collection[Key]) -> set[Key]:
        """Look for a proof for some targets of a component; return those that are left without."""
        if not keys:
            return set()
        moves = Moves(component, self._attacker.truth, self._price)
        shared: defaultdict[Variable, list[list[Move]]] = defaultdict(list)
        for key in sorted(keys):
            for variable in (variable for move in self._moves.pop(key, ()) for variable in move):
                self._moving[variable].discard(key)
            form, width = component.targets[key], self._attacker.system.targets[key].width
            touching = (other for variable in sorted(form) for other in shared.get(variable, ()))
            served = (other for other in touching if _spread(other, form) >= width - TOLERANCE)
            found = next(served, None) or moves.widening(form, width)
            if found is not None:
                self._moves[key] = found
                for variable in {variable for move in found for variable in move}:
                    self._moving[variable].add(key)
                    shared[variable].append(found)
        return {key for key in keys if key not in self._moves}

    def unproven(self, keys: Iterable[Key]) -> set[Key]:
        """Return the targets that have no proof."""
        return {key for key in keys if key not in self._moves}

    def broken(self, cell: Key) -> set[Key]:
        """Return the targets whose proof needs a cell to be hidden."""
        variables = self._attacker.system.cells[cell].variables
        touched = {key for variable in variables for key in self._moving.get(variable, ())}
        return {
            key
            for key in touched
            if any(abs(sum(move.get(v, 0.0) for v in variables)) > TOLERANCE for move in self._moves[key])
        }

    def _price(self, variable: Variable) -> float:
        """Return what moving a variable costs: it grows with the cells that may be shown again."""
        system, known = self._attacker.system, self._attacker.known
        return 0.1 + sum(
            cell not in known and not system.printing.get(cell, self._primary) <= self._primary
            for cell in system.cells_of.get(variable, ())
        )
