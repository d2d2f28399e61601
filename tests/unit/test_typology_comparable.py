"""Comparable communes: neighbours by hand, ties, order of the rows, bad input."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import KDTree

from observatory.typology import TypologyError
from observatory.typology.comparable import comparable_communes


def test_neighbours_by_hand() -> None:
    # D (0, 0), B (3, 4), A (0, 1), C (3, 3): D-A 1, D-C √18, D-B 5, A-C √13, A-B √18, B-C 1.
    points = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0], [3.0, 3.0]])
    frame = comparable_communes(points, pl.Series("code", ["D", "B", "A", "C"]), count=2)
    assert frame.select("id", "rank", "neighbour").rows() == [
        ("A", 1, "D"),
        ("A", 2, "C"),
        ("B", 1, "C"),
        ("B", 2, "A"),
        ("C", 1, "B"),
        ("C", 2, "A"),
        ("D", 1, "A"),
        ("D", 2, "C"),
    ]
    expected = [1, np.sqrt(13), 1, np.sqrt(18), 1, np.sqrt(13), 1, np.sqrt(18)]
    np.testing.assert_allclose(frame["distance"], expected, atol=1e-9)


def test_equal_distances_go_by_identifier() -> None:
    # Five points on a circle around E, and F on E itself; rounding puts some at 1 - 1e-16.
    angles = 2 * np.pi * np.arange(5) / 5
    points = np.vstack([np.column_stack([np.cos(angles), np.sin(angles)]), [[0, 0], [0, 0]]])
    frame = comparable_communes(points, pl.Series(["D", "C", "G", "A", "B", "E", "F"]), count=6)
    assert frame.filter(pl.col("id") == "E")["neighbour"].to_list() == ["F", "A", "B", "C", "D", "G"]
    assert frame.filter(pl.col("id") == "F")["neighbour"].to_list() == ["E", "A", "B", "C", "D", "G"]
    assert frame.filter(pl.col("id") == "E")["distance"].to_list() == [0, 1, 1, 1, 1, 1]


@given(seed=st.integers(0, 10_000), n=st.integers(6, 60))
@settings(deadline=None, max_examples=25)
def test_same_as_a_tree_search_whatever_the_order(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    points = random.normal(size=(n, 4))
    ids = pl.Series("code", [f"62{row:03d}" for row in range(n)])
    frame = comparable_communes(points, ids)
    distances, rows = KDTree(points).query(points, k=6)
    assert frame["neighbour"].to_list() == ids.gather(rows[:, 1:].ravel()).to_list()
    np.testing.assert_allclose(frame["distance"], distances[:, 1:].ravel(), atol=1e-9)
    shuffle = random.permutation(n)
    assert comparable_communes(points[shuffle], ids.gather(shuffle)).equals(frame)


@pytest.mark.parametrize(
    ("ids", "value", "count", "words"),
    [
        (["a", "b", "c"], 0.0, 3, "3 commune(s) comparable(s) demandée(s) parmi 3"),
        (["a", "b", "c"], 0.0, 0, "de 1 à 2"),
        (["a", "b", "a"], 0.0, 1, "« a », ligne 1"),
        (["a", None, "c"], 0.0, 1, "ligne 2"),
        (["a", "b"], 0.0, 1, "2 identifiants pour 3 lignes"),
        (["a", "b", "c"], np.nan, 1, "« c », ligne 3"),
    ],
)
def test_bad_input_is_named(ids: list[str | None], value: float, count: int, words: str) -> None:
    points = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, value]])
    with pytest.raises(TypologyError) as caught:
        comparable_communes(points, pl.Series("code", ids), count)
    message = str(caught.value).replace("\u202f", " ")
    assert words in message
    assert "Que faire : " in message
