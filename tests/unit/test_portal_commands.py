"""The commands of the portal: accounts made and closed, passwords never among the arguments."""

import re
import stat

import pytest
from portal_site import PASSWORD, make_world
from typer.testing import CliRunner

from assets.cli import app
from observatory.paths import data_paths
from observatory.portal import Accounts
from observatory.portal.accounts import FAILURES


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("OBSERVATORY_DATA", str(tmp_path))

    def call(*words: str, typed: str = ""):
        return CliRunner().invoke(app, ["accounts", *words], input=typed)

    return call


def states(run) -> dict[str, str]:
    said = run("list").output
    return dict(re.findall(r"│ (\S+)\s+│[^│]*│[^│]*│[^│]*│ ([^│]*?)\s+│", said))


def test_an_account_from_its_opening_to_its_end(run, tmp_path):
    assert "Aucun compte" in run("list").output
    made = run("create", "lens", "--organisation", "ca-lens", typed=PASSWORD + "\n")
    assert made.exit_code == 0, made.output
    assert "Aucune convention de" in made.output
    assert PASSWORD not in made.output
    assert states(run) == {"lens": "ouvert"}
    accounts = Accounts(data_paths().accounts)
    assert accounts.sign_in("lens", PASSWORD)
    assert stat.S_IMODE(data_paths().accounts.stat().st_mode) == 0o600

    assert "31/01/2020" in run("expire", "lens", "--until", "2020-01-31").output
    assert states(run) == {"lens": "échu"}
    assert run("expire", "lens").exit_code == 0
    for _ in range(FAILURES):
        accounts.sign_in("lens", "autre chose de long")
    assert "bloqué" in states(run)["lens"]
    assert run("password", "lens", typed="un tout autre secret\n").exit_code == 0
    assert states(run) == {"lens": "ouvert"}
    assert accounts.sign_in("lens", "un tout autre secret")
    assert run("revoke", "lens").exit_code == 0
    assert "révoqué le" in states(run)["lens"]
    assert accounts.sign_in("lens", "un tout autre secret") is None


def test_a_partner_under_agreement_is_not_warned_of(run, tmp_path):
    make_world(tmp_path)
    said = run("create", "lens-2", "--organisation", "ca-lens", typed=PASSWORD + "\n").output
    assert "Compte ouvert" in said
    assert "Aucune convention" not in said


def test_the_weak_and_the_unknown_are_refused(run):
    for words, typed in (
        (("create", "lens", "--organisation", "ca-lens"), "court\n"),
        (("create", "lens", "--organisation", "ca-lens"), ""),
        (("revoke", "personne"), ""),
        (("password", "personne"), PASSWORD + "\n"),
    ):
        refused = run(*words, typed=typed)
        assert refused.exit_code == 1
        assert "Que faire" in str(refused.exception)
    # A password is no option.
    assert run("create", "lens", "--organisation", "ca-lens", "--password", PASSWORD).exit_code == 2
    assert run("list").output == "Aucun compte n’est ouvert.\n"


def test_beyond_this_machine_without_tls_nothing_starts(run, tmp_path):
    refused = CliRunner().invoke(app, ["serve", "--host", "0.0.0.0"])
    assert refused.exit_code == 1
    assert "--address" in str(refused.exception)
