"""From a frame to the matrix of a typology, or to an error that names the column and the row.

Belongs here: every rule that the input must keep. Does not: any statistics.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from observatory.errors import ObservatoryError

# Above this, squares and their sums may overflow: no socio-economic figure comes near.
_LARGEST = 1e100
# A spread below this share of the values is rounding, not variation.
_CONSTANT = 1e-12
# Standardised columns closer than this everywhere are the same column, whatever its unit.
_DUPLICATE = 1e-9
# Only columns correlated more than this can be.
_CLOSE = 1 - 1e-9


@dataclass(eq=False)
class TypologyError(ObservatoryError):
    """A table or a setting that does not allow a typology.

    Attributes:
        rule: what is wrong, in French.
        remedy: what to do about it, in French.
        column: column at fault, when there is one.
        identifier: identifier of the row at fault, when there is one.
        row: position of that row in the table, from 1, header not counted.
    """

    rule: str
    remedy: str
    column: str | None = None
    identifier: str | None = None
    row: int | None = None

    def __str__(self) -> str:
        place = ["typologie"]
        if self.column is not None:
            place.append(f"colonne « {self.column} »")
        if self.identifier is not None:
            place.append(f"identifiant « {self.identifier} »")
        if self.row is not None:
            place.append(f"ligne {self.row} (hors en-tête)")
        return f"{', '.join(place)} : {self.rule} Que faire : {self.remedy}"


@dataclass(frozen=True, eq=False)
class TypologyMatrix:
    """A complete numeric table, rows in the order of the identifiers.

    Attributes:
        ids: n identifiers, sorted, with the type they had.
        variables: p names.
        values: n×p, in the units of the variables.
        weights: n positive weights of mean 1; ``None`` where each row counts the same.
    """

    ids: pl.Series
    variables: tuple[str, ...]
    values: np.ndarray
    weights: np.ndarray | None = None


def read_matrix(
    frame: pl.DataFrame, id_column: str, variables: Sequence[str], weights: str | None = None
) -> TypologyMatrix:
    """Check ``frame`` and return its matrix, sorted by identifier.

    Args:
        frame: one row per individual.
        id_column: column of unique identifiers.
        variables: at least two numeric columns, without missing value.
        weights: column of positive weights, of any sum; ``None`` to count each row the same.

    Raises:
        TypologyError: a column is absent, repeated, not numeric, constant or the copy of another, a value
            is missing or infinite, an identifier is missing or repeated, a weight is zero or negative.
    """
    _check_variables(frame, variables)
    ids = read_ids(frame, id_column)
    values = read_values(frame, ids, variables)
    _check_spread(values, variables)
    order = ids.arg_sort().to_numpy()
    masses = None if weights is None else _read_weights(frame, ids, weights)[order]
    return TypologyMatrix(ids.sort(), tuple(variables), values[order], masses)


def read_ids(frame: pl.DataFrame, id_column: str) -> pl.Series:
    """Return the identifiers of ``frame``, in its order.

    Raises:
        TypologyError: the column is absent, an identifier is missing or repeated.
    """
    _check_presence(frame, [id_column])
    ids = frame[id_column]
    _check_ids(ids)
    return ids


def read_values(
    frame: pl.DataFrame, ids: pl.Series, names: Sequence[str], *, missing_allowed: bool = False
) -> np.ndarray:
    """Return the columns ``names`` as n×p floats, in the order of the rows (NaN where a value is missing).

    Raises:
        TypologyError: a column is absent or not numeric, a value is infinite, or missing where that is not
            allowed.
    """
    _check_presence(frame, names)
    columns = [frame[name] for name in names]
    for column in columns:
        if not column.dtype.is_numeric():
            raise _not_numeric(column, ids)
    values = np.column_stack([column.cast(pl.Float64).to_numpy() for column in columns])
    _check_values(values, ids, names, missing_allowed)
    return values


def _read_weights(frame: pl.DataFrame, ids: pl.Series, name: str) -> np.ndarray:
    weights = read_values(frame, ids, [name])[:, 0]
    if not (weights > 0).all():
        row = int((weights <= 0).argmax())
        raise TypologyError(
            "le poids est nul ou négatif.",
            "donnez un poids positif, ou placez la ligne en individu supplémentaire.",
            name,
            str(ids[row]),
            row + 1,
        )
    return np.asarray(weights / weights.mean())


def _check_presence(frame: pl.DataFrame, names: Sequence[str]) -> None:
    for name in names:
        if name not in frame.columns:
            raise TypologyError(
                "la table n’a pas cette colonne.", "vérifiez le nom de la colonne.", column=name
            )


def _check_variables(frame: pl.DataFrame, variables: Sequence[str]) -> None:
    if len(variables) < 2:
        raise TypologyError(
            f"l’analyse demande au moins deux variables, {len(variables)} reçue(s).",
            "ajoutez des variables.",
        )
    for position, name in enumerate(variables):
        if name in variables[:position]:
            raise TypologyError(
                "la variable est demandée deux fois.", "ne la nommez qu’une fois.", column=name
            )
    if frame.height < 2:
        raise TypologyError(
            f"la table compte {frame.height} ligne(s), il en faut au moins deux.", "ajoutez des lignes."
        )


def _check_ids(ids: pl.Series) -> None:
    if ids.null_count():
        row = ids.is_null().arg_true()[0]
        raise TypologyError(
            "l’identifiant manque.", "donnez un identifiant à chaque ligne.", ids.name, row=row + 1
        )
    if ids.n_unique() < len(ids):
        repeated = ids.is_duplicated().arg_true()
        row = next(row for row in repeated[1:] if ids[row] == ids[repeated[0]])
        raise TypologyError(
            "l’identifiant est déjà celui d’une ligne précédente.",
            "gardez une seule ligne par identifiant.",
            ids.name,
            str(ids[row]),
            row + 1,
        )


def _not_numeric(column: pl.Series, ids: pl.Series) -> TypologyError:
    """Error for a column that is not numeric, with the first of its texts that is no number."""
    error = TypologyError(
        "la colonne n’est pas numérique.", "convertissez-la en nombres ou retirez-la.", column.name
    )
    if column.dtype == pl.String:
        rows = (column.is_not_null() & column.cast(pl.Float64, strict=False).is_null()).arg_true()
        if len(rows):
            error.identifier, error.row = str(ids[rows[0]]), rows[0] + 1
    return error


def _check_values(
    values: np.ndarray, ids: pl.Series, variables: Sequence[str], missing_allowed: bool
) -> None:
    """Refuse the first missing or infinite value, columns in their order."""
    for faulty, rule, remedy in (
        (
            np.isnan(values) & (not missing_allowed),
            "la valeur manque",
            "complétez-la, ou retirez la ligne ou la variable.",
        ),
        (np.abs(values) > _LARGEST, "la valeur est infinie ou démesurée", "corrigez-la ou retirez la ligne."),
    ):
        if faulty.any():
            column, row = (int(position) for position in np.argwhere(faulty.T)[0])
            others = int(faulty[:, column].sum()) - 1
            also = f" ({others} autre(s) ligne(s) dans ce cas)" if others else ""
            raise TypologyError(f"{rule}{also}.", remedy, variables[column], str(ids[row]), row + 1)


def _check_spread(values: np.ndarray, variables: Sequence[str]) -> None:
    sds = values.std(axis=0)
    constant = sds <= _CONSTANT * np.abs(values).max(axis=0)
    if constant.any():
        raise TypologyError(
            "la variable est constante : elle ne distingue aucune ligne.",
            "retirez-la.",
            column=variables[int(constant.argmax())],
        )
    standardised = (values - values.mean(axis=0)) / sds
    # Correlation alone is not precise enough to tell equal columns from close ones.
    correlations = standardised.T @ standardised / len(values)
    for later, former in np.argwhere(np.tril(correlations, -1) > _CLOSE):
        if np.abs(standardised[:, former] - standardised[:, later]).max() < _DUPLICATE:
            raise TypologyError(
                f"la variable répète « {variables[former]} », à l’unité près : "
                "l’information compterait double.",
                "retirez l’une des deux.",
                column=variables[later],
            )
