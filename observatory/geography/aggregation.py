"""Figures of one year's communes brought onto another year's.

Belongs here: what may be summed, what may not, and what is said when it may not.
Does not: the passage itself (``passage``), and statuses of confidentiality: a null here is an absent figure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from observatory.errors import ObservatoryError
from observatory.geography.passage import SAME_TERRITORY

REFUSAL_SCHEMA = {"code": pl.String, "column": pl.String, "reason": pl.String}


class NotAdditiveError(ObservatoryError):
    """A median or a ready-made rate is asked for a commune that merged or split."""


class IncompleteCommuneError(ObservatoryError):
    """The figures of a commune that makes up another are not there."""


class StrayCommuneError(ObservatoryError):
    """Figures of a commune that the passage does not have, or twice the same commune."""


@dataclass(frozen=True)
class Aggregated:
    """Figures on the geography of arrival.

    Attributes:
        figures: one row per commune of arrival: ``code``, ``estimated`` (it holds a share of a split
            commune), then the columns asked for.
        refused: code, column and reason of each figure that cannot be had; it is null in ``figures``.
    """

    figures: pl.DataFrame
    refused: pl.DataFrame


def aggregate(
    figures: pl.DataFrame,
    passage: pl.DataFrame,
    *,
    counts: Sequence[str] = (),
    rates: Mapping[str, tuple[str, str]] | None = None,
    not_additive: Mapping[str, str] | None = None,
    code: str = "code",
    refuse: bool = True,
) -> Aggregated:
    """Bring figures onto the communes in which ``passage`` arrives.

    A count is summed, after its share is taken where a commune splits (the result is then ``estimated``, and
    no longer whole). A rate is computed anew from its summed numerator and denominator, never averaged. A
    median, or a rate without its two terms, passes where the commune is the same territory and is refused
    elsewhere: nothing gives back the distribution. A sum with an absent (null) part is absent.

    Args:
        figures: one row per commune of departure.
        passage: frame of ``build_passage``.
        counts: additive columns.
        rates: name of the result, and the columns of ``counts`` that are its numerator and denominator; the
            result is in the unit of their quotient, null where the denominator is zero.
        not_additive: columns that cannot be summed, and what each is, in French (« médiane », « taux »...).
        code: column of ``figures`` that holds the commune.
        refuse: raise at the first figure that cannot be had; false gives nulls and the list of reasons.

    Raises:
        StrayCommuneError: a commune of ``figures`` is not in ``passage``, or comes twice.
        IncompleteCommuneError: with ``refuse``, a commune of arrival lacks a part.
        NotAdditiveError: with ``refuse``, a median or rate belongs to a commune that merged or split.
    """
    rates, not_additive = rates or {}, not_additive or {}
    _check_communes(figures, passage, code)
    joined = passage.select("code_from", "code_to", "ratio", "kind", "merged_with").join(
        figures.select(pl.col(code).alias("code_from"), *counts, *not_additive), on="code_from"
    )
    joined = joined.with_columns(pl.col(counts).cast(pl.Float64)) if counts else joined
    same = joined["kind"].is_in(SAME_TERRITORY)
    missing = _missing_parts(joined)
    refused = _incomplete(missing, [*counts, *not_additive])
    if refuse and refused.height:
        raise IncompleteCommuneError(_first_refusal(refused))
    changed = joined.filter(~same)
    refused = pl.concat([refused, _not_additive(changed, not_additive)])
    if refuse and refused.height:
        raise NotAdditiveError(_first_refusal(refused))
    result = pl.concat(
        [_kept(joined.filter(same), counts, not_additive), _summed(changed, counts, not_additive)]
    )
    if missing.height:
        gap = pl.col("code").is_in(missing["code"].implode())
        result = result.with_columns(
            pl.when(~gap).then(pl.col(column)).alias(column) for column in (*counts, *not_additive)
        )
    result = result.with_columns(
        pl.when(pl.col(below) != 0).then(pl.col(above) / pl.col(below)).alias(name)
        for name, (above, below) in rates.items()
    )
    return Aggregated(result.sort("code"), refused.sort("code", "column"))


def _kept(same: pl.DataFrame, counts: Sequence[str], others: Mapping[str, str]) -> pl.DataFrame:
    return same.select(pl.col("code_to").alias("code"), pl.lit(False).alias("estimated"), *counts, *others)


def _summed(changed: pl.DataFrame, counts: Sequence[str], others: Mapping[str, str]) -> pl.DataFrame:
    shared = changed.select(
        pl.col("code_to").alias("code"),
        (pl.col("ratio") != 1).alias("estimated"),
        *(pl.col(column) * pl.col("ratio") for column in counts),
    )
    sums = [
        pl.when(pl.col(column).null_count() == 0).then(pl.col(column).sum()).alias(column)
        for column in counts
    ]
    return (
        shared.group_by("code", maintain_order=True)
        .agg(pl.col("estimated").any(), *sums)
        .with_columns(pl.lit(None, changed.schema[column]).alias(column) for column in others)
    )


def _missing_parts(joined: pl.DataFrame) -> pl.DataFrame:
    return (
        joined.filter(pl.col("merged_with").list.len() > 0)
        .select(pl.col("code_to").alias("code"), pl.col("merged_with").alias("part"))
        .explode("part")
        .unique()
        .join(
            joined.select(pl.col("code_to").alias("code"), pl.col("code_from").alias("part")),
            on=["code", "part"],
            how="anti",
        )
        .sort("code", "part")
    )


def _incomplete(missing: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    parts = missing.group_by("code", maintain_order=True).agg(pl.col("part").str.join(", "))
    reason = pl.format("il manque les chiffres de {}, qui entrent dans cette commune", "part")
    return _refusals(parts.select("code", reason.alias("reason")), columns)


def _not_additive(changed: pl.DataFrame, others: Mapping[str, str]) -> pl.DataFrame:
    what = (
        pl.when((pl.col("kind") == "split").all())
        .then(pl.lit("elle reçoit une part d’une commune partagée"))
        .otherwise(pl.lit("elle réunit plusieurs communes"))
    )
    communes = changed.group_by(pl.col("code_to").alias("code"), maintain_order=True).agg(
        what.alias("what"), pl.col("code_from").sort().str.join(", ").alias("parts")
    )
    frames = []
    for column, nature in others.items():
        reason = pl.format("{} ne se somme ni ne se partage, et {} ({})", pl.lit(nature), "what", "parts")
        frames.append(_refusals(communes.select("code", reason.alias("reason")), [column]))
    return pl.concat(frames) if frames else pl.DataFrame(schema=REFUSAL_SCHEMA)


def _refusals(reasons: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    frames = [reasons.select("code", pl.lit(column).alias("column"), "reason") for column in columns]
    return pl.concat(frames) if frames else pl.DataFrame(schema=REFUSAL_SCHEMA)


def _first_refusal(refused: pl.DataFrame) -> str:
    first = refused.sort("code", "column").row(0, named=True)
    more = f" ({refused.height} refus en tout)" if refused.height > 1 else ""
    return f"Commune {first['code']}, « {first['column']} »\u202f: {first['reason']}{more}."


def _check_communes(figures: pl.DataFrame, passage: pl.DataFrame, code: str) -> None:
    twice = figures.filter(pl.col(code).is_duplicated())[code].unique().sort().to_list()
    if twice:
        raise StrayCommuneError(f"Ces communes viennent plusieurs fois\u202f: {', '.join(twice[:10])}.")
    strays = figures.filter(~pl.col(code).is_in(passage["code_from"].implode()))[code].sort()
    if len(strays):
        raise StrayCommuneError(
            f"Ces communes ne sont pas dans la table de passage\u202f: {', '.join(strays.head(10))}."
        )
