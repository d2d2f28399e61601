"""Territories: perimeters as versioned tables, parents, names.

Belongs here: which territory contains which, in which year of the official geographic code (COG).
Does not: figures, and how a producer writes a perimeter down.
"""

import polars as pl

from observatory.errors import ObservatoryError
from observatory.tables import TERRITORIES


class UnknownPerimeterError(ObservatoryError):
    """A perimeter version that the sources do not hold."""


class StrayTerritoryError(ObservatoryError):
    """An IRIS or a cité in a commune that a version of the perimeter does not hold."""


SEVEN_EPCI = (
    "200042190",
    "200044618",
    "200072460",
    "245901152",
    "245901160",
    "246200299",
    "246200364",
)
"""SIREN of the seven intercommunalités that the founding documents name."""

BASIN = "BM"
DEPARTMENTS = ("59", "62")
REGION = "32"
REGION_DEPARTMENTS = ("02", "59", "60", "62", "80")
COUNTRY = "FR"
# The census by IRIS does not cover Mayotte: every national comparator leaves it out.
OVERSEAS_DEPARTMENTS = ("971", "972", "973", "974")


def department_of(commune: str) -> str:
    """Return the department of an INSEE commune code: two characters, three overseas."""
    return commune[:3] if commune.startswith(("97", "98")) else commune[:2]


_NAMES = {
    BASIN: "Bassin minier (sept EPCI)",
    "59": "Nord",
    "62": "Pas-de-Calais",
    REGION: "Hauts-de-France",
    COUNTRY: "France (hors Mayotte)",
}


def french_name(name: str) -> str:
    """Return a producer's territory name as French typography wants it.

    The editions of the source write « Coeur » and, until COG 2024, « Noeux », a straight apostrophe, spaced
    hyphens, and an acronym in brackets; none of them is part of the name.
    """
    name = name.replace("oeu", "œu").replace("'", "’").replace(" - ", "-")
    return name.removesuffix(" (CCCO)")


def build_territories(perimeters: pl.DataFrame, iris: pl.DataFrame, cites: pl.DataFrame) -> pl.DataFrame:
    """Return ``core.territories``: every territory in every version of the perimeter.

    Args:
        perimeters: ``core.perimeters``.
        iris: columns ``code`` (nine characters, the first five being the commune).
        cites: ``core.cites``; a cité on several communes has them all as parents, main one first.

    Returns:
        One row per perimeter version, level and code; ``parents`` lists ``level:code``, nearest first.

    Raises:
        StrayTerritoryError: an IRIS or a cité lies in a commune that a version does not hold.
    """
    versions = [
        _one_version(int(year), frame, iris, cites)
        for (year,), frame in perimeters.sort("commune_code").group_by(
            "perimeter_vintage", maintain_order=True
        )
    ]
    return TERRITORIES.conform(pl.concat(versions))


def _one_version(year: int, perimeter: pl.DataFrame, iris: pl.DataFrame, cites: pl.DataFrame) -> pl.DataFrame:
    names = {row["commune_code"]: french_name(row["commune_name"]) for row in perimeter.iter_rows(named=True)}
    _check_inside(year, names, iris["code"].str.head(5), "IRIS")
    _check_inside(year, names, cites["commune_codes"].explode(), "cités")
    epci_of = dict(perimeter.select("commune_code", "epci_code").iter_rows())
    epci_names = dict(perimeter.select("epci_code", "epci_name").unique().iter_rows())
    country = [f"country:{COUNTRY}"]
    region = [f"region:{REGION}", *country]
    basin = [f"basin:{BASIN}"]

    def above_commune(code: str) -> list[str]:
        return [f"epci:{epci_of[code]}", *basin, f"department:{department_of(code)}", *region]

    rows: list[tuple[str, str, str, list[str]]] = [
        ("country", COUNTRY, _NAMES[COUNTRY], []),
        ("region", REGION, _NAMES[REGION], country),
        *(("department", code, _NAMES[code], region) for code in DEPARTMENTS),
        ("basin", BASIN, _NAMES[BASIN], region),
        *(("epci", code, french_name(name), [*basin, *region]) for code, name in epci_names.items()),
        *(("commune", code, name, above_commune(code)) for code, name in names.items()),
    ]
    for code in iris["code"]:
        commune = code[:5]
        whole = code.endswith("0000")
        name = names[commune] if whole else f"{names[commune]}, IRIS {code[5:]}"
        rows.append(("iris", code, name, [f"commune:{commune}", *above_commune(commune)]))
    for cite in cites.iter_rows(named=True):
        communes = cite["commune_codes"]
        place = "–".join(names[code] for code in communes)
        parents = [f"commune:{code}" for code in communes] + above_commune(communes[0])
        rows.append(("cite", cite["slug"], f"{cite['name']} ({place})", parents))
    return pl.DataFrame([(year, *row) for row in rows], schema=TERRITORIES.polars_schema, orient="row")


def _check_inside(year: int, names: dict[str, str], communes: pl.Series, kind: str) -> None:
    strangers = sorted(set(communes) - set(names))
    if strangers:
        raise StrayTerritoryError(
            f"Des {kind} sont dans des communes que le périmètre du COG {year} n’a pas : "
            f"{', '.join(strangers)}. "
            "Rattachez-les à leur commune de ce code géographique."
        )


def select_perimeter(territories: pl.DataFrame, year: int | None = None) -> pl.DataFrame:
    """Return the territories of one perimeter version, the latest by default.

    Raises:
        UnknownPerimeterError: no version of that year.
    """
    years = territories["perimeter_vintage"].unique().sort().to_list()
    wanted = years[-1] if year is None else year
    if wanted not in years:
        known = ", ".join(map(str, years))
        raise UnknownPerimeterError(f"Pas de périmètre pour le COG {wanted}. Versions connues : {known}.")
    return territories.filter(pl.col("perimeter_vintage") == wanted)


def members(territories: pl.DataFrame, child: str, parent: str) -> pl.DataFrame:
    """Return the pairs (child code, parent code) between two levels of one perimeter version."""
    return (
        territories.filter(pl.col("level") == child)
        .select(child=pl.col("code"), link=pl.col("parents"))
        .explode("link")
        .filter(pl.col("link").str.starts_with(f"{parent}:"))
        .select("child", parent=pl.col("link").str.strip_prefix(f"{parent}:"))
    )
