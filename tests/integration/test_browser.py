"""What the scripts add, in a real browser, from the disk: charts drawn, communes found, tables filtered."""

import pytest
from browsing import CHARTED, WIDE, visiting

pytestmark = pytest.mark.integration

# Charts are drawn when they come into view: all of them are, on a screen this tall.
TALL = {"width": 1400, "height": 20_000}


@pytest.fixture(scope="module")
def site(embedded_run):
    return embedded_run.site


def test_charts_are_drawn(browser, site):
    with visiting(browser, site, TALL) as (page, record):
        page.goto((site / CHARTED).as_uri(), wait_until="load")
        boxes = page.locator('figure.chart script[type="application/json"]').count()
        assert boxes >= 1
        page.wait_for_function(f"document.querySelectorAll('.chart-box .main-svg').length >= {boxes}")
    assert record.said == []


def test_communes_can_be_looked_for_on_the_map_and_the_plane(browser, site):
    with visiting(browser, site, WIDE) as (page, record):
        page.goto((site / "typologie/index.html").as_uri(), wait_until="load")
        forms = page.locator("form.finder")
        assert forms.count() == 2
        for rank in range(2):
            form = forms.nth(rank)
            assert form.is_visible()
            assert form.locator("datalist option").count() == 287
            form.locator("input").fill("henin-beaumont")
            found = form.locator("[role=status] a")
            assert found.get_attribute("href").endswith("communes/62427/index.html")
    assert record.said == []


def test_the_dashboard_is_filtered_by_words(browser, site):
    with visiting(browser, site, WIDE) as (page, record):
        page.goto((site / "cites/tableau-de-bord/index.html").as_uri(), wait_until="load")
        rows = page.locator("table.board tbody tr:visible")
        whole = rows.count()
        assert whole == 86
        page.locator("form.filters input[name=words]").fill("pinson")
        assert 1 <= rows.count() < whole
        assert "sur 86" in page.locator("form.filters [role=status]").inner_text()
    assert record.said == []
