"""A browser on a published site: pages visited from the disk, what they say, what they ask for.

Belongs here: starting Debian's Chromium, recording, choosing pages.
Does not: what a page must be (the tests).
"""

import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

# A site already built, to check it alone, axe on every page: OBSERVATORY_SITE=data/site pytest -k quality
SITE = "OBSERVATORY_SITE"
BUNDLE = "plotly.min.js"
WIDE = {"width": 1280, "height": 900}
# The width at which a reader who enlarges a 1,280 px page four times sees it (WCAG 1.4.10).
NARROW = {"width": 320, "height": 640}
# What an A4 sheet holds between its margins (styles/base.css), at 96 dots per inch.
PAPER = {"width": 703, "height": 1009}
# A page of which the bundle draws charts.
CHARTED = "reperes/population/index.html"
# One page of each kind that readers quote: those to look at, and to print.
KEY_PAGES = (
    "index.html",
    "cites/index.html",
    "cites/pinson-raismes/index.html",
    "cites/tableau-de-bord/index.html",
    "communes/62498/index.html",
    "epci/246200364/index.html",
    CHARTED,
    "typologie/index.html",
    "methodes/index.html",
    "donnees/index.html",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser, once for many pages; skip where it is not installed."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
        )
        yield started
        started.close()


@dataclass
class Record:
    """What the pages visited said and asked for beyond the site."""

    said: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)


@contextmanager
def visiting(
    browser: Browser,
    site: Path,
    viewport: dict[str, int],
    *,
    blocked: str = "",
    scripts: bool = True,
    scale: float = 1,
) -> Iterator[tuple[Page, Record]]:
    """Open a tab that records what it asks for outside the site, and is refused the file of the name blocked.

    No look-up of a host ever succeeds (``chromium``), but for this machine.
    """
    record = Record()
    inside = site.resolve().as_uri() + "/"
    context = browser.new_context(
        viewport=viewport,
        java_script_enabled=scripts,
        device_scale_factor=scale,
        locale="fr-FR",
        # Where a key leads is seen at once, without waiting for the page to glide there.
        reduced_motion="reduce",
    )

    def asked(request: Request) -> None:
        if not request.url.startswith((inside, "data:", "blob:")):
            record.outside.append(request.url)

    if blocked:
        context.route(f"**/{blocked}", lambda route: route.abort())
    page = context.new_page()
    page.on("request", asked)
    page.on("console", lambda message: record.said.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: record.said.append(f"error: {error}"))
    yield page, record
    context.close()


def every_page(site: Path) -> list[Path]:
    """Return the pages of a site, in alphabetical order of their addresses; there are hundreds."""
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 300, site
    return pages


def name_of(page: Path, site: Path) -> str:
    """Return the address of a page inside its site."""
    return page.relative_to(site).as_posix()


def kinds(site: Path) -> dict[str, list[Path]]:
    """Return pages by kind: those whose folders have many brothers are of one kind."""
    pages = every_page(site)
    brothers: dict[Path, int] = defaultdict(int)
    for page in pages:
        brothers[page.parent.parent] += 1
    found: dict[str, list[Path]] = defaultdict(list)
    for page in pages:
        many = page.parent != site and brothers[page.parent.parent] > 4 and page.parent.parent != site
        known = name_of(page, site) in ("cites/tableau-de-bord/index.html",)
        key = f"{name_of(page.parent.parent, site)}/*" if many and not known else name_of(page, site)
        found[key].append(page)
    return dict(found)


def representatives(site: Path) -> list[Path]:
    """Return pages of every kind: the largest, the smallest, those with most secrets, gaps or marks."""
    chosen: set[Path] = set()
    for pages in kinds(site).values():
        chosen |= {
            max(pages, key=lambda page: page.stat().st_size),
            min(pages, key=lambda page: page.stat().st_size),
        }
        if len(pages) > 1:
            texts = {page: page.read_text(encoding="utf-8") for page in pages}
            for what in ("status-secret", "status-missing", 'class="mark"'):
                chosen.add(max(pages, key=lambda page: texts[page].count(what) / len(texts[page])))
    return sorted(chosen)


def key_pages(site: Path) -> list[str]:
    """Return the key pages that a site has: another perimeter has other EPCI."""
    return [name for name in KEY_PAGES if (site / name).is_file()]


def words(text: str) -> str:
    """Return a text on one line, for messages."""
    return re.sub(r"[ \n\t]+", " ", text).strip()
