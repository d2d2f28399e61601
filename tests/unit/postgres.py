"""A PostgreSQL of the tests' own, in a folder of its own: no port is opened, no other server touched."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SERVER = "postgres"
"""The account that runs the server where the tests are root's, as PostgreSQL refuses to be."""


class Cluster:
    """A running server, reached by the socket of its folder."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self._programs = programs
        self._made = 0

    def words(self, database: str) -> str:
        return f"host={self.folder} user=observatory dbname={database} connect_timeout=5"

    def database(self) -> str:
        """Make an empty database; return the words that reach it."""
        self._made += 1
        name = f"lake{self._made}"
        options = ["--host", str(self.folder), "--username", "observatory"]
        self._run("createdb", *options, name)
        return self.words(name)

    def start(self) -> None:
        flags = f"-k {self.folder} -c listen_addresses= -c fsync=off -c max_connections=40"
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "-w", "-D", str(self.folder / "data"), "-o", flags, "-l", log)

    def stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self.folder / "data"))

    def create(self) -> None:
        options = ["--username", "observatory", "--auth", "trust", "--encoding", "UTF8", "--no-sync"]
        self._run("initdb", "-D", str(self.folder / "data"), *options)
        self.start()

    def _run(self, program: str, *words: str) -> None:
        user = SERVER if os.geteuid() == 0 else None
        # The log of a server that stays would hold a pipe open.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                [self._programs / program, *words],
                user=user,
                group=user,
                extra_groups=[] if user else None,
                cwd=self.folder,
                stdout=said,
                stderr=said,
                check=False,
                timeout=60,
            )
            said.seek(0)
            assert done.returncode == 0, said.read().decode()


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Run a server for the time of a test; skip where PostgreSQL is not installed."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("PostgreSQL is not on this machine (Debian: apt-get install postgresql)")
    pytest.importorskip("duckdb_extension_ducklake", reason="extensions of the extra « lake »")
    # Not under the tests' own folder, which the server's account may not enter; a socket's path is short.
    folder = Path(tempfile.mkdtemp(prefix="lake-"))
    if os.geteuid() == 0:
        shutil.chown(folder, SERVER, SERVER)
    cluster = Cluster(folder, programs[-1])
    try:
        cluster.create()
        yield cluster
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            cluster.stop()
        shutil.rmtree(folder)
