"""Draws as what is read: medians and intervals of every territory, on chosen years.

Belongs here: adding places up into territories, quantiles over the draws.
Does not: what may be shown (``guard``).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from observatory.projection.expectation import Expectation
from observatory.projection.responses import quantities
from observatory.projection.simulation import THRESHOLDS, Draws
from observatory.tables.projection import ALONE, DRAWN

QUANTILES = (0.1, 0.5, 0.9)
"""Bounds of the 80 % interval and the median, each a number that was drawn."""

SCHEMA = {
    "territory": pl.String,
    "quantity": pl.String,
    "year": pl.Int32,
    "expected": pl.Float64,
    "low": pl.Float64,
    "median": pl.Float64,
    "high": pl.Float64,
}


def summary(
    expected: Expectation, draws: Draws, members: Mapping[str, Sequence[int]], years: Sequence[int]
) -> pl.DataFrame:
    """Return the expectation, the median and the 80 % interval of each quantity.

    Of persons who live alone the expectation stands for the median, without interval. ``freed`` is counted
    from the start to 1 January of the year: dwellings freed meanwhile.

    Args:
        expected: of the same start as ``draws``.
        draws: futures by place.
        members: positions of the places of each territory.
        years: years shown, each a 1 January of the projection.

    Returns:
        ``SCHEMA``, one row per territory, quantity and year, in that order.
    """
    columns = [year - draws.first_year for year in years]
    exact = quantities(expected)
    sampled = {"beneficiaries": draws.beneficiaries, **{f"aged_{age}": draws.aged[age] for age in THRESHOLDS}}
    rows: list[tuple[object, ...]] = []
    for territory, places in members.items():
        chosen = list(places)
        for quantity in DRAWN:
            if quantity == "freed":
                yearly = draws.freed[:, chosen].sum(axis=1, dtype=np.int64)
                totals = np.pad(yearly.cumsum(axis=1), ((0, 0), (1, 0)))[:, columns]
            else:
                totals = sampled[quantity][:, chosen][:, :, columns].sum(axis=1, dtype=np.int64)
            low, median, high = np.quantile(totals, QUANTILES, axis=0, method="inverted_cdf")
            mean = exact[quantity][chosen].sum(axis=0)[columns]
            rows += [
                (territory, quantity, *row)
                for row in zip(
                    years, mean.tolist(), low.tolist(), median.tolist(), high.tolist(), strict=True
                )
            ]
        for quantity in ALONE:
            mean = exact[quantity][chosen].sum(axis=0)[columns]
            rows += [
                (territory, quantity, year, one, None, one, None)
                for year, one in zip(years, mean.tolist(), strict=True)
            ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")
