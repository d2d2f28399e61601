"""Trajectories: a case worked by hand, the reference year itself, common drifts, additivity, bad input."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.typology import Typology, TypologyError, classify
from observatory.typology.trajectories import BORDERLINE, Trajectories, trace

GOLDEN = (
    Path(os.environ.get("OBSERVATORY_GOLDEN", Path(__file__).resolve().parents[3] / "shared" / "golden"))
    / "typologie"
)
NEEDS_GOLDEN = pytest.mark.skipif(
    not GOLDEN.is_dir(), reason="no reference matrix: set OBSERVATORY_GOLDEN to the folder that has it"
)

# Means 0, deviations √26, correlation 12/13. Two classes, of centres (-5, -5) and (5, 5); border x + y = 0.
SQUARE = pl.DataFrame({"code": ["A", "B", "C", "D"], "x": [-6.0, -4, 4, 6], "y": [-4.0, -6, 6, 4]})


@pytest.fixture(scope="module")
def square() -> Typology:
    return classify(SQUARE, "code", ["x", "y"], n_axes=2, n_classes=2)


@pytest.fixture(scope="module")
def communes() -> pl.DataFrame:
    return pl.read_csv(GOLDEN / "matrice_2021.csv", schema_overrides={"code_commune": pl.String})


def to_2022(reference: Typology, frame: pl.DataFrame) -> Trajectories:
    return trace(reference, frame, "code", reference_year=2017, other_year=2022)


def clouds(seed: int, n: int = 40, p: int = 4) -> tuple[Typology, pl.DataFrame]:
    """Return a typology in three classes, and another vintage of its variables."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(n, p)) + 2 * random.normal(size=(3, p))[random.integers(0, 3, n)]
    names = [f"v{column}" for column in range(p)]
    frame = pl.DataFrame(values, schema=names, orient="row").with_row_index("code")
    later = frame.with_columns(pl.col(name) + random.normal(scale=0.7, size=n) for name in names)
    return classify(frame, "code", names, n_axes=3, n_classes=3), later


# --- By hand ------------------------------------------------------------------------------------------------


def test_a_move_by_hand(square: Typology) -> None:
    # A goes from (-6, -4) to (3, 1), B stays, C has no y, D is gone, E is new.
    later = pl.DataFrame(
        {"code": ["E", "C", "B", "A"], "x": [0.0, 4, -4, 3], "y": [0.0, None, -6, 1]}, strict=False
    )
    followed = to_2022(square, later)
    assert followed.excluded.rows() == [
        ("C", "valeur manquante en 2022\u202f: «\u202fy\u202f»"),
        ("D", "absent du millésime 2022"),
        ("E", "absent de la typologie de 2017"),
    ]
    moved, stayed = followed.individuals_frame().to_dicts()
    unit = np.sqrt(26)
    assert (moved["id"], moved["class_before"], moved["class_after"], moved["moved"]) == ("A", 1, 2, True)
    assert (stayed["id"], stayed["class_before"], stayed["class_after"], stayed["moved"]) == (
        "B",
        1,
        1,
        False,
    )
    assert moved["own_before"] == pytest.approx(np.sqrt(1 + 1) / unit)
    assert moved["next_before"] == pytest.approx(np.sqrt(121 + 81) / unit)
    assert moved["own_after"] == pytest.approx(np.sqrt(4 + 16) / unit)
    assert moved["next_after"] == pytest.approx(np.sqrt(64 + 36) / unit)
    assert moved["ratio_after"] == pytest.approx(np.sqrt(20 / 100))
    assert not moved["borderline"]
    assert moved["displacement"] == pytest.approx(np.sqrt(81 + 25) / unit)
    assert moved["axis_1_after"] == pytest.approx(4 / np.sqrt(2) / unit)
    assert stayed["displacement"] == 0
    # The common shift is (4.5, 2.5): relative to it A ends at (-1.5, -1.5) and B at (-8.5, -8.5).
    assert followed.shift_frame()["shift"].to_list() == pytest.approx([4.5, 2.5])
    assert followed.shift_frame()["standardised_shift"].to_list() == pytest.approx([4.5 / unit, 2.5 / unit])
    assert (moved["class_before_net"], moved["class_after_net"], moved["moved_net"]) == (1, 1, False)
    assert moved["displacement_net"] == pytest.approx(np.sqrt(4.5**2 + 2.5**2) / unit)
    assert stayed["displacement_net"] == pytest.approx(moved["displacement_net"])
    assert followed.flows_frame().rows() == [(1, 1, 1, 0.5), (1, 2, 1, 0.5), (2, 1, 0, None), (2, 2, 0, None)]
    assert followed.flows_frame(net=True)["count"].to_list() == [2, 0, 0, 0]


def test_what_drives_a_move_by_hand(square: Typology) -> None:
    # D = |y - a|² - |y - b|² goes from (2 - 202)/26 to (100 - 20)/26: 280/26, of which 2·9·10/26 by x and
    # 2·5·10/26 by y.
    later = SQUARE.with_columns(x=pl.Series([3.0, -4, 4, 6]), y=pl.Series([1.0, -6, 6, 4]))
    frame = to_2022(square, later).contributions_frame()
    assert frame.select("id", "class_before", "class_after", "variable").rows() == [
        ("A", 1, 2, "x"),
        ("A", 1, 2, "y"),
    ]
    np.testing.assert_allclose(frame["change"], [9, 5])
    np.testing.assert_allclose(frame["standardised_change"], [9 / np.sqrt(26), 5 / np.sqrt(26)])
    np.testing.assert_allclose(frame["contribution"], [180 / 26, 100 / 26])
    np.testing.assert_allclose(frame["share"], [9 / 14, 5 / 14])


def test_an_earlier_vintage_is_before(square: Typology) -> None:
    earlier = SQUARE.with_columns(x=pl.Series([3.0, -4, 4, 6]), y=pl.Series([1.0, -6, 6, 4]))
    followed = trace(square, earlier, "code", reference_year=2022, other_year=2017)
    moved = followed.individuals_frame().row(0, named=True)
    assert (moved["class_before"], moved["class_after"]) == (2, 1)
    assert moved["axis_1_before"] == pytest.approx(4 / np.sqrt(52))
    # The reference year stays where it is; the drift goes forward in time.
    assert moved["class_after_net"] == 1
    assert followed.shift_frame()["shift"].to_list() == pytest.approx([-9 / 4, -5 / 4])
    np.testing.assert_allclose(followed.contributions_frame()["change"], [-9, -5])
    np.testing.assert_allclose(followed.contributions_frame()["share"], [9 / 14, 5 / 14])


def test_borderline_from_nine_tenths_at_either_date(square: Typology) -> None:
    # On the line x = y = t the distances to (-5, -5) and (5, 5) are as 5 + t and 5 - t: ratio 0.9 at -5/19.
    for t, expected in ((-5 / 19 - 1e-6, False), (-5 / 19 + 1e-6, True), (5 / 19 - 1e-6, True), (1.0, False)):
        later = SQUARE.with_columns(x=pl.Series([t, -4.0, 4, 6]), y=pl.Series([t, -6.0, 6, 4]))
        row = to_2022(square, later).individuals_frame().row(0, named=True)
        assert row["borderline"] is expected
        assert (row["ratio_after"] >= BORDERLINE) is expected
        assert row["moved"] is (t > 0)
    back = trace(
        square,
        SQUARE.with_columns(x=pl.Series([0.1, -4.0, 4, 6]), y=pl.Series([0.1, -6.0, 6, 4])),
        "code",
        reference_year=2022,
        other_year=2017,
    )
    assert back.individuals_frame()["borderline"].to_list() == [True, False, False, False]


# --- Invariants ---------------------------------------------------------------------------------------------


@NEEDS_GOLDEN
@pytest.mark.parametrize("k", [4, 5, 6])
def test_the_reference_year_itself_does_not_move(communes: pl.DataFrame, k: int) -> None:
    reference = classify(communes, "code_commune", communes.columns[1:], n_axes=5, n_classes=k)
    followed = trace(reference, communes, "code_commune", reference_year=2021, other_year=2016)
    frame = followed.individuals_frame()
    assert frame["id"].to_list() == reference.matrix.ids.to_list()
    assert frame["class_before"].to_list() == frame["class_after"].to_list() == reference.classes.tolist()
    assert not frame["moved"].any()
    assert frame["displacement"].max() == frame["displacement_net"].max() == 0
    np.testing.assert_allclose(frame["own_before"], reference.distance_to_own, atol=1e-9)
    np.testing.assert_allclose(frame["next_after"], reference.distance_to_next, atol=1e-9)
    np.testing.assert_allclose(frame["axis_2_after"], reference.pca.coordinates[:, 1], atol=1e-9)
    assert followed.excluded.is_empty()
    assert followed.contributions_frame().is_empty()
    diagonal = followed.flows_frame().filter(pl.col("class_before") == pl.col("class_after"))
    assert diagonal["count"].to_list() == np.bincount(reference.classes)[1:].tolist()


@NEEDS_GOLDEN
def test_a_common_drift_moves_nobody_net(communes: pl.DataFrame) -> None:
    variables = communes.columns[1:]
    reference = classify(communes, "code_commune", variables, n_axes=5, n_classes=5)
    drifted = communes.with_columns(pl.col(name) + 0.8 * communes[name].std(ddof=0) for name in variables)
    followed = trace(reference, drifted, "code_commune", reference_year=2016, other_year=2021)
    frame = followed.individuals_frame()
    assert frame["moved"].any()
    assert not frame["moved_net"].any()
    np.testing.assert_allclose(frame["displacement_net"], 0, atol=1e-9)
    np.testing.assert_allclose(followed.shift_frame()["standardised_shift"], 0.8)
    # Everyone covers the same distance.
    assert np.ptp(frame["displacement"].to_numpy()) < 1e-9
    assert followed.contributions_frame(net=True).is_empty()


@given(seed=st.integers(0, 10_000), net=st.booleans(), earlier=st.booleans())
@settings(deadline=None, max_examples=40)
def test_contributions_add_up_to_the_change_of_the_balance(seed: int, net: bool, earlier: bool) -> None:
    reference, other = clouds(seed)
    years = {"reference_year": 2022, "other_year": 2017 if earlier else 2027}
    followed = trace(reference, other, "code", **years)
    before, after = followed.placements(net=net)
    frame = followed.contributions_frame(net=net)
    assert frame["id"].unique().sort().to_list() == np.flatnonzero(before.classes != after.classes).tolist()
    for (row,), part in frame.group_by("id"):
        left, joined = reference.centres[np.array([before.classes[row], after.classes[row]]) - 1]
        balance = [
            ((place.coordinates[row] - left) ** 2).sum() - ((place.coordinates[row] - joined) ** 2).sum()
            for place in (before, after)
        ]
        assert balance[0] < 0 < balance[1]
        assert part["contribution"].sum() == pytest.approx(balance[1] - balance[0])
        assert part["share"].sum() == pytest.approx(1)


@given(seed=st.integers(0, 10_000))
@settings(deadline=None, max_examples=25)
def test_flows_are_those_of_the_individuals_whatever_the_order_of_the_rows(seed: int) -> None:
    reference, later = clouds(seed)
    followed = to_2022(reference, later)
    frame = followed.individuals_frame()
    for net, suffix in ((False, ""), (True, "_net")):
        flows = followed.flows_frame(net=net)
        assert flows.height == 9
        assert flows["count"].sum() == frame.height
        moved = flows.filter(pl.col("class_before") != pl.col("class_after"))["count"].sum()
        assert moved == frame[f"moved{suffix}"].sum()
        leaving = flows.group_by("class_before").agg(pl.col("share").sum(), pl.col("count").sum())
        np.testing.assert_allclose(leaving.filter(pl.col("count") > 0)["share"], 1)
    other = to_2022(reference, later.sample(fraction=1.0, shuffle=True, seed=seed))
    assert other.individuals_frame().equals(frame)
    assert other.contributions_frame().equals(followed.contributions_frame())
    net_before, net_after = followed.placements(net=True)
    np.testing.assert_allclose((net_after.coordinates - net_before.coordinates).mean(axis=0), 0, atol=1e-12)


# --- Bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "years", "column", "identifier", "words"),
    [
        (SQUARE, (2017, 2021), None, None, "les millésimes 2017 et 2021 sont distants de 4 an(s)"),
        (SQUARE, (2022, 2018), None, None, "d’au moins 5 ans"),
        (SQUARE.drop("y"), (2017, 2022), "y", None, "n’a pas cette colonne"),
        (SQUARE.drop("code"), (2017, 2022), "code", None, "n’a pas cette colonne"),
        (
            SQUARE.with_columns(x=pl.Series([0.0, float("inf"), 0, 0])),
            (2017, 2022),
            "x",
            "B",
            "infinie",
        ),
        (SQUARE.with_columns(y=pl.Series(["1", "2", "s", "4"])), (2017, 2022), "y", "C", "numérique"),
        (SQUARE.with_columns(code=pl.Series(["A", "B", "C", "A"])), (2017, 2022), "code", "A", "identifiant"),
        (SQUARE.with_columns(code=pl.Series([1, 2, 3, 4])), (2017, 2022), "code", None, "Int64"),
        (SQUARE.with_columns(code=pl.col("code") + "bis"), (2017, 2022), "code", None, "aucun individu"),
        (SQUARE.with_columns(x=pl.lit(None, pl.Float64)), (2017, 2022), "code", None, "aucun individu"),
    ],
)
def test_bad_input_is_named(
    square: Typology,
    frame: pl.DataFrame,
    years: tuple[int, int],
    column: str | None,
    identifier: str | None,
    words: str,
) -> None:
    with pytest.raises(TypologyError) as caught:
        trace(square, frame, "code", reference_year=years[0], other_year=years[1])
    error: Any = caught.value
    assert (error.column, error.identifier) == (column, identifier)
    message = str(error).replace("\u202f", " ")
    assert words in message
    assert "Que faire : " in message
