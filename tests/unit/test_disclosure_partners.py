"""Editions of partners: what each may see, and what nobody may work out, alone or together."""

from datetime import date
from itertools import combinations
from pathlib import Path

import polars as pl
import pytest
from disclosure_attacker import BASE, FAMILIES, Secret, leaks, read_map
from disclosure_release import KEYS, write_release
from disclosure_towns import DEFINITIONS, INDICATORS, Town, draw_town
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from observatory.disclosure.audit import Audit
from observatory.disclosure.pooling import audit_editions
from observatory.disclosure.rules import Protected, protect_with_journal
from observatory.disclosure.tiers import COVERED, WITHHELD, Agreement, protect_for_partners

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


def own(*cites: str) -> list[tuple[str, str]]:
    return [("cite", cite) for cite in cites]


TOWN = draw_town(10, 2, 5, 3, 0, 40)
AGREEMENTS = [
    agreement("a", own("cite-00"), MINING),
    agreement("b", own("cite-01", "cite-02"), MINING),
    agreement("e", [("epci", "e0")], MINING | PEOPLE),
]


@pytest.fixture(scope="module")
def made() -> tuple[Protected, dict[str, Protected]]:
    return editions(TOWN, AGREEMENTS)


def test_a_partner_sees_of_the_secrets_only_what_its_agreement_covers(made) -> None:
    public, by_partner = made
    everything = TOWN.observations.sort(KEYS)
    for one in AGREEMENTS:
        edition = by_partner[one.partner].observations.sort(KEYS)
        opened = edition.filter(~SECRET).join(public.observations.filter(SECRET), on=KEYS, how="semi")
        assert opened.height > 0
        atoms = read_map(TOWN.territories).atoms
        for level, code, indicator in opened.select(KEYS).iter_rows():
            assert atoms[level, code] <= places(TOWN, one.areas)
            used = {name for name in DEFINITIONS[indicator][:2] if name in MINING | PEOPLE}
            assert used <= one.measures
        # What it is shown is true, and what the public sees it sees.
        assert edition.filter(~SECRET).equals(everything.filter(edition["status"] != "secret"))
        assert edition.filter(SECRET).join(public.observations.filter(SECRET), on=KEYS, how="anti").is_empty()


def test_the_journal_says_what_each_partner_is_shown_and_denied(made) -> None:
    public, by_partner = made
    for name, edition in by_partner.items():
        journal = edition.journal
        assert set(journal.select("tier", "partner").rows()) == {("partenaire", name)}
        shown = journal.filter(pl.col("flag") == "V").select(KEYS)
        assert edition.observations.filter(SECRET).join(shown, on=KEYS, how="semi").is_empty()
        denied = journal.filter(pl.col("flag") != "V")
        assert denied.join(edition.observations.filter(SECRET), on=KEYS, how="anti").is_empty()
        opened = journal.filter(pl.col("reason") == COVERED).select(KEYS)
        assert opened.join(public.observations.filter(SECRET), on=KEYS, how="anti").is_empty()
    reasons = pl.concat(edition.journal for edition in by_partner.values())["reason"]
    assert {COVERED, WITHHELD} <= set(reasons)


def test_together_they_would_know_more_if_each_were_protected_alone(made) -> None:
    """Editions made one by one stand their own partner's attack; pooled, they give secrets away."""
    public, _ = made
    alone = {one.partner: editions(TOWN, [one])[1][one.partner] for one in AGREEMENTS}
    for one in AGREEMENTS:
        assert next(stolen(TOWN, public, alone, [one]), None) is None
    assert next(stolen(TOWN, public, alone, AGREEMENTS), None) is not None


def test_the_order_of_agreements_changes_nothing(made) -> None:
    _, by_partner = made
    again = editions(TOWN, AGREEMENTS[::-1])[1]
    for name, edition in by_partner.items():
        assert again[name].observations.equals(edition.observations)
        assert again[name].journal.equals(edition.journal)


def test_without_agreement_nothing_is_made() -> None:
    assert editions(TOWN, [])[1] == {}


def audits(folder: Path, shown: dict[str, pl.DataFrame]) -> list[Audit]:
    """Return the audits of a site and of editions that show these observations."""
    public, _ = editions(TOWN, [])
    site = write_release(folder / "site", TOWN, public.observations)
    written = {name: write_release(folder / name, TOWN, frame) for name, frame in shown.items()}
    return list(audit_editions(site, written, AGREEMENTS, (), INDICATORS, TOWN.measures))


def test_the_audit_passes_what_was_protected(made, tmp_path: Path) -> None:
    found = audits(tmp_path, {name: edition.observations for name, edition in made[1].items()})
    assert sum(audit.protected for audit in found) > 0
    assert [leak for audit in found for leak in audit.leaks] == []


def test_the_audit_finds_an_edition_that_shows_another_partner_s_secret(made, tmp_path: Path) -> None:
    shown = {name: edition.observations for name, edition in made[1].items()}
    others = shown["b"].filter(~SECRET).join(shown["a"].filter(SECRET), on=KEYS, how="semi").head(1)
    assert others.height == 1
    shown["a"] = pl.concat([shown["a"].join(others, on=KEYS, how="anti"), others])
    found = audits(tmp_path, shown)
    (what,) = {leak.what.split(",")[0] for audit in found for leak in audit.leaks if leak.width is None}
    assert what == next(item.label for item in INDICATORS if item.id == others["indicator"][0])


def test_the_audit_finds_what_partners_would_work_out_together(made, tmp_path: Path) -> None:
    alone = {one.partner: editions(TOWN, [one])[1][one.partner].observations for one in AGREEMENTS}
    leaks_found = [leak for audit in audits(tmp_path, alone) for leak in audit.leaks]
    assert leaks_found
    assert all(leak.width is not None and leak.width < leak.asked for leak in leaks_found)
