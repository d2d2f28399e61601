"""Tables of the warehouse's schema ``typology``, made of the typology of the communes and its trajectories.

Belongs here: results to rows, back to the units of the indicators. Does not: any choice or method.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl

from observatory.tables import typology as tables
from observatory.tables.typology import TYPOLOGY_TABLES
from observatory.typology.communes import ID, TRANSFORMS, Choice, CommuneTypology
from observatory.typology.comparable import comparable_communes
from observatory.typology.description import describe, distances_to
from observatory.typology.noise import Noise, NoiseMoves, moves_from_noise, residual_noise, share_sampling_sd
from observatory.typology.portraits import Portrait, match_portraits
from observatory.typology.sensitivity import sensitivity_frame
from observatory.typology.stability import chance_frame, stability_frame
from observatory.typology.ties import first_smallest
from observatory.typology.trajectories import Trajectories

DRAWS = 500
"""Draws of the bootstrap: the standard error of a class's similarity is then about 0.01."""
RANDOM_TABLES = TABLE_DRAWS = 20
"""Random tables, and draws of each, that the classes are set against."""
BUDGET = 1_000_000
"""Communes that the bootstrap may draw, all draws together: five hundred draws of two thousand communes.

A draw takes as long as there are communes: those of France take five seconds each."""
FEWEST_DRAWS, FEWEST_TABLES, FEWEST_TABLE_DRAWS = 50, 10, 5
"""The least of each, whatever the number of communes: a standard error of about 0.03, a p-value of 0.09."""
EXAMPLES = 5
NEIGHBOURS = 5
LARGE = 10_000
"""Inhabitants from which the census surveys two addresses in five; below, every dwelling over five years."""
LARGE_RATE = 0.4


class Effort(NamedTuple):
    """How much is drawn to judge the classes.

    Attributes:
        draws: draws of the bootstrap.
        tables: random tables.
        table_draws: draws of each random table.
    """

    draws: int
    tables: int
    table_draws: int


FULL = Effort(DRAWS, RANDOM_TABLES, TABLE_DRAWS)


def effort(communes: int) -> Effort:
    """Return what so many active communes are judged by, within ``BUDGET``; ``typology.effort`` says it."""
    share = BUDGET / (DRAWS * communes)
    if share >= 1:
        return FULL
    least = (FEWEST_DRAWS, FEWEST_TABLES, FEWEST_TABLE_DRAWS)
    return Effort(*(max(fewest, round(share * full)) for fewest, full in zip(least, FULL, strict=True)))


def typology_tables(found: CommuneTypology, portraits: tuple[Portrait, ...]) -> dict[str, pl.DataFrame]:
    """Return the tables of the typology proper, by qualified name.

    Args:
        found: the typology of the communes.
        portraits: what the analysts wrote of the classes.
    """
    typology = found.typology
    members = _members(found)
    judged = effort(len(typology.classes))
    frames = {
        tables.TYPOLOGY_COMMUNES: members.select(list(tables.TYPOLOGY_COMMUNES.polars_schema)),
        tables.TYPOLOGY_UNPLACED: pl.DataFrame({ID: found.unplaced}, schema={ID: pl.String}).with_columns(
            reason=pl.lit("aucune variable active n’y a de valeur")
        ),
        tables.TYPOLOGY_CLASSES: _classes(found),
        tables.TYPOLOGY_AXES: typology.axes_frame(),
        tables.TYPOLOGY_VARIABLES: _variables(found),
        tables.TYPOLOGY_TREE: _tree(found),
        tables.TYPOLOGY_EXAMPLES: _examples(found),
        tables.TYPOLOGY_NEIGHBOURS: _neighbours(members, found),
        tables.TYPOLOGY_STABILITY: stability_frame(typology, judged.draws),
        tables.TYPOLOGY_CHANCE: chance_frame(typology, judged.tables, judged.table_draws),
        tables.TYPOLOGY_EFFORT: pl.DataFrame(
            {
                "judgement": ["stability", "chance"],
                "communes": len(typology.classes),
                "tables": [1, judged.tables],
                "draws": [judged.draws, judged.table_draws],
                "reduced": judged != FULL,
            }
        ),
        tables.TYPOLOGY_SENSITIVITY: sensitivity_frame(typology),
        tables.TYPOLOGY_PORTRAITS: match_portraits(
            portraits, dict(members.group_by("class").agg(pl.col(ID)).sort("class").iter_rows())
        ),
    }
    return {table.qualified_name: table.conform(frame) for table, frame in frames.items()}


def trajectory_tables(
    followed: Trajectories | None, choice: Choice, observations: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """Return the tables of the communes followed through time, by qualified name; empty if there are none.

    Args:
        followed: the communes at both dates.
        choice: the variables of the catalogue.
        observations: ``indicators.observations``, for what the census sampled.
    """
    if followed is None:
        empty = [table for table in TYPOLOGY_TABLES if table.name.startswith("trajectory_")]
        return {table.qualified_name: pl.DataFrame(schema=table.polars_schema) for table in empty}
    high = moves_from_noise(followed, residual_noise(followed))
    low = moves_from_noise(followed, _sampling_noise(followed, choice, observations))
    individuals = followed.individuals_frame().join(
        high.individuals_frame().rename({"probability": "noise_probability"}), on="id"
    )
    frames = {
        tables.TRAJECTORY_COMMUNES: individuals.rename({"id": ID}).select(
            list(tables.TRAJECTORY_COMMUNES.polars_schema)
        ),
        tables.TRAJECTORY_CLASSES: _in_units(followed.reference.classes_frame(), choice),
        tables.TRAJECTORY_FLOWS: _raw_and_net(followed.flows_frame),
        tables.TRAJECTORY_DRIVERS: _raw_and_net(followed.contributions_frame).rename({"id": ID}),
        tables.TRAJECTORY_SHIFT: followed.shift_frame(),
        tables.TRAJECTORY_NOISE: pl.concat([_noise("low", low), _noise("high", high)]),
    }
    return {table.qualified_name: table.conform(frame) for table, frame in frames.items()}


def _members(found: CommuneTypology) -> pl.DataFrame:
    """Return every commune, active or placed, with its class and its coordinates on the kept axes."""
    active = found.typology.individuals_frame().with_columns(
        role=pl.lit("active"), missing=pl.lit([], dtype=pl.List(pl.String))
    )
    placed = found.placed.with_columns(role=pl.lit("placed"))
    members = pl.concat([active, placed.select(active.columns)]).rename({"id": ID}).sort(ID)
    distances = distances_to(found.typology.centres, _coordinates(members, found))
    distances[np.arange(len(distances)), members["class"].to_numpy() - 1] = np.inf
    return members.with_columns(next_class=first_smallest(distances) + 1)


def _coordinates(members: pl.DataFrame, found: CommuneTypology) -> np.ndarray:
    axes = found.typology.pca.coordinates.shape[1]
    return members.select(f"axis_{axis}" for axis in range(1, axes + 1)).to_numpy()


def _classes(found: CommuneTypology) -> pl.DataFrame:
    active = found.typology.classes_frame().with_columns(role=pl.lit("active"))
    others = [
        _described(found, name)[0].with_columns(role=pl.lit("supplementary")) for name in found.supplementary
    ]
    return _in_units(pl.concat([active, *(frame.select(active.columns) for frame in others)]), found.choice)


def _described(found: CommuneTypology, name: str) -> tuple[pl.DataFrame, float, np.ndarray]:
    """Return how a supplementary variable describes classes and axes, over the communes that have it."""
    typology = found.typology
    column = found.values.join(typology.individuals_frame(), left_on=ID, right_on="id").drop_nulls(name)
    # A class none of whose communes has the variable is not described by it.
    labels, ranks = np.unique(column["class"].to_numpy(), return_inverse=True)
    values, k = column.select(name).to_numpy(), len(labels)
    description = describe(values, ranks + 1)
    frame = pl.DataFrame(
        {
            "class": labels,
            "variable": [name] * k,
            "v_test": description.v_tests[:, 0],
            "p_value": description.p_values[:, 0],
            "mean_in_class": description.means[:, 0],
            "overall_mean": np.full(k, values.mean()),
            "sd_in_class": description.sds[:, 0],
            "overall_sd": np.full(k, values.std()),
        }
    )
    axes = column.select("axis_1", "axis_2").to_numpy()
    correlations = np.array([np.corrcoef(values[:, 0], axis)[0, 1] for axis in axes.T])
    return frame, float(description.eta2[0]), correlations


def _variables(found: CommuneTypology) -> pl.DataFrame:
    known = found.typology.variables_frame().join(
        found.typology.eta2_frame().select("variable", "eta2"), on="variable"
    )
    extra = []
    for name in found.supplementary:
        _, eta2, (first, second) = _described(found, name)
        extra.append({"variable": name, "axis_1": first, "axis_2": second, "eta2": eta2})
    known = pl.concat([known, pl.DataFrame(extra, schema=known.schema)])
    card = pl.DataFrame(
        [
            {
                "variable": one.indicator,
                "role": "left_out" if one.indicator in found.left_out else one.role,
                "transform": one.transform,
                "vintage": found.vintages.get(one.indicator),
                "reason": one.reason,
                "left_out": found.left_out.get(one.indicator),
            }
            for one in found.choice.variables
        ],
        schema_overrides={"vintage": pl.Int32, "left_out": pl.String},
    )
    return card.join(known, on="variable", how="left")


def _tree(found: CommuneTypology) -> pl.DataFrame:
    tree, gains = found.typology.tree, found.typology.inertia_gains
    return pl.DataFrame(
        {
            "merge": np.arange(1, len(tree) + 1),
            "first": tree[:, 0].astype(int),
            "second": tree[:, 1].astype(int),
            "height": tree[:, 2],
            "gain": gains[::-1],
            "size": tree[:, 3].astype(int),
        }
    )


def _examples(found: CommuneTypology) -> pl.DataFrame:
    kinds = {
        "paragon": found.typology.paragons_frame(EXAMPLES),
        "specific": found.typology.specifics_frame(EXAMPLES),
    }
    return pl.concat(
        frame.with_columns(kind=pl.lit(kind)).rename({"id": ID}) for kind, frame in kinds.items()
    )


def _neighbours(members: pl.DataFrame, found: CommuneTypology) -> pl.DataFrame:
    closest = comparable_communes(_coordinates(members, found), members[ID], NEIGHBOURS)
    return closest.rename({"id": ID, "neighbour": "neighbour_code"})


def _raw_and_net(frame_of: Callable[..., pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(frame_of(net=net).with_columns(net=pl.lit(net)) for net in (False, True))


def _noise(bound: str, moves: NoiseMoves) -> pl.DataFrame:
    columns = [name for name in tables.TRAJECTORY_NOISE.polars_schema if name != "bound"]
    return moves.summary_frame().select(pl.lit(bound).alias("bound"), *columns)


def _sampling_noise(followed: Trajectories, choice: Choice, observations: pl.DataFrame) -> Noise:
    """Return what the census's sampling alone leaves uncertain at the reference date.

    Only shares of what the census counts, in communes of ``LARGE`` inhabitants or more; nothing elsewhere,
    so that it is a lower bound.
    """
    ids = pl.DataFrame({ID: followed.ids})
    places = pl.col("territory_level") == "commune"
    population = observations.filter(
        places,
        pl.col("indicator") == "population_recensement",
        pl.col("vintage") == choice.trajectory.reference,
    ).select(pl.col("territory_code").alias(ID), population="value")
    sds = np.zeros((len(followed.ids), len(followed.variables)))
    for place, name in enumerate(followed.variables):
        variable = next(one for one in choice.variables if one.indicator == name)
        year = (variable.trajectory or (0, 0))[1]
        rows = ids.join(
            observations.filter(places, pl.col("indicator") == name, pl.col("vintage") == year),
            left_on=ID,
            right_on="territory_code",
            how="left",
            maintain_order="left",
        ).join(population, on=ID, how="left", maintain_order="left")
        share = (pl.col("unit") == "%") & pl.col("value").is_between(0, 100) & (pl.col("denominator") > 1)
        sampled = rows.select((share & (pl.col("population") >= LARGE)).fill_null(False)).to_series()
        if variable.transform == "none" and sampled.any():
            known = rows.filter(sampled)
            sds[sampled.to_numpy(), place] = share_sampling_sd(
                known["value"].to_numpy(), known["denominator"].to_numpy(), np.array(LARGE_RATE)
            )
    return Noise(sds)


def _in_units(frame: pl.DataFrame, choice: Choice) -> pl.DataFrame:
    """Return means in the units of the indicators: geometric for a logarithm, whose deviations stay."""
    for variable in choice.variables:
        frame = frame.with_columns(
            pl.when(pl.col("variable") == variable.indicator)
            .then(TRANSFORMS[variable.transform].undone(pl.col(name)))
            .otherwise(pl.col(name))
            .alias(name)
            for name in ("mean_in_class", "overall_mean")
        )
    return frame
