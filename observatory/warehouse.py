"""The warehouse: one DuckDB file that readers open, replaced whole at the end of a session.

A *session* is one run, or one chain of runs that belong together. It holds the writer's lock, stages
tables as Parquet, the site and the partners' editions as folders beside the published ones, and publishes
them together:

1. new database files are built in the session's folder from the published tables and the staged ones;
2. a ``ready`` mark is written;
3. the files are renamed into place and the folders are exchanged.

An edition under embargo is *held*: step 1, then everything waits in ``under_embargo/`` until it is released
or replaced.

A session killed before its mark leaves nothing but a folder that the next session clears; killed after
it, the next session finishes step 3. Readers keep the file that they opened, or see the new one.

Belongs here: staging, publishing, reading back.
Does not: what the tables mean (``tables``), when they are made (package ``assets``).
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import duckdb
import polars as pl

from observatory.disk import reading, writing
from observatory.errors import ObservatoryError
from observatory.files import exchange_folders, fsync_folder, keep_private, write_atomic
from observatory.paths import DataPaths
from observatory.tables import TABLES

CONFIDENTIAL_SCHEMA = "confidential"
READY = "ready"
HELD = "held"


class WarehouseBusyError(ObservatoryError):
    """Another session is writing."""


class MissingTableError(ObservatoryError):
    """A table that has never been made is asked for."""


class HeldEditionError(ObservatoryError):
    """No edition waits for the end of an embargo, or what is published has changed since."""


class Session:
    """The one writer of what is published, from ``__enter__`` to ``__exit__``.

    Leaving without ``commit`` abandons what was staged.

    Args:
        paths: data folders.
        session_id: name of the session's folder.
    """

    def __init__(self, paths: DataPaths, session_id: str) -> None:
        self.paths = paths
        self.folder = paths.warehouse / "sessions" / session_id
        self._lock: int | None = None

    def __enter__(self) -> Self:
        """Take the writer's lock, finish or clear what earlier sessions left, and start afresh.

        Raises:
            WarehouseBusyError: another process holds the lock.
        """
        self.paths.warehouse.mkdir(parents=True, exist_ok=True)
        self._lock = _take_lock(self.paths.warehouse / ".lock")
        sessions = self.folder.parent
        try:
            for leftover in sorted(sessions.iterdir()) if sessions.is_dir() else []:
                if (leftover / READY).exists():
                    _publish(self.paths, leftover)
                shutil.rmtree(leftover)
            sessions.mkdir(mode=0o700, exist_ok=True)
            with writing(self.folder):
                (self.folder / "tables").mkdir(parents=True)
        except BaseException:
            # A process that lives on, such as the UI, would hold the lock for ever.
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Clear the session's folder and release the lock; the next session finishes what is ready."""
        if not (self.folder / READY).exists():
            shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def write(self, name: str, frame: pl.DataFrame) -> None:
        """Stage a table, ``schema.name``; its contract, if any, is enforced.

        Raises:
            ContractError: the frame does not keep the contract.
        """
        if name in TABLES:
            frame = TABLES[name].conform(frame)
        target = self._staged(name)
        partial = target.with_suffix(".partial")
        with writing(self.folder):
            frame.write_parquet(partial)
            partial.replace(target)

    def replace_rows(self, name: str, frame: pl.DataFrame, column: str, values: Iterable[str]) -> None:
        """Stage a table whose rows with ``column`` in ``values`` are replaced by ``frame``."""
        wanted = list(values)
        if self.has(name):
            kept = self.read(name).filter(~pl.col(column).is_in(wanted))
            frame = pl.concat([kept, frame]).sort(frame.columns)
        self.write(name, frame)

    def has(self, name: str) -> bool:
        """Whether a table was staged or published."""
        return self._staged(name).exists() or name in published_tables(self.paths)

    def read(self, name: str) -> pl.DataFrame:
        """Return a table as staged in this session, or else as published.

        Raises:
            MissingTableError: it was never made.
        """
        staged = self._staged(name)
        return pl.read_parquet(staged) if staged.exists() else read_table(self.paths, name)

    @property
    def site(self) -> Path:
        """The folder where the site is staged."""
        return self.folder / "site"

    @property
    def partners(self) -> Path:
        """The folder where the editions of all partners are staged; it takes the place of the former ones."""
        return self.folder / "partners"

    def commit(self) -> None:
        """Publish everything that was staged, together; a site makes one that was held obsolete.

        Raises:
            DiskFullError: there is no room; nothing was published, unless everything is.
            DamagedDatabaseError: the published database, whose other tables are kept, cannot be read.
        """
        self._build()
        published_site = self.site.exists()
        self.publish_built()
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
        shutil.rmtree(self.folder / "tables")
        with writing(self.folder):
            write_atomic(self.folder / HELD, _identity(self.paths.database).encode())
        self._keep_private()
        self.folder.chmod(0o700)
        fsync_folder(self.folder)
        # What was held goes to the session's folder: it must not be taken there for a session to finish.
        (held / READY).unlink(missing_ok=True)
        exchange_folders(self.folder, held)
        fsync_folder(self.paths.root)

    def release_held(self) -> None:
        """Publish what was held, as it was audited; may be run again after a kill.

        Raises:
            HeldEditionError: nothing is held, or the warehouse has changed since it was.
        """
        held = self.paths.under_embargo
        if not (held / HELD).exists():
            raise HeldEditionError(
                "Aucune édition n’attend la fin d’un embargo. Que faire : observatory run."
            )
        if (held / HELD).read_text(encoding="utf-8") != _identity(self.paths.database):
            raise HeldEditionError(
                "L’entrepôt a changé depuis que l’édition sous embargo a été faite. Que faire : observatory "
                "run, qui refait l’édition et la publie."
            )
        self._mark_ready(held)
        shutil.rmtree(self.folder)
        held.rename(self.folder)
        _publish(self.paths, self.folder)

    def publish_built(self) -> None:
        """Publish the databases and folders that the session's folder holds under their published names."""
        self._keep_private()
        fsync_folder(self.folder)
        self._mark_ready(self.folder)
        _publish(self.paths, self.folder)

    def _build(self) -> None:
        """Write the new databases from what was staged."""
        staged = {path.stem: path for path in sorted((self.folder / "tables").glob("*.parquet"))}
        confidential = {
            name: path for name, path in staged.items() if name.startswith(f"{CONFIDENTIAL_SCHEMA}.")
        }
        public = {name: path for name, path in staged.items() if name not in confidential}
        for tables, target in (
            (public, self.paths.database),
            (confidential, self.paths.confidential_database),
        ):
            if tables:
                with writing(self.folder):
                    _build_database(self.folder / target.name, target, tables)

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
        with writing(folder):
            write_atomic(folder / READY, json.dumps(inodes).encode())

    def _staged(self, name: str) -> Path:
        return self.folder / "tables" / f"{name}.parquet"


def read_table(paths: DataPaths, name: str) -> pl.DataFrame:
    """Return a published table.

    Raises:
        MissingTableError: it was never published.
        DamagedDatabaseError: the database cannot be read.
    """
    with _reading(_database_of(paths, name)) as connection:
        if connection is None or name not in _table_names(connection):
            raise MissingTableError(
                f"La table {name} n’existe pas encore. Matérialisez d’abord l’actif qui la produit, "
                "ou lancez « make run »."
            )
        return connection.sql(f"SELECT * FROM {_quoted(name)}").pl()


def published_tables(paths: DataPaths) -> set[str]:
    """Return the names of all published tables, as ``schema.name``."""
    names: set[str] = set()
    for database in (paths.database, paths.confidential_database):
        with _reading(database) as connection:
            if connection is not None:
                names |= _table_names(connection)
    return names


def _take_lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(descriptor, 32).decode() or "inconnu"
        os.close(descriptor)
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


def _identity(database: Path) -> str:
    """Tell one state of the warehouse from another: each publication makes a new file."""
    if not database.exists():
        return "none"
    found = database.stat()
    return f"{found.st_ino} {found.st_mtime_ns}"


def _folders(paths: DataPaths) -> tuple[Path, ...]:
    """Return the folders that are published whole; each is staged under its own name."""
    return paths.site, paths.partners


def _build_database(path: Path, published: Path, staged: dict[str, Path]) -> None:
    """Write a database of the published tables with the staged ones added or replaced."""
    with duckdb.connect(str(path)) as connection:
        kept: set[str] = set()
        if published.exists():
            with reading(published):
                connection.execute(f"ATTACH '{_escaped(published)}' AS published (READ_ONLY)")
                kept = _table_names(connection) - set(staged)
        for name in sorted(kept | set(staged)):
            schema = name.partition(".")[0]
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            origin = (
                f"read_parquet('{_escaped(staged[name])}')"
                if name in staged
                else f"published.{_quoted(name)}"
            )
            with reading(staged.get(name, published)):
                connection.execute(f"CREATE TABLE {_quoted(name)} AS SELECT * FROM {origin}")
            _comment(connection, name)
        if published.exists():
            connection.execute("DETACH published")
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _comment(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Carry the contract's descriptions into the database."""
    if name not in TABLES:
        return
    table = TABLES[name]
    connection.execute(f"COMMENT ON TABLE {_quoted(name)} IS '{_text(table.description)}'")
    for column in table.columns:
        connection.execute(
            f"COMMENT ON COLUMN {_quoted(name)}.\"{column.name}\" IS '{_text(column.description)}'"
        )


@contextmanager
def _reading(database: Path) -> Iterator[duckdb.DuckDBPyConnection | None]:
    if not database.exists():
        yield None
        return
    # Attached, since connecting to a path that this process already has open would return that instance,
    # which may be the file as it was before a refresh.
    with reading(database), duckdb.connect() as connection:
        connection.execute(f"ATTACH '{_escaped(database)}' AS published (READ_ONLY)")
        connection.execute("USE published")
        yield connection


def _database_of(paths: DataPaths, name: str) -> Path:
    if name.startswith(f"{CONFIDENTIAL_SCHEMA}."):
        return paths.confidential_database
    return paths.database


def _table_names(connection: duckdb.DuckDBPyConnection) -> set[str]:
    rows = connection.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'published'"
    )
    return {row[0] for row in rows.fetchall()}


def _quoted(name: str) -> str:
    schema, _, table = name.partition(".")
    return f'"{schema}"."{table}"'


def _escaped(path: Path) -> str:
    return _text(str(path))


def _text(value: str) -> str:
    return value.replace("'", "''")
