"""Counts of the landlords' dwellings and of ANGDM's beneficiaries, at every level.

Belongs here: which rows each measure counts.
Does not: summing (``measures``), which counts may be shown (``disclosure``).

The result holds small counts: it is confidential until ``disclosure`` has been through it.
"""

from collections.abc import Iterable, Mapping

import polars as pl

from observatory.indicators.breakdowns import Breakdown, Category, load_breakdowns
from observatory.indicators.measures import CENSUS_VINTAGE, MEASURES, as_measures, sum_up

MINING_VINTAGE = 2024
NEWCOMER_YEARS = 5
"""Who moved in within so many years is a newcomer: one year alone is too few people in a cité."""


def dwelling_measures(
    dwellings: pl.DataFrame, territories: pl.DataFrame, census: pl.DataFrame
) -> pl.DataFrame:
    """Return counts of the landlords' dwellings of ``MINING_VINTAGE`` by cité, commune, EPCI and basin.

    A dwelling that is sold has left the stock. Turnover counts the entries of the year among the
    occupants in place.

    Args:
        dwellings: ``confidential.dwellings``.
        territories: ``core.territories`` of one perimeter version.
        census: frame of measures: its dwellings are the base of the stock's weight.
    """
    year = MINING_VINTAGE
    stock = dwellings.filter(pl.col("vintage") == year, pl.col("status") != "sold").with_columns(
        vacant_months=12 * (year - pl.col("vacant_since").dt.year()) + 12 - pl.col("vacant_since").dt.month(),
        renovation_stage=pl.when(pl.col("renovation").is_null())
        .then(pl.lit("none"))
        .otherwise(pl.col("renovation_state")),
    )
    occupied = pl.col("status") == "occupied"
    entry = pl.col("entry_date").dt.year()
    groups = {
        "mining_dwellings": pl.lit(True),
        "mining_vacant": pl.col("status") == "vacant",
        "mining_occupied": occupied,
        "mining_newcomers": occupied & (entry > year - NEWCOMER_YEARS),
    }
    amounts = groups | {
        "mining_label_efg": pl.col("energy_label").is_in(["E", "F", "G"]),
        "mining_ayants_droit": occupied & (pl.col("occupant") == "ayant_droit"),
        "mining_entries": occupied & (entry == year),
        "mining_alone_75": occupied
        & (pl.col("household_type") == "single")
        & (pl.col("age_band") == "over_75"),
    }
    counts = _published_levels(_count(stock, territories, amounts | _parts(groups), year))
    return pl.concat([counts, _as_base(census, "dwellings", "census_dwellings", year)])


def beneficiary_measures(
    beneficiaries: pl.DataFrame, territories: pl.DataFrame, census: pl.DataFrame
) -> pl.DataFrame:
    """Return counts of ANGDM's beneficiaries of the same year, and what they receive, in whole euros a year.

    Counted are those whose rights run on 31 December.

    Args:
        beneficiaries: ``confidential.beneficiaries``.
        territories: ``core.territories`` of one perimeter version.
        census: frame of measures: its population is the base of their share.
    """
    year = MINING_VINTAGE
    present = open_rights(beneficiaries).with_columns(age=year - pl.col("birth_year"))
    groups = {"beneficiaries": pl.lit(True)}
    amounts = groups | {"beneficiaries_80_over": pl.col("age") >= 80}
    for benefit in ("housing", "heating"):
        paid = (pl.col(f"{benefit}_benefit") == "cash") & pl.col(f"{benefit}_amount").is_not_null()
        amounts[f"{benefit}_cash_known"] = paid
        # Each amount is rounded before the sum, so that the parts of a territory add up to it exactly.
        amounts[f"{benefit}_cash_amount"] = pl.when(paid).then(pl.col(f"{benefit}_amount").round())
    counts = _published_levels(_count(present, territories, amounts | _parts(groups), year))
    return pl.concat([counts, _as_base(census, "population", "census_population", year)])


def open_rights(beneficiaries: pl.DataFrame) -> pl.DataFrame:
    """Return the beneficiaries whose rights run on 31 December of ``MINING_VINTAGE``."""
    running = pl.col("end_date").is_null() | (pl.col("end_date") > pl.date(MINING_VINTAGE, 12, 31))
    return beneficiaries.filter(pl.col("vintage") == MINING_VINTAGE, running)


def _parts(groups: Mapping[str, pl.Expr]) -> dict[str, pl.Expr]:
    """Return, by measure, which rows are in each category of each breakdown of the ``groups``."""
    found: dict[str, pl.Expr] = {}
    by_id: dict[str, Breakdown] = {}
    for one in load_breakdowns():
        if one.of not in groups:
            continue
        by_id[one.id] = one
        if one.cross is not None:
            rows, columns = (by_id[name] for name in one.cross)
            crossed = [found[row] & found[column] for row in rows.parts for column in columns.parts]
            found |= dict(zip(one.parts, crossed, strict=True))
            continue
        group, column = groups[one.of], pl.col(str(one.column))
        if one.noun is not None:
            found[one.base] = group & column.is_not_null()
        found |= {one.measure(category): group & _within(column, category) for category in one.categories}
    return found


def _published_levels(counts: pl.DataFrame) -> pl.DataFrame:
    """Return the counts without those of a breakdown at the levels where none of its shares is published.

    What is printed nowhere asks for no protection of its own: its margins, that no published count or what it
    leaves of its whole is small, leave it an interval as wide as they are.
    """
    for one in load_breakdowns():
        own = [one.measure(category) for category in one.categories if category.measure is None]
        counts = counts.filter(~pl.col("measure").is_in(own) | pl.col("level").is_in(one.levels))
    return counts


def _within(column: pl.Expr, category: Category) -> pl.Expr:
    if category.values:
        return column.is_in(category.values)
    bounds = [column >= category.low] if category.low is not None else []
    bounds += [column < category.high] if category.high is not None else []
    return pl.all_horizontal(bounds)


def _as_base(census: pl.DataFrame, measure: str, name: str, year: int) -> pl.DataFrame:
    """Return a count of the census under the year of what it is the base of."""
    return census.filter(pl.col("measure") == measure, pl.col("vintage") == CENSUS_VINTAGE).with_columns(
        measure=pl.lit(name), vintage=pl.lit(year, pl.Int32)
    )


def _count(
    rows: pl.DataFrame, territories: pl.DataFrame, amounts: Mapping[str, pl.Expr], year: int
) -> pl.DataFrame:
    """Sum amounts by cité and by commune (true zeros included), then communes up; nulls count for nothing.

    Without a single row there is no delivery, hence nothing to count: zeros would be invented.
    """
    if rows.is_empty():
        return pl.DataFrame(schema=MEASURES)
    file_ids = rows["file_id"].unique().sort().to_list()
    summed = rows.with_columns(**{name: one.cast(pl.Float64).fill_null(0.0) for name, one in amounts.items()})
    frames = [
        _by(summed, territories, level, column, amounts)
        for level, column in (("cite", "cite_slug"), ("commune", "commune_code"))
    ]
    base = as_measures(
        pl.concat(frames).with_columns(vintage=pl.lit(year), file_ids=pl.lit(file_ids, pl.List(pl.String)))
    )
    return sum_up(base, territories, "commune", ("epci", "basin"))


def _by(
    rows: pl.DataFrame, territories: pl.DataFrame, level: str, column: str, names: Iterable[str]
) -> pl.DataFrame:
    measures = list(names)
    return (
        territories.filter(pl.col("level") == level)
        .select("level", "code")
        .join(rows.group_by(column).agg(pl.col(measures).sum()), left_on="code", right_on=column, how="left")
        .with_columns(pl.col(measures).fill_null(0.0))
        .unpivot(on=measures, index=["level", "code"], variable_name="measure", value_name="amount")
    )
