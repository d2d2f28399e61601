"""The pages of the communes, the EPCI and the basin: lists, and one sheet each, as a page and as a file.

Belongs here: what those pages show.
Does not: the figures of a sheet (``sheets``), its sections (``sections``), HTML (templates).
"""

from collections.abc import Iterator
from typing import Any

from observatory.rendering.edition import Edition
from observatory.rendering.fiche import (
    citation,
    definitions,
    fiche_path,
    invented,
    projected_at,
    shown_figures,
    with_projection,
)
from observatory.rendering.figures import file_ids
from observatory.rendering.french import plural
from observatory.rendering.maps import Drawing
from observatory.rendering.page import Page
from observatory.rendering.places import Place
from observatory.rendering.sections import territory_sections
from observatory.rendering.sheets import Sheet
from observatory.rendering.wording import LEVELS
from observatory.territories import NO_EPCI


def commune_pages(edition: Edition) -> Iterator[Page]:
    """Yield the list of the communes, then a file and a page each."""
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
        title = f"{place.name} ({epci.name})"
        content = {
            "epci": epci,
            "department": gazetteer.parent(place, "department"),
            "member": edition.typology.members.get(place.code),
            "path": edition.trajectories.paths.get(place.code),
        }
        yield from _sheets(
            edition,
            place,
            edition.sheets.of_territory(place, "iris"),
            f"{place.name} ({place.code}) : population, âge, logement et parc minier, comparés à {epci.name} "
            "et au Bassin minier.",
            f"commune, code Insee {place.code}",
            {root: edition.atlas.locator(epci, [place], root, title) for root in (None, "../../")},
            content,
        )


def epci_pages(edition: Edition) -> Iterator[Page]:
    """Yield the list of the EPCI, then a file and a page each."""
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
        title = f"Communes : {place.name}"
        yield from _sheets(
            edition,
            place,
            edition.sheets.of_territory(place, "commune"),
            f"{place.name} : population, âge, logement et parc minier, communes et cités minières.",
            "" if place.code == NO_EPCI else f"SIREN {place.code}",
            {root: edition.atlas.locator(place, [], root, title) for root in (None, "../../")},
            {"classes": edition.typology.count(gazetteer.children(place, "commune"))},
        )


def basin_pages(edition: Edition) -> Iterator[Page]:
    """Yield the file and the page of the mining basin."""
    gazetteer = edition.gazetteer
    place = gazetteer.basin
    yield from _sheets(
        edition,
        place,
        edition.sheets.of_territory(place, "epci"),
        "Bassin minier : population, âge, logement, parc minier et ayants droit, par intercommunalité.",
        f"périmètre : {gazetteer.wording.name}",
        {root: basin_map(edition, root) for root in (None, "../")},
        {"classes": edition.typology.count(gazetteer.communes)},
    )


def basin_map(edition: Edition, root: str | None) -> Drawing:
    """Draw the communes of the basin, by EPCI."""
    gazetteer = edition.gazetteer
    ranks = {epci.code: rank for rank, epci in enumerate(gazetteer.epcis)}
    membership = {place.code: gazetteer.parent(place, "epci") for place in gazetteer.communes}
    return edition.atlas.basin(
        {code: f"c{ranks[epci.code]}" for code, epci in membership.items()},
        root,
        {code: epci.short_name for code, epci in membership.items()},
        "Carte des communes du Bassin minier par intercommunalité",
    )


_TEMPLATES = {"commune": "commune.html.j2", "epci": "epci.html.j2", "basin": "bassin.html.j2"}
_PARTS = {"commune": "communes", "epci": "epci", "basin": "bassin"}
_MAPS = {"commune": "locator", "epci": "locator whole", "basin": "basin"}


def _sheets(
    edition: Edition,
    place: Place,
    sheet: Sheet,
    description: str,
    where: str,
    drawings: dict[str | None, Drawing],
    content: dict[str, Any],
) -> Iterator[Page]:
    """Yield the file of a territory, whose size its page tells, then the page."""
    sheet, fictive = with_projection(edition, sheet), invented(edition, sheet)
    alone, linked = drawings.values()
    sections = territory_sections(sheet, edition.book.themes)
    address = fiche_path(place, edition.imprint.release)
    kind = f"fiche {'du' if place.level == 'basin' else 'de'} {LEVELS[place.level].lower()}"
    of_basin = place.level == "basin"
    shared = content | {
        "place": place,
        "sheet": sheet,
        "projected": edition.projections.of(place),
        "sections": sections,
        "cites": edition.gazetteer.cites if of_basin else edition.gazetteer.cites_of(place),
    }
    part = _PARTS[place.level]
    shown = shown_figures(sheet, sections, sheet.series[0].figures if sheet.series else ())
    named = set(file_ids(shown))
    if projected_at(edition, place):
        named |= set(edition.projections.file_ids)
    in_file = {
        "kind": kind,
        "heading": place.name,
        "where": where,
        "drawing": alone,
        "close_up": None,
        "map_css": _MAPS[place.level],
        "definitions": definitions(figure.indicator for figure in shown),
        "files": [file for file in sheet.files if file["file_id"] in named],
        "citation": citation(place.name, kind, edition.imprint),
    }
    in_page = {"drawing": linked, "fiche": address, "where": where}
    yield Page(address, "fiche_territoire.html.j2", part, place.name, description, fictive, shared | in_file)
    yield Page(
        place.address,
        _TEMPLATES[place.level],
        part,
        place.name,
        description,
        fictive,
        shared | in_page,
    )
