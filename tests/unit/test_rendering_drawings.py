"""Geometry of the tree, the plane and the flows of the typology."""

import itertools
import re
from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.rendering import plane
from observatory.rendering.alluvial import alluvial
from observatory.rendering.dendrogram import dendrogram
from observatory.typology.tree import cut, ward

POINTS = st.integers(4, 60).flatmap(
    lambda n: st.tuples(st.just(n), st.integers(2, min(n - 1, 6)), st.integers(1, 40), st.integers(0, 10_000))
)


def table(tree: np.ndarray) -> pl.DataFrame:
    columns = {"first": tree[:, 0].astype(int), "second": tree[:, 1].astype(int), "height": tree[:, 2]}
    return pl.DataFrame({"merge": np.arange(1, len(tree) + 1), **columns})


@given(POINTS)
@settings(max_examples=40, deadline=None)
def test_the_tree_drawn_is_the_tree(drawn):
    n, classes, shown, seed = drawn
    points = np.random.default_rng(seed).normal(size=(n, 2))
    tree = ward(points)
    found = dendrogram(table(tree), points[:, 0].tolist(), classes, shown)
    assert found is not None
    # Every individual is under one branch, once; the last merges are drawn, no other.
    assert sorted(row for leaf in found.leaves for row in leaf.rows) == list(range(n))
    assert len(found.merges) == min(max(shown, classes - 1), n - 1)
    assert [merge.height for merge in found.merges] == tree[n - 1 - len(found.merges) :, 2].tolist()
    # The cut lies between the merges that it parts.
    above = tree[n - classes :, 2]
    below = tree[: n - classes, 2]
    assert below.max() <= found.cut_height <= above.min()
    assert sum(merge.height > found.cut_height for merge in found.merges) == classes - 1
    # Its classes are those of the cut, numbered along axis 1.
    groups = cut(tree, classes)
    means = sorted((points[groups == label, 0].mean(), (groups == label).sum()) for label in range(classes))
    assert [branch.size for branch in found.branches] == [size for _, size in means]


@given(POINTS)
@settings(max_examples=40, deadline=None)
def test_branches_never_go_back_towards_the_communes(drawn):
    n, classes, shown, seed = drawn
    points = np.random.default_rng(seed).normal(size=(n, 2))
    found = dendrogram(table(ward(points)), points[:, 0].tolist(), classes, shown)
    assert found is not None
    for merge in found.merges:
        start, _, trunk, _, end = map(float, re.findall(r"-?[\d.]+", merge.path))
        assert trunk <= start <= found.edge
        assert trunk <= end <= found.edge
        assert bool(merge.colour) == (merge.height < found.cut_height)
    ordered = sorted(found.branches, key=lambda branch: branch.top)
    assert all(one.bottom < other.top for one, other in itertools.pairwise(ordered))
    heights = [height for _, height in found.ticks]
    assert heights[0] == 0
    assert 2 <= len(heights) <= 11


def test_a_small_tree_is_drawn_by_hand():
    tree = pl.DataFrame(
        {"merge": [1, 2, 3], "first": [0, 2, 4], "second": [1, 3, 5], "height": [1.0, 2.0, 6.0]}
    )
    found = dendrogram(tree, [3.0, 4.0, -1.0, -2.0], 2)
    assert found is not None
    assert [leaf.rows for leaf in found.leaves] == [(3,), (2,), (0,), (1,)]
    assert found.cut_height == 4.0
    assert [(branch.number, branch.size) for branch in found.branches] == [(1, 2), (2, 2)]
    assert [merge.size for merge in found.merges] == [2, 2, 4]


def test_without_a_tree_nothing_is_drawn():
    assert dendrogram(pl.DataFrame(schema={"merge": pl.Int32}), [], 4) is None


def test_symbols_differ_and_stay_around_their_place():
    symbols = [plane.symbol(number) for number in range(1, 11)]
    assert len(set(symbols)) == len(symbols)
    assert len({plane.colour(number) for number in range(1, 11)}) == 10
    for path in symbols:
        assert max(abs(float(step)) for step in re.findall(r"-?\d+\.\d", path)) < 10


@given(st.lists(st.tuples(st.floats(0, 500), st.sampled_from([20.0, 40.0])), max_size=16))
def test_labels_never_overlap_and_keep_their_order(wanted):
    wanted.sort()
    heights = [height for _, height in wanted]
    placed = plane._spread([middle for middle, _ in wanted], heights)
    edges = [
        (middle - height / 2, middle + height / 2) for middle, height in zip(placed, heights, strict=True)
    ]
    assert all(one[1] <= other[0] + 1e-6 for one, other in itertools.pairwise(edges))
    alone = [gap for gap in np.diff([middle for middle, _ in wanted]) if gap < 40]
    if not alone:
        assert placed == pytest.approx([middle for middle, _ in wanted])


@given(
    st.integers(2, 5).flatmap(
        lambda k: st.lists(st.lists(st.integers(0, 60), min_size=k, max_size=k), min_size=k, max_size=k)
    )
)
def test_heights_of_flows_are_counts(counts):
    if not sum(map(sum, counts)):
        counts[0][0] = 1
    found = alluvial(counts)
    total = sum(map(sum, counts))
    for bars in (found.before, found.after):
        assert sum(bar.count for bar in bars) == total
        assert sum(bar.height for bar in bars) == pytest.approx(300, abs=0.5)
        assert all(one.y + one.height < other.y for one, other in itertools.pairwise(bars))
    assert Counter({(one.before, one.after): one.count for one in found.ribbons}) == Counter(
        {(i, j): count for i, row in enumerate(counts) for j, count in enumerate(row) if count}
    )
