from datetime import date
from pathlib import Path

import pytest
from deliveries import COMMUNE_CODES, SMALL_CITES, delivered_text
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.errors import InputError
from observatory.intake.deliveries import as_table, sort_file
from observatory.intake.places import Places
from observatory.intake.sorting import Delivery
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
    return sort_file(path, "angdm", 2024, Places(SMALL_CITES, frozenset(COMMUNE_CODES)))


def test_a_sound_row_becomes_a_beneficiary(tmp_path: Path) -> None:
    delivery = read(tmp_path / "a.csv", [ROW])
    table = as_table(delivery.accepted, "angdm", 2024, "angdm-2024")
    assert table.schema == BENEFICIARIES.polars_schema
    assert table.row(0, named=True) == {
        "pseudonym": "P000001",
        "vintage": 2024,
        "birth_year": 1938,
        "sex": "M",
        "kind": "former_miner",
        "commune_code": "62498",
        "cite_slug": "cite-9-lens",
        "housing_benefit": "in_kind",
        "housing_amount": None,
        "heating_benefit": "cash",
        "heating_amount": 1105.2,
        "start_date": date(1990, 7, 1),
        "end_date": None,
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
        ("pseudonyme", "", "required"),
        ("annee_naissance", "", "required"),
        ("annee_naissance", "38", "year"),
        ("annee_naissance", "1908", "year"),
        ("sexe", "", "required"),
        ("sexe", "M", "code"),
        ("qualite", "Mineur", "code"),
        ("commune_insee", "62999", "commune"),
        ("cite", "Cité du Pinson", "cite_unknown"),
        ("prestation_logement", "Oui", "code"),
        ("prestation_chauffage", "", "required"),
        ("montant_chauffage_annuel", "1105.20", "number"),
        ("montant_chauffage_annuel", "50000,01", "range"),
        ("date_ouverture", "31/02/2019", "date"),
        ("date_fermeture", "01/02/2025", "date_range"),
        ("date_fermeture", "30/06/1990", "order"),
    ],
)
def test_a_broken_rule_quarantines_its_row_only(tmp_path: Path, column: str, value: str, rule: str) -> None:
    delivery = read(tmp_path / "a.csv", [ROW | {"pseudonyme": "P2"}, ROW | {column: value}])
    assert delivery.accepted["pseudonym"].to_list() == ["P2"]
    assert (3, column, rule, value or None) in delivery.faults.select("row", "column", "rule", "value").rows()
    assert delivery.by_rule == {rule: 1}


def test_the_oldest_and_the_shortest_are_accepted(tmp_path: Path) -> None:
    row = ROW | {"annee_naissance": "1909", "date_fermeture": "01/07/1990"}
    assert read(tmp_path / "a.csv", [row]).accepted.height == 1


def test_an_amount_without_its_benefit_is_a_fault(tmp_path: Path) -> None:
    delivery = read(tmp_path / "a.csv", [ROW | {"prestation_chauffage": "Aucune"}])
    assert delivery.faults.select("column", "rule").rows() == [("montant_chauffage_annuel", "condition")]


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
        with pytest.raises(InputError, match="encodage"):
            read(path, rows)
        return
    delivery = read(path, [*rows, ROW])
    assert delivery.accepted.height + delivery.quarantine.height == delivery.delivered
    assert delivery.delivered >= len(rows) + 1
    assert "P000001" in delivery.accepted["pseudonym"].to_list()
