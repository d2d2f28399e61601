"""Styles of the layers: each territory is drawn once, in a colour of the site, and no blank as a value.

No package carries the schema of SLD (OGC 02-070): what a server needs of it is checked here, filters being
run on the layers that are published.
"""

import dataclasses
import json
import re
from pathlib import Path

import polars as pl
import pytest
from lxml import etree
from rendering_site import site_data

from observatory.rendering import SiteData, build_site
from observatory.rendering.layer_styles import class_fills, ramps

SLD = "http://www.opengis.net/sld"
OGC = "http://www.opengis.net/ogc"
NAMES = {"s": SLD, "o": OGC}
STATIC = Path(__file__).parents[2] / "observatory/rendering/static/styles"
GREY = "#d5d9de"


@pytest.fixture(scope="module")
def data() -> SiteData:
    """An edition where a figure of a commune is hidden, and where two cités are drawn."""
    data = site_data(8)
    heritage = data.cite_heritage.with_columns(owners=pl.lit(["Maisons & Cités", "SIA"]))
    more = heritage.with_columns(
        slug=pl.lit("pinson"), interests=pl.lit(["Témoin"]), owners=pl.lit([], pl.List(pl.String))
    )
    known = pl.col("indicator").is_in(["population"]) & (pl.col("territory_code") == "62004")
    return dataclasses.replace(
        data,
        cite_heritage=pl.concat([heritage, more]),
        observations=data.observations.with_columns(
            value=pl.when(~known).then("value"),
            status=pl.when(known).then(pl.lit("secret")).otherwise("status"),
        ),
    )


@pytest.fixture(scope="module")
def folder(data: SiteData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("styles") / "site"
    build_site(data, folder)
    return folder / "donnees"


def takes(node: etree._Element, row: dict[str, object]) -> bool:
    """Say whether a filter takes a territory, as OGC 02-059 defines its operators."""
    kind = etree.QName(node).localname
    if kind == "Filter":
        (inside,) = node
        return takes(inside, row)
    if kind in ("And", "Or"):
        return (all if kind == "And" else any)(takes(inside, row) for inside in node)
    value = row[node.findtext("o:PropertyName", namespaces=NAMES)]
    literal = node.findtext("o:Literal", namespaces=NAMES)
    if value is None:
        return False
    if kind == "PropertyIsLike":
        assert (node.get("wildCard"), node.get("escape")) == ("*", "\\")
        return re.fullmatch(re.escape(literal).replace(r"\*", ".*"), str(value)) is not None
    if kind == "PropertyIsEqualTo":
        return str(value) == literal
    assert isinstance(value, float)
    if kind == "PropertyIsLessThan":
        return value < float(literal)
    assert kind == "PropertyIsGreaterThanOrEqualTo", kind
    return value >= float(literal)


def drawn(folder: Path, name: str) -> dict[str, tuple[str, str]]:
    """Return the title of the rule and the colour of each territory of the layer of a style."""
    style = etree.parse(folder / f"styles/{name}.sld").getroot()
    assert (style.tag, style.get("version")) == (f"{{{SLD}}}StyledLayerDescriptor", "1.0.0")
    layer = style.findtext("s:NamedLayer/s:Name", namespaces=NAMES)
    content = json.loads((folder / f"{layer}-2026-1.geojson").read_text("utf-8"))
    rows = [feature["properties"] for feature in content["features"]]
    used = {node.text for node in style.iter(f"{{{OGC}}}PropertyName")}
    assert used <= rows[0].keys()
    rules = style.findall(".//s:Rule", NAMES)
    filters = [rule.find("o:Filter", NAMES) for rule in rules]
    assert [one is None for one in filters] == [False] * (len(rules) - 1) + [True]
    assert rules[-1].find("s:ElseFilter", NAMES) is not None
    found = {}
    for row in rows:
        taking = [
            rule for rule, one in zip(rules, filters, strict=True) if one is not None and takes(one, row)
        ]
        assert len(taking) <= 1, (name, row["code"])
        rule = taking[0] if taking else rules[-1]
        found[row["code"]] = (
            rule.findtext("s:Title", namespaces=NAMES),
            rule.findtext("s:PolygonSymbolizer/s:Fill/s:CssParameter", namespaces=NAMES),
        )
    return found


def test_there_is_a_style_by_class_and_by_figure_by_interest_and_by_owner(folder: Path) -> None:
    assert sorted(path.name for path in (folder / "styles").iterdir()) == [
        "cites-interet.sld",
        "cites-proprietaire.sld",
        "communes-population.sld",
        "communes-typologie.sld",
    ]


def test_a_commune_is_drawn_in_the_colour_of_its_class(folder: Path, data: SiteData) -> None:
    found = drawn(folder, "communes-typologie")
    classes = dict(data.typology["communes"].select("commune_code", "class").iter_rows())
    sheet = (STATIC / "base.css").read_text("utf-8")
    for code, (title, fill) in found.items():
        if code in classes:
            assert title.startswith(f"Classe\u00a0{classes[code]}")
            assert f"--c{classes[code] - 1}: {fill}" in sheet
        else:
            assert (title, fill) == ("Commune hors de la typologie", GREY)
    assert len(found.keys() - classes.keys()) == 1


def test_figures_are_drawn_in_the_classes_of_the_map(folder: Path) -> None:
    found = drawn(folder, "communes-population")
    assert found.pop("62004") == ("Valeur non publiée", GREY)
    fills = [found[code][1] for code in sorted(found)]
    # 1,000 inhabitants more from one commune to the next: darker and darker, as many in each class, but one.
    ramp = list(ramps()["neutre"].values())
    assert fills == sorted(fills, key=ramp.index)
    assert set(fills) == set(ramp)
    assert found["62001"][0] == "moins de 2\u202f000"


def test_a_cite_is_drawn_by_the_first_of_its_values(folder: Path) -> None:
    interests = drawn(folder, "cites-interet")
    assert {code: title for code, (title, _) in interests.items()} == {
        "hostile": "Exceptionnelle",
        "pinson": "Témoin",
    }
    assert interests["hostile"][1] != interests["pinson"][1]
    owners = drawn(folder, "cites-proprietaire")
    assert owners["hostile"][0] == "Maisons & Cités"
    assert owners["pinson"] == ("Autre, ou non renseigné", GREY)


def test_colours_are_those_of_the_site() -> None:
    assert len(class_fills()) == len(set(class_fills())) == 11
    assert {hue: len(tones) for hue, tones in ramps().items() if hue != "opposee"} == {
        "neutre": 5,
        "chaude": 5,
        "froide": 5,
    }
    assert {"n1", "n2", "n3", "p1", "p2", "p3"} <= ramps()["opposee"].keys()
