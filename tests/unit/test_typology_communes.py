import statistics

import polars as pl
import pytest

from observatory.indicators.catalogue import load_indicators, measured
from observatory.indicators.compute import compute_observations
from observatory.tables import TYPOLOGY_CLASSES, TYPOLOGY_COMMUNES
from observatory.typology.communes import classify_communes, describe_classes, load_variables
from observatory.typology.matrix import TypologyError

VARIABLES = [variable.indicator for variable in load_variables()]
TRANSFORMS = {variable.indicator: variable.transform for variable in load_variables()}


@pytest.fixture(scope="module")
def observations(public_measures, territories):
    return compute_observations(measured(load_indicators(), public_measures), public_measures, territories)


@pytest.fixture(scope="module")
def typology(observations):
    return classify_communes(observations)


def values(observations, indicator):
    rows = observations.filter(pl.col("indicator") == indicator, pl.col("territory_level") == "commune")
    return dict(rows.select("territory_code", "value").iter_rows())


def changed(observations, indicator, code, **columns):
    row = (pl.col("indicator") == indicator) & (pl.col("territory_code") == code)
    return observations.with_columns(
        pl.when(row).then(pl.lit(value, observations.schema[name])).otherwise(name).alias(name)
        for name, value in columns.items()
    )


def test_every_commune_has_one_class(typology, territories):
    frame = typology.communes_frame()
    communes = territories.filter(pl.col("level") == "commune")["code"]
    assert frame["commune_code"].to_list() == sorted(communes)
    assert TYPOLOGY_COMMUNES.conform(frame).equals(frame)
    assert set(frame["class"]) == set(range(1, typology.n_classes + 1))
    assert 3 <= typology.n_classes <= 10
    assert (frame["distance_to_own"] <= frame["distance_to_next"]).mean() > 0.95


def test_variables_are_public_indicators_of_the_communes():
    by_id = {indicator.id: indicator for indicator in load_indicators()}
    assert len(set(VARIABLES)) == len(VARIABLES) == 8
    for variable in load_variables():
        assert "commune" in by_id[variable.indicator].levels
        assert not by_id[variable.indicator].fictive
        assert variable.reason.endswith(".")


def test_variables_left_out_say_nothing_more():
    """The three age shares close to 100 %, and the ageing and dependency ratios derive from them."""
    assert not {"part_20_64_ans", "indice_vieillissement", "rapport_dependance"} & set(VARIABLES)


def test_values_enter_as_declared(typology, observations):
    position = typology.matrix.variables.index
    codes = typology.matrix.ids.to_list()
    density = values(observations, "densite")
    column = typology.matrix.values[:, position("densite")]
    assert list(2.718281828459045**column) == pytest.approx([density[code] for code in codes])
    houses = values(observations, "part_maisons")
    column = typology.matrix.values[:, position("part_maisons")]
    assert list(column) == pytest.approx([houses[code] for code in codes])


def test_means_are_told_in_the_units_of_the_indicators(typology, observations):
    described = describe_classes(typology)
    assert TYPOLOGY_CLASSES.conform(described).equals(described)
    assert described.height == typology.n_classes * len(VARIABLES)
    overall = dict(described.select("variable", "overall_mean").unique().iter_rows())
    for indicator in VARIABLES:
        found = values(observations, indicator).values()
        match TRANSFORMS[indicator]:
            case "none":
                expected = statistics.fmean(found)
            case "log":
                expected = statistics.geometric_mean(found)
            case "log1p":
                expected = statistics.geometric_mean(1 + value for value in found) - 1
        assert overall[indicator] == pytest.approx(expected), indicator


def test_means_of_a_class_are_those_of_its_communes(typology, observations):
    classes = dict(typology.communes_frame().select("commune_code", "class").iter_rows())
    density = values(observations, "densite")
    described = describe_classes(typology).filter(pl.col("variable") == "densite")
    for number, mean in described.select("class", "mean_in_class").iter_rows():
        inside = [density[code] for code, found in classes.items() if found == number]
        assert mean == pytest.approx(statistics.geometric_mean(inside))


def test_order_of_the_observations_does_not_matter(typology, observations):
    shuffled = classify_communes(observations.sample(fraction=1, shuffle=True, seed=7))
    assert shuffled.communes_frame().equals(typology.communes_frame())


def test_latest_vintage_of_each_variable_is_used(typology, observations):
    older = observations.filter(pl.col("indicator").is_in(VARIABLES)).with_columns(
        vintage=pl.col("vintage") - 1, value=pl.lit(50.0)
    )
    for frames in ([older, observations], [observations, older]):
        again = classify_communes(pl.concat(frames))
        assert again.communes_frame().equals(typology.communes_frame())


def test_other_levels_do_not_enter(typology, observations):
    communes = observations.filter(pl.col("territory_level") == "commune")
    assert classify_communes(communes).communes_frame().equals(typology.communes_frame())


@pytest.mark.parametrize("older", [False, True])
def test_commune_without_a_value_is_named_even_if_an_older_one_stands(observations, older):
    frame = changed(observations, "part_maisons", "62498", value=None, status="secret")
    if older:
        frame = pl.concat([frame, observations.with_columns(pl.col("vintage") - 1)])
    with pytest.raises(TypologyError, match="la valeur manque") as raised:
        classify_communes(frame)
    assert (raised.value.column, raised.value.identifier) == ("part_maisons", "62498")


def test_variable_without_observation_is_named(observations):
    with pytest.raises(TypologyError, match="la valeur manque") as raised:
        classify_communes(observations.filter(pl.col("indicator") != "densite"))
    assert raised.value.column == "densite"


def test_no_observation_at_all_is_refused(observations):
    with pytest.raises(TypologyError, match="0 ligne"):
        classify_communes(observations.clear())


def test_density_of_nobody_has_no_logarithm(observations):
    with pytest.raises(TypologyError, match="infinie") as raised:
        classify_communes(changed(observations, "densite", "62498", value=0.0))
    assert (raised.value.column, raised.value.identifier) == ("densite", "62498")
