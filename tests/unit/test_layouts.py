"""Layouts and the engine: a hand-written file, its card and its layout in; values, or a refusal, out."""

import zipfile
from pathlib import Path

import polars as pl
import pytest
from pydantic import ValidationError

from observatory.errors import InputError
from observatory.sources.archives import ArchiveError
from observatory.sources.catalogue import DataFile, Source, UnknownSourceError, load_catalogue
from observatory.sources.layouts import (
    LAYOUTS,
    Layout,
    LayoutError,
    expected_columns,
    get_layout,
    load_layouts,
)
from observatory.sources.values import parse_values, parse_whole, read_labels, read_values
from observatory.tables import VALUES

LAYOUT = {
    "id": "essai",
    "level": "commune",
    "key": {"columns": ["CODGEO"]},
    "variables": [
        {
            "name": "population",
            "column": "P{census}_POP",
            "year": "20{census}",
            "unit": "habitants",
            "label": "Population",
            "additive": True,
        },
        {
            "name": "poverty_rate",
            "column": "TP60{income}",
            "year": "20{income}",
            "unit": "%",
            "label": "Taux de pauvreté",
            "additive": False,
            "group": "income",
        },
    ],
}
FILE = {
    "kind": "csv",
    "layout": "essai",
    "marks": {"default": {"": "missing", "///": "not_applicable"}, "income": {"": "secret", "nd": "missing"}},
    "tokens": {"census": "22", "income": "21"},
    "cog": 2025,
    "coverage": "essai",
}
GOOD = "CODGEO;P22_POP;TP6021\n59002;4160;21.5\n01001;0;\n2A004;;nd\n"


def source(**changes: object) -> Source:
    return Source.model_validate(
        {
            "id": "essai",
            "title": "Essai",
            "producer": "Essai",
            "citation": "Essai",
            "licence": "Essai",
            "page": "https://exemple.fr/page",
            "vintages": {"2022": {"retrieved": "2026-11-22", "file": FILE | changes}},
        }
    )


def values(path: Path, text: str = GOOD, keep=None, layout: dict | None = None, **changes) -> pl.DataFrame:
    file = path / "essai.csv"
    file.write_text(text, encoding="utf-8")
    return parse_values(file, source(**changes), "2022", Layout.model_validate(LAYOUT | (layout or {})), keep)


def cells(frame: pl.DataFrame) -> dict[tuple[str, str], tuple[float | None, str]]:
    columns = frame.select("code", "variable", "value", "status")
    return {(code, variable): (value, status) for code, variable, value, status in columns.iter_rows()}


def refused(path: Path, text: str = GOOD, **changes) -> InputError:
    with pytest.raises(InputError) as raised:
        values(path, text, **changes)
    assert raised.value.file == "essai.csv"
    return raised.value


# Values


def test_values_keep_their_contract(tmp_path):
    found = values(tmp_path)
    assert found.schema == pl.Schema(VALUES.polars_schema)
    assert cells(found) == {
        ("59002", "population"): (4160, "published"),
        ("59002", "poverty_rate"): (21.5, "published"),
        # A zero is a zero, and the same empty cell is missing or secret by its column.
        ("01001", "population"): (0, "published"),
        ("01001", "poverty_rate"): (None, "secret"),
        ("2A004", "population"): (None, "missing"),
        ("2A004", "poverty_rate"): (None, "missing"),
    }
    assert dict(found.select("variable", "vintage").unique().iter_rows()) == {
        "population": 2022,
        "poverty_rate": 2021,
    }
    assert set(found["geography_vintage"]) == {2025}
    assert set(found["file_id"]) == {"essai:2022:data"}
    assert set(found["level"]) == {"commune"}


def test_whole_file_is_numbers_and_the_reason_of_each_absence(tmp_path):
    path = tmp_path / "essai.csv"
    path.write_text(GOOD + "75101;5;6\n97101;1;\n", encoding="utf-8")
    card = source(not_covered={"income": ["971"]})
    whole = parse_whole(path, card, "2022", Layout.model_validate(LAYOUT))
    # Sorted by code, a municipal district left out.
    assert whole.numbers.to_dict(as_series=False) == {
        "code": ["01001", "2A004", "59002", "97101"],
        "population_2022": [0, None, 4160, 1],
        "poverty_rate_2021": [None, None, 21.5, None],
    }
    assert sorted(whole.absences.rows()) == [
        ("01001", "poverty_rate_2021", "secret"),
        ("2A004", "population_2022", "missing"),
        ("2A004", "poverty_rate_2021", "missing"),
        ("97101", "poverty_rate_2021", "not_available"),
    ]


def test_only_the_territories_asked_are_kept_but_the_whole_file_is_checked(tmp_path):
    assert set(values(tmp_path, keep={"59002", "62498"})["code"]) == {"59002"}
    with pytest.raises(InputError, match="quatre"):
        values(tmp_path, GOOD + "62498;quatre;1\n", keep={"59002"})


def test_absent_territory_takes_the_status_of_the_card(tmp_path):
    found = cells(values(tmp_path, keep={"59002", "62498"}, absent="not_available"))
    assert found["62498", "population"] == found["62498", "poverty_rate"] == (None, "not_available")
    assert found["59002", "population"] == (4160, "published")
    assert len(found) == 4


def test_territory_that_the_producer_does_not_cover_is_not_secret(tmp_path):
    text = GOOD + "97101;5;\n97201;6;\n97102;7;12\n"
    found = cells(values(tmp_path, text, not_covered={"income": ["971"]}))
    assert found["97101", "poverty_rate"] == (None, "not_available")
    assert found["97201", "poverty_rate"] == (None, "secret")
    assert found["97102", "poverty_rate"] == (12, "published")


def test_municipal_districts_are_left_out(tmp_path):
    text = GOOD + "".join(f"{code};1;1\n" for code in ("75056", "75101", "75120", "13201", "69381", "69389"))
    assert set(values(tmp_path, text)["code"]) == {"59002", "01001", "2A004", "75056"}


LYON = tuple(str(69_380 + number) for number in range(1, 10))


def test_districts_alone_make_their_commune(tmp_path):
    """As in the register of social dwellings, which has Lyon by its nine districts only."""
    found = values(tmp_path, GOOD + "".join(f"{code};{code[-1]};20\n" for code in LYON))
    assert set(found["code"]) == {"59002", "01001", "2A004", "69123"}
    assert cells(found)["69123", "population"] == (45, "published")
    # No rate is made of nine.
    assert cells(found)["69123", "poverty_rate"] == (None, "not_available")


def test_a_district_without_its_count_leaves_the_commune_without(tmp_path):
    text = "".join(f"{code};{'' if code == '69385' else 1};20\n" for code in LYON)
    assert cells(values(tmp_path, GOOD + text))["69123", "population"] == (None, "missing")


def test_some_of_the_districts_make_no_commune(tmp_path):
    text = "".join(f"{code};1;20\n" for code in LYON[1:])
    assert "69123" not in set(values(tmp_path, GOOD + text)["code"])


def test_code_is_built_from_department_and_commune(tmp_path):
    text = "dép.;com.;P22_POP;TP6021\n59;002;1;1\n2A;4;2;2\n971;101;3;3\n1;1;4;4\n"
    key = {"key": {"columns": ["dép.", "com."], "build": "department_commune"}}
    good = text.removesuffix("1;1;4;4\n")
    assert set(values(tmp_path, good, layout=key)["code"]) == {"59002", "2A004", "97101"}
    assert refused(tmp_path, text, layout=key).row == 5


def test_token_of_several_texts_gives_one_year_each(tmp_path):
    found = values(
        tmp_path,
        "CODGEO;P19_POP;P20_POP;TP6021\n59002;10;11;5\n",
        tokens={"census": ["19", "20"], "income": "21"},
    )
    rows = found.filter(pl.col("variable") == "population").select("vintage", "value").rows()
    assert rows == [(2019, 10), (2020, 11)]


def test_column_that_a_vintage_lacks_is_declared_and_guarded(tmp_path):
    text = "CODGEO;P22_POP\n59002;1\n"
    assert set(values(tmp_path, text, without=["poverty_rate"])["variable"]) == {"population"}
    error = refused(tmp_path, without=["poverty_rate"])
    assert error.column == "TP6021"
    assert "without" in error.remedy


def test_correction_of_codes_is_declared_and_guarded(tmp_path):
    twice = {"pattern": r"^97\d(\d{3})$", "replacement": "97${1}", "reason": "chiffre doublé"}
    text = GOOD + "971101;1;1\n"
    assert refused(tmp_path, text).value == "971101"
    assert "97101" in set(values(tmp_path, text, code_corrections=[twice])["code"])
    error = refused(tmp_path, code_corrections=[twice])
    assert "ne s’applique plus" in error.rule and "chiffre doublé" in error.rule


def test_iris_are_kept_by_the_code_of_their_commune(tmp_path):
    text = "CODGEO;P22_POP;TP6021\n590020101;1;1\n590020102;2;2\n624980101;3;3\n751010101;4;4\n"
    iris = {"level": "iris"}
    assert set(values(tmp_path, text, {"59002"}, iris)["code"]) == {"590020101", "590020102"}
    # The IRIS of a municipal district stand nowhere else.
    assert "751010101" in set(values(tmp_path, text, layout=iris)["code"])
    with pytest.raises(LayoutError, match="absent"):
        values(tmp_path, text, {"59002"}, iris, absent="not_available")


# Long tables


LONG = {
    "type_column": "TYPEQU",
    "variables": [
        {
            "name": name,
            "column": "NB",
            "unit": "équipements",
            "label": name,
            "additive": True,
            "types": types,
        }
        for name, types in (("schools", ["C101", "C104"]), ("health", ["D*"]), ("all", ["*"]))
    ],
}
LONG_TEXT = (
    "CODGEO;IRIS;TYPEQU;NB\n59002;0101;C101;1.0\n59002;0102;C101;2.0\n59002;0101;C104;1\n01001;;D201;4\n"
)


def test_long_table_is_summed_by_territory_and_type(tmp_path):
    assert cells(values(tmp_path, LONG_TEXT, layout=LONG)) == {
        ("59002", "schools"): (4, "published"),
        ("59002", "health"): (0, "published"),
        ("59002", "all"): (4, "published"),
        ("01001", "schools"): (0, "published"),
        ("01001", "health"): (4, "published"),
        ("01001", "all"): (4, "published"),
    }


def test_type_that_no_row_has_is_refused(tmp_path):
    error = refused(tmp_path, LONG_TEXT.replace("D201", "E101"), layout=LONG)
    assert "« D* »".replace(" ", "\u202f") in error.rule


@pytest.mark.parametrize("cell", ["", "///", "x"])
def test_long_table_sums_no_cell_without_number(tmp_path, cell):
    error = refused(tmp_path, LONG_TEXT.replace("2.0", cell), layout=LONG)
    assert (error.row, error.column, error.value) == (3, "NB", cell)


# Refusals


@pytest.mark.parametrize(
    ("text", "row", "column", "value"),
    [
        (GOOD.replace("4160", "4160 hab"), 2, "P22_POP", "4160 hab"),
        (GOOD.replace("4160", "4160,5"), 2, "P22_POP", "4160,5"),
        (GOOD.replace("01001;0", "01001;s"), 3, "P22_POP", "s"),
        (GOOD.replace("01001", "1001"), 3, "CODGEO", "1001"),
        (GOOD.replace("01001", "FRANCE"), 3, "CODGEO", "FRANCE"),
        (GOOD.replace("01001", ""), 3, "CODGEO", ""),
        (GOOD.replace("2A004", "59002"), 4, "CODGEO", "59002"),
        (GOOD.replace("2A004", "590020101"), 4, "CODGEO", "590020101"),
        ("\n".join(["# note", GOOD.replace("4160", "x")]), 3, "P22_POP", "x"),
    ],
)
def test_refusal_names_row_column_and_value(tmp_path, text, row, column, value):
    error = refused(tmp_path, text, reading={"comment": "#"})
    assert (error.row, error.column, error.value) == (row, column, value)
    assert error.rule and error.remedy


def test_refusal_lists_the_marks_that_are_known(tmp_path):
    error = refused(tmp_path, GOOD.replace("21.5", "ns"))
    assert all(mark in error.rule for mark in ("cellule vide", "///", "nd"))


def test_renamed_column_is_named_with_its_variable_and_the_closest_names(tmp_path):
    error = refused(tmp_path, GOOD.replace("P22_POP", "P22_POPU"))
    assert error.column == "P22_POP"
    assert "population" in error.rule and "P22_POPU" in error.rule
    assert "layouts.yaml" in error.remedy and "catalogue.yaml" in error.remedy
    assert "aucun" in refused(tmp_path, "X;Y\n1;2\n").rule


def test_shortened_file_is_refused(tmp_path):
    assert len(cells(values(tmp_path, rows=3))) == 6
    assert "3 ligne(s), moins que les 4" in refused(tmp_path, rows=4).rule


def test_empty_file_is_refused(tmp_path):
    assert "vide" in refused(tmp_path, "").rule


def test_header_alone_is_refused(tmp_path):
    assert "0 ligne" in refused(tmp_path, "CODGEO;P22_POP;TP6021\n").rule


def test_messages_are_typeset(tmp_path):
    texts = [
        refused(tmp_path, GOOD.replace("4160", "x")),
        refused(tmp_path, GOOD.replace("P22_POP", "P")),
        refused(tmp_path, GOOD.replace("2A004", "59002")),
        refused(tmp_path, rows=9),
        refused(tmp_path, without=["poverty_rate"]),
    ]
    for error in texts:
        assert not any(mark in error.rule + error.remedy for mark in (" :", " ;", "« ", " »", "'"))


# Archives and typed files


def archive(path: Path, **members: str) -> Path:
    file = path / "essai.zip"
    with zipfile.ZipFile(file, "w") as target:
        for name, text in members.items():
            target.writestr(f"{name}.CSV", text)
    return file


def test_member_of_an_archive_is_read(tmp_path):
    card = source(kind="zip", member="data.csv")
    found = parse_values(archive(tmp_path, data=GOOD, meta="x"), card, "2022", Layout.model_validate(LAYOUT))
    assert len(found) == 6


def test_wrong_member_is_refused_with_those_there_are(tmp_path):
    card = source(kind="zip", member="autre.csv")
    with pytest.raises(ArchiveError, match=r"data\.CSV"):
        parse_values(archive(tmp_path, data=GOOD), card, "2022", Layout.model_validate(LAYOUT))


def test_fault_in_a_member_names_archive_and_member(tmp_path):
    card = source(kind="zip", member="data.csv")
    with pytest.raises(InputError) as raised:
        parse_values(
            archive(tmp_path, data=GOOD.replace("4160", "x")), card, "2022", Layout.model_validate(LAYOUT)
        )
    assert raised.value.file == "essai.zip › data.csv"


def test_typed_file_is_read_alike(tmp_path):
    path = tmp_path / "essai.parquet"
    frame = pl.DataFrame({"CODGEO": ["59002", "01001"], "P22_POP": [4160, 0], "TP6021": [21.5, None]})
    frame.write_parquet(path)
    layout = Layout.model_validate(LAYOUT)
    assert cells(parse_values(path, source(kind="parquet"), "2022", layout))["01001", "poverty_rate"] == (
        None,
        "secret",
    )
    frame.with_columns(TP6021=pl.Series([1.0, float("nan")])).write_parquet(path)
    with pytest.raises(InputError, match="TP6021"):
        parse_values(path, source(kind="parquet"), "2022", layout)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match="illisible"):
        parse_values(path, source(kind="parquet"), "2022", layout)


# Models


@pytest.mark.parametrize(
    "change",
    [
        {"level": "canton"},
        {"key": {"columns": ["a", "b"]}},
        {"key": {"columns": ["a"], "build": "department_commune"}},
        {"variables": []},
        {"type_column": "TYPEQU"},
        {"couleur": "rouge"},
    ],
)
def test_layout_that_breaks_the_model_is_refused(change):
    with pytest.raises(ValidationError):
        Layout.model_validate(LAYOUT | change)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "zip"},
        {"member": "x.csv"},
        {"marks": {"default": {"s": "hidden"}}},
        {"marks": {"default": {"s": "published"}}},
        {"sha256": "x"},
        {"cog": None},
        {"layout": None},
        {"reading": {"separator": ";;"}},
        {"reading": {"encoding": "utf-16"}},
    ],
)
def test_card_that_breaks_the_model_is_refused(change):
    with pytest.raises(ValidationError):
        DataFile.model_validate(FILE | change)


def test_vintage_has_members_or_a_file():
    card = source().model_dump()
    card["vintages"]["2022"]["members"] = {"data": "x.csv"}
    with pytest.raises(ValidationError, match="soit des membres, soit un fichier"):
        Source.model_validate(card)


def test_unknown_vintage_and_source_without_file_are_refused():
    with pytest.raises(UnknownSourceError, match="2022"):
        source().data_file("2023")
    with pytest.raises(UnknownSourceError, match="aucun"):
        load_catalogue()["angdm"].data_file("2024")


def test_origin_of_a_file_is_the_most_precise_address():
    url, upstream = "https://exemple.fr/f.csv", "https://exemple.fr/f.xls"
    original = {"kind": "xlsx", "url": upstream}
    assert source(url=url, original=original).url("2022") == url
    assert source(original=original).url("2022") == upstream
    assert source().url("2022") == "https://exemple.fr/page"


def test_layout_and_card_must_fit():
    layout = Layout.model_validate(LAYOUT)
    with pytest.raises(LayoutError, match="census"):
        expected_columns(layout, source(tokens={"income": "21"}).data_file("2022"), "2022")
    with pytest.raises(LayoutError, match="salaries"):
        expected_columns(layout, source(without=["salaries"]).data_file("2022"), "2022")
    with pytest.raises(LayoutError, match="deux fois « population_2022 »"):
        expected_columns(
            layout, source(tokens={"census": ["22", "22"], "income": "21"}).data_file("2022"), "2022"
        )
    with pytest.raises(LayoutError, match="nulle_part"):
        get_layout("nulle_part")


def test_layout_that_stands_twice_is_refused(tmp_path):
    text = LAYOUTS.read_text(encoding="utf-8")
    path = tmp_path / "layouts.yaml"
    path.write_text(text + "\n" + text, encoding="utf-8")
    with pytest.raises(LayoutError, match="deux fois"):
        load_layouts(path)


# The catalogue and the layouts as shipped


FILES = [
    (one.id, vintage)
    for one in load_catalogue().values()
    for vintage, card in one.vintages.items()
    if card.file is not None and card.file.layout in load_layouts()
]


@pytest.mark.parametrize(("source_id", "vintage"), FILES)
def test_every_card_fits_its_layout(source_id, vintage):
    file = load_catalogue()[source_id].data_file(vintage)
    layout = get_layout(file.layout)
    columns = expected_columns(layout, file, vintage)
    if layout.type_column is None:
        assert len({column.name for column in columns}) == len(columns)
    assert len({(column.variable.name, column.year) for column in columns}) == len(columns)
    assert all(1960 < column.year < 2030 for column in columns)
    groups = {column.variable.group for column in columns} | {"default"}
    assert set(file.marks) | set(file.not_covered) <= groups


def test_every_layout_is_used_and_says_what_its_figures_are():
    used = {load_catalogue()[one].data_file(vintage).layout for one, vintage in FILES}
    assert used == set(load_layouts())
    units: dict[str, set[tuple[str, bool]]] = {}
    for layout in load_layouts().values():
        for one in layout.variables:
            assert one.unit and one.label and one.label[0].isupper()
            units.setdefault(one.name, set()).add((one.unit, one.additive))
    # The same name means the same thing in every source.
    assert all(len(found) == 1 for found in units.values()), units


def test_rates_and_medians_are_not_additive():
    for layout in load_layouts().values():
        for one in layout.variables:
            if one.unit in {"%", "euros", "ratio"}:
                assert not one.additive, one.name


def test_reading_through_the_catalogue_needs_a_known_source(tmp_path):
    with pytest.raises(UnknownSourceError):
        read_values(tmp_path / "x.csv", "insee_nulle_part", "2018")
    with pytest.raises(LayoutError, match="son propre analyseur"):
        read_values(tmp_path / "x.csv", "insee_mortalite", "1977-2019")
    (tmp_path / "x.csv").write_text("CODGEO;P22_POP\n")
    with pytest.raises(InputError, match="dictionnaire"):
        read_labels(tmp_path / "x.csv", "insee_comparateur", "2022")


def test_labels_are_read_once_per_column(tmp_path):
    path = tmp_path / "meta.csv"
    head = "COD_VAR;LIB_VAR;LIB_VAR_LONG;COD_MOD;LIB_MOD\n"
    path.write_text(
        head
        + "P17_POP;Population;Population en 2017;;\nCODGEO;Code;Code;01001;A\nCODGEO;Code;Code;01002;B\n",
        encoding="utf-8",
    )
    assert read_labels(path, "insee_comparateur", "2017").rows() == [
        ("P17_POP", "Population", "Population en 2017"),
        ("CODGEO", "Code", "Code"),
    ]
    path.write_text("COD_VAR;LIB\nX;Y\n", encoding="utf-8")
    with pytest.raises(InputError, match="LIB_VAR"):
        read_labels(path, "insee_comparateur", "2017")
