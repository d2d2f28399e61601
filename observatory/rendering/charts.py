"""Charts: small ones drawn in the page, large ones described for Plotly.

Belongs here: the geometry of inline SVG charts and the descriptions that ``charts.js`` hands to Plotly.
Does not: tables (each chart has its own, in the template), choosing the figures.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from observatory.rendering.figures import Figure, Indicator
from observatory.rendering.french import number, typeset
from observatory.rendering.places import Place
from observatory.rendering.ranks import Ranking

BRICK, STONE = "#a3341f", "#6b7280"
# Okabe and Ito's palette, told apart by colour-blind readers, then two from Tol's for longer lists.
PALETTE = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#f0e442",
    "#332288",
    "#999933",
    "#666666",
    "#882255",
)
SYMBOLS = (
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "cross",
    "x",
    "triangle-down",
    "star",
    "pentagon",
    "hexagon",
    "bowtie",
)
_WIDTH, _HEIGHT = 640, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 16, 30
_STRIP_WIDTH, _STRIP_MARGIN = 100, 4
# More dots than this make a smear, and weigh: the box of the quartiles says as much.
_MOST_DOTS = 100


@dataclass(frozen=True)
class LineChart:
    """An inline line chart: dots with their labels, and the horizontal rules."""

    width: int
    height: int
    path: str
    dots: tuple[tuple[float, float, str, str], ...]
    rules: tuple[tuple[float, str], ...]
    left: int
    right: int
    base: int


@dataclass(frozen=True)
class Strip:
    """A distribution on a line with the subject in it; abscissas from 0 to ``width``.

    Attributes:
        width: width of the drawing.
        dots: path with a point per territory, empty where there are too many.
        quartiles: first quartile, median, third quartile.
        subject: the territory told.
        text: what the drawing says.
    """

    width: int
    dots: str
    quartiles: tuple[float, float, float]
    subject: float
    text: str

    @property
    def ends(self) -> tuple[int, int]:
        """Abscissas of the lowest and of the highest value."""
        return _STRIP_MARGIN, self.width - _STRIP_MARGIN


@dataclass(frozen=True)
class Scale:
    """From the values of a ranking to the abscissas of its strips."""

    low: float
    high: float
    dots: str
    quartiles: tuple[float, float, float]
    text: str

    def across(self, value: float) -> float:
        """Return the abscissa of a value."""
        if self.high == self.low:
            return _STRIP_WIDTH / 2
        share = (value - self.low) / (self.high - self.low)
        return round(_STRIP_MARGIN + share * (_STRIP_WIDTH - 2 * _STRIP_MARGIN), 1)

    def strip(self, subject: Figure) -> Strip:
        """Draw a published figure among the others."""
        first, median, third = map(self.across, self.quartiles)
        subject_at = self.across(subject.value or 0.0)
        return Strip(_STRIP_WIDTH, self.dots, (first, median, third), subject_at, self.text)


def scale(ranking: Ranking, decimals: int) -> Scale:
    """Return the scale of the strips of a ranking, which has at least one value.

    ``decimals`` are those that its values are written with.
    """
    values = ranking.distribution
    names = ("minimum", "premier quartile", "médiane", "troisième quartile", "maximum")
    words = zip(names, (values[0], *ranking.quartiles, values[-1]), strict=True)
    text = typeset(" ; ".join(f"{word} {number(value, decimals)}" for word, value in words))
    bare = Scale(values[0], values[-1], "", ranking.quartiles, text)
    if len(values) > _MOST_DOTS:
        return bare
    return replace(bare, dots="".join(f"M{bare.across(value):g} 6h0" for value in values))


def line_chart(figures: Sequence[Figure]) -> LineChart | None:
    """Draw published figures over their vintages; None where fewer than two are published."""
    known = [(figure.vintage, figure.value) for figure in figures if figure.value is not None]
    if len(known) < 2:
        return None
    first, last = known[0][0], known[-1][0]
    ticks = round_ticks(min(value for _, value in known), max(value for _, value in known))

    def across(vintage: int) -> float:
        return round(_LEFT + (vintage - first) / (last - first) * (_WIDTH - _LEFT - _RIGHT - 20) + 10, 1)

    def down(value: float) -> float:
        share = (value - ticks[0]) / (ticks[-1] - ticks[0])
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)

    decimals = figures[0].indicator.decimals
    dots = tuple(
        (across(vintage), down(value), str(vintage), number(value, decimals)) for vintage, value in known
    )
    path = "M" + "L".join(f"{x} {y}" for x, y, _, _ in dots)
    rules = tuple((down(tick), number(tick, _tick_decimals(ticks))) for tick in ticks)
    return LineChart(_WIDTH, _HEIGHT, path, dots, rules, _LEFT, _WIDTH - _RIGHT, _HEIGHT - _BOTTOM)


def index_lines(indicator: Indicator, rows: Sequence[tuple[Place, Sequence[Figure]]]) -> dict[str, Any]:
    """Describe lines over vintages, each territory at 100 at the first one.

    A territory whose first vintage is not published has no base and no line.
    """
    traces = []
    for rank, (place, figures) in enumerate(rows):
        known = [(figure.vintage, figure.value) for figure in figures if figure.value is not None]
        base = figures[0].value
        if base:
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "name": place.short_name,
                    "x": [vintage for vintage, _ in known],
                    "y": [round(value / base * 100, 2) for _, value in known],
                    "line": _line_style(place, rank),
                    "marker": {"symbol": SYMBOLS[rank % len(SYMBOLS)], "size": 8},
                }
            )
    return _spec(
        traces,
        height=430,
        fictive=indicator.fictive,
        xaxis={"dtick": 1, "tickformat": "d"},
        yaxis={"title": {"text": f"base 100 en {min(indicator.vintages)}"}},
        legend={"orientation": "h", "y": -0.15},
        margin={"l": 56, "r": 16, "t": 8, "b": 40},
    )


def _line_style(place: Place, rank: int) -> dict[str, Any]:
    if place.level == "epci":
        return {"color": PALETTE[rank % len(PALETTE)], "width": 2}
    if place.level == "basin":
        return {"color": BRICK, "width": 4}
    return {"color": STONE, "width": 2, "dash": "dash"}


def _spec(traces: list[dict[str, Any]], *, height: int, fictive: bool, **layout: Any) -> dict[str, Any]:
    watermark = {
        "text": "DONNÉES FICTIVES",
        "xref": "paper",
        "yref": "paper",
        "x": 0.5,
        "y": 0.5,
        "showarrow": False,
        "textangle": -18,
        "opacity": 0.55,
        "font": {"size": 24, "color": BRICK},
    }
    base = {"height": height, "annotations": [watermark] if fictive else [], "separators": ",\u202f"}
    return {"data": traces, "layout": base | layout}


def round_ticks(low: float, high: float) -> list[float]:
    """Return three to six round values that enclose an interval."""
    spread = high - low
    # Two rates that are the same one may differ by a rounding of the computer, which no axis can show.
    if spread <= 1e-9 * max(abs(low), abs(high)):
        spread = abs(high) or 1.0
    magnitude = 10 ** math.floor(math.log10(spread / 3))
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude * 4 >= spread)
    start, stop = math.floor(low / step), math.ceil(high / step)
    if start == stop:
        stop += 1
    return [step * index for index in range(start, stop + 1)]


def _tick_decimals(ticks: Sequence[float]) -> int:
    return max(0, -math.floor(math.log10(ticks[1] - ticks[0])))
