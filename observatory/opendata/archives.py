"""Archives and checksums, the same bytes for the same content.

Belongs here: zip files, ``SHA256SUMS``. Does not: what goes into them.
"""

import zipfile
from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from pathlib import Path

CHECKSUMS = "SHA256SUMS"
"""Name of a list of checksums, as ``sha256sum --check`` reads it."""


def write_zip(path: Path, contents: Mapping[str, bytes], day: date) -> None:
    """Write an archive of files dated ``day``, in alphabetical order; equal contents, equal bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(contents.items()):
            member = zipfile.ZipInfo(name, (day.year, day.month, day.day, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            # Made on Unix, whatever the machine, and readable by all.
            member.create_system = 3
            member.external_attr = 0o100644 << 16
            archive.writestr(member, content)


def checksums(contents: Mapping[str, bytes]) -> str:
    """Return the list of the SHA-256 of files, by name."""
    return "".join(f"{fingerprint(content)}  {name}\n" for name, content in sorted(contents.items()))


def fingerprint(content: bytes) -> str:
    """Return a SHA-256 in hexadecimal."""
    return sha256(content).hexdigest()


def write_checksums(folder: Path) -> Path:
    """Write the checksums of all the files of a folder, except pages, and return their list."""
    path = folder / CHECKSUMS
    kept = [one for one in folder.rglob("*") if one.is_file() and one != path and one.suffix != ".html"]
    contents = {one.relative_to(folder).as_posix(): one.read_bytes() for one in kept}
    path.write_text(checksums(contents), encoding="utf-8", newline="\n")
    return path
