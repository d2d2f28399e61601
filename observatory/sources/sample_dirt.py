"""The faults that real deliveries have, put into the fictive ones in a small, counted number.

Belongs here: each kind of fault, what it does to a row of text, and whether a parser must reject it.
Does not: the sound rows (``sample_draws``), nor the rules that find faults (``intake.rules``).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from observatory.sources.sample_layouts import Layout

Row = dict[str, str | None]

FAULT_RATE = 0.0003
"""Share of the rows that each kind of fault touches; about 0.3 % of the rows over all kinds."""

UNKNOWN_COMMUNE = "59999"
UNKNOWN_CITE = "Cité des Corons Imaginaires"
OTHER_SPELLING = "other_spelling"
"""Column, of no file, with another known spelling of the row's cité; null where there is none."""


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        label: French name, as the note beside the file counts it.
        rejected: true when the row must be quarantined.
        column: column that must be filled for the fault to make sense.
        spoil: changes the row in place.
        once: true for a fault that a file has once only.
    """

    label: str
    rejected: bool
    column: str
    spoil: Callable[[Row], None]
    once: bool = False


TWINS = Fault("lignes en double", True, "", lambda row: None)
"""The exact duplicates, which ``soil`` adds after the other rows."""


def misspell(name: str) -> str:
    """Return a name whose longest word has lost its second letter."""
    longest = max(name.split(), key=len)
    return name.replace(longest, longest[0] + longest[2:], 1)


def _put(column: str, change: Callable[[str], str | None]) -> Callable[[Row], None]:
    def spoil(row: Row) -> None:
        row[column] = change(row[column] or "")

    return spoil


def _respell(row: Row) -> None:
    row["cite_label"] = row[OTHER_SPELLING]


def faults(layout: Layout, number: str, date: str, optional: str, required: str) -> list[Fault]:
    """Return the kinds of fault of a file, given which of its columns may take them.

    Args:
        layout: layout of the file.
        number: column of decimal numbers.
        date: column of dates.
        optional: column that may be empty.
        required: column that may not.
    """
    other_mark = "." if layout.decimal == "," else ","
    impossible = layout.date_format.replace("%d", "31").replace("%m", "02").replace("%Y", "2019")
    return [
        Fault("cités inconnues", True, "cite_label", _put("cite_label", lambda _: UNKNOWN_CITE)),
        Fault("noms de cité mal orthographiés", True, "cite_label", _put("cite_label", misspell)),
        Fault("autres graphies de cité", False, OTHER_SPELLING, _respell),
        Fault("espaces en trop", False, "commune_code", _put("commune_code", lambda text: f" {text}  ")),
        Fault("casse inhabituelle", False, "cite_label", _put("cite_label", str.swapcase)),
        Fault("cellules facultatives vides", False, optional, _put(optional, lambda _: None)),
        Fault("cellules obligatoires vides", True, required, _put(required, lambda _: None)),
        Fault(
            "codes commune inexistants",
            True,
            "commune_code",
            _put("commune_code", lambda _: UNKNOWN_COMMUNE),
        ),
        Fault(
            "décimales mal écrites",
            True,
            number,
            _put(number, lambda text: text.replace(layout.decimal, other_mark)),
        ),
        Fault("date impossible", True, date, _put(date, lambda _: impossible), once=True),
    ]


def soil(
    frame: pl.DataFrame,
    protected: np.ndarray,
    kinds: list[Fault],
    rng: np.random.Generator,
    rate: float = FAULT_RATE,
) -> tuple[pl.DataFrame, list[tuple[Fault, int]]]:
    """Return the rows with faults, at most one each, and how many of each kind.

    Args:
        frame: rows as text, under our column names.
        protected: true on the rows that must stay sound.
        kinds: kinds of fault; the exact duplicates come on top, as added rows.
        rng: source of chance.
        rate: share of the rows that each kind touches.
    """
    free = ~protected
    wanted = max(1, round(frame.height * rate))
    counts: list[tuple[Fault, int]] = []
    changed: dict[int, Row] = {}
    for kind in kinds:
        filled = free & frame[kind.column].is_not_null().to_numpy()
        chosen = rng.permutation(np.flatnonzero(filled))[: 1 if kind.once else wanted]
        for i in chosen.tolist():
            changed[i] = frame.row(i, named=True)
            kind.spoil(changed[i])
        free[chosen] = False
        counts.append((kind, len(chosen)))
    order = sorted(changed)
    spoilt = pl.DataFrame([changed[i] for i in order], schema=frame.schema)
    position = pl.Series(np.arange(frame.height))
    sound = frame.with_columns(position=position).filter(~pl.col("position").is_in(order))
    mixed = pl.concat([sound, spoilt.with_columns(position=pl.Series(order))]).sort("position")
    doubled = np.sort(rng.permutation(np.flatnonzero(free))[:wanted])
    counts.append((TWINS, len(doubled)))
    return pl.concat([mixed.drop("position"), frame[doubled]]), counts
