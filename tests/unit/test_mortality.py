"""The national mortality table: its grid, its two columns, its refusals."""

import math

import pytest
import xlsxwriter

from observatory.errors import InputError
from observatory.sources import mortality
from observatory.sources.catalogue import get_source
from observatory.sources.mortality import read_mortality

HAZARDS = {("male", 2018): 1e-5, ("male", 2019): 2e-5, ("female", 2018): 3e-5, ("female", 2019): 4e-5}


def table(ages=(60, 61)) -> str:
    rows = [
        f"{year},{sex},{age},{hazard},{1 - math.exp(-365.241 * hazard)}"
        for (sex, year), hazard in HAZARDS.items()
        for age in ages
    ]
    return "\n".join(["year,sex,age,daily_hazard,qx_annual_derived", *rows, ""])


@pytest.fixture
def read(tmp_path, monkeypatch):
    """Return a reader of a small table, whose card asks for no more rows than it has."""
    card = get_source("insee_mortalite").model_dump()
    card["vintages"]["1977-2019"]["file"]["rows"] = 8
    small = type(get_source("insee_mortalite")).model_validate(card)
    monkeypatch.setattr(mortality, "get_source", lambda _: small)

    def _read(text: str):
        path = tmp_path / "taux.csv"
        path.write_text(text, encoding="utf-8")
        return read_mortality(path)

    return _read


def test_probabilities_by_year_sex_and_age(read):
    found = read(table())
    assert found.height == 8
    row = found.filter(year=2019, sex="F", age=60).row(0, named=True)
    assert row["probability"] == pytest.approx(1 - math.exp(-365.241 * 4e-5))
    assert row["file_id"] == "insee_mortalite:1977-2019:data"


@pytest.mark.parametrize(
    ("old", "new", "row", "column"),
    [
        ("2018,male,60", "2018,homme,60", 2, "sex"),
        ("2018,male,61", "2018,male,x", 3, "age"),
        ("2018,male,61", ",male,61", 3, "year"),
        ("2018,male,61", "2018,male,60", 2, "age"),
        ("2018,male,60,1e-05", "2018,male,60,2e-05", 2, "qx_annual_derived"),
        ("2018,male,60,1e-05", "2018,male,60,", 2, "daily_hazard"),
    ],
)
def test_faulty_row_is_refused(read, old, new, row, column):
    text = table()
    assert old in text
    with pytest.raises(InputError) as raised:
        read(text.replace(old, new))
    assert (raised.value.row, raised.value.column) == (row, column)


def test_incomplete_grid_is_refused(read):
    lines = table().splitlines()
    with pytest.raises(InputError, match="complet"):
        read("\n".join(lines[:-1]))
    with pytest.raises(InputError, match="complet"):
        read(table(ages=(60, 62)))
    with pytest.raises(InputError, match="complet"):
        read("\n".join(line for line in table(ages=(60, 61, 62, 63)).splitlines() if "female" not in line))


def test_missing_column_is_refused(read):
    with pytest.raises(InputError, match="daily_hazard"):
        read(table().replace("daily_hazard", "hazard"))


def workbook(path, years, *, swapped=False, survivors=100_000.0, ages=105):
    """Write sheets as INSEE's: titles, ages, then survivors, quotients and expectancies of men and women."""
    quotients = {"men": lambda age: 5 + age * age / 4, "women": lambda age: 3 + age * age / 8}
    order = ("women", "men") if swapped else ("men", "women")
    with xlsxwriter.Workbook(path) as book:
        for year in years:
            page = book.add_worksheet(str(year))
            page.write_row(0, 0, [f"Table de mortalité {year}"])
            page.write_row(2, 0, ["Âge", "Survivants", "Quotient", "Espérance"] * 2)
            alive = dict.fromkeys(order, survivors)
            for age in range(ages):
                row = [age]
                for sex in order:
                    quotient = round(quotients[sex](age) + (year - 2018))
                    row += [round(alive[sex]), quotient, 80.0 - age / 2]
                    alive[sex] *= 1 - quotient / 100_000
                page.write_row(4 + age + age // 5, 0, row)
        book.add_worksheet("Lisez-moi")
    return path


def test_the_workbook_of_the_producer_gives_both_sexes_of_each_year(read, tmp_path):
    found = read_mortality(workbook(tmp_path / "fm_t68.xlsx", (2018, 2019)))
    assert found.height == 2 * 2 * 100
    assert found.filter(year=2018, sex="M", age=60)["probability"].item() == pytest.approx(905 / 100_000)
    assert found.filter(year=2019, sex="F", age=60)["probability"].item() == pytest.approx(454 / 100_000)
    assert set(found["file_id"]) == {"insee_mortalite:1977-2019:data"}


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"years": (2018,), "swapped": True}, "2018.*celle des hommes"),
        ({"years": (2018,), "survivors": 99_000.0}, "2018.*survivants et les quotients"),
        ({"years": (2018,), "ages": 90}, "2018.*âges de 0 à 99"),
        ({"years": ()}, "nom d’une année"),
    ],
)
def test_a_sheet_that_is_no_table_is_refused(read, tmp_path, made, words):
    with pytest.raises(InputError, match=words):
        read_mortality(workbook(tmp_path / "fm_t68.xlsx", **made))
