"""The page of the beneficiaries to come, and the fan that it draws."""

import dataclasses
import re

import pytest
from rendering_site import site_data

from observatory.rendering import build_site
from observatory.rendering.french import number
from observatory.rendering.projections import Point, fan
from observatory.tables import PROJECTIONS
from observatory.tables.projection import SCENARIOS

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
    drawn = fan(points, 100)
    assert drawn.rules[0] == (190, "0")
    top = drawn.rules[-1][0]
    # 90 out of 100, on an axis whose last rule is 100.
    assert drawn.rules[-1][1] == "100"
    assert drawn.dots[0][1] == pytest.approx(190 - 0.9 * (190 - top), abs=0.1)
    corners = [tuple(map(float, pair.split())) for pair in drawn.band.strip("MZ").split("L")]
    assert len(corners) == 4
    assert corners[0][1] < drawn.dots[0][1] < corners[3][1]


def test_scenarios_are_drawn_apart_on_one_axis_and_all_there_without_scripts(html) -> None:
    basin = html[html.index('id="bassin"') : html.index('id="logements"')]
    for name in SCENARIOS:
        assert f'id="scenario-{name}"' in html
        assert basin.count(f'<div class="scenario {name}">') == basin.count("<figure")
        assert f'<tr class="scenario {name}">' in basin
    marks = re.findall(r'<line class="rule"[^>]*/><text[^>]*>([^<]*)</text>', basin)
    third = len(marks) // 3
    assert marks[:third] == marks[third : 2 * third] == marks[2 * third :]
    assert "<script" not in basin
    # The choice that shows everything is the one made first.
    assert re.search(r'id="scenario-all" checked', html)


def test_landlords_benefits_and_letting_again_are_told(html) -> None:
    assert "SIA Habitat" in html
    assert "2 400 € (logement)" in html.replace("\u202f", " ").replace("\xa0", " ")
    assert "90 % des logements libérés étaient reloués" in html.replace("\u202f", " ").replace("\xa0", " ")
