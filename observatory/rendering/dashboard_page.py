"""What the dashboard of the cités shows: one row per cité, its figures, risks and reasons.

Belongs here: gathering the content of that page.
Does not: judging risks (``indicators.dashboard``), HTML (template).
"""

from dataclasses import dataclass
from typing import Any

from observatory.indicators import dashboard
from observatory.rendering import wording
from observatory.rendering.edition import Edition
from observatory.rendering.figures import Figure, Indicator
from observatory.rendering.french import typeset
from observatory.rendering.places import Cite

GRID = {
    "demolition": dashboard.DEMOLITION_SHARE,
    "vacancy": dashboard.VACANCY_SHARE,
    "energy": dashboard.ENERGY_SHARE,
    "renovation": dashboard.RENOVATION_SHARE,
}
"""Thresholds of the reading grid, quoted where the page explains it."""


@dataclass(frozen=True)
class Risk:
    """A level, its word, its reasons; ``rank`` sorts the gravest first."""

    level: str
    word: str
    reasons: tuple[str, ...]

    @property
    def rank(self) -> int:
        """Position among the levels, gravest first."""
        return list(wording.RISKS).index(self.level)


@dataclass(frozen=True)
class DashboardRow:
    """One cité."""

    cite: Cite
    interests: str
    owners: str
    figures: tuple[Figure, ...]
    demolition: Risk
    distortion: Risk
    change: str
    change_year: int | None

    @property
    def words(self) -> str:
        """What the text filter looks in."""
        return f"{self.cite.place.name} {self.cite.communes_text} {self.cite.epci.name}"


def dashboard_content(edition: Edition) -> dict[str, Any]:
    """Return what the template of the page takes; no indicator is shown that the edition does not have."""
    rows = [dashboard_row(edition, cite) for cite in edition.gazetteer.cites]
    rows.sort(key=lambda row: (row.demolition.rank, row.distortion.rank, row.cite.place.sort_key))
    return {
        "rows": rows,
        "indicators": _indicators(edition),
        "grid": GRID,
        "epcis": [(name, name) for name in sorted({row.cite.epci.short_name for row in rows})],
        "owners": [(name, name) for name in sorted({row.owners for row in rows if row.owners})],
        "counts": {level: sum(row.demolition.level == level for row in rows) for level in wording.RISKS},
    }


def dashboard_row(edition: Edition, cite: Cite) -> DashboardRow:
    """Return the row of one cité."""
    row = edition.dashboard[cite.place.code]
    change = row["last_change"]
    return DashboardRow(
        cite,
        ", ".join(row["interests"]),
        ", ".join(wording.word(wording.LANDLORDS, owner) for owner in row["owners"]),
        tuple(edition.book.figure(cite.place, one) for one in _indicators(edition)),
        _risk(row, "demolition"),
        _risk(row, "distortion"),
        typeset(change) if change else "",
        row["last_change_year"],
    )


def _indicators(edition: Edition) -> list[Indicator]:
    held = {one.indicator: one for one in edition.book.indicators}
    return [held[name] for name in dashboard.SHOWN if name in held]


def _risk(row: dict[str, Any], kind: str) -> Risk:
    level = row[f"{kind}_risk"]
    reasons = tuple(typeset(reason) for reason in row[f"{kind}_reasons"])
    return Risk(level, wording.word(wording.RISKS, level), reasons)
