"""Territories: perimeters as versioned tables, parents, names.

Belongs here: which territory contains which, in which year of the official geographic code (COG).
Does not: figures, and how a producer writes a perimeter down.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl

from observatory.errors import ObservatoryError
from observatory.tables import CITES, TERRITORIES


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

WIDE = ("hauts_de_france", "france")
"""Perimeters that hold more than the mining basin, from the composition of the EPCI of all France."""
BASIN = "BM"
NO_EPCI = "ZZZZZZZZZ"
"""Code of the group of communes that no EPCI held, as INSEE writes it."""
DEPARTMENTS = ("59", "62")
REGION = "32"
REGION_DEPARTMENTS = ("02", "59", "60", "62", "80")
COUNTRY = "FR"
# The census by IRIS does not cover Mayotte: every national comparator leaves it out.
OVERSEAS_DEPARTMENTS = ("971", "972", "973", "974")


def department_of(commune: str) -> str:
    """Return the department of an INSEE commune code: two characters, three overseas."""
    return commune[:3] if commune.startswith(("97", "98")) else commune[:2]


def in_country(department: pl.Expr) -> pl.Expr:
    """Return whether a department is in « France (hors Mayotte) », the field of the national comparator."""
    return (department.str.len_chars() == 2) | department.is_in(OVERSEAS_DEPARTMENTS)


_BASIN_NAMES = {
    "sept_epci": "Bassin minier (sept EPCI)",
    "mbm": "Bassin minier (Mission Bassin Minier)",
    "unesco": "Communes du Bien inscrit",
    "hauts_de_france": "Ensemble des Hauts-de-France",
    "france": "Ensemble de la France (hors Mayotte)",
}
_COUNTRY_NAME = "France (hors Mayotte)"


@dataclass(frozen=True)
class Areas:
    """The departments and the regions that a perimeter is compared to.

    Attributes:
        departments: code -> name, of those compared to.
        regions: code -> name.
        region_of: department -> region, of every department of these regions, compared to or not.
    """

    departments: Mapping[str, str]
    regions: Mapping[str, str]
    region_of: Mapping[str, str]


BASIN_AREAS = Areas(
    dict(zip(DEPARTMENTS, ("Nord", "Pas-de-Calais"), strict=True)),
    {REGION: "Hauts-de-France"},
    dict.fromkeys(REGION_DEPARTMENTS, REGION),
)
"""Those of the mining basin."""


def areas_of(composition: pl.DataFrame, communes: pl.DataFrame) -> Areas:
    """Return the departments and the regions of some communes.

    Args:
        composition: frame of ``sources.national.parse_composition``.
        communes: column commune_code.
    """
    held = composition.join(communes, on="commune_code", how="semi")
    departments = composition.select("department_code", "region_code").unique().sort("department_code")
    regions = dict(held.select("region_code", "region_name").unique().sort("region_code").iter_rows())
    return Areas(
        dict(held.select("department_code", "department_name").unique().sort("department_code").iter_rows()),
        regions,
        {code: region for code, region in departments.iter_rows() if region in regions},
    )


def french_name(name: str) -> str:
    """Return a producer's territory name as French typography wants it.

    The editions of the source write « Coeur » and, until COG 2024, « Noeux », a straight apostrophe, spaced
    hyphens, and an acronym in brackets; none of them is part of the name.
    """
    name = name.replace("oeu", "œu").replace("'", "’").replace(" - ", "-")
    return name.removesuffix(" (CCCO)")


def build_territories(perimeters: pl.DataFrame, iris: pl.DataFrame, cites: pl.DataFrame) -> pl.DataFrame:
    """Return ``core.territories`` of the seven EPCI: every territory in every edition of their composition.

    Args:
        perimeters: ``core.perimeters``.
        iris: columns ``code`` (nine characters, the first five being the commune).
        cites: ``core.cites``; a cité on several communes has them all as parents, main one first.

    Returns:
        One row per perimeter version, level and code; ``parents`` lists ``level:code``, nearest first.

    Raises:
        StrayTerritoryError: an IRIS or a cité lies in a commune that a version does not hold.
    """
    versions = []
    for (year,), edition in perimeters.group_by("perimeter_vintage", maintain_order=True):
        communes = set(edition["commune_code"])
        _check_inside(year, communes, iris["code"].str.head(5), "IRIS")
        _check_inside(year, communes, cites["commune_codes"].explode(), "cités")
        named = edition.with_columns(
            perimeter=pl.lit("sept_epci"), geography_vintage="perimeter_vintage", epci_label="epci_name"
        )
        versions.append(_one_version(named, iris, cites))
    return TERRITORIES.conform(pl.concat(versions))


def build_version(
    version: pl.DataFrame, iris: pl.DataFrame, cites: pl.DataFrame, areas: Areas = BASIN_AREAS
) -> pl.DataFrame:
    """Return ``core.territories`` of one version of any perimeter.

    IRIS and cités that are not wholly in its communes are left out: a part of them is no figure. An EPCI with
    communes out of the perimeter says in its name how many it has inside, since its sums bear on those;
    communes that had no EPCI make a group of their own.

    Args:
        version: frame of ``geography.perimeter_versions.on_communes_of_today``.
        iris: as ``build_territories``.
        cites: as ``build_territories``.
        areas: departments and regions that hold its communes.
    """
    communes = version["commune_code"].implode()
    plural = pl.when(pl.col("epci_members") > 1).then(pl.lit("s")).otherwise(pl.lit(""))
    labelled = version.with_columns(
        pl.col("epci_code").fill_null(NO_EPCI),
        epci_label=pl.when(pl.col("epci_code").is_null())
        .then(pl.lit("Communes sans intercommunalité"))
        .when(pl.col("epci_members") < pl.col("epci_communes"))
        .then(pl.format("{} ({} commune{} sur {})", "epci_name", "epci_members", plural, "epci_communes"))
        .otherwise(pl.col("epci_name")),
    )
    inside = pl.col("commune_codes").list.eval(pl.element().is_in(communes)).list.all()
    return TERRITORIES.conform(
        _one_version(
            labelled, iris.filter(pl.col("code").str.head(5).is_in(communes)), cites.filter(inside), areas
        )
    )


def _one_version(
    version: pl.DataFrame, iris: pl.DataFrame, cites: pl.DataFrame, areas: Areas = BASIN_AREAS
) -> pl.DataFrame:
    """Return the territories of one version, whose rows also have perimeter, geography and ``epci_label``."""
    version = version.sort("commune_code")
    perimeter, year, geography = version.select("perimeter", "perimeter_vintage", "geography_vintage").row(0)
    names = {row["commune_code"]: french_name(row["commune_name"]) for row in version.iter_rows(named=True)}
    epci_of = dict(version.select("commune_code", "epci_code").iter_rows())
    epci_names = dict(version.select("epci_code", "epci_label").unique().iter_rows())
    country = [f"country:{COUNTRY}"]
    basin = [f"basin:{BASIN}"]
    regions_of_epci: dict[str, set[str]] = {}
    for commune, epci in epci_of.items():
        regions_of_epci.setdefault(epci, set()).add(areas.region_of[department_of(commune)])

    def above(regions: Collection[str]) -> list[str]:
        """Return what holds territories of some regions: a region if there is one only, and the country."""
        return [*(f"region:{code}" for code in regions if len(regions) == 1), *country]

    def above_commune(code: str) -> list[str]:
        department = department_of(code)
        region = above([areas.region_of[department]])
        return [f"epci:{epci_of[code]}", *basin, f"department:{department}", *region]

    rows: list[tuple[str, str, str, list[str]]] = [
        ("country", COUNTRY, _COUNTRY_NAME, []),
        *(("region", code, french_name(name), country) for code, name in areas.regions.items()),
        *(
            ("department", code, french_name(name), above([areas.region_of[code]]))
            for code, name in areas.departments.items()
        ),
        ("basin", BASIN, _BASIN_NAMES[perimeter], above(areas.regions)),
        *(
            ("epci", code, french_name(name), [*basin, *above(regions_of_epci[code])])
            for code, name in epci_names.items()
        ),
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
    return pl.DataFrame(
        [(perimeter, year, geography, *row) for row in rows],
        schema=TERRITORIES.polars_schema,
        orient="row",
    )


def delivered(territories: pl.DataFrame) -> pl.DataFrame:
    """Return the territories that the deliveries of landlords and ANGDM are about.

    In a wide perimeter these are the seven EPCI, their communes and the cités: elsewhere nobody was asked, so
    that no row is no zero, and no sum of the perimeter is whole.

    Args:
        territories: ``core.territories`` of one perimeter version.
    """
    if territories["perimeter"][0] not in WIDE:
        return territories
    seven = [f"epci:{code}" for code in SEVEN_EPCI]
    inside = (
        pl.col("code").is_in(SEVEN_EPCI)
        | (pl.col("level") == "cite")
        | pl.col("parents").list.set_intersection(pl.lit(seven)).list.len().gt(0)
    )
    other = pl.element().str.starts_with("basin:")
    return territories.filter(inside).with_columns(pl.col("parents").list.eval(pl.element().filter(~other)))


def cites_within(cites: pl.DataFrame, territories: pl.DataFrame) -> pl.DataFrame:
    """Return the cités of one perimeter version, each with its EPCI in that version.

    Args:
        cites: ``core.cites``.
        territories: ``core.territories`` of one perimeter version.
    """
    homes = members(territories, "cite", "epci").rename({"child": "slug", "parent": "epci_code"})
    return CITES.conform(cites.drop("epci_code").join(homes, on="slug"))


def _check_inside(year: object, inside: set[str], communes: pl.Series, kind: str) -> None:
    strangers = sorted(set(communes) - inside)
    if strangers:
        raise StrayTerritoryError(
            f"Des {kind} sont dans des communes que le périmètre du COG {year} n’a pas : "
            f"{', '.join(strangers)}. "
            "Rattachez-les à leur commune de ce code géographique."
        )


def select_perimeter(
    territories: pl.DataFrame, year: int | None = None, perimeter: str = "sept_epci"
) -> pl.DataFrame:
    """Return the territories of one version of a perimeter, the latest by default.

    Raises:
        UnknownPerimeterError: no such version.
    """
    versions = territories.filter(pl.col("perimeter") == perimeter)
    years = versions["perimeter_vintage"].unique().sort().to_list()
    if not years:
        raise UnknownPerimeterError(f"Cette édition n’a pas le périmètre « {perimeter} ».")
    wanted = years[-1] if year is None else year
    if wanted not in years:
        known = ", ".join(map(str, years))
        raise UnknownPerimeterError(f"Pas de périmètre pour le COG {wanted}. Versions connues : {known}.")
    return versions.filter(pl.col("perimeter_vintage") == wanted)


def members(territories: pl.DataFrame, child: str, parent: str) -> pl.DataFrame:
    """Return the pairs (child code, parent code) between two levels of one perimeter version."""
    return (
        territories.filter(pl.col("level") == child)
        .select(child=pl.col("code"), link=pl.col("parents"))
        .explode("link")
        .filter(pl.col("link").str.starts_with(f"{parent}:"))
        .select("child", parent=pl.col("link").str.strip_prefix(f"{parent}:"))
    )
