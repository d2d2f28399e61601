"""The one formula: observations from measures, with a status for every blank."""

from collections.abc import Iterable

import polars as pl

from observatory.indicators.catalogue import Indicator
from observatory.tables import OBSERVATIONS


def compute_observations(
    indicators: Iterable[Indicator], measures: pl.DataFrame, territories: pl.DataFrame
) -> pl.DataFrame:
    """Return ``indicators.observations``: one row per territory, indicator and vintage.

    Statuses before disclosure control: that of the count, numerator first, when it is not published;
    ``not_available`` where a count has no row; ``not_applicable`` where the denominator is zero.

    Args:
        indicators: definitions.
        measures: counts (``measures.MEASURES``), unique by level, code, measure and vintage.
        territories: ``core.territories`` of one perimeter version.
    """
    frames = [_observe(indicator, measures, territories) for indicator in indicators]
    return OBSERVATIONS.conform(pl.concat(frames))


def _observe(indicator: Indicator, measures: pl.DataFrame, territories: pl.DataFrame) -> pl.DataFrame:
    version = territories.row(0, named=True)
    grid = (
        territories.filter(pl.col("level").is_in(indicator.levels))
        .select("level", "code")
        .join(pl.DataFrame({"vintage": indicator.vintages}, schema={"vintage": pl.Int32}), how="cross")
    )
    frame = _with_measure(grid, measures, indicator.numerator, "numerator")
    if indicator.denominator is None:
        frame = frame.with_columns(
            status=pl.col("numerator_status"),
            value=indicator.scale * pl.col("numerator"),
            file_ids=pl.col("numerator_ids"),
            numerator=pl.lit(None, pl.Float64),
            denominator=pl.lit(None, pl.Float64),
        )
    else:
        latest = indicator.denominator_vintage == "latest"
        frame = _with_measure(frame, measures, indicator.denominator, "denominator", latest=latest)
        frame = frame.with_columns(
            status=pl.when(pl.col("numerator_status") != "published")
            .then(pl.col("numerator_status"))
            .when(pl.col("denominator_status") != "published")
            .then(pl.col("denominator_status"))
            .when(pl.col("denominator") == 0)
            .then(pl.lit("not_applicable"))
            .otherwise(pl.lit("published")),
            file_ids=pl.concat_list("numerator_ids", "denominator_ids").list.unique(maintain_order=True),
        )
        shown = pl.col("status") == "published"
        frame = frame.with_columns(
            value=pl.when(shown).then(indicator.scale * pl.col("numerator") / pl.col("denominator")),
            numerator=pl.when(shown).then(pl.col("numerator")),
            denominator=pl.when(shown).then(pl.col("denominator")),
        )
    return frame.select(
        territory_level="level",
        territory_code="code",
        indicator=pl.lit(indicator.id),
        vintage="vintage",
        value="value",
        numerator="numerator",
        denominator="denominator",
        unit=pl.lit(indicator.unit),
        status="status",
        perimeter=pl.lit(version["perimeter"]),
        perimeter_vintage=pl.lit(version["perimeter_vintage"]),
        geography_vintage=pl.lit(f"COG {version['geography_vintage']}"),
        file_ids=pl.col("file_ids").fill_null([]),
    )


def _with_measure(
    frame: pl.DataFrame, measures: pl.DataFrame, measure: str, name: str, *, latest: bool = False
) -> pl.DataFrame:
    """Join a measure, of the same year or the latest; a territory without row is ``not_available``."""
    wanted = measures.filter(pl.col("measure") == measure)
    keys = ["level", "code", "vintage"]
    if latest:
        keys = ["level", "code"]
        wanted = wanted.sort("vintage").unique(keys, keep="last", maintain_order=True)
    wanted = wanted.select(
        *keys,
        pl.col("amount").alias(name),
        pl.col("status").alias(f"{name}_status"),
        pl.col("file_ids").alias(f"{name}_ids"),
    )
    joined = frame.join(wanted, on=keys, how="left", validate="m:1")
    return joined.with_columns(pl.col(f"{name}_status").fill_null("not_available"))
