"""The pages of the statistical landmarks (repères statistiques): their index, and one per theme.

Belongs here: which figures they show, for which territories, drawn how.
Does not: the choice of vintages (``landmarks``), HTML (templates), drawing (``small_multiples``, ``charts``).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from observatory.rendering import charts
from observatory.rendering.edition import Edition
from observatory.rendering.figures import Figure, Indicator, file_ids
from observatory.rendering.french import fold
from observatory.rendering.landmark_files import LandmarkFile
from observatory.rendering.landmarks import LANDMARK_YEARS, LandmarkTable, chain, landmark_table, nearest
from observatory.rendering.page import Page
from observatory.rendering.places import Place
from observatory.rendering.sheets import Breakdown
from observatory.rendering.small_multiples import Bar, Multiples, bars, multiples


@dataclass(frozen=True)
class LandmarkBlock:
    """An indicator: its table and what is drawn over it.

    ``bars`` are of the latest vintage, for the first rows, where no line may be drawn; ``lines`` sets
    the territories of a count in one chart, described for Plotly.
    """

    table: LandmarkTable
    multiples: Multiples | None
    bars: tuple[Bar, ...]
    lines: dict[str, Any] | None

    @property
    def indicator(self) -> Indicator:
        """What it shows."""
        return self.table.indicator


@dataclass(frozen=True)
class LandmarkTheme:
    """A theme: its indicators, its breakdowns, those that no EPCI has."""

    theme: str
    blocks: tuple[LandmarkBlock, ...]
    breakdowns: tuple[Breakdown, ...]
    elsewhere: tuple[Indicator, ...]

    @property
    def address(self) -> str:
        """Its page, from the root of the site."""
        return theme_address(self.theme)

    @property
    def fictive(self) -> bool:
        """Whether any figure derives from generated data."""
        return any(one.fictive for one in self.breakdowns) or any(one.table.fictive for one in self.blocks)

    @property
    def file_ids(self) -> list[str]:
        """The files behind its figures."""
        figures = [figure for block in self.blocks for row in block.table.rows for figure in row.figures]
        figures += [figure for one in self.breakdowns for row in one.rows for figure in row.figures]
        return file_ids(figures)


@dataclass(frozen=True)
class LandmarkLine:
    """An indicator in the basin: the figure that stands for each landmark, then the latest."""

    indicator: Indicator
    figures: tuple[Figure | None, ...]

    @property
    def fictive(self) -> bool:
        """Whether any figure derives from generated data."""
        return any(figure is not None and figure.fictive for figure in self.figures)


def theme_address(theme: str) -> str:
    """Return the page of a theme, from the root of the site."""
    return f"reperes/{re.sub(r'[^a-z0-9]+', '-', fold(theme)).strip('-')}/index.html"


def landmark_pages(edition: Edition, offered: list[LandmarkFile]) -> Iterator[Page]:
    """Yield the index of the landmarks and a page per theme."""
    themes = [_theme(edition, theme, indicators) for theme, indicators in edition.book.themes.items()]
    yield _index(edition, themes, offered)
    for theme in themes:
        named = {row["file_id"]: row for row in edition.files}
        yield Page(
            theme.address,
            "reperes_theme.html.j2",
            "reperes",
            f"Repères\u202f: {theme.theme}",
            f"{theme.theme}\u202f: intercommunalités, Bassin minier, départements, région et France en 1999, "
            "2006, 2016 et au dernier millésime, autant que les sources le permettent.",
            theme.fictive,
            {
                "theme": theme,
                "themes": themes,
                "files": [named[identifier] for identifier in theme.file_ids],
            },
        )


def _index(edition: Edition, themes: list[LandmarkTheme], offered: list[LandmarkFile]) -> Page:
    basin = edition.gazetteer.basin
    lines = {
        theme.theme: [_line(edition, basin, block.indicator) for block in theme.blocks] for theme in themes
    }
    return Page(
        "reperes/index.html",
        "reperes.html.j2",
        "reperes",
        "Repères statistiques",
        "Les indicateurs par thème et par millésime, des intercommunalités à la France, à lire, à imprimer "
        "et à télécharger.",
        any(line.fictive for found in lines.values() for line in found),
        {"themes": themes, "lines": lines, "years": LANDMARK_YEARS, "offered": offered},
    )


def _line(edition: Edition, basin: Place, indicator: Indicator) -> LandmarkLine:
    standing = [nearest(indicator.vintages, year) for year in LANDMARK_YEARS]
    return LandmarkLine(
        indicator,
        tuple(
            None if vintage is None else edition.book.figure(basin, indicator, vintage)
            for vintage in (*standing, indicator.latest)
        ),
    )


def _theme(edition: Edition, theme: str, indicators: list[Indicator]) -> LandmarkTheme:
    kept = [one for one in indicators if "epci" in one.levels and one.stands_alone]
    return LandmarkTheme(
        theme,
        tuple(_block(edition, one) for one in kept),
        edition.sheets.breakdowns(theme, (edition.gazetteer.basin, *edition.gazetteer.epcis)),
        tuple(one for one in indicators if "epci" not in one.levels),
    )


def _block(edition: Edition, indicator: Indicator) -> LandmarkBlock:
    book, gazetteer = edition.book, edition.gazetteer
    table = landmark_table(book, edition.benchmarks, indicator)

    def over(place: Place) -> list[Figure]:
        return [book.figure(place, indicator, vintage) for vintage in chain(indicator)]

    drawn = multiples(indicator, [(epci, over(epci)) for epci in gazetteer.epcis], over(gazetteer.basin))
    # The EPCI come first; beside a count of theirs, that of the basin or of a department would dwarf them.
    shown = [
        (row.place, book.figure(row.place, indicator))
        for row in table.rows
        if indicator.aggregation != "sum" or row.place.level == "epci"
    ]
    places = [*gazetteer.epcis, gazetteer.basin]
    return LandmarkBlock(
        table,
        drawn,
        () if drawn else bars(shown),
        charts.index_lines(indicator, [(place, over(place)) for place in places])
        if drawn and drawn.base
        else None,
    )
