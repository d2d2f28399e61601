import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pytest
from rendering_site import FICTIVE_VALUE, HOSTILE, site_data

from observatory.errors import ObservatoryError
from observatory.rendering import SiteData, build_site
from observatory.rendering.french import number
from observatory.rendering.wording import perimeter_wording

# Fixed pages, then a page and a file per cité, commune and EPCI, and for the basin.
PAGES = 23 + 2 * (3 + 6 + 2 + 1)


class PageReader(HTMLParser):
    """Keeps what the tests look at: addresses, ids, tags, cells, text outside scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.cells: list[tuple[str, str]] = []
        self.text = ""
        self._cell: str | None = None
        self._skipped = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append(tag)
        self.ids += [found["id"] or ""] if "id" in found else []
        self.links += [(tag, found[name] or "") for name in ("href", "src") if name in found]
        self._skipped = tag in ("script", "style")
        if tag == "td":
            self._cell = found.get("class") or ""
            self.cells.append((self._cell, ""))

    def handle_endtag(self, tag: str) -> None:
        self._skipped = False
        if tag == "td":
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._skipped:
            return
        self.text += data
        if self._cell is not None:
            css, text = self.cells[-1]
            self.cells[-1] = (css, text + data)


def read(page: Path) -> PageReader:
    reader = PageReader()
    reader.feed(page.read_text(encoding="utf-8"))
    return reader


@pytest.fixture(scope="module")
def data() -> SiteData:
    return site_data()


@pytest.fixture(scope="module")
def site(data: SiteData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build_site(data, folder)
    return folder


@pytest.fixture(scope="module")
def readers(site: Path) -> dict[Path, PageReader]:
    return {page: read(page) for page in sorted(site.rglob("*.html"))}


def test_every_page_is_returned_and_written(data: SiteData, tmp_path: Path) -> None:
    written = build_site(data, tmp_path / "site")
    assert written == sorted((tmp_path / "site").rglob("*.html"))
    assert len(written) == PAGES
    names = {str(page.relative_to(tmp_path / "site")) for page in written}
    assert {"index.html", "404.html", "cites/pinson/index.html", "communes/62001/index.html"} <= names


def test_links_stay_inside_the_site_and_resolve(readers: dict[Path, PageReader], site: Path) -> None:
    for page, reader in readers.items():
        assert reader.links
        for tag, address in reader.links:
            assert not re.match(r"[a-z]+:|/", address), f"{page}: {tag} {address}"
            path, _, fragment = address.partition("#")
            # What the page of comparisons shows is in its fragment, and names no part of it.
            fragment = "" if fragment.startswith("t=") else fragment
            target = (page.parent / unquote(path)).resolve() if path else page
            assert target.is_file(), f"{page}: {address}"
            assert target.is_relative_to(site.resolve())
            if fragment:
                assert fragment in readers[site / target.relative_to(site.resolve())].ids, (
                    f"{page}: {address}"
                )


def test_styles_and_scripts_load_nothing_from_elsewhere(site: Path) -> None:
    for name in ("site.css", "site.js", "charts.js", "carte.js", "comparer.js", "search-index.js"):
        text = (site / "assets" / name).read_text(encoding="utf-8")
        assert "http" not in text
        assert "url(" not in text
        assert "@import" not in text


def test_ids_are_unique_and_pages_have_one_title(readers: dict[Path, PageReader]) -> None:
    for page, reader in readers.items():
        assert len(reader.ids) == len(set(reader.ids)), page
        assert reader.tags.count("h1") == 1, page
        assert '<html lang="fr"' in page.read_text(encoding="utf-8")


def test_a_hostile_name_is_text(readers: dict[Path, PageReader], site: Path) -> None:
    for page in (site / "index.html", site / "cites/index.html", site / "cites/hostile/index.html"):
        assert HOSTILE in readers[page].text
        assert "<script>alert" not in page.read_text(encoding="utf-8")
    index = (site / "assets/search-index.js").read_text(encoding="utf-8")
    entries = json.loads(index.partition("=")[2].strip().removesuffix(";"))
    assert [HOSTILE, "cité minière · L’Écaillon", "cites/hostile/index.html", "", "62100 62990"] in entries


def test_the_search_index_finds_every_page_with_a_name(site: Path, data: SiteData) -> None:
    index = (site / "assets/search-index.js").read_text(encoding="utf-8")
    entries = json.loads(index.partition("=")[2].strip().removesuffix(";"))
    assert len(entries) == 3 + 6 + 2 + 1
    assert all((site / address).is_file() for _, _, address, _, _ in entries)
    assert any("Pinçon" in words for _, _, _, words, _ in entries)


def test_every_page_with_a_fictive_figure_says_so(readers: dict[Path, PageReader], site: Path) -> None:
    shown = number(FICTIVE_VALUE, 1)
    pages_with = [page for page, reader in readers.items() if shown in reader.text]
    assert len(pages_with) == 2 * (3 + 6 + 2 + 1) + 2
    for page in pages_with:
        text = page.read_text(encoding="utf-8")
        assert 'class="fictive-banner"' in text
        assert "(données fictives)" in text.partition("</title>")[0]
        marked = [(css, cell) for css, cell in readers[page].cells if shown in cell]
        assert marked
        assert all("fictive" in css.split() and "fictif" in cell for css, cell in marked)
    # Shares and projections are numbers of their own, all of them fictive.
    others = {site / "reperes/occupation/index.html"}
    others |= {page for page in readers if page.parent.name == "ayants-droit"}
    for page in readers.keys() - set(pages_with) - others:
        assert 'class="fictive-banner"' not in page.read_text(encoding="utf-8"), page


def test_real_figures_are_not_marked_fictive(readers: dict[Path, PageReader], site: Path) -> None:
    cells = readers[site / "communes/62001/index.html"].cells
    real = [(css, cell) for css, cell in cells if cell == "1\u202f000"]
    assert real
    assert all("fictive" not in css for css, _ in real)


def test_the_five_statuses_differ_and_zero_is_zero(readers: dict[Path, PageReader], site: Path) -> None:
    shown = []
    for code in ("62001", "62002", "62003", "62004", "62005"):
        cells = readers[site / f"communes/{code}/index.html"].cells
        own = [cell for css, cell in cells if "own" in css.split() and "fictive" not in css.split()]
        shown.append(own[1])
    assert shown == ["0,0", "secret", "manquant", "sans objet", "non disponible"]
    zero = readers[site / "cites/zero/index.html"].cells[0][1]
    assert zero == "0,0 fictif"
    assert readers[site / "cites/pinson/index.html"].cells[0][1] == "secret"


def test_ranks_need_enough_published_values_of_one_nature(
    readers: dict[Path, PageReader], site: Path
) -> None:
    def ranks(code: str) -> list[str]:
        cells = readers[site / f"communes/{code}/index.html"].cells
        return [" ".join(text.split()) for css, text in cells if "rank" in css.split()]

    # Six populations published, the last the largest; vacancy is published in two, too few to rank; the
    # made-up rotation is the same in all.
    assert ranks("62001") == ["6e sur 6", "1er sur 6 ex æquo"]
    assert ranks("62006") == ["1er sur 6", "1er sur 6 ex æquo"]
    # A cité stands among three at most.
    cells = readers[site / "cites/hostile/index.html"].cells
    assert sum("rank" in css.split() for css, _ in cells) == 1


def test_landmarks_are_drawn_over_their_table(site: Path) -> None:
    # Three censuses in three years let no line be drawn: bars are, in the page itself.
    text = (site / "reperes/population/index.html").read_text(encoding="utf-8")
    assert "application/json" not in text
    assert re.findall(r'class="bar" style="width: ([0-9.]+)%"', text) == ["87.5", "100.0"]
    assert text.count("<table") == 2
    mine = (site / "reperes/parc-minier/index.html").read_text(encoding="utf-8")
    assert mine.count('class="bar hatched"') == 3
    assert "données fictives" in mine.partition("<table")[0]


def test_sheets_lead_to_the_comparison_of_what_holds_them(
    readers: dict[Path, PageReader], site: Path
) -> None:
    for page, chosen in (
        ("cites/pinson", "cite:pinson,commune:62001,commune:62002,epci:200000001,basin:BM"),
        ("communes/62001", "commune:62001,epci:200000001,basin:BM"),
    ):
        links = {address for tag, address in readers[site / page / "index.html"].links if tag == "a"}
        assert f"../../comparer/index.html#t={chosen}" in links


def test_a_cite_says_what_is_missing_and_why(readers: dict[Path, PageReader], site: Path) -> None:
    text = readers[site / "cites/pinson/index.html"].text
    assert "Aucune source de ce thème n’a été prise pour cette édition." in text
    assert "Rénovation intégrée" in text
    assert "appel à dépôt de demandes de mai 2022" in text
    assert "Orthographe rétablie." in text


def test_iris_are_listed_where_there_are_several(readers: dict[Path, PageReader], site: Path) -> None:
    assert "iris" in readers[site / "communes/62001/index.html"].ids
    assert "iris" not in readers[site / "communes/62002/index.html"].ids


def test_equal_frames_give_equal_bytes_whatever_the_order_of_rows(
    data: SiteData, site: Path, tmp_path: Path
) -> None:
    frames = {
        field.name: getattr(data, field.name).reverse()
        for field in dataclasses.fields(data)
        if isinstance(getattr(data, field.name), pl.DataFrame)
    }
    typology = {name: table.reverse() for name, table in data.typology.items()}
    build_site(dataclasses.replace(data, typology=typology, **frames), tmp_path / "site")
    first = {path.relative_to(site): path.read_bytes() for path in site.rglob("*") if path.is_file()}
    second = {
        path.relative_to(tmp_path / "site"): path.read_bytes()
        for path in (tmp_path / "site").rglob("*")
        if path.is_file()
    }
    assert first.keys() == second.keys()
    assert [path for path in first if first[path] != second[path]] == []


def test_a_folder_in_use_is_left_alone(data: SiteData, tmp_path: Path) -> None:
    kept = tmp_path / "kept.txt"
    kept.write_text("kept")
    with pytest.raises(ObservatoryError, match="n’est pas vide"):
        build_site(data, tmp_path)
    assert list(tmp_path.iterdir()) == [kept]


def test_an_unknown_commune_or_contour_is_an_error(data: SiteData, tmp_path: Path) -> None:
    lost = data.cites.with_columns(commune_codes=pl.lit(["99999"]))
    with pytest.raises(ObservatoryError, match="commune:99999"):
        build_site(dataclasses.replace(data, cites=lost), tmp_path / "a")
    with pytest.raises(ObservatoryError, match="sans contour"):
        build_site(dataclasses.replace(data, contours=data.contours.head(2)), tmp_path / "b")


def test_a_site_without_typology_checks_or_cites_still_stands(data: SiteData, tmp_path: Path) -> None:
    empty = dataclasses.replace(
        data,
        cites=data.cites.clear(),
        dashboard=data.dashboard.clear(),
        typology={name: table.clear() for name, table in data.typology.items()},
        checks=data.checks.clear(),
    )
    assert len(build_site(empty, tmp_path / "site")) == PAGES - 7


@pytest.mark.parametrize(
    ("version", "of", "basin"),
    [
        (("sept_epci", 2026, 2026), "du COG 2026", "la réunion de {epcis}, soit {communes},"),
        (
            ("sept_epci", 1999, 2026),
            "du COG 1999, sur les communes du COG 2026",
            "l’ensemble des {communes} des sept intercommunalités d’aujourd’hui, groupées comme au COG 1999,",
        ),
        (
            ("mbm", 2026, 2026),
            "de la Mission Bassin Minier (COG 2026)",
            "l’ensemble des {communes} de la couche de la Mission Bassin Minier,",
        ),
        (
            ("unesco", 2026, 2026),
            "du Bien inscrit (COG 2026)",
            "l’ensemble des {communes} que touche le Bien inscrit au Patrimoine mondial,",
        ),
    ],
)
def test_each_perimeter_is_told_by_its_name(version, of, basin):
    told = perimeter_wording(*version)
    assert (told.of, told.basin) == (of, basin)
