"""Ratio of ``classify`` to the bare SVD and Ward's tree it cannot do without, on generated matrices."""

import statistics
import time
from collections.abc import Callable

import numpy as np
import polars as pl
from scipy.cluster.hierarchy import linkage

from observatory.typology import classify

CASES = ((287, 14), (5_000, 12))
AXES = 5


def matrix(n: int, p: int) -> np.ndarray:
    """Return n×p generated values: six groups and a strong common factor, as communes have."""
    random = np.random.default_rng(n)
    groups = random.normal(scale=1.5, size=(6, p))[random.integers(0, 6, n)]
    return groups + random.normal(size=(n, 1)) * random.normal(size=p) + random.normal(size=(n, p))


def bare(values: np.ndarray) -> None:
    """Standardise, decompose, build Ward's tree on the same axes: nothing else."""
    standardised = (values - values.mean(axis=0)) / values.std(axis=0)
    _, _, loadings = np.linalg.svd(standardised, full_matrices=False)
    linkage(standardised @ loadings[:AXES].T, method="ward")


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    for n, p in CASES:
        values = matrix(n, p)
        variables = [f"v{column}" for column in range(p)]
        frame = pl.DataFrame(values, schema=variables).with_columns(
            id=pl.Series([f"{row:05d}" for row in range(n)])
        )
        repeats = 40 if n < 1_000 else 7
        ours, theirs = [], []
        # Alternating, after one unmeasured turn, so that a busy moment weighs on both.
        for turn in range(repeats + 1):
            first = seconds(lambda: classify(frame, "id", variables, n_axes=AXES))  # noqa: B023
            second = seconds(lambda: bare(values))  # noqa: B023
            if turn:
                ours.append(first)
                theirs.append(second)
        mine, base = statistics.median(ours), statistics.median(theirs)
        print(f"typology {n}x{p}: {mine / base:.1f}x bare scipy ({mine * 1e3:.1f} ms / {base * 1e3:.1f} ms)")


if __name__ == "__main__":
    main()
