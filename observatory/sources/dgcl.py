"""Composition of the EPCI, one file per year: DGCL (Banatic) until 2017, INSEE's since.

Belongs here: the columns of each edition and the characters they damage.
Does not: which EPCI make the perimeter (``territories``, ``geography.perimeters``).
"""

from pathlib import Path

import polars as pl

from observatory.errors import InputError
from observatory.sources.archives import read_member
from observatory.sources.catalogue import get_source
from observatory.sources.columns import check_commune_codes, columns_by_meaning
from observatory.sources.reading import read_table
from observatory.sources.workbooks import read_sheet

SOURCE = "dgcl_epci"

_COLUMNS = {
    "epci_code": ("siren", "EPCI - Métropole", "EPCI"),
    "epci_name": ("nom", "Libellé de l'EPCI / Métropole", "LIBEPCI"),
    "epci_kind": ("nature",),
    # In the text made of INSEE's editions the header is the last of the comment lines.
    "commune_code": ("insee", "# Code géographique", "CODGEO"),
    "commune_name": ("nom_com", "Libellé géographique", "LIBGEO"),
}
_KINDS = ("CA", "CC", "CU", "CV", "DISTRICT", "METRO")
# INSEE's editions give the kind in the name only. « Métropole » comes last: Valenciennes Métropole is a CA.
_KIND_OF_NAME = {
    "CU": r"(?i)^communauté urbaine",
    "CA": r"(?i)^communauté d['’]agglomération",
    "CC": r"(?i)^communauté de communes",
    "METRO": r"(?i)métropole",
}
_SPELT_OUT = {kind: f"{pattern} " for kind, pattern in _KIND_OF_NAME.items() if kind != "METRO"}
# INSEE's code for the communes that belong to no EPCI.
_NO_EPCI = "ZZZZZZZZZ"


def read_epci(path: Path, cog_year: int) -> pl.DataFrame:
    """Return ``parse_epci`` of one edition, read as its card says.

    Raises:
        InputError: as ``parse_epci``, or the file is absent.
        ArchiveError: the archive is unreadable, or does not hold the workbook of the card.
        UnknownSourceError: the catalogue has no edition of that year.
    """
    file = get_source(SOURCE).data_file(str(cog_year)).as_in(path)
    if file.sheet is None or file.member is None:
        return parse_epci(read_table(path, file.reading), cog_year, path.name)
    name = f"{path.name} › {file.member}"
    _, cells = read_sheet(read_member(path, file.member), name, file.sheet, ["CODGEO", "EPCI"])
    return parse_epci(cells, cog_year, name)


def parse_epci(text: pl.DataFrame, cog_year: int, name: str = "epci.csv") -> pl.DataFrame:
    """Return the composition of the EPCI of 1 January ``cog_year``.

    Returns:
        One row per commune in an EPCI: columns cog_year, epci_code (SIREN), epci_name, epci_kind (CA, CC, CU,
        CV, DISTRICT, METRO), commune_code, commune_name. A commune in no EPCI has no row.

    Raises:
        InputError: a column is missing, a code or a kind is not one, or a commune is in two EPCI.
    """
    frame = columns_by_meaning(text, name, _COLUMNS, optional=("epci_kind",))
    frame = frame.filter(pl.col("epci_code") != _NO_EPCI).with_columns(
        _epci_name(pl.col("epci_name")), _repaired(pl.col("commune_name"))
    )
    check_commune_codes(frame, name, "commune_code")
    by_name = pl.coalesce(
        pl.when(pl.col("epci_name").str.contains(pattern)).then(pl.lit(kind))
        for kind, pattern in _KIND_OF_NAME.items()
    )
    frame = frame.with_columns(pl.coalesce("epci_kind", by_name).alias("epci_kind"))
    for kind, pattern in _SPELT_OUT.items():
        frame = frame.with_columns(pl.col("epci_name").str.replace(pattern, f"{kind} "))
    _check(frame, name)
    return frame.select(
        pl.lit(cog_year, pl.Int32).alias("cog_year"),
        "epci_code",
        "epci_name",
        "epci_kind",
        "commune_code",
        "commune_name",
    ).sort("commune_code")


def _repaired(column: pl.Expr) -> pl.Expr:
    """Return names whose Windows apostrophe and œ became control characters (2006, 2011), spaces single."""
    return (
        column.str.replace_all("\x92", "’", literal=True)
        .str.replace_all("\x9c", "œ", literal=True)
        .str.replace_all(r"\s+", " ")
    )


def _epci_name(column: pl.Expr) -> pl.Expr:
    """Return names without the acronym that 2016 and 2017 append nor the capital lost, districts in full."""
    return (
        _repaired(column)
        .str.replace(r" \[[^\]]*\]$", "")
        .str.replace("d'hénin", "d'Hénin", literal=True)
        .str.replace(r"^D[. ]\s*", "DISTRICT ")
    )


def _check(frame: pl.DataFrame, name: str) -> None:
    remedy = "remettez le fichier du producteur, sans le modifier."
    wrong = frame.filter(~pl.col("epci_kind").is_in(_KINDS).fill_null(False))
    if wrong.height:
        raise InputError(
            name,
            "la nature de l’EPCI n’est pas connue.",
            remedy,
            column="nature",
            value=wrong["epci_name"][0],
        )
    wrong = frame.filter(~pl.col("epci_code").str.contains(r"^\d{9}$").fill_null(False))
    if wrong.height:
        raise InputError(
            name, "la valeur n’est pas un SIREN.", remedy, column="siren", value=wrong["epci_code"][0]
        )
    twice = frame.filter(pl.col("commune_code").is_duplicated())
    if twice.height:
        raise InputError(
            name,
            "la commune est dans deux EPCI à fiscalité propre.",
            remedy,
            column="insee",
            value=twice["commune_code"][0],
        )
