"""DuckDB files of tables: building one from another and staged Parquet, opening one to read.

Belongs here: what is done to one file. Does not: when it becomes the published one (``sessions``).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from observatory.disk import reading
from observatory.sql import comments, quoted, text


def build_database(path: Path, published: Path, staged: dict[str, Path]) -> None:
    """Write a database of the published tables with the staged ones added or replaced.

    Args:
        path: the file to write.
        published: the file whose other tables are kept, if it is there.
        staged: Parquet files by name of table, ``schema.name``.

    Raises:
        DamagedDatabaseError: the published file cannot be read.
    """
    with duckdb.connect(str(path)) as connection:
        kept: set[str] = set()
        if published.exists():
            with reading(published):
                connection.execute(f"ATTACH {text(published)} AS published (READ_ONLY)")
                kept = table_names(connection) - set(staged)
        for name in sorted(kept | set(staged)):
            schema = name.partition(".")[0]
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
            origin = f"read_parquet({text(staged[name])})" if name in staged else f"published.{quoted(name)}"
            with reading(staged.get(name, published)):
                connection.execute(f"CREATE TABLE {quoted(name)} AS SELECT * FROM {origin}")
            for statement in comments(name, quoted(name)):
                connection.execute(statement)
        if published.exists():
            connection.execute("DETACH published")
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


@contextmanager
def opened(database: Path) -> Iterator[duckdb.DuckDBPyConnection | None]:
    """Yield a connection that reads a file, or None where there is none.

    Raises:
        DamagedDatabaseError: it cannot be read.
    """
    if not database.exists():
        yield None
        return
    with reading(database), attached(database) as connection:
        yield connection


def attached(database: Path) -> duckdb.DuckDBPyConnection:
    """Return a connection that reads a file as it is now; the caller closes it."""
    # Attached, since connecting to a path that this process already has open would return that instance,
    # which may be the file as it was before a refresh.
    connection = duckdb.connect()
    connection.execute(f"ATTACH {text(database)} AS published (READ_ONLY)")
    connection.execute("USE published")
    return connection


def table_names(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the names of the tables of an attached file, as ``schema.name``."""
    rows = connection.execute(
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'published'"
    )
    return {row[0] for row in rows.fetchall()}
