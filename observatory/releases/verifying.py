"""Checking a frozen release: its signature, every file, nothing more and nothing less.

Belongs here: what is wrong with a release. Does not: its form (``manifest``).
"""

from dataclasses import dataclass
from pathlib import Path

from observatory.files import sha256_file
from observatory.releases.manifest import (
    PUBLIC_KEY,
    SIGNATURE,
    SUMS,
    UNLISTED,
    Manifest,
    read_manifest,
    sums_text,
)
from observatory.releases.signing import SigningError, key_fingerprint, signed_by


@dataclass(frozen=True)
class Verification:
    """What a check found.

    Attributes:
        release: its name.
        files: number of files listed.
        key: SHA-256 of the public key whose signature holds; None where none does.
        problems: what is wrong, in French; empty for a whole and genuine release.
    """

    release: str
    files: int
    key: str | None
    problems: tuple[str, ...]


def verify(folder: Path, key: bytes | None = None, *, unsigned: bool = False) -> Verification:
    """Check a release.

    Args:
        folder: the release.
        key: public key that must have signed it, PEM; the one that the release brings by default, which
            proves that nothing changed since it was signed, not who signed.
        unsigned: whether a release without signature may pass.

    Raises:
        ReleaseFolderError: there is no manifest to check.
        SigningError: ``key`` is no public key.
    """
    manifest = read_manifest(folder)
    problems = [*_signature_problems(folder, manifest, key, unsigned)]
    signed = manifest.signing_key if not problems else None
    listed = {one.path: one for one in manifest.files}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            problems.append(f"« {name} » n’est ni un fichier ni un dossier.")
        elif path.is_file() and name not in listed and name not in UNLISTED:
            problems.append(f"« {name} » est en trop : le manifeste ne le connaît pas.")
    for one in manifest.files:
        path = folder / one.path
        if path.is_symlink():
            continue
        if not path.is_file():
            problems.append(f"« {one.path} » manque.")
        elif path.stat().st_size != one.size or sha256_file(path) != one.sha256:
            problems.append(f"« {one.path} » n’est pas celui qui a été gelé.")
    sums = folder / SUMS
    if not sums.is_file() or sums.read_bytes() != sums_text(manifest.files, manifest.written).encode():
        problems.append(f"« {SUMS} » manque, ou n’est pas celui du manifeste.")
    return Verification(manifest.release, len(manifest.files), signed, tuple(problems))


def _signature_problems(folder: Path, manifest: Manifest, key: bytes | None, unsigned: bool) -> list[str]:
    """Return what is wrong with the signature."""
    expected = key_fingerprint(key) if key is not None else manifest.signing_key
    signature = folder / SIGNATURE
    if manifest.signing_key is None:
        if key is None and unsigned and not signature.exists():
            return []
        return ["L’édition n’est pas signée : rien ne prouve qui l’a faite."]
    if manifest.signing_key != expected:
        return ["L’édition est signée par une autre clé que celle qui est attendue."]
    try:
        public = key if key is not None else (folder / PUBLIC_KEY).read_bytes()
        genuine = key_fingerprint(public) == manifest.signing_key and signed_by(
            public, signature.read_bytes(), manifest.written
        )
    except (OSError, SigningError):
        return [f"La signature ou la clé publique manque ou ne se lit pas ({SIGNATURE}, {PUBLIC_KEY})."]
    return [] if genuine else ["La signature n’est pas celle de ce manifeste : il a été changé."]
