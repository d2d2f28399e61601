"""INSEE's commune events since 1943, list of communes since 1943, and the former history of the COG.

Belongs here: the layout of those three files and what their codes mean.
Does not: how counts follow the events (``geography``).
"""

from pathlib import Path

import polars as pl

from observatory.errors import InputError
from observatory.sources.catalogue import Reading
from observatory.sources.columns import check_commune_codes, columns_by_meaning, typed_column
from observatory.sources.reading import read_table

EVENT_KINDS = {
    "10": "name",
    "20": "creation",
    "21": "restoration",
    "30": "suppression",
    "31": "merger",
    "32": "new_commune",
    "33": "association",
    "34": "association_ended",
    "35": "delegate_ended",
    "41": "department_change",
    "50": "seat_change",
    "70": "associate_delegated",
}
"""INSEE's MOD of ``v_mvtcommune`` and our name for it."""

_READING = Reading(separator=",")
_FORMER_READING = Reading(encoding="latin-1", separator="\t")

_EVENT_COLUMNS = {
    "mod": ("MOD",),
    "date": ("DATE_EFF",),
    "type_before": ("TYPECOM_AV",),
    "code_before": ("COM_AV",),
    "name_before": ("LIBELLE_AV",),
    "type_after": ("TYPECOM_AP",),
    "code_after": ("COM_AP",),
    "name_after": ("LIBELLE_AP",),
}
_COMMUNE_COLUMNS = {
    "code": ("COM",),
    "name": ("LIBELLE",),
    "start": ("DATE_DEBUT",),
    "end": ("DATE_FIN",),
}
_HISTORY_COLUMNS = {
    "department": ("DEP",),
    "commune": ("COM",),
    "date": ("EFF",),
    "mod": ("MOD",),
    "partner": ("COMECH",),
    "inhabitants": ("POPECH",),
}
_HISTORY_KINDS = {
    "1": "name",
    "20": "created",
    "21": "restored",
    "22": "gave_to_created",
    "23": "gave_to_restored",
    "31": "absorbed",
    "33": "absorbed",
    "32": "absorbing",
    "34": "absorbing",
    "35": "association_ended",
    "36": "association_ended",
    "4": "administrative",
    "6": "parcels",
}


def read_events(path: Path) -> pl.DataFrame:
    """Return ``parse_events`` of a file ``v_mvtcommune_AAAA.csv``.

    Raises:
        InputError: as ``parse_events``, or the file is absent.
    """
    return parse_events(read_table(path, _READING), path.name)


def parse_events(text: pl.DataFrame, name: str = "v_mvtcommune.csv") -> pl.DataFrame:
    """Return the events between communes: one row per commune before and commune after.

    Rows about associated and delegated communes and boroughs are left out: they are no territory of the
    statistics. So are the three communes that came from no commune (Tende, La Brigue, Saint-Laurent).

    Returns:
        Columns date, kind (a value of ``EVENT_KINDS``), code_before, name_before, code_after, name_after, in
        that order of sorting.

    Raises:
        InputError: a column is missing, or a date, a code or an event type is not one.
    """
    frame = columns_by_meaning(text, name, _EVENT_COLUMNS)
    frame = typed_column(
        frame, name, "date", pl.col("date").str.to_date("%Y-%m-%d", strict=False), "une date"
    )
    kind = pl.col("mod").replace_strict(EVENT_KINDS, default=None, return_dtype=pl.String)
    frame = typed_column(frame, name, "mod", kind, "un type d’événement connu")
    communes = frame.filter(
        (pl.col("type_before") == "COM")
        & (pl.col("type_after") == "COM")
        & pl.col("code_before").is_not_null()
    )
    check_commune_codes(communes, name, "code_before", "code_after")
    columns = ["date", "kind", "code_before", "name_before", "code_after", "name_after"]
    return communes.rename({"mod": "kind"}).select(columns).unique().sort(columns)


def read_communes(path: Path) -> pl.DataFrame:
    """Return ``parse_communes`` of a file ``v_commune_depuis_1943.csv``.

    Raises:
        InputError: as ``parse_communes``, or the file is absent.
    """
    return parse_communes(read_table(path, _READING), path.name)


def parse_communes(text: pl.DataFrame, name: str = "v_commune_depuis_1943.csv") -> pl.DataFrame:
    """Return the communes since 1943: columns code, name, start, end (null while the commune lasts).

    A commune that changed its name has a row per name.

    Raises:
        InputError: a column is missing, or a date or a code is not one.
    """
    frame = columns_by_meaning(text, name, _COMMUNE_COLUMNS)
    check_commune_codes(frame, name, "code")
    date = pl.col("start").str.to_date("%Y-%m-%d", strict=False)
    frame = typed_column(frame, name, "start", date, "une date")
    end = frame["end"].str.to_date("%Y-%m-%d", strict=False)
    if (end.is_null() & frame["end"].is_not_null()).any():
        raise InputError(
            name, "une date de fin n’est pas une date.", "remettez le fichier d’origine.", column="DATE_FIN"
        )
    return frame.with_columns(end=end).sort("code", "start")


def communes_of(communes: pl.DataFrame, cog_year: int) -> pl.DataFrame:
    """Return the communes (code, name) of the COG of 1 January ``cog_year``, from ``parse_communes``."""
    day = pl.date(cog_year, 1, 1)
    lasting = (pl.col("start") <= day) & (pl.col("end").is_null() | (pl.col("end") > day))
    return communes.filter(lasting).select("code", "name").sort("code")


def read_former_history(path: Path) -> pl.DataFrame:
    """Return ``parse_former_history`` of a file ``historiq2017`` (tabulations, latin-1).

    Raises:
        InputError: as ``parse_former_history``, or the file is absent.
    """
    return parse_former_history(read_table(path, _FORMER_READING), path.name)


def parse_former_history(text: pl.DataFrame, name: str = "historiq2017.txt") -> pl.DataFrame:
    """Return the history of the COG as INSEE published it until 2017, seen from each commune.

    It says one thing that the events do not: exchanges of parcels, with the inhabitants they moved.

    Returns:
        Columns code, date, kind (created, restored, gave_to_created, gave_to_restored, absorbed, absorbing,
        association_ended, name, administrative, parcels), partner (code, null if none), inhabitants (null if
        none). The other columns of the file are left out.

    Raises:
        InputError: a column is missing, or a date, a code or an event type is not one.
    """
    frame = columns_by_meaning(text, name, _HISTORY_COLUMNS)
    frame = typed_column(
        frame, name, "date", pl.col("date").str.to_date("%d-%m-%Y", strict=False), "une date"
    )
    by_prefix = pl.coalesce(
        pl.col("mod").str.head(size).replace_strict(_HISTORY_KINDS, default=None, return_dtype=pl.String)
        for size in (2, 1)
    )
    frame = typed_column(frame, name, "mod", by_prefix, "un type d’événement connu")
    result = frame.select(
        (pl.col("department") + pl.col("commune")).alias("code"),
        "date",
        pl.col("mod").alias("kind"),
        "partner",
        pl.col("inhabitants").cast(pl.Int64, strict=False),
    )
    check_commune_codes(result, name, "code")
    return result.sort("code", "date", "kind", "partner")
