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
from observatory.projection.effects import benefits
from observatory.projection.expectation import Expectation, expect
from observatory.projection.guard import BASE, Attack, large_enough, rounded, shown_years, withdrawn
from observatory.projection.mortality import Surface, surface
from observatory.projection.simulation import simulate
from observatory.projection.summary import summary
from observatory.tables.projection import DRAWN, PROJECTIONS

FIRST_YEAR = MINING_VINTAGE + 1
LAST_YEAR = 2050
EXCESS = {"national": 1.0, "moderate": 1.15, "strong": 1.3}
"""Local over national mortality, by scenario; the excess of the assumptions is one of them or none."""
COUNT = "beneficiaires_angdm"
"""Indicator that publishes how many beneficiaries a territory has today."""

_LEVELS = ("cite", "commune", "epci", "basin")
_WIDE = ("epci", "basin")
# Sums of benefits are published to the nearest of so many euros.
_EUROS = 10_000
_SEED = 2012

Key = tuple[str, str]


@dataclass(frozen=True)
class _Territories:
    """Territories by ``level:code``: places of each, those within each, published totals."""

    whole: Mapping[str, frozenset[int]]
    parts: Mapping[str, Sequence[str]]
    totals: Mapping[str, int | None]


def project(
    beneficiaries: pl.DataFrame,
    territories: pl.DataFrame,
    mortality: pl.DataFrame,
    observations: pl.DataFrame,
    assumed: Assumptions,
    *,
    draws: int = 2000,
) -> pl.DataFrame:
    """Return ``indicators.projections``; empty without beneficiaries or without mortality.

    Args:
        beneficiaries: ``confidential.beneficiaries``; those whose rights run at the end of the year counted.
        territories: ``core.territories`` of one perimeter version.
        mortality: ``core.mortality``.
        observations: ``indicators.observations``, which say how many beneficiaries are published where.
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
    futures = {name: (run, expect(start, *run)) for name, run in runs.items()}
    tables = {
        name: _summary(start, run, expected, known, years, draws) for name, (run, expected) in futures.items()
    }
    reasons = _reasons(known, {name: Attack.of(*run, years) for name, run in runs.items()}, tables)
    files = sorted({*people["file_id"].unique(), *mortality["file_id"].unique()})
    wide = {
        name: _expected(placed, start, run, expected, known, years)
        for name, (run, expected) in futures.items()
    }
    frame = pl.concat(
        pl.concat([tables[name], wide[name]], how="diagonal").with_columns(scenario=pl.lit(name))
        for name in runs
    )
    shown = frame.with_columns(reason=pl.col("territory").replace_strict(reasons)).with_columns(
        pl.when(pl.col("reason") == "published").then(pl.col(name)).alias(name)
        for name in ("low", "median", "high")
    )
    return PROJECTIONS.conform(
        shown.with_columns(
            pl.col("territory")
            .str.split_exact(":", 1)
            .struct.rename_fields(["territory_level", "territory_code"])
        )
        .unnest("territory")
        .with_columns(first_year=pl.lit(FIRST_YEAR, pl.Int32), file_ids=pl.lit(files, pl.List(pl.String)))
    )


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


def _expected(
    people: pl.DataFrame,
    start: Cohorts,
    run: tuple[Surface, Assumptions],
    expected: Expectation,
    known: _Territories,
    years: Sequence[int],
) -> pl.DataFrame:
    """Return what has an expectation alone, for wide territories, in the columns of a rounded summary."""
    quantities = {
        "alone": (expected.alone, BASE),
        "heating_euros": (benefits(people, "heating_amount", start, *run), _EUROS),
        "housing_euros": (benefits(people, "housing_amount", start, *run), _EUROS),
    }
    columns = [year - FIRST_YEAR for year in years]
    rows = []
    for name, places in known.whole.items():
        if name.split(":")[0] not in _WIDE:
            continue
        for quantity, (values, base) in quantities.items():
            sums = values[sorted(places)].sum(axis=0)[columns]
            rows += [
                (name, quantity, year, int(np.floor(value / base + 0.5)) * base)
                for year, value in zip(years, sums, strict=True)
            ]
    schema = {"territory": pl.String, "quantity": pl.String, "year": pl.Int32, "median": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


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
        holders = [f"commune:{commune}", *above[f"commune:{commune}"]]
        holders += [f"cite:{cite}"] if f"cite:{cite}" in above else []
        for name in holders:
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
    return _Territories({name: frozenset(found) for name, found in whole.items()}, parts, totals)


def _reasons(
    known: _Territories, attacks: Mapping[str, Attack], tables: Mapping[str, pl.DataFrame]
) -> dict[str, str]:
    """Return why each territory is published or not."""
    kept = large_enough(known.totals, known.parts, known.whole)
    alone = large_enough(known.totals, {}, known.whole)
    # The attacker reads the tables of all scenarios together.
    attack = Attack.joined(list(attacks.values()))
    values = {name: _values(name, tables) for name in kept}
    given_away = withdrawn(attack, values, {name: known.totals[name] or 0 for name in kept}, sorted(kept))
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


def _values(name: str, tables: Mapping[str, pl.DataFrame]) -> NDArray[np.float64]:
    found = []
    for table in tables.values():
        own = table.filter(pl.col("territory") == name)
        found += [own.filter(quantity=quantity).sort("year")["median"].to_numpy() for quantity in DRAWN]
    return np.concatenate(found).astype(float)
