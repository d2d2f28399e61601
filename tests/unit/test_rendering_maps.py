import json
import re
from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from rendering_site import site_data

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
