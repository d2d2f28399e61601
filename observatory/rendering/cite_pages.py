"""The pages of the cités: their list, the dashboard, one sheet each, as a page and as a file.

Belongs here: what those pages show.
Does not: the figures of a sheet (``sheets``), its sections (``sections``), HTML (templates).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from observatory.rendering.dashboard_page import dashboard_content, dashboard_row
from observatory.rendering.edition import Edition
from observatory.rendering.fiche import (
    citation,
    definitions,
    fiche_path,
    invented,
    shown_figures,
    with_projection,
)
from observatory.rendering.figures import Figure
from observatory.rendering.heritage import Contour, IrisShare
from observatory.rendering.maps import Drawing
from observatory.rendering.page import Page
from observatory.rendering.places import Cite
from observatory.rendering.sections import cite_sections

DASHBOARD = "cites/tableau-de-bord/index.html"
# What the census says of the IRIS that a cité crosses.
_OF_IRIS = ("population_recensement", "part_65_ans_ou_plus", "logements", "part_logements_vacants")


@dataclass(frozen=True)
class Quarter:
    """An IRIS that a cité crosses: shares of one in the other, and census figures of the IRIS."""

    share: IrisShare
    figures: tuple[Figure, ...]


def cite_pages(edition: Edition) -> Iterator[Page]:
    """Yield the list of the cités, their dashboard where the edition has one, then a file and a page each."""
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
        yield from _cite(edition, cite)


def _dashboard(edition: Edition) -> Page:
    content = dashboard_content(edition)
    return Page(
        DASHBOARD,
        "tableau_de_bord.html.j2",
        "cites",
        "Tableau de bord des cités",
        "Cités minières du Bassin minier : intérêt patrimonial, bailleur, programme, logements vacants et à "
        "démolir, risques de démolition et de dénaturation.",
        any(figure.fictive for row in content["rows"] for figure in row.figures),
        content,
    )


def _cite(edition: Edition, cite: Cite) -> Iterator[Page]:
    """Yield the file of a cité, whose size its page tells, then the page."""
    heritage = edition.heritage.of_cite(cite)
    contour = heritage.contour if heritage else None
    sheet = with_projection(edition, edition.sheets.of_cite(cite, contour.file_ids if contour else ()))
    fictive = invented(edition, sheet)
    sections = cite_sections(sheet, edition.book.themes, cite)
    address = fiche_path(cite.place, edition.imprint.release)
    description = (
        f"{cite.place.name} : identité, chiffres clés, occupation et environnement de la cité minière."
    )
    quarters = _quarters(edition, contour)
    shared: dict[str, Any] = {
        "cite": cite,
        "heritage": heritage,
        "board": dashboard_row(edition, cite) if edition.dashboard else None,
        "sheet": sheet,
        "projected": edition.projections.of(cite.place),
        "sections": sections,
        "quarters": quarters,
        "members": [
            edition.typology.members[commune.code]
            for commune in cite.communes
            if commune.code in edition.typology.members
        ],
    }
    shown = shown_figures(sheet, sections, (figure for one in quarters for figure in one.figures))
    drawing, close_up = _maps(edition, cite, contour, None)
    alone = {
        "kind": "fiche de cité minière",
        "heading": cite.row["name"],
        "where": f"{cite.communes_text} ({cite.epci.name})",
        "drawing": drawing,
        "close_up": close_up,
        "map_css": "locator tied" if contour else "locator",
        "definitions": definitions(figure.indicator for figure in shown),
        "files": sheet.files,
        "citation": citation(cite.place.name, "fiche de cité minière", edition.imprint),
    }
    yield Page(address, "fiche_cite.html.j2", "cites", cite.place.name, description, fictive, shared | alone)
    drawing, close_up = _maps(edition, cite, contour, "../../")
    linked = {"drawing": drawing, "close_up": close_up, "fiche": address}
    yield Page(
        cite.place.address,
        "cite.html.j2",
        "cites",
        cite.place.name,
        description,
        fictive,
        shared | linked,
    )


def _quarters(edition: Edition, contour: Contour | None) -> list[Quarter]:
    indicators = [
        one for one in edition.book.indicators if one.indicator in _OF_IRIS and "iris" in one.levels
    ]
    return [
        Quarter(
            share,
            tuple(
                edition.book.figure(edition.gazetteer.place("iris", share.code), one) for one in indicators
            ),
        )
        for share in (contour.iris if contour else ())
    ]


def _maps(
    edition: Edition, cite: Cite, contour: Contour | None, root: str | None
) -> tuple[Drawing, Drawing | None]:
    """Draw the cité in its EPCI, and from near where its contour is known."""
    title = f"{cite.communes_text} ({cite.epci.name})"
    if contour is None:
        return edition.atlas.locator(cite.epci, cite.communes, root, title), None
    near = [*(crossing.commune for crossing in contour.crossings), *cite.communes]
    return (
        edition.atlas.locator(cite.epci, cite.communes, root, title, contour.geometry),
        edition.atlas.close_up(near, root, f"Contour : {cite.place.name}", contour.geometry),
    )
