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
from observatory.sources.reading import Figures, prepare, read_cells, read_figures, read_header
from observatory.sources.territory_figures import ABSENCES, TerritoryFigures
from observatory.sources.workbooks import read_sheet
from observatory.tables import STATUSES

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

    def figures(self, columns: Sequence[Column]) -> Figures:
        """Return the figures of some columns, named by ``Column.figure``."""
        cells = self.cells.select(pl.col(column.name).alias(column.figure) for column in columns)
        marks = {column.figure: self.file.marks_of(column.variable.group) for column in columns}
        return read_figures(cells, marks, self.file.reading.decimal)

    def refuse(self, absences: pl.DataFrame, columns: Sequence[Column]) -> None:
        """Refuse the first of the cells that should not be without number, if there is one."""
        if absences.is_empty():
            return
        figure, row = absences.row(0)[:2]
        column = next(one for one in columns if one.figure == figure)
        marks = self.file.marks_of(column.variable.group)
        known = ", ".join(f"« {mark} »" if mark else "cellule vide" for mark in marks) or "aucune"
        cell = self.cells[column.name][row]
        raise InputError(
            self.name,
            f"la valeur n’est ni un nombre ni une marque connue (marques : {known}).",
            "vérifiez la cellule chez le producteur ; si la marque est nouvelle, déclarez son sens dans la "
            "fiche de la source (observatory/sources/catalogue.yaml).",
            row=self.first_row + row,
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
            checked in any case. Municipal districts of Paris, Lyon and Marseille are never kept: where a file
            has them all and not the commune, counts are summed to it.

    Raises:
        InputError: the file breaks a rule of its card or layout; nothing is guessed.
        ArchiveError: the archive is unreadable, or does not hold the member of the card.
        UnknownSourceError: the catalogue has no such file.
        LayoutError: the file has no layout, or not one that its card fits.
    """
    return read_whole(path, source_id, vintage).rows(keep_codes)


def read_whole(path: Path, source_id: str, vintage: str) -> TerritoryFigures:
    """Return every figure of a file, one row per territory; errors as :func:`read_values`."""
    source = get_source(source_id)
    return parse_whole(path, source, vintage, get_layout(source.data_file(vintage).layout))


def parse_values(
    path: Path, source: Source, vintage: str, layout: Layout, keep_codes: Collection[str] | None = None
) -> pl.DataFrame:
    """Return ``core.values`` from a file, its card and its layout; see :func:`read_values`."""
    return parse_whole(path, source, vintage, layout).rows(keep_codes)


def parse_whole(path: Path, source: Source, vintage: str, layout: Layout) -> TerritoryFigures:
    """Return every figure of a file, from its card and its layout; see :func:`read_whole`."""
    file = source.data_file(vintage).as_in(path)
    # In the order of the key of core.values, so that its sort has next to nothing left to do.
    columns = sorted(
        expected_columns(layout, file, vintage), key=lambda column: (column.variable.name, column.year)
    )
    table = _open(path, file, layout, vintage, columns)
    codes = territory_codes(table.cells, layout, file, table.name, table.first_row)
    read = _of_each_row if layout.type_column is None else _of_each_type
    numbers, absences = read(table, codes, columns)
    numbers, absences = _with_districts_joined(
        numbers.select("code", *(column.figure for column in columns)),
        absences.select(list(ABSENCES)),
        columns,
    )
    return TerritoryFigures(
        source=source.id,
        file_id=source.file_id(vintage, "data"),
        level=layout.level,
        geography_vintage=file.cog,
        absent=file.absent,
        columns=tuple(columns),
        numbers=numbers.sort("code"),
        absences=absences,
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
    file = get_source(source_id).data_file(vintage).as_in(path)
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
    elif file.sheet is not None:
        header, sheet = read_sheet(_content(path, file.member), name, file.sheet, layout.key.columns)
        check_columns(header.names, layout, file, vintage, name)
        cells, first_row = sheet.select(wanted), header.row + 1
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


def _of_each_row(
    table: _Table, codes: pl.Series, columns: Sequence[Column]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return numbers and absences, from a table of one row per territory."""
    figures = table.figures(columns)
    table.refuse(figures.absences.filter(pl.col("status").is_null()), columns)
    absences = figures.absences.rename({"column": "figure"}).with_columns(
        code=codes.gather(figures.absences["row"])
    )
    for group, prefixes in table.file.not_covered.items():
        of_group = [column.figure for column in columns if column.variable.group == group]
        outside = pl.col("code").str.contains(f"^({'|'.join(prefixes)})") & pl.col("figure").is_in(of_group)
        absences = absences.with_columns(
            status=pl.when(outside).then(pl.lit("not_available")).otherwise(pl.col("status"))
        )
    numbers = figures.numbers.with_columns(codes.alias("code"))
    return numbers.drop_nulls("code"), absences.drop_nulls("code")


def _with_districts_joined(
    numbers: pl.DataFrame, absences: pl.DataFrame, columns: Sequence[Column]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return one row per commune, from districts that bear its code: counts are summed, the rest is not.

    A count that a district lacks is lacking, with the gravest status.
    """
    parts = numbers.filter(pl.col("code").is_duplicated())
    if parts.is_empty():
        return numbers, absences
    counts = [column.figure for column in columns if column.variable.additive]
    others = pl.DataFrame(
        {"figure": [column.figure for column in columns if not column.variable.additive]},
        schema={"figure": pl.String},
    )
    communes = parts.select("code").unique()
    sums = parts.group_by("code").agg(
        pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum()) for name in counts
    )
    lacking = pl.concat(
        [
            absences.join(communes, on="code", how="semi"),
            communes.join(others, how="cross").with_columns(status=pl.lit("not_available")),
        ]
    )
    # Statuses go from the gravest to the lightest.
    gravest = lacking.group_by("code", "figure").agg(pl.col("status").cast(pl.Enum(STATUSES)).min())
    return (
        pl.concat([numbers.join(communes, on="code", how="anti"), sums], how="diagonal"),
        pl.concat(
            [
                absences.join(communes, on="code", how="anti"),
                gravest.with_columns(pl.col("status").cast(pl.String)),
            ]
        ),
    )


def _of_each_type(
    table: _Table, codes: pl.Series, columns: Sequence[Column]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return sums by territory and type, and no absence, from a table of one row per territory and type.

    A territory that has rows, but none of a type, counts zero: such a file lists what there is.
    """
    types = table.cells[str(table.layout.type_column)]
    known = types.unique().sort().to_list()
    # Several variables count types in the same column.
    amounts = {column.name: column for column in reversed(columns)}
    figures = table.figures(list(amounts.values()))
    table.refuse(figures.absences, columns)
    sums = [
        pl.col(amounts[column.name].figure)
        .filter(pl.col("type").is_in(_matching(column, known, table.name)))
        .sum()
        .alias(column.figure)
        for column in columns
    ]
    rows = figures.numbers.with_columns(codes.alias("code"), types.alias("type")).drop_nulls("code")
    return rows.group_by("code").agg(sums), pl.DataFrame(schema=ABSENCES)


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
