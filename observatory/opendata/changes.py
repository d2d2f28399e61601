"""What changed since the release before, and what was corrected, as tables to publish.

Belongs here: their columns in French and their rows.
Does not: finding changes (``releases.differences``), the log of corrections (``rendering.changelog``), pages.
"""

from datetime import date

import polars as pl

from observatory.opendata.exports import FICTIVE_NATURE, Export
from observatory.releases.differences import KINDS, REASONS, Differences

CHANGES_FILE, FICTIVE_CHANGES_FILE = "changements.csv", "changements-donnees-fictives.csv"
CORRECTIONS_FILE = "corrections.csv"
CORRECTIONS = {
    "release": pl.String(),
    "corrected_on": pl.Date(),
    "what": pl.String(),
    "reason": pl.String(),
    "indicators": pl.List(pl.String),
    "territories": pl.List(pl.String),
}
Correction = tuple[str, date, str, str, tuple[str, ...], tuple[str, ...]]


def _words(vocabulary: dict[str, str]) -> str:
    return ", ".join(f"{key} ({word})" for key, word in vocabulary.items())


_CHANGE_NOTES = {
    "territory_level": "niveau : iris, cite, commune, epci, basin, department, region, country",
    "territory_code": "code du territoire : Insee, SIREN, ou identifiant de la cité",
    "territory": "nom du territoire",
    "indicator": "identifiant de l’indicateur",
    "vintage": "année que le chiffre décrit",
    "change": f"ce qui change : {_words(KINDS)}",
    "status_before": "statut dans l’édition antérieure ; vide si elle n’a pas le chiffre",
    "status_after": "statut dans la nouvelle ; vide si elle n’a pas le chiffre",
    "value_before": "valeur dans l’édition antérieure ; vide si la nouvelle ne publie pas le chiffre",
    "value_after": "valeur dans la nouvelle édition",
    "unit": "unité",
    "reasons": f"raisons déduites des deux éditions : {_words(REASONS)}",
}
_CORRECTION_NOTES = {
    "release": "édition qui corrige",
    "corrected_on": "jour de la correction",
    "what": "ce qui était faux",
    "reason": "pourquoi",
    "indicators": "indicateurs touchés, définis dans definitions.csv ; vide s’il n’y en a pas",
    "territories": "territoires touchés, sous la forme niveau:code ; vide s’il n’y en a pas",
}


def changes_exports(found: Differences) -> list[Export]:
    """Return every figure that differs between two editions, with its reasons, fictive figures apart."""
    return [
        _changes(found, fictive) for fictive in (False, True) if not fictive or found.rows["fictive"].any()
    ]


def _changes(found: Differences, fictive: bool) -> Export:
    rows = found.rows.filter(pl.col("fictive") == fictive).drop("fictive")
    return Export(
        FICTIVE_CHANGES_FILE if fictive else CHANGES_FILE,
        f"Ce qui a changé depuis l’édition {found.before}" + (" — données fictives" if fictive else ""),
        "Une ligne par chiffre ajouté, retiré, révisé ou de statut changé, avec les raisons. La valeur "
        "antérieure d’un chiffre qui n’est plus publié n’est pas rappelée.",
        ({"nature": f"« {FICTIVE_NATURE} » sur chaque ligne"} if fictive else {}) | _CHANGE_NOTES,
        rows.select(pl.lit(FICTIVE_NATURE).alias("nature"), pl.all()) if fictive else rows,
        fictive=fictive,
    )


def corrections_export(rows: list[Correction]) -> Export:
    """Return the log of the corrections, latest release first; it may be empty."""
    return Export(
        CORRECTIONS_FILE,
        "Corrections",
        "Les erreurs des éditions antérieures, le jour où elles ont été corrigées, et pourquoi.",
        _CORRECTION_NOTES,
        pl.DataFrame(rows, schema=CORRECTIONS, orient="row"),
    )
