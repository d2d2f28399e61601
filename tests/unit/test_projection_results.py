"""Summaries, effects and what may be published of a projection."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.errors import ObservatoryError
from observatory.projection import Cohorts, expect, simulate
from observatory.projection.assumptions import Assumptions, BySex, Gap, InKind, LettingAgain, Steps
from observatory.projection.effects import amounts, benefits, recomposition
from observatory.projection.guard import LEAST, large_enough, rounded, shown_years
from observatory.projection.mortality import OLDEST, Surface
from observatory.projection.responses import persons, quantities, responses
from observatory.projection.summary import summary
from observatory.tables.projection import ALONE, DRAWN

AGES = OLDEST + 1
NEVER, ALWAYS = (Steps(ages=(0,), values=(value,)) for value in (0.0, 1.0))
RULES = Assumptions(
    married=BySex(women=NEVER, men=ALWAYS),
    gap=Gap(years=(2,), shares=(1.0,)),
    institution=BySex(women=NEVER, men=NEVER),
    reverted=0.5,
    in_kind=InKind(heating=1000, housing=2000),
    let_again=LettingAgain(share=0.9, year=2040),
)


def mortality(years: int) -> Surface:
    hazard = 3e-5 * np.exp(0.1 * np.arange(AGES))
    values = np.broadcast_to(1 - np.exp(-hazard)[None, :, None], (2, AGES, years)).copy()
    values[:, OLDEST] = 1
    return Surface(2025, values)


def town(numbers: dict[int, int], kind: int = 1, sex: int = 0) -> np.ndarray:
    counts = np.zeros((3, 2, AGES))
    for age, number in numbers.items():
        counts[kind, sex, age] = number
    return counts


def test_parts_sum_to_the_whole_draw_by_draw_and_in_expectation() -> None:
    start = Cohorts(2025, ("a", "b"), np.stack([town({75: 30, 85: 20}), town({70: 60}, kind=0, sex=1)]))
    drawn, exact = (simulate(start, mortality(10), RULES, 400, 3), expect(start, mortality(10), RULES))
    table = summary(exact, drawn, {"a": [0], "b": [1], "ab": [0, 1]}, [2030, 2035])
    assert table.height == 3 * len(DRAWN + ALONE) * 2
    wide = table.pivot("territory", index=["quantity", "year"], values="expected")
    assert (wide["a"] + wide["b"]).to_list() == pytest.approx(wide["ab"].to_list())
    by_hand = np.sort(drawn.beneficiaries[:, :, 5].sum(axis=1))
    row = table.row(
        by_predicate=(pl.col("territory") == "ab")
        & (pl.col("quantity") == "beneficiaries")
        & (pl.col("year") == 2030),
        named=True,
    )
    # The 40th, 200th and 360th of 400 draws.
    assert [row["low"], row["median"], row["high"]] == [by_hand[39], by_hand[199], by_hand[359]]
    freed = table.filter(territory="ab", quantity="freed", year=2035)["median"].item()
    assert freed == np.sort(drawn.freed.sum(axis=(1, 2)))[199]


def test_benefits_by_hand() -> None:
    # He dies in the first year and leaves half of 600 €; she keeps her own 400 € until she dies a year later.
    values = np.zeros((2, AGES, 2))
    values[1, :, 0], values[0, :, 1] = 1, 1
    rows = pl.DataFrame(
        {
            "place": ["a", "a", "a"],
            "kind": ["former_miner", "surviving_spouse", "surviving_spouse"],
            "sex": ["M", "F", "F"],
            "birth_year": [1944, 1944, 1944],
            "heating": [600.0, 400.0, None],
        }
    )
    start = Cohorts(2025, ("a",), town({80: 3})[None])
    assert benefits(rows, "heating", start, Surface(2025, values), RULES).tolist() == [[1000, 700, 0]]


def test_freed_dwellings_are_let_as_they_are_today() -> None:
    values = np.full((2, AGES, 1), 0.5)
    found = recomposition(
        expect(Cohorts(2025, ("a",), town({80: 40})[None]), Surface(2025, values), RULES),
        place=0,
        others=25,
        profile={"under_30": 0.25, "from_30": 0.75},
        let_again=0.9,
    )
    assert found.beneficiaries.tolist() == [40, 20]
    assert found.newcomers["under_30"].tolist() == pytest.approx([0, 4.5])
    assert found.newcomers["from_30"].tolist() == pytest.approx([0, 13.5])
    assert found.empty.tolist() == pytest.approx([0, 2])
    total = found.beneficiaries + sum(found.newcomers.values()) + found.empty
    assert total.tolist() == pytest.approx([40, 40])
    with pytest.raises(ObservatoryError, match="somme est 1"):
        recomposition(
            expect(Cohorts(2025, ("a",), town({80: 40})[None]), Surface(2025, values), RULES),
            0,
            1,
            {"x": 0.5},
            1,
        )


def test_only_years_after_the_start_and_tens_are_published() -> None:
    assert shown_years(2025, 26) == [2030, 2035, 2040, 2045, 2050]
    frame = pl.DataFrame({"expected": [1.0], "low": [4.0], "median": [5.0], "high": [14.9]})
    assert rounded(frame).row(0) == (0, 10, 10)


def test_a_small_territory_and_a_small_remainder_are_not_projected() -> None:
    whole = {
        "epci": frozenset(range(4)),
        "grande": frozenset({0}),
        "petite": frozenset({1}),
        "moyenne": frozenset({2}),
    }
    parts = {"epci": ["grande", "petite", "moyenne"]}
    assert large_enough({"epci": 300, "grande": 150, "petite": 20, "moyenne": 60}, parts, whole) == {
        "epci",
        "grande",
        "moyenne",
    }
    # 300 - 150 - 120 leaves 30 persons: the smaller of the two goes.
    assert large_enough({"epci": 300, "grande": 150, "petite": None, "moyenne": 120}, parts, whole) == {
        "epci",
        "grande",
    }


@given(
    totals=st.lists(st.one_of(st.none(), st.integers(0, 400)), min_size=4, max_size=4),
    rest=st.integers(0, 200),
)
@settings(max_examples=200, deadline=None)
def test_no_remainder_of_a_published_whole_is_small(totals, rest) -> None:
    names = [f"cite-{rank}" for rank in range(4)]
    whole = {name: frozenset({rank}) for rank, name in enumerate(names)} | {"epci": frozenset(range(5))}
    known = dict(zip(names, totals, strict=True)) | {"epci": sum(one or 0 for one in totals) + rest}
    kept = large_enough(known, {"epci": names}, whole)
    assert all((known[name] or 0) >= LEAST for name in kept)
    inside = [name for name in names if name in kept]
    if "epci" in kept and inside:
        left = known["epci"] - sum(known[name] for name in inside)
        assert left == 0 or left >= LEAST


def test_a_benefit_in_kind_is_worth_what_is_assumed_unless_delivered() -> None:
    rows = pl.DataFrame(
        {
            "heating_benefit": ["cash", "in_kind", "in_kind", "none", "cash"],
            "heating_amount": [600.0, None, 250.0, None, None],
        }
    )
    assert amounts(rows, "heating", "cash", RULES).to_list() == [600, 0, 0, 0, 0]
    assert amounts(rows, "heating", "in_kind", RULES).to_list() == [0, 1000, 250, 0, 0]


def test_persons_of_cells_make_the_expectation_of_a_place() -> None:
    start = Cohorts(
        2025,
        ("a", "b"),
        np.stack([town({75: 30, 85: 20}), town({70: 60}, kind=0, sex=1) + town({66: 4}, kind=2)]),
    )
    exact = quantities(expect(start, mortality(10), RULES))
    found = persons(start) @ responses(mortality(10), RULES, [2030, 2035])
    assert found == pytest.approx(np.concatenate([one[:, [5, 10]] for one in exact.values()], axis=1))
    assert tuple(exact) == DRAWN + ALONE
