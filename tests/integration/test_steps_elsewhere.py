"""Steps of a run in other processes than its own: the same tables, or nothing at all."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest
from shared_runs import OBSERVATORY, Run, copied

from assets.executors import EXECUTOR_VARIABLE
from assets.instance import prepare_instance
from observatory.paths import DataPaths
from observatory.sessions import Session
from observatory.warehouse import published_tables, read_table

pytestmark = pytest.mark.integration
STEPS = ("core_all__perimeter_communes", "core_all__perimeter_versions", "core_etalab__commune_postcodes")


@pytest.fixture
def data(tmp_path, embedded_run: Run, monkeypatch) -> Path:
    folder = copied(embedded_run, tmp_path).data
    monkeypatch.setenv("OBSERVATORY_DATA", str(folder))
    monkeypatch.setenv("OBSERVATORY_DELIVERED", "")
    monkeypatch.setenv("DAGSTER_HOME", str(prepare_instance()))
    return folder


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """Yield the address of a broker of the tests' own: no port is opened."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server on this machine (Debian: redis-server)")
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "socket"
        words = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", folder]
        with subprocess.Popen([program, *words], stdout=subprocess.DEVNULL) as server:
            deadline = time.monotonic() + 30
            while not socket.exists():
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield f"redis+socket://{socket}"
            server.terminate()


@contextmanager
def worker(broker: str, **environment: str) -> Iterator[None]:
    words = [OBSERVATORY, "service", "worker"]
    told = os.environ | {EXECUTOR_VARIABLE: f"celery:{broker}"} | environment
    with subprocess.Popen(words, env=told, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def materialize(executor: str) -> subprocess.CompletedProcess[str]:
    """Make some tables again, as from the UI, in a process whose environment names the executor."""
    words = ["asset", "materialize", "-m", "assets.definitions", "--select", ",".join(STEPS)]
    return subprocess.run(
        [sys.executable, "-m", "dagster", *words],
        env=os.environ | {EXECUTOR_VARIABLE: executor},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def tables(data: Path) -> dict[str, pl.DataFrame]:
    paths = DataPaths(data)
    return {name: read_table(paths, name) for name in published_tables(paths)}


def processes(done: subprocess.CompletedProcess[str]) -> set[str]:
    """Return the processes in which the steps started, by Dagster's own account."""
    return {line.split(" - ")[5] for line in done.stderr.splitlines() if " - STEP_START - " in line}


def check_published(data: Path, before: dict[str, pl.DataFrame], inode: int) -> None:
    assert DataPaths(data).database.stat().st_ino != inode
    after = tables(data)
    assert set(after) == set(before)
    assert [name for name, frame in after.items() if not frame.equals(before[name])] == []
    with Session(DataPaths(data), "after"):
        pass


def test_a_process_for_each_step_publishes_the_same_tables(data):
    before, inode = tables(data), DataPaths(data).database.stat().st_ino
    done = materialize("multiprocess")
    assert done.returncode == 0, done.stderr
    assert len(processes(done)) >= len(STEPS)
    check_published(data, before, inode)


def test_workers_of_a_broker_publish_the_same_tables(data, broker):
    before, inode = tables(data), DataPaths(data).database.stat().st_ino
    with worker(broker):
        done = materialize(f"celery:{broker}")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Submitting celery task") >= len(STEPS)
    assert processes(done) == set()
    check_published(data, before, inode)


def test_a_worker_that_does_not_see_the_data_folder_publishes_nothing(data, broker, tmp_path):
    inode = DataPaths(data).database.stat().st_ino
    with worker(broker, OBSERVATORY_DATA=str(tmp_path / "elsewhere")):
        done = materialize(f"celery:{broker}")
    assert done.returncode != 0
    assert "Cette étape ne voit pas la session" in done.stderr
    assert DataPaths(data).database.stat().st_ino == inode
    with Session(DataPaths(data), "after"):
        pass
