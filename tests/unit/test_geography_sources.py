"""The files of the producers of geography: their layouts, their damage, and what is refused."""

from datetime import date

import polars as pl
import pytest

from observatory.errors import InputError
from observatory.sources.catalogue import Reading
from observatory.sources.cog_events import (
    communes_of,
    parse_communes,
    parse_events,
    parse_former_history,
    read_events,
    read_former_history,
)
from observatory.sources.cog_passage import parse_cogugaison
from observatory.sources.columns import columns_by_meaning
from observatory.sources.commune_populations import census_year, parse_populations
from observatory.sources.dgcl import parse_epci, read_epci
from observatory.sources.mbm_perimeter import check_communes, match_communes, read_layer
from observatory.sources.reading import read_table

EVENT = {
    "MOD": "31",
    "DATE_EFF": "1971-01-01",
    "TYPECOM_AV": "COM",
    "COM_AV": "62098",
    "LIBELLE_AV": "Beaumont",
    "TYPECOM_AP": "COM",
    "COM_AP": "62427",
    "LIBELLE_AP": "Hénin-Beaumont",
}


def texts(*rows: dict[str, str | None]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.String))


def test_events_keep_communes_only():
    associated = EVENT | {"TYPECOM_AV": "COMA", "COM_AV": "62847"}
    from_nothing = EVENT | {"TYPECOM_AV": None, "COM_AV": None}
    frame = parse_events(texts(EVENT, associated, from_nothing))
    expected = (date(1971, 1, 1), "merger", "62098", "Beaumont", "62427", "Hénin-Beaumont")
    assert frame.rows() == [expected]


@pytest.mark.parametrize(
    ("changes", "column"),
    [({"MOD": "99"}, "mod"), ({"DATE_EFF": "1er janvier"}, "date"), ({"COM_AV": "2098"}, "code_before")],
)
def test_an_unknown_event_date_or_code_is_refused(changes, column):
    with pytest.raises(InputError) as caught:
        parse_events(texts(EVENT | changes))
    assert caught.value.column == column
    assert caught.value.value == next(iter(changes.values()))


@pytest.mark.parametrize("column", sorted(EVENT))
def test_a_missing_column_of_the_events_is_named(column):
    with pytest.raises(InputError, match=column):
        parse_events(texts(EVENT).drop(column))


def test_columns_are_found_wherever_they_are():
    assert parse_events(texts(EVENT).select(sorted(EVENT))).equals(parse_events(texts(EVENT)))


def test_two_columns_of_one_meaning_are_refused():
    with pytest.raises(InputError, match="même sens"):
        columns_by_meaning(texts({"insee": "1", "codgeo": "2"}), "f.csv", {"code": ("insee", "codgeo")})


def test_communes_of_a_year_are_those_of_its_first_day():
    rows = [("01001", "A", "1943-01-01", "1996-01-01"), ("01002", "B", "1996-01-01", None)]
    communes = parse_communes(
        texts(*(dict(zip(("COM", "LIBELLE", "DATE_DEBUT", "DATE_FIN"), row, strict=True)) for row in rows))
    )
    assert communes_of(communes, 1995).rows() == [("01001", "A")]
    assert communes_of(communes, 1996).rows() == [("01002", "B")]


def test_the_former_history_tells_parcels_and_their_inhabitants():
    row = {"DEP": "62", "COM": "563", "EFF": "01-08-2001", "MOD": "620", "COMECH": "62737", "POPECH": "12"}
    frame = parse_former_history(texts(row, row | {"MOD": "410", "COMECH": None, "POPECH": None}))
    assert frame["kind"].to_list() == ["administrative", "parcels"]
    assert frame.row(1) == ("62563", date(2001, 8, 1), "parcels", "62737", 12)


STEP = {"COG_de": "2022", "COG_vers": "2024", "annee": "2023-01-01", "typemodif": "f", "ratio": "1.0"}


def test_the_swapped_step_is_turned_round():
    swapped = texts(
        *({**STEP, "code_de": "01002", "code_vers": code} for code in ("01001", "01002")),
    )
    frame = parse_cogugaison(swapped)
    assert frame.select("code_from", "code_to").rows() == [("01001", "01002"), ("01002", "01002")]


def test_the_correction_fails_once_the_producer_has_corrected():
    right = texts(*({**STEP, "code_vers": "01002", "code_de": code} for code in ("01001", "01002")))
    with pytest.raises(InputError, match="ne sont plus inversées"):
        parse_cogugaison(right)


def test_another_step_whose_ratios_do_not_sum_to_one_is_refused():
    step = STEP | {"COG_de": "2018", "COG_vers": "2019"}
    wrong = texts(*({**step, "code_de": "01002", "code_vers": code} for code in ("01001", "01002")))
    with pytest.raises(InputError, match="somme 1"):
        parse_cogugaison(wrong)


INSEE = """# Intercommunalité et Métropole
# France - Composition communale
# Mise en ligne le 18/03/2024       Géographie au 01/01/2024
# Source(s) : Insee, Code officiel géographique
# Page :
# Fichier :
# Feuille : Composition_communale
# Code géographique;Libellé géographique;EPCI - Métropole;Libellé de l'EPCI / Métropole;Département
59014;Anzin;245901160;Communauté d'agglomération Valenciennes Métropole;59
59350;Lille;200093201;Métropole Européenne de Lille;59
85113;L'Île-d'Yeu;ZZZZZZZZZ;Sans objet;85
"""


def test_an_insee_composition_has_its_header_in_a_comment(tmp_path):
    path = tmp_path / "epci.csv"
    path.write_bytes(INSEE.replace("\n", "\r\n").encode())
    frame = read_epci(path, 2024)
    assert frame["commune_code"].to_list() == ["59014", "59350"]
    assert frame["epci_kind"].to_list() == ["CA", "METRO"]
    assert frame["epci_name"].to_list() == ["CA Valenciennes Métropole", "Métropole Européenne de Lille"]
    assert frame["cog_year"].to_list() == [2024, 2024]


DGCL = {"siren": "245901152", "nom": "CC C\x9cur d'O", "nature": "CC", "insee": "59008", "nom_com": "Aniche"}


def test_damaged_characters_of_the_former_editions_are_repaired():
    frame = parse_epci(texts(DGCL, DGCL | {"nom": "CC de l\x92Est Douaisis", "insee": "59024"}), 2011)
    assert frame["epci_name"].to_list() == ["CC Cœur d'O", "CC de l’Est Douaisis"]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("CC Coeur d'Ostrevent [c.C.C.O.]", "CC Coeur d'Ostrevent"),
        ("CA d'hénin-Carvin", "CA d'Hénin-Carvin"),
        ("D.AGGLO LENS LIEVEN", "DISTRICT AGGLO LENS LIEVEN"),
        ("D REG  AUCHEL", "DISTRICT REG AUCHEL"),
        ("DI DE LA VALLEE DE L'HOGNEAU", "DI DE LA VALLEE DE L'HOGNEAU"),
        ("CA du Douaisis", "CA du Douaisis"),
    ],
)
def test_names_lose_acronyms_and_the_abbreviation_of_districts(theirs, ours):
    assert parse_epci(texts(DGCL | {"nom": theirs}), 2016)["epci_name"].to_list() == [ours]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nature": "XX"}, "nature de l’EPCI"),
        ({"siren": "12"}, "SIREN"),
        ({"insee": "5908"}, "code commune de cinq caractères"),
    ],
)
def test_a_wrong_composition_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        parse_epci(texts(DGCL | changes), 2011)


def test_a_commune_in_two_epci_is_refused():
    with pytest.raises(InputError, match="deux EPCI"):
        parse_epci(texts(DGCL, DGCL | {"siren": "200042190"}), 2011)


def test_the_name_of_an_absent_column_may_be_any_of_its_editions():
    with pytest.raises(InputError, match="insee ou # Code géographique"):
        parse_epci(texts(DGCL).drop("insee"), 2011)


def people(year: int, population: str = "10") -> dict[str, str]:
    return {"COG": str(year), "variante": "cog", "CODGEO": "62119", "LIBGEO": "X", "POP": population}


def test_a_year_of_the_cog_says_which_census_it_carries():
    assert [census_year(year) for year in (1968, 1999, 2008, 2020, 2021, 2022, 2023, 2024)] == [
        *(1968, 1999, 2006, 2018, 2019, 2019, 2021, 2021)
    ]
    frame = parse_populations(texts(people(1999), people(2020), people(2021), people(2022), people(2023)))
    assert frame["vintage"].to_list() == [1999, 2018, 2019, 2021]
    assert frame["cog_year"].to_list() == [1999, 2020, 2021, 2023]


def test_a_repeated_year_that_is_no_longer_one_is_refused():
    with pytest.raises(InputError, match="COG 2022 ne sont plus celles du COG 2021"):
        parse_populations(texts(people(2021), people(2022, "11")))


def test_populations_are_whole_and_come_once():
    with pytest.raises(InputError, match="nombre entier"):
        parse_populations(texts(people(1999, "10.5")))
    with pytest.raises(InputError, match="deux populations"):
        parse_populations(texts(people(1999), people(1999)))


def test_files_that_are_not_what_they_say_are_refused(tmp_path):
    comma = Reading(separator=",")
    with pytest.raises(InputError, match="le fichier manque"):
        read_table(tmp_path / "absent.csv", comma)
    path = tmp_path / "f.csv"
    path.write_bytes("é,è\n1,2\n".encode("latin-1"))
    with pytest.raises(InputError, match="encodage annoncé"):
        read_table(path, comma)
    path.write_text("<html>")
    with pytest.raises(InputError, match="GeoJSON lisible"):
        read_layer(path)
    path.write_text("a,b\n1,2,3\n")
    with pytest.raises(InputError, match=r"3 cellule\(s\) au lieu de 2"):
        read_table(path, comma)


def test_a_table_is_text_and_its_empty_cells_are_null(tmp_path):
    path = tmp_path / "f.csv"
    path.write_bytes(b"\xef\xbb\xbfcode,name\r\n01001,\r\n,B\r\n")
    assert read_table(path, Reading(separator=",")).to_dict(as_series=False) == {
        "code": ["01001", None],
        "name": [None, "B"],
    }


NAMES = pl.DataFrame(
    {
        "code": ["59001", "62001", "62002", "62003"],
        "name": ["Saint-Léger", "Saint-Léger", "Nœux-les-Mines", "L'Écluse"],
    }
)


def test_names_are_tied_whatever_their_case_and_misses_say_why():
    frame = match_communes(["NOEUX LES MINES", "l’ecluse", "St-Léger", "Lens"], NAMES)
    assert frame["code"].to_list() == ["62002", "62003", None, None]
    assert frame["reason"].to_list() == [
        *(None, None),
        "plusieurs communes portent ce nom\u202f: 59001, 62001",
        "aucune commune ne porte ce nom",
    ]


def test_the_communes_of_the_mission_are_checked_against_the_cog():
    right = pl.DataFrame({"code": ["62002", "62003"], "name": ["Noeux-les-Mines", "L'Ecluse"]})
    check_communes(right, NAMES, "communes-mbm.geojson")
    for code, name in (("62001", "Liévin"), ("62999", "Nœux-les-Mines")):
        with pytest.raises(InputError, match="ne donne pas le nom") as caught:
            check_communes(
                pl.concat([right, pl.DataFrame({"code": [code], "name": [name]})]), NAMES, "f.geojson"
            )
        assert caught.value.value == code


def test_the_files_of_insee_read_as_they_are(mirror):
    events = read_events(mirror / "insee/cog/v_mvtcommune_2023.csv")
    assert events["date"].min() == date(1943, 2, 19)
    assert events["date"].max() == date(2023, 1, 1)
    # Rows of the file between two communes, counted by type of event.
    assert dict(events["kind"].value_counts().iter_rows()) == {
        **{"name": 1373, "creation": 176, "restoration": 437, "suppression": 28, "merger": 1316},
        **{"new_commune": 2602, "association": 1732, "association_ended": 126, "delegate_ended": 1},
        **{"department_change": 920, "seat_change": 4},
    }
    former = read_former_history(mirror / "insee/cog/historiq2017_59_62.txt")
    assert former.height == 300
    assert former.filter(pl.col("code") == "62563").row(0)[2:] == ("parcels", "62737", 12)
