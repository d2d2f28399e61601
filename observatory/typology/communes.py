"""The typology of the communes: which indicators feed it, and the communes that it places.

Belongs here: the choice and transformation of the variables, from observations to a typology.
Does not: the method (``analysis``), the tables made of the result (``commune_tables``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict

from observatory.typology.analysis import Typology, classify
from observatory.typology.matrix import TypologyError
from observatory.typology.supplementary import place_individuals
from observatory.typology.trajectories import Trajectories, trace

VARIABLES = Path(__file__).with_name("variables.yaml")
N_AXES = 4
"""Axes kept: on fifteen variables, those whose eigenvalue passes that of a single one, 1 (Kaiser)."""
CLASSES = (4, 10)
"""Bounds of the number of classes. Three classes only cut the first axis, from ease to hardship."""
TRAJECTORY_CLASSES = (3, 10)
"""The same for the trajectories: four classes of the variables that two dates share do not hold."""
COVERAGE = 0.95
"""Share of the communes that must have a value of an active variable; the others are placed afterwards."""

ID = "commune_code"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Variable(_Frozen):
    """One variable of the typology.

    Attributes:
        indicator: key of ``indicators.definitions``.
        transform: how the value enters the analysis.
        role: whether it makes the classes or only describes them.
        unless: indicator that stands in its place where the run has it.
        trajectory: its vintages at the other date and at the reference date, if it is followed through time.
        current_euros: through time, compared to the mean of the communes of the same year.
        reason: why it is there, in French.
    """

    indicator: str
    transform: Literal["none", "log", "log1p"] = "none"
    role: Literal["active", "supplementary"] = "active"
    unless: str | None = None
    trajectory: tuple[int, int] | None = None
    current_euros: bool = False
    reason: str


class Dates(_Frozen):
    """The years of the reading through time."""

    reference: int
    other: int


class Choice(_Frozen):
    """What the typology is made of."""

    trajectory: Dates
    variables: tuple[Variable, ...]


class _Transform(NamedTuple):
    done: Callable[[pl.Expr], pl.Expr]
    undone: Callable[[pl.Expr], pl.Expr]


TRANSFORMS = {
    "none": _Transform(lambda value: value, lambda value: value),
    "log": _Transform(lambda value: value.log(), lambda value: value.exp()),
    "log1p": _Transform(lambda value: value.log1p(), lambda value: value.exp() - 1),
}
"""How values enter the analysis, and come back to their units."""


@dataclass(frozen=True, eq=False)
class CommuneTypology:
    """The typology of the communes and what it leaves aside.

    Attributes:
        typology: that of the communes that have every active variable.
        choice: the variables of the catalogue.
        values: one row per commune, column ``commune_code`` and one per variable at hand, transformed.
        vintages: variable -> its vintage, for the variables at hand.
        placed: the other communes, as ``place_individuals`` gives them.
        unplaced: those that have no active variable at all, and no class.
        left_out: variable -> why it is not in the analysis, in French.
    """

    typology: Typology
    choice: Choice
    values: pl.DataFrame
    vintages: dict[str, int]
    placed: pl.DataFrame
    unplaced: tuple[str, ...]
    left_out: dict[str, str]

    @property
    def supplementary(self) -> tuple[str, ...]:
        """Variables that only describe the classes."""
        return tuple(
            one.indicator
            for one in self.choice.variables
            if one.role == "supplementary" and one.indicator in self.vintages
        )


@cache
def load_choice(path: Path = VARIABLES) -> Choice:
    """Return what the typology is made of, in the order of the file."""
    return Choice.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def classify_communes(observations: pl.DataFrame) -> CommuneTypology:
    """Return the typology of the communes from the latest vintage of each variable that covers them.

    A variable that more than one commune in twenty lacks at each vintage, or that another replaces, is left
    out and said. A commune without a published value of an active variable is no ground for an older one,
    which would mix dates: it is placed afterwards, the missing values at the mean, and changes nothing. A
    zero whose logarithm would enter, such as the jobs of a commune that has none, is no value. A commune
    without any value is listed, and has no class.

    Args:
        observations: ``indicators.observations``.

    Raises:
        TypologyError: a variable is constant or infinite, or fewer than two can enter the analysis.
    """
    choice = load_choice()
    found = _commune_observations(observations, choice)
    known, communes = found.drop_nulls("value"), found["territory_code"].n_unique()
    latest = _latest(known, communes)
    left_out = _left_out(choice, known, latest, communes)
    used = [one for one in choice.variables if one.indicator not in left_out]
    values = _wide(found, {one.indicator: latest[one.indicator] for one in used}, used)
    active = [one.indicator for one in used if one.role == "active"]
    whole = values.drop_nulls(active)
    typology = classify(whole, ID, active, n_axes=N_AXES, minimum=CLASSES[0], maximum=CLASSES[1])
    others = values.join(whole, on=ID, how="anti").sort(ID)
    blank = pl.all_horizontal(pl.col(active).is_null())
    return CommuneTypology(
        typology,
        choice,
        values,
        {one.indicator: latest[one.indicator] for one in used},
        place_individuals(typology, others.filter(~blank), ID, missing_as_mean=True),
        tuple(others.filter(blank)[ID]),
        left_out,
    )


def follow_communes(observations: pl.DataFrame) -> Trajectories | None:
    """Return the communes followed between the two dates of the choice; None where a date is not there.

    A typology of its own, on the variables that both dates have: axes and centres are those of the reference
    date, on which the other date is placed. Amounts in current euros are set against the mean of the communes
    of the same year, those followed.

    Raises:
        TypologyError: a variable is constant or infinite.
    """
    choice = load_choice()
    used = [one for one in choice.variables if one.trajectory is not None]
    found = _commune_observations(observations, choice)
    at_hand = set(found.drop_nulls("value").select("indicator", "vintage").unique().iter_rows())
    if not all((one.indicator, year) in at_hand for one in used for year in one.trajectory or ()):
        return None
    other, reference = (
        _wide(found, {one.indicator: one.trajectory[place] for one in used if one.trajectory}, used)
        for place in (0, 1)
    )
    names = [one.indicator for one in used]
    both = reference.drop_nulls(names).join(other.drop_nulls(names), on=ID, how="semi")[ID].to_list()
    euros = [one.indicator for one in used if one.current_euros]
    reference, other = (
        frame.filter(pl.col(ID).is_in(both)).with_columns(
            pl.col(name) / pl.col(name).mean() * 100 for name in euros
        )
        for frame in (reference, other)
    )
    low, high = TRAJECTORY_CLASSES
    typology = classify(reference, ID, names, n_axes=N_AXES, minimum=low, maximum=high)
    return trace(
        typology,
        other,
        ID,
        reference_year=choice.trajectory.reference,
        other_year=choice.trajectory.other,
    )


def _commune_observations(observations: pl.DataFrame, choice: Choice) -> pl.DataFrame:
    found = observations.filter(
        pl.col("territory_level") == "commune",
        pl.col("indicator").is_in([one.indicator for one in choice.variables]),
    )
    if found.is_empty():
        raise TypologyError("la table a 0 ligne.", "relancez le calcul des indicateurs.")
    logarithms = [one.indicator for one in choice.variables if one.transform == "log"]
    zero = pl.col("indicator").is_in(logarithms) & (pl.col("value") == 0)
    return found.with_columns(value=pl.when(~zero).then("value"))


def _latest(known: pl.DataFrame, communes: int) -> dict[str, int]:
    """Return, for each variable, the latest vintage that enough communes have, or else the latest."""
    counted = known.group_by("indicator", "vintage").agg(covers=pl.len() >= COVERAGE * communes)
    chosen = counted.sort("covers", "vintage").group_by("indicator").agg(pl.last("vintage"))
    return dict(chosen.iter_rows())


def _left_out(choice: Choice, known: pl.DataFrame, latest: dict[str, int], communes: int) -> dict[str, str]:
    """Return the variables that cannot enter, or that one which can replaces, and why in French."""
    left_out: dict[str, str] = {}
    for one in choice.variables:
        count = known.filter(
            pl.col("indicator") == one.indicator, pl.col("vintage") == latest.get(one.indicator, 0)
        ).height
        if not count:
            left_out[one.indicator] = "la source n’est pas dans cette édition"
        elif one.role == "active" and count < COVERAGE * communes:
            left_out[one.indicator] = f"{communes - count} communes sur {communes} n’ont pas de valeur"
    replaced = {
        one.indicator: f"remplacée par « {one.unless} »"
        for one in choice.variables
        if one.unless is not None and one.unless not in left_out
    }
    return left_out | replaced


def _wide(found: pl.DataFrame, vintages: dict[str, int], used: list[Variable]) -> pl.DataFrame:
    """Return one row per commune and the transformed value of each variable at its vintage."""
    names = [one.indicator for one in used]
    year = pl.col("indicator").replace_strict(vintages, default=None, return_dtype=pl.Int32)
    communes = found.select(pl.col("territory_code").alias(ID)).unique()
    wide = found.filter(pl.col("vintage") == year).pivot(
        on="indicator", on_columns=names, index="territory_code", values="value"
    )
    return (
        communes.join(wide.rename({"territory_code": ID}), on=ID, how="left")
        .with_columns(
            TRANSFORMS[one.transform].done(pl.col(one.indicator)).alias(one.indicator) for one in used
        )
        .sort(ID)
    )
