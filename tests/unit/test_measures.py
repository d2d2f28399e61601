from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from observatory.indicators.measures import (
    MEASURES,
    area_measures,
    census_measures,
    population_measures,
    sum_up,
)
from observatory.indicators.mining import beneficiary_measures, dwelling_measures
from observatory.tables import BENEFICIARIES, CENSUS, DWELLINGS

SCHEMA = pl.Schema(MEASURES)
NO_CENSUS = pl.DataFrame(schema=MEASURES)
COUNTS = [name for name, dtype in CENSUS.polars_schema.items() if dtype == pl.Int64]


def dwelling(number, **changes):
    return {
        "landlord": "maisons-et-cites",
        "dwelling_id": f"L{number}",
        "vintage": 2024,
        "cite_slug": None,
        "commune_code": "59001",
        "dwelling_type": "T4",
        "built_year": 1920,
        "energy_label": None,
        "status": "occupied",
        "occupant": "tenant",
        "entry_date": date(2001, 5, 1),
        "file_id": "f",
    } | changes


def dwellings_frame(*rows):
    return pl.DataFrame(
        [dwelling(number, **changes) for number, changes in enumerate(rows)], schema=DWELLINGS.polars_schema
    )


def beneficiaries_frame(*rows):
    template = {
        "vintage": 2024,
        "birth_year": 1940,
        "sex": "F",
        "kind": "former_miner",
        "commune_code": "59001",
        "cite_slug": None,
        "housing_benefit": "none",
        "heating_benefit": "cash",
        "file_id": "g",
    }
    return pl.DataFrame(
        [template | {"pseudonym": f"P{number}"} | changes for number, changes in enumerate(rows)],
        schema=BENEFICIARIES.polars_schema,
    )


def amounts(frame, measure, level=None):
    """Return the amounts of a measure by code, or by (level, code)."""
    wanted = frame.filter(pl.col("measure") == measure)
    if level is not None:
        return dict(wanted.filter(pl.col("level") == level).select("code", "amount").iter_rows())
    return {(row["level"], row["code"]): row["amount"] for row in wanted.iter_rows(named=True)}


def measure_rows(values, level="commune", measure="m", vintage=2022):
    return pl.DataFrame(
        [
            (
                level,
                code,
                measure,
                vintage,
                amount,
                "missing" if amount is None else "published",
                [f"file {code}"],
            )
            for code, amount in values.items()
        ],
        schema=MEASURES,
        orient="row",
    )


def population_rows(rows):
    lines = [(level, code, year, count, f"f{year}") for (level, code, year), count in rows.items()]
    return pl.DataFrame(lines, schema=["level", "code", "vintage", "population", "file_id"], orient="row")


def test_parents_are_the_sums_of_all_their_children(small_territories):
    base = measure_rows({"59001": 1.0, "59002": 10.0, "62001": 100.0})
    summed = sum_up(base, small_territories, "commune", ("epci", "basin"))
    assert amounts(summed, "m") == {
        ("commune", "59001"): 1,
        ("commune", "59002"): 10,
        ("commune", "62001"): 100,
        ("epci", "A"): 11,
        ("epci", "B"): 100,
        ("basin", "BM"): 111,
    }
    assert summed.schema == SCHEMA
    ids = summed.filter(pl.col("code") == "A")["file_ids"].to_list()
    assert ids == [["file 59001", "file 59002"]]


@pytest.mark.parametrize("absent", ["no row", "null"])
def test_parent_of_a_child_without_value_has_none(small_territories, absent):
    values = {"59001": 1.0, "62001": 100.0} | ({"59002": None} if absent == "null" else {})
    summed = sum_up(measure_rows(values), small_territories, "commune", ("epci", "basin"))
    none = {} if absent == "no row" else {"A": None}
    assert amounts(summed, "m", "epci") == {"B": 100} | none
    assert amounts(summed, "m", "basin") == ({} if absent == "no row" else {"BM": None})


def test_parent_takes_the_gravest_status_of_its_children(small_territories):
    """A secret child makes a secret parent, before a missing one: the sum is known, but not to be told."""
    rows = measure_rows({"59001": 1.0, "59002": None, "62001": None}).with_columns(
        status=pl.Series(["published", "missing", "secret"])
    )
    summed = sum_up(rows, small_territories, "commune", ("epci", "basin"))
    parents = summed.filter(pl.col("level") != "commune")
    statuses = {row[0]: row[1:] for row in parents.select("code", "status", "amount").iter_rows()}
    assert statuses == {"A": ("missing", None), "B": ("secret", None), "BM": ("secret", None)}


def test_a_true_zero_is_a_value(small_territories):
    summed = sum_up(
        measure_rows({"59001": 0.0, "59002": 0.0, "62001": 0.0}), small_territories, "commune", ("basin",)
    )
    assert amounts(summed, "m", "basin") == {"BM": 0}


def test_measures_and_vintages_do_not_mix(small_territories):
    base = pl.concat(
        [
            measure_rows({"62001": 1.0}, measure="a", vintage=2021),
            measure_rows({"62001": 10.0}, measure="a", vintage=2022),
            measure_rows({"62001": 100.0}, measure="b", vintage=2021),
        ]
    )
    summed = sum_up(base, small_territories, "commune", ("epci",)).filter(pl.col("level") == "epci")
    assert summed.select("measure", "vintage", "amount").rows() == [
        ("a", 2021, 1),
        ("a", 2022, 10),
        ("b", 2021, 100),
    ]


def test_a_stranger_adds_to_no_parent(small_territories):
    base = measure_rows({"59001": 1.0, "59002": 10.0, "62001": 100.0, "75056": 1e6})
    summed = sum_up(base, small_territories, "commune", ("basin",))
    assert amounts(summed, "m", "basin") == {"BM": 111}


@given(st.lists(st.integers(0, 10**6), min_size=3, max_size=3), st.randoms())
def test_order_of_the_rows_does_not_matter(small_territories, counts, random):
    values = list(zip(["59001", "59002", "62001"], map(float, counts), strict=True))
    straight = sum_up(measure_rows(dict(values)), small_territories, "commune", ("epci", "basin"))
    random.shuffle(values)
    shuffled = sum_up(measure_rows(dict(values)), small_territories, "commune", ("epci", "basin"))
    assert straight.equals(shuffled)
    assert amounts(straight, "m", "basin") == {"BM": sum(counts)}


def census_rows(rows):
    return pl.DataFrame(
        [
            {"level": level, "code": code, "vintage": 2021, "file_id": "c"}
            | {name: position + number for position, name in enumerate(COUNTS)}
            for number, (level, code) in enumerate(rows)
        ],
        schema=CENSUS.polars_schema,
    )


def test_census_is_summed_from_the_iris_and_comparators_are_kept(small_territories):
    rows = [("iris", code) for code in ("590010101", "590010102", "590020000", "620010000")]
    frame = census_measures(census_rows([*rows, ("country", "FR")]), small_territories)
    position = COUNTS.index("dwellings")
    assert amounts(frame, "dwellings", "commune") == {
        "59001": position + position + 1,
        "59002": position + 2,
        "62001": position + 3,
    }
    assert amounts(frame, "dwellings", "epci") == {"A": 3 * position + 3, "B": position + 3}
    assert amounts(frame, "dwellings", "basin") == {"BM": 4 * position + 6}
    assert amounts(frame, "dwellings", "country") == {"FR": position + 4}
    assert amounts(frame, "dwellings", "iris")["590010102"] == position + 1


def test_dependent_population_is_the_young_and_the_old(small_territories):
    frame = census_measures(census_rows([("iris", "620010000")]), small_territories)
    young, old = COUNTS.index("population_under_20"), COUNTS.index("population_65_over")
    assert amounts(frame, "population_dependent", "epci") == {"B": young + old}


def test_census_of_the_perimeter_equals_the_sums_of_its_rows(public_measures, census):
    iris = census.filter(pl.col("level") == "iris")
    basin = public_measures.filter(pl.col("level") == "basin", pl.col("vintage") == 2021)
    found = dict(basin.select("measure", "amount").iter_rows())
    assert found["population"] == 1_214_409
    for name in set(COUNTS) - {"flats"}:
        assert found[name] == iris[name].sum(), name
    for level in ("commune", "epci"):
        assert sum(amounts(public_measures, "dwellings", level).values()) == iris["dwellings"].sum()


def test_change_over_five_years_keeps_its_base(small_territories):
    populations = population_rows(
        {
            ("commune", "59001", 2018): 100,
            ("commune", "59001", 2023): 110,
            ("commune", "59002", 2018): 300,
            ("commune", "59002", 2023): 270,
            ("commune", "62001", 2019): 50,
            ("commune", "62001", 2023): 60,
            ("country", "FR", 2023): 1_000,
        }
    )
    frame = population_measures(populations, small_territories)
    assert frame.schema == SCHEMA
    change = frame.filter(pl.col("measure") == "population_change")
    assert {row[:2]: row[2:] for row in change.select("level", "code", "vintage", "amount").rows()} == {
        ("commune", "59001"): (2023, 10),
        ("commune", "59002"): (2023, -30),
        ("epci", "A"): (2023, -20),
    }
    assert amounts(frame, "population_before") == {
        ("commune", "59001"): 100,
        ("commune", "59002"): 300,
        ("epci", "A"): 400,
    }
    assert {tuple(ids) for ids in change["file_ids"]} == {("f2018", "f2023")}


def test_change_of_lens_from_the_legal_populations(public_measures):
    lens = public_measures.filter(pl.col("code") == "62498")
    legal = lens.filter(pl.col("measure") == "legal_population")
    by_year = dict(legal.select("vintage", "amount").iter_rows())
    assert (by_year[2018], by_year[2022]) == (31_606, 32_697)
    change = lens.filter(pl.col("measure") == "population_change").row(0, named=True)
    assert (change["vintage"], change["amount"]) == (2023, by_year[2023] - 31_606)


def test_country_has_no_change_without_its_base(public_measures):
    country = public_measures.filter(pl.col("level") == "country")
    assert "population_change" not in set(country["measure"])
    years = country.filter(pl.col("measure") == "legal_population")["vintage"].to_list()
    assert years == [2019, 2020, 2022, 2023]


def test_areas_sum_up_and_are_dated_as_the_census(small_territories):
    contours = pl.DataFrame(
        {
            "level": ["commune"] * 3 + ["country"],
            "code": ["59001", "59002", "62001", "FR"],
            "geometry": ["{}"] * 3 + [None],
            "area_km2": [1.5, 2.25, 4.0, 640_000.0],
            "file_id": ["o"] * 4,
        }
    )
    frame = area_measures(contours, small_territories)
    assert amounts(frame, "area", "epci") == {"A": 3.75, "B": 4.0}
    assert amounts(frame, "area", "basin") == {"BM": 7.75}
    assert frame["vintage"].unique().to_list() == [2021]


def test_dwellings_are_counted_by_state(small_territories):
    frame = dwelling_measures(
        dwellings_frame(
            {"occupant": "ayant_droit", "energy_label": "A"},
            {"energy_label": "E"},
            {"occupant": None, "energy_label": "F"},
            {"status": "vacant", "occupant": None, "entry_date": None, "energy_label": "G"},
            {"status": "works", "occupant": None, "entry_date": None},
            {"status": "to_demolish", "occupant": None, "entry_date": None, "energy_label": "D"},
            {"status": "sold", "occupant": None, "entry_date": None, "energy_label": "G"},
        ),
        small_territories,
        NO_CENSUS,
    )
    commune = {
        row["measure"]: row["amount"]
        for row in frame.filter(pl.col("level") == "commune", pl.col("code") == "59001").rows(named=True)
    }
    expected = {
        "mining_dwellings": 6,
        "mining_vacant": 1,
        "mining_labelled": 5,
        "mining_label_efg": 3,
        "mining_occupied": 3,
        "mining_ayants_droit": 1,
        "mining_entries": 0,
        "statut_travaux": 1,
        "statut_a_demolir": 1,
        "etiquette_a_c": 1,
        "etiquette_d": 1,
        "etiquette_e": 1,
        "etiquette_f_g": 2,
    }
    assert {measure: commune[measure] for measure in expected} == expected
    assert frame.schema == SCHEMA
    assert frame["vintage"].unique().to_list() == [2024]


def test_entries_are_those_of_the_year_still_in_place(small_territories):
    frame = dwelling_measures(
        dwellings_frame(
            {"entry_date": date(2024, 1, 1)},
            {"entry_date": date(2024, 12, 31)},
            {"entry_date": date(2023, 12, 31)},
            {"entry_date": date(2025, 1, 1)},
            {"entry_date": None},
            {"entry_date": date(2024, 6, 1), "status": "vacant"},
            {"entry_date": date(2024, 6, 1), "status": "sold"},
        ),
        small_territories,
        NO_CENSUS,
    )
    assert amounts(frame, "mining_entries", "commune")["59001"] == 2


def test_an_occupant_left_in_an_empty_dwelling_is_no_ayant_droit_in_place(small_territories):
    rows = [{"occupant": "ayant_droit", "status": status} for status in ("vacant", "works", "to_demolish")]
    frame = dwelling_measures(dwellings_frame(*rows), small_territories, NO_CENSUS)
    assert amounts(frame, "mining_ayants_droit", "commune")["59001"] == 0
    assert amounts(frame, "mining_occupied", "commune")["59001"] == 0


def test_dwellings_sum_up_and_cites_count_their_own(small_territories):
    frame = dwelling_measures(
        dwellings_frame(
            {"cite_slug": "pinson"},
            {"cite_slug": "pinson"},
            {"commune_code": "59002", "cite_slug": "musiciens"},
            {"commune_code": "62001", "cite_slug": "musiciens"},
            {"commune_code": "62001"},
        ),
        small_territories,
        NO_CENSUS,
    )
    assert amounts(frame, "mining_dwellings") == {
        ("cite", "pinson"): 2,
        ("cite", "musiciens"): 2,
        ("commune", "59001"): 2,
        ("commune", "59002"): 1,
        ("commune", "62001"): 2,
        ("epci", "A"): 3,
        ("epci", "B"): 2,
        ("basin", "BM"): 5,
    }


def test_places_without_dwellings_have_true_zeros(small_territories):
    frame = dwelling_measures(dwellings_frame({}), small_territories, NO_CENSUS)
    for measure in ("mining_dwellings", "mining_vacant", "mining_labelled", "mining_entries"):
        assert amounts(frame, measure, "commune")["62001"] == 0
        assert amounts(frame, measure, "cite") == {"pinson": 0, "musiciens": 0}


def test_no_delivery_gives_no_zeros(small_territories):
    assert dwelling_measures(dwellings_frame(), small_territories, NO_CENSUS).is_empty()
    assert beneficiary_measures(beneficiaries_frame(), small_territories, NO_CENSUS).is_empty()


def test_another_vintage_does_not_count_twice(small_territories):
    frame = dwelling_measures(
        dwellings_frame({}, {"vintage": 2023, "file_id": "old"}), small_territories, NO_CENSUS
    )
    assert amounts(frame, "mining_dwellings", "basin") == {"BM": 1}
    assert {tuple(ids) for ids in frame["file_ids"]} == {("f",)}
    frame = beneficiary_measures(beneficiaries_frame({}, {"vintage": 2023}), small_territories, NO_CENSUS)
    assert amounts(frame, "beneficiaries", "basin") == {"BM": 1}


def test_weight_of_the_stock_is_based_on_the_census(small_territories):
    census = measure_rows({"59001": 20.0}, measure="dwellings", vintage=2021)
    frame = dwelling_measures(dwellings_frame({}), small_territories, census)
    weight = frame.filter(pl.col("measure") == "census_dwellings")
    assert weight.select("code", "vintage", "amount").rows() == [("59001", 2024, 20)]
    assert weight["file_ids"].to_list() == [["file 59001"]]


def test_file_ids_are_those_of_the_deliveries(small_territories):
    frame = dwelling_measures(
        dwellings_frame({"file_id": "b"}, {"file_id": "a"}), small_territories, NO_CENSUS
    )
    assert {tuple(ids) for ids in frame["file_ids"]} == {("a", "b")}


def test_beneficiaries_are_counted_by_age_and_kind(small_territories):
    frame = beneficiary_measures(
        beneficiaries_frame(
            {"birth_year": 1944},
            {"birth_year": 1945, "kind": "surviving_spouse", "cite_slug": "pinson"},
            {"birth_year": 1920, "kind": "surviving_spouse", "commune_code": "62001"},
            {"birth_year": 1990, "kind": "other", "commune_code": "59002"},
        ),
        small_territories,
        NO_CENSUS,
    )
    # Eighty in 2024: born in 1944 or before.
    assert amounts(frame, "beneficiaries_80_over", "commune") == {"59001": 1, "59002": 0, "62001": 1}
    assert amounts(frame, "surviving_spouses", "epci") == {"A": 1, "B": 1}
    assert amounts(frame, "beneficiaries", "basin") == {"BM": 4}
    assert amounts(frame, "beneficiaries", "cite") == {"pinson": 1, "musiciens": 0}
    assert frame.schema == SCHEMA


def test_the_fictive_stock_is_counted_to_the_unit(dwellings, beneficiaries, territories):
    frame = dwelling_measures(dwellings, territories, NO_CENSUS)
    kept = dwellings.filter(pl.col("status") != "sold")
    assert amounts(frame, "mining_dwellings", "basin") == {"BM": kept.height}
    assert sum(amounts(frame, "mining_dwellings", "cite").values()) == kept["cite_slug"].count()
    vacant = kept.filter(pl.col("status") == "vacant", pl.col("commune_code") == "62498").height
    assert amounts(frame, "mining_vacant", "commune")["62498"] == vacant
    people = beneficiary_measures(beneficiaries, territories, NO_CENSUS)
    assert amounts(people, "beneficiaries", "basin") == {"BM": beneficiaries.height}
