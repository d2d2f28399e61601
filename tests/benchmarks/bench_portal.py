"""Throughput and latency of the portal on loopback, against nginx serving the same folder.

Run: ``python tests/benchmarks/bench_portal.py [--small] [FOLDER]`` (a synthetic site by default, or a
published one; ``--small`` loads each for a second, once).
Both are asked by wrk for the same files, in turn, without compression then with it: nginx compresses at each
request, the portal keeps what it has compressed. Prints ratios; asserts nothing.
"""

import os
import random
import re
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

CONNECTIONS = 16
NAMES = ("requests a second", "median latency, ms", "99th percentile, ms")
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


def write_script(path: Path, targets: list[str], coding: str) -> Path:
    """Write what wrk asks for: each target in turn."""
    asked = ", ".join(f'"{target}"' for target in targets)
    path.write_text(
        f"local targets, turn = {{{asked}}}, 0\n"
        "request = function()\n"
        "  turn = turn % #targets + 1\n"
        f'  return wrk.format("GET", targets[turn], {{["Accept-Encoding"] = "{coding}"}})\n'
        "end\n",
        encoding="utf-8",
    )
    return path


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


def measured(port: int, script: Path, seconds: int) -> tuple[float, float, float]:
    """Return requests a second, median and 99th percentile of latency in milliseconds."""
    command = ["wrk", "--latency", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script)]
    said = subprocess.run(
        [*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True
    ).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise RuntimeError(said)
    (rate,) = re.findall(r"Requests/sec:\s+([\d.]+)", said)
    waits = dict(re.findall(r"(50|99)%\s+([\d.]+(?:us|ms|s))", said))
    return float(rate), milliseconds(waits["50"]), milliseconds(waits["99"])


def milliseconds(text: str) -> float:
    """Return a duration as wrk writes it, in milliseconds."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def main() -> None:
    """Load both in turn and print the ratios."""
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if nginx is None or shutil.which("wrk") is None:
        print("skipped: nginx or wrk is not on this machine (Debian: nginx-light, wrk)")
        return
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        # Read by nginx's own user when it is started as root.
        root.chmod(0o755)
        site = root / "site"
        given = [word for word in sys.argv[1:] if word != "--small"]
        seconds, rounds = (1, 1) if "--small" in sys.argv else (4, 3)
        if given:
            site.symlink_to(Path(given[0]).resolve())
        else:
            synthetic(site)
        ports = (free_port(), free_port())
        scripts = {
            coding: write_script(root / f"{coding}.lua", targets_of(site.resolve()), coding)
            for coding in ("identity", "gzip")
        }
        (root / "run").mkdir()
        configuration = root / "nginx.conf"
        configuration.write_text(NGINX.format(run=root / "run", port=ports[0], site=site), encoding="utf-8")
        observatory = str(Path(sys.executable).with_name("observatory"))
        with (
            started([nginx, "-c", str(configuration)], ports[0]),
            started([observatory, "serve", "--port", str(ports[1])], ports[1], OBSERVATORY_DATA=str(root)),
        ):
            for coding, script in scripts.items():
                for port in ports:
                    measured(port, script, seconds)
                found = [[measured(port, script, seconds) for port in ports] for _ in range(rounds)]
                for position, name in enumerate(NAMES):
                    baseline, ours = (
                        statistics.median(one[side][position] for one in found) for side in (0, 1)
                    )
                    ratio = f"portal {ours:.2f}, nginx {baseline:.2f}; ratio {ours / baseline:.2f}"
                    print(f"{coding}, {name}: {ratio}")


if __name__ == "__main__":
    main()
