"""Populations since 1968 on the communes of one COG year.

Belongs here: every census on one geography, with what is estimated and the check that nobody is lost.
Does not: reading the file (``sources.commune_populations``) and growth rates (``indicators``).
"""

import polars as pl

from observatory.errors import ObservatoryError
from observatory.geography.aggregation import aggregate
from observatory.geography.flows import follow
from observatory.geography.history import History
from observatory.geography.passage import build_passage

SERIES_SCHEMA = {
    "code": pl.String,
    "vintage": pl.Int32,
    "population": pl.Float64,
    "estimated": pl.Boolean,
    "cog_year": pl.Int32,
}


class LostPopulationError(ObservatoryError):
    """The population of the perimeter is not the same before and after the passage."""


def populations_on(
    history: History, populations: pl.DataFrame, communes: frozenset[str], reference_year: int
) -> pl.DataFrame:
    """Return the population of ``communes`` (of COG ``reference_year``) at each date of the file.

    Args:
        history: the events.
        populations: frame of ``sources.commune_populations.parse_populations``.
        communes: communes of COG ``reference_year``, all of those made from the same former communes.
        reference_year: year of the COG of the result.

    Returns:
        One row per commune and vintage: population (inhabitants; not whole where ``estimated``), estimated
        (a share of the figure of the commune it was part of), cog_year (of the figure).

    Raises:
        LostPopulationError: the total of a year is not that of the file, on the communes that made these.
        IncompleteCommuneError: a commune that makes up one of these has no population.
    """
    shares = populations.select("cog_year", "code", "population")
    frames = []
    for (cog_year, vintage), year in populations.sort("cog_year").group_by(
        "cog_year", "vintage", maintain_order=True
    ):
        former = former_communes(history, communes, reference_year, int(cog_year))
        present = year.filter(pl.col("code").is_in(list(former)))
        passage = build_passage(history, former, int(cog_year), reference_year, shares)
        moved = aggregate(present, passage, counts=["population"]).figures
        _check_total(int(vintage), present, moved, communes)
        frames.append(
            moved.select(
                "code",
                pl.lit(vintage, pl.Int32).alias("vintage"),
                "population",
                "estimated",
                pl.lit(cog_year, pl.Int32).alias("cog_year"),
            )
        )
    return pl.concat(frames).sort("code", "vintage")


def former_communes(
    history: History, communes: frozenset[str], reference_year: int, year: int
) -> frozenset[str]:
    """Return the communes of COG ``year`` that hold a part of ``communes``, of COG ``reference_year``.

    Raises:
        OutOfHistoryError: the events do not reach a year.
        AbsentCommuneError: a commune does not exist in COG ``reference_year``.
    """
    return frozenset().union(*former_by_commune(history, communes, reference_year, year).values())


def former_by_commune(
    history: History, communes: frozenset[str], reference_year: int, year: int
) -> dict[str, frozenset[str]]:
    """Return, for each of ``communes``, the communes of COG ``year`` that hold a part of it.

    Raises:
        OutOfHistoryError: the events do not reach a year.
        AbsentCommuneError: a commune does not exist in COG ``reference_year``.
    """
    history.check(reference_year, communes)
    flows = follow(history, communes, reference_year, year, None, equal_shares=True)
    former = {
        code: frozenset(flows[code].shares()) if code in flows else frozenset({code})
        for code in sorted(communes)
    }
    history.check(year, frozenset().union(*former.values()))
    return former


def _check_total(vintage: int, before: pl.DataFrame, after: pl.DataFrame, communes: frozenset[str]) -> None:
    left, right = float(before["population"].sum()), float(after["population"].sum())
    if abs(left - right) > 1e-6 * max(left, 1.0) or set(after["code"]) != set(communes):
        strays = sorted(set(after["code"]) ^ set(communes))
        raise LostPopulationError(
            f"Population {vintage}\u202f: {left:.0f} habitants avant le passage, {right:.0f} après "
            f"(communes en trop ou absentes\u202f: {', '.join(strays) or 'aucune'})."
        )
