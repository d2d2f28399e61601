"""The end of a run: the edition is published, or held until the end of its embargo."""

from datetime import UTC, datetime

from assets.perimeter import choice
from assets.settling import real_deliveries
from observatory.disclosure.conventions import conventions_path, read_conventions
from observatory.errors import ObservatoryError
from observatory.paths import DataPaths
from observatory.releases.embargo import pending
from observatory.releases.mark import read_mark
from observatory.rendering.french import paris_time
from observatory.rendering.imprint import CARD, Imprint, read_imprint
from observatory.sessions import HeldEditionError, Session
from observatory.tables import OBSERVATIONS
from observatory.warehouse import published_tables, read_table


class EmbargoError(ObservatoryError):
    """An edition is asked for before its hour."""


class TablesAloneError(ObservatoryError):
    """Tables alone would not stand with what is published, or waits to be."""


def check_tables_alone(paths: DataPaths, now: datetime | None = None) -> None:
    """Check, before anything is computed, that tables may be published without a site.

    Raises:
        TablesAloneError: an edition waits for the end of its embargo, a shared warehouse would show its
            tables before, or the site in place is of another perimeter, so that a page made from the tables
            would mix the two.
    """
    until = read_imprint(paths.reference / CARD).embargo_until
    if paths.under_embargo.exists():
        raise TablesAloneError(
            "Une édition attend la fin de son embargo dans ce dossier de données : publier des tables "
            "obligerait à la refaire. Que faire : attendre « observatory release publish », ou donner "
            "un autre dossier par OBSERVATORY_DATA."
        )
    if pending(until, now) and paths.lake is not None:
        raise TablesAloneError(
            "L’édition est sous embargo et l’entrepôt est partagé : d’autres liraient ses tables avant "
            "l’heure. Que faire : attendre, ou donner un autre entrepôt par OBSERVATORY_WAREHOUSE."
        )
    if not paths.site.exists() or OBSERVATIONS.qualified_name not in published_tables(paths):
        return
    observations = read_table(paths, OBSERVATIONS.qualified_name)
    perimeter, vintage = observations.select("perimeter", "perimeter_vintage").row(0)
    name, year = choice()
    if name != perimeter or year not in (None, vintage):
        raise TablesAloneError(
            "Ce dossier de données a le site d’un autre périmètre : ses tables seraient remplacées sans "
            "lui. Que faire : donner un autre dossier par OBSERVATORY_DATA."
        )


def publish(session: Session, now: datetime | None = None) -> datetime | None:
    """Publish what a session staged, or hold it where it has a site or partners' editions before their hour.

    Tables alone are published: they do not leave the machine.

    Returns:
        The end of the embargo where it was held, None where it was published.
    """
    imprint = read_imprint(session.paths.reference / CARD)
    until = imprint.embargo_until
    if pending(until, now) and (session.site.exists() or session.partners.exists()):
        session.hold()
        return until
    session.commit(imprint.release)
    return None


def publish_held(session: Session, now: datetime | None = None) -> str:
    """Publish the edition that was held, and return its release.

    Raises:
        EmbargoError: its embargo is not over.
        HeldEditionError: nothing is held, it is not the edition of the card, what is published has changed
            since, or an agreement with a partner is over.
    """
    imprint = read_imprint(session.paths.reference / CARD)
    if imprint.embargo_until is not None and pending(imprint.embargo_until, now):
        raise EmbargoError(told(imprint))
    held = session.paths.under_embargo
    if held.exists():
        mark = read_mark(held / "site")
        if (mark.release, mark.published_on) != (imprint.release, imprint.published_on):
            raise HeldEditionError(
                f"L’édition qui attend est {mark.release}, et {CARD} annonce {imprint.release}. Que faire : "
                "observatory run."
            )
        _check_agreements(session.paths, (now or datetime.now(UTC)))
    session.release_held(imprint.release)
    return imprint.release


def told(imprint: Imprint) -> str:
    """Say in French until when an edition is under embargo."""
    if imprint.embargo_until is None:
        return f"L’édition {imprint.release} n’a pas d’embargo."
    return (
        f"L’édition {imprint.release} est sous embargo jusqu’au {paris_time(imprint.embargo_until)} : rien "
        "n’en est publié, l’édition précédente reste en place."
    )


def _check_agreements(paths: DataPaths, now: datetime) -> None:
    """Check that the partners whose editions wait still have an agreement in force."""
    editions = paths.under_embargo / "partners"
    waiting = {folder.name for folder in editions.iterdir()} if editions.is_dir() else set()
    path = conventions_path(paths, all_fictive=not real_deliveries(paths)) if waiting else None
    today = now.date()
    agreements = read_conventions(path).agreements if path else ()
    covered = {one.partner for one in agreements if one.first_day <= today <= one.last_day}
    if over := sorted(waiting - covered):
        raise HeldEditionError(
            f"La convention de « {over[0]} » n’est plus en vigueur, et son édition attend avec les autres. "
            "Que faire : observatory run, qui la refait sans elle."
        )
