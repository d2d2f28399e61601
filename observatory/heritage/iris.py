"""Contours of the IRIS, and the shares of a cité in each.

Belongs here: the properties of the layer. Does not: shares of areas in general (``shares``).
"""

from typing import Any

import polars as pl

from observatory.errors import InputError
from observatory.heritage.shapes import ShapeError, read_area, to_text
from observatory.heritage.shares import territory_shares
from observatory.tables.heritage import CITE_IRIS

_REMEDY = "reprenez la couche contours_iris de l’IGN, sans la modifier."
# The service writes names in lower case, the files to download in capitals.
_CODE, _NAME = ("code_iris", "CODE_IRIS"), ("nom_iris", "NOM_IRIS")


def parse_iris(features: list[dict[str, Any]], file: str) -> pl.DataFrame:
    """Return the IRIS of a layer: columns code, name, geometry (GeoJSON, WGS84), sorted by code.

    Raises:
        InputError: a feature has no code of nine signs, no name or no area, or a code stands twice.
    """
    rows = []
    for rank, feature in enumerate(features, start=1):
        code, name = _property(feature, _CODE), _property(feature, _NAME)
        if not (isinstance(code, str) and len(code) == 9) or not isinstance(name, str):
            fault = f"l’entité n° {rank} n’a pas le code de neuf signes et le nom d’un IRIS."
            raise InputError(file, fault, _REMEDY, column=_CODE[0], value=str(code))
        try:
            area, _ = read_area(feature.get("geometry"))
        except ShapeError as error:
            raise InputError(file, f"entité n° {rank} : {error}", _REMEDY, value=code) from error
        rows.append((code, name, to_text(area)))
    frame = pl.DataFrame(rows, schema=dict.fromkeys(("code", "name", "geometry"), pl.String), orient="row")
    twice = frame.filter(pl.col("code").is_duplicated())
    if twice.height:
        raise InputError(file, "l’IRIS figure deux fois.", _REMEDY, column=_CODE[0], value=twice["code"][0])
    return frame.sort("code")


def _property(feature: dict[str, Any], names: tuple[str, ...]) -> Any:
    properties = feature.get("properties") or {}
    return next((properties[name] for name in names if name in properties), None)


def iris_shares(cites: pl.DataFrame, iris: pl.DataFrame, file_id: str) -> pl.DataFrame:
    """Return ``core.cite_iris``: the IRIS that each cité crosses.

    Args:
        cites: columns slug, geometry (GeoJSON, WGS84).
        iris: as ``parse_iris`` returns it.
        file_id: key of the file in ``core.files``.
    """
    shares = territory_shares(cites, iris.select("code", "geometry"))
    named = shares.join(iris.select("code", "name"), on="code")
    return CITE_IRIS.conform(named.with_columns(file_id=pl.lit(file_id)))
