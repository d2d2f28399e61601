"""Ties: every rule on squares, order of rows without effect, decisions by hand and their errors."""

from pathlib import Path

import pytest
from heritage_squares import COMMUNES, cite_feature, cites, heritage, no_heritage
from hypothesis import given
from hypothesis import strategies as st

from observatory.errors import InputError, ObservatoryError
from observatory.heritage.decisions import Decision, read_decisions
from observatory.heritage.places import gather_places, name_keys
from observatory.heritage.ties import count_ties, tie_cites
from observatory.paths import PROJECT
from observatory.sources.cites import read_cites

REFERENCE = PROJECT / "data" / "reference"


def _tie(rows, features, decisions=None):
    frame = tie_cites(cites(*rows), heritage(*features), COMMUNES, decisions or {})
    return {row.pop("slug"): row for row in frame.iter_rows(named=True)}


def _decision(slug, *tokens, certain=True):
    return {slug: Decision(slug, tokens, certain, "Décidé.", "cites_heritage.csv", 2)}


def _row(slug, name, *alternatives, communes=("59001",)):
    return {
        "slug": slug,
        "name": name,
        "alternative_names": list(alternatives),
        "commune_codes": list(communes),
    }


@pytest.mark.parametrize(
    ("spellings", "keys"),
    [
        (("Cité Darçy",), {"darcy"}),
        (("Rés. du Parc", "Résidence du Parc (partie en zone-tampon)"), {"parc"}),
        (("Cité 4-5 Sud", "Cité du Maroc ou Rés. de la Croisette"), {"4 5 sud", "maroc", "croisette"}),
        (("Résidence de la Motte (Nouméa)",), {"motte", "noumea"}),
        (("Cité de Pecquencourt (Nouvelle)",), {"pecquencourt nouvelle"}),
        (("Cité 16-1 du Nouveau Monde", "+ Résidence Washington"), {"16 1 nouveau monde"}),
        (("Cité des Électriciens (n°2)",), {"electriciens", "2"}),
        (("Cité n° 11 de Béthune", "Cité 11 de Béthune"), {"11 bethune"}),
        (("Quartier Sabatier",), {"sabatier"}),
        (("Cité St-Albert",), {"saint albert"}),
        (("Cité de la",), set()),
    ],
)
def test_keys_of_names(spellings, keys):
    assert name_keys(*spellings) == keys


def test_the_same_name_in_the_commune_ties():
    ties = _tie(
        [_row("a", "Cité du Moulin"), _row("b", "Cité du Moulin", communes=("62001",))],
        [
            cite_feature("Cité du Moulin", "ALPHA", id_unesco="1A"),
            cite_feature("Cité du Moulin", "Gamma", east=5_000, id_unesco="2B"),
        ],
    )
    assert ties["a"] == {
        "confidence": "certain",
        "method": "nom",
        "feature_ids": ["cites_minieres/1A"],
        "candidates": [],
        "reason": "Même nom, même commune\u202f: Cité du Moulin (Alpha).",
    }
    assert ties["b"]["feature_ids"] == ["cites_minieres/2B"]


def test_any_commune_of_the_layer_and_of_the_cite_may_agree():
    feature = cite_feature("Cité n°9", "Alpha", commune_2="Gamma", id_unesco="89B")
    ties = _tie([_row("neuf", "Cité n° 9", communes=("62002", "62001"))], [feature])
    assert ties["neuf"]["feature_ids"] == ["cites_minieres/89B"]


def test_another_spelling_ties_as_the_name_does():
    feature = cite_feature("Rés. de la Motte", nom_2="Cité Nouméa", id_lsm=361)
    ties = _tie([_row("noumea", "Cité Nouméa")], [feature])
    assert ties["noumea"]["feature_ids"] == ["cites_minieres/lsm-361"]


def test_one_cite_drawn_in_several_layers_is_one_place():
    features = [
        cite_feature("Cité St-Albert", id_lsm=241),
        cite_feature("Cité Saint-Albert (n°16)", id_unesco="63AB", east=5, north=5),
        cite_feature("Cité Saint-Albert (partie en zone-tampon)", id_lsm=555, east=260),
        cite_feature("Cité sans rapport", id_lsm=777, east=-201),
    ]
    ties = _tie([_row("saint-albert", "Cité Saint-Albert")], features)
    assert ties["saint-albert"]["feature_ids"] == [
        "cites_minieres/63AB",
        "cites_minieres/lsm-241",
        "cites_minieres/lsm-555",
    ]


def test_features_of_one_dwelling_identifier_are_one_place_at_any_distance():
    named = cite_feature("Cité Anchin", id_unesco="55G", id_lsm=349)
    other = cite_feature("Rue sans nom", id_lsm=349, east=4_000)
    assert [place.feature_ids for place in gather_places(heritage(named, other), COMMUNES)] == [
        ("cites_minieres/55G", "cites_minieres/lsm-349")
    ]


def test_namesakes_that_are_not_next_door_tie_none():
    features = [
        cite_feature("Cité du Moulin", id_lsm=1),
        cite_feature("Cité du Moulin", id_lsm=2, east=350),
    ]
    ties = _tie([_row("moulin", "Cité du Moulin")], features)
    assert ties["moulin"]["confidence"] == "aucun"
    assert ties["moulin"]["feature_ids"] == []
    assert ties["moulin"]["candidates"] == ["cites_minieres/lsm-1", "cites_minieres/lsm-2"]
    assert ties["moulin"]["reason"].startswith("Plusieurs surfaces portent")


def test_two_cites_that_claim_one_place_get_none():
    feature = cite_feature("Cité 4-5 Sud", nom_2="Cité du Maroc ou Rés. de la Croisette", id_lsm=362)
    ties = _tie([_row("maroc", "Cité du Maroc"), _row("croisette", "Cité de la Croisette")], [feature])
    for slug in ("maroc", "croisette"):
        assert (ties[slug]["confidence"], ties[slug]["feature_ids"]) == ("aucun", [])
        assert "revendique la même surface" in ties[slug]["reason"]


def test_a_decision_takes_its_place_from_the_others():
    feature = cite_feature("Cité du Maroc", nom_2="Rés. de la Croisette", id_lsm=362)
    rows = [_row("maroc", "Cité du Maroc"), _row("croisette", "Cité de la Croisette")]
    ties = _tie(rows, [feature], _decision("croisette", "lsm:362"))
    assert (ties["croisette"]["method"], ties["croisette"]["confidence"]) == ("decision", "certain")
    assert ties["maroc"]["confidence"] == "aucun"


def test_a_word_of_the_name_only_proposes():
    features = [
        cite_feature("Cité Cuvinot Nouvelle", id_lsm=671),
        cite_feature("Cité Ancienne", id_lsm=672, east=900),
    ]
    ties = _tie([_row("cuvinot", "Cité Cuvinot")], features)
    assert (ties["cuvinot"]["confidence"], ties["cuvinot"]["method"]) == ("propose", "mot_du_nom")
    assert (ties["cuvinot"]["feature_ids"], ties["cuvinot"]["candidates"]) == ([], ["cites_minieres/lsm-671"])


def test_several_places_with_a_word_of_the_name_are_listed():
    features = [
        cite_feature("Cité du Pinson Ancienne", id_unesco="8Y"),
        cite_feature("Cité du Pinson Nouvelle", id_unesco="8AC", east=900),
    ]
    ties = _tie([_row("pinson", "Cité du Pinson")], features)
    assert ties["pinson"]["confidence"] == "aucun"
    assert ties["pinson"]["candidates"] == ["cites_minieres/8AC", "cites_minieres/8Y"]
    assert "Cité du Pinson Ancienne (Alpha)" in ties["pinson"]["reason"]


@pytest.mark.parametrize(
    ("cite", "place"),
    [
        ("Cité Saint-Amé", "Cité Saint-Albert"),
        ("Cité de la fosse 7", "Cité de la Fosse n°10"),
        ("Cité n° 9 de Béthune", "Cité n°5 de Béthune"),
        ("Cité du Bas", "Cité du Bas Riez"),
    ],
)
def test_a_common_word_proposes_nothing(cite, place):
    features = [cite_feature(place, id_lsm=1), cite_feature("Cité X", id_lsm=2, east=900)]
    ties = _tie([_row("seule", cite)], features)
    assert ties["seule"]["confidence"] == "aucun"
    assert ties["seule"]["reason"].startswith("Aucune surface de la commune ne porte ce nom")


def test_the_only_place_left_in_the_commune_is_proposed_to_a_single_cite():
    feature = cite_feature("Cité Cornuault", id_unesco="43B")
    alone = _tie([_row("employes", "Cité des Employés")], [feature])["employes"]
    assert (alone["confidence"], alone["method"]) == ("propose", "commune")
    assert alone["candidates"] == ["cites_minieres/43B"]
    both = _tie([_row("niveau", "Cité du Niveau"), _row("sucrerie", "Cité de la Sucrerie")], [feature])
    assert {row["confidence"] for row in both.values()} == {"aucun"}


def test_a_miss_says_whose_places_are_there_and_where_the_name_is():
    features = [
        cite_feature("Cité Turenne", id_lsm=799),
        cite_feature("Cité Sabatier", "Gamma", id_unesco="8X", east=9_000),
    ]
    rows = [_row("turenne", "Cité Turenne"), _row("sabatier", "Cité Sabatier")]
    assert _tie(rows, features)["sabatier"]["reason"] == (
        "Les surfaces de la commune sont celles d’autres cités\u202f: Cité Turenne (Alpha). "
        "Le même nom existe ailleurs\u202f: Cité Sabatier (Gamma)."
    )
    empty = _tie([_row("corbeau", "Cité du Corbeau", communes=("62002",))], features)["corbeau"]
    assert empty["reason"] == "Les couches n’ont aucune cité dans la commune."
    assert empty["candidates"] == []


def test_an_element_brings_all_its_cites_and_an_object_one():
    features = [
        cite_feature("Cité des Musiciens (n°33)", id_unesco="94A", element="94"),
        cite_feature("Cité des Musiciens bis", id_unesco="94B", element="94", east=900),
    ]
    rows = [_row("musiciens", "Cité des Musiciens")]
    whole = _tie(rows, features, _decision("musiciens", "element:94"))["musiciens"]
    assert (whole["method"], whole["feature_ids"]) == (
        "element_unesco",
        ["cites_minieres/94A", "cites_minieres/94B"],
    )
    one = _tie(rows, features, _decision("musiciens", "unesco:94B"))["musiciens"]
    assert (one["feature_ids"], one["reason"]) == (["cites_minieres/94B"], "Décidé.")


def test_a_decision_may_only_propose():
    ties = _tie(
        [_row("monde", "Cité du Nouveau Monde")],
        [cite_feature("Cité 16-3 du Nouveau Monde", id_lsm=75)],
        _decision("monde", "lsm:75", certain=False),
    )
    assert (ties["monde"]["confidence"], ties["monde"]["feature_ids"]) == ("propose", [])
    assert ties["monde"]["candidates"] == ["cites_minieres/lsm-75"]


def test_a_decision_on_a_vanished_feature_must_be_taken_again():
    with pytest.raises(InputError, match="reprendre la décision") as caught:
        _tie([_row("a", "A")], [cite_feature("B", id_lsm=1)], _decision("a", "lsm:2"))
    assert (caught.value.row, caught.value.value) == (2, "lsm:2")


def test_two_certain_decisions_on_one_place_are_refused():
    both = _decision("a", "lsm:1") | _decision("b", "lsm:1")
    with pytest.raises(InputError, match="même surface"):
        _tie([_row("a", "A"), _row("b", "B")], [cite_feature("C", id_lsm=1)], both)


def test_an_unknown_commune_and_layers_without_cite_are_refused():
    with pytest.raises(ObservatoryError, match=r"Oméga.*aucune commune ne porte ce nom"):
        _tie([_row("a", "A")], [cite_feature("A", "Oméga")])
    with pytest.raises(ObservatoryError, match="Aucune couche patrimoniale"):
        tie_cites(cites(_row("a", "A")), no_heritage(), COMMUNES, {})


def test_counts_by_confidence_and_method():
    frame = tie_cites(
        cites(_row("a", "Cité Un"), _row("b", "Cité Absente", communes=("62002",))),
        heritage(cite_feature("Cité Un")),
        COMMUNES,
        {},
    )
    assert count_ties(frame) == {"aucun": {"aucune": 1}, "certain": {"nom": 1}}


_NAMES = st.sampled_from(["Moulin", "Maroc", "Parc", "Pinson", "Pinson Nouvelle", "n°9", "Parc (Maroc)"])
_FEATURES = st.lists(
    st.tuples(_NAMES, st.sampled_from(["Alpha", "Gamma"]), st.integers(0, 8), st.sampled_from([None, 1, 2])),
    min_size=1,
    max_size=7,
)
_CITES = st.lists(st.tuples(_NAMES, st.sampled_from(["59001", "62001"])), min_size=1, max_size=5)


@given(features=_FEATURES, named=_CITES, data=st.data())
def test_the_order_of_rows_has_no_effect_and_no_place_is_tied_twice(features, named, data):
    read = heritage(
        *(
            cite_feature(f"Cité {name}", commune, east=150 * step, id_unesco=f"{rank}A", id_lsm=dwelling)
            for rank, (name, commune, step, dwelling) in enumerate(features, start=1)
        )
    )
    table = cites(
        *(_row(f"c{rank}", f"Cité {name}", communes=(code,)) for rank, (name, code) in enumerate(named))
    )
    ties = tie_cites(table, read, COMMUNES, {})
    shuffled = read[data.draw(st.permutations(range(len(read))))]
    turned = table[data.draw(st.permutations(range(len(table))))]
    assert tie_cites(turned, shuffled, COMMUNES, {}).equals(ties)
    tied = [feature for row in ties["feature_ids"] for feature in row]
    assert len(tied) == len(set(tied))
    for row in ties.iter_rows(named=True):
        assert bool(row["feature_ids"]) == (row["confidence"] == "certain")
        assert (row["method"] is None) == (row["confidence"] == "aucun")
        assert row["confidence"] != "propose" or row["candidates"]


def _write(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "cites_heritage.csv"
    path.write_text("\n".join(("slug,features,confidence,reason", *lines)) + "\n", encoding="utf-8")
    return path


def test_decisions_are_read(tmp_path):
    path = _write(tmp_path, "a,unesco:63AI|lsm:12,certain,Parce que.", "b,element:94,propose,Peut-être.")
    decisions = read_decisions(path, {"a", "b"})
    assert decisions["a"] == Decision("a", ("unesco:63AI", "lsm:12"), True, "Parce que.", path.name, 2)
    assert not decisions["b"].certain


@pytest.mark.parametrize(
    ("line", "column", "told"),
    [
        ("z,lsm:1,certain,R", "slug", "pas dans cites.csv"),
        ("a,feature:1,certain,R", "features", "pas écrite comme attendu"),
        ("a,lsm:1|lsm:1,certain,R", "features", "deux fois"),
        ("a,,certain,R", "features", "pas écrite comme attendu"),
        ("a,lsm:1,sûr,R", "confidence", "confiance est inconnue"),
        ("a,lsm:1,certain, ", "reason", "raison est vide"),
        ("a,lsm:1,certain", None, "3 cellule"),
    ],
)
def test_a_faulty_decision_is_refused_with_its_place(tmp_path, line, column, told):
    with pytest.raises(InputError, match=told) as caught:
        read_decisions(_write(tmp_path, "b,lsm:9,certain,R", line), {"a", "b"})
    assert (caught.value.row, caught.value.column) == (3, column)


def test_a_cite_decided_twice_other_columns_and_no_file_are_refused(tmp_path):
    with pytest.raises(InputError, match="déjà une décision"):
        read_decisions(_write(tmp_path, "a,lsm:1,certain,R", "a,lsm:2,certain,R"), {"a"})
    other = tmp_path / "autre.csv"
    with pytest.raises(InputError, match="fichier est absent"):
        read_decisions(other, {"a"})
    other.write_text("slug;features\n", encoding="utf-8")
    with pytest.raises(InputError, match="colonnes"):
        read_decisions(other, {"a"})


def test_the_shipped_decisions_bear_on_cites_of_the_table():
    slugs = set(read_cites(REFERENCE / "cites.csv")["slug"])
    decisions = read_decisions(REFERENCE / "cites_heritage.csv", slugs)
    assert len(decisions) == 9
    assert sorted(slug for slug, one in decisions.items() if not one.certain) == [
        "maroc-mericourt",
        "nouveau-monde-bruay-la-buissiere",
    ]
