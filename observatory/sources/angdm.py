"""Deliveries of ANGDM, the agency that guarantees the rights of miners: its beneficiaries.

Belongs here: the columns, codes and rules of its file, and its parser.
Does not: what any delivery has in common (``delivery``, ``delivery_rules``), and the fictive files
(``sample``).
"""

from pathlib import Path

import polars as pl

from observatory.sources.cite_names import match_cites
from observatory.sources.delivery import Delivery, Layout, file_label, read_rows
from observatory.sources.delivery_rules import (
    code_checks,
    code_value,
    date_checks,
    number_checks,
    place_checks,
    required_checks,
    sort_rows,
    whole_line_check,
    year_check,
    year_value,
)
from observatory.tables import BENEFICIARIES

OLDEST_AGE = 115
_REQUIRED = (
    "pseudonym",
    "birth_year",
    "sex",
    "kind",
    "commune_code",
    "housing_benefit",
    "heating_benefit",
)
_BENEFITS = {"Nature": "in_kind", "Espèces": "cash", "Aucune": "none"}

LAYOUT = Layout(
    encoding="utf-8",
    separator=";",
    decimal=",",
    date_format="%d/%m/%Y",
    date_example="JJ/MM/AAAA",
    columns={
        "pseudonym": "pseudonyme",
        "birth_year": "annee_naissance",
        "sex": "sexe",
        "kind": "qualite",
        "commune_code": "commune_insee",
        "commune_name": "commune_nom",
        "cite_label": "cite",
        "housing_benefit": "prestation_logement",
        "housing_amount": "montant_logement_annuel",
        "heating_benefit": "prestation_chauffage",
        "heating_amount": "montant_chauffage_annuel",
        "start_date": "date_ouverture",
        "end_date": "date_fermeture",
    },
    codes={
        "sex": {"F": "F", "H": "M"},
        "kind": {
            "Ancien mineur": "former_miner",
            "Conjoint survivant": "surviving_spouse",
            "Autre": "other",
        },
        "housing_benefit": _BENEFITS,
        "heating_benefit": _BENEFITS,
    },
)


def read_angdm(
    path: Path, vintage: int, cites: pl.DataFrame, commune_codes: set[str], file_id: str
) -> Delivery:
    """Read ANGDM's delivery of a year and sort its rows.

    Spaces around values and the case of codes do not matter. A beneficiary without a cité label is
    accepted with a null ``cite_slug``; a label that names no cité of the row's commune quarantines it.

    Args:
        path: CSV of ANGDM, in the layout ``LAYOUT``.
        vintage: year that the delivery describes; no date may be later than its end.
        cites: table ``core.cites``.
        commune_codes: INSEE codes of the perimeter's communes.
        file_id: key of the file in ``core.files``.

    Returns:
        The delivery; ``accepted`` conforms to ``confidential.beneficiaries``.

    Raises:
        InputError: the file as a whole cannot be read (see ``delivery.read_rows``), or two cités of
            one commune share a name.
    """
    rows = read_rows(path, LAYOUT)
    frame = rows.frame.with_columns(match_cites(rows.frame, cites))
    checks = [
        whole_line_check(),
        *required_checks(LAYOUT, _REQUIRED),
        *place_checks(LAYOUT, commune_codes),
        *code_checks(LAYOUT),
        year_check(LAYOUT, "birth_year", vintage - OLDEST_AGE, vintage),
        *number_checks(LAYOUT, ("housing_amount", "heating_amount")),
        *date_checks(LAYOUT, ("start_date", "end_date"), vintage),
    ]
    kept, quarantined = sort_rows(frame, checks, "pseudonym", LAYOUT.columns["pseudonym"], file_label(path))
    accepted = kept.select(
        "pseudonym",
        pl.lit(vintage, pl.Int32).alias("vintage"),
        year_value("birth_year"),
        *(code_value(LAYOUT, name) for name in ("sex", "kind")),
        "commune_code",
        "cite_slug",
        *(code_value(LAYOUT, name) for name in ("housing_benefit", "heating_benefit")),
        pl.lit(file_id).alias("file_id"),
    )
    return Delivery(BENEFICIARIES.conform(accepted), quarantined, frame.height, rows.fictive)
