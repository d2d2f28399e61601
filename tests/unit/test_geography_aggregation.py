"""Figures on another geography: what is summed, what is refused, and why."""

import polars as pl
import pytest
from geography_chains import history_of, populations

from observatory.geography import aggregate, build_passage
from observatory.geography.aggregation import IncompleteCommuneError, NotAdditiveError, StrayCommuneError

A, B, C, D = "01001", "01002", "01003", "01004"
HISTORY = history_of(
    ("2003-01-01", "merger", A, A),
    ("2003-01-01", "merger", B, A),
    ("2004-01-01", "creation", C, C),
    ("2004-01-01", "creation", C, "01100"),
)
PASSAGE = build_passage(HISTORY, [A, B, C, D], 2002, 2005, populations((2004, C, 750), (2004, "01100", 250)))
FIGURES = pl.DataFrame(
    {
        "code": [A, B, C, D],
        "poor": [10, 30, 8, 5],
        "people": [100, 100, 40, 50],
        "median": [15_000.0, 20_000.0, 17_000.0, 18_000.0],
    }
)


def by_code(frame: pl.DataFrame, column: str) -> dict[str, object]:
    return dict(frame.select("code", column).iter_rows())


def test_counts_are_summed_and_shared_and_shares_are_flagged():
    figures = aggregate(FIGURES, PASSAGE, counts=["poor", "people"]).figures
    assert by_code(figures, "people") == {A: 200, C: 30, "01100": 10, D: 50}
    assert by_code(figures, "estimated") == {A: False, C: True, "01100": True, D: False}


def test_a_rate_comes_from_its_summed_terms():
    done = aggregate(FIGURES, PASSAGE, counts=["poor", "people"], rates={"rate": ("poor", "people")})
    # 40 poor of 200: the mean of 10 % and 30 % weighs the same here, so C tells them apart from a mean.
    assert by_code(done.figures, "rate") == pytest.approx({A: 0.2, C: 0.2, "01100": 0.2, D: 0.1})
    uneven = FIGURES.with_columns(people=pl.Series([100, 300, 40, 0]))
    done = aggregate(uneven, PASSAGE, counts=["poor", "people"], rates={"rate": ("poor", "people")})
    assert by_code(done.figures, "rate")[A] == pytest.approx(0.1)
    assert by_code(done.figures, "rate")[D] is None


def test_a_median_is_refused_where_communes_merge_or_split_and_passes_elsewhere():
    with pytest.raises(
        NotAdditiveError, match=r"Commune 01001, « median ».*médiane ne se somme ni ne se partage"
    ):
        aggregate(FIGURES, PASSAGE, not_additive={"median": "une médiane"})
    done = aggregate(FIGURES, PASSAGE, not_additive={"median": "une médiane"}, refuse=False)
    assert by_code(done.figures, "median") == {A: None, C: None, "01100": None, D: 18_000.0}
    assert done.refused["code"].to_list() == [A, C, "01100"]
    assert done.refused["reason"].to_list() == [
        "une médiane ne se somme ni ne se partage, et elle réunit plusieurs communes (01001, 01002)",
        "une médiane ne se somme ni ne se partage, et elle reçoit une part d’une commune partagée (01003)",
        "une médiane ne se somme ni ne se partage, et elle reçoit une part d’une commune partagée (01003)",
    ]


def test_a_sum_with_an_absent_part_is_absent():
    holed = FIGURES.with_columns(people=pl.Series([100, None, 40, None]))
    figures = aggregate(holed, PASSAGE, counts=["people"]).figures
    assert by_code(figures, "people") == {A: None, C: 30, "01100": 10, D: None}


def test_a_commune_without_one_of_its_parts_is_refused():
    partial = FIGURES.filter(pl.col("code") != B)
    with pytest.raises(IncompleteCommuneError, match=r"Commune 01001.*01002, qui entrent"):
        aggregate(partial, PASSAGE, counts=["people"])
    done = aggregate(partial, PASSAGE, counts=["people"], refuse=False)
    assert by_code(done.figures, "people") == {A: None, C: 30, "01100": 10, D: 50}
    assert done.refused.rows() == [
        (A, "people", "il manque les chiffres de 01002, qui entrent dans cette commune")
    ]


def test_a_part_that_was_not_asked_for_is_missed_too():
    alone = build_passage(HISTORY, [A], 2002, 2005)
    with pytest.raises(IncompleteCommuneError, match="01002"):
        aggregate(FIGURES.filter(pl.col("code") == A), alone, counts=["people"])


def test_strangers_and_doubles_are_refused():
    with pytest.raises(StrayCommuneError, match="01004"):
        aggregate(FIGURES, PASSAGE.filter(pl.col("code_from") != D), counts=["people"])
    with pytest.raises(StrayCommuneError, match=r"plusieurs fois.*01001"):
        aggregate(pl.concat([FIGURES, FIGURES.head(1)]), PASSAGE, counts=["people"])
