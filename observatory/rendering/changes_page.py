"""The page of what changed: the log of the releases, the figures changed since the one before, and why.

Belongs here: gathering the content of that page.
Does not: the log (``changelog``), comparing releases (``releases.differences``), HTML (template).
"""

from observatory.errors import InputError
from observatory.opendata.changes import CHANGES_FILE, CORRECTIONS_FILE, FICTIVE_CHANGES_FILE
from observatory.releases.differences import KINDS, REASONS
from observatory.rendering.changelog import CHANGES, Correction
from observatory.rendering.citing import citation
from observatory.rendering.edition import Edition
from observatory.rendering.page import Page
from observatory.rendering.places import Place


def changes_page(edition: Edition) -> Page:
    """Return the page of what changed.

    Raises:
        InputError: a correction names an indicator or a territory that nobody knows.
    """
    found = edition.differences
    fictive = found is not None and found.rows["fictive"].any()
    return Page(
        "nouveautes/index.html",
        "nouveautes.html.j2",
        "donnees",
        "Ce qui a changé",
        "Journal des éditions de l’observatoire : données ajoutées, corrections, méthodes, chiffres révisés "
        "et pourquoi, prochaine mise à jour.",
        False,
        {
            "releases": edition.changes,
            "differences": found,
            "files": [CHANGES_FILE, *([FICTIVE_CHANGES_FILE] if fictive else [])],
            "corrections_file": CORRECTIONS_FILE,
            "kinds": KINDS,
            "reasons": REASONS,
            "labels": {one.indicator: one for one in edition.book.indicators},
            "touched": {
                correction: _touched(edition, correction)
                for notes in edition.changes
                for correction in notes.corrections
            },
            "citation": citation(edition.imprint),
            "announced": any(one.release == edition.imprint.release for one in edition.changes),
        },
    )


def _touched(edition: Edition, correction: Correction) -> list[Place]:
    """Return the territories that a correction touches, those of the edition having a page or not."""
    removed = edition.differences.removed if edition.differences else ()
    known = {one.indicator for one in edition.book.indicators} | set(removed)
    for name in correction.indicators:
        if name not in known:
            day = f"{correction.corrected_on:%d/%m/%Y}"
            raise InputError(
                CHANGES,
                f"la correction du {day} nomme un indicateur inconnu, « {name} ».",
                "donnez l’identifiant de definitions.csv.",
            )
    return [edition.gazetteer.place(*named.split(":", 1)) for named in correction.territories]
