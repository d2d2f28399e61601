"""What scripts hand to the map and the comparison is attacked like the rest of a site."""

import json
import re

import polars as pl
import pytest
from rendering_site import site_data

from observatory.disclosure.audit import audit_release
from observatory.disclosure.release import ReleaseError, read_release
from observatory.disclosure.scripts import SCRIPTED, beyond_the_data, read_scripts
from observatory.indicators.catalogue import load_indicators
from observatory.rendering import build_site


@pytest.fixture
def site(tmp_path):
    build_site(site_data(), tmp_path / "site")
    return tmp_path / "site"


def altered(path, change):
    """Rewrite the payload of a script of figures."""
    head, _, text = path.read_text(encoding="utf-8").partition(" = ")
    payload = json.loads(text.strip().removesuffix(";"))
    change(payload)
    path.write_text(f"{head} = {json.dumps(payload)};\n", encoding="utf-8")


def test_a_site_as_built_hands_out_its_published_figures_and_nothing_else(site):
    release = read_release(site)
    scripted = read_scripts(site)
    assert scripted.schema == SCRIPTED
    assert beyond_the_data(release).is_empty()
    key = ["level", "code", "indicator", "vintage"]
    handed = set(scripted.select(key).rows())
    published = release.figures.filter(pl.col("status") == "published", pl.col("level") == "commune")
    # Every published figure of a commune is on the map, whatever its year.
    assert set(published.select(key).rows()) <= handed
    # The secret vacancy of the second commune is in no script; the true zero of the first is.
    assert ("commune", "62002", "vacance", 2021) not in handed
    assert ("commune", "62001", "vacance", 2021) in handed


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("carte/vacance.js", lambda content: content["values"].update({"62002": [12.5]})),
        ("carte/population.js", lambda content: content["values"].update({"62001": [1000, 2000.5, 1000]})),
        ("carte/vacance.js", lambda content: content.update(vintages=[2020])),
        (
            "comparer/cites-200000001.js",
            lambda content: content["figures"].update({"cite:pinson": [7.7, 40, 12.3]}),
        ),
    ],
    ids=["secret", "contradiction", "year", "cité"],
)
def test_a_number_that_the_data_do_not_publish_is_a_leak(site, file, change):
    altered(site / "assets" / file, change)
    found = beyond_the_data(read_release(site))
    assert not found.is_empty()
    assert set(found["origin"]) == {f"assets/{file}"}


def test_the_audit_names_the_script_the_place_and_the_year_and_no_value(site):
    altered(
        site / "assets" / "carte" / "vacance.js",
        lambda content: content["values"].update({"62002": [12.5]}),
    )
    audit = audit_release(read_release(site), [], load_indicators(), with_pages=False)
    (leak,) = audit.leaks
    assert leak.what == "Part des logements vacants, Œuf-en-Ternois 1, 2021"
    assert leak.path == ("le script assets/carte/vacance.js donne un nombre que les données ne publient pas",)
    assert not re.search(r"12[.,]5", leak.what + leak.path[0])


@pytest.mark.parametrize(
    "text",
    [
        'window.OBSERVATORY_MAP["vacance"] = {"valeurs": {"62002": [12.5]}};\n',
        'window.OBSERVATORY_MAP["vacance"] = {"values": {"62002": [12.5]}, ;\n',
        'window.AUTRE = {"62002": 12.5};\n',
    ],
    ids=["unknown shape", "no JSON", "another table"],
)
def test_a_script_of_figures_that_cannot_be_read_stops_the_audit(site, text):
    (site / "assets" / "carte" / "autre.js").write_text(text, encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"assets/carte/autre\.js"):
        beyond_the_data(read_release(site))
