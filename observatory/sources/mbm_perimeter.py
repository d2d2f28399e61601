"""Layers of the Mission Bassin Minier (GeoJSON, WGS84): its 330 communes, the inscribed property; names tied.

Belongs here: the properties of those layers, and tying a commune's name to its code.
Does not: the cités (``cites``), and which perimeter a page shows (``geography.perimeters``).
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from observatory.errors import InputError
from observatory.sources.columns import check_commune_codes

_REMEDY = "reprenez la couche sur Géo2France, sans la modifier."
_MATCHES = {
    "name": pl.String,
    "code": pl.String,
    "commune_name": pl.String,
    "reason": pl.String,
}


def read_layer(path: Path) -> list[dict[str, Any]]:
    """Return the features of a GeoJSON file.

    Raises:
        InputError: the file is absent or is not a GeoJSON collection of features.
    """
    if not path.is_file():
        raise InputError(path.name, "le fichier manque.", "déposez-le, ou relancez la récupération.")
    try:
        layer = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(path.name, "le fichier n’est pas du GeoJSON lisible.", _REMEDY) from error
    features = layer.get("features") if isinstance(layer, dict) else None
    if not isinstance(features, list) or not features:
        raise InputError(path.name, "le fichier n’est pas une collection d’entités GeoJSON.", _REMEDY)
    return features


def parse_mbm_communes(
    features: list[dict[str, Any]], communes: pl.DataFrame, name: str = "communes-mbm.geojson"
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the communes of the Mission's layer, and those that could not be tied to the COG.

    The layer carries codes; a feature without one is tied by its name, and a code that the COG does not give
    to that name is told as a miss rather than believed.

    Args:
        features: the layer's features.
        communes: columns code, name: the communes of the COG of the layer, in the departments 59 and 62.
        name: the file, for errors.

    Returns:
        First frame: commune_code, commune_name (as the COG writes it), epci_code, epci_name, geometry
        (GeoJSON text). Second frame: name, code, reason of each miss.

    Raises:
        InputError: a feature has neither code nor name, or a commune comes twice.
    """
    rows = [_properties(feature, name) for feature in features]
    by_name = match_communes([row["nom"] for row in rows], communes)
    known = dict(communes.select("code", "name").iter_rows())
    kept, missed = [], []
    for row, match in zip(rows, by_name.iter_rows(named=True), strict=True):
        code = row["insee"] or match["code"]
        reason = match["reason"]
        if row["insee"]:
            same = row["insee"] in known and _key(known[row["insee"]]) == _key(row["nom"])
            reason = None if same else f"le COG ne donne pas ce nom au code {row['insee']}"
        if reason:
            missed.append((row["nom"], code, reason))
        else:
            kept.append((code, known[code], row["epci_siren"], row["epci_nom"], row["geometry"]))
    schema = ["commune_code", "commune_name", "epci_code", "epci_name", "geometry"]
    frame = pl.DataFrame(kept, schema=dict.fromkeys(schema, pl.String), orient="row").sort("commune_code")
    check_commune_codes(frame, name, "commune_code")
    if frame["commune_code"].is_duplicated().any():
        raise InputError(name, "une commune vient deux fois.", _REMEDY, column="insee")
    misses = dict.fromkeys(("name", "code", "reason"), pl.String)
    return frame, pl.DataFrame(missed, schema=misses, orient="row").sort("name")


def _properties(feature: dict[str, Any], name: str) -> dict[str, Any]:
    properties = feature.get("properties") or {}
    if not properties.get("nom"):
        raise InputError(name, "une commune n’a pas de nom.", _REMEDY, column="nom")
    values = {key: properties.get(key) for key in ("insee", "nom", "epci_siren", "epci_nom")}
    return {**values, "geometry": json.dumps(feature.get("geometry"))}


def parse_polygons(features: list[dict[str, Any]], name: str) -> pl.DataFrame:
    """Return the areas of a layer as a frame with one column, geometry (GeoJSON text).

    Raises:
        InputError: a feature is not an area.
    """
    for feature in features:
        if (feature.get("geometry") or {}).get("type") not in ("Polygon", "MultiPolygon"):
            raise InputError(name, "une entité n’est pas une surface.", _REMEDY)
    return pl.DataFrame({"geometry": [json.dumps(feature["geometry"]) for feature in features]})


def match_communes(names: Iterable[str], communes: pl.DataFrame) -> pl.DataFrame:
    """Return the code of each commune that a layer only names.

    Names are compared without case, accents, hyphens, apostrophes, and with « St » and « Ste » in full.

    Args:
        names: names, in any case.
        communes: columns code, name, in the departments where the names may be.

    Returns:
        One row per name, in their order: name, code, commune_name, reason. Where no commune or several have
        the name, code is null and reason says so in French.
    """
    by_key: dict[str, list[tuple[str, str]]] = {}
    for code, commune in communes.select("code", "name").sort("code").iter_rows():
        by_key.setdefault(_key(commune), []).append((code, commune))
    rows: list[tuple[str, str | None, str | None, str | None]] = []
    for name in names:
        found = by_key.get(_key(name), [])
        if len(found) == 1:
            rows.append((name, *found[0], None))
        elif found:
            codes = ", ".join(code for code, _ in found)
            rows.append((name, None, None, f"plusieurs communes portent ce nom : {codes}"))
        else:
            rows.append((name, None, None, "aucune commune ne porte ce nom"))
    return pl.DataFrame(rows, schema=_MATCHES, orient="row")


def _key(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.casefold().replace("œ", "oe").replace("æ", "ae"))
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    words = re.sub(r"[^a-z0-9]+", " ", letters).split()
    return " ".join({"st": "saint", "ste": "sainte"}.get(word, word) for word in words)
