"""The site in a real browser, from the disk: charts drawn, search answering, nothing asked outside."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

OBSERVATORY = Path(sys.executable).with_name("observatory")
CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Any look-up outside fails, and is then seen in the console.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    # Charts are drawn when they come into view: all of them are, on a screen this tall.
    "--window-size=1400,20000",
    "--virtual-time-budget=15000",
    "--enable-logging=stderr",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    data = tmp_path_factory.mktemp("browser")
    environment = os.environ | {"OBSERVATORY_DATA": str(data)}
    subprocess.run([OBSERVATORY, "run"], env=environment, check=True, capture_output=True, timeout=900)
    return data / "site"


def rendered(page, tmp_path):
    """Return the document after the scripts have run, and what the console said."""
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path}", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return done.stdout, console


def test_charts_are_drawn(site, tmp_path):
    document, console = rendered(site / "reperes" / "population" / "index.html", tmp_path)
    boxes = len(re.findall(r'<script type="application/json"', document))
    assert boxes >= 1
    assert document.count('class="main-svg"') >= boxes
    assert console == []


def test_communes_can_be_looked_for_on_the_map_and_the_plane(site, tmp_path):
    document, console = rendered(site / "typologie" / "index.html", tmp_path)
    forms = re.findall(r'<form class="finder"([^>]*)>.*?<datalist[^>]*>(.*?)</datalist>', document, re.S)
    assert len(forms) == 2
    for attributes, names in forms:
        assert "hidden" not in attributes
        assert names.count("<option") == 287
    assert console == []


@pytest.mark.parametrize(
    "page",
    ["index.html", "cites/pinson-raismes/index.html", "communes/62498/index.html", "methodes/index.html"],
)
def test_pages_are_quiet_and_ask_nothing_outside(site, tmp_path, page):
    document, console = rendered(site / page, tmp_path)
    assert "</html>" in document
    assert console == []
    loaded = re.findall(r'<(?:script|img|link|iframe)[^>]+(?:src|href)="(https?:[^"]+)"', document)
    assert loaded == []
