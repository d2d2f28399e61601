"""Sessions: what writes in the warehouse, and replaces together what readers open.

Public tables are in one DuckDB file, or in a DuckLake that several machines share (``lake``); individual data
are in a file of their own, which never leaves the machine.

A *session* is one run, or one chain of runs that belong together. It holds the writer's lock, stages
tables as Parquet, the site and the partners' editions as folders beside the published ones, and publishes
them together:

1. new database files are built in the session's folder from the published tables and the staged ones;
2. a ``ready`` mark is written;
3. with a lake, the public tables are published there, in one snapshot that names the session;
4. the files are renamed into place and the folders are exchanged.

An edition under embargo is *held*: step 1, then everything waits in ``under_embargo/`` until it is released
or replaced.

A session killed before its mark leaves nothing but a folder that the next session clears; killed after
it, the next session finishes step 4, unless the lake has no such snapshot.

Belongs here: holding, publishing. Does not: staging, which its steps do wherever they run (``staging``),
reading back (``warehouse``), when tables are made (package ``assets``).
"""

import json
import os
import shutil
from pathlib import Path
from typing import Self

from observatory.databases import build_database
from observatory.disk import writing
from observatory.errors import ObservatoryError
from observatory.files import exchange_folders, fsync_folder, hold, keep_private, write_atomic
from observatory.lake import Lake, WarehouseConflictError
from observatory.paths import WAREHOUSE_VARIABLE, DataPaths, WarehouseSettingError
from observatory.staging import Staging
from observatory.warehouse import is_confidential

READY = "ready"
HELD = "held"


class WarehouseBusyError(ObservatoryError):
    """Another session is writing."""


class HeldEditionError(ObservatoryError):
    """No edition waits for the end of an embargo, or what is published has changed since."""


class Session(Staging):
    """The one writer of what a data folder publishes, from ``__enter__`` to ``__exit__``.

    Leaving without ``commit`` abandons what was staged. A lake has as many writers as there are data folders;
    what a session reads of it is of the moment when it began. Steps in other processes join it (``Staging``).

    Args:
        paths: data folders.
        session_id: name of the session's folder.
        public: whether public tables are at stake, for which a lake must be there.
    """

    def __init__(self, paths: DataPaths, session_id: str, *, public: bool = True) -> None:
        super().__init__(paths, session_id)
        self._public = public

    def __enter__(self) -> Self:
        """Take the writer's lock, finish or clear what earlier sessions left, and start afresh.

        Raises:
            LakeUnavailableError: the lake does not answer.
            WarehouseBusyError: another process holds the lock.
            WarehouseSettingError: the database is on another file system than the session.
        """
        self.paths.warehouse.mkdir(parents=True, exist_ok=True)
        _check_place(self.paths)
        self._held.callback(os.close, _take_lock(self.paths.warehouse / ".lock"))
        try:
            self._settle()
            self._begin(public=self._public)
        except BaseException:
            # A process that lives on, such as the UI, would hold the lock for ever.
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Clear the session's folder, unless its publication is to be settled, and release the lock."""
        if not (self.folder / READY).exists():
            shutil.rmtree(self.folder, ignore_errors=True)
        super().__exit__()

    def _settle(self) -> None:
        """Finish or clear what earlier sessions left."""
        sessions = self.folder.parent
        for leftover in sorted(sessions.iterdir()) if sessions.is_dir() else []:
            if (leftover / READY).exists() and _was_published(self.paths, leftover):
                _publish(self.paths, leftover)
            elif (leftover / HELD).exists() and not self.paths.under_embargo.exists():
                (leftover / READY).unlink(missing_ok=True)
                leftover.rename(self.paths.under_embargo)
                continue
            shutil.rmtree(leftover)
        sessions.mkdir(mode=0o700, exist_ok=True)

    def commit(self, release: str | None = None) -> None:
        """Publish everything that was staged, together; a site makes one that was held obsolete.

        Args:
            release: the release that the tables belong to; a lake gives them back under that name.

        Raises:
            DiskFullError: there is no room; nothing was published, unless everything is.
            DamagedDatabaseError: the published database, whose other tables are kept, cannot be read.
            LakeUnavailableError: the lake failed; the next session settles whether all is published.
            WarehouseConflictError: others published the same tables meanwhile; nothing is.
        """
        self._build()
        published_site = self.site.exists()
        self.publish_built(release)
        if published_site and self.paths.under_embargo.exists():
            shutil.rmtree(self.paths.under_embargo)

    def hold(self) -> None:
        """Keep what was staged in ``under_embargo/``, in the place of what was held; publish nothing.

        Raises:
            DiskFullError: there is no room; what was held is still there.
            DamagedDatabaseError: the published database, whose other tables are kept, cannot be read.
        """
        held = self.paths.under_embargo
        self._build()
        with writing(self.folder):
            write_atomic(self.folder / HELD, self._identity().encode())
        self._keep_private()
        self.folder.chmod(0o700)
        fsync_folder(self.folder)
        # What was held goes to the session's folder: it must not be taken there for a session to finish.
        (held / READY).unlink(missing_ok=True)
        exchange_folders(self.folder, held)
        fsync_folder(self.paths.root)

    def release_held(self, release: str | None = None) -> None:
        """Publish what was held, as it was audited; may be run again after a kill.

        Args:
            release: the release that the tables belong to, for a lake.

        Raises:
            HeldEditionError: nothing is held, or the warehouse has changed since it was.
            LakeUnavailableError: the lake failed; the next session settles whether all is published.
            WarehouseConflictError: others published the same tables meanwhile; the edition still waits.
        """
        held = self.paths.under_embargo
        if not (held / HELD).exists():
            raise HeldEditionError(
                "Aucune édition n’attend la fin d’un embargo. Que faire : observatory run."
            )
        if (held / HELD).read_text(encoding="utf-8") != self._identity():
            raise HeldEditionError(
                "L’entrepôt a changé depuis que l’édition sous embargo a été faite. Que faire : observatory "
                "run, qui refait l’édition et la publie."
            )
        self._mark_ready(held)
        shutil.rmtree(self.folder)
        held.rename(self.folder)
        try:
            self._publish_ready(release)
        except WarehouseConflictError:
            self.folder.rename(held)
            raise

    def publish_built(self, release: str | None = None) -> None:
        """Publish the databases and folders that the session's folder holds under their published names.

        With a lake, the public tables staged as Parquet are published there.
        """
        self._keep_private()
        fsync_folder(self.folder)
        self._mark_ready(self.folder)
        self._publish_ready(release)

    def _build(self) -> None:
        """Write the new databases from what was staged, and drop what they hold; a lake's tables stay."""
        staged = self._staged_tables()
        confidential = {name: path for name, path in staged.items() if is_confidential(name)}
        public = {name: path for name, path in staged.items() if name not in confidential}
        if self._lake is not None:
            public = {}
        for tables, target in (
            (public, self.paths.database),
            (confidential, self.paths.confidential_database),
        ):
            if tables:
                with writing(self.folder):
                    build_database(self.folder / target.name, target, tables)
            for path in tables.values():
                path.unlink()

    def _keep_private(self) -> None:
        """Keep confidential data for their owner only, whatever the umask."""
        if (built := self.folder / self.paths.confidential_database.name).exists():
            built.chmod(0o600)
        if self.partners.exists():
            keep_private(self.partners)

    def _mark_ready(self, folder: Path) -> None:
        inodes = {
            f"{place.name}_inode": (folder / place.name).stat().st_ino
            for place in _folders(self.paths)
            if (folder / place.name).exists()
        }
        shared = self._lake is not None and any((folder / "tables").glob("*.parquet"))
        with writing(folder):
            write_atomic(folder / READY, json.dumps(inodes | {"lake": shared}).encode())

    def _publish_ready(self, release: str | None) -> None:
        """Publish a session that bears its mark: in the lake first, whose snapshot then decides."""
        shared = self._staged_tables()
        if self._lake is not None and shared:
            try:
                self._lake.publish(shared, self.folder.name, release)
            except WarehouseConflictError:
                (self.folder / READY).unlink()
                raise
        _publish(self.paths, self.folder)

    def _identity(self) -> str:
        """Tell one state of the public tables from another: each publication makes a new one."""
        if self._lake is not None:
            return f"{self.paths.lake} {self._lake.base}"
        return _identity(self.paths.database)


def _check_place(paths: DataPaths) -> None:
    """Refuse a database that a session could not rename into place in one step."""
    if paths.file is None:
        return
    paths.file.parent.mkdir(parents=True, exist_ok=True)
    if paths.file.parent.stat().st_dev != paths.warehouse.stat().st_dev:
        raise WarehouseSettingError(
            f"{WAREHOUSE_VARIABLE} : {paths.file} est sur un autre système de fichiers que "
            f"{paths.warehouse}. Prenez un chemin sur le même, ou déplacez toutes les données avec "
            "OBSERVATORY_DATA."
        )


def _take_lock(path: Path) -> int:
    try:
        descriptor = hold(path)
    except BlockingIOError as error:
        holder = path.read_text(encoding="ascii") or "inconnu"
        raise WarehouseBusyError(
            f"Un autre traitement écrit dans l’entrepôt (processus {holder}). "
            "Attendez sa fin, puis relancez ; rien n’a été modifié."
        ) from error
    os.truncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor


def _publish(paths: DataPaths, folder: Path) -> None:
    """Rename what a ready session holds into place; may be run again after a kill."""
    for target in (paths.confidential_database, paths.database):
        built = folder / target.name
        if built.exists():
            built.replace(target)
    # A folder keeps its inode when it is renamed: the exchange is done once, even if a kill follows it.
    inodes = json.loads((folder / READY).read_bytes())
    for place in _folders(paths):
        staged = inodes.get(f"{place.name}_inode")
        published = place.stat().st_ino if place.exists() else None
        if staged is not None and staged != published:
            exchange_folders(folder / place.name, place)
    (folder / READY).unlink()
    fsync_folder(paths.warehouse)


def _was_published(paths: DataPaths, folder: Path) -> bool:
    """Whether a marked session was published: in a lake, if its snapshot is there."""
    if paths.lake is None or not json.loads((folder / READY).read_bytes())["lake"]:
        return True
    with Lake(paths.lake, read_only=True) as lake:
        return lake.holds(folder.name)


def _identity(database: Path) -> str:
    if not database.exists():
        return "none"
    found = database.stat()
    return f"{found.st_ino} {found.st_mtime_ns}"


def _folders(paths: DataPaths) -> tuple[Path, ...]:
    """Return the folders that are published whole; each is staged under its own name."""
    return paths.site, paths.partners
