"""Files written whole or not at all, and their fingerprints."""

import ctypes
import errno
import fcntl
import hashlib
import os
import secrets
from pathlib import Path


def sha256_bytes(content: bytes) -> str:
    """Return the hexadecimal SHA-256 of ``content``."""
    return hashlib.sha256(content).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file, read by blocks."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_atomic(path: Path, content: bytes) -> None:
    """Write ``content`` beside ``path``, then rename: a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def hold(path: Path, *, wait: bool = False, mode: int = 0o644) -> int:
    """Return a descriptor that holds the lock of ``path`` until it is closed or its process ends.

    Args:
        path: file of the lock, made if it is not there.
        wait: whether to wait for whoever holds it.
        mode: permissions of the file where it is made.

    Raises:
        BlockingIOError: someone else holds it; its descriptor is closed.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, mode)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def fsync_folder(folder: Path) -> None:
    """Flush a folder's entries, so that a rename survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def keep_private(folder: Path) -> None:
    """Leave a folder and all that it holds to their owner only, whatever the umask."""
    folder.chmod(0o700)
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)


def exchange_folders(new: Path, current: Path) -> None:
    """Put folder ``new`` in the place of ``current`` in one step; ``new`` then holds the former one.

    Without a ``current``, ``new`` takes its place and is gone. Uses Linux's ``renameat2`` with
    ``RENAME_EXCHANGE``. Where the system or file system lacks it, three renames do, and a kill between
    them is mended by the session that follows.
    """
    if not current.exists():
        new.rename(current)
        return
    if not _rename_exchange(new, current):
        former = new.with_name(f"{new.name}.former")
        current.rename(former)
        new.rename(current)
        former.rename(new)


def _rename_exchange(one: Path, other: Path) -> bool:
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    at_current_folder, exchange = -100, 2
    result = renameat2(at_current_folder, os.fsencode(one), at_current_folder, os.fsencode(other), exchange)
    if result == 0:
        return True
    error = ctypes.get_errno()
    if error in (errno.EINVAL, errno.ENOSYS):
        return False
    raise OSError(error, os.strerror(error), str(other))
