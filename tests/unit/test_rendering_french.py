from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observatory.errors import ObservatoryError
from observatory.rendering import french, wording
from observatory.tables import DEFINITIONS, LEVELS, STATUSES


@pytest.mark.parametrize(
    ("value", "decimals", "written"),
    [
        (0.0, 0, "0"),
        (0.0, 1, "0,0"),
        (1214409, 0, "1\u202f214\u202f409"),
        (-0.378665, 1, "\u22120,4"),
        (-0.04, 1, "0,0"),
        (0.125, 2, "0,13"),
        (999.5, 0, "1\u202f000"),
        (-1234.5, 1, "\u22121\u202f234,5"),
    ],
)
def test_numbers_are_written_in_french(value: float, decimals: int, written: str) -> None:
    assert french.number(value, decimals) == written


@given(st.floats(min_value=-1e12, max_value=1e12, allow_nan=False), st.integers(min_value=0, max_value=4))
def test_a_written_number_reads_back_as_the_rounded_value(value: float, decimals: int) -> None:
    written = french.number(value, decimals)
    read = Decimal(written.replace("\u202f", "").replace("\u2212", "-").replace(",", "."))
    expected = Decimal(repr(value)).quantize(Decimal(10) ** -decimals, ROUND_HALF_UP)
    assert read == expected
    assert set(written) <= set("0123456789,\u202f\u2212")
    groups = written.lstrip("\u2212").partition(",")[0].split("\u202f")
    assert 1 <= len(groups[0]) <= 3
    assert all(len(group) == 3 for group in groups[1:])


def test_a_quantity_never_breaks() -> None:
    assert french.quantity(1234.56, 1, "pour 100 jeunes") == "1\u202f234,6\u00a0pour\u00a0100\u00a0jeunes"


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("Béthune", "de Béthune"),
        ("Aniche", "d’Aniche"),
        ("Écaillon", "d’Écaillon"),
        ("Œuf-en-Ternois", "d’Œuf-en-Ternois"),
        ("Hénin-Beaumont", "d’Hénin-Beaumont"),
        ("Harnes", "de Harnes"),
        ("Ham-en-Artois", "de Ham-en-Artois"),
        ("La Sentinelle", "de La Sentinelle"),
        ("Le Quesnoy", "du Quesnoy"),
        ("Les Baudets", "des Baudets"),
    ],
)
def test_prepositions_elide_and_contract(name: str, of: str) -> None:
    assert french.of(name) == of


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("Béthune", ["Béthune"]),
        ("Cœur d’Ostrevent", ["Cœur", "d’Ostrevent"]),
        ("Béthune-Bruay, Artois-Lys Romane", ["Béthune-Bruay,", "Artois-Lys Romane"]),
        ("Noyelles-sous-Lens", ["Noyelles-sous-Lens"]),
    ],
)
def test_long_names_break_in_two(name: str, lines: list[str]) -> None:
    assert french.two_lines(name, 12) == lines


def test_small_words() -> None:
    assert [french.plural(count, "cité", "cités") for count in (0, 1, 2)] == [
        "0\u00a0cité",
        "1\u00a0cité",
        "2\u00a0cités",
    ]
    assert [french.ordinal(rank) for rank in (1, 2, 287)] == ["1er", "2e", "287e"]
    assert french.long_date(date(2024, 8, 1)) == "1er août 2024"
    assert sorted(["Zoé", "Écaillon", "Œuf", "Noyelles"], key=french.fold) == [
        "Écaillon",
        "Noyelles",
        "Œuf",
        "Zoé",
    ]


def test_every_value_of_the_contracts_has_its_words() -> None:
    assert set(wording.STATUSES) == set(STATUSES)
    assert len({status.short for status in wording.STATUSES.values()}) == 5
    assert set(wording.LEVELS) == set(LEVELS)
    values = {column.name: set(column.values or ()) for column in DEFINITIONS.columns}
    assert set(wording.POLARITIES) == values["polarity"]
    assert set(wording.COMPARISONS) == values["comparison"]
    assert set(wording.AGGREGATIONS) == values["aggregation"]


def test_prose_typed_on_a_keyboard_is_typeset_once() -> None:
    typed = "Deux dates : « avant » et «après» ; 10:30, pkg:npm. Vrai ?"
    expected = (
        typed.replace(" :", "_:").replace("« ", "«_").replace(" »", "_»").replace("«après»", "«_après»")
    )
    expected = expected.replace(" ;", "_;").replace(" ?", "_?").replace("_", "\u202f")
    assert french.typeset(typed) == expected
    assert french.typeset(expected) == expected
    row = french.typeset_row({"a": "x : y", "b": None, "c": "x : y"}, "a", "b")
    assert row == {"a": "x\u202f: y", "b": None, "c": "x : y"}


def test_an_unknown_code_is_an_error() -> None:
    with pytest.raises(ObservatoryError, match="ne sait pas écrire la valeur «\u202fautre\u202f»"):
        wording.word(wording.PROGRAMMES, "autre")


@pytest.mark.parametrize(
    ("part", "written"),
    [
        (0.0, "0"),
        (0.0004, "0"),
        (0.001, "moins de 1"),
        (0.005, "1"),
        (0.853, "85"),
        (0.9949, "99"),
        (0.996, "plus de 99"),
        (0.9999, "100"),
        (1.0, "100"),
    ],
)
def test_shares_say_nearly_nothing_and_nearly_all(part: float, written: str) -> None:
    assert french.share(part) == f"{written}\u00a0%"


@pytest.mark.parametrize(
    ("part", "written"),
    [(0.0, "0,0"), (0.000164, "moins de 0,1"), (0.0005, "0,1"), (0.0121, "1,2"), (0.9997, "plus de 99,9")],
)
def test_shares_written_to_a_decimal(part: float, written: str) -> None:
    assert french.share(part, 1) == f"{written}\u00a0%"


def test_prose_typed_on_a_keyboard_keeps_figures_and_their_sign_together() -> None:
    typed = "plus de 15 % : « 3 € » ; 100 % ! En 2022 287 communes, 1 000 habitants"
    assert french.typeset(typed) == (
        "plus de 15\u00a0%\u202f: «\u202f3\u00a0€\u202f»\u202f; 100\u00a0%\u202f! "
        "En 2022 287 communes, 1\u202f000 habitants"
    )
