"""Individuals and variables that the typology places without being changed by them.

Belongs here: projection on the axes, class of the nearest centre, description by other variables.
Does not: individuals followed from one date to another (``trajectories``).
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from observatory.typology.analysis import Typology
from observatory.typology.description import describe, distances_to, own_and_next
from observatory.typology.matrix import TypologyError, read_ids, read_values
from observatory.typology.ties import first_smallest


def place_individuals(
    typology: Typology, frame: pl.DataFrame, id_column: str, *, missing_as_mean: bool = False
) -> pl.DataFrame:
    """Place other individuals with the means, standard deviations, axes and centres of ``typology``.

    Args:
        typology: the typology, that nothing here changes.
        frame: one row per supplementary individual, with the variables of the typology in their units.
        id_column: column of unique identifiers.
        missing_as_mean: take a missing value for the mean of the active individuals, which weighs on no
            axis, as FactoMineR does; the variables concerned are in column ``missing``.

    Returns:
        One row per individual, in the order of ``frame``: ``id``; ``axis_1``...; ``class`` of the nearest
        centre (the first of equals); ``distance_to_own`` and ``distance_to_next``, to that centre and the
        closest other one, on the kept axes; ``missing``, list of the variables without a value.

    Raises:
        TypologyError: a column is absent or not numeric, a value is infinite, or missing where that is not
            allowed, or all are missing; an identifier is missing or repeated.
    """
    ids = read_ids(frame, id_column)
    values = read_values(frame, ids, typology.matrix.variables, missing_allowed=missing_as_mean)
    absent = np.isnan(values)
    if absent.all(axis=1).any():
        row = int(absent.all(axis=1).argmax())
        raise TypologyError(
            "toutes les valeurs manquent.", "retirez la ligne.", identifier=str(ids[row]), row=row + 1
        )
    coordinates = typology.pca.project(np.where(absent, typology.pca.means, values))
    distances = distances_to(typology.centres, coordinates)
    labels = first_smallest(distances)
    own, following = own_and_next(distances, labels)
    variables = np.array(typology.matrix.variables)
    return pl.DataFrame(
        {
            "id": ids,
            **{f"axis_{axis}": column for axis, column in enumerate(coordinates.T, start=1)},
            "class": labels + 1,
            "distance_to_own": own,
            "distance_to_next": following,
            "missing": pl.Series([variables[row].tolist() for row in absent], dtype=pl.List(pl.String)),
        }
    )


def describe_by(
    typology: Typology, frame: pl.DataFrame, id_column: str, variables: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Describe axes and classes by supplementary variables of the same individuals.

    Args:
        typology: the typology, that nothing here changes.
        frame: the individuals of the typology, in any order.
        id_column: column of their identifiers.
        variables: numeric columns, complete.

    Returns:
        Two frames. Axes: ``variable`` and its correlation with each kept axis (``axis_1``...). Classes: one
        row per ``class`` and ``variable``, with the columns of ``typology.classes``, and the ``eta2`` of
        the variable.

    Raises:
        TypologyError: the individuals are not those of the typology, a column is absent, constant or not
            numeric, a value is missing or infinite.
    """
    ids = read_ids(frame, id_column)
    if not ids.sort().equals(typology.matrix.ids, check_names=False):
        raise TypologyError(
            "les individus ne sont pas ceux de la typologie.", "donnez les mêmes lignes.", column=id_column
        )
    values = read_values(frame, ids, variables)[ids.arg_sort().to_numpy()]
    for name, column in zip(variables, values.T, strict=True):
        if np.ptp(column) == 0:
            raise TypologyError("la variable est constante.", "retirez-la.", column=name)
    weights = typology.matrix.weights
    found = describe(values, typology.classes, weights)
    masses = np.ones(len(values)) if weights is None else weights
    means = masses @ values / len(values)
    sds = np.sqrt(masses @ (values - means) ** 2 / len(values))
    scores = typology.pca.coordinates / np.sqrt(typology.pca.eigenvalues[: typology.pca.coordinates.shape[1]])
    correlations = ((values - means) / sds * masses[:, None]).T @ scores / len(values)
    axes = {f"axis_{axis}": column for axis, column in enumerate(correlations.T, start=1)}
    k = typology.n_classes
    classes = {
        "class": np.repeat(np.arange(1, k + 1), len(variables)),
        "variable": list(variables) * k,
        "v_test": found.v_tests.ravel(),
        "p_value": found.p_values.ravel(),
        "mean_in_class": found.means.ravel(),
        "overall_mean": np.tile(means, k),
        "sd_in_class": found.sds.ravel(),
        "overall_sd": np.tile(sds, k),
        "eta2": np.tile(found.eta2, k),
    }
    return pl.DataFrame({"variable": list(variables), **axes}), pl.DataFrame(classes)
