"""The projection of every territory, ready to publish.

Belongs here: scenarios, places of a territory, what is withheld and why.
Does not: the model (``expectation``, ``simulation``), the attack itself (``guard``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from observatory.indicators.mining import MINING_VINTAGE, open_rights
from observatory.projection.assumptions import Assumptions
from observatory.projection.cohorts import Cohorts, cohorts
from observatory.projection.derived import COUNT, SCHEMA, Figures, derive, landlord_shares, wide_euros
from observatory.projection.expectation import Expectation, expect
from observatory.projection.guard import (
    BASE,
    Published,
    large_enough,
    reaches,
    rounded,
    shown_years,
    withdrawn,
)
from observatory.projection.mortality import Surface, surface
from observatory.projection.responses import persons, responses
from observatory.projection.simulation import simulate
from observatory.projection.summary import summary
from observatory.tables.projection import ALONE, DRAWN, PROJECTIONS, WHOLE

FIRST_YEAR = MINING_VINTAGE + 1
LAST_YEAR = 2050
EXCESS = {"national": 1.0, "moderate": 1.15, "strong": 1.3}
"""Local over national mortality, by scenario; the excess of the assumptions is one of them or none."""
_LEVELS = ("cite", "commune", "epci", "basin")
_SEED = 2012

Key = tuple[str, str]


@dataclass(frozen=True)
class _Territories:
    """Territories by ``level:code``: places of each, those within each and holding each, published totals."""

    whole: Mapping[str, frozenset[int]]
    parts: Mapping[str, Sequence[str]]
    holders: Mapping[str, Sequence[str]]
    totals: Mapping[str, int | None]


def project(
    beneficiaries: pl.DataFrame,
    dwellings: pl.DataFrame,
    territories: pl.DataFrame,
    mortality: pl.DataFrame,
    observations: pl.DataFrame,
    assumed: Assumptions,
    *,
    draws: int = 2000,
) -> pl.DataFrame:
    """Return ``indicators.projections``; empty without beneficiaries or without mortality.

    A territory that is not published has the rows of persons only, empty, with the reason.

    Args:
        beneficiaries: ``confidential.beneficiaries``; those whose rights run at the end of the year counted.
        dwellings: ``confidential.dwellings``, which say how much of a territory's stock is each landlord's.
        territories: ``core.territories`` of one perimeter version.
        mortality: ``core.mortality``.
        observations: ``indicators.observations``, which say what is published of today.
        assumed: what is assumed, but for the excess of each scenario.
        draws: futures drawn.
    """
    people = open_rights(beneficiaries)
    if people.is_empty() or mortality.is_empty():
        return pl.DataFrame(schema=PROJECTIONS.polars_schema)
    placed = people.with_columns(
        place=pl.format("{}|{}", "commune_code", pl.col("cite_slug").fill_null(""))
    ).join(_communes(territories), on="commune_code", how="semi")
    places = tuple(placed["place"].unique().sort())
    start = cohorts(placed, places, FIRST_YEAR)
    known = _known(territories, places, observations)
    years = shown_years(FIRST_YEAR, LAST_YEAR - FIRST_YEAR)
    runs = {name: _scenario(mortality, assumed, excess) for name, excess in EXCESS.items()}
    tables = {
        name: _summary(start, run, expect(start, *run), known, years, draws) for name, run in runs.items()
    }
    reasons = _reasons(known, persons(start), list(runs.values()), years, tables)
    shown = pl.concat(
        table.with_columns(scenario=pl.lit(name), part=pl.lit(WHOLE), step=pl.lit(BASE, pl.Int64))
        for name, table in tables.items()
    ).with_columns(reason=pl.col("territory").replace_strict(reasons))
    shown = shown.with_columns(
        pl.when(pl.col("reason") == "published").then(pl.col(name)).alias(name)
        for name in ("low", "median", "high")
    )
    figures, shares = Figures.of(observations), landlord_shares(dwellings, known.holders)
    rows = []
    for name, run in runs.items():
        rows += derive(
            _medians(shown.filter(scenario=name, reason="published")),
            name,
            [territory for territory, reason in reasons.items() if reason == "published"],
            years,
            figures,
            shares,
            wide_euros(placed, start, run, known.whole, years),
            assumed,
        )
    more = pl.DataFrame(rows, schema=SCHEMA, orient="row").with_columns(
        reason=pl.when(pl.col("median").is_null())
        .then(pl.lit("share_not_published"))
        .otherwise(pl.lit("published"))
    )
    sources = {*people["file_id"], *dwellings["file_id"], *mortality["file_id"]}
    return PROJECTIONS.conform(
        pl.concat([shown, more], how="diagonal")
        .with_columns(
            pl.col("territory")
            .str.split_exact(":", 1)
            .struct.rename_fields(["territory_level", "territory_code"])
        )
        .unnest("territory")
        .with_columns(
            first_year=pl.lit(FIRST_YEAR, pl.Int32), file_ids=pl.lit(sorted(sources), pl.List(pl.String))
        )
    )


def _medians(frame: pl.DataFrame) -> dict[tuple[str, str, int], int]:
    rows = frame.select("territory", "quantity", "year", "median").iter_rows()
    return {(name, quantity, year): median for name, quantity, year, median in rows}


def _scenario(mortality: pl.DataFrame, assumed: Assumptions, excess: float) -> tuple[Surface, Assumptions]:
    chosen = assumed.mortality.model_copy(update={"excess": excess})
    return surface(mortality, chosen, FIRST_YEAR, LAST_YEAR - FIRST_YEAR), assumed


def _summary(
    start: Cohorts,
    run: tuple[Surface, Assumptions],
    expected: Expectation,
    known: _Territories,
    years: Sequence[int],
    draws: int,
) -> pl.DataFrame:
    members = {name: sorted(places) for name, places in known.whole.items()}
    return rounded(summary(expected, simulate(start, *run, draws, _SEED), members, years))


def _communes(territories: pl.DataFrame) -> pl.DataFrame:
    return territories.filter(pl.col("level") == "commune").select(commune_code="code")


def _known(territories: pl.DataFrame, places: Sequence[str], observations: pl.DataFrame) -> _Territories:
    """Index the territories; a place lies in its commune, in what holds it, and in its cité."""
    rows = territories.filter(pl.col("level").is_in(_LEVELS))
    above = {
        f"{row['level']}:{row['code']}": [key for key in row["parents"] if key.split(":")[0] in _LEVELS]
        for row in rows.iter_rows(named=True)
    }
    whole: dict[str, set[int]] = {name: set() for name in above}
    for position, place in enumerate(places):
        commune, _, cite = place.partition("|")
        around = [f"commune:{commune}", *above[f"commune:{commune}"]]
        around += [f"cite:{cite}"] if f"cite:{cite}" in above else []
        for name in around:
            whole[name].add(position)
    published = observations.filter(
        pl.col("indicator") == COUNT, pl.col("status") == "published", pl.col("vintage") == MINING_VINTAGE
    )
    totals: dict[str, int | None] = dict.fromkeys(above)
    for level, code, value in published.select("territory_level", "territory_code", "value").iter_rows():
        if f"{level}:{code}" in totals:
            totals[f"{level}:{code}"] = round(value)
    parts: dict[str, list[str]] = {name: [] for name in above}
    for name, parents in above.items():
        for parent in parents:
            parts[parent].append(name)
    holders = {
        name.removeprefix("commune:"): [name, *parents]
        for name, parents in above.items()
        if name.startswith("commune:")
    }
    return _Territories({name: frozenset(found) for name, found in whole.items()}, parts, holders, totals)


def _reasons(
    known: _Territories,
    people: NDArray[np.float64],
    runs: Sequence[tuple[Surface, Assumptions]],
    years: Sequence[int],
    tables: Mapping[str, pl.DataFrame],
) -> dict[str, str]:
    """Return why each territory is published or not."""
    kept = large_enough(known.totals, known.parts, known.whole)
    alone = large_enough(known.totals, {}, known.whole)
    # The attacker reads the tables of all scenarios together.
    told = np.concatenate([responses(*run, years) for run in runs], axis=1)
    reach = np.tile(reaches(len(DRAWN) * len(years), len(ALONE) * len(years)), len(runs))
    given_away = withdrawn(Published(people, told, _values(sorted(kept), tables), known.whole, reach))
    return {
        name: "published"
        if name in kept and name not in given_away
        else "ages_deducible"
        if name in given_away
        else "small_remainder"
        if name in alone
        else "too_few"
        if total is not None
        else "count_not_published"
        for name, total in known.totals.items()
    }


def _values(names: Sequence[str], tables: Mapping[str, pl.DataFrame]) -> dict[str, NDArray[np.float64]]:
    """Return the rounded table of each territory, scenarios side by side, as ``responses`` orders them."""
    order = pl.Enum([*DRAWN, *ALONE])
    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in names}
    for table in tables.values():
        ordered = table.with_columns(pl.col("quantity").cast(order)).sort("territory", "quantity", "year")
        for (name,), own in ordered.group_by("territory", maintain_order=True):
            if name in found:
                found[str(name)].append(own["median"].to_numpy().astype(float))
    return {name: np.concatenate(values) for name, values in found.items()}
