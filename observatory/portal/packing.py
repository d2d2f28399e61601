"""One archive of an edition.

Belongs here: a folder as a zip file. Does not: who may have it (``app``).
"""

import os
import shutil
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from observatory.portal.tree import AbsentError, held, list_files, open_parts

_IN_MEMORY = 8 * 2**20
_LARGEST = 2**30


class ReplacedError(Exception):
    """The edition was replaced while it was read."""


def pack(folder: Path, scratch: Path) -> tuple[IO[bytes], int]:
    """Return an archive of a folder, open at its beginning, and its size in bytes.

    All its files are of one edition: the folder is held open, and must still be in place, with the same
    files, once all are read. Equal folders give equal bytes.

    Args:
        folder: the edition.
        scratch: where what does not fit in memory is written, in a file without a name.

    Raises:
        AbsentError: there is no edition.
        ReplacedError: another one took its place, or it is larger than a gibibyte.
    """
    with held(folder) as root:
        files = list_files(root)
        if sum(status.st_size for _, status in files) > _LARGEST:
            raise ReplacedError(folder.name)
        archive: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY, dir=str(scratch))  # noqa: SIM115
        try:
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
                for name, status in files:
                    _add(packed, root, name, status)
            _check(folder, root, files)
        except BaseException:
            archive.close()
            raise
    size = archive.tell()
    archive.seek(0)
    return archive, size


def _add(packed: zipfile.ZipFile, root: int, name: str, status: os.stat_result) -> None:
    entry = zipfile.ZipInfo(name, datetime.fromtimestamp(status.st_mtime, UTC).timetuple()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    try:
        opened = open_parts(root, name.split("/"))
    except AbsentError as error:
        raise ReplacedError(name) from error
    with (
        os.fdopen(opened.descriptor, "rb") as stream,
        packed.open(entry, "w") as target,
    ):
        shutil.copyfileobj(stream, target)


def _check(folder: Path, root: int, files: list[tuple[str, os.stat_result]]) -> None:
    """Check that what was read is what is in place."""
    try:
        current = folder.stat()
    except FileNotFoundError as error:
        raise ReplacedError(folder.name) from error
    if not os.path.samestat(current, os.fstat(root)) or _states(list_files(root)) != _states(files):
        raise ReplacedError(folder.name)


def _states(files: list[tuple[str, os.stat_result]]) -> list[tuple[str, int, int, int]]:
    return [(name, status.st_ino, status.st_size, status.st_mtime_ns) for name, status in files]
