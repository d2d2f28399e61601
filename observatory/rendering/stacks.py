"""Breakdowns as bars cut in shares, and as age pyramids: plain HTML, read without script and in print.

Belongs here: the widths of what is drawn.
Does not: which breakdowns a page shows (``sheets``, ``pages``); the table under each gives its figures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from observatory.rendering.figures import Figure
from observatory.rendering.places import Place

# A narrower piece has no room for its number.
_NARROWEST_LABEL = 8.0
_SEPARATOR = ", "


@dataclass(frozen=True)
class Piece:
    """A share of a bar: its place in the legend, its width in per cent, its number where there is room."""

    position: int
    width: float
    text: str


@dataclass(frozen=True)
class Stack:
    """The bar of one territory; ``withheld`` is the share of what is not published, ``reason`` says why."""

    place: Place
    pieces: tuple[Piece, ...]
    withheld: float
    reason: str


@dataclass(frozen=True)
class Step:
    """One age of a pyramid: its name and two figures, with the widths of their bars in per cent."""

    name: str
    figures: tuple[Figure, Figure]
    widths: tuple[float, float]


@dataclass(frozen=True)
class Pyramid:
    """The pyramid of one territory, oldest first; ``sides`` name its two halves."""

    place: Place
    sides: tuple[str, str]
    steps: tuple[Step, ...]


def stack(place: Place, figures: Sequence[Figure]) -> Stack:
    """Return the bar of the shares of one territory, in order."""
    pieces = tuple(
        Piece(position, figure.value, figure.text if figure.value >= _NARROWEST_LABEL else "")
        for position, figure in enumerate(figures)
        if figure.value is not None and figure.value > 0
    )
    blank = [figure for figure in figures if figure.value is None]
    withheld = max(0.0, 100 - sum(piece.width for piece in pieces)) if blank else 0.0
    return Stack(place, pieces, withheld, blank[0].text if blank else "")


def pyramid(place: Place, figures: Sequence[Figure]) -> Pyramid | None:
    """Return the pyramid of shares named « side, age », or None where the categories are not so named."""
    names = [str(figure.indicator.category).partition(_SEPARATOR) for figure in figures]
    sides = tuple(dict.fromkeys(side for side, _, _ in names))
    if len(sides) != 2 or not all(age for _, _, age in names):
        return None
    by_name = {(side, age): figure for (side, _, age), figure in zip(names, figures, strict=True)}
    ages = list(dict.fromkeys(age for _, _, age in names))
    most = max((figure.value or 0.0 for figure in figures), default=0.0) or 1.0
    steps = []
    for age in reversed(ages):
        one, other = by_name[sides[0], age], by_name[sides[1], age]
        widths = (100 * (one.value or 0.0) / most, 100 * (other.value or 0.0) / most)
        steps.append(Step(age, (one, other), widths))
    return Pyramid(place, (sides[0], sides[1]), tuple(steps))
