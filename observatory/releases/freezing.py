"""Freezing the published edition as a release: once, whole, read-only, the same bytes for the same inputs.

Belongs here: what a release holds, its staging, its place among releases.
Does not: the manifest's form (``manifest``), signatures (``signing``), checking one (``verifying``).

A release is staged beside the others under a name with a leading dot, which nobody reads, made read-only,
flushed, then renamed: a kill leaves the dotted folder, that the next freezing clears. Nothing in it tells the
time but the dates of the edition. Only the site and the public tables go in, and only if they tell the same
figures; the site was attacked before it was published, with the releases kept then.
"""

import errno
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import polars as pl

from observatory import __version__
from observatory.errors import ObservatoryError
from observatory.files import fsync_folder, sha256_file
from observatory.opendata.package import TITLE
from observatory.opendata.publishing import FICTIVE_WARNING
from observatory.paths import DataPaths
from observatory.releases.differences import differences
from observatory.releases.editions import PublicEdition, read_edition
from observatory.releases.embargo import pending
from observatory.releases.manifest import (
    MANIFEST,
    PUBLIC_KEY,
    SIGNATURE,
    SUMS,
    manifest_text,
    read_manifest,
    released_files,
    sums_text,
)
from observatory.releases.mark import Mark, read_mark
from observatory.releases.naming import FROZEN_SITE
from observatory.releases.provenance import Checkout, catalogues, checkout, code_fingerprint, environment
from observatory.releases.signing import Signer, key_fingerprint
from observatory.releases.verifying import verify
from observatory.rendering.citing import CITATION, DATACITE, citation, citation_file, datacite
from observatory.rendering.french import long_date, paris_time
from observatory.rendering.imprint import CARD, Imprint, read_imprint
from observatory.sessions import Session
from observatory.tables import DEFINITIONS, FILES, OBSERVATIONS, TABLES, TERRITORIES
from observatory.warehouse import CONFIDENTIAL_SCHEMA, published_tables, read_table

TABLES_FOLDER, README = "tables", "LISEZMOI.txt"
_MEDIA = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".geojson": "application/geo+json",
    ".parquet": "application/vnd.apache.parquet",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}
_SOURCE_COLUMNS = ["file_id", "title", "producer", "vintage", "sha256", "url", "licence", "fictive"]
_MOST_TOLD = 5


class FreezingError(ObservatoryError):
    """The published edition cannot be frozen as it is, or its release exists already and differs."""


@dataclass(frozen=True)
class Frozen:
    """A release.

    Attributes:
        folder: where it is.
        files: number of files of its manifest.
        size: their bytes.
        key: SHA-256 of the public key that signs it; None where it is not signed.
        already: whether the very same bytes were frozen before.
        modified: whether the code differs from its last commit; None outside of a git checkout.
    """

    folder: Path
    files: int
    size: int
    key: str | None
    already: bool
    modified: bool | None


def freeze(
    paths: DataPaths, signer: Signer | None, *, allow_modified: bool = False, now: datetime | None = None
) -> Frozen:
    """Freeze the published edition under ``data/releases/<release>/``.

    Args:
        paths: data folders.
        signer: who signs; None for a release without signature.
        allow_modified: whether code that differs from its last commit may freeze; the manifest says so.
        now: the present; the clock's by default.

    Raises:
        FreezingError: nothing is published, the edition is not that of the card, it is under embargo, its
            tables and its site differ, other code made it, the release exists and differs, or the disk fails.
        WarehouseBusyError: a run is at work.
    """
    imprint = read_imprint(paths.reference / CARD)
    if not paths.site.is_dir():
        raise FreezingError("Aucune édition n’est publiée. Que faire : observatory run.")
    state = checkout()
    if state is not None and state.modified and not allow_modified:
        raise FreezingError(
            "Le code n’est pas celui de son dernier commit : l’édition ne pourrait pas être refaite. Que "
            "faire : enregistrez-le dans git et relancez, ou gelez avec --modified, que le manifeste dira."
        )
    # No run replaces the edition meanwhile.
    with Session(paths, f"release-{uuid4()}"):
        mark = read_mark(paths.site)
        _check_mark(mark, imprint, now)
        target = paths.releases / mark.release
        staged = paths.releases / f".{mark.release}.partial"
        _remove(staged)
        try:
            _stage(paths, imprint, signer, state, staged)
            already = target.exists()
            if already:
                _check_same(target, staged)
            else:
                # Every byte is on the disk before the name is.
                os.sync()
                staged.rename(target)
                fsync_folder(paths.releases)
        except (OSError, pl.exceptions.PolarsError) as error:
            raise FreezingError(_told(error)) from error
        finally:
            _remove(staged)
        manifest = read_manifest(target)
        size = sum(one.size for one in manifest.files)
        modified = None if state is None else state.modified
        return Frozen(target, len(manifest.files), size, manifest.signing_key, already, modified)


def _check_mark(mark: Mark, imprint: Imprint, now: datetime | None) -> None:
    """Check that the site is the edition of the card, made by this code, after its embargo."""
    if imprint.embargo_until is not None and pending(imprint.embargo_until, now):
        raise FreezingError(
            f"L’édition {imprint.release} est sous embargo jusqu’au {paris_time(imprint.embargo_until)} : "
            "elle ne se gèle qu’une fois publiée."
        )
    if (mark.release, mark.published_on) != (imprint.release, imprint.published_on):
        raise FreezingError(
            f"Le site publié est l’édition {mark.release} du {long_date(mark.published_on)}, et {CARD} "
            f"annonce l’édition {imprint.release} du {long_date(imprint.published_on)}. "
            "Que faire : observatory run."
        )
    if mark.code_sha256 != code_fingerprint():
        raise FreezingError(
            "Le site publié a été fait par un autre code, ou avec d’autres tables de référence. Que faire : "
            "observatory run, puis recommencez."
        )


def _stage(
    paths: DataPaths, imprint: Imprint, signer: Signer | None, state: Checkout | None, folder: Path
) -> None:
    """Write a release in a new folder, read-only."""
    folder.mkdir(parents=True)
    shutil.copytree(paths.site, folder / FROZEN_SITE, copy_function=shutil.copyfile)
    edition = read_edition(folder / FROZEN_SITE, imprint.release)
    _check_tables(edition, paths)
    rows = _write_tables(paths, folder / TABLES_FOLDER)
    sources = edition.files.sort("file_id").select(_SOURCE_COLUMNS).to_dicts()
    if signer is not None:
        (folder / PUBLIC_KEY).write_bytes(signer.public_pem)
    fictive = bool(edition.files["fictive"].any())
    _write(folder / README, _readme(imprint, signed=signer is not None, fictive=fictive))
    _write(folder / CITATION, citation_file(imprint, fictive=fictive))
    present = released_files(folder)
    formats = {_MEDIA[suffix] for one in present if (suffix := Path(one.path).suffix) in _MEDIA}
    licences = [one["licence"] for one in sources]
    size = sum(one.size for one in present)
    _write(folder / DATACITE, datacite(imprint, licences, size, formats, fictive=fictive))
    files = released_files(folder)
    about = {
        **_identity(imprint, edition),
        "signing_key": None if signer is None else key_fingerprint(signer.public_pem),
        "code": _code(state),
        "environment": environment(),
        "catalogues": catalogues(),
        "definitions_sha256": sha256_file(folder / FROZEN_SITE / "donnees" / "definitions.csv"),
        "sources": sources,
        "tables": rows,
    }
    manifest = manifest_text(about, files)
    (folder / MANIFEST).write_bytes(manifest)
    _write(folder / SUMS, sums_text(files, manifest))
    if signer is not None:
        (folder / SIGNATURE).write_bytes(signer.sign(manifest))
    for path in folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    folder.chmod(0o555)


def _identity(imprint: Imprint, edition: PublicEdition) -> dict[str, Any]:
    until = imprint.embargo_until
    return {
        "release": imprint.release,
        "title": f"{TITLE}, édition {imprint.release}",
        "published_on": imprint.published_on.isoformat(),
        "embargo_until": None if until is None else until.isoformat(),
        "publisher": imprint.contact.organisation,
        "doi": imprint.doi,
        "perimeter": edition.perimeter,
    }


def _code(state: Checkout | None) -> dict[str, Any]:
    return {
        "version": __version__,
        "sha256": code_fingerprint(),
        "commit": None if state is None else state.commit,
        "modified": None if state is None else state.modified,
    }


def _check_tables(edition: PublicEdition, paths: DataPaths) -> None:
    """Check that the public tables and the site tell the same figures: an asset may be refreshed alone."""
    wanted = (OBSERVATIONS, DEFINITIONS, FILES, TERRITORIES)
    observations, definitions, files, territories = (
        read_table(paths, table.qualified_name) for table in wanted
    )
    versions = ["perimeter", "perimeter_vintage"]
    shown = territories.join(edition.territories.select(versions).unique(), on=versions, how="semi")
    tables = PublicEdition("entrepôt", observations, definitions, files, shown)
    found = differences(edition, tables)
    if found.rows.height or found.definitions or found.sources:
        raise FreezingError(
            f"Le site et l’entrepôt ne disent pas la même chose ({found.rows.height} chiffre(s), "
            f"{len(found.definitions)} définition(s) et {len(found.sources)} fichier(s) source diffèrent). "
            "Que faire : observatory run, puis recommencez."
        )


def _write_tables(paths: DataPaths, folder: Path) -> dict[str, int]:
    """Write the public tables that have a contract as Parquet, and return their numbers of rows."""
    folder.mkdir()
    rows = {}
    for name in sorted(published_tables(paths)):
        if name.startswith(f"{CONFIDENTIAL_SCHEMA}.") or name not in TABLES or TABLES[name].confidential:
            continue
        frame = read_table(paths, name).sort(TABLES[name].key)
        frame.write_parquet(folder / f"{name}.parquet", compression="zstd", row_group_size=100_000)
        rows[name] = frame.height
    return rows


def _check_same(target: Path, staged: Path) -> None:
    """Check that a release that exists is whole, and is what would be frozen now."""
    try:
        found = verify(target, unsigned=True)
        before, now = read_manifest(target), read_manifest(staged)
    except ObservatoryError as error:
        raise FreezingError(
            f"« {target} » existe et n’est pas une édition gelée : {error} Que faire : donnez-lui un autre "
            "nom."
        ) from error
    if found.problems:
        raise FreezingError(
            f"L’édition {found.release} est déjà gelée, et a été altérée : {_first(found.problems)} Que "
            "faire : remettez-la d’une sauvegarde."
        )
    if before.written == now.written:
        return
    prints = [{one.path: one.sha256 for one in manifest.files} for manifest in (before, now)]
    changed = sorted(
        path for path in prints[0].keys() | prints[1].keys() if prints[0].get(path) != prints[1].get(path)
    )
    what = changed or [f"« {name} » du manifeste" for name in _fields_changed(before.content, now.content)]
    raise FreezingError(
        f"L’édition {found.release} est déjà gelée, et diffère de ce qui est publié ({_first(what)}). Que "
        f"faire : relevez « release » dans {CARD}, puis observatory run ; une édition gelée ne change plus."
    )


def _fields_changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def _first(texts: list[str] | tuple[str, ...]) -> str:
    more = f" et {len(texts) - _MOST_TOLD} autre(s)" if len(texts) > _MOST_TOLD else ""
    return ", ".join(texts[:_MOST_TOLD]) + more


def _readme(imprint: Imprint, *, signed: bool, fictive: bool) -> str:
    lines = [
        f"{TITLE}, édition {imprint.release} du {long_date(imprint.published_on)}",
        "",
        citation(imprint),
        *([FICTIVE_WARNING] if fictive else []),
        "",
        f"{FROZEN_SITE}/ : le site, pages, fiches et données ; il s’ouvre par {FROZEN_SITE}/index.html.",
        f"{TABLES_FOLDER}/ : les tables publiques de l’entrepôt, en Parquet.",
        f"{MANIFEST} : édition, code, sources et leurs empreintes, tous les fichiers.",
        f"{DATACITE}, {CITATION} : notices pour citer l’édition et pour lui donner un DOI.",
        "",
        f"Vérifier les fichiers : sha256sum --check {SUMS}",
    ]
    if signed:
        lines += [
            f"Vérifier la signature : openssl pkeyutl -verify -pubin -inkey {PUBLIC_KEY} -rawin -in "
            f"{MANIFEST} -sigfile {SIGNATURE}",
            "La clé publique jointe dit que rien n’a changé depuis la signature ; que ce soit la bonne, seul "
            "le dit son empreinte, à demander à l’éditeur.",
        ]
    else:
        lines.append("Cette édition n’est pas signée.")
    return "\n".join(lines) + "\n"


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _remove(folder: Path) -> None:
    """Delete a staged release, read-only or not."""
    if not folder.exists():
        return
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(0o700)
    shutil.rmtree(folder)


def _told(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return (
            "Le disque est plein : rien n’est gelé, rien n’est perdu. Que faire : faites de la place, puis "
            "recommencez."
        )
    return f"Écriture impossible ({error}) : rien n’est gelé, rien n’est perdu."
