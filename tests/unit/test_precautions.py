"""Precautions of the catalogue: which rate is a proportion, from which base, over which interval, and why."""

import re

import polars as pl
import pytest
import yaml
from pydantic import ValidationError

from observatory.indicators.catalogue import Indicator, definitions, load_indicators
from observatory.indicators.mining import beneficiary_measures, dwelling_measures
from observatory.indicators.precautions import (
    PRECAUTIONS,
    Precaution,
    PrecautionError,
    get_precaution,
    load_precautions,
)

# What is a percentage and no part of a whole: changes, and a register over another source.
NO_PART = {"evolution_population_5_ans", "evolution_population_recensement_5_ans", "poids_parc_minier"}


def test_a_proportion_is_a_percentage_of_counts_and_every_other_rate_says_why_not():
    for one in load_indicators():
        counted = one.unit == "%" and one.denominator is not None
        assert one.proportion == (counted and one.id not in NO_PART), one.id


def test_the_part_is_never_more_than_the_whole(public_measures, dwellings, beneficiaries, territories):
    frames = [
        public_measures,
        dwelling_measures(dwellings, territories, public_measures),
        beneficiary_measures(beneficiaries, territories, public_measures),
    ]
    counts = pl.concat([frame.select("measure", "level", "code", "vintage", "amount") for frame in frames])
    compared = 0
    for one in load_indicators():
        if not one.proportion:
            continue
        both = (
            counts.filter(pl.col("measure") == measure).drop("measure")
            for measure in (one.numerator, one.denominator)
        )
        part, whole = both
        joined = part.join(whole, on=["level", "code", "vintage"], suffix="_whole")
        assert joined.filter(pl.col("amount") > pl.col("amount_whole")).is_empty(), one.id
        compared += joined.height
    assert compared > 10_000


def test_every_precaution_is_used_and_every_indicator_has_one():
    used = {one.precaution for one in load_indicators()}
    assert used == set(load_precautions())


def test_the_census_is_compared_at_five_years_and_what_breaks_never():
    census = [
        one for one in load_indicators() if one.precaution.startswith(("recensement", "population_legale"))
    ]
    assert {one.care.shortest_interval for one in census} == {5}
    assert len(census) > 20
    euros = [one for one in load_indicators() if "€" in one.unit]
    assert euros
    assert {one.care.shortest_interval for one in euros} == {None}
    assert get_precaution("filosofi_taux").breaks == (2023,)
    assert "2023" in next(one for one in load_indicators() if one.id == "taux_pauvrete").comparability


def test_a_threshold_bears_on_a_base_that_is_counted():
    for one in load_indicators():
        if one.care.reliable_from is not None:
            assert not one.ready_made, one.id
            assert one.denominator != "area", one.id


def test_definitions_carry_the_precautions():
    rows = {row["indicator"]: row for row in definitions(load_indicators()).iter_rows(named=True)}
    vacancy = rows["part_logements_vacants"]
    assert (vacancy["proportion"], vacancy["reliable_from"], vacancy["shortest_interval"]) == (True, 200, 5)
    assert "200" in vacancy["reliability"]
    assert vacancy["phrase"] == "{value} des logements sont vacants"
    shares = [row for row in rows.values() if row["breakdown"]]
    assert {(row["proportion"], row["reliable_from"]) for row in shares} == {(True, 50)}


@pytest.mark.parametrize(
    "change",
    [
        {"reliable_from": 200},
        {"reliability": "raison"},
        {"reliable_from": 1, "reliability": "raison"},
        {"shortest_interval": 0},
        {"change_note": None},
        {"colour": "red"},
    ],
)
def test_a_precaution_that_breaks_the_model_is_refused(change):
    with pytest.raises(ValidationError):
        Precaution.model_validate({"id": "p", "change_note": "note"} | change)


def test_a_precaution_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "precautions.yaml"
    path.write_text(yaml.safe_dump([{"id": "p", "change_note": "note"}] * 2), encoding="utf-8")
    with pytest.raises(PrecautionError, match="même identifiant «\u202fp\u202f»"):
        load_precautions(path)


def test_an_unknown_precaution_is_said_to_be_so():
    with pytest.raises(PrecautionError, match=f"«\u202fautre\u202f» n’est pas dans {PRECAUTIONS.name}"):
        get_precaution("autre")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"denominator": None}, "sans être un rapport"),
        ({"scale": 1000}, "sans être un rapport"),
        ({"phrase": "des logements sont vacants"}, "ne place pas une fois la valeur"),
        ({"phrase": "{value} et {value}"}, "ne place pas une fois la valeur"),
    ],
)
def test_an_indicator_that_contradicts_itself_is_refused(change, words):
    one = next(one for one in load_indicators() if one.id == "part_logements_vacants")
    with pytest.raises(ValidationError, match=words):
        Indicator.model_validate(one.model_dump() | change)


def test_texts_are_typeset():
    texts = [
        text
        for one in load_precautions().values()
        for text in (one.change_note, one.reliability)
        if text is not None
    ]
    assert len(texts) > 20
    for text in texts:
        assert not re.search(r"[ \u00a0][:;!?»](?=\s|$)|« |\w'\w", text), text
        assert text.endswith(".")
