"""What the founding documents say of projects on cités (``data/reference/cites_signalements.csv``).

Belongs here: the layout of that file. Does not: what a signal means for a cité (``indicators.dashboard``).
"""

from collections.abc import Collection
from pathlib import Path

import polars as pl

from observatory.errors import InputError
from observatory.sources.catalogue import Reading, get_source
from observatory.sources.columns import typed_column
from observatory.sources.reading import read_table
from observatory.tables import CITE_SIGNALS
from observatory.tables.dashboard import SIGNALS

_COLUMNS = [name for name in CITE_SIGNALS.polars_schema if name != "file_id"]


def read_signals(path: Path, slugs: Collection[str]) -> pl.DataFrame:
    """Return ``core.cite_signals``.

    Args:
        path: CSV file, UTF-8, comma separated.
        slugs: the cités of the reference table.

    Raises:
        InputError: the file cannot be read, its columns are others, a cell is empty, or names an unknown cité
            or kind, or a year that is none.
    """
    table = read_table(path, Reading(separator=","))
    if table.columns != _COLUMNS:
        raise InputError(
            path.name,
            f"les colonnes ne sont pas celles attendues ({', '.join(_COLUMNS)}).",
            "rétablir la première ligne, dans cet ordre, avec la virgule pour séparateur.",
            row=1,
        )
    rules = {
        "slug": (pl.col("slug").is_in(list(slugs)), "une cité de cites.csv"),
        "year": (pl.col("year").str.contains(r"^20\d\d$"), "une année"),
        "kind": (pl.col("kind").is_in(SIGNALS), f"l’un de {', '.join(SIGNALS)}"),
        "fact": (pl.col("fact").str.len_chars() > 0, "un fait"),
        "passage": (pl.col("passage").str.len_chars() > 0, "un passage"),
    }
    for column, (right, kind) in rules.items():
        typed_column(table, path.name, column, pl.when(right).then(pl.col(column)), kind)
    file_id = get_source("mbm_cites").file_id("2023", "signals")
    return CITE_SIGNALS.conform(table.with_columns(pl.col("year").cast(pl.Int32), file_id=pl.lit(file_id)))
