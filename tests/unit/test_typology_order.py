"""Ties and near-ties: the typology depends on the order of rows and columns no more than on identifiers."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.typology import Typology, TypologyError, classify

# Few values on a small grid: equal rows, distances, inertias and eigenvalues abound.
GRIDS = st.integers(8, 24).flatmap(
    lambda n: st.lists(st.tuples(*[st.integers(0, 2)] * 4), min_size=n, max_size=n)
)


def table(values: np.ndarray, weights: np.ndarray | None = None) -> pl.DataFrame:
    frame = pl.DataFrame(values, schema=[f"v{column}" for column in range(values.shape[1])], orient="row")
    if weights is not None:
        frame = frame.with_columns(weight=weights)
    return frame.insert_column(0, pl.Series("id", [f"{row:04d}" for row in range(len(values))]))


def run(frame: pl.DataFrame, criterion: str, weights: str | None = None) -> Typology | str:
    """Return the typology, or the rule that the table breaks."""
    variables = [name for name in frame.columns if name.startswith("v")]
    try:
        return classify(frame, "id", variables, n_axes=2, criterion=criterion, weights=weights)
    except TypologyError as error:
        return error.rule


@given(rows=GRIDS, weighted=st.booleans(), criterion=st.sampled_from(["within", "gain"]), data=st.data())
@settings(max_examples=150)
def test_rows_columns_and_identifiers_may_be_shuffled(
    rows: list[tuple[int, ...]], weighted: bool, criterion: str, data: st.DataObject
) -> None:
    n = len(rows)
    masses = data.draw(st.lists(st.integers(1, 3), min_size=n, max_size=n)) if weighted else None
    frame = table(np.array(rows, dtype=float), None if masses is None else np.array(masses))
    order = data.draw(st.permutations(range(n)))
    columns = data.draw(st.permutations([f"v{column}" for column in range(4)]))
    others = [name for name in frame.columns if not name.startswith("v")]
    shuffled = frame.select(*others, *columns)[order].with_columns(id=frame["id"])
    weights = "weight" if weighted else None
    result, other = run(frame, criterion, weights), run(shuffled, criterion, weights)
    if isinstance(result, str) or isinstance(other, str):
        # Which of two equal columns is named depends on their order.
        assert isinstance(result, str) and isinstance(other, str)
        assert result.split("«")[0] == other.split("«")[0]
        return
    assert result.n_classes == other.n_classes
    assert result.classes[order].tolist() == other.classes.tolist()
    assert result.tree_classes[order].tolist() == other.tree_classes.tolist()
    assert np.array_equal(result.pca.coordinates[order], other.pca.coordinates)
    assert np.array_equal(result.inertia_gains, other.inertia_gains)


@given(seed=st.integers(0, 10_000), data=st.data())
@settings(max_examples=40)
def test_near_ties_are_settled_alike(seed: int, data: st.DataObject) -> None:
    # A lattice disturbed by what rounding would do: distances equal up to 1e-13.
    lattice = np.array([[x, y, x * y % 3] for x in range(5) for y in range(5)], dtype=float)
    values = lattice + np.random.default_rng(seed).uniform(-1e-14, 1e-14, lattice.shape)
    order = data.draw(st.permutations(range(len(values))))
    frame = table(values)
    result = run(frame, "within")
    other = run(frame[order].with_columns(id=frame["id"]), "within")
    assert isinstance(result, Typology) and isinstance(other, Typology)
    assert result.classes[order].tolist() == other.classes.tolist()


def test_classes_with_equal_means_on_axis_1_follow_axis_2() -> None:
    # Four groups in a square seen from a corner: two of them share their mean on axis 1.
    corners = np.array([[2.0, 0.0], [0.0, 2.0], [-2.0, 0.0], [0.0, -2.0]]) * [3.0, 1.0]
    around = np.array([[0.1, 0.0], [-0.1, 0.0], [0.0, 0.1], [0.0, -0.1]])
    values = (corners[:, None, :] + around).reshape(-1, 2)
    result = classify(table(values @ [[1, 1], [1, -1]]), "id", ["v0", "v1"], n_axes=2, n_classes=4)
    centres = result.centres
    assert centres[1, 0] == pytest.approx(centres[2, 0], abs=1e-9)
    assert centres[1, 1] < centres[2, 1]
