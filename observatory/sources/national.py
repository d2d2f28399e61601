"""Parsers of the embedded extracts that cover all France.

Belongs here: the column names of these extracts and what they mean. Does not: cutting them
(``embed_france``), which communes a perimeter holds (``geography``).
"""

import polars as pl

from observatory.errors import InputError
from observatory.sources.extracts import typed

COMPOSITION = "france.parquet"
EVENTS = "evenements.csv"

_COMPOSITION_COLUMNS = {
    "cog": "cog_year",
    "commune": "commune_code",
    "nom_commune": "commune_name",
    "population": "population",
    "departement": "department_code",
    "nom_departement": "department_name",
    "region": "region_code",
    "nom_region": "region_name",
    "epci": "epci_code",
    "nom_epci": "epci_name",
    "nature": "epci_kind",
}
_EVENT_COLUMNS = {
    "evenement": "kind",
    "commune_avant": "code_before",
    "nom_avant": "name_before",
    "commune_apres": "code_after",
    "nom_apres": "name_after",
}
_EVENT_KINDS = ("new_commune", "restoration", "seat_change")


def parse_composition(text: pl.DataFrame, name: str = COMPOSITION) -> pl.DataFrame:
    """Return every commune of France in the latest COG, with its EPCI, its department and its region.

    Returns:
        Columns cog_year, commune_code, commune_name, population (inhabitants), department_code,
        department_name, region_code, region_name, epci_code, epci_name, epci_kind (null without EPCI).

    Raises:
        InputError: a column is missing, or a value is not of its type.
    """
    texts = tuple(column for column in _COMPOSITION_COLUMNS if column not in ("cog", "population"))
    frame = typed(text, name, {"cog": pl.Int32, "population": pl.Int64}, texts)
    return frame.select(pl.col(french).alias(english) for french, english in _COMPOSITION_COLUMNS.items())


def parse_later_events(text: pl.DataFrame, name: str = EVENTS) -> pl.DataFrame:
    """Return the events between communes that successive editions of the package tell.

    Each is dated from the 1 January of the COG that first shows it, which is the day that counts here.

    Returns:
        Columns date, kind, code_before, name_before, code_after, name_after, as ``cog_events.parse_events``.

    Raises:
        InputError: a column is missing, a value is not of its type, or a kind of event is not known.
    """
    frame = typed(text, name, {"cog": pl.Int32}, tuple(_EVENT_COLUMNS))
    wrong = (~frame["evenement"].is_in(_EVENT_KINDS)).arg_true()
    if len(wrong):
        raise InputError(
            name,
            "l’événement n’est pas un type connu.",
            "remettez le fichier d’origine, ou relancez « observatory embed ».",
            row=int(wrong[0]) + 2,
            column="evenement",
            value=frame["evenement"][int(wrong[0])],
        )
    return frame.select(
        pl.date("cog", 1, 1).alias("date"),
        *(pl.col(french).alias(english) for french, english in _EVENT_COLUMNS.items()),
    ).sort("date", "kind", "code_before", "code_after")
