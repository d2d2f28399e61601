"""The layers laid out as OGC API – Features does, in files that any static server gives.

Belongs here: the landing page, the collections and their features. Does not: the layers (``layers``).

Source of the layout: OGC 17-069r4 (Features, part 1: core). It is that of the standard with « .json » added:
``collections.json`` beside ``collections/``. A plain server gives each collection to the clients that are
handed the address of its file and follow its links (GDAL does). One that tries a name with « .json » after it
answers at the addresses of the standard, and clients then start from the landing page.

Files answer no question: neither ``bbox``, ``limit``, ``datetime`` nor filters, neither pages nor one feature
alone; every answer is the whole collection. That is why no conformance class but GeoJSON is claimed.
Links are complete where the address of the site is known, and relative to their file otherwise: the standard
wants the former, and GDAL does not resolve the latter.
"""

import json
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from observatory.opendata.datasets import Dataset
from observatory.opendata.layers import Layer, feature_lines
from observatory.opendata.offers import TITLE, OfferedFile
from observatory.opendata.publishing import OpenData

FOLDER = "ogc"
LANDING = f"{FOLDER}/index.json"
_CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_GEOJSON = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson"
_JSON_TYPE, _GEOJSON_TYPE = "application/json", "application/geo+json"


def write_features(folder: Path, data: OpenData, found: Iterable[Dataset]) -> dict[str, str]:
    """Write the layers of an edition in ``folder / FOLDER``; equal content, equal bytes.

    Args:
        folder: that of the open data.
        data: what the edition is made from.
        found: its sets of data, of which the layers are written.

    Returns:
        The paths of the files in ``folder``, and what each is, in French; none where no layer is drawn.
    """
    drawn = [(one, one.offer.layer) for one in found if one.offer.layer]
    if not drawn:
        return {}
    site = _Site(data)
    every, conformance = _path("collections"), _path("conformance")
    described = (
        f"{TITLE}, édition {data.release} : fichiers statiques disposés comme une API OGC Features. Chaque "
        "réponse est la collection entière ; ni bbox, ni limit, ni filtre, ni pagination."
    )
    contents: dict[str, str] = {
        LANDING: _json(
            {
                "title": TITLE,
                "description": described,
                "links": [
                    site.link(LANDING, LANDING, "self", _JSON_TYPE, "Cette page"),
                    site.link(LANDING, conformance, "conformance", _JSON_TYPE, "Conformité"),
                    site.link(LANDING, every, "data", _JSON_TYPE, "Collections"),
                ],
            }
        ),
        conformance: _json({"conformsTo": [_GEOJSON]}),
        every: _json(
            {
                "links": [site.link(every, every, "self", _JSON_TYPE, "Ce document")],
                "collections": [site.collection(every, one) for one, _ in drawn],
            }
        ),
    }
    told = {LANDING: "accueil", conformance: "conformité", every: "collections"}
    for one, layer in drawn:
        itself, items = collection_paths(one)
        contents[itself] = _json(site.collection(itself, one))
        contents[items] = site.features(items, one, layer)
        told |= {itself: one.offer.title, items: f"{one.offer.title}, entités"}
    for path, text in contents.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8", newline="\n")
    return told


def collection_paths(one: Dataset) -> tuple[str, str]:
    """Return the paths of what is said of a layer and of its features, in the folder of the open data."""
    return _path(f"collections/{one.offer.name}"), _path(f"collections/{one.offer.name}/items")


class _Site:
    """Where the files are served from, and what each says of a collection."""

    def __init__(self, data: OpenData) -> None:
        self._address = f"{data.address}donnees/" if data.address else None
        self._day = data.published_on

    def link(self, here: str, there: str, rel: str, kind: str, title: str) -> dict[str, str]:
        """Return a link from a file to another, paths being those in the folder of the open data."""
        if self._address:
            href = f"{self._address}{there}"
        else:
            # Both are under the same folder, however deep.
            up = len(PurePosixPath(here).parts) - 1
            href = "../" * up + there
        return {"href": href, "rel": rel, "type": kind, "title": title}

    def collection(self, here: str, one: Dataset) -> dict[str, Any]:
        """Return what is said of a collection, in its own file or in the list."""
        itself, items = collection_paths(one)
        links = [
            self.link(here, itself, "self", _JSON_TYPE, one.offer.title),
            self.link(here, items, "items", _GEOJSON_TYPE, "Entités"),
        ]
        links += [self._enclosure(here, file) for file in one.files if file.format == "GeoPackage"]
        west, south, east, north = one.bounds
        return {
            "id": one.offer.name,
            "title": one.offer.title,
            "description": one.offer.description,
            "itemType": "feature",
            "extent": {"spatial": {"bbox": [[west, south, east, north]], "crs": _CRS84}},
            "crs": [_CRS84],
            "links": links,
        }

    def _enclosure(self, here: str, file: OfferedFile) -> dict[str, str]:
        return self.link(here, file.name, "enclosure", "application/geopackage+sqlite3", "GeoPackage")

    def features(self, here: str, one: Dataset, layer: Layer) -> str:
        """Return all the features of a collection."""
        itself, _ = collection_paths(one)
        head = {
            "type": "FeatureCollection",
            "timeStamp": f"{self._day}T00:00:00Z",
            "numberMatched": layer.frame.height,
            "numberReturned": layer.frame.height,
            "links": [
                self.link(here, here, "self", _GEOJSON_TYPE, "Ce document"),
                self.link(here, itself, "collection", _JSON_TYPE, one.offer.title),
            ],
        }
        return _json(head).rstrip().removesuffix("}") + ',"features":[\n' + feature_lines(layer) + "\n]}\n"


def _path(name: str) -> str:
    return f"{FOLDER}/{name}.json"


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"
