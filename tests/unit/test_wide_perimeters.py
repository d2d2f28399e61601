"""The perimeters of the region and of France: their communes, what holds them, what is left out."""

import datetime

import polars as pl
import pytest

from assets.core.geography import population_series
from assets.core.perimeters import perimeter_communes, perimeter_versions
from assets.perimeter import PERIMETER_VARIABLE
from assets.raw.files import PATH_COLUMN
from observatory.geography import build_history, build_passage
from observatory.geography.perimeter_versions import (
    of_composition,
    on_communes_of_today,
    seven_of_editions,
    versions,
)
from observatory.indicators.values import with_comparators
from observatory.sources.commune_populations import read_populations
from observatory.sources.embedded import read_embedded
from observatory.sources.national import parse_composition, parse_later_events
from observatory.tables import VALUES
from observatory.territories import (
    OVERSEAS_DEPARTMENTS,
    REGION_DEPARTMENTS,
    SEVEN_EPCI,
    areas_of,
    build_version,
    delivered,
    department_of,
    members,
)

FILES = ["etalab_decoupage:2026:epci", "etalab_decoupage:2026:communes"]
NO_IRIS = pl.DataFrame(schema={"code": pl.String})
CITE = pl.DataFrame({"slug": ["une-cite"], "name": ["Une cité"], "commune_codes": [["62498"]]})


@pytest.fixture(scope="module")
def composition(embedded):
    return parse_composition(read_embedded(embedded / "france.parquet"))


def territories_of(perimeter, composition):
    version = of_composition(perimeter, composition, FILES)
    names = dict(version.select("commune_code", "commune_name").iter_rows())
    now = on_communes_of_today(version, 2026, names, None)
    return build_version(now, NO_IRIS, CITE, areas_of(composition, now))


@pytest.fixture(scope="module")
def region(composition):
    return territories_of("hauts_de_france", composition)


@pytest.fixture(scope="module")
def france(composition):
    return territories_of("france", composition)


def codes(territories, level):
    return territories.filter(pl.col("level") == level)["code"].to_list()


def row(territories, level, code):
    return territories.row(by_predicate=(pl.col("level") == level) & (pl.col("code") == code), named=True)


def test_the_region_has_its_five_departments_and_france_all_but_mayotte(region, france, composition):
    assert codes(region, "department") == list(REGION_DEPARTMENTS)
    assert codes(region, "region") == ["32"]
    inside = composition.filter(pl.col("department_code").is_in(REGION_DEPARTMENTS))["commune_code"]
    assert codes(region, "commune") == inside.sort().to_list()
    # 101 departments and 18 regions, less Mayotte and its seventeen communes.
    assert (len(codes(france, "department")), len(codes(france, "region"))) == (100, 17)
    assert len(codes(france, "commune")) == 34_875 - 17
    assert {code[:3] for code in codes(france, "commune") if code.startswith("97")} == set(
        OVERSEAS_DEPARTMENTS
    )


def test_each_commune_is_in_one_territory_of_each_level(france):
    communes = set(codes(france, "commune"))
    for level in ("epci", "basin", "department", "region", "country"):
        pairs = members(france, "commune", level)
        assert pairs.height == len(communes)
        assert set(pairs["child"]) == communes
        assert set(pairs["parent"]) == set(codes(france, level))


def test_an_epci_of_two_regions_is_in_neither_and_says_what_it_has_inside(region, france):
    # The communauté of Aumale and Blangy-sur-Bresle has communes of the Somme and of Seine-Maritime.
    straddling = row(france, "epci", "200069722")
    assert straddling["parents"] == ["basin:BM", "country:FR"]
    assert row(region, "epci", "200069722")["name"].endswith("communes sur 44)")
    assert row(france, "epci", "200042190")["parents"] == ["basin:BM", "region:32", "country:FR"]
    islands = row(france, "epci", "ZZZZZZZZZ")
    assert islands["name"] == "Communes sans intercommunalité"
    assert members(france, "commune", "epci").filter(pl.col("parent") == "ZZZZZZZZZ").height == 4


def test_the_basin_of_a_wide_perimeter_is_named_for_what_it_is(region, france):
    assert row(region, "basin", "BM")["name"] == "Ensemble des Hauts-de-France"
    assert row(region, "basin", "BM")["parents"] == ["region:32", "country:FR"]
    assert row(france, "basin", "BM")["name"] == "Ensemble de la France (hors Mayotte)"
    assert row(france, "basin", "BM")["parents"] == ["country:FR"]


def test_names_are_written_as_in_french(france):
    assert row(france, "region", "93")["name"] == "Provence-Alpes-Côte d’Azur"
    assert row(france, "department", "22")["name"] == "Côtes-d’Armor"
    assert row(france, "commune", "01001")["name"] == "L’Abergement-Clémenciat"
    names = france["name"]
    assert not names.str.contains(r"'| - |oeu").any()


def test_the_seven_epci_are_whole_in_both(region, france):
    for territories in (region, france):
        pairs = members(territories, "commune", "epci").filter(pl.col("parent").is_in(SEVEN_EPCI))
        assert pairs.height == 287


def test_deliveries_are_about_the_seven_epci_alone(region, all_territories):
    about = delivered(region)
    assert set(about["level"]) == {"commune", "epci", "cite"}
    assert len(codes(about, "commune")) == 287
    assert sorted(codes(about, "epci")) == sorted(SEVEN_EPCI)
    assert codes(about, "cite") == ["une-cite"]
    # A sum over the region would be that of an eighth of its communes.
    assert members(about, "commune", "basin").is_empty()
    assert members(about, "commune", "epci").height == 287
    seven = all_territories.filter(pl.col("perimeter_vintage") == 2026)
    assert delivered(seven).equals(seven)


def test_versions_say_that_mayotte_is_left_out(composition):
    table = versions(of_composition("france", composition, FILES), {"hauts_de_france": "Non choisi."})
    rows = {one["choice"]: one for one in table.iter_rows(named=True)}
    assert (rows["france"]["selectable"], rows["france"]["communes"]) == (True, 34_858)
    assert "Sans Mayotte" in rows["france"]["note"]
    assert rows["france"]["note"].endswith("intercommunalité\u202f: 4.")
    assert (rows["hauts_de_france"]["selectable"], rows["hauts_de_france"]["communes"]) == (False, None)


def test_comparators_are_those_of_the_perimeter(composition):
    counts = {"02001": 1.0, "59001": 2.0, "2A004": 4.0, "97401": 8.0, "97601": 16.0}
    frame = VALUES.conform(
        pl.DataFrame(
            {
                "source": "insee_comparateur",
                "variable": "population",
                "vintage": 2018,
                "level": "commune",
                "code": list(counts),
                "value": list(counts.values()),
                "status": "published",
                "geography_vintage": 2021,
                "file_id": "insee_comparateur:2018:data",
            }
        )
    )
    areas = areas_of(composition, pl.DataFrame({"commune_code": ["02001", "2A004", "97411"]}))
    sums = with_comparators(frame, "insee_comparateur", ("department", "region", "country"), areas)
    assert {(one["level"], one["code"]): one["value"] for one in sums.iter_rows(named=True)} == {
        ("department", "02"): 1,
        ("department", "2A"): 4,
        ("department", "974"): 8,
        ("region", "32"): 3,
        ("region", "94"): 4,
        ("region", "04"): 8,
        ("country", "FR"): 15,
    }


def test_a_passage_follows_the_events_that_the_package_tells(embedded):
    """Hesdin absorbed three neighbours in 2024; Essarts-en-Bocage lost two of its own in 2023."""
    later = parse_later_events(read_embedded(embedded / "evenements.csv"))
    history = build_history(later, 2026, first_year=2023)
    hesdin = build_passage(history, ["62447", "62461", "62549", "62743", "62498"], 2023, 2026)
    kinds = dict(hesdin.select("code_from", "kind").iter_rows())
    assert set(hesdin.filter(pl.col("kind") == "merged")["code_to"]) == {"62447"}
    assert kinds["62498"] == "unchanged"
    assert hesdin.filter(pl.col("code_from") == "62461")["date"].to_list() == [datetime.date(2025, 1, 1)]
    people = pl.DataFrame({"cog_year": 2026, "code": ["85084", "85165", "85212"], "population": [70, 20, 10]})
    essarts = build_passage(history, ["85084"], 2023, 2026, people)
    assert essarts["estimated"].all()
    assert essarts["ratio"].to_list() == pytest.approx([0.7, 0.2, 0.1])


def test_populations_since_1968_follow_the_mergers_of_2024_where_the_file_covers_them(
    mirror, perimeters, composition, embedded, monkeypatch
):
    """Hesdin-la-Forêt has the inhabitants of the four communes that made it, summed by hand from the file.

    A commune of the Nord that took in one of the Aisne has no series: the file lacks what came from there.
    """
    monkeypatch.setenv("OBSERVATORY_DATA", str(mirror))
    file = "insee/populations/populations_1968_2024_59_62_geographie_de_l_annee.csv"
    series = population_series(
        snapshot("2023", "insee/cog/v_mvtcommune_2023.csv"),
        snapshot("1968-2024", file),
        pl.concat([seven_of_editions(perimeters), of_composition("hauts_de_france", composition, FILES)]),
        read_embedded(embedded / "evenements.csv"),
    )
    assert {department_of(code) for code in series["code"].unique()} == {"59", "62"}
    assert "59545" not in series["code"]
    read = read_populations(mirror / file).filter(pl.col("vintage") == 2019)
    parts = read.filter(pl.col("code").is_in(["62447", "62461", "62549", "62743"]))
    assert parts.height == 4
    found = series.filter(pl.col("code") == "62447", pl.col("vintage") == 2019)
    assert found.select("population", "estimated").row(0) == (parts["population"].sum(), False)


@pytest.mark.parametrize(("choice", "held"), [(None, set()), ("mbm", set()), ("france", {"france"})])
def test_a_run_holds_the_communes_of_france_where_it_is_for_them(
    perimeters, embedded, monkeypatch, choice, held
):
    monkeypatch.delenv(PERIMETER_VARIABLE, raising=False)
    if choice:
        monkeypatch.setenv(PERIMETER_VARIABLE, choice)
    nothing = pl.DataFrame(schema={"vintage": pl.String})
    made = perimeter_communes(
        perimeters, nothing, nothing, nothing, nothing, read_embedded(embedded / "france.parquet")
    )
    assert set(made["perimeter"]) == {"sept_epci"} | held
    told = {row["choice"]: row for row in perimeter_versions(made).iter_rows(named=True)}
    assert told["france"]["selectable"] == bool(held)
    assert "traitement qui le choisit" in told["hauts_de_france"]["note"]
    assert told["mbm"]["note"].startswith("Il demande")


def snapshot(vintage, path):
    return pl.DataFrame({"vintage": [vintage], PATH_COLUMN: [path], "file_id": [f"x:{vintage}:data"]})
