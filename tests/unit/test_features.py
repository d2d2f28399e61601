"""Features of a layer: a shapefile in Lambert-93 and its GeoJSON are the same places."""

import io
import json
import zipfile

import pytest
import shapefile
from pyproj import CRS, Transformer

from observatory.errors import InputError
from observatory.sources.archives import ArchiveError
from observatory.sources.catalogue import DataFile
from observatory.sources.features import read_features

# A square of a hundredth of a degree in Lens.
SQUARE = [(2.83, 50.43), (2.84, 50.43), (2.84, 50.44), (2.83, 50.44), (2.83, 50.43)]
CARD = DataFile(
    kind="geojson",
    original={"kind": "zip", "url": "https://exemple.fr/unesco.zip", "member": "Bien Inscrit.shp"},
    coverage="Bassin minier",
)


def archive(path, *, encoding="utf-8", wkt=None, **parts):
    to_lambert = Transformer.from_crs(4326, 2154, always_xy=True)
    shp, shx, dbf = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with shapefile.Writer(shp=shp, shx=shx, dbf=dbf, encoding=encoding) as writer:
        writer.field("Nom", "C", 60)
        writer.poly([[to_lambert.transform(*point) for point in reversed(SQUARE)]])
        writer.record("Cité Émile Basly")
    contents = {"shp": shp.getvalue(), "dbf": dbf.getvalue(), "prj": (wkt or CRS(2154).to_wkt()).encode()}
    with zipfile.ZipFile(path, "w") as zipped:
        for suffix, content in (contents | parts).items():
            if content is not None:
                zipped.writestr(f"UNESCO - L93 2018/Bien Inscrit.{suffix}", content)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_shapefile_in_lambert_is_read_in_degrees(tmp_path, encoding):
    (feature,) = read_features(archive(tmp_path / "unesco.zip", encoding=encoding), CARD)
    assert feature["properties"] == {"Nom": "Cité Émile Basly"}
    assert feature["geometry"]["type"] == "Polygon"
    (ring,) = feature["geometry"]["coordinates"]
    assert sorted(ring)[-1] == pytest.approx((2.84, 50.44), abs=1e-8)
    assert {(round(x, 6), round(y, 6)) for x, y in ring} == set(SQUARE)


def test_geojson_is_read_as_it_is(tmp_path):
    feature = {"type": "Feature", "properties": {"Nom": "Basly"}, "geometry": None}
    path = tmp_path / "bien.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    assert read_features(path, CARD) == [feature]


def test_what_is_no_layer_is_refused(tmp_path):
    with pytest.raises(InputError, match="projection inconnue"):
        read_features(archive(tmp_path / "a.zip", wkt="LOCAL_CS"), CARD)
    with pytest.raises(InputError, match="illisible"):
        read_features(archive(tmp_path / "b.zip", shp=b"rien du tout"), CARD)
    with pytest.raises(ArchiveError, match=r"Bien Inscrit\.prj"):
        read_features(archive(tmp_path / "c.zip", prj=None), CARD)
