"""Throughput and latency of the portal on loopback, against nginx serving the same folder.

Run: ``python tests/benchmarks/bench_portal.py [FOLDER]`` (a synthetic site by default, or a published one).
Both are asked by the same client, for the same files, one after the other, three times in turn. Prints ratios;
asserts nothing. Needs nginx; without it, says so and skips.
"""

import asyncio
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONNECTIONS, SECONDS, ROUNDS = 16, 4.0, 3
NGINX = """
worker_processes 1; daemon off; pid {run}/nginx.pid; error_log {run}/error.log;
events {{ worker_connections 512; }}
http {{
  include /etc/nginx/mime.types; access_log off; sendfile on; gzip on; gzip_comp_level 6;
  gzip_types text/css text/csv text/javascript application/javascript application/json;
  client_body_temp_path {run}/a; proxy_temp_path {run}/b; fastcgi_temp_path {run}/c; uwsgi_temp_path {run}/d;
  scgi_temp_path {run}/e;
  server {{ listen 127.0.0.1:{port}; root {site}; }}
}}
"""


def synthetic(folder: Path) -> Path:
    """Write a site of three hundred pages of 60 kB and thirty files of 400 kB, as pages and data are."""
    chance = random.Random(1)
    for number in range(300):
        rows = "".join(f"<tr><td>{chance.randrange(10**6)}</td></tr>\n" for _ in range(2600))
        page = f"<!doctype html>\n<html lang=fr><title>{number}</title><table>{rows}</table></html>"
        target = folder / f"communes/{number}/index.html"
        target.parent.mkdir(parents=True)
        target.write_text(page, encoding="utf-8")
    (folder / "donnees").mkdir()
    for number in range(30):
        (folder / f"donnees/{number}.parquet").write_bytes(chance.randbytes(400_000))
    return folder


def targets_of(site: Path) -> list[str]:
    """Return what is asked for: nine pages for one other file, in an order drawn once."""
    chance = random.Random(2)
    pages = sorted(path for path in site.rglob("*.html") if path.stat().st_size < 10**6)
    others = sorted(path for path in site.rglob("*.*") if path.suffix in (".css", ".csv", ".js", ".parquet"))
    chosen = [path for _ in range(40) for path in (*chance.choices(pages, k=9), chance.choice(others))]
    return ["/" + path.relative_to(site).as_posix().removesuffix("index.html") for path in chosen]


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(command: list[str], port: int, **environment: str) -> Iterator[None]:
    """Run a server until it is asked no more."""
    process = subprocess.Popen(
        command, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except ConnectionRefusedError:
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


async def fetch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str) -> int:
    """Ask for a target on a connection that stays open; return the bytes of its body."""
    head = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n"
    writer.write(head.encode())
    answer = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    if not answer.startswith("http/1.1 200"):
        raise RuntimeError(f"{target}: {answer.splitlines()[0]}")
    if "transfer-encoding: chunked" not in answer:
        length = int(answer.partition("content-length:")[2].split("\r\n")[0])
        await reader.readexactly(length)
        return length
    total = 0
    while size := int(await reader.readline(), 16):
        await reader.readexactly(size + 2)
        total += size
    await reader.readline()
    return total


async def load(port: int, targets: list[str], seconds: float) -> list[float]:
    """Ask on several connections for a while; return the seconds that each answer took."""
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def visit(first: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        turn = first
        while (start := time.perf_counter()) < end:
            await fetch(reader, writer, targets[turn % len(targets)])
            took.append(time.perf_counter() - start)
            turn += 1
        writer.close()

    await asyncio.gather(*(visit(number * 29) for number in range(CONNECTIONS)))
    return took


def measured(port: int, targets: list[str]) -> tuple[float, float, float]:
    """Return requests a second, median and 99th percentile of latency in milliseconds."""
    took = sorted(asyncio.run(load(port, targets, SECONDS)))
    return len(took) / SECONDS, 1000 * took[len(took) // 2], 1000 * took[len(took) * 99 // 100]


def main() -> None:
    """Load both in turn and print the ratios."""
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx is None:
        print("skipped, ratio 0: nginx is not on this machine (Debian: nginx-light)")
        return
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        # Read by nginx's own user when it is started as root.
        root.chmod(0o755)
        site = root / "site"
        given = sys.argv[1:]
        if given:
            site.symlink_to(Path(given[0]).resolve())
        else:
            synthetic(site)
        targets, ports = targets_of(site.resolve()), (free_port(), free_port())
        (root / "run").mkdir()
        configuration = root / "nginx.conf"
        configuration.write_text(NGINX.format(run=root / "run", port=ports[0], site=site), encoding="utf-8")
        observatory = str(Path(sys.executable).with_name("observatory"))
        with (
            started([nginx, "-c", str(configuration)], ports[0]),
            started([observatory, "serve", "--port", str(ports[1])], ports[1], OBSERVATORY_DATA=str(root)),
        ):
            for port in ports:
                asyncio.run(load(port, targets, 3.0))
            rounds = [[measured(port, targets) for port in ports] for _ in range(ROUNDS)]
    names = ("requests a second", "median latency, ms", "99th percentile, ms")
    for position, name in enumerate(names):
        baseline, ours = (statistics.median(one[side][position] for one in rounds) for side in (0, 1))
        print(f"{name}: portal {ours:.2f}, nginx {baseline:.2f}; ratio {ours / baseline:.2f}")


if __name__ == "__main__":
    main()
