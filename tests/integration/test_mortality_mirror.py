"""The national mortality table of the mirror against the life expectancies that INSEE publishes."""

import math

import polars as pl
import pytest

from observatory.sources.catalogue import load_catalogue
from observatory.sources.mortality import read_mortality

pytestmark = pytest.mark.integration

# INSEE's demographic report, France: 85.4 and 79.5 years in 2018, 85.6 and 79.7 in 2019; metropolitan France
# is about 0.1 above or below according to the year.
PUBLISHED = {("F", 2018): 85.4, ("F", 2019): 85.6, ("M", 2018): 79.5, ("M", 2019): 79.7}
# The published ones rest on finer ages and the definitive deaths, the table is rounded to 1e-5, and the scope
# (metropolitan or whole France) is worth 0.1 year.
TOLERANCE = 0.2


@pytest.fixture(scope="module")
def table(mirror) -> pl.DataFrame:
    file = load_catalogue()["insee_mortalite"].data_file("1977-2019")
    return read_mortality(mirror / str(file.mirror))


def probabilities(table: pl.DataFrame, sex: str, year: int) -> list[float]:
    return table.filter(sex=sex, year=year).sort("age")["probability"].to_list()


def life_expectancy(rates: list[float]) -> tuple[float, float]:
    """Return years lived before the last age of the table, and the share of a generation alive then."""
    alive, years = 1.0, 0.0
    for rate in rates:
        # Deaths of a year of age fall on average in its middle, but for the first, which matters little.
        years += alive * (1 - rate / 2)
        alive *= 1 - rate
    return years, alive


@pytest.mark.parametrize(("sex", "year"), PUBLISHED)
def test_life_expectancy_at_birth_is_the_published_one(table, sex, year):
    rates = probabilities(table, sex, year)
    years, alive = life_expectancy(rates)
    # The table stops at 99: those who reach 100 then live as if the last rate stayed the same, which adds
    # 0.14 year to women and 0.03 to men.
    years += alive / -math.log(1 - rates[-1])
    assert years == pytest.approx(PUBLISHED[sex, year], abs=TOLERANCE)


def test_what_the_table_leaves_out_after_99_is_small(table):
    for (sex, year), published in PUBLISHED.items():
        years, alive = life_expectancy(probabilities(table, sex, year))
        assert alive < (0.05 if sex == "F" else 0.015)
        assert published - 0.35 < years < published + 0.1


def test_every_year_and_sex_has_ages_0_to_99_and_true_probabilities(table):
    grid = table.group_by("year", "sex").agg(
        pl.col("age").sort(), pl.col("probability").is_between(0, 1).all()
    )
    assert grid.height == 43 * 2
    assert grid["probability"].all()
    assert {tuple(ages) for ages in grid["age"].to_list()} == {tuple(range(100))}


def test_women_outlive_men_and_both_live_longer_than_in_1977(table):
    found = {
        (sex, year): life_expectancy(probabilities(table, sex, year))[0]
        for sex in "FM"
        for year in (1977, 2019)
    }
    assert found["F", 2019] > found["M", 2019] > found["F", 1977] > found["M", 1977]
