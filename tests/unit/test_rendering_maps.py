import json
import re
from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from rendering_site import site_data, square

from observatory.rendering.maps import Atlas, _subpath
from observatory.rendering.places import Gazetteer


def follow(path: str) -> list[tuple[int, int]]:
    """Walk a path as a browser does and return the points it visits."""
    start, _, rest = path.removeprefix("M").removesuffix("z").partition("l")
    x, y = (int(part) for part in start.split())
    steps = [int(part) for part in re.findall(r"-?\d+", rest)]
    points = [(x, y)]
    for dx, dy in zip(steps[::2], steps[1::2], strict=True):
        x, y = x + dx, y + dy
        points.append((x, y))
    return points


cells = st.tuples(st.integers(0, 1000), st.integers(0, 1000))


@given(st.lists(cells, min_size=3, max_size=30, unique=True))
def test_a_path_visits_every_point_of_its_ring_once(ring: list[tuple[int, int]]) -> None:
    assert follow(_subpath([*ring, ring[0]])) == ring


@given(st.lists(cells, min_size=3, max_size=30, unique=True), st.integers(1, 3))
def test_points_that_rounding_made_equal_are_dropped(ring: list[tuple[int, int]], times: int) -> None:
    repeated = [point for point in [*ring, ring[0]] for _ in range(times)]
    assert _subpath(repeated) == _subpath([*ring, ring[0]])


def test_neighbours_share_their_border_exactly() -> None:
    data = site_data()
    atlas = Atlas(data.contours, Gazetteer(data.territories, data.cites, 2026))
    drawing = atlas.basin(
        dict.fromkeys(data.contours["code"], "c0"), "", dict.fromkeys(data.contours["code"], ""), "Carte"
    )
    rings = [set(follow(path)) for path in re.findall(r' d="([^"]+)"', str(drawing.shapes))]
    assert len(rings) == 6
    # Squares in a row: each has two corners in common with the next.
    ordered = sorted(rings, key=min)
    assert [len(left & right) for left, right in pairwise(ordered)] == [2] * 5


def test_multipolygons_and_holes_are_drawn() -> None:
    data = site_data()
    square = [[2.5, 50.4], [2.52, 50.4], [2.52, 50.42], [2.5, 50.42], [2.5, 50.4]]
    hole = [[2.505, 50.405], [2.51, 50.405], [2.51, 50.41], [2.505, 50.405]]
    island = [[2.6, 50.6], [2.61, 50.6], [2.61, 50.61], [2.6, 50.6]]
    geometry = json.dumps({"type": "MultiPolygon", "coordinates": [[square, hole], [island]]})
    contours = data.contours.with_columns(
        geometry=pl.when(pl.col("code") == "62001").then(pl.lit(geometry)).otherwise(pl.col("geometry"))
    )
    gazetteer = Gazetteer(data.territories, data.cites, 2026)
    drawing = Atlas(contours, gazetteer).locator(gazetteer.epcis[0], [], "", "Carte")
    assert max(path.count("M") for path in re.findall(r' d="([^"]+)"', str(drawing.shapes))) == 3


def test_a_close_up_is_cut_at_three_times_the_contour() -> None:
    data = site_data()
    gazetteer = Gazetteer(data.territories, data.cites, 2026)
    atlas = Atlas(data.contours, gazetteer)
    here = gazetteer.place("commune", "62001")
    drawing = atlas.close_up([here], "../../", "Contour", square(2.512, 50.404, 0.01))
    width, height = (int(size) for size in drawing.view_box.split()[2:])
    assert max(width, height) == 1000
    *around, contour = [follow(path) for path in re.findall(r' d="([^"]+)"', str(drawing.shapes))]
    # The window is 0.03° high and as wide on the ground, 0.047° from 2.4935 on: three squares of 0.02°.
    assert len(around) == 3
    assert str(drawing.shapes).count('class="near"') == 1
    assert all(0 <= x <= width and 0 <= y <= height for ring in around for x, y in ring)
    wide = max(x for x, _ in contour) - min(x for x, _ in contour)
    high = max(y for _, y in contour) - min(y for _, y in contour)
    assert abs(high - 988 / 3) < 2
    assert abs(wide / high - 0.637) < 0.01
    assert [sum(x for x, _ in contour) / 4, sum(y for _, y in contour) / 4] == [500, 500]


def test_a_small_contour_is_not_drawn_closer_than_its_surroundings_are_true() -> None:
    data = site_data()
    gazetteer = Gazetteer(data.territories, data.cites, 2026)
    drawing = Atlas(data.contours, gazetteer).close_up([], "", "Contour", square(2.51, 50.41, 0.0007))
    contour = follow(re.findall(r' d="([^"]+)"', str(drawing.shapes))[-1])
    # 0.0007° in a window of three times 0.007°: a thirtieth of 988 units.
    assert max(y for _, y in contour) - min(y for _, y in contour) in (32, 33, 34)


def test_a_contour_keeps_its_hole() -> None:
    data = site_data()
    gazetteer = Gazetteer(data.territories, data.cites, 2026)
    squares = (square(2.505, 50.405, 0.01), square(2.508, 50.408, 0.004))
    outer, inner = (json.loads(text)["coordinates"][0] for text in squares)
    holed = json.dumps({"type": "Polygon", "coordinates": [outer, inner]})
    drawing = Atlas(data.contours, gazetteer).locator(gazetteer.epcis[0], [], "", "Carte", holed)
    assert re.findall(r'<path class="contour" d="([^"]+)"', str(drawing.shapes))[0].count("M") == 2
