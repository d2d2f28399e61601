"""The catalogue of an edition, as the portals of open data harvest it.

Belongs here: DCAT-AP as JSON-LD. Does not: what is said of each set of data (``datasets``).

Source of the form: DCAT-AP 3.0 (SEMIC), its mandatory and its recommended properties. Sets of data are named
by URN, the same in every edition. Files are named from where the site is served or, as long as that is not
known, by their path from the catalogue: a harvester resolves it against the address that it took the
catalogue from (RFC 3986, section 5.1.3).
"""

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

from observatory.opendata.archives import CHECKSUMS
from observatory.opendata.datasets import Dataset, catalogue_identifier, datasets, extent
from observatory.opendata.exports import FICTIVE_NATURE
from observatory.opendata.geopackage import CRS
from observatory.opendata.licences import Licence
from observatory.opendata.media import MEDIA
from observatory.opendata.offers import TITLE, Offer, OfferedFile, Publisher
from observatory.opendata.publishing import OpenData

NAME = "catalogue.jsonld"
_EUROPE = "http://publications.europa.eu/resource/authority"
_EPSG = "http://www.opengis.net/def/crs/EPSG/0"
_CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_THEMES = {"SOCI": "Population et société", "REGI": "Régions et villes"}
_CONTEXT = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "geosparql": "http://www.opengis.net/ont/geosparql#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "prov": "http://www.w3.org/ns/prov#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


def catalogue_text(data: OpenData, offers: Iterable[Offer]) -> str:
    """Return the catalogue of an edition, as JSON-LD.

    Args:
        data: what the edition is made from.
        offers: all that it offers, files written.
    """
    found = datasets(data, offers)
    publisher = _agent(data.publisher)
    context: dict[str, Any] = dict(_CONTEXT)
    if data.address:
        context = {"@base": f"{data.address}donnees/"} | context
    catalogue = {
        "@context": context,
        "@id": catalogue_identifier(data).urn,
        "@type": "dcat:Catalog",
        "dct:title": _french(f"{TITLE}, édition {data.release}"),
        "dct:description": _french(
            "Chiffres, contours et typologie des communes, des intercommunalités et des cités du Bassin "
            "minier du Nord et du Pas-de-Calais."
            + (
                " Ce qui vient de fichiers générés porte « données fictives » dans son titre."
                if any(one.offer.fictive for one in found)
                else ""
            )
        ),
        "dct:publisher": publisher,
        "dct:language": _typed(f"{_EUROPE}/language/FRA", "dct:LinguisticSystem"),
        "dct:issued": _day(data.published_on),
        "dct:modified": _day(data.published_on),
        "dct:spatial": _place(extent(found)),
        "dcat:themeTaxonomy": _typed(f"{_EUROPE}/data-theme", "skos:ConceptScheme")
        | {"dct:title": _french("Thèmes de données de l’Union européenne")},
        "foaf:homepage": _typed("../index.html", "foaf:Document"),
        "dcat:dataset": [_dataset(one, data, publisher) for one in found],
    }
    return json.dumps(catalogue, ensure_ascii=False, indent=1) + "\n"


def _dataset(one: Dataset, data: OpenData, publisher: dict[str, Any]) -> dict[str, Any]:
    offer = one.offer
    described: dict[str, Any] = {
        "@id": one.urn,
        "@type": "dcat:Dataset",
        "dct:identifier": str(one.identifier),
        "dct:title": _french(offer.title),
        "dct:description": _french(offer.description),
        "dct:publisher": {"@id": publisher["@id"]},
        "dcat:contactPoint": _contact(data.publisher),
        "dcat:keyword": [_french(word) for word in one.keywords],
        "dcat:theme": [_theme(code) for code in one.themes],
        "dct:issued": _day(data.published_on),
        "dct:modified": _day(data.published_on),
        "dcat:version": data.release,
        "adms:versionNotes": _french(f"Édition {data.release}. Prochaine mise à jour : {data.next_update}."),
        "dct:language": _typed(f"{_EUROPE}/language/FRA", "dct:LinguisticSystem"),
        "dct:accrualPeriodicity": _typed(f"{_EUROPE}/frequency/ANNUAL", "dct:Frequency"),
        "dct:accessRights": _typed(f"{_EUROPE}/access-right/PUBLIC", "dct:RightsStatement"),
        "dct:spatial": _place(one.bounds),
        "dct:provenance": {"@type": "dct:ProvenanceStatement", "rdfs:label": _french(one.lineage)},
        "dcat:landingPage": _typed("index.html", "foaf:Document"),
        "dcat:distribution": [_distribution(one, file, data) for file in one.files],
    }
    if offer.fictive:
        described["dct:type"] = {
            "@id": "urn:observatoire-bassin-minier:donnees-fictives",
            "@type": "skos:Concept",
            "skos:prefLabel": _french(FICTIVE_NATURE),
        }
    if offer.years:
        first, last = offer.years
        described["dct:temporal"] = {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": _day(date(first, 1, 1)),
            "dcat:endDate": _day(date(last, 12, 31)),
        }
    addresses = sorted({url for url in one.files_used["url"] if url.startswith(("http://", "https://"))})
    if addresses:
        described["prov:wasDerivedFrom"] = [{"@id": url} for url in addresses]
    return described


def _distribution(one: Dataset, file: OfferedFile, data: OpenData) -> dict[str, Any]:
    media = MEDIA[file.format]
    dated = data.release in file.name
    described: dict[str, Any] = {
        "@id": f"{one.urn}#{file.name}",
        "@type": "dcat:Distribution",
        "dct:title": _french(f"{one.offer.title}, {file.content or file.format}"),
        "dct:description": _french(
            f"{file.format}, édition {data.release}."
            + (f" Couche « {one.offer.name.replace('-', '_')} »." if file.format == "GeoPackage" else "")
        ),
        "dcat:accessURL": _typed(file.name, "rdfs:Resource"),
        "dcat:downloadURL": _typed(file.name, "rdfs:Resource"),
        "dct:format": _typed(f"{_EUROPE}/file-type/{media.european}", "dct:MediaTypeOrExtent"),
        "dcat:mediaType": _typed(
            f"https://www.iana.org/assignments/media-types/{media.iana}", "dct:MediaType"
        ),
        "dcat:byteSize": {"@value": str(file.size), "@type": "xsd:nonNegativeInteger"},
        "spdx:checksum": {
            "@type": "spdx:Checksum",
            "spdx:algorithm": _typed("spdx:checksumAlgorithm_sha256", "spdx:ChecksumAlgorithm"),
            "spdx:checksumValue": {"@value": file.sha256, "@type": "xsd:hexBinary"},
        },
        "dct:issued": _day(data.published_on),
        "dct:modified": _day(data.published_on),
        "dct:language": _typed(f"{_EUROPE}/language/FRA", "dct:LinguisticSystem"),
        "dcatap:availability": _typed(
            f"{_EUROPE}/planned-availability/{'STABLE' if dated else 'AVAILABLE'}", "skos:Concept"
        )
        | {"skos:prefLabel": _french("stable" if dated else "disponible")},
        "foaf:page": _typed(CHECKSUMS, "foaf:Document"),
        "dct:rights": {
            "@type": "dct:RightsStatement",
            "rdfs:label": _french("Licences : " + " ; ".join(one.offer.licences) + ".")
            if one.offer.licences
            else _french("Licences : celles des sources, dans sources.csv."),
        },
    }
    if one.licence:
        described["dct:license"] = _licence(one.licence)
    standards = [media.standard] if media.standard else []
    if one.offer.layer:
        standards.append(
            (f"{_EPSG}/{CRS.removeprefix('EPSG:')}", "RGF93 v1 / Lambert-93")
            if file.format == "GeoPackage"
            else (_CRS84, "WGS 84, longitude puis latitude")
        )
    if standards:
        described["dct:conformsTo"] = [
            _typed(address, "dct:Standard") | {"dct:title": _french(name)} for address, name in standards
        ]
    return described


def _agent(publisher: Publisher) -> dict[str, Any]:
    described: dict[str, Any] = {
        "@id": "urn:observatoire-bassin-minier:editeur",
        "@type": ["foaf:Agent", "foaf:Organization"],
        "foaf:name": _french(publisher.name),
    }
    if publisher.website:
        described["foaf:homepage"] = _typed(f"https://{publisher.website}", "foaf:Document")
    return described


def _contact(publisher: Publisher) -> dict[str, Any]:
    described: dict[str, Any] = {
        "@id": "urn:observatoire-bassin-minier:contact",
        "@type": ["vcard:Kind", "vcard:Organization"],
        "vcard:fn": publisher.name,
    }
    if publisher.email:
        described["vcard:hasEmail"] = {"@id": f"mailto:{publisher.email}"}
    if publisher.phone:
        described["vcard:hasTelephone"] = {"@id": f"tel:+33{publisher.phone.replace(' ', '')[1:]}"}
    if publisher.website:
        described["vcard:hasURL"] = {"@id": f"https://{publisher.website}"}
    return described


def _place(bounds: tuple[float, float, float, float]) -> dict[str, Any]:
    west, south, east, north = bounds
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    ring = ",".join(f"{x} {y}" for x, y in corners)
    return {
        "@type": "dct:Location",
        "dcat:bbox": {"@value": f"POLYGON(({ring}))", "@type": "geosparql:wktLiteral"},
    }


def _theme(code: str) -> dict[str, Any]:
    return _typed(f"{_EUROPE}/data-theme/{code}", "skos:Concept") | {
        "skos:prefLabel": _french(_THEMES[code]),
        "skos:inScheme": {"@id": f"{_EUROPE}/data-theme"},
    }


def _licence(one: Licence) -> dict[str, Any]:
    return _typed(one.address, "dct:LicenseDocument") | {"dct:title": _french(one.title)}


def _typed(address: str, kind: str) -> dict[str, Any]:
    return {"@id": address, "@type": kind}


def _french(text: str) -> dict[str, str]:
    return {"@value": text, "@language": "fr"}


def _day(day: date) -> dict[str, str]:
    return {"@value": day.isoformat(), "@type": "xsd:date"}
