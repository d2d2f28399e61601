"""Sheets in sections, each as one file too: nothing falls through or leads out, absences have reasons."""

import dataclasses
import re
from pathlib import Path

import polars as pl
import pytest
from rendering_site import FICTIVE_VALUE, HOSTILE, site_data
from test_rendering_site import PageReader, read

from observatory.disclosure.pages import read_pages
from observatory.indicators.catalogue import load_indicators
from observatory.rendering import SiteData, build_site
from observatory.rendering.edition import edition
from observatory.rendering.fiche import definitions, fiche_path, projected_at
from observatory.rendering.french import number
from observatory.rendering.sections import CITE_PLAN, TERRITORY_PLAN, cite_sections, topic_of

LARGEST = 400_000
ORDER = ["parc", "occupation", "entrants", "niveau-de-vie", "prestations", "desserte", "equipements"]
ORDER += ["logement-social", "environnement", "vieillissement", "renovation"]


@pytest.fixture(scope="module")
def data() -> SiteData:
    return site_data()


@pytest.fixture(scope="module")
def site(data: SiteData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fiches")
    build_site(data, folder)
    return folder


@pytest.fixture(scope="module")
def fiches(site: Path) -> dict[Path, PageReader]:
    return {path: read(path) for path in sorted(site.rglob("fiche-*.html"))}


def fiche_of(site: Path, slug: str) -> Path:
    return site / "cites" / slug / f"fiche-{slug}-2026-1.html"


def test_every_indicator_has_one_section_that_names_it_or_its_theme() -> None:
    for one in load_indicators():
        name = one.breakdown if one.breakdown and one.label.startswith(one.breakdown) else one.id
        for plan in (CITE_PLAN, TERRITORY_PLAN):
            naming = [topic for topic in plan if name in topic.indicators or name in topic.breakdowns] or [
                topic for topic in plan if one.theme in topic.themes
            ]
            assert len(naming) == 1, (one.id, one.theme)
            assert topic_of(plan, one.theme, name) is naming[0]


def test_an_unknown_theme_is_shown_all_the_same() -> None:
    assert topic_of(CITE_PLAN, "Inconnu", "x").key == "environnement"
    assert topic_of(TERRITORY_PLAN, "Inconnu", "x").key == "emploi"


def test_sections_are_complete_and_in_order(site: Path, fiches: dict[Path, PageReader]) -> None:
    for path in (fiche_of(site, "pinson"), site / "cites/pinson/index.html"):
        ids = read(path).ids
        kept = [one for one in ids if one in ORDER]
        assert kept == ORDER
        assert {"identite", "chiffres", "typologie", "sources"} <= set(ids)


def test_a_cut_theme_loses_no_figure(data: SiteData) -> None:
    indexed = edition(data)
    for cite in indexed.gazetteer.cites:
        sheet = indexed.sheets.of_cite(cite)
        cut = cite_sections(sheet, indexed.book.themes, cite)
        for before, after in (
            (sheet.tables, [table for one in cut for table in one.own]),
            (sheet.environment, [table for one in cut for table in one.around]),
        ):
            told = [figure for table in before for figure in table.figures]
            shown = [figure for table in after for figure in table.figures]
            assert sorted(map(id, told)) == sorted(map(id, shown))


def test_a_section_without_figures_says_why(data: SiteData, site: Path) -> None:
    text = read(fiche_of(site, "pinson")).text
    assert "Sans données\u202f: arrêts et fréquence des transports collectifs" in text
    assert "Aucune source de ce thème n’a été prise pour cette édition." in text
    indexed = edition(data)
    pinson = next(one for one in indexed.gazetteer.cites if one.place.code == "pinson")
    sections = {
        one.topic.key: one
        for one in cite_sections(indexed.sheets.of_cite(pinson), indexed.book.themes, pinson)
    }
    # Its rotation is secret; one share of its households is published.
    assert any("Aucun chiffre publié ici pour la cité (1" in note for note in sections["parc"].notes)
    assert any("secret statistique" in note for note in sections["parc"].notes)
    assert not any("Aucun chiffre" in note for note in sections["occupation"].notes)
    assert "ne descend à la cité" in " ".join(sections["environnement"].notes)


def test_beneficiaries_to_come_are_projected_or_their_absence_told(data: SiteData, site: Path) -> None:
    indexed = edition(data)
    for place in [indexed.gazetteer.basin, *(cite.place for cite in indexed.gazetteer.cites)]:
        text = read(site / fiche_path(place, "2026-1")).text
        told = projected_at(indexed, place) is not None
        assert ("À la mortalité centrale" in text) == told
        assert ("La projection des ayants droit n’est pas" in text) != told


def test_a_fiche_stands_alone(fiches: dict[Path, PageReader]) -> None:
    assert len(fiches) == 3 + 6 + 2 + 1
    for path, reader in fiches.items():
        text = path.read_text(encoding="utf-8")
        assert "script" not in reader.tags, path
        assert "<link" not in text
        assert "url(" not in text
        assert "@import" not in text
        for _, address in reader.links:
            assert address.startswith("#"), f"{path}: {address}"
            assert address[1:] in reader.ids, f"{path}: {address}"
        assert len(text.encode()) < LARGEST


def test_its_page_offers_it_with_its_size(site: Path) -> None:
    page = (site / "cites/zero/index.html").read_text(encoding="utf-8")
    offered = re.search(r'<a class="button" href="\.\./\.\./([^"]+)" download>', page)
    assert offered
    path = site / offered[1]
    assert path == fiche_of(site, "zero")
    assert f"({number(path.stat().st_size / 1000)} ko)" in page


def test_it_says_where_its_figures_come_from(site: Path, fiches: dict[Path, PageReader]) -> None:
    text = fiches[fiche_of(site, "hostile")].text
    for told in ("Licence Ouverte 2.0", "ab" * 32, "formule", "Pour citer cette fiche", "2026-1", "Oignies"):
        assert told in text


def test_fictive_figures_are_marked(fiches: dict[Path, PageReader]) -> None:
    shown = number(FICTIVE_VALUE, 1)
    for path, reader in fiches.items():
        marked = [(css, cell) for css, cell in reader.cells if shown in cell]
        assert marked, path
        assert all("fictive" in css.split() and "fictif" in cell for css, cell in marked)
        text = path.read_text(encoding="utf-8")
        assert 'class="fictive-banner"' in text
        assert "(données fictives)" in text.partition("</title>")[0]


def test_a_hostile_name_stays_text(site: Path, fiches: dict[Path, PageReader]) -> None:
    path = fiche_of(site, "hostile")
    assert HOSTILE in fiches[path].text
    assert "<script" not in path.read_text(encoding="utf-8")


def shown_at(site: Path, data: SiteData, page: str) -> set[tuple[tuple[str, str], str, str]]:
    territories = data.territories.select("level", "code", "name", "parents")
    return {
        (one.area, one.indicator, one.text.split()[0])
        for one in read_pages(site, territories, {})
        if one.page == page
    }


def test_the_audit_reads_the_figures_of_the_file(data: SiteData, site: Path, tmp_path: Path) -> None:
    page = fiche_of(site, "hostile").relative_to(site).as_posix()
    shown = shown_at(site, data, page)
    # Subject, commune, basin; a plain figure, shares of a breakdown.
    assert {
        (("cite", "hostile"), "rotation", number(FICTIVE_VALUE, 1)),
        (("commune", "62001"), "rotation", number(FICTIVE_VALUE, 1)),
        (("cite", "hostile"), "menage_seul", "62,5"),
        (("basin", "BM"), "menage_autre", "45,0"),
        (("commune", "62001"), "vacance", "0,0"),
    } <= shown
    # A secret that would be printed is seen where it stands.
    secret = pl.col("territory_code") == "pinson", pl.col("indicator") == "rotation"
    leaking = data.observations.with_columns(
        value=pl.when(*secret).then(12.25).otherwise("value"),
        status=pl.when(*secret).then(pl.lit("published")).otherwise("status"),
    )
    build_site(dataclasses.replace(data, observations=leaking), tmp_path / "leak")
    page = page.replace("hostile", "pinson")
    assert (("cite", "pinson"), "rotation", "12,3") in shown_at(tmp_path / "leak", data, page)
    assert (("cite", "pinson"), "rotation", "12,3") not in shown_at(site, data, page)


def test_the_categories_of_a_breakdown_are_defined_together(data: SiteData) -> None:
    indexed = edition(data)
    groups = definitions(indexed.book.indicators)
    defined = [one for group in groups for one in group.definitions]
    households = next(one for one in defined if one.label == "Type de ménage")
    assert households.anchors == ("indicateur-menage_autre", "indicateur-menage_seul")
    assert sum(len(one.anchors) for one in defined) == len(indexed.book.indicators)


def test_the_basin_has_its_sheet(data: SiteData, site: Path) -> None:
    basin = edition(data).gazetteer.basin
    assert basin.address == "bassin/index.html"
    assert (site / fiche_path(basin, "2026-1")).is_file()
    page = read(site / basin.address)
    assert ("a", "../epci/200000001/index.html") in page.links
    home = read(site / "index.html")
    assert ("a", "bassin/index.html") in home.links
