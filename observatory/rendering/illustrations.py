"""Illustrations of the portrait: drawings of the published tables, each with the table that it draws.

Belongs here: the addresses of illustrations and what each draws, classes of a map included.
Does not: HTML (template), the text around them (``portrait``).

An address is ``kind/indicator/…``::

    serie/population_depuis_1968              a panel per EPCI over the basin, vintages that may be compared
    ligne/population_depuis_1968/basin:BM     a territory over those vintages
    barres/taux_emploi/2022                   EPCI, basin and benchmarks
    carte/taux_pauvrete/2021                  communes in five classes of as many as can be
    parts/part_moins_20_ans+part_20_64_ans+part_65_ans_ou_plus/2021     shares of a whole
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from observatory.rendering.charts import LineChart, line_chart
from observatory.rendering.edition import Edition
from observatory.rendering.figures import Figure, Indicator
from observatory.rendering.landmarks import chain
from observatory.rendering.maps import Drawing
from observatory.rendering.places import Place
from observatory.rendering.quotes import AbsentFigureError, Quotations, QuoteError
from observatory.rendering.small_multiples import Bar, Multiples, bars, multiples
from observatory.rendering.stacks import Stack, stack

CLASSES = 5


@dataclass(frozen=True)
class MapClass:
    """A class of a map: its CSS class, its bounds as written, its communes by EPCI."""

    css: str
    bounds: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Choropleth:
    """A map of the communes and its classes, the lowest first, those without figure last."""

    drawing: Drawing
    epcis: tuple[Place, ...]
    classes: tuple[MapClass, ...]


@dataclass(frozen=True)
class Illustration:
    """A drawing and its table.

    Attributes:
        kind: first word of its address.
        indicators: what it draws, the columns of the table of shares.
        vintages: columns of its table otherwise.
        rows: territories and their figures, by column.
        drawing: what is drawn.
    """

    kind: str
    indicators: tuple[Indicator, ...]
    vintages: tuple[int, ...]
    rows: tuple[tuple[Place, tuple[Figure, ...]], ...]
    drawing: Multiples | LineChart | Choropleth | tuple[Bar, ...] | tuple[Stack, ...]

    @property
    def indicator(self) -> Indicator:
        """The first indicator."""
        return self.indicators[0]

    @property
    def figures(self) -> list[Figure]:
        """Every figure that it shows."""
        return [figure for _, figures in self.rows for figure in figures]


class Illustrator:
    """Draws the illustrations of an edition."""

    def __init__(self, edition: Edition, quotes: Quotations, root: str) -> None:
        """Keep the edition, how its figures are found, and the way to the root of the site."""
        self.edition, self.quotes, self.root = edition, quotes, root

    def draw(self, address: str) -> Illustration:
        """Return the illustration of an address.

        Raises:
            QuoteError: the address is not understood, or may not be shown.
            AbsentFigureError: the edition has not enough figures to draw it.
        """
        kind, *parts = address.split("/")
        if kind not in _KINDS or len(parts) != _KINDS[kind][0]:
            known = ", ".join(_KINDS)
            raise QuoteError(f"« {address} » n’est pas une illustration\u202f; connues\u202f: {known}.")
        return _KINDS[kind][1](self, *parts)


def _series(illustrator: Illustrator, name: str) -> Illustration:
    indicator = illustrator.quotes.indicator(name)
    edition, vintages = illustrator.edition, chain(indicator)
    rows = _over(edition, [*edition.gazetteer.epcis, edition.gazetteer.basin], indicator, vintages)
    drawn = multiples(indicator, rows[:-1], rows[-1][1])
    if drawn is None:
        raise AbsentFigureError(f"« {indicator.label} »\u202f: moins de deux millésimes comparables")
    return Illustration("serie", (indicator,), vintages, rows, drawn)


def _line(illustrator: Illustrator, name: str, key: str) -> Illustration:
    indicator = illustrator.quotes.indicator(name)
    vintages = chain(indicator)
    place, *_ = illustrator.quotes.figure(indicator, key, str(vintages[-1]))
    rows = _over(illustrator.edition, [place], indicator, vintages)
    drawn = line_chart(rows[0][1])
    if drawn is None:
        raise AbsentFigureError(f"« {indicator.label} »\u202f: moins de deux millésimes comparables")
    return Illustration("ligne", (indicator,), vintages, rows, drawn)


def _over(
    edition: Edition, places: Sequence[Place], indicator: Indicator, vintages: Sequence[int]
) -> tuple[tuple[Place, tuple[Figure, ...]], ...]:
    return tuple(
        (place, tuple(edition.book.figure(place, indicator, vintage) for vintage in vintages))
        for place in places
    )


def _bars(illustrator: Illustrator, name: str, vintage: str) -> Illustration:
    indicator = illustrator.quotes.indicator(name)
    year = illustrator.quotes.year(indicator, vintage)
    edition = illustrator.edition
    places = [
        place
        for place in edition.benchmarks
        if place.level in indicator.levels and (indicator.aggregation != "sum" or place.level == "epci")
    ]
    rows = _over(edition, places, indicator, (year,))
    drawn = bars([(place, figures[0]) for place, figures in rows])
    if not drawn:
        raise AbsentFigureError(f"« {indicator.label} », {vintage}\u202f: rien à dessiner")
    return Illustration("barres", (indicator,), (year,), rows, drawn)


def _shares(illustrator: Illustrator, names: str, vintage: str) -> Illustration:
    indicators = tuple(illustrator.quotes.indicator(name) for name in names.split("+"))
    years = [illustrator.quotes.year(one, vintage) for one in indicators]
    edition = illustrator.edition
    rows = tuple(
        (place, tuple(edition.book.figure(place, one, years[0]) for one in indicators))
        for place in edition.benchmarks
        if all(place.level in one.levels for one in indicators)
    )
    return Illustration(
        "parts", indicators, (years[0],), rows, tuple(stack(place, figures) for place, figures in rows)
    )


def _map(illustrator: Illustrator, name: str, vintage: str) -> Illustration:
    indicator = illustrator.quotes.indicator(name)
    year = illustrator.quotes.year(indicator, vintage)
    edition = illustrator.edition
    communes = edition.gazetteer.communes
    figures = {place.code: edition.book.figure(place, indicator, year) for place in communes}
    if any(figure.fictive for figure in figures.values()):
        raise QuoteError(
            f"« {indicator.label} » provient de données fictives\u202f: il ne se dessine pas ici."
        )
    values = sorted(figure.value for figure in figures.values() if figure.value is not None)
    if len(values) < CLASSES:
        raise AbsentFigureError(f"« {indicator.label} », {vintage}\u202f: trop peu de communes publiées")
    cuts = class_limits(values)
    css = {
        code: "unpublished" if figure.value is None else f"q{bisect_left(cuts, figure.value)}"
        for code, figure in figures.items()
    }
    notes = {code: figure.full_text for code, figure in figures.items()}
    title = f"Carte des communes du Bassin minier\u202f: {indicator.label}, {vintage}"
    drawing = edition.atlas.basin(css, illustrator.root, notes, title)
    found = Choropleth(drawing, tuple(edition.gazetteer.epcis), _classes(edition, css, figures))
    rows = tuple((place, (figures[place.code],)) for place in communes)
    return Illustration("carte", (indicator,), (year,), rows, found)


def class_limits(values: Sequence[float]) -> list[float]:
    """Return the upper limits of the classes but the last, of sorted values, in as equal parts as can be.

    Equal values are in the same class, so that there may be fewer classes.
    """
    cuts = {values[len(values) * rank // CLASSES - 1] for rank in range(1, CLASSES)}
    return sorted(cuts - {values[-1]})


def _classes(edition: Edition, css: Mapping[str, str], figures: Mapping[str, Figure]) -> tuple[MapClass, ...]:
    epcis = edition.gazetteer.epcis
    members = {epci.code: edition.gazetteer.children(epci, "commune") for epci in epcis}
    found = []
    for name in [*(f"q{rank}" for rank in range(CLASSES)), "unpublished"]:
        inside = sorted(
            (figure for code, figure in figures.items() if css[code] == name),
            key=lambda figure: figure.value or 0.0,
        )
        if inside:
            bounds = f"de {inside[0].text} à {inside[-1].text}" if name != "unpublished" else "non publié"
            counts = tuple(sum(css[place.code] == name for place in members[epci.code]) for epci in epcis)
            found.append(MapClass(name, bounds, counts))
    return tuple(found)


_KINDS: Mapping[str, tuple[int, Callable[..., Illustration]]] = {
    "serie": (1, _series),
    "ligne": (2, _line),
    "barres": (2, _bars),
    "carte": (2, _map),
    "parts": (2, _shares),
}
