import json
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.files import sha256_bytes
from observatory.sources.snapshots import (
    Snapshot,
    SnapshotError,
    all_of,
    confirm,
    keep,
    latest,
    verify,
    vintage_folder,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "https://insee.test/dossier_complet.zip"
OLD, NEW = b"CODGEO;P22_POP\n62498;32697\n", b"CODGEO;P22_POP\n62498;32700\n"


@pytest.fixture
def store(tmp_path):
    """Keep bytes at a minute after noon; return the snapshot."""

    def _store(body: bytes, minute: int = 0, origin: str = URL, **options) -> Snapshot:
        file = tmp_path / "base.csv"
        file.write_bytes(body)
        options = {"kind": "network", "vintage": "2022", **options}
        at = NOON + timedelta(minutes=minute)
        return keep(file, tmp_path / "kept", source="insee_test", origin=origin, at=at, **options)

    return _store


def _all(tmp_path: Path, **options) -> list[str]:
    return [each.sha256 for each in all_of(tmp_path / "kept", "insee_test", "2022", **options)]


def _last(tmp_path: Path, origin: str | None = None) -> bytes:
    snapshot = latest(tmp_path / "kept", "insee_test", "2022", origin)
    assert snapshot is not None
    return snapshot.path.read_bytes()


def test_snapshot_says_what_from_where_when_and_by_whom(store, tmp_path, monkeypatch):
    monkeypatch.setenv("USER", "analyste")
    snapshot = store(OLD, etag='"v1"', last_modified="Sun, 01 Mar 2026 10:00:00 GMT")
    home = tmp_path / "kept" / "insee_test" / "2022" / sha256_bytes(OLD)[:16]
    assert snapshot.path == home / "base.csv" and snapshot.path.read_bytes() == OLD
    assert json.loads((home / "snapshot.json").read_text(encoding="utf-8")) == {
        "source": "insee_test",
        "vintage": "2022",
        "file": "base.csv",
        "sha256": sha256_bytes(OLD),
        "bytes": len(OLD),
        "origin_kind": "network",
        "origin": URL,
        "fetched_at": "2026-03-01T12:00:00.000000+00:00",
        "fetched_by": "analyste",
        "etag": '"v1"',
        "last_modified": "Sun, 01 Mar 2026 10:00:00 GMT",
    }
    assert not snapshot.changed and snapshot.first.by == "analyste"


@pytest.mark.parametrize(("names", "by"), [({}, "inconnu"), ({"LOGNAME": "carole"}, "carole")])
def test_user_without_a_name_is_unknown(store, monkeypatch, names, by):
    monkeypatch.delenv("USER", raising=False)
    monkeypatch.delenv("LOGNAME", raising=False)
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    assert store(OLD).first.by == by


def test_kept_files_are_read_only(store):
    snapshot = store(OLD)
    for path in (snapshot.path, snapshot.path.with_name("snapshot.json")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o444


def test_same_content_is_one_snapshot(store, tmp_path):
    first, second = store(OLD), store(OLD, 5)
    assert first.path == second.path and not second.changed
    assert second.first.at == NOON and second.seen_at == NOON + timedelta(minutes=5)
    assert _all(tmp_path) == [sha256_bytes(OLD)]


def test_new_content_of_the_same_address_is_a_new_snapshot_that_says_so(store, tmp_path):
    store(OLD)
    assert store(NEW, 1).changed
    assert _all(tmp_path) == [sha256_bytes(OLD), sha256_bytes(NEW)] and _last(tmp_path) == NEW


def test_content_that_comes_back_is_the_latest_again(store, tmp_path):
    store(OLD)
    store(NEW, 1)
    assert store(OLD, 2).changed
    assert _last(tmp_path) == OLD and len(_all(tmp_path)) == 2


def test_other_origin_is_no_change(store, tmp_path):
    store(OLD)
    mirrored = store(NEW, 1, origin="insee/base.csv", kind="mirror")
    assert not mirrored.changed
    assert _last(tmp_path, URL) == OLD and _last(tmp_path) == NEW
    assert _all(tmp_path, origin=URL) == [sha256_bytes(OLD)]


def test_one_content_from_two_origins_remembers_both(store):
    store(OLD, origin="insee/base.csv", kind="mirror")
    snapshot = store(OLD, 1, etag='"v1"')
    assert [(each.kind, each.etag) for each in snapshot.sightings] == [("mirror", None), ("network", '"v1"')]
    assert snapshot.first.kind == "mirror"
    seen = snapshot.seen_from(URL)
    assert seen is not None and seen.at == NOON + timedelta(minutes=1)


def test_confirmed_content_is_the_latest(store, tmp_path):
    first = store(OLD, origin="https://insee.test/a.csv")
    store(NEW, 1, origin="https://insee.test/b.csv")
    after = confirm(first, "https://insee.test/a.csv", etag='"v2"', at=NOON + timedelta(hours=1))
    assert after.sightings[0].etag == '"v2"' and len(after.sightings) == 1
    assert after.first.etag is None, "how it first came does not change"
    assert _last(tmp_path) == OLD


@settings(max_examples=20)
@given(st.permutations(range(4)), st.booleans())
def test_order_does_not_depend_on_the_order_of_writing(tmp_path_factory, order, together):
    folder = tmp_path_factory.mktemp("kept")
    file = folder / "base.csv"
    for number in order:
        file.write_bytes(f"{number}\n".encode())
        at = NOON if together else NOON + timedelta(seconds=number)
        keep(file, folder, source="s", vintage="1", kind="network", origin=f"u{number}", at=at)
    expected = [sha256_bytes(f"{number}\n".encode()) for number in range(4)]
    found = [snapshot.sha256 for snapshot in all_of(folder, "s", "1")]
    assert found == (sorted(expected) if together else expected)


def test_nothing_kept_is_nothing(tmp_path):
    assert latest(tmp_path, "insee_test", "2022") is None and all_of(tmp_path, "insee_test", "2022") == []


@pytest.mark.parametrize("fault", ["altered", "gone"])
def test_altered_snapshot_is_refused_with_what_to_do(store, fault):
    snapshot = store(OLD)
    assert verify(snapshot) is snapshot
    snapshot.path.chmod(0o644)
    if fault == "altered":
        snapshot.path.write_bytes(NEW)
    else:
        snapshot.path.unlink()
    with pytest.raises(SnapshotError) as raised:
        verify(snapshot)
    message = str(raised.value)
    assert str(snapshot.path.parent) in message and "observatory fetch insee_test --vintage 2022" in message
    with pytest.raises(SnapshotError):
        store(OLD, 1)


@pytest.mark.parametrize(
    "card", ["", "{}", "[]", '{"file": "../base.csv"}', '{"file": 3}', None], ids=lambda card: str(card)
)
def test_unreadable_card_is_refused(store, tmp_path, card):
    snapshot = store(OLD)
    path = snapshot.path.with_name("snapshot.json")
    path.chmod(0o644)
    if card is None:
        path.unlink()
    else:
        path.write_text(card, encoding="utf-8")
    with pytest.raises(SnapshotError, match="absente ou illisible"):
        all_of(tmp_path / "kept", "insee_test", "2022")


def test_card_that_leads_elsewhere_is_refused(store, tmp_path):
    snapshot = store(OLD)
    path = snapshot.path.with_name("snapshot.json")
    path.chmod(0o644)
    path.write_text(
        path.read_text(encoding="utf-8").replace('"base.csv"', '"../../base.csv"'), encoding="utf-8"
    )
    with pytest.raises(SnapshotError, match="absente ou illisible"):
        all_of(tmp_path / "kept", "insee_test", "2022")


KILLED = """
import os, sys
from pathlib import Path
from observatory.sources import snapshots
file, folder, step, origin = sys.argv[1:]
setattr(snapshots, step, lambda *_: os._exit(9))
snapshots.keep(
    Path(file), Path(folder), source="insee_test", vintage="2022", kind="network", origin=origin
)
"""


@pytest.mark.parametrize("step", ["_copy", "_write_read_only", "fsync_folder", "_see"])
def test_killed_keep_leaves_nothing_half_kept(store, tmp_path, step):
    """A process dies without any clean-up in the middle of keeping; another then keeps in peace."""
    store(OLD)
    killed = tmp_path / "killed.csv"
    killed.write_bytes(NEW)
    command = [sys.executable, "-c", KILLED, str(killed), str(tmp_path / "kept"), step, URL]
    assert subprocess.run(command, check=False).returncode == 9
    for snapshot in all_of(tmp_path / "kept", "insee_test", "2022"):
        verify(snapshot)
    assert (sha256_bytes(NEW) in _all(tmp_path)) == (step == "_see")
    after_the_clock_of_the_killed = 60 * 24 * 365 * 100
    store(NEW, after_the_clock_of_the_killed, name="killed.csv")
    assert _last(tmp_path) == NEW
    names = {path.name for path in (tmp_path / "kept" / "insee_test" / "2022").iterdir()}
    assert names == {".lock", sha256_bytes(OLD)[:16], sha256_bytes(NEW)[:16]}


def test_writers_at_the_same_time_keep_one_snapshot(tmp_path):
    file = tmp_path / "base.csv"
    file.write_bytes(OLD)

    def write(number: int) -> Snapshot:
        origin = f"https://insee.test/{number}"
        return keep(file, tmp_path, source="s", vintage="1", kind="network", origin=origin)

    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(write, range(16)))
    assert len({snapshot.path for snapshot in kept}) == 1
    (snapshot,) = all_of(tmp_path, "s", "1")
    assert len(snapshot.sightings) == 16


def test_failing_copy_leaves_no_draft(store, tmp_path):
    store(OLD)
    with pytest.raises(FileNotFoundError):
        keep(
            tmp_path / "absent.csv",
            tmp_path / "kept",
            source="insee_test",
            vintage="2022",
            kind="mirror",
            origin="x",
        )
    assert [path.name for path in (tmp_path / "kept" / "insee_test" / "2022").glob(".*")] == [".lock"]


@pytest.mark.parametrize("vintage", ["2022", "1968-2024", "2024-01", "2021.1", "cog_2024"])
def test_vintages_of_the_catalogue_are_folders(tmp_path, vintage):
    assert vintage_folder(tmp_path, "insee_rp", vintage) == tmp_path / "insee_rp" / vintage


@pytest.mark.parametrize(
    ("source", "vintage"),
    [
        ("..", "2022"),
        ("insee/../..", "2022"),
        ("/etc", "2022"),
        ("Insee", "2022"),
        ("insee", ".."),
        ("insee", "2022/.."),
        ("insee", "/2022"),
        ("insee", ""),
        ("insee", "2022\n"),
        ("insee", "2022\x00"),
        ("insee", ".hidden"),
        ("insee", "20..22"),
    ],
)
def test_names_that_leave_the_folder_are_refused(tmp_path, source, vintage):
    with pytest.raises(SnapshotError, match="ne peuvent désigner un dossier"):
        vintage_folder(tmp_path, source, vintage)


@given(st.text(max_size=12), st.text(max_size=12))
def test_accepted_names_stay_one_level_below_their_parent(source, vintage):
    root = Path("/data/snapshots")
    try:
        folder = vintage_folder(root, source, vintage)
    except SnapshotError:
        return
    assert Path(os.path.normpath(folder)) == folder and folder.parent.parent == root


@pytest.mark.parametrize("name", ["../base.csv", "snapshot.json", ".cache", "a/b.csv", "a\\b.csv", "-rf\x00"])
def test_names_that_are_no_file_are_refused(store, name):
    with pytest.raises(SnapshotError, match="ne peut nommer un fichier"):
        store(OLD, name=name)


@pytest.mark.parametrize("name", ["base.csv", "Données communales 2022.csv", "2022_éq.csv", "œuvre.csv"])
def test_names_of_analysts_are_kept(store, name):
    assert store(OLD, name=name).path.name == name


def test_a_clock_put_back_does_not_make_a_former_content_the_latest(store, tmp_path):
    """The clock was ahead by years when the old content came, and is right again."""
    ahead = 60 * 24 * 365 * 40
    store(OLD, ahead)
    file = tmp_path / "base.csv"
    file.write_bytes(NEW)
    kept = keep(
        file, tmp_path / "kept", source="insee_test", vintage="2022", kind="network", origin=URL, name="b.csv"
    )
    assert kept.changed
    assert _last(tmp_path) == NEW
    (old,) = [one for one in all_of(tmp_path / "kept", "insee_test", "2022") if one.sha256 != kept.sha256]
    confirm(old, URL)
    assert _last(tmp_path) == OLD
