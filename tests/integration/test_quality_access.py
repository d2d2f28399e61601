"""For every reader: assistive tools, the keyboard alone, small screens, enlarged text."""

import os
from pathlib import Path

import axe_playwright_python
import pytest
from browsing import NARROW, SITE, WIDE, every_page, key_pages, name_of, representatives, visiting

pytestmark = pytest.mark.integration

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
# The page has its style sheet already; axe would ask for it again, which is refused to a page on the disk.
RUN_AXE = "axe.run(document, {resultTypes: ['violations'], preload: false})"
SERIOUS = ("serious", "critical")
# Rows of a table are made alike: those after the thirtieth take axe minutes and tell it nothing new.
SHORTEN = "document.querySelectorAll('tbody tr:nth-child(n+31)').forEach((row) => row.remove())"
FOCUSED = """() => {
  const one = document.activeElement;
  const box = one.getClientRects()[0];
  const at = (low, high, most) => (Math.max(low, 0) + Math.min(high, most)) / 2;
  const [x, y] = [at(box.left, box.right, innerWidth), at(box.top, box.bottom, innerHeight)];
  const over = document.elementFromPoint(x, y);
  const style = getComputedStyle(one);
  const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  return {
    id: one.id, css: one.getAttribute("class") || "", address: one.getAttribute("href"),
    place: one.closest("header, nav, main, footer")?.tagName.toLowerCase() || "",
    visible: ring && box.width > 0 && over !== null && (one.contains(over) || over.contains(one)),
  };
}"""
# Words that their own box cuts: hidden overflow with more inside than fits, but for what only a screen
# reader is told and what scrolls.
CLIPPED = """() => Array.from(document.querySelectorAll("main *, header *, footer *")).filter((one) => {
  const style = getComputedStyle(one);
  if (style.overflowX !== "hidden" && style.overflowX !== "clip") return false;
  if (one.closest(".hidden, svg, [aria-hidden=true], label") || !one.textContent.trim()) return false;
  return one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1;
}).map((one) => one.outerHTML.slice(0, 120))"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def site(fullest_site):
    """One edition is enough: pages of a kind are laid out alike in both."""
    return fullest_site


def _serious(page) -> list[tuple[str, str]]:
    page.evaluate(SHORTEN)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(RUN_AXE)["violations"]
    return [
        (one["id"], node["html"][:160] + " — " + node["failureSummary"][:200])
        for one in found
        if one["impact"] in SERIOUS
        for node in one["nodes"][:2]
    ]


def test_no_serious_finding_of_axe(browser, site):
    """On every page of a site given; else the largest of each kind, the smallest, those with most marks."""
    pages = every_page(site) if SITE in os.environ else representatives(site)
    assert len(pages) >= 15
    found = {}
    with visiting(browser, site, WIDE) as (page, _):
        for path in pages:
            page.goto(path.as_uri(), wait_until="load")
            if serious := _serious(page):
                found[name_of(path, site)] = serious
    assert found == {}


def test_no_serious_finding_of_axe_on_a_telephone(browser, site):
    found = {}
    with visiting(browser, site, NARROW) as (page, _):
        for name in key_pages(site):
            page.goto((site / name).as_uri(), wait_until="load")
            if serious := _serious(page):
                found[name] = serious
    assert found == {}


def test_axe_finds_a_fault(browser, site):
    """Grey on grey in a page is told, else the tests above would prove nothing."""
    with visiting(browser, site, WIDE) as (page, _):
        page.goto((site / "404.html").as_uri())
        page.evaluate("document.querySelector('main p').style.color = '#c8c8c8'")
        assert [rule for rule, _ in _serious(page)] == ["color-contrast"]


@pytest.mark.parametrize(
    "name", ["cites/pinson-raismes/index.html", "communes/62498/index.html", "typologie/index.html"]
)
def test_the_keyboard_goes_everywhere_and_shows_where_it_is(browser, site, name):
    with visiting(browser, site, WIDE) as (page, _):
        page.goto((site / name).as_uri(), wait_until="load")
        steps = []
        for _ in range(40):
            page.keyboard.press("Tab")
            steps.append(page.evaluate(FOCUSED))
    assert steps[0]["css"] == "skip"
    assert [one for one in steps if not one["visible"]] == []
    order = [one["id"] or one["place"] for one in steps[1:] if one["place"]]
    assert order.index("recherche") < order.index("nav") < order.index("main")
    links = [one["address"] for one in steps if one["place"] == "nav"]
    assert [address for address in links if address and "methodes" in address]


def test_the_first_key_skips_to_the_content(browser, site):
    with visiting(browser, site, WIDE) as (page, _):
        page.goto((site / "communes/62498/index.html").as_uri(), wait_until="load")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "contenu"
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED)["place"] in ("main", "nav")
        assert page.evaluate("document.activeElement.closest('main') !== null")


def test_a_territory_is_found_with_the_keyboard_alone(browser, site):
    with visiting(browser, site, WIDE) as (page, record):
        page.goto((site / "methodes/index.html").as_uri(), wait_until="load")
        page.keyboard.press("Tab")
        while page.evaluate("document.activeElement.id") != "recherche":
            page.keyboard.press("Tab")
        page.keyboard.type("lens")
        assert page.get_attribute("#recherche", "aria-expanded") == "true"
        page.keyboard.press("ArrowDown")
        chosen = page.get_attribute("#recherche", "aria-activedescendant")
        assert page.get_attribute(f"#{chosen}", "aria-selected") == "true"
        page.keyboard.press("Escape")
        assert page.get_attribute("#recherche", "aria-expanded") == "false"
        page.keyboard.press("ArrowDown")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        assert page.url.endswith("communes/62498/index.html")
    assert record.said == []


def test_a_table_is_sorted_with_the_keyboard_as_its_figures_read(browser, site):
    """Numbers in order of size, not of letters; what is not published last, both ways."""
    with visiting(browser, site, WIDE) as (page, _):
        page.goto((site / "epci/246200364/index.html").as_uri(), wait_until="load")
        shown = "rows => rows.map(row => row.cells[1].textContent.trim())"
        page.locator("table.sortable thead th:nth-child(2) button").first.focus()
        for direction in ("ascending", "descending"):
            page.keyboard.press("Enter")
            assert (
                page.locator("table.sortable thead th:nth-child(2)").first.get_attribute("aria-sort")
                == direction
            )
            texts = page.locator("table.sortable").first.evaluate(
                f"table => ({shown})(Array.from(table.tBodies[0].rows))"
            )
            figures = [int("".join(filter(str.isdigit, text))) for text in texts if text[0].isdigit()]
            assert len(figures) > 10
            assert figures == sorted(figures, reverse=direction == "descending")
            assert all(not text[0].isdigit() for text in texts[len(figures) :])


def test_enlarged_twice_nothing_is_cut(browser, site):
    """At 200 % a window of 1,280 px holds 640 of a page; text alone may be twice as large (WCAG 1.4.4)."""
    cut = {}
    with visiting(browser, site, {"width": 640, "height": 450}, scale=2) as (page, _):
        for name in key_pages(site):
            page.goto((site / name).as_uri(), wait_until="load")
            zoomed = page.evaluate(OVERFLOW), page.evaluate(CLIPPED)
            page.set_viewport_size(WIDE)
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            larger = page.evaluate(OVERFLOW), page.evaluate(CLIPPED)
            page.set_viewport_size({"width": 640, "height": 450})
            if zoomed != (0, []) or larger != (0, []):
                cut[name] = zoomed, larger
    assert cut == {}
