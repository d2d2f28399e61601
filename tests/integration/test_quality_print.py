"""Without what a screen has: on paper, with scripts off, before the bundle of charts comes."""

import pytest
from browsing import BUNDLE, CHARTED, NARROW, PAPER, WIDE, key_pages, visiting

pytestmark = pytest.mark.integration

# What a lying sheet holds.
LONG_SIDE = 1032
# Tables wider than their sheet, lying or upright, whose last columns would be cut.
CUT = f"""() => Array.from(document.querySelectorAll("table")).filter((one) => {{
  const sheet = getComputedStyle(one.parentElement).page === "large" ? {LONG_SIDE} : innerWidth;
  return one.getClientRects().length && one.getBoundingClientRect().right > sheet + 1;
}})
  .map((one) => [one.textContent.trim().slice(0, 60), one.getBoundingClientRect().right])"""
DRAWN = """() => Array.from(document.querySelectorAll("main svg"))
  .filter((one) => one.getClientRects().length)
  .map((one) => one.getBoundingClientRect()).map((box) => [box.width, box.height, box.right])"""
ON_PAPER = """() => Array.from(document.querySelectorAll("figure.chart")).map((one) =>
  Array.from((one.closest("section") ?? one).querySelectorAll("svg"))
    .some((svg) => svg.getClientRects().length))"""
# The choice of a scenario is one of style sheets: it answers without scripts.
SEEN = """() => Array.from(document.querySelectorAll("form, input, button, select")).filter((one) =>
  one.name !== "scenario" && one.checkVisibility()).map((one) => one.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def site(fullest_site):
    """One edition is enough: pages of a kind are laid out alike in both."""
    return fullest_site


def test_key_pages_print_whole(browser, site):
    """Every table and drawing stays within an A4 sheet; the file made is one of many pages or few."""
    cut = {}
    with visiting(browser, site, PAPER) as (page, record):
        page.emulate_media(media="print")
        for name in key_pages(site):
            page.goto((site / name).as_uri(), wait_until="load")
            if tables := page.evaluate(CUT):
                cut[name] = tables
            drawings = page.evaluate(DRAWN)
            assert all(
                width > 0 and height > 0 and right <= PAPER["width"] + 1 for width, height, right in drawings
            ), name
            paper = page.pdf(prefer_css_page_size=True, print_background=False)
            assert paper.startswith(b"%PDF")
            assert paper.count(b"/Type /Page\n") >= 1
    assert cut == {}
    assert record.said == []


def test_charts_of_the_bundle_are_on_paper(browser, site):
    """Those far down the page too, which the screen has not drawn yet, in black on white."""
    with visiting(browser, site, WIDE) as (page, _):
        page.goto((site / CHARTED).as_uri(), wait_until="load")
        boxes = page.locator("figure.chart").count()
        assert boxes >= 1
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        page.wait_for_function(f"document.querySelectorAll('.chart .main-svg').length >= {boxes}")
        # On paper, small multiples may stand in for the chart of their section.
        drawn = page.evaluate(ON_PAPER)
        assert len(drawn) == boxes and all(drawn)


def test_with_scripts_off_pages_show_everything_but_what_needs_them(browser, site):
    """No field that would not answer, no empty box where a chart would be; the tables are there."""
    with visiting(browser, site, WIDE, scripts=False) as (page, record):
        for name in key_pages(site):
            page.goto((site / name).as_uri(), wait_until="load")
            assert page.evaluate(SEEN) == [], name
            assert page.locator("figure.chart:visible").count() == 0, name
            assert page.locator("main h1:visible").count() == 1
            tables = page.locator("main table:not(details table)")
            assert all(tables.nth(rank).is_visible() for rank in range(tables.count())), name
    assert record.said == []


def test_a_scenario_is_chosen_with_scripts_off(browser, site):
    """By the keyboard: what is of the others is gone."""
    with visiting(browser, site, WIDE, scripts=False) as (page, _):
        page.goto((site / "ayants-droit" / "index.html").as_uri(), wait_until="load")
        choices = page.locator("input[name=scenario]")
        if not choices.count():
            pytest.skip("this edition projects nothing, and says why")
        shown = page.locator(".scenario:visible").count()
        choices.first.focus()
        page.keyboard.press("ArrowRight")
        assert 0 < page.locator(".scenario:visible").count() < shown


def test_the_page_is_painted_before_the_bundle_comes(browser, site):
    """The bundle is held back: title, tables and drawings are painted all the same."""
    held = []
    with visiting(browser, site, WIDE) as (page, record):
        page.route(f"**/{BUNDLE}", lambda route: held.append(route))
        page.goto((site / CHARTED).as_uri(), wait_until="commit")
        page.locator("main table").first.wait_for(state="visible")
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length === 1")
        assert len(held) == 1
        assert page.evaluate("document.readyState") != "complete"
        held[0].continue_()
        page.locator("figure.chart").first.scroll_into_view_if_needed()
        page.locator(".chart .main-svg").first.wait_for()
    assert record.said == []


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_a_bundle_that_never_comes_leaves_the_tables(browser, site, viewport):
    with visiting(browser, site, viewport, blocked=BUNDLE) as (page, record):
        for name in key_pages(site):
            page.goto((site / name).as_uri(), wait_until="load")
            assert page.locator("figure.chart:visible").count() == 0
            assert page.locator("header form.search:visible, main form.search:visible").count() == 1
    assert {one for one in record.said if "net::ERR_FAILED" not in one} == set()
