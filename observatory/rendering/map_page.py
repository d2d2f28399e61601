"""The page of the map: a first choropleth, its legend and table, and what a script makes of them.

Belongs here: what the page shows before any script runs, and the choices that it offers.
Does not: classes and figures of the files loaded on demand (``map_data``), HTML (template), scripts.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from observatory.rendering import wording
from observatory.rendering.edition import Edition
from observatory.rendering.figures import Figure, Indicator
from observatory.rendering.map_data import PROPERTY, STATUS_LETTERS, MapData
from observatory.rendering.page import Page
from observatory.rendering.places import Cite, Place

# Less of a cité than this in the inscribed property is the edge of a drawing, not a part of the cité.
_EDGE = 0.02
_INTERESTS = {"Exceptionnelle": "i-exceptionnel", "Remarquable": "i-remarquable", "Témoin": "i-temoin"}


@dataclass(frozen=True)
class Key:
    """A line of the legend: its CSS class, what it means, how many it holds (none are said for a zone)."""

    css: str
    label: str
    count: int


@dataclass(frozen=True)
class Layer:
    """Contours that may be laid over the map: name of the choice, and the keys of its legend."""

    name: str
    label: str
    keys: tuple[Key, ...]


@dataclass(frozen=True)
class Row:
    """A commune of the table."""

    place: Place
    epci: Place
    figure: Figure


def map_page(edition: Edition, data: MapData) -> Page:
    """Return the page of the map, with the first indicator that compares communes on it."""
    communes = edition.gazetteer.communes
    shown = first_indicator(data.indicators)
    rows = [
        Row(place, edition.gazetteer.parent(place, "epci"), edition.book.figure(place, shown))
        for place in communes
    ]
    css = {place.code: _css(data, shown, place) for place in communes}
    notes = {row.place.code: row.figure.full_text for row in rows}
    drawn = [
        (cite, contour)
        for cite in edition.gazetteer.cites
        if (heritage := edition.heritage.of_cite(cite)) and (contour := heritage.contour)
    ]
    shapes = [
        (cite.place, _cite_css(cite, contour.share_inscribed, contour.interests), contour.geometry)
        for cite, contour in drawn
    ]
    return Page(
        "carte/index.html",
        "carte.html.j2",
        "carte",
        "Carte",
        "Carte des communes du Bassin minier par indicateur et par année, classes, comparaison de deux "
        "indicateurs, contours des cités minières.",
        shown.fictive,
        {
            "indicator": shown,
            "scale": data.scale(shown),
            "keys": list(_keys(data, shown, css)),
            "themes": _themes(data.indicators),
            "drawing": edition.atlas.areas(css, "../", notes, f"Carte des communes\u202f: {shown.label}"),
            "borders": edition.atlas.borders(),
            "rows": rows,
            "layers": list(_layers([css for _, css, _ in shapes], data.has_property)),
            "drawn": len(shapes),
            "contours": edition.atlas.outlines(shapes, "../") if shapes else Markup(""),
            "undrawn": len(edition.gazetteer.cites) - len(shapes),
            "letters": STATUS_LETTERS,
        },
    )


def first_indicator(indicators: list[Indicator]) -> Indicator:
    """Return the indicator that the map opens with: real, compared between territories, with a better end."""

    def rank(one: Indicator) -> tuple[bool, bool, bool, int]:
        return one.fictive, not one.compared, one.polarity == "neutral", one.position

    return min(indicators, key=rank)


def _themes(indicators: list[Indicator]) -> dict[str, list[Indicator]]:
    themes: dict[str, list[Indicator]] = {}
    for one in indicators:
        themes.setdefault(one.theme, []).append(one)
    return themes


def _css(data: MapData, indicator: Indicator, place: Place) -> str:
    value, scale = data.value(indicator, place), data.scale(indicator)
    if isinstance(value, str) or scale is None:
        return str(value)
    return "land" if indicator.aggregation == "sum" else scale.tone(value)


def _keys(data: MapData, indicator: Indicator, css: dict[str, str]) -> Iterator[Key]:
    given = list(css.values())
    scale = data.scale(indicator)
    if scale is not None:
        for tone, label in zip(scale.tones, scale.labels(indicator.decimals), strict=True):
            yield Key(tone, label, given.count(tone))
    for status, letter in STATUS_LETTERS.items():
        yield Key(letter, wording.STATUSES[status].short, given.count(letter))


def _cite_css(cite: Cite, share: float, interests: tuple[str, ...]) -> str:
    inscribed = "u-oui" if share > 1 - _EDGE else "u-partie" if share > _EDGE else "u-non"
    interest = next((css for name, css in _INTERESTS.items() if name in interests), "i-inconnu")
    programme = "r-integree" if "integree" in cite.row["programmes"] else "r-autre"
    return f"{inscribed} {interest} {programme}"


def _layers(css: list[str], has_property: bool) -> Iterator[Layer]:
    if has_property:
        zones = (Key("z-inscribed", "Bien inscrit", 0), Key("z-buffer", "zone tampon", 0))
        yield Layer(PROPERTY, "Bien inscrit au patrimoine mondial", zones)
    if not css:
        return
    given = [name for names in css for name in names.split()]

    def keys(*pairs: tuple[str, str]) -> tuple[Key, ...]:
        return tuple(Key(name, label, given.count(name)) for name, label in pairs if name in given)

    yield Layer("cites", "Contours des cités minières", (Key("cite", "cité minière", len(css)),))
    yield Layer(
        "unesco",
        "Cités et Bien inscrit au patrimoine mondial",
        keys(
            ("u-oui", "cité dans le Bien inscrit"),
            ("u-partie", "cité en partie dans le Bien inscrit"),
            ("u-non", "cité hors du Bien inscrit"),
        ),
    )
    yield Layer(
        "interet",
        "Cités par intérêt patrimonial",
        keys(
            ("i-exceptionnel", "intérêt exceptionnel"),
            ("i-remarquable", "intérêt remarquable"),
            ("i-temoin", "cité témoin"),
            ("i-inconnu", "intérêt non renseigné par la source"),
        ),
    )
    yield Layer(
        "programme",
        "Cités en rénovation intégrée",
        keys(("r-integree", "rénovation intégrée (ERBM)"), ("r-autre", "autre cité suivie")),
    )
