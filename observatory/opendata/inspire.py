"""The records of an edition, as catalogues of geographic data take them.

Belongs here: ISO 19139 with what INSPIRE asks. Does not: what is said of each set of data (``datasets``).

Source of the form: ISO 19139:2007 (schemas of 2007-04-17) and the technical guidelines of INSPIRE on
metadata, version 2.0.1. A layer is a ``dataset``, a table ``nonGeographicDataset``. The European regulation
on interoperability is named, and conformity to it left unknown: nobody has evaluated it. INSPIRE also asks
for an e-mail address of the contact and for an address of each file, which the card of the edition may lack:
the record is then a valid ISO 19139 one, with what there is.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from observatory.opendata.datasets import Dataset
from observatory.opendata.exports import FICTIVE_NATURE
from observatory.opendata.geopackage import CRS
from observatory.opendata.licences import licence
from observatory.opendata.media import MEDIA
from observatory.opendata.offers import TITLE
from observatory.opendata.publishing import OpenData

FOLDER = "metadonnees"
_CODELISTS = "http://standards.iso.org/iso/19139/resources/gmxCodelists.xml"
_EPSG = "http://www.opengis.net/def/crs/EPSG/0"
_SYSTEMS = (
    (f"{_EPSG}/{CRS.removeprefix('EPSG:')}", "RGF93 v1 / Lambert-93 (EPSG:2154)"),
    (f"{_EPSG}/4326", "WGS 84 (EPSG:4326)"),
)
_INSPIRE = "http://inspire.ec.europa.eu/theme"
_THEMES = {
    "commune": (
        (f"{_INSPIRE}/au", "Unités administratives"),
        (f"{_INSPIRE}/su", "Unités statistiques"),
        (f"{_INSPIRE}/pd", "Répartition de la population — démographie"),
    ),
    "cite": (
        (f"{_INSPIRE}/ps", "Sites protégés"),
        (f"{_INSPIRE}/lu", "Usage des sols"),
    ),
}
_THEMES["epci"] = _THEMES["commune"]
_TOPICS = {
    "commune": ("boundaries", "society"),
    "epci": ("boundaries", "society"),
    "cite": ("structure", "society"),
}
_RESOLUTION = {"commune": 150, "epci": 150}
"""Metres within which a simplified limit runs; that of the heritage layers is not told."""
_OWN = ("Bassin minier", FICTIVE_NATURE)


def records(data: OpenData, found: list[Dataset]) -> Iterator[tuple[Dataset, str]]:
    """Yield the record of each set of data, as XML.

    Args:
        data: what the edition is made from.
        found: its sets of data.
    """
    template = _environment().get_template("iso19139.xml.j2")
    postcode, _, town = data.publisher.address[-1].partition(" ")
    for one in found:
        layer = one.offer.layer
        level = layer.table.level if layer else ""
        text = template.render(
            dataset=one,
            offer=one.offer,
            publisher=data.publisher,
            postcode=postcode,
            town=town,
            codelists=_CODELISTS,
            observatory=TITLE,
            release=data.release,
            released=data.published_on.isoformat(),
            next_update=data.next_update,
            scope="dataset" if layer else "nonGeographicDataset",
            systems=_SYSTEMS if layer else (),
            vocabularies=list(_vocabularies(one, level)),
            conditions=list(_conditions(one)),
            resolution=_RESOLUTION.get(level),
            topics=_TOPICS.get(level, ("society", "economy")),
            formats=list(_formats(one)),
            links=list(_links(data, one)),
        )
        yield one, text.strip() + "\n"


def _vocabularies(one: Dataset, level: str) -> Iterator[tuple[list[tuple[str, str]], str, str]]:
    """Yield keywords with their addresses, the thesaurus that they come from, the day it was published."""
    if level:
        yield list(_THEMES[level]), "GEMET - INSPIRE themes, version 1.0", "2008-06-01"
    common = [("", word) for word in one.keywords if word not in _OWN]
    yield common, "GEMET - Concepts, version 2.4", "2010-01-13"
    yield [("", word) for word in one.keywords if word in _OWN], "", ""


def _conditions(one: Dataset) -> Iterator[tuple[str, str]]:
    """Yield the licences, with the addresses of those known, and the warning of what is not real."""
    if one.offer.fictive:
        yield "", "Données fictives : ne doivent être ni citées ni diffusées comme réelles."
    texts = sorted(set(one.files_used["licence"]))
    for text in texts:
        known = licence(text)
        yield (known.address if known else ""), text
    if not texts:
        yield "", "Licences des sources, dans sources.csv."


def _formats(one: Dataset) -> Iterator[tuple[str, str]]:
    """Yield each format and its version, if its standard tells one."""
    for name in dict.fromkeys(file.format for file in one.files):
        standard = MEDIA[name].standard
        version = standard[1].removeprefix(name).strip() if standard else ""
        yield name, version


def _links(data: OpenData, one: Dataset) -> Iterator[tuple[str, str, str]]:
    """Yield the address, the name and the description of each file.

    A portal takes the name of a link to a GeoPackage for that of the layer in it.
    """
    base = f"{data.address}donnees/" if data.address else "../"
    for file in one.files:
        layer = file.format == "GeoPackage"
        name = one.offer.name.replace("-", "_") if layer else file.name
        yield f"{base}{file.name}", name, f"{one.offer.title}, {file.content or file.format}"


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
