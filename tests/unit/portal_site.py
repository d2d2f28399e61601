"""A small published site, two partners' editions, and the portal that serves them."""

import asyncio
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import unquote

from argon2 import PasswordHasher
from starlette.testclient import TestClient

from observatory.paths import CONVENTIONS, DataPaths
from observatory.portal import Accounts, Journal, Portal, Rights, Settings, build_portal

ORIGIN = "https://portail.exemple.fr"
PASSWORD = "bruyère soleil wagon"
SIGN_IN = "/partenaires/connexion"
# The other partner's, and what lies beside the site: none may ever be in an answer.
SECRET = "CHIFFRE-SECRET"
PAGE = """<!doctype html>
<html lang="fr" data-root="{root}"><head><meta charset="utf-8"><title>{title}</title>
<style>p {{ color: red }}</style></head><body><p>{title}</p>
<a href="{root}cites/index.html">Cités</a></body></html>
"""
AGREEMENTS = """
agreements:
  - {{partner: sia-habitat, name: SIA Habitat, kind: bailleur, reference: "convention 1", own_cites: true,
     measures: all, first_day: 2025-01-01, last_day: {last}}}
  - {{partner: ca-lens, name: CA de Lens, kind: epci, reference: "convention 2", measures: all,
     territories: [{{level: epci, code: "246200364"}}], first_day: 2025-01-01, last_day: 2030-12-31}}
"""


class CountingHasher(PasswordHasher):
    """Cheap Argon2 that counts what it is asked to check, and with which settings."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64, parallelism=1)
        self.checked: list[str] = []

    def verify(self, hash, password):  # noqa: A002
        self.checked.append(str(hash).rpartition("$")[0].rpartition("$")[0])
        return super().verify(hash, password)


@dataclass
class Clock:
    now: float = datetime(2026, 6, 15, 12, tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.now

    @property
    def day(self) -> date:
        return datetime.fromtimestamp(self.now, UTC).date()


@dataclass
class World:
    """The folders, the portal on them, and the clock of all."""

    paths: DataPaths
    clock: Clock = field(default_factory=Clock)
    all_fictive: bool = False
    origin: str = ORIGIN

    def __post_init__(self) -> None:
        self.hasher = CountingHasher()
        self.accounts = Accounts(self.paths.accounts, self.hasher, self.clock)
        rights = Rights(self.paths, all_fictive=lambda: self.all_fictive, today=lambda: self.clock.day)
        journal = Journal(self.paths.downloads)
        self.portal = Portal(Settings(self.paths, self.origin), self.accounts, rights, journal)
        self.app = build_portal(self.portal)

    def client(self, address: str = "203.0.113.5") -> TestClient:
        return TestClient(
            self.app,
            base_url=self.origin,
            client=(address, 5000),
            follow_redirects=False,
            raise_server_exceptions=False,
        )

    def signed_in(self, name: str = "lens", address: str = "203.0.113.5") -> TestClient:
        client = self.client(address)
        assert sign_in(client, name).status_code == 303
        return client

    def agree(self, last: str = "2030-12-31") -> None:
        self.paths.confidential.mkdir(exist_ok=True, mode=0o700)
        (self.paths.confidential / CONVENTIONS).write_text(AGREEMENTS.format(last=last), encoding="utf-8")


def make_world(root: Path, **changed: object) -> World:
    """Return a portal with the accounts ``lens`` (ca-lens) and ``sia`` (sia-habitat)."""
    paths = DataPaths(root)
    write(paths.site / "index.html", PAGE.format(root="", title="Accueil"))
    write(paths.site / "404.html", PAGE.format(root="", title="Page introuvable"))
    write(paths.site / "cites/index.html", PAGE.format(root="../", title="Cités"))
    write(paths.site / "donnees/observations.csv", "territoire,valeur\n" + "62498,1\n" * 200)
    write(paths.site / "donnees/datapackage.json", '{"version": "2026-1", "created": "2026-11-25T00:00:00Z"}')
    write_edition(paths, "ca-lens", "de Lens")
    write_edition(paths, "sia-habitat", SECRET)
    write(root / "secret.txt", SECRET)
    world = World(paths, **changed)  # type: ignore[arg-type]
    world.agree()
    world.accounts.create("lens", "ca-lens", PASSWORD)
    world.accounts.create("sia", "sia-habitat", PASSWORD)
    return world


def write_edition(paths: DataPaths, partner: str, text: str) -> None:
    folder = paths.partners / partner
    write(folder / "index.html", PAGE.format(root="", title=f"Édition {text}"))
    write(folder / "LISEZMOI.txt", f"Édition {text}\n")
    write(folder / "donnees/observations.csv", f"valeur\n{text}\n")


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def token_of(page: str) -> str:
    (token,) = re.findall(r'name="jeton" value="([0-9a-f]{64})"', page)
    return token


def sign_in(client: TestClient, name: str, password: str = PASSWORD):
    token = token_of(client.get(SIGN_IN).text)
    return client.post(SIGN_IN, data={"jeton": token, "nom": name, "mot_de_passe": password})


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


def ask(world: World, target: str, method: str = "GET", **headers: str) -> Answer:
    """Ask for a target as it is on the wire: clients would tidy it."""
    path, _, query = target.partition("?")
    named = {"host": "portail.exemple.fr"} | headers
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "https",
        "method": method,
        "path": unquote(path, errors="surrogateescape"), "raw_path": path.encode(), "root_path": "",
        "query_string": query.encode(), "client": ("203.0.113.9", 1), "server": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in named.items()],
    }  # fmt: skip
    sent: list[dict] = []

    asked = False

    async def receive():
        nonlocal asked
        if asked:
            # Whoever asks stays until all has come.
            await asyncio.Event().wait()
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(world.app(scope, receive, send))
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], found, b"".join(one.get("body", b"") for one in sent[1:]))
