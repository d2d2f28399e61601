"""Great Expectations suites: those that the contracts imply, and hand-written ones with their reasons.

Belongs here: what must be true of a core table before anything is computed from it.
Does not: when it is checked, or what a failure stops (package ``assets``).
"""

import logging
import os
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl

from observatory.tables import TABLES, Table

CHECKS_SCHEMA = {
    "table": pl.String,
    "rule": pl.String,
    "reason": pl.String,
    "passed": pl.Boolean,
    "observed": pl.String,
}

BALANCE = "balance"


@dataclass(frozen=True)
class Rule:
    """One expectation: its Great Expectations type and arguments, in French what it asks and why.

    ``kind`` may also be ``BALANCE``: parts that add up to a total.
    """

    kind: str
    arguments: dict[str, Any]
    label: str
    reason: str


def _equal_rows(count: int, reason: str) -> Rule:
    return Rule("ExpectTableRowCountToEqual", {"value": count}, f"La table a {count} lignes.", reason)


def written(bound: float) -> str:
    """Write a bound; four digits stay together, since most of them are years."""
    text = f"{bound:,}" if bound >= 10_000 else f"{bound}"
    return text.replace(",", "\u202f").replace(".", ",")


def _between(column: str, low: float, high: float | None, reason: str) -> Rule:
    bounds = f"au moins {written(low)}" if high is None else f"entre {written(low)} et {written(high)}"
    return Rule(
        "ExpectColumnValuesToBeBetween",
        {"column": column, "min_value": low, "max_value": high},
        f"« {column} » est {bounds}.",
        reason,
    )


def _matches(column: str, pattern: str, label: str, reason: str) -> Rule:
    return Rule("ExpectColumnValuesToMatchRegex", {"column": column, "regex": pattern}, label, reason)


_COMMUNE_CODE = r"^(?:59|62)\d{3}$"
_COUNTS = (
    "population",
    "population_under_20",
    "population_20_64",
    "population_65_over",
    "dwellings",
    "main_residences",
    "second_homes",
    "vacant_dwellings",
    "houses",
    "flats",
    "main_residences_in_flats",
)

WRITTEN: dict[str, tuple[Rule, ...]] = {
    "core.files": (
        _matches(
            "sha256",
            r"^[0-9a-f]{64}$",
            "Chaque fichier a son empreinte SHA-256.",
            "Un chiffre remonte à son fichier, et le fichier se vérifie.",
        ),
    ),
    "core.perimeters": (
        _equal_rows(287 * 6, "287 communes dans chacune des six éditions, de 2021 à 2026."),
        _matches(
            "commune_code",
            _COMMUNE_CODE,
            "Les communes sont du Nord ou du Pas-de-Calais.",
            "Le périmètre ne sort pas des deux départements.",
        ),
    ),
    "core.populations": (
        _between(
            "population", 1, 70_000_000, "Aucune commune du périmètre n’est vide ; la France borne le reste."
        ),
        _between("vintage", 2018, 2023, "Les éditions embarquées portent ces recensements et aucun autre."),
    ),
    "core.postcodes": (
        _matches(
            "postcode",
            r"^(?:59|62)\d{3}$",
            "Les codes postaux ont cinq chiffres, ceux du Nord ou du Pas-de-Calais.",
            "Un code d’ailleurs ferait trouver une commune sous l’adresse d’une autre.",
        ),
        _matches(
            "commune_code",
            _COMMUNE_CODE,
            "Les communes sont du Nord ou du Pas-de-Calais.",
            "Le périmètre ne sort pas des deux départements.",
        ),
        Rule(
            "ExpectTableRowCountToBeBetween",
            {"min_value": 1_500, "max_value": 2_000},
            "Les deux départements ont environ 1 600 couples de commune et de code postal.",
            "Ils ont plus de 1 500 communes : en deçà, des lignes ont été perdues.",
        ),
    ),
    "core.census": (
        *(_between(name, 0, None, "Un effectif n’est jamais négatif.") for name in _COUNTS),
        Rule(
            BALANCE,
            {
                "parts": ["population_under_20", "population_20_64", "population_65_over"],
                "total": "population",
            },
            "Les trois âges font la population, à deux habitants ou 0,01 % près.",
            "L’Insee arrondit chaque effectif à l’unité par IRIS ; une somme cumule les arrondis.",
        ),
        Rule(
            BALANCE,
            {
                "parts": ["main_residences", "second_homes", "vacant_dwellings"],
                "total": "dwellings",
            },
            "Les résidences et les logements vacants font les logements, à deux ou 0,01 % près.",
            "L’Insee arrondit chaque effectif à l’unité par IRIS ; une somme cumule les arrondis.",
        ),
    ),
    "core.contours": (
        _between("area_km2", 0.3, 640_000, "De la plus petite commune du périmètre à la France."),
    ),
    "core.territories": (
        Rule(
            "ExpectColumnDistinctValuesToContainSet",
            {
                "column": "level",
                "value_set": ["iris", "commune", "epci", "basin", "department", "region", "country"],
            },
            "Tous les niveaux sont là.",
            "Chaque fiche compare la commune à tous les niveaux qui la contiennent.",
        ),
    ),
    "core.cites": (
        Rule(
            "ExpectTableRowCountToBeBetween",
            {"min_value": 80, "max_value": 100},
            "Les documents fondateurs nomment de 80 à 100 cités.",
            "Hors de là, des lignes ont été perdues ou doublées.",
        ),
    ),
    "confidential.dwellings": (
        Rule(
            "ExpectColumnDistinctValuesToContainSet",
            {"column": "landlord", "value_set": ["maisons-et-cites", "sia-habitat"]},
            "Les deux bailleurs sont là.",
            "Sans le plus petit des deux, le compte des logements resterait dans ses bornes.",
        ),
        Rule(
            "ExpectTableRowCountToBeBetween",
            {"min_value": 55_000, "max_value": 72_000},
            "Les deux bailleurs ont environ 63 000 logements.",
            "Plus ou moins 15 % : au-delà, une livraison manque ou compte double.",
        ),
        _between(
            "built_year", 1850, 2026, "La première cité minière du bassin date du milieu du XIXe siècle."
        ),
    ),
    "confidential.beneficiaries": (_between("birth_year", 1910, 2010, "Un bénéficiaire a au plus 115 ans."),),
}


def suite(table: Table) -> tuple[Rule, ...]:
    """Return the rules of a table: those of its contract, then the hand-written ones."""
    implied = [
        Rule(
            "ExpectTableColumnsToMatchOrderedList",
            {"column_list": [column.name for column in table.columns]},
            "Les colonnes sont celles du contrat, dans l’ordre.",
            "D’autres tables et les partenaires s’appuient sur ces noms.",
        ),
        Rule(
            "ExpectCompoundColumnsToBeUnique",
            {"column_list": list(table.key)},
            f"La clé ({', '.join(table.key)}) est unique.",
            "Une ligne double compterait deux fois.",
        )
        if len(table.key) > 1
        else Rule(
            "ExpectColumnValuesToBeUnique",
            {"column": table.key[0]},
            f"La clé ({table.key[0]}) est unique.",
            "Une ligne double compterait deux fois.",
        ),
    ]
    if not table.may_be_empty:
        implied.append(
            Rule(
                "ExpectTableRowCountToBeBetween",
                {"min_value": 1},
                "La table n’est pas vide.",
                "Une table vide passerait toutes les autres règles.",
            )
        )
    for column in table.columns:
        if column.values is not None:
            implied.append(
                Rule(
                    "ExpectColumnValuesToBeInSet",
                    {"column": column.name, "value_set": list(column.values)},
                    f"« {column.name} » ne prend que les valeurs du contrat.",
                    "Une modalité inconnue tomberait hors de tous les comptes.",
                )
            )
    return (*implied, *WRITTEN.get(table.qualified_name, ()))


def validate(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Run the suite of ``table`` on ``frame``.

    Returns:
        One row per rule (``CHECKS_SCHEMA``). ``observed`` says what was found, never a value of a
        confidential table.
    """
    rules = suite(table)
    results = run_rules(rules, frame)
    rows = [
        {
            "table": table.qualified_name,
            "rule": rule.label,
            "reason": rule.reason,
            "passed": passed,
            "observed": "" if passed else observed,
        }
        for rule, (passed, observed) in zip(rules, results, strict=True)
    ]
    return pl.DataFrame(rows, schema=CHECKS_SCHEMA)


def run_rules(rules: tuple[Rule, ...], frame: pl.DataFrame) -> list[tuple[bool, str]]:
    """Return, for each rule, whether ``frame`` keeps it and what was found, in French.

    What was found never quotes a value.
    """
    whole, expectations = _great_expectations()
    batch = whole.get_batch({"dataframe": frame.to_pandas()})
    outcomes = []
    for rule in rules:
        if rule.kind == BALANCE:
            if not {*rule.arguments["parts"], rule.arguments["total"]} <= set(frame.columns):
                outcomes.append((False, _observed({})))
                continue
            gaps = whole.get_batch({"dataframe": _gaps(frame, **rule.arguments).to_pandas()})
            expectation = expectations.ExpectColumnValuesToBeBetween(column="gap", min_value=-1, max_value=1)
            result = gaps.validate(expectation, result_format="BASIC")
        else:
            expectation = getattr(expectations, rule.kind)(**rule.arguments)
            result = batch.validate(expectation, result_format="BASIC")
        outcomes.append((bool(result.success), _observed(result.result)))
    return outcomes


def _gaps(frame: pl.DataFrame, parts: list[str], total: str) -> pl.DataFrame:
    """Return the gap between a total and the sum of its parts, in multiples of the tolerance.

    Great Expectations bounds a sum by constants only, not by another column.
    """
    tolerance = pl.max_horizontal(pl.lit(2.0), pl.col(total) * 1e-4)
    return frame.select(gap=(pl.sum_horizontal(parts) - pl.col(total)) / tolerance)


def _observed(result: dict[str, Any]) -> str:
    if not result:
        return "la règle n’a pu être évaluée"
    if "unexpected_count" in result:
        return f"{result['unexpected_count']} ligne(s) hors de la règle"
    return "la table entière est hors de la règle"


@cache
def _great_expectations() -> tuple[Any, Any]:
    """Import Great Expectations, which takes seconds, only when a suite runs; silence its progress.

    Returns:
        A batch definition over data frames, and the module of the expectations.
    """
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with warnings.catch_warnings():
        # It imports modules that Python deprecates, which is nothing that a user can act on.
        warnings.simplefilter("ignore", DeprecationWarning)
        import great_expectations
        from great_expectations import expectations
        from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = great_expectations.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    asset = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    return asset.add_batch_definition_whole_dataframe("whole"), expectations


def core_tables() -> tuple[Table, ...]:
    """Return the tables that a suite guards: everything that indicators draw on."""
    return tuple(table for table in TABLES.values() if table.schema == "core" or table.confidential)
