"""Columns of text tables: found by their meaning whatever the edition calls them, then typed.

Belongs here: what the readers of commune events, EPCI and populations share.
Does not: bytes and cells (``reading``), what any column means (each producer's module).
"""

from collections.abc import Mapping

import polars as pl

from observatory.errors import InputError

_REDO = "remettez le fichier du producteur, sans le modifier."


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
