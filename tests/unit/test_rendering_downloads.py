"""Downloads, catalogue, quality report, what changed, legal notice, contact, head of pages."""

import dataclasses
import json
import re
import struct
import zlib
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest
from rendering_site import site_data

from observatory.errors import InputError, ObservatoryError
from observatory.paths import PROJECT
from observatory.rendering import SiteData, build_site
from observatory.rendering.addresses import emblem
from observatory.rendering.changelog import CHANGES, Correction, ReleaseNotes, read_changes
from observatory.rendering.coverage import Coverage
from observatory.rendering.imprint import CARD, read_imprint
from observatory.rendering.secrecy import PUBLIC_RULE, rule_of

ADDRESS = "https://observatoire.example/bassin/"
PORTAL = "https://portail.exemple.fr/partenaires/"
REFERENCE = PROJECT / "data" / "reference"
UNBROKEN = re.compile(r"[^\s\u202f\u00a0] [;:!?»](?=\s|$)|« ")


@pytest.fixture(scope="module")
def data() -> SiteData:
    return dataclasses.replace(site_data(), changes=read_changes(REFERENCE / CHANGES))


@pytest.fixture(scope="module")
def site(data: SiteData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("downloads") / "site"
    build_site(data, folder)
    return folder


@pytest.fixture(scope="module")
def served(data: SiteData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served") / "site"
    imprint = data.imprint.model_copy(update={"address": ADDRESS, "portal": PORTAL})
    build_site(dataclasses.replace(data, imprint=imprint), folder)
    return folder


def text_of(site: Path, path: str) -> str:
    return (site / path).read_text("utf-8")


def pages_of(site: Path) -> list[Path]:
    """The pages, without the sheets that stand alone."""
    return [page for page in site.rglob("*.html") if page.name in ("index.html", "404.html")]


def words(html: str) -> str:
    return re.sub(
        r"[ \n\t]+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<(script|style)\b.*?</\1>", "", html))
    )


def test_titles_and_descriptions_are_of_one_page_alone(site: Path) -> None:
    for pattern in (r"<title>(.*?)</title>", r'<meta name="description" content="(.*?)">'):
        found: dict[str, list[str]] = {}
        for page in pages_of(site):
            (told,) = re.findall(pattern, page.read_text("utf-8").partition("</head>")[0])
            found.setdefault(told, []).append(page.relative_to(site).as_posix())
        assert {told: pages for told, pages in found.items() if len(pages) > 1} == {}


def test_the_space_of_partners_is_linked_from_every_page_once_its_address_is_known(
    site: Path, served: Path
) -> None:
    link = f'<a href="{PORTAL}">'
    assert [page for page in pages_of(served) if link not in page.read_text("utf-8")] == []
    assert text_of(served, "contact/index.html").count(link) == 2
    assert [page for page in pages_of(site) if "/partenaires/" in page.read_text("utf-8")] == []


def test_a_page_names_itself_where_it_is_shared(site: Path) -> None:
    for page in pages_of(site):
        html = page.read_text("utf-8")
        names = re.findall(r'<meta property="og:(\w+)"', html)
        assert names == ["title", "description", "type", "locale", "site_name"], page
        # Without the address of the site nothing says where it is.
        assert 'rel="canonical"' not in html
    assert not (site / "sitemap.xml").exists()
    assert not (site / "robots.txt").exists()


def test_a_site_that_knows_its_address_says_it(served: Path) -> None:
    html = text_of(served, "communes/62001/index.html")
    assert f'<link rel="canonical" href="{ADDRESS}communes/62001/">' in html
    assert f'<meta property="og:url" content="{ADDRESS}communes/62001/">' in html
    assert f'content="{ADDRESS}assets/partage.png"' in html
    named = {element.text for element in ElementTree.parse(served / "sitemap.xml").iter() if element.text}
    addresses = {one for one in named if one.startswith(ADDRESS)}
    pages = {page.relative_to(served).as_posix() for page in pages_of(served)} - {"404.html"}
    assert addresses == {ADDRESS + page.removesuffix("index.html") for page in pages}
    assert f"Sitemap: {ADDRESS}sitemap.xml" in text_of(served, "robots.txt")


def test_the_page_of_errors_leads_home_from_any_depth(served: Path, site: Path) -> None:
    html = text_of(served, "404.html")
    links = re.findall(r'(?:href|src)="([^"]+)"', html)
    assert all(link.startswith((ADDRESS, "#")) for link in links if link != PORTAL), links
    assert 'rel="canonical"' not in html
    assert "noindex" in html
    assert "ne mènent à rien" in text_of(site, "404.html")
    assert "ne mènent à rien" not in html


def test_the_emblem_is_a_png_of_the_size_asked() -> None:
    content = emblem(48, 24)
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", content[16:24]) == (48, 24)
    size = struct.unpack(">I", content[33:37])[0]
    rows = zlib.decompress(content[41 : 41 + size])
    assert len(rows) == 24 * (1 + 3 * 48)
    # Slate in a corner; the white heap, then the brick one over it, as the SVG draws them.
    assert rows[1:4] == bytes((0x1F, 0x2B, 0x38))
    side, left = 24 / 32, (48 - 24) / 2

    def pixel(x: float, y: float) -> bytes:
        start = int(y * side) * (1 + 3 * 48) + 1 + 3 * int(left + x * side)
        return rows[start : start + 3]

    assert pixel(10, 20) == b"\xff\xff\xff"
    assert pixel(22, 22) == bytes((0xD0, 0x55, 0x3B))


def test_every_file_offered_is_there_with_its_size_and_fingerprint(site: Path) -> None:
    html = text_of(site, "donnees/index.html")
    offered = re.findall(r'<li><a href="([^"]+)" download>', html)
    folder = site / "donnees"
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    written -= {"index.html", "SHA256SUMS"}
    assert set(offered) == written
    sums = dict(reversed(line.split("  ")) for line in text_of(site, "donnees/SHA256SUMS").splitlines())
    for name, shown in re.findall(r'<code>([^<]+)</code> <small>SHA-256</small> <code title="(\w+)">', html):
        assert sums[name] == shown


def test_fictive_files_stand_apart_and_say_so(site: Path) -> None:
    html = text_of(site, "donnees/index.html")
    for article in re.findall(r"(?s)<article.*?</article>", html):
        fictive = "donnees-fictives" in article or "tableau-de-bord" in article
        assert ('class="offer fictive"' in article) == fictive
        assert ('class="mark"' in article) == fictive
    real = dataclasses.replace(
        site_data(),
        files=site_data().files.with_columns(fictive=pl.lit(False)),
        definitions=site_data().definitions.with_columns(fictive=pl.lit(False)),
    )
    folder = site.parent / "real"
    build_site(real, folder)
    assert not [path for path in (folder / "donnees").rglob("*") if "fictives" in path.name]
    for page in ("mentions-legales", "nouveautes", "qualite", "contact", "indicateurs"):
        assert "ficti" not in text_of(folder, f"{page}/index.html"), page
    for name in ("catalogue.jsonld", "ogc/collections.json", "metadonnees/communes.xml"):
        assert "fictives" in text_of(site, "donnees/catalogue.jsonld")
        assert "ficti" not in text_of(folder, f"donnees/{name}"), name


def test_the_catalogue_defines_every_indicator_where_links_lead(site: Path, data: SiteData) -> None:
    html = text_of(site, "indicateurs/index.html")
    for row in data.definitions.iter_rows(named=True):
        assert f'id="indicateur-{row["indicator"]}"' in html
        # Addresses that were published before lead to the same indicator.
        assert f'id="indicateur-{row["indicator"]}"' in text_of(site, "methodes/index.html")
    assert "#indicateur-population" in text_of(site, "communes/62001/index.html")
    assert "methodes/index.html#indicateur" not in text_of(site, "communes/62001/index.html")
    entry = re.search(r'(?s)<article id="indicateur-population".*?</article>', html)
    assert entry
    told = words(entry[0])
    assert "2019 à 2021" in told
    assert PUBLIC_RULE in told
    assert 'data-level="commune|epci|basin|department|region|country"' in entry[0]


def test_the_rule_of_an_indicator_is_told_with_its_threshold() -> None:
    told = rule_of("part_parc_minier_vacant")
    assert "Logements vacants" in told
    assert "aucun effectif de 1 à 2" in told
    assert "ce qui reste du tout" in told
    assert rule_of("population_municipale") == PUBLIC_RULE
    assert rule_of("inconnu") == PUBLIC_RULE


def test_coverage_counts_what_the_observations_say(data: SiteData, site: Path) -> None:
    coverage = Coverage(data.observations)
    found = coverage.latest("vacance", "commune")
    assert found is not None
    year, count = found
    assert (year, count.total) == (2021, 6)
    assert (count.published, count.secret, count.missing, count.not_applicable, count.not_available) == (
        2, 1, 1, 1, 1,
    )  # fmt: skip
    assert coverage.latest("vacance", "cite") is None
    assert coverage.vintages("population", "commune") == [2019, 2020, 2021]
    assert coverage.total().total == data.observations.height
    told = words(text_of(site, "qualite/index.html"))
    assert "2 sur 6 1\u00a0secret 1\u00a0manquant 1 sans objet 1 non disp." in told


def test_a_level_that_no_source_covers_is_no_latest_year(data: SiteData) -> None:
    absent = data.observations.filter(
        pl.col("indicator") == "vacance", pl.col("territory_level") == "commune"
    )
    coverage = Coverage(absent.with_columns(status=pl.lit("not_available")))
    assert coverage.vintages("vacance", "commune") == []
    assert not coverage.total().held


def test_the_quality_report_shows_failures_first_and_open(data: SiteData, site: Path) -> None:
    checks = data.checks.with_columns(passed=pl.lit(True))
    rows = checks.head(1).with_columns(table=pl.lit("core.t"), rule=pl.lit("A passe"))
    bad = rows.with_columns(rule=pl.lit("Z échoue"), passed=pl.lit(False), observed=pl.lit("3 lignes"))
    folder = site.parent / "failed"
    build_site(dataclasses.replace(data, checks=pl.concat([rows, bad])), folder)
    html = text_of(folder, "qualite/index.html")
    assert "1 sur 2" in html
    assert html.index("Z échoue") < html.index("A passe")
    assert "<details open>\n<summary><code>core.t</code>" in html


def test_the_log_of_the_shipped_releases_names_that_of_the_card() -> None:
    notes = {one.release: one for one in read_changes(REFERENCE / CHANGES)}
    imprint = read_imprint(REFERENCE / CARD)
    assert notes[imprint.release].published_on == imprint.published_on


def test_a_release_without_notes_is_said_to_have_none(data: SiteData, site: Path) -> None:
    assert "changés depuis" not in words(text_of(site, "nouveautes/index.html"))
    silent = dataclasses.replace(data, changes=())
    build_site(silent, site.parent / "silent")
    assert "n’a pas encore de notice" in text_of(site.parent / "silent", "nouveautes/index.html")


def test_a_correction_leads_to_what_it_touches_and_is_downloaded(data: SiteData, tmp_path: Path) -> None:
    correction = Correction(
        corrected_on=date(2026, 12, 1),
        what="La vacance de deux communes était fausse.",
        reason="Colonnes inversées.",
        indicators=("vacance",),
        territories=("commune:62001", "epci:200000001"),
    )
    notes = ReleaseNotes(release="2026-2", published_on=date(2026, 12, 1), corrections=(correction,))
    build_site(dataclasses.replace(data, changes=(notes,)), tmp_path / "site")
    html = text_of(tmp_path / "site", "nouveautes/index.html")
    assert 'href="../communes/62001/index.html"' in html
    assert 'href="../indicateurs/index.html#indicateur-vacance"' in html
    (row,) = pl.read_csv(tmp_path / "site/donnees/corrections.csv").to_dicts()
    assert row == {
        "release": "2026-2",
        "corrected_on": "2026-12-01",
        "what": correction.what,
        "reason": correction.reason,
        "indicators": "vacance",
        "territories": "commune:62001|epci:200000001",
    }
    for wrong in ({"indicators": ("inconnu",)}, {"territories": ("commune:99999",)}):
        notes = notes.model_copy(update={"corrections": (correction.model_copy(update=wrong),)})
        with pytest.raises(ObservatoryError, match=r"inconnu|99999"):
            build_site(dataclasses.replace(data, changes=(notes,)), tmp_path / next(iter(wrong)))


GOOD = '- release: 2026-1\n  published_on: 2026-11-25\n  data: ["une phrase : la voici"]\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("2026-1\n", "automne\n"), "release"),
        (GOOD + "  couleur: bleu\n", "couleur"),
        (GOOD + GOOD, "deux fois"),
        (GOOD + GOOD.replace("2026-1\n", "2027-1\n").replace("2026-11", "2027-11"), "récente"),
        ("release: 2026-1\n", "liste"),
        ("[", "YAML"),
    ],
)
def test_a_log_at_fault_is_said_to_be(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / CHANGES
    path.write_text(text, "utf-8")
    with pytest.raises(InputError, match=said) as caught:
        read_changes(path)
    assert "Que faire" in str(caught.value)


def test_a_log_is_typeset_and_one_that_is_not_there_is_missing(tmp_path: Path) -> None:
    (tmp_path / CHANGES).write_text(GOOD, "utf-8")
    (notes,) = read_changes(tmp_path / CHANGES)
    assert isinstance(notes, ReleaseNotes)
    assert notes.data == ("une phrase\u202f: la voici",)
    with pytest.raises(InputError, match="manque"):
        read_changes(tmp_path / "absent.yaml")


def test_the_legal_notice_gives_the_licence_of_each_source(data: SiteData, site: Path) -> None:
    told = words(text_of(site, "mentions-legales/index.html"))
    for row in data.files.iter_rows(named=True):
        assert row["title"] in told
        assert row["licence"] in told
    assert "aucun cookie" in told
    assert "n’est pas évaluée" in told
    contact = words(text_of(site, "contact/index.html"))
    assert "03 21 08 72 72" in contact
    assert data.imprint.release in contact


def test_new_pages_are_typeset_and_linked_from_every_foot(site: Path) -> None:
    pages = ("indicateurs", "qualite", "nouveautes", "mentions-legales", "contact", "donnees")
    for page in pages:
        told = words(re.sub(r"(?s)<(pre|code)\b.*?</\1>", "", text_of(site, f"{page}/index.html")))
        assert not UNBROKEN.findall(told), (page, UNBROKEN.search(told))
        assert "'" not in told, page
        assert f'href="../../{page}/index.html"' in text_of(site, "communes/62001/index.html")


def test_the_examples_name_files_and_columns_that_exist(site: Path) -> None:
    html = text_of(site, "donnees/index.html")
    column, name = re.findall(r"SELECT name, (\w+)\nFROM (?:&#39;|')([^'&]+)", html)[0]
    assert (site / "donnees" / name).is_file()
    assert column in pl.read_parquet(site / "donnees" / name, columns=[column]).columns
    geo = json.loads((site / "donnees" / name.replace(".parquet", ".geojson")).read_text("utf-8"))
    assert column in geo["features"][0]["properties"]
