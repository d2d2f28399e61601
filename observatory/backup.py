"""Backups: one archive of all that cannot be made again, with the fingerprint of each file.

Belongs here: what is backed up, taking it whole while others work, writing the archive. Does not: bringing it
back (``restoring``).

Published files, snapshots and releases are replaced, never altered: they are linked into a folder beside,
which is one state of the data however long the archive then takes. While a run goes on it may publish between
two links; that is seen by the files in place having changed, and the links are made again.
"""

import gzip
import hashlib
import io
import os
import secrets
import shutil
import sqlite3
import tarfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict

from observatory.disk import writing
from observatory.errors import ObservatoryError
from observatory.files import fsync_folder
from observatory.intake.store import locked
from observatory.paths import DataPaths
from observatory.sessions import READY, Session, WarehouseBusyError

FORMAT = 1
MANIFEST = "manifest.json"
PLACES = (
    "confidential",
    "dagster",
    "landing",
    "partners",
    "reference",
    "releases",
    "site",
    "snapshots",
    "warehouse",
)
"""First names of the members of an archive."""

# Altered in place, by an editor or by adding lines.
_COPIED = ("confidential", "reference")
# Their own files all count; elsewhere a hidden file is a lock, a draft or a desktop's.
_WITH_HIDDEN = ("site", "releases", "partners", "reference")
_SQLITE = ".db"
_SQLITE_ASIDE = (".db-wal", ".db-shm", ".db-journal")
_TRIES, _PAUSE = 40, 0.5
_LEVEL = 1
"""Of compression: most of the bytes are compressed already."""


class BackupError(ObservatoryError):
    """A backup cannot be made."""


class Entry(BaseModel):
    """A file of a backup.

    Attributes:
        bytes: its size.
        sha256: its fingerprint.
        mode: its permissions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int
    sha256: str
    mode: int


class Manifest(BaseModel):
    """What a backup holds, the last member of its archive.

    Attributes:
        format: version of the layout of backups.
        made_at: when.
        code: version of the observatory.
        duckdb: version of DuckDB, whose files later versions read.
        files: by path.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    made_at: datetime
    code: str
    duckdb: str
    files: dict[str, Entry]


@dataclass(frozen=True)
class Made:
    """A backup that was made.

    Attributes:
        archive: its file.
        manifest: what it holds.
    """

    archive: Path
    manifest: Manifest


def back_up(paths: DataPaths, folder: Path, now: datetime) -> Made:
    """Write an archive into ``folder``, for its owner only.

    Args:
        paths: data folders.
        folder: where the archive goes, outside of what it holds.
        now: when.

    Raises:
        BackupError: the folder is among what is backed up, a file changed while it was read, or publications
            follow each other without end.
        DiskFullError: there is no room for the archive.
        StoreBusyError: a delivery is being taken or purged.
    """
    target = folder.expanduser().resolve()
    for place in PLACES:
        if target.is_relative_to((paths.root / place).resolve()):
            raise BackupError(
                f"Le dossier « {target} » est de ceux que l’on sauvegarde. Que faire : donnez-en un autre."
            )
    stage = paths.root / f".backup-{secrets.token_hex(6)}"
    name = f"observatoire-{now.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}.tar.gz"
    partial = target / f".{name}.partial"
    with writing(target):
        try:
            paths.root.mkdir(parents=True, exist_ok=True)
            clear_drafts(paths.root, ".backup-*")
            stage.mkdir(mode=0o700)
            gather(paths, stage)
            target.mkdir(parents=True, exist_ok=True)
            clear_drafts(target, ".observatoire-*.partial")
            manifest = _write(stage, partial, now)
            partial.replace(target / name)
            fsync_folder(target)
        finally:
            partial.unlink(missing_ok=True)
            shutil.rmtree(stage, ignore_errors=True)
    return Made(target / name, manifest)


def clear_drafts(folder: Path, pattern: str) -> None:
    """Clear what a killed process left, after a day: a younger draft may be another's, still at work."""
    for draft in folder.glob(pattern):
        if abs(time.time() - draft.stat().st_mtime) > 86_400:
            shutil.rmtree(draft) if draft.is_dir() else draft.unlink()


def gather(paths: DataPaths, stage: Path) -> None:
    """Put one state of all that is backed up into ``stage``, by links where files are never altered.

    Raises:
        BackupError: publications follow each other without end.
        StoreBusyError: a delivery is being taken or purged.
    """
    with ExitStack() as held:
        try:
            # Also finishes or clears what a killed session left.
            held.enter_context(Session(paths, f"backup-{secrets.token_hex(6)}"))
            held.enter_context(locked(paths))
        except WarehouseBusyError:
            # The run that holds the warehouse holds the store too: only its publication may come meanwhile.
            pass
        link_state(paths, stage)


def link_state(paths: DataPaths, stage: Path) -> None:
    """Do what ``gather`` does, under locks that the caller holds, or beside a run.

    Raises:
        BackupError: publications follow each other without end.
    """
    for _ in range(_TRIES):
        before = _in_place(paths)
        try:
            _gather_once(paths, stage)
        except FileNotFoundError:
            before = None
        if before is not None and before == _in_place(paths):
            return
        for place in stage.iterdir():
            shutil.rmtree(place)
        time.sleep(_PAUSE)
    raise BackupError("Une publication est en cours. Que faire : relancez quand le traitement est terminé.")


def _in_place(paths: DataPaths) -> list[int] | None:
    """Return what tells one publication from the next; None while one is half made."""
    if any(paths.warehouse.glob(f"sessions/*/{READY}")):
        return None
    published = (paths.database, paths.confidential_database, paths.site, paths.partners)
    return [place.stat().st_ino if place.exists() else 0 for place in published]


def _gather_once(paths: DataPaths, stage: Path) -> None:
    for database in (paths.database, paths.confidential_database):
        if database.exists():
            _put(database, stage / "warehouse" / database.name, link=True)
    for place in PLACES:
        source = paths.reference if place == "reference" else paths.root / place
        if place == "warehouse":
            continue
        for file in _files(source, hidden=place in _WITH_HIDDEN):
            target = stage / place / file.relative_to(source)
            if place == "dagster" and file.suffix == _SQLITE:
                _copy_sqlite(file, target)
            elif not file.name.endswith(_SQLITE_ASIDE):
                # Nothing but its own run alters a log of Dagster, and an open one is taken as it is.
                _put(file, target, link=place not in (*_COPIED, "dagster"))


def _files(folder: Path, *, hidden: bool) -> Iterator[Path]:
    for root, folders, names in os.walk(folder):
        if not hidden:
            folders[:] = [name for name in folders if not name.startswith(".")]
        for name in sorted(names):
            path = Path(root) / name
            if (hidden or not name.startswith(".")) and path.is_file() and not path.is_symlink():
                yield path


def _put(source: Path, target: Path, *, link: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if link:
        try:
            os.link(source, target)
            return
        except FileNotFoundError:
            raise
        except OSError:
            # Another disk, or a file system without links.
            pass
    shutil.copy2(source, target)


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database that others may be writing, whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    origin, copy = sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True), sqlite3.connect(target)
    try:
        origin.backup(copy)
    finally:
        copy.close()
        origin.close()


class _Hashed:
    """A file that is fingerprinted as it is read."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.digest = stream, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self.stream.read(size)
        self.digest.update(block)
        return block


def _write(stage: Path, archive: Path, now: datetime) -> Manifest:
    files: dict[str, Entry] = {}
    descriptor = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        with (
            gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as packed,
            tarfile.open(mode="w|", fileobj=packed, format=tarfile.PAX_FORMAT) as tar,
        ):
            for path in sorted(_files(stage, hidden=True)):
                name = path.relative_to(stage).as_posix()
                files[name] = _add(tar, path, name)
            manifest = Manifest(
                format=FORMAT,
                made_at=now.astimezone(UTC),
                code=version("observatory"),
                duckdb=version("duckdb"),
                files=files,
            )
            content = manifest.model_dump_json(indent=1).encode()
            info = tarfile.TarInfo(MANIFEST)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        raw.flush()
        os.fsync(raw.fileno())
    return manifest


def _add(tar: tarfile.TarFile, path: Path, name: str) -> Entry:
    """Add a file, its size and bytes being those of one reading."""
    with path.open("rb") as stream:
        state = os.fstat(stream.fileno())
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = state.st_size, int(state.st_mtime), state.st_mode & 0o777
        hashed = _Hashed(stream)
        try:
            tar.addfile(info, hashed)
            whole = not stream.read(1)
        except OSError as error:
            if error.errno is not None:
                raise
            whole = False
    if not whole:
        raise BackupError(
            f"Le fichier « {name} » a changé pendant la sauvegarde. Que faire : attendez la fin de son "
            "dépôt, puis relancez."
        )
    return Entry(bytes=info.size, sha256=hashed.digest.hexdigest(), mode=info.mode)
