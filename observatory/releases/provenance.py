"""Which code made an edition.

Belongs here: the fingerprint of the code and of the tables kept with it, its commit, what it runs on.
Does not: the manifest (``manifest``).

A site bears the fingerprint of the code that made it: a release is frozen by that very code, or not at all.
"""

import platform
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import requires, version
from pathlib import Path

from observatory.files import sha256_file
from observatory.paths import PROJECT

_MADE_OF = ("observatory", "assets", "data/reference", "data/embedded")
_PINNED = "constraints.txt"
_TRACKED = (*_MADE_OF, "pyproject.toml", _PINNED)
_CATALOGUES = ("observatory", "data/reference")


@dataclass(frozen=True)
class Checkout:
    """State of the code in git: last commit that touched it, whether it has changed since."""

    commit: str
    modified: bool


@cache
def code_fingerprint(project: Path = PROJECT) -> str:
    """Return the SHA-256 of the code and of the tables kept with it: paths and contents, in order."""
    digest = sha256()
    for path in _files(project, _MADE_OF):
        digest.update(f"{path.relative_to(project).as_posix()}\0{sha256_file(path)}\n".encode())
    return digest.hexdigest()


def catalogues(project: Path = PROJECT) -> dict[str, str]:
    """Return the SHA-256 of the catalogues, rules and reference tables, by path within the project."""
    return {
        path.relative_to(project).as_posix(): sha256_file(path)
        for path in _files(project, _CATALOGUES)
        if path.suffix in (".yaml", ".csv", ".md")
    }


def checkout(project: Path = PROJECT) -> Checkout | None:
    """Return the state of the code in git; None where the project is not a git checkout of its own."""
    top = _git(project, "rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != project.resolve():
        return None
    commit = _git(project, "log", "-1", "--format=%H", "--", *_TRACKED)
    changed = _git(project, "status", "--porcelain", "--", *_TRACKED)
    if not commit or changed is None:
        return None
    return Checkout(commit, bool(changed))


def environment(project: Path = PROJECT) -> dict[str, object]:
    """Return what the code runs on: Python, SHA-256 of the pinned versions, versions of its dependencies."""
    pinned = project / _PINNED
    names = [
        re.split(r"[^A-Za-z0-9._-]", one, maxsplit=1)[0]
        for one in requires("observatory") or []
        if "extra ==" not in one
    ]
    return {
        "python": platform.python_version(),
        "constraints_sha256": sha256_file(pinned) if pinned.is_file() else None,
        "packages": {name: version(name) for name in sorted(names)},
    }


def _files(project: Path, folders: tuple[str, ...]) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((project / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def _git(project: Path, *words: str) -> str | None:
    """Return what git says; None where it is absent or refuses."""
    try:
        done = subprocess.run(
            ["git", "-C", str(project), *words], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
