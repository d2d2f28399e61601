"""Ties decided by hand (``data/reference/cites_heritage.csv``): reading and checks.

Belongs here: the layout of that file. Does not: applying it (``ties``).
"""

import csv
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from observatory.errors import InputError

_COLUMNS = ("slug", "features", "confidence", "reason")
_CONFIDENCES = ("certain", "propose")
_TOKEN = re.compile(r"unesco:[0-9]{1,3}[A-Z]{0,2}|element:[0-9]{1,3}|lsm:[0-9]+")


@dataclass(frozen=True)
class Decision:
    """A person's word on one cité: which features (``unesco:16A``, ``element:94``, ``lsm:362``) and why."""

    slug: str
    tokens: tuple[str, ...]
    certain: bool
    reason: str
    file: str
    row: int


def read_decisions(path: Path, slugs: Collection[str]) -> dict[str, Decision]:
    """Read the ties decided by hand, by slug.

    Args:
        path: CSV file, UTF-8, comma separated; features separated by ``|``.
        slugs: the cités of the reference table.

    Raises:
        InputError: the file is absent, its columns are others, or a line breaks a rule: unknown or repeated
            cité, feature written otherwise, unknown confidence, no reason.
    """
    if not path.is_file():
        raise InputError(path.name, "le fichier est absent.", "le remettre à sa place.")
    decisions: dict[str, Decision] = {}
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream, strict=True)
        if tuple(next(reader, ())) != _COLUMNS:
            raise InputError(
                path.name,
                f"les colonnes ne sont pas celles attendues ({', '.join(_COLUMNS)}).",
                "rétablir la première ligne, avec la virgule pour séparateur.",
                row=1,
            )
        for cells in reader:
            decision = _decision(path.name, reader.line_num, cells, slugs)
            if decision.slug in decisions:
                raise InputError(
                    path.name,
                    "la cité a déjà une décision.",
                    "réunir les deux lignes.",
                    row=reader.line_num,
                    column="slug",
                    value=decision.slug,
                )
            decisions[decision.slug] = decision
    return decisions


def _decision(file: str, row: int, cells: list[str], slugs: Collection[str]) -> Decision:
    if len(cells) != len(_COLUMNS):
        raise InputError(
            file, f"la ligne a {len(cells)} cellule(s) au lieu de 4.", "entourer de guillemets.", row=row
        )
    slug, features, confidence, reason = cells
    tokens = tuple(features.split("|"))
    faults = {
        "slug": (slug not in slugs, "la cité n’est pas dans cites.csv.", "reprendre son identifiant."),
        "features": (
            not all(map(_TOKEN.fullmatch, tokens)) or len(set(tokens)) < len(tokens),
            "une surface n’est pas écrite comme attendu, ou l’est deux fois.",
            "écrire unesco:16A, element:94 ou lsm:362, séparés par «\u202f|\u202f».",
        ),
        "confidence": (
            confidence not in _CONFIDENCES,
            "la confiance est inconnue.",
            f"choisir parmi\u202f: {', '.join(_CONFIDENCES)}.",
        ),
        "reason": (not reason.strip(), "la raison est vide.", "dire pourquoi ce rattachement."),
    }
    for column, (wrong, rule, remedy) in faults.items():
        if wrong:
            raise InputError(file, rule, remedy, row, column, cells[_COLUMNS.index(column)])
    return Decision(slug, tokens, confidence == "certain", reason, file, row)
