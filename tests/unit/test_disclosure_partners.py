"""Editions of partners: what each may see, and what nobody may work out, alone or together."""

from datetime import date
from itertools import combinations

import polars as pl
from disclosure_attacker import BASE, FAMILIES, Secret, leaks, read_map
from disclosure_release import KEYS
from disclosure_towns import DEFINITIONS, Town, draw_town
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from observatory.disclosure.rules import Protected, protect_with_journal
from observatory.disclosure.tiers import Agreement, protect_for_partners

MINING, PEOPLE = map(frozenset, FAMILIES)
SECRET = pl.col("status") == "secret"


def agreement(partner: str, areas: list[tuple[str, str]], measures: frozenset[str]) -> Agreement:
    days = date(2025, 1, 1), date(2025, 12, 31)
    return Agreement(partner, partner.upper(), "convention 12", tuple(areas), measures, *days)


def editions(town: Town, agreements: list[Agreement]) -> tuple[Protected, dict[str, Protected]]:
    observations, indicators, measures, territories = town.publication
    public = protect_with_journal(*town.publication)
    return public, protect_for_partners(agreements, observations, public, indicators, measures, territories)


def places(town: Town, areas) -> set:
    """Return the smallest places of some areas."""
    atoms = read_map(town.territories).atoms
    return set().union(*(atoms[area] for area in areas))


def covered(town: Town, one: Agreement, secret: Secret) -> bool:
    measures = {secret.measure, BASE[secret.measure]} if secret.rest else {secret.measure}
    return measures <= one.measures and secret.atoms <= places(town, one.areas)


def pooled(public: Protected, held: list[Protected]) -> pl.DataFrame:
    """Return the public release with each figure that one of the editions shows."""
    found = public.observations
    for edition in held:
        opened = edition.observations.filter(~SECRET).join(found.filter(SECRET), on=KEYS, how="semi")
        found = pl.concat([found.join(opened, on=KEYS, how="anti"), opened])
    return found


def stolen(town: Town, public: Protected, made: dict[str, Protected], coalition: list[Agreement]):
    """Yield the secrets that partners who pool their editions learn beyond their agreements."""
    found = pooled(public, [made[one.partner] for one in coalition])
    for secret, least, most in leaks(found, DEFINITIONS, town.territories, town.counts, whole=True):
        if not any(covered(town, one, secret) for one in coalition):
            yield secret, least, most


@st.composite
def cases(draw: st.DrawFn) -> tuple[Town, list[Agreement]]:
    """Two landlords with cités of their own, and an EPCI, with all or part of the counts."""
    number = draw(st.integers(2, 7))
    town = draw_town(
        seed=draw(st.integers(0, 10**6)),
        epci=draw(st.integers(1, min(3, number))),
        communes=number,
        cites=draw(st.integers(1, 6)),
        shared=draw(st.integers(0, 2)),
        size=draw(st.sampled_from([6, 15, 40, 120])),
    )
    some = draw(st.sets(st.sampled_from(sorted(MINING | PEOPLE)), min_size=1))
    owners = draw(st.lists(st.sampled_from("abx"), min_size=len(town.communes_of)))
    found = [agreement("e", [("epci", "e0")], draw(st.sampled_from([MINING | PEOPLE, frozenset(some)])))]
    for landlord in "ab":
        own = [
            ("cite", cite) for cite, owner in zip(town.communes_of, owners, strict=False) if owner == landlord
        ]
        found += [agreement(landlord, own, MINING)] if own else []
    return town, found


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
    # A case takes seconds: shrinking one would take minutes.
    phases=[Phase.explicit, Phase.generate],
)
@given(cases())
def test_no_coalition_learns_what_none_of_its_agreements_covers(case: tuple[Town, list[Agreement]]) -> None:
    """Every group of partners, from one to all, attacks with the public release and its editions."""
    town, agreements = case
    public, made = editions(town, agreements)
    for size in range(1, len(agreements) + 1):
        for coalition in map(list, combinations(agreements, size)):
            assert next(stolen(town, public, made, coalition), None) is None
