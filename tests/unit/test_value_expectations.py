"""Rules on the values of producers' files: each fails on the fault it is there for."""

import polars as pl
import pytest

from observatory.tables import VALUES
from observatory.value_expectations import COMMUNES, validate_values

CODES = [f"59{number:03d}" for number in range(COMMUNES)]
FIGURES = {
    "population": 100.0,
    "population_15_64": 60.0,
    "active_15_64": 40.0,
    "unemployed_15_64": 8.0,
    "dwellings": 50.0,
    "main_residences": 45.0,
    "second_homes": 2.0,
    "vacant_dwellings": 3.0,
    "median_living_standard": 18_000.0,
    "poverty_rate": 22.0,
}


def file(year=2018, factor=1.0, **changes):
    """One file of 287 like communes; ``changes`` replace the figures of the first one."""
    rows = [
        (
            "insee_comparateur",
            name,
            year,
            "commune",
            code,
            value,
            "published",
            2021,
            f"insee_comparateur:{year}:data",
        )
        for position, code in enumerate(CODES)
        for name, value in (FIGURES | (changes if position == 0 else {})).items()
    ]
    frame = pl.DataFrame(rows, schema=VALUES.polars_schema, orient="row")
    stable = ["population", "dwellings", "main_residences"]
    value = (
        pl.when(pl.col("variable").is_in(stable)).then(pl.col("value") * factor).otherwise(pl.col("value"))
    )
    return VALUES.conform(frame.with_columns(value))


def legal(year=2018, total=100 * COMMUNES):
    populations = [total - 100 * (COMMUNES - 1), *[100] * (COMMUNES - 1)]
    return pl.DataFrame(
        {"code": CODES, "population": populations},
        schema={"code": pl.String, "population": pl.Int64},
    ).with_columns(level=pl.lit("commune"), vintage=pl.lit(year, pl.Int32), file_id=pl.lit("f"))


def broken(values, populations=None):
    results = validate_values(values, legal() if populations is None else populations)
    return results.filter(~pl.col("passed"))["rule"].to_list()


def test_sound_values_keep_every_rule():
    assert broken(file()) == []


@pytest.mark.parametrize(("elsewhere", "faulty"), [(None, True), ("97353", False)])
def test_the_largest_commune_is_that_of_the_basin_or_of_france(elsewhere, faulty):
    """Arles has 759 km²; the basin has no commune of more than 50."""
    values = file(area=759.0)
    if elsewhere is not None:
        stranger = values.filter(pl.col("code") == CODES[1]).with_columns(code=pl.lit(elsewhere))
        values = pl.concat([values, stranger])
    rules = [rule for rule in broken(values) if "area" in rule]
    assert bool(rules) == faulty


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"vacant_dwellings": 30.0}, "Résidences principales"),
        ({"active_15_64": 70.0}, "active_15_64"),
        ({"unemployed_15_64": 41.0}, "unemployed_15_64"),
        ({"median_living_standard": 1_800.0}, "median_living_standard"),
        ({"poverty_rate": 220.0}, "poverty_rate"),
    ],
)
def test_fault_of_one_commune_breaks_its_rule(changes, word):
    rules = broken(file(**changes))
    assert rules
    assert all(word in rule for rule in rules)


def test_lost_commune_breaks_the_coverage():
    (rule,) = broken(file().filter(pl.col("code") != CODES[0]))
    assert "les 287 communes y sont" in rule


def test_population_is_the_legal_one():
    (rule,) = broken(file(), legal(total=1))
    assert "population légale" in rule


def test_jump_between_vintages_is_seen():
    nothing_legal = legal(year=1900)
    assert broken(pl.concat([file(2018), file(2022, factor=1.1)]), nothing_legal) == []
    rules = broken(pl.concat([file(2018), file(2022, factor=1.3)]), nothing_legal)
    assert any("15 %" in rule for rule in rules)


def test_no_file_has_no_rule():
    assert validate_values(pl.DataFrame(schema=VALUES.polars_schema), legal()).is_empty()


def test_a_commune_beyond_the_seven_epci_may_be_there_or_not_but_must_be_right():
    beyond = file().filter(pl.col("code") == CODES[0]).with_columns(code=pl.lit("59586"))
    assert broken(pl.concat([file(), beyond])) == []
    unemployed = pl.col("variable") == "unemployed_15_64"
    wrong = beyond.with_columns(value=pl.when(unemployed).then(50.0).otherwise("value"))
    (rule,) = broken(pl.concat([file(), wrong]))
    assert "unemployed_15_64" in rule
