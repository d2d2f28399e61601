"""Random linked tables: nothing comes out, and little more is hidden than the exact optimum."""

import itertools

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from observatory.disclosure.linked import ExposedCellError, protect
from observatory.disclosure.system import Cell, System, Target

MINIMUM = 11


def cells_of(table: np.ndarray) -> dict[tuple[str, ...], list[int]]:
    """Inner cells, margins and total of a table: key -> positions that they sum."""
    rows, columns = table.shape
    place = np.arange(table.size).reshape(table.shape)
    found = {("cell", str(n)): [n] for n in range(table.size)}
    found |= {("row", str(n)): list(place[n]) for n in range(rows)}
    found |= {("column", str(n)): list(place[:, n]) for n in range(columns)}
    return found | {("total",): list(range(table.size))}


def exposed(table: np.ndarray, hidden: set) -> bool:
    """Solve in plain terms, from the matrix of the table, an attacker that shares no code."""
    cells = cells_of(table)
    values = table.ravel()
    shown = [places for key, places in cells.items() if key not in hidden]
    matrix = np.array([[float(n in places) for n in range(table.size)] for places in shown])
    totals = [values[places].sum() for places in shown]
    for places in cells.values():
        if not 0 < values[places].sum() < MINIMUM:
            continue
        form = np.array([float(n in places) for n in range(table.size)])
        ends = [
            linprog(sign * form, A_eq=matrix, b_eq=totals, bounds=(0, 1e6), method="highs").fun
            for sign in (1, -1)
        ]
        if -ends[1] - ends[0] < MINIMUM - 1e-6:
            return True
    return False


def system_of(table: np.ndarray) -> tuple[System, set]:
    values = table.ravel()
    cells = {
        key: Cell(float(values[places].sum()), frozenset((str(n),) for n in places))
        for key, places in cells_of(table).items()
    }
    small = {key: cell for key, cell in cells.items() if 0 < cell.value < MINIMUM}
    targets = {key: Target(cell.variables, frozenset(), MINIMUM) for key, cell in small.items()}
    return System(cells, {key: frozenset({key}) for key in cells}, targets), set(small)


@st.composite
def tables(draw: st.DrawFn, most: int = 4) -> np.ndarray:
    shape = draw(st.integers(2, most)), draw(st.integers(2, 4))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    scale = draw(st.sampled_from([12, 30, 80]))
    return np.round(random.lognormal(0, 1, shape) * scale).astype(int)


def runs(number: int) -> settings:
    return settings(
        max_examples=number, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
    )


@runs(60)
@given(tables(most=6))
def test_no_cell_of_a_table_is_recovered(table: np.ndarray) -> None:
    system, primary = system_of(table)
    try:
        hidden = set(protect(system, primary))
    except ExposedCellError:
        # Nothing but zeros beside it: it cannot be covered, and is not published.
        return
    assert not exposed(table, hidden)


@runs(25)
@given(tables(most=3))
def test_suppression_is_within_a_third_of_the_exact_optimum(table: np.ndarray) -> None:
    """Every smaller set of suppressions is tried, against the plain attacker."""
    system, primary = system_of(table)
    try:
        hidden = set(protect(system, primary))
    except ExposedCellError:
        return
    free = [key for key in system.cells if key not in primary and system.cells[key].value > 0]
    for size in range(len(free) + 1):
        if any(not exposed(table, primary | set(some)) for some in itertools.combinations(free, size)):
            break
        if len(hidden) <= 1.3 * (len(primary) + size + 1):
            return
    assert len(hidden) <= 1.3 * (len(primary) + size)
