"""The page of the beneficiaries to come, and the fan that it draws."""

import dataclasses
import re

import pytest
from rendering_site import site_data

from observatory.rendering import build_site
from observatory.rendering.french import number
from observatory.rendering.projections import Point, fan
from observatory.tables import PROJECTIONS

TAGS = re.compile(r"<[^>]+>")


def page(data, folder) -> str:
    build_site(data, folder)
    return (folder / "ayants-droit" / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> str:
    return page(site_data(), tmp_path_factory.mktemp("page") / "site")


def test_every_projected_number_of_the_basin_is_in_the_tables(html) -> None:
    cells = {TAGS.sub("", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", html)}
    basin = site_data().projections.filter(territory_level="basin")
    for row in basin.iter_rows(named=True):
        text = number(row["median"])
        if row["low"] is not None:
            text += f" {number(row['low'])} à {number(row['high'])}"
        assert text in cells, row


def test_everything_that_derives_from_generated_people_says_so(html) -> None:
    assert 'class="has-fictive"' in html
    rows = re.findall(r'<table class="figures projection">(.*?)</table>', html, re.DOTALL)
    assert rows
    for table in rows:
        assert "données fictives" in table
        assert all("fictive" in cell for cell in re.findall(r'<td class="([^"]*)">', table))


def test_a_withheld_cite_is_not_named_among_the_projected(html) -> None:
    assert "cites/pinson/index.html" in html
    assert "cites/zero/index.html" not in html


def test_an_edition_without_projection_says_why(tmp_path) -> None:
    data = site_data()
    nothing = dataclasses.replace(data, projections=data.projections.clear(), calibration=None)
    html = page(nothing, tmp_path / "site")
    assert "Rien n’est projeté dans cette édition" in html
    assert "table nationale de mortalité" in html
    assert '<svg class="line fan"' not in html


def test_a_withheld_basin_gives_the_reason(tmp_path) -> None:
    data = site_data()
    frame = data.projections.with_columns(reason=data.projections["reason"].replace("published", "too_few"))
    html = page(dataclasses.replace(data, projections=PROJECTIONS.conform(frame)), tmp_path / "site")
    assert "Moins de cinquante bénéficiaires aujourd’hui" in html


def test_a_fan_starts_from_zero_and_holds_its_interval() -> None:
    points = (Point(2030, 80, 90, 100), Point(2050, 10, 20, 30))
    drawn = fan(points, {"strong": (Point(2030, 70, 80, 90), Point(2050, 0, 10, 20))})
    assert drawn.rules[0] == (210, "0")
    top = drawn.rules[-1][0]
    # 90 out of 100, on an axis whose last rule is 100.
    assert drawn.rules[-1][1] == "100"
    assert drawn.dots[0][1] == pytest.approx(210 - 0.9 * (210 - top), abs=0.1)
    corners = [tuple(map(float, pair.split())) for pair in drawn.band.strip("MZ").split("L")]
    assert len(corners) == 4
    assert corners[0][1] < drawn.dots[0][1] < corners[3][1]
    assert drawn.others[0][0] == "strong"
