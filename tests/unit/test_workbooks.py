"""Sheets of workbooks as the producers make them: titles above the names, numbers as floats."""

import io

import polars as pl
import pytest
import xlsxwriter

from observatory.errors import InputError
from observatory.sources.workbooks import read_sheet

TITLES = [["Base du dossier complet"], ["Mise en ligne le 5 juin 2018"], [], ["Code", "Libellé", "Médiane"]]
ROWS = [["CODGEO", "LIBGEO", "MED15"], ["01001", "L'Abergement", 22278.8], ["59002", "Abscon", 17140.0]]


def workbook(rows, sheet: str = "COM") -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        book.add_worksheet("Lisez-moi").write(0, 0, "CODGEO")
        page = book.add_worksheet(sheet)
        for rank, row in enumerate(rows):
            for place, cell in enumerate(row):
                page.write(rank, place, cell)
    return stream.getvalue()


def test_names_are_found_under_the_titles_and_numbers_lose_no_digit():
    header, cells = read_sheet(workbook(TITLES + ROWS), "filo.xlsx", "com", ["CODGEO"])
    assert (header.names, header.row) == (("CODGEO", "LIBGEO", "MED15"), 5)
    assert cells.rows() == [("01001", "L'Abergement", "22278.8"), ("59002", "Abscon", "17140")]
    assert set(cells.dtypes) == {pl.String}


def test_empty_cells_stay_and_empty_rows_at_the_end_do_not():
    rows = [["CODGEO", "TP6015"], ["59001", None], ["59002", 23], [None, None], ["", ""]]
    _, cells = read_sheet(workbook(rows), "filo.xlsx", "COM", ["CODGEO"])
    assert cells["TP6015"].to_list() == ["", "23"]


@pytest.mark.parametrize(
    ("content", "sheet", "words"),
    [
        (b"PK\x03\x04 rien", "COM", "illisible"),
        (
            workbook(ROWS),
            "ARM",
            "la feuille «\u202fARM\u202f» manque.*«\u202fLisez-moi\u202f», «\u202fCOM\u202f»",
        ),
        (workbook(TITLES), "COM", "ne porte les colonnes «\u202fCODGEO\u202f»"),
        (
            workbook([["CODGEO", "MED15", "MED15"]]),
            "COM",
            "ligne 1, colonne «\u202fMED15\u202f».*plusieurs fois",
        ),
    ],
)
def test_what_is_not_the_workbook_is_refused(content, sheet, words):
    with pytest.raises(InputError, match=words):
        read_sheet(content, "filo.xlsx", sheet, ["CODGEO"])
