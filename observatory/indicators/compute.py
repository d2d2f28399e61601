"""The one formula: observations from measures, with a status for every blank."""

from collections.abc import Iterable

import polars as pl

from observatory.indicators.catalogue import Indicator
from observatory.tables import OBSERVATIONS


def compute_observations(
    indicators: Iterable[Indicator], measures: pl.DataFrame, territories: pl.DataFrame
) -> pl.DataFrame:
    """Return ``indicators.observations``: one row per territory, indicator and vintage.

    Statuses before disclosure control: ``published``; ``not_available`` where a count is absent;
    ``not_applicable`` where the denominator is zero.

    Args:
        indicators: definitions.
        measures: counts (``measures.MEASURES``), unique by level, code, measure and vintage.
        territories: ``core.territories`` of one perimeter version.
    """
    frames = [_observe(indicator, measures, territories) for indicator in indicators]
    return OBSERVATIONS.conform(pl.concat(frames))


def _observe(indicator: Indicator, measures: pl.DataFrame, territories: pl.DataFrame) -> pl.DataFrame:
    year = territories["perimeter_vintage"][0]
    grid = (
        territories.filter(pl.col("level").is_in(indicator.levels))
        .select("level", "code")
        .join(pl.DataFrame({"vintage": indicator.vintages}, schema={"vintage": pl.Int32}), how="cross")
    )
    frame = _with_measure(grid, measures, indicator.numerator, "numerator")
    if indicator.denominator is None:
        frame = frame.with_columns(
            value=pl.col("numerator"),
            file_ids=pl.col("numerator_ids"),
            status=_status(pl.lit(False), pl.col("numerator").is_null()),
            numerator=pl.lit(None, pl.Float64),
            denominator=pl.lit(None, pl.Float64),
        )
    else:
        frame = _with_measure(frame, measures, indicator.denominator, "denominator")
        absent = pl.col("numerator").is_null() | pl.col("denominator").is_null()
        frame = frame.with_columns(
            status=_status(pl.col("denominator") == 0, absent),
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
        geography_vintage=pl.lit(f"COG {year}"),
        file_ids=pl.col("file_ids").fill_null([]),
    )


def _with_measure(frame: pl.DataFrame, measures: pl.DataFrame, measure: str, name: str) -> pl.DataFrame:
    wanted = measures.filter(pl.col("measure") == measure).select(
        "level", "code", "vintage", pl.col("amount").alias(name), pl.col("file_ids").alias(f"{name}_ids")
    )
    return frame.join(wanted, on=["level", "code", "vintage"], how="left", validate="m:1")


def _status(without_object: pl.Expr, absent: pl.Expr) -> pl.Expr:
    return (
        pl.when(absent)
        .then(pl.lit("not_available"))
        .when(without_object)
        .then(pl.lit("not_applicable"))
        .otherwise(pl.lit("published"))
    )
