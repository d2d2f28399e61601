"""The formats of the open files as catalogues name them.

Belongs here: media types and registered names of formats. Does not: writing them.

Sources: the IANA registry of media types (that of SLD, which it lacks, is GeoServer's), and the authority
table « File type » of the European Union.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Media:
    """A format: its media type, its code in the European table, the standard that it follows, if any."""

    iana: str
    european: str
    standard: tuple[str, str] | None = None


_RFC = "https://www.rfc-editor.org/rfc"
_PARQUET = "application/vnd.apache.parquet"
_GEOPARQUET = ("https://geoparquet.org/releases/v1.1.0/", "GeoParquet 1.1")
_GEOPACKAGE = ("http://www.opengis.net/doc/IS/geopackage/1.4", "GeoPackage 1.4")

MEDIA = {
    "CSV": Media("text/csv", "CSV", (f"{_RFC}/rfc4180", "RFC 4180")),
    "Parquet": Media(_PARQUET, "PARQUET"),
    "GeoParquet": Media(_PARQUET, "PARQUET", _GEOPARQUET),
    "GeoPackage": Media("application/geopackage+sqlite3", "GPKG", _GEOPACKAGE),
    "GeoJSON": Media("application/geo+json", "GEOJSON", (f"{_RFC}/rfc7946", "RFC 7946")),
    "JSON": Media("application/json", "JSON"),
    "JSON-LD": Media("application/ld+json", "JSON_LD"),
    "XLSX": Media("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "XLSX"),
    "ZIP": Media("application/zip", "ZIP"),
    "XML": Media("application/xml", "XML"),
    "SLD": Media("application/vnd.ogc.sld+xml", "XML"),
}
"""Format, as readers call it -> what it is."""
