"""Comparisons, ranks, changes and strips: published values of the methods, hand computations, invariants."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from observatory.rendering.changes import Change, base_vintage
from observatory.rendering.charts import scale
from observatory.rendering.comparisons import Judgement, Outcome, difference, judge, wilson
from observatory.rendering.figures import Figure, Indicator
from observatory.rendering.marks import COMPARISON_MARKS, FRAGILE, legend, mark_of
from observatory.rendering.ranks import SMALLEST_RANKING, Ranking

RATE = Indicator(
    "i", 1, "l", "t", "f", "%", 1, "lower_is_better", "with_parents", (), "ratio", ("commune",), (2017, 2022),
    "c", False, None, None, None, True, 20, "raison", 5, (), (), "note", "{value} des logements sont vacants",
)  # fmt: skip


def rate(part: float, whole: float, indicator: Indicator = RATE, **more: object) -> Figure:
    figure = Figure(
        indicator, 2022, part / whole * 100, "published", False, "COG 2026", (), float(part), float(whole)
    )
    return replace(figure, **more)


# R. G. Newcombe, Statistics in Medicine, 17 (1998), p. 857-872, table I, method 3: the score intervals of the
# four examples; and 20 of 100, worked out by hand.
@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 100, 0.1334, 0.2888),
    ],
)
def test_score_intervals_are_those_published(part: float, whole: float, low: float, high: float) -> None:
    assert wilson(part, whole) == pytest.approx((low, high), abs=5e-5)


# The same author, p. 873-890, table II, method 10.
@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)
def test_intervals_of_differences_are_those_published(one, other, low: float, high: float) -> None:
    assert difference(one, other) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10**6), st.floats(0, 1))
def test_a_score_interval_is_where_the_score_test_rejects(whole: int, share: float) -> None:
    part = round(share * whole)
    low, high = wilson(part, whole)
    assert 0 <= low <= part / whole <= high <= 1
    for bound in (low, high):
        if 0 < bound < 1:
            score = (part / whole - bound) ** 2 / (bound * (1 - bound) / whole)
            assert score == pytest.approx(1.959963984540054**2, rel=1e-4)


@pytest.mark.parametrize(
    ("polarity", "value", "outcome", "sign"),
    [
        # 20 of 100 is from 13.3 to 28.9 %.
        ("lower_is_better", 29.0, Outcome.BETTER, "▽"),
        ("lower_is_better", 13.0, Outcome.WORSE, "▲"),
        ("higher_is_better", 29.0, Outcome.WORSE, "▼"),
        ("higher_is_better", 13.0, Outcome.BETTER, "△"),
        ("neutral", 29.0, Outcome.LOWER, "↓"),
        ("neutral", 13.0, Outcome.HIGHER, "↑"),
        ("neutral", 28.8, Outcome.SIMILAR, "≈"),
        ("lower_is_better", 13.4, Outcome.SIMILAR, "≈"),
    ],
)
def test_outcomes_follow_the_interval_and_the_polarity(polarity, value, outcome, sign) -> None:
    indicator = replace(RATE, polarity=polarity)
    found = judge(rate(20, 100, indicator), rate(value * 10, 1000, indicator))
    assert (found.outcome, found.reason) == (outcome, "")
    assert found.gap == pytest.approx(20 - value)
    assert mark_of(found).sign == sign


def test_a_gap_that_rounding_hides_is_not_told() -> None:
    # Over ten million, 20.00 % is told apart from 19.96 %, and both are written 20,0.
    subject, other = rate(2_000_000, 10_000_000), rate(1_996_000, 10_000_000)
    assert wilson(2_000_000, 10_000_000)[0] * 100 > other.value
    assert subject.text == other.text
    assert judge(subject, other).outcome is Outcome.SIMILAR


ALONE = replace(RATE, proportion=False)
COUNT = replace(RATE, comparison="not_compared", aggregation="sum", unit="logements", proportion=False)


@pytest.mark.parametrize(
    ("subject", "other", "reason", "gap"),
    [
        (rate(20, 100, ALONE), rate(30, 100, ALONE), "aucun intervalle", True),
        (rate(20, 100, COUNT), rate(30, 100, COUNT), "taille du territoire", False),
        (rate(2, 10), rate(30, 100), "fragile", True),
        (rate(20, 100), rate(3, 10), "fragile", True),
        (rate(20, 100), rate(30, 100, fictive=True), "fictif", False),
        (rate(20, 100), rate(30, 100, vintage=2021), "millésimes", False),
        (rate(20, 100), rate(30, 100, value=None, status="secret"), "publiée", False),
        (rate(20, 100, value=None, numerator=None, denominator=None), rate(30, 100), "publiée", False),
        (rate(20, 100, numerator=None, denominator=None), rate(30, 100), "aucun intervalle", True),
    ],
)
def test_what_must_not_be_compared_says_why(subject, other, reason: str, gap: bool) -> None:
    found = judge(subject, other)
    assert found.outcome is Outcome.NOT_COMPARED
    assert reason in found.reason
    assert (found.gap is not None) is gap
    assert mark_of(found) is None


def test_a_territory_is_not_compared_with_itself() -> None:
    found = judge(rate(20, 100), rate(20, 100), same_territory=True)
    assert (found.outcome, found.gap) == (Outcome.NOT_COMPARED, None)


def test_fictive_figures_are_compared_with_one_another() -> None:
    assert judge(rate(20, 100, fictive=True), rate(50, 100, fictive=True)).outcome is Outcome.BETTER


@given(st.integers(20, 5000), st.integers(0, 5000), st.floats(0, 100))
def test_the_sign_is_the_direction_of_the_gap(whole, part, value) -> None:
    assume(part <= whole)
    found = judge(rate(part, whole), rate(value, 100))
    mark = mark_of(found)
    if found.outcome is not Outcome.SIMILAR:
        assert mark.sign in ("▲" if found.gap > 0 else "▽")


def test_the_legend_has_the_marks_used_and_no_other() -> None:
    shown = [
        rate(20, 100),
        rate(2, 10),
        rate(2, 10, value=None, numerator=None, denominator=None, status="secret"),
    ]
    found = legend(shown, [None, Judgement(Outcome.SIMILAR, 0.1), Judgement(Outcome.NOT_COMPARED)])
    assert [mark.sign for mark in found] == ["≈", "fragile", "secret"]
    assert FRAGILE in found
    assert len({mark.sign for mark in COMPARISON_MARKS}) == len(COMPARISON_MARKS)


def test_ranks_worked_out_by_hand() -> None:
    values = {"a": 5.0, "b": 1.0, "c": 5.0, "d": 9.0, "e": 2.0, "f": 7.0}
    high = Ranking("commune", "neutral", values)
    assert [(high.rank(code).position, high.rank(code).tied) for code in "dfaceb"] == [
        (1, False), (2, False), (3, True), (3, True), (5, False), (6, False),
    ]  # fmt: skip
    low = Ranking("commune", "lower_is_better", values)
    assert [low.rank(code).position for code in "beacfd"] == [1, 2, 3, 3, 5, 6]
    assert [high.rank(code).quarter for code in "beacfd"] == [1, 1, 2, 2, 3, 4]
    # Positions 1.25, 2.5 and 3.75 of 1, 2, 5, 5, 7, 9.
    assert high.quartiles == pytest.approx((2.75, 5.0, 6.5))
    assert high.rank("z") is None


def test_too_few_values_have_no_rank() -> None:
    values = {str(number): float(number) for number in range(SMALLEST_RANKING)}
    assert Ranking("cite", "neutral", values).rank("1") is not None
    values.popitem()
    assert Ranking("cite", "neutral", values).rank("1") is None


@given(
    st.dictionaries(st.text(min_size=1, max_size=3), st.integers(-50, 50), min_size=5, max_size=40),
    st.sampled_from(["neutral", "lower_is_better", "higher_is_better"]),
)
def test_a_rank_counts_those_that_do_better(values, polarity) -> None:
    ranking = Ranking("commune", polarity, {code: float(value) for code, value in values.items()})
    for code, value in values.items():
        rank = ranking.rank(code)
        ahead = [other for other in values.values() if (other < value) == (polarity == "lower_is_better")]
        assert rank.position == 1 + sum(other != value for other in ahead)
        assert rank.among == len(values)
        assert rank.tied == (list(values.values()).count(value) > 1)


@given(st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=130))
def test_a_strip_keeps_the_order_of_the_values(values) -> None:
    ranking = Ranking("cite", "neutral", {str(place): value for place, value in enumerate(values)})
    drawn = scale(ranking, 0)
    across = [drawn.across(value) for value in sorted(values)]
    assert across == sorted(across)
    strip = drawn.strip(rate(1, 2, value=values[0]))
    low, high = strip.ends
    assert low <= strip.subject <= high
    assert list(strip.quartiles) == sorted(strip.quartiles)
    assert strip.dots.count("M") == (len(values) if len(values) <= 100 else 0)


@pytest.mark.parametrize(
    ("vintages", "interval", "breaks", "base"),
    [
        ((2017, 2018, 2021, 2022), 5, (), 2017),
        ((2018, 2019, 2020, 2021, 2022, 2023), 5, (), 2018),
        ((1999, 2006, 2011, 2016, 2021), 5, (), 2016),
        ((2015, 2016, 2017, 2019, 2021), 5, (2023,), 2016),
        ((2015, 2016, 2021, 2023), 5, (2023,), None),
        ((2019, 2020, 2024), 1, (), 2020),
        ((2019, 2020), 5, (), None),
        ((2017, 2022), None, (), None),
    ],
)
def test_the_base_is_the_most_recent_vintage_far_enough(vintages, interval, breaks, base) -> None:
    indicator = replace(RATE, vintages=vintages, shortest_interval=interval, breaks=breaks)
    assert base_vintage(indicator) == base


def test_an_exceptional_vintage_is_no_base() -> None:
    deaths = replace(RATE, vintages=(2019, 2020, 2024), shortest_interval=1, exceptional=(2020, 2021, 2022))
    assert base_vintage(deaths) == 2019
    assert base_vintage(replace(deaths, exceptional=())) == 2020


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Change(2017, 2022, 0.6, "points"), "+0,6\u00a0pt"),
        (Change(2017, 2022, -3.06, "points"), "\u22123,1\u00a0pt"),
        (Change(2017, 2022, 0.04, "percent"), "0,0\u00a0%"),
        (Change(2017, 2022, -0.04, "percent"), "0,0\u00a0%"),
        (Change(None, 2022, reason="raison"), ""),
    ],
)
def test_changes_are_written_with_their_sign(change: Change, text: str) -> None:
    assert change.text == text
