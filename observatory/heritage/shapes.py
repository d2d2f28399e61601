"""Areas in WGS84: strict reading, repair, size, text.

Belongs here: geometry alone. Does not: properties of features, cités.
"""

import json
import math
from typing import Any

import numpy as np
import shapely
from pyproj import Geod, Transformer
from shapely.geometry.base import BaseGeometry

BOUNDS = (1.5, 49.9, 4.3, 51.2)
"""West, south, east, north of the Nord and Pas-de-Calais departments, in degrees, with a margin."""

DECIMALS = 5
_GEOD = Geod(ellps="GRS80")
_TO_LAMBERT = Transformer.from_crs(4326, 2154, always_xy=True)


class ShapeError(ValueError):
    """A geometry is not an area of the Nord or the Pas-de-Calais; the message is French."""


def read_area(geometry: Any) -> tuple[BaseGeometry, bool]:
    """Return a GeoJSON area as a valid polygon or multipolygon, and whether it had to be repaired.

    Args:
        geometry: a GeoJSON geometry as a dictionary.

    Raises:
        ShapeError: it is absent, not an area, unreadable, empty, or out of ``BOUNDS``.
    """
    if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        raise ShapeError("l’entité n’est pas une surface (Polygon ou MultiPolygon).")
    try:
        area = shapely.force_2d(shapely.from_geojson(json.dumps(geometry)))
    except (shapely.errors.GEOSException, TypeError) as error:
        raise ShapeError("le tracé de l’entité est illisible.") from error
    if area.is_empty:
        raise ShapeError("le tracé de l’entité est vide.")
    _check_bounds(area)
    if area.is_valid:
        return area, False
    repaired = polygons_of(shapely.make_valid(area))
    if repaired.is_empty:
        raise ShapeError("le tracé de l’entité n’enferme aucune surface.")
    return repaired, True


def polygons_of(geometry: BaseGeometry) -> BaseGeometry:
    """Return what a geometry has of areas, without the lines and points that a repair leaves."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return shapely.union_all(parts[shapely.get_dimensions(parts) == 2])


def area_ha(geometry: BaseGeometry) -> float:
    """Return the geodesic area on the GRS80 ellipsoid, in hectares."""
    if geometry.is_empty:
        return 0.0
    # Rings turn the right way round, or a hole would add to the area.
    signed, _ = _GEOD.geometry_area_perimeter(shapely.orient_polygons(geometry))
    return abs(signed) / 10_000


def lambert(geometries: np.ndarray) -> np.ndarray:
    """Return WGS84 geometries in Lambert-93, in metres, where distances are true to 0.2 %."""

    def project(points: np.ndarray) -> np.ndarray:
        return np.column_stack(_TO_LAMBERT.transform(points[:, 0], points[:, 1]))

    return np.asarray(shapely.transform(geometries, project))


def to_text(geometry: BaseGeometry) -> str:
    """Return the GeoJSON text, still valid once rounded to five decimals (about one metre)."""
    rounded = shapely.set_precision(geometry, 10.0**-DECIMALS)
    mapping = shapely.geometry.mapping(rounded if not rounded.is_empty else geometry)
    coordinates = _rounded(mapping["coordinates"])
    return json.dumps({"type": mapping["type"], "coordinates": coordinates}, separators=(",", ":"))


def from_text(texts: list[str]) -> np.ndarray:
    """Return the geometries that ``to_text`` wrote, as an array, valid."""
    return np.asarray([polygons_of(shapely.make_valid(shape)) for shape in shapely.from_geojson(texts)])


def _rounded(coordinates: Any) -> Any:
    if isinstance(coordinates, float):
        return round(coordinates, DECIMALS)
    return [_rounded(item) for item in coordinates]


def _check_bounds(area: BaseGeometry) -> None:
    west, south, east, north = BOUNDS
    bounds = area.bounds
    if not all(math.isfinite(limit) for limit in bounds):
        raise ShapeError("le tracé de l’entité a une coordonnée qui n’est pas un nombre.")
    left, low, right, high = bounds
    if west <= left and right <= east and south <= low and high <= north:
        return
    if west <= low and high <= east and south <= left and right <= north:
        raise ShapeError("la latitude est écrite avant la longitude.")
    if max(abs(limit) for limit in bounds) > 360:
        raise ShapeError("les coordonnées ne sont pas en degrés (WGS84), sans doute en Lambert-93.")
    raise ShapeError("l’entité est hors du Nord et du Pas-de-Calais.")
