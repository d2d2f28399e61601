"""One engine for every file source: a file and its card in, rows of ``core.values`` out.

Belongs here: from cells to values with a status, the same for every source.
Does not: the meaning of columns (``layouts``), bytes (``reading``), fetching.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import polars as pl

from observatory.errors import InputError
from observatory.sources.archives import read_member
from observatory.sources.catalogue import DataFile, Source, get_source
from observatory.sources.layouts import (
    Column,
    Layout,
    check_columns,
    expected_columns,
    get_layout,
    territory_codes,
)
from observatory.sources.reading import prepare, read_cells, read_header, read_numbers
from observatory.tables import VALUES

LABELS: dict[str, type[pl.DataType]] = {
    "column": pl.String,
    "label": pl.String,
    "description": pl.String,
}
"""Schema of the labels of a file: one row per column of the file."""


@dataclass(frozen=True)
class _Table:
    """A file once opened: its name for errors, its card, its layout, its cells and where they start."""

    name: str
    file: DataFile
    layout: Layout
    cells: pl.DataFrame
    first_row: int

    def numbers(self, column: Column) -> tuple[pl.Series, pl.Series]:
        """Return the numbers and the statuses of one column; any other cell is refused."""
        marks = self.file.marks_of(column.variable.group)
        numbers, statuses = read_numbers(self.cells[column.name], marks, self.file.reading.decimal)
        if statuses.null_count():
            raise self.cell_error(column, statuses.is_null())
        return numbers, statuses

    def cell_error(self, column: Column, wrong: pl.Series) -> InputError:
        """Return the refusal of the first wrong cell."""
        index = int(wrong.arg_true()[0])
        marks = self.file.marks_of(column.variable.group)
        known = ", ".join(f"« {mark} »" if mark else "cellule vide" for mark in marks) or "aucune"
        cell = self.cells[column.name][index]
        return InputError(
            self.name,
            f"la valeur n’est ni un nombre ni une marque connue (marques : {known}).",
            "vérifiez la cellule chez le producteur ; si la marque est nouvelle, déclarez son sens dans la "
            "fiche de la source (observatory/sources/catalogue.yaml).",
            row=self.first_row + index,
            column=column.name,
            value="" if cell is None else str(cell),
        )


def read_values(
    path: Path, source_id: str, vintage: str, keep_codes: Collection[str] | None = None
) -> pl.DataFrame:
    """Return ``core.values`` from the file of one vintage of a source of the catalogue.

    Args:
        path: the file.
        source_id: source of the catalogue.
        vintage: its vintage.
        keep_codes: territories to keep, all if None; for IRIS, the codes of their communes. The whole file is
            checked in any case. Municipal districts of Paris, Lyon and Marseille are never kept.

    Raises:
        InputError: the file breaks a rule of its card or layout; nothing is guessed.
        ArchiveError: the archive is unreadable, or does not hold the member of the card.
        UnknownSourceError: the catalogue has no such file.
        LayoutError: the file has no layout, or not one that its card fits.
    """
    source = get_source(source_id)
    return parse_values(path, source, vintage, get_layout(source.data_file(vintage).layout), keep_codes)


def parse_values(
    path: Path, source: Source, vintage: str, layout: Layout, keep_codes: Collection[str] | None = None
) -> pl.DataFrame:
    """Return ``core.values`` from a file, its card and its layout; see :func:`read_values`."""
    file = source.data_file(vintage)
    # In the order of the key, so that the contract's sort has next to nothing left to do.
    columns = sorted(
        expected_columns(layout, file, vintage), key=lambda column: (column.variable.name, column.year)
    )
    table = _open(path, file, layout, vintage, columns)
    codes = territory_codes(table.cells, layout, file, table.name, table.first_row)
    keep = None if keep_codes is None else sorted(set(keep_codes))
    read = _read_wide if layout.type_column is None else _read_long
    frames = read(table, codes, _kept(codes, keep), columns)
    if file.absent is not None and keep is not None:
        absent = sorted(set(keep) - set(codes.drop_nulls().str.slice(0, 5)))
        frames += [_rows(column, pl.Series(absent, dtype=pl.String), None, file.absent) for column in columns]
    return VALUES.conform(
        pl.concat(frames).with_columns(
            source=pl.lit(source.id),
            level=pl.lit(layout.level),
            geography_vintage=pl.lit(file.cog, pl.Int32),
            file_id=pl.lit(source.file_id(vintage, "data")),
        )
    )


def read_labels(path: Path, source_id: str, vintage: str) -> pl.DataFrame:
    """Return the labels of the columns of a file, from its dictionary (schema ``LABELS``).

    Args:
        path: the archive when the dictionary is one of its members, the dictionary's own file otherwise.
        source_id: source of the catalogue.
        vintage: its vintage.

    Raises:
        InputError: the card has no dictionary, or a column of the dictionary is missing.
        ArchiveError: the archive is unreadable, or does not hold the member of the card.
    """
    file = get_source(source_id).data_file(vintage)
    meta = file.meta
    if meta is None:
        raise InputError(
            path.name,
            f"la fiche de {source_id} n’annonce pas de dictionnaire pour le millésime {vintage}.",
            "ajoutez « meta » à la fiche dans observatory/sources/catalogue.yaml.",
        )
    name = _name(path, meta.member)
    reading = file.reading
    content = prepare(_content(path, meta.member), name, reading)
    header = read_header(content, name, reading)
    wanted = (meta.code, meta.label, meta.description)
    for column in wanted:
        if column not in header.names:
            raise InputError(
                name,
                "la colonne du dictionnaire manque.",
                "corrigez « meta » dans la fiche de la source (observatory/sources/catalogue.yaml).",
                column=column,
            )
    cells = read_cells(content, name, reading, header, wanted)
    # A column of codes takes one row of the dictionary for each of its codes.
    return cells.rename(dict(zip(wanted, LABELS, strict=True))).unique(
        "column", keep="first", maintain_order=True
    )


def _open(path: Path, file: DataFile, layout: Layout, vintage: str, columns: Sequence[Column]) -> _Table:
    """Return the columns of a layout, and nothing else, from a file."""
    name = _name(path, file.member)
    types = [layout.type_column] if layout.type_column else []
    wanted = list(dict.fromkeys([*layout.key.columns, *types, *(column.name for column in columns)]))
    if file.kind == "parquet":
        try:
            check_columns(list(pl.read_parquet_schema(path)), layout, file, vintage, name)
            cells, first_row = pl.read_parquet(path, columns=wanted), 1
        except pl.exceptions.ComputeError as error:
            raise InputError(
                name, "le fichier Parquet est illisible ou coupé.", "reprenez-le à l’endroit d’où il vient."
            ) from error
    else:
        content = prepare(_content(path, file.member), name, file.reading)
        header = read_header(content, name, file.reading)
        check_columns(header.names, layout, file, vintage, name)
        cells, first_row = read_cells(content, name, file.reading, header, wanted), header.row + 1
    if cells.height < file.rows:
        raise InputError(
            name,
            f"le fichier a {cells.height} ligne(s), moins que les {file.rows} attendues.",
            "il est sans doute coupé ou filtré : reprenez-le chez le producteur.",
        )
    return _Table(name, file, layout, cells, first_row)


def _content(path: Path, member: str | None) -> bytes:
    return path.read_bytes() if member is None else read_member(path, member)


def _name(path: Path, member: str | None) -> str:
    return path.name if member is None else f"{path.name} › {member}"


def _kept(codes: pl.Series, keep: Sequence[str] | None) -> pl.Series:
    """Return the places of the rows to keep, in the order of their codes."""
    kept = codes.is_not_null()
    if keep is not None:
        kept &= codes.str.slice(0, 5).is_in(keep)
    places = kept.arg_true()
    return places.gather(codes.gather(places).arg_sort())


def _read_wide(
    table: _Table, codes: pl.Series, kept: pl.Series, columns: Sequence[Column]
) -> list[pl.DataFrame]:
    """Return the rows of each column, from a table of one row per territory."""
    frames = []
    for column in columns:
        numbers, statuses = table.numbers(column)
        prefixes = table.file.not_covered.get(column.variable.group, ())
        if prefixes:
            outside = codes.str.contains(f"^({'|'.join(prefixes)})").fill_null(False)
            statuses = statuses.set(outside & numbers.is_null(), "not_available")
        frames.append(_rows(column, codes.gather(kept), numbers.gather(kept), statuses.gather(kept)))
    return frames


def _read_long(
    table: _Table, codes: pl.Series, kept: pl.Series, columns: Sequence[Column]
) -> list[pl.DataFrame]:
    """Return sums by territory and type, from a table of one row per territory and type.

    A territory that has rows, but none of a type, counts zero: such a file lists what there is.
    """
    types = table.cells[str(table.layout.type_column)]
    known = types.unique().sort().to_list()
    amounts = {column.name: table.numbers(column) for column in columns}
    frames = []
    for column in columns:
        numbers, statuses = amounts[column.name]
        if numbers.null_count():
            raise table.cell_error(column, statuses != "published")
        rows = pl.DataFrame({"code": codes, "type": types, "value": numbers})[kept]
        counted = pl.col("type").is_in(_matching(column, known, table.name))
        sums = rows.group_by("code").agg(pl.col("value").filter(counted).sum()).sort("code")
        frames.append(_rows(column, sums["code"], sums["value"], "published"))
    return frames


def _matching(column: Column, known: Sequence[str], name: str) -> list[str]:
    """Return the types of the file that a variable counts; each of its patterns must find one."""
    found: list[str] = []
    for pattern in column.variable.types:
        matched = [one for one in known if fnmatchcase(one, pattern)]
        if not matched:
            raise InputError(
                name,
                f"aucune ligne n’a le type « {pattern} », que compte la variable « {column.variable.name} ».",
                "si le producteur a changé sa nomenclature, corrigez la disposition dans "
                "observatory/sources/layouts.yaml ; sinon le fichier est incomplet : reprenez-le.",
            )
        found += matched
    return sorted(set(found))


def _rows(
    column: Column, codes: pl.Series, values: pl.Series | None, status: pl.Series | str
) -> pl.DataFrame:
    """Return the rows of one column: code, variable, vintage, value and status."""
    return pl.DataFrame({"code": codes}).with_columns(
        variable=pl.lit(column.variable.name),
        vintage=pl.lit(column.year, pl.Int32),
        value=pl.lit(None, pl.Float64) if values is None else values,
        status=pl.lit(status) if isinstance(status, str) else status,
    )
