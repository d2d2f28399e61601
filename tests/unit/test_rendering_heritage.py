"""Cité pages: tied, proposed, missed, and without heritage layers."""

import dataclasses
import html
import re
from pathlib import Path

import polars as pl
import pytest
from rendering_site import HOSTILE_COMPANY, keep, site_data, without_heritage

from observatory.errors import ObservatoryError
from observatory.heritage.grid import NO_GRID
from observatory.heritage.shares import NO_IRIS_CONTOURS
from observatory.rendering import SiteData, build_site
from observatory.tables.heritage import CITE_GRID, CITE_IRIS

THIN = "\u202f"
HARD = "\u00a0"


@pytest.fixture(scope="module")
def data() -> SiteData:
    return site_data()


@pytest.fixture(scope="module")
def site(data: SiteData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tied")
    build_site(data, folder)
    return folder


@pytest.fixture(scope="module")
def bare(data: SiteData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bare")
    build_site(without_heritage(data), folder)
    return folder


def source(site: Path, slug: str) -> str:
    return (site / f"cites/{slug}/index.html").read_text(encoding="utf-8").partition("<main")[2]


def text_of(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).replace("\n", " ").split(" ")).strip()


def identity(page: str) -> dict[str, str]:
    """Return the definition of each term of the identity, as text."""
    rows = re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", page.partition("</dl>")[0], re.S)
    return {text_of(term): re.sub(r" +", " ", text_of(told)) for term, told in rows}


def test_a_tied_cite_tells_what_the_layers_say(site: Path) -> None:
    told = identity(source(site, "hostile"))
    assert told["Superficie"] == f"50,5{HARD}ha"
    assert told["Compagnies ou groupes"] == f"{HOSTILE_COMPANY}, Anzin"
    assert told["Type"] == "Corons"
    assert told["Intérêts patrimoniaux"] == "Exceptionnelle, Témoin"
    assert told["Protection (monuments historiques)"] == "non renseignée"
    assert told["Propriétaire"] == "non renseigné par la source"
    assert told["Élément Unesco"] == "1A"
    assert told["Part dans le Bien inscrit"] == f"85{HARD}%"
    assert told["Part dans la zone tampon"] == f"moins de 1{HARD}%"
    assert told["D’où vient le contour"] == f"Même nom, même commune{THIN}: Cité d’Anzin."


def test_a_known_absence_differs_from_silence(data: SiteData, tmp_path: Path) -> None:
    known = data.cite_heritage.with_columns(
        protection=pl.lit("aucune"),
        owners=pl.lit(["SIA", "Maisons et Cités"]),
        unesco_ids=pl.lit([""]).list.head(0),
    )
    build_site(dataclasses.replace(data, cite_heritage=known), tmp_path / "site")
    page = source(tmp_path / "site", "hostile")
    told = identity(page)
    assert told["Protection (monuments historiques)"] == "aucune"
    assert "<dd>aucune</dd>" in page
    assert told["Propriétaires"] == "SIA, Maisons et Cités"
    assert told["Élément Unesco"] == "aucun"


def test_communes_crossed_are_linked_largest_share_first(site: Path) -> None:
    page = source(site, "hostile")
    told = identity(page)["Communes traversées"]
    assert re.findall(r"(\d+)\u00a0% de la cité", told) == ["59", "41"]
    crossed = page.partition("Communes traversées")[2].partition("</dd>")[0]
    assert re.findall(r'href="([^"]+)"', crossed) == [
        "../../communes/62001/index.html",
        "../../communes/62002/index.html",
    ]
    environment = page.partition('id="environnement"')[2]
    assert f"9,0{HARD}% de la superficie de Béthune 0 et 7,0{HARD}%" in text_of(environment)
    assert NO_IRIS_CONTOURS in environment
    assert "tant que son contour manque" not in environment


def test_one_commune_that_the_text_names_is_not_repeated(data: SiteData, tmp_path: Path) -> None:
    alone = data.cite_shares.filter(pl.col("code") == "62001")
    build_site(dataclasses.replace(data, cite_shares=alone), tmp_path / "a")
    assert "traversée" not in source(tmp_path / "a", "hostile")
    elsewhere = data.cite_shares.filter(pl.col("code") == "62002")
    build_site(dataclasses.replace(data, cite_shares=elsewhere), tmp_path / "b")
    assert "Commune traversée" in identity(source(tmp_path / "b", "hostile"))


def test_differences_stand_beside_what_they_contradict(site: Path) -> None:
    told = identity(source(site, "hostile"))
    assert "Les sources diffèrent. La surface s’étend aussi ailleurs." in told["Commune"]
    assert "Les sources diffèrent. 85\u00a0% seulement." in told["Patrimoine mondial"]
    assert "Les sources diffèrent" not in source(site, "pinson")


def test_a_hostile_company_is_text(site: Path) -> None:
    for page in (site / "cites/hostile/index.html", site / "cites/index.html"):
        text = page.read_text(encoding="utf-8")
        assert html.escape(HOSTILE_COMPANY).replace("&quot;", "&#34;") in text
        assert '<script>alert("c")' not in text


def test_the_contour_is_drawn_twice_and_sourced(site: Path) -> None:
    page = source(site, "hostile")
    figure = page.partition('<figure class="map-figure">')[2].partition("</figure>")[0]
    assert figure.count("<svg") == figure.count('class="contour"') == 2
    assert "<script" not in figure
    assert "<small>layer</small>" in page.partition('id="sources"')[2]


@pytest.mark.parametrize("slug", ["pinson", "zero"])
def test_a_cite_without_certain_tie_has_no_contour(site: Path, slug: str) -> None:
    page = source(site, slug)
    assert 'class="contour"' not in page
    assert page.count('<svg class="map') == 1
    assert "Superficie" not in identity(page)
    assert "aucune surface des couches patrimoniales" in page
    assert "tant que son contour manque" in page
    assert "layer" not in page.partition('id="sources"')[2]


def test_candidates_are_to_be_confirmed(site: Path) -> None:
    told = identity(source(site, "pinson"))
    assert told["Contour de la cité"] == f"Proposé, à confirmer. Seule surface{THIN}: Cité Neuve."
    assert (
        told["Surfaces candidates"]
        == f"élément Unesco 16A à confirmer logement minier n°{HARD}671 à confirmer"
    )
    missed = identity(source(site, "zero"))
    assert missed["Contour de la cité"].startswith("Aucun rattachement certain. Les couches n’ont aucune")
    assert not any("candidate" in term for term in missed)


def test_the_list_of_cites_has_companies_only_with_the_layers(site: Path, bare: Path) -> None:
    lists = [(folder / "cites/index.html").read_text(encoding="utf-8") for folder in (site, bare)]
    heads = [re.findall(r'<th scope="col">(.*?)</th>', page) for page in lists]
    assert heads[1] == ["Cité", "Commune", "Intercommunalité", "Unesco", "Programmes"]
    assert heads[0] == [*heads[1][:4], "Compagnie ou groupe", "Type", "Programmes"]
    assert "Corons" in lists[0]


def test_without_layers_the_page_says_so_and_nothing_else(site: Path, bare: Path) -> None:
    page = source(bare, "hostile")
    assert "Le contour de la cité elle-même n’est pas dessiné" in page
    assert "tant que son contour manque" in page
    assert page.count('<svg class="map locator"') == 1
    assert list(identity(page)) == [
        "Commune",
        "Intercommunalité",
        "Patrimoine mondial",
        "Compagnie, type, intérêt patrimonial, propriétaire, élément Unesco",
        "Bailleurs",
        "Programmes",
        "Avancement en 2022",
        "Avancement en 2023",
        "Risque de démolition",
        "Risque de dénaturation",
        "D’où vient l’information",
    ]
    assert {str(path.relative_to(bare)) for path in bare.rglob("*.html")} == {
        str(path.relative_to(site)) for path in site.rglob("*.html")
    }


def test_frames_that_contradict_each_other_are_refused(data: SiteData, tmp_path: Path) -> None:
    untied = dataclasses.replace(data, cite_ties=data.cite_ties.filter(pl.col("slug") != "zero"))
    with pytest.raises(ObservatoryError, match="ni rattachement ni raison"):
        build_site(untied, tmp_path / "a")
    hollow = dataclasses.replace(data, cite_heritage=data.cite_heritage.clear())
    with pytest.raises(ObservatoryError, match="sans avoir de contour"):
        build_site(hollow, tmp_path / "b")
    far = data.cite_shares.with_columns(code=pl.lit("99999")).head(1)
    with pytest.raises(ObservatoryError, match="commune:99999"):
        build_site(dataclasses.replace(data, cite_shares=far), tmp_path / "c")


def test_without_contours_of_iris_nor_grid_the_sheet_says_so(site: Path) -> None:
    page = text_of(source(site, "hostile"))
    assert NO_IRIS_CONTOURS in page and NO_GRID in page


def test_the_iris_that_a_cite_crosses_are_listed_the_largest_part_first(
    data: SiteData, tmp_path: Path
) -> None:
    shares = {"slug": "hostile", "area_ha": 1.0, "file_id": "layer"}
    rows = [
        shares | {"code": "620010101", "name": "Centre", "share_of_cite": 0.25, "share_of_territory": 0.004},
        shares | {"code": "620010102", "name": "Fosse 12", "share_of_cite": 0.75, "share_of_territory": 0.5},
    ]
    build_site(dataclasses.replace(data, cite_iris=keep(CITE_IRIS, rows)), tmp_path / "iris")
    page = source(tmp_path / "iris", "hostile")
    table = text_of(page.partition("IRIS que la cité traverse</caption>")[2].partition("</table>")[0])
    assert re.sub(r" +", " ", table).endswith(
        f"Fosse 12 (620010102) 75{HARD}% 50,0{HARD}% Centre (620010101) 25{HARD}% 0,4{HARD}%"
    )
    assert NO_IRIS_CONTOURS not in text_of(page)


CELLS_OF = {"slug": "hostile", "vintage": 2019, "file_id": "real"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            {
                "cells": 2,
                "households": 1234.0,
                "imputed_share": 0.125,
                "living_standard": 17_249.6,
                "poor_share": 0.31,
                "status": "published",
            },
            f"2{HARD}carreaux de 200 m ont leur centre dans la cité{THIN}: 1{THIN}234{HARD}ménages, un "
            f"niveau de vie moyen de 17{THIN}250{HARD}€ par an et 31{HARD}% de ménages pauvres en 2019.",
        ),
        (
            {"cells": 1, "status": "secret"},
            f"1{HARD}carreau de 200 m a son centre dans la cité, pour moins de onze",
        ),
        ({"cells": 0, "status": "not_applicable"}, "Aucun carreau habité n’a son centre dans la cité."),
    ],
)
def test_cells_are_told_with_what_is_imputed_or_withheld(data: SiteData, tmp_path: Path, row, words) -> None:
    build_site(dataclasses.replace(data, cite_grid=keep(CITE_GRID, [CELLS_OF | row])), tmp_path / "grid")
    page = text_of(source(tmp_path / "grid", "hostile"))
    assert words in page and NO_GRID not in page
    assert "None" not in page
