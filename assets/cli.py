"""The ``observatory`` command. ``run`` needs Dagster, so the command lives on this side of the arrow."""

import os
import sys
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from observatory.errors import ObservatoryError
from observatory.paths import PROJECT, data_paths

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()


@app.command()
def run() -> None:
    """Refaire tout : sources, tables, indicateurs, site."""
    from assets.running import run_everything

    started = time.monotonic()
    outcome = run_everything(console.print)
    table = Table(title="Observatoire du Bassin minier : traitement terminé", show_header=False)
    table.add_column(style="bold")
    table.add_column()
    for title, vintages in outcome.sources:
        table.add_row(title, vintages)
    table.add_section()
    table.add_row("Contrôles réussis", f"{outcome.checks_passed} sur {outcome.checks}")
    table.add_row("Pages écrites", str(outcome.pages))
    table.add_row("Durée", f"{time.monotonic() - started:.0f} s")
    console.print(table)
    console.print("Site à ouvrir :", style="bold")
    # Not wrapped: a path cut in two cannot be pasted.
    console.print(str(data_paths().site / "index.html"), soft_wrap=True)


@app.command()
def embed() -> None:
    """Refaire les extraits embarqués à partir des paquets des registres."""
    from observatory.sources.embed import write_embedded

    for path in write_embedded(data_paths().embedded, console.print):
        console.print(f"écrit : {path.name} ({path.stat().st_size} octets)")


@app.command()
def sample() -> None:
    """Écrire les livraisons fictives des bailleurs et de l’ANGDM."""
    from observatory.sources.default_sample import write_default_sample

    for path in write_default_sample(data_paths()):
        console.print(f"écrit : {path}", soft_wrap=True)


@app.command()
def sources(
    source: Annotated[str | None, typer.Argument(help="Identifiant d’une source.")] = None,
) -> None:
    """Montrer les sources, leurs millésimes et leur provenance."""
    from observatory.sources.catalogue import get_source, load_catalogue

    cards = [get_source(source)] if source else list(load_catalogue().values())
    table = Table("Source", "Titre", "Producteur", "Millésimes", "Provenance", "Licence")
    for card in cards:
        table.add_row(
            card.id,
            card.title,
            card.producer,
            ", ".join(card.vintages),
            "\n".join(dict.fromkeys(card.url(vintage) for vintage in card.vintages)),
            card.licence,
        )
    console.print(table)


@app.command()
def dev(
    port: Annotated[int, typer.Option(help="Port d’écoute sur 127.0.0.1.")] = 3000,
) -> None:
    """Ouvrir l’interface de Dagster sur 127.0.0.1."""
    from assets.running import prepare_instance

    os.environ["DAGSTER_HOME"] = str(prepare_instance())
    os.chdir(PROJECT)
    command = ["dagster", "dev", "--host", "127.0.0.1", "--port", str(port), "--workspace", "workspace.yaml"]
    os.execv(sys.executable, [sys.executable, "-m", *command])


def main() -> None:
    """Run the command; an error raised on purpose is a French sentence, not a traceback."""
    try:
        app()
    except ObservatoryError as error:
        Console(stderr=True).print(f"Erreur : {error}", style="bold red", markup=False, soft_wrap=True)
        sys.exit(1)
