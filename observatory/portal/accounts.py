"""Accounts of partners, their sessions and their failures, in a SQLite file for its owner only.

Belongs here: who is known, until when, of which organisation; passwords; sessions; lock-out.
Does not: what an organisation may open (``rights``), cookies and forms (``app``).

Passwords are kept as Argon2id (RFC 9106, second recommended setting), sessions as fingerprints of their
tokens. Failures are counted by name typed, whether the name is known or not: the two cannot be told apart,
neither by what is answered nor by the work that is done.
"""

import hashlib
import os
import re
import secrets
import sqlite3
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY

from observatory.errors import ObservatoryError

SHORTEST, LONGEST = 12, 200
"""Characters of a password."""
IDLE, WHOLE = 30 * 60, 8 * 3600
"""Seconds that a session lasts unused, and in all."""
FAILURES, LOCKED = 5, 15 * 60
"""Failures in a row that lock a name, and for how many seconds."""
_SEEN_EVERY = 60
_NAMES_KEPT = 10_000
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{2,79}")
_ORGANISATION = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
  name TEXT PRIMARY KEY, organisation TEXT NOT NULL, password TEXT NOT NULL,
  created_on TEXT NOT NULL, last_day TEXT, revoked_on TEXT
) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
  token BLOB PRIMARY KEY, name TEXT NOT NULL REFERENCES accounts,
  opened_at REAL NOT NULL, seen_at REAL NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS failures (
  name BLOB PRIMARY KEY, count INTEGER NOT NULL, last_at REAL NOT NULL
) STRICT;
"""


class AccountError(ObservatoryError):
    """An account cannot be made or changed as asked."""


@dataclass(frozen=True)
class Account:
    """An account.

    Attributes:
        name: what is typed to sign in.
        organisation: partner of the agreements, whose edition it may open.
        created_on: day.
        last_day: last day on which it may sign in; None for no limit.
        revoked_on: day on which it was closed for good.
    """

    name: str
    organisation: str
    created_on: date
    last_day: date | None
    revoked_on: date | None

    def open_on(self, day: date) -> bool:
        """Return whether it may be used on a day."""
        return self.revoked_on is None and (self.last_day is None or day <= self.last_day)


class Accounts:
    """The file of accounts.

    Args:
        path: where; made at the first account.
        hasher: of passwords, for tests.
        clock: seconds since 1970, for tests.
    """

    def __init__(
        self, path: Path, hasher: PasswordHasher | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.path, self._clock = path, clock
        self.hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        # Checked for names that are unknown, so that they take as long.
        self._nobody = self.hasher.hash(secrets.token_urlsafe())

    def create(self, name: str, organisation: str, password: str, last_day: date | None = None) -> None:
        """Make an account.

        Raises:
            AccountError: the name is taken or malformed, the organisation malformed, the password too weak.
        """
        name = _folded(name)
        if not _NAME.fullmatch(name):
            raise AccountError(
                f"Le nom de compte « {name} » ne convient pas. Que faire : trois caractères au moins, "
                "minuscules sans accent, chiffres, point, tiret, arobase ; une adresse électronique convient."
            )
        if not _ORGANISATION.fullmatch(organisation):
            raise AccountError(
                f"« {organisation} » n’est pas un identifiant d’organisation. Que faire : reprendre "
                "celui de la convention (clé « partner »)."
            )
        kept = self._hashed(name, password)
        with self._writing() as base:
            if base.execute("SELECT 1 FROM accounts WHERE name = ?", (name,)).fetchone():
                raise AccountError(
                    f"Le compte « {name} » existe déjà, en service ou révoqué. Que faire : "
                    "« accounts password » pour changer son mot de passe, ou choisir un autre nom."
                )
            row = (name, organisation, kept, self._today().isoformat(), last_day and last_day.isoformat())
            base.execute("INSERT INTO accounts VALUES (?, ?, ?, ?, ?, NULL)", row)

    def revoke(self, name: str) -> None:
        """Close an account for good, and its sessions at once."""
        with self._changing(name) as (base, known):
            base.execute(
                "UPDATE accounts SET revoked_on = ? WHERE name = ?", (self._today().isoformat(), known)
            )
            base.execute("DELETE FROM sessions WHERE name = ?", (known,))

    def expire(self, name: str, last_day: date | None) -> None:
        """Set the last day of an account; None lifts the limit."""
        with self._changing(name) as (base, known):
            day = last_day and last_day.isoformat()
            base.execute("UPDATE accounts SET last_day = ? WHERE name = ?", (day, known))

    def change_password(self, name: str, password: str) -> None:
        """Set another password, end the sessions and forget the failures."""
        kept = self._hashed(_folded(name), password)
        with self._changing(name) as (base, known):
            base.execute("UPDATE accounts SET password = ? WHERE name = ?", (kept, known))
            base.execute("DELETE FROM sessions WHERE name = ?", (known,))
            base.execute("DELETE FROM failures WHERE name = ?", (_fingerprint(known),))

    def all(self) -> list[Account]:
        """Return all accounts, by organisation then name."""
        with self._base() as base:
            rows = base.execute("SELECT * FROM accounts ORDER BY organisation, name").fetchall()
        return [_account(row) for row in rows]

    def locked(self) -> set[str]:
        """Return the names of the accounts that failures lock at the moment."""
        with self._base() as base:
            rows = base.execute(
                "SELECT name FROM failures WHERE count >= ? AND last_at > ?",
                (FAILURES, self._clock() - LOCKED),
            ).fetchall()
        kept = {row["name"] for row in rows}
        return {one.name for one in self.all() if _fingerprint(one.name) in kept}

    def sign_in(self, name: str, password: str) -> tuple[Account, str] | None:
        """Open a session; return the account and its token, or None without a reason.

        A failure is written down before the password is checked: attempts made together count as many.
        """
        name, now = _folded(name), self._clock()
        failing = self._count_failure(_fingerprint(name), now)
        with self._base() as base:
            row = base.execute("SELECT * FROM accounts WHERE name = ?", (name,)).fetchone()
        kept = row["password"] if row else self._nobody
        right = self._matches(kept, password)
        if not (right and row) or failing > FAILURES:
            return None
        account = _account(row)
        if not account.open_on(self._today()):
            return None
        token = secrets.token_urlsafe(32)
        again = self.hasher.hash(_normal(password)) if self.hasher.check_needs_rehash(kept) else kept
        with self._writing() as base:
            changed = base.execute(
                "UPDATE accounts SET password = ? WHERE name = ? AND password = ? AND revoked_on IS NULL",
                (again, name, kept),
            )
            if not changed.rowcount:
                return None
            base.execute("DELETE FROM failures WHERE name = ?", (_fingerprint(name),))
            base.execute(
                "DELETE FROM sessions WHERE seen_at <= ? OR opened_at <= ?", (now - IDLE, now - WHOLE)
            )
            base.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", (_fingerprint(token), name, now, now))
        return account, token

    def session(self, token: str) -> Account | None:
        """Return the account of a session that lasts, whose account may still be used."""
        now = self._clock()
        with self._base() as base:
            row = base.execute(
                "SELECT accounts.*, seen_at FROM sessions JOIN accounts USING (name) "
                "WHERE token = ? AND seen_at > ? AND opened_at > ?",
                (_fingerprint(token), now - IDLE, now - WHOLE),
            ).fetchone()
        if row is None or not _account(row).open_on(self._today()):
            return None
        if row["seen_at"] < now - _SEEN_EVERY:
            with self._writing() as base:
                base.execute("UPDATE sessions SET seen_at = ? WHERE token = ?", (now, _fingerprint(token)))
        return _account(row)

    def sign_out(self, token: str) -> None:
        """End a session."""
        with self._writing() as base:
            base.execute("DELETE FROM sessions WHERE token = ?", (_fingerprint(token),))

    def _matches(self, kept: str, password: str) -> bool:
        try:
            return self.hasher.verify(kept, _normal(password))
        except VerifyMismatchError:
            return False

    def _hashed(self, name: str, password: str) -> str:
        password = _normal(password)
        if not SHORTEST <= len(password) <= LONGEST:
            raise AccountError(
                f"Le mot de passe a {len(password)} caractères ; il en faut de {SHORTEST} à {LONGEST}. "
                "Que faire : une suite de mots sans lien entre eux convient."
            )
        if name.partition("@")[0] in password.casefold() or len(set(password)) < 5:
            raise AccountError(
                "Le mot de passe contient le nom du compte, ou trop peu de caractères différents. "
                "Que faire : en choisir un autre."
            )
        return self.hasher.hash(password)

    def _count_failure(self, name: bytes, now: float) -> int:
        """Count a failure beforehand and return how many there are; a lock ages, whatever is tried."""
        with self._writing() as base:
            base.execute("DELETE FROM failures WHERE last_at <= ?", (now - LOCKED,))
            base.execute(
                "DELETE FROM failures WHERE name IN (SELECT name FROM failures ORDER BY last_at DESC "
                "LIMIT -1 OFFSET ?)",
                (_NAMES_KEPT,),
            )
            (count,) = base.execute(
                "INSERT INTO failures VALUES (?, 1, ?) ON CONFLICT (name) DO UPDATE SET count = count + 1, "
                f"last_at = iif(count < {FAILURES}, excluded.last_at, last_at) RETURNING count",
                (name, now),
            ).fetchone()
        return int(count)

    def _today(self) -> date:
        return datetime.fromtimestamp(self._clock(), UTC).date()

    @contextmanager
    def _changing(self, name: str) -> Iterator[tuple[sqlite3.Connection, str]]:
        known = _folded(name)
        with self._writing() as base:
            row = base.execute("SELECT revoked_on FROM accounts WHERE name = ?", (known,)).fetchone()
            if row is None:
                raise AccountError(
                    f"Aucun compte ne s’appelle « {known} ». Que faire : voir « accounts list »."
                )
            if row["revoked_on"]:
                raise AccountError(
                    f"Le compte « {known} » a été révoqué, pour de bon. Que faire : en créer un autre."
                )
            yield base, known

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection that is the only one to write, until it commits."""
        with self._base() as base:
            base.execute("BEGIN IMMEDIATE")
            with base:
                yield base

    @contextmanager
    def _base(self) -> Iterator[sqlite3.Connection]:
        if not self.path.exists():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Its owner's from the first byte on; the files that SQLite writes beside it take its mode.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        base = sqlite3.connect(self.path, timeout=10, isolation_level=None)
        try:
            base.row_factory = sqlite3.Row
            base.executescript(_SCHEMA)
            yield base
        finally:
            base.close()


def _account(row: sqlite3.Row) -> Account:
    last, revoked = row["last_day"], row["revoked_on"]
    return Account(
        row["name"],
        row["organisation"],
        date.fromisoformat(row["created_on"]),
        date.fromisoformat(last) if last else None,
        date.fromisoformat(revoked) if revoked else None,
    )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _normal(password: str) -> str:
    """Return a password as all keyboards write it (RFC 8265 asks for NFC)."""
    return unicodedata.normalize("NFC", password)


def _fingerprint(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
