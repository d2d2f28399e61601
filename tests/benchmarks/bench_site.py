"""Time to build the site of a synthetic edition, against bare renders of as many trivial pages.

Run: ``python tests/benchmarks/bench_site.py``. Prints a ratio; asserts no time.
"""

import sys
import tempfile
import time
from pathlib import Path

from jinja2 import Environment

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit"))

from rendering_site import site_data

from observatory.rendering import build_site

COMMUNES = 287


def bare_render(pages: int, folder: Path) -> float:
    """Return the seconds that rendering and writing trivial pages take."""
    template = Environment(autoescape=True).from_string("<!doctype html><title>{{ title }}</title>")
    start = time.perf_counter()
    for page in range(pages):
        (folder / f"{page}.html").write_text(template.render(title=page), encoding="utf-8")
    return time.perf_counter() - start


def main() -> None:
    """Build both and print the ratio."""
    data = site_data(COMMUNES)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        pages = build_site(data, Path(folder) / "site")
        built = time.perf_counter() - start
        bare = Path(folder) / "bare"
        bare.mkdir()
        baseline = bare_render(len(pages), bare)
    print(
        f"site: {len(pages)} pages in {built:.2f} s; bare Jinja: {baseline:.3f} s; "
        f"ratio {built / baseline:.0f}; {built / len(pages) * 1000:.1f} ms per page"
    )


if __name__ == "__main__":
    main()
