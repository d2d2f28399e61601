"""Who a publication is for: the public, a partner under an agreement, or the observatory itself.

Belongs here: what an agreement covers, and the figures that partners may be given beside the public release.
Does not: how agreements are recorded (``conventions``), the public rules (``policy``, ``rules``).

A tier is a property of a publication: figures that it may not hold are not in it. A partner is given figures
of his own territories that the public does not get, as long as what he holds reveals nothing of anyone
else's. Partners may meet: an amount is attacked by all those whose agreements do not cover it, who pool their
editions and the public release. Fewer of them would know less, so that no other group need be tried.

A landlord knows its own dwellings one by one, wherever they are. What it could subtract from the figures is
not reckoned with here, no more than in the public release: see the rule on contributors (``rules.yaml``).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from observatory.disclosure.attack import audit
from observatory.disclosure.cells import (
    COUNT,
    Area,
    Areas,
    Place,
    build_areas,
    build_system,
    telling_figures,
)
from observatory.disclosure.linked import protect
from observatory.disclosure.policy import Policy, load_policy
from observatory.disclosure.release import Release
from observatory.disclosure.rules import (
    JournalRow,
    Protected,
    comparable,
    count_cells,
    emptied,
    figures_of,
    known_before,
    printed_measures,
    with_given,
)
from observatory.disclosure.system import Key, System, Target
from observatory.indicators.catalogue import Indicator
from observatory.tables import DISCLOSURE_JOURNAL
from observatory.tables.disclosure import Tier

KEYS = ["territory_level", "territory_code", "indicator", "vintage"]
COVERED = "Secret pour le public, montré au partenaire : sa convention le couvre."
WITHHELD = "Masqué au partenaire, pour que rien de ce que sa convention ne couvre pas ne se retrouve."


@dataclass(frozen=True)
class Agreement:
    """What a partner may be given.

    Attributes:
        partner: its identifier.
        name: its name.
        reference: where the signed agreement is kept.
        areas: territories whose detail it may see, with all that they contain: (level, code).
        measures: counts that it may see.
        start: first day.
        end: last day.
        fictive: whether it is an example, signed by nobody.
    """

    partner: str
    name: str
    reference: str
    areas: tuple[Area, ...]
    measures: frozenset[str]
    start: date
    end: date
    fictive: bool = False


class Coverage:
    """What each of several agreements covers, among the areas of a perimeter."""

    def __init__(self, agreements: Iterable[Agreement], areas: Areas, policy: Policy) -> None:
        self.agreements = {agreement.partner: agreement for agreement in agreements}
        self.areas, self._policy = areas, policy
        self._own: dict[str, frozenset[Place]] = {
            partner: frozenset().union(*(areas.places[area] for area in agreement.areas))
            for partner, agreement in self.agreements.items()
        }

    def holds(self, partner: str, area: Area) -> bool:
        """Return whether an area lies wholly in the territories of an agreement."""
        return area in self.areas.places and self.areas.places[area] <= self._own[partner]

    def figure(self, partner: str, area: Area, measures: Iterable[str]) -> bool:
        """Return whether an agreement covers a figure that prints these measures."""
        return set(measures) <= self.agreements[partner].measures and self.holds(partner, area)

    def partners(self, target: Key) -> frozenset[str]:
        """Return the partners whose agreements cover an amount: (measure, kind, level, code)."""
        measure, kind, *area = target
        used = {measure} if kind == COUNT else {measure, str(self._policy.rules[measure].complement_of)}
        return frozenset(name for name in self.agreements if self.figure(name, (area[0], area[1]), used))


def protect_for_partners(
    agreements: Iterable[Agreement],
    observations: pl.DataFrame,
    public: Protected,
    indicators: Iterable[Indicator],
    measures: pl.DataFrame,
    territories: pl.DataFrame,
    *,
    earlier: Iterable[Release] = (),
) -> dict[str, Protected]:
    """Return the edition of each partner: observations of the whole perimeter, and the lines of its journal.

    Each shows what the public release shows, and what the agreement covers, except what would let the
    partners work out an amount that their agreements do not cover.

    Args:
        agreements: those in force, one by partner, on areas of the perimeter.
        observations: as computed, without the status ``secret``.
        public: what the public is given of them, and its journal.
        indicators: as ``rules.protect_with_journal``, and so are the next three.
        measures: counts.
        territories: one perimeter version.
        earlier: what was published before.

    Raises:
        ExposedCellError: the public release already gives an amount away.
        InconsistentCellsError: the counts contradict one another.
    """
    policy, indicators = load_policy(), tuple(indicators)
    printed = printed_measures(policy, indicators)
    counts = count_cells(measures, policy)
    earlier = comparable(earlier, indicators, counts, territories, policy)
    areas, given = known_before(earlier, indicators, counts, territories, policy)
    coverage = Coverage(agreements, areas, policy)
    opened: dict[str, set[tuple[str, str, str, int]]] = {name: set() for name in coverage.agreements}
    asked: dict[str, dict[tuple[str, str, str, int], Key | None]] = {name: {} for name in coverage.agreements}
    for vintage, amounts in counts.items():
        every = figures_of(observations, printed, vintage)
        shown = figures_of(public.observations, printed, vintage).keys()
        system, _ = build_system(policy, areas, amounts, every)
        system = with_given(system, given.get(vintage, {}), areas)
        known = system.given.union(*(system.figures[figure] for figure in shown))
        candidates = {
            partner: {
                figure
                for figure in every.keys() - shown
                if coverage.figure(partner, (figure[1], figure[2]), printed[figure[0]])
            }
            for partner in coverage.agreements
        }
        withheld = _withheld(policy, replace(system, given=known, lines=()), coverage, candidates)
        for partner, figures in candidates.items():
            opened[partner] |= {_row(figure, vintage) for figure in figures - withheld[partner].keys()}
            asked[partner] |= {_row(figure, vintage): by for figure, by in withheld[partner].items()}
    return {
        partner: _edition(partner, observations, public, coverage, opened[partner], asked[partner])
        for partner in coverage.agreements
    }


def own_territories(agreement: Agreement, territories: pl.DataFrame) -> pl.DataFrame:
    """Return the territories of one perimeter version that an agreement covers: cités, communes, EPCI."""
    areas = build_areas(territories)
    coverage = Coverage([agreement], areas, load_policy())
    own = [area for area in areas.places if coverage.holds(agreement.partner, area)]
    keys = pl.DataFrame(own, schema={"level": pl.String, "code": pl.String}, orient="row")
    return territories.join(keys, on=["level", "code"], how="semi", maintain_order="left")


def _row(figure: Key, vintage: int) -> tuple[str, str, str, int]:
    indicator, level, code = figure
    return level, code, indicator, vintage


def _withheld(
    policy: Policy, system: System, coverage: Coverage, candidates: Mapping[str, set[Key]]
) -> dict[str, dict[Key, Key | None]]:
    """Return by partner the figures to keep from him, each with the amount that asks for it."""
    groups: defaultdict[frozenset[str], dict[Key, Target]] = defaultdict(dict)
    for key, target in system.targets.items():
        groups[coverage.partners(key)][key] = target
    withheld: dict[str, dict[Key, Key | None]] = {partner: {} for partner in candidates}
    # What is kept from a partner for one group of amounts only widens the intervals of the others.
    for cover in sorted(groups, key=lambda cover: (len(cover), sorted(cover))):
        coalition = {
            partner: figures - withheld[partner].keys()
            for partner, figures in candidates.items()
            if partner not in cover
        }
        figures = frozenset().union(*coalition.values())
        if not figures:
            continue
        attacked = replace(
            system,
            figures={figure: system.figures[figure] for figure in sorted(figures)},
            targets=groups[cover],
        )
        hidden = _hidden(policy, attacked)
        for partner, held in coalition.items():
            withheld[partner] |= {figure: by for figure, by in hidden.items() if figure in held}
    return withheld


def _hidden(policy: Policy, system: System) -> dict[Key, Key | None]:
    """Return the figures to hide among those that a coalition may be given.

    ``protect`` never takes a zero for cover: whoever lives there knows it. A partner who lives elsewhere
    may learn by a zero what the public release leaves in doubt; those that nothing else could cover go first.
    """
    first: dict[Key, Key | None] = dict(telling_figures(policy, system))
    while zeros := {
        figure: exposure.target
        for exposure in audit(_with_zeros(system, first), system.figures)
        for cell in sorted(exposure.causes - system.given)
        for figure in sorted(system.printing[cell] - first.keys())
    }:
        first |= zeros
    asked = protect(system, first)
    return {figure: first.get(figure) or by for figure, by in asked.items()}


def _with_zeros(system: System, hidden: Iterable[Key]) -> System:
    """Return a system that knows the zeros of the figures not hidden, whatever else is hidden."""
    cells = system.known(hidden)
    return replace(system, given=system.given | {cell for cell in cells if system.cells[cell].value == 0})


def _edition(
    partner: str,
    observations: pl.DataFrame,
    public: Protected,
    coverage: Coverage,
    opened: set[tuple[str, str, str, int]],
    asked: Mapping[tuple[str, str, str, int], Key | None],
) -> Protected:
    """Return the observations and the journal of one partner; the journal bears on his own territories."""
    types = dict(zip(KEYS, (pl.String, pl.String, pl.String, pl.Int32), strict=True))
    shown = pl.DataFrame(sorted(opened), schema=types, orient="row")
    secret = public.observations.filter(pl.col("status") == "secret").select(KEYS)
    rows: list[JournalRow] = []
    for *key, flag, reason, by, _, _ in public.journal.iter_rows():
        level, code, indicator, vintage = key
        row = (level, code, indicator, vintage)
        if not coverage.holds(partner, (level, code)):
            continue
        if row in opened:
            flag, reason, by = "V", COVERED, None
        elif row in asked:
            target = asked[row]
            flag, reason, by = "D", WITHHELD, None if target is None else " / ".join(target)
        rows.append((*row, flag, reason, by, Tier.PARTNER, partner))
    return Protected(
        emptied(observations, secret.join(shown, on=KEYS, how="anti")),
        DISCLOSURE_JOURNAL.conform(pl.DataFrame(rows, schema=DISCLOSURE_JOURNAL.polars_schema, orient="row")),
    )
