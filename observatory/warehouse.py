"""The warehouse as readers find it: a DuckDB file of public tables, or a DuckLake that machines share.

Individual data are in a file of their own, which never leaves the machine. Readers keep the file or the
snapshot that they opened, or see the new one.

Belongs here: reading back. Does not: publishing (``sessions``), what the tables mean (``tables``).
"""

import duckdb
import polars as pl

from observatory.databases import attached, opened, table_names
from observatory.errors import ObservatoryError
from observatory.lake import Lake, UnknownReleaseError
from observatory.paths import WAREHOUSE_VARIABLE, DataPaths
from observatory.sql import quoted

CONFIDENTIAL_SCHEMA = "confidential"


class MissingTableError(ObservatoryError):
    """A table that has never been made is asked for."""


def read_table(paths: DataPaths, name: str, release: str | None = None) -> pl.DataFrame:
    """Return a published table, as it is or as it was in a release.

    Raises:
        LakeUnavailableError: the lake does not answer.
        MissingTableError: it was never published.
        DamagedDatabaseError: the database cannot be read.
        UnknownReleaseError: the warehouse keeps no such release.
    """
    if is_confidential(name):
        with opened(paths.confidential_database) as connection:
            return _read_file(connection, name)
    if paths.lake is not None:
        with Lake(paths.lake, release=release, read_only=True) as lake:
            return read_lake(lake, name)
    _refuse_release(release)
    with opened(paths.database) as connection:
        return _read_file(connection, name)


def published_tables(paths: DataPaths) -> set[str]:
    """Return the names of all published tables, as ``schema.name``.

    Raises:
        LakeUnavailableError: the lake does not answer.
    """
    names: set[str] = set()
    databases = [paths.confidential_database]
    if paths.lake is None:
        databases.append(paths.database)
    else:
        with Lake(paths.lake, read_only=True) as lake:
            names |= lake.names()
    for database in databases:
        with opened(database) as connection:
            if connection is not None:
                names |= table_names(connection)
    return names


def open_warehouse(paths: DataPaths, release: str | None = None) -> duckdb.DuckDBPyConnection:
    """Return a connection that reads the public tables, as they are or as they were in a release.

    What it reads does not change while it is open. The caller closes it.

    Raises:
        LakeUnavailableError: the lake does not answer.
        MissingTableError: nothing was ever published.
        UnknownReleaseError: the warehouse keeps no such release.
    """
    if paths.lake is not None:
        return Lake(paths.lake, release=release, read_only=True).connection()
    _refuse_release(release)
    if not paths.database.exists():
        raise MissingTableError("L’entrepôt n’existe pas encore. Lancez « make run ».")
    return attached(paths.database)


def _refuse_release(release: str | None) -> None:
    if release is not None:
        raise UnknownReleaseError(
            "Un fichier DuckDB ne garde que la dernière édition ; les précédentes se lisent dans un entrepôt "
            f"partagé ({WAREHOUSE_VARIABLE}=ducklake:postgres:…), ou sur leur site, dans data/releases."
        )


def is_confidential(name: str) -> bool:
    """Whether a table is of individual data."""
    return name.startswith(f"{CONFIDENTIAL_SCHEMA}.")


def read_lake(lake: Lake, name: str) -> pl.DataFrame:
    """Return a table of an open lake.

    Raises:
        MissingTableError: it was never published.
    """
    if name not in lake.names():
        raise _missing(name)
    return lake.read(name)


def _read_file(connection: duckdb.DuckDBPyConnection | None, name: str) -> pl.DataFrame:
    if connection is None or name not in table_names(connection):
        raise _missing(name)
    return connection.sql(f"SELECT * FROM {quoted(name)}").pl()


def _missing(name: str) -> MissingTableError:
    return MissingTableError(
        f"La table {name} n’existe pas encore. Matérialisez d’abord l’actif qui la produit, "
        "ou lancez « make run »."
    )
