"""Which file stands for one vintage of a source: dropped by an analyst, else mirrored, else downloaded.

Belongs here: the order of origins, and when a former snapshot may stand in. Does not: cards of sources
(``catalogue``), transport (``fetching``), storage (``snapshots``).
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from observatory.files import sha256_file
from observatory.sources.fetching import FetchError
from observatory.sources.kinds import Kind, mismatch
from observatory.sources.remotes import Means, Remote
from observatory.sources.snapshots import OriginKind, Snapshot, confirm, keep, latest, verify, vintage_folder

# Left by desktops and editors, never data.
_CLUTTER = ("thumbs.db", "desktop.ini")


class UnavailableError(FetchError):
    """The network does not give a file, nothing kept stands in, and the caller allowed for it."""


@dataclass(frozen=True)
class Resolved:
    """The file of one vintage.

    Attributes:
        snapshot: the file, kept and verified.
        kind: network, mirror or landing: where it was taken from in this run; for a stale one, at first.
        origin: address, or path within the mirror or landing folder.
        changed: this origin gave another content the time before.
        stale: a former snapshot stands in for a file that could not be had.
        reason: why it is stale, in French.
    """

    snapshot: Snapshot
    kind: OriginKind
    origin: str
    changed: bool = False
    stale: bool = False
    reason: str | None = None

    @property
    def path(self) -> Path:
        """The file to read."""
        return self.snapshot.path


@dataclass(frozen=True)
class _Wanted:
    source: str
    vintage: str
    snapshots: Path
    kind: Kind
    also: Kind | None
    remote: Remote | None
    expected_sha256: str | None


def resolve(
    source: str,
    vintage: str,
    *,
    landing: Path,
    mirror: Path | None,
    network: bool,
    snapshots: Path,
    remote: Remote | None,
    mirror_path: str | None,
    kind: Kind,
    also: Kind | None = None,
    expected_sha256: str | None = None,
    allow_stale: bool = False,
    means: Means | None = None,
) -> Resolved:
    """Return the file of one vintage, as a verified snapshot.

    The one file of ``landing/<source>/<vintage>/`` wins; then ``mirror/<mirror_path>`` if it exists; then
    ``remote`` if ``network``. A local file that is wrong is an error, never a reason to look further.

    Args:
        source: id of the source.
        vintage: its vintage.
        landing: root of the folders where analysts drop files.
        mirror: root of the mirror, if there is one.
        network: whether the network may be used.
        snapshots: root of the snapshots.
        remote: what the network is asked for, if anything.
        mirror_path: path of the file within the mirror, if it is there.
        kind: what the file of the mirror must be.
        also: what a dropped file may be too.
        expected_sha256: fingerprint that the catalogue knows.
        allow_stale: whether the last snapshot stands in when the network fails or is not to be used; the
            answer then says so.
        means: with what the network is asked.

    Raises:
        FetchError: the file cannot be had, or is not the one expected; of the class ``UnavailableError`` when
            ``allow_stale`` and nothing stands in.
        SnapshotError: a name is no folder's, or a snapshot is altered.
    """
    wanted = _Wanted(source, vintage, snapshots, kind, also, remote, expected_sha256)
    dropped = _landed(wanted, vintage_folder(landing, source, vintage))
    if dropped is not None:
        return _kept(wanted, dropped, "landing", f"landing/{source}/{vintage}/{dropped.name}")
    if mirror is not None and mirror_path is not None:
        mirrored = _inside(wanted, mirror, mirror_path)
        if mirrored.is_file():
            return _kept(wanted, mirrored, "mirror", mirror_path)
    try:
        if not network or remote is None:
            raise _nowhere(wanted, mirror, mirror_path, network)
        return _downloaded(wanted, remote, means or Means())
    except FetchError as error:
        former = latest(snapshots, source, vintage) if allow_stale else None
        if former is None and allow_stale:
            raise UnavailableError(error.source, error.url, error.cause, error.remedy) from error
        if former is None:
            raise
        _check_expected(wanted, str(former.path), verify(former).sha256)
        return Resolved(former, former.first.kind, former.first.origin, stale=True, reason=str(error))


def is_clutter(name: str) -> bool:
    """Whether a file of that name is left by a desktop or an editor, and never data."""
    return name.startswith((".", "~$")) or name.lower() in _CLUTTER


def _landed(wanted: _Wanted, folder: Path) -> Path | None:
    """Return the file that an analyst dropped, if any."""
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    entries = [entry for entry in entries if not is_clutter(entry.name)]
    if not entries:
        return None
    if len(entries) > 1:
        listed = ", ".join(entry.name for entry in entries)
        raise FetchError(
            wanted.source,
            str(folder),
            f"{len(entries)} fichiers sont déposés au lieu d’un : {listed}.",
            "ne laissez dans ce dossier que le fichier à prendre.",
        )
    if entries[0].is_symlink() or not entries[0].is_file():
        raise FetchError(
            wanted.source,
            str(entries[0]),
            "un dossier ou un lien est déposé au lieu d’un fichier.",
            "déposez le fichier lui-même.",
        )
    return entries[0]


def _inside(wanted: _Wanted, root: Path, relative: str) -> Path:
    """Return ``root/relative``, which neither its text nor a link may lead out of ``root``."""
    parts = PurePosixPath(relative).parts
    plain = bool(parts) and ".." not in parts and not relative.startswith("/")
    if plain and "\\" not in relative and "\x00" not in relative:
        path = root / relative
        if path.resolve().is_relative_to(root.resolve()):
            return path
    raise FetchError(
        wanted.source,
        relative,
        "ce chemin sort du miroir.",
        "corrigez le chemin au catalogue des sources : il se donne à partir de la racine du miroir.",
    )


def _kept(wanted: _Wanted, file: Path, origin_kind: OriginKind, origin: str) -> Resolved:
    fault = mismatch(file, wanted.kind)
    other = wanted.also if origin_kind == "landing" else None
    if fault is not None and (other is None or mismatch(file, other) is not None):
        raise FetchError(
            wanted.source, str(file), f"{fault}.", "remplacez ce fichier par celui du producteur, entier."
        )
    _check_expected(wanted, str(file), sha256_file(file))
    snapshot = keep(
        file,
        wanted.snapshots,
        source=wanted.source,
        vintage=wanted.vintage,
        kind=origin_kind,
        origin=origin,
    )
    return Resolved(snapshot, origin_kind, origin, snapshot.changed)


def _downloaded(wanted: _Wanted, remote: Remote, means: Means) -> Resolved:
    url = remote.address
    at = means.clock.now() if means.clock is not None else None
    previous = latest(wanted.snapshots, wanted.source, wanted.vintage, url)
    if previous is not None:
        verify(previous)
    folder = vintage_folder(wanted.snapshots, wanted.source, wanted.vintage)
    fetched = remote.bring(folder / ".incoming", wanted.source, previous, means)
    seen = {"etag": fetched.etag, "last_modified": fetched.last_modified}
    if fetched.unchanged and previous is not None:
        _check_expected(wanted, url, fetched.sha256)
        return Resolved(confirm(previous, url, at=at, **seen), "network", url)
    try:
        _check_expected(wanted, url, fetched.sha256)
        snapshot = keep(
            fetched.path,
            wanted.snapshots,
            source=wanted.source,
            vintage=wanted.vintage,
            kind="network",
            origin=url,
            at=at,
            **seen,
        )
    finally:
        fetched.path.unlink(missing_ok=True)
    return Resolved(snapshot, "network", url, snapshot.changed)


def _check_expected(wanted: _Wanted, where: str, sha256: str) -> None:
    if wanted.expected_sha256 is not None and sha256 != wanted.expected_sha256.lower():
        raise FetchError(
            wanted.source,
            where,
            f"le contenu n’est pas celui que décrit le catalogue (empreinte SHA-256 {sha256[:16]}… au lieu "
            f"de {wanted.expected_sha256[:16]}…).",
            "le producteur a pu republier le fichier : comparez-le à l’ancien, puis corrigez l’empreinte au "
            "catalogue ou remettez le fichier attendu.",
        )


def _nowhere(wanted: _Wanted, mirror: Path | None, mirror_path: str | None, network: bool) -> FetchError:
    tried = [f"rien n’est déposé dans data/landing/{wanted.source}/{wanted.vintage}/"]
    if mirror is not None and mirror_path is not None:
        tried.append(f"le miroir ne contient pas « {mirror_path} »")
    elif mirror is not None:
        tried.append("la source n’est pas au miroir")
    if network:
        tried.append("la source n’a pas d’adresse")
    else:
        tried.append("le réseau n’est pas utilisé")
    remedy = "déposez le fichier du producteur dans ce dossier"
    online = " ou relancez avec « --sources network »" if wanted.remote is not None else ""
    address = "aucune" if wanted.remote is None else wanted.remote.address
    return FetchError(wanted.source, address, f"{', '.join(tried)}.", f"{remedy}{online}.")
