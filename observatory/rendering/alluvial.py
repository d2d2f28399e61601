"""Flows between classes at two dates as inline SVG.

Belongs here: the geometry of bars and ribbons.
Does not: SVG elements (template), counting.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from observatory.rendering.charts import PALETTE

_WIDTH, _FULL, _GAP, _TOP = 640, 300, 18, 34
_LEFT, _BAR = 150, 18


@dataclass(frozen=True)
class Bar:
    """A class at one date."""

    rank: int
    count: int
    y: float
    height: float
    colour: str


@dataclass(frozen=True)
class Ribbon:
    """The individuals that go from one class to another, or stay."""

    before: int
    after: int
    count: int
    path: str
    colour: str


@dataclass(frozen=True)
class Alluvial:
    """Bars of both dates, from top to bottom, and the ribbons between them."""

    width: int
    height: int
    left: int
    right: int
    bar: int
    before: tuple[Bar, ...]
    after: tuple[Bar, ...]
    ribbons: tuple[Ribbon, ...]


def alluvial(counts: Sequence[Sequence[int]]) -> Alluvial:
    """Draw flows: ``counts[i][j]`` individuals go from class i to class j; heights are counts."""
    scale = _FULL / sum(map(sum, counts))
    before = _bars([sum(row) for row in counts], scale)
    after = _bars([sum(column) for column in zip(*counts, strict=True)], scale)
    start, end = _LEFT + _BAR, _WIDTH - _LEFT - _BAR
    middle = (start + end) / 2
    edges = [bar.y for bar in after]
    ribbons = []
    for bar, row in zip(before, counts, strict=True):
        top = bar.y
        for target, count in enumerate(row):
            thick, across = count * scale, edges[target]
            edges[target] += thick
            path = (
                f"M{start} {top:.1f}C{middle} {top:.1f} {middle} {across:.1f} {end} {across:.1f}"
                f"V{across + thick:.1f}C{middle} {across + thick:.1f} {middle} {top + thick:.1f} "
                f"{start} {top + thick:.1f}z"
            )
            top += thick
            if count:
                ribbons.append(Ribbon(bar.rank, target, count, path, bar.colour))
    height = round(max(bar.y + bar.height for bar in (*before, *after))) + 12
    return Alluvial(_WIDTH, height, _LEFT, _WIDTH - _LEFT - _BAR, _BAR, before, after, tuple(ribbons))


def _bars(counts: Sequence[int], scale: float) -> tuple[Bar, ...]:
    bars: list[Bar] = []
    edge = float(_TOP)
    for rank, count in enumerate(counts):
        # Letters take the palette from its other end: they are not the classes of the map.
        shade = PALETTE[-1 - rank % len(PALETTE)]
        bars.append(Bar(rank, count, round(edge, 1), round(count * scale, 1), shade))
        edge += count * scale + _GAP
    return tuple(bars)
