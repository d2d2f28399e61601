"""WFS paging without a network: a small server made of lists."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observatory.errors import InputError
from observatory.sources.wfs import Paging, WfsLayer

LAYER = WfsLayer(endpoint="https://exemple.invalid/geoserver/ows", type_name="espace:couche", sort_by="id")


def _answer(features: list[dict[str, Any]], matched: Any = None) -> bytes:
    page: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    if matched is not None:
        page["numberMatched"] = matched
    return json.dumps(page).encode()


def _features(*ranks: int) -> list[dict[str, Any]]:
    return [{"type": "Feature", "id": f"couche.{rank}", "properties": {}, "geometry": None} for rank in ranks]


def _serve(url: str, total: int, announced: Any) -> bytes:
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    start, count = int(query["startIndex"]), int(query["count"])
    return _answer(_features(*range(start, min(start + count, total))), announced)


def test_the_address_asks_for_geojson_in_longitude_and_latitude():
    url = urlsplit(LAYER.page_url(40, 20))
    assert url.netloc == "exemple.invalid"
    assert {name: values[0] for name, values in parse_qs(url.query).items()} == {
        "service": "WFS",
        "version": "2.0.0",
        "request": "GetFeature",
        "typeNames": "espace:couche",
        "outputFormat": "application/json",
        "srsName": "EPSG:4326",
        "count": "20",
        "startIndex": "40",
        "sortBy": "id",
    }
    assert "sortBy" not in WfsLayer(endpoint="https://exemple.invalid", type_name="a:b").page_url(0, 1)


@given(total=st.integers(0, 40), size=st.integers(1, 15), announces=st.booleans())
def test_pages_give_every_feature_once_and_stop(total, size, announces):
    paging = Paging(LAYER, page_size=size)
    calls = 0
    while (url := paging.next_url) is not None:
        paging.add(_serve(url, total, total if announces else "unknown"))
        calls += 1
    collection = paging.collection()
    assert collection["type"] == "FeatureCollection"
    assert collection["features"] == _features(*range(total))
    assert calls <= total // size + 1


def test_the_total_of_older_servers_is_understood():
    paging = Paging(LAYER, page_size=2)
    paging.add(json.dumps({"features": _features(1, 2), "totalFeatures": 2}).encode())
    assert paging.next_url is None


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>Maintenance</html>", "n’est pas du GeoJSON"),
        (b"[]", "n’est pas une collection"),
        (b'{"type": "Feature"}', "n’est pas une collection"),
        (_answer(_features(1, 2, 3), 2), "annonce 2 entités et en donne 3"),
        (_answer([], 5), "annonce 5 entités et n’en donne que 0"),
    ],
)
def test_what_is_not_the_page_is_refused_with_layer_and_address(body, told):
    with pytest.raises(InputError, match=told) as caught:
        Paging(LAYER).add(body)
    assert caught.value.file == "espace:couche (https://exemple.invalid/geoserver/ows)"


def test_a_total_that_changes_and_a_feature_that_comes_twice_are_refused():
    paging = Paging(LAYER, page_size=2)
    paging.add(_answer(_features(1, 2), 4))
    with pytest.raises(InputError, match="annonçait 4 entités et en annonce maintenant 5"):
        paging.add(_answer(_features(3, 4), 5))
    with pytest.raises(InputError, match="deux pages"):
        paging.add(_answer(_features(2, 3), 4))


def test_an_unfinished_collection_is_refused():
    paging = Paging(LAYER, page_size=2)
    paging.add(_answer(_features(1, 2), 4))
    with pytest.raises(InputError, match="toutes les pages"):
        paging.collection()
    assert "startIndex=2" in str(paging.next_url)
