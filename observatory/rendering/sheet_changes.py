"""What changed on a territory since the release before, in the words of its sheet.

Belongs here: choosing and wording its changes. Does not: finding them (``releases.differences``), HTML.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from observatory.opendata.changes import CHANGES_FILE, FICTIVE_CHANGES_FILE
from observatory.releases.differences import KINDS, REASONS
from observatory.rendering.edition import Edition
from observatory.rendering.figures import Indicator
from observatory.rendering.french import counted
from observatory.rendering.places import Place
from observatory.rendering.wording import STATUSES

_ORDER = list(KINDS)


@dataclass(frozen=True)
class ToldChange:
    """One change: of what (``indicator`` is None where the edition has it no more), what happened, why."""

    indicator: Indicator | None
    name: str
    vintage: int
    text: str
    reasons: str
    fictive: bool


@dataclass(frozen=True)
class SheetChanges:
    """The changes of a territory.

    Attributes:
        since: release before.
        total: how many figures changed.
        reasons: French word of each reason and how many changes have it; one may have several.
        told: the first of them.
        left: how many are not told.
        file: the data file that has them all.
    """

    since: str
    total: int
    reasons: tuple[tuple[str, int], ...]
    told: tuple[ToldChange, ...]
    left: int
    file: str


def sheet_changes(edition: Edition, place: Place, most: int) -> SheetChanges | None:
    """Return what changed on a territory; None where the edition has no release before it.

    Args:
        edition: the edition.
        place: the territory.
        most: how many changes are told one by one.
    """
    if edition.differences is None:
        return None
    rows = edition.differences.of(place.level, place.code)
    known = {one.indicator: one for one in edition.book.indicators}
    counts = rows["reasons"].explode().value_counts()
    count_of = dict(counts.iter_rows())
    ordered = sorted(
        rows.iter_rows(named=True),
        key=lambda row: (
            _ORDER.index(row["change"]),
            known[row["indicator"]].position if row["indicator"] in known else 0,
            -row["vintage"],
        ),
    )
    told = tuple(_told(row, known.get(row["indicator"])) for row in ordered[:most])
    return SheetChanges(
        edition.differences.before,
        rows.height,
        tuple((word, count_of[reason]) for reason, word in REASONS.items() if reason in count_of),
        told,
        rows.height - len(told),
        FICTIVE_CHANGES_FILE if rows.height and rows["fictive"].all() else CHANGES_FILE,
    )


def _told(row: Mapping[str, Any], indicator: Indicator | None) -> ToldChange:
    before, after = (
        _amount(row[f"value_{side}"], row["unit"], indicator.decimals if indicator else 1)
        for side in ("before", "after")
    )
    if row["change"] == "value":
        text = f"{before} → {after}" if before != after else f"{after}, révisé de moins que l’arrondi"
    elif row["change"] == "status":
        text = " → ".join(STATUSES[row[f"status_{side}"]].short for side in ("before", "after"))
    elif row["change"] == "added":
        text = f"ajouté, {after or STATUSES[row['status_after']].short}"
    else:
        text = "retiré"
    reasons = ", ".join(REASONS[one] for one in row["reasons"])
    return ToldChange(indicator, row["indicator"], row["vintage"], text, reasons, row["fictive"])


def _amount(value: float | None, unit: str, decimals: int) -> str:
    return "" if value is None else counted(value, decimals, unit)
