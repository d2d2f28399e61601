"""The pages: address, template, title and content of each.

Belongs here: which pages exist and what each shows.
Does not: HTML (templates), writing (``site``), looking figures up.
"""

from collections.abc import Iterator

from observatory.rendering.catalogue_page import catalogue_page
from observatory.rendering.changes_page import changes_page
from observatory.rendering.cite_pages import cite_pages
from observatory.rendering.compare_page import compare_page
from observatory.rendering.edition import Edition
from observatory.rendering.landmark_files import LandmarkFile
from observatory.rendering.landmarks_page import landmark_pages
from observatory.rendering.legal_page import contact_page, legal_page, missing_page
from observatory.rendering.map_data import MapData
from observatory.rendering.map_page import map_page
from observatory.rendering.page import Page
from observatory.rendering.portrait_page import portrait_page
from observatory.rendering.projection_page import projection_page
from observatory.rendering.quality_page import quality_page
from observatory.rendering.territory_pages import basin_map, basin_pages, epci_pages
from observatory.rendering.typology_page import typology_content
from observatory.sources.catalogue import declared_corrections


def pages(edition: Edition, map_data: MapData, landmarks: list[LandmarkFile]) -> Iterator[Page]:
    """Yield every page but the communes’ and that of the downloads, which tells what the others weigh."""
    yield _home(edition)
    yield from cite_pages(edition)
    yield from epci_pages(edition)
    yield from basin_pages(edition)
    yield map_page(edition, map_data)
    yield compare_page(edition)
    yield from landmark_pages(edition, landmarks)
    yield portrait_page(edition)
    yield _typology(edition)
    yield projection_page(edition)
    yield _methods(edition)
    yield catalogue_page(edition)
    yield quality_page(edition)
    yield changes_page(edition)
    yield legal_page(edition)
    yield contact_page()
    yield missing_page(edition)


def _home(edition: Edition) -> Page:
    gazetteer, book = edition.gazetteer, edition.book
    headlines = [book.figure(gazetteer.basin, one) for one in book.headlines("basin")]
    return Page(
        "index.html",
        "accueil.html.j2",
        "accueil",
        "Accueil",
        "Observatoire socio-économique du Bassin minier du Nord et du Pas-de-Calais : cités minières, "
        "communes, intercommunalités, repères et typologie.",
        any(figure.fictive for figure in headlines),
        {"drawing": basin_map(edition, ""), "headlines": headlines},
    )


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
    return Page(
        "methodes/index.html",
        "methodes.html.j2",
        "methodes",
        "Méthodes",
        "Sources, définitions des indicateurs, statuts, périmètres, confidentialité et contrôles.",
        False,
        {"corrections": declared_corrections()},
    )
