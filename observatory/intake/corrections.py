"""Corrected rows, delivered alone: each takes the place of the quarantined row that it corrects.

Belongs here: which row a correction is for, what becomes of both. Does not: the rules (``rules``).

The delivery keeps its number of rows: a correction that is for none of the quarantined ones is left out, and
said.
"""

from dataclasses import dataclass, field

import polars as pl

from observatory.intake.contracts import DeliveryContract
from observatory.intake.mappings import ORIGINAL_LINE
from observatory.intake.sorting import FAULTS, QUARANTINE, Delivery
from observatory.intake.store import State

_Row = dict[str, object]


@dataclass(frozen=True)
class Corrected:
    """A delivery once corrected.

    Attributes:
        accepted: as ``State.accepted``.
        quarantine: as ``State.quarantine``.
        faults: as ``State.faults``.
        idle: faults of the corrections that are for no quarantined row; ``row`` is theirs.
    """

    accepted: pl.DataFrame = field(repr=False)
    quarantine: pl.DataFrame = field(repr=False)
    faults: pl.DataFrame = field(repr=False)
    idle: pl.DataFrame = field(repr=False)


def correct(state: State, delivery: Delivery, contract: DeliveryContract, file: str) -> Corrected:
    """Apply corrected rows to a stored delivery.

    A correction is for the quarantined row that it names by its line (column ``ligne_d_origine``), or else
    for the first one that has its identifier.

    Args:
        state: the delivery.
        delivery: the corrections, sorted; identifiers are fingerprints, as in ``state``.
        contract: contract of both.
        file: name of the file of corrections.
    """
    name = contract.identifier.column
    waiting = {(row["sheet"], row["row"]): row for row in state.quarantine.rows(named=True)}
    known = set(state.accepted[name])
    new_faults = delivery.faults.partition_by("sheet", "row", as_dict=True)
    accepted: list[_Row] = []
    quarantined: list[_Row] = []
    faults: list[pl.DataFrame] = []
    idle: list[_Row] = []
    done: set[tuple[str | None, int]] = set()
    for row, sound in _in_order(delivery, name):
        place = _target(row, name, waiting, done)
        where = (row["sheet"], row["row"])
        if place is None:
            idle.append(_fault(file, where, "correction", _IDLE))
            continue
        done.add(place)
        moved = {"sheet": place[0], "row": place[1]}
        if sound and row[name] not in known:
            known.add(row[name])
            accepted.append(row | moved)
        elif sound:
            quarantined.append(moved | _waiting(row[name], "duplicate"))
            faults.append(pl.DataFrame([_fault(file, place, "duplicate", _TWIN)], schema=FAULTS))
        else:
            quarantined.append(moved | _waiting(row[name], row["rule"]))
            own = new_faults[where]
            faults.append(own.with_columns(pl.lit(v, FAULTS[k]).alias(k) for k, v in moved.items()))
    settled = pl.DataFrame(list(done), schema={"sheet": pl.String, "row": pl.Int64}, orient="row")
    keys = ["sheet", "row"]

    def left(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.join(settled, on=keys, how="anti", nulls_equal=True, maintain_order="left")

    return Corrected(
        pl.concat([state.accepted, pl.DataFrame(accepted, schema=state.accepted.schema)]).sort(keys),
        pl.concat([left(state.quarantine), pl.DataFrame(quarantined, schema=QUARANTINE)]).sort(keys),
        pl.concat([left(state.faults), *faults]).sort(keys, maintain_order=True),
        pl.DataFrame(idle, schema=FAULTS),
    )


_IDLE = (
    "la ligne ne corrige aucune ligne en quarantaine.",
    "reprendre l’identifiant de la ligne fautive, ou son numéro dans la colonne « ligne_d_origine ».",
)
_TWIN = (
    "l’identifiant est déjà celui d’une ligne acceptée.",
    "corriger l’identifiant, et nommer la ligne fautive dans la colonne « ligne_d_origine ».",
)


def _waiting(identifier: str | None, rule: str) -> _Row:
    return {"identifier": identifier, ORIGINAL_LINE: None, "rule": rule}


def _fault(file: str, place: tuple[str | None, int], rule: str, said: tuple[str, str]) -> _Row:
    return dict(zip(FAULTS, (file, *place, None, rule, *said, None), strict=True))


def _in_order(delivery: Delivery, name: str) -> list[tuple[dict, bool]]:
    """Return every corrected row and whether it is sound, as they stand in the file."""
    sound = [(row, True) for row in delivery.accepted.rows(named=True)]
    faulty = [(row | {name: row["identifier"]}, False) for row in delivery.quarantine.rows(named=True)]
    return sorted([*sound, *faulty], key=lambda one: (one[0]["sheet"] or "", one[0]["row"]))


def _target(
    row: dict, name: str, waiting: dict[tuple[str | None, int], dict], done: set[tuple[str | None, int]]
) -> tuple[str | None, int] | None:
    line = row[ORIGINAL_LINE]
    if line is not None:
        places = [place for place in waiting if str(place[1]) == line and place not in done]
        return places[0] if len(places) == 1 else None
    identifier = row[name]
    return next(
        (
            place
            for place, one in waiting.items()
            if identifier is not None and one["identifier"] == identifier and place not in done
        ),
        None,
    )
