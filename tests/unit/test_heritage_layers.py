"""Reading of the heritage layers, on squares of known size."""

import json
from typing import Any

import pytest
import shapely
from heritage_squares import EAST_M, LATITUDE, LONGITUDE, cite_feature, heritage, ring, square
from hypothesis import given
from hypothesis import strategies as st

from observatory.errors import InputError
from observatory.heritage.layers import LAYERS, parse_layer
from observatory.heritage.shapes import ShapeError, area_ha, from_text, read_area, to_text


def _bow_tie() -> dict[str, Any]:
    """Two triangles that meet at their tips: the diagonals of a square of 200 m."""
    south_west, south_east, north_east, north_west, _ = ring(0, 0)
    return {
        "type": "Polygon",
        "coordinates": [[south_west, north_east, south_east, north_west, south_west]],
    }


def test_a_cite_is_read_with_all_its_properties():
    feature = cite_feature(
        "Cité  Darçy ",
        "Alpha",
        commune_2="BÊTA-SUR-MER",
        id_unesco="48D",
        element="48",
        id_lsm=380.0,
        inscrit_mh="oui",
        nom_2="Rés. Darcy",
    )
    row = heritage(feature).to_dicts()[0]
    area = row.pop("area_ha")
    assert area == pytest.approx(4.0, rel=1e-4)
    assert json.loads(row.pop("geometry"))["type"] == "Polygon"
    assert row == {
        "feature_id": "cites_minieres/48D",
        "layer": "cites_minieres",
        "code": "48D",
        "unesco_id": "48D",
        "unesco_element": "48",
        "lsm_id": "380",
        "name": "Cité Darçy",
        "other_name": "Rés. Darcy",
        "commune_names": ["Alpha", "BÊTA-SUR-MER"],
        "company": "Anzin",
        "type": "Corons",
        "interest": "Témoin",
        "protection": "inscrite",
        "owners": ["Maisons et Cités", "SIA"],
        "repaired": False,
        "file_id": "essai",
    }


def test_without_unesco_object_the_dwelling_identifier_names_the_feature():
    assert heritage(cite_feature("A", id_lsm=788.0))["feature_id"].to_list() == ["cites_minieres/lsm-788"]


@pytest.mark.parametrize(
    ("registered", "listed", "protection"),
    [
        ("oui", "non", "inscrite"),
        ("non", "oui", "classée"),
        ("T", "T", "classée"),
        ("F", "F", "aucune"),
        (None, None, None),
        ("non", None, None),
    ],
)
def test_protection_says_nothing_unless_both_answers_are_there(registered, listed, protection):
    frame = heritage(cite_feature("A", inscrit_mh=registered, classe_mh=listed))
    assert frame["protection"].to_list() == [protection]


def test_an_answer_that_is_neither_yes_nor_no_is_refused():
    with pytest.raises(InputError, match="ni «\u202foui\u202f» ni «\u202fnon\u202f»") as caught:
        heritage(cite_feature("A", inscrit_mh="peut-être"))
    assert caught.value.column == "inscrit_mh"


def test_properties_are_found_whatever_their_case_accents_and_shapefile_width():
    feature = cite_feature("A", id_lsm=1)
    properties = feature["properties"]
    owner = properties.pop("proprietaire")
    feature["properties"] = {
        {"interet": "INTÉRÊT", "nom": "Nom", "commune_1": "COMMUNE1"}.get(key, key.upper()): value
        for key, value in properties.items()
    } | {"PROPRIETAI": owner}
    row = parse_layer([feature], "cites_minieres", "f", "f").to_dicts()[0]
    assert (row["name"], row["interest"], row["commune_names"]) == ("A", "Témoin", ["Alpha"])
    assert row["owners"] == ["Maisons et Cités", "SIA"]


def test_properties_of_features_may_differ_as_in_merged_layers():
    short = cite_feature("B", east=1_000, id_unesco="1A")
    del short["properties"]["proprietaire"], short["properties"]["id_lsm"]
    frame = parse_layer([cite_feature("A", id_lsm=1), short], "cites_minieres", "f", "f")
    assert dict(frame.select("name", "owners").iter_rows())["B"] == []


@pytest.mark.parametrize(
    ("layer", "dropped", "told"),
    [("cites_minieres", "compagnie", "compagnie"), ("cites_erbm", "commune_1", "commune_1")],
)
def test_a_missing_property_is_named(layer, dropped, told):
    feature = cite_feature("A", id_lsm=1)
    del feature["properties"][dropped]
    with pytest.raises(InputError, match=f"n’a pas de propriété {told}"):
        parse_layer([feature], layer, "f", "f")


def test_two_properties_of_one_meaning_are_refused():
    with pytest.raises(InputError, match="même sens\u202f: type, typologie"):
        heritage(cite_feature("A", typologie="Corons"))


def test_features_without_or_with_the_same_identifier_are_refused():
    with pytest.raises(InputError, match="entité n° 1\u202f: aucun identifiant"):
        parse_layer([cite_feature("A")], "cites_minieres", "f", "f")
    twice = [cite_feature("A", id_lsm=1), cite_feature("B", id_lsm=1.0)]
    with pytest.raises(InputError, match="même identifiant") as caught:
        parse_layer(twice, "cites_minieres", "f", "f")
    assert caught.value.value == "cites_minieres/lsm-1"


def test_a_cite_without_name_and_an_empty_layer_are_refused():
    with pytest.raises(InputError, match="aucun nom"):
        heritage(cite_feature(" ", id_lsm=1))
    with pytest.raises(InputError, match="aucune entité"):
        parse_layer([], "bien_inscrit", "f", "f")


def test_every_layer_reads_what_it_requires():
    known = {"name", "communes", "company", "type", "interest", "unesco_id", "unesco_element"}
    known |= {"lsm_id", "insee", "number"}
    for layer in LAYERS.values():
        assert set(layer.required) <= known
        assert set(layer.identifiers) <= set(layer.required) | {"unesco_id", "lsm_id"}


def test_an_outline_that_crosses_itself_is_repaired_and_counted():
    feature = cite_feature("A") | {"geometry": _bow_tie()}
    frame = heritage(feature, cite_feature("B", east=1_000))
    assert frame.sort("name")["repaired"].to_list() == [True, False]
    # Two triangles, each a quarter of the square of 4 ha.
    assert frame.sort("name")["area_ha"][0] == pytest.approx(2.0, rel=1e-3)


def test_a_repair_leaves_no_line():
    south_west, south_east, north_east, _, _ = ring(0, 0)
    spike = [LONGITUDE + 400 / EAST_M, LATITUDE]
    outline = {
        "type": "Polygon",
        "coordinates": [[south_west, south_east, spike, south_east, north_east, south_west]],
    }
    area, repaired = read_area(outline)
    assert repaired
    assert area.geom_type == "Polygon"
    assert area_ha(area) == pytest.approx(2.0, rel=1e-3)


@pytest.mark.parametrize(
    ("geometry", "told"),
    [
        (None, "n’est pas une surface"),
        ({"type": "Point", "coordinates": [LONGITUDE, LATITUDE]}, "n’est pas une surface"),
        ({"type": "Polygon", "coordinates": []}, "vide"),
        ({"type": "Polygon", "coordinates": [[1]]}, "illisible"),
        ({"type": "Polygon", "coordinates": [[[y, x] for x, y in ring(0, 0)]]}, "latitude est écrite avant"),
        (
            {"type": "Polygon", "coordinates": [[[7e5, 7e6], [7.1e5, 7e6], [7e5, 7.1e6], [7e5, 7e6]]]},
            "degrés",
        ),
        ({"type": "Polygon", "coordinates": [[[0, 45], [1, 45], [1, 46], [0, 45]]]}, "hors du Nord"),
        (
            {"type": "Polygon", "coordinates": [[[2.8, 50.4], [2.9, 50.4], [2.85, 50.4], [2.8, 50.4]]]},
            "aucune",
        ),
    ],
)
def test_what_is_not_an_area_of_the_two_departments_is_refused(geometry, told):
    with pytest.raises(ShapeError, match=told):
        read_area(geometry)
    with pytest.raises(InputError, match=f"entité n° 1\u202f: .*{told}"):
        heritage(cite_feature("A") | {"geometry": geometry})


def test_a_hole_is_taken_off_the_area():
    holed = shapely.Polygon(ring(0, 0, 1_000, 1_000), [ring(200, 200, 500, 500)])
    assert area_ha(holed) == pytest.approx(75.0, rel=1e-4)


def test_coordinates_have_five_decimals_and_their_text_reads_back_the_same():
    text = to_text(read_area(square(12.3456, 78.9))[0])
    numbers = [number for point in json.loads(text)["coordinates"][0] for number in point]
    assert all(len(repr(number).partition(".")[2]) <= 5 for number in numbers)
    assert from_text([to_text(from_text([text])[0])])[0].equals(from_text([text])[0])


@given(
    width=st.floats(20, 3_000),
    height=st.floats(20, 3_000),
    east=st.floats(-5_000, 5_000),
)
def test_geodesic_area_is_that_of_a_rectangle(width, height, east):
    area, _ = read_area(square(east, 0, width, height))
    assert area_ha(area) == pytest.approx(width * height / 10_000, rel=1e-3)
