"""Signatures of manifests: Ed25519, detached, of 64 bytes.

Belongs here: making a pair of keys, reading them, signing, checking.
Does not: what is signed (``manifest``).

Anyone checks one without this program: ``openssl pkeyutl -verify -pubin -inkey cle-publique.pem -rawin
-in manifest.json -sigfile manifest.json.sig``.
"""

import os
import stat
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from observatory.errors import ObservatoryError
from observatory.files import write_atomic
from observatory.paths import PROJECT

KEY_VARIABLE = "OBSERVATORY_SIGNING_KEY"
PRIVATE_NAME, PUBLIC_NAME = "observatoire-signature.pem", "observatoire-cle-publique.pem"


class SigningError(ObservatoryError):
    """A key cannot be made or read."""


@dataclass(frozen=True)
class Signer:
    """A private key that signs, and its public half as PEM."""

    key: Ed25519PrivateKey
    public_pem: bytes

    def sign(self, content: bytes) -> bytes:
        """Return the signature of ``content``; equal contents, equal signatures."""
        return self.key.sign(content)


def make_keys(folder: Path) -> tuple[Path, Path]:
    """Write a new pair of keys in a folder, the private one for its owner only.

    Returns:
        Paths of the private and of the public key.

    Raises:
        SigningError: the folder is within the project, where git would take it, or holds a key.
    """
    folder = folder.expanduser().resolve()
    if folder.is_relative_to(PROJECT):
        raise SigningError(
            f"Le dossier « {folder} » est dans celui du projet, que git suit. Que faire : donnez un dossier "
            "ailleurs, sauvegardé et lisible de vous seul."
        )
    private, public = folder / PRIVATE_NAME, folder / PUBLIC_NAME
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise SigningError(
            f"« {private} » existe déjà : une clé perdue ne se refait pas. Que faire : gardez-la, ou donnez "
            "un autre dossier."
        ) from error
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    write_atomic(public, _public_pem(key.public_key()))
    return private, public


def signer_from(path: Path) -> Signer:
    """Return the signer of a private key.

    Raises:
        SigningError: the file is absent, is no Ed25519 key, or others may read it.
    """
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SigningError(
                f"La clé « {path} » est ouverte à d’autres que vous. Que faire : chmod 600 « {path} », et "
                "une clé nouvelle si quelqu’un a pu la lire."
            )
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise SigningError(
            f"La clé « {path} » ne se lit pas. Que faire : {KEY_VARIABLE} donne le chemin de la clé privée ; "
            "« observatory release keygen » en fait une."
        ) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SigningError(f"« {path} » n’est pas une clé privée PEM sans mot de passe.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningError(f"La clé « {path} » n’est pas une clé Ed25519.")
    return Signer(key, _public_pem(key.public_key()))


def signer_of_environment() -> Signer | None:
    """Return the signer that ``OBSERVATORY_SIGNING_KEY`` names; None where it names none.

    Raises:
        SigningError: it names a file that is no key.
    """
    named = os.environ.get(KEY_VARIABLE)
    return signer_from(Path(named).expanduser()) if named else None


def key_fingerprint(public_pem: bytes) -> str:
    """Return the SHA-256 of a public key, by which people recognise it.

    Raises:
        SigningError: it is no Ed25519 public key.
    """
    return sha256(_public_key(public_pem).public_bytes_raw()).hexdigest()


def signed_by(public_pem: bytes, signature: bytes, content: bytes) -> bool:
    """Return whether a signature of ``content`` is that of a public key.

    Raises:
        SigningError: the key is no Ed25519 public key.
    """
    try:
        _public_key(public_pem).verify(signature, content)
    except InvalidSignature:
        return False
    return True


def _public_key(pem: bytes) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SigningError("La clé publique n’est pas une clé PEM.") from error
    if not isinstance(key, Ed25519PublicKey):
        raise SigningError("La clé publique n’est pas une clé Ed25519.")
    return key


def _public_pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
