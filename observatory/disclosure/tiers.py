"""Who a publication is for: the public, a partner under an agreement, or the observatory itself.

Belongs here: what each may be given. A tier is a property of a publication: figures that it may not hold are
not in it.
Does not: the rules (``policy``), the protection (``rules``, ``linked``).

A partner holds the public release too. Under a recorded agreement he is given figures of his own territories
that the public does not get, as long as the two together reveal nothing of anyone else's.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

import polars as pl

from observatory.disclosure.cells import Area, Areas, build_areas, build_system
from observatory.disclosure.linked import protect
from observatory.disclosure.policy import Policy, load_policy
from observatory.disclosure.rules import (
    count_cells,
    emptied,
    figures_of,
    printed_measures,
    protect_observations,
)
from observatory.disclosure.system import Key, System
from observatory.errors import ObservatoryError
from observatory.indicators.catalogue import Indicator

KEYS = ["territory_level", "territory_code", "indicator", "vintage"]


class Tier(StrEnum):
    """Who a publication is for."""

    PUBLIC = "public"
    PARTNER = "partenaire"
    INTERNAL = "interne"


class AgreementError(ObservatoryError):
    """A partner's publication without an agreement that covers it."""


@dataclass(frozen=True)
class Agreement:
    """What a partner may be given.

    Attributes:
        partner: its name.
        reference: where the signed agreement is kept.
        areas: territories whose detail it may see, with all that they contain: (level, code).
        measures: counts that it may see.
        start: first day.
        end: last day.
    """

    partner: str
    reference: str
    areas: tuple[Area, ...]
    measures: frozenset[str]
    start: date
    end: date


def protect_for(
    tier: Tier,
    observations: pl.DataFrame,
    indicators: Iterable[Indicator],
    measures: pl.DataFrame,
    territories: pl.DataFrame,
    *,
    agreement: Agreement | None = None,
    day: date | None = None,
) -> pl.DataFrame:
    """Return the observations of one publication.

    Args:
        tier: who it is for.
        observations: as ``rules.protect_observations``, and so are the next three.
        indicators: definitions.
        measures: counts.
        territories: one perimeter version.
        agreement: what a partner may be given.
        day: day of the publication, for a partner.

    Raises:
        AgreementError: a partner without agreement, or outside its dates.
        ExposedCellError, InconsistentCellsError: as ``rules.protect_observations``.
    """
    indicators = tuple(indicators)
    if tier is Tier.INTERNAL:
        return observations
    public = protect_observations(observations, indicators, measures, territories)
    if tier is Tier.PUBLIC:
        return public
    if agreement is None or day is None or not agreement.start <= day <= agreement.end:
        raise AgreementError(
            "Une publication pour un partenaire demande une convention enregistrée et en vigueur à sa date."
        )
    return _for_partner(agreement, observations, public, indicators, measures, territories)


def _for_partner(
    agreement: Agreement,
    observations: pl.DataFrame,
    public: pl.DataFrame,
    indicators: tuple[Indicator, ...],
    measures: pl.DataFrame,
    territories: pl.DataFrame,
) -> pl.DataFrame:
    """Show again what the agreement covers, except what would reveal something of what it does not."""
    policy, areas = load_policy(), build_areas(territories)
    printed = printed_measures(policy, indicators)
    own = frozenset().union(*(areas.places[area] for area in agreement.areas))
    withheld: list[tuple[str, str, str, int]] = []
    for vintage, counts in count_cells(measures, policy).items():
        shown = figures_of(public, printed, vintage)
        every = figures_of(observations, printed, vintage)
        system, _ = build_system(policy, areas, counts, every)
        candidates = {
            figure
            for figure in every.keys() - shown.keys()
            if areas.places[figure[1], figure[2]] <= own and set(printed[figure[0]]) <= agreement.measures
        }
        attacked = _partner_system(policy, areas, system, agreement, own, set(shown), candidates)
        kept = set(protect(attacked, ())) | (every.keys() - shown.keys() - candidates)
        withheld += [(level, code, indicator, vintage) for indicator, level, code in sorted(kept)]
    types = dict(zip(KEYS, (pl.String, pl.String, pl.String, pl.Int32), strict=True))
    return emptied(observations, pl.DataFrame(withheld, schema=types, orient="row"))


def _partner_system(
    policy: Policy,
    areas: Areas,
    system: System,
    agreement: Agreement,
    own: frozenset[tuple[str, str]],
    shown: set[Key],
    candidates: set[Key],
) -> System:
    """Return the system whose attacker holds the public release and whose targets are other people's."""

    def others(target: Key) -> bool:
        measure, _, *area = target
        rule = policy.rules[measure]
        agreed = {measure, rule.complement_of or measure} <= agreement.measures
        return not (agreed and areas.places[area[0], area[1]] <= own)

    public = frozenset(cell for figure in shown for cell in system.figures[figure])
    return replace(
        system,
        given=public,
        figures={figure: system.figures[figure] for figure in candidates},
        targets={key: target for key, target in system.targets.items() if others(key)},
    )
