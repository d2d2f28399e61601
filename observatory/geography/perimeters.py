"""Perimeters of any year: the seven EPCI, the Mission's communes, those of the inscribed property.

Belongs here: which communes a perimeter holds in a year of the COG, in which EPCI, and what cannot be said.
Does not: reading compositions and layers (``sources``), and the perimeter the site shows (``territories``).
"""

import polars as pl
import shapely

from observatory.errors import ObservatoryError
from observatory.geography.history import History
from observatory.geography.populations import former_by_commune
from observatory.heritage.shapes import lambert
from observatory.territories import SEVEN_EPCI, UnknownPerimeterError

PERIMETERS = {
    "sept_epci": "les sept intercommunalités du bassin minier",
    "mbm": "les communes de la couche de la Mission Bassin Minier",
    "unesco": "les communes que touche le Bien inscrit au Patrimoine mondial",
    "hauts_de_france": "les communes des Hauts-de-France",
    "france": "les communes de France, hors Mayotte",
}
"""The perimeters that a source gives, and what they are."""

ABSENT_PERIMETERS = {
    "erbm": (
        "l’Engagement pour le renouveau du bassin minier compte 8 intercommunalités et 250 communes, mais "
        "aucune source de l’observatoire ne les énumère. L’emprise « bassin minier » de la Mission n’y "
        "supplée pas\u202f: elle couvre 227 communes"
    ),
}
"""The perimeters that are named somewhere and that no source lists, with the reason."""

SLIVER_HA = 0.25
"""Below this area, in hectares, property and commune only brush past each other.

Contours are drawn to some metres and the property often follows a limit between communes. On the Mission's
layers the areas leave a gap between 0.10 ha (a limit) and 0.33 ha (a place).
"""


class UndocumentedPerimeterError(ObservatoryError):
    """A perimeter that no source lists."""


def check_perimeter(perimeter: str) -> str:
    """Return the name of a perimeter that sources give.

    Raises:
        UndocumentedPerimeterError: it is known by name only; the message says why.
        UnknownPerimeterError: it is not a perimeter.
    """
    if perimeter in ABSENT_PERIMETERS:
        raise UndocumentedPerimeterError(
            f"Périmètre « {perimeter} »\u202f: {ABSENT_PERIMETERS[perimeter]}. "
            f"Périmètres disponibles\u202f: {', '.join(PERIMETERS)}."
        )
    if perimeter not in PERIMETERS:
        raise UnknownPerimeterError(
            f"« {perimeter} » n’est pas un périmètre. Périmètres connus\u202f: {', '.join(PERIMETERS)}."
        )
    return perimeter


def named_perimeter(text: str) -> tuple[str, int | None]:
    """Return the perimeter and the COG year that a text names: a year for the seven EPCI, or a name.

    Returns:
        The perimeter, and its year; None for the latest.

    Raises:
        UndocumentedPerimeterError: as ``check_perimeter``.
        UnknownPerimeterError: as ``check_perimeter``.
    """
    if text.isdecimal():
        return "sept_epci", int(text)
    return check_perimeter(text.lower()), None


def seven_epci(
    year: int,
    compositions: pl.DataFrame,
    communes: pl.DataFrame,
    history: History,
    reference_year: int,
) -> pl.DataFrame:
    """Return the communes of the seven EPCI of ``reference_year`` as they were in COG ``year``.

    Args:
        year: year of the COG, one of ``compositions``: what happened between two compositions is not guessed.
        compositions: columns cog_year, epci_code, epci_name, epci_kind, commune_code, commune_name.
        communes: columns code, name: the communes of COG ``year``.
        history: the events.
        reference_year: year of ``compositions`` that says which communes the seven EPCI hold.

    Returns:
        One row per commune of COG ``year``: cog_year, commune_code, commune_name, epci_code, epci_name and
        epci_kind (those of its EPCI that year; null if it had none), reference_epci (list: the EPCI of the
        seven that hold it in ``reference_year``), situation (same_epci: the same SIREN; other_epci: another
        EPCI; no_epci).

    Raises:
        UnknownPerimeterError: no composition of that year.
    """
    that_year = _composition(compositions, year)
    reference = _composition(compositions, reference_year).filter(pl.col("epci_code").is_in(SEVEN_EPCI))
    epci_of = dict(reference.select("commune_code", "epci_code").iter_rows())
    held: dict[str, set[str]] = {}
    for code, former in former_by_commune(history, frozenset(epci_of), reference_year, year).items():
        for other in former:
            held.setdefault(other, set()).add(epci_of[code])
    names = dict(communes.select("code", "name").iter_rows())
    base = pl.DataFrame(
        {
            "commune_code": sorted(held),
            "commune_name": [names.get(code) for code in sorted(held)],
            "reference_epci": [sorted(held[code]) for code in sorted(held)],
        },
        schema={"commune_code": pl.String, "commune_name": pl.String, "reference_epci": pl.List(pl.String)},
    )
    joined = base.join(that_year.drop("cog_year", "commune_name"), on="commune_code", how="left")
    situation = (
        pl.when(pl.col("epci_code").is_null())
        .then(pl.lit("no_epci"))
        .when(pl.col("reference_epci").list.contains(pl.col("epci_code")))
        .then(pl.lit("same_epci"))
        .otherwise(pl.lit("other_epci"))
    )
    return joined.select(
        pl.lit(year, pl.Int32).alias("cog_year"),
        "commune_code",
        "commune_name",
        "epci_code",
        "epci_name",
        "epci_kind",
        "reference_epci",
        situation.alias("situation"),
    ).sort("commune_code")


def communes_touching(
    areas: pl.DataFrame, contours: pl.DataFrame, minimum_ha: float = SLIVER_HA
) -> pl.DataFrame:
    """Return the communes whose contour meets ``areas``.

    Args:
        areas: column geometry (GeoJSON, WGS84), as the inscribed property.
        contours: columns commune_code, geometry (GeoJSON, WGS84).
        minimum_ha: common area, in hectares, from which a commune is kept.

    Returns:
        One row per commune that meets them at all: commune_code, area_ha (common area, in Lambert-93), share
        (of the commune), kept, and reason where it is not kept (French), sorted by code.
    """
    property_ = shapely.union_all(
        shapely.make_valid(lambert(shapely.from_geojson(areas["geometry"].to_list())))
    )
    communes = shapely.make_valid(lambert(shapely.from_geojson(contours["geometry"].to_list())))
    common = shapely.area(shapely.intersection(communes, property_)) / 1e4
    touching = shapely.intersects(communes, property_)
    frame = pl.DataFrame(
        {
            "commune_code": contours["commune_code"],
            "area_ha": common,
            "share": common * 1e4 / shapely.area(communes),
            "touching": touching,
        }
    ).filter(pl.col("touching"))
    kept = pl.col("area_ha") >= minimum_ha
    limit = f"{minimum_ha:g}".replace(".", ",")
    reason = f"moins de {limit}\u202fha en commun\u202f: la limite passe au bord du Bien"
    return (
        frame.drop("touching")
        .with_columns(kept.alias("kept"), pl.when(~kept).then(pl.lit(reason)).alias("reason"))
        .sort("commune_code")
    )


def _composition(compositions: pl.DataFrame, year: int) -> pl.DataFrame:
    frame = compositions.filter(pl.col("cog_year") == year)
    if frame.is_empty():
        known = ", ".join(str(y) for y in compositions["cog_year"].unique().sort())
        raise UnknownPerimeterError(
            f"Pas de composition des EPCI pour le COG {year}. Années connues\u202f: {known}."
        )
    return frame
