"""Small deliveries of Maisons & Cités, shared by the tests of the intake."""

import io
from datetime import UTC, datetime
from pathlib import Path

import xlsxwriter
from deliveries import COMMUNE_CODES, SMALL_CITES, delivered_text

from observatory.intake.places import Places
from observatory.intake.taking import Outcome, Request, take
from observatory.paths import DataPaths

PLACES = Places(SMALL_CITES, frozenset(COMMUNE_CODES))
KEY = "une clé de plus de seize octets"
REAL = {"OBSERVATORY_HASH_KEY": KEY}
NOW = datetime(2025, 3, 1, 9, 30, tzinfo=UTC)
ROW = {
    "Code logement": "MC-1",
    "Code INSEE": "59491",
    "Cité": "Cité du Pinson",
    "Adresse": "",
    "Typologie": "T4",
    "Surface habitable": "72,5",
    "Loyer mensuel": "410,20",
    "État du logement": "Occupé",
    "Date d'entrée": "03/09/1978",
}


def rows(count: int, **changes: dict[str, str]) -> list[dict[str, str]]:
    """Sound rows MC-1, MC-2...; ``r3={...}`` changes the third."""
    made = [ROW | {"Code logement": f"MC-{n}"} for n in range(1, count + 1)]
    for name, change in changes.items():
        made[int(name[1:]) - 1] |= change
    return made


def write_csv(path: Path, delivered: list[dict[str, str]]) -> Path:
    header = list(delivered[0]) if delivered else list(ROW)
    path.write_bytes(delivered_text(header, delivered, ";").encode())
    return path


def workbook(sheets: dict[str, list[list[object]]], **options: object) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, **options}) as book:
        style = book.add_format({"num_format": "dd/mm/yyyy"})
        for name, lines in sheets.items():
            sheet = book.add_worksheet(name)
            for number, line in enumerate(lines):
                for place, cell in enumerate(line):
                    if isinstance(cell, datetime):
                        sheet.write_datetime(number, place, cell.replace(tzinfo=None), style)
                    else:
                        sheet.write(number, place, cell)
    return buffer.getvalue()


def deliver(
    paths: DataPaths,
    delivered: list[dict[str, str]],
    *,
    name: str = "logements.csv",
    corrections: bool = False,
    environment: dict[str, str] | None = None,
    now: datetime = NOW,
    producer: str = "maisons-et-cites",
) -> Outcome:
    paths.root.mkdir(parents=True, exist_ok=True)
    path = write_csv(paths.root / name, delivered)
    request = Request(path, producer, 2024, corrections)
    return take(request, PLACES, paths, now, REAL if environment is None else environment)
