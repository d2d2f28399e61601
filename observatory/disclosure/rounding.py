"""Amounts that are published rounded, on top of suppression, where a rule asks for it.

Belongs here: rounded figures, and what an auditor makes of them.
Does not: what is hidden (``linked``), decided on the true amounts: an attacker who only has the rounded ones
knows less than the one that the protection reckons with.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import polars as pl

from observatory.disclosure.cells import Amounts
from observatory.disclosure.deduction import TOLERANCE
from observatory.disclosure.evidence import Known
from observatory.disclosure.policy import Policy
from observatory.disclosure.system import Key
from observatory.indicators.catalogue import Indicator


def rounded(observations: pl.DataFrame, indicators: Iterable[Indicator], policy: Policy) -> pl.DataFrame:
    """Return observations with the amounts of rounded measures at their nearest multiple.

    Rates are those of the rounded amounts; one whose denominator becomes zero is « sans objet ».
    """
    for indicator in indicators:
        up, down = (policy.step(name) for name in (indicator.numerator, indicator.denominator))
        if up is None and down is None:
            continue
        own = pl.col("indicator") == indicator.id
        if indicator.denominator is None:
            amount = _nearest(pl.col("value") / indicator.scale, up) * indicator.scale
            observations = observations.with_columns(
                value=pl.when(own).then(amount).otherwise(pl.col("value"))
            )
            continue
        above, below = _nearest(pl.col("numerator"), up), _nearest(pl.col("denominator"), down)
        void = own & (below == 0).fill_null(False)
        amounts = {"numerator": above, "denominator": below, "value": indicator.scale * above / below}
        observations = observations.with_columns(
            *(
                pl.when(void).then(None).when(own).then(amount).otherwise(pl.col(name)).alias(name)
                for name, amount in amounts.items()
            ),
            status=pl.when(void).then(pl.lit("not_applicable")).otherwise(pl.col("status")),
        )
    return observations


def _nearest(amount: pl.Expr, step: float | None) -> pl.Expr:
    return amount if step is None else (amount / step).round() * step


def agrees(policy: Policy, key: Key, told: Known, truth: Mapping[str, Amounts]) -> bool:
    """Return whether a published count is the true one, or within half a step of it where it is rounded."""
    true = truth.get(key[0], {}).get((key[1], key[2]), told.value)
    return abs(true - told.value) <= (policy.step(key[0]) or 0.0) / 2 + TOLERANCE


def unrounded(policy: Policy, known: Mapping[Key, Known], truth: Mapping[str, Amounts]) -> dict[Key, Known]:
    """Return published counts with the true amounts for rounded ones, which are left out where not known."""
    found = {}
    for key, told in known.items():
        if policy.step(key[0]) is None:
            found[key] = told
        elif (true := truth.get(key[0], {}).get((key[1], key[2]))) is not None:
            found[key] = replace(told, value=true)
    return found
