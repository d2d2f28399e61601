"""The rules: complete for the catalogue, and refused when they contradict themselves."""

from pathlib import Path

import pytest
import yaml

from observatory.disclosure.policy import RULES, RuleError, load_policy
from observatory.indicators.catalogue import load_indicators


def write_rules(path: Path, *rules: dict) -> Path:
    reason = {"label": "essais", "reason": "essai", "minimum": 11}
    content = {"sources": [], "public": [], "rules": [reason | rule for rule in rules]}
    file = path / "rules.yaml"
    file.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return file


def test_every_confidential_measure_has_a_rule() -> None:
    policy = load_policy()
    confidential = [item for item in load_indicators() if set(item.sources) & set(policy.sources)]
    assert len(confidential) > 80
    used = {name for item in confidential for name in (item.numerator, item.denominator) if name}
    # Each rule is of a count that some figure prints, and each count printed has its rule.
    assert used == set(policy.rules) | set(policy.public)
    assert {item.id for item in confidential} == {item.id for item in load_indicators() if item.fictive}


def test_data_on_people_ask_eleven_units() -> None:
    rules = load_policy().rules
    buildings = ("mining_dwellings", "mining_vacant", "statut_", "type_logement_", "epoque_")
    buildings += ("duree_vacance_", "renovation_")
    for measure, rule in rules.items():
        assert rule.minimum == (3 if measure.startswith(buildings) else 11), measure
    told = {measure for measure, rule in rules.items() if rule.group}
    assert {"mining_ayants_droit", "beneficiaries_80_over", "surviving_spouses"} <= told
    people = (
        "menage_",
        "revenus_",
        "apl_",
        "age_",
        "entrants_",
        "sexe_",
        "qualite_",
        "prestation_",
        "pyramide_",
    )
    bases = {partition.whole for partition in load_policy().partitions}
    assert {name for name in rules if name.startswith(people)} - bases <= told


def test_what_everybody_knows_of_the_breakdowns_is_told_to_the_attacker() -> None:
    policy = load_policy()
    assert policy.rules["entrants_menage_seul"].also_within == ("menage_seul",)
    assert policy.rules["pyramide_femmes_plus_90"].within == "sexe_femmes"
    assert policy.rules["pyramide_femmes_plus_90"].also_within == ("age_plus_90",)
    wholes = [partition.whole for partition in policy.partitions]
    ages = next(p.parts for p in policy.partitions if p.whole == "sexe_hommes")
    assert ages == tuple(
        f"pyramide_hommes_{age}" for age in ("moins_65", "de_65_a_74", "de_75_a_79", "de_80_a_89", "plus_90")
    )
    assert wholes.count("beneficiaries") == 5
    assert {"menage_renseigne", "mining_labelled", "mining_label_efg", "beneficiaries_80_over"} <= set(wholes)


def test_wholes_are_found_nearest_first() -> None:
    assert load_policy().wholes("mining_entries") == [
        "mining_newcomers",
        "mining_occupied",
        "mining_dwellings",
    ]
    assert load_policy().wholes("beneficiaries") == []


def test_every_reason_is_a_french_sentence() -> None:
    content = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    assert all(rule["reason"].endswith(".") and "'" not in rule["reason"] for rule in content["rules"])


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([{"measure": "a"}, {"measure": "a"}], "deux règles"),
        ([{"measure": "a", "within": "b"}], r"mesures sans règle : \['b'\]"),
        ([{"measure": "a", "complement_of": "b"}, {"measure": "b"}], "ne la contient pas"),
        (
            [{"measure": "a", "within": "c", "apart_from": ["b"]}, {"measure": "b"}, {"measure": "c"}],
            "autre ensemble",
        ),
    ],
)
def test_rules_that_contradict_one_another_are_refused(
    tmp_path: Path, rules: list[dict], message: str
) -> None:
    with pytest.raises(RuleError, match=message):
        load_policy(write_rules(tmp_path, *rules))
