"""Layers of territories with their latest figures: GeoJSON and GeoParquet.

Belongs here: geometries of a level, properties, the two formats.
Does not: which figures (``wide``), where contours come from (``sources``, ``heritage``).

Sources of the formats: RFC 7946 (GeoJSON: WGS 84, longitude first, outer rings anticlockwise) and
GeoParquet 1.1 (WKB in a binary column, described by the key ``geo`` of the file's metadata).
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from observatory.opendata.wide import WideTable

DECIMALS = 5
"""Of coordinates, in degrees: about a metre, far finer than the simplified limits."""
GEOMETRY = "geometry"
_CRS = "OGC:CRS84"


@dataclass(frozen=True)
class Layer:
    """A wide table whose territories are drawn.

    Attributes:
        name: of the layer, in lower case, as files and GIS call it.
        table: its figures.
        frame: rows of ``table.compact`` that have a geometry, and ``extra`` properties.
        geometries: one per row, WGS 84.
        file_ids: files that the geometries come from.
    """

    name: str
    table: WideTable
    frame: pl.DataFrame
    geometries: tuple[BaseGeometry, ...]
    file_ids: tuple[str, ...]

    @property
    def bounds(self) -> list[float]:
        """West, south, east, north, in degrees."""
        return [round(float(edge), DECIMALS) for edge in shapely.total_bounds(self.geometries)]


@dataclass(frozen=True)
class Outlines:
    """The geometries of a level by code, WGS 84, and the files that they come from."""

    geometries: dict[str, BaseGeometry]
    file_ids: tuple[str, ...]


def commune_outlines(contours: pl.DataFrame) -> Outlines:
    """Return the contours of the communes.

    Args:
        contours: ``core.contours``.
    """
    drawn = contours.filter(pl.col("level") == "commune", pl.col(GEOMETRY).is_not_null()).sort("code")
    shapes = _shapes(drawn[GEOMETRY])
    return Outlines(dict(zip(drawn["code"], shapes, strict=True)), _sorted(drawn["file_id"]))


def epci_outlines(communes: Outlines, territories: pl.DataFrame) -> Outlines:
    """Return the union of the communes of each EPCI that are all drawn.

    Args:
        communes: contours of the communes.
        territories: ``core.territories`` of one perimeter version.
    """
    members: dict[str, list[str]] = {}
    listed = territories.filter(pl.col("level") == "commune").sort("code")
    for code, parents in listed.select("code", "parents").iter_rows():
        for parent in (key.removeprefix("epci:") for key in parents if key.startswith("epci:")):
            members.setdefault(parent, []).append(code)
    grid = 10.0**-DECIMALS
    return Outlines(
        {
            epci: _tidy(shapely.union_all([communes.geometries[code] for code in codes], grid_size=grid))
            for epci, codes in sorted(members.items())
            if all(code in communes.geometries for code in codes)
        },
        communes.file_ids,
    )


def cite_outlines(heritage: pl.DataFrame) -> Outlines:
    """Return the contours of the cités that are tied for certain.

    Args:
        heritage: ``core.cite_heritage``.
    """
    rows = heritage.sort("slug")
    shapes = _shapes(rows[GEOMETRY])
    return Outlines(dict(zip(rows["slug"], shapes, strict=True)), _sorted(rows["file_ids"].explode()))


def layer(name: str, table: WideTable, outlines: Outlines, extra: pl.DataFrame | None = None) -> Layer | None:
    """Return the layer of a wide table; none where no territory is drawn.

    Args:
        name: of the layer.
        table: its figures.
        outlines: geometries by code; a territory without is left out, which the page says.
        extra: other properties, by ``code``.
    """
    frame = table.compact.filter(pl.col("code").is_in(list(outlines.geometries)))
    if frame.is_empty():
        return None
    if extra is not None:
        places = [column for column in table.places if column in frame.columns]
        frame = frame.join(extra, on="code", how="left", maintain_order="left").select(
            *places,
            *(column for column in extra.columns if column != "code"),
            pl.exclude(*places, *extra.columns),
        )
    geometries = tuple(outlines.geometries[code] for code in frame["code"])
    return Layer(name, table, frame, geometries, outlines.file_ids)


def write_geojson(path: Path, one: Layer, about: dict[str, str]) -> None:
    """Write a layer as GeoJSON, one line per territory; equal content, equal bytes.

    Args:
        path: where.
        one: the layer.
        about: members that say what the file is, beside those of the format.
    """
    head = {"type": "FeatureCollection", "name": one.name} | about | {"bbox": one.bounds}
    text = _json(head).removesuffix("}") + ',"features":[\n' + feature_lines(one) + "\n]}\n"
    path.write_text(text, encoding="utf-8", newline="\n")


def feature_lines(one: Layer) -> str:
    """Return the territories of a layer as GeoJSON features, a line each, named by their codes."""
    return ",\n".join(
        _json({"type": "Feature", "id": row["code"], "properties": row, "geometry": _geojson(shape)})
        for row, shape in zip(one.frame.iter_rows(named=True), one.geometries, strict=True)
    )


def write_geoparquet(path: Path, one: Layer, about: dict[str, str]) -> None:
    """Write a layer as GeoParquet 1.1; equal content, equal bytes.

    Args:
        path: where.
        one: the layer.
        about: metadata of the file, beside those of the format.
    """
    column = {
        "encoding": "WKB",
        "geometry_types": sorted({shape.geom_type for shape in one.geometries}),
        "crs": CRS(_CRS).to_json_dict(),
        "orientation": "counterclockwise",
        "bbox": one.bounds,
    }
    geo = {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
    table = one.frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    table = table.append_column(
        pa.field(GEOMETRY, pa.binary(), nullable=False),
        pa.array(shapely.to_wkb(one.geometries, byte_order=1).tolist(), pa.binary()),
    )
    table = table.replace_schema_metadata({"geo": _json(geo)} | about)
    pq.write_table(table, path, compression="zstd")


def _shapes(texts: pl.Series) -> list[BaseGeometry]:
    return [_tidy(shape) for shape in shapely.from_geojson(texts.to_list())]


def _tidy(shape: BaseGeometry) -> BaseGeometry:
    """Return a valid area whose outer rings turn anticlockwise and that starts where its kind always does."""
    valid = shape if shape.is_valid else shapely.make_valid(shape)
    return shapely.orient_polygons(shapely.normalize(valid), exterior_cw=False)


def _geojson(shape: BaseGeometry) -> dict[str, Any]:
    parts = [
        [[[round(x, DECIMALS), round(y, DECIMALS)] for x, y in ring.coords] for ring in _rings(part)]
        for part in shapely.get_parts(shape)
    ]
    if shape.geom_type == "Polygon":
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def _rings(polygon: BaseGeometry) -> Iterable[BaseGeometry]:
    return [polygon.exterior, *polygon.interiors]


def _sorted(file_ids: pl.Series) -> tuple[str, ...]:
    return tuple(file_ids.drop_nulls().unique().sort().to_list())


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
