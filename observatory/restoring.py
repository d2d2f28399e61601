"""Restoring a backup: checked whole beside the data, then put in their place.

Belongs here: reading an archive within limits, what is refused, taking the place of what is there. Does not:
what a backup holds (``backup``).

An archive comes from outside: names that leave their folder, links, repeats and sizes beyond the disk are
refused, and no file is where it belongs before each one has the fingerprint of the manifest. What was in
place is kept in a folder beside. Databases, site and editions are then published together, as a run does;
killed before that, the same command run again completes.
"""

import hashlib
import os
import secrets
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from observatory.backup import FORMAT, MANIFEST, PLACES, Entry, Manifest, clear_drafts, link_state
from observatory.disk import DamagedDatabaseError, writing
from observatory.errors import ObservatoryError
from observatory.files import exchange_folders, fsync_folder, keep_private, sha256_file
from observatory.intake.store import locked
from observatory.paths import DataPaths
from observatory.sessions import Session
from observatory.warehouse import published_tables

_BLOCK = 1_048_576
_MEMBERS = 2_000_000
_MANIFEST_BYTES = 512 * _BLOCK
_SPARED = 64 * _BLOCK
"""Bytes of the disk that are left free."""

# Exchanged one by one; the warehouse, the site and the editions are published together afterwards.
_EXCHANGED = ("snapshots", "releases", "landing", "dagster", "confidential")
_TOGETHER = ("site", "partners")
_DATA = ("confidential", "landing", "partners", "releases", "site", "snapshots", "warehouse")


class RestoreError(ObservatoryError):
    """A backup cannot be restored; nothing was touched."""


class _Header(tarfile.TarInfo):
    """A header that does not announce a name of gigabytes, which tarfile would read whole."""

    def _proc_member(self, tar: tarfile.TarFile) -> tarfile.TarInfo:
        if not self.isreg() and self.size > _BLOCK:
            raise tarfile.HeaderError(self.name)
        return super()._proc_member(tar)  # type: ignore[misc]


@dataclass(frozen=True)
class Restored:
    """What a restoration did.

    Attributes:
        manifest: what the backup holds.
        former: folder of what was in place, None where nothing was.
        reference: folder of the hand-kept tables of the backup, where they differ from those in place, which
            come with the code and are left alone.
    """

    manifest: Manifest
    former: Path | None
    reference: Path | None


def restore(archive: Path, paths: DataPaths, *, replace: bool = False) -> Restored:
    """Put the content of a backup in its place.

    Args:
        archive: file of ``back_up``.
        paths: data folders.
        replace: whether what is in place gives way; it is kept beside.

    Raises:
        RestoreError: the archive is damaged, hostile, or of a later version, or there are data in place.
        DiskFullError: there is no room.
        WarehouseBusyError: a run is at work.
        StoreBusyError: a delivery is being taken or purged.
    """
    token = secrets.token_hex(6)
    stage = paths.root / f".restore-{token}"
    with writing(paths.root):
        try:
            paths.root.mkdir(parents=True, exist_ok=True)
            clear_drafts(paths.root, ".restore-*")
            stage.mkdir(mode=0o700)
            manifest = _unpack(archive, stage)
            _check_opens(archive, stage, manifest)
            with Session(paths, f"restore-{token}") as session, locked(paths):
                if _holds(paths, _DATA) and not replace:
                    raise RestoreError(
                        f"Le dossier « {paths.root} » contient déjà des données. Que faire : ajoutez "
                        "--replace, qui les garde à côté, ou restaurez dans un dossier vide par "
                        "OBSERVATORY_DATA."
                    )
                former = None
                if _holds(paths, (*_DATA, "dagster")):
                    former = paths.root / f"avant-restauration-{token}"
                    beside = paths.root / f".restore-{token}-former"
                    beside.mkdir(mode=0o700)
                    link_state(paths, beside)
                    beside.rename(former)
                reference = _reference(paths, stage, token)
                _take_place(paths, stage, session)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return Restored(manifest, former, reference)


def _unpack(archive: Path, stage: Path) -> Manifest:
    """Write the files of an archive under ``stage`` and check them against its manifest."""
    found: dict[str, Entry] = {}
    manifest = None
    room = shutil.disk_usage(stage).free - _SPARED
    with _readable(archive), tarfile.open(archive, "r|gz", tarinfo=_Header) as tar:
        for member in tar:
            if len(found) >= _MEMBERS or member.size < 0:
                raise _hostile(archive, "elle a trop d’entrées, ou une dont la taille est fausse")
            if manifest is not None or member.name in found:
                raise _hostile(archive, f"l’entrée « {member.name!r} » est en trop")
            stream = tar.extractfile(member) if member.isreg() else None
            if stream is None:
                raise _hostile(archive, f"l’entrée « {member.name!r} » n’est pas un fichier")
            if member.name == MANIFEST:
                if member.size > _MANIFEST_BYTES:
                    raise _hostile(archive, "son manifeste est trop grand")
                manifest = _manifest(archive, stream.read())
                continue
            target = _inside(archive, stage, member.name)
            room -= member.size
            if room < 0:
                raise RestoreError(
                    f"Sauvegarde « {archive.name} » : elle ne tient pas sur le disque de « {stage.parent} ». "
                    "Que faire : libérez de la place."
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            digest = hashlib.sha256()
            with target.open("xb") as written:
                while block := stream.read(_BLOCK):
                    digest.update(block)
                    written.write(block)
                written.flush()
                os.fsync(written.fileno())
            os.utime(target, (member.mtime, member.mtime))
            target.chmod(member.mode & 0o777)
            found[member.name] = Entry(
                bytes=target.stat().st_size, sha256=digest.hexdigest(), mode=member.mode & 0o777
            )
    if manifest is None:
        raise _damaged(archive)
    for name in sorted(manifest.files.keys() | found.keys()):
        if manifest.files.get(name) != found.get(name):
            raise RestoreError(
                f"Sauvegarde « {archive.name} » : « {name} » n’est pas le fichier sauvegardé. Rien n’a été "
                "touché. Que faire : prenez une autre copie de la sauvegarde."
            )
    return manifest


@contextmanager
def _readable(archive: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise _damaged(archive) from error
    except OSError as error:
        # What gzip says of a damaged file has no number; a file that is absent, or a full disk, has one.
        if error.errno is None:
            raise _damaged(archive) from error
        if isinstance(error, FileNotFoundError) and error.filename == str(archive):
            raise RestoreError(f"La sauvegarde « {archive} » n’existe pas.") from error
        raise


def _manifest(archive: Path, content: bytes) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise RestoreError(
            f"Sauvegarde « {archive.name} » : son manifeste n’est pas lisible par cette version. Que faire : "
            "restaurez avec la version qui l’a faite, ou une plus récente."
        ) from error
    if manifest.format > FORMAT:
        raise RestoreError(
            f"Sauvegarde « {archive.name} » : elle est de la version {manifest.code}, plus récente que "
            "celle-ci. Que faire : mettez l’observatoire à jour."
        )
    return manifest


def _inside(archive: Path, stage: Path, name: str) -> Path:
    """Return where a member goes, under ``stage`` whatever its name says."""
    parts = name.split("/")
    plain = all(part not in ("", ".", "..") for part in parts) and not set(name) & {"\\", "\x00"}
    if not plain or parts[0] not in PLACES or len(parts) < 2:
        raise _hostile(archive, f"le nom d’entrée « {name!r} » n’est pas celui d’une donnée")
    return stage.joinpath(*parts)


def _check_opens(archive: Path, stage: Path, manifest: Manifest) -> None:
    try:
        published_tables(DataPaths(stage))
    except DamagedDatabaseError as error:
        raise RestoreError(
            f"Sauvegarde « {archive.name} » : ses bases sont de DuckDB {manifest.duckdb}, que la version "
            "installée ne lit pas. Rien n’a été touché. Que faire : installez celle-là ou une plus récente."
        ) from error


def _holds(paths: DataPaths, places: tuple[str, ...]) -> bool:
    """Whether there is a file in one of the places; locks and drafts, which are hidden, are none."""
    return any(
        path.is_file() and not path.name.startswith(".")
        for place in places
        for path in (paths.root / place).rglob("*")
    )


def _reference(paths: DataPaths, stage: Path, token: str) -> Path | None:
    """Set aside the hand-kept tables of the backup where they differ from those of the code."""
    saved = stage / "reference"
    names = {path.relative_to(saved) for path in saved.rglob("*") if path.is_file()}
    same = all(
        (paths.reference / name).is_file()
        and sha256_file(paths.reference / name) == sha256_file(saved / name)
        for name in names
    )
    if same:
        return None
    aside = paths.root / f"reference-sauvegardee-{token}"
    saved.rename(aside)
    return aside


def _take_place(paths: DataPaths, stage: Path, session: Session) -> None:
    for place in (*_EXCHANGED, *_TOGETHER):
        (stage / place).mkdir(exist_ok=True)
    for place in ("confidential", "partners"):
        keep_private(stage / place)
    for place in _EXCHANGED:
        exchange_folders(stage / place, paths.root / place)
    databases = (paths.database, paths.confidential_database)
    saved = {database: stage / "warehouse" / database.name for database in databases}
    absent = [database for database, file in saved.items() if not file.exists()]
    for database in set(databases) - set(absent):
        saved[database].rename(session.folder / database.name)
    for place in _TOGETHER:
        (stage / place).rename(session.folder / place)
    fsync_folder(paths.root)
    session.publish_built()
    for database in absent:
        database.unlink(missing_ok=True)


def _damaged(archive: Path) -> RestoreError:
    return RestoreError(
        f"Sauvegarde « {archive.name} » : elle est illisible, incomplète ou abîmée. Rien n’a été touché. "
        "Que faire : prenez une autre copie de la sauvegarde."
    )


def _hostile(archive: Path, cause: str) -> RestoreError:
    return RestoreError(
        f"Sauvegarde « {archive.name} » : {cause}. Rien n’a été touché. Que faire : n’employez pas ce "
        "fichier, qu’« observatory backup » n’a pas fait."
    )
