"""Layers and tables as one GeoPackage, in the projection of French geographic data.

Belongs here: the file. Does not: which layers (``publishing``), their other formats (``layers``).

Source of the format: OGC 12-128r19 (GeoPackage 1.4). Coordinates are in Lambert-93 (EPSG:2154), easting
first, as the format asks whatever the order of the axes in the registry; GDAL writes the file.
"""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyogrio
import shapely
from pyproj import Transformer

from observatory.opendata.exports import LIST_SEPARATOR, Export
from observatory.opendata.layers import Layer

CRS = "EPSG:2154"
GEOMETRY = "geom"
_DAY = "OGR_CURRENT_DATE"
_TO_LAMBERT = Transformer.from_crs("OGC:CRS84", CRS, always_xy=True)
_CENTIMETRE = 2


def write_geopackage(
    path: Path, day: date, layers: Iterable[tuple[str, Layer, str, str]], tables: Iterable[Export]
) -> None:
    """Write a GeoPackage; equal content, equal bytes.

    Args:
        path: where; nothing is there yet.
        day: last change of its contents.
        layers: name, layer, title and description of each.
        tables: tables without geometry that go with them, lists joined as in their CSV files.
    """
    # Without it, the hour of writing would make two equal files differ.
    pyogrio.set_gdal_config_options({_DAY: f"{day.isoformat()}T00:00:00.000Z"})
    try:
        for name, one, title, description in layers:
            _write_layer(path, name, one, _options(title, description))
        for table in tables:
            _write_table(path, table)
    finally:
        pyogrio.set_gdal_config_options({_DAY: None})


def projected(one: Layer) -> tuple[shapely.MultiPolygon, ...]:
    """Return the geometries of a layer in Lambert-93, to the centimetre, each as a multipolygon."""
    return tuple(
        shapely.multipolygons(list(shapely.get_parts(shapely.transform(shape, _easting_northing))))
        for shape in one.geometries
    )


def _easting_northing(points: np.ndarray) -> np.ndarray:
    eastings, northings = _TO_LAMBERT.transform(points[:, 0], points[:, 1])
    return np.round(np.column_stack([eastings, northings]), _CENTIMETRE)


def _write_layer(path: Path, name: str, one: Layer, options: dict[str, str]) -> None:
    table = one.frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    shapes = pa.array(shapely.to_wkb(projected(one), byte_order=1).tolist(), pa.binary())
    pyogrio.write_arrow(
        table.append_column(pa.field(GEOMETRY, pa.binary()), shapes),
        path,
        layer=name,
        driver="GPKG",
        geometry_name=GEOMETRY,
        geometry_type="MultiPolygon",
        crs=CRS,
        append=path.exists(),
        layer_options=options,
    )


def _write_table(path: Path, table: Export) -> None:
    name = table.name.removesuffix(".csv")
    frame = table.frame.with_columns(
        pl.col(column).cast(pl.List(pl.String)).list.join(LIST_SEPARATOR)
        for column, dtype in table.frame.schema.items()
        if isinstance(dtype, pl.List)
    )
    pyogrio.raw.write(
        path,
        None,
        [_cells(frame[column]) for column in frame.columns],
        frame.columns,
        field_mask=[frame[column].is_null().to_numpy() for column in frame.columns],
        layer=name,
        driver="GPKG",
        append=path.exists(),
        layer_options=_options(table.title, table.description),
    )


def _cells(column: pl.Series) -> np.ndarray:
    if column.dtype == pl.Date:
        return column.to_numpy().astype("datetime64[D]")
    plain = column.dtype.is_numeric() or column.dtype == pl.Boolean
    return column.to_numpy() if plain else np.array(column.to_list(), dtype=object)


def _options(title: str, description: str) -> dict[str, str]:
    return {"IDENTIFIER": title, "DESCRIPTION": description}
