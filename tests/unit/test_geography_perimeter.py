"""The perimeter of the mining basin through time, from the producers' own files."""

import json

import polars as pl
import pytest

from observatory.geography import build_history, build_passage, former_communes, populations_on
from observatory.geography.perimeter_versions import (
    COMPOSITION,
    SplitMembershipError,
    lists_of_communes,
    of_mission,
    of_property,
    on_communes_of_today,
    seven_of_editions,
    seven_of_year,
    versions,
)
from observatory.geography.perimeters import (
    UndocumentedPerimeterError,
    check_perimeter,
    communes_touching,
    named_perimeter,
    seven_epci,
)
from observatory.geography.populations import LostPopulationError, _check_total
from observatory.heritage.layers import parse_layer
from observatory.sources.cog_events import communes_of, read_communes, read_events, read_former_history
from observatory.sources.cog_passage import read_cogugaison
from observatory.sources.commune_populations import read_populations
from observatory.sources.dgcl import read_epci
from observatory.sources.mbm_perimeter import check_communes, match_communes, read_layer
from observatory.territories import UnknownPerimeterError

TODAY = 2026
# Communes of 1968 that are no longer, with the one that holds them today: read in INSEE's events by eye.
ABSORBED = {
    "62098": "62427",  # Beaumont, in Hénin-Beaumont, 1 January 1971
    "62707": "62706",  # Richebourg-Saint-Vaast, with Richebourg-l'Avoué in Richebourg, 21 February 1971
    "62687": "62693",  # Ranchicourt, with Rebreuve-sous-les-Monts in Rebreuve-Ranchicourt, 1 July 1971
    "62482": "62178",  # Labuissière, with Bruay-en-Artois in Bruay-la-Buissière, 9 February 1987
    "62110": "62473",  # Berguette, in Isbergues, 1 January 1996
    "62575": "62473",  # Molinghem, in Isbergues, 1 January 1996
}


@pytest.fixture(scope="module")
def people(mirror):
    return read_populations(
        mirror / "insee/populations/populations_1968_2024_59_62_geographie_de_l_annee.csv"
    )


@pytest.fixture(scope="module")
def communes(mirror):
    return read_communes(mirror / "insee/cog/v_commune_depuis_1943_59_62.csv")


@pytest.fixture(scope="module")
def history(mirror, perimeters):
    lists = perimeters.select(cog_year="perimeter_vintage", commune_code="commune_code")
    return build_history(read_events(mirror / "insee/cog/v_mvtcommune_2023.csv"), 2023, lists=lists)


@pytest.fixture(scope="module")
def basin(perimeters):
    return frozenset(perimeters.filter(pl.col("perimeter_vintage") == TODAY)["commune_code"])


@pytest.fixture(scope="module")
def compositions(mirror, perimeters):
    ours = perimeters.rename({"perimeter_vintage": "cog_year"}).select(COMPOSITION)
    read = [
        read_epci(mirror / f"dgcl/epci/epci_{year}_dep59_62.csv", year).with_columns(
            file_id=pl.lit(f"dgcl_epci:{year}:data")
        )
        for year in (1999, 2006, 2011, 2016, 2017, 2024)
    ]
    former = [
        frame.select(COMPOSITION).join(ours, on=["cog_year", "commune_code"], how="anti") for frame in read
    ]
    return pl.concat([*former, ours])


@pytest.fixture(scope="module")
def layer(mirror):
    features = read_layer(mirror / "mbm/patrimoine/communes-mbm.geojson")
    return parse_layer(features, "communes_mbm", "communes-mbm.geojson", "heritage_communes_mbm:2026:data")


@pytest.fixture(scope="module")
def mission(layer, compositions, communes):
    return of_mission(layer, compositions, communes_of(communes, 2023), TODAY)


@pytest.fixture(scope="module")
def areas(mirror):
    features = read_layer(mirror / "mbm/patrimoine/bien-inscrit.geojson")
    return parse_layer(features, "bien_inscrit", "bien-inscrit.geojson", "heritage_bien_inscrit:2026:data")


def rows(passage: pl.DataFrame) -> list[tuple[object, ...]]:
    return passage.select("code_from", "code_to", "ratio", "kind").rows()


def test_the_events_and_the_list_of_communes_tell_the_same_communes(history, communes):
    known = set(communes["code"])
    for year in range(1968, 2024):
        assert {code for code in known if history.exists(code, year)} == set(
            communes_of(communes, year)["code"]
        ), year


def test_what_became_of_the_communes_of_1968(history, basin, people):
    former = former_communes(history, basin, TODAY, 1968)
    assert former == basin | set(ABSORBED)
    passage = build_passage(history, former, 1968, TODAY, people)
    merged = passage.filter(pl.col("kind") == "merged")
    assert dict(
        merged.filter(pl.col("code_from") != pl.col("code_to")).select("code_from", "code_to").rows()
    ) == (ABSORBED)
    assert set(merged["code_to"]) == set(ABSORBED.values())
    assert passage["ratio"].to_list() == [1.0] * 293


@pytest.mark.parametrize(
    ("day", "kind", "text"),
    [
        ("1971-01-01", "fusion simple", "Beaumont (62098) + Hénin-Liétard (62427) → Hénin-Beaumont (62427)"),
        (
            "1971-02-21",
            "fusion simple",
            "Richebourg-l'Avoué (62706) + Richebourg-Saint-Vaast (62707) → Richebourg (62706)",
        ),
        (
            "1971-07-01",
            "fusion simple",
            "Ranchicourt (62687) + Rebreuve-sous-les-Monts (62693) → Rebreuve-Ranchicourt (62693)",
        ),
        (
            "1987-02-09",
            "fusion-association",
            "Bruay-en-Artois (62178) + Labuissière (62482) → Bruay-la-Buissière (62178)",
        ),
        (
            "1996-01-01",
            "fusion-association",
            "Berguette (62110) + Isbergues (62473) + Molinghem (62575) → Isbergues (62473)",
        ),
    ],
)
def test_each_merger_says_when_and_how(history, day, kind, text):
    target = text[-6:-1]
    row = build_passage(history, [target], 1968, 2023).row(0, named=True)
    year, month, number = day.split("-")
    assert row["date"].isoformat() == day
    assert row["reason"] == f"{number}/{month}/{year}, {kind}\u202f: {text}"


def test_verquigneul_left_in_1990_not_1997_and_came_back_in_2008(history, people):
    # 20 November 1997, which other tables give, is the day when Beuvry left Béthune.
    assert rows(build_passage(history, ["62847"], 1990, 1991)) == [("62847", "62119", 1.0, "merged")]
    assert history.exists("62847", 1990)
    assert not any(history.exists("62847", year) for year in range(1991, 2008))
    assert history.exists("62847", 2008)
    assert [year for year in range(1990, 2001) if not history.exists("62126", year)] == [
        1994,
        1995,
        1996,
        1997,
    ]
    # 1999 has no figure of Verquigneul: Béthune's is shared as in 2006, 26,472 and 1,991 inhabitants.
    assert rows(build_passage(history, ["62119"], 1999, 2008, people)) == [
        ("62119", "62119", pytest.approx(26_472 / 28_463), "split"),
        ("62119", "62847", pytest.approx(1_991 / 28_463), "split"),
    ]
    # From 1990, each of the three communes gets back what it brought.
    passage = build_passage(history, ["62119", "62126", "62847"], 1990, 2008)
    assert rows(passage) == [(code, code, 1.0, "restored") for code in ("62119", "62126", "62847")]


def test_isbergues_read_backwards_is_shared_as_in_1990(history, people):
    year = dict(people.filter(pl.col("cog_year") == 1990).select("code", "population").iter_rows())
    total = year["62110"] + year["62473"] + year["62575"]
    passage = build_passage(history, ["62473"], 1999, 1990, people)
    assert rows(passage) == [
        ("62473", code, pytest.approx(year[code] / total), "split") for code in ("62110", "62473", "62575")
    ]


def test_each_step_agrees_with_cogugaison(history, mirror, people):
    # Its 1975 to 1968 separates a commune of the Somme, whose populations are not in our file.
    steps = read_cogugaison(mirror / "insee/cog/tables_passage_1968_2024_59_62.csv")
    somme = pl.col("code_from").is_in(["62881"]) | pl.col("code_to").str.starts_with("80")
    aisne = pl.col("code_to").str.starts_with("02") | pl.col("code_from").is_in(["59545"])
    for (start, stop), theirs in steps.filter(~somme & ~aisne).group_by(
        "cog_from", "cog_to", maintain_order=True
    ):
        ours = build_passage(history, set(theirs["code_from"]), start, stop, people)
        assert ours.select("code_from", "code_to").rows() == theirs.select("code_from", "code_to").rows()
        assert ours["ratio"].to_list() == pytest.approx(theirs["ratio"].to_list(), abs=1e-6), (start, stop)


def test_populations_since_1968_on_the_287_communes(history, people, basin):
    series = populations_on(history, people, basin, TODAY)
    assert series["vintage"].unique().sort().to_list() == [
        *(1968, 1975, 1982, 1990, 1999),
        *range(2006, 2020),
        2021,
    ]
    by_year = series.group_by("vintage").agg(pl.col("population").sum(), pl.col("code").n_unique())
    assert set(by_year["code"]) == {287}
    former = basin | set(ABSORBED)
    for vintage, total, _ in by_year.iter_rows():
        file = people.filter((pl.col("vintage") == vintage) & pl.col("code").is_in(list(former)))
        assert total == pytest.approx(file["population"].sum(), abs=1e-6), vintage
    totals = dict(by_year.select("vintage", "population").iter_rows())
    assert totals[2018] == 1_216_644
    estimated = series.filter(pl.col("estimated")).select("vintage", "code")
    assert estimated.rows() == [(1999, "62119"), (1999, "62847")]
    whole = series.filter(~pl.col("estimated"))["population"]
    assert (whole % 1 == 0).all()
    known = dict(series.filter(pl.col("code") == "62847").select("vintage", "population").iter_rows())
    assert (known[1968], known[1990], known[2018]) == (1288, 1644, 1974)


def test_populations_agree_with_the_municipal_populations_of_insee(history, people, basin, mirror):
    national = pl.read_csv(
        mirror / "insee/populations/population_municipale_2013_2021_national.csv", infer_schema=False
    ).filter(pl.col("codgeo").is_in(list(basin)))
    series = populations_on(history, people, basin, TODAY)
    for vintage in (*range(2013, 2020), 2021):
        theirs = {
            row["codgeo"]: float(row[f"p{vintage % 100}_pop"]) for row in national.iter_rows(named=True)
        }
        ours = dict(series.filter(pl.col("vintage") == vintage).select("code", "population").iter_rows())
        assert ours == theirs, vintage


def test_a_population_that_gets_lost_is_told():
    before = pl.DataFrame({"code": ["62119"], "population": [10]})
    with pytest.raises(LostPopulationError, match="10 habitants avant le passage, 9 après"):
        _check_total(1999, before, before.with_columns(population=pl.lit(9)), frozenset({"62119"}))


@pytest.mark.parametrize(
    ("year", "communes_then", "same", "other", "none"),
    [
        (1999, 286, 50, 134, 102),
        (2006, 286, 105, 181, 0),
        (2011, 287, 105, 182, 0),
        (2016, 287, 186, 101, 0),
        (2017, 287, 286, 1, 0),
        (2026, 287, 287, 0, 0),
    ],
)
def test_the_communes_of_the_seven_epci_in_the_epci_of_each_year(
    history, communes, compositions, year, communes_then, same, other, none
):
    frame = seven_epci(year, compositions, communes_of(communes, year), history, TODAY)
    counts = dict(frame["situation"].value_counts().iter_rows())
    assert frame.height == communes_then
    assert frame["commune_name"].null_count() == 0
    assert [counts.get(key, 0) for key in ("same_epci", "other_epci", "no_epci")] == [same, other, none]
    assert frame.filter(pl.col("situation") == "no_epci")["epci_name"].null_count() == none


def test_emerchicourt_changed_epci(history, communes, compositions):
    frame = seven_epci(2017, compositions, communes_of(communes, 2017), history, TODAY)
    moved = frame.filter(pl.col("situation") == "other_epci")
    assert moved.select("commune_name", "epci_code", "reference_epci").rows() == [
        ("Émerchicourt", "245901152", ["200042190"])
    ]


def test_insee_and_the_packages_give_the_same_epci_in_2024(mirror, perimeters):
    insee = read_epci(mirror / "dgcl/epci/epci_2024_dep59_62.csv", 2024)
    ours = perimeters.filter(pl.col("perimeter_vintage") == 2024).select("commune_code", "epci_code")
    assert ours.join(insee, on=["commune_code", "epci_code"], how="anti").is_empty()


def test_a_year_without_composition_is_refused(history, communes, compositions):
    with pytest.raises(UnknownPerimeterError, match=r"COG 2009. Années connues.*1999, 2006"):
        seven_epci(2009, compositions, communes_of(communes, 2009), history, TODAY)


def test_erbm_has_no_list_and_says_so():
    with pytest.raises(UndocumentedPerimeterError, match="8 intercommunalités et 250 communes"):
        check_perimeter("erbm")
    with pytest.raises(UnknownPerimeterError, match="sept_epci, mbm, unesco"):
        check_perimeter("zone d'emploi")
    assert check_perimeter("mbm") == "mbm"


@pytest.mark.parametrize(
    ("text", "named"),
    [("1999", ("sept_epci", 1999)), ("mbm", ("mbm", None)), ("UNESCO", ("unesco", None))],
)
def test_a_perimeter_is_a_year_or_a_name(text, named):
    assert named_perimeter(text) == named


def test_the_330_communes_of_the_mission(mission, layer, communes, basin):
    check_communes(layer, communes_of(communes, 2023), "communes-mbm.geojson")
    assert mission.height == 330
    assert basin < set(mission["commune_code"])
    beyond = mission.filter(~pl.col("commune_code").is_in(list(basin)))
    assert sorted(beyond.group_by("epci_code", "epci_communes").len().rows()) == [
        ("200041960", 38, 38),  # Pévèle-Carembault, whole
        ("200093201", 95, 5),  # of the Métropole européenne de Lille
    ]
    assert dict(mission["situation"].value_counts().iter_rows()) == {"same_epci": 287, "other_epci": 43}


def test_the_names_alone_give_the_same_codes(layer, communes):
    matches = match_communes(layer["name"], communes_of(communes, 2023))
    assert matches["code"].to_list() == layer["code"].to_list()


def test_the_communes_of_the_inscribed_property(mission, layer, areas, basin, contours):
    found = communes_touching(areas, layer.select("geometry", commune_code="code"))
    inscribed = of_property(mission, found, "heritage_bien_inscrit:2026:data")
    kept = set(inscribed["commune_code"])
    assert len(kept) == 89
    assert kept <= basin
    assert found.filter(~pl.col("kept"))["area_ha"].max() < 0.1
    assert found.filter(pl.col("kept"))["area_ha"].min() > 0.3
    simplified = contours.filter(pl.col("level") == "commune").select("geometry", commune_code="code")
    again = communes_touching(areas, simplified)
    assert set(again.filter(pl.col("kept"))["commune_code"]) == kept
    assert inscribed["file_ids"][0].to_list()[0] == "heritage_bien_inscrit:2026:data"


def test_the_intercommunalites_of_1999_hold_today_s_communes(history, communes, compositions, perimeters):
    then = seven_of_year(1999, compositions, communes_of(communes, 1999), history, TODAY)
    names = dict(
        perimeters.filter(pl.col("perimeter_vintage") == TODAY).select("commune_code", "commune_name").rows()
    )
    now = on_communes_of_today(then, TODAY, names, history)
    homes = dict(now.select("commune_code", "epci_code").iter_rows())
    assert now.height == 287
    # Districts of Hénin-Carvin and Lens-Liévin keep their SIREN; Béthune's is not that of today.
    assert (homes["62427"], homes["62498"], homes["62119"]) == ("246200299", "246200364", "246200745")
    # Verquigneul was in Béthune, which it left in 2008; Isbergues held Berguette and Molinghem.
    assert homes["62847"] == homes["62119"]
    assert homes["62473"] == "246200331"
    # Douai was in none.
    assert homes["59178"] is None
    assert now["epci_code"].null_count() == 102
    assert now["epci_code"].n_unique() == 15
    whole = then.group_by("epci_code").agg(pl.len(), pl.col("epci_communes").first()).drop_nulls()
    assert (whole["len"] == whole["epci_communes"]).all()


def test_a_commune_made_from_two_intercommunalites_is_refused(history, compositions, communes, perimeters):
    then = seven_of_year(1999, compositions, communes_of(communes, 1999), history, TODAY)
    # Berguette and Molinghem stood beside Isbergues until 1996: one of them is put in another EPCI.
    made = then.filter(pl.col("commune_code") == "62473").with_columns(
        perimeter_vintage=pl.lit(1990, pl.Int32)
    )
    parts = pl.concat(
        [
            made,
            made.with_columns(commune_code=pl.lit("62110"), epci_code=pl.lit("246200364")),
            made.with_columns(commune_code=pl.lit("62575")),
        ]
    )
    with pytest.raises(SplitMembershipError, match="62473"):
        on_communes_of_today(parts, TODAY, {"62473": "Isbergues"}, history)


def test_the_versions_tell_what_can_be_chosen_and_why_the_rest_cannot(
    history, communes, compositions, perimeters, mission
):
    then = seven_of_year(1999, compositions, communes_of(communes, 1999), history, TODAY)
    table = versions(pl.concat([seven_of_editions(perimeters), then, mission]), {"2006": "Il manque."})
    by_choice = {row["choice"]: row for row in table.iter_rows(named=True)}
    assert list(by_choice) == ["1999", "2006", *map(str, range(2021, 2027)), "erbm", "mbm"]
    assert by_choice["1999"]["note"] == (
        "Communes alors dans une autre intercommunalité\u202f: 134\u202f; dans aucune\u202f: 102."
    )
    assert (by_choice["mbm"]["communes"], by_choice["2026"]["communes"]) == (330, 287)
    assert [choice for choice, row in by_choice.items() if not row["selectable"]] == ["2006", "erbm"]
    assert "250 communes" in by_choice["erbm"]["note"]


def test_the_communes_of_the_mission_are_known_up_to_the_year_of_its_layer(mirror, perimeters, mission):
    both = pl.concat([seven_of_editions(perimeters), mission])
    lists = lists_of_communes(both, 2023)
    events = read_events(mirror / "insee/cog/v_mvtcommune_2023.csv")
    history = build_history(events, 2023, lists=lists)
    former = former_communes(history, frozenset(mission["commune_code"]), TODAY, 2018)
    assert former == set(mission["commune_code"])


def square(west: float, east: float) -> str:
    ring = [[west, 50.0], [east, 50.0], [east, 50.01], [west, 50.01], [west, 50.0]]
    return json.dumps({"type": "Polygon", "coordinates": [ring]})


def test_a_property_that_follows_a_limit_does_not_touch_the_neighbour():
    contours = pl.DataFrame(
        {
            "commune_code": ["62001", "62002", "62003"],
            "geometry": [square(3, 3.01), square(3.01, 3.02), square(4, 5)],
        }
    )
    # A hundred-thousandth of a degree of longitude is 0.7 m here: 0.08 ha along the limit.
    found = communes_touching(pl.DataFrame({"geometry": [square(3.0, 3.01001)]}), contours)
    assert found["commune_code"].to_list() == ["62001", "62002"]
    assert found["kept"].to_list() == [True, False]
    assert found["area_ha"].to_list() == pytest.approx([79.8, 0.0798], rel=0.01)
    assert found["share"][0] == pytest.approx(1.0)
    assert found["reason"].to_list() == [
        None,
        "moins de 0,25\u202fha en commun\u202f: la limite passe au bord du Bien",
    ]


def test_one_exchange_of_parcels_moved_inhabitants(mirror, basin):
    former = read_former_history(mirror / "insee/cog/historiq2017_59_62.txt")
    moved = former.filter((pl.col("kind") == "parcels") & (pl.col("inhabitants") > 0))
    assert moved.filter(pl.col("code").is_in(list(basin)))["code"].to_list() == ["62563", "62737"]
