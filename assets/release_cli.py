"""The commands of releases: ``release`` (freeze, keygen, verify, publish) and ``diff``."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from observatory.paths import data_paths

console = Console()
app = typer.Typer(
    help="Geler l’édition publiée, la signer, la vérifier, lever un embargo.", add_completion=False
)


def register(main: typer.Typer) -> None:
    """Add the commands to the command line."""
    main.add_typer(app, name="release")
    main.command()(diff)


@app.callback(invoke_without_command=True)
def freeze_edition(
    context: typer.Context,
    unsigned: Annotated[
        bool, typer.Option("--unsigned", help="Geler sans signature, quand aucune clé n’est donnée.")
    ] = False,
    modified: Annotated[
        bool,
        typer.Option("--modified", help="Geler même si le code n’est pas celui de son dernier commit."),
    ] = False,
) -> None:
    """Geler l’édition publiée sous data/releases/, avec un manifeste signé."""
    if context.invoked_subcommand is not None:
        return
    from observatory.releases.freezing import freeze
    from observatory.releases.signing import KEY_VARIABLE, SigningError, signer_of_environment
    from observatory.rendering.french import number, plural

    signer = signer_of_environment()
    if signer is None and not unsigned:
        raise SigningError(
            f"Aucune clé ne signe : {KEY_VARIABLE} n’est pas défini. Que faire : donnez-lui le chemin de la "
            "clé (« observatory release keygen DOSSIER » en fait une), ou gelez avec --unsigned."
        )
    frozen = freeze(data_paths(), signer, allow_modified=modified)
    done = "Déjà gelée, à l’identique" if frozen.already else "Gelée"
    console.print(f"{done} : {frozen.folder}", style="bold", soft_wrap=True)
    console.print(
        f"{plural(frozen.files, 'fichier', 'fichiers')}, {number(frozen.size / 1e6)} Mo, lecture seule."
    )
    if frozen.key:
        console.print(f"Signée par la clé {frozen.key}", soft_wrap=True)
    else:
        console.print("NON SIGNÉE : rien ne prouvera qui l’a faite.", style="bold red")
    if frozen.modified:
        console.print(
            "Le code a été modifié depuis son dernier commit : le manifeste le dit.", style="yellow"
        )


@app.command()
def keygen(
    folder: Annotated[Path, typer.Argument(metavar="DOSSIER", help="Où écrire les clés, hors du projet.")],
) -> None:
    """Faire une paire de clés Ed25519 pour signer les éditions."""
    from observatory.releases.signing import KEY_VARIABLE, key_fingerprint, make_keys

    private, public = make_keys(folder)
    console.print(f"Clé privée, pour vous seul : {private}", soft_wrap=True)
    console.print(f"Clé publique, à donner : {public}", soft_wrap=True)
    console.print(f"Empreinte, à publier ailleurs : {key_fingerprint(public.read_bytes())}", soft_wrap=True)
    console.print(f"Pour signer : {KEY_VARIABLE}={private}", soft_wrap=True)


@app.command()
def verify(
    folder: Annotated[Path, typer.Argument(metavar="DOSSIER", help="Dossier de l’édition gelée.")],
    key: Annotated[
        Path | None,
        typer.Option(help="Clé publique attendue, obtenue de l’éditeur ; celle de l’édition sinon."),
    ] = None,
    unsigned: Annotated[bool, typer.Option("--unsigned", help="Accepter une édition non signée.")] = False,
) -> None:
    """Vérifier une édition gelée : signature, empreintes, aucun fichier de trop ni de moins."""
    from observatory.releases.signing import SigningError
    from observatory.releases.verifying import verify as check

    try:
        expected = key.read_bytes() if key else None
    except OSError as error:
        raise SigningError(f"La clé publique « {key} » ne se lit pas.") from error
    found = check(folder, expected, unsigned=unsigned)
    for problem in found.problems:
        console.print(f"- {problem}", style="red", markup=False, soft_wrap=True)
    if found.problems:
        console.print(f"L’édition {found.release} n’est PAS intacte.", style="bold red")
        raise typer.Exit(1)
    signed = f"signée par la clé {found.key}" if found.key else "non signée"
    console.print(
        f"L’édition {found.release} est intacte : {found.files} fichiers, {signed}.", soft_wrap=True
    )
    if found.key and key is None:
        console.print("Cette clé est celle que l’édition apporte : comparez son empreinte, ou donnez --key.")


@app.command()
def publish() -> None:
    """Publier l’édition qui attendait la fin de son embargo, telle qu’elle a été relue."""
    from uuid import uuid4

    from assets.publishing import publish_held
    from observatory.intake.store import locked
    from observatory.sessions import Session

    paths = data_paths()
    with Session(paths, str(uuid4())) as session, locked(paths):
        release = publish_held(session)
    console.print(f"Édition {release} publiée : {paths.site / 'index.html'}", soft_wrap=True)


def diff(
    before: Annotated[
        str, typer.Argument(metavar="A", help="Édition de départ : 2026-1, un dossier, ou courante.")
    ],
    after: Annotated[str, typer.Argument(metavar="B", help="Édition d’arrivée, de même.")],
    output: Annotated[
        Path | None,
        typer.Option(metavar="DOSSIER", help="Où écrire la page et les fichiers ; data/diff/A_B sinon."),
    ] = None,
) -> None:
    """Dire ce qui a changé d’une édition à l’autre, par territoire et indicateur, et pourquoi."""
    from observatory.releases.differences import KINDS, REASONS, differences
    from observatory.releases.editions import find_edition
    from observatory.rendering.differences_page import write_differences
    from observatory.rendering.french import number, plural

    paths = data_paths()
    one, other = (find_edition(named, paths.releases, paths.site) for named in (before, after))
    found = differences(one, other)
    labels = {
        name: label
        for edition in (one, other)
        for name, label in edition.definitions.select("indicator", "label").iter_rows()
    }
    folder = output or paths.root / "diff" / f"{one.name}_{other.name}"
    written = write_differences(found, labels, folder)
    table = Table("Raison", *KINDS.values(), title=f"De l’édition {one.name} à l’édition {other.name}")
    for reason, counts in found.by_reason:
        table.add_row(REASONS[reason], *(number(counts.get(kind, 0)) for kind in KINDS))
    console.print(table)
    if found.unexplained:
        unexplained = plural(found.unexplained, "changement inexpliqué", "changements inexpliqués")
        console.print(f"{unexplained}, à examiner.", style="bold red")
    changed = plural(found.rows.height, "chiffre changé", "chiffres changés")
    console.print(f"{changed} ; {plural(found.compared, 'publié', 'publiés')} par les deux éditions.")
    for path in written:
        console.print(os.fspath(path), soft_wrap=True)
