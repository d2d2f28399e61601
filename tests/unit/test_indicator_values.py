"""Values of producers' files as measures: sums, passages, precedence."""

import polars as pl

from observatory.geography.passage import PASSAGE_SCHEMA
from observatory.indicators.measures import MEASURES
from observatory.indicators.values import onto_communes, value_measures, with_comparators
from observatory.tables import VALUES

SOURCE, VINTAGE = "insee_comparateur", "2018"
RPLS = "sdes_rpls"


def values(*rows, source=SOURCE, year=2018, level="commune"):
    """Make ``core.values`` from (variable, code, value or status)."""
    return VALUES.conform(
        pl.DataFrame(
            [
                {
                    "source": source,
                    "variable": variable,
                    "vintage": year,
                    "level": level,
                    "code": code,
                    "value": None if isinstance(value, str) else float(value),
                    "status": value if isinstance(value, str) else "published",
                    "geography_vintage": 2021,
                    "file_id": f"{source}:{VINTAGE}:data",
                }
                for variable, code, value in rows
            ],
            schema=VALUES.polars_schema,
        )
    )


def passage(*rows):
    """Make a passage from (from, to, ratio, kind)."""
    return pl.DataFrame(
        [
            {
                "code_from": source,
                "code_to": target,
                "ratio": ratio,
                "kind": kind,
                "estimated": kind == "split",
                "date": None,
                "reason": None,
                "merged_with": [],
            }
            for source, target, ratio, kind in rows
        ],
        schema=PASSAGE_SCHEMA,
    )


def found(frame):
    return {
        (row["variable"], row["code"]): (row["value"], row["status"]) for row in frame.iter_rows(named=True)
    }


def test_merger_sums_counts_and_refuses_medians():
    frame = values(
        ("population", "59001", 10),
        ("population", "59002", 5),
        ("median_living_standard", "59001", 17_000),
        ("median_living_standard", "59002", 19_000),
        ("median_living_standard", "59003", 18_000),
    )
    moved = onto_communes(
        frame,
        passage(
            ("59001", "59001", 1.0, "merged"),
            ("59002", "59001", 1.0, "merged"),
            ("59003", "59003", 1.0, "unchanged"),
        ),
        SOURCE,
        2026,
    )
    assert found(moved) == {
        ("population", "59001"): (15, "published"),
        ("median_living_standard", "59001"): (None, "not_available"),
        ("median_living_standard", "59003"): (18_000, "published"),
    }
    assert set(moved["geography_vintage"]) == {2026}


def test_a_commune_that_has_split_gives_no_figure_to_its_parts():
    """A share of a count, by population, is an estimate: nothing would tell it from a figure."""
    moved = onto_communes(
        values(("population", "59001", 10)),
        passage(("59001", "59001", 0.7, "split"), ("59001", "59002", 0.3, "split")),
        SOURCE,
        2026,
    )
    assert found(moved) == {
        ("population", "59001"): (None, "not_available"),
        ("population", "59002"): (None, "not_available"),
    }


def test_in_a_register_of_what_exists_a_part_without_row_counts_for_nothing():
    """The register of social dwellings has no row for a commune without any."""
    frame = values(
        ("social_dwellings", "59001", 3), ("social_dwellings", "59002", "not_available"), source=RPLS
    )
    merged = passage(("59001", "59001", 1.0, "merged"), ("59002", "59001", 1.0, "merged"))
    assert found(onto_communes(frame, merged, RPLS, 2026)) == {
        ("social_dwellings", "59001"): (3, "published")
    }
    neither = values(
        ("social_dwellings", "59001", "not_available"),
        ("social_dwellings", "59002", "not_available"),
        source=RPLS,
    )
    assert found(onto_communes(neither, merged, RPLS, 2026)) == {
        ("social_dwellings", "59001"): (None, "not_available")
    }


def test_in_a_register_what_has_split_is_missing_so_that_no_sum_goes_without_it():
    split = passage(("59001", "59001", 0.7, "split"), ("59001", "59002", 0.3, "split"))
    moved = onto_communes(values(("social_dwellings", "59001", 3), source=RPLS), split, RPLS, 2026)
    assert found(moved) == {
        ("social_dwellings", "59001"): (None, "missing"),
        ("social_dwellings", "59002"): (None, "missing"),
    }
    # A commune that had no dwelling has left none to its parts.
    nothing = values(("social_dwellings", "59001", "not_available"), source=RPLS)
    assert set(onto_communes(nothing, split, RPLS, 2026)["status"]) == {"not_available"}


def test_secret_part_makes_a_secret_whole():
    moved = onto_communes(
        values(("population", "59001", 10), ("population", "59002", "secret")),
        passage(("59001", "59001", 1.0, "merged"), ("59002", "59001", 1.0, "merged")),
        SOURCE,
        2026,
    )
    assert found(moved) == {("population", "59001"): (None, "secret")}


def test_comparators_are_sums_of_counts_over_all_communes():
    """The Somme counts for the region, La Réunion for the country, Mayotte for neither."""
    frame = values(
        ("population", "59001", 1),
        ("population", "62001", 2),
        ("population", "80001", 4),
        ("population", "97401", 8),
        ("population", "97601", 16),
        ("median_living_standard", "59001", 17_000),
    )
    sums = with_comparators(frame, SOURCE, ("department", "region", "country"))
    assert {(row["level"], row["code"]): row["value"] for row in sums.iter_rows(named=True)} == {
        ("department", "59"): 1,
        ("department", "62"): 2,
        ("region", "32"): 7,
        ("country", "FR"): 15,
    }
    assert set(sums["variable"]) == {"population"}


def test_comparators_need_a_whole_file():
    frame = values(("population", "59001", 1))
    assert with_comparators(frame, SOURCE, ()).is_empty()
    assert with_comparators(frame, SOURCE, ("department",))["level"].to_list() == ["department"]


def test_first_source_of_the_catalogue_stands_and_what_is_known_is_left_out(small_territories):
    other = values(
        *(("population", code, 7) for code in ("59001", "59002", "62001")), source="insee_populations"
    )
    frame = pl.concat([values(*(("population", code, 3) for code in ("59001", "59002", "62001"))), other])
    none = pl.DataFrame(schema=MEASURES)
    measures = value_measures(frame, small_territories, none)
    amounts = dict(measures.select("code", "amount").iter_rows())
    assert (amounts["59001"], amounts["A"], amounts["BM"]) == (3, 6, 9)
    assert value_measures(frame, small_territories, measures).is_empty()


def test_differences_are_published_only_where_both_terms_are(small_territories):
    codes = ("59001", "59002", "62001")
    frame = values(
        *(("active_15_64", code, 10) for code in codes),
        ("unemployed_15_64", "59001", 2),
        ("unemployed_15_64", "59002", "missing"),
        ("unemployed_15_64", "62001", 4),
    )
    measures = value_measures(frame, small_territories, pl.DataFrame(schema=MEASURES))
    employed = measures.filter(pl.col("measure") == "employed_15_64")
    assert {row["code"]: (row["amount"], row["status"]) for row in employed.iter_rows(named=True)} == {
        "59001": (8, "published"),
        "59002": (None, "missing"),
        "62001": (6, "published"),
        "A": (None, "missing"),
        "B": (6, "published"),
        "BM": (None, "missing"),
    }


def test_register_that_lists_what_exists_is_summed_without_the_rest(small_territories):
    frame = values(
        ("social_dwellings", "59001", 5),
        ("social_dwellings", "59002", "not_available"),
        ("social_dwellings", "62001", 2),
        source="sdes_rpls",
    )
    measures = value_measures(frame, small_territories, pl.DataFrame(schema=MEASURES))
    amounts = dict(measures.select("code", "amount").iter_rows())
    assert amounts == {"59001": 5, "59002": None, "62001": 2, "A": 5, "B": 2, "BM": 7}
