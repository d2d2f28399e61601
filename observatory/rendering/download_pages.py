"""The page of the downloads: what is offered, in which formats, under which licence.

Belongs here: groups and order of the offers, the examples of use.
Does not: writing the files (``opendata``), HTML (template).
"""

from dataclasses import dataclass
from pathlib import Path

from observatory.opendata.archives import CHECKSUMS
from observatory.opendata.offers import Offer, offered
from observatory.rendering.edition import Edition
from observatory.rendering.landmark_files import LandmarkFile
from observatory.rendering.page import Page

_GROUPS = {
    "figures": ("chiffres", "Chiffres", "Les observations, une ligne par chiffre, et les derniers chiffres."),
    "maps": ("cartes", "Territoires et cartes", "Les contours, avec les derniers chiffres publiés."),
    "sheets": ("fiches", "Fiches", "Toutes les fiches en un seul fichier."),
    "dashboard": ("tableau-de-bord", "Tableau de bord", "Ce qui change dans les cités et ce qui les menace."),
    "typology": ("typologie", "Typologie des communes", "Les classes et ce qui les fonde."),
    "reference": ("references", "Définitions et sources", "Ce qu’il faut pour lire les chiffres."),
    "geoportal": (
        "geo2france",
        "Pour Géo2France (GeoServer, GeoNetwork)",
        "Ce qu’il faut pour cataloguer les jeux de données et publier les couches.",
    ),
    "developers": ("developpeurs", "Pour les développeurs", "L’édition entière et sa description."),
}


@dataclass(frozen=True)
class OfferGroup:
    """Offers of one kind: anchor, title, sentence, real ones, then fictive ones."""

    anchor: str
    title: str
    lead: str
    real: tuple[Offer, ...]
    fictive: tuple[Offer, ...]


def download_page(edition: Edition, offers: list[Offer]) -> Page:
    """Return the page of the downloads.

    Args:
        edition: the edition.
        offers: everything offered, files written.
    """
    groups = [
        OfferGroup(
            *texts,
            tuple(offer for offer in offers if offer.group == key and not offer.fictive),
            tuple(offer for offer in offers if offer.group == key and offer.fictive),
        )
        for key, texts in _GROUPS.items()
    ]
    real = [offer for offer in offers if not offer.fictive]
    return Page(
        "donnees/index.html",
        "donnees.html.j2",
        "donnees",
        "Données",
        "Télécharger les chiffres, contours, définitions et sources de l’observatoire : CSV, Parquet, XLSX, "
        "JSON, GeoJSON, GeoParquet, GeoPackage, avec licences et empreintes.",
        False,
        {
            "groups": [group for group in groups if group.real or group.fictive],
            "fictive_data": any(offer.fictive for offer in offers),
            "checksums": CHECKSUMS,
            "example": _example(offers),
            "folder_address": f"{edition.imprint.address or ''}donnees/",
            "geopackage": next(
                (file.name for one in real for file in one.files if file.format == "GeoPackage"), None
            ),
            "layers": [one.name.replace("-", "_") for one in real if one.layer],
            "styles": any(one.name == "styles" for one in real),
            "permanent": [
                file.name for offer in offers for file in offer.files if edition.imprint.release in file.name
            ],
        },
    )


def sheet_offer(archive: tuple[Path, int] | None) -> list[Offer]:
    """Return the offer of the archive of the sheets, given with their number; none where there is none."""
    if archive is None:
        return []
    path, count = archive
    return [
        Offer(
            name="fiches",
            group="sheets",
            title="Toutes les fiches",
            description="Une fiche HTML par territoire, qui s’ouvre sans connexion et s’imprime, un dossier "
            "par niveau ; un LISEZMOI et les empreintes.",
            files=(offered(path.parent, path.name, "ZIP"),),
            rows=count,
            unit=("fiche", "fiches"),
            licences=("celles des sources que chaque fiche cite",),
        )
    ]


def landmark_offers(files: list[LandmarkFile], folder: Path) -> list[Offer]:
    """Write the files of the landmarks in a folder and return their offers."""
    offers = []
    for file in files:
        (folder / file.name).write_bytes(file.content)
        suffix = Path(file.name).suffix.removeprefix(".")
        offers.append(
            Offer(
                name=f"reperes-{suffix}{'-donnees-fictives' if file.fictive else ''}",
                group="figures",
                title=file.title,
                description=file.description,
                files=(offered(folder, file.name, suffix.upper()),),
                rows=file.rows,
                unit=("ligne", "lignes"),
                licences=file.licences,
                columns=file.columns,
                fictive=file.fictive,
                file_ids=file.file_ids,
                years=file.years,
            )
        )
    return offers


def _example(offers: list[Offer]) -> tuple[str, str] | None:
    """Return the name of the GeoParquet file of communes and one of its figures, for an example of query."""
    for offer in offers:
        for file in offer.files:
            if file.name.startswith("communes-") and file.format == "GeoParquet" and not offer.fictive:
                figures = [name for name in offer.columns if name[-4:].isdigit()]
                return (file.name, figures[0]) if figures else None
    return None
