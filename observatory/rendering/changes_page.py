"""The page of what changed: the log of the releases, the figures revised since the one before.

Belongs here: gathering the content of that page.
Does not: the log (``changelog``), comparing releases (``opendata.revisions``), HTML (template).
"""

from observatory.rendering.edition import Edition
from observatory.rendering.page import Page


def changes_page(edition: Edition) -> Page:
    """Return the page of what changed."""
    revisions = edition.revisions
    return Page(
        "nouveautes/index.html",
        "nouveautes.html.j2",
        "donnees",
        "Ce qui a changé",
        "Journal des éditions de l’observatoire : données ajoutées, corrections, méthodes, chiffres révisés, "
        "prochaine mise à jour.",
        False,
        {
            "releases": edition.changes,
            "revisions": revisions,
            "labels": {one.indicator: one for one in edition.book.indicators},
            "announced": any(one.release == edition.imprint.release for one in edition.changes),
        },
    )
