"""What the network is asked for one vintage: a file, a WFS layer or a Melodi dataset, each as one file.

Belongs here: from what a card says to a file in a folder. Does not: transport (``fetching``), the pages of
an API (``melodi``, ``wfs``), storage (``resolution``).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from observatory.errors import InputError
from observatory.files import sha256_file, write_atomic
from observatory.sources import melodi
from observatory.sources.fetching import Clock, Fetched, FetchError, Limits, Progress, RateLimiter, fetch
from observatory.sources.kinds import Kind
from observatory.sources.snapshots import Snapshot
from observatory.sources.wfs import Paging, WfsLayer


@dataclass(frozen=True)
class Means:
    """With what a file is asked for.

    Attributes:
        progress: called with bytes received and total, None when the server does not say.
        limits: time, attempts and size.
        clock: time and chance.
        limiter: rate of the requests.
    """

    progress: Progress | None = None
    limits: Limits | None = None
    clock: Clock | None = None
    limiter: RateLimiter | None = None


class Remote(Protocol):
    """Somewhere on the network that gives one file."""

    @property
    def kind(self) -> Kind:
        """What the file is."""

    @property
    def address(self) -> str:
        """Address that tells this origin from any other."""

    def bring(self, folder: Path, source: str, previous: Snapshot | None, means: Means) -> Fetched:
        """Write the file into ``folder``.

        Args:
            folder: staging folder.
            source: id of the source, for errors.
            previous: the last snapshot of this origin, which the server may confirm.
            means: with what to ask.

        Raises:
            FetchError: whatever went wrong.
        """


@dataclass(frozen=True)
class RemoteFile:
    """A file at an address; ``name`` is the one to keep it under, that of the address by default."""

    address: str
    kind: Kind
    name: str | None = None

    def bring(self, folder: Path, source: str, previous: Snapshot | None, means: Means) -> Fetched:
        """Download it; see :class:`Remote`."""
        return fetch(
            self.address,
            folder,
            source=source,
            kind=self.kind,
            previous=previous,
            name=self.name,
            progress=means.progress,
            limits=means.limits,
            clock=means.clock,
            limiter=means.limiter,
        )


@dataclass(frozen=True)
class RemoteLayer:
    """Every feature of a WFS layer, as one GeoJSON collection."""

    layer: WfsLayer
    kind: Kind = "geojson"

    @property
    def address(self) -> str:
        """Address of the first page."""
        return Paging(self.layer).next_url or self.layer.endpoint

    def bring(self, folder: Path, source: str, previous: Snapshot | None, means: Means) -> Fetched:
        """Take page after page; see :class:`Remote`."""
        paging = Paging(self.layer)
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".wfs-") as staging:
            while (url := paging.next_url) is not None:
                page = RemoteFile(url, "json", "page.json").bring(Path(staging), source, None, means)
                try:
                    paging.add(page.path.read_bytes())
                except InputError as error:
                    raise FetchError(source, url, error.rule, error.remedy) from error
        content = json.dumps(paging.collection(), ensure_ascii=False, separators=(",", ":"))
        path = folder / f"{self.layer.type_name.rpartition(':')[2]}.geojson"
        write_atomic(path, content.encode())
        return _fetched(path, self.address)


@dataclass(frozen=True)
class RemoteDataset:
    """Every observation of a Melodi dataset that answers some filters."""

    dataset: str
    filters: Mapping[str, Sequence[str]]
    base: str
    kind: Kind = "json"

    @property
    def address(self) -> str:
        """Address of the first page."""
        return melodi.first_page(self.dataset, self.filters, base=self.base)

    def bring(self, folder: Path, source: str, previous: Snapshot | None, means: Means) -> Fetched:
        """Take page after page; see :class:`Remote`."""
        limits = melodi.MelodiLimits() if means.limits is None else melodi.MelodiLimits(request=means.limits)
        downloaded = melodi.download_dataset(
            self.dataset,
            self.filters,
            folder,
            source=source,
            base=self.base,
            limits=limits,
            clock=means.clock,
            limiter=means.limiter,
        )
        return _fetched(downloaded.path, downloaded.url)


def _fetched(path: Path, url: str) -> Fetched:
    return Fetched(path, url, url, sha256_file(path), path.stat().st_size, etag=None, last_modified=None)
