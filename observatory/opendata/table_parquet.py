"""Tables as Parquet, the types and lists kept, each column with its note.

Belongs here: the file. Does not: which tables (``exports``), layers (``layers``).
"""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from observatory.opendata.exports import Export


def write_table_parquet(path: Path, export: Export, about: dict[str, str]) -> None:
    """Write a table as Parquet; equal content, equal bytes.

    Args:
        path: where.
        export: the table; its note is kept as ``description`` in the metadata of each column.
        about: metadata of the file.
    """
    table = export.frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    fields = [field.with_metadata({"description": export.columns[field.name]}) for field in table.schema]
    about = {"table": export.title, "description": export.description} | about
    pq.write_table(table.cast(pa.schema(fields, metadata=about)), path, compression="zstd")
