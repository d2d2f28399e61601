"""Heritage layers (GeoJSON): properties found by meaning, one frame for all layers.

Belongs here: what each layer must say, under which names, and how its values read.
Does not: fetching and paging (``sources``), ties to the cités (``ties``).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import polars as pl

from observatory.errors import InputError
from observatory.heritage.shapes import ShapeError, area_ha, read_area, to_text
from observatory.tables.heritage import HERITAGE

_REMEDY = "reprendre la couche chez le producteur, en GeoJSON et WGS84, sans la modifier."

# Names of one meaning over the layers; case, accents and separators do not count, nor what a shapefile
# cuts after ten characters.
_NAMES = {
    "name": ("nom", "nom_cite", "nom_min"),
    "other_name": ("nom_2", "nom_cite_2"),
    "company": ("compagnie",),
    "type": ("type", "typologie"),
    "interest": ("interet",),
    "registered": ("inscrit_mh",),
    "listed": ("classe_mh",),
    "unesco_id": ("id_unesco",),
    "unesco_element": ("element", "no_element"),
    "lsm_id": ("id_lsm",),
    "owners": ("proprietaire",),
    "insee": ("insee", "code_insee", "insee_com"),
    "number": ("id",),
}
_COMMUNE = re.compile(r"commune\d?")
_SHAPEFILE_WIDTH = 10
_YES, _NO = ("oui", "t", "true", "o"), ("non", "f", "false", "n")


@dataclass(frozen=True)
class Layer:
    """One layer: what it must say, and which of its meanings identify a feature (the first one present)."""

    name: str
    title: str
    required: tuple[str, ...]
    identifiers: tuple[str, ...]
    describes_cites: bool = False


_CITE = ("name", "communes", "company", "type", "interest")
LAYERS = {
    layer.name: layer
    for layer in (
        Layer("cites_minieres", "Cités minières", _CITE, ("unesco_id", "lsm_id"), True),
        Layer("cites_inscrites", "Cités du Bien inscrit", (*_CITE, "unesco_id"), ("unesco_id",), True),
        Layer("cites_erbm", "Cités de l’ERBM", (*_CITE, "lsm_id"), ("lsm_id",), True),
        Layer("zt_cites_minieres", "Cités de la zone tampon", (*_CITE, "lsm_id"), ("lsm_id",), True),
        Layer("bien_inscrit", "Bien inscrit", ("name", "unesco_element"), ("unesco_element",)),
        Layer("zone_tampon", "Zone tampon", ("number",), ("number",)),
        Layer("communes_mbm", "Communes de la Mission", ("name", "insee"), ("insee",)),
        Layer("bassin_minier", "Emprise du bassin minier", ("name",), ("name",)),
    )
}
"""The layers that the observatory reads, by name."""

CITE_LAYERS = tuple(layer.name for layer in LAYERS.values() if layer.describes_cites)


@dataclass(frozen=True)
class _Feature:
    """One feature and where it stands, so that each check can name the place at fault."""

    file: str
    rank: int
    properties: Mapping[str, Any]
    columns: Mapping[str, str]
    communes: tuple[str, ...]

    def text(self, meaning: str) -> str | None:
        column = self.columns.get(meaning)
        return _text(self.properties.get(column)) if column else None

    def refuse(self, rule: str, meaning: str = "", value: str | None = None) -> NoReturn:
        column = self.columns.get(meaning)
        raise InputError(
            self.file, f"entité n° {self.rank}\u202f: {rule}", _REMEDY, column=column, value=value
        )


def parse_layer(features: list[dict[str, Any]], layer: str, file: str, file_id: str) -> pl.DataFrame:
    """Return the areas of a layer, as the contract ``HERITAGE`` says.

    Args:
        features: GeoJSON features, WGS84.
        layer: one of ``LAYERS``.
        file: name of the file, for errors.
        file_id: key of the file in ``core.files``.

    Returns:
        One row per feature; ``repaired`` says which outlines crossed themselves.

    Raises:
        InputError: no feature; a property that the layer must have is missing, or has two names; a feature
            has no identifier or that of another one; its outline is not an area of the two departments; a
            coded value is unknown.
    """
    spec = LAYERS[layer]
    if not features:
        raise InputError(file, "la couche ne contient aucune entité.", _REMEDY)
    properties = [feature.get("properties") or {} for feature in features]
    columns, communes = _columns(properties, spec, file)
    rows = []
    for rank, (feature, values) in enumerate(zip(features, properties, strict=True), start=1):
        read = _Feature(file, rank, values, columns, communes)
        rows.append(_row(read, feature.get("geometry"), spec) | {"file_id": file_id})
    counts = Counter(str(row["feature_id"]) for row in rows)
    twice = sorted(name for name, count in counts.items() if count > 1)
    if twice:
        raise InputError(file, "plusieurs entités ont le même identifiant.", _REMEDY, value=twice[0])
    return HERITAGE.conform(pl.DataFrame(rows, schema=HERITAGE.polars_schema))


def _columns(
    properties: list[dict[str, Any]], spec: Layer, file: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the property of each meaning, and those of the communes in their order."""
    present = sorted({name for values in properties for name in values})
    columns = {}
    for meaning, names in _NAMES.items():
        found = [column for column in present if any(_same_name(column, name) for name in names)]
        if len(found) > 1:
            raise InputError(
                file, f"deux propriétés ont le même sens\u202f: {', '.join(found)}.", _REMEDY, column=found[0]
            )
        if found:
            columns[meaning] = found[0]
    communes = tuple(column for column in present if _COMMUNE.fullmatch(_fold(column)))
    missing = [
        meaning
        for meaning in spec.required
        if not (communes if meaning == "communes" else meaning in columns)
    ]
    if missing:
        wanted = ", ".join(_NAMES[meaning][0] if meaning in _NAMES else "commune_1" for meaning in missing)
        held = ", ".join(present)
        raise InputError(
            file,
            f"la couche «\u202f{spec.title}\u202f» n’a pas de propriété {wanted}\u202f; "
            f"elle a\u202f: {held}.",
            _REMEDY,
        )
    return columns, communes


def _row(feature: _Feature, geometry: Any, spec: Layer) -> dict[str, Any]:
    meaning = next((one for one in spec.identifiers if feature.text(one)), None)
    if meaning is None:
        feature.refuse("aucun identifiant.", spec.identifiers[0])
    code = str(feature.text(meaning))
    name = feature.text("name")
    if name is None and "name" in spec.required:
        feature.refuse("aucun nom.", "name")
    try:
        area, repaired = read_area(geometry)
    except ShapeError as error:
        feature.refuse(str(error))
    prefix = "lsm-" if meaning == "lsm_id" else ""
    return {
        "feature_id": f"{spec.name}/{prefix}{code}",
        "layer": spec.name,
        "code": code,
        "name": name,
        **{key: feature.text(key) for key in ("unesco_id", "unesco_element", "lsm_id", "other_name")},
        "commune_names": [name for name in map(_text, map(feature.properties.get, feature.communes)) if name],
        "company": feature.text("company"),
        "type": feature.text("type"),
        "interest": feature.text("interest"),
        "protection": _protection(feature),
        "owners": [owner.strip() for owner in (feature.text("owners") or "").split("/") if owner.strip()],
        "geometry": to_text(area),
        "area_ha": area_ha(area),
        "repaired": repaired,
    }


def _protection(feature: _Feature) -> str | None:
    """Return the strongest protection; null where the layer does not answer both questions with « non »."""
    answers = [_answer(feature, meaning) for meaning in ("listed", "registered")]
    if answers[0]:
        return "classée"
    if answers[1]:
        return "inscrite"
    return "aucune" if answers == [False, False] else None


def _answer(feature: _Feature, meaning: str) -> bool | None:
    text = feature.text(meaning)
    if text is None:
        return None
    if text.casefold() not in (*_YES, *_NO):
        feature.refuse("la réponse n’est ni «\u202foui\u202f» ni «\u202fnon\u202f».", meaning, text)
    return text.casefold() in _YES


def _text(value: Any) -> str | None:
    """Return a property as text: NFC, single spaces, whole numbers without decimals, null if empty."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = " ".join(unicodedata.normalize("NFC", "" if value is None else str(value)).split())
    return text or None


def _same_name(column: str, name: str) -> bool:
    folded = _fold(column)
    if len(column) == _SHAPEFILE_WIDTH and len(name) > _SHAPEFILE_WIDTH:
        return folded == _fold(name[:_SHAPEFILE_WIDTH])
    return folded == _fold(name)


def _fold(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.casefold())
    return re.sub(r"[^a-z0-9]", "", plain)
