"""A territory in a sentence: the cité n° 4 de Lens à Lens, dans la communauté d’agglomération de Lens-Liévin.

Belongs here: article and preposition of each kind of territory.
Does not: grammar that knows no territory (``french``), what sentences say.
"""

from collections.abc import Sequence

from observatory.rendering.french import at, capital, joined
from observatory.rendering.places import Place

# A cité is named after what it is, more often than not; the others are « la cité X ».
_KINDS_OF_CITE = {
    "Cité": "la",
    "Quartier": "le",
    "Résidence": "la",
    "Fosse": "la",
    "Coron": "le",
    "Corons": "les",
    "Cités": "les",
}
_KINDS_OF_EPCI = {
    "CA": "la communauté d’agglomération",
    "CC": "la communauté de communes",
    "CU": "la communauté urbaine",
}
_ARTICLES = {"Nord": "le", "Pas-de-Calais": "le", "Hauts-de-France": "les"}


def named(place: Place, communes: Sequence[Place] = ()) -> str:
    """Return a territory with its article, as the subject of a sentence.

    Args:
        place: the territory.
        communes: those of a cité, the main one first.
    """
    match place.level:
        case "cite":
            return _cite(place, communes)
        case "epci":
            return _epci(place.name)
        case "basin":
            return "le Bassin minier"
        case "country":
            return f"la {place.name}"
        case "department" | "region":
            return f"{_ARTICLES.get(place.name, '')} {place.name}".strip()
        case _:
            return place.name


def within(place: Place, communes: Sequence[Place] = ()) -> str:
    """Return « à », « dans » or « en » and the territory; ``communes`` as in ``named``."""
    if place.level == "commune":
        return at(place.name)
    if place.level == "country":
        return f"en {place.name}"
    return f"dans {named(place, communes)}"


def opening(place: Place, communes: Sequence[Place] = ()) -> str:
    """Return ``within`` at the head of a sentence."""
    return capital(within(place, communes))


def _cite(place: Place, communes: Sequence[Place]) -> str:
    kind, _, rest = place.short_name.partition(" ")
    article = _KINDS_OF_CITE.get(kind)
    name = f"{article} {kind.lower()} {rest}" if article else f"la cité {place.short_name}"
    where = joined([at(commune.name) for commune in communes])
    return f"{name.strip()} {where}".strip()


def _epci(name: str) -> str:
    kind, _, rest = name.partition(" ")
    if kind in _KINDS_OF_EPCI:
        return f"{_KINDS_OF_EPCI[kind]} {rest}"
    if kind == "METRO":
        return f"la {rest}" if rest.startswith("Métropole") else f"la métropole {rest}"
    return f"les {name[0].lower()}{name[1:]}" if kind == "Communes" else name
