"""What a disk does to a run, said in French: it is full, or a database on it is damaged.

Belongs here: telling these two faults from others. Does not: what is then kept (``sessions``, ``backup``).
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from observatory.errors import ObservatoryError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FULL_TEXTS = ("No space left on device", "Disk quota exceeded")
FULL = (
    "le disque est plein. Rien n’est publié, l’édition précédente reste en place. Que faire : libérez de la "
    "place, puis relancez."
)


class DiskFullError(ObservatoryError):
    """There is no room left to write."""


class DamagedDatabaseError(ObservatoryError):
    """A database is no longer what was written."""


def says_full(error: BaseException | str) -> bool:
    """Whether an error, or the text of one, is that of a full disk, whichever library says it."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return True
    return any(text in str(error) for text in _FULL_TEXTS)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn the error of a full disk into a sentence.

    Raises:
        DiskFullError: what is inside found no room.
    """
    try:
        yield
    except (OSError, duckdb.Error, pl.exceptions.PolarsError) as error:
        if not says_full(error):
            raise
        raise DiskFullError(f"Dossier « {folder} » : {FULL}") from error


@contextmanager
def reading(database: Path) -> Iterator[None]:
    """Turn an error of DuckDB on a published database into a sentence.

    Raises:
        DamagedDatabaseError: the file cannot be read.
    """
    try:
        yield
    except duckdb.Error as error:
        if says_full(error) or isinstance(error, duckdb.OutOfMemoryException):
            raise
        raise DamagedDatabaseError(
            f"La base « {database} » est abîmée ou illisible ({type(error).__name__}). Rien n’a été modifié. "
            "Que faire : restaurez une sauvegarde (« observatory restore »), ou déplacez ce fichier et "
            "relancez « observatory run », qui refait toutes les tables."
        ) from error
