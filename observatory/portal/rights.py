"""What an organisation may open today: the agreement in force, read at each request as runs read it.

Belongs here: from an organisation to its agreement. Does not: what the agreement covers (``disclosure``).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

from observatory.disclosure.conventions import (
    Convention,
    Conventions,
    conventions_path,
    read_conventions,
)
from observatory.paths import DataPaths


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass
class Rights:
    """The agreements of the moment.

    Attributes:
        paths: data folders.
        all_fictive: tells whether no delivery is real; the fictive example of agreements then counts.
        today: day of a request, in universal time as that of a run.
    """

    paths: DataPaths
    all_fictive: Callable[[], bool]
    today: Callable[[], date] = _today
    _read: dict[Path, tuple[tuple[int, ...], Conventions]] = field(default_factory=dict)

    def agreement(self, organisation: str) -> Convention | None:
        """Return the agreement in force of an organisation; None closes its edition.

        Examples open nothing once a delivery is real, whatever was published before.

        Raises:
            ConventionError: the file of agreements breaks a rule: nobody's edition opens.
        """
        all_fictive = self.all_fictive()
        path = conventions_path(self.paths, all_fictive=all_fictive)
        if path is None:
            return None
        try:
            conventions = self._current(path)
        except FileNotFoundError:
            # Removed between the two looks.
            return None
        if conventions.fictive and not all_fictive:
            return None
        found = [one for one in conventions.in_force(self.today()) if one.partner == organisation]
        return found[0] if found else None

    def _current(self, path: Path) -> Conventions:
        """Return what a file holds, read again when it has changed."""
        status = path.stat()
        state = (status.st_ino, status.st_mtime_ns, status.st_size)
        if path not in self._read or self._read[path][0] != state:
            self._read[path] = state, read_conventions(path)
        return self._read[path][1]
