"""What a certain tie gives to a cité, and where the layers contradict the founding documents.

Belongs here: contour, attributes, shares of the property, contradictions. Does not: the ties (``ties``),
wording of the sheets.
"""

from typing import Any

import polars as pl
import shapely

from observatory.errors import ObservatoryError
from observatory.heritage.shapes import area_ha, from_text, to_text
from observatory.heritage.shares import share_within
from observatory.tables.heritage import CITE_CONTRADICTIONS, CITE_HERITAGE, PROTECTIONS

MARGIN = 0.05
"""A cité within this share of wholly inside (or outside) the property is inside (or outside).

The cité's outline and the property's were drawn apart. On the Mission's layers the shares leave two gaps:
between 0.011 and 0.73, and between 0.907 and 0.973.
"""


def cite_heritage(ties: pl.DataFrame, heritage: pl.DataFrame) -> pl.DataFrame:
    """Return contour and attributes of the cités that are tied for certain.

    The contour is the union of the features: a cité drawn in two layers counts once, its parts in the
    property and in the buffer zone are put together. Where features differ, every value is kept, that of
    the largest area first.

    Args:
        ties: table ``core.cite_ties``.
        heritage: frame as the contract ``HERITAGE`` says, with the layers bien_inscrit and zone_tampon.

    Returns:
        One row per cité tied for certain, as the contract ``CITE_HERITAGE`` says.

    Raises:
        ObservatoryError: a layer of the property is missing, or a tie names a feature that is not there.
    """
    inscribed, buffer = _areas(heritage, "bien_inscrit"), _areas(heritage, "zone_tampon")
    features = {row["feature_id"]: row for row in heritage.iter_rows(named=True)}
    rows = []
    for slug, ids in ties.select("slug", "feature_ids").iter_rows():
        if absent := [name for name in ids if name not in features]:
            raise ObservatoryError(
                f"La cité «\u202f{slug}\u202f» est rattachée à une surface absente des couches\u202f: "
                f"{absent[0]}."
            )
        if ids:
            rows.append({"slug": slug} | _attributes([features[name] for name in ids]))
    texts = [row["geometry"] for row in rows]
    within = {"share_inscribed": share_within(texts, inscribed), "share_buffer": share_within(texts, buffer)}
    frame = pl.DataFrame(
        rows, schema={name: kind for name, kind in CITE_HERITAGE.polars_schema.items() if name not in within}
    )
    return CITE_HERITAGE.conform(frame.with_columns(**{name: pl.Series(v) for name, v in within.items()}))


def _areas(heritage: pl.DataFrame, layer: str) -> list[str]:
    texts = heritage.filter(pl.col("layer") == layer)["geometry"].to_list()
    if not texts:
        raise ObservatoryError(f"La couche patrimoniale «\u202f{layer}\u202f» manque.")
    return texts


def _attributes(features: list[dict[str, Any]]) -> dict[str, Any]:
    largest_first = sorted(features, key=lambda row: (-row["area_ha"], row["feature_id"]))
    outline = shapely.union_all(from_text([row["geometry"] for row in features]))
    # Read back from its text: area and shares are those of the contour that readers get.
    text = to_text(outline)
    shape = from_text([text])[0]

    def distinct(column: str) -> list[str]:
        return list(dict.fromkeys(row[column] for row in largest_first if row[column]))

    protections = set(distinct("protection"))
    return {
        "geometry": text,
        "area_ha": area_ha(shape),
        "longitude": round(shape.centroid.x, 5),
        "latitude": round(shape.centroid.y, 5),
        "companies": distinct("company"),
        "types": distinct("type"),
        "interests": distinct("interest"),
        "protection": next((one for one in PROTECTIONS if one in protections), None),
        "owners": list(dict.fromkeys(owner for row in largest_first for owner in row["owners"])),
        "unesco_ids": sorted(distinct("unesco_id")),
        "file_ids": sorted(distinct("file_id")),
    }


def contradictions(
    cites: pl.DataFrame, attributes: pl.DataFrame, shares: pl.DataFrame, communes: pl.DataFrame
) -> pl.DataFrame:
    """Return what the founding documents and the layers say differently of the tied cités.

    Args:
        cites: table ``core.cites``.
        attributes: as ``cite_heritage`` returns it.
        shares: communes crossed, as ``territory_shares`` returns them.
        communes: columns code, name.

    Returns:
        One row per cité and subject, as the contract ``CITE_CONTRADICTIONS`` says. A text that is silent
        on a cité of the property is listed too: silence is no statement, but the sheet must not repeat it.
    """
    names = dict(communes.select("code", "name").iter_rows())
    crossed: dict[str, dict[str, float]] = {}
    for slug, code, share in shares.select("slug", "code", "share_of_cite").iter_rows():
        crossed.setdefault(slug, {})[code] = share
    rows = []
    joined = cites.join(attributes, on="slug").sort("slug")
    for row in joined.iter_rows(named=True):
        found = {
            "patrimoine_mondial": _property(row["unesco"], row["share_inscribed"]),
            "communes": _communes(row["commune_codes"], crossed.get(row["slug"], {}), names),
        }
        rows += [(row["slug"], subject, reason) for subject, reason in found.items() if reason]
    return CITE_CONTRADICTIONS.conform(
        pl.DataFrame(rows, schema=CITE_CONTRADICTIONS.polars_schema, orient="row")
    )


def _property(mark: str, share: float) -> str | None:
    drawn = "oui" if share >= 1 - MARGIN else "non_signale" if share <= MARGIN else "en_partie"
    if drawn == mark:
        return None
    said = {
        "oui": "Le texte dit la cité dans le Bien inscrit",
        "en_partie": "Le texte dit la cité en partie dans le Bien inscrit",
        "non_signale": "Le texte ne signale pas la cité dans le Bien inscrit",
    }[mark]
    return f"{said}\u202f; les couches y mettent {_percent(share)} de sa surface."


def _communes(said: list[str], crossed: dict[str, float], names: dict[str, str]) -> str | None:
    absent = sorted(code for code in said if code not in crossed)
    added = sorted(code for code in crossed if code not in said)
    parts = []
    if absent:
        parts.append(f"le texte nomme {_listed(absent, names)}, que la surface ne touche pas ou à peine")
    if added:
        told = ", ".join(f"{names[code]} ({_percent(crossed[code])})" for code in added)
        parts.append(f"la surface s’étend aussi sur {told}, que le texte ne nomme pas")
    sentence = "\u202f; ".join(parts)
    return sentence[:1].upper() + sentence[1:] + "." if parts else None


def _listed(codes: list[str], names: dict[str, str]) -> str:
    return ", ".join(names[code] for code in codes)


def _percent(share: float) -> str:
    return f"{share * 100:.0f}\u202f%"
