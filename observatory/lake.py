"""The public tables in a DuckLake: catalogue in PostgreSQL, rows in Parquet files that every machine reaches.

What is opened is one *snapshot*: all that is read is of that moment, whatever others publish meanwhile. All
the tables of a session are published in one snapshot, which names the session and the release. Of two
sessions that publish the same table, the first wins and the second is told (snapshot isolation): nothing that
it had not read is overwritten.

Belongs here: creating a lake, reading one of its snapshots, publishing, giving back space.
Does not: sessions, and what stays on one machine (``sessions``).

DuckDB's extensions come from packages (extra ``lake``): none is downloaded at run time, and DuckDB checks
their signatures. Passwords come from libpq (``PGPASSWORD``, ``~/.pgpass``), the keys of an S3-compatible
store from ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``, ``AWS_REGION`` and
``AWS_ENDPOINT_URL``.
"""

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import duckdb
import polars as pl

from observatory.errors import ObservatoryError
from observatory.sql import comments, quoted, text

ATTEMPTS = 5
"""Times that a publication is tried when others publish other tables at the same moment."""
_CATALOGUE = "__ducklake_metadata_lake"


class LakeUnavailableError(ObservatoryError):
    """The catalogue or the files of the lake cannot be reached."""


class WarehouseConflictError(ObservatoryError):
    """Another session has published the same tables meanwhile."""


class UnknownReleaseError(ObservatoryError):
    """A release that no snapshot of the warehouse bears."""


@dataclass(frozen=True)
class Snapshot:
    """One publication.

    Attributes:
        number: its number in the lake.
        time: when it was made.
        author: machine and process that made it.
        session: the session that made it, if it was one of ours.
        release: the release that it bears.
        tables: names of the tables that it changed.
    """

    number: int
    time: datetime
    author: str | None
    session: str | None
    release: str | None
    tables: frozenset[str]


class Lake:
    """A lake opened at one snapshot.

    Args:
        words: how PostgreSQL is reached, in libpq's words.
        release: the release whose last snapshot is read.
        number: the snapshot that is read; without it nor ``release``, the latest.
        read_only: whether nothing is ever published through it.

    Raises:
        LakeUnavailableError: no extensions, no answer, or no lake there.
        UnknownReleaseError: no snapshot bears the release.
    """

    def __init__(
        self,
        words: str,
        *,
        release: str | None = None,
        number: int | None = None,
        read_only: bool = False,
    ) -> None:
        self._words = words
        self._connection = _connect()
        try:
            with self._told():
                options = "CREATE_IF_NOT_EXISTS false" + (", READ_ONLY" if read_only else "")
                self._connection.execute(f"ATTACH {_address(words)} AS lake ({options})")
                self.base = self._base(release) if number is None else number
                self._connection.execute(
                    f"ATTACH {_address(words)} AS published (SNAPSHOT_VERSION {self.base}, READ_ONLY)"
                )
        except BaseException:
            self._connection.close()
            raise
        self._names: frozenset[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the catalogue."""
        self._connection.close()

    def connection(self) -> duckdb.DuckDBPyConnection:
        """Return the connection, on the snapshot: for readers who write their own SQL."""
        self._connection.execute("USE published")
        return self._connection

    def names(self) -> frozenset[str]:
        """Return the names of the tables of the snapshot, as ``schema.name``."""
        if self._names is None:
            with self._told():
                rows = self._connection.execute(
                    "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
                    "WHERE database_name = 'published'"
                ).fetchall()
            self._names = frozenset(row[0] for row in rows)
        return self._names

    def read(self, name: str) -> pl.DataFrame:
        """Return a table of the snapshot, one of ``names``."""
        with self._told():
            return self._connection.sql(f"SELECT * FROM published.{quoted(name)}").pl()

    def snapshots(self, since: int = 0) -> list[Snapshot]:
        """Return the publications after number ``since``, oldest first."""
        with self._told():
            known = dict(
                self._connection.execute(
                    f"""SELECT DISTINCT table_id, schema_name || '.' || table_name
                    FROM {_CATALOGUE}.ducklake_table JOIN {_CATALOGUE}.ducklake_schema USING (schema_id)"""
                ).fetchall()
            )
            rows = self._connection.execute(
                "SELECT snapshot_id, epoch_ms(snapshot_time), author, commit_extra_info, changes "
                "FROM lake.snapshots() WHERE snapshot_id > ? ORDER BY snapshot_id",
                [since],
            ).fetchall()
        return [
            Snapshot(
                number,
                datetime.fromtimestamp(milliseconds / 1000, UTC),
                author,
                *_read_tag(tag),
                _changed(changes, known),
            )
            for number, milliseconds, author, tag, changes in rows
        ]

    def holds(self, session: str) -> bool:
        """Whether a session was published."""
        return any(snapshot.session == session for snapshot in self.snapshots())

    def publish(self, staged: Mapping[str, Path], session: str, release: str | None) -> None:
        """Publish tables together, each replaced by the rows of a Parquet file; all or none.

        Raises:
            LakeUnavailableError: the lake failed meanwhile; whether it took the publication, ``holds`` says.
            WarehouseConflictError: a table was changed since the snapshot that this lake was opened at.
        """
        for _ in range(ATTEMPTS):
            try:
                with self._told(), self._transaction():
                    self._refuse_changed(staged)
                    self._replace(staged)
                    self._connection.execute(
                        "CALL lake.set_commit_message(?, ?, extra_info => ?)",
                        [
                            f"{socket.gethostname()}:{os.getpid()}",
                            f"Édition {release}" if release else "Tables",
                            json.dumps({"session": session, "release": release}),
                        ],
                    )
                return
            except duckdb.TransactionException:
                # Someone published at the same moment: the next try says whether it was the same tables.
                continue
        raise WarehouseConflictError(
            f"D’autres traitements publient sans cesse dans l’entrepôt partagé : {ATTEMPTS} essais n’ont pas "
            "suffi, et rien n’est publié. Relancez."
        )

    def expire(self, days: int) -> int:
        """Give back the space of publications older than ``days``, but those that readers may still ask for.

        The latest snapshot and the last of each release are kept. Files are deleted once nobody can be
        reading them: at the next call, a day later or more.

        Returns:
            How many publications can no longer be read.
        """
        every = self.snapshots(-1)
        kept = {snapshot.release: snapshot.number for snapshot in every if snapshot.release}
        newest = every[-1]
        limit = datetime.now(UTC) - timedelta(days=days)
        old = [
            snapshot.number
            for snapshot in every
            if snapshot.time < limit and snapshot != newest and snapshot.number not in kept.values()
        ]
        with self._told():
            if old:
                self._connection.execute(f"CALL ducklake_expire_snapshots('lake', versions => {old})")
            self._connection.execute(
                "CALL ducklake_cleanup_old_files('lake', older_than => now() - INTERVAL 1 DAY)"
            )
        return len(old)

    def _base(self, release: str | None) -> int:
        every = self.snapshots(-1)
        if release is None:
            return every[-1].number
        found = [snapshot.number for snapshot in every if snapshot.release == release]
        if not found:
            known = (
                ", ".join(sorted({snapshot.release for snapshot in every if snapshot.release})) or "aucune"
            )
            raise UnknownReleaseError(f"L’entrepôt n’a pas l’édition {release}. Éditions connues : {known}.")
        return found[-1]

    def _refuse_changed(self, staged: Mapping[str, Path]) -> None:
        for snapshot in self.snapshots(self.base):
            if both := sorted(snapshot.tables & set(staged)):
                raise WarehouseConflictError(
                    f"Un autre traitement ({snapshot.author or 'inconnu'}) a publié entre-temps "
                    f"{', '.join(both)}. Rien de ce traitement-ci n’est publié, et rien de l’autre n’est "
                    "perdu : relancez, il partira de ce que l’autre a publié."
                )

    def _replace(self, staged: Mapping[str, Path]) -> None:
        for schema in sorted({name.partition(".")[0] for name in staged}):
            self._connection.execute(f'CREATE SCHEMA IF NOT EXISTS lake."{schema}"')
        for name, file in sorted(staged.items()):
            target = f"lake.{quoted(name)}"
            self._connection.execute(
                f"CREATE OR REPLACE TABLE {target} AS SELECT * FROM read_parquet({text(file)})"
            )
            for statement in comments(name, target):
                self._connection.execute(statement)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say in French what the lake answers, but conflicts, which are settled here."""
        try:
            yield
        except duckdb.TransactionException:
            raise
        except duckdb.Error as error:
            raise _unavailable(self._words, error) from error


def create_lake(words: str, data: str) -> None:
    """Create a lake: its catalogue in an empty database of PostgreSQL. Done once, by one person.

    Args:
        words: how PostgreSQL is reached, in libpq's words.
        data: folder that all machines see under the same name, or ``s3://bucket/prefix``.

    Raises:
        LakeUnavailableError: the database does not answer, or already has a lake.
    """
    place = data if "://" in data else str(Path(data).expanduser().resolve())
    with _connect() as connection:
        try:
            connection.execute(f"ATTACH {_address(words)} AS lake (DATA_PATH {text(place)})")
            ((found,),) = connection.execute(
                f"SELECT value FROM {_CATALOGUE}.ducklake_metadata WHERE key = 'data_path'"
            ).fetchall()
        except duckdb.Error as error:
            raise _unavailable(words, error) from error
    if found.rstrip("/") != place.rstrip("/"):
        raise LakeUnavailableError(
            f"La base ({words}) a déjà un entrepôt, dont les fichiers sont dans {found}. "
            "Prenez-en une autre, ou servez-vous de celui-là."
        )


def _connect() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    )
    shared = "AWS_ACCESS_KEY_ID" in os.environ
    try:
        for name in ("postgres_scanner", "ducklake", *(("httpfs",) if shared else ())):
            connection.execute(f"LOAD {text(_extension(name))}")
    except (ModuleNotFoundError, duckdb.Error) as error:
        connection.close()
        raise LakeUnavailableError(
            "L’entrepôt partagé demande des extensions de DuckDB, de la même version que lui "
            f"({duckdb.__version__}). Installez-les : pip install --constraint constraints.txt "
            f"--editable '.[lake]' ({_first_line(error)})."
        ) from error
    if shared:
        connection.execute(_secret())
    return connection


def _extension(name: str) -> str:
    place = files(f"duckdb_extension_{name}") / "extensions" / f"v{duckdb.__version__}"
    return str(place / f"{name}.duckdb_extension")


def _secret() -> str:
    """Return the statement that hands DuckDB the keys of the S3-compatible store."""
    options = {
        "KEY_ID": os.environ["AWS_ACCESS_KEY_ID"],
        "SECRET": os.environ.get("AWS_SECRET_ACCESS_KEY", ""),
        "SESSION_TOKEN": os.environ.get("AWS_SESSION_TOKEN"),
        "REGION": os.environ.get("AWS_REGION", "us-east-1"),
    }
    if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
        parts = urlsplit(endpoint)
        options |= {
            "ENDPOINT": parts.netloc,
            "URL_STYLE": "path",
            "USE_SSL": str(parts.scheme == "https").lower(),
        }
    given = ", ".join(f"{name} {text(value)}" for name, value in options.items() if value)
    return f"CREATE SECRET store (TYPE s3, {given})"


def _address(words: str) -> str:
    return text(f"ducklake:postgres:{words}")


def _unavailable(words: str, error: duckdb.Error) -> LakeUnavailableError:
    if "does not exist - and creating a new DuckLake" in str(error):
        return LakeUnavailableError(
            f"La base PostgreSQL ({words}) n’a pas encore d’entrepôt. Créez-le une fois : "
            "observatory warehouse create DOSSIER."
        )
    if "extension httpfs" in str(error):
        return LakeUnavailableError(
            f"Les fichiers de l’entrepôt partagé ({words}) sont dans un magasin compatible S3. Donnez les "
            "variables AWS_ACCESS_KEY_ID et AWS_SECRET_ACCESS_KEY, et AWS_ENDPOINT_URL s’il n’est pas celui "
            "d’Amazon."
        )
    return LakeUnavailableError(
        f"L’entrepôt partagé ({words}) ne répond pas : {_first_line(error)}. Vérifiez que PostgreSQL est "
        "démarré, que cette machine et ce compte y ont accès, et que ses fichiers se lisent. "
        "L’édition précédente reste en place."
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".")


def _read_tag(tag: str | None) -> tuple[str | None, str | None]:
    """Return the session and the release of a snapshot; other programs leave other notes, or none."""
    try:
        read = json.loads(tag or "null")
    except json.JSONDecodeError:
        return None, None
    return (read.get("session"), read.get("release")) if isinstance(read, dict) else (None, None)


def _changed(changes: Mapping[str, list[str]], known: Mapping[int, str]) -> frozenset[str]:
    """Return the tables that a snapshot changed; DuckLake gives a new table by name, another by number."""
    found = set()
    for kind, entries in changes.items():
        if kind == "tables_created":
            found |= {entry.replace('"', "") for entry in entries}
        elif kind.startswith(("tables_", "inlined_")):
            # Of a table that can no longer be read at any snapshot, the catalogue has lost the name.
            found |= {known[int(entry)] for entry in entries if int(entry) in known}
    return frozenset(found)
