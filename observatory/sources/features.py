"""Features of a layer, from GeoJSON or from a shapefile in a zip archive.

Belongs here: bytes to GeoJSON features in WGS84. Does not: what their properties mean (``heritage.layers``).
"""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import shapefile
import shapely
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from shapely.geometry import mapping, shape

from observatory.errors import InputError
from observatory.sources.archives import read_member
from observatory.sources.catalogue import DataFile
from observatory.sources.mbm_perimeter import read_layer

_WRONG = "reprenez la couche chez le producteur, sans la modifier."


def read_features(path: Path, file: DataFile) -> list[dict[str, Any]]:
    """Return the GeoJSON features of a layer, in WGS84.

    Args:
        path: the file.
        file: its card; a member says that the file is an archive, and which of its shapefiles to read.

    Raises:
        InputError: the file is not what its card says.
        ArchiveError: the archive is unreadable, or does not hold the member of the card.
    """
    member = file.as_in(path).member
    return read_layer(path) if member is None else _read_shapefile(path, member)


def _read_shapefile(path: Path, member: str) -> list[dict[str, Any]]:
    stem, name = member.removesuffix(".shp"), f"{path.name} › {member}"
    shp, dbf, prj = (read_member(path, f"{stem}.{suffix}") for suffix in ("shp", "dbf", "prj"))
    try:
        to_wgs84 = Transformer.from_crs(CRS.from_wkt(prj.decode("latin-1")), 4326, always_xy=True)
        # Names are in UTF-8 or, from older tools, in Latin-1, which almost never reads as UTF-8.
        try:
            features = _records(shp, dbf, "utf-8")
        except shapefile.dbfFileException:
            features = _records(shp, dbf, "latin-1")
    except (shapefile.ShapefileException, struct.error, CRSError) as error:
        raise InputError(name, "la couche est illisible, ou sa projection inconnue.", _WRONG) from error

    def project(points: np.ndarray) -> np.ndarray:
        return np.column_stack(to_wgs84.transform(points[:, 0], points[:, 1]))

    for feature in features:
        feature["geometry"] = mapping(shapely.transform(shape(feature["geometry"]), project))
    return features


def _records(shp: bytes, dbf: bytes, encoding: str) -> list[dict[str, Any]]:
    with shapefile.Reader(shp=io.BytesIO(shp), dbf=io.BytesIO(dbf), encoding=encoding) as reader:
        return [
            {
                "type": "Feature",
                "properties": record.record.as_dict(),
                "geometry": record.shape.__geo_interface__,
            }
            for record in reader.iterShapeRecords()
        ]
