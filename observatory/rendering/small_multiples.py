"""Small multiples: a panel per territory, its line over that of the basin, all on the same scale.

Belongs here: the geometry of the panels, and of the bars that stand where there is one vintage only.
Does not: which figures are drawn (``landmarks``), HTML; the table under each drawing gives its figures.

Counts are drawn from 100 at the first vintage, so that a territory and the basin that contains it share a
scale; the labels are the counts themselves. Where a figure is not published the line is broken.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from observatory.rendering.figures import Figure, Indicator
from observatory.rendering.places import Place

WIDTH, HEIGHT = 210, 120
_SIDE, _TOP, _BOTTOM = 14, 20, 34
# Share of the scale left free above and under the lines, for the labels.
_ROOM = 0.12
# From the line to the foot of a label, above it or under it, over the length of a label.
_ABOVE, _UNDER, _LENGTH = -8, 16, 70


@dataclass(frozen=True)
class Dot:
    """A published figure: its place, and its label where it has one."""

    x: float
    y: float
    label: str
    label_y: float
    anchor: str
    title: str


@dataclass(frozen=True)
class Panel:
    """One territory; ``trace`` is empty where nothing is published."""

    place: Place
    trace: str
    behind: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class Multiples:
    """The panels of an indicator; ``base`` is the vintage at 100, none where values are drawn as they are."""

    indicator: Indicator
    vintages: tuple[int, ...]
    panels: tuple[Panel, ...]
    base: int | None
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def floor(self) -> int:
        """Height of the axis."""
        return self.height - _BOTTOM + 10

    @property
    def ends(self) -> tuple[int, int]:
        """Where the axis starts and ends."""
        return _SIDE, self.width - _SIDE


@dataclass(frozen=True)
class Bar:
    """A territory and the width of its bar in per cent; none where its figure is not published."""

    place: Place
    figure: Figure
    width: float | None


def multiples(
    indicator: Indicator, rows: Sequence[tuple[Place, Sequence[Figure]]], basin: Sequence[Figure]
) -> Multiples | None:
    """Draw territories over the basin; None with fewer than two vintages, or nothing published to draw.

    Args:
        indicator: what is drawn.
        rows: territories and their figures, of the same vintages as ``basin``, oldest first.
        basin: figures of the basin.
    """
    vintages = tuple(figure.vintage for figure in basin)
    if len(vintages) < 2:
        return None
    indexed = indicator.aggregation == "sum"
    lines = [(place, figures, _levels(figures, indexed)) for place, figures in rows]
    behind = _levels(basin, indexed)
    known = [
        level for levels in (*(line for _, _, line in lines), behind) for level in levels if level is not None
    ]
    if not known:
        return None
    frame = _Frame(vintages, min(known), max(known))
    panels = tuple(
        Panel(place, frame.path(levels), frame.path(behind), _dots(frame, figures, levels))
        for place, figures, levels in lines
    )
    return Multiples(indicator, vintages, panels, vintages[0] if indexed else None)


def bars(rows: Sequence[tuple[Place, Figure]]) -> tuple[Bar, ...]:
    """Return the bars of some territories, all from zero; none where a figure is under zero."""
    known = [figure.value for _, figure in rows if figure.value is not None]
    most = max(known, default=0.0)
    if most <= 0 or min(known) < 0:
        return ()
    return tuple(
        Bar(place, figure, None if figure.value is None else round(100 * figure.value / most, 2))
        for place, figure in rows
    )


class _Frame:
    """The scale that all panels share."""

    def __init__(self, vintages: Sequence[int], low: float, high: float) -> None:
        spread = (high - low) or abs(high) or 1.0
        self._low, self._spread = low - spread * _ROOM, spread * (1 + 2 * _ROOM)
        self._first, self._years = vintages[0], vintages[-1] - vintages[0]
        self.vintages = vintages

    def x(self, vintage: int) -> float:
        return round(_SIDE + (vintage - self._first) / self._years * (WIDTH - 2 * _SIDE), 1)

    def y(self, level: float) -> float:
        share = (level - self._low) / self._spread
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)

    def path(self, levels: Sequence[float | None]) -> str:
        """Join what is published; an unpublished figure breaks the line."""
        steps, open_ = [], False
        for vintage, level in zip(self.vintages, levels, strict=True):
            if level is not None:
                steps.append(f"{'L' if open_ else 'M'}{self.x(vintage)} {self.y(level)}")
            open_ = level is not None
        return "".join(steps)


def _levels(figures: Sequence[Figure], indexed: bool) -> list[float | None]:
    """Return what is drawn of each figure: its value, or 100 times its ratio to the first one."""
    if not indexed:
        return [figure.value for figure in figures]
    base = figures[0].value
    if not base:
        return [None] * len(figures)
    return [None if figure.value is None else figure.value / base * 100 for figure in figures]


def _dots(frame: _Frame, figures: Sequence[Figure], levels: Sequence[float | None]) -> tuple[Dot, ...]:
    """Return the dots; the first and the last are labelled, on the side that the line leaves free."""
    drawn = [(figure, level) for figure, level in zip(figures, levels, strict=True) if level is not None]
    dots = []
    for rank, (figure, level) in enumerate(drawn):
        anchor = "start" if rank == 0 else "end" if rank == len(drawn) - 1 else ""
        _, beside = drawn[min(rank + 1, len(drawn) - 1) if rank == 0 else rank - 1]
        x, y = frame.x(figure.vintage), frame.y(level)
        near = [frame.y(other) for one, other in drawn if abs(frame.x(one.vintage) - x) <= _LENGTH]
        label_y = min(near) + _ABOVE if level >= beside else max(near) + _UNDER
        dots.append(
            Dot(
                x,
                y,
                figure.text if anchor else "",
                round(label_y, 1),
                anchor,
                f"{figure.vintage}\u202f: {figure.full_text}",
            )
        )
    return tuple(dots)
