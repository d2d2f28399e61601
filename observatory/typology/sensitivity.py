"""How much the classes owe to the settings: each variable, the number of axes, the number of classes.

Belongs here: typologies redone with one setting changed, and how alike two partitions are.
Does not: other individuals (``stability``) or other values (``noise``).
"""

from dataclasses import replace

import numpy as np
import polars as pl
from scipy.optimize import linear_sum_assignment
from scipy.special import comb

from observatory.typology.analysis import Typology
from observatory.typology.matrix import TypologyError
from observatory.typology.stability import Procedure, crossed

_SCHEMA = {
    "perturbation": pl.String,
    "setting": pl.String,
    "adjusted_rand": pl.Float64,
    "share_moved": pl.Float64,
    "reason": pl.String,
}


def sensitivity_frame(typology: Typology) -> pl.DataFrame:
    """Compare a typology with those that one changed setting gives, on the same individuals.

    Settings: each variable left out in turn (same number of axes and classes), one or two axes fewer or
    more, one class fewer or more.

    Returns:
        One row per perturbation: ``perturbation`` (``variable``, ``axes`` or ``classes``); ``setting`` (the
        variable left out, or the number of axes or classes, as text); ``adjusted_rand`` (see
        ``adjusted_rand``); ``share_moved`` (see ``share_moved``, 0 to 1); ``reason`` (in French, why the
        two figures are null: the table does not allow that setting; null elsewhere).
    """
    procedure = Procedure.of(typology)
    values, variables = typology.matrix.values, typology.matrix.variables
    changed = [
        *(
            ("variable", name, np.delete(values, column, axis=1), procedure)
            for column, name in enumerate(variables)
        ),
        *(
            ("axes", str(count), values, replace(procedure, n_axes=count))
            for count in (procedure.n_axes + step for step in (-2, -1, 1, 2))
        ),
        *(
            ("classes", str(count), values, replace(procedure, n_classes=count))
            for count in (procedure.n_classes - 1, procedure.n_classes + 1)
        ),
    ]
    return pl.DataFrame(
        [
            (kind, setting, *_compared(typology, table, settings))
            for kind, setting, table, settings in changed
        ],
        schema=_SCHEMA,
        orient="row",
    )


def _compared(
    typology: Typology, values: np.ndarray, procedure: Procedure
) -> tuple[float | None, float | None, str | None]:
    try:
        found = procedure.run(values, typology.matrix.weights).classes
    except TypologyError as error:
        return None, None, error.rule
    return adjusted_rand(typology.classes, found), share_moved(typology.classes, found), None


def adjusted_rand(first: np.ndarray, second: np.ndarray) -> float:
    """Adjusted Rand index of two partitions of n individuals: 1 if equal, 0 on average by chance.

    Source: L. Hubert and P. Arabie, "Comparing partitions", Journal of Classification 2, 1985.

    Args:
        first: n classes, from 1.
        second: n classes of the same individuals, from 1, as many classes or not.
    """
    table = crossed(first, second)
    together = comb(table, 2).sum()
    in_first, in_second = comb(table.sum(axis=1), 2).sum(), comb(table.sum(axis=0), 2).sum()
    expected = in_first * in_second / comb(len(first), 2)
    largest = (in_first + in_second) / 2
    # Both partitions in one class, or both in singletons: they are equal.
    return 1.0 if largest == expected else float((together - expected) / (largest - expected))


def share_moved(first: np.ndarray, second: np.ndarray) -> float:
    """Share of the individuals, 0 to 1, whose class changes once classes are paired at best.

    Each class of one partition is paired with at most one class of the other, so that as many individuals
    as possible stay; those of a class without a partner have moved.

    Args:
        first: n classes, from 1.
        second: n classes of the same individuals, from 1, as many classes or not.
    """
    table = crossed(first, second)
    staying = table[linear_sum_assignment(table, maximize=True)].sum()
    return float(1 - staying / len(first))
