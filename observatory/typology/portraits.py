"""Portraits of the classes: what analysts wrote, tied to the classes by the communes that they had in view.

Belongs here: reading them, matching them to today's classes, saying what changed since.
Does not: any figure, which the pages take from the tables.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.optimize import linear_sum_assignment

from observatory.errors import InputError
from observatory.tables.typology import TYPOLOGY_PORTRAITS

LIKE = 0.5
"""Jaccard similarity under which a portrait is that of another class: most communes are not the same."""


class Portrait(BaseModel):
    """What an analyst wrote of a class.

    Attributes:
        title: a few words.
        sentences: three sentences.
        written_on: day it was written or last read over.
        members: INSEE codes of the communes of the class that day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=3, max_length=80)
    sentences: tuple[str, ...] = Field(min_length=3, max_length=3)
    written_on: date
    members: frozenset[str] = Field(min_length=1)


def read_portraits(path: Path) -> tuple[Portrait, ...]:
    """Return the portraits of a YAML file.

    Raises:
        InputError: the file is absent or unreadable, or a portrait lacks what it must have.
    """
    remedy = "corrigez-le sur le modèle des portraits qui s’y trouvent."
    try:
        cards = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    except FileNotFoundError as error:
        raise InputError(path.name, "le fichier manque.", "remettez-le, fût-il vide.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(path.name, "ce n’est pas du YAML lisible.", remedy) from error
    if not isinstance(cards, list):
        raise InputError(path.name, "ce n’est pas une liste de portraits.", remedy)
    return tuple(_portrait(card, rank, path, remedy) for rank, card in enumerate(cards, start=1))


def _portrait(card: object, rank: int, path: Path, remedy: str) -> Portrait:
    try:
        return Portrait.model_validate(card)
    except ValidationError as error:
        fields = sorted({str(fault["loc"][0]) for fault in error.errors() if fault["loc"]})
        at_fault = f" ({', '.join(f'« {field} »' for field in fields)})" if fields else ""
        raise InputError(path.name, f"le portrait n° {rank} est mal formé{at_fault}.", remedy) from error


def match_portraits(portraits: tuple[Portrait, ...], classes: Mapping[int, list[str]]) -> pl.DataFrame:
    """Return ``typology.portraits``: each class with the portrait that is its own, if one is.

    Classes and portraits are paired so that their Jaccard similarities (communes in both over communes in
    either) add up to the most, those under ``LIKE`` counting for nothing and making no pair. A class without
    a portrait has a likeness of 0.

    Args:
        portraits: what was written.
        classes: class -> INSEE codes of its communes.
    """
    numbers, members = list(classes), [frozenset(codes) for codes in classes.values()]
    likeness = np.array(
        [[len(now & one.members) / len(now | one.members) for one in portraits] for now in members]
    ).reshape(len(members), len(portraits))
    likeness[likeness < LIKE] = 0
    pairs = dict(zip(*(side.tolist() for side in linear_sum_assignment(-likeness)), strict=True))
    rows = []
    for place, (number, now) in enumerate(zip(numbers, members, strict=True)):
        best = pairs.get(place)
        like = 0.0 if best is None else float(likeness[place, best])
        portrait = portraits[best] if best is not None and like else None
        rows.append(
            {
                "class": number,
                "title": portrait.title if portrait else None,
                "sentences": list(portrait.sentences) if portrait else [],
                "written_on": portrait.written_on if portrait else None,
                "likeness": like,
                "entered": sorted(now - portrait.members) if portrait else [],
                "departed": sorted(portrait.members - now) if portrait else [],
            }
        )
    return TYPOLOGY_PORTRAITS.conform(pl.DataFrame(rows, schema=TYPOLOGY_PORTRAITS.polars_schema))
