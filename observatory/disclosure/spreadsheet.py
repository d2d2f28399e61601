"""Files for French spreadsheets, as figures.

Belongs here: reading back the columns of ``rendering.landmark_files``: CSV with decimal commas, sheets whose
landmarks are columns.
Does not: other files (``release``), what an attacker makes of the figures (``audit``).
"""

import polars as pl

_COLUMNS = {"indicateur": "indicator", "millesime": "vintage", "valeur": "value", "fichiers": "file_ids"}
_INDICATOR, _AREA = "Clé de l’indicateur", "Clé du territoire"
_VINTAGE, _VALUE, _STATUS = (f"\u202f: {part}" for part in ("millésime", "valeur", "statut"))
_STATUSES = {
    "publié": "published",
    "manquant": "missing",
    "sans objet": "not_applicable",
    "non disponible": "not_available",
}


def spreadsheet_table(content: bytes) -> pl.DataFrame | None:
    """Return the figures of a CSV parted by semicolons, in the columns of ``indicators.observations``.

    None for a CSV of another form.
    """
    head = content.partition(b"\n")[0]
    if b";" not in head or b"," in head:
        return None
    table = pl.read_csv(content, infer_schema=False, separator=";")
    if not {*_COLUMNS, "identifiant", "statut"} <= set(table.columns):
        return table
    area = pl.col("identifiant").str.splitn(":", 2).struct
    return table.rename(_COLUMNS).with_columns(
        territory_level=area.field("field_0"),
        territory_code=area.field("field_1"),
        value=pl.col("value").str.replace(",", "."),
        status=pl.col("statut").replace(_STATUSES),
    )


def landmark_sheet(table: pl.DataFrame) -> pl.DataFrame:
    """Return the figures of a sheet with three columns per landmark, in the columns of the observations.

    A sheet of another form is returned as it is.
    """
    roles = [
        name.removesuffix(_VALUE)
        for name in table.columns
        if name.endswith(_VALUE) and name.removesuffix(_VALUE) + _VINTAGE in table.columns
    ]
    if not roles or not {_INDICATOR, _AREA} <= set(table.columns):
        return table
    area = pl.col(_AREA).str.splitn(":", 2).struct
    return pl.concat(
        table.filter(pl.col(role + _VINTAGE).is_not_null()).select(
            territory_level=area.field("field_0"),
            territory_code=area.field("field_1"),
            indicator=_INDICATOR,
            vintage=pl.col(role + _VINTAGE).cast(pl.Float64).cast(pl.Int32).cast(pl.String),
            value=role + _VALUE,
            status=pl.col(role + _STATUS).replace(_STATUSES),
        )
        for role in roles
    )
