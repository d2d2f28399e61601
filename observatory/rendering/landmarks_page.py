"""The page of the statistical landmarks (repères statistiques).

Belongs here: which figures it shows, for which territories.
Does not: HTML (template), drawing (``charts``).
"""

from dataclasses import dataclass
from typing import Any

from observatory.rendering import charts
from observatory.rendering.edition import Edition
from observatory.rendering.figures import Figure, Indicator
from observatory.rendering.page import Page
from observatory.rendering.places import Place
from observatory.rendering.sheets import Breakdown

# A line chart of two vintages is a slope that the table already gives.
_SHORTEST_SERIES = 3


@dataclass(frozen=True)
class LandmarkTheme:
    """A theme of the landmarks: rows by territory, and a chart description by indicator."""

    theme: str
    indicators: tuple[Indicator, ...]
    rows: tuple[tuple[Place, tuple[Figure, ...]], ...]
    charts: tuple[tuple[Indicator, dict[str, Any]], ...]
    series: tuple[tuple[Indicator, tuple[tuple[Place, tuple[Figure, ...]], ...], dict[str, Any]], ...]
    breakdowns: tuple[Breakdown, ...]

    @property
    def fictive(self) -> bool:
        """Whether any figure derives from generated data."""
        return any(one.fictive for one in self.breakdowns) or any(
            figure.fictive for _, figures in self.rows for figure in figures
        )


def landmarks_page(edition: Edition) -> Page:
    """Return the page of the landmarks."""
    themes = [
        _landmark_theme(edition, theme, indicators) for theme, indicators in edition.book.themes.items()
    ]
    return Page(
        "reperes/index.html",
        "reperes.html.j2",
        "reperes",
        "Repères statistiques",
        "Les indicateurs par thème et par intercommunalité, comparés au Bassin minier, aux départements, "
        "à la région et à la France.",
        any(theme.fictive for theme in themes),
        {"themes": themes},
    )


def _landmark_theme(edition: Edition, theme: str, indicators: list[Indicator]) -> LandmarkTheme:
    kept = tuple(one for one in indicators if "epci" in one.levels and one.stands_alone)
    covered = {level for one in kept for level in one.levels}
    places = [place for place in edition.benchmarks if place.level in covered]
    rows = tuple((place, tuple(edition.book.figure(place, one) for one in kept)) for place in places)
    drawn = tuple(
        (
            one,
            charts.bars(
                one,
                [
                    (place, figures[column])
                    for place, figures in rows
                    if one.aggregation != "sum" or place.level == "epci"
                ],
            ),
        )
        for column, one in enumerate(kept)
    )
    series = tuple(
        (one, lines, charts.index_lines(one, lines))
        for one in kept
        if len(one.vintages) >= _SHORTEST_SERIES
        for lines in [tuple((place, tuple(edition.book.series(place, one))) for place in places)]
    )
    breakdowns = edition.sheets.breakdowns(theme, (edition.gazetteer.basin, *edition.gazetteer.epcis))
    return LandmarkTheme(theme, kept, rows, drawn, series, breakdowns)
