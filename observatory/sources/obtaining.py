"""File sources of the catalogue, obtained according to where a run may look.

Belongs here: the mode of a run (embedded, mirror, network), which vintages it can have, and their state.
Does not: the order of origins and snapshots (``resolution``), transport (``fetching``).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from observatory.errors import ObservatoryError
from observatory.paths import DataPaths
from observatory.sources.catalogue import DataFile, Source, UnknownSourceError, load_catalogue
from observatory.sources.fetching import Progress
from observatory.sources.landing_contracts import load_contracts
from observatory.sources.resolution import Resolved, resolve
from observatory.sources.snapshots import SnapshotError, latest, verify

MODE_VARIABLE = "OBSERVATORY_SOURCES"

State = Literal["embarquée", "fictive", "vérifiée", "altérée", "disponible", "absente"]


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
            raise UnknownModeError(f"Le dossier de miroir « {mirror} » n’existe pas.")
        return Mode(mirror=mirror)
    raise UnknownModeError(
        f"« {text} » n’est pas une provenance. Choisissez « embedded », « network » ou « mirror=DOSSIER »."
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
    """Return the file sources that are read into ``core.values``, by a layout or a contract, by id."""
    contracts = load_contracts()
    return {
        source_id: source
        for source_id, source in file_sources().items()
        if source_id in contracts or any(file.layout is not None for file in _files(source))
    }


def _files(source: Source) -> list[DataFile]:
    return [vintage.file for vintage in source.vintages.values() if vintage.file is not None]


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
        url=file.url,
        mirror_path=file.mirror,
        kind=file.kind,
        # The fingerprint is that of the mirror's file; the network may serve a newer one.
        expected_sha256=file.sha256 if mode.mirror is not None else None,
        allow_stale=allow_stale,
        progress=progress,
    )


def is_offered(source: Source, vintage: str, paths: DataPaths, mode: Mode) -> bool:
    """Whether the mode has somewhere to take one vintage from."""
    file = source.data_file(vintage)
    folder = paths.landing / source.id / vintage
    if folder.is_dir() and any(folder.iterdir()):
        return True
    if mode.mirror is not None and file.mirror is not None and (mode.mirror / file.mirror).is_file():
        return True
    return mode.network and file.url is not None


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
            f"Aucun fichier au catalogue pour la source « {source_id or 'toutes'} » et le millésime "
            f"« {vintage or 'tous'} ». « observatory sources » les liste."
        )
    return pairs


def state_of(source: Source, vintage: str, paths: DataPaths, mode: Mode) -> State:
    """Return whether one vintage is embedded, generated, kept and intact, altered, to be had, or nowhere."""
    if source.fictive:
        return "fictive"
    if source.vintages[vintage].file is None:
        return "embarquée"
    snapshot = latest(paths.snapshots, source.id, vintage)
    if snapshot is not None:
        try:
            verify(snapshot)
        except SnapshotError:
            return "altérée"
        return "vérifiée"
    return "disponible" if is_offered(source, vintage, paths, mode) else "absente"
