"""The page of the typology and what the sheets say of it."""

import dataclasses
import re
from html import escape
from pathlib import Path

import polars as pl
import pytest
from rendering_site import site_data
from test_rendering_site import read
from typology_site import HOSTILE_TITLE

from observatory.rendering import SiteData, build_site

PAGE = "typologie/index.html"


def source(site: Path, page: str) -> str:
    return (site / page).read_text(encoding="utf-8")


def plain(site: Path, page: str) -> str:
    """Text of a page, spaces of every width made one."""
    return re.sub(r"\s+", " ", read(site / page).text)


def section(site: Path, page: str, name: str) -> str:
    return source(site, page).partition(f'<section id="{name}">')[2].partition("</section>")[0]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("typology")
    build_site(site_data(), folder)
    return folder


def without_trajectories(data: SiteData) -> SiteData:
    """Return the edition as the embedded one is: one date only."""
    typology = {
        name: frame.clear() if name.startswith("trajectory_") else frame
        for name, frame in data.typology.items()
    }
    return dataclasses.replace(data, typology=typology)


@pytest.fixture(scope="module")
def one_date(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one_date")
    build_site(without_trajectories(site_data()), folder)
    return folder


def test_a_title_is_text_wherever_it_stands(site: Path) -> None:
    for page in (PAGE, "communes/62001/index.html", "cites/hostile/index.html", "epci/200000001/index.html"):
        assert f"Classe\u00a01 — {escape(HOSTILE_TITLE)}" in source(site, page), page
        assert HOSTILE_TITLE not in source(site, page)


@pytest.mark.parametrize("page", [PAGE, "communes/62001/index.html", "communes/62002/index.html"])
def test_nothing_absent_is_printed_as_such(site: Path, page: str) -> None:
    assert not re.search(r"\b(None|NaN|nan|null|inf)\b", plain(site, page))


def test_every_commune_is_linked_on_the_map_the_plane_and_the_table(site: Path) -> None:
    for name, expected in (("carte", 6), ("plan", 5), ("communes", 5)):
        found = set(re.findall(r"communes/(\d+)/index\.html", section(site, PAGE, name)))
        assert len(found) == expected, name
    assert "non classée" in section(site, PAGE, "carte")


def test_a_portrait_says_who_came_and_went(site: Path) -> None:
    text = plain(site, PAGE)
    assert "Une. Deux. Trois." in text
    assert "Portrait écrit le 1er mars 2025 ; depuis, entrée : Béthune 0 ; sortie : 62999." in text
    assert "Aucun portrait n’a encore été écrit de cette classe." in text


def test_an_unstable_class_is_said_to_be_so(site: Path) -> None:
    page = source(site, PAGE)
    assert page.count('class="verdict unstable">instable') == 2
    assert "elle se défait souvent" in page
    assert page.count('class="verdict">stable') == 2


def test_profiles_are_told_in_words(site: Path) -> None:
    profiles = plain(site, PAGE).partition("Profils des classes")[2]
    # (9,0 - 7,0) / 2 = 1 standard deviation; the gap of the other variable may be chance.
    assert "9,0 contre 7,0 % (nettement au-dessus)" in profiles
    assert "6,5 contre 7,0 % (un peu au-dessous)" in profiles
    assert "comme la moyenne" in profiles


def test_the_reference_and_reason_of_a_variable_left_out_are_readable(site: Path) -> None:
    text = plain(site, PAGE)
    assert "part_proprietaires" not in text
    assert "remplacée par « Part des propriétaires »" in text


def test_moves_are_told_with_what_noise_makes(site: Path) -> None:
    text = plain(site, PAGE)
    assert "1 commune sur 4 change de classe entre 2017 et 2022" in text
    assert "À sa borne haute, le bruit suffit à expliquer ce changement" in text
    evolution = section(site, PAGE, "evolution")
    moved, _, details = evolution.partition("<details>")
    assert set(re.findall(r"communes/(\d+)/", moved)) == {"62001"}
    assert set(re.findall(r"communes/(\d+)/", details)) == {"62001", "62004"}
    assert "A → B" in moved
    assert 'part des logements vacants <span class="nowrap">(−2,3\u00a0points)' in moved


def test_letters_and_numbers_are_crossed(site: Path) -> None:
    table = section(site, PAGE, "evolution").partition("Les classes à lettres")[2].partition("</table>")[0]
    rows = re.findall(r'<th scope="row">([AB])</th>((?:<td class="n">\d+</td>)+)', table)
    # The four communes followed are in B at the reference date, three of them in class 1.
    assert [(name, re.findall(r"\d+", counts)) for name, counts in rows] == [
        ("A", ["0", "0"]),
        ("B", ["3", "1"]),
    ]


def test_an_edition_of_one_date_says_why_it_follows_nobody(one_date: Path) -> None:
    text = plain(one_date, PAGE)
    assert "Cette édition ne suit pas les communes dans le temps" in text
    assert "distantes d’au moins 5 ans" in text
    assert "alluvial" not in source(one_date, PAGE)
    assert not (one_date / "donnees/typologie-trajectoires.csv").exists()
    assert "Évolution (classes à lettres" not in plain(one_date, "communes/62001/index.html")


def test_the_sheet_of_a_commune_tells_its_class_and_those_alike(site: Path) -> None:
    sheet = section(site, "communes/62001/index.html", "typologie")
    assert re.findall(r'href="\.\./\.\./communes/(\d+)/', sheet) == ["62002", "62003"]
    text = plain(site, "communes/62001/index.html")
    # 1,4 / 1,5 is over nine tenths.
    assert "Béthune 0 est proche de la frontière avec la classe 2" in text
    assert "De 2017 à 2022, la commune passe de la classe A à la classe B" in text
    assert "31 chances sur cent" in text
    assert "Classe B, en 2022 : au-dessous de la moyenne des communes : part des logements vacants." in text
    assert "ne classe pas les communes de la meilleure à la moins bonne" in text


def test_a_placed_commune_says_what_it_lacks(site: Path) -> None:
    text = plain(site, "communes/62002/index.html")
    lacking = "part des logements vacants 2021 (non publié, secret statistique)"
    assert f"Elle n’a pas servi à former les classes, faute de : {lacking}." in text
    assert f"Œuf-en-Ternois 1, faute de : {lacking}." in plain(site, PAGE)
    assert "n’a pas servi" not in plain(site, "communes/62001/index.html")


def test_a_commune_without_class_says_so(site: Path) -> None:
    assert "Commune non classée" in section(site, "communes/62006/index.html", "typologie")
    assert "comparables :" not in section(site, "communes/62006/index.html", "typologie")


def test_an_epci_counts_its_communes_by_class(site: Path) -> None:
    counts = {
        code: re.findall(
            r'<td class="n own">(\d+)</td>', section(site, f"epci/{code}/index.html", "typologie")
        )
        for code in ("200000001", "200000002")
    }
    # The third commune of the second EPCI is not classified.
    assert counts == {"200000001": ["2", "1"], "200000002": ["1", "1"]}


def test_a_cite_names_the_communes_comparable_to_each_of_its_own(site: Path) -> None:
    text = plain(site, "cites/pinson/index.html")
    start = "Communes les plus comparables à Béthune 0, la plus proche d’abord"
    assert re.search(rf"{start}\s: Œuf-en-Ternois 1, Œuf-en-Ternois 2", text)
    assert "pas celui de la cité" in text


def test_plural_nouns_follow_their_count(site: Path) -> None:
    for page in (PAGE, "communes/62001/index.html", "epci/200000001/index.html"):
        text = plain(site, page)
        assert not re.search(r"(?<![\d,])[01] (communes|variables|classes|points)\b", text), page


def test_the_page_holds_whatever_the_number_of_communes(tmp_path: Path) -> None:
    build_site(site_data(40), tmp_path)
    assert source(tmp_path, PAGE).count('transform="translate') == 39
    assert "Les 29 dernières fusions sont dessinées" in plain(tmp_path, PAGE)


def test_two_dates_may_share_a_variable_that_the_classes_lack(tmp_path: Path) -> None:
    data = site_data()
    left_out = {
        "role": "left_out",
        "left_out": "remplacée par « part_proprietaires »",
        "variable": "population",
    }
    frames = {
        "variables": data.typology["variables"].with_columns(
            pl.when(pl.col("variable") == "population").then(pl.lit(value)).otherwise(name).alias(name)
            for name, value in left_out.items()
        ),
        "classes": data.typology["classes"].filter(pl.col("variable") != "population"),
        "trajectory_shift": data.typology["trajectory_shift"].with_columns(variable=pl.lit("population")),
    }
    build_site(dataclasses.replace(data, typology=dict(data.typology) | frames), tmp_path)
    # A shift of -0.29 of the logarithm.
    assert "−25,2 %" in plain(tmp_path, PAGE).partition("Évolution commune")[2]
