"""What another process does on a shared warehouse: ``python lake_worker.py WORK FOLDER WORDS ...``."""

import os
import signal
import sys
from pathlib import Path

import polars as pl

from observatory import sessions
from observatory.lake import Lake, WarehouseConflictError
from observatory.paths import DataPaths
from observatory.sessions import Session


def write_parts(paths: DataPaths, worker: str, count: int) -> None:
    """Publish partitions of one table and a table of its own, again where the other worker was first."""
    conflicts = 0
    for number in range(count):
        while True:
            try:
                with Session(paths, f"{worker}-{number}-{conflicts}") as session:
                    part = f"{worker}{number}"
                    session.replace_rows(
                        "x.shared", pl.DataFrame({"part": [part], "n": [number]}), "part", [part]
                    )
                    session.write(f"x.own_{worker}", pl.DataFrame({"n": [number]}))
                    session.commit()
                break
            except WarehouseConflictError:
                conflicts += 1


def die(paths: DataPaths, moment: str) -> None:
    """Publish generation 2 and be killed, by SIGKILL, at a moment of it."""
    with Session(paths, "killed") as session:
        session.write("x.generation", pl.DataFrame({"n": [2]}))
        session.site.mkdir()
        (session.site / "index.html").write_text("2")

        def kill(*_: object) -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        original = Lake._replace

        def replace_and_die(*words: object) -> None:
            original(*words)
            kill()

        if moment == "before the lake commits":
            Lake._replace = replace_and_die
        elif moment == "once the lake has committed":
            sessions._publish = kill
        session.commit("2026-2")


if __name__ == "__main__":
    work, root, words, *rest = sys.argv[1:]
    data = DataPaths(Path(root), lake=words)
    if work == "parts":
        write_parts(data, rest[0], int(rest[1]))
    else:
        die(data, rest[0])
