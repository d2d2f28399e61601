"""Deliveries taken, refused, corrected, interrupted, purged."""

import csv
import hashlib
import hmac
import io
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from intake_files import KEY, NOW, ROW, deliver, rows

from observatory.errors import InputError
from observatory.intake import store, taking
from observatory.intake.identifiers import FICTIVE_KEY, HashKey, HashKeyError
from observatory.intake.purging import held, purge
from observatory.intake.store import StoreBusyError, folder_of, locked, read_state
from observatory.intake.taking import IntakeError
from observatory.paths import DataPaths

CANARY = "QZX987canari"


@pytest.fixture
def paths(tmp_path: Path) -> DataPaths:
    return DataPaths(tmp_path / "data")


def stored(paths: DataPaths) -> store.State:
    state = read_state(folder_of(paths, "maisons-et-cites", 2024))
    assert state is not None
    return state


def fingerprint(identifier: str, key: str = KEY) -> str:
    """HMAC as RFC 2104 writes it, by hand."""
    padded = key.encode().ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in padded) + b"maisons-et-cites\0" + identifier.encode())
    return hashlib.sha256(bytes(b ^ 0x5C for b in padded) + inner.digest()).hexdigest()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def report_rows(path: Path) -> list[dict[str, str]]:
    text = path.with_name("rapport.csv").read_text("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text), delimiter=";"))


def test_a_delivery_is_stored_with_fingerprints_for_its_owner_only(paths: DataPaths) -> None:
    former = os.umask(0)
    try:
        outcome = deliver(paths, rows(30, r7={"Typologie": "T9"}))
    finally:
        os.umask(former)
    assert (outcome.taken, outcome.delivered, outcome.accepted, outcome.rules) == (True, 30, 29, {"code": 1})
    state = stored(paths)
    assert state.accepted["dwelling_id"].to_list() == [fingerprint(f"MC-{n}") for n in range(1, 31) if n != 7]
    assert state.quarantine["identifier"].to_list() == [fingerprint("MC-7")]
    assert "address" not in state.accepted.columns
    for path in [paths.confidential, *paths.confidential.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    manifest = state.manifest
    assert manifest.expires == date(2030, 3, 1)
    assert manifest.last.sha256 == hashlib.sha256((paths.root / "logements.csv").read_bytes()).hexdigest()
    assert manifest.key == hmac.new(KEY.encode(), b"fingerprint of the key", "sha256").hexdigest()[:16]


def test_a_real_delivery_needs_a_key_and_a_fictive_one_does_not(paths: DataPaths) -> None:
    for secret in ("", "quinze octets !"):
        with pytest.raises(HashKeyError, match="OBSERVATORY_HASH_KEY"):
            deliver(paths, rows(3), environment={"OBSERVATORY_HASH_KEY": secret})
    assert not folder_of(paths, "maisons-et-cites", 2024).exists()
    outcome = deliver(paths, [row | {"nature": "fictif"} for row in rows(3)], environment={})
    assert (outcome.taken, outcome.fictive) == (True, True)
    assert stored(paths).manifest.key == FICTIVE_KEY.fingerprint
    with pytest.raises(IntakeError, match="Une livraison fictive est en place"):
        deliver(paths, rows(3))


def test_a_generated_file_never_replaces_a_real_delivery(paths: DataPaths) -> None:
    deliver(paths, rows(3))
    before = contents(paths.confidential)
    with pytest.raises(IntakeError, match="Une livraison réelle est en place"):
        deliver(paths, [row | {"nature": "fictif"} for row in rows(3)])
    assert contents(paths.confidential) == before


def test_the_key_shows_nowhere() -> None:
    assert KEY not in repr(HashKey(KEY.encode()))


def test_the_same_file_again_changes_nothing(paths: DataPaths) -> None:
    deliver(paths, rows(30, r7={"Typologie": "T9"}))
    before = contents(paths.confidential)
    outcome = deliver(paths, rows(30, r7={"Typologie": "T9"}), now=datetime(2025, 6, 1, tzinfo=UTC))
    assert (outcome.taken, outcome.repeated) == (True, True)
    assert contents(paths.confidential) == before


def test_a_new_delivery_replaces_the_former_and_keeps_its_history(paths: DataPaths) -> None:
    deliver(paths, rows(30))
    deliver(paths, rows(31), now=datetime(2028, 2, 29, tzinfo=UTC))
    manifest = stored(paths).manifest
    assert [event.rows for event in manifest.history] == [30, 31]
    assert (manifest.delivered, manifest.expires) == (31, date(2033, 2, 28))


@pytest.mark.parametrize(("faulty", "taken"), [(2, True), (3, False)])
def test_over_one_row_in_twenty_quarantined_refuses_the_delivery(
    paths: DataPaths, faulty: int, taken: bool
) -> None:
    deliver(paths, rows(5))
    before = contents(folder_of(paths, "maisons-et-cites", 2024))
    outcome = deliver(paths, rows(40, **{f"r{n}": {"Typologie": "T9"} for n in range(1, faulty + 1)}))
    assert outcome.taken is taken
    assert (contents(folder_of(paths, "maisons-et-cites", 2024)) == before) is not taken
    assert outcome.report.read_text("utf-8").count("La livraison n’est pas prise") == (not taken)
    assert len(report_rows(outcome.report)) == faulty
    if not taken:
        assert "7,5\u202f% des lignes sont en quarantaine, pour 5,0\u202f% admis" in outcome.refusals[0]
        assert deliver(paths, rows(40)).taken
        assert not outcome.report.exists()


def test_one_row_of_another_landlord_refuses_the_delivery(paths: DataPaths) -> None:
    delivered = [row | {"bailleur": "maisons-et-cites"} for row in rows(40)]
    delivered[8]["bailleur"] = "sia-habitat"
    outcome = deliver(paths, delivered)
    assert not outcome.taken
    assert "autre producteur" in outcome.refusals[0]


def test_an_empty_delivery_is_refused(paths: DataPaths) -> None:
    with pytest.raises(InputError, match="aucune ligne"):
        deliver(paths, [])


def test_corrected_rows_join_the_delivery_and_leave_the_quarantine(paths: DataPaths) -> None:
    deliver(
        paths,
        rows(60, r3={"Typologie": "T9"}, r4={"Loyer mensuel": "cher"}, r5={"Code logement": ""}),
    )
    corrections = [
        ROW | {"Code logement": "MC-3", "ligne_d_origine": ""},
        ROW | {"Code logement": "MC-4", "Loyer mensuel": "encore cher", "ligne_d_origine": ""},
        ROW | {"Code logement": "MC-5", "ligne_d_origine": "6"},
        ROW | {"Code logement": "MC-9", "ligne_d_origine": ""},
        ROW | {"Code logement": "MC-99", "ligne_d_origine": "99"},
    ]
    outcome = deliver(paths, corrections, name="corrections.csv", corrections=True)
    assert (outcome.delivered, outcome.accepted, outcome.rules, outcome.idle) == (60, 59, {"number": 1}, 2)
    state = stored(paths)
    assert set(state.accepted["dwelling_id"]) == {fingerprint(f"MC-{n}") for n in range(1, 61) if n != 4}
    assert state.faults.select("row", "value").rows() == [(5, "encore cher")]
    assert [(event.kind, event.quarantined) for event in state.manifest.history] == [
        ("delivery", 3),
        ("corrections", 1),
    ]
    listed = [(line["ligne_d_origine"], line["regle"]) for line in report_rows(outcome.report)]
    assert listed == [("5", "number"), ("5", "correction"), ("6", "correction")]
    before = contents(paths.confidential)
    assert deliver(paths, corrections, name="corrections.csv", corrections=True).repeated
    assert contents(paths.confidential) == before
    last = [ROW | {"Code logement": "MC-4"}]
    assert deliver(paths, last, name="encore.csv", corrections=True).accepted == 60


def test_a_correction_may_not_take_the_identifier_of_an_accepted_row(paths: DataPaths) -> None:
    deliver(paths, [*rows(40), ROW])
    again = [ROW | {"ligne_d_origine": "42"}]
    outcome = deliver(paths, again, name="1.csv", corrections=True)
    assert (outcome.accepted, outcome.rules, outcome.idle) == (40, {"duplicate": 1}, 0)
    other = [ROW | {"Code logement": "MC-41", "ligne_d_origine": "42"}]
    assert deliver(paths, other, name="2.csv", corrections=True).rules == {}
    assert stored(paths).accepted.height == 41


def test_corrections_need_a_delivery_and_its_key(paths: DataPaths) -> None:
    with pytest.raises(IntakeError, match="pas de livraison à corriger"):
        deliver(paths, [ROW], corrections=True)
    deliver(paths, rows(40, r3={"Typologie": "T9"}))
    with pytest.raises(HashKeyError, match="n’est pas celle"):
        deliver(paths, rows(1), corrections=True, environment={"OBSERVATORY_HASH_KEY": "x" * 16})


STEPS = ["write_private", "fsync_folder", "exchange_folders", "write_journal"]


@pytest.mark.parametrize("step", STEPS)
def test_an_intake_that_fails_leaves_the_former_delivery_whole(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    deliver(paths, rows(30))
    before = contents(folder_of(paths, "maisons-et-cites", 2024))

    def fails(*_: object) -> None:
        raise RuntimeError(f"{CANARY} stands in the message")

    with monkeypatch.context() as patched:
        patched.setattr(taking if step == "write_journal" else store, step, fails)
        with pytest.raises(IntakeError, match="RuntimeError") as caught:
            deliver(paths, rows(31))
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    after = contents(folder_of(paths, "maisons-et-cites", 2024))
    assert after == before or stored(paths).manifest.delivered == 31
    assert deliver(paths, rows(31)).accepted == 31
    assert sorted(one.name for one in (paths.confidential / "maisons-et-cites").iterdir()) == ["2024"]


KILLED = """
import os, signal, sys
from pathlib import Path
from intake_files import deliver, rows
from observatory.intake import store
from observatory.paths import DataPaths
step, nth = sys.argv[2], int(sys.argv[3])
kept = getattr(store, step)
def killed(*arguments):
    global nth
    nth -= 1
    if nth < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return kept(*arguments)
setattr(store, step, killed)
deliver(DataPaths(Path(sys.argv[1])), rows(31))
"""


@pytest.mark.parametrize(
    ("step", "nth"),
    [("write_private", 0), ("write_private", 5), ("exchange_folders", 0), ("fsync_folder", 1)],
)
def test_an_intake_that_is_killed_leaves_one_delivery_whole(paths: DataPaths, step: str, nth: int) -> None:
    deliver(paths, rows(30))
    folder = folder_of(paths, "maisons-et-cites", 2024)
    before = contents(folder)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(paths.root), step, str(nth)],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    if step == "fsync_folder":
        assert stored(paths).accepted.height == 31
    else:
        assert contents(folder) == before
    assert deliver(paths, rows(31)).accepted == 31
    assert [one.name for one in folder.parent.iterdir()] == ["2024"]


def test_two_intakes_do_not_meet(paths: DataPaths) -> None:
    with locked(paths), pytest.raises(StoreBusyError, match="Attendez"):
        deliver(paths, rows(3))


def test_a_former_folder_left_out_of_its_place_is_put_back(paths: DataPaths) -> None:
    deliver(paths, rows(3))
    folder = folder_of(paths, "maisons-et-cites", 2024)
    folder.rename(folder.with_name(".2024.0a.partial.former"))
    with locked(paths):
        assert stored(paths).accepted.height == 3


def test_delivered_values_stand_in_the_store_only(
    paths: DataPaths, capfd: pytest.CaptureFixture[str]
) -> None:
    faulty = {f"r{n}": {name: f"{CANARY}{n}"} for n, name in enumerate(ROW, 2) if name != "Code logement"}
    delivered = rows(400, **faulty, r1={"Adresse": f"12 rue {CANARY}"})
    delivered[20]["Code logement"] = CANARY
    outcome = deliver(paths, delivered)
    out, err = capfd.readouterr()
    assert CANARY not in out + err + repr(outcome)
    quoting = {
        path.relative_to(paths.confidential).as_posix()
        for path in paths.confidential.rglob("*")
        if path.is_file() and CANARY.encode() in path.read_bytes()
    }
    folder = "maisons-et-cites/2024"
    assert quoting <= {
        f"{folder}/{name}"
        for name in ("faults.parquet", "rapport.csv", "rapport.html", "cites_a_confirmer.csv")
    }
    assert f"{folder}/rapport.html" in quoting
    accepted = stored(paths).accepted
    assert CANARY not in accepted.write_csv()
    journal = [json.loads(line) for line in (paths.confidential / "journal.jsonl").read_text().splitlines()]
    assert [(one["what"], one["delivered"]) for one in journal] == [("delivery", 400)]


def test_the_report_is_escaped_and_no_formula(paths: DataPaths) -> None:
    script = "<script>alert(1)</script>"
    outcome = deliver(paths, rows(60, r2={"Typologie": script}, r3={"Typologie": "=1+1"}))
    page = outcome.report.read_text("utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "src=" not in page
    assert [line["valeur"] for line in report_rows(outcome.report)] == [script, "'=1+1"]


def test_a_purge_leaves_nothing_but_its_mention(paths: DataPaths) -> None:
    deliver(paths, rows(30))
    names = ("identifiant_logement", "code_commune", "type_logement", "statut")
    sia = [dict(zip(names, (f"S{n}", "59491", "T3", "vendu"), strict=True)) for n in range(9)]
    deliver(paths, sia, producer="sia-habitat", name="sia.csv")
    paths.warehouse.mkdir()
    duckdb.connect(str(paths.confidential_database)).close()
    (paths.partners / "epci").mkdir(parents=True)
    chosen = held(paths, "maisons-et-cites", 2024)
    assert [(one.producer, one.rows, one.taken) for one in chosen] == [("maisons-et-cites", 30, True)]
    assert held(paths, before=NOW.date()) == []
    assert len(held(paths, before=date(2025, 3, 2))) == 2
    assert purge(paths, chosen, NOW, "quelqu’un")
    assert not paths.confidential_database.exists()
    assert not paths.partners.exists()
    assert [one.producer for one in held(paths)] == ["sia-habitat"]
    assert list((paths.confidential / "maisons-et-cites").iterdir()) == []
    last = json.loads((paths.confidential / "journal.jsonl").read_text("utf-8").splitlines()[-1])
    assert (last["what"], last["by"], last["producer"], last["rows"]) == (
        "purge",
        "quelqu’un",
        "maisons-et-cites",
        30,
    )


def test_the_report_of_a_refusal_is_purged_too(paths: DataPaths) -> None:
    deliver(paths, rows(3, r1={"Typologie": "T9"}))
    (one,) = held(paths, before=date(2000, 1, 1))
    assert (one.taken, one.vintage) == (False, 2024)
    assert not purge(paths, [one], NOW, "x")
    assert held(paths) == []


def test_accepted_rows_keep_their_values(paths: DataPaths) -> None:
    deliver(paths, rows(2))
    row = stored(paths).accepted.drop("dwelling_id").row(0, named=True)
    assert {name: value for name, value in row.items() if value is not None} == {
        "commune_code": "59491",
        "cite_slug": "pinson-raismes",
        "dwelling_type": "T4",
        "surface": 72.5,
        "rent": 410.2,
        "status": "occupied",
        "entry_date": date(1978, 9, 3),
        "row": 2,
    }
    assert stored(paths).accepted.schema["entry_date"] == pl.Date
