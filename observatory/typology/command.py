"""The typology of a CSV file, as the command ``observatory typology`` gives it.

Belongs here: which columns play which part, and what is too long to compute. Does not: reading of the
options (``assets``), the method.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from observatory.errors import InputError
from observatory.typology.analysis import Typology, classify
from observatory.typology.files import CsvTable, read_table
from observatory.typology.matrix import TypologyError
from observatory.typology.result import as_document, by_class
from observatory.typology.stability import bootstrap_jaccard
from observatory.typology.supplementary import describe_by, place_individuals
from observatory.typology.tree import Criterion

MAX_CLASSES = 10
"""Largest number of classes tried where nobody says."""
BOOTSTRAP, SEED = 100, 2026
BOOTSTRAP_ROWS = 5_000
"""Above this many rows, a hundred trees on two thirds of them take minutes: only if asked for."""


@dataclass(frozen=True)
class Request:
    """What to analyse and how.

    Attributes:
        table: CSV file of the active individuals; each column without another part is an active variable.
        id_column: column of identifiers.
        n_axes: axes kept; ``None`` for five, or all if fewer.
        n_classes: number of classes; ``None`` lets ``criterion`` choose.
        criterion: see ``choose_classes``.
        min_classes: smallest number of classes tried.
        max_classes: largest; ``None`` for ten, or the number of rows less one.
        consolidated: whether k-means follows the tree.
        weights: column of weights.
        supplementary: CSV file of supplementary individuals, with the columns of the active variables.
        supplementary_variables: columns of ``table`` that describe without taking part.
        bootstrap: draws of the stability; ``None`` for a hundred, or none above 5,000 rows.
    """

    table: Path
    id_column: str
    n_axes: int | None = None
    n_classes: int | None = None
    criterion: Criterion = "within"
    min_classes: int = 3
    max_classes: int | None = None
    consolidated: bool = True
    weights: str | None = None
    supplementary: Path | None = None
    supplementary_variables: tuple[str, ...] = ()
    bootstrap: int | None = None


def analyse(request: Request) -> dict[str, Any]:
    """Return the document of ``request``: the keys of ``as_document`` and those below.

    Keys:
        ``stability``: class -> mean bootstrap Jaccard similarity (0 to 1), or null.
        ``stability_note``: why it is null, in French; absent otherwise.
        ``supplementary_individuals``: as ``coordinates`` and ``classes`` together, if some are given.
        ``supplementary_variables``: ``axes`` (per variable, correlation with ``axis_1``...), ``description``
        and ``eta2`` as for the active variables, if some are named.

    Raises:
        InputError: a file, or a table in it, does not allow the typology; names column and line.
        TypologyError: a setting does not.
    """
    table = read_table(request.table, request.id_column)
    apart = {request.id_column, request.weights, *request.supplementary_variables}
    variables = [name for name in table.frame.columns if name not in apart]
    maximum = request.max_classes or max(min(MAX_CLASSES, table.frame.height - 1), request.min_classes)
    with table.naming_lines():
        typology = classify(
            table.frame,
            request.id_column,
            variables,
            n_axes=request.n_axes,
            n_classes=request.n_classes,
            criterion=request.criterion,
            minimum=request.min_classes,
            maximum=maximum,
            consolidated=request.consolidated,
            weights=request.weights,
        )
    return {
        **as_document(typology),
        **_stability(typology, request.bootstrap),
        **_supplementary_individuals(typology, request),
        **_supplementary_variables(typology, table, request),
    }


def _stability(typology: Typology, bootstrap: int | None) -> dict[str, Any]:
    n = len(typology.matrix.ids)
    note = None
    if bootstrap == 0:
        note = "Non calculée : aucun tirage demandé."
    elif bootstrap is None and n > BOOTSTRAP_ROWS:
        rows = f"{BOOTSTRAP_ROWS:_}".replace("_", "\u202f")
        note = (
            f"Non calculée : au-delà de {rows} lignes, les tirages prennent plusieurs minutes ; "
            "demandez-les avec --bootstrap."
        )
    if note is not None:
        labels = range(1, typology.n_classes + 1)
        return {"stability": {str(label): None for label in labels}, "stability_note": note}
    draws = BOOTSTRAP if bootstrap is None else bootstrap
    found = bootstrap_jaccard(typology, draws, SEED)
    return {"stability": {str(label): value for label, value in found.items()}}


def _supplementary_individuals(typology: Typology, request: Request) -> dict[str, Any]:
    if request.supplementary is None:
        return {}
    table = read_table(request.supplementary, request.id_column)
    with table.naming_lines():
        placed = place_individuals(typology, table.frame, request.id_column)
        _refuse_known(placed["id"], typology, table)
    return {"supplementary_individuals": placed.drop("missing").to_dicts()}


def _refuse_known(ids: pl.Series, typology: Typology, table: CsvTable) -> None:
    known = ids.is_in(typology.matrix.ids.to_list()).arg_true()
    if len(known):
        raise InputError(
            table.name,
            f"« {ids[known[0]]} » est déjà un individu actif.",
            "retirez-le de l’un des deux fichiers.",
            row=table.lines[known[0]],
        )


def _supplementary_variables(typology: Typology, table: CsvTable, request: Request) -> dict[str, Any]:
    names = list(request.supplementary_variables)
    if not names:
        return {}
    if len(set(names)) < len(names) or {request.id_column, request.weights} & set(names):
        raise TypologyError(
            "une variable supplémentaire a déjà un autre rôle, ou est nommée deux fois.",
            "ne donnez qu’un rôle à chaque colonne.",
        )
    with table.naming_lines():
        axes, classes = describe_by(typology, table.frame, request.id_column, names)
    columns = [name for name in classes.columns if name not in ("class", "eta2")]
    ordered = classes.sort("class", "v_test", descending=[False, True], maintain_order=True)
    eta2 = dict(classes.filter(pl.col("class") == 1).select("variable", "eta2").iter_rows())
    return {
        "supplementary_variables": {
            "axes": axes.to_dicts(),
            "description": by_class(ordered, columns),
            "eta2": eta2,
        }
    }
