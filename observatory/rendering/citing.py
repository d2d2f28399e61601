"""How a release is cited: in a sentence, for DataCite, and as a citation file.

Belongs here: the forms. Does not: registering a DOI, which takes an agreement with an agency.

The DataCite record follows version 4.5 of its schema; the citation file version 1.2.0 of the Citation File
Format.
"""

import json
from collections.abc import Iterable
from typing import Any

import yaml

from observatory.opendata.package import TITLE
from observatory.opendata.publishing import FICTIVE_WARNING
from observatory.rendering.french import long_date
from observatory.rendering.imprint import Imprint

DATACITE, CITATION = "datacite.json", "CITATION.cff"
_SCHEMA = "http://datacite.org/schema/kernel-4"
_ABSTRACT = (
    "Observatoire socio-économique du Bassin minier du Nord et du Pas-de-Calais : observations par cité "
    "minière, commune, intercommunalité et ensemble du bassin, avec source, millésime, formule et statut, "
    "définitions, fiches et typologie des communes."
)
_KEYWORDS = ("Bassin minier", "Nord", "Pas-de-Calais", "cités minières", "statistiques territoriales")


def citation(imprint: Imprint) -> str:
    """Return how to cite an edition, in French."""
    doi = f" https://doi.org/{imprint.doi}" if imprint.doi else ""
    return (
        f"{imprint.contact.organisation} ({imprint.published_on.year}), {TITLE}, édition {imprint.release}, "
        f"jeu de données, {long_date(imprint.published_on)}.{doi}"
    )


def datacite(
    imprint: Imprint, licences: Iterable[str], size: int, formats: Iterable[str], *, fictive: bool
) -> str:
    """Return the DataCite record of a release, as JSON, ready for a DOI.

    Args:
        imprint: its card.
        licences: those of its sources, in French.
        size: in bytes.
        formats: media types of its files.
        fictive: whether some of its figures derive from generated data; the record then warns.
    """
    organisation = imprint.contact.organisation
    content: dict[str, Any] = {
        "schemaVersion": _SCHEMA,
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Statistiques territoriales"},
        "creators": [{"name": organisation, "nameType": "Organizational"}],
        "titles": [{"title": f"{TITLE}, édition {imprint.release}", "lang": "fr"}],
        "publisher": {"name": organisation, "lang": "fr"},
        "publicationYear": str(imprint.published_on.year),
        "subjects": [{"subject": word, "lang": "fr"} for word in _KEYWORDS],
        "dates": [{"date": imprint.published_on.isoformat(), "dateType": "Issued"}],
        "language": "fr",
        "version": imprint.release,
        "sizes": [f"{size} octets"],
        "formats": sorted(set(formats)),
        "rightsList": [{"rights": text, "lang": "fr"} for text in sorted(set(licences))],
        "descriptions": [{"description": _ABSTRACT, "descriptionType": "Abstract", "lang": "fr"}],
        "geoLocations": [{"geoLocationPlace": "Bassin minier du Nord et du Pas-de-Calais, France"}],
    }
    if fictive:
        warning = {"description": FICTIVE_WARNING, "descriptionType": "TechnicalInfo", "lang": "fr"}
        content["descriptions"].append(warning)
    if imprint.doi:
        content["doi"] = imprint.doi
    if imprint.address:
        content["url"] = imprint.address
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def citation_file(imprint: Imprint, *, fictive: bool) -> str:
    """Return the citation file of a release, as YAML; ``fictive`` as for ``datacite``."""
    content: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "Pour citer ces données, employez cette notice, et nommez le producteur de la source."
        + (f" {FICTIVE_WARNING}" if fictive else ""),
        "type": "dataset",
        "title": f"{TITLE}, édition {imprint.release}",
        "version": imprint.release,
        "date-released": imprint.published_on,
        "authors": [{"name": imprint.contact.organisation}],
        "abstract": _ABSTRACT,
        "keywords": list(_KEYWORDS),
    }
    if imprint.doi:
        content["doi"] = imprint.doi
    if imprint.address:
        content["url"] = imprint.address
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=110)
