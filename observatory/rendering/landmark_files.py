"""The landmarks as files: a workbook of typed cells, and a CSV for a French spreadsheet.

Belongs here: what the two files hold, their sheets and columns.
Does not: the choice of vintages (``landmarks``), the machine-readable exports (``opendata``), the page that
lists them.

Equal frames give equal bytes: the workbook is dated of the edition, and nothing else changes.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from observatory.opendata import FICTIVE_NATURE, FORMULA_START
from observatory.rendering.edition import Edition
from observatory.rendering.figures import Figure, Indicator, file_ids
from observatory.rendering.french import long_date
from observatory.rendering.landmarks import (
    COMMON,
    LANDMARK_YEARS,
    LATEST,
    LandmarkRow,
    LandmarkTable,
    landmark_table,
)
from observatory.rendering.wording import LEVELS, STATUSES

REAL_NATURE = "données réelles"
NO_VINTAGE, SAME_AS_LATEST = "aucun millésime", "le dernier"
CSV_COLUMNS = {
    "theme": "thème",
    "indicateur": "identifiant de l’indicateur, défini dans definitions.csv",
    "libelle": "libellé",
    "identifiant": "territoire : niveau et code, comme dans territoires.csv",
    "niveau": "niveau",
    "territoire": "nom",
    "repere": "repères dont le millésime tient lieu ; vide pour un autre point de la série",
    "millesime": "année que le chiffre décrit",
    "valeur": "valeur à virgule décimale ; vide si le statut n’est pas « publié »",
    "unite": "unité",
    "statut": "publié, secret, manquant, sans objet, non disponible",
    "nature": f"« {FICTIVE_NATURE} » ou « {REAL_NATURE} »",
    "geographie": "géographie sur laquelle le chiffre est calculé",
    "fichiers": "fichiers d’origine, décrits dans sources.csv",
}
_ROLES = (*(f"repère {year}" for year in LANDMARK_YEARS), COMMON, LATEST)
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_LONGEST_SHEET = 31
_LIGHT_UP = 14  # the number of a hatching in the format of workbooks
_WIDE, _NARROW = 34, 12


@dataclass(frozen=True)
class LandmarkFile:
    """One file to publish: its name, French title and description, notes by column, rows, bytes, licences.

    ``file_ids`` are the sources of its figures, ``years`` the first and the last that they describe.
    """

    name: str
    title: str
    description: str
    columns: dict[str, str]
    rows: int
    content: bytes
    licences: tuple[str, ...]
    file_ids: tuple[str, ...]
    years: tuple[int, int]
    fictive: bool

    @property
    def size(self) -> int:
        """Number of bytes."""
        return len(self.content)


def landmark_files(edition: Edition) -> list[LandmarkFile]:
    """Return the workbook and the CSV of the landmarks, of published figures only, fictive ones apart."""
    tables = [
        landmark_table(edition.book, edition.benchmarks, indicator)
        for indicators in edition.book.themes.values()
        for indicator in indicators
        if "epci" in indicator.levels
    ]
    return [
        file
        for fictive in (False, True)
        if (chosen := [table for table in tables if table.fictive == fictive])
        for file in _files(edition, chosen, fictive)
    ]


def _files(edition: Edition, tables: Sequence[LandmarkTable], fictive: bool) -> Iterator[LandmarkFile]:
    warning = " Les chiffres y sont marqués fictifs, et hachurés dans le classeur." if fictive else ""
    apart = " — données fictives" if fictive else ""
    name = f"reperes{'-donnees-fictives' if fictive else ''}-{edition.imprint.release}"
    used = set(file_ids(figure for table in tables for row in table.rows for figure in row.figures))
    licences = sorted({str(file["licence"]) for file in edition.files if file["file_id"] in used})
    years = sorted(column.vintage for table in tables for column in table.columns)
    lines = list(_csv_lines(tables))
    yield LandmarkFile(
        f"{name}.xlsx",
        f"Repères statistiques, classeur{apart}",
        "Une feuille par thème, une ligne par indicateur et territoire, les repères en colonnes\u202f; "
        f"définitions et sources dans le classeur.{warning}",
        {},
        sum(len(table.rows) for table in tables),
        _workbook(edition, tables),
        tuple(licences),
        tuple(sorted(used)),
        (years[0], years[-1]),
        fictive,
    )
    yield LandmarkFile(
        f"{name}.csv",
        f"Repères statistiques, CSV pour tableur français{apart}",
        "Une ligne par indicateur, territoire et millésime\u202f; points-virgules, virgule décimale, UTF-8 "
        f"avec marque d’ordre.{warning}",
        CSV_COLUMNS,
        len(lines),
        _csv(lines),
        tuple(licences),
        tuple(sorted(used)),
        (years[0], years[-1]),
        fictive,
    )


def _csv_lines(tables: Sequence[LandmarkTable]) -> Iterator[list[str]]:
    for table in tables:
        one = table.indicator
        for row in table.rows:
            for column, figure in zip(table.columns, row.figures, strict=True):
                yield [
                    one.theme,
                    one.indicator,
                    one.label,
                    f"{row.place.level}:{row.place.code}",
                    LEVELS[row.place.level],
                    row.place.name,
                    ", ".join(column.roles),
                    str(column.vintage),
                    "" if figure.value is None else _decimal(figure.value),
                    one.unit,
                    STATUSES[figure.status].short,
                    _nature(figure.fictive),
                    figure.geography,
                    "|".join(figure.file_ids),
                ]


def _decimal(value: float) -> str:
    """Write a number in full, with a comma, a whole one without decimals."""
    return str(int(value)) if value.is_integer() else f"{Decimal(repr(value)):f}".replace(".", ",")


def _nature(fictive: bool) -> str:
    return FICTIVE_NATURE if fictive else REAL_NATURE


def _csv(lines: Sequence[Sequence[str]]) -> bytes:
    text = "".join(";".join(map(_csv_cell, line)) + "\r\n" for line in (list(CSV_COLUMNS), *lines))
    return text.encode("utf-8-sig")


def _csv_cell(text: str) -> str:
    """Quote a cell where it must be; what a spreadsheet would run is preceded by an apostrophe."""
    if re.match(FORMULA_START, text) and not re.fullmatch(r"-\d+(,\d+)?", text):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if re.search(r'[;"\r\n]', text) else text


class _Styles:
    """The formats of a workbook, plain or hatched."""

    def __init__(self, workbook: xlsxwriter.Workbook) -> None:
        self._workbook = workbook
        self._made: dict[tuple[str, bool], Format] = {}
        self.head = workbook.add_format(
            {"bold": True, "bg_color": "#1f2b38", "font_color": "#ffffff", "text_wrap": True, "valign": "top"}
        )
        self.title = workbook.add_format({"bold": True, "font_size": 14})
        self.wrap = workbook.add_format({"text_wrap": True, "valign": "top"})

    def cell(self, number_format: str = "General", fictive: bool = False) -> Format:
        """Return the format of a cell; of a fictive figure, hatched."""
        key = number_format, fictive
        if key not in self._made:
            hatch = {"pattern": _LIGHT_UP, "fg_color": "#e0967f", "bg_color": "#fbeee9"} if fictive else {}
            self._made[key] = self._workbook.add_format({"num_format": number_format} | hatch)
        return self._made[key]


def _workbook(edition: Edition, tables: Sequence[LandmarkTable]) -> bytes:
    stream = io.BytesIO()
    workbook = xlsxwriter.Workbook(stream, _OPTIONS)
    published = edition.imprint.published_on
    workbook.set_properties(
        {
            "title": f"Repères statistiques, édition {edition.imprint.release}",
            "company": edition.imprint.contact.organisation,
            "created": datetime.combine(published, time()),
        }
    )
    styles = _Styles(workbook)
    _read_me(workbook.add_worksheet("Lisez-moi"), styles, edition, any(table.fictive for table in tables))
    by_theme: dict[str, list[LandmarkTable]] = {}
    for table in tables:
        by_theme.setdefault(table.indicator.theme, []).append(table)
    for theme, found in by_theme.items():
        _theme_sheet(workbook.add_worksheet(sheet_name(theme)), styles, found)
    _listing(
        workbook.add_worksheet("Définitions"),
        styles,
        _DEFINITIONS,
        [_definition(table.indicator) for table in tables],
    )
    used = set(file_ids(figure for table in tables for row in table.rows for figure in row.figures))
    sources = [
        [*(str(file[name]) for name in _SOURCE_KEYS), _nature(file["fictive"])]
        for file in edition.files
        if file["file_id"] in used
    ]
    _listing(workbook.add_worksheet("Sources"), styles, _SOURCES, sources)
    workbook.close()
    return stream.getvalue()


def sheet_name(theme: str) -> str:
    """Return the name of the sheet of a theme, within what workbooks allow."""
    return re.sub(r"[\[\]:*?/\\]", " ", theme)[:_LONGEST_SHEET].strip()


_FIRST = ("Indicateur", "Unité", "Niveau", "Territoire", "Clé de l’indicateur", "Clé du territoire")
_HEAD = (
    *_FIRST,
    *(f"{role.capitalize()}\u202f: {part}" for role in _ROLES for part in ("millésime", "valeur", "statut")),
    "Évolution\u202f: de",
    "Évolution\u202f: à",
    "Évolution\u202f: valeur",
    "Évolution\u202f: unité, ou raison de son absence",
    "Nature",
)


def _theme_sheet(sheet: Worksheet, styles: _Styles, tables: Sequence[LandmarkTable]) -> None:
    _head(sheet, styles, _HEAD)
    line = 0
    for table in tables:
        columns = {role: place for place, column in enumerate(table.columns) for role in column.roles}
        for row in table.rows:
            line += 1
            _theme_line(sheet, styles, line, table, row, columns)
    sheet.set_column(0, 0, _WIDE)
    sheet.set_column(1, 1, 16)
    sheet.set_column(2, 2, 18)
    sheet.set_column(3, 3, _WIDE)
    sheet.set_column(4, len(_HEAD) - 1, _NARROW)
    sheet.freeze_panes(1, 4)
    sheet.autofilter(0, 0, line, len(_HEAD) - 1)


def _theme_line(
    sheet: Worksheet,
    styles: _Styles,
    line: int,
    table: LandmarkTable,
    row: LandmarkRow,
    columns: dict[str, int],
) -> None:
    one, place = table.indicator, row.place
    fictive = any(figure.fictive for figure in row.figures)
    plain = styles.cell(fictive=fictive)
    key = f"{place.level}:{place.code}"
    first = (one.label, one.unit, LEVELS[place.level], place.name, one.indicator, key)
    for position, text in enumerate(first):
        sheet.write_string(line, position, text, plain)
    for rank, role in enumerate(_ROLES):
        figure = row.figures[columns[role]] if role in columns else None
        lacking = SAME_AS_LATEST if role == COMMON else NO_VINTAGE
        _figure_cells(sheet, styles, line, len(_FIRST) + 3 * rank, figure or lacking, fictive)
    last = len(_FIRST) + 3 * len(_ROLES)
    for offset in (0, 1):
        if table.span is None:
            sheet.write_blank(line, last + offset, None, plain)
        else:
            sheet.write_number(line, last + offset, table.span[offset], styles.cell("0", fictive))
    change = row.change
    if change.value is None:
        sheet.write_blank(line, last + 2, None, plain)
    else:
        sheet.write_number(line, last + 2, change.value, styles.cell("+#,##0.0;-#,##0.0;0.0", fictive))
    reason = change.text if table.span else table.refusal
    sheet.write_string(line, last + 3, change.unit or reason, plain)
    sheet.write_string(line, last + 4, _nature(fictive), plain)


def _figure_cells(
    sheet: Worksheet, styles: _Styles, line: int, position: int, figure: Figure | str, fictive: bool
) -> None:
    """Write a vintage, a value and its status, or why there is no vintage; no blank is ever a zero."""
    plain = styles.cell(fictive=fictive)
    if isinstance(figure, str):
        sheet.write_blank(line, position, None, plain)
        sheet.write_blank(line, position + 1, None, plain)
        sheet.write_string(line, position + 2, figure, plain)
        return
    sheet.write_number(line, position, figure.vintage, styles.cell("0", fictive))
    if figure.value is None:
        sheet.write_blank(line, position + 1, None, plain)
    else:
        decimals = figure.indicator.decimals
        shown = "#,##0" + ("." + "0" * decimals if decimals else "")
        sheet.write_number(line, position + 1, figure.value, styles.cell(shown, fictive))
    sheet.write_string(line, position + 2, STATUSES[figure.status].short, plain)


_DEFINITIONS = (
    "Identifiant",
    "Libellé",
    "Thème",
    "Unité",
    "Formule",
    "Ce qui se compare",
    "Millésimes",
    "Nature",
)
_SOURCES = ("Fichier", "Titre", "Producteur", "Millésime", "Licence", "SHA-256", "Obtenu le", "Nature")
_SOURCE_KEYS = ("file_id", "title", "producer", "vintage", "licence", "sha256", "fetched_at")


def _definition(one: Indicator) -> list[str]:
    vintages = ", ".join(map(str, sorted(one.vintages)))
    nature = _nature(one.fictive)
    return [one.indicator, one.label, one.theme, one.unit, one.formula, one.comparability, vintages, nature]


def _listing(sheet: Worksheet, styles: _Styles, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    _head(sheet, styles, head)
    for line, row in enumerate(rows, start=1):
        for position, text in enumerate(row):
            sheet.write_string(line, position, text, styles.wrap)
    sheet.set_column(0, len(head) - 1, _WIDE)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, len(rows), len(head) - 1)


def _head(sheet: Worksheet, styles: _Styles, names: Sequence[str]) -> None:
    for position, name in enumerate(names):
        sheet.write_string(0, position, name, styles.head)
    sheet.set_row(0, 48)


def _read_me(sheet: Worksheet, styles: _Styles, edition: Edition, fictive: bool) -> None:
    """Write how to read the workbook."""
    imprint, places = edition.imprint, edition.gazetteer
    lines: list[Any] = [
        f"Édition {imprint.release} du {long_date(imprint.published_on)}.",
        f"Périmètre\u202f: {places.wording.content}.",
        f"À qui s’adresser\u202f: {imprint.contact.organisation}, {', '.join(imprint.contact.address)}.",
        "",
        "Une feuille par thème\u202f; une ligne par indicateur et territoire. Pour chaque repère, le "
        "millésime qui en tient lieu (deux ans d’écart au plus, sous sa propre année), la valeur et son "
        "statut.",
        "« Dernier commun »\u202f: le dernier millésime publié dans le plus grand nombre de territoires, "
        f"« {SAME_AS_LATEST} » quand c’est lui.",
        "Une valeur vide n’est jamais un zéro\u202f: son statut dit pourquoi elle manque.",
        *(f"{status.short}\u202f: {status.meaning}" for status in STATUSES.values()),
        f"{NO_VINTAGE}\u202f: aucun millésime de l’indicateur n’est assez proche du repère.",
        "",
        "Une évolution n’est donnée qu’entre millésimes comparables, à cinq ans d’écart au moins pour le "
        "recensement\u202f: en % pour un effectif, en points ou dans l’unité pour le reste.",
        "Chaque source garde sa licence\u202f: voir la feuille « Sources ».",
    ]
    if fictive:
        lines.append(
            "Les lignes hachurées, de nature « données fictives », sont inventées\u202f: ne pas les "
            "citer ni les diffuser comme réelles."
        )
    sheet.write_string(0, 0, "Repères statistiques du Bassin minier", styles.title)
    for line, text in enumerate(lines, start=2):
        sheet.write_string(line, 0, text.replace("« ", "«\u202f").replace(" »", "\u202f»"), styles.wrap)
    sheet.set_column(0, 0, 110)
