"""Text tables: bytes in, cells out, numbers and statuses; small hand-written files."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from observatory.errors import InputError
from observatory.sources.catalogue import Reading
from observatory.sources.reading import prepare, read_cells, read_figures, read_header, read_numbers

MARKS = {"s": "secret", "nd": "not_available", "///": "not_applicable", "": "missing"}


def read(content: bytes, columns: list[str], **reading: object) -> list[tuple[str, ...]]:
    card = Reading(**reading)
    ready = prepare(content, "essai.csv", card)
    header = read_header(ready, "essai.csv", card)
    return read_cells(ready, "essai.csv", card, header, columns).rows()


def refusal(content: bytes, columns: list[str] | None = None, **reading: object) -> InputError:
    with pytest.raises(InputError) as raised:
        read(content, columns or ["a", "b"], **reading)
    assert raised.value.file == "essai.csv"
    assert raised.value.remedy
    return raised.value


def numbers(*cells: str, decimal: str = "point") -> list[tuple[float | None, str | None]]:
    found = read_numbers(pl.Series(cells, dtype=pl.String), MARKS, decimal)
    return list(zip(*found, strict=True))


# Cells


@pytest.mark.parametrize(
    ("content", "reading"),
    [
        (b"a;b\n01001;Ast\xc3\xa9rix\n", {}),
        (b"\xef\xbb\xbfa;b\n01001;Ast\xc3\xa9rix\n", {}),
        (b"a;b\r\n01001;Ast\xc3\xa9rix\r\n", {}),
        (b"a;b\n01001;Ast\xc3\xa9rix", {}),
        (b"a;b\n01001;Ast\xc3\xa9rix\n\n\n", {}),
        (b"a;b\n01001;Ast\xe9rix\n", {"encoding": "latin-1"}),
        # A byte order mark is stronger than the card.
        (b"\xef\xbb\xbfa;b\n01001;Ast\xc3\xa9rix\n", {"encoding": "latin-1"}),
        (b"a,b\n01001,Ast\xc3\xa9rix\n", {"separator": ","}),
        (b"a\tb\n01001\tAst\xc3\xa9rix\n", {"separator": "\t"}),
        (b"# titre\n# note ; suite\na;b\n# au milieu\n01001;Ast\xc3\xa9rix\n", {"comment": "#"}),
        (b"Titre;\nSous-titre;\n\na;b\n01001;Ast\xc3\xa9rix\n", {"header_row": 4}),
        (b"# note\nTitre\na;b\n01001;Ast\xc3\xa9rix\n", {"comment": "#", "header_row": 2}),
        (b'"a";"b"\n"01001";"Ast\xc3\xa9rix"\n', {}),
        (b" a ; b \n01001;Ast\xc3\xa9rix\n", {}),
    ],
)
def test_every_form_gives_the_same_cells(content, reading):
    assert read(content, ["a", "b"], **reading) == [("01001", "Astérix")]


def test_columns_come_in_the_order_asked():
    assert read(b"a;b;c\n1;2;3\n4;5;6\n", ["c", "a"]) == [("3", "1"), ("6", "4")]


def test_quoted_separator_is_part_of_its_cell():
    assert read(b'a;b\n"x;y";1\n', ["a", "b"]) == [("x;y", "1")]


def test_empty_cells_are_empty_texts():
    assert read(b'a;b;c\n1;;\n2;"";x\n', ["b", "c"]) == [("", ""), ("", "x")]


def test_header_without_row_gives_no_row():
    assert read(b"a;b\n", ["a", "b"]) == []


@pytest.mark.parametrize(
    ("content", "reading", "row", "rule"),
    [
        (b"", {}, None, "vide"),
        (b"\xef\xbb\xbf\r\n\r\n", {}, None, "vide"),
        (b"PK\x03\x04\x00\x00", {}, None, "pas du texte"),
        (b"# rien\n# d'autre\n", {"comment": "#"}, None, "noms de colonnes manque"),
        (b"a,b\n1,2\n", {}, 1, "séparateur"),
        (b"<!DOCTYPE html>\n<html></html>\n", {}, 1, "séparateur"),
        (b"a;b\n1;2\n3\n", {}, 3, "1 cellule"),
        (b"# note\na;b\n1;2\n3;4;5\n", {"comment": "#"}, 4, "3 cellule"),
        # One row short and another long: the separators are as many as they should be.
        (b"a;b\n1\n2;3;4\n", {}, 2, "1 cellule"),
        (b"a;b\n1;2\n\n3;4\n", {}, 3, "0 cellule"),
        (b"a;b\n1;2\n3;\xe9t\xe9\n", {}, 3, "encodage"),
        (b"\xe9;b\n1;2\n", {}, 1, "encodage"),
        (b"a;b;a\n1;2;3\n", {}, 1, "plusieurs fois"),
    ],
)
def test_faulty_file_is_refused_where_it_is_wrong(content, reading, row, rule):
    error = refusal(content, **reading)
    assert rule in error.rule
    assert error.row == row


# Numbers


@pytest.mark.parametrize(
    ("decimal", "cell", "value"),
    [
        ("point", "12", 12),
        ("point", " 12 ", 12),
        ("point", " 5.48e-06 ", 5.48e-06),
        ("comma", " 12,5 ", 12.5),
        ("point", "-3.5", -3.5),
        ("point", "5.48e-06", 5.48e-06),
        ("point", "1\u00a0234", 1_234),
        ("point", "12\u202f345\u202f678", 12_345_678),
        ("point", "1\u2009234.5", 1_234.5),
        ("comma", "12", 12),
        ("comma", "12,5", 12.5),
        ("comma", "-14,8", -14.8),
        ("comma", "1\u00a0234,5", 1_234.5),
        ("either", "12,5", 12.5),
        ("either", "12.5", 12.5),
        ("point", "0", 0),
    ],
)
def test_numbers_are_read(decimal, cell, value):
    assert numbers(cell, decimal=decimal) == [(value, "published")]


@pytest.mark.parametrize(
    ("decimal", "cell"),
    [
        ("point", "12,5"),
        # A point could group thousands.
        ("comma", "1.234"),
        ("either", "1.234,5"),
        ("point", "1 234"),
        ("point", "1\u00a023"),
        ("point", "1\u00a02345"),
        ("point", "nan"),
        ("point", "inf"),
        ("point", "1e999"),
        ("point", "9" * 400),
        ("point", "12 hab"),
        ("point", "S"),
        ("point", "ns"),
        ("point", "NULL"),
        ("comma", "1,2,3"),
        ("point", "0x10"),
        ("point", "1_000"),
    ],
)
def test_anything_else_has_no_status(decimal, cell):
    assert numbers(cell, decimal=decimal) == [(None, None)]


def test_marks_take_their_status_and_never_a_value():
    assert numbers("s", "nd", "///", "", " s ", "0") == [
        (None, "secret"),
        (None, "not_available"),
        (None, "not_applicable"),
        (None, "missing"),
        (None, "secret"),
        (0.0, "published"),
    ]


def test_columns_of_one_table_have_marks_of_their_own():
    cells = pl.DataFrame({"a": ["1", " s ", "", "2,5"], "b": [" 3 ", "", "s", "1\u00a0234"]})
    found = read_figures(cells, {"a": {"s": "secret", "": "missing"}, "b": {"": "not_available"}}, "either")
    assert found.numbers.to_dict(as_series=False) == {"a": [1, None, None, 2.5], "b": [3, None, None, 1_234]}
    assert found.absences.rows() == [
        ("a", 1, "secret"),
        ("a", 2, "missing"),
        ("b", 1, "not_available"),
        ("b", 2, None),
    ]


def test_numeric_cells_of_a_typed_file():
    cells = pl.Series([1.5, None, float("nan"), float("inf")])
    assert list(zip(*read_numbers(cells, MARKS), strict=True)) == [
        (1.5, "published"),
        (None, "missing"),
        (None, None),
        (None, None),
    ]
    assert read_numbers(pl.Series([None, 2], dtype=pl.Int64), {})[1].to_list() == [None, "published"]


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1), st.sampled_from("\u00a0\u202f\u2009"))
def test_grouped_thousands_are_the_number_that_python_grouped(integers, space):
    cells = [f"{integer:,}".replace(",", space) for integer in integers]
    assert numbers(*cells) == [(integer, "published") for integer in integers]


@given(st.lists(st.decimals(-(10**6), 10**6, places=3), min_size=1))
def test_decimal_comma_and_point_say_the_same(decimals):
    expected = [(float(one), "published") for one in decimals]
    assert numbers(*map(str, decimals)) == expected
    assert numbers(*(str(one).replace(".", ",") for one in decimals), decimal="comma") == expected
    assert numbers(*map(str, decimals), decimal="either") == expected
