"""Runs of the chain that several files of tests read: made once per session, by whichever worker comes first.

A test that changes what a run wrote takes a copy (``copied``); nobody writes in a shared folder.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from filelock import FileLock

OBSERVATORY = Path(sys.executable).with_name("observatory")


@dataclass(frozen=True)
class Run:
    """A finished run: its data folder and what it printed."""

    data: Path
    output: str

    @property
    def site(self) -> Path:
        return self.data / "site"


def observatory(data: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command on a data folder."""
    return subprocess.run(
        [OBSERVATORY, *words],
        env=os.environ | {"OBSERVATORY_DATA": str(data), "COLUMNS": "120"} | environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def shared_run(factory: pytest.TempPathFactory, name: str, *words: str) -> Run:
    """Return the run of that name, made now if no worker has made it; a failed one fails for all."""
    base = factory.getbasetemp()
    # Each worker of a session has its own folder in the session's.
    root = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = root / f"shared-{name}"
    told = folder / "output.txt"
    with FileLock(root / f"shared-{name}.lock"):
        if not told.exists():
            folder.mkdir()
            done = observatory(folder / "data", "run", *words)
            said = done.stdout if done.returncode == 0 else done.stdout + done.stderr
            told.write_text(f"{done.returncode}\n{said}", encoding="utf-8")
    code, _, output = told.read_text(encoding="utf-8").partition("\n")
    assert code == "0", output
    return Run(folder / "data", output)


def copied(run: Run, folder: Path) -> Run:
    """Return a run that a test may change: same files, modes and dates, in a folder of its own."""
    shutil.copytree(run.data, folder / "data")
    return Run(folder / "data", run.output)
