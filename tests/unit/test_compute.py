import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from observatory.indicators.catalogue import Indicator, load_indicators, measured
from observatory.indicators.compute import compute_observations
from observatory.indicators.measures import MEASURES, sum_up
from observatory.indicators.mining import beneficiary_measures, dwelling_measures
from observatory.tables import OBSERVATIONS, STATUSES

RATE = Indicator(
    id="part",
    label="Part",
    theme="Thème",
    formula="a ÷ b",
    unit="%",
    numerator="a",
    denominator="b",
    scale=100,
    polarity="neutral",
    precaution="recensement_taux",
    sources=("insee_rp_iris",),
    levels=("commune", "epci", "basin"),
    vintages=(2021,),
    comparability="c",
)
COUNT = RATE.model_copy(update={"id": "effectif", "denominator": None, "scale": 1.0, "unit": "habitants"})
COMMUNES = ("59001", "59002", "62001")


def counted(**measures):
    """Return measures of the communes, summed up; a measure is its three amounts, ``None`` for no row."""
    rows = [
        ("commune", code, measure, 2021, float(amount), "published", [f"{measure} {code}"])
        for measure, amounts in measures.items()
        for code, amount in zip(COMMUNES, amounts, strict=True)
        if amount is not None
    ]
    return pl.DataFrame(rows, schema=MEASURES, orient="row")


def observe(indicator, territories, **measures):
    summed = sum_up(counted(**measures), territories, "commune", ("epci", "basin"))
    return compute_observations([indicator], summed, territories)


def at(observations, level, code):
    rows = observations.filter(pl.col("territory_level") == level, pl.col("territory_code") == code)
    return rows.row(0, named=True)


def test_rate_is_the_scaled_ratio_with_its_terms(small_territories):
    row = at(observe(RATE, small_territories, a=(1, 2, 3), b=(8, 4, 4)), "commune", "59001")
    assert row == {
        "territory_level": "commune",
        "territory_code": "59001",
        "indicator": "part",
        "vintage": 2021,
        "value": 12.5,
        "numerator": 1,
        "denominator": 8,
        "unit": "%",
        "status": "published",
        "perimeter": "sept_epci",
        "perimeter_vintage": 2026,
        "geography_vintage": "COG 2026",
        "file_ids": ["a 59001", "b 59001"],
    }


def test_count_has_neither_numerator_nor_denominator(small_territories):
    row = at(observe(COUNT, small_territories, a=(1, 2, 3)), "epci", "A")
    assert (row["value"], row["numerator"], row["denominator"]) == (3, None, None)
    assert (row["status"], row["unit"], row["file_ids"]) == ("published", "habitants", ["a 59001", "a 59002"])


@given(
    st.lists(st.integers(0, 10**6), min_size=3, max_size=3),
    st.lists(st.integers(1, 10**6), min_size=3, max_size=3),
)
def test_rates_of_parents_are_sums_over_sums(small_territories, numerators, denominators):
    observations = observe(RATE, small_territories, a=numerators, b=denominators)
    (a1, a2, a3), (b1, b2, b3) = numerators, denominators
    assert at(observations, "epci", "A")["value"] == pytest.approx(100 * (a1 + a2) / (b1 + b2))
    assert at(observations, "epci", "B")["value"] == at(observations, "commune", "62001")["value"]
    basin = at(observations, "basin", "BM")
    assert basin["value"] == pytest.approx(100 * (a1 + a2 + a3) / (b1 + b2 + b3))
    assert (basin["numerator"], basin["denominator"]) == (sum(numerators), sum(denominators))
    epci = [at(observations, "epci", code) for code in "AB"]
    assert sum(row["numerator"] for row in epci) == basin["numerator"]
    assert sum(row["denominator"] for row in epci) == basin["denominator"]


def test_rate_of_a_parent_is_not_the_mean_of_its_children(small_territories):
    """One of ten and ninety of a hundred make 91 of 110, not the mean of 10 % and 90 %."""
    observations = observe(RATE, small_territories, a=(1, 90, 0), b=(10, 100, 1))
    assert at(observations, "epci", "A")["value"] == pytest.approx(82.727, abs=1e-3)


def test_true_zero_is_a_published_zero(small_territories):
    row = at(observe(RATE, small_territories, a=(0, 2, 3), b=(8, 4, 4)), "commune", "59001")
    assert (row["value"], row["numerator"], row["status"]) == (0, 0, "published")
    row = at(observe(COUNT, small_territories, a=(0, 2, 3)), "commune", "59001")
    assert (row["value"], row["status"]) == (0, "published")


@pytest.mark.parametrize("numerator", [0, 5])
def test_rate_of_nothing_is_not_applicable(small_territories, numerator):
    observations = observe(RATE, small_territories, a=(numerator, 2, 3), b=(0, 4, 4))
    row = at(observations, "commune", "59001")
    assert (row["value"], row["numerator"], row["denominator"]) == (None, None, None)
    assert row["status"] == "not_applicable"
    assert at(observations, "epci", "A")["value"] == 100 * (numerator + 2) / 4


@pytest.mark.parametrize("absent", ["a", "b"])
def test_rate_without_one_of_its_counts_is_not_available(small_territories, absent):
    measures = {"a": [1, 2, 3], "b": [8, 4, 4]}
    measures[absent][0] = None
    observations = observe(RATE, small_territories, **measures)
    for level, code in (("commune", "59001"), ("epci", "A"), ("basin", "BM")):
        row = at(observations, level, code)
        assert (row["value"], row["numerator"], row["denominator"]) == (None, None, None)
        assert (row["status"], row["file_ids"]) == ("not_available", [])
    assert at(observations, "epci", "B")["value"] == 75


def test_absent_numerator_over_zero_is_not_available(small_territories):
    row = at(observe(RATE, small_territories, a=(None, 2, 3), b=(0, 4, 4)), "commune", "59001")
    assert row["status"] == "not_available"


def test_absent_count_is_never_zero(small_territories):
    row = at(observe(COUNT, small_territories, a=(None, 2, 3)), "commune", "59001")
    assert (row["value"], row["status"]) == (None, "not_available")


def test_count_of_another_year_does_not_fill_in(small_territories):
    later = COUNT.model_copy(update={"vintages": (2020, 2021)})
    observations = observe(later, small_territories, a=(1, 2, 3))
    assert dict(observations.group_by("vintage").agg(pl.col("value").sum()).iter_rows()) == {
        2020: 0,
        2021: 18,
    }
    assert set(observations.filter(pl.col("vintage") == 2020)["status"]) == {"not_available"}


def test_only_the_levels_of_the_indicator_are_observed(small_territories):
    basin = RATE.model_copy(update={"levels": ("basin",)})
    observations = observe(basin, small_territories, a=(1, 2, 3), b=(8, 4, 4))
    assert observations.select("territory_level", "territory_code").rows() == [("basin", "BM")]


def test_counts_that_stand_twice_are_refused(small_territories):
    twice = pl.concat([counted(a=(1, 2, 3))] * 2)
    with pytest.raises(pl.exceptions.ComputeError):
        compute_observations([COUNT], twice, small_territories)


@given(st.data())
def test_grid_is_whole_and_statuses_say_what_values_do(small_territories, data):
    amount = st.one_of(st.none(), st.integers(0, 3))
    measures = {name: data.draw(st.tuples(amount, amount, amount)) for name in "ab"}
    wide = RATE.model_copy(update={"vintages": (2020, 2021)})
    observations = observe(wide, small_territories, **measures)
    cells = observations.select("territory_level", "territory_code", "vintage")
    expected = small_territories.filter(pl.col("level").is_in(wide.levels)).height * 2
    assert (observations.height, cells.n_unique()) == (expected, expected)
    assert set(observations["status"]) <= {"published", "not_applicable", "not_available"} <= set(STATUSES)
    published = observations["status"] == "published"
    for column in ("value", "numerator", "denominator"):
        assert (observations[column].is_not_null() == published).all()
    assert not observations["value"].is_nan().any()
    assert not observations["value"].is_infinite().any()


# The whole catalogue on the shipped data


@pytest.fixture(scope="module")
def counts(public_measures, dwellings, beneficiaries, territories):
    return pl.concat(
        [
            public_measures,
            dwelling_measures(dwellings, territories, public_measures),
            beneficiary_measures(beneficiaries, territories, public_measures),
        ]
    )


@pytest.fixture(scope="module")
def indicators(counts):
    return measured(load_indicators(), counts)


@pytest.fixture(scope="module")
def observations(indicators, counts, territories):
    return compute_observations(indicators, counts, territories)


def value(observations, indicator, level, code, vintage):
    row = observations.filter(
        pl.col("indicator") == indicator,
        pl.col("territory_level") == level,
        pl.col("territory_code") == code,
        pl.col("vintage") == vintage,
    )
    return row.select("value", "status").row(0)


def test_every_indicator_observes_its_grid_once(observations, indicators, territories):
    sizes = dict(territories.group_by("level").len().iter_rows())
    expected = {
        indicator.id: sum(sizes[level] for level in indicator.levels) * len(indicator.vintages)
        for indicator in indicators
    }
    assert dict(observations.group_by("indicator").len().iter_rows()) == expected
    assert OBSERVATIONS.conform(observations).equals(observations)


def test_statuses_are_of_the_contract(observations):
    assert set(observations["status"]) == {"published", "not_applicable", "not_available"}


@pytest.mark.parametrize(
    ("indicator", "level", "code", "vintage", "expected"),
    [
        ("population_municipale", "basin", "BM", 2018, 1_216_644),
        ("population_municipale", "basin", "BM", 2022, 1_213_844),
        ("population_municipale", "commune", "62498", 2018, 31_606),
        ("population_municipale", "commune", "62498", 2022, 32_697),
        ("population_municipale", "country", "FR", 2022, 67_760_573),
        ("population_recensement", "basin", "BM", 2021, 1_214_409),
        ("logements", "basin", "BM", 2021, 565_269),
    ],
)
def test_known_figures(observations, indicator, level, code, vintage, expected):
    assert value(observations, indicator, level, code, vintage) == (expected, "published")


@pytest.mark.parametrize(
    ("indicator", "vintage"),
    [("population_municipale", 2018), ("population_municipale", 2021), ("evolution_population_5_ans", 2023)],
)
def test_country_is_not_available_where_the_packages_give_nothing(observations, indicator, vintage):
    assert value(observations, indicator, "country", "FR", vintage) == (None, "not_available")


def test_rates_of_every_epci_and_of_the_basin_are_ratios_of_sums(observations, census, territories):
    """Recomputed with plain Python from the rows of the census, not from the measures."""
    home = {
        row["code"]: next(link[5:] for link in row["parents"] if link.startswith("epci:"))
        for row in territories.filter(pl.col("level") == "commune").iter_rows(named=True)
    }
    sums: dict[str, list[int]] = {}
    for row in census.filter(pl.col("level") == "iris").iter_rows(named=True):
        for key in (home[row["code"][:5]], "BM"):
            total = sums.setdefault(key, [0, 0])
            total[0] += row["vacant_dwellings"]
            total[1] += row["dwellings"]
    assert len(sums) == 8
    for code, (vacant, dwellings) in sums.items():
        level = "basin" if code == "BM" else "epci"
        found, status = value(observations, "part_logements_vacants", level, code, 2021)
        assert found == pytest.approx(100 * vacant / dwellings)
        assert status == "published"


def test_true_zeros_of_the_census_are_published(observations, census):
    without = census.filter(pl.col("level") == "iris", pl.col("second_homes") == 0, pl.col("dwellings") > 0)
    assert not without.is_empty()
    zeros = observations.filter(
        pl.col("indicator") == "part_residences_secondaires",
        pl.col("territory_level") == "iris",
        pl.col("value") == 0,
    )
    assert sorted(zeros["territory_code"]) == sorted(without["code"])
    assert set(zeros["status"]) == {"published"}


def test_shares_lie_between_0_and_100(observations):
    shares = observations.filter(pl.col("unit") == "%", pl.col("indicator") != "evolution_population_5_ans")
    assert shares["value"].min() >= 0
    assert shares["value"].max() <= 100


def test_files_quoted_are_those_of_the_sources(observations, indicators):
    sources = {indicator.id: set(indicator.sources) for indicator in indicators}
    quoted = observations.explode("file_ids").drop_nulls("file_ids")
    for indicator, file_id in quoted.select("indicator", "file_ids").unique().iter_rows():
        assert file_id.split(":")[0] in sources[indicator]
    published = observations.filter(pl.col("status") == "published")
    assert (published["file_ids"].list.len() > 0).all()


def test_densities_are_as_close_to_the_official_ones_as_the_areas(observations, mirror):
    path = mirror / "insee" / "comparateur" / "base_cc_comparateur_2022_sept_epci.csv"
    official = pl.read_csv(path, separator=";", infer_schema=False).select(
        territory_code="CODGEO", area=pl.col("SUPERF").str.replace(",", ".", literal=True).cast(pl.Float64)
    )
    densities = observations.filter(pl.col("indicator") == "densite").join(official, on="territory_code")
    assert densities.height == 287
    ratios = densities["value"] / (densities["numerator"] / densities["area"])
    assert (ratios - 1).abs().max() < 0.084 / (1 - 0.084)
