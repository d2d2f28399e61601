"""What changed in the figures between two releases, without a word of what they were.

Belongs here: comparing the data files of an earlier release with the observations of this one.
Does not: the log that people write (``rendering.changelog``), reading releases (``disclosure.release``).

Compared are figures that both releases publish. One that is secret in either is not even counted among the
revised: an earlier value of what is now secret must not be recalled.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from observatory.disclosure.release import Release

_KEY = ["level", "code", "indicator", "vintage"]
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Revision:
    """One indicator that both releases have: figures compared, those whose value differs, years added."""

    indicator: str
    compared: int
    revised: int
    new_vintages: tuple[int, ...]


@dataclass(frozen=True)
class Revisions:
    """What changed since a release.

    Attributes:
        since: name of that release, as its folder is called.
        added: indicators that it has not.
        removed: indicators that it alone has.
        changed: indicators of both with revised figures or new years.
        compared: figures that both publish.
        revised: those whose value differs.
    """

    since: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[Revision, ...]
    compared: int
    revised: int


def revisions(since: str, earlier: pl.DataFrame, observations: pl.DataFrame) -> Revisions:
    """Compare an earlier release with the observations of this one.

    Args:
        since: name of the earlier release.
        earlier: its figures, a frame of ``disclosure.release.FIGURES``.
        observations: ``indicators.observations``.
    """
    before = _published(earlier).unique(_KEY, keep="any")
    now = _published(observations.rename({"territory_level": "level", "territory_code": "code"}))
    both = now.join(before, on=_KEY, suffix="_before")
    scale = pl.max_horizontal(pl.col("value").abs(), pl.col("value_before").abs(), pl.lit(1.0))
    differs = (pl.col("value") - pl.col("value_before")).abs() > _TOLERANCE * scale
    counts = {
        name: (compared, revised)
        for name, compared, revised in both.group_by("indicator")
        .agg(pl.len(), differs.sum().alias("revised"))
        .iter_rows()
    }
    years_now, years_before = _years(now), _years(before)
    changed = [
        Revision(name, *counts.get(name, (0, 0)), tuple(sorted(years_now[name] - years_before[name])))
        for name in sorted(years_now.keys() & years_before.keys())
    ]
    return Revisions(
        since,
        tuple(sorted(years_now.keys() - years_before.keys())),
        tuple(sorted(years_before.keys() - years_now.keys())),
        tuple(one for one in changed if one.revised or one.new_vintages),
        both.height,
        sum(revised for _, revised in counts.values()),
    )


def since_last(
    releases: Iterable["Release"], territories: pl.DataFrame, observations: pl.DataFrame
) -> Revisions | None:
    """Return what changed since the last release of the same perimeter; none where there is none.

    Args:
        releases: those kept, oldest first.
        territories: ``core.territories`` of one perimeter version.
        observations: ``indicators.observations``.
    """
    perimeter = "-".join(map(str, territories.select("perimeter", "perimeter_vintage").row(0)))
    same = [release for release in releases if release.perimeter == perimeter]
    return revisions(same[-1].name, same[-1].figures, observations) if same else None


def _published(figures: pl.DataFrame) -> pl.DataFrame:
    shown = figures.filter(pl.col("status") == "published", pl.col("value").is_not_null())
    return shown.select(*_KEY, "value")


def _years(figures: pl.DataFrame) -> dict[str, set[int]]:
    return {
        name: set(years)
        for name, years in figures.group_by("indicator").agg(pl.col("vintage").unique()).iter_rows()
    }
