"""The commands that the README shows exist and run."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.readme

# Run for real by other tests, since they take long, need a registry, or never end by themselves.
RUN_ELSEWHERE = {"run", "embed", "dev", "serve"}


def commands():
    blocks = re.findall(r"```sh\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL)
    lines = [line.partition(" #")[0].strip() for block in blocks for line in block.splitlines()]
    return sorted({line for line in lines if line})


def test_the_readme_shows_commands():
    assert {"make run", "make test", "make check", "make dev", "make bench"} <= set(commands())


@pytest.mark.parametrize("command", commands())
def test_command(command, tmp_path):
    words = shlex.split(command)
    environment = os.environ | {"OBSERVATORY_DATA": str(tmp_path)}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        environment[name] = value
    folder = tmp_path
    if words[0] == "make":
        words.insert(1, "--dry-run")
        folder = PROJECT
    else:
        assert words[0] == ".venv/bin/observatory", f"the README shows a command that is not ours: {command}"
        words[0] = str(Path(sys.executable).with_name("observatory"))
        if words[1] in RUN_ELSEWHERE:
            words.append("--help")
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
