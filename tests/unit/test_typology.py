"""The typology: equal to FactoMineR on the golden matrix, to hand computations, and to its own invariants."""

import itertools
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster

from observatory.errors import ObservatoryError
from observatory.typology import (
    Typology,
    TypologyError,
    choose_classes,
    classify,
    consolidate,
    cut,
    describe,
    inertia_gains,
    pca,
    ward,
)
from observatory.typology.ties import number_along_axis

GOLDEN = (
    Path(os.environ.get("OBSERVATORY_GOLDEN", Path(__file__).resolve().parents[3] / "shared" / "golden"))
    / "typologie"
)
NEEDS_GOLDEN = pytest.mark.skipif(
    not GOLDEN.is_dir(), reason="no FactoMineR results: set OBSERVATORY_GOLDEN to the folder that has them"
)
CLOSE = {"rtol": 0, "atol": 1e-6}
AXES = [f"Dim.{axis}" for axis in range(1, 6)]


@pytest.fixture(scope="module")
def golden() -> dict[str, Any]:
    return json.loads((GOLDEN / "factominer_2021.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def communes() -> pl.DataFrame:
    return pl.read_csv(GOLDEN / "matrice_2021.csv", schema_overrides={"code_commune": pl.String})


def run(frame: pl.DataFrame, **settings_: Any) -> Typology:
    id_column, *variables = frame.columns
    return classify(frame, id_column, variables, **settings_)


def table(values: np.ndarray, ids: list[str] | None = None) -> pl.DataFrame:
    names = [f"v{column}" for column in range(values.shape[1])]
    frame = pl.DataFrame(values, schema=names, orient="row")
    return frame.insert_column(0, pl.Series("id", ids or [f"{row:04d}" for row in range(len(values))]))


def blobs(seed: int, n: int, p: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(n, p)) + 3 * random.normal(size=(4, p))[random.integers(0, 4, n)]


# --- FactoMineR ---------------------------------------------------------------------------------------------


@NEEDS_GOLDEN
def test_golden_axes(golden: dict[str, Any], communes: pl.DataFrame) -> None:
    result, expected = run(communes, n_axes=5), golden["pca"]
    np.testing.assert_allclose(result.pca.eigenvalues, expected["eigenvalues"], **CLOSE)
    np.testing.assert_allclose(result.pca.explained_variance, expected["percent"], **CLOSE)
    assert result.matrix.ids.to_list() == [row["code"] for row in expected["ind_coord"]]
    individuals = np.array([[row[axis] for axis in AXES] for row in expected["ind_coord"]])
    variables = np.array([[row[axis] for axis in AXES] for row in expected["var_coord"]])
    # Axes are defined up to their sign; the convention is FactoMineR's, so not even that differs.
    np.testing.assert_allclose(result.pca.coordinates, individuals, **CLOSE)
    np.testing.assert_allclose(result.pca.correlations, variables, **CLOSE)


@NEEDS_GOLDEN
@pytest.mark.parametrize("consolidated", [True, False])
@pytest.mark.parametrize("k", [None, 4, 5, 6])
def test_golden_classes(
    golden: dict[str, Any], communes: pl.DataFrame, k: int | None, consolidated: bool
) -> None:
    expected = golden[f"k_{k or 'auto'}_{'consol' if consolidated else 'tree'}"]
    before = golden[f"k_{k or 'auto'}_tree"]["cluster"]
    result = run(communes.reverse(), n_axes=5, n_classes=k, consolidated=consolidated)
    assert result.matrix.ids.to_list() == expected["code"]
    assert result.n_classes == expected["k"]
    assert result.tree_classes.tolist() == before
    assert result.classes.tolist() == expected["cluster"]
    assert result.converged
    np.testing.assert_allclose(result.inertia_gains[:20], expected["inert_gain"], **CLOSE)
    within = result.inertia_gains.sum() - np.append(0, np.cumsum(result.inertia_gains))[:20]
    np.testing.assert_allclose(within, expected["within"], **CLOSE)
    total = result.inertia_gains.sum()
    assert result.between_before * total == pytest.approx(expected["bw_before"], abs=1e-6)
    if consolidated:
        assert result.between_after * total == pytest.approx(expected["bw_after"], abs=1e-6)
    _compare_description(result, expected)
    _compare_individuals(result.paragons_frame(), expected["para"])
    _compare_individuals(result.specifics_frame(), expected["dist"])


def _compare_description(result: Typology, expected: dict[str, Any]) -> None:
    rows = {(row["class"], row["variable"]): row for row in result.classes_frame().to_dicts()}
    names = {
        "v.test": "v_test",
        "Mean in category": "mean_in_class",
        "Overall mean": "overall_mean",
        "sd in category": "sd_in_class",
        "Overall sd": "overall_sd",
        "p.value": "p_value",
    }
    quoted = set()
    for label, lines in expected["desc_var"].items():
        for line in lines:
            quoted.add((int(label), line["variable"]))
            row = rows[int(label), line["variable"]]
            for theirs, ours in names.items():
                assert row[ours] == pytest.approx(line[theirs], rel=1e-8, abs=1e-6), (label, line, ours)
            assert row["p_value"] == pytest.approx(line["p.value"], rel=1e-6)
    # FactoMineR quotes what is significant at 5 %, and nothing else.
    assert quoted == {key for key, row in rows.items() if row["p_value"] <= 0.05}
    eta2 = {row["variable"]: row for row in result.eta2_frame().to_dicts()}
    for line in expected["eta2"]:
        assert eta2[line["variable"]]["eta2"] == pytest.approx(line["Eta2"], abs=1e-6)
        assert eta2[line["variable"]]["p_value"] == pytest.approx(line["P-value"], rel=1e-6)


def _compare_individuals(frame: pl.DataFrame, expected: dict[str, list[dict[str, Any]]]) -> None:
    assert frame["class"].unique().to_list() == [int(label) for label in expected]
    for label, lines in expected.items():
        ours = frame.filter(pl.col("class") == int(label)).sort("rank")
        assert ours["id"].to_list() == [line["code"] for line in lines]
        np.testing.assert_allclose(ours["distance"], [line["distance"] for line in lines], **CLOSE)


# --- By hand ------------------------------------------------------------------------------------------------


def test_two_correlated_variables() -> None:
    # Correlation 0.8: eigenvalues 1.8 and 0.2, axes (1, 1)/√2 and (1, -1)/√2.
    values = np.array([[1.0, 10.0], [2.0, 30.0], [3.0, 20.0], [4.0, 40.0]])
    result = pca(values, 2)
    np.testing.assert_allclose(result.eigenvalues, [1.8, 0.2])
    np.testing.assert_allclose(result.explained_variance, [90, 10])
    np.testing.assert_allclose(result.means, [2.5, 25])
    np.testing.assert_allclose(result.sds, [np.sqrt(1.25), np.sqrt(125)])
    # The second axis' loadings sum to zero: its first largest loading is positive.
    np.testing.assert_allclose(
        result.correlations, [[np.sqrt(0.9), np.sqrt(0.1)], [np.sqrt(0.9), -np.sqrt(0.1)]]
    )
    standardised = (values - [2.5, 25]) / result.sds
    np.testing.assert_allclose(result.coordinates[:, 0], standardised.sum(axis=1) / np.sqrt(2), atol=1e-12)


def test_tree_of_a_line() -> None:
    # 0 and 1 merge first (loss 0.5/5), then 10 and 12 (2/5), then 20 with 10-12 (54/5), then all (269.2/5).
    points = np.array([[12.0], [0.0], [20.0], [1.0], [10.0]])
    gains = inertia_gains(ward(points))
    within_classes = [0.5 / 5, (0.5 + 2) / 5, (0.5 + 2 + 54) / 5]
    np.testing.assert_allclose(np.cumsum(gains[::-1])[:3], within_classes)
    assert gains.sum() == pytest.approx(points.var())
    labels = cut(ward(points), 3)
    assert number_along_axis(labels, points).tolist() == [2, 1, 3, 1, 2]


def test_number_of_classes_by_hand() -> None:
    # W(1..6) = 22, 12, 6, 2, 1, 0.5 and W(7) = 0.
    gains = np.array([10.0, 6.0, 4.0, 1.0, 0.5, 0.5])
    assert choose_classes(gains, minimum=2, maximum=5) == 4  # W(4)/W(3) = 0.33
    assert choose_classes(gains, minimum=2, maximum=3) == 3  # W(3)/W(2) = 0.50 < W(2)/W(1) = 0.55
    assert choose_classes(gains, minimum=5, maximum=6) == 5  # 0.5 and 0.5: the smallest of equals
    assert choose_classes(gains, criterion="gain", minimum=2, maximum=5) == 4  # 4/1
    assert choose_classes(gains, criterion="gain", minimum=2, maximum=3) == 2  # 10/6 > 6/4
    assert choose_classes(gains, criterion="gain", minimum=5, maximum=5) == 5  # bounds are inclusive
    assert choose_classes(gains) == 4  # half of seven rows, rounded: 3 to 4


def test_number_of_classes_of_repeated_points() -> None:
    points = np.repeat([[0.0, 0.0], [5.0, 0.0], [0.0, 7.0]], 4, axis=0)
    gains = inertia_gains(ward(points))
    assert choose_classes(gains) == 3
    assert choose_classes(gains, criterion="gain") == 3
    with pytest.raises(TypologyError, match="dont 3 distinctes"):
        choose_classes(gains, minimum=4)


def test_v_tests_by_hand() -> None:
    # Overall mean 4, variance 40/6; class 1: mean 2, standard error √(40/6)·√((6-3)/5/3).
    values = np.array([[1.0], [2.0], [3.0], [4.0], [5.0], [9.0]])
    result = describe(values, np.array([1, 1, 1, 2, 2, 2]))
    np.testing.assert_allclose(result.means, [[2], [6]])
    np.testing.assert_allclose(result.sds, [[np.sqrt(2 / 3)], [np.sqrt(14 / 3)]])
    np.testing.assert_allclose(result.v_tests, [[-np.sqrt(3)], [np.sqrt(3)]])
    np.testing.assert_allclose(result.p_values, [[0.08326451666355], [0.08326451666355]])
    np.testing.assert_allclose(result.eta2, [24 / 40])
    # F(1, 4) = 6, that is the square of a Student's t with 4 degrees of freedom.
    np.testing.assert_allclose(result.eta2_p_values, [0.0704839965], rtol=1e-6)


def test_consolidation_goes_further_than_the_nearest_centre() -> None:
    # From centres 3.9 and 11.5, point 10 changes class and the centres become 2.375 and 11. Point 6.5 is
    # then closer to 2.375 (4.125 against 4.5), where Lloyd's algorithm leaves it, but joining the other
    # class adds 4.5² x 3/4 = 15.2 to the inertia and leaving its own saves 4.125² x 4/3 = 22.7.
    points = np.array([[0.0], [1.0], [2.0], [6.5], [10.0], [11.0], [12.0]])
    result = consolidate(points, np.array([1, 1, 1, 1, 1, 2, 2]))
    assert result.classes.tolist() == [1, 1, 1, 2, 2, 2, 2]
    assert result.converged


def test_frames_have_a_row_for_each() -> None:
    result = run(table(blobs(1, 40, 6)), n_axes=3, n_classes=4)
    assert result.individuals_frame().height == 40
    assert result.classes_frame().height == 4 * 6
    assert result.axes_frame()["kept"].to_list() == [True] * 3 + [False] * 3
    assert result.variables_frame()["variable"].to_list() == [f"v{column}" for column in range(6)]
    assert result.paragons_frame(2).height == 8


# --- Invariants ---------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 10_000), n=st.integers(12, 80), p=st.integers(3, 8), k=st.integers(2, 6))
@settings(deadline=None, max_examples=40)
def test_inertia_adds_up(seed: int, n: int, p: int, k: int) -> None:
    result = run(table(blobs(seed, n, p)), n_axes=3, n_classes=k)
    assert result.pca.eigenvalues.sum() == pytest.approx(p)
    assert result.pca.explained_variance.sum() == pytest.approx(100)
    np.testing.assert_allclose((result.pca.coordinates**2).mean(axis=0), result.pca.eigenvalues[:3])
    assert result.inertia_gains.sum() == pytest.approx(result.pca.eigenvalues[:3].sum())
    assert result.between_before == pytest.approx(
        result.inertia_gains[: k - 1].sum() / result.inertia_gains.sum()
    )
    assert result.between_after >= result.between_before - 1e-9
    between = sum(
        (result.classes == label).mean()
        * (result.pca.coordinates[result.classes == label].mean(axis=0) ** 2).sum()
        for label in range(1, k + 1)
    )
    assert result.between_after * result.inertia_gains.sum() == pytest.approx(between)
    sizes = np.bincount(result.classes)[1:]
    np.testing.assert_allclose(sizes @ result.description.means / n, result.pca.means, atol=1e-9)
    on_axis_1 = [result.pca.coordinates[result.classes == label, 0].mean() for label in range(1, k + 1)]
    assert on_axis_1 == sorted(on_axis_1)


# Few values on a small grid: equal distances, equal rows and equal inertias abound.
GRIDS = st.integers(8, 24).flatmap(
    lambda n: st.lists(st.tuples(*[st.integers(0, 2)] * 4), min_size=n, max_size=n)
)


@given(rows=GRIDS, data=st.data())
@settings(deadline=None, max_examples=80)
def test_the_order_of_rows_does_not_matter(rows: list[tuple[int, ...]], data: st.DataObject) -> None:
    frame = table(np.array(rows, dtype=float))
    shuffled = frame[data.draw(st.permutations(range(len(rows))))]
    criterion = data.draw(st.sampled_from(["within", "gain"]))
    try:
        result = run(frame, n_axes=2, criterion=criterion)
    except TypologyError as error:
        with pytest.raises(TypologyError) as caught:
            run(shuffled, n_axes=2, criterion=criterion)
        assert caught.value.rule == error.rule
        return
    other = run(shuffled, n_axes=2, criterion=criterion)
    for name in ("individuals_frame", "classes_frame", "axes_frame", "variables_frame", "eta2_frame"):
        assert getattr(result, name)().equals(getattr(other, name)())
    assert result.paragons_frame().equals(other.paragons_frame())
    assert result.specifics_frame().equals(other.specifics_frame())
    assert np.array_equal(result.tree, other.tree)


@given(seed=st.integers(0, 10_000), scale=st.sampled_from([1e-3, 1.0, 1e6]))
@settings(deadline=None, max_examples=20)
def test_units_do_not_matter(seed: int, scale: float) -> None:
    values = blobs(seed, 50, 5)
    result = run(table(values), n_axes=3, n_classes=4)
    other = run(table(values * scale + 7 * scale), n_axes=3, n_classes=4)
    assert np.array_equal(result.classes, other.classes)
    np.testing.assert_allclose(result.description.v_tests, other.description.v_tests, rtol=1e-6, atol=1e-9)


def test_equal_rows_share_their_class() -> None:
    values = np.repeat(blobs(3, 30, 4), 2, axis=0)
    result = run(table(values), n_axes=2, n_classes=5)
    assert np.array_equal(result.classes[::2], result.classes[1::2])


@given(seed=st.integers(0, 10_000), n=st.integers(5, 60), k=st.integers(2, 5))
@settings(deadline=None, max_examples=30)
def test_cut_is_scipys(seed: int, n: int, k: int) -> None:
    points = blobs(seed, n, 3)
    tree = ward(points)
    ours, theirs = cut(tree, k), fcluster(tree, k, "maxclust")
    assert len(set(zip(ours.tolist(), theirs.tolist(), strict=True))) == k == len(set(ours.tolist()))


def sequential_hartigan_wong(points: np.ndarray, centres: np.ndarray, rounds: int) -> list[int]:
    """AS 136 as published, one point at a time: live sets, optimal transfers, quick transfers."""
    n, k = len(points), len(centres)
    square = lambda i, label: float(((points[i] - centres[label]) ** 2).sum())  # noqa: E731
    ranked = [sorted(range(k), key=lambda label, i=i: square(i, label)) for i in range(n)]
    first, second = [row[0] for row in ranked], [row[1] for row in ranked]
    sizes = [first.count(label) for label in range(k)]
    centres = np.array([points[[own == label for own in first]].mean(axis=0) for label in range(k)])
    live, updated, still = [0] * k, [True] * k, 0

    def move(i: int, target: int) -> None:
        origin = first[i]
        centres[origin] = (centres[origin] * sizes[origin] - points[i]) / (sizes[origin] - 1)
        centres[target] = (centres[target] * sizes[target] + points[i]) / (sizes[target] + 1)
        sizes[origin] -= 1
        sizes[target] += 1
        first[i], second[i] = target, origin

    for _ in range(rounds):
        live = [n + 1 if updated[label] else live[label] for label in range(k)]
        for i in range(n):
            still += 1
            own = first[i]
            if sizes[own] > 1:
                saved = square(i, own) * sizes[own] / (sizes[own] - 1)
                best = second[i]
                cost = square(i, best) * sizes[best] / (sizes[best] + 1)
                for label in range(k):
                    if label in (own, second[i]) or (i + 1 >= live[own] and i + 1 >= live[label]):
                        continue
                    other = square(i, label) * sizes[label] / (sizes[label] + 1)
                    if other < cost:
                        best, cost = label, other
                if cost < saved:
                    still = 0
                    live[own] = live[best] = n + i + 1
                    move(i, best)
                else:
                    second[i] = best
            if still == n:
                return first
        updated, live = [False] * k, [bound - n for bound in live]
        quiet = 0
        for i in itertools.cycle(range(n)):
            own, target = first[i], second[i]
            quiet += 1
            if sizes[own] > 1 and (
                square(i, target) * sizes[target] / (sizes[target] + 1)
                < square(i, own) * sizes[own] / (sizes[own] - 1)
            ):
                quiet = still = 0
                updated[own] = updated[target] = True
                move(i, target)
            if quiet == n:
                break
        if k == 2:
            return first
    return first


@given(
    seed=st.integers(0, 10_000), n=st.integers(20, 200), k=st.integers(2, 6), rounds=st.sampled_from([1, 10])
)
@settings(deadline=None, max_examples=30)
def test_consolidation_is_the_published_algorithm(seed: int, n: int, k: int, rounds: int) -> None:
    points = np.round(np.sort(blobs(seed, n, 3), axis=0), 8)  # sorted along axis 1, as the package does
    random = np.random.default_rng(seed)
    start = number_along_axis(np.append(np.arange(k), random.integers(0, k, n - k)), points)
    centres = np.array([points[start == label].mean(axis=0) for label in range(1, k + 1)])
    try:
        result = consolidate(points, start, rounds=rounds)
    except TypologyError as error:
        assert "viderait une classe" in str(error)
        return
    expected = number_along_axis(np.array(sequential_hartigan_wong(points, centres, rounds)), points)
    assert np.array_equal(result.classes, expected)


def test_consolidation_says_when_it_stops_short() -> None:
    points = blobs(5, 400, 3)
    start = np.random.default_rng(5).integers(1, 7, 400)
    assert not consolidate(points, start, rounds=1).converged
    assert consolidate(points, start, rounds=100).converged


# --- Bad input ----------------------------------------------------------------------------------------------

GOOD = pl.DataFrame(
    {
        "code": ["62003", "62001", "62002", "62004", "62005"],
        "chomage": [9.0, 12.5, 14.0, 8.0, 21.0],
        "cadres": [10, 7, 6, 12, 3],
        "vacance": [5.0, 7.0, 6.0, 5.5, 11.0],
    }
)


def _set(name: str, row: int, value: Any) -> pl.DataFrame:
    column = GOOD[name].to_list()
    column[row] = value
    return GOOD.with_columns(pl.Series(name, column, strict=False))


@pytest.mark.parametrize(
    ("frame", "settings_", "column", "identifier", "row", "words"),
    [
        (_set("chomage", 2, None), {}, "chomage", "62002", 3, "la valeur manque"),
        (_set("chomage", 4, float("nan")), {}, "chomage", "62005", 5, "la valeur manque"),
        (_set("vacance", 1, float("inf")), {}, "vacance", "62001", 2, "infinie"),
        (_set("vacance", 0, -float("inf")), {}, "vacance", "62003", 1, "infinie"),
        (_set("vacance", 0, 1e200), {}, "vacance", "62003", 1, "démesurée"),
        (
            GOOD.with_columns(vacance=pl.Series(["5", "7", "s", "5", "1"])),
            {},
            "vacance",
            "62002",
            3,
            "numérique",
        ),
        (GOOD.with_columns(vacance=pl.col("vacance") > 6), {}, "vacance", None, None, "numérique"),
        (GOOD.with_columns(vacance=pl.lit(0.1)), {}, "vacance", None, None, "constante"),
        (GOOD.with_columns(vacance=pl.col("chomage")), {}, "vacance", None, None, "répète « chomage »"),
        (GOOD.with_columns(vacance=pl.col("chomage") / 100), {}, "vacance", None, None, "à l’unité près"),
        (_set("code", 3, "62001"), {}, "code", "62001", 4, "déjà celui d’une ligne précédente"),
        (_set("code", 3, None), {}, "code", None, 4, "l’identifiant manque"),
        (GOOD.drop("vacance"), {}, "vacance", None, None, "n’a pas cette colonne"),
        (GOOD.drop("code"), {}, "code", None, None, "n’a pas cette colonne"),
        (
            GOOD,
            {"n_classes": 6},
            None,
            None,
            None,
            "la table compte 5 ligne(s) pour 6 classes",
        ),
        (
            pl.concat([GOOD, GOOD.with_columns(pl.col("code") + "bis")]),
            {"n_classes": 6},
            None,
            None,
            None,
            "6 classe(s) demandée(s) pour 10 lignes, dont 5 distinctes",
        ),
        (GOOD.head(2), {}, None, None, None, "2 ligne(s) pour 3 classes"),
        (GOOD, {"n_classes": 1}, None, None, None, "entre 2 et 5"),
        (GOOD, {"n_axes": 4}, None, None, None, "3 dimension(s)"),
        (GOOD, {"n_axes": 1}, None, None, None, "au moins deux axes"),
        (GOOD, {"minimum": 3, "maximum": 5}, None, None, None, "entre 3 et 5 pour 5 lignes"),
        (GOOD, {"minimum": 4, "maximum": 3}, None, None, None, "entre 4 et 3"),
        (GOOD, {"criterion": "coude"}, None, None, None, "« coude » est inconnu"),
        (GOOD.head(1), {}, None, None, None, "1 ligne(s)"),
    ],
)
def test_bad_input_is_named(
    frame: pl.DataFrame,
    settings_: dict[str, Any],
    column: str | None,
    identifier: str | None,
    row: int | None,
    words: str,
) -> None:
    with pytest.raises(TypologyError) as caught:
        classify(frame, "code", ["chomage", "cadres", "vacance"], **({"n_axes": 2} | settings_))
    error = caught.value
    assert isinstance(error, ObservatoryError)
    assert (error.column, error.identifier, error.row) == (column, identifier, row)
    message = str(error).replace("\u202f", " ")
    assert words in message
    assert "Que faire : " in message
    for name in (column, identifier):
        assert name is None or f"« {name} »" in message


def test_variables_named_twice_or_alone_are_refused() -> None:
    with pytest.raises(TypologyError, match="deux fois"):
        classify(GOOD, "code", ["chomage", "cadres", "chomage"], n_axes=2)
    with pytest.raises(TypologyError, match="au moins deux variables"):
        classify(GOOD, "code", ["chomage"], n_axes=2)


def test_as_many_classes_as_rows() -> None:
    result = classify(GOOD, "code", ["chomage", "cadres", "vacance"], n_axes=2, n_classes=5)
    assert sorted(result.classes.tolist()) == [1, 2, 3, 4, 5]
    assert result.eta2_frame()["p_value"].null_count() == 3
    np.testing.assert_allclose(result.distance_to_own, 0, atol=1e-12)
