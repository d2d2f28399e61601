"""IRIS and cells of a cité: shares and sums by hand on squares."""

import polars as pl
import pytest
from heritage_squares import EAST_M, LATITUDE, LONGITUDE, NORTH_M, square
from pyproj import Transformer

from observatory.errors import InputError
from observatory.heritage.grid import grid_of_cites
from observatory.heritage.iris import iris_shares, parse_iris
from observatory.heritage.shapes import read_area, to_text
from observatory.sources.filosofi_grid import CELLS
from observatory.tables.heritage import CITE_GRID, CITE_IRIS


def iris(code, name, east, width=400.0, **names):
    properties = names or {"code_iris": code, "nom_iris": name}
    return {"type": "Feature", "properties": properties, "geometry": square(east, 0, width, 400.0)}


def cites(*squares):
    return pl.DataFrame(
        {
            "slug": [slug for slug, *_ in squares],
            "geometry": [to_text(read_area(square(*place))[0]) for _, *place in squares],
        }
    )


WEST, EAST = iris("624980101", "Centre", 0), iris("624980102", "Fosse 12", 400)


def test_a_cite_astride_two_iris_has_a_share_of_each():
    """200 m × 400 m in the west, 100 m × 400 m in the east, of IRIS of 400 m × 400 m."""
    frame = iris_shares(cites(("a", 200, 0, 300, 400)), parse_iris([EAST, WEST], "iris.geojson"), "iris")
    assert CITE_IRIS.conform(frame).equals(frame)
    assert frame["name"].to_list() == ["Centre", "Fosse 12"]
    assert frame["share_of_cite"].to_list() == pytest.approx([2 / 3, 1 / 3], abs=2e-3)
    assert frame["share_of_territory"].to_list() == pytest.approx([1 / 2, 1 / 4], abs=2e-3)
    assert frame["area_ha"].to_list() == pytest.approx([8, 4], abs=0.05)


def test_names_of_the_download_are_those_of_the_service():
    capitals = iris(None, None, 0, CODE_IRIS="624980101", NOM_IRIS="Centre")
    assert parse_iris([capitals], "a").equals(parse_iris([WEST], "b"))


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ([iris("62498", "Centre", 0)], "code de neuf signes"),
        ([iris(None, None, 0, nom_iris="Centre")], "entité n° 1"),
        ([WEST, WEST], "624980101.*deux fois"),
        ([WEST | {"geometry": {"type": "Point", "coordinates": [2.8, 50.4]}}], "624980101.*entité n° 1"),
    ],
)
def test_what_is_no_layer_of_iris_is_refused(features, words):
    with pytest.raises(InputError, match=words):
        parse_iris(features, "iris.geojson")


def cell(east, north, households, persons=20.0, imputed=False, poor=3.0, income=300_000.0):
    """Return a cell whose centre is so many metres from the reference point."""
    place = Transformer.from_crs(4326, 3035, always_xy=True).transform(
        LONGITUDE + east / EAST_M, LATITUDE + north / NORTH_M
    )
    known = {
        "easting": round(place[0]) - 100,
        "northing": round(place[1]) - 100,
        "commune_codes": ["62498"],
        "imputed": imputed,
        "persons": persons,
        "households": households,
        "poor_households": poor,
        "living_standard_sum": income,
    }
    return {name: known.get(name, 0.0) for name in CELLS} | {"cell": f"{east}-{north}"}


def test_cells_whose_centre_is_inside_are_summed_with_what_is_imputed():
    """Two cells of 12 and 8 households inside, the second imputed; a third has its centre outside."""
    cells = pl.DataFrame(
        [cell(100, 100, 12), cell(300, 100, 8, imputed=True, income=500_000.0), cell(700, 100, 90)],
        schema=CELLS,
    )
    frame = grid_of_cites(cites(("a", 0, 0, 400, 200), ("b", 2_000, 0)), cells, 2019, "grille")
    assert CITE_GRID.conform(frame).equals(frame)
    first, second = frame.rows(named=True)
    assert (first["cells"], first["households"], first["status"]) == (2, 20, "published")
    assert first["imputed_share"] == pytest.approx(8 / 20)
    assert first["living_standard"] == pytest.approx(800_000 / 40)
    assert first["poor_share"] == pytest.approx(6 / 20)
    assert (second["cells"], second["households"], second["status"]) == (0, None, "not_applicable")


def test_fewer_than_eleven_households_are_withheld():
    cells = pl.DataFrame([cell(100, 100, 10.9)], schema=CELLS)
    row = grid_of_cites(cites(("a", 0, 0)), cells, 2019, "grille").row(0, named=True)
    assert row["status"] == "secret" and row["cells"] == 1
    assert {row[name] for name in ("households", "imputed_share", "living_standard", "poor_share")} == {None}
