"""The latest figures of every territory that has a sheet or stands in the landmarks, for the comparison page.

Belongs here: which territories share a file, what a file holds.
Does not: rounding and coding of a figure (``map_data``), the page, the script that reads the files.
"""

from collections.abc import Iterator
from typing import Any

from observatory.rendering.edition import Edition
from observatory.rendering.figures import Indicator
from observatory.rendering.map_data import coded, script
from observatory.rendering.places import Place
from observatory.rendering.wording import LEVELS

LANDMARKS = "reperes"
"""The file of the EPCI and of what contains them."""


def groups(edition: Edition) -> dict[str, list[Place]]:
    """Return the territories of each file: the landmarks, then the communes and the cités of each EPCI."""
    gazetteer = edition.gazetteer
    found = {LANDMARKS: edition.benchmarks}
    for epci in gazetteer.epcis:
        found[f"communes-{epci.code}"] = gazetteer.children(epci, "commune")
        # A cité over two EPCI is in the file of the one that its sheet names.
        found[f"cites-{epci.code}"] = [cite.place for cite in gazetteer.cites if cite.epci == epci]
    return {name: places for name, places in found.items() if places}


def comparison_scripts(edition: Edition) -> Iterator[tuple[str, str]]:
    """Yield the name and text of each file: the list of the territories, then one by group."""
    files = groups(edition)
    listed = {key(place): [_short(place), name] for name, places in files.items() for place in places}
    yield "comparer/territoires.js", script("COMPARED", "territoires", {"territories": listed})
    for name, places in files.items():
        yield f"comparer/{name}.js", script("COMPARED", name, _figures(edition, places))


def _short(place: Place) -> str:
    return LEVELS["basin"] if place.level == "basin" else place.short_name


def key(place: Place) -> str:
    """Return how addresses and files name a territory."""
    return f"{place.level}:{place.code}"


def _figures(edition: Edition, places: list[Place]) -> dict[str, Any]:
    levels = {place.level for place in places}
    shown: list[Indicator] = [one for one in edition.book.indicators if levels & set(one.levels)]
    rows = {place: [edition.book.figure(place, one) for one in shown] for place in places}
    made = {
        key(place): [figure.indicator.indicator for figure in figures if figure.fictive]
        for place, figures in rows.items()
    }
    return {
        "indicators": [one.indicator for one in shown],
        "vintages": [one.latest for one in shown],
        "figures": {key(place): [coded(figure) for figure in figures] for place, figures in rows.items()},
        # Those that no definition tells: an indicator made of generated data is known to be so.
        "fictive": {
            name: mixed
            for name, identifiers in made.items()
            if (mixed := [one for one in identifiers if not edition.book.indicator(one).fictive])
        },
    }
