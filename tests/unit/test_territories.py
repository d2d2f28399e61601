import re

import polars as pl
import pytest

from observatory.errors import ObservatoryError
from observatory.territories import (
    SEVEN_EPCI,
    StrayTerritoryError,
    UnknownPerimeterError,
    build_territories,
    build_version,
    cites_within,
    department_of,
    french_name,
    members,
    select_perimeter,
)

SIZES_2026 = {
    "200072460": 100,  # Béthune-Bruay, Artois-Lys Romane
    "200042190": 47,  # Porte du Hainaut
    "246200364": 36,  # Lens-Liévin
    "200044618": 35,  # Douaisis
    "245901160": 35,  # Valenciennes
    "245901152": 20,  # Cœur d’Ostrevent
    "246200299": 14,  # Hénin-Carvin
}


def epci_of(territories, commune):
    pairs = members(territories, "commune", "epci").filter(pl.col("child") == commune)
    return pairs["parent"].item()


def named(territories, level):
    return dict(territories.filter(pl.col("level") == level).select("code", "name").iter_rows())


def row(territories, level, code):
    return territories.filter(pl.col("level") == level, pl.col("code") == code).row(0, named=True)


def test_seven_epci_hold_their_communes(territories):
    sizes = members(territories, "commune", "epci").group_by("parent").len()
    assert dict(sizes.iter_rows()) == SIZES_2026
    assert set(SEVEN_EPCI) == set(SIZES_2026)


@pytest.mark.parametrize("year", range(2021, 2027))
def test_every_perimeter_has_287_communes_in_seven_epci(year, all_territories):
    one = select_perimeter(all_territories, year)
    assert one.filter(pl.col("level") == "commune").height == 287
    assert set(named(one, "epci")) == set(SIZES_2026)
    assert members(one, "commune", "basin")["parent"].to_list() == ["BM"] * 287


@pytest.mark.parametrize("year", range(2021, 2027))
def test_emerchicourt_stands_in_porte_du_hainaut_in_every_edition(year, all_territories):
    """The source of COG 2023 puts it in Cœur d’Ostrevent: a declared correction."""
    one = select_perimeter(all_territories, year)
    assert epci_of(one, "59192") == "200042190"
    assert dict(members(one, "commune", "epci").group_by("parent").len().iter_rows()) == SIZES_2026


def test_no_commune_changes_epci_from_2021_on(perimeters):
    homes = perimeters.group_by("commune_code").agg(pl.col("epci_code").n_unique())
    assert homes["epci_code"].unique().to_list() == [1]


def test_coeur_d_ostrevent_becomes_a_communaute_d_agglomeration(perimeters, all_territories):
    kinds = perimeters.filter(pl.col("epci_code") == "245901152").select("perimeter_vintage", "epci_kind")
    assert dict(kinds.unique().iter_rows()) == {
        year: "CC" if year < 2025 else "CA" for year in range(2021, 2027)
    }
    for year in range(2021, 2027):
        name = named(select_perimeter(all_territories, year), "epci")["245901152"]
        assert name == ("CC" if year < 2025 else "CA") + " Cœur d’Ostrevent"


def test_names_of_the_epci_are_typeset(territories):
    assert named(territories, "epci") == {
        "200042190": "CA de la Porte du Hainaut",
        "200044618": "CA Douaisis Agglo",
        "200072460": "CA de Béthune-Bruay, Artois-Lys Romane",
        "245901152": "CA Cœur d’Ostrevent",
        "245901160": "CA Valenciennes Métropole",
        "246200299": "CA d’Hénin-Carvin",
        "246200364": "CA de Lens-Liévin",
    }


def test_no_name_of_any_edition_keeps_a_keyboard_habit(all_territories):
    for name in all_territories["name"].unique():
        assert not re.search(r"'| - |[Oo]eu|\s$|^\s", name), name


def test_a_commune_has_one_name_in_all_editions(all_territories):
    names = (
        all_territories.filter(pl.col("level") == "commune").group_by("code").agg(pl.col("name").n_unique())
    )
    assert names["name"].unique().to_list() == [1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CC Coeur d'Ostrevent (CCCO)", "CC Cœur d’Ostrevent"),
        ("Noeux-les-Mines", "Nœux-les-Mines"),
        ("Rœulx", "Rœulx"),
        ("CA de Lens - Liévin", "CA de Lens-Liévin"),
        ("Coëtquidan-le-Poët", "Coëtquidan-le-Poët"),
        ("Loos-en-Gohelle", "Loos-en-Gohelle"),
    ],
)
def test_french_name(name, expected):
    assert french_name(name) == expected
    assert french_name(expected) == expected


@pytest.mark.parametrize(
    ("commune", "department"),
    [("59002", "59"), ("2A004", "2A"), ("97411", "974"), ("98735", "987"), ("01004", "01")],
)
def test_department_of(commune, department):
    assert department_of(commune) == department


def test_parents_are_nearest_first(territories):
    assert row(territories, "commune", "62498")["parents"] == [
        "epci:246200364",
        "basin:BM",
        "department:62",
        "region:32",
        "country:FR",
    ]
    assert row(territories, "epci", "246200364")["parents"] == ["basin:BM", "region:32", "country:FR"]
    assert row(territories, "country", "FR")["parents"] == []


def test_every_parent_is_a_territory(all_territories):
    known = set(all_territories.select("perimeter_vintage", pl.format("{}:{}", "level", "code")).iter_rows())
    links = all_territories.select("perimeter_vintage", "parents").explode("parents").drop_nulls()
    assert set(links.iter_rows()) <= known


def test_iris_lie_in_the_commune_of_their_code(territories):
    pairs = members(territories, "iris", "commune")
    assert pairs.height == 566
    assert pairs.filter(pl.col("child").str.head(5) != pl.col("parent")).is_empty()
    assert pairs["parent"].n_unique() == 287
    assert row(territories, "iris", "590020000")["name"] == "Abscon"
    assert re.fullmatch(r"Lens, IRIS \d{4}", row(territories, "iris", "624980101")["name"])


def test_cite_on_two_communes_has_both_and_the_main_one_above(territories, cites):
    pairs = members(territories, "cite", "commune").group_by("child").agg("parent")
    found = dict(pairs.iter_rows())
    expected = dict(cites.select("slug", "commune_codes").iter_rows())
    assert {slug: sorted(codes) for slug, codes in found.items()} == {
        slug: sorted(codes) for slug, codes in expected.items()
    }
    shared = cites.filter(pl.col("commune_codes").list.len() > 1)
    assert not shared.is_empty()
    for cite in shared.iter_rows(named=True):
        above = row(territories, "cite", cite["slug"])["parents"]
        assert above[: len(cite["commune_codes"])] == [f"commune:{code}" for code in cite["commune_codes"]]
        assert f"epci:{cite['epci_code']}" in above
        assert "–" in row(territories, "cite", cite["slug"])["name"]


def test_members_do_not_mix_levels_whose_codes_are_alike(territories):
    assert set(members(territories, "commune", "department")["parent"]) == {"59", "62"}
    assert members(territories, "country", "region").is_empty()


def test_latest_perimeter_by_default(all_territories):
    assert select_perimeter(all_territories)["perimeter_vintage"].unique().to_list() == [2026]


def test_unknown_perimeter_names_those_that_are_known(all_territories):
    with pytest.raises(UnknownPerimeterError) as raised:
        select_perimeter(all_territories, 1999)
    assert str(raised.value) == (
        "Pas de périmètre pour le COG 1999. Versions connues\u202f: 2021, 2022, 2023, 2024, 2025, 2026."
    )


def test_iris_of_a_commune_outside_is_refused_by_name(perimeters, cites):
    with pytest.raises(StrayTerritoryError, match=r"IRIS.*COG 2021.*75056") as raised:
        build_territories(perimeters, pl.DataFrame({"code": ["590020000", "750560101"]}), cites)
    assert isinstance(raised.value, ObservatoryError)


def test_cite_of_a_commune_outside_is_refused_by_name(perimeters, cites):
    stray = cites.with_columns(commune_codes=pl.lit(["59002", "75056"]))
    with pytest.raises(StrayTerritoryError, match=r"cités.*75056"):
        build_territories(perimeters, pl.DataFrame({"code": ["590020000"]}), stray)


def test_perimeters_without_iris_or_cite_still_stand(perimeters, cites):
    bare = build_territories(perimeters, pl.DataFrame(schema={"code": pl.String}), cites.clear())
    assert set(bare["level"]) == {"commune", "epci", "basin", "department", "region", "country"}


VERSION = pl.DataFrame(
    [
        ("59002", "Abscon", "200042190", "CA de la Porte du Hainaut", 1, 47),
        ("62498", "Lens", "246200364", "CA de Lens - Liévin", 2, 36),
        ("62510", "Liévin", "246200364", "CA de Lens - Liévin", 2, 36),
        ("59586", "Templeuve-en-Pévèle", "200041960", "CC Pévèle-Carembault", 1, 1),
        ("59178", "Douai", None, None, 1, None),
    ],
    schema=["commune_code", "commune_name", "epci_code", "epci_name", "epci_members", "epci_communes"],
    orient="row",
).with_columns(
    perimeter=pl.lit("unesco"),
    perimeter_vintage=pl.lit(2026, pl.Int32),
    geography_vintage=pl.lit(2026, pl.Int32),
)


@pytest.fixture(scope="module")
def version(census, cites):
    return build_version(VERSION, census.filter(pl.col("level") == "iris"), cites)


def test_an_epci_that_is_not_whole_says_so_in_its_name(version):
    assert named(version, "epci") == {
        "200041960": "CC Pévèle-Carembault",
        "200042190": "CA de la Porte du Hainaut (1 commune sur 47)",
        "246200364": "CA de Lens-Liévin (2 communes sur 36)",
        "ZZZZZZZZZ": "Communes sans intercommunalité",
    }
    assert epci_of(version, "59178") == "ZZZZZZZZZ"
    assert named(version, "basin") == {"BM": "Communes du Bien inscrit"}
    assert set(version["perimeter"]) == {"unesco"}


def test_iris_and_cites_of_other_communes_are_left_out(version, cites):
    assert set(version.filter(pl.col("level") == "iris")["code"].str.head(5)) == {
        "59002",
        "59178",
        "62498",
        "62510",
    }
    inside = cites.filter(
        pl.col("commune_codes").list.eval(pl.element().is_in(VERSION["commune_code"].implode())).list.all()
    )
    assert 0 < inside.height < cites.height
    assert set(version.filter(pl.col("level") == "cite")["code"]) == set(inside["slug"])


def test_cites_take_the_epci_of_the_perimeter(version, cites, territories):
    found = cites_within(cites, version)
    assert set(found["epci_code"]) <= set(VERSION["epci_code"].fill_null("ZZZZZZZZZ"))
    assert cites_within(cites, territories).equals(cites.sort("slug"))


def test_a_perimeter_that_the_edition_lacks_is_refused(all_territories, version):
    assert select_perimeter(pl.concat([all_territories, version]), perimeter="unesco").equals(version)
    with pytest.raises(UnknownPerimeterError, match="n’a pas le périmètre"):
        select_perimeter(all_territories, perimeter="mbm")
