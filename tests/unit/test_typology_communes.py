"""The variables of the typology in both editions, the communes that it places, and what does not matter."""

import math

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from typology_edition import CODES, GROUPS, changed, full_edition, values

from observatory.indicators.catalogue import load_indicators, measured
from observatory.indicators.compute import compute_observations
from observatory.typology.commune_tables import typology_tables
from observatory.typology.communes import classify_communes, follow_communes, load_choice
from observatory.typology.matrix import TypologyError

VARIABLES = load_choice().variables
ABSENT = "la source n’est pas dans cette édition"
EMBEDDED = {
    "densite",
    "evolution_population_5_ans",
    "habitants_par_residence_principale",
    "part_65_ans_ou_plus",
    "part_logements_vacants",
    "part_maisons",
    "part_moins_20_ans",
    "part_residences_secondaires",
}
REPLACED = {
    "evolution_population_5_ans": "evolution_population_recensement_5_ans",
    "part_maisons": "part_proprietaires",
    "part_residences_secondaires": "part_proprietaires",
}


@pytest.fixture(scope="module")
def embedded(public_measures, territories):
    return compute_observations(measured(load_indicators(), public_measures), public_measures, territories)


@pytest.fixture(scope="module")
def found(embedded):
    return classify_communes(embedded)


@pytest.fixture(scope="module")
def full():
    return full_edition()


def classes(found):
    return dict(found.typology.individuals_frame().select("id", "class").iter_rows())


def active(found):
    return set(found.typology.matrix.variables)


# --- The catalogue ------------------------------------------------------------------------------------------


def test_variables_are_public_indicators_of_the_communes_each_with_its_reason():
    by_id = {indicator.id: indicator for indicator in load_indicators()}
    names = [variable.indicator for variable in VARIABLES]
    assert len(set(names)) == len(names) == 19
    for variable in VARIABLES:
        assert "commune" in by_id[variable.indicator].levels
        assert not by_id[variable.indicator].fictive
        assert variable.reason.endswith(".")
        assert variable.unless is None or variable.unless in names


def test_variables_left_out_of_the_catalogue_say_nothing_more():
    """The three age shares close to 100 %, and the ageing and dependency ratios derive from them."""
    names = {variable.indicator for variable in VARIABLES}
    assert not {"part_20_64_ans", "indice_vieillissement", "rapport_dependance", "taux_pauvrete"} & names


def test_the_two_dates_are_censuses_that_may_be_compared():
    dates = load_choice().trajectory
    assert dates.reference - dates.other >= 5
    followed = [variable for variable in VARIABLES if variable.trajectory is not None]
    assert len(followed) == 8
    for variable in followed:
        earlier, later = variable.trajectory
        assert earlier < later
        assert (earlier, later) == (2017, 2022) or variable.current_euros


# --- Which variables enter ----------------------------------------------------------------------------------


def test_embedded_edition_does_with_eight_variables(found):
    assert active(found) == EMBEDDED
    assert found.left_out == {
        variable.indicator: ABSENT for variable in VARIABLES if variable.indicator not in EMBEDDED
    }
    assert found.supplementary == ()
    assert found.placed.is_empty()
    assert found.vintages["evolution_population_5_ans"] == 2023
    assert found.vintages["densite"] == 2021


def test_full_edition_has_fifteen_and_a_supplementary_one(full):
    found = classify_communes(full)
    assert len(active(found)) == 15
    assert found.supplementary == ("taux_logements_sociaux",)
    assert "taux_logements_sociaux" not in active(found)
    assert found.left_out == {name: f"remplacée par « {by} »" for name, by in REPLACED.items()}
    assert (found.vintages["niveau_vie_median"], found.vintages["part_proprietaires"]) == (2021, 2022)


@pytest.mark.parametrize(
    "take_away",
    [
        lambda frame, name: frame.filter(pl.col("indicator") != name),
        lambda frame, name: changed(frame, name, CODES, None),
        lambda frame, name: changed(frame, name, CODES[:3], None),
    ],
    ids=["not in the edition", "no value at all", "too few values"],
)
def test_a_replaced_variable_enters_where_its_replacement_cannot(full, take_away):
    found = classify_communes(take_away(full, "part_proprietaires"))
    assert {"part_maisons", "part_residences_secondaires"} <= active(found)
    assert "part_proprietaires" in found.left_out
    assert set(found.left_out) == {"part_proprietaires", "evolution_population_5_ans"}


def test_a_variable_that_more_than_one_commune_in_twenty_lacks_is_left_out(embedded, found):
    codes = sorted(classes(found))
    assert len(codes) == 287
    # 5 % of 287 is 14.35.
    kept = classify_communes(changed(embedded, "part_maisons", codes[:14], None))
    assert "part_maisons" in active(kept)
    assert kept.placed["id"].to_list() == codes[:14]
    left = classify_communes(changed(embedded, "part_maisons", codes[:15], None))
    assert left.left_out["part_maisons"] == "15 communes sur 287 n’ont pas de valeur"
    assert active(left) == EMBEDDED - {"part_maisons"}
    assert left.placed.is_empty()


def test_a_supplementary_variable_may_lack_in_many(full):
    found = classify_communes(changed(full, "taux_logements_sociaux", CODES[:12], None))
    assert found.supplementary == ("taux_logements_sociaux",)
    assert found.placed.is_empty()


# --- How values enter ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("indicator", "transform"),
    [
        ("densite", math.log),
        ("part_residences_secondaires", math.log1p),
        ("part_maisons", lambda value: value),
    ],
)
def test_values_enter_as_declared(found, embedded, indicator, transform):
    matrix = found.typology.matrix
    given = values(embedded, indicator)
    entered = matrix.values[:, matrix.variables.index(indicator)]
    assert list(entered) == pytest.approx([transform(given[code]) for code in matrix.ids])


def test_latest_vintage_of_each_variable_is_used_whatever_the_order(found, embedded):
    older = embedded.filter(pl.col("indicator").is_in(EMBEDDED)).with_columns(
        vintage=pl.col("vintage") - 1, value=pl.lit(50.0)
    )
    for frames in ([older, embedded], [embedded, older]):
        again = classify_communes(pl.concat(frames))
        assert_frame_equal(again.typology.individuals_frame(), found.typology.individuals_frame())
        assert again.vintages == found.vintages


def test_order_of_the_rows_does_not_matter(found, embedded):
    shuffled = classify_communes(embedded.sample(fraction=1, shuffle=True, seed=7))
    assert shuffled.typology.individuals_frame().equals(found.typology.individuals_frame())


def test_other_levels_do_not_enter(found, embedded):
    communes = classify_communes(embedded.filter(pl.col("territory_level") == "commune"))
    assert communes.typology.individuals_frame().equals(found.typology.individuals_frame())


# --- Classes and the communes placed afterwards -------------------------------------------------------------


def test_every_commune_has_one_class_numbered_along_axis_1(found, territories):
    frame = found.typology.individuals_frame()
    communes = territories.filter(pl.col("level") == "commune")["code"]
    assert frame["id"].to_list() == sorted(communes)
    means = frame.group_by("class").agg(pl.mean("axis_1")).sort("class")
    assert means["class"].to_list() == list(range(1, found.typology.n_classes + 1))
    assert means["axis_1"].is_sorted()
    assert 4 <= found.typology.n_classes <= 10


def test_planted_groups_are_found(full):
    of = classes(classify_communes(full))
    pairs = {(GROUPS[code], number) for code, number in of.items()}
    assert len(pairs) == 4
    assert set(of.values()) == {1, 2, 3, 4}


@pytest.mark.parametrize("older", [False, True])
def test_a_commune_without_a_value_is_placed_and_changes_nothing(embedded, older):
    """An older value is no ground to take it: dates would be mixed."""
    frame = changed(embedded, "part_maisons", ["62498"], None)
    if older:
        frame = pl.concat([frame, embedded.with_columns(pl.col("vintage") - 1)])
    found = classify_communes(frame)
    (row,) = found.placed.iter_rows(named=True)
    assert (row["id"], row["missing"]) == ("62498", ["part_maisons"])
    assert 1 <= row["class"] <= found.typology.n_classes
    without = classify_communes(embedded.filter(pl.col("territory_code") != "62498"))
    assert_frame_equal(found.typology.individuals_frame(), without.typology.individuals_frame())


def test_a_placed_commune_joins_the_group_that_its_other_values_point_to(full):
    found = classify_communes(
        changed(changed(full, "part_cadres", [CODES[5]], None), "taux_activite", [CODES[5]], None)
    )
    (row,) = found.placed.iter_rows(named=True)
    assert set(row["missing"]) == {"part_cadres", "taux_activite"}
    assert row["class"] == classes(found)[CODES[6]]


def test_a_commune_without_any_value_is_listed_and_has_no_class(full):
    frame = full.with_columns(
        value=pl.when(pl.col("territory_code") == CODES[3]).then(None).otherwise("value")
    )
    found = classify_communes(frame)
    assert found.unplaced == (CODES[3],)
    assert CODES[3] not in found.placed["id"]
    table = typology_tables(found, ())["typology.unplaced"]
    assert table.rows() == [(CODES[3], "aucune variable active n’y a de valeur")]


def test_a_commune_without_any_job_is_placed_by_its_other_values(full):
    """Zero has no logarithm, and is no missing value either: its status stays published."""
    found = classify_communes(changed(full, "indicateur_concentration_emploi", [CODES[5]], 0.0))
    (row,) = found.placed.iter_rows(named=True)
    assert (row["id"], row["missing"]) == (CODES[5], ["indicateur_concentration_emploi"])
    assert row["class"] == classes(found)[CODES[6]]
    without = classify_communes(full.filter(pl.col("territory_code") != CODES[5]))
    assert_frame_equal(found.typology.individuals_frame(), without.typology.individuals_frame())


def test_the_latest_vintage_that_covers_the_communes_is_used(full):
    """A vintage of a few communes, as a file of the mining basin among those of a region, does not count."""
    few = full.filter(pl.col("territory_code").is_in(CODES[:5])).with_columns(pl.col("vintage") + 1)
    found = classify_communes(pl.concat([full, few]))
    assert found.vintages == classify_communes(full).vintages
    every = full.with_columns(pl.col("vintage") + 1)
    later = classify_communes(pl.concat([full, every])).vintages
    assert later == {name: year + 1 for name, year in found.vintages.items()}


# --- What is refused ----------------------------------------------------------------------------------------


def test_no_observation_at_all_is_refused(embedded):
    with pytest.raises(TypologyError, match="0 ligne"):
        classify_communes(embedded.clear())


def test_an_infinite_density_is_refused(embedded):
    with pytest.raises(TypologyError, match="infinie") as raised:
        classify_communes(changed(embedded, "densite", ["62498"], float("inf")))
    assert (raised.value.column, raised.value.identifier) == ("densite", "62498")


# --- Through time -------------------------------------------------------------------------------------------


def test_embedded_edition_follows_nobody(embedded):
    assert follow_communes(embedded) is None


@pytest.mark.parametrize(
    "take_away",
    [
        lambda frame, here: frame.filter(~here),
        lambda frame, here: frame.with_columns(value=pl.when(here).then(None).otherwise("value")),
    ],
    ids=["no row", "no value"],
)
def test_nobody_is_followed_where_a_date_lacks_a_variable(full, take_away):
    here = (pl.col("indicator") == "taux_activite") & (pl.col("vintage") == 2017)
    assert follow_communes(full) is not None
    assert follow_communes(take_away(full, here)) is None
