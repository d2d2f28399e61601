"""Rounded amounts: what is printed, what is hidden, what an audit makes of them."""

import polars as pl
import pytest
from disclosure_release import KEYS, shown_again, write_release
from disclosure_towns import INDICATORS, draw_town

from observatory.disclosure import audit as auditing
from observatory.disclosure import rules
from observatory.disclosure.audit import audit_release
from observatory.disclosure.policy import Policy, load_policy
from observatory.disclosure.report import audit_report
from observatory.disclosure.rounding import rounded
from observatory.disclosure.rules import protect_observations, protect_with_journal

TOWN = draw_town(1, 2, 5, 4, 1, 40)
STEP = 10
COUNT, RATE = "beneficiaires_angdm", "part_beneficiaires_80_ans_ou_plus"


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch) -> Policy:
    """The rules, with beneficiaries rounded."""
    shipped = load_policy()
    rule = shipped.rules["beneficiaries"].model_copy(update={"rounding": STEP})
    own = shipped.model_copy(update={"rules": shipped.rules | {"beneficiaries": rule}})
    for module in (rules, auditing):
        monkeypatch.setattr(module, "load_policy", lambda: own)
    return own


def figures(frame: pl.DataFrame, indicator: str) -> pl.DataFrame:
    return frame.filter(pl.col("indicator") == indicator, pl.col("status") == "published")


def test_no_rounding_changes_nothing(policy: Policy) -> None:
    exact = {name: rule.model_copy(update={"rounding": None}) for name, rule in policy.rules.items()}
    plain = policy.model_copy(update={"rules": exact})
    assert rounded(TOWN.observations, INDICATORS, plain).equals(TOWN.observations)


def test_amounts_are_multiples_within_half_a_step_and_rates_are_theirs(policy: Policy) -> None:
    published = protect_observations(*TOWN.publication)
    count = figures(published, COUNT).join(TOWN.observations, on=KEYS, suffix="_true")
    assert count.height > 2
    assert set(count["value"] % STEP) == {0}
    assert (count["value"] - count["value_true"]).abs().max() <= STEP / 2
    assert (count["value"] != count["value_true"]).any()
    rate = figures(published, RATE).join(TOWN.observations, on=KEYS, suffix="_true")
    assert rate.height > 1
    assert set(rate["denominator"] % STEP) == {0}
    assert rate["numerator"].equals(rate["numerator_true"])
    assert rate["value"].to_list() == pytest.approx((100 * rate["numerator"] / rate["denominator"]).to_list())


def test_what_is_hidden_is_decided_on_the_true_amounts(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_rounding = protect_with_journal(*TOWN.publication)
    monkeypatch.setattr(rules, "load_policy", load_policy)
    assert with_rounding.journal.equals(protect_with_journal(*TOWN.publication).journal)


def test_a_rate_whose_denominator_rounds_to_zero_is_not_applicable(policy: Policy) -> None:
    small = pl.DataFrame(
        {
            "indicator": [RATE, COUNT, RATE],
            "value": [50.0, 4.0, 50.0],
            "numerator": [2.0, None, 3.0],
            "denominator": [4.0, None, 6.0],
            "status": ["published"] * 3,
        }
    )
    assert rounded(small, INDICATORS, policy).rows() == [
        (RATE, None, None, None, "not_applicable"),
        (COUNT, 0.0, None, None, "published"),
        (RATE, 30.0, 3.0, 10.0, "published"),
    ]


def test_an_audit_attacks_with_the_truth(tmp_path, policy: Policy) -> None:
    """Rounded sums do not add up; true ones do, and give back what is shown again."""
    protected = protect_with_journal(*TOWN.publication)
    outcome = audit_release(
        write_release(tmp_path / "sure", TOWN, protected.observations), (), INDICATORS, TOWN.measures
    )
    assert (outcome.leaks, outcome.on_truth, outcome.remarks) == ((), True, ())
    hidden = protected.journal.filter(pl.col("flag") == "D", pl.col("indicator") == COUNT).select(KEYS)
    assert hidden.height > 0
    everything = rounded(TOWN.observations, INDICATORS, policy)
    for number, key in enumerate(hidden.iter_rows()):
        mutated = shown_again(protected.observations, everything, key)
        release = write_release(tmp_path / str(number), TOWN, mutated)
        assert audit_release(release, (), INDICATORS, TOWN.measures).leaks, key


def test_an_amount_further_than_half_a_step_is_of_another_edition(tmp_path, policy: Policy) -> None:
    published = protect_observations(*TOWN.publication)
    count = published.filter(pl.col("indicator") == COUNT)
    for name, shift, trusted in (("meme", 0, True), ("autre", 2 * STEP, False)):
        release = write_release(tmp_path / name, TOWN, count.with_columns(pl.col("value") + shift))
        assert audit_release(release, (), INDICATORS, TOWN.measures).on_truth == trusted


def test_without_the_truth_rounded_amounts_are_not_attacked_and_it_is_said(tmp_path, policy: Policy) -> None:
    release = write_release(tmp_path / "sure", TOWN, protect_observations(*TOWN.publication))
    outcome = audit_release(release, (), INDICATORS)
    assert outcome.leaks == ()
    (remark,) = outcome.remarks
    assert "arrondis : bénéficiaires de l’ANGDM" in " ".join(remark.split())
    assert "ne sont pas attaqués" in audit_report(outcome).replace("\u202f", " ")


def test_an_earlier_rounded_release_of_the_same_counts_is_reckoned_with(tmp_path, policy: Policy) -> None:
    first = protect_observations(*TOWN.publication)
    earlier = write_release(tmp_path / "avant", TOWN, first)
    again = protect_with_journal(*TOWN.publication, earlier=[earlier]).observations
    assert again.equals(first)
    release = write_release(tmp_path / "apres", TOWN, again)
    outcome = audit_release(release, [earlier], INDICATORS, TOWN.measures)
    assert (outcome.leaks, outcome.on_truth) == ((), True)
