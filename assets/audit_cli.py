"""The options of ``observatory audit``."""

from pathlib import Path
from typing import Annotated

import typer

COUNTS = "confidential.measures"

SiteArgument = Annotated[
    Path | None, typer.Argument(metavar="SITE", help="Dossier d’un site publié ; celui de l’édition sinon.")
]
PreviousOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--previous",
        metavar="DOSSIER",
        help="Site d’une édition antérieure, de tout périmètre, que l’attaquant détient aussi. À répéter.",
    ),
]


def audit(site: SiteArgument = None, previous: PreviousOption = None) -> None:
    """Attaquer un site publié : rien de caché ne doit pouvoir être retrouvé."""
    from observatory.disclosure.audit import audit_release
    from observatory.disclosure.release import read_release, read_releases
    from observatory.disclosure.report import audit_report
    from observatory.indicators.catalogue import load_indicators
    from observatory.paths import data_paths
    from observatory.warehouse import published_tables, read_table

    paths = data_paths()
    truth = read_table(paths, COUNTS) if COUNTS in published_tables(paths) else None
    earlier = [*map(read_release, previous or []), *read_releases(paths.releases)]
    outcome = audit_release(read_release(site or paths.site), earlier, load_indicators(), truth)
    typer.echo(audit_report(outcome))
    if outcome.leaks:
        raise typer.Exit(1)
