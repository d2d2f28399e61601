"""The pages of the communes and of the EPCI: their lists, one sheet each.

Belongs here: what those pages show.
Does not: the figures of a sheet (``sheets``), HTML (templates).
"""

from collections.abc import Iterator

from observatory.rendering.edition import Edition
from observatory.rendering.french import plural
from observatory.rendering.page import Page


def commune_pages(edition: Edition) -> Iterator[Page]:
    """Yield the list of the communes and a page each."""
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


def epci_pages(edition: Edition) -> Iterator[Page]:
    """Yield the list of the EPCI and a page each."""
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
