"""The first factor plane as inline SVG: the communes, and the circle of the variables.

Belongs here: places, symbols and labels on the plane.
Does not: SVG elements (template), finding a commune (``site.js``), figures.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from observatory.rendering.charts import PALETTE
from observatory.rendering.french import two_lines
from observatory.rendering.places import Place
from observatory.rendering.traits import Variable
from observatory.rendering.typology import Member

_WIDTH, _MARGIN = 960, 40
_RADIUS = 6.5
# Room on each side of the circle for its labels, and between two of them.
_CIRCLE, _SIDE, _LEADING = 230, 270, 17
_LONGEST_LINE = 34
_FULL_TURN = 360


@dataclass(frozen=True)
class Mark:
    """One commune: its place on the drawing, symbol, colour, and whether it was placed afterwards."""

    place: Place
    number: int
    x: float
    y: float
    symbol: str
    colour: str
    placed: bool


@dataclass(frozen=True)
class Plane:
    """The communes on axes 1 and 2, at the same scale, and where each class has its middle."""

    width: int
    height: int
    origin: tuple[float, float]
    marks: tuple[Mark, ...]
    middles: tuple[tuple[int, float, float], ...]


@dataclass(frozen=True)
class Arrow:
    """One variable: the tip of its arrow, and its label with the end of its leading line."""

    variable: Variable
    x: float
    y: float
    label_x: float
    label_y: float
    lines: tuple[str, ...]
    left: bool


@dataclass(frozen=True)
class Circle:
    """The correlations of the variables with axes 1 and 2, within a circle of radius 1."""

    width: int
    height: int
    centre: tuple[float, float]
    radius: int
    arrows: tuple[Arrow, ...]


def plane(members: Sequence[Member]) -> Plane | None:
    """Draw the communes on the first two axes; None without any."""
    if not members:
        return None
    xs, ys = [one.axis_1 for one in members], [one.axis_2 for one in members]
    west, east, south, north = min(*xs, 0.0), max(*xs, 0.0), min(*ys, 0.0), max(*ys, 0.0)
    scale = (_WIDTH - 2 * _MARGIN) / max(east - west, north - south)
    height = round((north - south) * scale) + 2 * _MARGIN
    # A plane higher than wide keeps its scale and stands in the middle.
    left = (_WIDTH - (east - west) * scale) / 2

    def across(value: float) -> float:
        return round(left + (value - west) * scale, 1)

    def down(value: float) -> float:
        return round(_MARGIN + (north - value) * scale, 1)

    marks = tuple(
        Mark(
            one.place,
            one.number,
            across(one.axis_1),
            down(one.axis_2),
            symbol(one.number),
            colour(one.number),
            one.placed,
        )
        for one in members
    )
    return Plane(_WIDTH, height, (across(0.0), down(0.0)), marks, _middles(marks))


def circle(variables: Sequence[Variable]) -> Circle | None:
    """Draw the correlations of the variables with the first two axes; None without any."""
    if not variables:
        return None
    centre = (_SIDE + _CIRCLE + 20, _CIRCLE + 30)
    arrows = []
    for left in (True, False):
        side = sorted(
            (one for one in variables if (one.axis_1 < 0) is left), key=lambda variable: -variable.axis_2
        )
        wrapped = [two_lines(one.indicator.label, _LONGEST_LINE) for one in side]
        tips = [
            (round(centre[0] + one.axis_1 * _CIRCLE, 1), round(centre[1] - one.axis_2 * _CIRCLE, 1))
            for one in side
        ]
        rows = _spread([y for _, y in tips], [len(lines) * _LEADING + 6 for lines in wrapped])
        label_x = centre[0] + (-1 if left else 1) * (_CIRCLE + 22)
        arrows += [
            Arrow(one, x, y, label_x, round(row, 1), tuple(lines), left)
            for one, (x, y), lines, row in zip(side, tips, wrapped, rows, strict=True)
        ]
    return Circle(2 * centre[0], 2 * centre[1], centre, _CIRCLE, tuple(arrows))


def colour(number: int) -> str:
    """Return the colour of a class."""
    return PALETTE[(number - 1) % len(PALETTE)]


def symbol(number: int) -> str:
    """Return the SVG path of the symbol of a class, around the origin; ten shapes."""
    shapes = (
        _star(24),
        _star(4, turn=45),
        _star(4, scale=1.15),
        _star(3, turn=-90, scale=1.25),
        _cross(0),
        _cross(45),
        _star(3, turn=90, scale=1.25),
        _star(5, turn=-90, inner=0.45, scale=1.3),
        _star(5, turn=-90),
        _star(6),
    )
    return shapes[(number - 1) % len(shapes)]


def _star(sides: int, *, turn: float = 0, inner: float = 1, scale: float = 1) -> str:
    """Return a regular polygon, or a star whose hollows are at ``inner`` of its points."""
    radii = [1.0] if inner == 1 else [1.0, inner]
    count = sides * len(radii)
    return _closed(
        (radii[rank % len(radii)] * scale * _RADIUS, turn + rank * _FULL_TURN / count)
        for rank in range(count)
    )


def _cross(turn: float) -> str:
    corner, reach = math.hypot(0.35, 0.35), math.hypot(1.1, 0.35)
    lean = math.degrees(math.atan2(0.35, 1.1))
    return _closed(
        point
        for arm in range(4)
        for point in (
            (reach * _RADIUS, turn + arm * 90 - lean),
            (reach * _RADIUS, turn + arm * 90 + lean),
            (corner * _RADIUS, turn + arm * 90 + 45),
        )
    )


def _closed(points: Iterable[tuple[float, float]]) -> str:
    """Return the closed path through points given by radius and angle in degrees."""
    steps = (
        f"{radius * math.cos(math.radians(angle)):.1f} {radius * math.sin(math.radians(angle)):.1f}"
        for radius, angle in points
    )
    return f"M{'L'.join(steps)}z"


def _middles(marks: Sequence[Mark]) -> tuple[tuple[int, float, float], ...]:
    found = []
    for number in sorted({mark.number for mark in marks}):
        own = [mark for mark in marks if mark.number == number]
        found.append(
            (
                number,
                round(sum(one.x for one in own) / len(own), 1),
                round(sum(one.y for one in own) / len(own), 1),
            )
        )
    return tuple(found)


def _spread(wanted: Sequence[float], heights: Sequence[float]) -> list[float]:
    """Return middles close to those wanted (increasing) so that blocks of these heights do not overlap.

    Blocks that would overlap are stacked around the mean of their wanted middles, as many as it takes.
    """
    groups: list[tuple[list[float], list[float]]] = []
    for middle, height in zip(wanted, heights, strict=True):
        groups.append(([middle], [height]))
        while len(groups) > 1 and _bottom(groups[-2]) > _top(groups[-1]):
            middles, tall = groups.pop()
            groups[-1] = (groups[-1][0] + middles, groups[-1][1] + tall)
    placed = []
    for group in groups:
        edge = _top(group)
        for height in group[1]:
            placed.append(edge + height / 2)
            edge += height
    return placed


def _top(group: tuple[list[float], list[float]]) -> float:
    return sum(group[0]) / len(group[0]) - sum(group[1]) / 2


def _bottom(group: tuple[list[float], list[float]]) -> float:
    return sum(group[0]) / len(group[0]) + sum(group[1]) / 2
