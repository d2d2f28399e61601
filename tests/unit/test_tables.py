import re
from typing import get_args

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from observatory.errors import ObservatoryError
from observatory.indicators.catalogue import Level
from observatory.tables import (
    LEVELS,
    OBSERVATIONS,
    STATUSES,
    TABLES,
    TERRITORIES,
    Column,
    ContractError,
    Table,
)

SMALL = Table(
    "core",
    "small",
    "Une petite table.",
    ("code", "year"),
    (
        Column("code", pl.String, "code"),
        Column("year", pl.Int32, "année"),
        Column("count", pl.Int64, "effectif", nullable=True),
        Column("names", pl.List(pl.String), "noms"),
    ),
)
SECRET = Table(
    "confidential",
    "small",
    "La même, confidentielle.",
    ("code",),
    (Column("code", pl.String, "code"), Column("count", pl.Int64, "effectif", nullable=True)),
    confidential=True,
)
GOOD = {"code": ["b", "a"], "year": [2022, 2021], "count": [1, None], "names": [["x"], []]}


def conform(table=SMALL, **changes):
    return table.conform(pl.DataFrame(GOOD | changes))


def refused(table=SMALL, **changes):
    with pytest.raises(ContractError) as raised:
        conform(table, **changes)
    return str(raised.value)


def test_frame_gets_the_order_of_the_contract_and_of_the_key():
    shuffled = pl.DataFrame(GOOD).select("names", "count", "year", "code")
    frame = SMALL.conform(shuffled)
    assert frame.schema == pl.Schema(SMALL.polars_schema)
    assert frame.rows() == [("a", 2021, None, []), ("b", 2022, 1, ["x"])]


def test_frame_that_conforms_is_left_as_it_is():
    frame = conform()
    assert SMALL.conform(frame).equals(frame)


@given(st.permutations(range(4)))
def test_order_of_the_rows_does_not_matter(order):
    frame = pl.DataFrame({"code": list("abcd"), "count": [1, 2, 3, 4]})
    assert SECRET.conform(frame[list(order)]).equals(SECRET.conform(frame))


def test_missing_and_unexpected_columns_are_named():
    message = refused(yeer=[1, 2])
    assert "core.small" in message
    assert "manquantes []" in message
    assert "inattendues ['yeer']" in message
    with pytest.raises(ContractError, match=r"manquantes \['names'\], inattendues \[\]"):
        SMALL.conform(pl.DataFrame(GOOD).drop("names"))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("count", ["douze", "treize"]),
        ("count", [[1], [2]]),
        ("count", [{"n": 1}, {"n": 2}]),
        ("count", [object(), object()]),
        ("count", [1e30, 2.0]),
        ("year", [10**12, 2021]),
        ("names", ["x", "y"]),
    ],
)
def test_column_that_cannot_take_its_type_is_named_with_the_type_it_has(column, values):
    message = refused(**{column: values})
    assert "core.small" in message
    assert f"'{column}'" in message
    assert "douze" not in message


def test_count_with_decimals_is_not_cut_short():
    assert "Float64" in refused(count=[1.5, None])
    assert "Float64" in refused(count=[float("nan"), None])
    assert conform(count=[2.0, None])["count"].to_list() == [None, 2]


def test_null_where_none_may_be_is_counted():
    message = refused(year=[2022, None])
    assert "1 valeur(s) absente(s) dans «\u202fyear\u202f»" in message


def test_null_is_kept_where_it_may_be():
    assert conform(count=[None, None])["count"].null_count() == 2


def test_key_must_be_unique_as_a_whole():
    assert "['code', 'year']" in refused(code=["a", "a"], year=[2021, 2021])
    assert conform(code=["a", "a"]).height == 2


@pytest.mark.parametrize("values", [["12", "secret"], [7.25, 8.5]])
def test_refusal_of_a_confidential_table_quotes_no_cell(values):
    with pytest.raises(ContractError) as raised:
        SECRET.conform(pl.DataFrame({"code": ["p1", "p2"], "count": values}))
    chain, error = "", raised.value
    while error is not None:
        chain, error = chain + str(error), error.__cause__ or error.__context__
    assert not re.search(r"secret|p1|7\.25|12", chain.replace("confidential", ""))


def test_refusal_is_an_error_of_the_observatory_in_french():
    assert issubclass(ContractError, ObservatoryError)
    for message in (refused(more=[1, 2]), refused(count=["x", "y"]), refused(year=[None, 1])):
        assert message.startswith("La table core.small a") or "n’a pas" in message
        assert not re.search(r" [:;!?»]|« ", message)


# The contracts themselves


@pytest.mark.parametrize("name", TABLES)
def test_contract_is_whole(name):
    table = TABLES[name]
    names = [column.name for column in table.columns]
    assert table.qualified_name == name
    assert len(set(names)) == len(names)
    assert set(table.key) <= set(names)
    assert table.description and all(column.description for column in table.columns)
    assert not any(column.nullable for column in table.columns if column.name in table.key)
    assert table.confidential == (table.schema == "confidential")
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)


@pytest.mark.parametrize("name", TABLES)
def test_empty_frame_keeps_every_contract(name):
    table = TABLES[name]
    frame = table.conform(pl.DataFrame(schema=table.polars_schema))
    assert frame.is_empty()
    assert frame.schema == pl.Schema(table.polars_schema)


def test_levels_and_statuses_are_those_promised():
    assert set(LEVELS) == {"iris", "cite", "commune", "epci", "basin", "department", "region", "country"}
    assert set(get_args(Level)) == set(LEVELS)
    assert set(STATUSES) == {"published", "secret", "missing", "not_applicable", "not_available"}


def test_columns_that_others_query_are_those_promised():
    assert list(OBSERVATIONS.polars_schema) == [
        "territory_level",
        "territory_code",
        "indicator",
        "vintage",
        "value",
        "numerator",
        "denominator",
        "unit",
        "status",
        "perimeter",
        "perimeter_vintage",
        "geography_vintage",
        "file_ids",
    ]
    assert list(TERRITORIES.polars_schema) == [
        "perimeter",
        "perimeter_vintage",
        "geography_vintage",
        "level",
        "code",
        "name",
        "parents",
    ]
    assert {"file_id", "source", "vintage", "sha256", "url", "licence", "fetched_at"} <= set(
        TABLES["core.files"].polars_schema
    )
    assert {
        "indicator",
        "label",
        "theme",
        "formula",
        "unit",
        "polarity",
        "comparison",
        "sources",
        "aggregation",
        "comparability",
    } <= set(TABLES["indicators.definitions"].polars_schema)
