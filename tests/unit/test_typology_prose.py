"""Sentences of the typology: grammar, and the logic of what noise allows to say."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observatory.rendering import typology_prose as prose
from observatory.rendering.typology_prose import Bound

NOTHING = Bound(0, 0, 0)
HIGH = Bound(17, 22, 27)
NOT_PROVED = "ne prouvent pas"
REAL = "sans doute réel"


@pytest.mark.parametrize(
    ("gap", "p_value", "told"),
    [
        (1.0, 0.01, "nettement au-dessus"),
        (0.99, 0.01, "au-dessus"),
        (0.5, 0.05, "au-dessus"),
        (0.49, 0.01, "un peu au-dessus"),
        (-1.2, 0.01, "nettement au-dessous"),
        (-0.7, 0.01, "au-dessous"),
        (-0.1, 0.01, "un peu au-dessous"),
        (-3.0, 0.051, "comme la moyenne"),
    ],
)
def test_a_gap_is_told_by_its_size_where_it_is_no_chance(gap, p_value, told):
    assert prose.reading(gap, p_value) == told


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (0.74, "nettement plus proche de sa classe que de la suivante, la classe 2"),
        (0.75, "plus proche de sa classe que de la suivante, la classe 2"),
        (0.89, "plus proche de sa classe que de la suivante, la classe 2"),
        (0.9, "proche de la frontière avec la classe 2\u202f: elle pourrait y passer"),
        (1.0, "proche de la frontière avec la classe 2\u202f: elle pourrait y passer"),
        (1.01, "à la frontière avec la classe 2, dont le centre est même un peu plus proche"),
    ],
)
def test_the_border_begins_at_nine_tenths(own, told):
    assert prose.border(own, 1.0, 2).startswith(told)


def test_beyond_the_high_bound_some_moves_are_real():
    told = prose.noise(28, NOTHING, HIGH)
    assert "une partie au moins de ces changements est sans doute réelle." in told
    assert NOT_PROVED not in told
    assert "entre 0 (borne basse" in told
    assert "22 [17–27] (borne haute" in told
    assert "entre crochets, huit simulations sur dix" in told


@pytest.mark.parametrize("observed", [17, 20, 27])
def test_within_the_high_bound_nothing_is_proved(observed):
    told = prose.noise(observed, NOTHING, HIGH)
    assert "À sa borne haute, le bruit suffit à expliquer ces changements" in told
    assert NOT_PROVED in told
    assert REAL not in told
    assert told.endswith("Le sondage seul n’en expliquerait pas autant, mais il n’est pas le seul bruit.")


def test_below_the_high_bound_nothing_is_proved_either():
    told = prose.noise(16, NOTHING, HIGH)
    assert "C’est moins que sa borne haute" in told
    assert NOT_PROVED in told
    assert REAL not in told


def test_sampling_alone_may_be_enough():
    assert prose.noise(3, Bound(2, 3, 4), HIGH).endswith("Le sondage seul y suffirait.")


def test_without_moves_there_is_nothing_to_explain():
    told = prose.noise(0, NOTHING, HIGH)
    assert told.endswith("Il n’y a donc aucun changement à expliquer.")
    assert NOT_PROVED not in told


def test_one_move_is_singular():
    assert "ce changement est sans doute réel." in prose.noise(1, NOTHING, Bound(0, 0, 0))
    assert "expliquer ce changement" in prose.noise(1, NOTHING, Bound(0, 1, 2))
    assert prose.moves(1, 286, 2, (2017, 2022)).startswith("1\u00a0commune sur 286 change de classe")
    assert prose.moves(20, 286, 30, (2017, 2022)) == (
        "20\u00a0communes sur 286 changent de classe entre 2017 et 2022, une fois ôtée l’évolution commune à "
        "toutes (30 sans l’ôter)."
    )
    assert prose.moves(0, 286, 2, (2017, 2022)).startswith("Aucune des 286 communes suivies ne change")


def test_a_bound_without_width_has_no_interval():
    assert Bound(0, 0, 0).text == "0"
    assert Bound(0.0, 1.5, 3.0).text == "1,5 [0–3]"
    assert "crochets" not in prose.noise(1, NOTHING, NOTHING)


@given(
    st.integers(0, 300),
    st.lists(st.integers(0, 300), min_size=3, max_size=3).map(sorted),
    st.lists(st.integers(0, 300), min_size=3, max_size=3).map(sorted),
)
def test_change_is_claimed_only_beyond_the_high_bound(observed, low, high):
    told = prose.noise(observed, Bound(*low), Bound(*high))
    assert (REAL in told) == (observed > high[2])
    assert (NOT_PROVED in told) == (0 < observed <= high[2])
    assert "  " not in told
    assert told.endswith(".")


@pytest.mark.parametrize(
    ("raw", "net", "told"),
    [
        ((2, 2), (2, 2), "De 2017 à 2022, la commune reste dans la classe B."),
        ((1, 2), (1, 2), "passe de la classe A à la classe B, y compris une fois ôtée l’évolution commune"),
        (
            (1, 2),
            (2, 2),
            "mais avec les autres\u202f: l’évolution commune à toutes une fois ôtée, elle reste",
        ),
        (
            (2, 2),
            (3, 2),
            "reste dans la classe B\u202f; l’évolution commune à toutes une fois ôtée, elle passe",
        ),
        ((1, 2), (3, 2), "passe de la classe A à la classe B\u202f; l’évolution commune"),
    ],
)
def test_a_path_tells_both_readings(raw, net, told):
    assert told in prose.path(raw, net, (2017, 2022))


@pytest.mark.parametrize(
    ("value", "transform", "unit", "decimals", "relative", "told"),
    [
        (1.94, "none", "%", 1, False, "+1,9\u00a0point"),
        (2.0, "none", "%", 1, False, "+2,0\u00a0points"),
        (1.96, "none", "%", 1, False, "+2,0\u00a0points"),
        (-2.3, "none", "%", 1, False, "−2,3\u00a0points"),
        (0.0, "none", "%", 1, False, "0,0\u00a0point"),
        (-0.07, "none", "habitants", 2, False, "−0,07\u00a0habitant"),
        (2.5, "none", "habitants", 2, False, "+2,50\u00a0habitants"),
        (3.8, "none", "€", 0, True, "+3,8\u00a0points d’indice"),
        (0.6931471805599453, "log", "hab./km²", 0, False, "+100,0\u00a0%"),
        (-0.6931471805599453, "log1p", "%", 1, False, "−50,0\u00a0% (de un plus la part)"),
    ],
)
def test_a_change_is_told_in_the_units_of_the_reader(value, transform, unit, decimals, relative, told):
    assert prose.change(value, transform, unit, decimals, relative=relative) == told


def test_chances_are_counted_in_a_hundred():
    assert prose.noise_probability(0.0).startswith(
        "À elle seule, l’imprécision des chiffres n’aurait presque"
    )
    assert "une chance sur cent " in prose.noise_probability(0.012)
    assert "31 chances sur cent " in prose.noise_probability(0.31)


@pytest.mark.parametrize("verdict", ["très stable", "stable", "moyenne", "instable"])
def test_each_verdict_has_its_advice(verdict):
    told = prose.stability(0.824, verdict)
    assert "82\u00a0%" in told
    assert not re.search(r"  |None|nan", told)


def test_items_are_joined_as_in_a_sentence():
    assert [prose.enumeration(list("abc")[:count]) for count in range(4)] == ["", "a", "a et b", "a, b et c"]
    assert [prose.letter(number) for number in (1, 2, 10)] == ["A", "B", "J"]
