"""Places: the features of one cité gathered over the layers, and the keys of their names.

Belongs here: which features are the same cité (same dwelling identifier, same ground, or same name and next
door) and the spellings that recognise it. Does not: the cités of the reference table (``ties``).
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
import shapely

from observatory.errors import ObservatoryError
from observatory.heritage.layers import CITE_LAYERS
from observatory.heritage.shapes import from_text, lambert
from observatory.sources.cite_names import cite_key
from observatory.sources.mbm_perimeter import match_communes

SAME_GROUND = 0.5
"""Two features are the same cité where they share at least this part of the smaller one.

On the Mission's layers, different cités share at most 0.09 of the smaller, the same one drawn twice 0.94 or
more, but for the parts in the buffer zone (from 0.02), which carry the same identifier or name.
"""

NEXT_DOOR_M = 100.0
"""Features of the same name and commune are one cité up to this distance, in metres.

The parts of one cité on the Mission's layers are 20 m apart at most: a street, an embankment.
"""

_BUFFER_PART = re.compile(r"\(\s*partie en zone[- ]tampon\s*\)", re.IGNORECASE)
_BRACKETS = re.compile(r"^(?P<outer>.*?)\((?P<inner>[^)]*)\)\s*$")
_KIND = re.compile(r"^(rés\.|résidence\b|quartier\b)", re.IGNORECASE)
# In brackets these tell two cités apart: they are part of the name and not another one.
_QUALIFIERS = frozenset({"ancienne", "ancien", "nouvelle", "nouveau"})


@dataclass(frozen=True)
class Place:
    """One cité on the ground: its features, the keys of its names, its communes by code."""

    feature_ids: tuple[str, ...]
    keys: frozenset[str]
    commune_codes: frozenset[str]
    unesco_ids: frozenset[str]
    unesco_elements: frozenset[str]
    lsm_ids: frozenset[str]
    label: str


def name_keys(name: str, *others: str) -> frozenset[str]:
    """Return the keys by which the spellings of one cité are recognised.

    « Cité Darçy », « Rés. Darcy » and « Darcy (partie en zone-tampon) » share one key. « X (Y) » and
    « X ou Y » name a cité twice; « X (Nouvelle) » names it once, and « + X » only adds to it.
    """
    spellings = []
    for text in (name, *others):
        for half in _BUFFER_PART.sub("", text).split(" ou "):
            if half.strip().startswith("+"):
                continue
            found = _BRACKETS.match(half.strip())
            if found and cite_key(found["inner"]) not in _QUALIFIERS:
                spellings += [found["outer"], found["inner"]]
            else:
                spellings.append(half)
    keys = (cite_key(_KIND.sub("", text.strip())) for text in spellings)
    return frozenset(key for key in keys if key)


def gather_places(heritage: pl.DataFrame, communes: pl.DataFrame) -> list[Place]:
    """Gather the features of the layers of cités into places.

    Args:
        heritage: frame as the contract ``HERITAGE`` says.
        communes: columns code, name: the communes whose names the layers write.

    Returns:
        The places, by first feature; the order of the rows of ``heritage`` has no effect.

    Raises:
        ObservatoryError: no feature describes a cité, or a feature names a commune that is not among
            ``communes``.
    """
    features = heritage.filter(pl.col("layer").is_in(CITE_LAYERS)).sort("feature_id")
    if features.is_empty():
        raise ObservatoryError("Aucune couche patrimoniale ne décrit de cité.")
    codes = _commune_codes(features, communes)
    rows = features.to_dicts()
    keys = [name_keys(row["name"], *([row["other_name"]] if row["other_name"] else [])) for row in rows]
    held = [frozenset(codes[name] for name in row["commune_names"]) for row in rows]
    groups: dict[int, list[int]] = defaultdict(list)
    for index, root in enumerate(_roots(rows, keys, held, features["geometry"].to_list())):
        groups[root].append(index)
    return [_place([rows[index] for index in group], group, keys, held) for group in groups.values()]


def _place(
    rows: list[dict[str, str | None]],
    group: list[int],
    keys: list[frozenset[str]],
    held: list[frozenset[str]],
) -> Place:
    def gathered(column: str) -> frozenset[str]:
        return frozenset(value for row in rows if (value := row[column]))

    return Place(
        tuple(str(row["feature_id"]) for row in rows),
        frozenset().union(*(keys[index] for index in group)),
        frozenset().union(*(held[index] for index in group)),
        gathered("unesco_id"),
        gathered("unesco_element"),
        gathered("lsm_id"),
        " ".join(_BUFFER_PART.sub("", str(rows[0]["name"])).split()),
    )


def _commune_codes(features: pl.DataFrame, communes: pl.DataFrame) -> dict[str, str]:
    names = sorted(features["commune_names"].explode().drop_nulls().unique())
    matches = match_communes(names, communes)
    unknown = matches.filter(pl.col("code").is_null())
    if not unknown.is_empty():
        told = "\u202f; ".join(
            f"«\u202f{name}\u202f» ({reason})" for name, reason in unknown["name", "reason"].iter_rows()
        )
        raise ObservatoryError(f"Communes des couches patrimoniales non reconnues\u202f: {told}.")
    return dict(matches["name", "code"].iter_rows())


def _roots(
    rows: list[dict[str, str | None]],
    keys: list[frozenset[str]],
    held: list[frozenset[str]],
    geometries: list[str],
) -> list[int]:
    """Return, for each feature, the first feature of its place."""
    shapes: np.ndarray = lambert(from_text(geometries))
    areas = shapely.area(shapes)
    parents = list(range(len(rows)))

    def root(index: int) -> int:
        while parents[index] != index:
            index = parents[index]
        return index

    near = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=NEXT_DOOR_M)
    same: set[tuple[int, int]] = set()
    for left, right in near.T.tolist():
        if left < right and (
            (keys[left] & keys[right] and held[left] & held[right])
            or shapely.area(shapely.intersection(shapes[left], shapes[right]))
            >= SAME_GROUND * min(areas[left], areas[right])
        ):
            same.add((left, right))
    first_of: dict[str, int] = {}
    for index, row in enumerate(rows):
        if row["lsm_id"]:
            same.add((first_of.setdefault(row["lsm_id"], index), index))
    for left, right in sorted(same):
        low, high = sorted((root(left), root(right)))
        parents[high] = low
    return [root(index) for index in range(len(rows))]


def describe(places: list[Place], communes: Mapping[str, str]) -> str:
    """Return names and communes of places, as an analyst reads them: « Cité X (Lens), Cité Y (Liévin) »."""
    return ", ".join(
        f"{place.label} ({', '.join(sorted(communes[code] for code in place.commune_codes))})"
        for place in places
    )
