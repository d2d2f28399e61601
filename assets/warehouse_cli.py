"""The commands of the warehouse: what it holds, creating a shared one, exporting, giving back space."""

from pathlib import Path
from typing import Annotated

import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from observatory.errors import ObservatoryError
from observatory.paths import WAREHOUSE_VARIABLE, data_paths

app = typer.Typer(
    help="Voir l’entrepôt des tables, ou en tenir un que plusieurs machines partagent.",
    invoke_without_command=True,
)
console = Console()


class NotSharedError(ObservatoryError):
    """A command of shared warehouses, and the warehouse is a file."""


class UnknownFormatError(ObservatoryError):
    """A table is asked for in a format that is not written."""


@app.callback()
def warehouse(context: typer.Context) -> None:
    """Voir l’entrepôt : où il est, ses tables, et ses publications s’il est partagé."""
    from observatory.lake import Lake
    from observatory.warehouse import published_tables

    if context.invoked_subcommand is not None:
        return
    paths = data_paths()
    if paths.lake is None:
        console.print(f"Entrepôt : {paths.database}", soft_wrap=True)
        console.print(f"Tables : {len(published_tables(paths))}")
        return
    with Lake(paths.lake, read_only=True) as lake:
        console.print(f"Entrepôt partagé : {paths.lake}", soft_wrap=True, markup=False)
        console.print(f"Tables : {len(lake.names())}")
        table = Table("Publication", "Le (UTC)", "Par", "Édition", "Tables changées")
        for one in lake.snapshots():
            when = f"{one.time:%Y-%m-%d %H:%M:%S}"
            table.add_row(str(one.number), when, one.author or "—", one.release or "—", str(len(one.tables)))
    console.print(table)


@app.command()
def create(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DOSSIER", help="Où vont les fichiers : dossier vu de toutes les machines, ou s3://…"
        ),
    ],
) -> None:
    """Créer l’entrepôt partagé, une fois, dans une base PostgreSQL vide."""
    from observatory.lake import create_lake

    create_lake(_shared(), data)
    console.print("Entrepôt partagé créé.")


@app.command()
def export(
    table: Annotated[str, typer.Argument(help="Nom de la table, core.territories par exemple.")],
    file: Annotated[Path, typer.Argument(help="Fichier à écrire, .csv ou .parquet.")],
    release: Annotated[str | None, typer.Option(help="Édition (2026-1) ; la dernière sinon.")] = None,
) -> None:
    """Écrire une table dans un fichier, telle qu’elle est ou telle qu’elle était dans une édition."""
    from observatory.files import write_atomic
    from observatory.warehouse import read_table

    writers = {".csv": _csv, ".parquet": _parquet}
    if file.suffix not in writers:
        raise UnknownFormatError(f"« {file} » : choisissez un nom en .csv ou en .parquet.")
    frame = read_table(data_paths(), table, release)
    write_atomic(file, writers[file.suffix](frame))
    console.print(f"écrit : {file}", soft_wrap=True)


@app.command()
def expire(
    days: Annotated[int, typer.Option(min=1, help="Âge des publications à oublier, en jours.")] = 90,
) -> None:
    """Oublier les publications anciennes d’un entrepôt partagé, sauf la dernière de chaque édition."""
    from observatory.lake import Lake
    from observatory.rendering.french import plural

    with Lake(_shared()) as lake:
        gone = lake.expire(days)
    console.print(f"{plural(gone, 'publication oubliée', 'publications oubliées')}.")


def _shared() -> str:
    lake = data_paths().lake
    if lake is None:
        raise NotSharedError(
            f"L’entrepôt est un fichier. Donnez d’abord {WAREHOUSE_VARIABLE}=ducklake:postgres:…"
        )
    return lake


def _csv(frame: pl.DataFrame) -> bytes:
    lists = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.List)]
    flat = frame.with_columns(pl.col(lists).cast(pl.List(pl.String)).list.join(" "))
    return flat.write_csv().encode()


def _parquet(frame: pl.DataFrame) -> bytes:
    from io import BytesIO

    buffer = BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()
