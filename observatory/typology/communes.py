"""The typology of the communes: which indicators feed it, from observations to the typology's tables.

Belongs here: the choice and transformation of the variables. Does not: the method (``analysis``).
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict

from observatory.tables import TYPOLOGY_CLASSES
from observatory.typology.analysis import Typology, classify

VARIABLES = Path(__file__).with_name("variables.yaml")
N_AXES = 5
"""Axes kept: those after the fifth carry less than the share of a single variable."""


class Variable(BaseModel):
    """One variable of the typology.

    Attributes:
        indicator: key of ``indicators.definitions``.
        transform: how the value enters the analysis.
        reason: why it is there, in French.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    indicator: str
    transform: Literal["none", "log", "log1p"] = "none"
    reason: str


class _Transform(NamedTuple):
    done: Callable[[pl.Expr], pl.Expr]
    undone: Callable[[pl.Expr], pl.Expr]


_TRANSFORMS = {
    "none": _Transform(lambda value: value, lambda value: value),
    "log": _Transform(lambda value: value.log(), lambda value: value.exp()),
    "log1p": _Transform(lambda value: value.log1p(), lambda value: value.exp() - 1),
}


@cache
def load_variables(path: Path = VARIABLES) -> tuple[Variable, ...]:
    """Return the variables of the typology, in the order of the file."""
    return tuple(Variable.model_validate(item) for item in yaml.safe_load(path.read_text(encoding="utf-8")))


def classify_communes(observations: pl.DataFrame) -> Typology:
    """Return the typology of the communes from the latest vintage of each variable.

    A commune without a published value that year is no ground for an older one: dates would mix.

    Args:
        observations: ``indicators.observations``.

    Raises:
        TypologyError: a variable has no observation, or a commune has no value for it.
    """
    variables = load_variables()
    latest = (
        observations.filter(
            (pl.col("territory_level") == "commune")
            & pl.col("indicator").is_in([variable.indicator for variable in variables])
        )
        .sort("vintage")
        .group_by("territory_code", "indicator")
        .last()
    )
    matrix = latest.pivot(
        on="indicator",
        on_columns=[variable.indicator for variable in variables],
        index="territory_code",
        values="value",
    ).select(
        pl.col("territory_code").alias("commune_code"),
        *(
            _TRANSFORMS[variable.transform].done(pl.col(variable.indicator)).alias(variable.indicator)
            for variable in variables
        ),
    )
    return classify(matrix, "commune_code", [variable.indicator for variable in variables], n_axes=N_AXES)


def describe_classes(typology: Typology) -> pl.DataFrame:
    """Return ``typology.classes`` with means in the indicators' units.

    For a variable that enters as a logarithm, means are geometric (the logarithm undone) and standard
    deviations stay those of the logarithm.
    """
    frame = typology.classes_frame()
    for variable in load_variables():
        frame = frame.with_columns(
            pl.when(pl.col("variable") == variable.indicator)
            .then(_TRANSFORMS[variable.transform].undone(pl.col(name)))
            .otherwise(pl.col(name))
            .alias(name)
            for name in ("mean_in_class", "overall_mean")
        )
    return TYPOLOGY_CLASSES.conform(frame)
