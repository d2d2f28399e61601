"""The pages: address, template, title and content of each.

Belongs here: which pages exist and what each shows.
Does not: HTML (templates), writing (``site``), looking figures up.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from observatory.opendata import Export
from observatory.rendering import charts, wording
from observatory.rendering.dashboard_page import dashboard_content, dashboard_row
from observatory.rendering.edition import Edition
from observatory.rendering.figures import Figure, Indicator
from observatory.rendering.french import plural
from observatory.rendering.heritage import Contour
from observatory.rendering.maps import Drawing
from observatory.rendering.places import Cite, Place
from observatory.rendering.sheets import Breakdown
from observatory.rendering.typology_page import typology_content
from observatory.sources.catalogue import declared_corrections

# A line chart of two vintages is a slope that the table already gives.
_SHORTEST_SERIES = 3
DASHBOARD = "cites/tableau-de-bord/index.html"


@dataclass(frozen=True)
class Page:
    """One page; ``fictive`` says that it shows figures derived from generated data."""

    path: str
    template: str
    section: str
    title: str
    description: str
    fictive: bool
    content: dict[str, Any]

    @property
    def root(self) -> str:
        """Relative way from the page to the root of the site."""
        return "../" * self.path.count("/")


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


@dataclass(frozen=True)
class Offer:
    """A file to download, with its numbers of rows and bytes as written."""

    export: Export
    rows: int
    size: int


def pages(edition: Edition, offers: list[Offer]) -> Iterator[Page]:
    """Yield every page of the site."""
    yield _home(edition)
    yield from _cites(edition)
    yield from _communes(edition)
    yield from _epcis(edition)
    yield _landmarks(edition)
    yield _typology(edition)
    yield _methods(edition)
    yield Page(
        "donnees/index.html",
        "donnees.html.j2",
        "donnees",
        "Données",
        "Les observations, définitions, territoires et sources de l’observatoire, en CSV.",
        False,
        {"offers": offers, "fictive_data": any(offer.export.fictive for offer in offers)},
    )
    yield Page("404.html", "404.html.j2", "", "Page introuvable", "Cette page n’existe pas.", False, {})


def _home(edition: Edition) -> Page:
    gazetteer, book = edition.gazetteer, edition.book
    ranks = {epci.code: rank for rank, epci in enumerate(gazetteer.epcis)}
    membership = {place.code: gazetteer.parent(place, "epci") for place in gazetteer.communes}
    drawing = edition.atlas.basin(
        {code: f"c{ranks[epci.code]}" for code, epci in membership.items()},
        "",
        {code: epci.short_name for code, epci in membership.items()},
        "Carte des communes du Bassin minier par intercommunalité",
    )
    headlines = [book.figure(gazetteer.basin, one) for one in book.headlines("basin")]
    return Page(
        "index.html",
        "accueil.html.j2",
        "accueil",
        "Accueil",
        "Observatoire socio-économique du Bassin minier du Nord et du Pas-de-Calais : cités minières, "
        "communes, intercommunalités, repères et typologie.",
        any(figure.fictive for figure in headlines),
        {"drawing": drawing, "headlines": headlines},
    )


def _cites(edition: Edition) -> Iterator[Page]:
    gazetteer = edition.gazetteer
    yield Page(
        "cites/index.html",
        "cites.html.j2",
        "cites",
        "Cités minières",
        f"Les {len(gazetteer.cites)} cités minières suivies, par intercommunalité.",
        False,
        {"rows": [(cite, edition.heritage.of_cite(cite)) for cite in gazetteer.cites]},
    )
    if edition.dashboard:
        yield _dashboard(edition)
    for cite in gazetteer.cites:
        yield _cite(edition, cite)


def _dashboard(edition: Edition) -> Page:
    content = dashboard_content(edition)
    return Page(
        DASHBOARD,
        "tableau_de_bord.html.j2",
        "cites",
        "Tableau de bord des cités",
        "Cités minières du Bassin minier : intérêt patrimonial, bailleur, programme, logements vacants et à "
        "démolir, risques de démolition et de dénaturation.",
        any(figure.fictive for row in content["rows"] for figure in row.figures),
        content,
    )


def _cite(edition: Edition, cite: Cite) -> Page:
    heritage = edition.heritage.of_cite(cite)
    contour = heritage.contour if heritage else None
    sheet = edition.sheets.of_cite(cite, contour.file_ids if contour else ())
    title = f"{cite.communes_text} ({cite.epci.name})"
    drawing = edition.atlas.locator(
        cite.epci, cite.communes, "../../", title, contour.geometry if contour else None
    )
    themes = set(edition.book.themes)
    return Page(
        cite.place.address,
        "cite.html.j2",
        "cites",
        cite.place.name,
        f"{cite.place.name} : identité, chiffres clés, occupation et environnement de la cité minière.",
        sheet.fictive,
        {
            "cite": cite,
            "heritage": heritage,
            "board": dashboard_row(edition, cite) if edition.dashboard else None,
            "contour": contour,
            "close_up": _close_up(edition, cite, contour) if contour else None,
            "sheet": sheet,
            "drawing": drawing,
            "absent": [one for one in wording.ABSENT_THEMES if one.theme not in themes],
            "members": [
                edition.typology.members[commune.code]
                for commune in cite.communes
                if commune.code in edition.typology.members
            ],
        },
    )


def _close_up(edition: Edition, cite: Cite, contour: Contour) -> Drawing:
    crossed = [crossing.commune for crossing in contour.crossings]
    near = [*crossed, *cite.communes]
    return edition.atlas.close_up(near, "../../", f"Contour\u202f: {cite.place.name}", contour.geometry)


def _communes(edition: Edition) -> Iterator[Page]:
    gazetteer = edition.gazetteer
    indicators = edition.book.headlines("commune")
    yield Page(
        "communes/index.html",
        "communes.html.j2",
        "communes",
        "Communes",
        f"Les {plural(len(gazetteer.communes), 'commune', 'communes')} du Bassin minier.",
        False,
        {"indicators": indicators},
    )
    for place in gazetteer.communes:
        epci = gazetteer.parent(place, "epci")
        sheet = edition.sheets.of_territory(place, "iris")
        yield Page(
            place.address,
            "commune.html.j2",
            "communes",
            place.name,
            f"{place.name} ({place.code}) : population, âge, logement et parc minier, comparés à {epci.name} "
            "et au Bassin minier.",
            sheet.fictive,
            {
                "place": place,
                "epci": epci,
                "department": gazetteer.parent(place, "department"),
                "sheet": sheet,
                "cites": gazetteer.cites_of(place),
                "member": edition.typology.members.get(place.code),
                "path": edition.trajectories.paths.get(place.code),
                "drawing": edition.atlas.locator(epci, [place], "../../", f"{place.name} ({epci.name})"),
            },
        )


def _epcis(edition: Edition) -> Iterator[Page]:
    gazetteer = edition.gazetteer
    yield Page(
        "epci/index.html",
        "epcis.html.j2",
        "epci",
        "Intercommunalités",
        f"Les {plural(gazetteer.epci_count, 'intercommunalité', 'intercommunalités')} du Bassin minier.",
        False,
        {"indicators": edition.book.headlines("epci")},
    )
    for place in gazetteer.epcis:
        sheet = edition.sheets.of_territory(place, "commune")
        yield Page(
            place.address,
            "epci.html.j2",
            "epci",
            place.name,
            f"{place.name} : population, âge, logement et parc minier, communes et cités minières.",
            sheet.fictive,
            {
                "place": place,
                "sheet": sheet,
                "cites": gazetteer.cites_of(place),
                "classes": edition.typology.count(gazetteer.children(place, "commune")),
                "drawing": edition.atlas.locator(place, [], "../../", f"Communes : {place.name}"),
            },
        )


def _landmarks(edition: Edition) -> Page:
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


def _typology(edition: Edition) -> Page:
    return Page(
        "typologie/index.html",
        "typologie.html.j2",
        "typologie",
        "Typologie des communes",
        "Les communes du Bassin minier regroupées par profil : classes, communes comparables, stabilité, "
        "évolution, méthode.",
        any(variable.indicator.fictive for variable in edition.typology.variables),
        typology_content(edition),
    )


def _methods(edition: Edition) -> Page:
    titles: dict[str, str] = {}
    for row in edition.files:
        titles.setdefault(row["source"], f"{row['title']} ({row['producer']})")
    return Page(
        "methodes/index.html",
        "methodes.html.j2",
        "methodes",
        "Méthodes",
        "Sources, définitions des indicateurs, statuts, périmètres, confidentialité et contrôles.",
        False,
        {"titles": titles, "corrections": declared_corrections()},
    )
