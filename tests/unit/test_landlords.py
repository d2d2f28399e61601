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
from observatory.sources.cite_names import cite_index, cite_key
from observatory.sources.delivery import Delivery
from observatory.sources.landlords import read_landlord
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
    "Programme de rénovation": "",
    "Avancement": "",
    "Catégorie d'occupant": "Ayant droit",
    "Date d'entrée": "03/09/1978",
    "Taille du ménage": "2",
    "Tranche d'âge": "75 ans et plus",
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


def read_mc(path: Path) -> Delivery:
    return read_landlord(path, "maisons-et-cites", 2024, SMALL_CITES, COMMUNE_CODES, "mc-2024")


def read_sia(path: Path) -> Delivery:
    return read_landlord(path, "sia-habitat", 2024, SMALL_CITES, COMMUNE_CODES, "sia-2024")


def test_a_sound_row_of_each_landlord_becomes_a_dwelling(tmp_path: Path) -> None:
    mc = read_mc(write_mc(tmp_path / "mc.csv", [MC_ROW]))
    sia = read_sia(write_sia(tmp_path / "sia.csv", [SIA_ROW]))
    assert mc.accepted.schema == DWELLINGS.polars_schema
    assert mc.accepted.row(0, named=True) == {
        "landlord": "maisons-et-cites",
        "dwelling_id": "MC-1",
        "vintage": 2024,
        "cite_slug": "pinson-raismes",
        "commune_code": "59491",
        "dwelling_type": "T4",
        "built_year": 1925,
        "energy_label": "E",
        "status": "occupied",
        "occupant": "ayant_droit",
        "entry_date": date(1978, 9, 3),
        "file_id": "mc-2024",
    }
    assert sia.accepted.row(0, named=True) == {
        "landlord": "sia-habitat",
        "dwelling_id": "SIA1",
        "vintage": 2024,
        "cite_slug": "electriciens-bruay",
        "commune_code": "62178",
        "dwelling_type": "T3",
        "built_year": 1860,
        "energy_label": None,
        "status": "vacant",
        "occupant": None,
        "entry_date": None,
        "file_id": "sia-2024",
    }


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("Code logement", "", "obligatoire"),
        ("Code INSEE", "", "obligatoire"),
        ("Code INSEE", "59999", "code commune"),
        ("Cité", "Cité Imaginaire", "aucune cité"),
        ("Cité", "Cité de la Croisette", "aucune cité"),
        ("Cité", "Cité", "aucune cité"),
        ("Typologie", "", "obligatoire"),
        ("Typologie", "T8", "code"),
        ("Année de construction", "dix-neuf", "année de 1700 à 2024"),
        ("Année de construction", "2025", "année de 1700 à 2024"),
        ("Surface habitable", "72.5", "nombre"),
        ("Loyer mensuel", "-3", "nombre"),
        ("Étiquette DPE", "H", "code"),
        ("État du logement", "", "obligatoire"),
        ("État du logement", "Loué", "code"),
        ("Catégorie d'occupant", "Squatteur", "code"),
        ("Date d'entrée", "31/02/2019", "n’existe pas"),
        ("Date d'entrée", "2019-02-03", "n’existe pas"),
        ("Date d'entrée", "01/01/2025", "postérieure au millésime 2024"),
        ("Date d'entrée", "31/12/1899", "antérieure à 1900"),
        ("Vacant depuis", "01/01/2025", "postérieure au millésime 2024"),
    ],
)
def test_a_broken_rule_quarantines_its_row_only(tmp_path: Path, column: str, value: str, rule: str) -> None:
    good = MC_ROW | {"Code logement": "MC-2"}
    path = tmp_path / "maisons-et-cites" / "2024" / "logements.csv"
    path.parent.mkdir(parents=True)
    delivery = read_mc(write_mc(path, [MC_ROW | {column: value}, good]))
    assert delivery.accepted["dwelling_id"].to_list() == ["MC-2"]
    assert delivery.delivered == 2
    (line,) = delivery.quarantined.rows(named=True)
    assert line["file"] == "maisons-et-cites/2024/logements.csv"
    assert (line["row"], line["column"]) == (2, column)
    assert rule in line["rule"]
    assert line["remedy"]


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
    assert empty == {"cite_slug", "built_year", "energy_label", "occupant", "entry_date"}


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
    assert delivery.quarantined["column"].to_list() == ["Cité"]


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
    assert delivery.quarantined.select("row", "column").rows() == [
        (4, "Code logement"),
        (5, "Code logement"),
    ]


def test_a_faulty_row_does_not_hide_a_sound_one_of_the_same_identifier(tmp_path: Path) -> None:
    rows = [MC_ROW | {"Typologie": "?"}, MC_ROW]
    delivery = read_mc(write_mc(tmp_path / "mc.csv", rows))
    assert delivery.accepted.height == 1
    assert delivery.quarantined.select("row", "column").rows() == [(2, "Typologie")]


def test_a_ragged_line_or_an_open_quote_spoils_its_own_line_only(tmp_path: Path) -> None:
    good = ",".join(SIA_ROW.values())
    lines = [",".join(SIA_ROW), good + ",", '"' + good.replace("SIA1", "SIA2"), "", good, ",,,"]
    path = tmp_path / "sia.csv"
    path.write_text("\r\n".join(lines), encoding="utf-8")
    delivery = read_sia(path)
    assert delivery.delivered == 4
    assert delivery.accepted["dwelling_id"].to_list() == ["SIA1"]
    assert delivery.quarantined.select("row", "column").rows() == [(2, None), (3, None), (6, None)]


def test_quoted_cells_may_hold_the_separator(tmp_path: Path) -> None:
    rows = [
        SIA_ROW | {"energie": "Gaz, individuel"},
        SIA_ROW | {"ref_lot": "SIA2", "surface_m2": "58,1"},
    ]
    delivery = read_sia(write_sia(tmp_path / "sia.csv", rows))
    assert delivery.accepted["dwelling_id"].to_list() == ["SIA1"]
    assert delivery.quarantined["column"].to_list() == ["surface_m2"]


def test_reordered_and_extra_columns_do_not_matter(tmp_path: Path) -> None:
    row = {"remarque": "x"} | dict(reversed(MC_ROW.items()))
    path = tmp_path / "mc.csv"
    path.write_bytes(delivered_text(list(row), [row], ";").encode("cp1252"))
    assert read_mc(path).accepted["dwelling_id"].to_list() == ["MC-1"]


def test_a_delivery_without_rows_is_empty(tmp_path: Path) -> None:
    delivery = read_mc(write_mc(tmp_path / "mc.csv", []))
    assert (delivery.delivered, delivery.accepted.height, delivery.quarantined.height) == (0, 0, 0)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (delivered_text(list(MC_ROW), [MC_ROW], ";").encode("utf-8"), "n’est pas encodé en Windows-1252"),
        (delivered_text(list(MC_ROW), [MC_ROW], ";").encode("utf-16"), "n’est pas encodé en Windows-1252"),
        (b"\x81\x8d", "n’est pas encodé en Windows-1252"),
        (b"", "ligne d’en-tête"),
        (b"# commentaire\n\n", "ligne d’en-tête"),
        (delivered_text(list(MC_ROW), [MC_ROW], ",").encode("cp1252"), "la colonne manque"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(tmp_path: Path, content: bytes, rule: str) -> None:
    path = tmp_path / "mc.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=rule) as caught:
        read_mc(path)
    assert caught.value.file.endswith("mc.csv")
    assert caught.value.remedy
    assert caught.value.value is None


def test_an_absent_file_and_a_wrong_utf8_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="absent ou illisible"):
        read_sia(tmp_path / "nulle-part.csv")
    path = tmp_path / "sia.csv"
    path.write_bytes(delivered_text(list(SIA_ROW), [SIA_ROW], ",").encode("cp1252"))
    with pytest.raises(InputError, match="n’est pas encodé en UTF-8"):
        read_sia(path)


@pytest.mark.parametrize("name", list(SIA_ROW))
def test_each_agreed_column_must_be_there_once(tmp_path: Path, name: str) -> None:
    path = tmp_path / "sia.csv"
    path.write_text(",".join(key for key in SIA_ROW if key != name), encoding="utf-8")
    with pytest.raises(InputError, match="la colonne manque") as caught:
        read_sia(path)
    assert caught.value.column == name
    path.write_text(",".join([*SIA_ROW, name]), encoding="utf-8")
    with pytest.raises(InputError, match="plusieurs fois"):
        read_sia(path)


def test_only_a_file_that_says_so_is_fictive(tmp_path: Path) -> None:
    real = read_mc(write_mc(tmp_path / "real.csv", [MC_ROW]))
    text = delivered_text(list(MC_ROW), [MC_ROW], ";")
    (tmp_path / "comment.csv").write_bytes(f"# DONNÉES FICTIVES\n{text}".encode("cp1252"))
    row = MC_ROW | {"nature": "Fictif"}
    (tmp_path / "column.csv").write_bytes(delivered_text(list(row), [row], ";").encode("cp1252"))
    assert not real.fictive
    assert read_mc(tmp_path / "comment.csv").fictive
    assert read_mc(tmp_path / "column.csv").fictive


def test_nothing_quoted_or_shown_holds_a_delivered_value(tmp_path: Path) -> None:
    secret = "QZX987"
    rows = [MC_ROW | {"Code logement": f"{secret}{n}", name: secret} for n, name in enumerate(MC_ROW)]
    delivery = read_mc(write_mc(tmp_path / "mc.csv", rows))
    assert delivery.quarantined.height > 5
    assert secret not in delivery.quarantined.write_csv()
    assert secret not in repr(delivery)


def test_a_delivery_that_loses_a_row_cannot_exist(tmp_path: Path) -> None:
    delivery = read_mc(write_mc(tmp_path / "mc.csv", [MC_ROW]))
    with pytest.raises(ContractError, match="compte 2 lignes"):
        Delivery(delivery.accepted, delivery.quarantined, 2, False)


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
    delivered = {n for n, line in enumerate(lines, 1) if n > 1 and line.strip()}
    delivery = read_mc(path)
    assert delivery.delivered == len(delivered)
    assert delivery.accepted.height + delivery.quarantined.height == len(delivered)
    assert delivery.quarantined["row"].is_unique().all()
    assert set(delivery.quarantined["row"]) <= delivered
    touched = {n for n, _, _ in mutations}
    sound = {f"MC-{n}" for n in range(10) if n not in touched}
    stolen = {cell for _, column, cell in mutations if column == "Code logement"}
    assert sound - stolen <= set(delivery.accepted["dwelling_id"])
    assert delivery.accepted.filter(pl.col("entry_date").dt.year() > 2024).is_empty()
