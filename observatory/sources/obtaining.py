"""File sources of the catalogue, obtained according to where a run may look.

Belongs here: the mode of a run (embedded, mirror, network), which vintages it can have, and their state.
Does not: the order of origins and snapshots (``resolution``), transport (``fetching``).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from observatory.errors import ObservatoryError
from observatory.files import sha256_file
from observatory.paths import DataPaths
from observatory.sources.catalogue import DataFile, Source, UnknownSourceError, load_catalogue
from observatory.sources.fetching import Progress
from observatory.sources.landing_contracts import load_contracts
from observatory.sources.melodi_values import get_dataset
from observatory.sources.remotes import Means, Remote, RemoteDataset, RemoteFile, RemoteLayer
from observatory.sources.resolution import Resolved, resolve
from observatory.sources.snapshots import Snapshot, SnapshotError, latest, verify

MODE_VARIABLE = "OBSERVATORY_SOURCES"

State = Literal["embarquée", "fictive", "disponible", "prise", "vérifiée", "périmée", "altérée", "absente"]
FRESH = timedelta(days=400)
"""How long the content of an address is held to be current: producers republish once a year."""


class UnknownModeError(ObservatoryError):
    """What follows ``--sources`` is no mode."""


@dataclass(frozen=True)
class Mode:
    """Where a run may look for file sources, beside ``data/landing``.

    Attributes:
        mirror: root of a mirror folder, if any.
        network: whether the Internet may be used.
    """

    mirror: Path | None = None
    network: bool = False


EMBEDDED = Mode()


def parse_mode(text: str) -> Mode:
    """Return the mode that ``embedded``, ``network`` or ``mirror=FOLDER`` names.

    Raises:
        UnknownModeError: it is none of them, or the folder does not exist.
    """
    if text == "embedded":
        return EMBEDDED
    if text == "network":
        return Mode(network=True)
    name, _, folder = text.partition("=")
    if name == "mirror" and folder:
        mirror = Path(folder).expanduser().resolve()
        if not mirror.is_dir():
            raise UnknownModeError(f"Le dossier de miroir « {mirror} » n’existe pas.")
        return Mode(mirror=mirror)
    raise UnknownModeError(
        f"« {text} » n’est pas une provenance. Choisissez « embedded », « network » ou « mirror=DOSSIER »."
    )


def current_mode() -> Mode:
    """Return the mode that the environment names, embedded by default.

    Raises:
        UnknownModeError: the environment names none.
    """
    return parse_mode(os.environ.get(MODE_VARIABLE, "embedded"))


def file_sources() -> dict[str, Source]:
    """Return the sources of the catalogue that are read from files, by id."""
    return {source.id: source for source in load_catalogue().values() if _files(source)}


def value_sources() -> dict[str, Source]:
    """Return the file sources read into ``core.values``, by a layout, a Melodi card or a contract, by id."""
    contracts = load_contracts()
    return {
        source_id: source
        for source_id, source in file_sources().items()
        if source_id in contracts or any(file.layout or file.melodi for file in _files(source))
    }


def _files(source: Source) -> list[DataFile]:
    return [vintage.file for vintage in source.vintages.values() if vintage.file is not None]


def remote_of(file: DataFile) -> Remote | None:
    """Return what the network is asked for a file, None if it is not there."""
    if file.wfs is not None:
        return RemoteLayer(file.wfs)
    if file.melodi is not None:
        request = file.melodi
        filters = get_dataset(request.dataset).filters(request.geo)
        return RemoteDataset(request.dataset, filters, request.base)
    if file.url is not None:
        return RemoteFile(file.url, file.kind)
    if file.original is not None and file.original.url is not None:
        return RemoteFile(file.original.url, file.original.kind)
    return None


def obtain(
    source: Source,
    vintage: str,
    paths: DataPaths,
    mode: Mode,
    *,
    allow_stale: bool = False,
    progress: Progress | None = None,
) -> Resolved:
    """Return the file of one vintage: dropped in landing, else mirrored, else downloaded.

    Raises:
        FetchError: it cannot be had, or is not the one expected.
        SnapshotError: a snapshot is altered.
    """
    file = source.data_file(vintage)
    return resolve(
        source.id,
        vintage,
        landing=paths.landing,
        mirror=mode.mirror,
        network=mode.network,
        snapshots=paths.snapshots,
        remote=remote_of(file),
        mirror_path=file.mirror,
        kind=file.kind,
        also=file.original.kind if file.original is not None else None,
        # The fingerprint is that of the mirror's file; the network may serve a newer one.
        expected_sha256=file.sha256 if mode.mirror is not None else None,
        allow_stale=allow_stale,
        means=Means(progress=progress),
    )


def is_offered(source: Source, vintage: str, paths: DataPaths, mode: Mode) -> bool:
    """Whether the mode has somewhere to take one vintage from."""
    file = source.data_file(vintage)
    return _local(source, vintage, paths, mode) is not None or (mode.network and remote_of(file) is not None)


def _local(source: Source, vintage: str, paths: DataPaths, mode: Mode) -> Path | None:
    """Return the file that the mode would take on this machine, or the folder where several were dropped."""
    file = source.data_file(vintage)
    folder = paths.landing / source.id / vintage
    dropped = list(folder.iterdir()) if folder.is_dir() else []
    if dropped:
        return dropped[0] if len(dropped) == 1 else folder
    if mode.mirror is None or file.mirror is None:
        return None
    mirrored = mode.mirror / file.mirror
    return mirrored if mirrored.is_file() else None


def lacking(paths: DataPaths, mode: Mode) -> Iterator[tuple[Source, str]]:
    """Yield the vintages that the catalogue says the mode should have, and that it does not offer."""
    for source in file_sources().values():
        for vintage in source.vintages:
            file = source.data_file(vintage)
            expected = mode.mirror is not None and file.mirror is not None
            if (expected or mode.network) and not is_offered(source, vintage, paths, mode):
                yield source, vintage


def offered(paths: DataPaths, mode: Mode) -> Iterator[tuple[Source, str]]:
    """Yield the vintages of file sources that the mode can have, in the order of the catalogue."""
    for source in file_sources().values():
        for vintage in source.vintages:
            if is_offered(source, vintage, paths, mode):
                yield source, vintage


def wanted(source_id: str | None, vintage: str | None) -> list[tuple[Source, str]]:
    """Return the file vintages that two optional names select.

    Raises:
        UnknownSourceError: a name is not in the catalogue, or the source is not read from files.
    """
    pairs = [
        (source, year)
        for source in load_catalogue().values()
        if source_id in (None, source.id)
        for year, card in source.vintages.items()
        if card.file is not None and vintage in (None, year)
    ]
    if not pairs:
        raise UnknownSourceError(
            f"Aucun fichier au catalogue pour la source « {source_id or 'toutes'} » et le millésime "
            f"« {vintage or 'tous'} ». « observatory sources » les liste."
        )
    return pairs


def state_of(source: Source, vintage: str, paths: DataPaths, mode: Mode) -> State:
    """Return the state of one vintage.

    ``disponible``: the mode has it, nothing is kept yet. Kept: ``vérifiée`` when its fingerprint is the one
    of the catalogue, ``prise`` when the catalogue knows none or another; ``périmée`` when the mode would now
    take another content, or when no address has confirmed it for longer than ``FRESH``; ``altérée`` when it
    is no longer what was kept.
    """
    if source.fictive:
        return "fictive"
    if source.vintages[vintage].file is None:
        return "embarquée"
    snapshot = latest(paths.snapshots, source.id, vintage)
    if snapshot is None:
        return "disponible" if is_offered(source, vintage, paths, mode) else "absente"
    try:
        verify(snapshot)
    except SnapshotError:
        return "altérée"
    if _is_stale(snapshot, _local(source, vintage, paths, mode), mode):
        return "périmée"
    return "vérifiée" if snapshot.sha256 == source.data_file(vintage).sha256 else "prise"


def _is_stale(snapshot: Snapshot, local: Path | None, mode: Mode) -> bool:
    if local is not None and local.is_file():
        return sha256_file(local) != snapshot.sha256
    return mode.network and datetime.now(UTC) - snapshot.seen_at > FRESH
