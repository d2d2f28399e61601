"""The national mortality table: its grid, its two columns, its refusals."""

import math

import pytest

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
