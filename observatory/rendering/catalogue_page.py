"""The catalogue of indicators: what each is, where and when it is known, what protects it.

Belongs here: gathering the content of that page.
Does not: definitions (``indicators``), rules of secrecy (``secrecy``), HTML (template).
"""

from dataclasses import dataclass

from observatory.rendering import wording
from observatory.rendering.coverage import Coverage
from observatory.rendering.edition import Edition
from observatory.rendering.figures import Indicator
from observatory.rendering.page import Page
from observatory.rendering.secrecy import rule_of
from observatory.tables import LEVELS


@dataclass(frozen=True)
class Entry:
    """One indicator of the catalogue.

    Attributes:
        indicator: its definition.
        sources: titles of its sources.
        years: levels in words, and the years known there.
        secrecy: what protects it.
        levels: coded levels where it is known, as the filter of the page reads them.
    """

    indicator: Indicator
    sources: tuple[str, ...]
    years: tuple[tuple[str, str], ...]
    secrecy: str
    levels: str

    @property
    def words(self) -> str:
        """What the text filter looks in."""
        one = self.indicator
        return f"{one.label} {one.theme} {one.formula} {one.unit} {one.indicator} {' '.join(self.sources)}"


def catalogue_page(edition: Edition) -> Page:
    """Return the page of the catalogue."""
    titles: dict[str, str] = {}
    for row in edition.files:
        titles.setdefault(row["source"], f"{row['title']} ({row['producer']})")
    themes = {
        theme: [_entry(one, titles, edition.coverage) for one in indicators]
        for theme, indicators in edition.book.themes.items()
    }
    known = {
        level
        for one in edition.book.indicators
        for level in LEVELS
        if edition.coverage.vintages(one.indicator, level)
    }
    return Page(
        "indicateurs/index.html",
        "catalogue.html.j2",
        "methodes",
        "Catalogue des indicateurs",
        "Définition, formule, unité, sources, niveaux, millésimes, comparabilité et règle de confidentialité "
        "de chaque indicateur de l’observatoire.",
        False,
        {
            "themes": themes,
            "levels": [(level, wording.LEVELS[level]) for level in LEVELS if level in known],
            "count": len(edition.book.indicators),
        },
    )


def _entry(one: Indicator, titles: dict[str, str], coverage: Coverage) -> Entry:
    held = {level: years for level in LEVELS if (years := coverage.vintages(one.indicator, level))}
    together: dict[str, list[str]] = {}
    for level, years in held.items():
        together.setdefault(_spans(years), []).append(wording.word(wording.LEVELS, level))
    return Entry(
        one,
        tuple(titles[source] for source in one.sources if source in titles) or one.sources,
        tuple((", ".join(levels), spans) for spans, levels in together.items()),
        rule_of(one.indicator),
        "|".join(held),
    )


def _spans(years: list[int]) -> str:
    """Write years in order, three or more in a row as a span: 2012, 2015 à 2018."""
    runs: list[list[int]] = []
    for year in years:
        if runs and year == runs[-1][-1] + 1:
            runs[-1].append(year)
        else:
            runs.append([year])
    return ", ".join(f"{run[0]} à {run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
