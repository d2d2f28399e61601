"""What ``observatory embed`` cuts out for all France: on made-up packages, then the extracts against counts.

The counts are those published, not those of the package. DGCL, BIS 195, « Les structures territoriales au 1er
janvier 2025 »: 34,875 communes, of which four islands are in no intercommunalité; 1,254 EPCI à fiscalité
propre, of which 21 métropoles (Lyon aside), 14 communautés urbaines, 230 communautés d’agglomération and
989 communautés de communes; 46 communes nouvelles of 110 communes in 2024. Maire-info, February 2024: 34,935
communes on 1 January 2024, eleven communes nouvelles of 24 communes and three communes restored in 2023. No
commune is created in the year before municipal elections: the COG of 2026 has the communes of that of 2025.
"""

import json
from collections import Counter

import polars as pl
import pytest

from observatory.errors import InputError
from observatory.sources.catalogue import get_source
from observatory.sources.embed_france import composition, events
from observatory.sources.embedded import read_embedded
from observatory.sources.extracts import parse_perimeters
from observatory.sources.national import parse_composition, parse_later_events
from observatory.sources.packages import PackageError
from observatory.territories import SEVEN_EPCI


def commune(code, name="X", **more):
    return {"code": code, "nom": name, "type": "commune-actuelle", "zone": "metro"} | more


def part(code, whole, kind="commune-deleguee"):
    return {"code": code, "nom": "part", "type": kind, "zone": "metro", "chefLieu": whole}


def package(**years):
    return {(year.removeprefix("y"), "communes"): json.dumps(found).encode() for year, found in years.items()}


def told(members, absorbed=None):
    header, *rows = events(members, absorbed or {})
    assert header[:3] == ("cog", "evenement", "commune_avant")
    return {(year, kind, before, after) for year, kind, before, _, after, _ in rows}


def test_a_merger_is_told_by_the_commune_deleguee_and_the_commune_that_lasts_is_part_of_it():
    members = package(
        y2023=[commune("01001"), commune("01002"), commune("01003")],
        y2024=[commune("01001"), commune("01003"), part("01002", "01001"), part("01001", "01001")],
    )
    assert told(members) == {
        ("2024", "new_commune", "01001", "01001"),
        ("2024", "new_commune", "01002", "01001"),
    }


def test_a_commune_restored_leaves_the_one_that_it_was_in():
    members = package(
        y2024=[commune("01001"), part("01002", "01001", "commune-associee")],
        y2025=[commune("01001"), commune("01002")],
    )
    assert told(members) == {
        ("2025", "restoration", "01001", "01001"),
        ("2025", "restoration", "01001", "01002"),
    }


def test_a_change_of_seat_changes_the_code_of_the_whole():
    members = package(
        y2024=[commune("01001"), part("01002", "01001")],
        y2025=[commune("01002"), part("01001", "01002")],
    )
    assert told(members) == {("2025", "seat_change", "01001", "01002")}


def test_what_the_package_does_not_say_is_declared_or_refused():
    members = package(y2024=[commune("01001"), commune("01002")], y2025=[commune("01001")])
    assert told(members, {"2025": {"01002": "01001"}}) == {
        ("2025", "new_commune", "01001", "01001"),
        ("2025", "new_commune", "01002", "01001"),
    }
    with pytest.raises(PackageError, match=r"01002 \(X\).*absorbed"):
        told(members)
    with pytest.raises(PackageError, match="01003, qui ne vient d’aucune"):
        told(package(y2024=[commune("01001")], y2025=[commune("01001"), commune("01003")]))


def test_a_declaration_that_the_package_makes_useless_is_refused():
    members = package(
        y2024=[commune("01001"), commune("01002")], y2025=[commune("01001"), part("01002", "01001")]
    )
    with pytest.raises(PackageError, match=r"01002.*retirez-les"):
        told(members, {"2025": {"01002": "01001"}})


def test_insee_tells_the_events_before_2024():
    assert told(package(y2022=[commune("01001"), commune("01002")], y2023=[commune("01001")])) == set()


def test_the_composition_keeps_the_islands_and_leaves_the_collectivities_out():
    def of(department, region):
        return {"departement": department, "region": region, "population": 7}

    members = {
        ("2026", "communes"): json.dumps(
            [
                commune("22016", "Île-de-Bréhat", **of("22", "53")),
                commune("59001", "Abancourt", **of("59", "32")),
                commune("98735", "Papeete", zone="com", **of("987", "987")),
                part("59002", "59001"),
            ]
        ).encode(),
        ("2026", "epci"): json.dumps(
            [{"code": "200000000", "nom": "CC X", "type": "CC", "membres": [{"code": "59001"}]}]
        ).encode(),
        ("2026", "departments"): json.dumps(
            [{"code": "22", "nom": "Côtes-d’Armor"}, {"code": "59", "nom": "Nord"}]
        ).encode(),
        ("2026", "regions"): json.dumps(
            [{"code": "53", "nom": "Bretagne"}, {"code": "32", "nom": "Hauts-de-France"}]
        ).encode(),
    }
    assert composition(members).rows() == [
        ("2026", "22016", "Île-de-Bréhat", "7", "22", "Côtes-d’Armor", "53", "Bretagne", None, None, None),
        ("2026", "59001", "Abancourt", "7", "59", "Nord", "32", "Hauts-de-France", "200000000", "CC X", "CC"),
    ]
    stray = json.dumps([{"code": "200000000", "nom": "", "type": "CC", "membres": [{"code": "98735"}]}])
    with pytest.raises(PackageError, match="98735"):
        composition(members | {("2026", "epci"): stray.encode()})


# --- The extracts -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def france(embedded):
    return parse_composition(read_embedded(embedded / "france.parquet"))


@pytest.fixture(scope="module")
def later(embedded):
    return parse_later_events(read_embedded(embedded / "evenements.csv"))


def test_france_has_the_communes_and_the_epci_that_the_dgcl_counts(france):
    assert france.height == france["commune_code"].n_unique() == 34_875
    epci = france.drop_nulls("epci_code").unique("epci_code")
    assert Counter(epci["epci_kind"]) == {"CC": 989, "CA": 230, "METRO": 21, "CU": 14, "MET69": 1}
    islands = france.filter(pl.col("epci_code").is_null())
    assert islands["commune_code"].to_list() == ["22016", "29083", "29155", "85113"]


def test_france_has_101_departments_and_18_regions_each_department_in_one(france):
    pairs = france.select("department_code", "region_code").unique()
    assert pairs.height == france["department_code"].n_unique() == 101
    assert france["region_code"].n_unique() == france["region_name"].n_unique() == 18
    # Paris, Lyon and Marseille are communes, and their arrondissements none.
    assert not set(france["commune_code"]) & {"75101", "69381", "13201"}
    assert {"75056", "69123", "13055"} <= set(france["commune_code"])


def test_the_seven_epci_are_the_same_in_both_extracts(france, embedded):
    perimeters = parse_perimeters(read_embedded(embedded / "perimetres.csv"))
    columns = ["commune_code", "epci_code", "epci_name", "epci_kind"]
    ours = perimeters.filter(pl.col("perimeter_vintage") == 2026).select(columns)
    found = france.filter(pl.col("epci_code").is_in(SEVEN_EPCI)).select(columns)
    assert found.height == 287
    assert found.sort("commune_code").equals(ours.sort("commune_code"))


def test_the_later_events_are_those_that_the_dgcl_counts(later):
    of = later.with_columns(year=pl.col("date").dt.year())
    mergers = of.filter(pl.col("kind") == "new_commune").group_by("year")
    counted = mergers.agg(pl.n_unique("code_before"), pl.n_unique("code_after")).sort("year")
    assert counted.rows() == [(2024, 24, 11), (2025, 110, 46)]
    restored = of.filter(pl.col("kind") == "restoration", pl.col("code_before") != pl.col("code_after"))
    assert Counter(restored["year"])[2024] == 3
    # From 34,935 communes in 2024 to 34,875 in 2025: 64 fewer by merger, four more by restoration.
    assert 34_935 - (110 - 46) + Counter(restored["year"])[2025] == 34_875


def test_declared_mergers_bear_on_communes_that_are_gone(later):
    declared = {
        (code, target)
        for one in get_source("etalab_decoupage").vintages.values()
        for code, target in one.absorbed.items()
    }
    assert len(declared) == 10
    assert declared <= set(later.select("code_before", "code_after").iter_rows())


def test_faults_of_the_extracts_are_named(embedded):
    text = read_embedded(embedded / "evenements.csv")
    with pytest.raises(InputError, match="type connu"):
        parse_later_events(text.with_columns(evenement=pl.lit("merger?")))
    with pytest.raises(InputError, match="nom_region"):
        parse_composition(read_embedded(embedded / "france.parquet").drop("nom_region"))
