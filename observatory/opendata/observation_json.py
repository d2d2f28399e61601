"""All the figures of some levels as compact JSON, with what is needed to read them.

Belongs here: the form of those files. Does not: which figures there are.

``data`` holds rows, whose fields ``columns`` names in order; ``origin`` of a row is the rank, from 0, of its
geography and files in ``origins``.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from observatory.tables import OBSERVATIONS

LEVEL_GROUPS = {
    "iris": ("IRIS", ("iris",)),
    "communes": ("communes", ("commune",)),
    "cites": ("cités", ("cite",)),
    "epci-et-comparaisons": ("EPCI et comparaisons", ("epci", "basin", "department", "region", "country")),
}
"""Part of a file's name -> how readers call it, levels that it holds."""
COLUMNS = {
    "territory_level": "niveau",
    "territory_code": "code du territoire",
    "indicator": "identifiant de l’indicateur, clé de definitions",
    "vintage": "année que le chiffre décrit",
    "value": "valeur ; null si le statut n’est pas « published »",
    "numerator": "numérateur du taux ; null pour un effectif",
    "denominator": "dénominateur du taux ; null pour un effectif",
    "status": "published, secret, missing, not_applicable ou not_available",
    "origin": "rang, à partir de 0, de la géographie et des fichiers d’origine dans origins",
}
_ORIGIN = ["geography_vintage", "file_ids"]
_DEFINITION = ["indicator", "label", "theme", "formula", "unit", "decimals", "polarity", "comparability"]


def write_observations(
    path: Path,
    about: dict[str, str],
    observations: pl.DataFrame,
    definitions: pl.DataFrame,
    territories: pl.DataFrame,
) -> None:
    """Write the observations as JSON, with the definitions and the territories that they name.

    Args:
        path: where.
        about: members that say what the file is.
        observations: ``indicators.observations``, of which only what is published has a value.
        definitions: ``indicators.definitions``.
        territories: ``core.territories`` of one perimeter version.
    """
    rows = observations.sort(OBSERVATIONS.key)
    origins = rows.select(_ORIGIN).unique().sort(_ORIGIN).with_row_index("origin")
    rows = rows.join(origins, on=_ORIGIN, how="left", maintain_order="left", nulls_equal=True)
    key = {"level": "territory_level", "code": "territory_code"}
    named = territories.rename(key).join(rows, on=list(key.values()), how="semi").sort(*key.values())
    parts = {
        "definitions": definitions.select(_DEFINITION)
        .join(rows, on="indicator", how="semi")
        .sort("indicator"),
        "territories": named.select(*key.values(), "name", "parents"),
        "origins": origins.drop("origin"),
    }
    head = about | {"notes": COLUMNS}
    texts = [f"{_json(name)}:{_json(value)}" for name, value in head.items()]
    texts += [f"{_json(name)}:{_lines(frame.to_dicts())}" for name, frame in parts.items()]
    texts += [f'"columns":{_json(list(COLUMNS))}', f'"data":{_lines(rows.select(list(COLUMNS)).iter_rows())}']
    path.write_text("{" + ",\n".join(texts) + "}\n", encoding="utf-8", newline="\n")


def _lines(items: Iterable[object]) -> str:
    return "[\n" + ",\n".join(map(_json, items)) + "\n]"


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
