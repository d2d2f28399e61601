"""Stability and sensitivity of the classes: clouds whose answer is known, hand computations, FactoMineR."""

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.typology import Typology, TypologyError, classify
from observatory.typology.sensitivity import adjusted_rand, sensitivity_frame, share_moved
from observatory.typology.stability import bootstrap_jaccard, chance_frame, stability_frame, verdict

GOLDEN = (
    Path(os.environ.get("OBSERVATORY_GOLDEN", Path(__file__).resolve().parents[3] / "shared" / "golden"))
    / "typologie"
)
NEEDS_GOLDEN = pytest.mark.skipif(
    not GOLDEN.is_dir(), reason="no reference matrix: set OBSERVATORY_GOLDEN to the folder that has it"
)


def typology(values: np.ndarray, *, n_axes: int = 2, n_classes: int = 3, reverse: bool = False) -> Typology:
    names = [f"v{column}" for column in range(values.shape[1])]
    frame = pl.DataFrame(values, schema=names, orient="row").with_row_index("id")
    return classify(frame.reverse() if reverse else frame, "id", names, n_axes=n_axes, n_classes=n_classes)


def separated() -> np.ndarray:
    """Return three groups of 20 rows, a hundred of their own standard deviations apart."""
    centres = np.repeat([[0.0, 0.0, 0.0], [10.0, 0.0, 5.0], [0.0, 10.0, 5.0]], 20, axis=0)
    return centres + np.random.default_rng(1).normal(scale=0.1, size=centres.shape)


def noise(n: int = 120, p: int = 6) -> np.ndarray:
    return np.random.default_rng(3).uniform(size=(n, p))


@pytest.fixture(scope="module")
def communes() -> Typology:
    frame = pl.read_csv(GOLDEN / "matrice_2021.csv", schema_overrides={"code_commune": pl.String})
    return classify(frame, "code_commune", frame.columns[1:], n_axes=5, n_classes=4)


# --- Draws of the individuals -------------------------------------------------------------------------------


def test_separated_groups_are_always_found_again() -> None:
    frame = stability_frame(typology(separated()), 30)
    assert frame["size"].to_list() == [20, 20, 20]
    assert frame["jaccard"].to_list() == [1.0, 1.0, 1.0]
    assert frame["standard_error"].to_list() == [0.0, 0.0, 0.0]
    assert frame["recovered"].to_list() == [1.0, 1.0, 1.0]
    assert frame["dissolved"].to_list() == [0.0, 0.0, 0.0]
    assert frame["verdict"].unique().to_list() == ["très stable"]


def test_classes_of_noise_are_unstable() -> None:
    frame = stability_frame(typology(noise(), n_axes=4, n_classes=6), 30)
    assert frame["jaccard"].max() < 0.6
    assert frame["dissolved"].min() > 0.3
    assert frame["verdict"].unique().to_list() == ["instable"]


def test_a_class_of_one_is_found_when_it_is_drawn() -> None:
    # The outlier is alone each time it is drawn (similarity 1) and scores 0 otherwise: 1 - (1 - 1/n)^n.
    values = np.vstack([separated()[:40], [[200.0, -300.0, 100.0]]])
    frame = stability_frame(typology(values), 400, seed=5)
    alone = frame.filter(pl.col("size") == 1)
    drawn = 1 - (1 - 1 / 41) ** 41
    assert alone["jaccard"].item() == pytest.approx(drawn, abs=3 * np.sqrt(drawn * (1 - drawn) / 400))
    assert alone["jaccard"].item() == alone["recovered"].item()
    assert alone["recovered"].item() + alone["dissolved"].item() == pytest.approx(1)


def test_impossible_draws_are_counted_and_score_nothing() -> None:
    # A variable that only one of twelve rows varies is constant in the draws without that row.
    values = np.random.default_rng(2).normal(size=(12, 3))
    values[:, 2] = [1.0] + [0.0] * 11
    frame = stability_frame(typology(values, n_classes=2), 400, seed=8)
    (impossible,) = frame["impossible_draws"].unique()
    expected = (1 - 1 / 12) ** 12
    assert impossible / 400 == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 400))
    assert frame["jaccard"].max() <= 1 - impossible / 400
    assert frame["dissolved"].min() >= impossible / 400


@NEEDS_GOLDEN
def test_communes_as_factominer(communes: Typology) -> None:
    # FactoMineR's PCA and HCPC (k = 4) redone in R on 100 draws of the distinct rows, by a separate script.
    frame = stability_frame(communes, 200)
    np.testing.assert_allclose(frame["jaccard"], [0.857, 0.590, 0.595, 0.650], rtol=0, atol=0.06)
    np.testing.assert_allclose(frame["dissolved"], [0.00, 0.44, 0.46, 0.32], rtol=0, atol=0.15)
    np.testing.assert_allclose(frame["recovered"], [0.92, 0.37, 0.29, 0.35], rtol=0, atol=0.15)
    assert frame["standard_error"].max() < 0.02


def test_same_seed_same_result_whatever_the_order_of_the_rows() -> None:
    values = noise(60, 4)
    result = typology(values)
    assert bootstrap_jaccard(result, 10) == bootstrap_jaccard(typology(values, reverse=True), 10)
    assert bootstrap_jaccard(result, 10) != bootstrap_jaccard(result, 10, seed=1)
    assert list(bootstrap_jaccard(result, 10).values()) == stability_frame(result, 10)["jaccard"].to_list()


def test_draws_follow_weights_and_consolidation() -> None:
    values = noise(60, 4)
    names = ["a", "b", "c", "d"]
    frame = pl.DataFrame(values, schema=names, orient="row").with_row_index("id")
    frame = frame.with_columns(even=pl.lit(7.0), uneven=np.linspace(1, 30, 60))
    settings_ = {"n_axes": 2, "n_classes": 3}
    plain = stability_frame(classify(frame, "id", names, **settings_), 10)
    even = stability_frame(classify(frame, "id", names, weights="even", **settings_), 10)
    assert even.equals(plain)
    uneven = classify(frame, "id", names, weights="uneven", **settings_)
    tree = classify(frame, "id", names, consolidated=False, **settings_)
    for result, kept in ((uneven, {"weights": "uneven"}), (tree, {"consolidated": False})):
        other = classify(frame, "id", names[1:], **settings_, **kept)
        row = sensitivity_frame(result).row(0, named=True)
        assert row["adjusted_rand"] == pytest.approx(adjusted_rand(result.classes, other.classes))
        assert not stability_frame(result, 10).equals(plain)


def test_verdicts_begin_at_their_threshold() -> None:
    words = {1.0: "très stable", 0.85: "très stable", 0.8499: "stable", 0.75: "stable", 0.7499: "moyenne"}
    words |= {0.6: "moyenne", 0.5999: "instable", 0.0: "instable"}
    assert {value: verdict(value) for value in words} == words


def test_one_draw_is_refused() -> None:
    with pytest.raises(TypologyError, match=r"1 tirage\(s\)"):
        bootstrap_jaccard(typology(separated()), 1)


# --- Random tables ------------------------------------------------------------------------------------------


def test_structure_beats_chance_and_noise_does_not() -> None:
    strong = chance_frame(typology(separated()), n_tables=9, n_bootstrap=5)
    assert strong["statistic"].to_list() == ["between_inertia_ratio", "mean_jaccard"]
    assert strong["share_as_high"].to_list() == [0.1, 0.1]  # none of nine random tables does as well
    assert (strong["observed"] > strong["random_high"]).all()
    assert strong["observed"][1] == 1.0
    # Columns of noise are already independent: permuting them again changes nothing on average.
    weak = chance_frame(typology(noise(), n_axes=4, n_classes=4), n_tables=9, n_bootstrap=5)
    assert weak["share_as_high"].min() > 0.1
    assert (weak["random_low"] <= weak["random_median"]).all()
    assert (weak["random_median"] <= weak["random_high"]).all()


def test_chance_is_seeded() -> None:
    result = typology(noise(50, 4))
    assert chance_frame(result, 3, 3).equals(chance_frame(result, 3, 3))
    assert not chance_frame(result, 3, 3).equals(chance_frame(result, 3, 3, seed=1))
    with pytest.raises(TypologyError, match=r"0 table\(s\)"):
        chance_frame(result, 0)


# --- Settings -----------------------------------------------------------------------------------------------


def test_adjusted_rand_by_hand() -> None:
    # Hubert and Arabie's formula on the table [[2, 1], [0, 3]]: pairs together 1 + 3 = 4, in the first
    # partition 3 + 3 = 6, in the second 1 + 6 = 7, expected 6 x 7 / 15 = 2.8: (4 - 2.8) / (6.5 - 2.8).
    first, second = np.array([1, 1, 1, 2, 2, 2]), np.array([1, 1, 2, 2, 2, 2])
    assert adjusted_rand(first, second) == pytest.approx(1.2 / 3.7)
    assert adjusted_rand(first, 3 - first) == 1.0
    assert adjusted_rand(np.ones(4, dtype=int), np.ones(4, dtype=int)) == 1.0
    # Crossed partitions are further apart than by chance: (0 - 2/3) / (2 - 2/3).
    assert adjusted_rand(np.array([1, 1, 2, 2]), np.array([1, 2, 1, 2])) == pytest.approx(-0.5)


def test_share_moved_by_hand() -> None:
    first = np.array([1, 1, 1, 2, 2, 2, 3, 3])
    assert share_moved(first, np.array([3, 3, 3, 1, 1, 1, 2, 2])) == 0.0  # renamed, nobody moves
    assert share_moved(first, np.array([3, 3, 1, 1, 1, 1, 2, 2])) == 1 / 8
    # One class fewer: the smallest class has lost its partner.
    assert share_moved(first, np.array([1, 1, 1, 2, 2, 2, 2, 2])) == 2 / 8
    # The best pairing is global: 1-2 and 2-1 keep 3 + 2 of 9, where 1-1, the largest cell, keeps 4 + 0.
    left = np.array([1, 1, 1, 1, 1, 1, 1, 2, 2])
    right = np.array([1, 1, 1, 1, 2, 2, 2, 1, 1])
    assert share_moved(left, right) == pytest.approx(4 / 9)


PARTITIONS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), min_size=2, max_size=30)


@given(pairs=PARTITIONS)
@settings(deadline=None, max_examples=60)
def test_comparisons_are_symmetric_and_ignore_names(pairs: list[tuple[int, int]]) -> None:
    first, second = np.array(pairs).T
    assert adjusted_rand(first, second) == pytest.approx(adjusted_rand(second, first))
    assert adjusted_rand(5 - first, second) == pytest.approx(adjusted_rand(first, second))
    assert share_moved(first, second) == pytest.approx(share_moved(second, first))
    assert share_moved(5 - first, second) == pytest.approx(share_moved(first, second))
    assert adjusted_rand(first, first) == 1.0
    assert share_moved(first, first) == 0.0


def test_settings_do_not_move_separated_groups() -> None:
    values = np.column_stack([separated(), separated()[::-1] @ [1.0, 2.0, 0.5]])
    frame = sensitivity_frame(typology(values))
    assert frame.select("perturbation", "setting").rows() == [
        *(("variable", f"v{column}") for column in range(4)),
        *(("axes", str(count)) for count in (0, 1, 3, 4)),
        ("classes", "2"),
        ("classes", "4"),
    ]
    same = frame.filter((pl.col("perturbation") == "variable") | pl.col("setting").is_in(["3"]))
    assert same["adjusted_rand"].to_list() == [1.0] * 5
    assert same["share_moved"].to_list() == [0.0] * 5
    # Two classes: 20 of 60 rows have lost theirs. Four: a group is cut in two, so the others stay.
    two, four = frame.filter(pl.col("perturbation") == "classes")["share_moved"]
    assert two == pytest.approx(1 / 3)
    assert 0 < four <= 1 / 6
    refused = frame.filter(pl.col("setting").is_in(["0", "1"]))
    assert refused["adjusted_rand"].null_count() == refused["share_moved"].null_count() == 2
    assert all("axe" in reason for reason in refused["reason"])
    assert frame["reason"].null_count() == frame["share_moved"].count()


@NEEDS_GOLDEN
def test_a_variable_left_out_is_the_typology_without_it(communes: Typology) -> None:
    frame = pl.DataFrame(communes.matrix.values, schema=communes.matrix.variables, orient="row")
    kept = [name for name in communes.matrix.variables if name != "taux_chomage"]
    other = classify(frame.with_row_index("id"), "id", kept, n_axes=5, n_classes=4)
    row = sensitivity_frame(communes).filter(pl.col("setting") == "taux_chomage")
    assert row["share_moved"].item() == share_moved(communes.classes, other.classes)
    assert row["adjusted_rand"].item() == pytest.approx(adjusted_rand(other.classes, communes.classes))
