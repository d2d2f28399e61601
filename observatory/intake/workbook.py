"""Workbooks as sheets of text cells, whatever their bytes hold.

Belongs here: recognising a workbook, its limits, typed cells to text. Does not: which sheet is a delivery
(``grids``), nor the workbooks of public producers (``sources.workbooks``).
"""

import io
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from python_calamine import CalamineError, CalamineWorkbook

from observatory.errors import InputError

MAX_UNPACKED = 600_000_000
MAX_CELLS = 40_000_000
"""A sheet is laid out whole in memory: one stray cell at its far corner would take it all."""

Cell = int | float | str | bool | time | date | datetime | timedelta

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_PLACE = re.compile(rb'<(?:\w+:)?c [^>]*?\br="([A-Z]{1,3})(\d{1,7})"')


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name, and its rows from the first, each cell as trimmed text."""

    name: str
    rows: list[list[str]] = field(repr=False)


def is_workbook(content: bytes) -> bool:
    """Return whether bytes begin as a workbook does (XLSX, or XLS and locked XLSX)."""
    return content.startswith((_ZIP, _OLE))


def read_workbook(content: bytes, file: str) -> list[Sheet]:
    """Return the sheets of a workbook.

    A whole number loses its decimals, a date is written AAAA-MM-JJ, a truth value « oui » or « non ».

    Raises:
        InputError: the workbook is damaged, locked, or too large once unpacked.
    """
    wrong = InputError(
        file,
        "le classeur est illisible, abîmé ou protégé.",
        "l’ouvrir dans un tableur, l’enregistrer en XLSX sans mot de passe, ou le livrer en CSV.",
    )
    try:
        if content.startswith(_ZIP):
            _check_size(content, file)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        return [
            Sheet(name, [[_text(cell) for cell in row] for row in _rows(workbook, name)])
            for name in workbook.sheet_names
        ]
    except InputError:
        raise
    except (
        CalamineError,
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        OSError,
        EOFError,
        ValueError,
    ):
        raise wrong from None
    except BaseException as error:
        # A panic of the reader is no Exception; its message quotes what it was reading.
        if type(error).__name__ != "PanicException":
            raise
        raise wrong from None


def _rows(workbook: CalamineWorkbook, name: str) -> list[list[Cell]]:
    return workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)


def _check_size(content: bytes, file: str) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(member.file_size for member in archive.infolist()) > MAX_UNPACKED:
            raise InputError(
                file,
                "le classeur est démesuré une fois décompressé.",
                "vérifier que c’est bien la livraison, puis la livrer en CSV.",
            )
        for member in archive.namelist():
            if member.startswith("xl/worksheets/") and member.endswith(".xml"):
                places = _PLACE.findall(archive.read(member))
                rows = max((int(row) for _, row in places), default=0)
                columns = max((_column(letters) for letters, _ in places), default=0)
                if rows * columns > MAX_CELLS:
                    raise InputError(
                        file,
                        "une feuille du classeur a une cellule très loin des autres.",
                        "supprimer les lignes et les colonnes vides après le tableau, ou livrer en CSV.",
                    )


def _column(letters: bytes) -> int:
    rank = 0
    for letter in letters:
        rank = rank * 26 + letter - 64
    return rank


def _text(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "oui" if cell else "non"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    return str(cell).strip()
