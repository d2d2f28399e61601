"""The counts that published figures give away, over one release and those that came before.

Belongs here: from figures to counts, from the perimeters of several releases to one set of areas.
Does not: reading the files (``release``), what follows from the counts (``attack``, ``audit``).

Releases that count the same rows are one body of evidence: what one hides the other may print, and an EPCI of
one perimeter less an EPCI of another leaves a few communes. A release made from other files (their SHA-256
differs) counts other rows; it is left out and the audit says so.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from observatory.disclosure.cells import Areas, build_areas
from observatory.disclosure.policy import Policy
from observatory.disclosure.release import Release, same_data
from observatory.disclosure.system import InconsistentCellsError, Key
from observatory.indicators.catalogue import Indicator

Area = tuple[str, str]
_GROUPS = ("epci", "basin")
TELLING = ("published", "not_applicable")
"""Statuses that give counts away: « sans objet » says that the denominator is zero."""


@dataclass(frozen=True)
class Known:
    """A count that a figure gives, and where that figure stands."""

    value: float
    origin: str


@dataclass(frozen=True)
class Evidence:
    """What the attacker holds.

    Attributes:
        areas: areas of all the perimeters.
        names: French name of each area.
        counts: vintage -> (measure, level, code) -> count.
        remarks: what was left out, in French.
    """

    areas: Areas
    names: Mapping[Area, str]
    counts: Mapping[int, Mapping[Key, Known]]
    remarks: tuple[str, ...]


def gather(
    release: Release, earlier: Iterable[Release], indicators: Iterable[Indicator], policy: Policy
) -> Evidence:
    """Return what a release gives away together with those of ``earlier`` that count the same rows.

    Raises:
        InconsistentCellsError: two figures give different values of one count.
    """
    catalogue = {indicator.id: indicator for indicator in indicators}
    joined, remarks = [release], []
    for other in earlier:
        if same_data(release, other, _files_of(release, catalogue)):
            joined.append(other)
        else:
            remarks.append(
                f"Édition antérieure « {other.name} » : tirée d’autres fichiers, elle compte d’autres lignes "
                "et n’est pas rapprochée."
            )
    territories, codes = _joined_territories(joined)
    counts: dict[int, dict[Key, Known]] = {}
    for one, renamed in zip(joined, codes, strict=True):
        rows = one.figures.filter(
            pl.col("indicator").is_in(list(catalogue)) & pl.col("status").is_in(TELLING)
        )
        # Plain counts first: a rate given alone tells its numerator once its base is known.
        plain = pl.col("indicator").replace_strict(
            {name: item.denominator is None for name, item in catalogue.items()}
        )
        for row in rows.sort(plain, descending=True).iter_rows(named=True):
            area = renamed.get((row["level"], row["code"]), (row["level"], row["code"]))
            known = counts.setdefault(row["vintage"], {})
            where = f"{one.name}/{row['origin']}, {row['indicator']}"
            for measure, value in _told(catalogue[row["indicator"]], row, known, area, policy):
                _learn(known, (measure, *area), Known(value, where))
    names = {(level, code): name for level, code, name in territories.select("level", "code", "name").rows()}
    return Evidence(build_areas(territories), names, counts, tuple(remarks))


def _files_of(release: Release, catalogue: Mapping[str, Indicator]) -> set[str]:
    ids = release.figures.filter(pl.col("indicator").is_in(list(catalogue)))["file_ids"].drop_nulls().unique()
    return {name for joined in ids for name in joined.split("|") if name}


def _told(
    indicator: Indicator, row: Mapping[str, Any], known: Mapping[Key, Known], area: Area, policy: Policy
) -> Iterator[tuple[str, float]]:
    """Yield the ruled counts that one figure gives."""
    numerator, denominator = indicator.numerator, indicator.denominator
    found: dict[str, float | None] = {}
    if denominator is None:
        found[numerator] = row["value"] / indicator.scale
    elif row["status"] == "not_applicable":
        found[denominator] = 0.0
        if numerator in policy.rules and denominator in policy.wholes(numerator):
            found[numerator] = 0.0
    else:
        base = row["denominator"]
        if base is None and (printed := known.get((denominator, *area))) is not None:
            base = printed.value
        found[denominator] = base
        found[numerator] = row["numerator"]
        if row["numerator"] is None and base is not None:
            found[numerator] = row["value"] / indicator.scale * base
    for measure, value in found.items():
        # A rate that is rounded gives no whole number: it is told apart by the status of its figure.
        if measure in policy.rules and value is not None and abs(value - round(value)) < 1e-6:
            yield measure, float(round(value))


def _learn(known: dict[Key, Known], key: Key, told: Known) -> None:
    if known.setdefault(key, told).value != told.value:
        raise InconsistentCellsError.among([key])


def _joined_territories(releases: list[Release]) -> tuple[pl.DataFrame, list[dict[Area, Area]]]:
    """Return the territories of all perimeters as one frame, and how each release's codes read in it.

    An EPCI or a basin that does not hold the same communes in two perimeters is two areas.
    """
    content: dict[Area, frozenset[str]] = {}
    names: dict[Area, str] = {}
    parents: dict[Area, dict[str, None]] = {}
    codes = []
    for release in releases:
        rows = {(level, code): (name, up) for level, code, name, up in release.territories.rows()}
        inside: dict[Area, set[str]] = {area: set() for area in rows if area[0] in _GROUPS}
        for (level, code), (_, up) in rows.items():
            if level == "commune":
                for group in inside.keys() & {(p.partition(":")[0], p.partition(":")[2]) for p in up}:
                    inside[group].add(code)
        renamed = {}
        for group, communes in inside.items():
            same = content.setdefault(group, frozenset(communes)) == communes
            renamed[group] = group if same else (group[0], f"{group[1]} [{release.perimeter}]")
            content.setdefault(renamed[group], frozenset(communes))
        codes.append(renamed)
        for area, (name, up) in rows.items():
            here = renamed.get(area, area)
            names.setdefault(here, name if here == area else f"{name}, périmètre {release.perimeter}")
            links = [(p.partition(":")[0], p.partition(":")[2]) for p in up if p]
            parents.setdefault(here, {}).update(
                dict.fromkeys(":".join(renamed.get(link, link)) for link in links)
            )
    frame = pl.DataFrame(
        [(level, code, names[level, code], list(up)) for (level, code), up in parents.items()],
        schema={"level": pl.String, "code": pl.String, "name": pl.String, "parents": pl.List(pl.String)},
        orient="row",
    )
    return frame, codes
