"""Backups are what was there, byte for byte, and an archive that is not one touches nothing."""

import gzip
import io
import json
import os
import shutil
import sqlite3
import stat
import tarfile
import threading
from pathlib import Path

import polars as pl
import pytest
from faulty_steps import NOW, generations, publish
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from assets import cli
from observatory import backup, restoring
from observatory.backup import BackupError, Manifest, back_up
from observatory.files import sha256_bytes, sha256_file
from observatory.intake.store import StoreBusyError, locked, write_private
from observatory.paths import DataPaths
from observatory.restoring import RestoreError, restore
from observatory.sessions import Session, WarehouseBusyError
from observatory.sources.snapshots import keep, latest, verify


@pytest.fixture
def paths(tmp_path):
    """Data folders with something in each place, some of it a run's leavings."""
    paths = DataPaths(tmp_path / "data", tmp_path / "shipped")
    publish(paths, 1)
    source = tmp_path / "s.csv"
    source.write_text("n\n1\n")
    keep(source, paths.snapshots, source="s", vintage="1", kind="landing", origin="o")
    for place, text in {
        paths.landing / "s" / "1" / "s.csv": "n\n1\n",
        paths.landing / "s" / "1" / ".s.csv.part": "n",
        paths.releases / "2026-1" / "index.html": "2026-1",
        paths.reference / "cites.csv": "code\n",
        paths.site / ".nojekyll": "",
        paths.dagster / "dagster.yaml": "{}",
        paths.dagster / "storage" / "run" / "step.out": "log",
        paths.dagster / "history" / "runs.db-wal": "no",
        paths.sample / "sia" / "logements.csv": "made again",
    }.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    with locked(paths):
        write_private(paths.confidential / "journal.jsonl", b"{}\n")
        (paths.confidential / "angdm" / "2024").mkdir(parents=True)
        write_private(paths.confidential / "angdm" / "2024" / "accepted.parquet", b"rows")
    connection = sqlite3.connect(paths.dagster / "history" / "runs.db")
    connection.execute("CREATE TABLE runs (id)")
    connection.execute("INSERT INTO runs VALUES (7)")
    connection.commit()
    connection.close()
    return paths


def content(root):
    """Return every file that is not hidden, with its fingerprint and permissions."""
    skipped = {"sample", "backups"}
    return {
        str(path.relative_to(root)): (sha256_file(path), stat.S_IMODE(path.stat().st_mode))
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and path.relative_to(root).parts[0] not in skipped
        and not path.name.endswith(("-wal", ".part", ".lock"))
        and path.suffix != ".db"
    }


def elsewhere(tmp_path, name="restored"):
    return DataPaths(tmp_path / name, tmp_path / "shipped")


def test_what_is_restored_is_what_was_there(paths, tmp_path):
    before = content(paths.root)
    made = back_up(paths, tmp_path / "backups", NOW)
    assert stat.S_IMODE(made.archive.stat().st_mode) == 0o600
    assert content(paths.root) == before
    assert not list(paths.root.glob(".backup-*"))
    other = elsewhere(tmp_path)
    told = restore(made.archive, other)
    assert told.former is None
    assert content(other.root) == before
    assert generations(other) == [1] * 4
    snapshot = latest(other.snapshots, "s", "1")
    assert snapshot is not None
    verify(snapshot)
    connection = sqlite3.connect(other.dagster / "history" / "runs.db")
    assert connection.execute("SELECT id FROM runs").fetchall() == [(7,)]
    connection.close()
    assert stat.S_IMODE(other.confidential.stat().st_mode) == 0o700
    assert stat.S_IMODE(other.confidential_database.stat().st_mode) == 0o600
    names = set(made.manifest.files)
    assert "reference/cites.csv" in names
    assert not [name for name in names if name.startswith("sample") or ".part" in name or "wal" in name]
    # And it goes on from there.
    publish(other, 2)
    assert generations(other) == [2] * 4


def test_data_in_place_give_way_only_when_told_and_are_kept(paths, tmp_path):
    made = back_up(paths, tmp_path / "backups", NOW)
    saved = content(paths.root)
    publish(paths, 2)
    (paths.landing / "s" / "1" / "other.csv").write_text("dropped since")
    (paths.releases / "2026-2").mkdir()
    (paths.releases / "2026-2" / "index.html").write_text("since")
    now = content(paths.root)
    with pytest.raises(RestoreError, match="--replace"):
        restore(made.archive, paths)
    assert content(paths.root) == now
    former = restore(made.archive, paths, replace=True).former
    assert former is not None
    assert stat.S_IMODE(former.stat().st_mode) == 0o700
    after = content(paths.root)
    assert {name: one for name, one in after.items() if not name.startswith(former.name)} == saved
    kept = {name: one for name, one in content(former).items() if not name.startswith("reference/")}
    assert kept == now


def test_hand_kept_tables_of_the_code_are_left_alone(paths, tmp_path):
    made = back_up(paths, tmp_path / "backups", NOW)
    assert restore(made.archive, elsewhere(tmp_path, "same")).reference is None
    (paths.reference / "cites.csv").write_text("code\n1\n")
    told = restore(made.archive, elsewhere(tmp_path, "changed"))
    assert (paths.reference / "cites.csv").read_text() == "code\n1\n"
    assert told.reference is not None
    assert (told.reference / "cites.csv").read_text() == "code\n"


def test_a_backup_beside_a_run_is_one_generation(paths, tmp_path):
    """Publications follow each other in a thread; each archive holds one of them, whole."""
    stop = threading.Event()

    def publications():
        generation = 2
        while not stop.is_set():
            try:
                publish(paths, generation)
            except WarehouseBusyError:
                # The backup holds the writer's lock while it links.
                continue
            generation += 1

    thread = threading.Thread(target=publications)
    thread.start()
    try:
        made = [back_up(paths, tmp_path / "backups", NOW) for _ in range(4)]
    finally:
        stop.set()
        thread.join()
    for number, one in enumerate(made):
        other = elsewhere(tmp_path, f"restored-{number}")
        restore(one.archive, other)
        assert len(set(generations(other))) == 1


def test_a_publication_between_two_links_is_seen(paths, tmp_path, monkeypatch):
    """A run holds the warehouse; it publishes once the databases are linked and the site is not."""
    original, turns = backup._files, []

    def late(folder, *, hidden):
        if folder == paths.site and not turns:
            turns.append(True)
            running.commit()
        return original(folder, hidden=hidden)

    with Session(paths, "running") as running, locked(paths):
        running.write("x.generation", _frame(2))
        running.write("confidential.generation", _frame(2))
        running.site.mkdir()
        (running.site / "index.html").write_text("2")
        (running.partners / "epci").mkdir(parents=True)
        (running.partners / "epci" / "index.html").write_text("2")
        monkeypatch.setattr(backup, "_files", late)
        made = back_up(paths, tmp_path / "backups", NOW)
    assert turns
    other = elsewhere(tmp_path)
    restore(made.archive, other)
    assert generations(other) == [2] * 4


def _frame(generation):
    return pl.DataFrame({"n": [generation]})


def test_an_intake_or_a_run_at_work_is_waited_for(paths, tmp_path):
    with locked(paths), pytest.raises(StoreBusyError):
        back_up(paths, tmp_path / "backups", NOW)
    made = back_up(paths, tmp_path / "backups", NOW)
    with Session(paths, "running"), pytest.raises(WarehouseBusyError):
        restore(made.archive, paths, replace=True)
    assert generations(paths) == [1] * 4


def test_a_backup_does_not_go_where_it_would_back_itself_up(paths):
    with pytest.raises(BackupError, match="sauvegarde"):
        back_up(paths, paths.landing / "s", NOW)


def test_a_file_that_grows_meanwhile_is_named(paths, tmp_path, monkeypatch):
    original = tarfile.TarFile.addfile

    def growing(tar, info, stream=None):
        if info.name.startswith("landing"):
            with (paths.landing / "s" / "1" / "s.csv").open("a") as file:
                file.write("more")
        return original(tar, info, stream)

    monkeypatch.setattr(tarfile.TarFile, "addfile", growing)
    with pytest.raises(BackupError, match=r"landing/s/1/s\.csv"):
        back_up(paths, tmp_path / "backups", NOW)
    assert list((tmp_path / "backups").iterdir()) == []


def test_where_links_are_not_to_be_had_files_are_copied(paths, tmp_path, monkeypatch):
    def refused(*_):
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", refused)
    made = back_up(paths, tmp_path / "backups", NOW)
    other = elsewhere(tmp_path)
    restore(made.archive, other)
    assert content(other.root) == content(paths.root)


def refused(archive, tmp_path, match="Sauvegarde"):
    other = elsewhere(tmp_path, "untouched")
    publish(other, 5)
    before = content(other.root)
    with pytest.raises(RestoreError, match=match) as error:
        restore(archive, other, replace=True)
    assert "Que faire" in str(error.value) or "n’existe pas" in str(error.value)
    assert content(other.root) == before
    assert {path.name for path in other.root.iterdir()} == {"warehouse", "site", "partners"}
    shutil.rmtree(other.root)


def test_cut_or_altered_archives_touch_nothing(paths, tmp_path):
    archive = back_up(paths, tmp_path / "backups", NOW).archive
    whole = archive.read_bytes()
    copy = tmp_path / "copy.tar.gz"
    # The last bytes close the archive after the manifest: what precedes them is checked without them.
    places = [0, 1, 10, len(whole) // 3, len(whole) // 2, len(whole) * 9 // 10]
    for place in places:
        copy.write_bytes(whole[:place])
        refused(copy, tmp_path)
    plain = gzip.decompress(whole)
    for text in (b"2026-1", b"rows", b'"format": 1', b"angdm/2024"):
        altered = plain.replace(text, bytes(reversed(text)), 1)
        assert altered != plain
        copy.write_bytes(gzip.compress(altered, 1))
        refused(copy, tmp_path)
    copy.write_bytes(b"PK\x03\x04" + os.urandom(2000))
    refused(copy, tmp_path)
    refused(tmp_path / "absent.tar.gz", tmp_path, "n’existe pas")


def archive_of(path, members, manifest=None):
    """Write an archive of (header, content), with a manifest that says all of it."""
    files = {
        info.name: {
            "bytes": len(body),
            "sha256": sha256_bytes(body),
            "mode": info.mode,
        }
        for info, body in members
    }
    card = {"format": 1, "made_at": NOW.isoformat(), "code": "9.9", "duckdb": "1", "files": files}
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as tar:
        for info, body in members:
            info.size = len(body) if info.isreg() else 0
            tar.addfile(info, io.BytesIO(body))
        content = json.dumps(card | (manifest or {})).encode()
        last = tarfile.TarInfo("manifest.json")
        last.size = len(content)
        tar.addfile(last, io.BytesIO(content))
    return path


def member(name, body=b"x", kind=tarfile.REGTYPE, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, body


@pytest.mark.parametrize(
    "members",
    [
        [member("../outside.txt")],
        [member("/etc/outside.txt")],
        [member("landing/../../outside.txt")],
        [member("landing/./a")],
        [member("landing//a")],
        [member("landing\\..\\a")],
        [member("code/cli.py")],
        [member("landing")],
        [member("landing/a", b"", tarfile.SYMTYPE, "/etc/passwd")],
        [member("landing/a", b"", tarfile.LNKTYPE, "landing/b")],
        [member("landing/a", b"", tarfile.FIFOTYPE)],
        [member("landing/a", b"", tarfile.CHRTYPE)],
        [member("landing/a", b"", tarfile.DIRTYPE)],
        [member("landing/a"), member("landing/a")],
    ],
    ids=lambda members: f"{members[0][0].name} {members[0][0].type}",
)
def test_hostile_members_are_refused(tmp_path, members):
    refused(archive_of(tmp_path / "hostile.tar.gz", members), tmp_path)
    assert not (tmp_path / "outside.txt").exists()


def test_sizes_beyond_the_disk_and_headers_beyond_reason_are_refused(tmp_path, monkeypatch):
    archive = archive_of(tmp_path / "big.tar.gz", [member("landing/a", b"\0" * 3_000_000)])
    with monkeypatch.context() as patch:
        patch.setattr(restoring.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 70_000_000))
        refused(archive, tmp_path, "libérez de la place")
    restore(archive, elsewhere(tmp_path))
    # A name of 8 gigabytes: the header alone, which tarfile would read whole.
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 8 * 2**30
    raw = info.tobuf(tarfile.GNU_FORMAT) + b"a" * 10_000
    (tmp_path / "long.tar.gz").write_bytes(gzip.compress(raw, 1))
    refused(tmp_path / "long.tar.gz", tmp_path)


def test_versions_are_said(tmp_path):
    later = archive_of(tmp_path / "later.tar.gz", [member("landing/a")], {"format": 2})
    refused(later, tmp_path, r"version 9\.9, plus récente")
    stranger = archive_of(tmp_path / "duckdb.tar.gz", [member("warehouse/observatory.duckdb", b"D" * 9000)])
    refused(stranger, tmp_path, "DuckDB 1")
    unknown = archive_of(tmp_path / "unknown.tar.gz", [member("landing/a")], {"colour": "blue"})
    refused(unknown, tmp_path, "manifeste")


def test_the_manifest_names_its_makers(paths, tmp_path):
    made = back_up(paths, tmp_path / "backups", NOW)
    with tarfile.open(made.archive) as tar:
        names = tar.getnames()
        stream = tar.extractfile("manifest.json")
        assert stream is not None
        manifest = Manifest.model_validate_json(stream.read())
    assert names[-1] == "manifest.json"
    assert sorted(names[:-1]) == sorted(manifest.files)
    assert manifest.made_at == NOW


PARTS = st.sampled_from(["landing", "site", "..", ".", "", "a", "\\", "C:", "\x00"])


@given(st.one_of(st.text(max_size=40), st.lists(PARTS, max_size=6).map("/".join)))
def test_no_name_leads_out_of_the_folder(name):
    stage = Path("/stage")
    try:
        found = restoring._inside(Path("a.tar.gz"), stage, name)
    except RestoreError:
        return
    place = Path(os.path.normpath(found)).relative_to(stage)
    assert place.as_posix() == name
    assert place.parts[0] in backup.PLACES


def test_the_commands_say_what_they_did(paths, tmp_path, monkeypatch):
    """And that an archive holds individual data in clear."""
    runner = CliRunner()
    monkeypatch.setenv("OBSERVATORY_DATA", str(paths.root))
    done = runner.invoke(cli.app, ["backup", "--to", str(tmp_path / "usb")])
    assert done.exit_code == 0, done.output
    (archive,) = (tmp_path / "usb").iterdir()
    assert archive.name in done.output.replace("\n", "")
    assert "en clair" in done.output
    refused = runner.invoke(cli.app, ["restore", str(archive)])
    assert isinstance(refused.exception, RestoreError)
    monkeypatch.setenv("OBSERVATORY_DATA", str(tmp_path / "machine"))
    done = runner.invoke(cli.app, ["restore", str(archive)])
    assert done.exit_code == 0, done.output
    assert "fichiers vérifiés" in done.output.replace("\u00a0", " ")
    assert generations(elsewhere(tmp_path, "machine")) == [1] * 4
