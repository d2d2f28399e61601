"""A typology as one JSON document.

Belongs here: the keys that others may read, documented in ``as_document``. Does not: any figure.
"""

import json
from pathlib import Path
from typing import Any

import polars as pl

from observatory.files import write_atomic
from observatory.typology.analysis import Typology


def as_document(typology: Typology) -> dict[str, Any]:
    """Return the result of a typology, ready for JSON: no NaN, identifiers in increasing order.

    Keys:
        ``eigenvalues``: all of them. ``explained_variance``: share of each, in %.
        ``coordinates``: per individual, ``id``, ``axis_1``... on the kept axes.
        ``k``: number of classes.
        ``inertia_gains``: gain of between-class inertia from 1 to 2 classes, from 2 to 3... (n - 1).
        ``between_inertia_ratio``: share of inertia between classes, 0 to 1, ``before`` and ``after`` the
        consolidation (the same without it).
        ``classes``: per individual, ``id``, ``class`` (from 1, along axis 1), ``distance_to_own`` and
        ``distance_to_next``, to the centre of the class and to the closest other one, on the kept axes.
        ``description``: class -> every variable by decreasing v-test, with ``variable``, ``v_test``,
        ``mean_in_class``, ``overall_mean``, ``sd_in_class``, ``overall_sd`` (population deviations) and
        ``p_value``. FactoMineR lists those of them with a p-value of at most 0.05.
        ``eta2``: variable -> share of its variance that the classes explain.
        ``paragons``, ``specifics``: class -> the five individuals closest to its centre, and the five
        farthest from any other centre, as ``id`` and ``distance`` to that centre.
    """
    axes = typology.pca.coordinates.T
    coordinates = {"id": typology.matrix.ids, **{f"axis_{i}": axis for i, axis in enumerate(axes, start=1)}}
    classes = {
        "id": typology.matrix.ids,
        "class": typology.classes,
        "distance_to_own": typology.distance_to_own,
        "distance_to_next": typology.distance_to_next,
    }
    description = typology.classes_frame().sort(
        "class", "v_test", descending=[False, True], maintain_order=True
    )
    return {
        "eigenvalues": typology.pca.eigenvalues.tolist(),
        "explained_variance": typology.pca.explained_variance.tolist(),
        "coordinates": pl.DataFrame(coordinates).to_dicts(),
        "k": typology.n_classes,
        "inertia_gains": typology.inertia_gains.tolist(),
        "between_inertia_ratio": {"before": typology.between_before, "after": typology.between_after},
        "classes": pl.DataFrame(classes).to_dicts(),
        "description": by_class(
            description,
            [
                "variable",
                "v_test",
                "mean_in_class",
                "overall_mean",
                "sd_in_class",
                "overall_sd",
                "p_value",
            ],
        ),
        "eta2": dict(zip(typology.matrix.variables, typology.description.eta2.tolist(), strict=True)),
        "paragons": by_class(typology.paragons_frame(), ["id", "distance"]),
        "specifics": by_class(typology.specifics_frame(), ["id", "distance"]),
    }


def by_class(frame: pl.DataFrame, columns: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Rows of ``frame`` in lists, one per ``class`` (a text, as JSON wants of a key)."""
    groups = frame.partition_by("class", as_dict=True, maintain_order=True)
    return {str(label): rows.select(columns).to_dicts() for (label,), rows in groups.items()}


def write_document(document: dict[str, Any], path: Path) -> None:
    """Write ``document`` as JSON, whole or not at all.

    Raises:
        OSError: the place cannot be written.
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    write_atomic(path, f"{text}\n".encode())
