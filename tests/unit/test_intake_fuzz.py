"""Mutated CSV and XLSX: never another error than ours, never a lost row.

The default run has some hundreds of cases; thousands take ``--hypothesis-profile intake``.
"""

import csv
import io
import re
import zipfile
from datetime import date, datetime
from pathlib import Path

import pytest
from deliveries import delivered_text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake_files import PLACES, ROW, workbook
from python_calamine import CalamineWorkbook

from observatory.errors import InputError
from observatory.intake.deliveries import sort_file
from observatory.intake.sorting import Delivery

PRODUCER = "maisons-et-cites"
HEADER = list(ROW)
ODD = [
    "", " ", "59491", "T4", "Vacant", "31/02/2019", "03/02/19", "72.5", "1e9", "-1", "NULL", "#REF!",
    '"', '""', ";", "\t", "\u00a0", "\u202f", "٣", "œ", "É", "<b>", "\x00", "\x85", "\ufeff", "9" * 40, "=1",
]  # fmt: skip
CELL = st.sampled_from(ODD) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LINES = st.lists(st.lists(CELL, min_size=len(HEADER), max_size=len(HEADER)), max_size=6)
ROWS = st.lists(
    st.dictionaries(st.sampled_from(HEADER), CELL, max_size=4).map(lambda changes: ROW | changes), max_size=8
)
ENCODING = st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-be"])
FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def sort_bytes(folder: Path, content: bytes, name: str) -> Delivery | None:
    """Sort a file; None where it is refused, which only our error may do."""
    path = folder / name
    path.write_bytes(content)
    try:
        delivery = sort_file(path, PRODUCER, 2024, PLACES)
    except InputError as error:
        assert error.value is None
        return None
    assert delivery.accepted.height + delivery.quarantine.height == delivery.delivered
    assert sum(delivery.by_rule.values()) == delivery.quarantine.height
    places = [delivery.accepted.select("sheet", "row"), delivery.quarantine.select("sheet", "row")]
    assert len({place for frame in places for place in frame.rows()}) == delivery.delivered
    assert set(delivery.faults.select("sheet", "row").rows()) == set(places[1].rows())
    assert delivery.accepted["dwelling_id"].is_unique().all()
    return delivery


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


def counted(text: str, separator: str = ";") -> int:
    """Lines with anything but separators, quotes and spaces, the header apart."""
    lines = re.split("\r\n|\r|\n", text)
    return sum(bool(re.sub(rf'[\s"{separator}]', "", line)) for line in lines) - 1


def breaks(content: bytes) -> int:
    """Most rows that may stand under a header: each line break has one of these bytes in any encoding."""
    return content.count(b"\n") + content.count(b"\r")


@FUZZ
@given(rows=ROWS, encoding=ENCODING, quoted=st.booleans())
def test_mutated_cells_of_a_csv(
    folder: Path, rows: list[dict[str, str]], encoding: str, quoted: bool
) -> None:
    if quoted:
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, HEADER, delimiter=";", lineterminator="\r\n")
        writer.writeheader()
        writer.writerows(rows)
        text = buffer.getvalue()
    else:
        text = delivered_text(HEADER, rows, ";")
    content = text.encode(encoding, errors="replace")
    delivery = sort_bytes(folder, content, "cells.csv")
    if delivery is None:
        # Nothing but a NUL in the middle of a text refuses a file whose header is sound.
        assert "\x00" in text
    else:
        assert delivery.delivered == counted(content.decode(encoding))


@FUZZ
@given(data=st.data(), rows=ROWS)
def test_mutated_bytes_of_a_csv(folder: Path, data: st.DataObject, rows: list[dict[str, str]]) -> None:
    content = bytearray(
        delivered_text(HEADER, [*rows, ROW], ";").encode(data.draw(ENCODING), errors="replace")
    )
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not content:
            break
    delivery = sort_bytes(folder, bytes(content), "bytes.csv")
    assert delivery is None or delivery.delivered <= breaks(bytes(content))


@FUZZ
@given(content=st.binary(max_size=300) | st.binary(max_size=200).map(lambda tail: b"PK\x03\x04" + tail))
def test_any_bytes(folder: Path, content: bytes) -> None:
    assert sort_bytes(folder, content, "any.bin") is None, "no header can be found there"


@FUZZ
@given(lines=LINES, header=st.permutations(HEADER), titles=st.lists(CELL, max_size=3))
def test_any_cells_under_any_order_of_headers(
    folder: Path, lines: list[list[str]], header: list[str], titles: list[str]
) -> None:
    text = "\n".join([*titles, ";".join(header), *(";".join(line) for line in lines)])
    delivery = sort_bytes(folder, text.encode(), "order.csv")
    assert delivery is None or delivery.delivered <= breaks(text.encode())


TYPED = (
    CELL.map(lambda text: re.sub(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]", "", text))
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(-1e9, 1e9)
    | st.dates(date(1901, 1, 1), date(2100, 1, 1)).map(lambda day: datetime(day.year, day.month, day.day))
)


@FUZZ
@given(
    changes=st.lists(st.dictionaries(st.sampled_from(HEADER), TYPED, max_size=4), max_size=6),
    gap=st.integers(0, 3),
)
def test_mutated_cells_of_a_workbook(folder: Path, changes: list[dict[str, object]], gap: int) -> None:
    lines = [[(ROW | change)[name] for name in HEADER] for change in changes]
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    content = workbook({"Logements": [[], HEADER, *([[]] * gap), *lines]}, **options)
    delivery = sort_bytes(folder, content, "cells.xlsx")
    assert delivery is not None
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0)
    filled = [row for row in sheet.to_python() if any(str(cell).strip() for cell in row)]
    assert delivery.delivered == len(filled) - 1


@FUZZ
@given(data=st.data())
def test_mutated_bytes_of_a_workbook(folder: Path, data: st.DataObject) -> None:
    content = workbook({"Logements": [HEADER, list(ROW.values())]})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = data.draw(st.sampled_from(sorted(members)))
    member = bytearray(members[name])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(member)))
        member[place : place + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=4))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for one, whole in members.items():
            if one != name or data.draw(st.booleans()):
                archive.writestr(one, bytes(member) if one == name else whole)
    packed = bytearray(buffer.getvalue())
    if data.draw(st.booleans()):
        packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    delivery = sort_bytes(folder, bytes(packed), "bytes.xlsx")
    # No mutation adds a cell with a value: at worst each one stands on a row of its own.
    assert delivery is None or delivery.delivered <= 2 * len(HEADER)
