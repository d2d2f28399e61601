"""The passage between years: conservation through any events, memory of mergers, refusals."""

import polars as pl
import pytest
from geography_chains import FIRST, LAST, START, chains, events, history_of, populations, two_years
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.geography import aggregate, build_history, build_passage, check_passage, compose
from observatory.geography.flows import MissingShareError
from observatory.geography.history import AbsentCommuneError, OutOfHistoryError, SameDayError
from observatory.geography.passage import RatioError

A, B, C = "01001", "01002", "01003"
MERGER = (("2003-01-01", "merger", A, A), ("2003-01-01", "merger", B, A))
RESTORED = (("2006-05-01", "restoration", A, A), ("2006-05-01", "restoration", A, B))


def pairs(passage: pl.DataFrame) -> dict[tuple[str, str], float]:
    return {(row["code_from"], row["code_to"]): row["ratio"] for row in passage.iter_rows(named=True)}


@given(chains(), two_years())
@settings(max_examples=150, deadline=None)
def test_every_commune_goes_whole_to_communes_that_exist(chain, years):
    history, codes_of, people = chain
    start, stop = years
    passage = build_passage(history, codes_of[start], start, stop, people)
    sums = passage.group_by("code_from").agg(pl.col("ratio").sum())
    assert set(sums["code_from"]) == codes_of[start]
    assert sums["ratio"].to_list() == pytest.approx([1.0] * sums.height, abs=1e-12)
    assert set(passage["code_to"]) == codes_of[stop]
    assert passage["ratio"].is_between(0, 1, closed="right").all()


@given(chains(), two_years(), st.data())
@settings(max_examples=100, deadline=None)
def test_totals_go_through_any_chain_of_events(chain, years, data):
    history, codes_of, people = chain
    start, stop = years
    codes = sorted(codes_of[start])
    values = [data.draw(st.integers(0, 10**7)) for _ in codes]
    figures = pl.DataFrame({"code": codes, "count": values})
    passage = build_passage(history, codes, start, stop, people)
    moved = aggregate(figures, passage, counts=["count"]).figures
    assert moved["count"].sum() == pytest.approx(sum(values), rel=1e-12)
    assert moved["code"].to_list() == sorted(codes_of[stop])


@given(chains(kinds=("merger", "recode", "name")), st.tuples(*[st.integers(FIRST, LAST)] * 3))
@settings(max_examples=100, deadline=None)
def test_mergers_compose(chain, years):
    history, codes_of, _ = chain
    a, b, c = sorted(years)
    through = compose(build_passage(history, codes_of[a], a, b), build_passage(history, codes_of[b], b, c))
    assert pairs(through) == pairs(build_passage(history, codes_of[a], a, c))


@given(chains(), two_years())
@settings(max_examples=60, deadline=None)
def test_going_and_coming_back_keeps_the_total(chain, years):
    history, codes_of, people = chain
    start, stop = years
    figures = people.filter(pl.col("cog_year") == start).select("code", "population")
    there = aggregate(
        figures, build_passage(history, codes_of[start], start, stop, people), counts=["population"]
    ).figures
    back = aggregate(
        there.select("code", "population"),
        build_passage(history, codes_of[stop], stop, start, people),
        counts=["population"],
    ).figures
    assert back["population"].sum() == pytest.approx(float(figures["population"].sum()), rel=1e-12)
    assert set(back["code"]) == codes_of[start]


@given(chains(), two_years(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_rows_changes_nothing(chain, years, random):
    history, codes_of, people = chain
    start, stop = years
    codes = sorted(codes_of[start])
    expected = build_passage(history, codes, start, stop, people)
    rows = list(history.events.iter_rows())
    random.shuffle(rows)
    random.shuffle(codes)
    shuffled = pl.DataFrame(rows, schema=history.events.schema, orient="row")
    other = build_history(shuffled, LAST, FIRST)
    assert build_passage(other, codes, start, stop, people.sample(fraction=1, shuffle=True, seed=1)).equals(
        expected
    )


def test_a_merger_is_undone_by_the_populations_before_it():
    history = history_of(*MERGER)
    people = populations((2001, A, 999), (2002, A, 300), (2002, B, 100), (2004, A, 500))
    back = build_passage(history, [A], 2004, 2002, people)
    assert pairs(back) == {(A, A): 0.75, (A, B): 0.25}
    assert back["kind"].to_list() == ["split", "split"]
    assert back["estimated"].to_list() == [True, True]


def test_a_split_is_shared_by_the_populations_after_it():
    history = history_of(*RESTORED)
    people = populations((2006, A, 1), (2007, A, 900), (2007, B, 100), (2009, A, 1), (2009, B, 1))
    assert pairs(build_passage(history, [A], 2006, 2008, people)) == {(A, A): 0.9, (A, B): 0.1}


def test_a_restored_commune_gets_back_what_it_brought_without_populations():
    history = history_of(*MERGER, *RESTORED)
    passage = build_passage(history, [A, B], 2002, 2008)
    assert pairs(passage) == {(A, A): 1.0, (B, B): 1.0}
    assert passage["kind"].to_list() == ["restored", "restored"]
    assert passage["estimated"].to_list() == [False, False]


def test_what_a_commune_lost_between_the_event_and_the_population_is_added():
    # B enters A in 2003, then C in 2005: the shares of A + B against C in 2004 count B with A.
    history = history_of(*MERGER, ("2005-01-01", "merger", A, A), ("2005-01-01", "merger", C, A))
    people = populations((2002, A, 300), (2002, B, 100), (2002, C, 600))
    assert pairs(build_passage(history, [A], 2006, 2004, people)) == {(A, A): 0.4, (A, C): 0.6}


def test_a_commune_asked_for_alone_says_with_which_it_merges():
    passage = build_passage(history_of(*MERGER), [B], 2001, 2005)
    row = passage.row(0, named=True)
    assert (row["code_to"], row["kind"], row["merged_with"]) == (A, "merged", [A])
    assert row["date"].isoformat() == "2003-01-01"
    assert (
        row["reason"] == "01/01/2003, fusion simple\u202f: N01001 (01001) + N01002 (01002) → N01001 (01001)"
    )


def test_an_event_of_the_first_of_january_belongs_to_that_year():
    history = history_of(*MERGER)
    assert build_passage(history, [B], 2002, 2003)["code_to"].to_list() == [A]
    with pytest.raises(AbsentCommuneError, match=r"1er janvier 2003.*01002"):
        build_passage(history, [B], 2003, 2004)


def test_names_and_codes_move_nothing():
    history = history_of(("2003-02-01", "name", A, A), ("2004-02-01", "department_change", B, "02002"))
    passage = build_passage(history, [A, B, C], 2002, 2008)
    assert pairs(passage) == {(A, A): 1.0, (B, "02002"): 1.0, (C, C): 1.0}
    assert passage["kind"].to_list() == ["renamed", "recoded", "unchanged"]
    assert pairs(build_passage(history, ["02002"], 2008, 2002)) == {("02002", B): 1.0}


def test_a_code_change_and_a_merger_of_one_day_follow_each_other():
    # As Freigné on 1 January 2018: from Maine-et-Loire to Loire-Atlantique, then into Vallons-de-l'Erdre.
    history = history_of(
        ("2005-01-01", "department_change", A, "02001"),
        ("2005-01-01", "new_commune", "02001", C),
        ("2005-01-01", "new_commune", C, C),
    )
    assert pairs(build_passage(history, [A, C], 2004, 2006)) == {(A, C): 1.0, (C, C): 1.0}


def test_events_of_one_day_without_an_order_are_refused():
    history = history_of(("2005-01-01", "merger", A, B), ("2005-01-01", "merger", B, C))
    with pytest.raises(SameDayError, match="01002"):
        _ = history.steps


def test_a_split_without_populations_is_refused():
    with pytest.raises(MissingShareError, match=r"01/05/2006.*01001, 01002"):
        build_passage(history_of(*RESTORED), [A], 2005, 2008)


def test_years_that_the_events_do_not_reach_are_refused():
    history = history_of(*MERGER)
    with pytest.raises(OutOfHistoryError, match="commencent en 2000"):
        build_passage(history, [A], 1999, 2005)
    with pytest.raises(OutOfHistoryError, match="s’arrêtent au COG 2012"):
        build_passage(history, [A], 2005, 2013)


def test_lists_of_communes_carry_the_history_further():
    lists = pl.DataFrame({"cog_year": [2012, 2012, 2013, 2013, 2014], "commune_code": [A, C, A, C, A]})
    history = build_history(events(*MERGER), 2012, FIRST, lists)
    assert build_passage(history, [A, B, C], 2002, 2013)["code_to"].to_list() == [A, A, C]
    assert build_passage(history, [A], 2014, 2004)["code_to"].to_list() == [A]
    with pytest.raises(OutOfHistoryError, match="01003"):
        build_passage(history, [C], 2004, 2014)


def test_ratios_that_do_not_sum_to_one_are_refused():
    broken = build_passage(history_of(*MERGER), START, 2001, 2005).with_columns(ratio=pl.lit(0.5))
    with pytest.raises(RatioError, match="01001"):
        check_passage(broken)
    with pytest.raises(RatioError, match="01002"):
        compose(build_passage(history_of(), [B], 2001, 2002), build_passage(history_of(), [A], 2002, 2003))
