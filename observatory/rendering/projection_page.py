"""The page of the beneficiaries to come.

Belongs here: what it shows of the basin, of the EPCI, of the assumptions and of the checks.
Does not: projecting (``projection``), looking projections up (``projections``), HTML (template).
"""

from dataclasses import dataclass
from typing import Any

from observatory.indicators.breakdowns import load_breakdowns
from observatory.indicators.mining import NEWCOMER_YEARS
from observatory.rendering.edition import Edition
from observatory.rendering.figures import Figure
from observatory.rendering.page import Page
from observatory.rendering.places import Place
from observatory.rendering.projections import Projection, TerritoryProjections

ADDRESS = "ayants-droit/index.html"
NEWCOMERS = "mining_newcomers"


@dataclass(frozen=True)
class NewOccupants:
    """Dwellings let again by category of today's newcomers: its share, and dwellings by scenario."""

    title: str
    rows: tuple[tuple[Figure, Projection | None], ...]


def projection_page(edition: Edition) -> Page:
    """Return the page; where nothing is projected, it says why."""
    book, places = edition.projections, edition.gazetteer
    basin = book.of(places.basin)
    epcis = [found for place in places.epcis if (found := book.of(place)) is not None]
    content: dict[str, Any] = {
        "basin": basin,
        "epcis": epcis,
        "communes": [found for one in places.communes if (found := book.of(one)) and found.published],
        "cites": [found for cite in places.cites if (found := book.of(cite.place)) and found.published],
        "occupants": new_occupants(edition, places.basin, basin) if basin and basin.published else (),
        "horizon": edition.assumed.let_again.year,
        "newcomer_years": NEWCOMER_YEARS,
        "assumed": edition.assumed,
        "gap": list(zip(edition.assumed.gap.years, edition.assumed.gap.shares, strict=True)),
        "calibration": edition.calibration,
        "book": book,
        "files": [row for row in edition.files if row["file_id"] in book.file_ids],
    }
    return Page(
        ADDRESS,
        "ayants_droit.html.j2",
        "ayants-droit",
        "Ayants droit à venir",
        "Combien de bénéficiaires de l’ANGDM demain, combien de logements libérés, combien de personnes très "
        "âgées : projection jusqu’en 2050 pour le Bassin minier et ses intercommunalités.",
        book.fictive,
        content,
    )


def new_occupants(
    edition: Edition, place: Place, projected: TerritoryProjections
) -> tuple[NewOccupants, ...]:
    """Return who would live in the dwellings let again, if let as those of the last newcomers are."""
    dwellings = projected.parts.get("let_again", {})
    found = []
    for one in load_breakdowns():
        if one.of != NEWCOMERS or one.cross is not None:
            continue
        indicators = edition.book.breakdowns.get(one.theme, {}).get(one.title, [])
        rows = tuple(
            (edition.book.figure(place, indicator), dwellings.get(indicator.indicator))
            for indicator in indicators
        )
        if any(projection for _, projection in rows):
            found.append(NewOccupants(one.title, rows))
    return tuple(found)
