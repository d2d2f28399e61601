"""The names of releases, and their order.

Belongs here: from a folder's name to its place among releases. Does not: what a release holds.
"""

import re
from pathlib import Path

from observatory.errors import ObservatoryError

NAME = re.compile(r"(20\d\d)-([1-9]\d?)")
FROZEN_SITE = "site"
"""Within a frozen release, the folder of the site; a release kept by hand is a site itself."""


class ReleaseFolderError(ObservatoryError):
    """A folder is not that of a release, or no release has that name."""


def order(name: str) -> tuple[int, int, str]:
    """Return the key that puts releases in order: 2026-2 before 2026-10, other names first."""
    found = NAME.fullmatch(name)
    return (int(found[1]), int(found[2]), "") if found else (0, 0, name)


def release_folders(folder: Path) -> list[Path]:
    """Return the releases of a folder, oldest first; none where there is no folder.

    A name with a leading dot is that of a release being frozen, which a kill may have left.
    """
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return sorted(found, key=lambda path: order(path.name))


def site_of(folder: Path) -> Path:
    """Return the site of a release: within it where it is frozen, itself otherwise."""
    frozen = folder / FROZEN_SITE
    return frozen if (frozen / "donnees").is_dir() else folder
