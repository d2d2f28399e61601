"""The legal notice, the contact, and the page of addresses that lead nowhere.

Belongs here: gathering the content of those pages.
Does not: HTML (templates).
"""

from dataclasses import dataclass

from observatory.rendering.edition import Edition
from observatory.rendering.page import Page


@dataclass(frozen=True)
class LicensedSource:
    """A source under one licence: producer, title, vintages."""

    title: str
    producer: str
    licence: str
    vintages: tuple[str, ...]
    fictive: bool


def legal_page(edition: Edition) -> Page:
    """Return the legal notice."""
    found: dict[tuple[str, str, str, bool], set[str]] = {}
    for row in edition.files:
        key = (row["title"], row["producer"], row["licence"], row["fictive"])
        found.setdefault(key, set()).add(row["vintage"])
    sources = [
        LicensedSource(title, producer, licence, tuple(sorted(vintages)), fictive)
        for (title, producer, licence, fictive), vintages in found.items()
    ]
    return Page(
        "mentions-legales/index.html",
        "mentions.html.j2",
        "",
        "Mentions légales",
        "Éditeur, licence de chaque source, réutilisation des données, données personnelles, "
        "accessibilité et "
        "logiciels de l’observatoire.",
        False,
        {"sources": sorted(sources, key=lambda one: (one.fictive, one.producer, one.title, one.licence))},
    )


def contact_page() -> Page:
    """Return the page that says whom to ask, and how to report an error."""
    return Page(
        "contact/index.html",
        "contact.html.j2",
        "",
        "Contact",
        "À qui poser une question sur l’observatoire, et comment signaler une erreur.",
        False,
        {},
    )


def missing_page(edition: Edition) -> Page:
    """Return the page of addresses that lead nowhere.

    A server shows it in place of any address: its links start from the address of the site or, where that is
    not known, hold from the root alone.
    """
    return Page(
        "404.html",
        "404.html.j2",
        "",
        "Page introuvable",
        "Cette adresse ne mène à aucune page de l’observatoire.",
        False,
        {},
        edition.imprint.address or "",
    )
