"""Every rule passes on the shipped data and fails on data that break it."""

import re
import subprocess
import sys

import polars as pl
import pytest

from observatory.expectations import (
    BALANCE,
    CHECKS_SCHEMA,
    WRITTEN,
    core_tables,
    suite,
    validate,
)
from observatory.sources.embedded import files_of_card, read_card
from observatory.tables import CENSUS, DWELLINGS, TABLES

# The tables that the shipped data fill.
SHIPPED = [
    TABLES[name]
    for name in (
        "core.files",
        "core.perimeters",
        "core.populations",
        "core.postcodes",
        "core.census",
        "core.contours",
        "core.territories",
        "core.cites",
        "confidential.dwellings",
        "confidential.beneficiaries",
    )
]
COLUMNS = "Les colonnes sont celles du contrat, dans l’ordre."
NOT_EMPTY = "La table n’est pas vide."
COUNTS = [name for name, dtype in CENSUS.polars_schema.items() if dtype == pl.Int64]
OBSERVED = re.compile(
    r"\d+ ligne\(s\) hors de la règle|la table entière est hors de la règle|la règle n’a pu être évaluée"
)


@pytest.fixture(scope="module")
def frames(
    embedded,
    perimeters,
    populations,
    postcodes,
    census,
    contours,
    all_territories,
    cites,
    dwellings,
    beneficiaries,
):
    """Return the true data of every shipped table, by name."""
    origins = [files_of_card(read_card(path)) for path in sorted(embedded.glob("*.csv"))]
    sources = pl.concat(origins).unique(subset="file_id")
    true_data = (sources, perimeters, populations, postcodes, census, contours, all_territories, cites)
    frames = (*true_data, dwellings, beneficiaries)
    return {table.qualified_name: frame for table, frame in zip(SHIPPED, frames, strict=True)}


def failures(name, frame):
    """Return what was observed, by label of the rules that fail."""
    results = validate(TABLES[name], frame)
    return dict(results.filter(~pl.col("passed")).select("rule", "observed").iter_rows())


def cell(column, value, rows=1):
    """Return a fault: a value in the first rows of a column."""

    def fault(frame):
        first = pl.int_range(pl.len()) < rows
        changed = pl.when(first).then(pl.lit(value, frame.schema[column])).otherwise(column).alias(column)
        return frame.with_columns(changed)

    return fault


def more(column, extra, condition):
    """Return a fault: a count raised on the first row that meets a condition."""

    def fault(frame):
        rows = frame.with_row_index("row")
        target = rows.filter(condition)["row"][0]
        return frame.with_columns(pl.col(column) + extra * (pl.int_range(pl.len()) == target).cast(pl.Int64))

    return fault


def without(condition):
    return lambda frame: frame.filter(~condition)


SMALL_PLACE = pl.col("population") < 10_000
COUNTRY = pl.col("level") == "country"
AGES = "Les trois âges font la population, à deux habitants ou 0,01\u202f% près."
HOMES = "Les résidences et les logements vacants font les logements, à deux ou 0,01\u202f% près."

FAULTS = [
    ("core.files", "Chaque fichier a son empreinte SHA-256.", cell("sha256", "A" * 64)),
    ("core.files", "Chaque fichier a son empreinte SHA-256.", cell("sha256", "a" * 63)),
    ("core.perimeters", "La table a 1722 lignes.", lambda frame: frame.tail(-1)),
    (
        "core.perimeters",
        "Les communes sont du Nord ou du Pas-de-Calais.",
        cell("commune_code", "80001"),
    ),
    (
        "core.perimeters",
        "Les communes sont du Nord ou du Pas-de-Calais.",
        cell("commune_code", "590021"),
    ),
    (
        "core.postcodes",
        "Les codes postaux ont cinq chiffres, ceux du Nord ou du Pas-de-Calais.",
        cell("postcode", "6230"),
    ),
    (
        "core.postcodes",
        "Les communes sont du Nord ou du Pas-de-Calais.",
        cell("commune_code", "80001"),
    ),
    (
        "core.postcodes",
        "Les deux départements ont environ 1 600 couples de commune et de code postal.",
        lambda frame: frame.head(1_499),
    ),
    (
        "core.populations",
        "«\u202fpopulation\u202f» est entre 1 et 70\u202f000\u202f000.",
        cell("population", 0),
    ),
    (
        "core.populations",
        "«\u202fpopulation\u202f» est entre 1 et 70\u202f000\u202f000.",
        cell("population", 70_000_001),
    ),
    ("core.populations", "«\u202fvintage\u202f» est entre 2018 et 2023.", cell("vintage", 2017)),
    ("core.populations", "«\u202fvintage\u202f» est entre 2018 et 2023.", cell("vintage", 2024)),
    *(("core.census", f"«\u202f{name}\u202f» est au moins 0.", cell(name, -1)) for name in COUNTS),
    ("core.census", AGES, more("population", 5, SMALL_PLACE)),
    ("core.census", AGES, more("population_20_64", -5, SMALL_PLACE)),
    ("core.census", AGES, more("population", 10_000, COUNTRY)),
    ("core.census", HOMES, more("dwellings", 5, SMALL_PLACE)),
    ("core.census", HOMES, more("vacant_dwellings", -10_000, COUNTRY)),
    ("core.contours", "«\u202farea_km2\u202f» est entre 0,3 et 640\u202f000.", cell("area_km2", 0.29)),
    ("core.contours", "«\u202farea_km2\u202f» est entre 0,3 et 640\u202f000.", cell("area_km2", 640_001.0)),
    *(
        ("core.territories", "Tous les niveaux sont là.", without(pl.col("level") == level))
        for level in ("iris", "commune", "epci", "basin", "department", "region", "country")
    ),
    (
        "core.cites",
        "Les documents fondateurs nomment de 80 à 100 cités.",
        lambda frame: frame.head(79),
    ),
    (
        "core.cites",
        "Les documents fondateurs nomment de 80 à 100 cités.",
        lambda frame: pl.concat([frame, frame.with_columns(pl.col("slug") + "-bis")]),
    ),
    (
        "confidential.dwellings",
        "Les deux bailleurs sont là.",
        without(pl.col("landlord") == "sia-habitat"),
    ),
    (
        "confidential.dwellings",
        "Les deux bailleurs ont environ 63\u202f000 logements.",
        without(pl.col("landlord") == "maisons-et-cites"),
    ),
    (
        "confidential.dwellings",
        "Les deux bailleurs ont environ 63\u202f000 logements.",
        lambda frame: pl.concat([frame, frame.with_columns(pl.col("dwelling_id") + "-bis")]),
    ),
    (
        "confidential.dwellings",
        "«\u202fbuilt_year\u202f» est entre 1850 et 2026.",
        cell("built_year", 1789),
    ),
    (
        "confidential.beneficiaries",
        "«\u202fbirth_year\u202f» est entre 1910 et 2010.",
        cell("birth_year", 1899),
    ),
    (
        "confidential.beneficiaries",
        "«\u202fbirth_year\u202f» est entre 1910 et 2010.",
        cell("birth_year", 2019),
    ),
]


@pytest.mark.parametrize("table", SHIPPED, ids=lambda table: table.qualified_name)
def test_true_data_pass_every_rule(table, frames):
    results = validate(table, frames[table.qualified_name])
    assert results.schema == pl.Schema(CHECKS_SCHEMA)
    assert results.height == len(suite(table))
    assert failures(table.qualified_name, frames[table.qualified_name]) == {}
    assert set(results["observed"]) == {""}


@pytest.mark.parametrize(
    ("name", "label", "fault"), FAULTS, ids=[f"{name}-{number}" for number, (name, *_) in enumerate(FAULTS)]
)
def test_rule_fails_on_data_that_break_it(name, label, fault, frames):
    found = failures(name, fault(frames[name]))
    assert label in found
    assert len(found) <= 2
    assert all(OBSERVED.fullmatch(observed) for observed in found.values())


def test_every_written_rule_has_a_fault():
    broken = {(name, label) for name, label, _ in FAULTS}
    shipped = [table.qualified_name for table in SHIPPED]
    assert broken == {(name, rule.label) for name in shipped for rule in WRITTEN[name]}


@pytest.mark.parametrize("table", SHIPPED, ids=lambda table: table.qualified_name)
class TestRulesOfTheContract:
    @pytest.fixture
    def few(self, table, frames):
        return frames[table.qualified_name].head(1_000)

    def test_column_out_of_order(self, table, few):
        assert COLUMNS in failures(table.qualified_name, few.select(reversed(few.columns)))

    def test_column_too_many(self, table, few):
        assert COLUMNS in failures(table.qualified_name, few.with_columns(more=pl.lit(1)))

    def test_empty_table(self, table, few):
        assert NOT_EMPTY in failures(table.qualified_name, few.clear())

    def test_row_that_stands_twice(self, table, few):
        found = failures(table.qualified_name, pl.concat([few, few.head(1)]))
        label = f"La clé ({', '.join(table.key)}) est unique."
        assert found[label] == "2 ligne(s) hors de la règle"

    def test_value_that_the_contract_does_not_know(self, table, few):
        for column in (column.name for column in table.columns if column.values is not None):
            found = failures(table.qualified_name, cell(column, "inconnu", 3)(few))
            label = f"«\u202f{column}\u202f» ne prend que les valeurs du contrat."
            assert found[label] == "3 ligne(s) hors de la règle"


def test_roundings_are_no_fault(census):
    """The tolerance: two units on a small place, a ten thousandth on a large one."""
    gaps = [(2, SMALL_PLACE, False), (5, SMALL_PLACE, True), (6_000, COUNTRY, False), (7_000, COUNTRY, True)]
    balanced = census.with_columns(
        population=pl.sum_horizontal("population_under_20", "population_20_64", "population_65_over")
    )
    for gap, condition, fails in gaps:
        assert (AGES in failures("core.census", more("population", gap, condition)(balanced))) == fails


@pytest.mark.parametrize("column", ["population", "population_65_over", "dwellings"])
def test_missing_column_fails_its_rules_and_stops_nothing(column, census):
    results = validate(CENSUS, census.drop(column))
    assert results.height == len(suite(CENSUS))
    found = dict(results.filter(~pl.col("passed")).select("rule", "observed").iter_rows())
    assert set(found) == {
        COLUMNS,
        f"«\u202f{column}\u202f» est au moins 0.",
        HOMES if column == "dwellings" else AGES,
    }
    assert found[f"«\u202f{column}\u202f» est au moins 0."] == "la règle n’a pu être évaluée"


@pytest.mark.parametrize(
    ("column", "value"), [("built_year", 1789), ("status", "squatte"), ("landlord", "M. Dupont")]
)
def test_observed_says_no_confidential_value(column, value, frames):
    results = validate(DWELLINGS, cell(column, value, 7)(frames["confidential.dwellings"]))
    failed = results.filter(~pl.col("passed"))
    assert "7 ligne(s) hors de la règle" in set(failed["observed"])
    for text in failed.select("observed", "rule", "reason").unpivot()["value"]:
        assert str(value) not in text


def test_nothing_is_printed(frames, capfd):
    failures("core.contours", frames["core.contours"])
    failures("core.contours", cell("area_km2", -1.0)(frames["core.contours"]))
    failures("core.contours", frames["core.contours"].drop("area_km2"))
    assert capfd.readouterr() == ("", "")


@pytest.mark.integration
def test_nothing_is_printed_by_the_first_run_of_a_process():
    code = """if True:
        import polars as pl
        from observatory.expectations import validate
        from observatory.tables import CENSUS
        frame = pl.DataFrame(schema=CENSUS.polars_schema)
        assert not validate(CENSUS, frame)["passed"].all()
    """
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_core_table_is_guarded_with_reasons_in_french():
    guarded = {table.qualified_name for table in core_tables()}
    assert guarded == {name for name in TABLES if name.split(".")[0] in ("core", "confidential")}
    for table in core_tables():
        for rule in suite(table):
            assert rule.label.endswith(".") and rule.reason.endswith(".")
            assert not re.search(r"[ \u00a0][:;!?%»](?=\s|$)|« |\w'\w|\d\.\d", rule.label + rule.reason)
            assert rule.kind == BALANCE or rule.kind.startswith("Expect")


def test_labels_are_unique_within_a_suite():
    for table in core_tables():
        labels = [rule.label for rule in suite(table)]
        assert len(set(labels)) == len(labels)
