"""Rules on the values of producers' files, source by source and vintage by vintage.

Belongs here: keys, ranges, sums, totals against legal populations, jumps between vintages, coverage of the
perimeter, each with its reason.
Does not: the contract of the table (``expectations``), what a failure stops (package ``assets``).
"""

from collections.abc import Iterable

import polars as pl

from observatory.expectations import BALANCE, CHECKS_SCHEMA, Rule, run_rules, written
from observatory.tables import VALUES
from observatory.territories import DEPARTMENTS

PAIR = "ExpectColumnPairValuesAToBeGreaterThanB"

# Communes of the seven EPCI that a source cannot have; every other source covers all 287.
COMMUNES = 287
PARTLY_COVERED = {
    "sdes_rpls": "Le répertoire ne liste que les communes où un bailleur a un logement.",
    "insee_filosofi_iris": "Seules les communes découpées en IRIS y sont.",
    "insee_bpe": "Le fichier ne liste que ce qui existe.",
}

_BALANCES = (
    (
        ("main_residences", "second_homes", "vacant_dwellings"),
        "dwellings",
        "Résidences principales, secondaires et logements vacants font les logements.",
    ),
)
_ORDERED = (
    ("population", "population_15_64", "Les 15 à 64 ans sont une partie de la population."),
    ("population_15_64", "active_15_64", "Les actifs de 15 à 64 ans sont une partie des 15 à 64 ans."),
    ("active_15_64", "unemployed_15_64", "Les chômeurs sont une partie des actifs."),
    ("main_residences", "owner_occupied_residences", "Les propriétaires occupent une partie des résidences."),
    ("jobs", "employee_jobs", "Les emplois salariés sont une partie des emplois."),
    ("living_standard_d9", "living_standard_d1", "Le neuvième décile dépasse le premier."),
    (
        "poverty_rate_tenants",
        "poverty_rate_owners",
        "La pauvreté des locataires dépasse celle des propriétaires.",
    ),
    ("social_dwellings", "social_dwellings_vacant", "Les logements vacants sont une partie du parc."),
)
_RANGES = (
    (
        "median_living_standard",
        8_000,
        60_000,
        "De la commune la plus pauvre à la plus aisée de France, avec marge.",
    ),
    ("poverty_rate", 0, 60, "L’Insee borne ce qu’il publie bien en deçà de 60 %."),
    ("interdecile_ratio", 1, 15, "Le neuvième décile ne vaut pas quinze fois le premier."),
)
_AREAS = (("area", 0.3, 120, "De la plus petite commune du périmètre à la plus étendue."),)
_FRENCH_AREAS = (
    ("area", 0.03, 20_000, "De Castelmoron-d’Albret, en Gironde, à Maripasoula, en Guyane, avec marge."),
)

# Births, vacancy and establishments do vary by more than 15 %, the last also by a break in 2015.
_STABLE = (
    "population",
    "dwellings",
    "main_residences",
    "households",
    "jobs",
    "population_15_64",
    "active_15_64",
)


def validate_values(values: pl.DataFrame, legal: pl.DataFrame) -> pl.DataFrame:
    """Run the rules on every file of ``core.values``.

    Args:
        values: ``core.values``.
        legal: ``core.populations``: its communes are those of the seven EPCI, which files must cover. Other
            communes, those of the Mission, are checked for what they say and not for being there.

    Returns:
        One row per rule and file (``expectations.CHECKS_SCHEMA``).
    """
    frames = [pl.DataFrame(schema=CHECKS_SCHEMA)]
    of_seven = pl.col("code").is_in(legal.filter(pl.col("level") == "commune")["code"].unique().implode())
    departments = values.filter(pl.col("level") == "commune")["code"].str.head(2)
    of_basin = departments.is_in(DEPARTMENTS).all()
    for (file_id,), frame in values.sort("file_id").group_by("file_id", maintain_order=True):
        communes = frame.filter(pl.col("level") == "commune")
        if communes.is_empty():
            continue
        for (year,), of_year in communes.sort("vintage").group_by("vintage", maintain_order=True):
            wide = of_year.pivot(on="variable", index="code", values="value")
            rules = _rules(wide.columns, (*_RANGES, *(_AREAS if of_basin else _FRENCH_AREAS)))
            frames.append(_checked(str(file_id), year, rules, wide))
        frames.append(_coverage(str(file_id), communes.filter(of_seven)))
    totals = _totals(values.filter(of_seven))
    frames += [_against_legal(totals, legal), _jumps(totals)]
    return pl.concat(frames)


def _rules(columns: list[str], ranges: Iterable[tuple[str, float, float, str]]) -> tuple[Rule, ...]:
    known = set(columns)
    rules = [
        Rule(
            BALANCE,
            {"parts": list(parts), "total": total},
            reason,
            "À deux unités ou 0,01 % près : arrondis.",
        )
        for parts, total, reason in _BALANCES
        if {*parts, total} <= known
    ]
    rules += [
        Rule(
            PAIR,
            {
                "column_A": whole,
                "column_B": part,
                "or_equal": True,
                "ignore_row_if": "either_value_is_missing",
                # A rate of poverty is an estimate: the order may turn in a few communes.
                "mostly": 0.9 if whole.startswith("poverty") else 1.0,
            },
            f"« {part} » ne dépasse pas « {whole} ».",
            reason,
        )
        for whole, part, reason in _ORDERED
        if {whole, part} <= known
    ]
    rules += [
        Rule(
            "ExpectColumnValuesToBeBetween",
            {"column": column, "min_value": low, "max_value": high},
            f"« {column} » est entre {written(low)} et {written(high)}.",
            reason,
        )
        for column, low, high, reason in ranges
        if column in known
    ]
    return tuple(rules)


def _checked(file_id: str, year: int, rules: tuple[Rule, ...], wide: pl.DataFrame) -> pl.DataFrame:
    rows = [
        _row(f"{file_id}, {year} : {rule.label}", rule.reason, passed, observed)
        for rule, (passed, observed) in zip(rules, run_rules(rules, wide), strict=True)
    ]
    return pl.DataFrame(rows, schema=CHECKS_SCHEMA)


def _coverage(file_id: str, communes: pl.DataFrame) -> pl.DataFrame:
    source_id = file_id.partition(":")[0]
    found = communes.filter(pl.col("status") != "not_available")["code"].n_unique()
    if source_id in PARTLY_COVERED:
        rule, reason, passed = "des communes du périmètre y sont", PARTLY_COVERED[source_id], found > 0
    else:
        rule = f"les {COMMUNES} communes y sont"
        reason, passed = "Une commune perdue fausserait son EPCI et le Bassin minier.", found == COMMUNES
    row = _row(f"{file_id} : {rule}.", reason, passed, f"{found} communes")
    return pl.DataFrame([row], schema=CHECKS_SCHEMA)


def _totals(values: pl.DataFrame) -> pl.DataFrame:
    """Sum over the perimeter each variable that no commune lacks, by source and year."""
    return (
        values.filter(pl.col("level") == "commune")
        .group_by("source", "variable", "vintage", "file_id")
        .agg(
            pl.sum("value"),
            pl.len().alias("communes"),
            (pl.col("status") == "published").all().alias("whole"),
        )
        .filter(pl.col("whole"), pl.col("communes") == COMMUNES)
        .sort("source", "variable", "vintage", "file_id")
    )


def _against_legal(totals: pl.DataFrame, legal: pl.DataFrame) -> pl.DataFrame:
    known = legal.filter(pl.col("level") == "commune").group_by("vintage").agg(pl.sum("population"))
    compared = totals.filter(pl.col("variable") == "population").join(known, on="vintage")
    rows = [
        _row(
            f"{file_id}, {year} : la population du périmètre est la population légale.",
            "Les deux sortent du même recensement.",
            value == population,
            f"{value:.0f} au lieu de {population}",
        )
        for file_id, year, value, population in compared.select(
            "file_id", "vintage", "value", "population"
        ).iter_rows()
    ]
    return pl.DataFrame(rows, schema=CHECKS_SCHEMA)


def _jumps(totals: pl.DataFrame) -> pl.DataFrame:
    """Bound the change of each count of the perimeter from one vintage to the next."""
    steps = totals.filter(pl.col("variable").is_in(_STABLE)).with_columns(
        before=pl.col("value").shift(1).over("source", "variable"),
        since=pl.col("vintage").shift(1).over("source", "variable"),
    )
    worst = (
        steps.filter(pl.col("before") > 0)
        .with_columns(change=(pl.col("value") / pl.col("before") - 1).abs())
        .group_by("source", maintain_order=True)
        .agg(pl.all().sort_by("change").last())
    )
    rows = [
        _row(
            f"{source} : aucun effectif du périmètre ne varie de plus de 15 % d’un millésime au suivant.",
            "Ces effectifs bougent lentement : un saut trahit une colonne prise pour une autre.",
            change <= 0.15,
            f"« {variable} » de {since} à {vintage}",
        )
        for source, variable, vintage, since, change in worst.select(
            "source", "variable", "vintage", "since", "change"
        ).iter_rows()
    ]
    return pl.DataFrame(rows, schema=CHECKS_SCHEMA)


def _row(rule: str, reason: str, passed: bool, observed: str) -> dict[str, object]:
    return {
        "table": VALUES.qualified_name,
        "rule": rule,
        "reason": reason,
        "passed": passed,
        "observed": "" if passed else observed,
    }
