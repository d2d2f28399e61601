"""How a figure changed between two vintages that may be compared.

Belongs here: which vintage is the base, the unit of a change, whether chance makes it, why none is told.
Does not: series and their charts (``sheets``), words of the page.
"""

from dataclasses import dataclass
from typing import Literal

from observatory.rendering.comparisons import difference
from observatory.rendering.figures import Figure, FigureBook, Indicator
from observatory.rendering.french import MINUS, NO_BREAK_SPACE, number
from observatory.rendering.places import Place

Kind = Literal["percent", "points", "none"]
_FEWEST_DECIMALS = 1


@dataclass(frozen=True)
class Change:
    """A change between two vintages, or why there is none.

    Attributes:
        from_vintage: base, None where no vintage may be one.
        to_vintage: vintage shown.
        value: later less earlier in points, or in per cent of the earlier; None where no change is told.
        kind: unit of the value; ``none`` where no change is told.
        significant: for proportions, whether zero is outside the 95 % interval of the difference; None
            where no interval can be computed.
        reason: why there is none, in French; empty where there is one.
    """

    from_vintage: int | None
    to_vintage: int
    value: float | None = None
    kind: Kind = "none"
    significant: bool | None = None
    reason: str = ""

    @property
    def text(self) -> str:
        """The change with its sign and unit, or an empty text."""
        if self.value is None:
            return ""
        written = number(abs(self.value), _FEWEST_DECIMALS)
        sign = "" if number(self.value, _FEWEST_DECIMALS) == number(0, _FEWEST_DECIMALS) else "+"
        sign = MINUS if self.value < 0 and sign else sign
        return f"{sign}{written}{NO_BREAK_SPACE}{'%' if self.kind == 'percent' else 'pt'}"

    @property
    def period(self) -> str:
        """The two years, or an empty text."""
        return f"{self.from_vintage}–{self.to_vintage}" if self.value is not None else ""


def change(book: FigureBook, place: Place, indicator: Indicator) -> Change:
    """Return how the figure of a territory changed, over the shortest interval permitted.

    The latest vintage is set against the most recent one far enough, on the same side of any break.
    """
    latest = indicator.latest
    if place.level == "iris":
        return Change(None, latest, reason="Deux millésimes ne se comparent pas à l’échelle d’un IRIS.")
    if indicator.shortest_interval is None or latest in indicator.exceptional:
        return Change(None, latest, reason=indicator.change_note)
    base = base_vintage(indicator)
    if base is None:
        return Change(None, latest, reason=f"Aucun millésime antérieur comparable. {indicator.change_note}")
    return _difference(book.figure(place, indicator, base), book.figure(place, indicator, latest))


def base_vintage(indicator: Indicator) -> int | None:
    """Return the vintage that the latest one is set against; None where there is none."""
    latest, interval = indicator.latest, indicator.shortest_interval
    if interval is None:
        return None
    usual = [one for one in indicator.vintages if one not in indicator.exceptional]
    since = max((year for year in indicator.breaks if year <= latest), default=None)
    far = [one for one in usual if one <= latest - interval and (since is None or one >= since)]
    return max(far, default=None)


def _untold(before: Figure, after: Figure) -> str:
    """Return why two figures must not be set against each other, published or not."""
    if before.fragile or after.fragile:
        return "La valeur d’un des deux millésimes est fragile."
    if before.fictive != after.fictive:
        return "L’un des deux millésimes est fictif."
    if before.geography != after.geography:
        return "Les deux millésimes ne sont pas sur la même géographie."
    return ""


def _difference(before: Figure, after: Figure) -> Change:
    years = before.vintage, after.vintage
    if before.value is None or after.value is None:
        return Change(*years, reason="La valeur d’un des deux millésimes n’est pas publiée.")
    if reason := _untold(before, after):
        return Change(*years, reason=reason)
    gap = after.value - before.value
    if before.indicator.unit == "%":
        return Change(*years, gap, "points", _beyond_chance(before, after))
    if before.value <= 0:
        return Change(
            *years, reason="La valeur de départ est nulle\u202f: aucun pourcentage n’est calculable."
        )
    return Change(*years, gap / before.value * 100, "percent")


def _beyond_chance(before: Figure, after: Figure) -> bool | None:
    """Return whether zero is outside the interval of the difference of two proportions."""
    if not before.indicator.proportion or not before.denominator or not after.denominator:
        return None
    if before.numerator is None or after.numerator is None:
        return None
    low, high = difference((after.numerator, after.denominator), (before.numerator, before.denominator))
    return not low <= 0 <= high
