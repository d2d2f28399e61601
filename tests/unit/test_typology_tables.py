"""The tables of the typology: contracts, hand computations, units, and the reading through time."""

import statistics
from math import comb, dist, log, sqrt

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typology_edition import CODES, GROUPS, MOVER, changed, full_edition, values

from observatory.indicators.catalogue import load_indicators, measured
from observatory.indicators.compute import compute_observations
from observatory.tables.typology import TYPOLOGY_TABLES
from observatory.typology import commune_tables
from observatory.typology.commune_tables import (
    BUDGET,
    FEWEST_DRAWS,
    FULL,
    Effort,
    effort,
    trajectory_tables,
    typology_tables,
)
from observatory.typology.communes import classify_communes, follow_communes, load_choice

N = len(CODES)
TRAJECTORIES = [table for table in TYPOLOGY_TABLES if table.name.startswith("trajectory_")]
FOLLOWED = [one for one in load_choice().variables if one.trajectory is not None]


@pytest.fixture(scope="module", autouse=True)
def fewer_draws():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(commune_tables, "FULL", Effort(20, 20, 20))
        yield


@pytest.fixture(scope="module")
def full():
    return full_edition()


@pytest.fixture(scope="module")
def found(full):
    return classify_communes(full)


@pytest.fixture(scope="module")
def made(found):
    return typology_tables(found, ())


@pytest.fixture(scope="module")
def followed(full):
    return trajectories(full)


def trajectories(frame):
    return trajectory_tables(follow_communes(frame), load_choice(), frame)


def classes(made):
    return dict(made["typology.communes"].select("commune_code", "class").iter_rows())


def members(made, number):
    return [code for code, found in classes(made).items() if found == number]


def one(frame, **key):
    (row,) = frame.filter(*(pl.col(name) == value for name, value in key.items())).iter_rows(named=True)
    return row


# --- Contracts ----------------------------------------------------------------------------------------------


def test_every_table_is_made_and_keeps_its_contract(made, followed):
    frames = made | followed
    assert set(frames) == {table.qualified_name for table in TYPOLOGY_TABLES}
    for table in TYPOLOGY_TABLES:
        frame = frames[table.qualified_name]
        assert frame.is_empty() == (table.name == "unplaced"), table.qualified_name
        assert table.conform(frame).equals(frame), table.qualified_name


def test_embedded_edition_has_no_trajectories_and_the_rest(public_measures, territories):
    frame = compute_observations(measured(load_indicators(), public_measures), public_measures, territories)
    made = typology_tables(classify_communes(frame), ()) | trajectories(frame)
    assert set(made) == {table.qualified_name for table in TYPOLOGY_TABLES}
    for table in TRAJECTORIES:
        assert made[table.qualified_name].is_empty()
        assert made[table.qualified_name].schema == table.polars_schema
    assert made["typology.communes"].height == 287
    assert made["typology.neighbours"].height == 287 * 5


def test_order_of_the_rows_does_not_matter(full, made, followed):
    shuffled = full.sample(fraction=1, shuffle=True, seed=11)
    again = typology_tables(classify_communes(shuffled), ()) | trajectories(shuffled)
    for name, frame in (made | followed).items():
        assert_frame_equal(again[name], frame, check_exact=False, abs_tol=1e-9)


# --- The typology -------------------------------------------------------------------------------------------


def test_placed_communes_stand_beside_the_others_with_what_they_lack(full):
    lacking = typology_tables(classify_communes(changed(full, "part_cadres", [CODES[7]], None)), ())
    frame = lacking["typology.communes"]
    row = one(frame, commune_code=CODES[7])
    assert (row["role"], row["missing"]) == ("placed", ["part_cadres"])
    assert frame.filter(pl.col("role") == "active").height == N - 1
    assert frame.filter(pl.col("role") == "active")["missing"].list.len().max() == 0
    assert lacking["typology.neighbours"].filter(pl.col("commune_code") == CODES[7]).height == 5


@pytest.mark.parametrize("indicator", ["part_ouvriers", "densite", "taux_logements_sociaux"])
def test_description_of_a_class_by_hand(made, full, indicator):
    """v-test of Lebart, Morineau and Piron (1995); means in units, geometric for the density."""
    here = values(full, indicator, 2022)
    entered = {code: log(value) if indicator == "densite" else value for code, value in here.items()}
    mean, sd = statistics.fmean(entered.values()), statistics.pstdev(entered.values())
    average = statistics.geometric_mean if indicator == "densite" else statistics.fmean
    for number in (1, 2, 3, 4):
        inside = members(made, number)
        row = one(made["typology.classes"], **{"class": number, "variable": indicator})
        n, q = len(here), len(inside)
        gap = statistics.fmean(entered[code] for code in inside) - mean
        assert row["v_test"] == pytest.approx(gap / (sd / sqrt(q) * sqrt((n - q) / (n - 1))))
        assert row["mean_in_class"] == pytest.approx(average([here[code] for code in inside]))
        assert row["overall_mean"] == pytest.approx(average(here.values()))
        assert row["sd_in_class"] == pytest.approx(statistics.pstdev(entered[code] for code in inside))
        assert row["overall_sd"] == pytest.approx(sd)
        assert row["p_value"] == pytest.approx(
            2 * (1 - statistics.NormalDist().cdf(abs(row["v_test"]))), abs=1e-12
        )


def test_log1p_means_come_back_to_units(public_measures, territories):
    frame = compute_observations(measured(load_indicators(), public_measures), public_measures, territories)
    made = typology_tables(classify_communes(frame), ())
    row = one(made["typology.classes"], **{"class": 1, "variable": "part_residences_secondaires"})
    given = values(frame, "part_residences_secondaires")
    assert min(given.values()) == 0
    expected = statistics.geometric_mean(1 + value for value in given.values()) - 1
    assert row["overall_mean"] == pytest.approx(expected)


@pytest.mark.parametrize("indicator", ["part_ouvriers", "taux_logements_sociaux"])
def test_link_of_a_variable_with_classes_and_axes_by_hand(made, full, indicator):
    here = values(full, indicator)
    row = one(made["typology.variables"], variable=indicator)
    mean = statistics.fmean(here.values())
    between = sum(
        len(inside) * (statistics.fmean(here[code] for code in inside) - mean) ** 2
        for inside in (members(made, number) for number in (1, 2, 3, 4))
    )
    assert row["eta2"] == pytest.approx(between / sum((value - mean) ** 2 for value in here.values()))
    for axis in ("axis_1", "axis_2"):
        place = dict(made["typology.communes"].select("commune_code", axis).iter_rows())
        expected = statistics.correlation([here[code] for code in CODES], [place[code] for code in CODES])
        assert row[axis] == pytest.approx(expected)


def test_a_supplementary_variable_describes_over_the_communes_that_have_it(full):
    lacking = changed(full, "taux_logements_sociaux", CODES[::4], None)
    made = typology_tables(classify_communes(lacking), ())
    known = {code: value for code, value in values(lacking, "taux_logements_sociaux").items() if value}
    assert len(known) == 30
    row = one(made["typology.classes"], **{"class": 1, "variable": "taux_logements_sociaux"})
    inside = [known[code] for code in members(made, 1) if code in known]
    assert row["mean_in_class"] == pytest.approx(statistics.fmean(inside))
    assert row["overall_mean"] == pytest.approx(statistics.fmean(known.values()))
    roles = set(made["typology.classes"].filter(pl.col("role") == "supplementary")["variable"])
    assert roles == {"taux_logements_sociaux"}


def test_the_card_of_each_variable_says_its_role(made):
    roles = dict(made["typology.variables"]["role"].value_counts().iter_rows())
    assert roles == {"active": 15, "supplementary": 1, "left_out": 3}
    left = made["typology.variables"].filter(pl.col("role") == "left_out")
    assert left["vintage"].null_count() == left["eta2"].null_count() == 3
    assert left["left_out"].str.starts_with("remplacée par").all()


def test_axes_and_tree_share_one_inertia(made):
    axes, tree = made["typology.axes"], made["typology.tree"]
    assert axes["eigenvalue"].sum() == pytest.approx(15)
    assert axes["explained_variance"].sum() == pytest.approx(100)
    assert axes.filter("kept")["axis"].to_list() == [1, 2, 3, 4]
    assert tree.height == N - 1
    assert tree["gain"].sum() == pytest.approx(axes.filter("kept")["eigenvalue"].sum())
    assert tree["gain"].to_list() == pytest.approx([height**2 / (2 * N) for height in tree["height"]])
    assert tree["size"][-1] == N
    # Four planted groups of ten: the last three merges join what they hold.
    assert sorted(tree["size"][-3:]) in ([20, 20, 40], [20, 30, 40])


def test_examples_are_the_closest_and_the_farthest_of_each_class(made):
    places = {row["commune_code"]: row for row in made["typology.communes"].iter_rows(named=True)}
    for number in (1, 2, 3, 4):
        inside = [places[code] for code in members(made, number)]
        for kind, distance, sign in (("paragon", "distance_to_own", 1), ("specific", "distance_to_next", -1)):
            expected = sorted(inside, key=lambda row, d=distance, s=sign: s * row[d])[:5]
            rows = made["typology.examples"].filter(pl.col("class") == number, pl.col("kind") == kind)
            assert rows["rank"].to_list() == [1, 2, 3, 4, 5]
            assert rows["commune_code"].to_list() == [row["commune_code"] for row in expected]
            assert rows["distance"].to_list() == pytest.approx([row[distance] for row in expected])


def test_neighbours_are_the_closest_on_the_four_axes(made, found):
    points = dict(
        zip(found.typology.matrix.ids, found.typology.pca.coordinates.tolist(), strict=True),
    )
    for code in (CODES[0], CODES[13], CODES[39]):
        gaps = {
            other: sqrt(sum((a - b) ** 2 for a, b in zip(points[code], place, strict=True)))
            for other, place in points.items()
            if other != code
        }
        expected = sorted(gaps, key=gaps.__getitem__)[:5]
        rows = made["typology.neighbours"].filter(pl.col("commune_code") == code)
        assert rows["neighbour_code"].to_list() == expected
        assert rows["distance"].to_list() == pytest.approx([gaps[other] for other in expected])
        assert {GROUPS[other] for other in expected} == {GROUPS[code]}


def test_planted_groups_are_always_found_again(made):
    frame = made["typology.stability"]
    assert frame["size"].to_list() == [10] * 4
    assert frame["jaccard"].to_list() == [1.0] * 4
    assert frame["dissolved"].to_list() == [0.0] * 4
    assert frame["recovered"].to_list() == [1.0] * 4
    assert set(frame["verdict"]) == {"très stable"}


def test_planted_groups_beat_chance(made):
    frame = made["typology.chance"]
    assert set(frame["statistic"]) == {"between_inertia_ratio", "mean_jaccard"}
    # None of the twenty random tables does as well: one in twenty-one, the true one counted.
    assert frame["share_as_high"].to_list() == pytest.approx([1 / 21] * 2)
    assert (frame["observed"] > frame["random_high"]).all()


def test_settings_that_planted_groups_resist_and_those_they_cannot(made):
    frame = made["typology.sensitivity"]
    kinds = dict(frame["perturbation"].value_counts().iter_rows())
    assert kinds == {"variable": 15, "axes": 4, "classes": 2}
    without = frame.filter(pl.col("perturbation") == "variable")
    assert without["adjusted_rand"].to_list() == [1.0] * 15
    assert without["share_moved"].to_list() == [0.0] * 15
    three = one(frame, perturbation="classes", setting="3")
    # Two groups of ten become one of twenty (Hubert and Arabie, 1985).
    pairs, first, second = 4 * comb(10, 2), 4 * comb(10, 2), comb(20, 2) + 2 * comb(10, 2)
    expected = first * second / comb(40, 2)
    assert three["adjusted_rand"] == pytest.approx((pairs - expected) / ((first + second) / 2 - expected))
    assert three["share_moved"] == pytest.approx(10 / 40)


# --- Through time -------------------------------------------------------------------------------------------


def test_the_one_commune_that_moved_is_the_one_that_moves(followed):
    frame = followed["typology.trajectory_communes"]
    assert frame.height == N
    for suffix in ("", "_net"):
        moved = frame.filter(pl.col(f"moved{suffix}"))
        assert moved["commune_code"].to_list() == [MOVER]
    row = one(frame, commune_code=MOVER)
    of = dict(frame.select("commune_code", "class_after").iter_rows())
    assert row["class_before"] == of[CODES[10]]
    assert row["class_after"] == of[CODES[1]]


def test_flows_count_every_commune_followed(followed):
    frame = followed["typology.trajectory_flows"]
    for net in (False, True):
        rows = frame.filter(pl.col("net") == net)
        assert rows.height == 16
        assert rows["count"].sum() == N
        moved = rows.filter(pl.col("class_before") != pl.col("class_after"))
        assert sorted(moved["count"].to_list()) == [0] * 11 + [1]
        of = rows.group_by("class_before").agg(pl.sum("share"))["share"]
        assert of.to_list() == pytest.approx([1.0] * 4)


def test_contributions_add_up_to_the_passage(full, followed):
    """The balance of the squared distances to the two centres, before and after, from the coordinates."""
    found = follow_communes(full)
    frame = followed["typology.trajectory_drivers"]
    for net in (False, True):
        rows = frame.filter(pl.col("net") == net)
        assert set(rows["commune_code"]) == {MOVER}
        assert set(rows["variable"]) == {one.indicator for one in FOLLOWED}
        assert rows["share"].sum() == pytest.approx(1)
        centres = found.reference.centres
        left, joined = centres[rows["class_before"][0] - 1], centres[rows["class_after"][0] - 1]
        place = found.ids.to_list().index(MOVER)
        balances = [
            np.sum((placed.coordinates[place] - left) ** 2)
            - np.sum((placed.coordinates[place] - joined) ** 2)
            for placed in found.placements(net=net)
        ]
        assert balances[0] < 0 < balances[1]
        assert rows["contribution"].sum() == pytest.approx(balances[1] - balances[0])


def test_common_drift_by_hand(full, followed):
    shifts = dict(followed["typology.trajectory_shift"].select("variable", "shift").iter_rows())
    for variable, done in (("part_proprietaires", float), ("densite", log)):
        before, after = values(full, variable, 2017), values(full, variable, 2022)
        expected = statistics.fmean(done(after[code]) - done(before[code]) for code in CODES)
        assert shifts[variable] == pytest.approx(expected)
    # Set against the mean of each year, incomes have none.
    assert shifts["niveau_vie_median"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("vintage", [2017, 2021])
def test_euros_of_a_year_that_all_rise_change_nothing(full, followed, vintage):
    here = (pl.col("indicator") == "niveau_vie_median") & (pl.col("vintage") == vintage)
    inflated = full.with_columns(value=pl.when(here).then(pl.col("value") * 1.1).otherwise("value"))
    for name, frame in trajectories(inflated).items():
        assert_frame_equal(frame, followed[name], check_exact=False, rel_tol=1e-9, abs_tol=1e-9)


def test_incomes_are_told_as_a_share_of_the_mean_of_the_year(full, followed):
    incomes = values(full, "niveau_vie_median", 2021)
    of = dict(followed["typology.trajectory_communes"].select("commune_code", "class_after").iter_rows())
    inside = [incomes[code] for code in CODES if of[code] == 1]
    row = one(followed["typology.trajectory_classes"], **{"class": 1, "variable": "niveau_vie_median"})
    assert row["overall_mean"] == pytest.approx(100)
    expected = 100 * statistics.fmean(inside) / statistics.fmean(incomes.values())
    assert row["mean_in_class"] == pytest.approx(expected)


def test_a_commune_that_a_date_lacks_is_not_followed_nor_in_the_mean_of_the_year(full):
    lacking = changed(full, "taux_activite", [CODES[20]], None, vintage=2017)
    extravagant = changed(lacking, "niveau_vie_median", [CODES[20]], 900_000.0)
    frames, expected = trajectories(extravagant), trajectories(lacking)
    codes = frames["typology.trajectory_communes"]["commune_code"].to_list()
    assert codes == [code for code in CODES if code != CODES[20]]
    for name, frame in frames.items():
        assert frame.equals(expected[name])


def test_noise_has_a_low_and_a_high_bound(followed):
    low = one(followed["typology.trajectory_noise"], bound="low")
    high = one(followed["typology.trajectory_noise"], bound="high")
    assert low["individuals"] == high["individuals"] == N
    assert low["observed"] == high["observed"] == 1
    assert low["expected_median"] <= high["expected_median"]


@pytest.mark.parametrize(("population", "noisy"), [(9_999.0, False), (10_000.0, True)])
def test_sampling_makes_noise_only_where_the_census_samples(full, population, noisy):
    """Below 10,000 inhabitants, the main questions are put in every dwelling over five years.

    From there on, shares of twenty units are known to some fourteen points, and the groups are twenty apart.
    """
    few = changed(full, "population_recensement", CODES, population).with_columns(denominator=pl.lit(20.0))
    row = one(trajectories(few)["typology.trajectory_noise"], bound="low")
    assert (row["expected_low"] > 0, row["expected_high"] > 0) == (noisy, noisy)


def test_the_next_class_is_the_closest_other_centre(found, made):
    axes = found.typology.pca.coordinates.shape[1]
    active = found.typology.individuals_frame()
    centres = {
        number: active.filter(pl.col("class") == number).select(f"axis_{axis}" for axis in range(1, axes + 1))
        for number in set(active["class"])
    }
    means = {number: centre.mean().row(0) for number, centre in centres.items()}
    coordinates = dict(
        zip(active["id"], active.select(pl.concat_list(r"^axis_\d+$")).to_series(), strict=True)
    )
    rows = made["typology.communes"].filter(pl.col("role") == "active")
    for code, own, following, distance in rows.select(
        "commune_code", "class", "next_class", "distance_to_next"
    ).iter_rows():
        gaps = {number: dist(coordinates[code], mean) for number, mean in means.items() if number != own}
        assert following == min(gaps, key=gaps.get)
        assert distance == pytest.approx(gaps[following])


def test_a_class_without_the_supplementary_variable_is_not_described_by_it(full, made):
    """As where the register lists no dwelling of any of its communes."""
    inside = members(made, 2)
    lacking = changed(full, "taux_logements_sociaux", inside, None)
    table = typology_tables(classify_communes(lacking), ())["typology.classes"]
    told = table.filter(pl.col("variable") == "taux_logements_sociaux")
    assert told["class"].to_list() == [1, 3, 4]
    assert told.select(pl.col(pl.Float64).is_finite().all()).row(0) == (True,) * 6
    assert table.filter(pl.col("variable") == "part_cadres")["class"].to_list() == [1, 2, 3, 4]


# --- How much is drawn --------------------------------------------------------------------------------------


@pytest.fixture
def unpatched(monkeypatch):
    monkeypatch.setattr(commune_tables, "FULL", FULL)


@pytest.mark.usefixtures("unpatched")
@pytest.mark.parametrize(
    ("communes", "drawn"),
    [(287, (500, 20, 20)), (2_000, (500, 20, 20)), (4_000, (250, 10, 10)), (34_858, (50, 10, 5))],
)
def test_fewer_draws_judge_the_classes_of_a_region_and_of_france(communes, drawn):
    assert effort(communes) == drawn


@pytest.mark.usefixtures("unpatched")
@pytest.mark.parametrize("communes", [2, 287, 1_999, 2_001, 3_784, 10_000, 20_001, 36_000, 100_000])
def test_the_bootstrap_stays_within_its_budget_down_to_the_least(communes):
    draws, tables, table_draws = effort(communes)
    assert draws * communes <= BUDGET + communes or draws == FEWEST_DRAWS
    assert FEWEST_DRAWS <= draws <= 500
    assert 10 <= tables <= 20
    assert 5 <= table_draws <= 20


def test_the_number_of_draws_stands_beside_the_figures(made, monkeypatch, full):
    columns = ["judgement", "tables", "draws", "reduced"]
    assert made["typology.effort"].select(columns).sort("judgement").rows() == [
        ("chance", 20, 20, False),
        ("stability", 1, 20, False),
    ]
    monkeypatch.setattr(commune_tables, "FULL", FULL)
    monkeypatch.setattr(commune_tables, "BUDGET", 4_000)
    fewer = typology_tables(classify_communes(full), ())["typology.effort"]
    assert fewer.select(columns).sort("judgement").rows() == [
        ("chance", 10, 5, True),
        ("stability", 1, 100, True),
    ]
