"""The log of what partners download, for its owner only.

Belongs here: one JSON line per event, added to a file. Does not: rotation, which nothing here does.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True)
class Journal:
    """A file to which lines are added; what cannot be written down is not served."""

    path: Path

    def write(self, event: str, **facts: object) -> None:
        """Add a line and wait until it is on disk.

        Args:
            event: what happened.
            facts: account, organisation, path, bytes, status, address.

        Raises:
            OSError: the file cannot be written.
        """
        when = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"at": when, "what": event} | facts, ensure_ascii=False)
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # In one call: lines of two processes do not mix.
            os.write(descriptor, line.encode("utf-8", "backslashreplace") + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
