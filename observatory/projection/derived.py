"""What follows from a published projection and from other published figures.

Belongs here: yearly flows, dwellings of the landlords, new occupants, benefits in euros.
Does not: beneficiaries and dwellings freed (``summary``), what of them may be published (``guard``).

Below the EPCI nothing here reads an individual row: every number is computed from numbers already published,
so that it tells nothing more than they do. Dwellings of the landlords are counted, which says nothing of
persons. Benefits of EPCI and of the basin are sums over thousands of persons.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from observatory.indicators.breakdowns import load_breakdowns
from observatory.indicators.mining import MINING_VINTAGE
from observatory.projection.assumptions import Assumptions
from observatory.projection.cohorts import Cohorts, cohorts
from observatory.projection.effects import amounts, benefits
from observatory.projection.guard import BASE
from observatory.projection.mortality import Surface
from observatory.tables.projection import EUROS, WHOLE

COUNT, STOCK = "beneficiaires_angdm", "parc_minier"
HOUSED = "part_prestation_logement_nature"
NEWCOMERS = "mining_newcomers"
WIDE = ("epci", "basin")
"""Levels whose benefits are summed over persons."""
EURO_STEP = 10_000
_START = MINING_VINTAGE + 1
_SHARES = {
    ("heating", "cash"): ("part_prestation_chauffage_especes", "montant_chauffage_especes"),
    ("housing", "cash"): ("part_prestation_logement_especes", "montant_logement_especes"),
    ("heating", "in_kind"): ("part_prestation_chauffage_nature", None),
    ("housing", "in_kind"): (HOUSED, None),
}
BENEFITS = dict(zip(EUROS, _SHARES, strict=True))
"""Benefit and way of receiving it, by quantity of euros."""

SCHEMA = {
    "territory": pl.String,
    "scenario": pl.String,
    "quantity": pl.String,
    "part": pl.String,
    "year": pl.Int32,
    "step": pl.Int64,
    "median": pl.Int64,
}
"""A derived number; ``median`` is null where a share that it needs is not published."""

Row = tuple[str, str, str, str, int, int, int | None]


@dataclass(frozen=True)
class Figures:
    """Published values of today, by territory (``level:code``) and indicator."""

    values: Mapping[tuple[str, str], float]

    @classmethod
    def of(cls, observations: pl.DataFrame) -> "Figures":
        """Index the published observations of ``MINING_VINTAGE``."""
        rows = observations.filter(pl.col("status") == "published", pl.col("vintage") == MINING_VINTAGE)
        named = rows.select(
            pl.format("{}:{}", "territory_level", "territory_code"), pl.col("indicator"), pl.col("value")
        )
        return cls({(name, indicator): value for name, indicator, value in named.iter_rows()})

    def get(self, territory: str, indicator: str) -> float | None:
        """Return a value, or None where it is not published."""
        return self.values.get((territory, indicator))


def landlord_shares(
    dwellings: pl.DataFrame, holders: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Return by territory the part of each landlord in the stock of ``MINING_VINTAGE``.

    Args:
        dwellings: ``confidential.dwellings``; one that is sold has left the stock.
        holders: territories that hold each commune, itself included.
    """
    counts: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    stock = dwellings.filter(pl.col("vintage") == MINING_VINTAGE, pl.col("status") != "sold")
    grouped = stock.group_by("commune_code", "cite_slug", "landlord").len().sort(pl.all())
    for commune, cite, landlord, number in grouped.iter_rows():
        for name in (*holders.get(commune, ()), *([f"cite:{cite}"] if cite else [])):
            counts[name][landlord] += number
    return {
        name: {landlord: number / sum(found.values()) for landlord, number in found.items()}
        for name, found in counts.items()
    }


def wide_euros(
    people: pl.DataFrame,
    start: Cohorts,
    run: tuple[Surface, Assumptions],
    whole: Mapping[str, frozenset[int]],
    years: Sequence[int],
) -> dict[tuple[str, str, int], int]:
    """Return the benefits of EPCI and of the basin by territory, quantity and year, to ``EURO_STEP``.

    The first year is that of the start.
    """
    found: dict[tuple[str, str, int], int] = {}
    for level in WIDE:
        names = [name for name in whole if name.split(":")[0] == level and whole[name]]
        holding = {start.places[place]: name for name in names for place in whole[name]}
        inside = people.filter(pl.col("place").is_in(list(holding))).with_columns(
            pl.col("place").replace_strict(holding)
        )
        held = cohorts(inside, names, start.first_year)
        for quantity, (benefit, paid) in BENEFITS.items():
            given = inside.with_columns(euros=amounts(inside, benefit, paid, run[1]))
            values = benefits(given, "euros", held, *run)
            found |= {
                (name, quantity, year): _nearest(values[rank, year - start.first_year], EURO_STEP)
                for rank, name in enumerate(names)
                for year in (start.first_year, *years)
            }
    return found


def derive(
    central: Mapping[tuple[str, str, int], int],
    scenario: str,
    names: Iterable[str],
    years: Sequence[int],
    figures: Figures,
    shares: Mapping[str, Mapping[str, float]],
    euros: Mapping[tuple[str, str, int], int],
    assumed: Assumptions,
) -> list[Row]:
    """Return the derived numbers of the territories whose projection is published, rows of ``SCHEMA``.

    Args:
        central: published medians by territory, quantity and year.
        scenario: theirs.
        names: the territories.
        years: years published.
        figures: published figures of today.
        shares: part of each landlord in the stock, by territory.
        euros: benefits of wide territories, by territory, quantity and year.
        assumed: value of benefits in kind, letting again.
    """
    rows: list[Row] = []
    for name in names:
        freed = {year: central[name, "freed", year] for year in years}
        rows += [
            (name, scenario, quantity, part, year, step, median)
            for quantity, part, year, step, median in (
                *_flow("freed_per_year", WHOLE, freed),
                *_dwellings(name, freed, figures, shares.get(name, {}), assumed),
                *_euros(name, central, years, figures, euros, assumed),
            )
        ]
    return rows


def _dwellings(
    name: str, freed: Mapping[int, int], figures: Figures, shares: Mapping[str, float], assumed: Assumptions
) -> Iterator[tuple[str, str, int, int, int | None]]:
    """Yield what is freed in the landlords' stock, by landlord, and who comes then."""
    # A cité is the landlords' own.
    share = 100.0 if name.startswith("cite:") else figures.get(name, HOUSED)
    if share is None or not shares:
        yield from (("freed_stock", WHOLE, year, BASE, None) for year in freed)
        return
    whole = {year: _nearest(number * share / 100, BASE) for year, number in freed.items()}
    parts = {WHOLE: 1.0} | dict(sorted(shares.items()))
    for part, own in parts.items():
        stock = {year: _nearest(number * own, BASE) for year, number in whole.items()}
        yield from (("freed_stock", part, year, BASE, number) for year, number in stock.items())
        yield from _flow("freed_stock_per_year", part, stock)
    dwellings = figures.get(name, STOCK)
    if dwellings:
        for _, part, year, step, flow in _flow("turnover", WHOLE, whole):
            yield "turnover", part, year, step, round(1000 * flow / dwellings)
    let = {year: _nearest(number * assumed.let_again.share, BASE) for year, number in whole.items()}
    yield from (("let_again", WHOLE, year, BASE, number) for year, number in let.items())
    year = assumed.let_again.year
    for indicator in newcomer_indicators():
        profile = figures.get(name, indicator)
        if profile is not None:
            yield "let_again", indicator, year, BASE, _nearest(let[year] * profile / 100, BASE)


def _euros(
    name: str,
    central: Mapping[tuple[str, str, int], int],
    years: Sequence[int],
    figures: Figures,
    euros: Mapping[tuple[str, str, int], int],
    assumed: Assumptions,
) -> Iterator[tuple[str, str, int, int, int | None]]:
    """Yield the benefits, and what is no longer received of those of the start.

    They are summed for wide territories; in a commune each projected beneficiary receives today's mean.
    """
    level = name.split(":")[0]
    if level == "cite":
        return
    lost: dict[int, float | None] = dict.fromkeys(years, 0.0)
    for quantity, (benefit, paid) in BENEFITS.items():
        indicator, mean = _SHARES[benefit, paid]
        share, count = figures.get(name, indicator), figures.get(name, COUNT)
        value = float(getattr(assumed.in_kind, benefit)) if mean is None else figures.get(name, mean)
        known = None if share is None or value is None or count is None else share / 100 * value
        for year in years:
            paid_then: int | None = None
            if known is not None and count is not None:
                number = central[name, "beneficiaries", year]
                summed = euros.get((name, quantity, year))
                paid_then = _nearest(number * known, EURO_STEP) if summed is None else summed
            yield quantity, WHOLE, year, EURO_STEP, paid_then
            before = lost[year]
            lost[year] = (
                None
                if before is None or paid_then is None or known is None or count is None
                else before + max(0.0, euros.get((name, quantity, _START), count * known) - paid_then)
            )
    for year, total in lost.items():
        yield "lost_euros", WHOLE, year, EURO_STEP, None if total is None else _nearest(total, EURO_STEP)


def newcomer_indicators() -> list[str]:
    """Return the indicators that share out those who moved in lately."""
    return [
        category.indicator or f"part_{one.id}_{category.id}"
        for one in load_breakdowns()
        if one.of == NEWCOMERS and one.cross is None
        for category in one.categories
    ]


def _flow(quantity: str, part: str, stock: Mapping[int, int]) -> Iterator[tuple[str, str, int, int, int]]:
    """Yield the yearly mean of the period that ends each year, from a stock counted since the start."""
    before, since = 0, _START
    for year, number in stock.items():
        yield quantity, part, year, BASE, round((number - before) / (year - since))
        before, since = number, year


def _nearest(value: float, step: int) -> int:
    return int(np.floor(value / step + 0.5)) * step
