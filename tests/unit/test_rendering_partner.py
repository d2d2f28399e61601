"""The folder of a partner: what it holds, says, and never shows."""

import csv
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from disclosure_towns import INDICATORS, Town, draw_town

from observatory.disclosure.pages import read_pages
from observatory.disclosure.release import read_release
from observatory.disclosure.rules import protect_with_journal
from observatory.disclosure.tiers import Agreement, protect_for_partners
from observatory.indicators.catalogue import definitions
from observatory.rendering.partner import EditionData, build_edition
from observatory.tables import FILES

HOSTILE = 'SIA <script>alert("x")</script>'
TOWN = draw_town(8, 2, 5, 3, 0, 40)


def data(town: Town, fictive: bool) -> EditionData:
    row = ("fichier", "sia_habitat", "Titre", "Producteur", "2024", "aa", "u", "l", date(2025, 1, 1), fictive)
    files = pl.DataFrame([row], schema=FILES.polars_schema, orient="row")
    shown = definitions(INDICATORS).with_columns(fictive=pl.lit(fictive))
    return EditionData(town.territories, shown, files)


def build(folder: Path, *, fictive: bool = True) -> Path:
    measures = frozenset(TOWN.measures["measure"]) - {"census_dwellings"}
    days = date(2025, 1, 1), date(2025, 12, 31)
    one = Agreement("sia", HOSTILE, "n° 12 & suites", (("epci", "e0"),), measures, *days, fictive)
    public = protect_with_journal(*TOWN.publication)
    observations, indicators, counts, territories = TOWN.publication
    made = protect_for_partners([one], observations, public, indicators, counts, territories)
    build_edition(one, made["sia"], data(TOWN, fictive), folder)
    return folder


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("partners") / "sia")


def test_it_is_a_whole_of_its_own(edition: Path) -> None:
    names = {path.relative_to(edition).as_posix() for path in edition.rglob("*") if path.is_file()}
    tables = {"observations", "observations-donnees-fictives", "definitions", "territoires", "sources"}
    assert names == {"index.html", "LISEZMOI.txt"} | {f"donnees/{name}.csv" for name in tables}
    page = (edition / "index.html").read_text("utf-8")
    assert "http" not in page.replace("http-equiv", "")
    assert "<link" not in page


def test_only_its_own_territories_stand_in_it(edition: Path) -> None:
    communes = {code for code, epci in TOWN.epci_of.items() if epci == "e0"}
    own = {"e0"} | communes | {cite for cite, inside in TOWN.communes_of.items() if set(inside) <= communes}
    release = read_release(edition)
    assert set(release.territories["code"]) == own
    assert set(release.figures["code"]) == own
    shown = list(read_pages(edition, release.territories, {}))
    assert {item.area[1] for item in shown} == own
    assert "BM" not in {item.area[1] for item in shown}


def test_the_page_shows_the_figures_of_the_data(edition: Path) -> None:
    """A number on the page is the value of the figure, and a secret figure has none."""
    figures = read_release(edition).figures
    values = {
        (indicator, level, code): value
        for indicator, level, code, value in figures.select("indicator", "level", "code", "value").iter_rows()
    }
    shown = list(read_pages(edition, read_release(edition).territories, {}))
    assert len(shown) == len(values)
    for item in shown:
        value = values[item.indicator, *item.area]
        assert (float(item.text) if value is not None else None) == value


def test_names_are_escaped_on_the_page_and_plain_in_the_text(edition: Path) -> None:
    page, text = ((edition / name).read_text("utf-8") for name in ("index.html", "LISEZMOI.txt"))
    assert "<script" not in page
    assert "SIA &lt;script&gt;" in page
    assert f"Pour\u202f: {HOSTILE}" in text
    assert "n° 12 & suites" in text


def test_the_note_says_for_whom_until_when_and_what_is_hidden(edition: Path) -> None:
    text = (edition / "LISEZMOI.txt").read_text("utf-8")
    for words in ("au 31 décembre 2025", "NE PAS TRANSMETTRE", "reste caché", "DONNÉES FICTIVES", "exemple"):
        assert words in text
    with (edition / "donnees" / "observations-donnees-fictives.csv").open(encoding="utf-8") as stream:
        hidden = sum(row["status"] == "secret" for row in csv.DictReader(stream))
    assert f"- {hidden}\u00a0chiffre" in text


def test_real_figures_are_not_said_to_be_fictive(tmp_path: Path) -> None:
    folder = build(tmp_path / "sia", fictive=False)
    page, text = ((folder / name).read_text("utf-8") for name in ("index.html", "LISEZMOI.txt"))
    assert "données fictives" not in page.partition("</title>")[0]
    assert 'class="fictive-banner"' not in page
    assert ">fictif<" not in page
    assert "DONNÉES FICTIVES" not in text
    assert "exemple" not in text


def test_the_same_frames_give_the_same_bytes(edition: Path, tmp_path: Path) -> None:
    again = build(tmp_path / "sia")
    for path in (path for path in edition.rglob("*") if path.is_file()):
        assert (again / path.relative_to(edition)).read_bytes() == path.read_bytes()
