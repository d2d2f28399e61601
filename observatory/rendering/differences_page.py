"""The comparison of two editions as a folder: a page, the CSV of every change, a summary for programs.

Belongs here: the files of that folder. Does not: finding changes (``releases.differences``).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from observatory.opendata.changes import changes_exports
from observatory.opendata.exports import write_csv
from observatory.releases.differences import KINDS, REASONS, UNEXPLAINED, Differences
from observatory.rendering.website import page_environment, style
from observatory.rendering.wording import LEVELS

PAGE, SUMMARY = "index.html", "resume.json"
_MOST_UNEXPLAINED = 200


def write_differences(found: Differences, labels: Mapping[str, str], folder: Path) -> list[Path]:
    """Write what changed between two editions in a folder; equal editions give equal bytes.

    Args:
        found: what changed.
        labels: label of each indicator of either edition.
        folder: where; files of the same names are replaced.

    Returns:
        The files written, the page first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tables = [write_csv(export, folder) for export in changes_exports(found)]
    page, summary = folder / PAGE, folder / SUMMARY
    text = page_environment().get_template("differences.html.j2").render(_content(found, labels, tables))
    page.write_text(text, encoding="utf-8", newline="\n")
    summary.write_text(
        json.dumps(_summary(found), ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n"
    )
    return [page, *tables, summary]


def _content(found: Differences, labels: Mapping[str, str], tables: list[Path]) -> dict[str, object]:
    """Return what the template reads."""
    unexplained = found.rows.filter(found.rows["reasons"].list.contains(UNEXPLAINED))
    counts: dict[tuple[str, str, str], dict[str, int]] = {}
    named = ["territory_level", "territory_code", "territory", "change"]
    for level, code, name, kind, count in found.rows.group_by(named).len().iter_rows():
        counts.setdefault((level, code, name), {})[kind] = count
    levels = list(LEVELS)
    ordered = sorted(counts, key=lambda area: (-levels.index(area[0]), area[2], area[1]))
    return {
        "found": found,
        "kinds": KINDS,
        "reasons": REASONS,
        "labels": labels,
        "files": [path.name for path in tables],
        "fictive": found.rows["fictive"].any(),
        "unexplained": unexplained.head(_MOST_UNEXPLAINED).to_dicts(),
        "territories": [(*area, counts[area]) for area in ordered],
        "style": style(),
    }


def _summary(found: Differences) -> dict[str, object]:
    return {
        "before": found.before,
        "after": found.after,
        "changed": found.rows.height,
        "compared": found.compared,
        "unexplained": found.unexplained,
        "perimeters": found.perimeters,
        "same_code": found.same_code,
        "by_reason": dict(found.by_reason),
        "added": found.added,
        "removed": found.removed,
        "definitions": [asdict(one) for one in found.definitions],
        "sources": [asdict(one) for one in found.sources],
    }
