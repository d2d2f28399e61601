"""What a tie gives: contour, attributes, shares, contradictions; all on squares of known size."""

import polars as pl
import pytest
import shapely
from heritage_squares import COMMUNES, cite_feature, cites, heritage, property_layers, square
from hypothesis import given
from hypothesis import strategies as st

from observatory.errors import ObservatoryError
from observatory.heritage.attributes import cite_heritage, contradictions
from observatory.heritage.shapes import from_text, read_area, to_text
from observatory.heritage.shares import LEAST_SHARE, NO_IRIS_CONTOURS, share_within, territory_shares
from observatory.tables.heritage import CITE_SHARES, CITE_TIES


def _text(east: float, north: float, width: float = 200.0, height: float = 200.0) -> str:
    return to_text(read_area(square(east, north, width, height))[0])


def _ties(**features: list[str]) -> pl.DataFrame:
    rows = [
        {"slug": slug, "confidence": "certain" if ids else "aucun", "method": "nom" if ids else None}
        | {"feature_ids": ids, "candidates": [], "reason": "Essai."}
        for slug, ids in features.items()
    ]
    return CITE_TIES.conform(pl.DataFrame(rows, schema=CITE_TIES.polars_schema))


def _zones() -> pl.DataFrame:
    """Return a property west of the reference point, and a buffer zone of 100 m east of it."""
    return property_layers(square(-1_000, -1_000, 1_000, 3_000), square(0, -1_000, 100, 3_000))


def test_the_contour_counts_twice_drawn_ground_once():
    read = heritage(
        cite_feature("Cité Un", id_unesco="1A", interet="Remarquable", size=300),
        cite_feature("Cité Un", id_lsm=7, compagnie="Béthune", inscrit_mh=None, classe_mh=None),
        cite_feature("Rue", id_lsm=8, east=300, proprietaire="Partenord", inscrit_mh="oui"),
    )
    ids = read["feature_id"].to_list()
    frame = cite_heritage(_ties(un=ids, rien=[]), pl.concat([read, _zones()]))
    (row,) = frame.iter_rows(named=True)
    assert row["slug"] == "un"
    # 300 x 300 m, which holds the second, and 200 x 200 m beside it.
    assert row["area_ha"] == pytest.approx(13.0, rel=3e-3)
    assert from_text([row["geometry"]])[0].geom_type == "Polygon"
    assert row["companies"] == ["Anzin", "Béthune"]
    assert row["interests"] == ["Remarquable", "Témoin"]
    assert (row["types"], row["protection"]) == (["Corons"], "inscrite")
    assert row["owners"] == ["Maisons et Cités", "SIA", "Partenord"]
    assert (row["unesco_ids"], row["file_ids"]) == (["1A"], ["essai"])


def test_shares_of_the_property_and_of_the_buffer_zone():
    read = heritage(cite_feature("Cité Un", id_unesco="1A", east=-100, size=400))
    frame = cite_heritage(_ties(un=["cites_minieres/1A"]), pl.concat([read, _zones()]))
    # 400 m wide: 100 m in the property, 100 m in the zone, the rest in neither.
    assert frame["share_inscribed"][0] == pytest.approx(0.25, abs=0.005)
    assert frame["share_buffer"][0] == pytest.approx(0.25, abs=0.005)
    shape = shapely.from_geojson(frame["geometry"][0])
    assert (frame["longitude"][0], frame["latitude"][0]) == pytest.approx(
        (shape.centroid.x, shape.centroid.y), abs=1e-5
    )


def test_a_silent_protection_stays_unknown():
    read = heritage(cite_feature("Cité Un", id_unesco="1A", inscrit_mh=None, classe_mh=None))
    frame = cite_heritage(_ties(un=["cites_minieres/1A"]), pl.concat([read, _zones()]))
    assert frame["protection"].to_list() == [None]


def test_no_certain_tie_gives_an_empty_table():
    frame = cite_heritage(_ties(rien=[]), pl.concat([heritage(cite_feature("A")), _zones()]))
    assert frame.is_empty()
    assert territory_shares(frame, pl.DataFrame({"code": ["1"], "geometry": [_text(0, 0)]})).is_empty()


def test_a_missing_layer_and_a_vanished_feature_are_told():
    read = heritage(cite_feature("Cité Un", id_unesco="1A"))
    with pytest.raises(ObservatoryError, match="bien_inscrit"):
        cite_heritage(_ties(un=["cites_minieres/1A"]), read)
    with pytest.raises(ObservatoryError, match="absente des couches"):
        cite_heritage(_ties(un=["cites_minieres/2B"]), pl.concat([read, _zones()]))


def test_iris_shares_on_squares():
    """A cité of 400 x 200 m over two IRIS of 1 km², three quarters in the first."""
    territory = pl.DataFrame(
        {
            "code": ["620010101", "620010102", "620010103"],
            "geometry": [_text(-1_000, 0, 1_000, 1_000), _text(0, 0, 1_000, 1_000), _text(5_000, 0)],
        }
    )
    shape = pl.DataFrame({"slug": ["un"], "geometry": [_text(-300, 100, 400, 200)]})
    first, second = territory_shares(shape, territory).iter_rows(named=True)
    assert (first["code"], second["code"]) == ("620010101", "620010102")
    assert first["share_of_cite"] == pytest.approx(0.75, abs=0.005)
    assert first["share_of_territory"] == pytest.approx(0.06, abs=0.0005)
    assert second["area_ha"] == pytest.approx(2.0, rel=0.02)
    assert second["share_of_territory"] == pytest.approx(0.02, abs=0.0005)


def test_a_territory_along_the_limit_is_not_crossed():
    shape = pl.DataFrame({"slug": ["un"], "geometry": [_text(-3, 0, 1_000, 1_000)]})
    territory = pl.DataFrame(
        {"code": ["w", "e"], "geometry": [_text(-500, 0, 500, 999), _text(0, 0, 2e3, 2e3)]}
    )
    assert territory_shares(shape, territory)["code"].to_list() == ["e"]
    assert set(territory_shares(shape, territory, 0.001)["code"]) == {"w", "e"}
    assert LEAST_SHARE == 0.01


def test_the_absence_of_iris_contours_is_a_sentence():
    assert NO_IRIS_CONTOURS.startswith("La part de chaque IRIS que couvre la cité n’est pas connue")


@given(cut=st.integers(1, 9), east=st.integers(-500, 500))
def test_territories_that_tile_the_ground_share_the_whole_cite(cut, east):
    shape = pl.DataFrame({"slug": ["un"], "geometry": [_text(east, 0, 500, 500)]})
    middle = east + 50 * cut
    territory = pl.DataFrame(
        {
            "code": ["a", "b"],
            "geometry": [_text(-2_000, -10, 2_000 + middle, 520), _text(middle, -10, 2e3, 520)],
        }
    )
    shares = territory_shares(shape, territory)
    assert shares["share_of_cite"].sum() == pytest.approx(1.0, abs=0.01)
    assert shares["share_of_cite"][0] == pytest.approx(cut / 10, abs=0.01)


def test_a_share_within_nothing_is_null_and_within_all_is_one():
    assert share_within([_text(0, 0)], []) == [0.0]
    assert share_within([_text(0, 0)], [_text(-100, -100, 1_000, 1_000)]) == [pytest.approx(1.0)]


def _attributes(**shares: float) -> pl.DataFrame:
    return pl.DataFrame({"slug": list(shares), "share_inscribed": list(shares.values())})


def _crossed(*rows: tuple[str, str, float]) -> pl.DataFrame:
    return CITE_SHARES.conform(
        pl.DataFrame(
            [(slug, code, 1.0, share, 0.1) for slug, code, share in rows],
            schema=CITE_SHARES.polars_schema,
            orient="row",
        )
    )


@pytest.mark.parametrize(
    ("mark", "share", "told"),
    [
        ("oui", 0.97, None),
        ("oui", 0.73, "Le texte dit la cité dans le Bien inscrit\u202f; les couches y mettent 73\u202f%"),
        ("oui", 0.0, "les couches y mettent 0\u202f%"),
        ("en_partie", 0.5, None),
        ("en_partie", 1.0, "en partie dans le Bien inscrit\u202f; les couches y mettent 100\u202f%"),
        ("non_signale", 0.011, None),
        ("non_signale", 0.84, "Le texte ne signale pas la cité dans le Bien inscrit"),
    ],
)
def test_the_mark_of_the_text_against_the_property(mark, share, told):
    table = cites({"slug": "un", "name": "Cité Un", "unesco": mark})
    found = contradictions(table, _attributes(un=share), _crossed(("un", "59001", 1.0)), COMMUNES)
    assert found["subject"].to_list() == (["patrimoine_mondial"] if told else [])
    assert told is None or told in found["reason"][0]


def test_the_communes_of_the_text_against_the_ground():
    table = cites(
        {"slug": "un", "name": "Cité Un", "commune_codes": ["59001", "62002"]},
        {"slug": "deux", "name": "Cité Deux"},
    )
    shares = _crossed(("un", "59001", 0.6), ("un", "62001", 0.4), ("deux", "59001", 1.0))
    found = contradictions(table, _attributes(un=0.0, deux=0.0), shares, COMMUNES)
    assert found.select("slug", "subject").rows() == [("un", "communes")]
    assert found["reason"][0] == (
        "Le texte nomme Delta, que la surface ne touche pas ou à peine\u202f; "
        "la surface s’étend aussi sur Gamma (40\u202f%), que le texte ne nomme pas."
    )
