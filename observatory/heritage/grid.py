"""What the cells of the 200 m grid say of a cité.

Belongs here: which cells are those of a cité, and their sums with what is imputed.
Does not: reading the grid (``sources.filosofi_grid``).
"""

import numpy as np
import polars as pl
import shapely
from pyproj import Transformer

from observatory.heritage.shapes import from_text
from observatory.tables.heritage import CITE_GRID

HALF_CELL = 100
"""Metres from the corner of a cell, which names it, to its centre."""
LEAST_HOUSEHOLDS = 11
"""INSEE gives no true figure of fewer households on this grid."""

NO_GRID = (
    "Le niveau de vie à l’échelle de la cité n’est pas connu : les carreaux de 200 m de Filosofi ne sont pas "
    "dans cette édition. L’Insee les diffuse dans une archive 7z, qu’un analyste extrait et dépose."
)
"""Why the cells are absent, as the sheet says it."""

_SUMS = ("households", "poor_households", "persons", "living_standard_sum")


def grid_of_cites(cites: pl.DataFrame, cells: pl.DataFrame, vintage: int, file_id: str) -> pl.DataFrame:
    """Return ``core.cite_grid``: the sums of the cells whose centre lies in each cité.

    A cell is 4 hectares, the scale of a small cité: the figures are those of the cells, which cross the limit
    of the cité. Under ``LEAST_HOUSEHOLDS`` they are withheld; a cité without any cell has no figure.

    Args:
        cites: columns slug, geometry (GeoJSON, WGS84).
        cells: cells (``sources.filosofi_grid.CELLS``).
        vintage: year of the incomes.
        file_id: key of the file in ``core.files``.
    """
    to_wgs84 = Transformer.from_crs(3035, 4326, always_xy=True)
    east = cells["easting"].to_numpy() + HALF_CELL
    north = cells["northing"].to_numpy() + HALF_CELL
    centres = shapely.points(*to_wgs84.transform(east, north))
    tree = shapely.STRtree(centres)
    rows = []
    for slug, outline in zip(cites["slug"], from_text(cites["geometry"].to_list()), strict=True):
        rows.append({"slug": slug} | _summed(cells[np.sort(tree.query(outline, predicate="contains"))]))
    return CITE_GRID.conform(
        pl.DataFrame(rows, schema_overrides={"cells": pl.Int32}).with_columns(
            vintage=pl.lit(vintage, pl.Int32), file_id=pl.lit(file_id)
        )
    )


def _summed(cells: pl.DataFrame) -> dict[str, float | int | str | None]:
    households, poor, persons, income = (float(cells[name].sum()) for name in _SUMS)
    blank = dict.fromkeys(("households", "imputed_share", "living_standard", "poor_share"))
    if cells.is_empty():
        return {"cells": 0, **blank, "status": "not_applicable"}
    if households < LEAST_HOUSEHOLDS or persons == 0:
        return {"cells": cells.height, **blank, "status": "secret"}
    return {
        "cells": cells.height,
        "households": households,
        "imputed_share": float(cells.filter("imputed")["households"].sum()) / households,
        "living_standard": income / persons,
        "poor_share": poor / households,
        "status": "published",
    }
