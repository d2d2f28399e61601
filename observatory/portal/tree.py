"""Files of a folder that is replaced by rename, opened so that no request ever leaves it.

Belongs here: from the path of a request to an open file. Does not: what is answered (``files``).

Each part of a path is opened from the folder before it, and none may be a symbolic link: nothing that a
request says, and nothing that the folder holds, leads elsewhere. The folder itself is opened once: a
publication that takes its place meanwhile is not seen, so that no answer mixes two editions.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

INDEX = "index.html"
_LONGEST = 255
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class AbsentError(Exception):
    """The folder has no such file."""


class FolderFoundError(Exception):
    """The path names a folder without the slash that its pages need."""


@dataclass(frozen=True)
class Opened:
    """An open regular file; whoever has it reads it whole or closes it."""

    descriptor: int
    status: os.stat_result
    name: str

    def read(self) -> bytes:
        """Return its content and close it."""
        with os.fdopen(self.descriptor, "rb") as stream:
            return stream.read()

    def close(self) -> None:
        """Close it unread."""
        os.close(self.descriptor)


def parts_of(path: str) -> list[str]:
    """Return the parts of the decoded path of a request; the page of a folder is its index.

    Raises:
        AbsentError: a part is empty, hidden or a way up, or could mean something else to a file system.
    """
    parts = path.split("/")
    if parts[-1] == "":
        parts[-1] = INDEX
    for part in parts:
        if not part or part.startswith(".") or len(part.encode("utf-8", "surrogatepass")) > _LONGEST:
            raise AbsentError(path)
        if "\\" in part or not part.isprintable():
            raise AbsentError(path)
    return parts


@contextmanager
def held(folder: Path) -> Iterator[int]:
    """Hold a folder open, whatever takes its place.

    Raises:
        AbsentError: there is none.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise AbsentError(folder.name) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_file(folder: Path, path: str) -> Opened:
    """Open the file of a folder that a request asks for.

    Args:
        folder: where; it may be replaced at any time.
        path: decoded path within it, without a slash at the beginning.

    Raises:
        AbsentError: no such file, or it is no regular file.
        FolderFoundError: a folder, asked for without its slash.
    """
    parts = parts_of(path)
    with held(folder) as root:
        return open_parts(root, parts)


def open_parts(root: int, parts: list[str]) -> Opened:
    """Open a file from a folder held open; raises as ``open_file``."""
    current = root
    try:
        for part in parts[:-1]:
            following = _open(part, _FLAGS | os.O_DIRECTORY, current)
            if current != root:
                os.close(current)
            current = following
        # Not blocked by what is no file, a pipe for one.
        descriptor = _open(parts[-1], _FLAGS | os.O_NONBLOCK, current)
    finally:
        if current != root:
            os.close(current)
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode):
        return Opened(descriptor, status, parts[-1])
    os.close(descriptor)
    if stat.S_ISDIR(status.st_mode):
        raise FolderFoundError("/".join(parts))
    raise AbsentError("/".join(parts))


def _open(part: str, flags: int, folder: int) -> int:
    try:
        return os.open(part, flags, dir_fd=folder)
    except (OSError, UnicodeEncodeError) as error:
        # A link, a missing or unreadable file, a name that cannot be: all the same to who asks.
        raise AbsentError(part) from error


def list_files(root: int) -> list[tuple[str, os.stat_result]]:
    """Return the paths and states of the regular files of a folder held open, in alphabetical order."""
    found = []
    for folder, _, names, descriptor in os.fwalk(".", dir_fd=root):
        for name in names:
            status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                found.append((os.path.normpath(f"{folder}/{name}"), status))
    return sorted(found)
