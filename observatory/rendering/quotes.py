"""Figures quoted in prose: an address says which one, the observations say what must be written.

Belongs here: the vocabulary of addresses, and what each gives in an edition.
Does not: Markdown (``portrait``), pages.

An address is ``kind:indicator/…``; a territory is ``level:code``, two vintages are ``first-last``::

    chiffre:taux_emploi/basin:BM/2022                  the figure
    hausse:emplois/basin:BM/2017-2022                  its rise in per cent; baisse for a fall
    gain:taux_emploi/basin:BM/2017-2022                its rise in its unit, points for %; perte for a fall
    plus:taux_emploi/epci:200072460/basin:BM/2022      how much it is above a reference; moins under
    part:emplois/epci:245901160/basin:BM/2022          its share of that of a whole
    rang:emplois/epci:245901160/2022                   its rank in its level, the largest first
    premier:emplois/epci/2022                          the territory where it is largest; dernier, smallest
    nombre:taux_pauvrete/commune/2021                  the territories where it is published
    nombre:taux_pauvrete/commune/2021/plus-de-20       those where it is over 20; moins-de
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from observatory.errors import ObservatoryError
from observatory.indicators.catalogue import load_indicators
from observatory.rendering.figures import Figure, FigureBook, Indicator
from observatory.rendering.french import NO_BREAK_SPACE, number, ordinal, quantity, unit
from observatory.rendering.landmarks import exact, points, refusal, set_apart
from observatory.rendering.places import Gazetteer, Place

_LIMIT = re.compile(r"(plus|moins)-de-(\d+(?:,\d+)?)$")
_SPAN = re.compile(r"(\d{4})-(\d{4})$")
_RANK_WORDS = {1: ("premier", "première"), 2: ("deuxième",), 3: ("troisième",), 4: ("quatrième",)}


class QuoteError(ObservatoryError):
    """A quotation that may not be published; its message ends a sentence that names file, line and text."""


class AbsentFigureError(ObservatoryError):
    """This edition has no such figure; its message says what is lacking."""


@dataclass(frozen=True)
class Answer:
    """What may be written, the usual form first, and the figures that it comes from."""

    texts: tuple[str, ...]
    indicator: Indicator
    figures: tuple[Figure, ...]
    note: str


class Quotations:
    """Answers the addresses of an edition."""

    def __init__(self, book: FigureBook, gazetteer: Gazetteer) -> None:
        """Keep where figures and territories are found."""
        self._book, self._gazetteer = book, gazetteer
        self._known = {one.indicator: one for one in book.indicators}

    def answer(self, address: str) -> Answer:
        """Return what an address gives.

        Raises:
            QuoteError: the address is not understood, or may not be quoted.
            AbsentFigureError: the edition lacks a figure of it.
        """
        kind, _, rest = address.partition(":")
        if kind not in _KINDS:
            known = ", ".join(_KINDS)
            raise QuoteError(f"« {address} » n’est pas une citation\u202f; connues\u202f: {known}.")
        name, *parts = rest.split("/")
        shape, compute = _KINDS[kind]
        if not len(shape) - (kind == "nombre") <= len(parts) <= len(shape):
            raise QuoteError(f"« {address} » s’écrit « {kind}:indicateur/{'/'.join(shape)} ».")
        return compute(self, self.indicator(name), *parts)

    def places(self, level: str) -> list[Place]:
        """Return the territories of a level.

        Raises:
            QuoteError: there is none.
        """
        found = self._gazetteer.level(level)
        if not found:
            raise QuoteError(f"le niveau « {level} » n’existe pas.")
        return found

    def figures(self, indicator: Indicator, level: str, vintage: str) -> list[tuple[Place, Figure]]:
        """Return the published figures of a level, the largest first.

        Raises:
            QuoteError: the level is unknown.
            AbsentFigureError: none is published.
        """
        year = self.year(indicator, vintage)
        found = [(place, self._book.figure(place, indicator, year)) for place in self.places(level)]
        known = [(place, figure) for place, figure in found if figure.value is not None]
        if not known:
            raise AbsentFigureError(f"« {indicator.label} », {vintage}\u202f: rien de publié à ce niveau")
        return sorted(known, key=lambda pair: (-(pair[1].value or 0.0), pair[0].sort_key))

    def figure(self, indicator: Indicator, key: str, vintage: str) -> tuple[Place, Figure, float]:
        """Return a territory, its figure and its value.

        Raises:
            QuoteError: the territory is unknown, or the figure is secret, fragile or fictive.
            AbsentFigureError: the figure is not published for another reason.
        """
        level, _, code = key.partition(":")
        try:
            place = self._gazetteer.place(level, code)
        except ObservatoryError as error:
            raise QuoteError(str(error)) from error
        figure = self._book.figure(place, indicator, self.year(indicator, vintage))
        named = f"« {indicator.label} », {place.name}, {vintage}"
        if figure.status == "secret":
            raise QuoteError(f"{named} est devenu secret\u202f: le chiffre ne se publie plus.")
        if figure.fragile:
            raise QuoteError(f"{named} est fragile, établi sur trop peu de cas\u202f: il ne se cite pas.")
        if figure.fictive:
            raise QuoteError(f"{named} provient de données fictives\u202f: il ne se cite pas.")
        if figure.value is None:
            raise AbsentFigureError(f"{named}\u202f: {figure.text}")
        return place, figure, figure.value

    def indicator(self, name: str) -> Indicator:
        """Return an indicator that may be quoted.

        Raises:
            QuoteError: the catalogue does not have it, or it is fictive.
            AbsentFigureError: the edition does not have it.
        """
        if name not in self._known:
            if name not in catalogue_labels():
                raise QuoteError(f"l’indicateur « {name} » n’est pas au catalogue.")
            label = catalogue_labels()[name]
            raise AbsentFigureError(f"« {label} »\u202f: source non prise dans cette édition")
        indicator = self._known[name]
        if indicator.fictive:
            raise QuoteError(f"« {indicator.label} » est une donnée fictive\u202f: elle ne se cite pas.")
        return indicator

    def year(self, indicator: Indicator, vintage: str) -> int:
        """Return a vintage of an indicator.

        Raises:
            QuoteError: it is not a year.
            AbsentFigureError: the edition does not have it.
        """
        if not re.fullmatch(r"\d{4}", vintage):
            raise QuoteError(f"« {vintage} » n’est pas un millésime.")
        if int(vintage) not in indicator.vintages:
            raise AbsentFigureError(
                f"« {indicator.label} »\u202f: millésime {vintage} absent de cette édition"
            )
        return int(vintage)


@cache
def catalogue_labels() -> Mapping[str, str]:
    """Return the labels of the whole catalogue by identifier, whatever an edition has."""
    return {one.id: one.label for one in load_indicators()}


def _figure(quotes: Quotations, indicator: Indicator, key: str, vintage: str) -> Answer:
    place, figure, _ = quotes.figure(indicator, key, vintage)
    texts = (figure.text, figure.full_text)
    return Answer(texts, indicator, (figure,), f"{place.name}, {vintage}")


def _over_time(rising: bool, relative: bool) -> Callable[[Quotations, Indicator, str, str], Answer]:
    """Return what answers a change between two vintages, in per cent or in the unit."""

    def compute(quotes: Quotations, indicator: Indicator, key: str, span: str) -> Answer:
        years = _SPAN.match(span)
        if years is None:
            raise QuoteError(f"« {span} » s’écrit « début-fin ».")
        if why := refusal(indicator, int(years[1]), int(years[2])):
            raise QuoteError(f"« {indicator.label} », {span}\u202f: {why}")
        place, first, before = quotes.figure(indicator, key, years[1])
        _, last, after = quotes.figure(indicator, key, years[2])
        if why := set_apart(first, last):
            raise QuoteError(f"« {indicator.label} », {span}\u202f: {why}.")
        if relative and before == 0:
            raise QuoteError("une valeur de départ nulle n’a pas d’évolution en pour cent.")
        _directed(after - before, rising, "hausse", "baisse")
        note = f"{place.name}\u202f: {first.text} en {years[1]}, {last.text} en {years[2]}"
        texts = (
            (quantity(exact(abs(after / before - 1) * 100), 1, "%"),)
            if relative
            else _difference(indicator, exact(abs(after - before)))
        )
        return Answer(texts, indicator, (first, last), note)

    return compute


def _beside(above: bool) -> Callable[[Quotations, Indicator, str, str, str], Answer]:
    """Return what answers the gap between a territory and a reference."""

    def compute(quotes: Quotations, indicator: Indicator, key: str, reference: str, vintage: str) -> Answer:
        place, one, value = quotes.figure(indicator, key, vintage)
        other_place, other, base = quotes.figure(indicator, reference, vintage)
        _directed(value - base, above, "au-dessus", "au-dessous")
        note = f"{vintage}\u202f: {place.name} {one.text}, {other_place.name} {other.text}"
        return Answer(_difference(indicator, exact(abs(value - base))), indicator, (one, other), note)

    return compute


def _share(quotes: Quotations, indicator: Indicator, key: str, whole: str, vintage: str) -> Answer:
    if indicator.aggregation != "sum":
        raise QuoteError(f"« {indicator.label} » n’est pas un effectif\u202f: il n’a pas de part.")
    place, one, value = quotes.figure(indicator, key, vintage)
    around, all_of_it, total = quotes.figure(indicator, whole, vintage)
    if total <= 0:
        raise QuoteError("une part d’un total nul n’existe pas.")
    note = f"{vintage}\u202f: {place.name} {one.text}, {around.name} {all_of_it.text}"
    return Answer((quantity(exact(value / total * 100), 1, "%"),), indicator, (one, all_of_it), note)


def _rank(quotes: Quotations, indicator: Indicator, key: str, vintage: str) -> Answer:
    place, figure, value = quotes.figure(indicator, key, vintage)
    rows = quotes.figures(indicator, place.level, vintage)
    rank = 1 + sum(other.value is not None and other.value > value for _, other in rows)
    words = _RANK_WORDS.get(rank, ())
    texts = (ordinal(rank), *(("1re",) if rank == 1 else ()), *words)
    return Answer(texts, indicator, (figure,), f"{place.name}, {vintage}\u202f: {rank} sur {len(rows)}")


def _extreme(largest: bool) -> Callable[[Quotations, Indicator, str, str], Answer]:
    """Return what answers where a figure is largest, or smallest."""

    def compute(quotes: Quotations, indicator: Indicator, level: str, vintage: str) -> Answer:
        rows = [pair for pair in quotes.figures(indicator, level, vintage) if not pair[1].fragile]
        if not rows:
            raise QuoteError(
                f"« {indicator.label} », {vintage}\u202f: que des chiffres fragiles à ce niveau."
            )
        (place, figure), *others = rows if largest else reversed(rows)
        if others and others[0][1].value == figure.value:
            raise QuoteError("plusieurs territoires sont à égalité\u202f: aucun n’est seul en tête.")
        note = f"{vintage}\u202f: {place.name} {figure.text}"
        return Answer((place.short_name, place.name), indicator, (figure,), note)

    return compute


def _count(
    quotes: Quotations, indicator: Indicator, level: str, vintage: str, limit: str | None = None
) -> Answer:
    rows = quotes.figures(indicator, level, vintage)
    note = f"territoires dont le chiffre est publié, {vintage}"
    if limit is not None:
        found = _LIMIT.match(limit)
        if found is None:
            raise QuoteError(f"« {limit} » s’écrit « plus-de-N » ou « moins-de-N ».")
        bound = float(found[2].replace(",", "."))
        over = found[1] == "plus"
        rows = [
            (place, figure)
            for place, figure in rows
            if figure.value is not None and (figure.value > bound if over else figure.value < bound)
        ]
        note = f"{note}, {found[1]} de {found[2]}{NO_BREAK_SPACE}{unit(indicator.unit)}"
    return Answer((number(len(rows)),), indicator, tuple(figure for _, figure in rows), note)


def _directed(difference: float, positive: bool, up: str, down: str) -> None:
    if difference == 0 or (difference > 0) != positive:
        found = "nul" if difference == 0 else (up if difference > 0 else down)
        raise QuoteError(f"le texte dit « {up if positive else down} », les observations disent « {found} ».")


def _difference(indicator: Indicator, value: float) -> tuple[str, ...]:
    if indicator.unit == "%":
        decimals = max(indicator.decimals, 1)
        text = number(value, decimals)
        return f"{text}{NO_BREAK_SPACE}{points(float(f'{value:.{decimals}f}'))}", text
    return number(value, indicator.decimals), quantity(value, indicator.decimals, indicator.unit)


_KINDS: Mapping[str, tuple[tuple[str, ...], Callable[..., Answer]]] = {
    "chiffre": (("niveau:code", "millésime"), _figure),
    "hausse": (("niveau:code", "début-fin"), _over_time(True, True)),
    "baisse": (("niveau:code", "début-fin"), _over_time(False, True)),
    "gain": (("niveau:code", "début-fin"), _over_time(True, False)),
    "perte": (("niveau:code", "début-fin"), _over_time(False, False)),
    "plus": (("niveau:code", "niveau:code", "millésime"), _beside(True)),
    "moins": (("niveau:code", "niveau:code", "millésime"), _beside(False)),
    "part": (("niveau:code", "niveau:code", "millésime"), _share),
    "rang": (("niveau:code", "millésime"), _rank),
    "premier": (("niveau", "millésime"), _extreme(True)),
    "dernier": (("niveau", "millésime"), _extreme(False)),
    "nombre": (("niveau", "millésime", "plus-de-N ou moins-de-N"), _count),
}
