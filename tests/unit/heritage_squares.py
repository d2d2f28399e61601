"""Square features and small tables for the tests of the heritage package."""

import math
from typing import Any

import polars as pl

from observatory.heritage.layers import parse_layer
from observatory.tables import CITES
from observatory.tables.heritage import HERITAGE

LATITUDE = 50.4
LONGITUDE = 2.8
# Metres of one degree at 50.4° N on GRS80, from its meridian and prime-vertical radii of curvature.
_A, _E2 = 6_378_137.0, 0.006_694_380_022_9
_W2 = 1 - _E2 * math.sin(math.radians(LATITUDE)) ** 2
NORTH_M = math.radians(_A * (1 - _E2) / _W2**1.5)
EAST_M = math.radians(_A / math.sqrt(_W2) * math.cos(math.radians(LATITUDE)))

COMMUNES = pl.DataFrame(
    {
        "code": ["59001", "59002", "62001", "62002"],
        "name": ["Alpha", "Bêta-sur-Mer", "Gamma", "Delta"],
    }
)


def ring(east: float, north: float, width: float = 200.0, height: float = 200.0) -> list[list[float]]:
    """Return a closed rectangle; metres from the reference point."""
    corners = [
        (east, north),
        (east + width, north),
        (east + width, north + height),
        (east, north + height),
        (east, north),
    ]
    return [[LONGITUDE + x / EAST_M, LATITUDE + y / NORTH_M] for x, y in corners]


def square(east: float, north: float, width: float = 200.0, height: float = 200.0) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [ring(east, north, width, height)]}


def cite_feature(
    name: str, commune: str = "Alpha", east: float = 0.0, north: float = 0.0, **properties: Any
) -> dict[str, Any]:
    """Return a feature of ``cites_minieres``, 4 ha; keywords override or add properties."""
    size = properties.pop("size", 200.0)
    values = {
        "nom": name,
        "nom_2": None,
        "commune_1": commune,
        "type": "Corons",
        "compagnie": "Anzin",
        "interet": "Témoin",
        "inscrit_mh": "non",
        "classe_mh": "non",
        "id_unesco": None,
        "element": None,
        "id_lsm": None,
        "proprietaire": "Maisons et Cités / SIA",
    }
    return {
        "type": "Feature",
        "properties": values | properties,
        "geometry": square(east, north, size, size),
    }


def heritage(*features: dict[str, Any], layer: str = "cites_minieres") -> pl.DataFrame:
    """Read features, each given its rank as identifier where it has none."""
    for rank, feature in enumerate(features, start=1):
        values = feature["properties"]
        if "id_lsm" in values and not values["id_lsm"] and not values["id_unesco"]:
            values["id_lsm"] = 9_000 + rank
    return parse_layer(list(features), layer, "essai.geojson", "essai")


def property_layers(inscribed: dict[str, Any], buffer: dict[str, Any]) -> pl.DataFrame:
    """Return the inscribed property and its buffer zone, one area each."""
    element = {"properties": {"nom": "Élément", "no_element": "1"}, "geometry": inscribed}
    zone = {"properties": {"id": 1}, "geometry": buffer}
    return pl.concat(
        [
            parse_layer([element], "bien_inscrit", "bien.geojson", "bien"),
            parse_layer([zone], "zone_tampon", "zone.geojson", "zone"),
        ]
    )


def cites(*rows: dict[str, Any]) -> pl.DataFrame:
    """Return ``core.cites`` with the given slug, name, and whatever else matters."""
    usual: dict[str, Any] = {
        name: [] if dtype == pl.List(pl.String) else "245901160"
        for name, dtype in CITES.polars_schema.items()
    }
    usual |= {"commune_codes": ["59001"], "unesco": "non_signale", "corrections": None, "notes": None}
    return CITES.conform(pl.DataFrame([usual | row for row in rows], schema=CITES.polars_schema))


def no_heritage() -> pl.DataFrame:
    return pl.DataFrame(schema=HERITAGE.polars_schema)
