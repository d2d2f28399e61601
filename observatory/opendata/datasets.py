"""What catalogues say of a set of data, whatever the catalogue.

Belongs here: identifiers, keywords, themes, extents, sources in words. Does not: the form of a catalogue
(``dcat``, ``inspire``).

An identifier depends on the perimeter and on the name of the data alone: it is that of the same data in every
edition, wherever they are served.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import polars as pl
import shapely

from observatory.opendata.exports import FICTIVE_NATURE
from observatory.opendata.licences import Licence, licence
from observatory.opendata.offers import Offer, OfferedFile
from observatory.opendata.publishing import COUCHES, OpenData

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:observatoire-bassin-minier")
_DESCRIBED = ("figures", "maps", "typology", "dashboard", "reference")
_KEYWORDS = {
    "figures": ("démographie", "logement"),
    "maps": ("démographie", "logement"),
    "typology": ("démographie", "logement"),
    "dashboard": ("logement", "patrimoine culturel"),
    "reference": ("démographie",),
}
_EUROPEAN_THEMES = {
    "figures": ("SOCI", "REGI"),
    "maps": ("REGI", "SOCI"),
    "typology": ("SOCI", "REGI"),
    "dashboard": ("REGI", "SOCI"),
    "reference": ("REGI",),
}


@dataclass(frozen=True)
class Dataset:
    """One set of data: what is offered of it, and what catalogues ask besides.

    Attributes:
        offer: what is offered.
        identifier: the same in every edition.
        files: its formats; those of a layer include the file of all layers.
        keywords: French words.
        themes: codes of the European table « Data theme ».
        bounds: west, south, east, north, in degrees; of its layer, or of the perimeter.
        lineage: what it is made from, in French.
        licence: the one that all its sources have; none where they differ or where only words tell them.
        files_used: its sources, frame of ``core.files``.
    """

    offer: Offer
    identifier: UUID
    files: tuple[OfferedFile, ...]
    keywords: tuple[str, ...]
    themes: tuple[str, ...]
    bounds: tuple[float, float, float, float]
    lineage: str
    licence: Licence | None
    files_used: pl.DataFrame

    @property
    def urn(self) -> str:
        """Its identifier as an IRI."""
        return self.identifier.urn


def catalogue_identifier(data: OpenData) -> UUID:
    """Return the identifier of the catalogue of the editions of a perimeter."""
    return _identifier(data, "catalogue")


def datasets(data: OpenData, offers: Iterable[Offer]) -> list[Dataset]:
    """Return the sets of data among what is offered: neither sheets, nor archives, nor descriptions.

    Args:
        data: what the edition is made from.
        offers: all that it offers, files written.
    """
    offers = list(offers)
    shared = {one.fictive: one.files for one in offers if one.name.startswith(COUCHES)}
    kept = [one for one in offers if one.group in _DESCRIBED and not one.name.startswith(COUCHES)]
    drawn = [shapely.box(*one.layer.bounds) for one in kept if one.layer]
    # Without a single contour, what is left is the extent of the seven EPCI on the ground.
    whole = _bounds(shapely.total_bounds(drawn)) if drawn else _BASIN
    return [_dataset(data, one, shared.get(one.fictive, ()), whole) for one in kept]


_BASIN = (2.2, 50.2, 3.7, 50.7)


def extent(found: Iterable[Dataset]) -> tuple[float, float, float, float]:
    """Return the bounds that hold those of every set of data, one at least."""
    return _bounds(shapely.total_bounds([shapely.box(*one.bounds) for one in found]))


def _dataset(
    data: OpenData,
    offer: Offer,
    shared: tuple[OfferedFile, ...],
    whole: tuple[float, float, float, float],
) -> Dataset:
    used = data.files.filter(pl.col("file_id").is_in(offer.file_ids)).sort("title", "vintage", "file_id")
    licences = {licence(text) for text in used["licence"]}
    return Dataset(
        offer=offer,
        identifier=_identifier(data, offer.name),
        files=(*offer.files, *shared) if offer.layer else offer.files,
        keywords=("Bassin minier", *_KEYWORDS[offer.group], *([FICTIVE_NATURE] if offer.fictive else [])),
        themes=_EUROPEAN_THEMES[offer.group],
        bounds=_bounds(offer.layer.bounds) if offer.layer else whole,
        lineage=" ".join(_lineage(offer, used)),
        licence=licences.pop() if len(licences) == 1 else None,
        files_used=used,
    )


def _lineage(offer: Offer, used: pl.DataFrame) -> Iterator[str]:
    if offer.fictive:
        yield "DONNÉES FICTIVES : des fichiers générés y entrent, et ces chiffres ne décrivent rien de réel."
    if used.is_empty():
        yield "Table de référence de l’observatoire ; les sources de chaque ligne sont dans sources.csv."
        return
    yield "Produit par la chaîne de l’observatoire à partir de :"
    named = used.group_by("producer", "title", maintain_order=True).agg(pl.col("vintage").unique().sort())
    yield " ; ".join(map(_told, named.iter_rows(named=True))) + "."
    yield (
        "Les taux sont calculés sur les sommes des numérateurs et des dénominateurs ; les effectifs trop "
        "petits sont masqués. Empreintes des fichiers : sources.csv."
    )


def _told(row: dict[str, Any]) -> str:
    return f"{row['producer']}, {row['title']} ({', '.join(row['vintage'])})"


def _bounds(edges: Iterable[float]) -> tuple[float, float, float, float]:
    west, south, east, north = (round(float(edge), 5) for edge in edges)
    return west, south, east, north


def _identifier(data: OpenData, name: str) -> UUID:
    return uuid5(_NAMESPACE, f"{data.territories['perimeter'][0]}/{name}")
