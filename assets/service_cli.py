"""The commands of what runs for years: ``service``, ``alert``, ``backup``, ``restore``."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from observatory.paths import data_paths

console = Console()
service = typer.Typer(no_args_is_help=True, help="Le service : interface et automatisations de Dagster.")

PortOption = Annotated[int, typer.Option(help="Port d’écoute sur 127.0.0.1.")]
UnitsOption = Annotated[
    Path | None,
    typer.Option("--to", metavar="DOSSIER", help="Où écrire les unités ; dans data/service sinon."),
]
UserOption = Annotated[
    bool, typer.Option("--user", help="Pour le gestionnaire de l’utilisateur, au lieu du système.")
]
ToOption = Annotated[
    Path | None,
    typer.Option(
        "--to", metavar="DOSSIER", help="Où écrire l’archive ; dans data/backups sinon, sur le même disque."
    ),
]
ArchiveArgument = Annotated[Path, typer.Argument(metavar="ARCHIVE", help="Archive d’« observatory backup ».")]
ReplaceOption = Annotated[
    bool, typer.Option("--replace", help="Prendre la place des données présentes, gardées à côté.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.add_typer(service, name="service")
    for command in (alert, backup, restore):
        app.command()(command)


@service.command()
def units(to: UnitsOption = None, user: UserOption = False, port: PortOption = 3000) -> None:
    """Écrire les unités systemd de cette installation, et le fichier de leur environnement."""
    from assets.service import installation, write_units
    from observatory.sources.obtaining import MODE_VARIABLE

    sources = os.environ.get(MODE_VARIABLE, "embedded")
    paths = data_paths()
    folder = to or paths.root / "service"
    one = installation(paths, folder, user=user, port=port, sources=sources)
    for path in write_units(one, folder):
        console.print(f"écrit : {path}", soft_wrap=True, markup=False)


@service.command()
def ui(port: PortOption = 3000) -> None:
    """Lancer l’interface seule, sur 127.0.0.1."""
    from assets.service import start

    start("ui", port, data_paths())


@service.command()
def daemon() -> None:
    """Lancer ce qui déclenche les traitements : calendriers, capteurs, file d’attente."""
    from assets.service import start

    start("daemon", 0, data_paths())


@service.command()
def worker() -> None:
    """Prendre une à une des étapes de traitements au courtier que nomme OBSERVATORY_EXECUTOR."""
    from assets.service import start_worker

    start_worker(data_paths())


def alert() -> None:
    """Envoyer une alerte d’essai par ce que règle data/confidential/alertes.yaml."""
    from observatory.alerts import SETTINGS, Alert, deliver, read_settings

    paths = data_paths()
    settings = read_settings(paths)
    if settings is None:
        console.print(
            f"Les alertes sont éteintes : « {paths.confidential / SETTINGS} » n’existe pas.",
            soft_wrap=True,
            markup=False,
        )
        return
    tried = Alert("information", "Alerte d’essai.", "observatory alert", "rien.")
    sent = deliver(tried, settings, os.environ)
    console.print(f"Partie par : {', '.join(sent) or 'rien, aucun moyen n’est réglé'}.")


def backup(to: ToOption = None) -> None:
    """Sauvegarder tout ce qui ne peut être refait, en une archive, pour son propriétaire seul."""
    from observatory.backup import back_up
    from observatory.rendering.french import plural

    paths = data_paths()
    made = back_up(paths, to or paths.root / "backups", datetime.now(UTC))
    console.print(f"écrit : {made.archive}", soft_wrap=True, markup=False)
    size = f"{made.archive.stat().st_size:,}".replace(",", "\u202f")
    console.print(f"{plural(len(made.manifest.files), 'fichier', 'fichiers')}, {size} octets.")
    if any(name.startswith(("confidential/", "warehouse/individual")) for name in made.manifest.files):
        console.print(
            "Elle contient des données individuelles, en clair : gardez-la en lieu sûr, chiffrez-la avant de "
            "la déplacer, et détruisez-la quand une livraison qu’elle contient est à purger.",
            style="yellow",
        )
    if os.environ.get("OBSERVATORY_DAGSTER_STORAGE"):
        console.print("L’historique de Dagster est dans PostgreSQL : sauvegardez-le par pg_dump.")


def restore(archive: ArchiveArgument, replace: ReplaceOption = False) -> None:
    """Remettre une sauvegarde en place, après l’avoir vérifiée ; le service étant arrêté."""
    from observatory.rendering.french import plural
    from observatory.restoring import restore

    paths = data_paths()
    told = restore(archive, paths, replace=replace)
    manifest = told.manifest
    console.print(
        f"Sauvegarde du {manifest.made_at:%d/%m/%Y à %H h %M} (UTC), version {manifest.code}, remise dans "
        f"« {paths.root} » : {plural(len(manifest.files), 'fichier vérifié', 'fichiers vérifiés')}.",
        soft_wrap=True,
        markup=False,
    )
    if told.former is not None:
        console.print(f"Ce qui était en place : {told.former}", soft_wrap=True, markup=False)
    if told.reference is not None:
        console.print(
            f"Les tables tenues à la main de la sauvegarde diffèrent de celles du code, laissées telles "
            f"quelles : {told.reference}",
            soft_wrap=True,
            markup=False,
        )
