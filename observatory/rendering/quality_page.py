"""The quality report of an edition: checks, coverage, freshness, corrections, limits, confidentiality.

Belongs here: gathering the content of that page.
Does not: checks (``expectations``), rules (``disclosure``), HTML (template).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from observatory.rendering import wording
from observatory.rendering.coverage import Count
from observatory.rendering.edition import Edition
from observatory.rendering.figures import Indicator
from observatory.rendering.page import Page
from observatory.rendering.secrecy import rules_by_reason
from observatory.sources.catalogue import declared_corrections
from observatory.tables import LEVELS


@dataclass(frozen=True)
class CoverageRow:
    """One indicator: by level, the last year covered and its count; none where no source covers the level."""

    indicator: Indicator
    cells: tuple[tuple[int, Count] | None, ...]


@dataclass(frozen=True)
class Freshness:
    """One source: its files' vintages, the last day one was taken, licences."""

    title: str
    producer: str
    vintages: tuple[str, ...]
    fetched: date
    licences: tuple[str, ...]
    files: int
    fictive: bool


@dataclass(frozen=True)
class CheckedTable:
    """One table: its checks, failures first."""

    table: str
    checks: tuple[dict[str, Any], ...]

    @property
    def passed(self) -> int:
        """How many passed."""
        return sum(check["passed"] for check in self.checks)


def quality_page(edition: Edition) -> Page:
    """Return the quality report."""
    totals = {level: edition.coverage.total(level) for level in LEVELS}
    by_level = {level: count for level, count in totals.items() if count.held}
    return Page(
        "qualite/index.html",
        "qualite.html.j2",
        "methodes",
        "Rapport de qualité",
        "Contrôles de l’édition, couverture de chaque indicateur, fraîcheur des sources, corrections "
        "déclarées, "
        "limites connues et audit de confidentialité.",
        False,
        {
            "tables": _checked(edition),
            "passed": sum(check["passed"] for check in edition.checks),
            "total": edition.coverage.total(),
            "by_level": by_level,
            "coverage": _coverage(edition, list(by_level)),
            "sources": _freshness(edition),
            "corrections": declared_corrections(),
            "cite_corrections": [cite for cite in edition.gazetteer.cites if cite.row["corrections"]],
            "rules": rules_by_reason(),
            "limits": list(_limits(edition)),
        },
    )


def _checked(edition: Edition) -> list[CheckedTable]:
    found: dict[str, list[dict[str, Any]]] = {}
    for check in edition.checks:
        found.setdefault(check["table"], []).append(check)
    return [
        CheckedTable(table, tuple(sorted(checks, key=lambda check: check["passed"])))
        for table, checks in found.items()
    ]


def _coverage(edition: Edition, held: list[str]) -> dict[str, list[CoverageRow]]:
    return {
        theme: [
            CoverageRow(one, tuple(edition.coverage.latest(one.indicator, level) for level in held))
            for one in indicators
        ]
        for theme, indicators in edition.book.themes.items()
    }


def _freshness(edition: Edition) -> list[Freshness]:
    by_source: dict[str, list[dict[str, Any]]] = {}
    for row in edition.files:
        by_source.setdefault(row["source"], []).append(row)
    return sorted(
        (
            Freshness(
                title=rows[0]["title"],
                producer=rows[0]["producer"],
                vintages=tuple(sorted({row["vintage"] for row in rows})),
                fetched=max(row["fetched_at"] for row in rows),
                licences=tuple(sorted({row["licence"] for row in rows})),
                files=len(rows),
                fictive=any(row["fictive"] for row in rows),
            )
            for rows in by_source.values()
        ),
        key=lambda source: (source.fictive, source.title),
    )


def _limits(edition: Edition) -> Iterator[str]:
    """Yield what the reader must know of this edition, one sentence or two each."""
    tied = [edition.heritage.of_cite(cite) for cite in edition.gazetteer.cites]
    drawn = sum(one is not None and one.contour is not None for one in tied)
    if any(source.fictive for source in _freshness(edition)):
        yield (
            "Les chiffres du parc minier et des bénéficiaires qui viennent de fichiers générés sont "
            "fictifs. Ils "
            "sont marqués partout, à part dans les téléchargements, et jamais classés."
        )
    yield (
        "Deux recensements ne se comparent qu’à cinq ans d’écart au moins : chaque millésime lisse "
        "cinq enquêtes "
        "annuelles. Chaque définition dit ce qui se compare."
    )
    yield (
        "Les contours des communes sont simplifiés, de l’ordre de 150 m : ils servent à dessiner, "
        "non à mesurer."
    )
    if drawn < len(edition.gazetteer.cites):
        yield (
            f"{drawn} cités sur {len(edition.gazetteer.cites)} sont rattachées avec certitude à un contour ; "
            "la fiche de chacune des autres dit pourquoi elle n’en a pas."
        )
    yield (
        "Un effectif réparti entre communes après une séparation l’est au prorata de la population : "
        "c’est une "
        "estimation."
    )
    absent = [one.theme for one in wording.ABSENT_THEMES if one.theme not in edition.book.themes]
    if absent:
        yield f"Thèmes annoncés que les sources de cette édition ne couvrent pas : {', '.join(absent)}."
