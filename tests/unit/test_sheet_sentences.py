"""Sentences: names of every territory, agreement, typography, and silence on what must not be told."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observatory.indicators.catalogue import load_indicators
from observatory.rendering.changes import Change
from observatory.rendering.comparisons import judge
from observatory.rendering.figures import Figure, Indicator
from observatory.rendering.french import at, counted, joined, of, that
from observatory.rendering.naming import named, opening, within
from observatory.rendering.places import Gazetteer, Place
from observatory.rendering.ranks import Rank
from observatory.rendering.rows import Row
from observatory.rendering.sentences import FICTIVE_WORDS, sentences

WRONG = re.compile(
    r"\b(?:de|que|le|la) [AEIOUÉÈÊŒaeiouéèêœ]|\b(?:à|de) Les? |\b(?:à|de) les? |\bdu (?:la|le)\b"
    r"|  | ,|\( | \)|[ \u00a0][;:!?%](?<!\u00a0%)|'|\{|\}"
)
"""Elisions, contractions and spaces that French does not allow."""

RATE = Indicator(
    "i", 1, "l", "Logement", "f", "%", 1, "lower_is_better", "with_parents", (), "ratio",
    ("cite", "commune", "epci", "basin"), (2017, 2022), "c", False, None, None, None, True, 50, "raison", 5,
    (), (), "note", "{value} des logements sont vacants",
)  # fmt: skip
COMMUNE = Place("commune", "62178", "Le Quesnoy", ())
EPCI = Place("epci", "e", "CA d’Hénin-Carvin", ())
BASIN = Place("basin", "BM", "Bassin minier (sept EPCI)", ())
CITE = Place("cite", "c", "Cité n°\u202f10 de Béthune (Sains-en-Gohelle)", ())


def figure(part: float | None, whole: float, indicator: Indicator = RATE, **more: object) -> Figure:
    known = part is not None
    made = Figure(
        indicator, 2022, part / whole * 100 if known else None, "published" if known else "secret", False, "",
        (), part, whole if known else None,
    )  # fmt: skip
    return replace(made, **more)


def line(figures: list[Figure], rank: Rank | None = None, change: Change | None = None) -> Row:
    judgements = tuple(judge(figures[0], other) for other in figures[1:])
    return Row(figures[0].indicator, tuple(figures), (None, *judgements), rank, None, change)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Cité n°\u202f10 de Béthune (Sains-en-Gohelle)", "la cité n°\u202f10 de Béthune à Sains-en-Gohelle"),
        ("Quartier Sabatier (Raismes)", "le quartier Sabatier à Raismes"),
        ("Résidence Mermoz (Raismes)", "la résidence Mermoz à Raismes"),
        ("Fosse 7 (Raismes)", "la fosse 7 à Raismes"),
        ("Corons du Parc (Raismes)", "les corons du Parc à Raismes"),
        ("Les Alouettes (Raismes)", "la cité Les Alouettes à Raismes"),
    ],
)
def test_a_cite_is_named_after_what_it_is(name: str, text: str) -> None:
    communes = [Place("commune", "1", re.search(r"\((.*)\)", name)[1], ())]
    assert named(Place("cite", "c", name, ()), communes) == text
    assert within(Place("cite", "c", name, ()), communes) == f"dans {text}"


def test_a_cite_of_several_communes_is_in_each() -> None:
    communes = [
        Place("commune", str(rank), name, ()) for rank, name in enumerate(("Lens", "Le Quesnoy", "Avion"))
    ]
    place = Place("cite", "c", "Cité Foch (Lens, Le Quesnoy, Avion)", ())
    assert opening(place, communes) == "Dans la cité Foch à Lens, au Quesnoy et à Avion"


@pytest.mark.parametrize(
    ("place", "name", "inside"),
    [
        (
            EPCI,
            "la communauté d’agglomération d’Hénin-Carvin",
            "dans la communauté d’agglomération d’Hénin-Carvin",
        ),
        (Place("epci", "e", "CC du Pévèle", ()), "la communauté de communes du Pévèle", None),
        (Place("epci", "e", "CU d’Arras", ()), "la communauté urbaine d’Arras", None),
        (
            Place("epci", "e", "METRO Métropole Européenne de Lille", ()),
            "la Métropole Européenne de Lille",
            None,
        ),
        (
            Place("epci", "z", "Communes sans intercommunalité", ()),
            "les communes sans intercommunalité",
            "dans les communes sans intercommunalité",
        ),
        (BASIN, "le Bassin minier", "dans le Bassin minier"),
        (Place("department", "59", "Nord", ()), "le Nord", "dans le Nord"),
        (Place("region", "32", "Hauts-de-France", ()), "les Hauts-de-France", "dans les Hauts-de-France"),
        (Place("country", "FR", "France", ()), "la France", "en France"),
        (COMMUNE, "Le Quesnoy", "au Quesnoy"),
        (Place("commune", "1", "La Couture", ()), "La Couture", "à La Couture"),
        (Place("commune", "1", "Les Baudets", ()), "Les Baudets", "aux Baudets"),
    ],
)
def test_places_take_their_article_and_preposition(place: Place, name: str, inside: str | None) -> None:
    assert named(place) == name
    assert within(place) == (inside or f"dans {name}")


def test_every_territory_of_the_basin_is_told_in_french(territories, cites) -> None:
    gazetteer = Gazetteer(territories, cites, 2026)
    assert (len(gazetteer.communes), len(gazetteer.cites), len(gazetteer.epcis)) == (287, 86, 7)
    told = [f"{that(within(place))} {of(place.name)} {at(place.name)}" for place in gazetteer.communes]
    told += [that(within(cite.place, cite.communes)) for cite in gazetteer.cites]
    told += [f"{within(place)} {named(place)}" for place in gazetteer.epcis]
    assert [text for text in told if WRONG.search(text)] == []
    for cite in gazetteer.cites:
        assert re.match(r"Dans (?:la cité|le quartier) \S", opening(cite.place, cite.communes))
        assert re.search(r" (?:à|au|aux) [A-ZÉŒ]", opening(cite.place, cite.communes))
        assert "(" not in opening(cite.place, cite.communes)


def test_that_elides_before_a_vowel_only() -> None:
    assert [that(words) for words in ("dans le Nord", "à Lens", "au Quesnoy", "en France")] == [
        "que dans le Nord", "qu’à Lens", "qu’au Quesnoy", "qu’en France",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "decimals", "noun", "text"),
    [
        (0, 0, "logements", "0\u00a0logement"),
        (1, 0, "logements", "1\u00a0logement"),
        (2, 0, "logements", "2\u00a0logements"),
        (1.96, 1, "points", "2,0\u00a0points"),
        (1.94, 1, "points", "1,9\u00a0point"),
        (-1.0, 1, "points", "\u22121,0\u00a0point"),
        (1, 0, "décès", "1\u00a0décès"),
        (1, 1, "%", "1,0\u00a0%"),
        (1.0, 1, "pour 1 000 habitants", "1,0\u00a0pour\u00a01\u00a0000\u00a0habitants"),
        (1, 0, "€ par an", "1\u00a0€\u00a0par\u00a0an"),
    ],
)
def test_nouns_agree_with_what_is_written(value: float, decimals: int, noun: str, text: str) -> None:
    assert counted(value, decimals, noun) == text


def test_lists_are_joined() -> None:
    assert [joined(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "a",
        "a et b",
        "a, b et c",
    ]


def test_a_level_groups_the_territories_by_what_may_be_said() -> None:
    # 20 of 100 is from 13.3 to 28.9 %.
    row = line([figure(20, 100), figure(50, 100), figure(25, 100), figure(100, 1000)])
    columns = [CITE, COMMUNE, EPCI, BASIN]
    told = sentences(CITE, [Place("commune", "1", "Sains-en-Gohelle", ())], columns, [row])
    assert told == (
        "Dans la cité n°\u202f10 de Béthune à Sains-en-Gohelle, en 2022, 20,0\u00a0% des logements sont "
        "vacants, plus que dans le Bassin minier (10,0\u00a0%), moins qu’au Quesnoy (50,0\u00a0%), et sans "
        "écart significatif avec la communauté d’agglomération d’Hénin-Carvin (25,0\u00a0%).",
    )


def test_a_gap_without_interval_is_left_to_the_reader() -> None:
    median = replace(RATE, unit="€", decimals=0, aggregation="none", proportion=False, reliable_from=None,
                     phrase="le niveau de vie médian est de {value}")  # fmt: skip
    values = [
        figure(1, 1, median, value=value, numerator=None, denominator=None) for value in (19500.0, 21000.0)
    ]
    assert sentences(COMMUNE, [], [COMMUNE, EPCI], [line(values)]) == (
        "Au Quesnoy, en 2022, le niveau de vie médian est de 19\u202f500\u00a0€, contre "
        "21\u202f000\u00a0€ dans la communauté d’agglomération d’Hénin-Carvin.",
    )


@pytest.mark.parametrize(
    ("rank", "text"),
    [
        (Rank("cite", 1, 86, False, 1, ""), "C’est la valeur la plus faible des 86\u00a0cités classées."),
        (
            Rank("cite", 2, 86, True, 1, ""),
            "C’est la 2e valeur la plus faible, ex æquo, des 86\u00a0cités classées.",
        ),
        (
            Rank("epci", 7, 7, False, 4, ""),
            "C’est la valeur la plus élevée des 7\u00a0intercommunalités classées.",
        ),
    ],
)
def test_positions_are_told_from_the_favourable_end(rank: Rank, text: str) -> None:
    assert sentences(COMMUNE, [], [COMMUNE], [line([figure(20, 100)], rank)])[1] == text


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            Change(2017, 2022, 0.6, "points", True),
            "Entre 2017 et 2022, cette valeur a augmenté de 0,6\u00a0point.",
        ),
        (
            Change(2017, 2022, -2.0, "points", True),
            "Entre 2017 et 2022, cette valeur a diminué de 2,0\u00a0points.",
        ),
        (
            Change(2017, 2022, -0.6, "points", False),
            "Entre 2017 et 2022, cette valeur n’a pas changé de façon significative (\u22120,6\u00a0pt).",
        ),
        (Change(2017, 2022, 0.01, "percent"), "Entre 2017 et 2022, cette valeur est restée stable."),
        (Change(2017, 2022, 3.2, "percent"), "Entre 2017 et 2022, cette valeur a augmenté de 3,2\u00a0%."),
    ],
)
def test_changes_are_told_with_their_doubt(change: Change, text: str) -> None:
    assert sentences(COMMUNE, [], [COMMUNE], [line([figure(20, 100)], None, change)])[1] == text


COUNTS = st.one_of(
    st.none(), st.tuples(st.integers(0, 3000), st.integers(1, 3000)).filter(lambda c: c[0] <= c[1])
)


@given(
    st.lists(COUNTS, min_size=4, max_size=4),
    st.booleans(),
    st.booleans(),
    st.sampled_from([one for one in load_indicators() if one.phrase]),
)
def test_what_is_told_is_published_reliable_marked_and_typeset(counts, fictive, ranked, catalogued) -> None:
    indicator = replace(
        RATE, unit=catalogued.unit, decimals=catalogued.decimals, polarity=catalogued.polarity,
        phrase=catalogued.phrase, proportion=catalogued.proportion,
    )  # fmt: skip
    figures = [figure(*(count or (None, 1)), indicator, fictive=fictive) for count in counts]
    rank = Rank("cite", 3, 20, False, 1, "") if ranked else None
    change = Change(2017, 2022, 1.5, "points", True)
    told = sentences(CITE, [COMMUNE], [CITE, COMMUNE, EPCI, BASIN], [line(figures, rank, change)])
    subject, *around = figures
    if subject.value is None or subject.fragile:
        assert told == ()
        return
    assert len(told) == 2
    for sentence in told:
        assert not WRONG.search(sentence), sentence
        assert sentence.endswith(".")
        assert not sentence.endswith("..")
        assert (FICTIVE_WORDS in sentence) is fictive
        assert "secret" not in sentence
    for other in around:
        if other.value is None or other.fragile:
            continue
        assert other.text in told[0]
    assert told[0].count("(") <= 4 + fictive


@given(st.sampled_from([one for one in load_indicators() if one.phrase]), st.sampled_from([0.0, 1.0, 2.0]))
def test_phrases_of_the_catalogue_hold_a_none_a_one_and_a_two(catalogued, value) -> None:
    sentence = catalogued.phrase.replace("{value}", counted(value, catalogued.decimals, catalogued.unit))
    assert not WRONG.search(sentence), sentence
    if catalogued.denominator is None and catalogued.unit[-1] == "s" and value < 2:
        assert f"{catalogued.unit[:-1]}" in sentence
        assert catalogued.unit not in sentence
