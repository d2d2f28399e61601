"""The guard of the projections against an attacker who reads all tables together."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from observatory.projection import Surface
from observatory.projection.assumptions import Assumptions, BySex, Gap, InKind, LettingAgain, Steps
from observatory.projection.guard import (
    BASE,
    LEAST,
    WIDTH,
    Published,
    large_enough,
    reaches,
    shown_years,
    withdrawn,
)
from observatory.projection.mortality import OLDEST
from observatory.projection.responses import CELLS, all_cells, responses

AGES = OLDEST + 1
NEVER = Steps(ages=(0,), values=(0.0,))
RULES = Assumptions(
    married=BySex(women=NEVER, men=Steps(ages=(0,), values=(0.6,))),
    gap=Gap(years=(2,), shares=(1.0,)),
    institution=BySex(women=NEVER, men=NEVER),
    in_kind=InKind(heating=1000, housing=2000),
    let_again=LettingAgain(share=0.9, year=2040),
)
YEARS = shown_years(2025, 25)


def mortality() -> Surface:
    hazard = 3e-5 * np.exp(0.1 * np.arange(AGES))
    values = np.broadcast_to(1 - np.exp(-hazard)[None, :, None], (2, AGES, 25)).copy()
    values[:, OLDEST] = 1
    return Surface(2025, values)


RESPONSES = responses(mortality(), RULES, YEARS)
REACH = reaches(4 * len(YEARS), 2 * len(YEARS))
CELL = all_cells()


def town(*groups: tuple[int, int, int, int]) -> np.ndarray:
    """Make persons by cell from (kind, sex, age, number)."""
    persons = np.zeros(CELLS)
    for kind, sex, age, number in groups:
        persons[(CELL.kind == kind) & (CELL.sex == sex) & (CELL.age == age)] += number
    return persons


def publication(places: list[np.ndarray], whole: dict[str, set[int]]) -> Published:
    persons = np.stack(places)
    parts = {name: [other for other, own in whole.items() if own < inside] for name, inside in whole.items()}
    places_of = {name: frozenset(inside) for name, inside in whole.items()}
    totals = {name: round(persons[sorted(inside)].sum()) for name, inside in whole.items()}
    kept = large_enough(totals, parts, places_of)
    tables = {
        name: np.floor(persons[sorted(places_of[name])].sum(axis=0) @ RESPONSES / BASE + 0.5) * BASE
        for name in sorted(kept)
    }
    return Published(persons, RESPONSES, tables, places_of, REACH)


def known_within(published: Published, names: set[str], target: set[int], group: np.ndarray) -> float:
    """Return within how much an attacker who reads the tables of ``names`` knows a group of a target.

    He knows every total and supposes any ages from 30 on.
    """
    likely = np.flatnonzero(CELL.age >= 30)
    number = len(published.persons)

    def line(places: frozenset[int] | set[int], weights: np.ndarray) -> np.ndarray:
        return np.concatenate([weights[likely] * (place in places) for place in range(number)])

    totals = [line(inside, np.ones(CELLS)) for inside in published.whole.values()]
    sums = [published.persons[sorted(inside)].sum() for inside in published.whole.values()]
    rows = [line(published.whole[name], row) for name in sorted(names) for row in RESPONSES.T]
    tables = np.concatenate([published.tables[name] for name in sorted(names)])
    reach = np.tile(REACH, len(names))
    ends = []
    for sign in (1.0, -1.0):
        found = linprog(
            sign * line(target, group),
            np.concatenate([rows, np.negative(rows)]),
            np.concatenate([tables + reach, reach - tables]),
            np.stack(totals),
            sums,
            method="highs",
        )
        assert found.success, found.message
        ends.append(sign * found.fun)
    return ends[1] - ends[0]


def widows_of_sixty() -> Published:
    """Make a whole of two parts, of which the smaller is all of one age."""
    generator = np.random.default_rng(0)
    ages = generator.integers(0, 2, 150), generator.integers(0, 2, 150)
    mixed = zip(*ages, np.clip(generator.normal(78, 9, 150), 50, 105).astype(int), strict=True)
    other = town(*((int(kind), int(sex), int(age), 1) for kind, sex, age in mixed))
    return publication([town((1, 0, 60, 52)), other], {"whole": {0, 1}, "widows": {0}, "other": {1}})


def test_what_a_withdrawn_table_told_cannot_be_had_by_subtraction() -> None:
    published, groups = widows_of_sixty(), CELL.groups()
    # Table by table, the widows alone are given away.
    alone = {
        name
        for name, inside in published.whole.items()
        if min(known_within(published, {name}, set(inside), group) for group in groups.values()) < WIDTH
    }
    assert alone == {"widows"}
    left = set(published.tables) - alone
    assert known_within(published, left, {0}, groups["from_90"]) < WIDTH - 1
    found = withdrawn(published)
    assert found.keys() > alone
    left = set(published.tables) - found.keys()
    assert left, "the guard may not simply publish nothing"
    for inside in published.whole.values():
        for name, group in groups.items():
            assert known_within(published, left, set(inside), group) >= WIDTH - 1e-6, name


def test_nothing_more_than_needed_is_withdrawn() -> None:
    published = widows_of_sixty()
    found = withdrawn(published)
    for name in found:
        left = set(published.tables) - (found.keys() - {name})
        assert any(
            known_within(published, left, set(inside), group) < WIDTH
            for inside in published.whole.values()
            for group in CELL.groups().values()
        )


def told_apart(published: Published, names: set[str], target: set[int]) -> bool:
    """Return whether the published territories tell each place of a target from each other place."""
    others = set(range(len(published.persons))) - target
    return all(
        any((inner in published.whole[name]) != (outer in published.whole[name]) for name in names)
        for inner in target
        for outer in others
    )


TREE = {"basin": {0, 1, 2, 3}, "a": {0, 1, 2}, "b": {3}, "a1": {0, 1}, "a2": {2}, "c": {1}}


@given(data=st.data())
@settings(max_examples=8, deadline=None)
def test_no_group_of_any_territory_is_known_too_well(data) -> None:
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    places = []
    for _ in range(4):
        size, mean = data.draw(st.integers(8, 160)), data.draw(st.integers(58, 92))
        ages = np.clip(generator.normal(mean, data.draw(st.integers(0, 9)), size), 45, 105).astype(int)
        kinds = generator.random(size) < data.draw(st.floats(0, 1))
        places.append(
            town(*((int(kind), int(1 - kind), int(age), 1) for kind, age in zip(kinds, ages, strict=True)))
        )
    published = publication(places, TREE)
    found = withdrawn(published)
    left = set(published.tables) - found.keys()
    if not left:
        return
    name = data.draw(st.sampled_from([*sorted(found), *TREE, "0", "0 2"]))
    target = TREE[name] if name in TREE else {int(place) for place in name.split()}
    looked_for = CELL.groups()
    # What a withdrawn table told is looked for where neighbours could be taken away from what holds it.
    if name in found and told_apart(published, left, target):
        looked_for |= {f"row {rank}": row for rank, row in enumerate(RESPONSES.T)}
    what, group = data.draw(st.sampled_from(list(looked_for.items())))
    total = sum(places[place].sum() for place in target)
    assert known_within(published, left, target, group) >= min(WIDTH, total * np.ptp(group)) - 1e-6, what


def test_a_part_that_lies_in_several_is_no_remainder_twice() -> None:
    # The cité lies in both communes: taking it away first would hide that 100 - 70 leaves 30 persons.
    whole = {
        "epci": frozenset(range(5)),
        "commune": frozenset({0, 1}),
        "cite": frozenset({1, 2, 3}),
    }
    totals = {"epci": 100, "commune": 70, "cite": 55}
    kept = large_enough(totals, {"epci": ["commune", "cite"]}, whole)
    assert "commune" not in kept
    assert LEAST == 50


def test_a_table_out_of_reach_of_its_own_persons_leaves_no_room() -> None:
    published = publication([town((1, 0, 75, 80))], {"whole": {0}})
    far = {name: table + 3 * BASE for name, table in published.tables.items()}
    wrong = Published(published.persons, published.responses, far, published.whole, published.reach)
    room = wrong.room("whole")
    assert (room.lower == 0).all()
    assert (room.upper >= 3 * BASE).all()
