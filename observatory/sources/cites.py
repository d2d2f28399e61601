"""The hand-kept table of the mining estates (``data/reference/cites.csv``): reading and checks.

Belongs here: the layout of that file, its coded values, and the messages that send an analyst back to
the line to correct. Does not: heritage attributes and contours, which another source brings, nor the
facts themselves, which stand in the file with the passages they come from.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import polars as pl

from observatory.errors import InputError
from observatory.tables import CITES

PROGRAMMES = ("integree", "acceleration", "etude_cadre", "gr_ge", "suivi")
PHASES_2022 = ("schema_directeur", "operationnelle")
PHASES_2023 = ("amont", "operationnelle", "acceleration")
DOSSIERS_2022 = ("mai", "octobre")

_COLUMNS = tuple(CITES.polars_schema)
_LISTS = frozenset(column.name for column in CITES.columns if column.dtype == pl.List(pl.String))
_CODED = {column.name: column.values for column in CITES.columns if column.values} | {
    "programmes": PROGRAMMES,
    "phases_2022": PHASES_2022,
    "phases_2023": PHASES_2023,
    "dossiers_2022": DOSSIERS_2022,
}
_REQUIRED = frozenset({"slug", "name", "commune_codes", "epci_code", "unesco", "passages"})
_SHAPES = {
    "slug": (
        re.compile(r"[a-z0-9]+(-[a-z0-9]+)*"),
        "l’identifiant n’est pas fait de mots en minuscules sans accent, séparés par des tirets.",
        "écrire par exemple « anatole-france-bruay-la-buissiere ».",
    ),
    "commune_codes": (
        re.compile(r"[0-9]{5}"),
        "le code de commune n’a pas cinq chiffres.",
        "reprendre le code INSEE du code officiel géographique, sans ôter de zéro.",
    ),
    "epci_code": (
        re.compile(r"[0-9]{9}"),
        "le code de l’EPCI n’a pas neuf chiffres.",
        "reprendre le numéro SIREN de l’EPCI.",
    ),
}


@dataclass(frozen=True)
class _Cell:
    """One cell and where it stands, so that each check can name the place at fault."""

    file: str
    row: int
    column: str
    text: str

    def refuse(self, rule: str, remedy: str, value: str | None = None) -> NoReturn:
        raise InputError(self.file, rule, remedy, self.row, self.column, value)


def read_cites(path: Path) -> pl.DataFrame:
    """Read the table of the mining estates.

    Args:
        path: CSV file, UTF-8, comma separated, lists separated by ``|``, columns of
            ``observatory.tables.CITES`` in order.

    Returns:
        One row per cité, as the contract ``CITES`` says; empty lists where the file says nothing, null
        ``corrections`` and ``notes`` where there are none.

    Raises:
        InputError: the file cannot be read, its columns are not those of the contract, a line does not
            have one cell per column, or a cell breaks a rule (missing, spaces around, unknown or
            repeated value, malformed code or slug, slug already taken).
    """
    lines = _lines(path)
    header_row, header = next(lines, (1, []))
    if tuple(header) != _COLUMNS:
        raise InputError(
            path.name,
            f"les colonnes ne sont pas celles attendues ({', '.join(_COLUMNS)}).",
            "rétablir la première ligne, dans cet ordre, avec la virgule pour séparateur.",
            row=header_row,
        )
    records = []
    first_rows: dict[str, int] = {}
    for row, cells in lines:
        record = _record(path.name, row, cells)
        slug = str(record["slug"])
        if slug in first_rows:
            _Cell(path.name, row, "slug", slug).refuse(
                f"l’identifiant est déjà celui de la ligne {first_rows[slug]}.",
                "donner à chaque cité un identifiant qui lui est propre.",
                slug,
            )
        first_rows[slug] = row
        records.append(record)
    return CITES.conform(pl.DataFrame(records, schema=CITES.polars_schema))


def check_communes(cites: pl.DataFrame, epci_by_commune: Mapping[str, str], file: str = "cites.csv") -> None:
    """Check the communes and EPCI of the cités against a perimeter.

    Args:
        cites: frame as ``read_cites`` returns it.
        epci_by_commune: SIREN of the EPCI of each commune of the perimeter, by INSEE code.
        file: name of the file in the messages.

    Raises:
        InputError: a commune is not in the perimeter, or the EPCI is not that of the main commune.
    """
    for slug, codes, epci in cites.select("slug", "commune_codes", "epci_code").iter_rows():
        for code in codes:
            if code not in epci_by_commune:
                raise InputError(
                    file,
                    f"une commune de la cité « {slug} » n’est pas dans le périmètre des sept EPCI.",
                    "vérifier le code dans le code officiel géographique de l’année du périmètre.",
                    column="commune_codes",
                    value=code,
                )
        if epci != epci_by_commune[codes[0]]:
            raise InputError(
                file,
                f"l’EPCI de la cité « {slug} » n’est pas celui de sa commune principale {codes[0]}, "
                f"qui est {epci_by_commune[codes[0]]}.",
                "corriger l’EPCI, ou placer la commune principale en tête de la liste des communes.",
                column="epci_code",
                value=epci,
            )


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines with their numbers (header = 1); a leading byte order mark is ignored."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            for cells in reader:
                yield reader.line_num, cells
    except FileNotFoundError as error:
        raise InputError(path.name, "le fichier est absent.", "le remettre à sa place.") from error
    except UnicodeDecodeError as error:
        raise InputError(
            path.name, "le fichier n’est pas en UTF-8.", "l’enregistrer en CSV, encodage UTF-8."
        ) from error
    except csv.Error as error:
        raise InputError(
            path.name,
            "une cellule est mal délimitée.",
            "entourer de guillemets droits les cellules qui contiennent une virgule, et doubler les "
            "guillemets droits qu’elles contiennent.",
            row=reader.line_num,
        ) from error


def _record(file: str, row: int, cells: list[str]) -> dict[str, str | list[str] | None]:
    if len(cells) != len(_COLUMNS):
        raise InputError(
            file,
            f"la ligne a {len(cells)} cellule(s) au lieu de {len(_COLUMNS)}.",
            "entourer de guillemets droits les cellules qui contiennent une virgule, et ne laisser "
            "aucune ligne vide.",
            row=row,
        )
    return {
        column: _value(_Cell(file, row, column, text)) for column, text in zip(_COLUMNS, cells, strict=True)
    }


def _value(cell: _Cell) -> str | list[str] | None:
    """Return the cell as the contract wants it: a list, a text, or null when nothing is said."""
    if not cell.text:
        if cell.column in _REQUIRED:
            cell.refuse("la cellule est vide.", "la remplir.")
        return [] if cell.column in _LISTS else None
    if cell.column not in _LISTS:
        _check_item(cell, cell.text)
        return cell.text
    items = cell.text.split("|")
    for item in items:
        _check_item(cell, item)
    repeated = next((item for item in items if items.count(item) > 1), None)
    if repeated is not None:
        cell.refuse("la valeur est répétée dans la liste.", "ne l’écrire qu’une fois.", repeated)
    return items


def _check_item(cell: _Cell, item: str) -> None:
    if not item.strip() or item != item.strip():
        cell.refuse(
            "un élément est vide ou entouré d’espaces.",
            "ôter les espaces et les séparateurs « | » en trop.",
            item,
        )
    values = _CODED.get(cell.column)
    if values is not None and item not in values:
        cell.refuse("la valeur est inconnue.", f"choisir parmi : {', '.join(values)}.", item)
    if cell.column in _SHAPES:
        shape, rule, remedy = _SHAPES[cell.column]
        if not shape.fullmatch(item):
            cell.refuse(rule, remedy, item)
