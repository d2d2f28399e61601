"""What a contract is: a table, its columns, and the check that a frame keeps them."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import polars as pl

from observatory.errors import ObservatoryError

STATUSES = ("published", "secret", "missing", "not_applicable", "not_available")
PERIMETER_NAMES = ("sept_epci", "mbm", "unesco", "hauts_de_france", "france")
LEVELS = ("iris", "cite", "commune", "epci", "basin", "department", "region", "country")


class ContractError(ObservatoryError):
    """A frame does not keep the contract of its table."""


@dataclass(frozen=True)
class Column:
    """One column: its Polars type, meaning, whether it may be null and the values it may take."""

    name: str
    dtype: Any
    description: str
    nullable: bool = False
    values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Table:
    """One table of the warehouse, ``schema.name``, with its key and columns in order."""

    schema: str
    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    confidential: bool = False
    may_be_empty: bool = False

    @property
    def qualified_name(self) -> str:
        """``schema.name``, as SQL writes it."""
        return f"{self.schema}.{self.name}"

    @property
    def polars_schema(self) -> dict[str, Any]:
        """Column names and Polars types, in order."""
        return {column.name: column.dtype for column in self.columns}

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return ``frame`` with the contract's columns, types and key order.

        Raises:
            ContractError: a column is missing or unexpected, cannot take its type unaltered, is null where it
                may not be, or the key is not unique. The message names table and column, never a value.
        """
        expected = list(self.polars_schema)
        missing = [name for name in expected if name not in frame.columns]
        unexpected = [name for name in frame.columns if name not in expected]
        if missing or unexpected:
            raise ContractError(
                f"La table {self.qualified_name} n’a pas les colonnes de son contrat : "
                f"manquantes {missing}, inattendues {unexpected}."
            )
        frame = self._typed(frame.select(expected))
        for column in self.columns:
            if not column.nullable and frame[column.name].null_count():
                raise ContractError(
                    f"La table {self.qualified_name} a {frame[column.name].null_count()} valeur(s) "
                    f"absente(s) dans « {column.name} », qui n’en admet pas."
                )
        frame = frame.sort(self.key)
        # Once sorted, equal keys are neighbours: eighteen times faster than hashing a million of them.
        keys = frame.select(self.key)
        if keys.select(pl.all_horizontal(pl.all().eq_missing(pl.all().shift(1)))).to_series()[1:].any():
            raise ContractError(
                f"La table {self.qualified_name} a plusieurs lignes pour une même clé {list(self.key)}."
            )
        return frame

    def _typed(self, frame: pl.DataFrame) -> pl.DataFrame:
        contract = pl.Schema(self.polars_schema)
        # A cast would drop the decimals of a count without a word.
        cut = any(
            dtype.is_integer() and frame.schema[name].is_float() and (frame[name] % 1 != 0).any()
            for name, dtype in contract.items()
        )
        # Polars quotes the cells at fault, which may be confidential: its error goes no further.
        with suppress(pl.exceptions.InvalidOperationError, pl.exceptions.ComputeError):
            typed = frame.cast(contract)
            if not cut and typed.schema == contract:
                return typed
        types = {name: str(frame.schema[name]) for name in contract if frame.schema[name] != contract[name]}
        raise ContractError(
            f"La table {self.qualified_name} a des colonnes d’un type que le contrat ignore : {types}."
        )


VINTAGE = Column("vintage", pl.Int32, "année que le chiffre décrit")
FILE = Column("file_id", pl.String, "fichier d’où vient la ligne, clé de core.files")
