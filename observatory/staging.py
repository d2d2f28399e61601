"""What a session stages: tables as Parquet files, the site and the partners' editions as folders.

A session belongs to one process; its steps stage and read in that process, or in others, on machines that see
the same data folder. Whatever the process, they read the same tables: those staged, else those published
when the session began.

Belongs here: staging, and reading back within a session. Does not: publishing (``sessions``).
"""

import os
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import polars as pl

from observatory.disk import writing
from observatory.errors import ObservatoryError
from observatory.files import hold, write_atomic
from observatory.lake import Lake
from observatory.paths import DataPaths
from observatory.tables import TABLES
from observatory.warehouse import is_confidential, published_tables, read_lake, read_table

_BASE = "base"


class NoSessionError(ObservatoryError):
    """A step runs outside its session."""


class Staging:
    """The staged tables and folders of one session, as any of its steps sees them.

    Used as a context, it leaves the lake at the end; what was staged stays.

    Args:
        paths: data folders.
        session_id: name of the session's folder.
    """

    def __init__(self, paths: DataPaths, session_id: str) -> None:
        self.paths = paths
        self.folder = paths.warehouse / "sessions" / session_id
        self._held = ExitStack()
        self._lake: Lake | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()
        self._lake = None

    def _begin(self, *, public: bool) -> None:
        """Make the folder, and note the moment of the lake that every step reads."""
        with writing(self.folder):
            self._tables.mkdir(parents=True)
        if public and self.paths.lake is not None:
            self._lake = self._held.enter_context(Lake(self.paths.lake))
            write_atomic(self.folder / _BASE, str(self._lake.base).encode())

    def _published_in_lake(self, name: str) -> Lake | None:
        """Return the lake that a table is to be read from, at the moment when the session began; if any."""
        if is_confidential(name) or self.paths.lake is None:
            return None
        if self._lake is None and (base := self.folder / _BASE).exists():
            number = int(base.read_text(encoding="ascii"))
            self._lake = self._held.enter_context(Lake(self.paths.lake, number=number, read_only=True))
        return self._lake

    def write(self, name: str, frame: pl.DataFrame) -> None:
        """Stage a table, ``schema.name``; its contract, if any, is enforced.

        Raises:
            ContractError: the frame does not keep the contract.
            NoSessionError: the session is over, or its folder is not seen from here.
        """
        if name in TABLES:
            frame = TABLES[name].conform(frame)
        target = self._staged(name)
        partial = target.with_suffix(".partial")
        with writing(self.folder):
            frame.write_parquet(partial)
            partial.replace(target)

    def replace_rows(self, name: str, frame: pl.DataFrame, column: str, values: Iterable[str]) -> None:
        """Stage a table whose rows with ``column`` in ``values`` are replaced by ``frame``.

        Steps that replace rows of one table take turns, so that none undoes what another did.
        """
        wanted = list(values)
        descriptor = hold(self._staged(name).with_suffix(".lock"), wait=True)
        try:
            if self.has(name):
                kept = self.read(name).filter(~pl.col(column).is_in(wanted))
                frame = pl.concat([kept, frame]).sort(frame.columns)
            self.write(name, frame)
        finally:
            os.close(descriptor)

    def has(self, name: str) -> bool:
        """Whether a table was staged or published."""
        if self._staged(name).exists():
            return True
        if (lake := self._published_in_lake(name)) is not None:
            return name in lake.names()
        return name in published_tables(self.paths)

    def read(self, name: str) -> pl.DataFrame:
        """Return a table as staged in this session, or else as published.

        Raises:
            MissingTableError: it was never made.
            NoSessionError: as ``write``.
        """
        staged = self._staged(name)
        if staged.exists():
            return pl.read_parquet(staged)
        if (lake := self._published_in_lake(name)) is not None:
            return read_lake(lake, name)
        return read_table(self.paths, name)

    @property
    def site(self) -> Path:
        """The folder where the site is staged."""
        return self.folder / "site"

    @property
    def partners(self) -> Path:
        """The folder where the editions of all partners are staged; it takes the place of the former ones."""
        return self.folder / "partners"

    @property
    def _tables(self) -> Path:
        return self.folder / "tables"

    def _staged_tables(self) -> dict[str, Path]:
        """Return the staged tables that are in no database yet, by name."""
        return {path.stem: path for path in sorted(self._tables.glob("*.parquet"))}

    def _staged(self, name: str) -> Path:
        if not self._tables.is_dir():
            raise NoSessionError(
                f"Cette étape ne voit pas la session de son traitement ({self.folder}) : il est terminé, ou "
                "son processus s’est arrêté, ou le dossier de données n’est pas le même ici. Que faire : "
                "donnez à tous les ouvriers le même OBSERVATORY_DATA, puis relancez ; rien n’est publié."
            )
        return self._tables / f"{name}.parquet"
