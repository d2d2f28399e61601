"""Portraits: matched to classes by their members, read with their faults named, true to the embedded run."""

import re
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typology_claims import EMBEDDED, MIRROR, false_claims
from typology_edition import values

from observatory.errors import InputError
from observatory.indicators.catalogue import load_indicators, measured
from observatory.indicators.compute import compute_observations
from observatory.paths import PROJECT
from observatory.tables.typology import TYPOLOGY_PORTRAITS
from observatory.typology.commune_tables import typology_tables
from observatory.typology.communes import classify_communes
from observatory.typology.portraits import Portrait, match_portraits, read_portraits

SHIPPED = PROJECT / "data" / "reference" / "portraits_typologie.yaml"
GOOD = """
- title: Des villes
  sentences: ["Une.", "Deux.", "Trois."]
  written_on: 2026-11-22
  members: ["62498", "62510"]
"""


def portrait(members, title="Un titre"):
    return Portrait(
        title=title,
        sentences=("Une.", "Deux.", "Trois."),
        written_on=date(2026, 11, 22),
        members=frozenset(members),
    )


def rows(portraits, classes):
    return {row["class"]: row for row in match_portraits(tuple(portraits), classes).iter_rows(named=True)}


# --- Matching -----------------------------------------------------------------------------------------------


def test_a_class_that_has_changed_keeps_its_portrait_and_says_what_changed():
    found = rows([portrait("abcd")], {1: list("abce")})
    assert found[1] == {
        "class": 1,
        "title": "Un titre",
        "sentences": ["Une.", "Deux.", "Trois."],
        "written_on": date(2026, 11, 22),
        "likeness": pytest.approx(3 / 5),
        "entered": ["e"],
        "departed": ["d"],
    }


def test_the_same_members_are_no_change():
    (row,) = rows([portrait("abcd")], {1: list("dcba")}).values()
    assert (row["likeness"], row["entered"], row["departed"]) == (1.0, [], [])


@pytest.mark.parametrize(
    ("now", "matched"), [("abef", False), ("abcdef", False), ("abc", False), ("abcd", True)]
)
def test_under_one_half_it_is_the_portrait_of_another_class(now, matched):
    """4 communes of 8 are one half; 3 of 7, 4 of 9 and 6 of 13 are less."""
    written = {"abef": "abcdefghi", "abcdef": "abcdefghijklm", "abc": "abcdefg", "abcd": "abcdefgh"}[now]
    (row,) = rows([portrait(written)], {1: list(now)}).values()
    assert (row["title"] is not None) == matched
    if not matched:
        assert (row["sentences"], row["written_on"], row["likeness"]) == ([], None, 0.0)
        assert (row["entered"], row["departed"]) == ([], [])


def test_of_two_portraits_a_class_takes_the_closest():
    """Four communes of five in common with P, three of six with Q."""
    p, q = portrait("abcd", "Titre P"), portrait("abcx", "Titre Q")
    found = rows([q, p], {1: list("abcde"), 2: list("fgh")})
    assert (found[1]["title"], found[2]["title"]) == ("Titre P", None)


def test_pairs_under_one_half_do_not_take_a_portrait_away():
    """1 with Q (0.4) and 2 with P (4/13) add up to more than 1 with P (1/2), yet neither is a match."""
    first, second = list("abcdefghij"), list("klmnop")
    found = rows([portrait("abcdefgklmn", "Titre P"), portrait("abcd", "Titre Q")], {1: first, 2: second})
    assert found[1]["title"] == "Titre P"
    assert found[1]["likeness"] == pytest.approx(0.5)
    assert found[2]["title"] is None


@pytest.mark.parametrize("portraits", [[], [portrait("xyz")]])
def test_classes_without_a_portrait_have_a_row(portraits):
    frame = match_portraits(tuple(portraits), {1: ["a"], 2: ["b"]})
    assert frame["class"].to_list() == [1, 2]
    assert frame["title"].null_count() == 2
    assert TYPOLOGY_PORTRAITS.conform(frame).equals(frame)


@given(st.permutations(range(4)), st.permutations(range(4)))
def test_neither_order_nor_numbers_of_the_classes_matter(portraits_order, classes_order):
    groups = ["abcde", "fghi", "jkl", "mnop"]
    titles = [f"Titre {group}" for group in groups]
    portraits = [portrait(groups[place], titles[place]) for place in portraits_order]
    found = rows(portraits, {number: list(groups[place]) for number, place in enumerate(classes_order, 1)})
    assert [found[number]["title"] for number in (1, 2, 3, 4)] == [titles[place] for place in classes_order]


# --- Reading ------------------------------------------------------------------------------------------------


def test_a_portrait_as_written(tmp_path):
    (tmp_path / "p.yaml").write_text(GOOD)
    (read,) = read_portraits(tmp_path / "p.yaml")
    assert (read.title, read.sentences, read.written_on, read.members) == (
        "Des villes",
        ("Une.", "Deux.", "Trois."),
        date(2026, 11, 22),
        {"62498", "62510"},
    )


@pytest.mark.parametrize("text", ["", "[]", "# rien\n"])
def test_no_portrait_is_allowed(tmp_path, text):
    (tmp_path / "p.yaml").write_text(text)
    assert read_portraits(tmp_path / "p.yaml") == ()


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("- title: [", "ce n’est pas du YAML lisible"),
        ("title: seul", "ce n’est pas une liste de portraits"),
        ("5", "ce n’est pas une liste de portraits"),
        ("- seul", "le portrait n° 1 est mal formé."),
        (GOOD + GOOD.replace(', "Trois."', ""), "le portrait n° 2 est mal formé (« sentences »)"),
        (GOOD.replace('"Trois."', '"Trois.", "Quatre."'), "(« sentences »)"),
        (GOOD.replace("2026-11-22", "hier"), "(« written_on »)"),
        (GOOD.replace('"62498"', "62498"), "(« members »)"),
        (GOOD.replace('["62498", "62510"]', "[]"), "(« members »)"),
        (GOOD.replace("title", "titre"), "(« title », « titre »)"),
    ],
)
def test_malformed_file_is_named_with_its_fault(tmp_path, text, rule):
    (tmp_path / "portraits.yaml").write_text(text)
    with pytest.raises(InputError) as raised:
        read_portraits(tmp_path / "portraits.yaml")
    assert raised.value.file == "portraits.yaml"
    assert rule in str(raised.value)


def test_file_in_another_encoding_is_named(tmp_path):
    (tmp_path / "portraits.yaml").write_bytes("- title: é".encode("latin-1"))
    with pytest.raises(InputError, match="YAML lisible"):
        read_portraits(tmp_path / "portraits.yaml")


def test_absent_file_is_named(tmp_path):
    with pytest.raises(InputError, match="le fichier manque"):
        read_portraits(tmp_path / "portraits.yaml")


# --- The shipped portraits ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    return read_portraits(SHIPPED)


@pytest.fixture(scope="module")
def observations(public_measures, territories):
    return compute_observations(measured(load_indicators(), public_measures), public_measures, territories)


@pytest.fixture(scope="module")
def embedded(observations, shipped):
    return typology_tables(classify_communes(observations), shipped)


def test_each_edition_has_a_portrait_for_every_commune(shipped, territories):
    communes = set(territories.filter(pl.col("level") == "commune")["code"])
    for titles in (MIRROR, EMBEDDED):
        own = [one for one in shipped if one.title in titles]
        assert len(own) == len(titles) == 4
        assert sum(len(one.members) for one in own) == 287
        assert frozenset().union(*(one.members for one in own)) == communes
    assert len(shipped) == 8


def test_text_is_in_correct_typography_and_quotes_no_figure(shipped):
    for one in shipped:
        for text in (one.title, *one.sentences):
            assert not re.search(r"\d", text), text
            assert "'" not in text, text
            assert not re.search(r"(?<!\u202f)[;:!?]", text), text
            assert "  " not in text, text
            assert text == text.strip()
        assert all(text.endswith(".") and text.count(".") == 1 for text in one.sentences)
        assert not one.title.endswith(".")


def test_each_class_of_the_embedded_edition_has_its_own_portrait(embedded):
    frame = embedded["typology.portraits"]
    assert frame["title"].to_list() == list(EMBEDDED)
    assert frame["likeness"].to_list() == [1.0] * 4
    assert frame["entered"].list.len().sum() == frame["departed"].list.len().sum() == 0


@pytest.mark.parametrize("title", EMBEDDED)
def test_sentences_are_true_of_the_embedded_edition(embedded, title):
    number = list(EMBEDDED).index(title) + 1
    assert false_claims(EMBEDDED[title], number, embedded["typology.classes"]) == []


def test_what_sentences_say_beside_v_tests(embedded, observations):
    members = {
        number: rows["commune_code"].to_list()
        for (number,), rows in embedded["typology.communes"].group_by("class")
    }
    population = values(observations, "population_municipale", 2022)
    assert sum(population[code] for code in members[3]) / sum(population.values()) == pytest.approx(
        0.5, abs=0.05
    )
    largest = sorted(population, key=population.__getitem__)[-6:]
    assert len(set(largest) & set(members[1])) >= 3
    mean = {
        (row["class"], row["variable"]): row["mean_in_class"]
        for row in embedded["typology.classes"].iter_rows(named=True)
    }
    assert mean[2, "part_maisons"] > 95
    assert mean[4, "part_maisons"] > 95
    assert mean[3, "part_maisons"] > 80
    assert mean[3, "part_residences_secondaires"] < 0.5
    change = [mean[number, "evolution_population_5_ans"] for number in (1, 2, 3, 4)]
    assert [value < 0 for value in change] == [True, True, True, False]
