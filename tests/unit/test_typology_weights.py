"""Typology with weights: FactoMineR's, that of repeated rows, and what Ward's criterion itself demands."""

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import linkage

from observatory.typology import TypologyError, classify, consolidate, cut, inertia_gains, pca, ward
from observatory.typology.chain import weighted_linkage

VARIABLES = ["a", "b", "c", "d"]
SMALL = pl.DataFrame(
    {
        "id": list("abcdefghijkl"),
        "a": [3, 5, 4, 9, 11, 10, 2, 6, 12, 7, 8, 1],
        "b": [10, 8, 9, 2, 1, 4, 12, 7, 3, 5, 6, 11],
        "c": [5, 6, 1, 8, 3, 12, 9, 2, 10, 4, 7, 11],
        "d": [1, 9, 4, 2, 12, 8, 3, 10, 5, 11, 6, 7],
        "w": [120, 40, 300, 75, 500, 60, 90, 210, 30, 150, 80, 45],
    }
)


def test_factominer_with_row_weights() -> None:
    # FactoMineR 2.7: PCA(x, row.w = 12 * w / sum(w), ncp = 3), then HCPC(nb.clust = 3, consol = FALSE).
    result = classify(SMALL, "id", VARIABLES, n_axes=3, n_classes=3, consolidated=False, weights="w")
    np.testing.assert_allclose(
        result.pca.eigenvalues, [2.6346778047295, 1.0218439447589, 0.3243449375721, 0.0191333129395]
    )
    np.testing.assert_allclose(
        result.pca.coordinates[0], [-2.3949271990204, 0.0901037861811, -0.5210168723009]
    )
    np.testing.assert_allclose(result.pca.correlations[3], [0.867074121064, -0.155079689369, 0.473424945623])
    np.testing.assert_allclose(
        result.inertia_gains,
        [
            1.9195326213482,
            0.6730843572769,
            0.5297291975540,
            0.4249904290295,
            0.1261053621124,
            0.1253471370636,
            0.0695706338679,
            0.0435262644633,
            0.0274575976395,
            0.0256246420783,
            0.0158984446270,
        ],
    )
    assert result.classes.tolist() == [1, 2, 1, 2, 3, 2, 1, 2, 2, 2, 2, 1]
    assert result.between_before * result.inertia_gains.sum() == pytest.approx(2.59261697863)
    first = result.description
    np.testing.assert_allclose(
        first.v_tests[0], [-2.717572849633, 2.670516031057, -0.175605124885, -2.562763539572]
    )
    np.testing.assert_allclose(
        first.p_values[1], [0.802298618515, 0.918075268251, 0.332339648344, 0.733968247356]
    )
    np.testing.assert_allclose(first.means[1], [7.41860465116, 5.42635658915, 5.33333333333, 8.32558139535])
    np.testing.assert_allclose(first.sds[1], [1.72845620242, 1.76869940303, 3.22137563502, 2.90725580056])
    np.testing.assert_allclose(first.eta2, [0.866524561214, 0.884104974825, 0.101451197049, 0.740934498117])
    np.testing.assert_allclose(result.pca.sds, [3.3, 3.71054212176, 3.02392278283, 3.94318978427])
    free = classify(SMALL, "id", VARIABLES, n_axes=3, maximum=6, consolidated=False, weights="w")
    assert free.n_classes == 5


def test_the_unit_of_the_weights_does_not_matter() -> None:
    settings = {"n_axes": 3, "n_classes": 3, "weights": "w"}
    result = classify(SMALL, "id", VARIABLES, **settings)
    other = classify(SMALL.with_columns(pl.col("w") / 1e6), "id", VARIABLES, **settings)
    assert result.classes.tolist() == other.classes.tolist()
    np.testing.assert_allclose(result.description.v_tests, other.description.v_tests)


def test_equal_weights_are_no_weights() -> None:
    plain = classify(SMALL, "id", VARIABLES, n_axes=3)
    equal = classify(SMALL.with_columns(w=pl.lit(7)), "id", VARIABLES, n_axes=3, weights="w")
    np.testing.assert_allclose(plain.tree, equal.tree, atol=1e-9)
    assert plain.classes.tolist() == equal.classes.tolist()
    np.testing.assert_allclose(plain.description.v_tests, equal.description.v_tests)


def random_table(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    values = random.normal(size=(n, 4)) + 3 * random.normal(size=(3, 4))[random.integers(0, 3, n)]
    return values, random.integers(1, 6, n)


@given(seed=st.integers(0, 10_000), n=st.integers(10, 40), k=st.integers(2, 5))
def test_a_row_of_weight_three_is_three_rows(seed: int, n: int, k: int) -> None:
    values, times = random_table(seed, n)
    frame = pl.DataFrame(values, schema=VARIABLES).with_columns(
        id=pl.Series([f"{row:03d}" for row in range(n)]), w=pl.Series(times)
    )
    copies = [pl.lit(copy) for copy in range(1, 6)]
    repeated = pl.concat(
        frame.filter(pl.col("w") >= copy).with_columns(id=pl.concat_str("id", copy)) for copy in copies
    )
    settings = {"n_axes": 3, "n_classes": k, "consolidated": False}
    weighted = classify(frame, "id", VARIABLES, weights="w", **settings)
    plain = classify(repeated, "id", VARIABLES, **settings)
    np.testing.assert_allclose(weighted.pca.eigenvalues, plain.pca.eigenvalues)
    np.testing.assert_allclose(weighted.inertia_gains, plain.inertia_gains[: n - 1], atol=1e-9)
    assert weighted.between_before == pytest.approx(plain.between_before)
    of_id = dict(zip(plain.matrix.ids, plain.classes.tolist(), strict=True))
    assert weighted.classes.tolist() == [of_id[f"{code}1"] for code in weighted.matrix.ids]
    np.testing.assert_allclose(weighted.description.means, plain.description.means)
    np.testing.assert_allclose(weighted.description.sds, plain.description.sds, atol=1e-9)
    np.testing.assert_allclose(weighted.description.eta2, plain.description.eta2)


# --- The tree -----------------------------------------------------------------------------------------------

GRID = st.integers(2, 14).flatmap(
    lambda n: st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=n, max_size=n)
)


def assert_every_merge_is_the_cheapest(points: np.ndarray, masses: np.ndarray, tree: np.ndarray) -> None:
    """Follow ``tree``: at each step no other pair of classes would have lost less inertia."""
    n = len(points)
    groups = {leaf: [leaf] for leaf in range(n)}

    def loss(pair: tuple[int, int]) -> float:
        first, second = (groups[node] for node in pair)
        centres = [np.average(points[group], axis=0, weights=masses[group]) for group in (first, second)]
        one, two = masses[first].sum(), masses[second].sum()
        return float(one * two / (one + two) * ((centres[0] - centres[1]) ** 2).sum())

    for merge, (first, second, height, size) in enumerate(tree):
        pair = int(first), int(second)
        assert loss(pair) == pytest.approx(height**2 / 2, abs=1e-9)
        assert loss(pair) <= min(map(loss, itertools.combinations(groups, 2))) + 1e-9
        groups[n + merge] = groups.pop(pair[0]) + groups.pop(pair[1])
        assert len(groups[n + merge]) == size
    assert np.all(np.diff(tree[:, 2]) >= 0)


def inertia(points: np.ndarray, masses: np.ndarray) -> float:
    """Inertia of the points about their centre, which the merges of a whole tree lose between them."""
    return float(masses @ ((points - np.average(points, axis=0, weights=masses)) ** 2).sum(axis=1))


@given(grid=GRID)
def test_trees_are_wards_even_where_distances_are_equal(grid: list[tuple[int, int]]) -> None:
    points = np.array(grid, dtype=float)
    masses = np.ones(len(points))
    for tree in (ward(points), weighted_linkage(points, masses)):
        assert_every_merge_is_the_cheapest(points, masses, tree)
        assert (tree[:, 2] ** 2).sum() / 2 == pytest.approx(inertia(points, masses))


@given(grid=GRID, data=st.data())
def test_weighted_trees_are_wards(grid: list[tuple[int, int]], data: st.DataObject) -> None:
    points = np.array(grid, dtype=float)
    masses = np.array(data.draw(st.lists(st.integers(1, 3), min_size=len(grid), max_size=len(grid)))) / 2
    tree = weighted_linkage(points, masses)
    assert_every_merge_is_the_cheapest(points, masses, tree)
    assert (tree[:, 2] ** 2).sum() / 2 == pytest.approx(inertia(points, masses))


@pytest.mark.parametrize("n", [2, 3, 60, 1_500])
def test_the_tree_in_linear_memory_is_scipys(n: int) -> None:
    points = np.random.default_rng(n).normal(size=(n, 5))
    expected = linkage(points, method="ward")
    for tree in (ward(points), weighted_linkage(points, np.ones(n))):
        # SciPy's leaves are rows too, and no two heights are equal: the trees are the same, node by node.
        assert np.array_equal(tree[:, 3], expected[:, 3])
        np.testing.assert_allclose(tree[:, 2], expected[:, 2], rtol=1e-9)
        assert np.array_equal(np.sort(tree[:, :2], axis=1), np.sort(expected[:, :2], axis=1))
        for k in range(2, min(n, 12)):
            assert np.array_equal(cut(tree, k), cut(expected, k))


def test_gains_of_a_weighted_line() -> None:
    # Masses 1, 2, 1 (mean 4/3) at 0, 3 and 10: 0 and 3 lose 2/3·9 = 6, then 3/4·(10 - 2)² = 48; out of 4.
    points, weights = np.array([[0.0], [3.0], [10.0]]), np.array([1.0, 2.0, 1.0])
    np.testing.assert_allclose(inertia_gains(ward(points, weights / weights.mean())), [12, 1.5])


# --- The k-means --------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 10_000), n=st.integers(20, 80), k=st.integers(2, 5))
def test_no_single_transfer_lowers_the_weighted_inertia(seed: int, n: int, k: int) -> None:
    points, times = random_table(seed, n)
    weights = times / times.mean()
    start = 1 + cut(ward(points, weights), k)
    result = consolidate(points, start, rounds=200, weights=weights)
    assert result.converged

    def inertia(classes: np.ndarray) -> float:
        total = 0.0
        for label in np.unique(classes):
            group, masses = points[classes == label], weights[classes == label]
            total += masses @ ((group - masses @ group / masses.sum()) ** 2).sum(axis=1)
        return float(total)

    reached = inertia(result.classes)
    assert reached <= inertia(start) + 1e-9
    for row, label in itertools.product(range(n), range(1, k + 1)):
        moved = result.classes.copy()
        moved[row] = label
        assert inertia(moved) >= reached - 1e-8


def test_a_heavy_point_stays_where_a_light_one_moves() -> None:
    # Centres 1.5 (0 and 3) and 10 (7 to 13). Point 7 gains by moving once the light class has its weight.
    points, start = np.array([[0.0], [3.0], [7.0], [13.0]]), np.array([1, 1, 2, 2])
    plain = consolidate(points, start)
    assert plain.classes.tolist() == [1, 1, 2, 2]  # leaving saves 9·2 = 18, joining costs 30.25·2/3 = 20.2
    light = consolidate(points, start, weights=np.array([1.0, 1.0, 0.1, 1.0]))
    # Centre 2 is then 12.45 (masses 0.1 and 1): 29.75·1.1 = 32.7 saved against 30.25·2/2.1 = 28.8.
    assert light.classes.tolist() == [1, 1, 1, 2]


@pytest.mark.parametrize(
    ("weights", "row", "words"),
    [
        ([1, 0, 1, 1], 2, "le poids est nul ou négatif"),
        ([1, 1, 1, -3], 4, "le poids est nul ou négatif"),
        ([1, None, 1, 1], 2, "la valeur manque"),
        ([1, 1, float("inf"), 1], 3, "infinie"),
        (["1", "1", "1", "x"], 4, "numérique"),
    ],
)
def test_bad_weights_are_named(weights: list[object], row: int, words: str) -> None:
    frame = SMALL.head(4).with_columns(w=pl.Series(weights, strict=False))
    with pytest.raises(TypologyError, match=words) as caught:
        classify(frame, "id", VARIABLES, n_axes=2, weights="w")
    assert (caught.value.column, caught.value.row) == ("w", row)
    assert caught.value.identifier == "abcd"[row - 1]


def test_axes_by_default_are_five_or_all() -> None:
    random = np.random.default_rng(0)
    assert pca(random.normal(size=(30, 7)), None).coordinates.shape == (30, 5)
    assert pca(random.normal(size=(30, 3)), None).coordinates.shape == (30, 3)
