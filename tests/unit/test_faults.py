"""Whatever stops a writer, what is published is one whole generation, and nothing is lost."""

import errno
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import faulty_steps
import polars as pl
import pytest
from faulty_steps import publish

from assets import cli
from observatory.backup import back_up
from observatory.disk import DamagedDatabaseError, DiskFullError, says_full
from observatory.paths import DataPaths
from observatory.restoring import restore
from observatory.sessions import Session
from observatory.warehouse import published_tables, read_table

SCRIPT = Path(faulty_steps.__file__)


def tries(scenario, fault, folder, stride=1):
    done = subprocess.run(
        [sys.executable, SCRIPT, scenario, fault, folder, str(stride)],
        env=os.environ | {"PYTHONPATH": str(SCRIPT.parents[2])},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(("fault", "stride"), [("kill", 1), ("full", 2)])
def test_a_publication_stopped_at_any_step_is_whole_or_not_there(tmp_path, fault, stride):
    found = tries("publish", fault, tmp_path, stride)
    assert len(found) * stride > 20
    for one in found:
        assert one["after"] in ([1] * 4, [2] * 4), one
    assert {tuple(one["after"]) for one in found} == {(1,) * 4, (2,) * 4}
    assert found[-1]["after"] == [2] * 4
    if fault == "kill":
        assert {one["status"] for one in found[:-1]} == {9}
        # Once it is published it stays so.
        assert sorted(one["after"] for one in found) == [one["after"] for one in found]
    else:
        # Each says so, but where clearing up is what failed.
        said = [one["said"] for one in found]
        assert any(text.startswith("DiskFullError") and "libérez de la place" in text for text in said)
        assert all(says_full(text) or "plein" in text for text in said if text)


@pytest.mark.parametrize("fault", ["kill", "full"])
def test_a_source_file_being_kept_is_whole_or_not_there(tmp_path, fault):
    found = tries("keep", fault, tmp_path)
    assert len(found) > 10
    assert {tuple(one["after"]) for one in found} == {(1, 3), (1, 2, 3)}


@pytest.mark.parametrize("fault", ["kill", "full"])
def test_a_backup_is_whole_or_not_there(tmp_path, fault):
    found = tries("backup", fault, tmp_path, 3)
    assert {tuple(one["after"]) for one in found} == {(1,) * 4, (1,) * 8}
    assert found[-1]["after"] == [1] * 8


@pytest.mark.parametrize(("fault", "stride"), [("kill", 6), ("full", 11)])
def test_a_restoration_is_completed_by_the_same_command(tmp_path, fault, stride):
    found = tries("restore", fault, tmp_path, stride)
    assert len(found) > 5
    assert {tuple(one["after"]) for one in found} == {(1,) * 4}


RACE = """
import sys, time
from pathlib import Path
from faulty_steps import publish
from observatory.paths import DataPaths
from observatory.sessions import WarehouseBusyError

paths, number = DataPaths(Path(sys.argv[1])), int(sys.argv[2])
while not (paths.root / "go").exists():
    time.sleep(0.001)
for turn in range(8):
    try:
        publish(paths, 1000 * number + turn)
        print("published", 1000 * number + turn, flush=True)
    except WarehouseBusyError as error:
        print("busy", error, flush=True)
"""


def test_two_runs_at_once_publish_one_after_the_other_beside_a_reader(tmp_path):
    """Two processes race; a third reads all along, whole generations only."""
    paths = DataPaths(tmp_path)
    publish(paths, 1)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(SCRIPT.parents[2]), str(SCRIPT.parent)])}
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, tmp_path, str(number)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in (1, 2)
    ]
    seen = set()
    with duckdb.connect(str(paths.database), read_only=True) as opened:
        (tmp_path / "go").touch()
        while any(racer.poll() is None for racer in racers):
            seen.add(read_table(paths, "x.generation")["n"].item())
        assert opened.sql("SELECT n FROM x.generation").fetchall() == [(1,)]
    lines = [line for racer in racers for line in racer.stdout.read().splitlines()]
    for racer in racers:
        racer.stdout.close()
    assert [racer.returncode for racer in racers] == [0, 0]
    published = {int(line.split()[1]) for line in lines if line.startswith("published")}
    assert len(lines) == 16
    assert seen <= published | {1}
    assert all("Attendez sa fin" in line for line in lines if line.startswith("busy"))
    assert len(set(faulty_steps.generations(paths))) == 1


@pytest.fixture
def small_disk(tmp_path):
    """A disk of two megabytes of its own; unmounted at the end."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here (it takes root)")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_disk_that_is_really_full(small_disk):
    """The writers below Python, Polars and DuckDB, meet it too: each leaves the former generation whole."""
    paths = DataPaths(small_disk / "data")
    publish(paths, 1)
    wide = pl.DataFrame({"n": range(40_000)}).with_columns(text=pl.col("n").hash().cast(pl.String))
    stopped = set()
    for room in (4_000, 200_000, 500_000, 700_000):
        filler = small_disk / "filler"
        free = os.statvfs(small_disk)
        filler.write_bytes(b"\0" * max(0, free.f_bavail * free.f_frsize - room))
        with Session(paths, "full") as session:
            try:
                session.write("x.wide", wide)
                stopped.add("commit")
                session.write("x.generation", pl.DataFrame({"n": [2]}))
                session.commit()
            except DiskFullError as error:
                assert "libérez de la place" in str(error)
            else:
                stopped.add("nothing")
        filler.unlink()
        if "nothing" in stopped:
            break
        assert faulty_steps.generations(paths) == [1] * 4
    assert "commit" in stopped
    publish(paths, 3)
    assert faulty_steps.generations(paths) == [3] * 4


def damage(file, how):
    content = bytearray(file.read_bytes())
    if how == "cut":
        content = content[: len(content) // 2]
    elif how == "emptied":
        content = bytearray()
    elif how == "head":
        content[:64] = b"\0" * 64
    else:
        for place in range(8192, len(content), 512):
            content[place] ^= 0xFF
    file.write_bytes(content)


@pytest.mark.parametrize("name", ["observatory.duckdb", "individual.duckdb"])
@pytest.mark.parametrize("how", ["cut", "head", "flipped", "emptied"])
def test_a_damaged_database_is_named_and_a_backup_brings_it_back(tmp_path, how, name):
    paths = DataPaths(tmp_path / "data")
    publish(paths, 1)
    made = back_up(paths, tmp_path / "backups", faulty_steps.NOW)
    database = paths.warehouse / name
    damage(database, how)
    damaged = database.read_bytes()
    table = "x.generation" if name == "observatory.duckdb" else "confidential.generation"
    with pytest.raises(DamagedDatabaseError, match=re.escape(name)) as reading:
        read_table(paths, table)
    assert "observatory restore" in str(reading.value)
    # The next run stops before it publishes anything, and leaves the file for whoever looks into it.
    with pytest.raises(DamagedDatabaseError, match=re.escape(name)), Session(paths, "next") as session:
        session.write("x.other", pl.DataFrame({"n": [2]}))
        session.write("confidential.other", pl.DataFrame({"n": [2]}))
        session.commit()
    assert database.read_bytes() == damaged
    assert (paths.site / "index.html").read_text() == "1"
    restore(made.archive, paths, replace=True)
    assert faulty_steps.generations(paths) == [1] * 4
    assert published_tables(paths) == {"x.generation", "confidential.generation"}


def test_without_a_backup_moving_the_damaged_file_is_enough(tmp_path):
    paths = DataPaths(tmp_path)
    publish(paths, 1)
    damage(paths.database, "cut")
    paths.database.rename(tmp_path / "damaged.duckdb")
    publish(paths, 2)
    assert faulty_steps.generations(paths) == [2] * 4


def test_a_session_that_cannot_start_lets_the_lock_go(tmp_path, monkeypatch):
    """A process that lives on would hold it for ever."""
    paths = DataPaths(tmp_path)
    publish(paths, 1)
    left = paths.warehouse / "sessions" / "left"
    left.mkdir()
    (left / "ready").write_text("{")
    with pytest.raises(ValueError, match="Expecting"), Session(paths, "next"):
        pass
    (left / "ready").unlink()
    publish(paths, 2)
    assert faulty_steps.generations(paths) == [2] * 4


def test_the_command_says_that_the_disk_is_full(monkeypatch, capsys):
    def full():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/data/site/index.html")

    monkeypatch.setattr(cli, "app", full)
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    assert "le disque est plein" in capsys.readouterr().err
