"""Encodings, separators, marks, dates, workbooks, places: what producers may write, what is refused."""

import io
import itertools
import zipfile
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from deliveries import SMALL_CITES, delivered_text
from intake_files import PLACES, ROW, workbook, write_csv

from observatory.errors import InputError
from observatory.intake import grids
from observatory.intake.contracts import get_delivery_contract
from observatory.intake.grids import read_delivery
from observatory.intake.mappings import Mapping, get_mapping
from observatory.intake.places import OUTSIDE, Places, read_confirmations
from observatory.intake.sorting import Delivery, sort_delivery

CONTRACT = get_delivery_contract("dwellings")
FREE = Mapping(producer="libre", name="Libre", contract="dwellings", columns={})
HEADER = ["identifiant_logement", "code_commune", "cite", "type_logement", "statut", "surface", "loyer"]
HEADER += ["date_entree", "etiquette"]
CELLS = ["É-1", "62178", "Cité des Électriciens", "T3", "occupé", "72.5", "1234.5", "2019-02-03", "œ"]


def sort(path: Path, mapping: Mapping = FREE, places: Places = PLACES) -> Delivery:
    return sort_delivery(read_delivery(path, mapping, CONTRACT), path.name, mapping, CONTRACT, 2024, places)


def values(delivery: Delivery) -> dict[str, object]:
    (row,) = delivery.accepted.rows(named=True)
    return {name: value for name, value in row.items() if value is not None and name not in ("row", "sheet")}


SOUND = {
    "dwelling_id": "É-1",
    "commune_code": "62178",
    "cite_slug": "electriciens-bruay",
    "dwelling_type": "T3",
    "status": "occupied",
    "surface": 72.5,
    "rent": 1234.5,
    "entry_date": date(2019, 2, 3),
}
ENCODINGS = ["utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le", "utf-16-be"]
DATES = ["2019-02-03", "03/02/2019", "3/2/2019", "03-02-2019", "03.02.2019", "43499", "2019-02-03 00:00:00"]


@pytest.mark.parametrize(("encoding", "separator", "mark"), list(itertools.product(ENCODINGS, ";,\t|", ",.")))
def test_every_encoding_separator_and_mark_gives_the_same_row(
    tmp_path: Path, encoding: str, separator: str, mark: str
) -> None:
    cells = [cell.replace(".", mark) if cell in ("72.5", "1234.5") else cell for cell in CELLS]
    if encoding == "latin-1":
        cells[-1] = "é"
    quoted = [f'"{cell}"' if separator in cell else cell for cell in cells]
    end = "\r\n" if separator == ";" else "\n"
    text = end.join(["Export du 3 mars", "", separator.join(HEADER), separator.join(quoted), ""])
    path = tmp_path / "libre.csv"
    path.write_bytes(text.encode(encoding))
    delivery = sort(path)
    assert values(delivery) == SOUND
    assert delivery.extra == ("etiquette",)
    assert delivery.accepted["row"].to_list() == [4]


@pytest.mark.parametrize("written", DATES)
def test_every_style_of_dates_gives_the_same_day(tmp_path: Path, written: str) -> None:
    path = write_csv(tmp_path / "a.csv", [dict(zip(HEADER, CELLS, strict=True)) | {"date_entree": written}])
    assert values(sort(path))["entry_date"] == date(2019, 2, 3)


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("03/02/19", "two_digit_year"),
        ("3-2-19", "two_digit_year"),
        ("02/13/2019", "date"),
        ("2019-02-30", "date"),
        ("2019-02-03 08:15:00", "date"),
        ("févr. 2019", "date"),
        ("99999", "date_range"),
    ],
)
def test_other_dates_are_faults(tmp_path: Path, written: str, rule: str) -> None:
    path = write_csv(tmp_path / "a.csv", [dict(zip(HEADER, CELLS, strict=True)) | {"date_entree": written}])
    assert sort(path).faults["rule"].to_list() == [rule]


@pytest.mark.parametrize(
    ("written", "value"),
    [("1 234,5", 1234.5), ("1\u202f234,5", 1234.5), ("1\u00a0234", 1234.0), ("0", 0.0), ("007,50", 7.5)],
)
def test_numbers_with_thousands(tmp_path: Path, written: str, value: float) -> None:
    path = write_csv(tmp_path / "a.csv", [ROW | {"Loyer mensuel": written}])
    assert values(sort(path, get_mapping("maisons-et-cites")))["rent"] == value


@pytest.mark.parametrize("written", ["1.234,5", "12 34", "1,2,3", "1e3", "NaN", "inf", "--1", "٣", "410 €"])
def test_what_is_no_number_is_a_fault(tmp_path: Path, written: str) -> None:
    path = write_csv(tmp_path / "a.csv", [ROW | {"Loyer mensuel": written}])
    assert sort(path, get_mapping("maisons-et-cites")).faults["rule"].to_list() == ["number"]


def test_the_more_frequent_mark_is_that_of_the_file(tmp_path: Path) -> None:
    cells = ["72,5", "80,25", "64.5"]
    rows = [ROW | {"Code logement": str(n), "Surface habitable": cell} for n, cell in enumerate(cells)]
    mapping = get_mapping("maisons-et-cites").model_copy(update={"decimal": "auto"})
    delivery = sort(write_csv(tmp_path / "a.csv", rows), mapping)
    assert delivery.accepted["surface"].to_list() == [72.5, 80.25]
    assert delivery.faults.select("row", "rule").rows() == [(4, "number")]


def test_a_mapping_renames_reorders_and_recodes(tmp_path: Path) -> None:
    mapping = Mapping.model_validate(
        {
            "producer": "autre",
            "name": "Autre",
            "contract": "dwellings",
            "separator": "|",
            "blank": ["NC", "-"],
            "columns": {
                "UG": "dwelling_id",
                "INSEE": "commune_code",
                "Pièces": "dwelling_type",
                "État": "status",
                "Loyer HC": "rent",
                "Surf.": "surface",
            },
            "codes": {"dwelling_type": {"Type 3": "T3"}, "status": {"loué": "occupied"}},
        }
    )
    text = "Loyer HC|statut|UG|?|Surf.|Pièces|INSEE\n1,5|LOUE|A1|x|NC|type 3|59491\n-|vacant|A2||1|T3|59491\n"
    path = tmp_path / "autre.csv"
    path.write_text(text, encoding="utf-8")
    delivery = sort(path, mapping)
    assert values(delivery) == {
        "dwelling_id": "A1",
        "commune_code": "59491",
        "dwelling_type": "T3",
        "status": "occupied",
        "rent": 1.5,
    }
    assert delivery.extra == ("?",)
    assert delivery.faults.select("rule", "value").rows() == [("range", "1")]


def test_typed_cells_of_a_workbook(tmp_path: Path) -> None:
    header = ["date_entree", *HEADER[:7], "apl"]
    line = [datetime(2019, 2, 3), "É-1", 62178, CELLS[2], "T3", "occupé", 72.5, "1 234,5", True]
    content = workbook(
        {
            "Lisez-moi": [["Livraison"], ["du 3 mars"]],
            "Logements": [["Logements au 31 décembre"], [], header, line, [], [43499, "É-2", *line[2:]]],
        }
    )
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    delivery = sort(path)
    assert delivery.faults.rows() == []
    assert delivery.accepted.select("sheet", "row").rows() == [("Logements", 4), ("Logements", 6)]
    assert delivery.accepted["dwelling_id"].to_list() == ["É-1", "É-2"]
    expected = SOUND | {"apl": "yes", "dwelling_id": "É-2"}
    last = delivery.accepted.tail(1).row(0, named=True)
    assert {name: last[name] for name in expected} == expected
    assert delivery.ignored_sheets == ("Lisez-moi",)


def test_every_sheet_that_has_the_columns_is_read(tmp_path: Path) -> None:
    short = ["code_commune", "identifiant_logement", "statut", "type_logement"]
    content = workbook(
        {
            "Raismes": [HEADER[:5], ["a", 59491, "", "T3", "vendu"], ["b", 59491, "", "T9", "vendu"]],
            "Lens": [short, [62498, "a", "vendu", "T3"], [62498, "c", "vendu", "T3"]],
        }
    )
    path = tmp_path / "a.xlsx"
    path.write_bytes(content)
    delivery = sort(path)
    assert delivery.accepted.select("sheet", "dwelling_id").rows() == [("Raismes", "a"), ("Lens", "c")]
    assert set(delivery.faults.select("sheet", "row", "column", "rule").rows()) == {
        ("Lens", 2, "identifiant_logement", "duplicate"),
        ("Raismes", 3, "type_logement", "code"),
    }
    one = sort(path, FREE.model_copy(update={"sheet": "l*"}))
    assert (one.delivered, one.ignored_sheets) == (2, ("Raismes",))


def test_a_cell_at_the_far_corner_does_not_take_the_memory(tmp_path: Path) -> None:
    content = workbook({"a": [HEADER, CELLS]})
    source, buffer = zipfile.ZipFile(io.BytesIO(content)), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for item in source.namelist():
            data = source.read(item)
            if item.startswith("xl/worksheets/"):
                far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
                data = data.replace(b"</sheetData>", far)
            target.writestr(item, data)
    path = tmp_path / "a.xlsx"
    path.write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match="très loin"):
        sort(path)


@pytest.mark.parametrize(("limit", "value"), [("MAX_BYTES", 10), ("MAX_ROWS", 1), ("MAX_COLUMNS", 3)])
def test_what_is_too_large_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    rows = [ROW, ROW | {"Code logement": "2"}]
    path = write_csv(tmp_path / "a.csv", rows)
    monkeypatch.setattr(grids, limit, value)
    with pytest.raises(InputError, match="dépasse"):
        sort(path, get_mapping("maisons-et-cites"))


def square(west: float, south: float, size: float) -> str:
    east, north = west + size, south + size
    corners = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return str({"type": "Polygon", "coordinates": [corners]}).replace("'", '"')


CONTOURS = pl.DataFrame(
    {
        "slug": ["pinson-raismes", "sabatier-raismes", "cite-9-lens"],
        "geometry": [square(3.0, 50.0, 0.1), square(3.2, 50.0, 0.1), square(2.8, 50.4, 0.1)],
    }
)


@pytest.mark.parametrize(
    ("label", "longitude", "slug", "rules"),
    [
        ("Cité du Pinson", "3,05", "pinson-raismes", []),
        ("Cité du Pinson", "", "pinson-raismes", []),
        ("Cité du Pinson", "3,15", "pinson-raismes", []),
        ("Cité du Pinson", "3,25", None, ["cite_point"]),
        ("", "3,25", "sabatier-raismes", []),
        ("", "3,15", None, []),
        ("Cité inventée", "3,05", "pinson-raismes", []),
        ("Cité inventée", "3,15", None, ["cite_unknown"]),
        ("Cité du Pnson", "", None, ["cite_near"]),
        ("Cité du Pinson", "95", None, ["range"]),
    ],
)
def test_coordinates_place_a_dwelling_where_no_name_does(
    tmp_path: Path, label: str, longitude: str, slug: str | None, rules: list[str]
) -> None:
    latitude = "50,05" if longitude else ""
    row = ROW | {"Cité": label, "longitude": longitude, "latitude": latitude}
    places = Places(SMALL_CITES, PLACES.commune_codes, {}, CONTOURS)
    delivery = sort(write_csv(tmp_path / "a.csv", [row]), get_mapping("maisons-et-cites"), places)
    assert delivery.faults["rule"].to_list() == rules
    if not rules:
        assert delivery.accepted["cite_slug"].to_list() == [slug]


def test_a_point_in_a_cite_of_another_commune_places_nothing(tmp_path: Path) -> None:
    row = ROW | {"Cité": "", "longitude": "2,85", "latitude": "50,45"}
    places = Places(SMALL_CITES, PLACES.commune_codes, {}, CONTOURS)
    delivery = sort(write_csv(tmp_path / "a.csv", [row]), get_mapping("maisons-et-cites"), places)
    assert delivery.accepted["cite_slug"].to_list() == [None]


def test_near_names_are_proposed_and_taken_once_confirmed(tmp_path: Path) -> None:
    labels = ["Cité du Pnson", "Le Sabatié", "Grand ensemble", "Cité du Pnson"]
    rows = [ROW | {"Code logement": str(n), "Cité": label} for n, label in enumerate(labels)]
    path, mapping = write_csv(tmp_path / "a.csv", rows), get_mapping("maisons-et-cites")
    delivery = sort(path, mapping)
    assert delivery.by_rule == {"cite_near": 3, "cite_unknown": 1}
    found = delivery.labels.select("label", "rows", "proposal").rows()
    assert found == [
        ("Cité du Pnson", 2, "pinson-raismes"),
        ("Grand ensemble", 1, None),
        ("Le Sabatié", 1, "sabatier-raismes"),
    ]
    confirmations = tmp_path / "cites_confirmees.csv"
    confirmations.write_text(
        "commune;nom_livre;cite\n59491;cité du pnson;pinson-raismes\n59491;Grand ensemble;hors_suivi\n",
        encoding="utf-8",
    )
    confirmed = read_confirmations(confirmations, SMALL_CITES)
    again = sort(path, mapping, Places(SMALL_CITES, PLACES.commune_codes, confirmed))
    assert again.accepted["cite_slug"].to_list() == ["pinson-raismes", None, "pinson-raismes"]
    assert again.by_rule == {"cite_near": 1}


def test_wrong_confirmations_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "cites_confirmees.csv"
    assert read_confirmations(path, SMALL_CITES) == {}
    path.write_text("commune;nom_livre;cite\n59491;Pnson;nulle-part\n", encoding="utf-8")
    with pytest.raises(InputError, match=OUTSIDE) as caught:
        read_confirmations(path, SMALL_CITES)
    assert (caught.value.row, "Pnson" in str(caught.value)) == (2, False)
    path.write_text("commune,nom_livre,cite\n", encoding="utf-8")
    with pytest.raises(InputError, match="colonne manque"):
        read_confirmations(path, SMALL_CITES)


def test_rows_before_the_header_and_empty_rows_are_no_rows(tmp_path: Path) -> None:
    text = delivered_text(list(ROW), [ROW], ";")
    path = tmp_path / "a.csv"
    path.write_text(f"Logements;;;\n\n{text};;;;;;;;\n \n{';' * 8}\n", encoding="utf-8")
    delivery = sort(path, get_mapping("maisons-et-cites"))
    assert (delivery.delivered, delivery.accepted["row"].to_list()) == (1, [4])
