"""The pages of the cités: their list, the dashboard, one sheet each.

Belongs here: what those pages show.
Does not: the figures of a sheet (``sheets``), HTML (templates).
"""

from collections.abc import Iterator

from observatory.rendering import wording
from observatory.rendering.dashboard_page import dashboard_content, dashboard_row
from observatory.rendering.edition import Edition
from observatory.rendering.heritage import Contour
from observatory.rendering.maps import Drawing
from observatory.rendering.page import Page
from observatory.rendering.places import Cite

DASHBOARD = "cites/tableau-de-bord/index.html"


def cite_pages(edition: Edition) -> Iterator[Page]:
    """Yield the list of the cités, their dashboard where the edition has one, and a page each."""
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
