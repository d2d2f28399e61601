"""Text tables of the producers of geography: decoded strictly, columns found by their names.

Belongs here: what the readers of commune events, EPCI and populations share.
Does not: what any column means (each producer's module), and passage between years (``geography``).
"""

import io
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from observatory.errors import InputError

_REDO = "remettez le fichier du producteur, sans le modifier."


def read_text_table(path: Path, separator: str = ",", encoding: str = "utf-8-sig") -> pl.DataFrame:
    """Return a delimited file, every column as text, empty cells as null.

    Lines that begin with ``#`` are comments; the last of them is the header when the file has any, as INSEE's
    compositions write it.

    Raises:
        InputError: the file is absent, is not in ``encoding``, or its lines do not have the same columns.
    """
    if not path.is_file():
        raise InputError(path.name, "le fichier manque.", "déposez-le, ou relancez la récupération.")
    try:
        lines = path.read_bytes().decode(encoding).splitlines()
    except UnicodeDecodeError as error:
        raise InputError(path.name, f"le fichier n’est pas encodé en {encoding}.", _REDO) from error
    first = next((rank for rank, line in enumerate(lines) if not line.startswith("#")), len(lines))
    body = lines[first:]
    if first:
        body = [lines[first - 1].removeprefix("#").strip(), *body]
    try:
        return pl.read_csv(io.BytesIO("\n".join(body).encode()), separator=separator, infer_schema=False)
    except (pl.exceptions.ComputeError, pl.exceptions.NoDataError) as error:
        raise InputError(path.name, "le fichier n’est pas un tableau complet.", _REDO) from error


def columns_by_meaning(
    text: pl.DataFrame,
    name: str,
    wanted: Mapping[str, tuple[str, ...]],
    optional: tuple[str, ...] = (),
) -> pl.DataFrame:
    """Return the columns of ``text`` that ``wanted`` names, under our names, as text.

    Args:
        text: the file, as text.
        name: its name, for errors.
        wanted: for each of our names, the names under which the producer's editions write it.
        optional: those of our names that an edition may lack; they are then all null.

    Raises:
        InputError: a column is missing, or two columns of the file have the same meaning.
    """
    picked = []
    for ours, theirs in wanted.items():
        found = [column for column in theirs if column in text.columns]
        if len(found) > 1:
            raise InputError(name, f"deux colonnes ont le même sens : {', '.join(found)}.", _REDO)
        if found:
            picked.append(pl.col(found[0]).cast(pl.String).alias(ours))
        elif ours in optional:
            picked.append(pl.lit(None, pl.String).alias(ours))
        else:
            raise InputError(name, "la colonne manque.", _REDO, column=" ou ".join(theirs))
    return text.select(picked)


def typed_column(frame: pl.DataFrame, name: str, column: str, value: pl.Expr, kind: str) -> pl.DataFrame:
    """Return ``frame`` with ``column`` replaced by the typed expression ``value``.

    Raises:
        InputError: ``value`` is null on a line; the error names the line of the file and its text.
    """
    typed = frame.with_columns(value.alias(column))
    wrong = typed[column].is_null().arg_true()
    if len(wrong):
        row = int(wrong[0])
        text = frame[column][row]
        rule = "la valeur manque." if text is None else f"la valeur n’est pas {kind}."
        raise InputError(name, rule, _REDO, column=column, value=text, row=row + 2)
    return typed


def check_commune_codes(frame: pl.DataFrame, name: str, *columns: str) -> None:
    """Check that ``columns`` hold INSEE commune codes: five characters, text.

    Raises:
        InputError: a code is absent or is not one, as when a spreadsheet has dropped its leading zero.
    """
    for column in columns:
        right = frame[column].str.contains(r"^(\d{2}|2[AB])\d{3}$").fill_null(False)
        wrong = (~right).arg_true()
        if len(wrong):
            raise InputError(
                name,
                "la valeur n’est pas un code commune de cinq caractères.",
                _REDO,
                column=column,
                value=frame[column][int(wrong[0])],
            )
