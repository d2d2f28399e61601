"""WFS 2.0 answers in GeoJSON: the addresses to ask, page after page, and what comes back.

Belongs here: GetFeature requests, paging, checks that no page is lost. Does not: the network — whoever has
it takes ``next_url``, fetches, and gives the bytes to ``add``.
"""

import json
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict

from observatory.errors import InputError

PAGE_SIZE = 500
_REMEDY = "relancer la récupération plus tard\u202f; si l’erreur demeure, déposer la couche en GeoJSON."


class WfsLayer(BaseModel):
    """A layer of a WFS server.

    Attributes:
        endpoint: address of the service, without parameters.
        type_name: qualified name of the layer, ``workspace:layer``.
        sort_by: property that orders the features; without an order a server may give a feature twice and
            forget another between two pages.
        cql_filter: condition on the features, in the server's CQL.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint: str
    type_name: str
    sort_by: str | None = None
    cql_filter: str | None = None

    def page_url(self, start: int, count: int) -> str:
        """Return the address of ``count`` features from the ``start``-th, in WGS84, longitude first."""
        parameters = {
            "service": "WFS",
            "version": "2.0.0",
            "request": "GetFeature",
            "typeNames": self.type_name,
            "outputFormat": "application/json",
            # The short form: the URN would put latitude first.
            "srsName": "EPSG:4326",
            "count": str(count),
            "startIndex": str(start),
        }
        if self.sort_by:
            parameters["sortBy"] = self.sort_by
        if self.cql_filter:
            parameters["cql_filter"] = self.cql_filter
        return f"{self.endpoint}?{urlencode(parameters, safe=':/')}"


@dataclass
class Paging:
    """The pages of one layer: ask ``next_url``, ``add`` the body, until ``next_url`` is null."""

    layer: WfsLayer
    page_size: int = PAGE_SIZE
    _features: list[dict[str, Any]] = field(default_factory=list)
    _matched: int | None = None
    _complete: bool = False

    @property
    def next_url(self) -> str | None:
        """Address of the next page; null once every feature is there."""
        return None if self._complete else self.layer.page_url(len(self._features), self.page_size)

    def add(self, body: bytes) -> None:
        """Take the answer to ``next_url``.

        Raises:
            InputError: the answer is not GeoJSON, or not the page asked for: its
                count of features changes from page to page, a feature comes twice, or pages end before
                the count announced.
        """
        page = self._page(body)
        features = page["features"]
        matched = page.get("numberMatched", page.get("totalFeatures"))
        matched = matched if isinstance(matched, int) else None
        if self._features and matched != self._matched:
            self._refuse(f"le serveur annonçait {self._matched} entités et en annonce maintenant {matched}.")
        known = {feature["id"] for feature in self._features if feature.get("id") is not None}
        if any(feature.get("id") in known for feature in features):
            self._refuse("une entité vient sur deux pages\u202f: le serveur ne tient pas d’ordre stable.")
        self._matched = matched
        self._features += features
        held = len(self._features)
        if matched is not None and held > matched:
            self._refuse(f"le serveur annonce {matched} entités et en donne {held}.")
        self._complete = held == matched if matched is not None else len(features) < self.page_size
        if not features and not self._complete:
            self._refuse(f"le serveur annonce {matched} entités et n’en donne que {held}.")

    def collection(self) -> dict[str, Any]:
        """Return all features as one GeoJSON collection.

        Raises:
            InputError: pages are still to come.
        """
        if not self._complete:
            self._refuse("toutes les pages ne sont pas encore là.")
        return {"type": "FeatureCollection", "features": list(self._features)}

    def _page(self, body: bytes) -> dict[str, Any]:
        try:
            page = json.loads(body)
        except ValueError:
            self._refuse("la réponse n’est pas du GeoJSON.")
        if not isinstance(page, dict) or not isinstance(page.get("features"), list):
            self._refuse("la réponse n’est pas une collection d’entités GeoJSON.")
        return page

    def _refuse(self, rule: str) -> NoReturn:
        raise InputError(f"{self.layer.type_name} ({self.layer.endpoint})", rule, _REMEDY)
