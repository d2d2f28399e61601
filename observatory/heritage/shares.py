"""Which communes or IRIS a cité crosses, and what share of one is in the other.

Belongs here: shares of areas. Does not: where contours come from, figures carried over by shares.
"""

import polars as pl
import shapely

from observatory.heritage.shapes import area_ha, from_text, polygons_of
from observatory.tables.heritage import CITE_SHARES

LEAST_SHARE = 0.01
"""Least share of a cité from which it crosses a territory: below, the limit only runs along it.

Holds for the communes of the Mission's layer, drawn with the cités. Not for the simplified contours of
``data/embedded/contours.csv``: they stray by 150 m from those (median of the communes' Hausdorff distances;
390 m at the 99th percentile), which is the width of a cité: between the two, the share of one cité in one
commune differs by up to 0.59 (Cité des Fontinettes), and the Ferronnière would be for 0.14 in Waziers.
Shares from them must not be published; the communes they give are right only for the bulk of a cité.
"""

NO_IRIS_CONTOURS = (
    "La part de chaque IRIS que couvre la cité n’est pas connue\u202f: les contours des IRIS "
    "(Contours… IRIS, Insee et IGN) ne sont pas dans cette édition."
)
"""Why the shares of IRIS are absent, as the sheet says it."""


def territory_shares(
    cites: pl.DataFrame, territories: pl.DataFrame, least_share: float = LEAST_SHARE
) -> pl.DataFrame:
    """Return the territories that each cité crosses, with the shares of one in the other.

    The same function serves communes and IRIS: only the contours change.

    Args:
        cites: columns slug, geometry (GeoJSON, WGS84).
        territories: columns code, geometry (GeoJSON, WGS84): communes or IRIS that do not overlap.
        least_share: least share of the cité, from 0 to 1, from which a territory is kept; see
            ``LEAST_SHARE``.

    Returns:
        One row per cité and territory, as the contract ``CITE_SHARES`` says. Areas are geodesic (GRS80).
        The shares of a cité add up to less than one where it leaves the territories given, or where some
        were under ``least_share``.
    """
    outlines = from_text(territories["geometry"].to_list())
    codes = territories["code"].to_list()
    sizes = [area_ha(outline) for outline in outlines]
    tree = shapely.STRtree(outlines)
    rows = []
    for slug, shape in zip(cites["slug"], from_text(cites["geometry"].to_list()), strict=True):
        whole = area_ha(shape)
        for index in sorted(tree.query(shape, predicate="intersects").tolist()):
            common = area_ha(polygons_of(shapely.intersection(shape, outlines[index])))
            if common > 0 and common >= least_share * whole:
                rows.append((slug, codes[index], common, common / whole, common / sizes[index]))
    return CITE_SHARES.conform(pl.DataFrame(rows, schema=CITE_SHARES.polars_schema, orient="row"))


def share_within(geometries: list[str], areas: list[str]) -> list[float]:
    """Return the share, from 0 to 1, of each geometry that is within the union of ``areas``.

    Args:
        geometries: GeoJSON texts, WGS84.
        areas: GeoJSON texts, WGS84; none makes every share null.
    """
    union = shapely.union_all(from_text(areas)) if areas else shapely.Polygon()
    return [
        min(1.0, area_ha(polygons_of(shapely.intersection(shape, union))) / area_ha(shape))
        for shape in from_text(geometries)
    ]
