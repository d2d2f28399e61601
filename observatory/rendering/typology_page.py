"""What the page of the typology shows: drawings, tables, and the settings that its method note quotes.

Belongs here: gathering the content of that page.
Does not: HTML (template), the geometry of the drawings.
"""

from typing import Any

from observatory.rendering import plane
from observatory.rendering.alluvial import alluvial
from observatory.rendering.dendrogram import dendrogram
from observatory.rendering.edition import Edition
from observatory.rendering.figures import file_ids
from observatory.rendering.french import number, plural, quantity
from observatory.rendering.maps import Drawing
from observatory.rendering.places import Place
from observatory.rendering.traits import side
from observatory.rendering.typology import Member
from observatory.rendering.typology_prose import DEGREES, SIGNIFICANCE
from observatory.typology.commune_tables import DRAWS, LARGE, LARGE_RATE
from observatory.typology.communes import CLASSES, COVERAGE, TRAJECTORY_CLASSES, load_choice
from observatory.typology.portraits import LIKE
from observatory.typology.stability import DISSOLVED, RECOVERED, VERDICTS
from observatory.typology.trajectories import BORDERLINE, MINIMUM_GAP

# Communes named in the tooltip of a branch of the tree; the rest are counted.
_NAMED = 12

_DOWNLOADS = (
    ("typologie-communes.csv", "communes"),
    ("typologie-communes-comparables.csv", "communes comparables"),
    ("typologie-classes.csv", "profils des classes"),
    ("typologie-variables.csv", "variables"),
    ("typologie-stabilite.csv", "stabilité"),
    ("typologie-trajectoires.csv", "trajectoires"),
    ("typologie-passages.csv", "passages"),
)
_IN_TIME = ("typologie-trajectoires.csv", "typologie-passages.csv")

SETTINGS = {
    "bounds": CLASSES,
    "trajectory_bounds": TRAJECTORY_CLASSES,
    "coverage": COVERAGE,
    "draws": DRAWS,
    "verdicts": VERDICTS,
    "dissolved": DISSOLVED,
    "recovered": RECOVERED,
    "borderline": BORDERLINE,
    "gap": MINIMUM_GAP,
    "large": LARGE,
    "large_rate": LARGE_RATE,
    "like": LIKE,
    "significance": SIGNIFICANCE,
    "degrees": DEGREES,
}
"""Settings of the method, quoted where the page explains it."""


def typology_content(edition: Edition) -> dict[str, Any]:
    """Return what the template of the page takes."""
    found, followed = edition.typology, edition.trajectories
    members = sorted(found.members.values(), key=lambda member: member.place.sort_key)
    # Rows of the tree are the active communes in the order of their codes.
    active = [member for _, member in sorted(found.members.items()) if not member.placed]
    tree = dendrogram(found.tree, [one.axis_1 for one in active], len(found.classes))
    return {
        "typology": found,
        "trajectories": followed,
        "drawing": _map(edition),
        "traits_side": side,
        "plane": plane.plane(members),
        "plane_symbols": {one: (plane.symbol(one), plane.colour(one)) for one in found.classes},
        "circle": plane.circle(found.variables),
        "tree": tree,
        "leaf_labels": [_leaf([active[row] for row in leaf.rows]) for leaf in tree.leaves] if tree else [],
        "alluvials": [(flows, alluvial(flows.counts)) for flows in followed.flows],
        "members": members,
        "axis_names": [
            f"Axe {axis['axis']} ({quantity(axis['explained_variance'], 1, '%')} de l’inertie)"
            for axis in found.axes[:2]
        ],
        "eigenvalues_above_one": sum(axis["eigenvalue"] > 1 for axis in found.axes),
        "letter_heads": [
            f"{one.name} ({plural(one.size, 'commune', 'communes')})" for one in followed.letters
        ],
        "reference_year": load_choice().trajectory.reference,
        "downloads": [(name, label) for name, label in _DOWNLOADS if followed.paths or name not in _IN_TIME],
        "files": _files(edition),
        "settings": SETTINGS,
    }


def _map(edition: Edition) -> Drawing:
    members, classes = edition.typology.members, edition.typology.classes

    def css(place: Place) -> str:
        return classes[members[place.code].number].css if place.code in members else "none"

    def note(place: Place) -> str:
        return classes[members[place.code].number].label if place.code in members else "non classée"

    communes = edition.gazetteer.communes
    return edition.atlas.basin(
        {place.code: css(place) for place in communes},
        "../",
        {place.code: note(place) for place in communes},
        "Carte des communes par classe de la typologie",
    )


def _leaf(members: list[Member]) -> tuple[str, str]:
    """Return the label of a branch that is not drawn further, and its tooltip."""
    names = [member.place.name for member in sorted(members, key=lambda one: one.place.sort_key)]
    if len(names) == 1:
        return names[0], names[0]
    rest = f" et {number(len(names) - _NAMED)} de plus" if len(names) > _NAMED else ""
    return plural(len(names), "commune", "communes"), ", ".join(names[:_NAMED]) + rest


def _files(edition: Edition) -> list[dict[str, Any]]:
    """Return the files that the variables come from."""
    used = set(
        file_ids(
            edition.book.figure(member.place, variable.indicator, variable.vintage)
            for variable in edition.typology.variables
            for member in edition.typology.members.values()
        )
    )
    return [file for file in edition.files if file["file_id"] in used]
