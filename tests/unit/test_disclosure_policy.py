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
    assert len(confidential) == 9
    used = {name for item in confidential for name in (item.numerator, item.denominator) if name}
    assert used == set(policy.rules) | set(policy.public)
    assert {item.id for item in confidential} == {item.id for item in load_indicators() if item.fictive}


def test_data_on_people_ask_eleven_units() -> None:
    minima = {measure: rule.minimum for measure, rule in load_policy().rules.items()}
    assert {measure for measure, minimum in minima.items() if minimum != 11} == {
        "mining_dwellings",
        "mining_vacant",
    }
    groups = {measure for measure, rule in load_policy().rules.items() if rule.group}
    assert groups == {"mining_ayants_droit", "beneficiaries_80_over", "surviving_spouses"}


def test_wholes_are_found_nearest_first() -> None:
    assert load_policy().wholes("mining_entries") == ["mining_occupied", "mining_dwellings"]
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
