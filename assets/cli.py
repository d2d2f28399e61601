"""The ``observatory`` command. ``run`` needs Dagster, so the command lives on this side of the arrow."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from assets import (
    audit_cli,
    conventions_cli,
    intake_cli,
    portal_cli,
    release_cli,
    service_cli,
    typology_cli,
    warehouse_cli,
)
from observatory.errors import ObservatoryError
from observatory.paths import data_paths

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()


_SOURCES_HELP = "Où prendre les sources : embedded (défaut), network, ou mirror=DOSSIER."
_TABLES_HELP = (
    "Ne faire que les tables, les indicateurs et la typologie, sans site ni éditions de partenaires ; "
    "les publier aussitôt."
)
_PERIMETER_HELP = (
    "Périmètre : année du COG pour les sept intercommunalités (1999, 2006…), mbm, unesco, "
    "hauts_de_france ou france ; la dernière année sinon."
)
SourcesOption = Annotated[str | None, typer.Option("--sources", help=_SOURCES_HELP)]


def _use_sources(text: str | None) -> None:
    """Make ``--sources`` the mode of this process and of what it starts."""
    from observatory.sources.obtaining import MODE_VARIABLE, parse_mode

    if text is not None:
        parse_mode(text)
        os.environ[MODE_VARIABLE] = text


@app.command()
def run(
    sources: SourcesOption = None,
    perimeter: Annotated[str | None, typer.Option(help=_PERIMETER_HELP)] = None,
    allow_stale: Annotated[
        bool,
        typer.Option(
            "--allow-stale",
            help="D’une source qui ne répond pas, garder le dernier fichier pris, sinon s’en passer, "
            "en le disant.",
        ),
    ] = False,
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            help="Ne rien publier s’il y a un avertissement, ou si l’édition en place en a davantage.",
        ),
    ] = False,
    tables_alone: Annotated[bool, typer.Option("--tables", help=_TABLES_HELP)] = False,
) -> None:
    """Refaire tout : sources, tables, indicateurs, site."""
    from assets.perimeter import PERIMETER_VARIABLE, check_available
    from assets.running import run_everything
    from observatory.sources.obtaining import current_mode

    if strict and allow_stale:
        raise typer.BadParameter("--strict refuse ce que --allow-stale permet : choisir l’un des deux.")
    _use_sources(sources)
    if perimeter is not None:
        os.environ[PERIMETER_VARIABLE] = perimeter
    check_available(data_paths(), current_mode())
    started = time.monotonic()
    outcome = run_everything(console.print, allow_stale=allow_stale, strict=strict, tables_alone=tables_alone)
    table = Table(title="Observatoire du Bassin minier : traitement terminé", show_header=False)
    table.add_column(style="bold")
    table.add_column()
    for title, vintages in outcome.sources:
        table.add_row(title, vintages)
    for warning in outcome.warnings:
        table.add_row("ATTENTION", warning, style="bold red")
    for notice in outcome.notices:
        table.add_row("À savoir", notice)
    table.add_section()
    table.add_row("Contrôles réussis", f"{outcome.checks_passed} sur {outcome.checks}")
    if outcome.pages is not None:
        table.add_row("Pages écrites", str(outcome.pages))
    if outcome.editions:
        table.add_row("Éditions de partenaires", str(outcome.editions))
    table.add_row("Durée", f"{time.monotonic() - started:.0f} s")
    console.print(table)
    if outcome.pages is None:
        console.print("Tables publiées, sans site :", style="bold")
        console.print(str(data_paths().lake or data_paths().database), soft_wrap=True)
        return
    site = data_paths().site
    if outcome.held_until is not None:
        _say_held()
        site = data_paths().under_embargo / "site"
    console.print("Site à ouvrir :", style="bold")
    # Not wrapped: a path cut in two cannot be pasted.
    console.print(str(site / "index.html"), soft_wrap=True)


def _say_held() -> None:
    """Say until when the edition just made is under embargo, and how it is published then."""
    from assets.publishing import told
    from observatory.rendering.imprint import CARD, read_imprint

    console.print(told(read_imprint(data_paths().reference / CARD)), style="bold yellow", soft_wrap=True)
    console.print("À relire ici, pour vous seul ; ensuite : observatory release publish.", soft_wrap=True)


@app.command()
def embed() -> None:
    """Refaire les extraits embarqués à partir des paquets des registres."""
    from observatory.sources.embed import write_embedded

    for path in write_embedded(data_paths().embedded, console.print):
        console.print(f"écrit : {path.name} ({path.stat().st_size} octets)")


@app.command()
def sample() -> None:
    """Écrire les livraisons fictives des bailleurs et de l’ANGDM, et des conventions fictives.

    Les traitements suivants font alors les éditions des partenaires de ces conventions.
    """
    from observatory.sources.default_sample import write_default_sample, write_example_conventions

    for path in (*write_default_sample(data_paths()), write_example_conventions(data_paths())):
        console.print(f"écrit : {path}", soft_wrap=True)


@app.command()
def fetch(
    source: Annotated[str | None, typer.Argument(help="Identifiant d’une source ; toutes sinon.")] = None,
    vintage: Annotated[str | None, typer.Option(help="Millésime ; tous sinon.")] = None,
    sources: SourcesOption = None,
) -> None:
    """Prendre les fichiers des sources et les garder, sans rien calculer."""
    from observatory.sources.obtaining import current_mode, obtain, wanted

    _use_sources(sources)
    paths, mode = data_paths(), current_mode()
    failures = 0
    for card, year in wanted(source, vintage):
        try:
            with _bar(f"{card.id} {year}") as progress:
                resolved = obtain(card, year, paths, mode, progress=progress)
        except ObservatoryError as error:
            failures += 1
            console.print(f"{card.id} {year} : {error}", style="red", markup=False, soft_wrap=True)
            continue
        news = "NOUVEAU CONTENU" if resolved.changed else "pris"
        console.print(
            f"{card.id} {year} : {news} ({resolved.kind}), SHA-256 {resolved.snapshot.sha256[:16]}…"
        )
    if failures:
        raise typer.Exit(1)


@contextmanager
def _bar(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show a progress bar of bytes while a file comes."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    with Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), console=console, transient=True
    ) as progress:
        task = progress.add_task(name, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@app.command(name="sources")
def list_sources(
    source: Annotated[str | None, typer.Argument(help="Identifiant d’une source.")] = None,
    sources: SourcesOption = None,
) -> None:
    """Montrer les sources, leurs millésimes, leur état et leur provenance."""
    from observatory.sources.catalogue import get_source, load_catalogue
    from observatory.sources.obtaining import current_mode, state_of

    _use_sources(sources)
    paths, mode = data_paths(), current_mode()
    table = Table("Source", "Millésime", "État", "Provenance")
    table.columns[0].no_wrap = True
    cards = [get_source(source)] if source else list(load_catalogue().values())
    for card in cards:
        for year in card.vintages:
            table.add_row(card.id, year, state_of(card, year, paths, mode), card.url(year))
        table.add_section()
    console.print(table)
    for card in cards if source else []:
        console.print(
            f"{card.title}\n{card.citation}\nProducteur : {card.producer}\nLicence : {card.licence}"
        )


@app.command()
def contract(
    source: Annotated[
        str, typer.Argument(help="Source déposée par un partenaire, dwellings ou beneficiaries.")
    ],
) -> None:
    """Imprimer l’annexe d’échange d’une source que l’on dépose, ou d’une livraison confidentielle."""
    from observatory.intake.contracts import delivery_annex, load_delivery_contracts
    from observatory.sources.landing_contracts import annex, get_contract

    deliveries = load_delivery_contracts()
    typer.echo(delivery_annex(deliveries[source]) if source in deliveries else annex(get_contract(source)))


@app.command()
def dev(
    port: Annotated[int, typer.Option(help="Port d’écoute sur 127.0.0.1.")] = 3000,
) -> None:
    """Ouvrir l’interface de Dagster sur 127.0.0.1."""
    from assets.service import start_both

    start_both(port, data_paths())


app.command()(typology_cli.typology)
intake_cli.register(app)
app.command()(audit_cli.audit)
app.command()(conventions_cli.conventions)
portal_cli.register(app)
release_cli.register(app)
service_cli.register(app)
app.add_typer(warehouse_cli.app, name="warehouse")


def main() -> None:
    """Run the command; an error raised on purpose is a French sentence, not a traceback."""
    try:
        app()
    except OSError as error:
        from observatory.disk import FULL, says_full

        if not says_full(error):
            raise
        Console(stderr=True).print(f"Erreur : {FULL}", style="bold red", markup=False, soft_wrap=True)
        sys.exit(1)
    except ObservatoryError as error:
        Console(stderr=True).print(f"Erreur : {error}", style="bold red", markup=False, soft_wrap=True)
        sys.exit(1)
