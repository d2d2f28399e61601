"""Members of zip archives that come from outside, read within limits.

Belongs here: finding one member, refusing what an archive should not hold, streaming it to a file.
Does not: packages of registries (``packages``), nor what a member means.
"""

import secrets
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from observatory.errors import ObservatoryError
from observatory.sources.kinds import octets

_BLOCK = 1_048_576
# Python bounds the memory of one read for these two only; other methods could swell in a single block.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


@dataclass(frozen=True)
class ArchiveLimits:
    """What one member may cost.

    Attributes:
        member_bytes: largest size once read; the largest national file of INSEE is under 2 GB.
        ratio: largest size read over size stored; long tables of codes reach about 60.
        ratio_from_bytes: size read from which the ratio counts, as small repetitive files pass it honestly.
        members: largest number of entries in the archive.
    """

    member_bytes: int = 4_000_000_000
    ratio: float = 200.0
    ratio_from_bytes: int = 10_000_000
    members: int = 10_000


LIMITS = ArchiveLimits()


@dataclass(eq=False)
class ArchiveError(ObservatoryError):
    """An archive cannot be read, or holds what it should not.

    Attributes:
        archive: name of the archive.
        cause: what is wrong, in French.
        remedy: what to do about it, in French.
    """

    archive: str
    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"Archive « {self.archive} » : {self.cause} Que faire : {self.remedy}"


def read_member(path: Path, member_pattern: str, limits: ArchiveLimits = LIMITS) -> bytes:
    """Return the content of the one member that ``member_pattern`` names; see :func:`extract_member`."""
    with _opened(path, limits) as archive:
        entry = _find(path, archive, member_pattern)
        return b"".join(_blocks(path, archive, entry, limits))


def extract_member(path: Path, member_pattern: str, target: Path, limits: ArchiveLimits = LIMITS) -> str:
    """Write the one member that ``member_pattern`` names to ``target`` and return the member's name.

    Letter case is ignored. An exact name wins; else the pattern is one of :mod:`fnmatch`, compared to the
    whole name when it holds a ``/``, to the last part otherwise. The file appears whole or not at all.

    Raises:
        ArchiveError: the archive is unreadable or hostile (names that leave the folder, symbolic link,
            encryption, size or ratio over ``limits``), or does not hold exactly one such member.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    try:
        with _opened(path, limits) as archive, partial.open("wb") as stream:
            entry = _find(path, archive, member_pattern)
            for block in _blocks(path, archive, entry, limits):
                stream.write(block)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return entry.filename


@contextmanager
def _opened(path: Path, limits: ArchiveLimits) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            _check_names(path, archive, limits)
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ArchiveError(
            path.name,
            "elle est illisible, incomplète ou abîmée.",
            "reprenez le fichier chez le producteur ; s’il reste illisible, signalez-le-lui.",
        ) from error


def _check_names(path: Path, archive: zipfile.ZipFile, limits: ArchiveLimits) -> None:
    """Refuse the whole archive for one name that leaves its folder: no producer writes such a name."""
    entries = archive.infolist()
    if len(entries) > limits.members:
        raise _hostile(
            path, f"elle annonce {len(entries)} entrées, au-delà de la limite de {limits.members}."
        )
    for entry in entries:
        name = entry.orig_filename.replace("\\", "/")
        parts = name.split("/")
        if name.startswith("/") or ".." in parts or ":" in parts[0] or "\x00" in name:
            raise _hostile(path, f"le nom d’entrée « {entry.orig_filename!r} » sort de l’archive.")


def _find(path: Path, archive: zipfile.ZipFile, pattern: str) -> zipfile.ZipInfo:
    wanted = pattern.lower()
    members = [entry for entry in archive.infolist() if not entry.is_dir()]
    found = [entry for entry in members if _normal(entry) == wanted]
    if not found:
        whole = "/" in wanted
        found = [
            entry
            for entry in members
            if fnmatchcase(_normal(entry) if whole else PurePosixPath(_normal(entry)).name, wanted)
        ]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(sorted(entry.filename for entry in (found or members))[:20]) or "aucune"
    raise ArchiveError(
        path.name,
        f"« {pattern} » désigne {len(found)} fichiers au lieu d’un ; "
        f"{'candidats' if found else 'entrées de l’archive'} : {listed}.",
        "corrigez le nom du membre dans le catalogue des sources.",
    )


def _normal(entry: zipfile.ZipInfo) -> str:
    return entry.filename.replace("\\", "/").lower()


def _blocks(
    path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: ArchiveLimits
) -> Iterator[bytes]:
    if entry.flag_bits & _ENCRYPTED:
        raise ArchiveError(
            path.name,
            f"« {entry.filename} » est chiffré.",
            "demandez au producteur un fichier sans mot de passe, ou déposez le fichier déchiffré.",
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _hostile(path, f"« {entry.filename} » est un lien symbolique.")
    if entry.compress_type not in _METHODS:
        raise ArchiveError(
            path.name,
            f"« {entry.filename} » est compressé par une méthode non prise en charge "
            f"({entry.compress_type}).",
            "recompressez le fichier en zip ordinaire et déposez-le dans data/landing.",
        )
    # The announced size binds: zipfile gives no byte more, and its checksum then fails.
    _check_size(path, entry, limits)
    try:
        member = archive.open(entry)
    except OSError as error:
        # A damaged directory may point to before the start of the file.
        raise zipfile.BadZipFile(str(error)) from error
    with member as stream:
        while block := stream.read(_BLOCK):
            yield block


def _check_size(path: Path, entry: zipfile.ZipInfo, limits: ArchiveLimits) -> None:
    """Refuse an announced size; the stored one is not believed beyond the size of the archive."""
    size = entry.file_size
    if size > limits.member_bytes:
        raise _hostile(
            path,
            f"« {entry.filename} » annonce {octets(size)}, au-delà de la limite de "
            f"{octets(limits.member_bytes)}.",
        )
    stored = max(1, min(entry.compress_size, path.stat().st_size))
    if size > limits.ratio_from_bytes and size > limits.ratio * stored:
        raise _hostile(
            path,
            f"« {entry.filename} » se décompresse plus de {limits.ratio:.0f} fois "
            f"({octets(stored)} donneraient {octets(size)}).",
        )


def _hostile(path: Path, cause: str) -> ArchiveError:
    return ArchiveError(
        path.name,
        cause,
        "n’ouvrez pas ce fichier ; vérifiez son adresse et son empreinte auprès du producteur, "
        "puis reprenez-le.",
    )
