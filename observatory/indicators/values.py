"""Values of producers' files as measures, on the levels that may be summed.

Belongs here: sums of complete comparators, and which source stands for a measure that several give.
Does not: reading files (``sources.values``), ratios (``compute``).
"""

from collections.abc import Collection

import polars as pl

from observatory.indicators.measures import GRAVITY, MEASURES, change_measures, sum_up
from observatory.sources.landing_contracts import load_contracts
from observatory.sources.layouts import Layout, get_layout
from observatory.sources.melodi_values import MelodiDataset, get_dataset
from observatory.sources.obtaining import value_sources
from observatory.tables import VALUES
from observatory.territories import BASIN_AREAS, COUNTRY, Areas, in_country

DIFFERENCES = (
    ("employed_15_64", "active_15_64", "unemployed_15_64"),
    ("natural_change", "births_between_censuses", "deaths_between_censuses"),
)
"""Measures that are the difference of two others: name, from, taken away."""


def additive_variables(source_id: str) -> set[str]:
    """Return the variables of a source that may be summed: counts, by its layouts, datasets or contract."""
    contract = load_contracts().get(source_id)
    if contract is not None:
        return {str(column.variable) for column in contract.columns if column.additive and column.variable}
    cards: list[Layout | MelodiDataset] = [*_layouts(source_id), *_datasets(source_id)]
    return {variable.name for card in cards for variable in card.variables if variable.additive}


def partial_variables(source_id: str) -> set[str]:
    """Return the variables of a source that lists only what exists: no row is nothing to count."""
    return {
        variable.name
        for layout in _layouts(source_id)
        if layout.partial_sums
        for variable in layout.variables
    }


def with_comparators(
    values: pl.DataFrame, source_id: str, complete: Collection[str], areas: Areas = BASIN_AREAS
) -> pl.DataFrame:
    """Return the sums of additive variables over the comparators that a file holds whole.

    A sum with a withheld or missing commune takes its status and no value.

    Args:
        values: ``core.values`` of every commune of one file.
        source_id: source of the catalogue.
        complete: levels of those comparators: department, region, country.
        areas: the departments and regions among them.
    """
    additive = additive_variables(source_id)
    department = (
        pl.when(pl.col("code").str.starts_with("97"))
        .then(pl.col("code").str.slice(0, 3))
        .otherwise(pl.col("code").str.slice(0, 2))
    )
    frame = values.filter(pl.col("variable").is_in(additive), pl.col("level") == "commune").with_columns(
        department=department
    )
    region = pl.col("department").replace_strict(areas.region_of, default=None, return_dtype=pl.String)
    held = {
        "department": pl.when(pl.col("department").is_in(list(areas.departments))).then("department"),
        "region": region,
        "country": pl.when(in_country(pl.col("department"))).then(pl.lit(COUNTRY)),
    }
    frames = [pl.DataFrame(schema=VALUES.polars_schema)]
    for level, code in held.items():
        if level not in complete:
            continue
        sums = (
            frame.with_columns(code=code)
            .drop_nulls("code")
            .group_by("source", "variable", "vintage", "geography_vintage", "file_id", "code")
            .agg(pl.sum("value"), pl.col("status").cast(GRAVITY).min().cast(pl.String))
            .with_columns(
                value=pl.when(pl.col("status") == "published").then(pl.col("value")), level=pl.lit(level)
            )
        )
        frames.append(VALUES.conform(sums))
    return pl.concat(frames)


def onto_communes(values: pl.DataFrame, passage: pl.DataFrame, source_id: str, year: int) -> pl.DataFrame:
    """Return ``values`` on the communes that a passage leads to.

    Counts are summed; a part without value leaves the whole without, with the gravest status. A median or a
    rate is kept where the commune is the same territory, else it is ``not_available``: nothing gives it back
    without its terms. So is every figure of a commune that has split since: a share of it is no figure. In a
    register that lists only what exists, a part without row counts for nothing, and what has split is
    ``missing``, so that no sum goes without it.

    Args:
        values: ``core.values`` of one file; levels under the commune pass as they are.
        passage: frame of ``geography.build_passage`` from the file's year to ``year``.
        source_id: source of the catalogue.
        year: COG year of the result.
    """
    communes = values.filter(pl.col("level") == "commune")
    same = pl.col("kind").is_in(["unchanged", "renamed", "recoded"])
    additive = pl.col("variable").is_in(additive_variables(source_id))
    register = pl.col("variable").is_in(partial_variables(source_id))
    keys = ("source", "variable", "vintage", "level", "code_to", "file_id")
    listed = pl.col("status") != "not_available"
    moved = (
        communes.join(
            passage.select("code_from", "code_to", "kind", "estimated"), left_on="code", right_on="code_from"
        )
        .filter(~register | listed | ~listed.any().over(keys))
        .with_columns(
            status=pl.when(register & listed & pl.col("estimated"))
            .then(pl.lit("missing"))
            .when(pl.col("estimated") | (~same & ~additive))
            .then(pl.lit("not_available"))
            .otherwise("status")
        )
        .group_by(keys)
        .agg(pl.sum("value"), pl.col("status").cast(GRAVITY).min().cast(pl.String))
        .with_columns(
            value=pl.when(pl.col("status") == "published").then(pl.col("value")),
            code=pl.col("code_to"),
            geography_vintage=pl.lit(year, pl.Int32),
        )
    )
    others = values.filter(pl.col("level") != "commune")
    return VALUES.conform(pl.concat([moved.select(values.columns), others]))


def value_measures(values: pl.DataFrame, territories: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Return the measures of ``core.values`` at every level, those that ``known`` already has left out.

    Counts are summed to the EPCI and the basin; medians and ready-made rates stay where the producer gives
    them. Where several files give the same measure of the same year, the first of the catalogue stands.

    Args:
        values: ``core.values``.
        territories: ``core.territories`` of one perimeter version.
        known: measures (``measures.MEASURES``) that other sources give.
    """
    rank = {source_id: position for position, source_id in enumerate(value_sources())}
    base = (
        values.join(territories.select("level", "code"), on=["level", "code"], how="semi")
        .with_columns(rank=pl.col("source").replace_strict(rank, return_dtype=pl.Int32))
        .sort("rank", "file_id", descending=[False, True])
        .unique(["level", "code", "variable", "vintage"], keep="first", maintain_order=True)
        .select(
            "level",
            "code",
            "vintage",
            "status",
            measure=pl.col("variable"),
            amount=pl.col("value"),
            file_ids=pl.concat_list("file_id"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in MEASURES.items())
    )
    additive = set().union(*(additive_variables(source_id) for source_id in value_sources()))
    partial = set().union(*(partial_variables(source_id) for source_id in value_sources()))
    levels = ("epci", "basin")
    summed = pl.concat(
        [
            sum_up(base.filter(pl.col("measure").is_in(additive - partial)), territories, "commune", levels),
            sum_up(
                base.filter(pl.col("measure").is_in(additive & partial)),
                territories,
                "commune",
                levels,
                partial=True,
            ),
        ]
    )
    others = base.filter(~pl.col("measure").is_in(additive))
    every = pl.concat([summed, others, *(_difference(summed, *terms) for terms in DIFFERENCES)])
    new = every.join(known, on=["level", "code", "measure", "vintage"], how="anti")
    census = pl.concat([known, new])
    return pl.concat(
        [new, change_measures(census, "population", "census_population_change", "census_population_before")]
    )


def _layouts(source_id: str) -> list[Layout]:
    files = (vintage.file for vintage in value_sources()[source_id].vintages.values())
    return [get_layout(file.layout) for file in files if file is not None and file.layout is not None]


def _datasets(source_id: str) -> list[MelodiDataset]:
    files = (vintage.file for vintage in value_sources()[source_id].vintages.values())
    return [
        get_dataset(file.melodi.dataset) for file in files if file is not None and file.melodi is not None
    ]


def _difference(measures: pl.DataFrame, name: str, whole: str, part: str) -> pl.DataFrame:
    """Return ``whole - part`` where both are published, else the status of the one that is not."""
    keys = ["level", "code", "vintage"]
    taken = measures.filter(pl.col("measure") == part).select(
        *keys, taken="amount", taken_status="status", taken_ids="file_ids"
    )
    return (
        measures.filter(pl.col("measure") == whole)
        .join(taken, on=keys)
        .with_columns(
            measure=pl.lit(name),
            amount=pl.col("amount") - pl.col("taken"),
            status=pl.when(pl.col("status") != "published")
            .then(pl.col("status"))
            .otherwise(pl.col("taken_status")),
            file_ids=pl.concat_list("file_ids", "taken_ids").list.unique(maintain_order=True),
        )
        .select(list(MEASURES))
    )
