"""The portal as a process: slow and greedy clients, and a partner's visit in a browser."""

import http.client
import os
import re
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from browsing import CHARTED, Browser, key_pages
from shared_runs import OBSERVATORY, Run, copied

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))

from portal_site import PASSWORD, make_world

from observatory.portal import app as portal_app
from observatory.portal import serving
from observatory.portal.app import LONGEST_HEAD

pytestmark = pytest.mark.integration

# Seconds that stand in for the real ones, whose order is ten.
QUICK = 1.0

AGREEMENT = """
agreements:
  - {partner: ca-lens-lievin, name: CA de Lens-Liévin, kind: epci, reference: convention 2, measures: all,
     territories: [{level: epci, code: "246200364"}], first_day: 2025-01-01, last_day: 2125-12-31}
"""


@contextmanager
def process(data: Path) -> Iterator[int]:
    """Start the command on a free port, and stop it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = subprocess.Popen(
        [OBSERVATORY, "serve", "--port", str(port)],
        env=os.environ | {"OBSERVATORY_DATA": str(data)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for _ in range(600):
            assert started.poll() is None
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        yield port
    finally:
        started.terminate()
        _, said = started.communicate(timeout=30)
        assert "Traceback" not in said, said


@pytest.fixture
def port(tmp_path, monkeypatch) -> Iterator[int]:
    """Serve a small site from a thread of this process, with short times."""
    monkeypatch.setattr(serving, "HEAD_SECONDS", QUICK)
    monkeypatch.setattr(serving, "STALLED_SECONDS", QUICK)
    monkeypatch.setattr(portal_app, "FORM_SECONDS", QUICK)
    world = make_world(tmp_path, origin="http://127.0.0.1")
    (world.paths.site / "donnees/tout.parquet").write_bytes(bytes(40_000_000))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = serving.server(world.app, "127.0.0.1", 0, [])
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


def answered(port: int, request: bytes, *, wait: float) -> bytes:
    """Send what may be no request at all, and return what comes before the connection ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait) as client:
        client.sendall(request)
        found = b""
        while block := client.recv(65536):
            found += block
        return found


def status(port: int, target: str = "/") -> int:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    client.request("GET", target)
    found = client.getresponse()
    found.read()
    client.close()
    return found.status


def test_raw_paths_are_refused_on_the_wire(port):
    for target in (
        b"/../secret.txt",
        b"/%2e%2e/secret.txt",
        b"/..%2f..%2fsecret.txt",
        b"/%00",
        b"//etc/passwd",
    ):
        head = b"GET " + target + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        answer = answered(port, head, wait=10)
        assert answer.startswith(b"HTTP/1.1 404 "), target
        assert b"CHIFFRE-SECRET" not in answer
    assert answered(port, b"GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", wait=10).startswith(
        b"HTTP/1.1 400 "
    )
    smuggled = b"POST /partenaires/connexion HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n"
    smuggled += b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"
    assert answered(port, smuggled, wait=10).startswith(b"HTTP/1.1 400 ")


def test_a_head_without_end_is_cut(port):
    request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * (8 * LONGEST_HEAD)
    try:
        answer = answered(port, request, wait=10)
    except ConnectionError:
        answer = b""
    assert answer == b""
    long = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX: " + b"a" * 17_000 + b"\r\n\r\n"
    assert answered(port, long, wait=10).startswith(b"HTTP/1.1 431 ")


def test_clients_that_send_a_byte_now_and_then_are_cut_while_others_are_served(port):
    """Forty of them, before their first request and after it, and one within a form: all are gone in time."""
    form = socket.create_connection(("127.0.0.1", port), timeout=20)
    form.sendall(b"POST /partenaires/connexion HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n")
    form.sendall(b"Content-Type: application/x-www-form-urlencoded\r\n\r\nnom=a")
    clients = []
    for number in range(40):
        client = socket.create_connection(("127.0.0.1", port), timeout=20)
        if number % 2:
            client.sendall(b"GET /robots.txt HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 200")
        client.sendall(b"GET / HTTP/1.1\r\nHost:")
        clients.append(client)
    cut, end = 0, time.monotonic() + 20 * QUICK
    for client in clients:
        client.settimeout(0.05)
    while clients and time.monotonic() < end:
        assert status(port) == 200
        for client in list(clients):
            try:
                client.sendall(b" ")
                ended = client.recv(65536) == b""
            except TimeoutError:
                ended = False
            except ConnectionError:
                ended = True
            if ended:
                clients.remove(client)
                client.close()
                cut += 1
        time.sleep(0.2)
    assert cut == 40
    # A form whose end never comes is given up, with a word.
    assert form.recv(65536).startswith(b"HTTP/1.1 408 ")
    form.close()


def test_a_client_that_takes_nothing_is_cut_and_holds_nobody_up(port):
    with socket.socket() as greedy:
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        greedy.settimeout(20)
        greedy.connect(("127.0.0.1", port))
        greedy.sendall(b"GET /donnees/tout.parquet HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        start, taken = time.monotonic(), 0
        while time.monotonic() < start + 3 * QUICK:
            assert status(port) == 200
        while block := greedy.recv(65536):
            taken += len(block)
        # What was on its way, and no more.
        assert 0 < taken < 20_000_000


# --- In a browser ----------------------------------------------------------------------------------------


def test_the_site_works_under_its_policies_and_a_partner_downloads(
    embedded_run: Run, tmp_path: Path, browser: Browser
) -> None:
    run = copied(embedded_run, tmp_path)
    (run.data / "confidential").mkdir(mode=0o700, exist_ok=True)
    (run.data / "confidential/conventions.yaml").write_text(AGREEMENT, encoding="utf-8")
    edition = run.data / "partners/ca-lens-lievin"
    edition.mkdir(parents=True)
    # A page in one file, as that of an edition is.
    fiche = next(iter(sorted(run.site.rglob("fiche-*.html"))))
    (edition / "index.html").write_bytes(fiche.read_bytes())
    made = subprocess.run(
        [OBSERVATORY, "accounts", "create", "lens", "--organisation", "ca-lens-lievin"],
        env=os.environ | {"OBSERVATORY_DATA": str(run.data)},
        input=PASSWORD + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    with process(run.data) as port, socket.create_connection(("127.0.0.1", port), timeout=20) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\n")
        origin, said = f"http://127.0.0.1:{port}/", []
        context = browser.new_context(locale="fr-FR", accept_downloads=True)
        page = context.new_page()
        page.on("console", lambda message: said.append(f"{page.url}: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"{page.url}: {error}"))
        for name in (*key_pages(run.site), "comparer/index.html", fiche.relative_to(run.site).as_posix()):
            page.goto(origin + name, wait_until="load")
            page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
            if name == CHARTED:
                page.wait_for_selector(".chart-box svg")
        # The map loads figures, then the charts' library, on demand.
        page.goto(
            origin + "carte/#indicateur=part_logements_vacants&second=population_municipale",
            wait_until="load",
        )
        page.wait_for_selector("#nuage .main-svg")
        page.goto(origin + "partenaires/")
        assert page.url == origin + "partenaires/connexion"
        page.fill("#nom", "lens")
        page.fill("#mot_de_passe", PASSWORD)
        page.click("text=Se connecter")
        assert page.inner_text("h1") == "CA de Lens-Liévin"
        with page.expect_download() as download:
            page.click("text=Tout télécharger")
        with zipfile.ZipFile(download.value.path()) as packed:
            assert packed.namelist() == ["index.html"]
        page.click("text=Consulter l’édition")
        assert page.url.endswith("/editions/ca-lens-lievin/")
        page.goto(origin + "partenaires/")
        page.click("text=Se déconnecter")
        assert page.url == origin + "partenaires/connexion"
        context.close()
        # Long before all this was over.
        assert slow.recv(1) == b""
    assert said == []
    assert re.search('"téléchargement"', (run.data / "confidential/telechargements.jsonl").read_text("utf-8"))
