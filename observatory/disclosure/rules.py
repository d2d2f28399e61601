"""Observations with the secret figures emptied.

Belongs here: from observations and counts to what may be published.
Does not: the rules themselves (``policy``), the attack (``attack``), the choice of what is hidden beside a
sensitive count (``linked``).

The attacker has every figure of the publication, at every level and for every indicator, with value,
numerator and denominator; the official composition of communes, EPCI and basin, and the communes of each
cité; the definitions (a vacant dwelling is a dwelling of the stock and is not an occupied one, and so on,
``rules.yaml``); and the public counts, such as the dwellings of the census, that some figures divide by.
From them he computes sums, differences and intervals (``attack``). Each vintage is attacked alone: counts
of two years are different counts.

He is not supposed to have an earlier release, nor to bound counts by those of another date or register: the
census of 2021 bounds no stock of 2024, and ANGDM's beneficiaries are not the landlords' ayants droit.
"""

from collections import defaultdict
from collections.abc import Iterable

import polars as pl

from observatory.disclosure.cells import LEVELS, Area, build_areas, build_system
from observatory.disclosure.linked import protect
from observatory.disclosure.policy import RULES, Policy, load_policy
from observatory.disclosure.system import Key
from observatory.errors import ObservatoryError
from observatory.indicators.catalogue import Indicator

_TELLING = ("published", "not_applicable")
"""Statuses that give counts away: « sans objet » says that the denominator is zero."""


class UnprotectedMeasureError(ObservatoryError):
    """An indicator draws on confidential data by a measure that has no rule."""


def protect_observations(
    observations: pl.DataFrame,
    indicators: Iterable[Indicator],
    measures: pl.DataFrame,
    territories: pl.DataFrame,
) -> pl.DataFrame:
    """Return ``observations`` with secret figures emptied and their status set to ``secret``.

    Value, numerator and denominator of a figure go together. A count that must be hidden is hidden in every
    figure that prints it. « Sans objet » becomes ``secret`` like a value does, since it gives a zero away; a
    figure without count (missing, not available) keeps its status: it has nothing to hide.

    Args:
        observations: as computed, without the status ``secret``.
        indicators: definitions.
        measures: the counts that the observations come from, every level.
        territories: ``core.territories`` of one perimeter version.

    Raises:
        UnprotectedMeasureError: a confidential indicator uses a measure that has no rule.
        ExposedCellError: a sensitive count cannot be protected.
        InconsistentCellsError: the counts contradict one another.
    """
    policy = load_policy()
    printed = _printed(policy, indicators)
    areas = build_areas(territories)
    rows: list[tuple[str, int, str, str]] = []
    for vintage, counts in _counts(measures, policy).items():
        system, primary = build_system(policy, areas, counts, _figures(observations, printed, vintage))
        rows += [(figure[0], vintage, figure[1], figure[2]) for figure in protect(system, primary)]
    keys = ["indicator", "vintage", "territory_level", "territory_code"]
    secret = pl.DataFrame(
        sorted(rows),
        schema=dict(zip(keys, (pl.String, pl.Int32, pl.String, pl.String), strict=True)),
        orient="row",
    ).with_columns(secret=pl.lit(True))
    is_secret = pl.col("secret").fill_null(False)
    amounts = ("value", "numerator", "denominator")
    return (
        observations.join(secret, on=keys, how="left", maintain_order="left")
        .with_columns(
            *(pl.when(~is_secret).then(pl.col(name)).alias(name) for name in amounts),
            status=pl.when(is_secret).then(pl.lit("secret")).otherwise(pl.col("status")),
        )
        .drop("secret")
    )


def _printed(policy: Policy, indicators: Iterable[Indicator]) -> dict[str, tuple[str, ...]]:
    """Return the confidential measures that each indicator prints."""
    printed: dict[str, tuple[str, ...]] = {}
    for indicator in indicators:
        used = tuple(name for name in (indicator.numerator, indicator.denominator) if name is not None)
        if indicator.fictive or not set(policy.sources).isdisjoint(indicator.sources):
            for measure in used:
                if measure not in policy.rules and measure not in policy.public:
                    raise UnprotectedMeasureError(
                        f"L’indicateur « {indicator.id} » tire de données confidentielles la mesure "
                        f"« {measure} », qui n’a pas de règle de secret. Ajoutez-la à {RULES.name}."
                    )
        if ruled := tuple(measure for measure in used if measure in policy.rules):
            printed[indicator.id] = ruled
    return printed


def _figures(
    observations: pl.DataFrame, printed: dict[str, tuple[str, ...]], vintage: int
) -> dict[Key, tuple[str, ...]]:
    """Return the figures of one vintage that give counts away, with the measures that each prints."""
    rows = observations.filter(
        (pl.col("vintage") == vintage)
        & pl.col("indicator").is_in(list(printed))
        & pl.col("status").is_in(_TELLING)
    ).select("indicator", "territory_level", "territory_code")
    return {figure: printed[figure[0]] for figure in rows.iter_rows()}


def _counts(measures: pl.DataFrame, policy: Policy) -> dict[int, dict[str, dict[Area, float]]]:
    """Return vintage -> measure -> counts, at the levels that are linked."""
    frame = measures.filter(
        pl.col("measure").is_in(list(policy.rules))
        & pl.col("level").is_in(LEVELS)
        & pl.col("amount").is_not_null()
    )
    counts: defaultdict[int, defaultdict[str, dict[Area, float]]] = defaultdict(lambda: defaultdict(dict))
    columns = ("vintage", "measure", "level", "code", "amount")
    for vintage, measure, level, code, amount in frame.sort(columns[:4]).select(columns).iter_rows():
        counts[vintage][measure][level, code] = amount
    return {vintage: dict(found) for vintage, found in sorted(counts.items())}
