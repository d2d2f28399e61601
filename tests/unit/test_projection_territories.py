"""Territories projected: places, levels, what is withheld."""

import numpy as np
import polars as pl
import pytest

from observatory.paths import PROJECT
from observatory.projection.assumptions import CARD, read_assumptions
from observatory.projection.derived import COUNT, HOUSED, STOCK
from observatory.projection.territories import project
from observatory.tables import PROJECTIONS
from observatory.tables.projection import ALONE, DRAWN, EUROS, WHOLE

ASSUMED = read_assumptions(PROJECT / "data" / "reference" / CARD)
SHARE, MEAN = "part_prestation_chauffage_especes", "montant_chauffage_especes"
HEATED, PAID = "part_prestation_chauffage_nature", "part_prestation_logement_especes"
MEAN_HOUSING, NEWCOMER = "montant_logement_especes", "part_entrants_menage_seul"
PINSON = {STOCK: 30.0, NEWCOMER: 25.0}
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
        heating_benefit=pl.lit("cash"),
        housing_benefit=pl.lit("in_kind"),
    )


def dwellings() -> pl.DataFrame:
    rows = [("62001", "pinson", "sia-habitat")] * 30 + [("62001", None, "maisons-et-cites")] * 90
    columns = ["commune_code", "cite_slug", "landlord"]
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(
        vintage=pl.lit(2024), status=pl.lit("occupied"), file_id=pl.lit("sia_habitat:2024:dwellings")
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
    wide = [name for name in totals if not name.startswith("cite")]
    for indicator, value in ((HOUSED, 100.0), (SHARE, 100.0), (MEAN, 1000.0), (HEATED, 0.0), (PAID, 0.0)):
        rows += [
            (*name.split(":"), indicator, 2024, value, "published") for name in wide if name not in hidden
        ]
    rows += [(*name.split(":"), MEAN_HOUSING, 2024, 0.0, "published") for name in wide]
    rows += [
        ("cite", "pinson", STOCK, 2024, 30.0, "published"),
        ("cite", "pinson", NEWCOMER, 2024, 25.0, "published"),
    ]
    columns = ["territory_level", "territory_code", "indicator", "vintage", "value", "status"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def reasons(frame: pl.DataFrame) -> dict[str, str]:
    found = frame.select(pl.format("{}:{}", "territory_level", "territory_code"), "reason").unique()
    return dict(found.iter_rows())


@pytest.fixture(scope="module")
def projected() -> pl.DataFrame:
    return project(
        beneficiaries(), dwellings(), territories(), mortality(), observations(), ASSUMED, draws=200
    )


def test_every_territory_has_every_scenario_quantity_and_year(projected) -> None:
    persons = projected.filter(pl.col("quantity").is_in(DRAWN + ALONE))
    assert persons.height == 7 * 6 * 3 * 5
    assert persons["part"].unique().to_list() == [WHOLE]
    assert projected.columns == [column.name for column in PROJECTIONS.columns]
    assert projected["first_year"].unique().to_list() == [2025]
    assert projected["file_ids"][0].to_list() == [
        "angdm:2024:beneficiaries",
        "insee_mortalite:data",
        "sia_habitat:2024:dwellings",
    ]


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
    assert (ordered["low"] <= ordered["median"]).drop_nulls().all()
    assert (ordered["median"] <= ordered["high"]).drop_nulls().all()


def test_a_secret_count_is_not_projected() -> None:
    found = project(
        beneficiaries(),
        dwellings(),
        territories(),
        mortality(),
        observations(("cite:pinson",)),
        ASSUMED,
        draws=20,
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


def of(projected: pl.DataFrame, name: str, quantity: str, part: str = WHOLE) -> dict[int, int | None]:
    """Return the medians of a territory by year, mortality being the nation's."""
    level, code = name.split(":")
    rows = projected.filter(
        territory_level=level, territory_code=code, quantity=quantity, part=part, scenario="national"
    )
    return dict(rows.sort("year").select("year", "median").iter_rows())


def test_euros_follow_the_beneficiaries_and_what_nobody_receives_is_nil(projected) -> None:
    for name in ("basin:BM", "epci:E", "commune:62001"):
        people = of(projected, name, "beneficiaries")
        # Everyone receives 1,000 euros, which a spouse keeps: to the rounding, a thousand times the persons.
        assert of(projected, name, "heating_cash_euros")[2030] == pytest.approx(
            1000 * people[2030], abs=15_000
        )
        assert set(of(projected, name, "housing_cash_euros").values()) == {0}
        housing = of(projected, name, "housing_in_kind_euros")
        assert housing[2030] == pytest.approx(2400 * people[2030], abs=30_000)
        total = {"basin:BM": 290, "epci:E": 290, "commune:62001": 200}[name]
        lost = of(projected, name, "lost_euros")
        assert lost[2040] == pytest.approx(3400 * (total - people[2040]), abs=50_000)
    assert projected.filter(territory_level="cite", quantity=EUROS[0]).is_empty()


def test_persons_alone_are_projected_below_the_epci(projected) -> None:
    for name in ("basin:BM", "cite:pinson"):
        alone, old = of(projected, name, "alone"), of(projected, name, "alone_85")
        assert 0 < old[2030] <= alone[2030] <= of(projected, name, "beneficiaries")[2030]
        assert old[2030] <= of(projected, name, "aged_85")[2030]


def test_freed_dwellings_by_year_and_by_landlord(projected) -> None:
    freed = of(projected, "cite:pinson", "freed")
    assert of(projected, "cite:pinson", "freed_per_year") == {
        year: (number - freed.get(year - 5, 0)) // 5 for year, number in freed.items()
    }
    # A cité is the landlords' own, this one SIA Habitat's alone; a commune's is shared as its dwellings are.
    assert of(projected, "cite:pinson", "freed_stock") == freed
    assert of(projected, "cite:pinson", "freed_stock", "sia-habitat") == freed
    commune = of(projected, "commune:62001", "freed_stock")
    assert commune == of(projected, "commune:62001", "freed")
    for year, number in of(projected, "commune:62001", "freed_stock", "sia-habitat").items():
        assert number == pytest.approx(commune[year] / 4, abs=5)
    yearly = of(projected, "cite:pinson", "freed_stock_per_year")
    assert of(projected, "cite:pinson", "turnover") == {
        year: round(1000 * number / 30) for year, number in yearly.items()
    }


def test_dwellings_let_again_are_shared_as_newcomers_are(projected) -> None:
    freed, let = of(projected, "cite:pinson", "freed"), of(projected, "cite:pinson", "let_again")
    assert ASSUMED.let_again.share == 0.9
    for year, number in let.items():
        assert number == pytest.approx(0.9 * freed[year], abs=5)
    shared = of(projected, "cite:pinson", "let_again", NEWCOMER)
    assert shared == {2040: pytest.approx(let[2040] / 4, abs=5)}


def test_what_needs_a_share_that_is_not_published_says_so() -> None:
    found = project(
        beneficiaries(),
        dwellings(),
        territories(),
        mortality(),
        observations().filter(
            (pl.col("territory_code") != "62001") | ~pl.col("indicator").is_in([HOUSED, MEAN])
        ),
        ASSUMED,
        draws=20,
    ).filter(territory_code="62001")
    told = {"freed_stock", "heating_cash_euros", "housing_in_kind_euros", "lost_euros"}
    without = found.filter(reason="share_not_published")
    assert set(without["quantity"]) == told
    assert without["median"].is_null().all()
    assert found.filter(pl.col("reason") == "published")["median"].null_count() == 0


def test_without_deliveries_or_mortality_nothing_is_projected() -> None:
    for people, table in ((beneficiaries().clear(), mortality()), (beneficiaries(), mortality().clear())):
        assert project(people, dwellings(), territories(), table, observations(), ASSUMED).is_empty()
