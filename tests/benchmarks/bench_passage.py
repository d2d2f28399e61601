"""Ratio of bringing 35,000 communes x 50 counts onto a year to a bare Polars join and group-by."""

import statistics
import time
from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl

from observatory.geography import aggregate, build_history, build_passage

COMMUNES, COLUMNS, MERGERS, REPEATS = 35_000, 50, 2_500, 9
COUNTS = [f"count_{column}" for column in range(COLUMNS)]


def codes() -> list[str]:
    return [f"{1 + rank // 900:02d}{rank % 900 + 1:03d}" for rank in range(COMMUNES)]


def events(communes: list[str]) -> pl.DataFrame:
    """Return mergers of two communes, spread over ten years, as many as France had since 2010."""
    rows = []
    for rank in range(MERGERS):
        day = date(2011 + rank % 10, 1, 1)
        into, gone = communes[2 * rank], communes[2 * rank + 1]
        rows += [(day, "merger", into, "N", into, "N"), (day, "merger", gone, "N", into, "N")]
    names = ["date", "kind", "code_before", "name_before", "code_after", "name_after"]
    return pl.DataFrame(rows, schema=names, orient="row")


def bare(figures: pl.DataFrame, passage: pl.DataFrame) -> pl.DataFrame:
    """Join, weigh, sum: nothing checked, nulls summed as zeros."""
    return (
        figures.join(passage.select("code_from", "code_to", "ratio"), left_on="code", right_on="code_from")
        .group_by("code_to")
        .agg((pl.col(column) * pl.col("ratio")).sum() for column in COUNTS)
    )


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    random = np.random.default_rng(0)
    communes = codes()
    figures = pl.DataFrame({column: random.integers(0, 10_000, COMMUNES) for column in COUNTS}).with_columns(
        code=pl.Series(communes)
    )
    history = build_history(events(communes), 2021, 2010)
    building = seconds(lambda: build_passage(history, communes, 2010, 2021))
    passage = build_passage(history, communes, 2010, 2021)
    ours, theirs = [], []
    # Alternating, after one unmeasured turn, so that a busy moment weighs on both.
    for turn in range(REPEATS + 1):
        first = seconds(lambda: aggregate(figures, passage, counts=COUNTS))
        second = seconds(lambda: bare(figures, passage))
        if turn:
            ours.append(first)
            theirs.append(second)
    mine, base = statistics.median(ours), statistics.median(theirs)
    print(
        f"passage {COMMUNES:,}x{COLUMNS}: {mine / base:.1f}x bare join and group-by "
        f"({mine * 1e3:.0f} ms / {base * 1e3:.0f} ms; its table built once in {building * 1e3:.0f} ms)"
    )


if __name__ == "__main__":
    main()
