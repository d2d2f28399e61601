"""The manifest of a release: what it is, which code and files made it, every file that it holds.

Belongs here: its form, writing and reading it. Does not: freezing (``freezing``), checking (``verifying``).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from observatory.files import sha256_bytes, sha256_file
from observatory.releases.naming import ReleaseFolderError

MANIFEST, SIGNATURE, SUMS, PUBLIC_KEY = (
    "manifest.json",
    "manifest.json.sig",
    "SHA256SUMS",
    "cle-publique.pem",
)
FORMAT = "observatory-release/1"
UNLISTED = frozenset({MANIFEST, SIGNATURE, SUMS})
"""Files that the manifest cannot list: itself, and those made from it."""


@dataclass(frozen=True)
class ReleasedFile:
    """A file of a release: path within it, bytes, SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A manifest as read.

    Attributes:
        release: year and number.
        signing_key: SHA-256 of the public key that signs it; None where it is not signed.
        files: every file but those of ``UNLISTED``.
        content: all of it.
        written: its bytes.
    """

    release: str
    signing_key: str | None
    files: tuple[ReleasedFile, ...]
    content: Mapping[str, Any]
    written: bytes


def released_files(folder: Path) -> list[ReleasedFile]:
    """Return the files of a folder, by path, but those of ``UNLISTED``."""
    found = [
        ReleasedFile(path.relative_to(folder).as_posix(), path.stat().st_size, sha256_file(path))
        for path in folder.rglob("*")
        if path.is_file()
    ]
    return sorted((one for one in found if one.path not in UNLISTED), key=lambda one: one.path)


def manifest_text(about: Mapping[str, Any], files: Iterable[ReleasedFile]) -> bytes:
    """Return a manifest: what is said of the release, then its files."""
    listed = [{"path": one.path, "bytes": one.size, "sha256": one.sha256} for one in files]
    content = {"format": FORMAT, **about, "files": listed}
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def sums_text(files: Iterable[ReleasedFile], manifest: bytes) -> str:
    """Return the checksums of every file and of the manifest, as ``sha256sum --check`` reads them."""
    prints = {one.path: one.sha256 for one in files} | {MANIFEST: sha256_bytes(manifest)}
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(prints.items()))


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a release.

    Raises:
        ReleaseFolderError: it is absent, is no manifest, or names a file outside of the release.
    """
    try:
        written = (folder / MANIFEST).read_bytes()
    except OSError as error:
        raise ReleaseFolderError(
            f"Le dossier « {folder} » n’a pas de {MANIFEST}. Que faire : donnez celui d’une édition gelée "
            "par « observatory release »."
        ) from error
    try:
        content = json.loads(written)
        files = tuple(
            ReleasedFile(str(one["path"]), int(one["bytes"]), str(one["sha256"])) for one in content["files"]
        )
        if content["format"] != FORMAT or any(_leads_out(one.path) for one in files):
            raise ValueError(content["format"])
        key = content["signing_key"]
        return Manifest(str(content["release"]), None if key is None else str(key), files, content, written)
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseFolderError(
            f"Le fichier « {folder / MANIFEST} » n’est pas un manifeste d’édition, ou a été changé."
        ) from error


def _leads_out(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return not parts or path.startswith("/") or ".." in parts or path in UNLISTED
