"""Contracts of dropped files: what is read, what each mark says, what is refused and how."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from observatory.errors import InputError
from observatory.sources.landing_contracts import (
    LandingContract,
    UnknownContractError,
    annex,
    example_csv,
    get_contract,
    load_contracts,
    read_landing,
)

CAF = get_contract("caf_allocataires")
TRANSIT = get_contract("transports_collectifs")
HEADER = "code_commune;annee;cog;champ;foyers_allocataires;personnes_couvertes;foyers_rsa;foyers_aah"
LENS = "62498;2024;2025;caf;7450;18\u202f320;1985;845"
SMALL = "59002;2024;2025;caf;205;590;s;///"


def written(folder, *lines, header=HEADER, bom=True):
    path = folder / "depot.csv"
    path.write_text("\r\n".join([header, *lines, ""]), encoding="utf-8-sig" if bom else "utf-8")
    return path


def test_figures_and_marks_become_values(tmp_path):
    path = written(tmp_path, LENS, SMALL, "62427;2024;2025;caf;0;0;nd;")
    frame = read_landing(path, CAF, "2024", ["62498", "59002", "62427"])
    found = {
        (variable, code): (value, status)
        for variable, code, value, status in frame.select("variable", "code", "value", "status").rows()
    }
    assert found["benefit_households", "62498"] == (7450, "published")
    assert found["persons_in_benefit_households", "62498"] == (18_320, "published")
    assert found["benefit_households", "62427"] == (0, "published"), "a true zero"
    assert found["rsa_households", "59002"] == (None, "secret")
    assert found["disability_benefit_households", "59002"] == (None, "not_applicable")
    assert found["rsa_households", "62427"] == (None, "not_available")
    assert found["disability_benefit_households", "62427"] == (None, "missing")
    assert len(found) == 12, "four columns of figures, three communes: what is not in the header is not made"
    assert frame.select("source", "vintage", "geography_vintage", "file_id").unique().rows() == [
        ("caf_allocataires", 2024, 2025, "caf_allocataires:2024:data")
    ]


def test_a_commune_without_row_is_missing_and_others_are_left_out(tmp_path):
    frame = read_landing(written(tmp_path, LENS, SMALL), CAF, "2024", ["62498", "62427"])
    assert set(frame["code"]) == {"62498", "62427"}
    assert set(frame.filter(pl.col("code") == "62427")["status"]) == {"missing"}
    assert frame.filter(pl.col("code") == "62498")["value"].null_count() == 0


@pytest.mark.parametrize(
    ("lines", "row", "column", "words"),
    [
        ((LENS.replace("62498", "1001"),), 2, "code_commune", "tableur"),
        ((LENS, LENS), 3, "code_commune", "déjà plus haut"),
        ((LENS.replace("2024", "2023"),), 2, "annee", "dossier de dépôt"),
        ((LENS, SMALL.replace("2025", "2024")), 3, "cog", "change dans le fichier"),
        ((LENS, SMALL.replace("caf", "msa")), 3, "champ", "codes admis"),
        ((LENS, SMALL.replace("caf", "caf_msa")), 3, "champ", "change dans le fichier"),
        ((LENS.replace("7450", "7450,5"),), 2, "foyers_allocataires", "nombre entier"),
        ((LENS.replace("7450", "-5"),), 2, "foyers_allocataires", "nombre entier"),
        ((LENS.replace("7450", "n.c."),), 2, "foyers_allocataires", "ni un nombre ni une marque"),
        ((LENS.replace("845", "4"),), 2, "foyers_aah", "en clair"),
        ((LENS.replace("1985", "7455"),), 2, "foyers_rsa", "dépasse celui de"),
        ((LENS.replace("18\u202f320", "18"),), 2, "foyers_allocataires", "dépasse celui de"),
        ((LENS + ";",), 2, None, "cellule"),
        ((), None, None, "aucune ligne"),
    ],
)
def test_a_fault_is_refused_where_it_is(tmp_path, lines, row, column, words):
    with pytest.raises(InputError, match=words) as caught:
        read_landing(written(tmp_path, *lines), CAF, "2024")
    assert (caught.value.row, caught.value.column) == (row, column)


@pytest.mark.parametrize(
    ("header", "column", "words"),
    [
        (HEADER.replace("foyers_rsa", "foyer_rsa"), "foyer_rsa", "vouliez-vous « foyers_rsa »"),
        (HEADER.replace("foyers_aah", "foyers_rsa"), "foyers_rsa", "deux fois"),
        (HEADER.replace("foyers_rsa", "enfants_couverts"), "foyers_rsa", "obligatoire manque"),
    ],
)
def test_columns_are_those_of_the_contract(tmp_path, header, column, words):
    with pytest.raises(InputError, match=words) as caught:
        read_landing(written(tmp_path, LENS, header=header), CAF, "2024")
    assert caught.value.column == column


def test_order_of_columns_and_byte_order_mark_change_nothing(tmp_path):
    names, cells = HEADER.split(";"), LENS.split(";")
    turned = written(tmp_path, ";".join(reversed(cells)), header=";".join(reversed(names)), bom=False)
    one = read_landing(turned, CAF, "2024")
    assert one.equals(read_landing(written(tmp_path, LENS), CAF, "2024"))


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("2025-03-18", "18/03/2025", "jour_reference"),
        ("2025-03-18", "2025-02-30", "jour_reference"),
        ("87,5", "100,1", "part_habitants_desservis"),
        (";41;", ";97;", "arrets_accessibles"),
    ],
)
def test_dates_shares_and_parts_of_transit(tmp_path, old, new, column):
    text = example_csv(TRANSIT)
    assert old in text
    path = tmp_path / "offre.csv"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_landing(path, TRANSIT, "2025")
    assert caught.value.column == column


def test_small_counts_stand_in_clear_where_nothing_withholds_them(tmp_path):
    path = tmp_path / "offre.csv"
    path.write_text(example_csv(TRANSIT).replace(";23;", ";1;"), encoding="utf-8")
    lines = read_landing(path, TRANSIT, "2025").filter(pl.col("variable") == "transit_lines")
    assert lines["value"].to_list() == [1]


@pytest.mark.parametrize("contract", load_contracts().values(), ids=lambda one: one.id)
def test_the_annex_holds_every_column_and_an_example_that_is_read(tmp_path, contract):
    text = annex(contract)
    for column in contract.columns:
        assert f"| `{column.name}` | {column.meaning}" in text
        assert all(f"`{code}` = {meaning}" in text for code, meaning in column.codes.items())
    assert text.count("| obligatoire |") == sum(column.required for column in contract.columns)
    assert "secret statistique" in text and f"data/landing/{contract.id}/" in text
    example = text.split("```\n")[1]
    path = tmp_path / "exemple.csv"
    path.write_text(example, encoding="utf-8")
    year = contract.of_kind("year").example
    frame = read_landing(path, contract, year)
    assert set(frame["status"]) == {"published"}
    assert frame.height == sum(column.variable is not None for column in contract.columns)


@given(st.lists(st.one_of(st.integers(5, 10**6), st.sampled_from(["s", "nd", "///", "", "0"])), max_size=30))
def test_no_cell_changes_its_meaning(tmp_path_factory, cells):
    lines = [f"{59001 + rank};2024;2025;caf;{cell};s;s;s" for rank, cell in enumerate(["5", *cells])]
    frame = read_landing(written(tmp_path_factory.mktemp("caf"), *lines), CAF, "2024")
    found = frame.filter(pl.col("variable") == "benefit_households").sort("code")["value"].to_list()
    assert found == [float(cell) if str(cell).isdecimal() else None for cell in ["5", *cells]]


def test_an_unknown_contract_is_named():
    with pytest.raises(UnknownContractError, match="caf_allocataires"):
        get_contract("ratp")


@pytest.mark.parametrize(
    "change",
    [
        {"columns": []},
        {"within": [["a", "b"]]},
        {"columns": [*CAF.model_dump()["columns"], CAF.model_dump()["columns"][0]]},
        {"columns": [column | {"unit": None} for column in CAF.model_dump()["columns"]]},
        {"columns": [column | {"codes": {"a": "b"}} for column in CAF.model_dump()["columns"]]},
    ],
)
def test_a_contract_that_does_not_hold_together_is_refused(change):
    with pytest.raises(ValidationError):
        LandingContract.model_validate(CAF.model_dump() | change)
