"""Layers of the Mission Bassin Minier (GeoJSON): reading them, and tying their communes to the COG.

Belongs here: the features of a layer, the code of a commune it names, the name of a commune it codes.
Does not: what the features say (``heritage``), which perimeter a page shows (``geography.perimeters``).
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from observatory.errors import InputError

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


def check_communes(features: pl.DataFrame, communes: pl.DataFrame, name: str) -> None:
    """Check that the COG gives to each code of the Mission's communes the name that the layer gives.

    Args:
        features: columns code, name: the communes of the layer.
        communes: columns code, name, of the COG.
        name: name of the file, for errors.

    Raises:
        InputError: it does not; the error names the commune.
    """
    known = dict(communes.select("code", "name").iter_rows())
    for code, theirs in features.select("code", "name").sort("code").iter_rows():
        if code not in known or _key(known[code]) != _key(theirs):
            raise InputError(
                name,
                f"le COG ne donne pas le nom « {theirs} » à ce code.",
                _REMEDY,
                column="insee",
                value=code,
            )


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
