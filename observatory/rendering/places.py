"""The territories of the site and how they nest.

Belongs here: places, their parents, children, page addresses, and the cités as the reader meets them.
Does not: figures, geometry, HTML.
"""

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from observatory.errors import ObservatoryError
from observatory.rendering.french import fold, typeset, typeset_row
from observatory.rendering.wording import PerimeterWording, perimeter_wording
from observatory.territories import NO_EPCI

_ADDRESSES = {
    "cite": "cites/{}/index.html",
    "commune": "communes/{}/index.html",
    "epci": "epci/{}/index.html",
    "basin": "bassin/index.html",
}
_EPCI_KINDS = ("CA ", "CC ", "CU ", "METRO ")
_LINKING_WORDS = ("de la ", "du ", "de ", "d’", "d'")


@dataclass(frozen=True)
class Place:
    """One territory; ``parents`` are (level, code), nearest first."""

    level: str
    code: str
    name: str
    parents: tuple[tuple[str, str], ...]

    @property
    def address(self) -> str:
        """Page of the place, from the root of the site; empty for a level without pages."""
        template = _ADDRESSES.get(self.level)
        return template.format(self.code) if template else ""

    @property
    def short_name(self) -> str:
        """Name without the legal kind of an EPCI nor the commune of a cité, for maps, charts and heads."""
        if self.level == "cite":
            return self.name.partition(" (")[0]
        if self.level == "epci":
            kind = next((kind for kind in _EPCI_KINDS if self.name.startswith(kind)), "")
            rest = self.name.removeprefix(kind)
            linking = next((word for word in _LINKING_WORDS if kind and rest.startswith(word)), "")
            return rest.removeprefix(linking)[:1].upper() + rest.removeprefix(linking)[1:]
        return self.name

    @property
    def compared(self) -> str:
        """The place and what holds it in the basin, as the page of comparisons takes them."""
        around = [key for key in self.parents if key[0] in ("commune", "epci", "basin")]
        return ",".join(f"{level}:{code}" for level, code in [(self.level, self.code), *around][:6])

    @property
    def sort_key(self) -> tuple[str, str]:
        """Alphabetical order without accents nor legal kind, then code."""
        return fold(self.short_name), self.code


@dataclass(frozen=True)
class Cite:
    """One cité: its place, its communes (main one first), its EPCI and the row of ``core.cites``."""

    place: Place
    communes: tuple[Place, ...]
    epci: Place
    row: dict[str, Any]

    @property
    def communes_text(self) -> str:
        """Names of the communes, main one first."""
        return ", ".join(commune.name for commune in self.communes)


class Gazetteer:
    """Every place of one perimeter and the cités in it, found by key and by parent."""

    def __init__(self, territories: pl.DataFrame, cites: pl.DataFrame, perimeter_vintage: int) -> None:
        """Index the territories of ``perimeter_vintage`` and the cités.

        Raises:
            ObservatoryError: the perimeter is empty, or a cité or parent names an unknown territory.
        """
        rows = territories.filter(pl.col("perimeter_vintage") == perimeter_vintage)
        if rows.is_empty():
            raise ObservatoryError(f"Aucun territoire pour le périmètre {perimeter_vintage} du COG.")
        self.perimeter_vintage = perimeter_vintage
        self.perimeter, self.geography_vintage = rows.select("perimeter", "geography_vintage").row(0)
        self._places = {
            (row["level"], row["code"]): Place(
                row["level"], row["code"], row["name"], tuple(_parent(key) for key in row["parents"])
            )
            for row in rows.iter_rows(named=True)
        }
        self._children: dict[tuple[str, str, str], list[Place]] = defaultdict(list)
        for place in sorted(self._places.values(), key=lambda place: place.sort_key):
            for level, code in place.parents:
                self._children[level, code, place.level].append(place)
        self.cites = sorted(
            (self._cite(row) for row in cites.iter_rows(named=True)), key=lambda cite: cite.place.sort_key
        )
        self._cites_of: dict[tuple[str, str], list[Cite]] = defaultdict(list)
        for cite in self.cites:
            for place in (*cite.communes, cite.epci):
                self._cites_of[place.level, place.code].append(cite)

    def place(self, level: str, code: str) -> Place:
        """Return a place by its key.

        Raises:
            ObservatoryError: the perimeter has no such place.
        """
        try:
            return self._places[level, code]
        except KeyError as error:
            raise ObservatoryError(
                f"Le territoire « {level}:{code} » n’est pas dans le périmètre "
                f"{self.perimeter_vintage} du COG."
            ) from error

    def level(self, level: str) -> list[Place]:
        """Return the places of a level in alphabetical order."""
        return sorted(
            (place for place in self._places.values() if place.level == level),
            key=lambda place: place.sort_key,
        )

    @cached_property
    def wording(self) -> PerimeterWording:
        """How the perimeter is told."""
        return perimeter_wording(self.perimeter, self.perimeter_vintage, self.geography_vintage)

    @cached_property
    def communes(self) -> list[Place]:
        """Communes in alphabetical order."""
        return self.level("commune")

    @cached_property
    def epcis(self) -> list[Place]:
        """EPCI in alphabetical order."""
        return self.level("epci")

    @cached_property
    def epci_count(self) -> int:
        """Number of EPCI, without the group of the communes that have none."""
        return sum(place.code != NO_EPCI for place in self.epcis)

    @cached_property
    def basin(self) -> Place:
        """The mining basin."""
        return self.level("basin")[0]

    def parents(self, place: Place) -> list[Place]:
        """Return the places that contain a place, nearest first."""
        return [self.place(level, code) for level, code in place.parents]

    def parent(self, place: Place, level: str) -> Place:
        """Return the place of ``level`` that contains ``place``.

        Raises:
            ObservatoryError: it has none.
        """
        for parent_level, code in place.parents:
            if parent_level == level:
                return self.place(level, code)
        raise ObservatoryError(
            f"« {place.name} » ({place.code}) n’a pas de territoire de niveau « {level} »."
        )

    def children(self, place: Place, level: str) -> list[Place]:
        """Return the places of ``level`` within a place, in alphabetical order."""
        return self._children.get((place.level, place.code, level), [])

    def cites_of(self, place: Place) -> list[Cite]:
        """Return the cités of a commune or an EPCI, in alphabetical order."""
        return self._cites_of.get((place.level, place.code), [])

    def _cite(self, row: dict[str, Any]) -> Cite:
        communes = tuple(self.place("commune", code) for code in row["commune_codes"])
        if not communes:
            raise ObservatoryError(f"La cité « {row['name']} » n’a aucune commune.")
        prose = typeset_row(row, "corrections", "notes")
        prose["passages"] = [typeset(passage) for passage in row["passages"]]
        return Cite(self.place("cite", row["slug"]), communes, self.place("epci", row["epci_code"]), prose)


def _parent(key: str) -> tuple[str, str]:
    level, _, code = key.partition(":")
    return level, code
