"""Territories projected: places, levels, what is withheld."""

import numpy as np
import polars as pl
import pytest

from observatory.paths import PROJECT
from observatory.projection.assumptions import CARD, read_assumptions
from observatory.projection.territories import COUNT, project
from observatory.tables import PROJECTIONS
from observatory.tables.projection import DRAWN

ASSUMED = read_assumptions(PROJECT / "data" / "reference" / CARD)
PEOPLE = {("62001", "pinson"): 80, ("62001", None): 120, ("62002", "zero"): 20, ("62003", None): 70}


def beneficiaries() -> pl.DataFrame:
    generator = np.random.default_rng(7)
    rows = []
    for (commune, cite), number in PEOPLE.items():
        for rank, age in enumerate(generator.normal(77, 9, number).astype(int)):
            kind, sex = (("former_miner", "M"), ("surviving_spouse", "F"))[rank % 2]
            rows.append(
                (f"{commune}{cite}{rank}", 2024, 2024 - int(age), sex, kind, commune, cite, 1000.0, None)
            )
    rows.append(("parti", 2024, 1940, "F", "surviving_spouse", "62003", None, 1000.0, "2024-06-30"))
    columns = [
        "pseudonym",
        "vintage",
        "birth_year",
        "sex",
        "kind",
        "commune_code",
        "cite_slug",
        "heating_amount",
        "end_date",
    ]
    return pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None).with_columns(
        pl.col("end_date").str.to_date(),
        file_id=pl.lit("angdm:2024:beneficiaries"),
        housing_amount=pl.lit(None, pl.Float64),
    )


def territories() -> pl.DataFrame:
    above = ["epci:E", "basin:BM", "department:62"]
    rows = [("basin", "BM", []), ("epci", "E", above[1:]), ("department", "62", [])]
    rows += [("commune", code, above) for code in ("62001", "62002", "62003")]
    rows += [("cite", "pinson", ["commune:62001", *above]), ("cite", "zero", ["commune:62002", *above])]
    return pl.DataFrame(rows, schema=["level", "code", "parents"], orient="row")


def mortality() -> pl.DataFrame:
    rows = [
        (
            year,
            sex,
            age,
            1 - np.exp(-level * np.exp(0.1 * age) * 0.98 ** (year - 2000)),
            "insee_mortalite:data",
        )
        for year in range(2000, 2020)
        for sex, level in (("F", 2e-5), ("M", 4e-5))
        for age in range(100)
    ]
    return pl.DataFrame(rows, schema=["year", "sex", "age", "probability", "file_id"], orient="row")


def observations(hidden: tuple[str, ...] = ()) -> pl.DataFrame:
    totals = {
        "basin:BM": 290,
        "epci:E": 290,
        "commune:62001": 200,
        "commune:62002": 20,
        "commune:62003": 70,
        "cite:pinson": 80,
        "cite:zero": 20,
    }
    rows = [
        (
            *name.split(":"),
            COUNT,
            2024,
            None if name in hidden else float(total),
            "secret" if name in hidden else "published",
        )
        for name, total in totals.items()
    ]
    columns = ["territory_level", "territory_code", "indicator", "vintage", "value", "status"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def reasons(frame: pl.DataFrame) -> dict[str, str]:
    found = frame.select(pl.format("{}:{}", "territory_level", "territory_code"), "reason").unique()
    return dict(found.iter_rows())


@pytest.fixture(scope="module")
def projected() -> pl.DataFrame:
    return project(beneficiaries(), territories(), mortality(), observations(), ASSUMED, draws=200)


def test_every_territory_has_every_scenario_quantity_and_year(projected) -> None:
    assert projected.height == (7 * 4 + 2 * 3) * 3 * 5
    assert projected.columns == [column.name for column in PROJECTIONS.columns]
    assert projected["first_year"].unique().to_list() == [2025]
    assert projected["file_ids"][0].to_list() == ["angdm:2024:beneficiaries", "insee_mortalite:data"]


def test_what_is_published_is_rounded_and_what_is_not_is_empty(projected) -> None:
    found = reasons(projected)
    # 200 = 80 + 120 in the first commune; 290 - 200 leaves 90, and 290 - 270 would leave 20.
    assert found == {
        "basin:BM": "published",
        "epci:E": "published",
        "commune:62001": "published",
        "commune:62002": "too_few",
        "commune:62003": "small_remainder",
        "cite:pinson": "published",
        "cite:zero": "too_few",
    }
    for name in ("low", "median", "high"):
        shown = projected.filter(pl.col("quantity").is_in(DRAWN), reason="published")[name]
        assert shown.null_count() == 0
        assert (shown % 10 == 0).all()
        assert projected.filter(pl.col("reason") != "published")[name].is_null().all()
    ordered = projected.filter(reason="published")
    assert (ordered["low"] <= ordered["median"]).all()
    assert (ordered["median"] <= ordered["high"]).all()


def test_a_secret_count_is_not_projected() -> None:
    found = project(
        beneficiaries(), territories(), mortality(), observations(("cite:pinson",)), ASSUMED, draws=20
    )
    assert reasons(found)["cite:pinson"] == "count_not_published"
    assert found.filter(territory_code="pinson")["median"].is_null().all()


def test_heavier_mortality_leaves_fewer(projected) -> None:
    basin = projected.filter(territory_level="basin", quantity="beneficiaries", year=2035)
    medians = dict(basin.select("scenario", "median").iter_rows())
    assert medians["national"] >= medians["moderate"] >= medians["strong"] > 0
    assert medians["national"] > medians["strong"]
    freed = projected.filter(territory_level="basin", quantity="freed", scenario="national").sort("year")
    assert freed["median"].is_sorted()
    assert freed["median"].max() <= 290


def test_euros_follow_the_beneficiaries_and_what_nobody_receives_is_nil(projected) -> None:
    basin = projected.filter(territory_level="basin", scenario="national", year=2030)
    medians = dict(basin.select("quantity", "median").iter_rows())
    # Everyone receives 1,000 euros, which a spouse keeps: to the rounding, a thousand times the persons.
    assert medians["heating_euros"] == pytest.approx(1000 * medians["beneficiaries"], abs=15_000)
    assert medians["housing_euros"] == 0
    assert 0 < medians["alone"] < medians["beneficiaries"]
    assert projected.filter(quantity="alone")["territory_level"].unique().sort().to_list() == [
        "basin",
        "epci",
    ]


def test_without_deliveries_or_mortality_nothing_is_projected() -> None:
    for people, table in ((beneficiaries().clear(), mortality()), (beneficiaries(), mortality().clear())):
        assert project(people, territories(), table, observations(), ASSUMED).is_empty()
