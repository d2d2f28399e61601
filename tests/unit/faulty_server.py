"""An HTTP server on this machine that misbehaves as told, and remembers what it was asked."""

import io
import shutil
import socket
import ssl
import struct
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from observatory.sources.requesting import Clock

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    server: "FaultyServer"

    def do_GET(self) -> None:
        self.server.asked.append((self.path, {name.lower(): text for name, text in self.headers.items()}))
        answers = self.server.answers[self.path.split("?")[0]]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.close_connection = True
        try:
            answer(self)
        except (BrokenPipeError, ConnectionResetError):
            self.server.hung_up += 1

    def log_message(self, *_: object) -> None:
        """Keep the output of the tests clean."""

    def give(self, body: bytes, status: int = 200, length: int | None = -1, **headers: str) -> None:
        """Answer ``body``; ``length`` announces another length, or none at all if None."""
        self.send_response(status)
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        if length is not None:
            self.send_header("Content-Length", str(len(body) if length == -1 else length))
        self.end_headers()
        self.wfile.write(body)

    def reset(self) -> None:
        """Close with a reset instead of an orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RD)
        self.connection.close()


class FaultyServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.hung_up = 0
        self.stopped = threading.Event()
        self.scheme = "http"

    def on(self, path: str, *answers: Answer) -> str:
        """Answer ``path`` by each of ``answers`` in turn, the last one for ever; return its address."""
        self.answers[path] = list(answers)
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}{path}"

    def header(self, number: int, name: str) -> str | None:
        """Return a header of the request of that number."""
        return self.asked[number][1].get(name.lower())

    def handle_error(self, request: object, client_address: object) -> None:
        self.hung_up += 1


@contextmanager
def running(certificate: tuple[Path, Path] | None = None) -> Iterator[FaultyServer]:
    server = FaultyServer()
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()


def self_signed(folder: Path) -> tuple[Path, Path] | None:
    """Return a certificate for 127.0.0.1 and its key, made now; None where ``openssl`` is absent."""
    openssl = shutil.which("openssl")
    if openssl is None:
        return None
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


def content(body: bytes, **headers: str) -> Answer:
    return lambda handler: handler.give(body, **headers)


def code(status: int, **headers: str) -> Answer:
    return lambda handler: handler.give(b"<html>erreur</html>", status, **headers)


def redirect(location: str, status: int = 302) -> Answer:
    return lambda handler: handler.give(b"", status, Location=location)


def stall(handler: Handler) -> None:
    """Say nothing until the server stops."""
    handler.server.stopped.wait(10)


def drip(body: bytes, seconds: float) -> Answer:
    """Give one byte at a time."""

    def answer(handler: Handler) -> None:
        handler.give(b"", length=len(body))
        for byte in body:
            handler.wfile.write(bytes([byte]))
            if handler.server.stopped.wait(seconds):
                return

    return answer


def drip_headers(handler: Handler) -> None:
    """Give a status line and headers that never end, one byte at a time."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not handler.server.stopped.wait(0.05):
        handler.wfile.write(b"a")


def ranged(body: bytes, etag: str, cut: int | None = None) -> Answer:
    """Serve ranges of ``body`` and validators; the first answer stops after ``cut`` bytes if given."""
    cuts = [cut]

    def answer(handler: Handler) -> None:
        asked = handler.headers.get("Range")
        if asked and handler.headers.get("If-Range") == etag:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            place = f"bytes {start}-{len(body) - 1}/{len(body)}"
            handler.give(body[start:], 206, ETag=etag, Content_Range=place)
            return
        if handler.headers.get("If-None-Match") == etag:
            handler.give(b"", 304, length=None, ETag=etag)
            return
        kept = cuts.pop() if cuts else None
        handler.give(body[:kept], length=len(body), ETag=etag, Accept_Ranges="bytes")

    return answer


def archive(**members: bytes) -> bytes:
    """Return a zip archive of CSV members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for name, body in members.items():
            target.writestr(f"{name}.csv", body)
    return stream.getvalue()


class HeldClock:
    """Time that passes by sleeping only."""

    def __init__(self, chance: float = 0.0) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []
        self.chance = chance

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds

    def clock(self) -> Clock:
        start = datetime(2026, 3, 1, 12, tzinfo=UTC)
        return Clock(lambda: self.seconds, lambda: start, self._sleep, lambda: self.chance)
