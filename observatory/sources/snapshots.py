"""Source files kept for ever: one folder per content, never altered, with who, when and from where.

Belongs here: keeping, listing and verifying under ``<snapshots>/<source>/<vintage>/<sha256[:16]>/``.
Does not: getting the files (``fetching``, ``resolution``).

Each folder holds the file and ``snapshot.json`` (how it first came), both read-only, and ``seen.json``:
the last time that each origin gave this same content. A producer that takes a correction back serves a
former content again, and ``seen.json`` makes that one the latest.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from observatory.errors import ObservatoryError
from observatory.files import fsync_folder, hold, sha256_file, write_atomic

OriginKind = Literal["network", "mirror", "landing"]

_CARD = "snapshot.json"
_SEEN = "seen.json"
_FOLDER = re.compile(r"[0-9a-f]{16}")
_SOURCE = re.compile(r"[a-z][a-z0-9_]*")
_VINTAGE = re.compile(r"[0-9A-Za-z]+([._-][0-9A-Za-z]+)*")
_NAME = re.compile(r"[^./\\~\x00-\x1f-][^/\\\x00-\x1f]*")
_BLOCK = 1_048_576


@dataclass(eq=False)
class SnapshotError(ObservatoryError):
    """A snapshot is altered or unreadable, or cannot be named.

    Attributes:
        source: id of the source.
        vintage: its vintage.
        cause: what is wrong, in French, a sentence.
        remedy: what to do about it, in French, a sentence.
    """

    source: str
    vintage: str
    cause: str
    remedy: str

    def __str__(self) -> str:
        return (
            f"Source « {self.source} », millésime « {self.vintage} » : {self.cause} Que faire : {self.remedy}"
        )


@dataclass(frozen=True)
class Sighting:
    """An origin gave a content.

    Attributes:
        kind: network, mirror or landing.
        origin: address, or path of the file within the mirror or landing folder.
        at: when, UTC.
        by: user name of the environment, « inconnu » without one.
        etag: entity tag, when a server gave one.
        last_modified: ``Last-Modified``, when a server gave one.
    """

    kind: OriginKind
    origin: str
    at: datetime
    by: str
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """One content of one vintage of a source.

    Attributes:
        source: id of the source.
        vintage: its vintage.
        path: the kept file.
        sha256: hexadecimal fingerprint.
        bytes: size.
        first: how it first came.
        sightings: the last time that each origin gave it.
        changed: on the answer of :func:`keep` only: its origin gave another content the time before.
    """

    source: str
    vintage: str
    path: Path
    sha256: str
    bytes: int
    first: Sighting
    sightings: tuple[Sighting, ...]
    changed: bool = False

    @property
    def seen_at(self) -> datetime:
        """Return when an origin last gave this content."""
        return max(sighting.at for sighting in self.sightings)

    def seen_from(self, origin: str) -> Sighting | None:
        """Return the last time that ``origin`` gave this content."""
        return next((sighting for sighting in self.sightings if sighting.origin == origin), None)


def keep(
    file: Path,
    folder: Path,
    *,
    source: str,
    vintage: str,
    kind: OriginKind,
    origin: str,
    name: str | None = None,
    etag: str | None = None,
    last_modified: str | None = None,
    at: datetime | None = None,
) -> Snapshot:
    """Copy ``file`` into the snapshots of ``folder`` and return its snapshot.

    The same content twice is one snapshot. A kill leaves a hidden draft at most, which the next call clears.
    Without ``at``, the time is now, or just after the last sighting if the clock was put back since.

    Raises:
        SnapshotError: a name cannot be that of a folder or file, or the content kept before is altered.
    """
    vintages = vintage_folder(folder, source, vintage)
    kept_name = name or file.name
    if not _NAME.fullmatch(kept_name) or kept_name in (_CARD, _SEEN):
        raise SnapshotError(
            source, vintage, f"« {kept_name} » ne peut nommer un fichier gardé.", "renommez le fichier."
        )
    vintages.mkdir(parents=True, exist_ok=True)
    with _locked(vintages):
        before = latest(folder, source, vintage, origin)
        sighting = Sighting(
            kind, origin, at or _now(all_of(folder, source, vintage)), _user(), etag, last_modified
        )
        sha256 = _put(file, vintages, kept_name, source, vintage, sighting)
        home = vintages / sha256[:16]
        verify(_load(home, source, vintage))
        _see(home, source, vintage, sighting)
    return replace(_load(home, source, vintage), changed=before is not None and before.sha256 != sha256)


def confirm(
    snapshot: Snapshot,
    origin: str,
    *,
    etag: str | None = None,
    last_modified: str | None = None,
    at: datetime | None = None,
) -> Snapshot:
    """Note that address ``origin`` still gives this content (code 304) and return the snapshot with it."""
    home = snapshot.path.parent
    with _locked(home.parent):
        known = all_of(home.parents[2], snapshot.source, snapshot.vintage)
        sighting = Sighting("network", origin, at or _now(known), _user(), etag, last_modified)
        _see(home, snapshot.source, snapshot.vintage, sighting)
    return _load(home, snapshot.source, snapshot.vintage)


def all_of(folder: Path, source: str, vintage: str, origin: str | None = None) -> list[Snapshot]:
    """Return the snapshots of one vintage, those of ``origin`` if given, the latest seen last.

    Raises:
        SnapshotError: a card is unreadable.
    """
    vintages = vintage_folder(folder, source, vintage)
    homes = sorted(vintages.iterdir()) if vintages.is_dir() else []
    snapshots = [_load(home, source, vintage) for home in homes if _FOLDER.fullmatch(home.name)]
    if origin is not None:
        snapshots = [snapshot for snapshot in snapshots if snapshot.seen_from(origin)]

    def rank(snapshot: Snapshot) -> tuple[datetime, datetime, str]:
        sighting = snapshot.seen_from(origin) if origin is not None else None
        seen = snapshot.seen_at if sighting is None else sighting.at
        return seen, snapshot.first.at, snapshot.sha256

    return sorted(snapshots, key=rank)


def latest(folder: Path, source: str, vintage: str, origin: str | None = None) -> Snapshot | None:
    """Return the snapshot seen last, from ``origin`` if given; None if there is none."""
    return next(reversed(all_of(folder, source, vintage, origin)), None)


def verify(snapshot: Snapshot) -> Snapshot:
    """Return ``snapshot`` after its file is read again.

    Raises:
        SnapshotError: the file is gone, or no longer what was kept.
    """
    if not snapshot.path.is_file():
        fault = "a disparu"
    elif sha256_file(snapshot.path) != snapshot.sha256:
        fault = "n’est plus celui qui a été gardé (empreinte SHA-256 différente)"
    else:
        return snapshot
    raise SnapshotError(
        snapshot.source,
        snapshot.vintage,
        f"le fichier gardé « {snapshot.path} » {fault}.",
        f"supprimez le dossier « {snapshot.path.parent} » et relancez « observatory fetch "
        f"{snapshot.source} --vintage {snapshot.vintage} ».",
    )


def vintage_folder(root: Path, source: str, vintage: str) -> Path:
    """Return ``root/source/vintage``, for names that cannot leave ``root``.

    Raises:
        SnapshotError: a name holds anything else than letters, digits and inner ``. _ -``.
    """
    if not (_SOURCE.fullmatch(source) and _VINTAGE.fullmatch(vintage)):
        raise SnapshotError(
            source,
            vintage,
            "ces noms ne peuvent désigner un dossier.",
            "employez des lettres sans accent, des chiffres et des tirets, comme au catalogue.",
        )
    return root / source / vintage


def _put(file: Path, vintages: Path, name: str, source: str, vintage: str, sighting: Sighting) -> str:
    """Make the snapshot in a draft folder, then rename it; return the fingerprint of what was copied."""
    draft = vintages / f".{secrets.token_hex(8)}.draft"
    draft.mkdir()
    try:
        sha256, size = _copy(file, draft / name)
        if not (vintages / sha256[:16]).exists():
            facts = {"source": source, "vintage": vintage, "file": name, "sha256": sha256, "bytes": size}
            _write_read_only(draft / _CARD, facts | _plain(sighting))
            (draft / name).chmod(0o444)
            fsync_folder(draft)
            draft.rename(vintages / sha256[:16])
            fsync_folder(vintages)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return sha256


def _copy(file: Path, target: Path) -> tuple[str, int]:
    """Copy and fingerprint the same bytes: a file still being dropped may change between two readings."""
    digest, size = hashlib.sha256(), 0
    with file.open("rb") as source, target.open("xb") as stream:
        while block := source.read(_BLOCK):
            digest.update(block)
            size += stream.write(block)
        stream.flush()
        os.fsync(stream.fileno())
    return digest.hexdigest(), size


def _see(home: Path, source: str, vintage: str, sighting: Sighting) -> None:
    others = [
        known
        for known in _load(home, source, vintage).sightings
        if (known.kind, known.origin) != (sighting.kind, sighting.origin)
    ]
    content = json.dumps([_plain(each) for each in [*others, sighting]], ensure_ascii=False, indent=2)
    write_atomic(home / _SEEN, f"{content}\n".encode())


def _load(home: Path, source: str, vintage: str) -> Snapshot:
    try:
        card = json.loads((home / _CARD).read_text(encoding="utf-8"))
        if not (_NAME.fullmatch(card["file"]) and card["sha256"].startswith(home.name)):
            raise ValueError(card["file"])
        first = _sighting(card)
        seen = home / _SEEN
        sightings = json.loads(seen.read_text(encoding="utf-8")) if seen.exists() else []
        return Snapshot(
            source,
            vintage,
            home / card["file"],
            card["sha256"],
            card["bytes"],
            first,
            tuple(_sighting(each) for each in sightings) or (first,),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SnapshotError(
            source,
            vintage,
            f"la fiche de l’instantané « {home} » est absente ou illisible.",
            f"supprimez ce dossier et relancez « observatory fetch {source} --vintage {vintage} ».",
        ) from error


def _plain(sighting: Sighting) -> dict[str, Any]:
    facts = asdict(sighting)
    return {
        "origin_kind": facts["kind"],
        "origin": facts["origin"],
        "fetched_at": sighting.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "fetched_by": facts["by"],
        "etag": facts["etag"],
        "last_modified": facts["last_modified"],
    }


def _sighting(facts: dict[str, Any]) -> Sighting:
    return Sighting(
        facts["origin_kind"],
        facts["origin"],
        datetime.fromisoformat(facts["fetched_at"]),
        facts["fetched_by"],
        facts["etag"],
        facts["last_modified"],
    )


def _write_read_only(path: Path, facts: dict[str, Any]) -> None:
    write_atomic(path, (json.dumps(facts, ensure_ascii=False, indent=2) + "\n").encode())
    path.chmod(0o444)


def _now(known: Sequence[Snapshot]) -> datetime:
    """Return the time of a sighting that follows all those known, whatever became of the clock."""
    last = max((snapshot.seen_at for snapshot in known), default=datetime.min.replace(tzinfo=UTC))
    return max(datetime.now(UTC), last + timedelta(microseconds=1))


def _user() -> str:
    return os.environ.get("USER") or os.environ.get("LOGNAME") or "inconnu"


@contextmanager
def _locked(vintages: Path) -> Iterator[None]:
    """Hold one vintage alone; under the lock no writer is alive, so that drafts are those of killed ones."""
    descriptor = hold(vintages / ".lock", wait=True)
    try:
        for draft in vintages.glob(".*.draft"):
            shutil.rmtree(draft, ignore_errors=True)
        yield
    finally:
        os.close(descriptor)
