"""Figures of a whole file: hand-written frames in, rows of ``core.values`` out."""

from dataclasses import replace

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from observatory.sources.layouts import Column, Variable
from observatory.sources.territory_figures import ABSENCES, TerritoryFigures

ABSENT = ("secret", "missing", "not_applicable", "not_available")


def column(name: str, year: int) -> Column:
    return Column(Variable(name=name, column="X", unit="habitants", label="X", additive=True), "X", year)


def whole(numbers: dict, absences: list[tuple[str, str, str]], **changes: object) -> TerritoryFigures:
    return replace(
        TerritoryFigures(
            source="essai",
            file_id="essai:2022:data",
            level="commune",
            geography_vintage=2025,
            absent=None,
            columns=(column("births", 2022), column("population", 2016), column("population", 2022)),
            numbers=pl.DataFrame(
                numbers, schema_overrides={name: pl.Float64 for name in numbers if name != "code"}
            ),
            absences=pl.DataFrame(absences, schema=ABSENCES, orient="row"),
        ),
        **changes,
    )


SMALL = whole(
    {
        "code": ["01001", "2A004", "59002"],
        "births_2022": [0, None, 41],
        "population_2016": [750, 68_000, None],
        "population_2022": [771, None, 4_160],
    },
    [
        ("2A004", "births_2022", "secret"),
        ("59002", "population_2016", "missing"),
        ("2A004", "population_2022", "not_available"),
    ],
)


def test_each_figure_is_a_row_with_its_year_and_the_reason_of_its_absence():
    found = SMALL.rows()
    assert found.select("variable", "vintage", "code", "value", "status").rows() == [
        ("births", 2022, "01001", 0, "published"),
        ("births", 2022, "2A004", None, "secret"),
        ("births", 2022, "59002", 41, "published"),
        ("population", 2016, "01001", 750, "published"),
        ("population", 2016, "2A004", 68_000, "published"),
        ("population", 2016, "59002", None, "missing"),
        ("population", 2022, "01001", 771, "published"),
        ("population", 2022, "2A004", None, "not_available"),
        ("population", 2022, "59002", 4_160, "published"),
    ]
    constants = found.select("source", "level", "geography_vintage", "file_id").unique().rows()
    assert constants == [("essai", "commune", 2025, "essai:2022:data")]


def test_communes_asked_are_kept_and_those_not_listed_are_left_out():
    assert SMALL.rows({"59002", "62498"}).equals(SMALL.rows().filter(code="59002"))
    assert SMALL.rows(set()).is_empty()


def test_commune_not_listed_takes_the_status_of_the_card():
    found = replace(SMALL, absent="not_available").rows(["62498", "59002", "62498"])
    assert found.filter(code="59002").equals(SMALL.rows(["59002"]))
    assert found.filter(code="62498").select("variable", "vintage", "value", "status").rows() == [
        ("births", 2022, None, "not_available"),
        ("population", 2016, None, "not_available"),
        ("population", 2022, None, "not_available"),
    ]


def test_iris_are_kept_with_their_commune():
    iris = whole(
        {
            "code": ["590020101", "590020102", "624980101"],
            "births_2022": [1, None, 3],
            "population_2016": [1, 2, 3],
            "population_2022": [1, 2, 3],
        },
        [("590020102", "births_2022", "secret")],
        level="iris",
    )
    found = iris.rows({"59002"})
    assert set(found["code"]) == {"590020101", "590020102"}
    assert found.filter(status="secret").select("code", "variable").rows() == [("590020102", "births")]


@given(
    st.dictionaries(
        st.sampled_from([f"59{number:03d}" for number in range(1, 30)]),
        st.tuples(*[st.one_of(st.integers(-5, 5), st.sampled_from(ABSENT))] * 3),
        min_size=1,
    )
)
def test_every_cell_keeps_its_number_or_its_status(territories):
    figures = ("births_2022", "population_2016", "population_2022")
    codes = sorted(territories)
    cells = {figure: [territories[code][rank] for code in codes] for rank, figure in enumerate(figures)}
    absences = [
        (code, figure, cell)
        for figure, of_one in cells.items()
        for code, cell in zip(codes, of_one, strict=True)
        if isinstance(cell, str)
    ]
    numbers = {
        figure: [None if isinstance(cell, str) else cell for cell in of_one]
        for figure, of_one in cells.items()
    }
    found = whole({"code": codes, **numbers}, absences).rows()
    seen = {
        (code, f"{variable}_{year}"): (value, status)
        for code, variable, year, value, status in found.select(
            "code", "variable", "vintage", "value", "status"
        ).iter_rows()
    }
    assert seen == {
        (code, figure): (None, cell) if isinstance(cell, str) else (cell, "published")
        for figure, of_one in cells.items()
        for code, cell in zip(codes, of_one, strict=True)
    }
