"""What the heritage layers say of each cité, as its sheet shows it.

Belongs here: the rows, notes and reasons of a tie, or of its absence.
Does not: ties and attributes themselves (``observatory.heritage``), drawing, HTML.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from observatory.errors import ObservatoryError
from observatory.rendering.french import plural, quantity, share, typeset
from observatory.rendering.inputs import SiteData
from observatory.rendering.places import Cite, Gazetteer, Place

_DWELLING = "lsm-"


@dataclass(frozen=True)
class Trait:
    """A row of the identity; ``known`` is false where the layers are silent."""

    term: str
    text: str
    known: bool = True


@dataclass(frozen=True)
class Crossing:
    """A commune that the contour crosses, with the share of one in the other, as texts."""

    commune: Place
    of_cite: str
    of_commune: str


@dataclass(frozen=True)
class IrisShare:
    """An IRIS that the contour crosses, with the share of one in the other, as texts."""

    code: str
    name: str
    of_cite: str
    of_iris: str


@dataclass(frozen=True)
class Contour:
    """The contour of a cité tied for certain and what it gives."""

    geometry: str
    area: str
    companies: str
    types: str
    traits: tuple[Trait, ...]
    interests: tuple[str, ...]
    share_inscribed: float
    crossings: tuple[Crossing, ...]
    iris: tuple[IrisShare, ...]
    cells: tuple[str, ...]
    file_ids: tuple[str, ...]


@dataclass(frozen=True)
class CiteHeritage:
    """The tie of one cité: its reason, and the contour or the candidates to confirm.

    ``notes`` gives, by subject, what the founding documents and the layers say differently.
    """

    confidence: str
    reason: str
    candidates: tuple[str, ...]
    notes: Mapping[str, str]
    contour: Contour | None

    def crossings(self, cite: Cite) -> tuple[Crossing, ...]:
        """Return the communes crossed where the founding text does not say as much."""
        crossed = self.contour.crossings if self.contour else ()
        told = {commune.code for commune in cite.communes}
        return crossed if len(crossed) > 1 or {one.commune.code for one in crossed} != told else ()


class HeritageBook:
    """The ties of an edition, by cité; empty where the edition has no heritage layers."""

    def __init__(self, data: SiteData, gazetteer: Gazetteer) -> None:
        """Index the heritage frames.

        Raises:
            ObservatoryError: a tie is certain without a contour, or a contour crosses a commune out of the
                perimeter.
        """
        self._ties = _by_slug(data.cite_ties)
        self._attributes = _by_slug(data.cite_heritage)
        self._shares = data.cite_shares.sort(
            "slug", "share_of_cite", "code", descending=[False, True, False]
        ).partition_by("slug", as_dict=True)
        self._iris = data.cite_iris.sort("slug", "share_of_cite", "code", descending=[False, True, False])
        self._grid = data.cite_grid.sort("slug", "vintage")
        self._notes: dict[str, dict[str, str]] = {}
        for slug, subject, reason in data.cite_contradictions.select("slug", "subject", "reason").iter_rows():
            self._notes.setdefault(slug, {})[subject] = _prose(reason)
        self._gazetteer = gazetteer

    @property
    def known(self) -> bool:
        """Whether the edition has heritage layers."""
        return bool(self._ties)

    def of_cite(self, cite: Cite) -> CiteHeritage | None:
        """Return what the layers say of a cité; None where the edition has no heritage layers.

        Raises:
            ObservatoryError: the edition has ties, none of them of this cité.
        """
        if not self.known:
            return None
        slug = cite.place.code
        if slug not in self._ties:
            raise ObservatoryError(f"La cité «\u202f{slug}\u202f» n’a ni rattachement ni raison.")
        tie = self._ties[slug]
        return CiteHeritage(
            confidence=tie["confidence"],
            reason=_prose(tie["reason"]),
            candidates=tuple(dict.fromkeys(_candidate(feature) for feature in tie["candidates"])),
            notes=self._notes.get(slug, {}),
            contour=self._contour(slug) if tie["confidence"] == "certain" else None,
        )

    def _contour(self, slug: str) -> Contour:
        row = self._attributes.get(slug)
        if row is None:
            raise ObservatoryError(f"La cité «\u202f{slug}\u202f» est rattachée sans avoir de contour.")
        iris = self._iris.filter(pl.col("slug") == slug).to_dicts()
        cells = self._grid.filter(pl.col("slug") == slug).to_dicts()
        return Contour(
            geometry=row["geometry"],
            area=quantity(row["area_ha"], 1, "ha"),
            companies=", ".join(map(_prose, row["companies"])),
            types=", ".join(row["types"]),
            traits=tuple(_traits(row)),
            interests=tuple(row["interests"]),
            share_inscribed=row["share_inscribed"],
            crossings=tuple(self._crossings(slug)),
            iris=tuple(
                IrisShare(
                    one["code"],
                    _prose(one["name"]),
                    share(one["share_of_cite"]),
                    share(one["share_of_territory"], 1),
                )
                for one in iris
            ),
            cells=tuple(_cells(one) for one in cells),
            file_ids=tuple(dict.fromkeys([*row["file_ids"], *(one["file_id"] for one in (*iris, *cells))])),
        )

    def _crossings(self, slug: str) -> Iterator[Crossing]:
        if (slug,) not in self._shares:
            return
        for row in self._shares[slug,].iter_rows(named=True):
            yield Crossing(
                self._gazetteer.place("commune", row["code"]),
                share(row["share_of_cite"]),
                share(row["share_of_territory"], 1),
            )


def _traits(row: Mapping[str, Any]) -> Iterator[Trait]:
    yield Trait("Superficie", quantity(row["area_ha"], 1, "ha"))
    yield _listed(row["companies"], "Compagnie ou groupe", "Compagnies ou groupes")
    yield _listed(row["types"], "Type", "Types")
    yield _listed(row["interests"], "Intérêt patrimonial", "Intérêts patrimoniaux")
    protection = row["protection"]
    yield Trait(
        "Protection (monuments historiques)",
        protection or "non renseignée",
        known=protection is not None,
    )
    yield _listed(row["owners"], "Propriétaire", "Propriétaires")
    yield _listed(row["unesco_ids"], "Élément Unesco", "Éléments Unesco", "aucun")
    yield Trait("Part dans le Bien inscrit", share(row["share_inscribed"]))
    yield Trait("Part dans la zone tampon", share(row["share_buffer"]))


def _listed(values: list[str], one: str, many: str, none: str = "non renseigné par la source") -> Trait:
    text = ", ".join(map(_prose, values))
    return Trait(many if len(values) > 1 else one, text or none, known=bool(text))


def _cells(row: dict[str, Any]) -> str:
    """Say what the cells hold, and how much of it INSEE imputed."""
    if row["status"] == "not_applicable":
        return "Aucun carreau habité n’a son centre dans la cité."
    counted = plural(row["cells"], "carreau de 200 m a son", "carreaux de 200 m ont leur")
    if row["status"] == "secret":
        return f"{counted} centre dans la cité, pour moins de onze ménages : leurs chiffres restent secrets."
    households = quantity(row["households"], 0, "ménages")
    living_standard, poor = quantity(row["living_standard"], 0, "€"), share(row["poor_share"])
    return (
        f"{counted} centre dans la cité : {households}, un niveau de vie moyen de {living_standard} par an "
        f"et {poor} de ménages pauvres en {row['vintage']}. Ces carreaux débordent de la cité ; "
        f"{share(row['imputed_share'])} de leurs ménages sont dans des carreaux dont l’Insee impute "
        "les chiffres."
    )


def _candidate(feature: str) -> str:
    """Write the producer's identifier of a feature; the reason of the tie tells the names."""
    code = feature.partition("/")[2]
    if code.startswith(_DWELLING):
        return f"logement minier n°\u00a0{code.removeprefix(_DWELLING)}"
    return f"élément Unesco {code}"


def _prose(text: str) -> str:
    return typeset(text).replace("'", "’")


def _by_slug(frame: pl.DataFrame) -> dict[str, dict[str, Any]]:
    return {row["slug"]: row for row in frame.iter_rows(named=True)}
