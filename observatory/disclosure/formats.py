"""The files of a release as tables of text, whatever their format.

Belongs here: which files there are, in archives too, and how each format gives tables.
Does not: which tables are figures (``release``), pages (``pages``).

Nothing is taken on trust from who wrote them: a file is left unread only where another has the same bytes.
"""

import io
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineWorkbook

from observatory.disclosure.spreadsheet import landmark_sheet, spreadsheet_table
from observatory.errors import ObservatoryError

_TITLE_ROWS = 12
"""A sheet may have this many rows of titles above the names of its columns."""
_BINARY = {pl.Binary, pl.Object}
_NO_TABLE = frozenset(
    {".cff", ".css", ".js", ".pem", ".png", ".sig", ".sld", ".svg", ".txt", ".xml", "SHA256SUMS"}
)
"""What is written around figures: looks, notices, signatures; ``scripts`` reads what scripts are handed."""


class FormatError(ObservatoryError):
    """A file of a release cannot be read."""


def documents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a folder and of its archives, by name, each content once.

    The name of a member follows that of its archive and « ! ».

    Raises:
        FormatError: an archive is damaged, or a file is of a format that is not read here.
    """
    seen: set[bytes] = set()
    archives = []
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".zip":
            archives.append(path)
        elif path.is_file() and _holds_tables(path.name):
            content = path.read_bytes()
            seen.add(sha256(content).digest())
            yield path.relative_to(folder).as_posix(), content
    for path in archives:
        for name, content in _members(path):
            if (digest := sha256(content).digest()) not in seen:
                seen.add(digest)
                yield f"{path.relative_to(folder).as_posix()}!{name}", content


def tables(name: str, content: bytes) -> Iterator[pl.DataFrame]:
    """Yield the tables of text of one file; none of a page.

    Raises:
        FormatError: it is not what its name says.
    """
    read = _READERS.get(PurePosixPath(name).suffix)
    if read is None:
        return
    try:
        yield from read(content)
    except _FAULTS as error:
        raise FormatError(f"Le fichier « {name} » n’est pas ce que dit son nom.") from error


def _holds_tables(name: str) -> bool:
    """Whether a file is to be read.

    Raises:
        FormatError: nobody could tell what it gives away.
    """
    path = PurePosixPath(name)
    if path.suffix in _READERS or path.suffix == ".html":
        return True
    if (path.suffix or path.name) in _NO_TABLE:
        return False
    raise FormatError(
        f"Le fichier « {name} » est d’un format que l’audit ne sait pas lire. Que faire : le retirer de ce "
        "qui est publié, ou lui donner un lecteur (observatory/disclosure/formats.py)."
    )


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(archive.namelist()):
                if not name.endswith("/") and _holds_tables(name):
                    yield name, archive.read(name)
    except (zipfile.BadZipFile, OSError) as error:
        raise FormatError(f"L’archive « {path.name} » est abîmée.") from error


def _csv(content: bytes) -> Iterator[pl.DataFrame]:
    french = spreadsheet_table(content)
    yield pl.read_csv(content, infer_schema=False) if french is None else french


def _json(content: bytes) -> Iterator[pl.DataFrame]:
    parsed = json.loads(content.decode("utf-8"))
    for columns, rows in _split_tables(parsed):
        cells = zip(*rows, strict=True)
        yield pl.DataFrame(
            {name: list(map(_text, column)) for name, column in zip(columns, cells, strict=True)},
            schema=dict.fromkeys(columns, pl.String),
        )
    for records in _record_lists(parsed):
        names = dict.fromkeys(name for record in records for name in record)
        yield pl.DataFrame(
            {name: [_text(record.get(name)) for record in records] for name in names},
            schema=dict.fromkeys(names, pl.String),
        )


def _split_tables(content: Any) -> Iterator[tuple[list[str], list[list[Any]]]]:
    """Yield, and take away, the tables at any depth whose columns are named apart from their rows."""
    if isinstance(content, dict):
        columns, rows = content.get("columns"), content.get("data")
        if isinstance(columns, list) and isinstance(rows, list) and all(map(_is_list, rows)):
            yield columns, content.pop("data")
        for value in content.values():
            yield from _split_tables(value)
    elif isinstance(content, list):
        for value in content:
            yield from _split_tables(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _record_lists(content: Any) -> Iterator[list[dict[str, Any]]]:
    """Yield every list of objects, at any depth; of a GeoJSON feature, its properties."""
    if isinstance(content, dict):
        for value in content.values():
            yield from _record_lists(value)
    elif isinstance(content, list) and content and all(isinstance(item, dict) for item in content):
        records = [
            item["properties"] if isinstance(item.get("properties"), dict) else item for item in content
        ]
        yield records
        for item, record in zip(content, records, strict=True):
            beside = [value for name, value in item.items() if record is item or name != "properties"]
            inside = [] if record is item else list(record.values())
            for value in (*beside, *inside):
                yield from _record_lists(value)
    elif isinstance(content, list):
        for value in content:
            if isinstance(value, list | dict):
                yield from _record_lists(value)


def _parquet(content: bytes) -> Iterator[pl.DataFrame]:
    frame = pl.DataFrame(pl.from_arrow(pq.read_table(io.BytesIO(content))))
    kept = [name for name, dtype in frame.schema.items() if type(dtype) not in _BINARY]
    lists = [name for name in kept if isinstance(frame.schema[name], pl.List)]
    yield frame.select(
        pl.col(name).cast(pl.List(pl.String)).list.join("|")
        if name in lists
        else pl.col(name).cast(pl.String)
        for name in kept
    )


def _workbook(content: bytes) -> Iterator[pl.DataFrame]:
    """Yield each sheet as many times as one of its first rows may name its columns."""
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    for sheet in workbook.sheet_names:
        rows = workbook.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
        texts = [[_text(value) if value != "" else None for value in row] for row in rows]
        for head in range(min(_TITLE_ROWS, len(texts))):
            named = {name: position for position, name in enumerate(texts[head]) if name}
            if len(named) > 1:
                columns = {
                    name: [row[position] for row in texts[head + 1 :]] for name, position in named.items()
                }
                yield landmark_sheet(pl.DataFrame(columns, schema=dict.fromkeys(named, pl.String)))


def _geopackage(content: bytes) -> Iterator[pl.DataFrame]:
    """Yield every table and view of an SQLite file, those of the format itself included."""
    with closing(sqlite3.connect(":memory:")) as base:
        base.deserialize(content)
        names = base.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name")
        for (name,) in names.fetchall():
            quoted = name.replace('"', '""')
            rows = base.execute(f'SELECT * FROM "{quoted}"')
            columns = [column[0] for column in rows.description]
            cells = [[None if isinstance(cell, bytes) else _text(cell) for cell in row] for row in rows]
            yield pl.DataFrame(cells, schema=dict.fromkeys(columns, pl.String), orient="row")


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return "|".join(map(str, value)) if isinstance(value, list) else str(value)


_READERS = {
    ".csv": _csv,
    ".json": _json,
    ".geojson": _json,
    ".jsonld": _json,
    ".gpkg": _geopackage,
    ".parquet": _parquet,
    ".xlsx": _workbook,
}
_FAULTS = (ValueError, OSError, sqlite3.Error, pl.exceptions.PolarsError, pa.ArrowException, CalamineError)
