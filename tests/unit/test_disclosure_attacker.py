"""What spares attacks: knowledge kept up to date, proofs that stand until a cell is shown, all given back."""

from collections.abc import Iterable, Mapping

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_disclosure_cheapest import exposed, system_of, tables

from observatory.disclosure.attack import audit
from observatory.disclosure.attacker import Attacker
from observatory.disclosure.deduction import Component, Equation, learn
from observatory.disclosure.linked import ExposedCellError, protect
from observatory.disclosure.programme import Programme
from observatory.disclosure.system import Cell, Inclusion, Key, System, Target, Variable
from observatory.disclosure.witness import Moves, Witnesses

CALM = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


def ends(fixed: Mapping[Variable, Equation], components: Iterable[Component]) -> dict[str, float]:
    """Both ends of the interval of every variable, however its equations are written."""
    found = {}
    for variable, equation in fixed.items():
        found |= {f"least {variable}": equation.value, f"most {variable}": equation.value}
    for component in components:
        programme = Programme(component)
        for variable in component.variables:
            found[f"least {variable}"] = programme.greatest({variable: 1}, -1).value
            found[f"most {variable}"] = programme.greatest({variable: 1}).value
    return found


def with_definitions(table: np.ndarray) -> tuple[System, set[Key]]:
    """A table whose first two columns make up, row by row, a whole that is not printed by row."""
    system, primary = system_of(table)
    rows, columns = table.shape
    wholes = [(f"whole {n}",) for n in range(rows)]
    inclusions = tuple(
        Inclusion(frozenset({(str(n * columns),), (str(n * columns + 1),)}), whole, exact=True)
        for n, whole in enumerate(wholes)
    )
    values = [float(table[n, :2].sum()) for n in range(rows)]
    cells = {("wholes", str(n)): Cell(values[n], frozenset({wholes[n]})) for n in range(rows)}
    cells |= {("all wholes",): Cell(sum(values), frozenset(wholes))}
    figures = {key: frozenset({key}) for key in cells}
    return (
        System(dict(system.cells) | cells, dict(system.figures) | figures, system.targets, inclusions),
        primary,
    )


@CALM
@given(tables(), st.integers(0, 10**6))
def test_what_is_known_is_what_would_be_learnt_anew(table: np.ndarray, seed: int) -> None:
    system, _ = with_definitions(table)
    random = np.random.default_rng(seed)
    attacker = Attacker(system)
    figures = sorted(system.figures)
    for _ in range(4):
        attacker.hide({figures[at] for at in random.integers(len(figures), size=4)})
        shown = sorted(attacker.hidden)[int(random.integers(len(attacker.hidden)))]
        attacker.accept(attacker.show(shown), shown)
        anew = learn(system, attacker.hidden)
        known = ends(attacker.fixed, attacker.components())
        assert known == pytest.approx(ends(anew.fixed, anew.components), abs=1e-6)


@CALM
@given(tables(), st.integers(0, 10**6))
def test_a_proof_is_two_states_that_nothing_published_tells_apart(table: np.ndarray, seed: int) -> None:
    system, primary = with_definitions(table)
    random = np.random.default_rng(seed)
    figures = sorted(system.figures)
    attacker = Attacker(system)
    attacker.hide(primary | {figures[at] for at in random.integers(len(figures), size=8)})
    for component in attacker.components():
        moves = Moves(component, attacker.truth, lambda _: 1.0)
        for key, form in component.targets.items():
            width = system.targets[key].width
            found = moves.widening(form, width)
            # Nothing left out: no proof means that the interval is narrow.
            narrow = key in {exposure.target for exposure in audit(system, attacker.hidden)}
            assert (found is None) == narrow
            reach = 0.0
            for move in found or ():
                moved = attacker.truth | {v: attacker.truth[v] + change for v, change in move.items()}
                assert min(moved.values()) > -1e-6
                for cell in attacker.known:
                    total = sum(moved[v] for v in system.cells[cell].variables)
                    assert total == pytest.approx(system.cells[cell].value, abs=1e-6)
                for inclusion in system.inclusions:
                    held = sum(c * moved[v] for v, c in inclusion.coefficients.items())
                    assert held == pytest.approx(0, abs=1e-6)
                reach += abs(sum(c * move.get(v, 0.0) for v, c in form.items()))
            assert narrow or reach > width - 1e-5


def many_tables(number: int) -> tuple[System, set[Key], list[np.ndarray]]:
    """Tables of four by four, each on its own, in one system."""
    random = np.random.default_rng(3)
    drawn = [np.round(random.lognormal(0, 1, (4, 4)) * 20).astype(int) + 1 for _ in range(number)]
    cells: dict[Key, Cell] = {}
    targets: dict[Key, Target] = {}
    primary: set[Key] = set()
    for at, table in enumerate(drawn):
        system, small = system_of(table)
        rename = {key: (f"{at:03d}", *key) for key in system.cells}
        for key, cell in system.cells.items():
            cells[rename[key]] = Cell(cell.value, frozenset((str(at), *v) for v in cell.variables))
        targets |= {rename[key]: Target(cells[rename[key]].variables, frozenset(), 11) for key in small}
        primary |= {rename[key] for key in small}
    return System(cells, {key: frozenset({key}) for key in cells}, targets), primary, drawn


def test_however_many_they_are_no_suppression_can_be_lifted() -> None:
    """Hundreds of tables: a secondary suppression, once lifted, gives the plain attacker something."""
    system, primary, drawn = many_tables(150)
    hidden = protect(system, primary)
    assert len(hidden) - len(primary) > 500
    assert {figure for figure, asked in hidden.items() if asked is None} == primary
    for at, table in enumerate(drawn):
        own = {key[1:] for key in hidden if key[0] == f"{at:03d}"}
        assert not exposed(table, own)
    for figure in sorted(set(hidden) - primary)[::7]:
        table = drawn[int(figure[0])]
        own = {key[1:] for key in hidden if key[0] == figure[0]}
        assert exposed(table, own - {figure[1:]}), figure


def test_the_order_of_what_is_given_changes_nothing() -> None:
    system, primary, _ = many_tables(20)
    again = System(
        dict(reversed(system.cells.items())),
        dict(reversed(system.figures.items())),
        dict(reversed(system.targets.items())),
    )
    assert protect(again, sorted(primary, reverse=True)) == protect(system, primary)


def test_a_proof_that_lies_is_caught_by_the_last_attack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Witnesses, "prove", lambda self, component, keys: set())
    monkeypatch.setattr(Witnesses, "unproven", lambda self, keys: set())
    table = np.array([[5, 60, 70], [80, 90, 100], [60, 50, 40]])
    system, primary = system_of(table)
    system = System(
        system.cells, system.figures, {("cell", "0"): Target(frozenset({("0",)}), frozenset(), 11)}
    )
    hidden = primary | {("row", "0"), ("column", "0")}
    narrow = System(
        dict(system.cells) | {("both",): Cell(9, frozenset({("0",), ("extra",)}))},
        dict(system.figures) | {("both",): frozenset({("both",)})},
        system.targets,
    )
    with pytest.raises(ExposedCellError, match="cell / 0"):
        protect(narrow, hidden)
