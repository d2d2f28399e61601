"""Pictures of the key pages of a site, to be looked at: wide, on a telephone, on paper, with scripts off.

``python tests/tools/snapshots.py data/site pictures`` writes forty PNG files, named after the page and the
way of seeing it. Nothing is compared: what an eye finds is mended, and what can be stated becomes a test.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

from browsing import NARROW, PAPER, WIDE, chromium, key_pages, visiting

# The four ways: size of the window, whether scripts run, medium.
WAYS = {
    "large": (WIDE, True, "screen"),
    "telephone": (NARROW | {"width": 390}, True, "screen"),
    "papier": (PAPER, True, "print"),
    "sans-scripts": (WIDE, False, "screen"),
}
# A picture of everything that a long page holds is too tall to be looked at.
TALLEST = 6_000


def main(site: Path, out: Path) -> None:
    """Write the pictures."""
    out.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for way, (viewport, scripts, medium) in WAYS.items():
            with visiting(browser, site, viewport, scripts=scripts) as (page, _):
                page.emulate_media(media=medium)
                for name in key_pages(site):
                    page.goto((site / name).resolve().as_uri(), wait_until="load")
                    if scripts:
                        # Charts are drawn when they come into view; paper has them all.
                        page.evaluate(
                            "window.dispatchEvent(new Event('beforeprint'))" if medium == "print" else "0"
                        )
                    tall = page.evaluate("document.documentElement.scrollHeight")
                    page.set_viewport_size(viewport | {"height": min(tall, TALLEST)})
                    page.wait_for_timeout(300)
                    stem = name.removesuffix("index.html").strip("/").replace("/", "-") or "accueil"
                    page.screenshot(path=out / f"{stem}-{way}.png")
                    page.set_viewport_size(viewport)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
