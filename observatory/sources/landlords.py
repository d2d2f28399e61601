"""Deliveries of the two landlords of the mining stock, Maisons & Cités and SIA Habitat.

Belongs here: the columns, codes and rules of their files, and their parser.
Does not: what any delivery has in common (``delivery``, ``delivery_rules``), and the fictive files
(``sample``).

The rotation of a year needs no column of its own: it is the dwellings whose ``entry_date`` falls in
the vintage's year over all the dwellings, and ``status`` with ``occupant`` gives vacancy, occupation
and the share of ayants droit.
"""

from pathlib import Path
from typing import Literal

import polars as pl

from observatory.sources.cite_names import match_cites
from observatory.sources.delivery import Delivery, Layout, file_label, read_rows
from observatory.sources.delivery_rules import (
    code_checks,
    code_value,
    date_checks,
    date_value,
    number_checks,
    place_checks,
    required_checks,
    sort_rows,
    whole_line_check,
    year_check,
    year_value,
)
from observatory.tables import DWELLINGS

Landlord = Literal["maisons-et-cites", "sia-habitat"]

EARLIEST_BUILT_YEAR = 1700
_REQUIRED = ("dwelling_id", "commune_code", "dwelling_type", "status")
_LABELS = {letter: letter for letter in "ABCDEFG"}

LAYOUTS: dict[Landlord, Layout] = {
    "maisons-et-cites": Layout(
        encoding="cp1252",
        separator=";",
        decimal=",",
        date_format="%d/%m/%Y",
        date_example="JJ/MM/AAAA",
        columns={
            "dwelling_id": "Code logement",
            "commune_code": "Code INSEE",
            "commune_name": "Commune",
            "cite_label": "Cité",
            "dwelling_type": "Typologie",
            "built_year": "Année de construction",
            "surface": "Surface habitable",
            "heating": "Chauffage",
            "energy_label": "Étiquette DPE",
            "rent": "Loyer mensuel",
            "status": "État du logement",
            "vacant_since": "Vacant depuis",
            "renovation": "Programme de rénovation",
            "renovation_state": "Avancement",
            "occupant": "Catégorie d'occupant",
            "entry_date": "Date d'entrée",
            "household_size": "Taille du ménage",
            "age_band": "Tranche d'âge",
        },
        codes={
            "dwelling_type": {f"T{rooms}": f"T{rooms}" for rooms in range(1, 8)},
            "energy_label": _LABELS,
            "status": {
                "Occupé": "occupied",
                "Vacant": "vacant",
                "Travaux": "works",
                "À démolir": "to_demolish",
                "Vendu": "sold",
            },
            "occupant": {"Ayant droit": "ayant_droit", "Locataire": "tenant"},
        },
    ),
    "sia-habitat": Layout(
        encoding="utf-8-sig",
        separator=",",
        decimal=".",
        date_format="%Y-%m-%d",
        date_example="AAAA-MM-JJ",
        columns={
            "dwelling_id": "ref_lot",
            "cite_label": "nom_residence",
            "commune_code": "code_commune",
            "dwelling_type": "type_lot",
            "surface": "surface_m2",
            "built_year": "annee",
            "heating": "energie",
            "energy_label": "dpe",
            "rent": "loyer_hors_charges",
            "status": "statut",
            "vacant_since": "date_vacance",
            "occupant": "type_occupant",
            "entry_date": "date_entree",
            "household_size": "nb_personnes",
            "age_band": "classe_age",
            "renovation": "operation",
            "renovation_state": "etat_operation",
        },
        codes={
            "dwelling_type": {f"F{rooms}": f"T{rooms}" for rooms in range(1, 8)},
            "energy_label": _LABELS,
            "status": {
                "OCC": "occupied",
                "VAC": "vacant",
                "TRX": "works",
                "DEM": "to_demolish",
                "VEN": "sold",
            },
            "occupant": {"AD": "ayant_droit", "LOC": "tenant"},
        },
    ),
}


def read_landlord(
    path: Path,
    landlord: Landlord,
    vintage: int,
    cites: pl.DataFrame,
    commune_codes: set[str],
    file_id: str,
) -> Delivery:
    """Read one landlord's delivery of a year and sort its rows.

    Spaces around values and the case of codes do not matter. A dwelling without a cité label is
    accepted with a null ``cite_slug``; a label that names no cité of the row's commune quarantines it.

    Args:
        path: CSV of the landlord, in the layout of ``LAYOUTS``.
        landlord: which landlord.
        vintage: year that the delivery describes; no date may be later than its end.
        cites: table ``core.cites``.
        commune_codes: INSEE codes of the perimeter's communes.
        file_id: key of the file in ``core.files``.

    Returns:
        The delivery; ``accepted`` conforms to ``confidential.dwellings``.

    Raises:
        InputError: the file as a whole cannot be read (see ``delivery.read_rows``), or two cités of
            one commune share a name.
    """
    layout = LAYOUTS[landlord]
    rows = read_rows(path, layout)
    frame = rows.frame.with_columns(match_cites(rows.frame, cites))
    checks = [
        whole_line_check(),
        *required_checks(layout, _REQUIRED),
        *place_checks(layout, commune_codes),
        *code_checks(layout),
        year_check(layout, "built_year", EARLIEST_BUILT_YEAR, vintage),
        *number_checks(layout, ("surface", "rent")),
        *date_checks(layout, ("entry_date", "vacant_since"), vintage),
    ]
    kept, quarantined = sort_rows(
        frame, checks, "dwelling_id", layout.columns["dwelling_id"], file_label(path)
    )
    accepted = kept.select(
        pl.lit(landlord).alias("landlord"),
        "dwelling_id",
        pl.lit(vintage, pl.Int32).alias("vintage"),
        "cite_slug",
        "commune_code",
        code_value(layout, "dwelling_type"),
        year_value("built_year"),
        code_value(layout, "energy_label"),
        code_value(layout, "status"),
        code_value(layout, "occupant"),
        date_value(layout, "entry_date"),
        pl.lit(file_id).alias("file_id"),
    )
    return Delivery(DWELLINGS.conform(accepted), quarantined, frame.height, rows.fictive)
