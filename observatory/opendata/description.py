"""What describes an edition to machines, once its files are written.

Belongs here: which descriptions there are, and how they are offered.
Does not: their forms (``dcat``, ``inspire``, ``ogc``, ``package``).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from observatory.opendata import dcat, inspire, ogc, package
from observatory.opendata.datasets import Dataset, datasets
from observatory.opendata.offers import Offer, OfferedFile, offered
from observatory.opendata.publishing import APART, FICTIVE_WARNING, OpenData

_MARK = " — données fictives"
_LICENCES = ("celles des sources que chaque fichier cite",)


def describe(data: OpenData, offers: Iterable[Offer], folder: Path) -> list[Offer]:
    """Write the descriptions of an edition beside its files; equal files give equal descriptions.

    Args:
        data: what the edition is made from.
        offers: all that it offers, files written in ``folder``.
        folder: that of the open data.

    Returns:
        What they offer in turn: catalogue, records, layers as features, data package.
    """
    offers = list(offers)
    found = datasets(data, offers)
    described = [
        _catalogue(data, offers, folder, len(found)),
        *_records(data, found, folder),
        *_features(data, found, folder),
    ]
    (folder / package.NAME).write_text(
        package.package_text(data, [*offers, *described]), encoding="utf-8", newline="\n"
    )
    return [*described, _package(folder, sum(one.export is not None for one in offers))]


def _catalogue(data: OpenData, offers: list[Offer], folder: Path, count: int) -> Offer:
    (folder / dcat.NAME).write_text(dcat.catalogue_text(data, offers), encoding="utf-8", newline="\n")
    return Offer(
        name="catalogue",
        group="geoportal",
        title="Catalogue",
        description="DCAT-AP 3.0 en JSON-LD, à moissonner : chaque jeu de données, ses formats, licences, "
        "emprise, sources et empreintes.",
        files=(offered(folder, dcat.NAME, "JSON-LD"),),
        rows=count,
        unit=("jeu de données", "jeux de données"),
        licences=_LICENCES,
    )


def _records(data: OpenData, found: list[Dataset], folder: Path) -> Iterator[Offer]:
    (folder / inspire.FOLDER).mkdir()
    files: dict[bool, list[OfferedFile]] = {False: [], True: []}
    for one, text in inspire.records(data, found):
        name = f"{inspire.FOLDER}/{one.offer.name}.xml"
        (folder / name).write_text(text, encoding="utf-8", newline="\n")
        files[one.offer.fictive].append(offered(folder, name, "XML", one.offer.title.replace(_MARK, "")))
    for fictive, written in files.items():
        if written:
            yield Offer(
                name="metadonnees" + (APART if fictive else ""),
                group="geoportal",
                title="Fiches de métadonnées" + (_MARK if fictive else ""),
                description="ISO 19139, avec ce que demande INSPIRE, une par jeu de données, pour "
                "GeoNetwork. Leur identifiant ne change pas d’une édition à l’autre."
                + (" Elles décrivent des données fictives, et le disent." if fictive else ""),
                files=tuple(written),
                rows=len(written),
                unit=("fiche", "fiches"),
                licences=_LICENCES,
                fictive=fictive,
            )


def _features(data: OpenData, found: list[Dataset], folder: Path) -> Iterator[Offer]:
    layers = [one for one in found if one.offer.layer]
    names = ogc.write_features(folder, data, layers)
    invented = {name for one in layers if one.offer.fictive for name in ogc.collection_paths(one)}
    for fictive in (False, True):
        written = {name: told for name, told in names.items() if (name in invented) == fictive}
        if written:
            yield Offer(
                name="entites" + (APART if fictive else ""),
                group="geoportal",
                title="Couches disposées comme une API OGC Features" + (_MARK if fictive else ""),
                description="Des fichiers en GeoJSON, WGS 84, une collection par couche, depuis n’importe "
                "quel serveur de fichiers. Chaque réponse est la collection entière : ni emprise, ni filtre, "
                "ni pagination." + (f" {FICTIVE_WARNING}" if fictive else ""),
                files=tuple(
                    offered(folder, name, "JSON", told.replace(_MARK, "")) for name, told in written.items()
                ),
                rows=sum(one.offer.fictive == fictive for one in layers),
                unit=("collection", "collections"),
                licences=_LICENCES,
                fictive=fictive,
            )


def _package(folder: Path, tables: int) -> Offer:
    return Offer(
        name="paquet",
        group="developers",
        title="Description des fichiers",
        description="Data Package 2.0 (Frictionless) : chaque table, ses colonnes, leurs types, ses clés ; "
        "chaque fichier, sa taille, son empreinte, ses sources et licences.",
        files=(offered(folder, package.NAME, "JSON"),),
        rows=tables,
        unit=("table", "tables"),
        licences=_LICENCES,
    )
