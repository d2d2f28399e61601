"""The counts that are published together, as one linear system with the amounts to protect.

Belongs here: which cells and areas there are, what each sums, which amounts are sensitive, the figures
that print them.
Does not: what an attacker makes of it (``attack``), what is hidden (``linked``).

The variables are, for each measure, the part of each cité in each of its communes and the rest of each
commune. Cités, communes, EPCI and the basin are printed; what differences give away is not, but is
protected alike: the rest of a commune, and the rest of communes that share a cité.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations

import polars as pl

from observatory.disclosure.policy import Policy, Rule
from observatory.disclosure.system import Cell, Inclusion, Key, System, Target, Variable
from observatory.territories import members

LEVELS = ("cite", "commune", "epci", "basin")
COUNT, REMAINDER = "effectif", "complément"

Area = tuple[str, str]
"""(level, code); a level that is not published for what differences give away."""
Place = tuple[str, str]
"""(commune, cité), the smallest place; no cité for the rest of the commune."""
Amounts = Mapping[Area, float]


@dataclass(frozen=True)
class Areas:
    """The smallest places of each area, and how the counts of unpublished areas come from published ones."""

    places: dict[Area, frozenset[Place]]
    differences: dict[Area, dict[Area, int]] = field(default_factory=dict)

    def amounts(self, printed: Amounts) -> dict[Area, float]:
        """Return ``printed`` and the counts that follow for the other areas."""
        derived = {
            area: sum(sign * printed[part] for part, sign in parts.items())
            for area, parts in self.differences.items()
            if parts.keys() <= printed.keys()
        }
        return {area: printed[area] for area in self.places if area in printed} | derived


def build_areas(territories: pl.DataFrame) -> Areas:
    """Return the areas of one perimeter version.

    Args:
        territories: ``core.territories`` of one perimeter version.
    """
    communes_of: defaultdict[str, list[str]] = defaultdict(list)
    for cite, commune in members(territories, "cite", "commune").sort("child", "parent").iter_rows():
        communes_of[cite].append(commune)
    places: dict[Area, frozenset[Place]] = {}
    in_commune: dict[str, set[Place]] = {
        commune: {(commune, "")}
        for commune in territories.filter(pl.col("level") == "commune")["code"].sort()
    }
    for cite, communes in communes_of.items():
        places["cite", cite] = frozenset((commune, cite) for commune in communes)
        for commune in communes:
            in_commune[commune].add((commune, cite))
    for commune, parts in in_commune.items():
        places["commune", commune] = frozenset(parts)
    for level in ("epci", "basin"):
        pairs = members(territories, "commune", level).sort("parent", "child")
        for (code,), group in pairs.group_by("parent", maintain_order=True):
            places[level, str(code)] = frozenset().union(
                *(places["commune", commune] for commune in group["child"])
            )
    return Areas(places, _rests(places, communes_of))


def _rests(
    places: dict[Area, frozenset[Place]], communes_of: Mapping[str, list[str]]
) -> dict[Area, dict[Area, int]]:
    """Add the rest of each commune, and of each set of communes that share cités, to ``places``."""
    shared = [frozenset(communes) for communes in communes_of.values() if len(communes) > 1]
    together = {*shared, *_clusters(shared)}
    together |= {frozenset({commune}) for communes in communes_of.values() for commune in communes}
    differences: dict[Area, dict[Area, int]] = {}
    for communes in sorted(together, key=sorted):
        inside = [cite for cite, own in communes_of.items() if communes.issuperset(own)]
        if not inside:
            continue
        area = ("rest", "+".join(sorted(communes)))
        whole = frozenset().union(*(places["commune", commune] for commune in communes))
        places[area] = whole.difference(*(places["cite", cite] for cite in inside))
        differences[area] = {("commune", commune): 1 for commune in communes}
        differences[area] |= {("cite", cite): -1 for cite in inside}
    return differences


def _clusters(shared: list[frozenset[str]]) -> list[frozenset[str]]:
    clusters: list[frozenset[str]] = []
    for communes in shared:
        touching = [cluster for cluster in clusters if cluster & communes]
        clusters = [cluster for cluster in clusters if not cluster & communes]
        clusters.append(communes.union(*touching))
    return clusters


def build_system(
    policy: Policy, areas: Areas, counts: Mapping[str, Amounts], figures: Mapping[Key, Iterable[str]]
) -> tuple[System, set[Key]]:
    """Return the system of one vintage, and the figures that give a sensitive amount away by themselves.

    Args:
        policy: rules by measure.
        areas: areas of the perimeter.
        counts: measure -> counts of the published areas.
        figures: (indicator, level, code) -> measures that the figure prints.
    """
    amounts = {
        measure: areas.amounts(counts[measure]) for measure in sorted(policy.rules) if measure in counts
    }
    cells: dict[Key, Cell] = {
        (measure, *area): Cell(value, variables_of(measure, areas.places[area]))
        for measure, values in amounts.items()
        for area, value in values.items()
        if area[0] in LEVELS
    }
    printed = {
        figure: frozenset(key for measure in measures if (key := (measure, *figure[1:])) in cells)
        for figure, measures in figures.items()
    }
    targets = sensitive_amounts(policy, areas, amounts)
    telling = {_needed(policy, key) for key in targets}
    primary = {
        figure
        for figure, keys in printed.items()
        if any(frozenset(some) in telling for size in (1, 2) for some in combinations(sorted(keys), size))
    }
    every = frozenset().union(*areas.places.values())
    return System(cells, printed, targets, inclusions(policy, amounts, every)), primary


def sensitive_amounts(policy: Policy, areas: Areas, amounts: Mapping[str, Amounts]) -> dict[Key, Target]:
    """Return what the rules protect, by (measure, kind, level, code).

    Args:
        policy: rules by measure.
        areas: areas of the perimeter.
        amounts: measure -> counts of the areas, published or not.
    """
    targets: dict[Key, Target] = {}
    for measure, values in amounts.items():
        for area in values:
            targets |= _targets(policy, policy.rules[measure], areas, amounts, area)
    return targets


def _needed(policy: Policy, target: Key) -> frozenset[Key]:
    """Return the cells that, printed side by side, give a target away."""
    measure, kind, *area = target
    whole = policy.rules[measure].complement_of
    return frozenset((name, *area) for name in ((measure,) if kind == COUNT else (measure, str(whole))))


def variables_of(measure: str, places: frozenset[Place]) -> frozenset[Variable]:
    """Return the variables of a measure in some places."""
    return frozenset((measure, *place) for place in places)


def _targets(
    policy: Policy, rule: Rule, areas: Areas, amounts: Mapping[str, Amounts], area: Area
) -> dict[Key, Target]:
    """Return what the rule protects in one area: the count, what is left of its whole, or nothing."""
    value = amounts[rule.measure][area]
    whole = amounts.get(rule.complement_of or "", {}).get(area)
    places = areas.places[area]
    width = _width(policy, rule, amounts, area)
    targets: dict[Key, Target] = {}
    if 0 < value < rule.minimum or (rule.group and whole and value == 0):
        targets[rule.measure, COUNT, *area] = Target(variables_of(rule.measure, places), frozenset(), width)
    left = None if whole is None else whole - value
    if left is not None and (0 < left < rule.minimum or (rule.group and whole and left == 0)):
        targets[rule.measure, REMAINDER, *area] = Target(
            variables_of(str(rule.complement_of), places), variables_of(rule.measure, places), width
        )
    return targets


def _width(policy: Policy, rule: Rule, amounts: Mapping[str, Amounts], area: Area) -> float:
    """Return the width of the interval that the rule asks.

    It is the rule's minimum, except inside a whole that its own, looser rule lets publish: a count among
    five published dwellings cannot be known within less than nought to five, which tells nothing more.
    """
    bounds = [
        max(amounts[whole][area], policy.rules[whole].minimum)
        for whole in policy.wholes(rule.measure)
        if area in amounts.get(whole, {})
    ]
    return float(min([rule.minimum, *bounds]))


def inclusions(policy: Policy, measures: Iterable[str], places: frozenset[Place]) -> tuple[Inclusion, ...]:
    """Return what everybody knows of the ``measures`` from their definitions, place by place."""
    measures = sorted(measures)
    implied = {other for rule in policy.rules.values() for other in rule.apart_from}
    return tuple(
        Inclusion(
            frozenset((part, *place) for part in (measure, *policy.rules[measure].apart_from)),
            (str(policy.rules[measure].within), *place),
        )
        for measure in measures
        if policy.rules[measure].within in measures and measure not in implied
        for place in sorted(places)
    )
