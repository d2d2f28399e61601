"""CSV files for French spreadsheets, as figures.

Belongs here: reading back the columns of ``rendering.landmark_files``, semicolons and decimal commas.
Does not: other files (``release``), what an attacker makes of the figures (``audit``).
"""

import polars as pl

_COLUMNS = {"indicateur": "indicator", "millesime": "vintage", "valeur": "value", "fichiers": "file_ids"}
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
