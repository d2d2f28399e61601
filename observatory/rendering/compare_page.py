"""The page that sets territories side by side.

Belongs here: the choices that the page offers.
Does not: the figures (``compare_data``), the table and the charts, which ``comparer.js`` makes.
"""

from observatory.rendering.compare_data import key
from observatory.rendering.edition import Edition
from observatory.rendering.page import Page


def compare_page(edition: Edition) -> Page:
    """Return the page of the comparison."""
    gazetteer = edition.gazetteer
    wide = [
        gazetteer.basin,
        *gazetteer.level("department"),
        *gazetteer.level("region"),
        *gazetteer.level("country"),
    ]
    return Page(
        "comparer/index.html",
        "comparer.html.j2",
        "comparer",
        "Comparer des territoires",
        "Deux à six territoires côte à côte\u202f: cités minières, communes, intercommunalités, "
        "Bassin minier, départements, région, France.",
        False,
        {
            "themes": list(edition.book.themes),
            "wide": [(key(place), place) for place in wide],
            "epcis": [(key(place), place) for place in gazetteer.epcis],
        },
    )
