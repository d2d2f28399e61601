"""The mark of an edition: a small file of the site that says what it is and which code made it.

Belongs here: its form, writing and reading it. Does not: the card kept by hand (``rendering.imprint``).
"""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from observatory import __version__
from observatory.releases.naming import ReleaseFolderError
from observatory.releases.provenance import code_fingerprint

MARK = "edition.json"


@dataclass(frozen=True)
class Mark:
    """What a site says of itself.

    Attributes:
        release: year and number.
        published_on: its day.
        version: of the software.
        code_sha256: fingerprint of the code and of the tables kept with it.
    """

    release: str
    published_on: date
    version: str
    code_sha256: str


def write_mark(folder: Path, release: str, published_on: date) -> None:
    """Write the mark of an edition made by the present code."""
    content = {
        "release": release,
        "published_on": published_on.isoformat(),
        "code": {"version": __version__, "sha256": code_fingerprint()},
    }
    (folder / MARK).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8", newline="\n")


def read_mark(site: Path) -> Mark:
    """Return the mark of a site.

    Raises:
        ReleaseFolderError: it has none that can be read.
    """
    try:
        content = json.loads((site / MARK).read_text(encoding="utf-8"))
        return Mark(
            str(content["release"]),
            date.fromisoformat(content["published_on"]),
            str(content["code"]["version"]),
            str(content["code"]["sha256"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReleaseFolderError(
            f"Le dossier « {site} » n’est pas un site qui dit son édition ({MARK} manque ou ne se lit pas). "
            "Que faire : lancez « observatory run »."
        ) from error
