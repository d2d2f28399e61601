"""Measures: the counts that indicators divide, at every level, in one long frame.

Belongs here: turning core tables into counts by territory, and summing counts up the perimeter.
Does not: ratios (``compute``), individual data (``mining``).
"""

import polars as pl

from observatory.tables import LEVELS
from observatory.territories import members

MEASURES: dict[str, pl.DataType | type[pl.DataType]] = {
    "level": pl.String,
    "code": pl.String,
    "measure": pl.String,
    "vintage": pl.Int32,
    "amount": pl.Float64,
    "status": pl.String,
    "file_ids": pl.List(pl.String),
}
"""Schema of a frame of measures: one row per territory, measure and vintage.

``status`` is one of the contract's; ``amount`` is null unless it is ``published``.
"""

GRAVITY = pl.Enum(["secret", "missing", "not_applicable", "not_available", "published"])
"""Statuses, gravest first: a sum takes the gravest of its parts."""

_CENSUS = (
    "population",
    "population_under_20",
    "population_20_64",
    "population_65_over",
    "dwellings",
    "main_residences",
    "second_homes",
    "vacant_dwellings",
    "houses",
    "main_residences_in_flats",
)
CENSUS_VINTAGE = 2021
# Two censuses may be compared only five years apart or more.
CHANGE_YEARS = 5


def census_measures(census: pl.DataFrame, territories: pl.DataFrame) -> pl.DataFrame:
    """Return census counts at every level, the perimeter's summed from its IRIS."""
    frame = census.with_columns(
        population_dependent=pl.col("population_under_20") + pl.col("population_65_over"),
    )
    long = frame.unpivot(
        on=[*_CENSUS, "population_dependent"],
        index=["level", "code", "vintage", "file_id"],
        variable_name="measure",
        value_name="amount",
    )
    base = as_measures(long.with_columns(file_ids=pl.concat_list("file_id")))
    # By way of the communes: one without IRIS leaves its EPCI and the basin without a sum.
    return sum_up(sum_up(base, territories, "iris", ("commune",)), territories, "commune", ("epci", "basin"))


def population_measures(populations: pl.DataFrame, territories: pl.DataFrame) -> pl.DataFrame:
    """Return legal populations, and their change over five years with its base."""
    base = as_measures(
        populations.with_columns(
            measure=pl.lit("legal_population"),
            amount=pl.col("population"),
            file_ids=pl.concat_list("file_id"),
        )
    )
    levels = sum_up(base, territories, "commune", ("epci", "basin"))
    change = change_measures(levels, "legal_population", "population_change", "population_before")
    return pl.concat([levels, change])


def change_measures(measures: pl.DataFrame, measure: str, change: str, base: str) -> pl.DataFrame:
    """Return the change of a count over five years, named ``change``, and what it was before, named ``base``.

    Only where both are published: a change of what is withheld would give it away.
    """
    known = measures.filter(pl.col("measure") == measure, pl.col("status") == "published")
    before = known.select(
        "level", "code", vintage=pl.col("vintage") + CHANGE_YEARS, before="amount", before_ids="file_ids"
    )
    both = known.join(before, on=["level", "code", "vintage"]).with_columns(
        file_ids=pl.concat_list("before_ids", "file_ids").list.unique(maintain_order=True)
    )
    return pl.concat(
        [
            as_measures(
                both.with_columns(measure=pl.lit(change), amount=pl.col("amount") - pl.col("before"))
            ),
            as_measures(both.with_columns(measure=pl.lit(base), amount=pl.col("before"))),
        ]
    )


def series_measures(series: pl.DataFrame, territories: pl.DataFrame) -> pl.DataFrame:
    """Return the populations since 1968 (``core.population_series``), summed to the EPCI and the basin."""
    base = as_measures(
        series.with_columns(
            level=pl.lit("commune"),
            measure=pl.lit("population_since_1968"),
            amount=pl.col("population").round(),
            file_ids=pl.concat_list("file_id"),
        )
    )
    return sum_up(base, territories, "commune", ("epci", "basin"))


def area_measures(contours: pl.DataFrame, territories: pl.DataFrame) -> pl.DataFrame:
    """Return areas in km², dated as the census that they divide."""
    base = as_measures(
        contours.with_columns(
            measure=pl.lit("area"),
            vintage=pl.lit(CENSUS_VINTAGE),
            amount=pl.col("area_km2"),
            file_ids=pl.concat_list("file_id"),
        )
    )
    return sum_up(base, territories, "commune", ("epci", "basin"))


def sum_up(
    base: pl.DataFrame,
    territories: pl.DataFrame,
    child: str,
    parents: tuple[str, ...],
    *,
    partial: bool = False,
) -> pl.DataFrame:
    """Return ``base`` with its ``child`` rows summed to each of the ``parents`` levels.

    A parent gets a sum only when every one of its children has a value: a partial sum is no figure. A
    parent that has all its children's rows, but not all their values, takes the status of the first kind
    met among secret, missing, not_applicable and not_available; one that lacks rows gets none.

    ``partial`` is for registers that list only what exists: a child without row or not available counts
    for nothing.
    """
    children = base.filter(pl.col("level") == child)
    if partial:
        children = children.filter(pl.col("status") != "not_available")
    frames = [base]
    for parent in parents:
        pairs = members(territories, child, parent)
        expected = pairs.group_by("parent").len("expected")
        sums = (
            children.join(pairs, left_on="code", right_on="child")
            .group_by("parent", "measure", "vintage")
            .agg(
                pl.sum("amount"),
                pl.len().alias("found"),
                pl.col("status").cast(GRAVITY).min().cast(pl.String),
                pl.col("file_ids").explode().unique().sort(),
            )
            .join(expected, on="parent")
            .filter(partial | (pl.col("found") == pl.col("expected")))
            .with_columns(
                level=pl.lit(parent),
                code=pl.col("parent"),
                amount=pl.when(pl.col("status") == "published").then(pl.col("amount")),
            )
        )
        frames.append(as_measures(sums))
    return pl.concat(frames).sort(
        pl.col("level").cast(pl.Enum(LEVELS)), "code", "measure", "vintage", maintain_order=True
    )


def as_measures(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of ``MEASURES``; a count without status is published, or missing when null."""
    if "status" not in frame.columns:
        has_value = pl.col("amount").is_not_null()
        frame = frame.with_columns(
            status=pl.when(has_value).then(pl.lit("published")).otherwise(pl.lit("missing"))
        )
    return frame.select(pl.col(name).cast(dtype) for name, dtype in MEASURES.items())
