"""Maps as inline SVG: projection, rounded paths, fragments shared by pages.

Belongs here: turning contours into SVG.
Does not: figures, page layout, simplification of contours.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise

import numpy as np
import polars as pl
import shapely
from markupsafe import Markup
from shapely.geometry.base import BaseGeometry

from observatory.errors import ObservatoryError
from observatory.heritage.shapes import from_text, polygons_of
from observatory.rendering.french import two_lines
from observatory.rendering.places import Gazetteer, Place

Point = tuple[float, float]
Ring = list[Point]
Cell = tuple[int, int]

# Fine enough for a commune of 1 km² on a screen, coarse enough to keep the basin map near 60 kB.
_GRID = 1000
_MARGIN = 6
# A cité is a few hundred metres wide: about 12 m on the basin map.
_FINER = 10
# Degrees, about 20 m: contours simplified one by one leave slivers between neighbours.
_SLIVER = 0.0002
# Room of a letter and of a line on the basin map, in units of the view box.
_LETTER, _LEADING = 11, 20
_LONGEST_LINE = 12
# Half a letter on a close-up, in units of the view box.
_HALF_LETTER = 10
# Degrees of latitude, about 800 m: closer, the error of the simplified limits (150 m) would fill the picture.
_AROUND = 0.007
_SHIFTS = (0, -25, 25, -50, 50, -75, 75)


@dataclass(frozen=True)
class Drawing:
    """A map: its view box, SVG shapes, and text labels drawn over them."""

    view_box: str
    shapes: Markup
    labels: Markup
    title: str


class _Projection:
    """Plate carrée scaled at the middle latitude: true enough over 120 km."""

    def __init__(self, rings: Iterable[Ring]) -> None:
        points = [point for ring in rings for point in ring]
        west, east = min(x for x, _ in points), max(x for x, _ in points)
        south, north = min(y for _, y in points), max(y for _, y in points)
        self._squeeze = math.cos(math.radians((south + north) / 2))
        extent = max((east - west) * self._squeeze, north - south)
        self._scale = (_GRID - 2 * _MARGIN) / extent
        self._west, self._north = west, north
        self.width = round((east - west) * self._squeeze * self._scale) + 2 * _MARGIN
        self.height = round((north - south) * self._scale) + 2 * _MARGIN

    def cell(self, point: Point, finer: int = 1) -> Cell:
        """Return the cell of a point, on a grid as many times finer as asked."""
        x = (point[0] - self._west) * self._squeeze * self._scale + _MARGIN
        y = (self._north - point[1]) * self._scale + _MARGIN
        return round(x * finer), round(y * finer)


class Atlas:
    """The contours of the communes, drawn for the basin and for each EPCI."""

    def __init__(self, contours: pl.DataFrame, gazetteer: Gazetteer) -> None:
        """Read the contours.

        Raises:
            ObservatoryError: a commune of the perimeter has no contour.
        """
        drawn = contours.filter((pl.col("level") == "commune") & pl.col("geometry").is_not_null())
        self._texts = dict(drawn.select("code", "geometry").iter_rows())
        self._rings = {code: _rings(geometry) for code, geometry in self._texts.items()}
        absent = [place.code for place in gazetteer.communes if place.code not in self._rings]
        if absent:
            raise ObservatoryError(f"Communes du périmètre sans contour : {', '.join(absent)}.")
        self._gazetteer = gazetteer
        self._projections: dict[str, _Projection] = {}
        self.epci_shapes = cache(self._epci_shapes)

    def basin(
        self, css: Mapping[str, str], root: str | None, notes: Mapping[str, str], title: str
    ) -> Drawing:
        """Draw every commune, with a CSS class and a note by commune code, and the names of the EPCI."""
        communes = self._gazetteer.communes
        projection = self._projection("", communes)
        shapes = _links(
            root,
            (
                (place, self._path(projection, place), css[place.code], notes[place.code])
                for place in communes
            ),
        )
        labels = _labels(
            [
                (epci.short_name, *self._middle(projection, self._gazetteer.children(epci, "commune")))
                for epci in self._gazetteer.epcis
            ]
        )
        return Drawing(f"0 0 {projection.width} {projection.height}", shapes, labels, title)

    def areas(self, css: Mapping[str, str], root: str, notes: Mapping[str, str], title: str) -> Drawing:
        """Draw every commune as ``basin`` does, with what a script needs to colour and to frame it.

        Each link tells the commune, its EPCI and the point in its middle.
        """
        communes = self._gazetteer.communes
        projection = self._projection("", communes)
        link = Markup(
            '<a href="{}{}" tabindex="-1" class="{}" data-code="{}" data-epci="{}" data-middle="{} {}">'
            '<title>{} — {}</title><path d="{}"/></a>'
        )
        shapes = Markup("").join(
            link.format(
                root,
                place.address,
                css[place.code],
                place.code,
                self._gazetteer.parent(place, "epci").code,
                *self._middle(projection, [place]),
                place.name,
                notes[place.code],
                self._path(projection, place),
            )
            for place in communes
        )
        return Drawing(f"0 0 {projection.width} {projection.height}", shapes, Markup(""), title)

    def borders(self) -> Markup:
        """Draw the limits of the EPCI on the basin map."""
        projection = self._projection("", self._gazetteer.communes)
        inside: dict[str, list[BaseGeometry]] = {}
        for place, outline in zip(*self._outlines, strict=True):
            inside.setdefault(self._gazetteer.parent(place, "epci").code, []).append(outline)
        limits = [
            polygons_of(shapely.union_all(parts).buffer(_SLIVER).buffer(-_SLIVER))
            for _, parts in sorted(inside.items())
        ]
        return Markup("").join(
            Markup('<path d="{}"/>').format(_outline(projection, limit)) for limit in limits
        )

    def outlines(self, shapes: Iterable[tuple[Place, str, str]], root: str) -> Markup:
        """Draw contours (place, classes, GeoJSON) on the basin map, each a link, finer than the communes."""
        projection = self._projection("", self._gazetteer.communes)
        link = Markup('<a href="{}{}" tabindex="-1" class="{}"><title>{}</title><path d="{}"/></a>')
        drawn = Markup("").join(
            link.format(
                root,
                place.address,
                css,
                place.name,
                "".join(
                    _subpath([projection.cell(point, _FINER) for point in ring]) for ring in _rings(geometry)
                ),
            )
            for place, css, geometry in shapes
        )
        return Markup('<g transform="scale({})">{}</g>').format(1 / _FINER, drawn)

    def zone(self, geometries: list[str]) -> str:
        """Return the path of GeoJSON areas drawn as one on the basin map, on the grid of ``outlines``."""
        projection = self._projection("", self._gazetteer.communes)
        whole = polygons_of(shapely.union_all(from_text(geometries)).simplify(_SLIVER))
        return "".join(
            _subpath([projection.cell(point, _FINER) for point in ring])
            for ring in _rings(shapely.to_geojson(whole))
        )

    def locator(
        self,
        epci: Place,
        highlighted: Sequence[Place],
        root: str | None,
        title: str,
        contour: str | None = None,
    ) -> Drawing:
        """Draw the communes of an EPCI, some of them highlighted, and over them a GeoJSON contour.

        Without ``root``, as in a file that stands alone, no commune leads to its page.
        """
        members = self._gazetteer.children(epci, "commune")
        projection = self._projection(epci.code, members)
        here = Markup("").join(
            Markup('<path class="here" d="{}"/>').format(self._path(projection, place))
            for place in highlighted
        )
        names = _labels([(place.name, *self._middle(projection, [place])) for place in highlighted])
        view_box = f"0 0 {projection.width} {projection.height}"
        over = _contour(projection, _rings(contour)) if contour else Markup("")
        return Drawing(view_box, self.epci_shapes(epci, root) + here + over, names, title)

    def close_up(self, near: Sequence[Place], root: str | None, title: str, contour: str) -> Drawing:
        """Draw a GeoJSON contour among the communes around it, ``near`` ones highlighted, cut at a window.

        A commune is named where the window leaves it room beside the contour.
        """
        shape = from_text([contour])[0]
        window = _window(shape)
        projection = _Projection([list(window.exterior.coords)])
        places, outlines = self._outlines
        seen = [
            (places[rank], part)
            for rank in np.flatnonzero(shapely.intersects(outlines, window))
            if not (part := polygons_of(outlines[rank].intersection(window))).is_empty
        ]
        shapes = _links(
            root,
            (
                (place, _outline(projection, part), "near" if place in near else "", "")
                for place, part in seen
            ),
        )
        names = _labels(
            [
                (place.name, *middle)
                for place, part in seen
                if (middle := _room(projection, part.difference(shape), place.name))
            ]
        )
        over = _contour(projection, _rings(contour))
        return Drawing(f"0 0 {projection.width} {projection.height}", shapes + over, names, title)

    @cached_property
    def _outlines(self) -> tuple[list[Place], np.ndarray]:
        communes = self._gazetteer.communes
        return communes, np.array(from_text([self._texts[place.code] for place in communes]))

    def _epci_shapes(self, epci: Place, root: str | None) -> Markup:
        members = self._gazetteer.children(epci, "commune")
        projection = self._projection(epci.code, members)
        return _links(root, ((place, self._path(projection, place), "", "") for place in members))

    def _projection(self, key: str, communes: Sequence[Place]) -> _Projection:
        if key not in self._projections:
            self._projections[key] = _Projection(
                ring for place in communes for ring in self._rings[place.code]
            )
        return self._projections[key]

    def _path(self, projection: _Projection, place: Place) -> str:
        return "".join(
            _subpath([projection.cell(point) for point in ring]) for ring in self._rings[place.code]
        )

    def _middle(self, projection: _Projection, communes: Sequence[Place]) -> Cell:
        outer = [max(self._rings[place.code], key=lambda ring: abs(_area(ring))) for place in communes]
        weights = [abs(_area(ring)) or 1e-12 for ring in outer]
        middle = [
            (sum(x for x, _ in ring) / len(ring), sum(y for _, y in ring) / len(ring)) for ring in outer
        ]
        total = sum(weights)
        return projection.cell(
            (
                sum(weight * point[0] for weight, point in zip(weights, middle, strict=True)) / total,
                sum(weight * point[1] for weight, point in zip(weights, middle, strict=True)) / total,
            )
        )


def _labels(named: Sequence[tuple[str, int, int]]) -> Markup:
    """Write names at their places, moved up or down where they would cover one another."""
    taken: list[tuple[float, float, float, float]] = []
    written = []
    for name, x, y in sorted(named, key=lambda label: (label[1], label[0])):
        lines = two_lines(name, _LONGEST_LINE)
        half_width, height = max(map(len, lines)) * _LETTER / 2, len(lines) * _LEADING
        top = next(
            (
                y + shift
                for shift in _SHIFTS
                if all(
                    x + half_width < left
                    or x - half_width > right
                    or y + shift + height < above
                    or y + shift > below
                    for left, right, above, below in taken
                )
            ),
            y,
        )
        taken.append((x - half_width, x + half_width, top, top + height))
        spans = Markup("").join(
            Markup('<tspan x="{}" dy="{}">{}</tspan>').format(x, "1.05em" if rank else "0", line)
            for rank, line in enumerate(lines)
        )
        written.append(Markup('<text y="{}" text-anchor="middle">{}</text>').format(top, spans))
    return Markup("").join(written)


def _links(root: str | None, shapes: Iterable[tuple[Place, str, str, str]]) -> Markup:
    """Link each shape to its page; out of the tab order, since each page lists the same links.

    Without ``root`` shapes are drawn the same, without link.
    """
    link = Markup('<a href="{}" tabindex="-1"{}><title>{}</title><path d="{}"/></a>')
    shape = Markup('<g{1}><title>{2}</title><path d="{3}"/></g>')
    return Markup("").join(
        (shape if root is None else link).format(
            f"{root}{place.address}",
            Markup(' class="{}"').format(css) if css else "",
            f"{place.name} — {note}" if note else place.name,
            path,
        )
        for place, path, css, note in shapes
    )


def _contour(projection: _Projection, rings: Iterable[Ring]) -> Markup:
    path = "".join(_subpath([projection.cell(point) for point in ring]) for ring in rings)
    return Markup('<path class="contour" d="{}"/>').format(path)


def _outline(projection: _Projection, area: BaseGeometry) -> str:
    rings = _rings(shapely.to_geojson(area))
    return "".join(_subpath([projection.cell(point) for point in ring]) for ring in rings)


def _window(shape: BaseGeometry) -> BaseGeometry:
    """Return the box of a shape with as much again on each side, square on the ground."""
    west, south, east, north = shape.bounds
    squeeze = math.cos(math.radians((south + north) / 2))
    around = max((east - west) * squeeze, north - south, _AROUND)
    middle, centre = (west + east) / 2, (south + north) / 2
    wide, high = around * 1.5 / squeeze, around * 1.5
    return shapely.box(middle - wide, centre - high, middle + wide, centre + high)


def _room(projection: _Projection, area: BaseGeometry, name: str) -> Cell | None:
    """Return the middle of the largest circle in an area, if the name fits in it."""
    if area.is_empty:
        return None
    (x, y), edge = shapely.maximum_inscribed_circle(area).coords
    middle, limit = projection.cell((x, y)), projection.cell(edge)
    half_width = max(map(len, two_lines(name, _LONGEST_LINE))) * _HALF_LETTER
    return middle if math.dist(middle, limit) >= half_width else None


def _rings(geometry: str) -> list[Ring]:
    parsed = json.loads(geometry)
    polygons = parsed["coordinates"] if parsed["type"] == "MultiPolygon" else [parsed["coordinates"]]
    return [[(x, y) for x, y, *_ in ring] for polygon in polygons for ring in polygon]


def _subpath(cells: list[Cell]) -> str:
    """Write one ring with relative steps; steps that rounding made null are dropped."""
    steps = [(x - left, y - above) for (left, above), (x, y) in pairwise(cells) if (x, y) != (left, above)]
    numbers = [str(part) for step in steps[:-1] for part in step]
    joined = "".join(
        text if text.startswith("-") or index == 0 else f" {text}" for index, text in enumerate(numbers)
    )
    return f"M{cells[0][0]} {cells[0][1]}l{joined}z" if joined else ""


def _area(ring: Ring) -> float:
    return sum(left * y - x * above for (left, above), (x, y) in pairwise(ring)) / 2
