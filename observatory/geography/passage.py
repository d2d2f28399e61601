"""The passage table: for each commune of one year, its communes in another, with shares and reasons.

Belongs here: the frame that says where the counts of a commune go, and why.
Does not: applying it to figures (``aggregation``), and how shares are found (``flows``).
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

import polars as pl

from observatory.errors import ObservatoryError
from observatory.geography.flows import Flow, follow
from observatory.geography.history import History

KINDS = ("unchanged", "renamed", "recoded", "restored", "merged", "split", "merged_split")
"""From what changes nothing to what changes most. ``restored``: merged, then separated as it was before."""

SAME_TERRITORY = KINDS[:4]
"""The kinds under which a commune is the same territory in both years."""

PASSAGE_SCHEMA: dict[str, Any] = {
    "code_from": pl.String,
    "code_to": pl.String,
    "ratio": pl.Float64,
    "kind": pl.String,
    "estimated": pl.Boolean,
    "date": pl.Date,
    "reason": pl.String,
    "merged_with": pl.List(pl.String),
}


class RatioError(ObservatoryError):
    """The ratios of a commune do not sum to 1."""


def build_passage(
    history: History,
    codes: Iterable[str],
    year_from: int,
    year_to: int,
    populations: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the passage of ``codes`` from COG ``year_from`` to COG ``year_to``, later or earlier.

    Args:
        history: the events.
        codes: communes of COG ``year_from``.
        year_from: year of the COG of departure, at its 1 January.
        year_to: year of the COG of arrival, at its 1 January.
        populations: columns cog_year, code, population (each year on its own geography), for the shares of
            communes that split, or that a passage backwards separates.

    Returns:
        One row per pair of communes, sorted by code_from then code_to: ratio (share of code_from that goes to
        code_to; they sum to 1), kind (of ``KINDS``), estimated (the ratio comes from populations), date (of
        the latest event gone through; null if none), reason (the events, in French; null if none) and
        merged_with (the other communes of departure that code_to holds a part of, asked for or not).

    Raises:
        OutOfHistoryError: the events do not reach a year.
        AbsentCommuneError: a commune does not exist in COG ``year_from``.
        MissingShareError: a commune splits and no population says in which shares.
    """
    wanted = frozenset(codes)
    history.check(year_from, wanted)
    flows = follow(history, wanted, year_from, year_to, populations)
    arrivals = {to for code in wanted & set(flows) for to in flows[code].shares()}
    history.check(year_to, frozenset(arrivals | (wanted - set(flows))))
    contributors: dict[str, list[str]] = {}
    for origin in sorted(flows):
        for code in flows[origin].shares():
            contributors.setdefault(code, []).append(origin)
    rows = [
        row
        for code in sorted(wanted)
        for row in _rows(history, code, flows.get(code), contributors, year_from, year_to)
    ]
    return check_passage(pl.DataFrame(rows, schema=PASSAGE_SCHEMA, orient="row"))


def check_passage(passage: pl.DataFrame) -> pl.DataFrame:
    """Return ``passage`` if the ratios of every commune sum to 1, to 1e-9.

    Raises:
        RatioError: they do not; the message names the communes.
    """
    sums = passage.group_by("code_from").agg(pl.col("ratio").sum()).sort("code_from")
    wrong = sums.filter((pl.col("ratio") - 1).abs() > 1e-9)["code_from"].to_list()
    if wrong:
        raise RatioError(
            f"Les ratios de passage de ces communes n’ont pas pour somme 1 : {', '.join(wrong)}."
        )
    return passage


def compose(first: pl.DataFrame, second: pl.DataFrame) -> pl.DataFrame:
    """Return columns code_from, code_to, ratio of the passage ``first`` then ``second``.

    With mergers only this is the direct passage. It is not after a split: composing forgets what a commune
    held before it merged, so the direct passage is to be preferred.

    Raises:
        RatioError: ``second`` lacks a commune in which ``first`` arrives.
    """
    links = first.select("code_from", pl.col("code_to").alias("through"), pl.col("ratio").alias("share"))
    joined = links.join(
        second.select(pl.col("code_from").alias("through"), "code_to", "ratio"), on="through", how="left"
    )
    lost = joined.filter(pl.col("code_to").is_null())["through"].unique().sort().to_list()
    if lost:
        raise RatioError(f"La seconde étape ne part pas de ces communes : {', '.join(lost)}.")
    return (
        joined.group_by("code_from", "code_to")
        .agg((pl.col("share") * pl.col("ratio")).sum().alias("ratio"))
        .sort("code_from", "code_to")
    )


def _rows(
    history: History,
    code: str,
    flow: Flow | None,
    contributors: dict[str, list[str]],
    year_from: int,
    year_to: int,
) -> list[tuple[object, ...]]:
    if flow is None and code not in history.names:
        return [(code, code, 1.0, "unchanged", False, None, None, [])]
    shares = {code: 1.0} if flow is None else flow.shares()
    rows: list[tuple[object, ...]] = []
    for target, share in sorted(shares.items()):
        others = [origin for origin in contributors.get(target, []) if origin != code]
        told = _told(history, code, target, flow, (year_from, year_to))
        structural = flow is not None and bool(flow.steps)
        kind = _kind(code, target, len(shares), len(others), structural, bool(told))
        last = max((day for day, _ in told), default=None)
        reason = "\u202f; ".join(text for _, text in told) or None
        estimated = len(shares) > 1
        # Three shares of a third make 0.9999999999999999: a commune that stays whole counts for 1.
        ratio = 1.0 if len(shares) == 1 else share
        rows.append((code, target, ratio, kind, estimated, last, reason, others))
    return rows


def _kind(code: str, target: str, targets: int, others: int, structural: bool, told: bool) -> str:
    if targets > 1:
        return "merged_split" if others else "split"
    if others:
        return "merged"
    if code != target:
        return "recoded"
    if structural:
        return "restored"
    return "renamed" if told else "unchanged"


def _told(
    history: History, code: str, target: str, flow: Flow | None, years: tuple[int, int]
) -> list[tuple[date, str]]:
    """Return the events of a commune between two years, day and French text, in the order of time."""
    low, high = date(min(years), 1, 1), date(max(years), 1, 1)
    told = {(history.steps[i].day, history.steps[i].label[at]) for i, at in (flow.steps if flow else ())}
    for held in (code, target):
        told |= {
            (day, f"{day:%d/%m/%Y}, changement de nom\u202f: {text}")
            for day, text in history.names.get(held, [])
            if low < day <= high
        }
    return sorted(told)
