"""Errors that a user can act on: each says what is wrong, where, and what to do (in French)."""

from dataclasses import dataclass


class ObservatoryError(Exception):
    """Base of every error raised on purpose; its message is French and meant for the analyst."""


# Compared by identity: an error whose hash is null breaks whoever keeps errors in a set.
@dataclass(eq=False)
class InputError(ObservatoryError):
    """A source file breaks a rule.

    Attributes:
        file: file at fault, as the analyst knows it.
        rule: the rule that is broken, in French.
        remedy: what to do about it, in French.
        row: line number in the file (header = 1), when one row is at fault.
        column: column name, when one column is at fault.
        value: the value at fault; never set for confidential sources.
    """

    file: str
    rule: str
    remedy: str
    row: int | None = None
    column: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        place = [f"fichier « {self.file} »"]
        if self.row is not None:
            place.append(f"ligne {self.row}")
        if self.column is not None:
            place.append(f"colonne « {self.column} »")
        if self.value is not None:
            place.append(f"valeur « {self.value} »")
        return f"{', '.join(place)} : {self.rule} Que faire : {self.remedy}"
