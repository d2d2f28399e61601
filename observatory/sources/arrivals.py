"""Files that come into ``data/landing``: seen whole once, whatever the clock says.

Belongs here: which files are there, and which have stopped growing. Does not: what they hold, who is told.

A file is whole once two looks in a row find the same size and date of change. Dates are only compared for
equality: a clock put back or forward changes nothing.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from observatory.files import sha256_file
from observatory.sources.resolution import is_clutter


class Seen(BaseModel):
    """A file as it was last seen.

    Attributes:
        bytes: its size.
        changed: its date of change, in nanoseconds.
        sha256: its fingerprint, once it is whole.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bytes: int
    changed: int
    sha256: str | None = None


def look(landing: Path, before: Mapping[str, Seen]) -> dict[str, Seen]:
    """Return the files under ``landing`` by path within it, as they are now.

    Links are not followed, and what desktops leave is not looked at.

    Args:
        landing: the folder.
        before: answer of the former look.
    """
    now = {}
    for path in sorted(landing.rglob("*")) if landing.is_dir() else []:
        name = path.relative_to(landing)
        if any(is_clutter(part) for part in name.parts) or path.is_symlink() or not path.is_file():
            continue
        try:
            state = path.stat()
            former = before.get(str(name))
            same = former is not None and (former.bytes, former.changed) == (state.st_size, state.st_mtime_ns)
            sha256 = former.sha256 if former is not None and same else None
            if same and sha256 is None:
                sha256 = sha256_file(path)
        except FileNotFoundError:
            # Taken away since it was listed.
            continue
        now[str(name)] = Seen(bytes=state.st_size, changed=state.st_mtime_ns, sha256=sha256)
    return now
