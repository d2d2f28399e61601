"""What the map and the comparison are made of: classes, coded figures, files by territory, postcodes."""

import dataclasses
import json
import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rendering_site import FICTIVE_VALUE, site_data, without_heritage

from observatory.rendering.compare_data import comparison_scripts
from observatory.rendering.edition import edition
from observatory.rendering.figures import FigureBook
from observatory.rendering.map_data import MapData, indicators_script, rounded, scale
from observatory.rendering.map_page import first_indicator, map_page
from observatory.rendering.places import Gazetteer
from observatory.rendering.search import search_script

LETTERS = {"s", "m", "o", "d"}


@pytest.fixture(scope="module")
def data():
    return site_data()


@pytest.fixture(scope="module")
def made(data):
    return edition(data)


@pytest.fixture(scope="module")
def population(data):
    return FigureBook(data.observations, data.definitions, data.files).indicator("population")


def payload(text):
    """Return what a file of figures holds: JSON after the first equals sign."""
    return json.loads(text.partition(" = ")[2].strip().removesuffix(";"))


def test_five_classes_of_as_many_values_each(population):
    found = scale(population, range(1, 11))
    assert found.bounds == (3, 5, 7, 9)
    assert [found.tone(value) for value in range(1, 11)] == [f"t{rank // 2}" for rank in range(10)]
    assert found.labels(1) == [
        "moins de 3,0",
        "de 3,0 à moins de 5,0",
        "de 5,0 à moins de 7,0",
        "de 7,0 à moins de 9,0",
        "9,0 ou plus",
    ]


def test_the_lowest_value_is_a_class_of_its_own_where_it_is_common(population):
    found = scale(population, [0] * 6 + [1, 2, 3, 4])
    assert found.bounds == (1, 2, 3, 4)
    assert found.tone(0) == "t0" and found.tone(1) == "t1"


def test_gains_and_losses_are_parted_at_zero(population):
    found = scale(population, [-9, -6, -3, -1, 0, 1, 2, 3, 4])
    assert 0 in found.bounds
    assert {found.tone(value)[0] for value in (-9, -1, -0.1)} == {"n"}
    assert {found.tone(value)[0] for value in (0, 0.1, 4)} == {"p"}


def test_one_value_is_one_class_and_none_is_none(population):
    assert scale(population, [4.5, 4.5]).labels(1) == ["4,5"]
    assert scale(population, []) is None


@given(values=st.lists(st.integers(-50, 50), min_size=1, max_size=80))
def test_classes_hold_every_value_in_order(population, values):
    found = scale(population, values)
    assert 1 <= len(found.tones) == len(found.bounds) + 1 == len(found.labels(0)) <= 5
    assert list(found.bounds) == sorted(set(found.bounds))
    ranks = [found.tones.index(found.tone(value)) for value in sorted(values)]
    assert ranks == sorted(ranks)
    # The first class holds the lowest value and the last the highest.
    assert ranks[0] == 0
    assert ranks[-1] == len(found.tones) - 1


@given(value=st.floats(-1e6, 1e6), decimals=st.integers(0, 3))
def test_rounding_moves_a_value_by_half_a_unit_at_most(value, decimals):
    shown = rounded(value, decimals)
    assert abs(shown - value) <= 0.5 * 10**-decimals + 1e-9
    assert math.isclose(shown, round(shown, decimals), abs_tol=1e-12)


@pytest.mark.parametrize(
    ("value", "decimals", "shown"), [(12.25, 1, 12.3), (-12.25, 1, -12.3), (2.5, 0, 3), (0.04, 1, 0)]
)
def test_halves_go_away_from_zero_as_in_the_pages(value, decimals, shown):
    assert rounded(value, decimals) == shown


def test_a_figure_that_is_not_published_is_a_letter(made, data):
    files = dict(MapData(made, data.heritage).scripts())
    vacancy = payload(files["carte/vacance.js"])
    assert vacancy["vintages"] == [2021]
    assert vacancy["values"] == {
        "62001": [0],
        "62002": ["s"],
        "62003": ["m"],
        "62004": ["o"],
        "62005": ["d"],
        "62006": [5],
    }
    assert payload(files["carte/population.js"])["values"]["62003"] == [3000, 3000, 3000]
    # What exists for cités only is on no map of the communes.
    assert set(files) == {
        f"carte/{name}.js"
        for name in ("population", "vacance", "rotation", "menage_seul", "menage_autre", "typologie", "bien")
    }


def test_the_catalogue_of_the_scripts_says_what_is_fictive_and_how_it_compares(made, data):
    listed = {one["indicator"]: one for one in payload(indicators_script(made, MapData(made, data.heritage)))}
    assert {name for name, one in listed.items() if one["fictive"]} == {
        "rotation",
        "menage_seul",
        "menage_autre",
    }
    assert listed["population"]["total"] and not listed["population"]["compared"]
    assert listed["vacance"]["scale"]["hue"] == "chaude"
    assert listed["rotation"]["scale"]["labels"] == [f"{FICTIVE_VALUE:.1f}".replace(".", ",")]
    assert listed["menage_seul"]["scale"] is None


def test_a_mixed_figure_is_told_where_its_indicator_is_real(data):
    mixed = (
        (pl.col("territory_code") == "62006")
        & (pl.col("indicator") == "population")
        & (pl.col("vintage") == 2020)
    )
    files = pl.when(mixed).then(pl.lit(["real", "made"])).otherwise("file_ids").alias("file_ids")
    other = edition(dataclasses.replace(data, observations=data.observations.with_columns(files)))
    text = dict(MapData(other, data.heritage).scripts())["carte/population.js"]
    assert payload(text)["fictive"] == {"2020": ["62006"]}


def test_the_map_opens_with_a_real_indicator_that_compares(made, data):
    page = map_page(made, MapData(made, data.heritage))
    assert page.content["indicator"].indicator == "vacance"
    assert not page.fictive
    keys = {key.css: key.count for key in page.content["keys"]}
    assert sum(keys.values()) == 6
    assert {letter: keys[letter] for letter in LETTERS} == dict.fromkeys(LETTERS, 1)
    assert first_indicator([one for one in made.book.indicators if one.fictive]).indicator == "rotation"


def test_the_inscribed_property_is_drawn_where_the_edition_has_it(made, data):
    paths = payload(dict(MapData(made, data.heritage).scripts())["carte/bien.js"])["paths"]
    # Two squares, then one: four corners each, the last joined to the first.
    assert [paths[part].count("M") for part in ("inscribed", "buffer")] == [2, 1]
    page = map_page(made, MapData(made, data.heritage))
    assert [layer.name for layer in page.content["layers"]] == [
        "bien",
        "cites",
        "unesco",
        "interet",
        "programme",
    ]
    bare = without_heritage(data)
    other = edition(bare)
    assert "carte/bien.js" not in dict(MapData(other, bare.heritage).scripts())
    assert map_page(other, MapData(other, bare.heritage)).content["layers"] == []


def test_each_territory_is_in_one_file_with_the_figures_of_its_level(made):
    files = dict(comparison_scripts(made))
    listed = payload(files["comparer/territoires.js"])["territories"]
    assert len(listed) == 3 + 6 + 2 + 1 + 3
    assert listed["basin:BM"] == ["Bassin minier", "reperes"]
    assert listed["cite:zero"] == ["Cité du Zéro", "cites-200000001"]
    for name, (_, group) in listed.items():
        content = payload(files[f"comparer/{group}.js"])
        assert len(content["figures"][name]) == len(content["indicators"]) == len(content["vintages"])
    cites = payload(files["comparer/cites-200000001.js"])
    found = dict(zip(cites["indicators"], cites["figures"]["cite:pinson"], strict=True))
    assert found == {"rotation": "s", "menage_seul": 40, "menage_autre": "s"}
    assert cites["fictive"] == {}


def test_a_postcode_of_the_shipped_data_finds_its_communes_and_their_cites(territories, cites, postcodes):
    gazetteer = Gazetteer(territories, cites, int(territories["perimeter_vintage"].max()))
    entries = json.loads(search_script(gazetteer, postcodes).partition("=")[2].strip().removesuffix(";"))
    assert len(entries) == 287 + len(gazetteer.cites) + 7 + 1
    of_lens = {label for label, _, _, _, codes in entries if "62300" in codes.split()}
    assert "Lens" in of_lens
    assert {cite.place.name for cite in gazetteer.cites_of(gazetteer.place("commune", "62498"))} <= of_lens
    # Every commune can be found by a postcode, and La Poste gives some of them several communes.
    communes = [codes.split() for _, kind, _, _, codes in entries if kind.startswith("commune ")]
    assert all(communes)
    assert len({code for codes in communes for code in codes}) < 287
