"""The search, the map and the comparison in a real browser, on a small invented site."""

import html
import json
import re
import shutil
import subprocess
from urllib.parse import unquote

import pytest
from rendering_site import site_data

from observatory.paths import PROJECT
from observatory.rendering import build_site

pytestmark = pytest.mark.integration

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    # Any look-up outside fails, and is then seen in the console.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--window-size=1280,4000",
    "--virtual-time-budget=10000",
    "--enable-logging=stderr",
)
INDEX = [
    ["Lens", "commune · Lens-Liévin", "communes/62498/index.html", "62498", "62300"],
    ["CA de Lens-Liévin", "intercommunalité", "epci/246200364/index.html", "246200364 CALL", ""],
    ["Loison-sous-Lens", "commune · Lens-Liévin", "communes/62523/index.html", "62523", "62218"],
    ["Violaines", "commune · Béthune", "communes/62863/index.html", "62863", "62138"],
    ["Hénin-Beaumont", "commune · Hénin-Carvin", "communes/62427/index.html", "62427", "62110"],
    ["Œuf-en-Ternois", "commune · ailleurs", "communes/62633/index.html", "62633", "62130"],
    ["Saint-Amand-les-Eaux", "commune · Porte du Hainaut", "communes/59526/index.html", "59526", "59230"],
    ["Noyelles-Godault", "commune · Hénin-Carvin", "communes/62624/index.html", "62624", "62950"],
    ["Noyelles-sous-Lens", "commune · Lens-Liévin", "communes/62628/index.html", "62628", "62221"],
    ["Château-l’Abbaye", "commune · Porte du Hainaut", "communes/59144/index.html", "59144", "59230"],
    ["Cité Saint-Pierre (Lens)", "cité minière · Lens-Liévin", "cites/st/index.html", "12-14", "62300 62210"],
    ["Cité du 3 (Avion)", "cité minière · Lens-Liévin", "cites/av/index.html", "Fosse 3 bis", "62210"],
]
ASKED = {
    # The very name, then names that start so, then words that do, then what contains it.
    "lens": [
        "Lens",
        "CA de Lens-Liévin",
        "Loison-sous-Lens",
        "Noyelles-sous-Lens",
        "Cité Saint-Pierre (Lens)",
        # Its EPCI is Lens-Liévin.
        "Cité du 3 (Avion)",
    ],
    "LENS": None,
    "henin beaumont": ["Hénin-Beaumont"],
    "Hénin-Beaumont": None,
    "beaumont henin": ["Hénin-Beaumont"],
    "heninb": ["Hénin-Beaumont"],
    "oeuf": ["Œuf-en-Ternois"],
    "ŒUF en": ["Œuf-en-Ternois"],
    "st amand": ["Saint-Amand-les-Eaux"],
    "noy god": ["Noyelles-Godault"],
    "noyelles": ["Noyelles-Godault", "Noyelles-sous-Lens"],
    "château l'abbaye": ["Château-l’Abbaye"],
    "chateau-l’abbaye": None,
    "olaine": ["Violaines"],
    # A postcode, whole or begun: the communes, then the cités in them.
    "62300": ["Lens", "Cité Saint-Pierre (Lens)"],
    "6221": ["Loison-sous-Lens", "Cité du 3 (Avion)", "Cité Saint-Pierre (Lens)"],
    "59230": ["Château-l’Abbaye", "Saint-Amand-les-Eaux"],
    "amand 59230": ["Saint-Amand-les-Eaux"],
    # An Insee code.
    "62427": ["Hénin-Beaumont"],
    "CALL": ["CA de Lens-Liévin"],
    "zzz": [],
    "  ": [],
    "<b>": ["Hénin-Beaumont", "Violaines", "Cité du 3 (Avion)"],
}
SAME_AS = {"LENS": "lens", "Hénin-Beaumont": "henin beaumont", "chateau-l’abbaye": "château l'abbaye"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    folder = tmp_path_factory.mktemp("explore") / "site"
    build_site(site_data(), folder)
    return folder


def rendered(address, tmp_path):
    """Return the document after the scripts have run; nothing may have been said in the console."""
    done = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={tmp_path}", "--dump-dom", address],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert [line for line in done.stderr.splitlines() if "CONSOLE" in line] == []
    return done.stdout


def cells(document, table):
    """Return the rows of a table as texts."""
    body = re.search(rf'id="{table}".*?<tbody>(.*?)</tbody>', document, re.S)[1]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.S)
    return [
        [
            html.unescape(re.sub(r"<[^>]+>", "", cell))
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
        ]
        for row in rows
    ]


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_the_search_answers_names_in_any_spelling_and_postcodes(tmp_path):
    script = (PROJECT / "observatory/rendering/static/site.js").as_uri()
    page = tmp_path / "search.html"
    page.write_text(
        f'<!doctype html><html data-root=""><meta charset="utf-8"><body><pre></pre>'
        f"<script>window.OBSERVATORY_SEARCH = {json.dumps(INDEX)};</script>"
        f'<script src="{script}"></script>'
        f"<script>document.querySelector('pre').textContent = JSON.stringify({json.dumps(list(ASKED))}"
        ".map((asked) => window.OBSERVATORY.search(asked).map((entry) => entry.label)));</script>",
        encoding="utf-8",
    )
    document = rendered(page.as_uri(), tmp_path / "profile")
    answers = json.loads(html.unescape(re.search(r"<pre>(.*?)</pre>", document, re.S)[1]))
    found = dict(zip(ASKED, answers, strict=True))
    expected = {asked: ASKED[SAME_AS.get(asked, asked)] for asked in ASKED}
    assert found == expected


def test_the_search_box_is_driven_by_the_keyboard(site, tmp_path):
    typing = """<script>window.addEventListener("load", () => {
      const input = document.getElementById("recherche");
      const press = (key) => input.dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true }));
      const tell = (name) => { document.body.dataset[name] = [
        input.getAttribute("aria-expanded"), input.getAttribute("aria-activedescendant"),
        Array.from(document.querySelectorAll("#recherche-liste li"), (one) => one.textContent).join("/"),
        document.querySelector("form.search [role=status]").textContent].join("|"); };
      input.value = "62990";
      input.dispatchEvent(new Event("input"));
      tell("typed");
      press("ArrowDown"); press("ArrowDown"); press("ArrowUp"); press("ArrowUp");
      tell("moved");
      press("Escape");
      tell("closed");
    });</script></body>"""
    page = site / "clavier.html"
    text = (site / "index.html").read_text(encoding="utf-8").replace("</body>", typing)
    page.write_text(text, encoding="utf-8")
    document = html.unescape(rendered(page.as_uri(), tmp_path))
    page.unlink()
    # The commune whose second postcode it is, then its two cités.
    listed = (
        "Béthune 062990 · commune · L’Écaillon/"
        "Cité du Pinson62990 · cité minière · L’Écaillon/"
        'Cité <script>alert("x")</script> & Cie62990 · cité minière · L’Écaillon'
    )
    assert f'data-typed="true||{listed}|3 résultats"' in document
    assert f'data-moved="true|recherche-2|{listed}|3 résultats"' in document
    assert f'data-closed="false||{listed}|3 résultats"' in document


def test_the_map_shows_the_indicator_and_year_of_its_address(site, tmp_path):
    page = (site / "carte/index.html").as_uri()
    asked = f"{page}#indicateur=vacance&second=population&annee=2021&commune=62002"
    document = rendered(asked, tmp_path)
    assert re.search(r'<form class="explore" id="reglages" data-first="vacance">', document)
    rows = {row[0]: row[2:] for row in cells(document, "tableau-carte")}
    assert rows["Béthune 0"] == ["0,0", "1\u202f000"]
    assert rows["Œuf-en-Ternois 1"] == ["secret", "2\u202f000"]
    assert rows["Œuf-en-Ternois 2"] == ["manquant", "3\u202f000"]
    assert rows["Béthune 3"] == ["sans objet", "4\u202f000"]
    assert rows["Œuf-en-Ternois 4"] == ["non disponible", "5\u202f000"]
    shapes = dict(re.findall(r'class="([^"]*)" data-code="(\d+)"', document))
    assert {"s", "m", "o", "d"} <= shapes.keys()
    reading = re.search(r'id="lecture">(.*?)</p>', document, re.S)[1]
    assert "Part des logements vacants, secret en 2021" in reading
    assert "communes/62002/index.html" in reading
    assert document.count('class="main-svg"') >= 1
    assert 'class="has-fictive"' not in document


def test_the_inscribed_property_is_laid_over_both_maps(site, tmp_path):
    asked = "#indicateur=vacance&second=population&couche=bien&zone=200000002"
    document = rendered((site / "carte/index.html").as_uri() + asked, tmp_path)
    assert document.count('class="z-inscribed"') == document.count('class="z-buffer"') == 2
    assert re.search(r'<ul class="legend" data-layer="bien">', document)
    # Framed on an EPCI, a map no longer shows the whole of the basin.
    boxes = re.findall(r'<svg class="map choropleth[^"]*" viewBox="([^"]+)"', document)
    assert len(boxes) == 2 and not any(box.startswith("0 0 ") for box in boxes)


def test_the_map_marks_fictive_figures(site, tmp_path):
    document = rendered((site / "carte/index.html").as_uri() + "#indicateur=rotation", tmp_path)
    assert "(données fictives)" in document.partition("</title>")[0]
    assert re.search(r'<body[^>]*class="has-fictive"', document)
    assert not re.search(r'id="avis-fictif"[^>]*hidden', document)
    assert '<g class="communes made">' in document
    assert {row[2] for row in cells(document, "tableau-carte")} == {"31,4 fictif"}


def test_an_address_that_asks_what_is_not_there_opens_the_first_map(site, tmp_path):
    document = rendered((site / "carte/index.html").as_uri() + "#indicateur=rien&zone=0&commune=1", tmp_path)
    assert cells(document, "tableau-carte")[0][2] == "0,0"


def test_territories_of_any_level_are_set_side_by_side(site, tmp_path):
    chosen = "cite:pinson,commune:62002,epci:200000001,basin:BM,cite:absente"
    page = (site / "comparer/index.html").as_uri()
    document = rendered(f"{page}#t={chosen}&theme=Logement", tmp_path)
    (row,) = cells(document, "tableau-comparaison")
    assert row[1:] == ["non disponible", "secret", "7,3", "7,3"]
    assert "Cet indicateur n’existe pas par cité." in row[0]
    assert document.count('class="main-svg"') >= 1
    document = rendered(f"{page}#t={chosen}&theme=Parc%20minier", tmp_path)
    (row,) = cells(document, "tableau-comparaison")
    assert row[1:] == ["secret", "31,4 fictif", "31,4 fictif", "31,4 fictif"]
    assert "(données fictives)" in document.partition("</title>")[0]


def test_the_table_shown_is_a_file_that_spreadsheets_in_french_open(site, tmp_path):
    hook = """<script>
      const told = document.body.dataset;
      window.Blob = class { constructor(parts) { told.file = encodeURIComponent(parts.join("")); } };
      URL.createObjectURL = () => "#fichier";
      HTMLAnchorElement.prototype.click = function () { told.name = this.download; };
      const button = document.getElementById("telecharger");
      window.addEventListener("load", () => setTimeout(() => button.click(), 2000));
    </script></body>"""
    page = site / "comparer" / "fichier.html"
    text = (site / "comparer/index.html").read_text(encoding="utf-8").replace("</body>", hook)
    page.write_text(text, encoding="utf-8")
    asked = "#t=cite:pinson,cite:zero,epci:200000001&theme=Parc%20minier"
    document = rendered(page.as_uri() + asked, tmp_path)
    page.unlink()
    assert unquote(re.search(r'data-file="([^"]+)"', document)[1]) == (
        '\ufeff"Thème";"Indicateur";"Unité";"Millésime";"Données fictives";"Cité du Pinson (cité minière)";'
        '"Cité du Zéro (cité minière)";"L’Écaillon (intercommunalité)"\r\n'
        '"Parc minier";"Taux de rotation";"%";"2021";"oui";"secret";"0,0";"31,4"\r\n'
    )
    assert 'data-name="comparaison-parc-minier-donnees-fictives.csv"' in document


def test_counts_are_listed_and_never_charted(site, tmp_path):
    page = (site / "comparer/index.html").as_uri()
    document = rendered(f"{page}#t=commune:62001,basin:BM&theme=Population", tmp_path)
    (row,) = cells(document, "tableau-comparaison")
    assert "effectif, non comparé" in row[0]
    assert row[1:] == ["1\u202f000", "9\u202f000"]
    assert re.search(r'<figure class="chart" id="graphique" hidden', document)
    assert 'class="main-svg"' not in document


def test_one_territory_alone_is_not_compared(site, tmp_path):
    document = rendered((site / "comparer/index.html").as_uri() + "#t=commune:62001", tmp_path)
    assert "Choisissez au moins deux territoires." in document
    assert re.search(r'id="comparaison" hidden', document)
