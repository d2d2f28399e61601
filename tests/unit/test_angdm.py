from pathlib import Path

import pytest
from deliveries import COMMUNE_CODES, SMALL_CITES, delivered_text
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.errors import InputError
from observatory.sources.angdm import read_angdm
from observatory.sources.delivery import Delivery
from observatory.tables import BENEFICIARIES

ROW = {
    "pseudonyme": "P000001",
    "annee_naissance": "1938",
    "sexe": "H",
    "qualite": "Ancien mineur",
    "commune_insee": "62498",
    "commune_nom": "Lens",
    "cite": "Cité 9",
    "prestation_logement": "Nature",
    "montant_logement_annuel": "",
    "prestation_chauffage": "Espèces",
    "montant_chauffage_annuel": "1105,20",
    "date_ouverture": "01/07/1990",
    "date_fermeture": "",
}


def read(path: Path, rows: list[dict[str, str]]) -> Delivery:
    path.write_text(delivered_text(list(ROW), rows, ";"), encoding="utf-8", newline="")
    return read_angdm(path, 2024, SMALL_CITES, COMMUNE_CODES, "angdm-2024")


def test_a_sound_row_becomes_a_beneficiary(tmp_path: Path) -> None:
    delivery = read(tmp_path / "a.csv", [ROW])
    assert delivery.accepted.schema == BENEFICIARIES.polars_schema
    assert delivery.accepted.row(0, named=True) == {
        "pseudonym": "P000001",
        "vintage": 2024,
        "birth_year": 1938,
        "sex": "M",
        "kind": "former_miner",
        "commune_code": "62498",
        "cite_slug": "cite-9-lens",
        "housing_benefit": "in_kind",
        "heating_benefit": "cash",
        "file_id": "angdm-2024",
    }
    assert not delivery.fictive


def test_codes_and_kinds(tmp_path: Path) -> None:
    rows = [
        ROW | {"pseudonyme": "1", "sexe": "f", "qualite": "CONJOINT SURVIVANT", "cite": ""},
        ROW | {"pseudonyme": "2", "qualite": "Autre ", "prestation_logement": "Aucune"},
    ]
    columns = ("sex", "kind", "cite_slug", "housing_benefit")
    assert read(tmp_path / "a.csv", rows).accepted.select(columns).rows() == [
        ("F", "surviving_spouse", None, "in_kind"),
        ("M", "other", "cite-9-lens", "none"),
    ]


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("pseudonyme", "", "obligatoire"),
        ("annee_naissance", "", "obligatoire"),
        ("annee_naissance", "38", "année de 1909 à 2024"),
        ("annee_naissance", "1908", "année de 1909 à 2024"),
        ("sexe", "", "obligatoire"),
        ("sexe", "M", "code"),
        ("qualite", "Mineur", "code"),
        ("commune_insee", "62999", "code commune"),
        ("cite", "Cité du Pinson", "aucune cité"),
        ("prestation_logement", "Oui", "code"),
        ("prestation_chauffage", "", "obligatoire"),
        ("montant_chauffage_annuel", "1105.20", "nombre"),
        ("date_ouverture", "31/02/2019", "n’existe pas"),
        ("date_fermeture", "01/02/2025", "postérieure"),
    ],
)
def test_a_broken_rule_quarantines_its_row_only(tmp_path: Path, column: str, value: str, rule: str) -> None:
    delivery = read(tmp_path / "a.csv", [ROW | {"pseudonyme": "P2"}, ROW | {column: value}])
    assert delivery.accepted["pseudonym"].to_list() == ["P2"]
    (line,) = delivery.quarantined.rows(named=True)
    assert (line["row"], line["column"]) == (3, column)
    assert rule in line["rule"]


def test_the_first_of_twins_is_kept(tmp_path: Path) -> None:
    delivery = read(tmp_path / "a.csv", [ROW, ROW])
    assert (delivery.delivered, delivery.accepted.height) == (2, 1)
    assert delivery.quarantined["column"].to_list() == ["pseudonyme"]


def test_the_encoding_and_the_columns_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(delivered_text(list(ROW), [ROW], ";").encode("cp1252"))
    with pytest.raises(InputError, match="n’est pas encodé en UTF-8"):
        read_angdm(path, 2024, SMALL_CITES, COMMUNE_CODES, "f")
    path.write_text(";".join(list(ROW)[1:]), encoding="utf-8")
    with pytest.raises(InputError, match="pseudonyme"):
        read_angdm(path, 2024, SMALL_CITES, COMMUNE_CODES, "f")


@settings(max_examples=60, deadline=None)
@given(
    cells=st.lists(
        st.tuples(st.sampled_from(list(ROW)), st.text(st.characters(codec="utf-8"), max_size=10)), max_size=5
    )
)
def test_counts_balance_whatever_the_cells(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]]
) -> None:
    rows = [ROW | {"pseudonyme": f"P{n}", column: cell} for n, (column, cell) in enumerate(cells)]
    path = tmp_path_factory.getbasetemp() / "mutated_angdm.csv"
    if any("\x00" in cell for _, cell in cells):
        with pytest.raises(InputError, match="encodé"):
            read(path, rows)
        return
    delivery = read(path, [*rows, ROW])
    assert delivery.accepted.height + delivery.quarantined.height == delivery.delivered
    assert delivery.delivered >= len(rows) + 1
    assert "P000001" in delivery.accepted["pseudonym"].to_list()
