"""What the origins of the file sources now give, against what is kept: nothing is computed.

Belongs here: asking each origin and naming what is new, changed or out of reach. New content is kept as a
snapshot, as ``observatory fetch`` does; nothing kept is ever replaced. Does not: who is told (``assets``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from observatory.paths import DataPaths
from observatory.sources.catalogue import Source
from observatory.sources.fetching import FetchError
from observatory.sources.obtaining import Mode, file_sources, lacking, obtain, offered
from observatory.sources.snapshots import SnapshotError, latest

State = Literal["inchangée", "nouvelle", "changée", "en défaut", "disparue", "sans fiche"]


@dataclass(frozen=True)
class Finding:
    """What became of one vintage of a source.

    Attributes:
        source: id of the source.
        title: its title.
        vintage: its vintage.
        state: ``nouvelle``: had never been kept; ``changée``: another content than the one kept last;
            ``en défaut``: out of reach, or not the file expected; ``disparue``: kept once, and nowhere to be
            had; ``sans fiche``: dropped under a vintage that the catalogue does not know.
        detail: the fault and its remedy in French, empty without one.
        sha256: fingerprint of the content, empty without one.
    """

    source: str
    title: str
    vintage: str
    state: State
    detail: str = ""
    sha256: str = ""

    def __str__(self) -> str:
        return f"{self.title}, {self.vintage} : {self.state}.{' ' if self.detail else ''}{self.detail}"


def watch(paths: DataPaths, mode: Mode) -> Iterator[Finding]:
    """Yield what became of every vintage that the mode offers, should offer, or that was dropped unknown."""
    for source, vintage in offered(paths, mode):
        yield _asked(source, vintage, paths, mode)
    for source, vintage in lacking(paths, mode):
        if latest(paths.snapshots, source.id, vintage) is not None:
            detail = "Que faire : déposez le fichier dans data/landing, ou rendez au miroir celui qui manque."
            yield Finding(source.id, source.title, vintage, "disparue", detail)
    for source, vintage in unknown_vintages(paths):
        detail = "Que faire : ajoutez ce millésime à la fiche de la source au catalogue."
        yield Finding(source.id, source.title, vintage, "sans fiche", detail)


def unknown_vintages(paths: DataPaths) -> Iterator[tuple[Source, str]]:
    """Yield the folders of landing that name a known source and a vintage its card has not."""
    for source in file_sources().values():
        folder = paths.landing / source.id
        for place in sorted(folder.iterdir()) if folder.is_dir() else []:
            if place.is_dir() and not place.name.startswith(".") and place.name not in source.vintages:
                yield source, place.name


def _asked(source: Source, vintage: str, paths: DataPaths, mode: Mode) -> Finding:
    try:
        before = latest(paths.snapshots, source.id, vintage)
        now = obtain(source, vintage, paths, mode).snapshot
    except (FetchError, SnapshotError) as error:
        return Finding(source.id, source.title, vintage, "en défaut", str(error))
    state: State = "inchangée"
    if before is None:
        state = "nouvelle"
    elif before.sha256 != now.sha256:
        state = "changée"
    return Finding(source.id, source.title, vintage, state, "", now.sha256)
