"""Open files of an edition: what is published to be read by machines, and in which formats.

Belongs here: tables (``exports``), wide tables of the latest figures (``wide``), formats (``workbook``,
``table_parquet``, ``layers``, ``geopackage``, ``observation_json``), archives and checksums (``archives``,
``sheet_archive``), what changed since a release (``changes``), all of them together (``publishing``), what
describes them to machines (``description``: ``dcat``, ``inspire``, ``ogc``, ``package``).
Does not: the page that offers them (``rendering``), what may be shown (``disclosure``).
"""

from observatory.opendata.exports import (
    FICTIVE_NATURE,
    FORMULA_START,
    LIST_SEPARATOR,
    Export,
    ExportError,
    exports,
    fictive_mask,
    partner_exports,
    write_csv,
)

__all__ = [
    "FICTIVE_NATURE",
    "FORMULA_START",
    "LIST_SEPARATOR",
    "Export",
    "ExportError",
    "exports",
    "fictive_mask",
    "partner_exports",
    "write_csv",
]
