"""What the commands of the intake print, and what they refuse."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from intake_files import KEY, rows, write_csv
from typer.testing import CliRunner

from assets.cli import app
from observatory.errors import ObservatoryError
from observatory.sources.catalogue import get_source, use_delivered

CANARY = "QZX987canari"
OPTIONS = ["--producer", "maisons-et-cites", "--vintage", "2024"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OBSERVATORY_DATA", str(tmp_path))
    monkeypatch.setenv("OBSERVATORY_HASH_KEY", KEY)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words))
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_the_annexes_are_printed() -> None:
    assert run("contract", "dwellings")[1].startswith(
        "# Annexe d’échange – Logements des bailleurs (version 1)"
    )
    assert "`annee_naissance`" in run("contract", "beneficiaries")[1]
    assert run("contract", "caf_allocataires")[1].startswith("# Annexe")


def test_a_delivery_is_counted_listed_and_purged(data: Path) -> None:
    delivered = [row | {"Cité": ""} for row in rows(40, r2={"Typologie": CANARY})]
    path = str(write_csv(data / "mc.csv", delivered))
    code, said = run("intake", path, *OPTIONS)
    assert code == 0
    for words in ("Livraison réelle", "Lignes acceptées", "39", "code inconnu", "rapport.html"):
        assert words in said
    assert CANARY not in said
    assert "déjà pris" in run("intake", path, *OPTIONS)[1]
    assert "réelle" in run("deliveries")[1]
    assert "Rien n’est supprimé" in run("purge", "--producer", "maisons-et-cites")[1]
    assert "noté au journal" in run("purge", "--before", "2100-01-01", "--yes")[1]
    assert "Aucune livraison" in run("deliveries")[1]
    assert "Rien à purger" in run("purge", "--vintage", "2024")[1]


def test_a_refused_delivery_ends_with_an_error_code(data: Path) -> None:
    path = write_csv(data / "mc.csv", rows(4, r2={"Typologie": "T9"}))
    code, said = run("intake", str(path), *OPTIONS)
    assert code == 1
    assert "NON PRISE" in said
    assert "25,0\u202f% des lignes" in said.replace("\n", " ")
    assert "rapport de refus" in run("deliveries")[1]


def test_a_vintage_that_the_catalogue_does_not_know_is_said(data: Path) -> None:
    path = write_csv(data / "mc.csv", [row | {"Cité": ""} for row in rows(4)])
    code, said = run("intake", str(path), "--producer", "maisons-et-cites", "--vintage", "2025")
    assert code == 0
    assert "n’entre pas dans les calculs" in " ".join(said.split())


def test_a_purge_says_what_it_is_of(data: Path) -> None:
    assert run("purge", "--yes")[0] == 2


@pytest.mark.parametrize("content", [f"{CANARY};1\n{CANARY};2\n".encode(), CANARY.encode() + b"\x00\x81"])
def test_garbage_ends_with_a_sentence_and_no_value(data: Path, content: bytes) -> None:
    (data / "mc.csv").write_bytes(content)
    with pytest.raises(ObservatoryError) as caught:
        run("intake", str(data / "mc.csv"), *OPTIONS)
    assert CANARY not in str(caught.value)
    command = Path(sys.executable).with_name("observatory")
    done = subprocess.run(
        [command, "intake", data / "mc.csv", *OPTIONS],
        env=os.environ | {"OBSERVATORY_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Erreur" in done.stderr
    assert "Traceback" not in done.stderr
    assert CANARY not in done.stdout + done.stderr


def test_the_card_of_a_delivered_source_is_no_longer_fictive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBSERVATORY_DELIVERED", "")
    assert get_source("angdm").fictive
    use_delivered(["angdm"])
    card = get_source("angdm")
    assert (card.fictive, card.title, card.url("2024")) == (
        False,
        "Bénéficiaires de l’ANGDM",
        "observatory intake",
    )
    assert get_source("sia_habitat").fictive
    with pytest.raises(ObservatoryError, match="pas de livraison confidentielle"):
        get_source("mbm_cites").as_delivered()
    use_delivered([])
    assert get_source("angdm").fictive
