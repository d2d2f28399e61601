"""The commands of the confidential deliveries: ``intake``, ``deliveries``, ``purge``.

What they print holds counts, rules and places of reports, never a delivered value.
"""

import os
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from observatory.paths import data_paths

console = Console()

FileArgument = Annotated[Path, typer.Argument(metavar="FICHIER", help="Livraison, CSV ou XLSX.")]
ProducerOption = Annotated[str, typer.Option(help="maisons-et-cites, sia-habitat ou angdm.")]
VintageOption = Annotated[int, typer.Option(help="Année que décrit la livraison.", min=1990, max=2100)]
CorrectionsOption = Annotated[
    bool, typer.Option("--corrections", help="Le fichier ne porte que des lignes corrigées.")
]
SomeProducerOption = Annotated[str | None, typer.Option("--producer", help="Ce producteur seulement.")]
SomeVintageOption = Annotated[int | None, typer.Option("--vintage", help="Cette année seulement.")]
BeforeOption = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="Livraisons prises avant ce jour (AAAA-MM-JJ) seulement."),
]
YesOption = Annotated[bool, typer.Option("--yes", help="Supprimer, au lieu de montrer ce qui le serait.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (intake, deliveries, purge):
        app.command()(command)


def intake(
    file: FileArgument,
    producer: ProducerOption,
    vintage: VintageOption,
    corrections: CorrectionsOption = False,
) -> None:
    """Faire entrer une livraison confidentielle, ou des lignes qui en corrigent une."""
    from observatory.intake.rules import RULES
    from observatory.intake.taking import Request, known_places, take
    from observatory.sources.catalogue import get_source

    paths = data_paths()
    outcome = take(
        Request(file, producer, vintage, corrections),
        known_places(paths),
        paths,
        datetime.now(UTC),
        os.environ,
    )
    waiting = sum(outcome.rules.values())
    table = Table(title=f"Livraison de {producer}, {vintage}", show_header=False)
    table.add_row("Livraison fictive" if outcome.fictive else "Livraison réelle", _state(outcome.taken))
    table.add_row("Lignes livrées", _count(outcome.delivered))
    table.add_row("Lignes acceptées", _count(outcome.accepted))
    table.add_row("Lignes en quarantaine", _count(waiting))
    for rule, count in outcome.rules.items():
        table.add_row(f"  {RULES[rule]}", _count(count))
    if outcome.labels:
        table.add_row("Noms de cités à confirmer", _count(outcome.labels))
    if outcome.idle:
        table.add_row("Corrections sans objet", _count(outcome.idle))
    console.print(table)
    if outcome.repeated:
        console.print("Ce fichier était déjà pris : rien n’a changé.")
    if str(vintage) not in get_source(producer.replace("-", "_")).vintages:
        console.print(
            "Le catalogue des sources n’a pas ce millésime : la livraison est gardée, mais n’entre pas "
            "dans les calculs.",
            style="yellow",
        )
    for refusal in outcome.refusals:
        console.print(refusal, style="red", markup=False)
    console.print("Rapport confidentiel, à rendre au producteur par un moyen sûr :", style="bold")
    console.print(str(outcome.report), soft_wrap=True, markup=False)
    if not outcome.taken:
        raise typer.Exit(1)


def deliveries() -> None:
    """Montrer les livraisons confidentielles gardées et le jour où elles sont à purger."""
    from observatory.intake.purging import held

    found = held(data_paths())
    if not found:
        console.print("Aucune livraison confidentielle n’est gardée.")
        return
    table = Table("Producteur", "Millésime", "Nature", "Lignes", "Prise le", "À purger le")
    today = datetime.now(UTC).date()
    for one in found:
        nature = {True: "fictive", False: "réelle", None: "rapport de refus"}[one.fictive]
        late = one.expires is not None and one.expires <= today
        table.add_row(
            one.producer,
            str(one.vintage),
            nature,
            _count(one.rows) if one.taken else "",
            _day(one.since),
            f"{_day(one.expires)}{' (échue)' if late else ''}",
            style="red" if late else None,
        )
    console.print(table)


def purge(
    producer: SomeProducerOption = None,
    vintage: SomeVintageOption = None,
    before: BeforeOption = None,
    yes: YesOption = False,
) -> None:
    """Supprimer des livraisons confidentielles, leurs quarantaines et leurs rapports."""
    from observatory.intake.purging import held, purge
    from observatory.intake.store import account

    if producer is None and vintage is None and before is None:
        raise typer.BadParameter("Dire quoi purger : --producer, --vintage ou --before.")
    paths = data_paths()
    chosen = held(paths, producer, vintage, before.date() if before else None)
    for one in chosen:
        what = f"{_count(one.rows)} lignes" if one.taken else "rapport de refus"
        console.print(f"{one.producer} {one.vintage} : {what}", highlight=False)
    if not chosen:
        console.print("Rien à purger.")
    elif not yes:
        console.print("Rien n’est supprimé. Relancer avec --yes pour supprimer.")
    else:
        copied = purge(paths, chosen, datetime.now(UTC), account())
        console.print("Supprimé, et noté au journal.")
        if copied:
            console.print(
                "La base des lignes individuelles et les éditions de partenaires sont supprimées aussi ; "
                "« observatory run » les refait de ce qui reste."
            )


def _state(taken: bool) -> str:
    return "prise" if taken else "NON PRISE"


def _count(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


def _day(day: date | None) -> str:
    return "" if day is None else f"{day:%d/%m/%Y}"
