"""The attack of the partners' editions by all those that an amount is kept from, together.

Belongs here: who attacks what, with which files.
Does not: the attack itself (``audit``), the choice of what each is given (``tiers``).

The amounts are parted by the agreements that cover them. Those of a part are attacked by all the partners
whose agreements do not, with the public site: one of them, or a few, would know less.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl

from observatory.disclosure.audit import Audit, audit_release
from observatory.disclosure.cells import COUNT, REMAINDER, Areas
from observatory.disclosure.evidence import gather
from observatory.disclosure.policy import Policy, load_policy
from observatory.disclosure.release import Release
from observatory.disclosure.system import Key
from observatory.disclosure.tiers import Agreement, Coverage
from observatory.indicators.catalogue import Indicator

Allowed = Callable[[Coverage, Key], bool]
"""Whether the attackers may know an amount: (measure, kind, level, code)."""


def audit_editions(
    public: Release,
    editions: Mapping[str, Release],
    agreements: Iterable[Agreement],
    earlier: Iterable[Release],
    indicators: Iterable[Indicator],
    truth: pl.DataFrame,
) -> Iterator[Audit]:
    """Yield the audits of all that partners may try.

    Args:
        public: the site that everybody has.
        editions: partner -> his edition, in whose folder his page stands.
        agreements: one by partner.
        earlier: sites published before, as ``audit.audit_release``; so are the two last ones.
        indicators: the catalogue.
        truth: confidential counts.

    Raises:
        InconsistentCellsError: published counts contradict one another.
    """
    policy, agreements = load_policy(), tuple(agreements)
    earlier, indicators = tuple(earlier), tuple(indicators)

    def attack(partners: list[str], allowed: Allowed, pages: Path | None = None) -> Audit:
        figures = pl.concat([public.figures, *(_of_partner(name, editions[name]) for name in partners)])
        held = replace(
            public,
            name=f"site public et {'page' if pages else 'données'} de {', '.join(partners)}",
            figures=figures,
            folder=pages or public.folder,
        )

        def known(areas: Areas) -> Callable[[Key], bool]:
            return partial(allowed, Coverage(agreements, areas, policy))

        return audit_release(held, earlier, indicators, truth, with_pages=pages is not None, allowed=known)

    ruled = [item for item in indicators if {item.numerator, item.denominator} & policy.rules.keys()]
    coverage = Coverage(agreements, gather(public, earlier, ruled, policy).areas, policy)
    for cover in sorted(_covers(coverage, policy), key=lambda cover: (len(cover), sorted(cover))):
        if others := [name for name in editions if name not in cover]:
            yield attack(others, partial(_elsewhere, cover))
    # The data stand the attack: all that is left to ask of a page is whether it shows more than they do.
    for name, edition in editions.items():
        yield attack([name], _any_amount, edition.folder)


def _any_amount(_coverage: Coverage, _key: Key) -> bool:
    return True


def _elsewhere(cover: frozenset[str], coverage: Coverage, key: Key) -> bool:
    """Return whether an amount is of another part than those that exactly the agreements ``cover`` cover."""
    return coverage.partners(key) != cover


def _of_partner(name: str, edition: Release) -> pl.DataFrame:
    return edition.figures.with_columns(origin=pl.format("{}/{}", pl.lit(name), "origin"))


def _covers(coverage: Coverage, policy: Policy) -> set[frozenset[str]]:
    """Return the groups of partners whose agreements cover some amount, and no other agreement does."""
    return {
        coverage.partners((measure, kind, *area))
        for measure, rule in policy.rules.items()
        for kind in (COUNT, *([REMAINDER] if rule.complement_of else []))
        for area in coverage.areas.places
    }
