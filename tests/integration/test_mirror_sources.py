"""Real files of the mirror, read through their cards: published figures, statuses, coverage."""

from functools import cache
from pathlib import Path

import polars as pl
import pytest

from observatory.files import sha256_file
from observatory.sources.catalogue import load_catalogue
from observatory.sources.layouts import load_layouts
from observatory.sources.mortality import read_mortality
from observatory.sources.values import read_labels, read_values

pytestmark = pytest.mark.integration

FILES = [
    (one.id, vintage)
    for one in load_catalogue().values()
    for vintage, card in one.vintages.items()
    if card.file is not None and card.file.mirror is not None
]


@pytest.fixture(scope="module")
def communes(perimeters) -> frozenset[str]:
    found = frozenset(perimeters.filter(pl.col("perimeter_vintage") == 2026)["commune_code"])
    assert len(found) == 287
    return found


@pytest.fixture(scope="module")
def read(mirror, communes):
    """Return a reader of the 287 communes' values of one source and vintage."""

    @cache
    def _read(source_id: str, vintage: str) -> pl.DataFrame:
        file = load_catalogue()[source_id].data_file(vintage)
        return read_values(mirror / str(file.mirror), source_id, vintage, communes)

    return _read


def column(frame: pl.DataFrame, variable: str, year: int) -> pl.DataFrame:
    found = frame.filter(pl.col("variable") == variable, pl.col("vintage") == year)
    assert not found.is_empty(), (variable, year)
    return found


def of(frame: pl.DataFrame, variable: str, year: int, code: str) -> tuple[float | None, str]:
    rows = column(frame, variable, year).filter(pl.col("code") == code).select("value", "status").rows()
    assert len(rows) == 1
    return rows[0]


def total(frame: pl.DataFrame, variable: str, year: int) -> float:
    return column(frame, variable, year)["value"].sum()


def statuses(frame: pl.DataFrame, variable: str, year: int) -> dict[str, int]:
    return dict(column(frame, variable, year).group_by("status").len().iter_rows())


@pytest.mark.parametrize(("source_id", "vintage"), FILES)
def test_file_is_the_one_that_its_card_describes(mirror, source_id, vintage):
    file = load_catalogue()[source_id].data_file(vintage)
    assert sha256_file(mirror / str(file.mirror)) == file.sha256


@pytest.mark.parametrize(
    ("source_id", "vintage"),
    [
        (one, vintage)
        for one, vintage in FILES
        if load_catalogue()[one].data_file(vintage).layout in load_layouts()
    ],
)
def test_value_stands_if_and_only_if_it_is_published(read, source_id, vintage):
    found = read(source_id, vintage)
    assert (found["value"].is_not_null() == (found["status"] == "published")).all()


# Comparateur de territoires


@pytest.mark.parametrize("vintage", ["2017", "2018", "2022"])
def test_comparateur_covers_the_perimeter(read, communes, vintage):
    found = read("insee_comparateur", vintage)
    assert set(found["code"]) == communes
    without = 1 if vintage == "2022" else 0
    assert found.height == 287 * (32 - without)


@pytest.mark.parametrize(
    ("vintage", "year", "lens", "perimeter"),
    [("2018", 2018, 31_606, 1_216_644), ("2022", 2022, 32_697, 1_213_844)],
)
def test_comparateur_populations_are_the_published_ones(read, vintage, year, lens, perimeter):
    found = read("insee_comparateur", vintage)
    assert of(found, "population", year, "62498") == (lens, "published")
    assert total(found, "population", year) == perimeter


def test_comparateur_dwellings_are_the_published_ones(read):
    found = read("insee_comparateur", "2018")
    assert round(total(found, "dwellings", 2018)) == 557_626
    # 46,651.46: INSEE publishes 46,651.
    assert round(total(found, "vacant_dwellings", 2018)) == 46_651
    parts = ("main_residences", "second_homes", "vacant_dwellings")
    assert sum(total(found, part, 2018) for part in parts) == pytest.approx(total(found, "dwellings", 2018))


def test_comparateur_mixes_decimal_point_and_comma(read):
    found = read("insee_comparateur", "2022")
    assert of(found, "median_living_standard", 2021, "62498") == (17_250, "published")
    # In the file: 38,0 and 1964.96528664886.
    assert of(found, "taxed_households_share", 2021, "59002") == (38.0, "published")
    assert of(found, "dwellings", 2022, "59002") == (1964.96528664886, "published")


@pytest.mark.parametrize(
    ("source_id", "vintage", "year", "withheld"),
    [
        ("insee_comparateur", "2017", 2017, 145),
        ("insee_comparateur", "2018", 2019, 144),
        ("insee_comparateur", "2022", 2021, 148),
    ],
)
def test_poverty_is_secret_in_half_of_the_communes(read, source_id, vintage, year, withheld):
    """Counts taken from the files with a text tool: empty cells, or « s »."""
    found = read(source_id, vintage)
    assert statuses(found, "poverty_rate", year) == {"secret": withheld, "published": 287 - withheld}
    assert column(found, "poverty_rate", year)["value"].min() > 0


@pytest.mark.parametrize(("vintage", "year"), [("2018", 2019), ("2022", 2021)])
def test_commune_without_filosofi_is_secret(read, vintage, year):
    found = read("insee_comparateur", vintage)
    for variable in ("median_living_standard", "fiscal_households", "poverty_rate"):
        assert of(found, variable, year, "62720") == (None, "secret")
    assert of(found, "population", 2000 + int(vintage[2:]), "62720")[1] == "published"


def test_national_comparateur_holds_each_commune_once(mirror):
    file = load_catalogue()["insee_comparateur"].data_file("2018")
    found = read_values(mirror / str(file.mirror), "insee_comparateur", "2018")
    assert found["code"].n_unique() == 34_965
    # Corsica's codes hold a letter, those of the Ain begin with a zero.
    assert {"2A004", "2B033", "01001"} <= set(found["code"])
    population = column(found, "population", 2018)
    # INSEE, legal populations of 2018: 66,732,538 inhabitants in France without Mayotte.
    assert population["value"].sum() == 66_732_538
    assert statuses(found, "population", 2018) == {"published": 34_948, "not_available": 17}
    overseas = column(found, "poverty_rate", 2019).filter(pl.col("code").str.contains("^97[136]"))
    assert set(overseas["status"]) == {"not_available"}


@pytest.mark.parametrize(("vintage", "rows"), [("2017", 32), ("2018", 33)])
def test_comparateur_dictionary_names_every_column(mirror, vintage, rows):
    file = load_catalogue()["insee_comparateur"].data_file(vintage)
    path: Path = mirror / str(file.meta.mirror or file.mirror)
    labels = read_labels(path, "insee_comparateur", vintage)
    assert labels.height == rows
    found = dict(labels.select("column", "label").iter_rows())
    assert found[f"P{vintage[2:]}_LOG"] == f"Logements en {vintage}"


# Filosofi, communes


@pytest.mark.parametrize("vintage", ["2015", "2016", "2021"])
def test_filosofi_covers_the_perimeter(read, communes, vintage):
    found = read("insee_filosofi", vintage)
    assert set(found["code"]) == communes
    assert found.height == 287 * 27
    assert set(found["status"]) == {"published", "secret"}


@pytest.mark.parametrize(("vintage", "withheld"), [("2015", 142), ("2016", 144), ("2021", 148)])
def test_filosofi_withholds_poverty_in_half_of_the_communes(read, vintage, withheld):
    found = read("insee_filosofi", vintage)
    counts = statuses(found, "poverty_rate", int(vintage))
    assert counts == {"secret": withheld, "published": 287 - withheld}


def test_filosofi_and_comparateur_publish_the_same_figures(read):
    """The comparateur of 2022 takes its income columns from Filosofi 2021."""
    shared = ("fiscal_households", "median_living_standard", "taxed_households_share", "poverty_rate")
    keys = ["variable", "code", "value", "status"]
    frames = [
        read(source, vintage).filter(pl.col("variable").is_in(shared)).select(keys)
        for source, vintage in (("insee_filosofi", "2021"), ("insee_comparateur", "2022"))
    ]
    assert frames[0].height == 4 * 287
    assert frames[0].equals(frames[1])


def test_filosofi_figures_of_lens_and_of_the_withheld_commune(read):
    found = read("insee_filosofi", "2021")
    assert of(found, "median_living_standard", 2021, "62498") == (17_250, "published")
    assert column(found, "median_living_standard", 2021).filter(status="secret")["code"].to_list() == [
        "62720"
    ]
    assert set(found.filter(pl.col("code") == "62720")["status"]) == {"secret"}
    # Taxes weigh on income: a share below zero is no error.
    assert of(found, "taxes_share", 2021, "62498")[0] < 0
    assert of(read("insee_filosofi", "2015"), "median_living_standard", 2015, "59002")[0] == pytest.approx(
        17_140.67, abs=0.01
    )


# Social dwellings


def test_social_dwellings_are_the_published_ones(read):
    found = read("sdes_rpls", "2024")
    assert total(found, "social_dwellings", 2024) == 169_589
    assert statuses(found, "social_dwellings", 2024) == {"published": 236, "not_available": 51}


def test_commune_without_social_dwellings_row_is_not_available(read, communes):
    found = read("sdes_rpls", "2024")
    assert set(found["code"]) == communes
    absent = found.filter(pl.col("code") == "59038")
    assert absent.height == 7
    assert set(absent["status"]) == {"not_available"}


def test_detail_of_few_social_dwellings_is_secret(read):
    found = read("sdes_rpls", "2024")
    whole = column(found, "social_dwellings", 2024).select("code", all="value")
    detail = column(found, "social_dwellings_let", 2024).join(whole, on="code")
    assert detail.filter(pl.col("status") == "secret")["all"].max() <= 10
    assert detail.filter(pl.col("status") == "published")["all"].min() > 10
    parts = ("let", "vacant", "empty", "association", "other_occupants", "temporary")
    published = set(detail.filter(pl.col("status") == "published")["code"])
    summed = sum(
        column(found, f"social_dwellings_{part}", 2024).filter(pl.col("code").is_in(published))["value"].sum()
        for part in parts
    )
    assert summed == whole.filter(pl.col("code").is_in(published))["all"].sum()


# Legal populations


@pytest.mark.parametrize(
    ("vintage", "lens", "perimeter"), [("2019", 31_461, None), ("2022", 32_697, 1_213_844)]
)
def test_legal_populations_are_the_published_ones(read, communes, vintage, lens, perimeter):
    found = read("insee_populations_legales", vintage)
    assert set(found["code"]) == communes
    assert set(found["status"]) == {"published"}
    assert of(found, "population", int(vintage), "62498")[0] == lens
    if perimeter is not None:
        assert total(found, "population", int(vintage)) == perimeter


@pytest.mark.parametrize("vintage", ["2019", "2022"])
def test_legal_populations_add_up(read, vintage):
    year = int(vintage)
    found = read("insee_populations_legales", vintage)
    wide = found.pivot("variable", index="code", values="value")
    assert (wide["population"] + wide["population_counted_apart"] == wide["population_total"]).all()
    assert total(found, "population", year) > 1_200_000


def test_three_sources_give_the_same_population(read):
    """Legal population, comparateur and annual series, each from its own file."""
    series = read("insee_populations", "2013-2021")
    for year, source_id, vintage in (
        (2018, "insee_comparateur", "2018"),
        (2019, "insee_populations_legales", "2019"),
        (2017, "insee_comparateur", "2017"),
    ):
        other = column(read(source_id, vintage), "population", year).select("code", "value")
        assert column(series, "population", year).select("code", "value").equals(other)


# Declared income by IRIS


def test_declared_income_covers_the_communes_cut_into_iris(read):
    found = read("insee_filosofi_iris", "2021")
    assert found["code"].str.len_chars().unique().to_list() == [9]
    assert found["code"].str.slice(0, 5).n_unique() == 82
    assert set(found["level"]) == {"iris"}
    assert set(found["status"]) == {"published", "secret", "not_available", "not_applicable"}


def test_declared_income_figures_and_marks(read):
    found = read("insee_filosofi_iris", "2021")
    assert of(found, "declared_income_median", 2021, "590140101") == (14_320, "published")
    assert of(found, "declared_gini", 2021, "590140101") == (0.373, "published")
    assert of(found, "declared_income_median", 2021, "590140103") == (None, "not_available")
    # A first decile of zero divides nothing.
    assert of(found, "declared_income_d1", 2021, "590080102") == (0, "published")
    assert of(found, "declared_interdecile_ratio", 2021, "590080102") == (None, "not_applicable")
    wide = found.filter(pl.col("status") == "published").pivot("variable", index="code", values="value")
    given = wide.drop_nulls(["declared_income_q1", "declared_income_median", "declared_income_q3"])
    assert given.height > 300
    assert (given["declared_income_q1"] < given["declared_income_median"]).all()
    assert (given["declared_income_median"] < given["declared_income_q3"]).all()
    assert given["declared_gini"].is_between(0.1, 0.7).all()


# Annual populations


def test_annual_populations_have_no_gap_in_the_perimeter(read, communes):
    found = read("insee_populations", "2013-2021")
    assert found.height == 287 * 9
    assert set(found["status"]) == {"published"}
    assert set(found["vintage"]) == set(range(2013, 2022))
    assert total(found, "population", 2018) == 1_216_644


def test_annual_populations_overseas_have_their_codes_back(mirror):
    file = load_catalogue()["insee_populations"].data_file("2013-2021")
    found = read_values(
        mirror / str(file.mirror), "insee_populations", "2013-2021", {"97101", "97401", "85212"}
    )
    assert {"97101", "97401"} <= set(found["code"])
    assert found["code"].str.len_chars().unique().to_list() == [5]


# Equipment


def test_equipment_is_counted_by_family(read, communes):
    """Counts taken from the file with a text tool."""
    found = read("insee_bpe", "2018")
    assert set(found["code"]) == communes
    assert set(found["status"]) == {"published"}
    expected = {
        "equipment": 31_801,
        "pharmacies": 506,
        "general_practitioners": 1_086,
        "primary_schools": 947,
        "supermarkets": 307,
        "lower_secondary_schools": 125,
    }
    assert {name: total(found, name, 2018) for name in expected} == expected
    assert of(found, "equipment", 2018, "62498") == (1_276, "published")
    assert of(found, "railway_stations", 2018, "62498") == (2, "published")


def test_equipment_families_cover_every_type_once(read):
    found = read("insee_bpe", "2018")
    names = ("services", "shops", "education", "health", "social", "transport", "sport_culture", "tourism")
    parts = sum(total(found, f"equipment_{name}", 2018) for name in names)
    assert parts == total(found, "equipment", 2018)


def test_commune_without_pharmacy_counts_zero(read):
    values = column(read("insee_bpe", "2018"), "pharmacies", 2018)["value"]
    assert (values == 0).sum() == 110


# Derived percentages of the census


def test_derived_percentages_of_the_census(read, communes):
    found = read("insee_rp_melodi", "2022")
    assert set(found["code"]) == communes
    assert total(found, "population", 2022) == 1_213_844
    assert of(found, "unemployment_rate_complementary", 2022, "62498") == (22.7, "published")
    assert statuses(found, "executives_share", 2022) == {"published": 285, "missing": 2}


# Mortality


def test_mortality_of_the_mirror(mirror):
    file = load_catalogue()["insee_mortalite"].data_file("1977-2019")
    found = read_mortality(mirror / str(file.mirror))
    assert found.height == 43 * 2 * 100
    by = {
        (sex, age): value
        for sex, age, value in found.filter(year=2019).select("sex", "age", "probability").rows()
    }
    assert by["M", 60] == pytest.approx(0.00927)
    assert by["F", 60] == pytest.approx(0.00453)
    # Women's life expectancy at birth was 85.6 years in 2019 (INSEE); the years past 99 weigh little.
    alive, years = 1.0, 0.0
    for age in range(100):
        years += alive * (1 - by["F", age] / 2)
        alive *= 1 - by["F", age]
    assert years == pytest.approx(85.5, abs=0.3)
