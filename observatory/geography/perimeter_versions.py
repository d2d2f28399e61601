"""Every version of every perimeter as rows of one table, and each of them on the communes of today.

Belongs here: ``core.perimeter_communes``, ``core.perimeter_versions``, one version brought onto today.
Does not: which communes a perimeter holds (``perimeters``), reading files (``sources``), ``territories``.
"""

from collections.abc import Mapping, Sequence

import polars as pl

from observatory.errors import ObservatoryError
from observatory.geography.history import History
from observatory.geography.perimeters import (
    ABSENT_PERIMETERS,
    PERIMETERS,
    SLIVER_HA,
    named_perimeter,
    seven_epci,
)
from observatory.geography.populations import former_by_commune
from observatory.tables import PERIMETER_COMMUNES, PERIMETER_VERSIONS
from observatory.territories import REGION, SEVEN_EPCI, in_country

COMPOSITION = ("cog_year", "epci_code", "epci_name", "epci_kind", "commune_code", "commune_name", "file_id")
"""Columns of the composition of EPCI: one row per commune in an EPCI and COG year."""


class SplitMembershipError(ObservatoryError):
    """A commune of today comes from communes that were in different EPCI."""


def seven_of_editions(perimeters: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the seven EPCI in each edition of ``core.perimeters``."""
    latest = perimeters.filter(pl.col("perimeter_vintage") == pl.col("perimeter_vintage").max())
    today = dict(latest.select("commune_code", "epci_code").iter_rows())
    reference = pl.col("commune_code").replace_strict(today, return_dtype=pl.String)
    return PERIMETER_COMMUNES.conform(
        perimeters.select(
            pl.lit("sept_epci").alias("perimeter"),
            "perimeter_vintage",
            "commune_code",
            "commune_name",
            "epci_code",
            "epci_name",
            "epci_kind",
            pl.len().over("perimeter_vintage", "epci_code").alias("epci_communes"),
            pl.concat_list(reference).alias("reference_epci"),
            pl.when(pl.col("epci_code") == reference)
            .then(pl.lit("same_epci"))
            .otherwise(pl.lit("other_epci"))
            .alias("situation"),
            pl.concat_list("file_id").alias("file_ids"),
        )
    )


def seven_of_year(
    year: int, compositions: pl.DataFrame, communes: pl.DataFrame, history: History, reference_year: int
) -> pl.DataFrame:
    """Return the rows of the communes of today's seven EPCI in COG ``year``, in the EPCI of that year.

    Args:
        year: year of ``compositions``.
        compositions: columns ``COMPOSITION``; holds ``reference_year``.
        communes: columns code, name: the communes of COG ``year``.
        history: the events.
        reference_year: year that says which communes the seven EPCI hold.

    Raises:
        UnknownPerimeterError: no composition of that year.
    """
    that_year = compositions.filter(pl.col("cog_year") == year)
    held = seven_epci(year, compositions.drop("file_id"), communes, history, reference_year)
    return PERIMETER_COMMUNES.conform(
        held.join(_sizes(that_year).drop("cog_year"), on="epci_code", how="left")
        .rename({"cog_year": "perimeter_vintage"})
        .with_columns(
            perimeter=pl.lit("sept_epci"), file_ids=pl.lit(that_year["file_id"].unique().sort().to_list())
        )
    )


def of_mission(
    features: pl.DataFrame, compositions: pl.DataFrame, communes: pl.DataFrame, vintage: int
) -> pl.DataFrame:
    """Return the rows of the communes of the Mission's layer, each in its EPCI of the latest composition.

    Args:
        features: rows of ``core.heritage``, layer communes_mbm.
        compositions: columns ``COMPOSITION``; a commune takes its EPCI from the latest that has it.
        communes: columns code, name, as ``sources.mbm_perimeter.check_communes`` has checked them.
        vintage: COG year of the layer.
    """
    latest = compositions.sort("cog_year").unique("commune_code", keep="last").drop("commune_name")
    joined = (
        features.select(commune_code="code", layer_id="file_id")
        .join(communes.rename({"code": "commune_code", "name": "commune_name"}), on="commune_code")
        .join(latest, on="commune_code", how="left")
        .join(_sizes(compositions), on=["cog_year", "epci_code"], how="left")
    )
    files = pl.concat_list("layer_id", "file_id").list.drop_nulls()
    return _held_today(joined, "mbm", pl.lit(vintage), files)


def of_property(mission: pl.DataFrame, touching: pl.DataFrame, file_id: str) -> pl.DataFrame:
    """Return the rows of the communes of the inscribed property, among those of the Mission.

    Args:
        mission: rows of ``of_mission``.
        touching: frame of ``perimeters.communes_touching``.
        file_id: file of the property.
    """
    kept = touching.filter("kept")["commune_code"].implode()
    return PERIMETER_COMMUNES.conform(
        mission.filter(pl.col("commune_code").is_in(kept)).with_columns(
            perimeter=pl.lit("unesco"), file_ids=pl.concat_list(pl.lit(file_id), "file_ids")
        )
    )


def of_composition(perimeter: str, composition: pl.DataFrame, file_ids: Sequence[str]) -> pl.DataFrame:
    """Return the rows of a wide perimeter: a region, or France, on the communes of the latest COG.

    France is that of the national comparator: without Mayotte, whose communes the census by IRIS leaves out.

    Args:
        perimeter: one of ``perimeters.WIDE``.
        composition: frame of ``sources.national.parse_composition``.
        file_ids: files that the composition comes from.
    """
    sized = composition.with_columns(
        epci_communes=pl.when(pl.col("epci_code").is_not_null()).then(pl.len().over("epci_code"))
    )
    inside = (
        in_country(pl.col("department_code")) if perimeter == "france" else pl.col("region_code") == REGION
    )
    return _held_today(sized.filter(inside), perimeter, pl.col("cog_year"), pl.lit(list(file_ids)))


def choice_of(perimeter: str, year: int) -> str:
    """Return what one types to choose a version, as ``perimeters.named_perimeter`` reads it."""
    return str(year) if perimeter == "sept_epci" else perimeter


def versions(communes: pl.DataFrame, lacking: Mapping[str, str]) -> pl.DataFrame:
    """Return ``core.perimeter_versions``: what can be chosen, and what cannot, with the reason.

    Args:
        communes: ``core.perimeter_communes``.
        lacking: choices that this edition has no file for, with the reason in French.
    """
    rows: list[tuple[object, ...]] = []
    for (name, year), version in communes.group_by("perimeter", "perimeter_vintage"):
        choice = choice_of(str(name), int(str(year)))
        note = _note(str(name), version["situation"])
        rows.append((choice, name, year, PERIMETERS[str(name)], True, version.height, note))
    for choice, reason in lacking.items():
        name, wanted = named_perimeter(choice)
        rows.append((choice, name, wanted, PERIMETERS[name], False, None, reason))
    for name, reason in ABSENT_PERIMETERS.items():
        rows.append((name, name, None, name.upper(), False, None, reason))
    return PERIMETER_VERSIONS.conform(
        pl.DataFrame(rows, schema=PERIMETER_VERSIONS.polars_schema, orient="row")
    )


def _note(name: str, situations: pl.Series) -> str | None:
    """Say in French what must be known of a version."""
    other, none = (len(situations.filter(situations == one)) for one in ("other_epci", "no_epci"))
    if name == "unesco":
        limit = f"{SLIVER_HA:g}".replace(".", ",")
        return f"Une commune qui a moins de {limit} ha en commun avec le Bien n’en est pas."
    if name == "france":
        return (
            "Sans Mayotte, que le recensement par IRIS ne couvre pas, ni les collectivités d’outre-mer. "
            f"Communes dans aucune intercommunalité : {none}."
        )
    if name in ("mbm", "hauts_de_france"):
        return f"Communes hors des sept intercommunalités : {other + none}."
    if other + none:
        return f"Communes alors dans une autre intercommunalité : {other} ; dans aucune : {none}."
    return None


def lists_of_communes(communes: pl.DataFrame, first_year: int) -> pl.DataFrame:
    """Return the communes known in each year, as ``history.build_history`` takes them.

    A commune that stands in COG ``first_year`` and in the Mission's later layer has lasted in between.

    Args:
        communes: ``core.perimeter_communes``.
        first_year: COG year that the events reach.

    Returns:
        Columns cog_year, commune_code.
    """
    seven = communes.filter(pl.col("perimeter") == "sept_epci")
    mission = communes.filter(pl.col("perimeter") == "mbm").with_columns(
        pl.int_ranges(first_year, pl.col("perimeter_vintage") + 1, dtype=pl.Int32).alias("perimeter_vintage")
    )
    return (
        pl.concat(
            frame.select("perimeter_vintage", "commune_code")
            for frame in (seven, mission.explode("perimeter_vintage"))
        )
        .unique()
        .rename({"perimeter_vintage": "cog_year"})
    )


def on_communes_of_today(
    version: pl.DataFrame, today: int, names: Mapping[str, str], history: History | None
) -> pl.DataFrame:
    """Return one version on the communes of COG ``today``.

    Args:
        version: rows of ``core.perimeter_communes`` of one version.
        today: year of the COG of the result.
        names: name of each commune of ``today``.
        history: the events; None for a version of the same year, which needs none.

    Returns:
        One row per commune of ``today``: perimeter, perimeter_vintage, geography_vintage, commune_code,
        commune_name, epci_code and epci_name (null if it had none), epci_members and epci_communes (how many
        communes its EPCI had in the perimeter and in all, that year).

    Raises:
        SplitMembershipError: a commune comes from communes of different EPCI.
        OutOfHistoryError: the events do not link the two years.
    """
    year = int(version["perimeter_vintage"][0])
    codes = frozenset(version["commune_code"])
    after = {code: frozenset({code}) for code in codes}
    if year != today and history is not None:
        after = former_by_commune(history, codes, year, today)
    pairs = pl.DataFrame(
        [(before, code) for before, now in after.items() for code in now],
        schema={"commune_code": pl.String, "today": pl.String},
        orient="row",
    )
    held = version.with_columns(epci_members=pl.len().over("epci_code").cast(pl.Int32)).join(
        pairs, on="commune_code"
    )
    split = held.group_by("today").agg(pl.col("epci_code").n_unique()).filter(pl.col("epci_code") > 1)
    if split.height:
        raise SplitMembershipError(
            f"Au COG {year}, ces communes d’aujourd’hui étaient partagées entre plusieurs EPCI : "
            f"{', '.join(split['today'].sort())}. Le périmètre de cette année ne peut pas être montré."
        )
    return (
        held.unique("today")
        .select(
            "perimeter",
            "perimeter_vintage",
            pl.lit(today, pl.Int32).alias("geography_vintage"),
            pl.col("today").alias("commune_code"),
            pl.col("today").replace_strict(names, return_dtype=pl.String).alias("commune_name"),
            "epci_code",
            "epci_name",
            "epci_members",
            "epci_communes",
        )
        .sort("commune_code")
    )


def _held_today(communes: pl.DataFrame, perimeter: str, vintage: pl.Expr, file_ids: pl.Expr) -> pl.DataFrame:
    """Return the rows of a perimeter of today, of which each commune may be in one of the seven EPCI or not.

    Args:
        communes: columns commune_code, commune_name, epci_code, epci_name, epci_kind, epci_communes, and
            those of the expressions.
        perimeter: name.
        vintage: COG year.
        file_ids: list of the files.
    """
    ours = pl.col("epci_code").is_in(SEVEN_EPCI)
    return PERIMETER_COMMUNES.conform(
        communes.select(
            pl.lit(perimeter).alias("perimeter"),
            vintage.alias("perimeter_vintage"),
            "commune_code",
            "commune_name",
            "epci_code",
            "epci_name",
            "epci_kind",
            "epci_communes",
            pl.when(ours).then(pl.concat_list("epci_code")).otherwise(pl.lit([])).alias("reference_epci"),
            pl.when(pl.col("epci_code").is_null())
            .then(pl.lit("no_epci"))
            .when(ours)
            .then(pl.lit("same_epci"))
            .otherwise(pl.lit("other_epci"))
            .alias("situation"),
            file_ids.alias("file_ids"),
        )
    )


def _sizes(compositions: pl.DataFrame) -> pl.DataFrame:
    return compositions.group_by("cog_year", "epci_code").agg(pl.len().cast(pl.Int32).alias("epci_communes"))
