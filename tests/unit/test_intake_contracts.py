import re
from pathlib import Path

import pytest
import yaml
from deliveries import COMMUNE_CODES, SMALL_CITES
from pydantic import ValidationError

from observatory.intake.contracts import (
    CONTRACTS,
    DeliveryContract,
    UnknownDeliveryContractError,
    delivery_annex,
    get_delivery_contract,
)
from observatory.intake.deliveries import TABLE_OF, sort_file
from observatory.intake.mappings import Mapping, UnknownProducerError, get_mapping, load_mappings, text_key
from observatory.intake.places import Places

ASKED = {
    "dwellings": """landlord dwelling_id cite_label commune_code commune_name address longitude latitude
        dwelling_type built_year surface heating energy_label rent status vacant_since renovation
        renovation_state occupant entry_date household_size household_type age_band income_band apl""",
    "beneficiaries": """pseudonym birth_year sex kind commune_code commune_name cite_label housing_benefit
        housing_amount heating_benefit heating_amount start_date end_date""",
}


@pytest.mark.parametrize("name", list(ASKED))
def test_a_contract_has_the_agreed_columns_and_its_table_keeps_their_codes(name: str) -> None:
    contract = get_delivery_contract(name)
    assert [column.column for column in contract.columns] == ASKED[name].split()
    assert contract.version == 1
    table = {column.name: column for column in TABLE_OF[name].columns}
    for column in contract.columns:
        kept = column.kept and column.kind != "cite"
        assert (column.column in table) == kept
        if column.codes and table[column.column].values:
            assert set(column.codes) == set(table[column.column].values or ())


@pytest.mark.parametrize(
    ("name", "producer"), [("dwellings", "maisons-et-cites"), ("beneficiaries", "angdm")]
)
def test_the_annex_shows_every_column_and_its_example_keeps_the_contract(
    tmp_path: Path, name: str, producer: str
) -> None:
    contract = get_delivery_contract(name)
    text = delivery_annex(contract)
    assert f"(version {contract.version})" in text
    assert len(re.findall(r"^\| `", text, re.MULTILINE)) == len(contract.columns)
    assert not re.search(r"[^\u202f|:-][;:!?»%]\s", text.split("```")[0])
    path = tmp_path / "exemple.csv"
    path.write_text(text.split("```")[1].strip(), encoding="utf-8")
    delivery = sort_file(path, producer, 2024, Places(SMALL_CITES, frozenset(COMMUNE_CODES)))
    assert delivery.faults.rows() == []
    assert (delivery.accepted.height, delivery.extra) == (1, ())


def test_an_unknown_contract_or_producer_is_refused() -> None:
    with pytest.raises(UnknownDeliveryContractError, match="dwellings, beneficiaries"):
        get_delivery_contract("logements")
    with pytest.raises(UnknownProducerError, match="angdm, maisons-et-cites, sia-habitat"):
        get_mapping("inconnu")


@pytest.mark.parametrize(
    "change",
    [
        {"when": {"column": "status", "values": ["empty"]}},
        {"when": {"column": "nowhere", "values": []}},
        {"not_before": "nowhere"},
        {"kind": "code"},
        {"column": "dwelling_id"},
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(change: dict) -> None:
    contract = yaml.safe_load(CONTRACTS.read_text("utf-8"))[0]
    contract["columns"][-2] = contract["columns"][15] | {"name": "autre", "column": "other"} | change
    with pytest.raises(ValidationError):
        DeliveryContract.model_validate(contract)


@pytest.mark.parametrize(
    "change",
    [
        {"columns": {"Loyer": "price"}},
        {"codes": {"status": {"Libre": "free"}}},
        {"codes": {"nothing": {}}},
        {"codes": {"status": {"Vide": "vacant", "vidé": "works"}}},
    ],
)
def test_a_mapping_that_aims_at_nothing_is_refused(change: dict) -> None:
    sound = {"producer": "a", "name": "A", "contract": "dwellings", "columns": {}}
    Mapping.model_validate(sound)
    with pytest.raises(ValidationError):
        Mapping.model_validate(sound | change)


def test_each_producer_has_its_mapping_and_may_write_as_the_annex_does() -> None:
    assert set(load_mappings()) == {"angdm", "maisons-et-cites", "sia-habitat"}
    for mapping in load_mappings().values():
        contract = get_delivery_contract(mapping.contract)
        headers = mapping.headers(contract)
        assert {headers[text_key(header)] for header in mapping.columns} == set(mapping.columns.values())
        assert {one.column for one in contract.columns} <= set(headers.values())


@pytest.mark.parametrize(
    ("one", "other"),
    [("Étiquette DPE", "etiquette_dpe"), ("À l’étude", "A l'étude"), ("75 ans et plus", "75  ANS et plus")],
)
def test_spellings_that_mean_the_same(one: str, other: str) -> None:
    assert text_key(one) == text_key(other)
    assert text_key("T4") != text_key("T5")
