"""The confidential store: one folder per producer and vintage, for its owner only, replaced whole.

Belongs here: permissions, what a folder holds, taking its place in one step, the journal, the lock.
Does not: what is accepted (``sorting``, ``corrections``), when a delivery goes (``purging``).

A folder is written beside the one in place, then the two are exchanged: whoever is killed, wherever, leaves
the former delivery whole, and the next to take the lock clears what was left.
"""

import getpass
import io
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import BaseModel, ConfigDict

from observatory.errors import ObservatoryError
from observatory.files import exchange_folders, fsync_folder, hold
from observatory.paths import DataPaths

ACCEPTED, QUARANTINED, FAULTY = "accepted.parquet", "quarantine.parquet", "faults.parquet"
MANIFEST = "manifest.json"
REPORT_HTML, REPORT_CSV, LABELS_CSV = "rapport.html", "rapport.csv", "cites_a_confirmer.csv"
CONFIRMATIONS = "cites_confirmees.csv"
JOURNAL = "journal.jsonl"
REFUSED = "-refusee"
"""End of the name of a folder that holds the report of a delivery that was not taken."""

_PARTIAL = ".partial"
_OWNER_FOLDER, _OWNER_FILE = 0o700, 0o600


class StoreBusyError(ObservatoryError):
    """Another intake or purge, or a run, is at work."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Event(_Frozen):
    """One file that was taken.

    Attributes:
        kind: whole delivery, or rows that correct one.
        at: when.
        by: account that took it.
        sha256: fingerprint of the file.
        inputs: fingerprint of all that its sorting depends on.
        rows: rows of the file.
        accepted: rows of the delivery that are accepted, once it is taken.
        quarantined: rows of the delivery that are quarantined, once it is taken.
    """

    kind: Literal["delivery", "corrections"]
    at: datetime
    by: str
    sha256: str
    inputs: str
    rows: int
    accepted: int
    quarantined: int


class Manifest(_Frozen):
    """What is known of a delivery without any of its values.

    Attributes:
        producer: who delivered.
        vintage: year that it describes.
        contract: its contract.
        contract_version: version of the contract.
        fictive: whether it is generated.
        key: fingerprint of the key of its identifiers.
        delivered: its rows.
        rules: quarantined rows by first broken rule.
        expires: day from which it is to be purged.
        history: files taken, the first one first.
    """

    producer: str
    vintage: int
    contract: str
    contract_version: int
    fictive: bool
    key: str
    delivered: int
    rules: dict[str, int]
    expires: date
    history: tuple[Event, ...]

    @property
    def last(self) -> Event:
        """The file that was taken last."""
        return self.history[-1]


@dataclass(frozen=True)
class State:
    """A delivery as it is stored; identifiers are fingerprints.

    Attributes:
        manifest: what is known of it.
        accepted: as ``Delivery.accepted``.
        quarantine: as ``sorting.QUARANTINE``.
        faults: as ``sorting.FAULTS``, with confidential values.
    """

    manifest: Manifest
    accepted: pl.DataFrame = field(repr=False)
    quarantine: pl.DataFrame = field(repr=False)
    faults: pl.DataFrame = field(repr=False)

    def files(self) -> dict[str, bytes]:
        """Return the content of the files that hold it."""
        return {
            ACCEPTED: _parquet(self.accepted),
            QUARANTINED: _parquet(self.quarantine),
            FAULTY: _parquet(self.faults),
            MANIFEST: self.manifest.model_dump_json(indent=2).encode(),
        }


def folder_of(paths: DataPaths, producer: str, vintage: int) -> Path:
    """Return the folder of a delivery."""
    return paths.confidential / producer / str(vintage)


def read_manifest(folder: Path) -> Manifest | None:
    """Return what is known of a delivery; None if there is none."""
    path = folder / MANIFEST
    return Manifest.model_validate_json(path.read_bytes()) if path.is_file() else None


def read_state(folder: Path) -> State | None:
    """Return a stored delivery; None if there is none."""
    manifest = read_manifest(folder)
    if manifest is None:
        return None
    return State(manifest, *(pl.read_parquet(folder / name) for name in (ACCEPTED, QUARANTINED, FAULTY)))


def deliveries(paths: DataPaths) -> list[Manifest]:
    """Return what is known of every delivery, by producer and vintage."""
    manifests = [
        read_manifest(path.parent) for path in sorted(paths.confidential.glob(f"*/[0-9]*/{MANIFEST}"))
    ]
    return [manifest for manifest in manifests if manifest is not None]


@contextmanager
def locked(paths: DataPaths) -> Iterator[None]:
    """Hold the store's lock, after a clearing of what a killed process left.

    Raises:
        StoreBusyError: another process holds it.
    """
    _private_folder(paths.confidential)
    try:
        descriptor = hold(paths.confidential / ".lock", mode=_OWNER_FILE)
    except BlockingIOError:
        raise StoreBusyError(
            "Une entrée ou une purge de livraisons, ou un traitement, est en cours. Attendez sa fin, puis "
            "relancez."
        ) from None
    try:
        _mend(paths)
        yield
    finally:
        os.close(descriptor)


def _mend(paths: DataPaths) -> None:
    """Clear what a killed process left; put back a former folder that was out of its place."""
    for leftover in sorted(paths.confidential.glob(f"*/.*{_PARTIAL}*")):
        place = leftover.with_name(leftover.name[1:].partition(".")[0])
        if leftover.name.endswith(".former") and not place.exists():
            leftover.rename(place)
        else:
            shutil.rmtree(leftover)


def account() -> str:
    """Return the name of the account at work, for histories."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # An account without a name, as in some containers.
        return str(os.getuid())


def replace_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put a folder with these files in the place of ``folder``, in one step. The lock is held."""
    _private_folder(folder.parent.parent)
    _private_folder(folder.parent)
    beside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}{_PARTIAL}")
    beside.mkdir(mode=_OWNER_FOLDER)
    for name, content in files.items():
        write_private(beside / name, content)
    fsync_folder(beside)
    exchange_folders(beside, folder)
    fsync_folder(folder.parent)
    shutil.rmtree(beside, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Remove a folder: it is gone at once, even if a kill interrupts its clearing. The lock is held."""
    if folder.is_dir():
        beside = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}{_PARTIAL}")
        folder.rename(beside)
        fsync_folder(folder.parent)
        shutil.rmtree(beside)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that its owner alone may read, whatever the umask."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_FILE)
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(stream.fileno(), _OWNER_FILE)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def write_journal(paths: DataPaths, entry: Mapping[str, object]) -> None:
    """Add a line to the journal, which says what was done, never what was delivered."""
    descriptor = os.open(paths.confidential / JOURNAL, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _OWNER_FILE)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write((json.dumps(entry, ensure_ascii=False, default=str) + "\n").encode())
        stream.flush()
        os.fsync(stream.fileno())


def _private_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(_OWNER_FOLDER)


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()
