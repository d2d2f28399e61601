"""COGugaison's passage tables (© COG (Insee) and package COGugaison, ODbL): an independent check on ours.

Belongs here: the layout of that file, and the correction of a step published with its columns swapped.
Does not: our own passage (``geography``), which does not read this file.
"""

from pathlib import Path

import polars as pl

from observatory.errors import InputError
from observatory.sources.catalogue import Reading
from observatory.sources.columns import check_commune_codes, columns_by_meaning, typed_column
from observatory.sources.reading import read_table

SWAPPED_STEP = (2022, 2024)
"""The step whose columns are swapped by the producer; the other direction, 2024 to 2022, is right."""

_READING = Reading(separator=",")
_COLUMNS = {
    "cog_from": ("COG_de",),
    "cog_to": ("COG_vers",),
    "code_from": ("code_de",),
    "code_to": ("code_vers",),
    "date": ("annee",),
    "kind": ("typemodif",),
    "ratio": ("ratio",),
}
_KINDS = {"c": "recoded", "f": "merged", "d": "split"}
# The producer rounds ratios to some digits: 62473 has seven.
_TOLERANCE = 1e-6


def read_cogugaison(path: Path) -> pl.DataFrame:
    """Return ``parse_cogugaison`` of the file.

    Raises:
        InputError: as ``parse_cogugaison``, or the file is absent.
    """
    return parse_cogugaison(read_table(path, _READING), path.name)


def parse_cogugaison(text: pl.DataFrame, name: str = "tables_passage.csv") -> pl.DataFrame:
    """Return the passage between neighbouring COG years, communes that changed only.

    Returns:
        Columns cog_from, cog_to, code_from, code_to, date, kind (recoded, merged, split), ratio.

    Raises:
        InputError: a column is missing, a value is not of its type, the ratios of a commune do not sum to 1,
            or the step known as swapped is no longer swapped: the correction must then be withdrawn.
    """
    frame = columns_by_meaning(text, name, _COLUMNS)
    check_commune_codes(frame, name, "code_from", "code_to")
    for column in ("cog_from", "cog_to"):
        frame = typed_column(frame, name, column, pl.col(column).cast(pl.Int32, strict=False), "une année")
    frame = typed_column(frame, name, "ratio", pl.col("ratio").cast(pl.Float64, strict=False), "un nombre")
    frame = typed_column(
        frame, name, "date", pl.col("date").str.to_date("%Y-%m-%d", strict=False), "une date"
    )
    kind = pl.col("kind").replace_strict(_KINDS, default=None, return_dtype=pl.String)
    frame = _corrected(typed_column(frame, name, "kind", kind, "« c », « f » ou « d »"), name)
    if not _sums_to_one(frame):
        raise InputError(
            name,
            "les ratios d’une commune de départ n’ont pas pour somme 1.",
            "écrivez à l’équipe de l’observatoire : une étape de plus est peut-être inversée.",
            column="ratio",
        )
    return frame.sort("cog_from", "cog_to", "code_from", "code_to")


def _corrected(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    swapped = (pl.col("cog_from") == SWAPPED_STEP[0]) & (pl.col("cog_to") == SWAPPED_STEP[1])
    step = frame.filter(swapped)
    if step.is_empty():
        return frame
    if _sums_to_one(step):
        raise InputError(
            name,
            "les colonnes de l’étape 2022 → 2024 ne sont plus inversées.",
            "retirez la correction SWAPPED_STEP : le producteur a corrigé son fichier.",
            column="code_de",
        )
    turned = step.rename({"code_from": "code_to", "code_to": "code_from"}).select(frame.columns)
    return pl.concat([frame.filter(~swapped), turned])


def _sums_to_one(frame: pl.DataFrame) -> bool:
    sums = frame.group_by("cog_from", "cog_to", "code_from").agg(pl.col("ratio").sum())
    return bool(((sums["ratio"] - 1).abs() <= _TOLERANCE).all())
