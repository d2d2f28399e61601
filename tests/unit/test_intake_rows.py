import csv
import io
import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from deliveries import COMMUNE_CODES, SMALL_CITES, cite_frame, cite_row, delivered_text
from hypothesis import given, settings
from hypothesis import strategies as st

from observatory.errors import InputError
from observatory.intake.deliveries import as_table, sort_file
from observatory.intake.places import Places
from observatory.intake.sorting import Delivery
from observatory.sources.cite_names import cite_index, cite_key
from observatory.tables import DWELLINGS, ContractError

MC_ROW = {
    "Code logement": "MC-1",
    "Code INSEE": "59491",
    "Commune": "Raismes",
    "Cité": "Cité du Pinson",
    "Typologie": "T4",
    "Année de construction": "1925",
    "Surface habitable": "72,5",
    "Chauffage": "Gaz individuel",
    "Étiquette DPE": "E",
    "Loyer mensuel": "410,20",
    "État du logement": "Occupé",
    "Vacant depuis": "",
    "Programme de rénovation": "Réhabilitation complète",
    "Avancement": "En cours",
    "Catégorie d'occupant": "Ayant droit",
    "Date d'entrée": "03/09/1978",
    "Taille du ménage": "2",
    "Type de ménage": "Couple sans enfant",
    "Tranche d'âge": "75 ans et plus",
    "Tranche de ressources OPS": "20 à 40 %",
    "APL": "Non",
}
SIA_ROW = {
    "ref_lot": "SIA1",
    "nom_residence": "CITÉ DES ÉLECTRICIENS",
    "code_commune": "62178",
    "type_lot": "F3",
    "surface_m2": "58.1",
    "annee": "1860",
    "energie": "Électricité",
    "dpe": "",
    "loyer_hors_charges": "320.00",
    "statut": "VAC",
    "date_vacance": "2024-02-29",
    "type_occupant": "",
    "date_entree": "",
    "nb_personnes": "",
    "classe_age": "",
    "operation": "",
    "etat_operation": "",
}


def write_mc(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_bytes(delivered_text(list(MC_ROW), rows, ";").encode("cp1252"))
    return path


def write_sia(path: Path, rows: list[dict[str, str]]) -> Path:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(SIA_ROW))
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(buffer.getvalue().encode("utf-8-sig"))
    return path


PLACES = Places(SMALL_CITES, frozenset(COMMUNE_CODES))


def read_mc(path: Path) -> Delivery:
    return sort_file(path, "maisons-et-cites", 2024, PLACES)


def read_sia(path: Path) -> Delivery:
    return sort_file(path, "sia-habitat", 2024, PLACES)


def test_a_sound_row_of_each_landlord_becomes_a_dwelling(tmp_path: Path) -> None:
    mc = read_mc(write_mc(tmp_path / "mc.csv", [MC_ROW]))
    sia = read_sia(write_sia(tmp_path / "sia.csv", [SIA_ROW]))
    dwelling = as_table(mc.accepted, "maisons-et-cites", 2024, "mc-2024")
    assert dwelling.schema == DWELLINGS.polars_schema
    assert dwelling.row(0, named=True) == {
        "landlord": "maisons-et-cites",
        "dwelling_id": "MC-1",
        "vintage": 2024,
        "cite_slug": "pinson-raismes",
        "commune_code": "59491",
        "dwelling_type": "T4",
        "built_year": 1925,
        "surface": 72.5,
        "heating": "gas_individual",
        "energy_label": "E",
        "rent": 410.2,
        "status": "occupied",
        "vacant_since": None,
        "renovation": "full",
        "renovation_state": "underway",
        "occupant": "ayant_droit",
        "entry_date": date(1978, 9, 3),
        "household_size": 2,
        "household_type": "couple",
        "age_band": "over_75",
        "income_band": "from_20_to_40",
        "apl": "no",
        "file_id": "mc-2024",
    }
    (other,) = as_table(sia.accepted, "sia-habitat", 2024, "sia-2024").rows(named=True)
    assert {name: value for name, value in other.items() if value is not None} == {
        "landlord": "sia-habitat",
        "dwelling_id": "SIA1",
        "vintage": 2024,
        "cite_slug": "electriciens-bruay",
        "commune_code": "62178",
        "dwelling_type": "T3",
        "built_year": 1860,
        "surface": 58.1,
        "heating": "electricity",
        "rent": 320.0,
        "status": "vacant",
        "vacant_since": date(2024, 2, 29),
        "file_id": "sia-2024",
    }


@pytest.mark.parametrize(
    ("column", "value", "rules"),
    [
        ("Code logement", "", ["required"]),
        ("Code logement", "x" * 201, ["text"]),
        ("Code INSEE", "", ["required", "cite_unknown"]),
        ("Code INSEE", "59999", ["commune", "cite_unknown"]),
        ("Cité", "Cité Imaginaire", ["cite_unknown"]),
        ("Cité", "Cité du Pnson", ["cite_near"]),
        ("Cité", "Cité de la Croisette", ["cite_unknown"]),
        ("Cité", "Cité", ["cite_unknown"]),
        ("Typologie", "", ["required"]),
        ("Typologie", "T8", ["code"]),
        ("Année de construction", "dix-neuf", ["year"]),
        ("Année de construction", "2025", ["year"]),
        ("Surface habitable", "72.5", ["number"]),
        ("Surface habitable", "72,5 m²", ["number"]),
        ("Surface habitable", "4", ["range"]),
        ("Loyer mensuel", "-3", ["number"]),
        ("Loyer mensuel", "5000,01", ["range"]),
        ("Étiquette DPE", "H", ["code"]),
        ("État du logement", "", ["required"]),
        ("État du logement", "Loué", ["code"]),
        ("Vacant depuis", "01/02/2024", ["condition"]),
        ("Vacant depuis", "01/01/2025", ["condition", "date_range"]),
        ("Programme de rénovation", "", ["condition"]),
        ("Programme de rénovation", "Peinture", ["code"]),
        ("Catégorie d'occupant", "Squatteur", ["code"]),
        ("Date d'entrée", "31/02/2019", ["date"]),
        ("Date d'entrée", "2019-02-03", ["date"]),
        ("Date d'entrée", "03/02/19", ["two_digit_year"]),
        ("Date d'entrée", "01/01/2025", ["date_range"]),
        ("Date d'entrée", "31/12/1899", ["date_range"]),
        ("Taille du ménage", "2,5", ["number"]),
        ("Taille du ménage", "21", ["range"]),
        ("APL", "peut-être", ["code"]),
    ],
)
def test_a_broken_rule_quarantines_its_row_only(
    tmp_path: Path, column: str, value: str, rules: list[str]
) -> None:
    good = MC_ROW | {"Code logement": "MC-2"}
    delivery = read_mc(write_mc(tmp_path / "logements.csv", [MC_ROW | {column: value}, good]))
    assert delivery.accepted["dwelling_id"].to_list() == ["MC-2"]
    assert delivery.delivered == 2
    assert delivery.faults["rule"].to_list() == rules
    assert delivery.by_rule == {rules[0]: 1}
    fault = delivery.faults.row(0, named=True)
    assert (fault["file"], fault["sheet"], fault["row"]) == ("logements.csv", None, 2)
    if rules[0] != "condition":
        assert (fault["column"], fault["value"]) == (column, value or None)
    assert fault["reason"].endswith(".")
    assert fault["remedy"].endswith(".")


def test_several_faults_of_a_row_are_listed_and_the_row_counted_once(tmp_path: Path) -> None:
    faulty = MC_ROW | {"Typologie": "T9", "Loyer mensuel": "cher", "Date d'entrée": "hier"}
    delivery = read_mc(write_mc(tmp_path / "mc.csv", [faulty, MC_ROW]))
    assert delivery.faults.select("row", "rule", "value").rows() == [
        (2, "code", "T9"),
        (2, "number", "cher"),
        (2, "date", "hier"),
    ]
    assert delivery.quarantine.rows() == [(None, 2, "MC-1", None, "code")]
    assert delivery.by_rule == {"code": 1}


def test_a_vacancy_needs_its_date_and_has_no_occupant(tmp_path: Path) -> None:
    delivery = read_mc(write_mc(tmp_path / "mc.csv", [MC_ROW | {"État du logement": "Vacant"}]))
    occupant = ["Catégorie d'occupant", "Date d'entrée", "Taille du ménage", "Type de ménage"]
    occupant += ["Tranche d'âge", "Tranche de ressources OPS", "APL"]
    assert delivery.faults.select("rule", "column").rows() == [
        ("required", "Vacant depuis"),
        *(("condition", name) for name in occupant),
    ]


def test_the_bounds_of_dates_are_accepted(tmp_path: Path) -> None:
    rows = [
        MC_ROW | {"Code logement": "a", "Date d'entrée": "31/12/2024"},
        MC_ROW | {"Code logement": "b", "Date d'entrée": "01/01/1900"},
    ]
    delivery = read_mc(write_mc(tmp_path / "mc.csv", rows))
    assert delivery.accepted["entry_date"].to_list() == [date(2024, 12, 31), date(1900, 1, 1)]


def test_optional_cells_may_be_empty(tmp_path: Path) -> None:
    blank = dict.fromkeys(MC_ROW, "")
    needed = {key: MC_ROW[key] for key in ("Code logement", "Code INSEE", "Typologie", "État du logement")}
    delivery = read_mc(write_mc(tmp_path / "mc.csv", [blank | needed]))
    (row,) = delivery.accepted.rows(named=True)
    empty = {name for name, value in row.items() if value is None}
    assert set(row) - empty == {"dwelling_id", "commune_code", "dwelling_type", "status", "row"}


@pytest.mark.parametrize(
    ("commune", "label", "slug"),
    [
        ("59491", "  PINSON ", "pinson-raismes"),
        ("59491", "cite pinson", "pinson-raismes"),
        ("59491", "Cité Sabatier", "sabatier-raismes"),
        ("62178", "CITE DES ELECTRICIENS", "electriciens-bruay"),
        ("62178", "Cité des Musiciens", "musiciens-bruay"),
        ("62270", "Cité des Musiciens", "musiciens-bruay"),
        ("62570", "residence de l'etoile", "croisette-mericourt"),
        ("62498", "Cité 9", "cite-9-lens"),
        ("62443", "CITÉ N°9", "cite-9-hersin"),
        ("62443", "Cité numéro 9", "cite-9-hersin"),
        ("59172", "Latour-Ancienne", "latour-ancienne"),
    ],
)
def test_cites_are_recognised_within_their_commune(
    tmp_path: Path, commune: str, label: str, slug: str
) -> None:
    row = MC_ROW | {"Code INSEE": commune, "Cité": label}
    assert read_mc(write_mc(tmp_path / "mc.csv", [row])).accepted["cite_slug"].to_list() == [slug]


def test_a_spelling_shared_by_two_cites_of_a_commune_names_neither(tmp_path: Path) -> None:
    row = MC_ROW | {"Code INSEE": "59172", "Cité": "Cité Latour"}
    delivery = read_mc(write_mc(tmp_path / "mc.csv", [row]))
    assert delivery.by_rule == {"cite_unknown": 1}


def test_two_cites_of_a_commune_may_not_have_one_name() -> None:
    twins = cite_frame([cite_row("a", "Cité 9", ["62498"]), cite_row("b", "Cité n° 9", ["62498"])])
    with pytest.raises(InputError, match="même nom"):
        cite_index(twins)


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("Cité de l’Orient", "orient"),
        ("Cité St-Pierre", "saint pierre"),
        ("Sacré-Cœur", "sacre coeur"),
        ("Cité", ""),
    ],
)
def test_cite_keys(label: str, key: str) -> None:
    assert cite_key(label) == key


def test_the_first_of_twins_is_kept(tmp_path: Path) -> None:
    twins = [MC_ROW, MC_ROW | {"Code logement": "MC-2"}, MC_ROW, MC_ROW | {"Typologie": "T2"}]
    delivery = read_mc(write_mc(tmp_path / "mc.csv", twins))
    assert delivery.accepted.select("dwelling_id", "dwelling_type").rows() == [("MC-1", "T4"), ("MC-2", "T4")]
    assert delivery.faults.select("row", "column", "rule").rows() == [
        (4, "Code logement", "duplicate"),
        (5, "Code logement", "duplicate"),
    ]


def test_a_faulty_row_does_not_hide_a_sound_one_of_the_same_identifier(tmp_path: Path) -> None:
    rows = [MC_ROW | {"Typologie": "?"}, MC_ROW]
    delivery = read_mc(write_mc(tmp_path / "mc.csv", rows))
    assert delivery.accepted.height == 1
    assert delivery.faults.select("row", "column").rows() == [(2, "Typologie")]


def test_a_ragged_line_or_an_open_quote_spoils_its_own_line_only(tmp_path: Path) -> None:
    good = ",".join(SIA_ROW.values())
    lines = [",".join(SIA_ROW), good + ",x", '"' + good.replace("SIA1", "SIA2"), "", good, "SIA4,,,", ",,,"]
    path = tmp_path / "sia.csv"
    path.write_text("\r\n".join(lines), encoding="utf-8")
    delivery = read_sia(path)
    assert delivery.delivered == 4
    assert delivery.accepted["dwelling_id"].to_list() == ["SIA1"]
    assert delivery.faults.select("row", "rule").rows() == [(2, "line"), (3, "line"), (6, "line")]


def test_quoted_cells_may_hold_the_separator(tmp_path: Path) -> None:
    rows = [
        SIA_ROW | {"nom_residence": "Cité, des Électriciens"},
        SIA_ROW | {"ref_lot": "SIA2", "surface_m2": "58,1"},
    ]
    delivery = read_sia(write_sia(tmp_path / "sia.csv", rows))
    assert delivery.accepted["dwelling_id"].to_list() == ["SIA1"]
    assert delivery.faults["column"].to_list() == ["surface_m2"]


def test_reordered_and_extra_columns_do_not_matter(tmp_path: Path) -> None:
    row = {"remarque": "x"} | dict(reversed(MC_ROW.items()))
    path = tmp_path / "mc.csv"
    path.write_bytes(delivered_text(list(row), [row], ";").encode("cp1252"))
    assert read_mc(path).accepted["dwelling_id"].to_list() == ["MC-1"]


def test_a_delivery_without_rows_is_empty(tmp_path: Path) -> None:
    delivery = read_mc(write_mc(tmp_path / "mc.csv", []))
    assert (delivery.delivered, delivery.accepted.height, delivery.quarantine.height) == (0, 0, 0)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"\x81\x8d", "encodage"),
        (b"a\x00b\x00\x00", "encodage"),
        (b"", "ligne d’en-tête"),
        (b"# commentaire\n\n", "ligne d’en-tête"),
        (b"MC-1;59491;T4\nMC-2;59491;T4", "ligne d’en-tête"),
        (b"PK\x03\x04 not a workbook", "classeur"),
        (b"\xd0\xcf\x11\xe0 not a workbook", "classeur"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(tmp_path: Path, content: bytes, rule: str) -> None:
    path = tmp_path / "mc.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rule) as caught:
        read_mc(path)
    assert caught.value.file == "mc.csv"
    assert caught.value.remedy
    assert caught.value.value is None


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent ou illisible"):
        read_sia(tmp_path / "nulle-part.csv")


@pytest.mark.parametrize("name", ["ref_lot", "code_commune", "type_lot", "statut"])
def test_a_missing_required_column_refuses_the_file_with_what_comes_near(tmp_path: Path, name: str) -> None:
    path = tmp_path / "sia.csv"
    path.write_text(",".join(f"{key}s" if key == name else key for key in SIA_ROW), encoding="utf-8")
    with pytest.raises(InputError, match="la colonne obligatoire manque") as caught:
        read_sia(path)
    assert caught.value.column == name
    assert f"Peut-être «\u202f{name}s\u202f»" in caught.value.rule
    assert "«\u202fnom_residence\u202f»" in caught.value.rule
    path.write_text(",".join([*SIA_ROW, name]), encoding="utf-8")
    with pytest.raises(InputError, match="plusieurs fois"):
        read_sia(path)


def test_only_a_file_whose_every_row_says_so_is_fictive(tmp_path: Path) -> None:
    rows = [MC_ROW | {"nature": "Fictif"}, MC_ROW | {"Code logement": "MC-2", "nature": "fictif"}]
    for name, delivered, fictive in (
        ("every", rows, True),
        ("one", [rows[0], rows[1] | {"nature": ""}], False),
        ("none", [], False),
    ):
        path = tmp_path / f"{name}.csv"
        path.write_bytes(delivered_text([*MC_ROW, "nature"], delivered, ";").encode("cp1252"))
        assert read_mc(path).fictive is fictive
    path.write_bytes(f"# DONNÉES FICTIVES\n{delivered_text(list(MC_ROW), [MC_ROW], ';')}".encode("cp1252"))
    assert not read_mc(path).fictive


def test_what_a_delivery_shows_of_itself_holds_no_value(tmp_path: Path) -> None:
    secret = "QZX987"
    rows = [MC_ROW | {"Code logement": f"{secret}{n}", name: secret} for n, name in enumerate(MC_ROW)]
    delivery = read_mc(write_mc(tmp_path / "mc.csv", rows))
    assert delivery.quarantine.height > 5
    assert secret not in repr(delivery)


def test_a_delivery_that_loses_a_row_cannot_exist(tmp_path: Path) -> None:
    delivery = read_mc(write_mc(tmp_path / "mc.csv", [MC_ROW]))
    with pytest.raises(ContractError, match="compte 2 lignes"):
        Delivery(delivery.accepted, delivery.quarantine, delivery.faults, 2, False, delivery.labels)


CELL = st.text(st.characters(codec="cp1252", exclude_characters="\x00"), max_size=12) | st.sampled_from(
    ["", "T3", "59491", "31/02/2019", "72.5", "1850", "Vacant", '"', "+1", "٣", "1e5", ";"]
)
MUTATION = st.tuples(st.integers(0, 9), st.sampled_from(list(MC_ROW)), CELL)


@settings(max_examples=120, deadline=None)
@given(mutations=st.lists(MUTATION, max_size=8))
def test_counts_balance_whatever_the_cells(
    tmp_path_factory: pytest.TempPathFactory, mutations: list[tuple[int, str, str]]
) -> None:
    rows = [MC_ROW | {"Code logement": f"MC-{n}"} for n in range(10)]
    for n, column, cell in mutations:
        rows[n][column] = cell.encode("cp1252", errors="ignore").decode("cp1252")
    path = tmp_path_factory.getbasetemp() / "mutated.csv"
    write_mc(path, rows)
    lines = re.split("\r\n|\r|\n", path.read_bytes().decode("cp1252"))
    delivered = {n for n, line in enumerate(lines, 1) if n > 1 and line.strip('; "\t\xa0')}
    delivery = read_mc(path)
    assert delivery.delivered == len(delivered)
    assert delivery.accepted.height + delivery.quarantine.height == len(delivered)
    assert delivery.quarantine["row"].is_unique().all()
    assert set(delivery.quarantine["row"]) <= delivered
    touched = {n for n, _, _ in mutations}
    sound = {f"MC-{n}" for n in range(10) if n not in touched}
    stolen = {cell for _, column, cell in mutations if column == "Code logement"}
    assert sound - stolen <= set(delivery.accepted["dwelling_id"])
    assert delivery.accepted.filter(pl.col("entry_date").dt.year() > 2024).is_empty()
