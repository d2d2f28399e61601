"""The counts that are published together, as one linear system with the amounts to protect.

Belongs here: which cells and areas there are, what each sums, which amounts are sensitive, the figures
that print them.
Does not: what an attacker makes of it (``attack``), what is hidden (``linked``).

The variables are, for each measure, the part of each cité in each of its communes and the rest of each
commune. Cités, communes, EPCI and the basin are printed; what differences give away is not, but is
protected alike: the rest of a commune, and the rest of communes that share a cité.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations

import polars as pl

from observatory.disclosure.policy import Policy, Rule
from observatory.disclosure.system import Cell, Inclusion, Key, Line, System, Target, Variable
from observatory.errors import ObservatoryError
from observatory.territories import members

LEVELS = ("cite", "commune", "epci", "basin")
COUNT, REMAINDER = "effectif", "complément"

Area = tuple[str, str]
"""(level, code); a level that is not published for what differences give away."""
Place = tuple[str, str]
"""(commune, cité), the smallest place; no cité for the rest of the commune."""
Amounts = Mapping[Area, float]
Contributions = Mapping[str, Mapping[str, Amounts]]
"""Measure -> contributor -> amounts."""
DOMINANCE = 0.85
"""Share of an amount that its largest contributor may not exceed, where a rule says nothing else."""


class UnknownContributorsError(ObservatoryError):
    """A rule bears on who contributes to an amount, and the contributions are not given."""


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
    policy: Policy,
    areas: Areas,
    counts: Mapping[str, Amounts],
    figures: Mapping[Key, Iterable[str]],
    contributions: Contributions | None = None,
) -> tuple[System, dict[Key, Key]]:
    """Return the system of one vintage, and the figures that alone give a sensitive amount away: which one.

    Args:
        policy: rules by measure.
        areas: areas of the perimeter.
        counts: measure -> counts of the published areas.
        figures: (indicator, level, code) -> measures that the figure prints.
        contributions: measure -> contributor -> amounts of the published areas.

    Raises:
        UnknownContributorsError: a rule on contributors, and no contributions.
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
    targets = sensitive_amounts(policy, areas, amounts, contributions)
    every = frozenset().union(*areas.places.values())
    system = System(cells, printed, targets, inclusions(policy, amounts, every), highest=policy.highest)
    if policy.partitions:
        system = replace(system, lines=tuple(_lines(policy, areas, cells)))
    return system, telling_figures(policy, system)


def telling_figures(policy: Policy, system: System) -> dict[Key, Key]:
    """Return the figures that alone give an amount to protect away: which one."""
    telling = {_needed(policy, key): key for key in sorted(system.targets, reverse=True)}
    return {
        figure: telling[frozenset(some)]
        for figure, keys in system.figures.items()
        for size in (2, 1)
        for some in combinations(sorted(keys), size)
        if frozenset(some) in telling
    }


def _lines(policy: Policy, areas: Areas, cells: Mapping[Key, Cell]) -> Iterator[Line]:
    """Yield the lines of the printed tables: by category in one area, and by area of one measure."""
    printed = sorted({(level, code) for _, level, code in cells})
    measures = sorted({key[0] for key in cells})
    for partition in policy.partitions:
        for area in printed:
            whole, parts = (partition.whole, *area), tuple((part, *area) for part in partition.parts)
            if {whole, *parts} <= cells.keys():
                yield Line(whole, parts, 0.0)
    for level, inner in zip(LEVELS[1:], LEVELS, strict=False):
        for area in (area for area in printed if area[0] == level):
            inside = [
                other for other in printed if other[0] == inner and areas.places[other] <= areas.places[area]
            ]
            for measure in measures:
                parts = tuple((measure, *other) for other in inside)
                if inside and {(measure, *area), *parts} <= cells.keys():
                    whole = (measure, *area)
                    yield Line(whole, parts, cells[whole].value - sum(cells[part].value for part in parts))


def sensitive_amounts(
    policy: Policy,
    areas: Areas,
    amounts: Mapping[str, Amounts],
    contributions: Contributions | None = None,
) -> dict[Key, Target]:
    """Return what the rules protect, by (measure, kind, level, code).

    Args:
        policy: rules by measure.
        areas: areas of the perimeter.
        amounts: measure -> counts of the areas, published or not.
        contributions: as ``build_system``.
    """
    targets: dict[Key, Target] = {}
    for measure, values in amounts.items():
        rule = policy.rules[measure]
        if rule.dominance is not None or rule.contributors is not None:
            targets |= _concentrated(rule, areas, values, (contributions or {}).get(measure))
        for area in values:
            # What is too few comes before what is too concentrated: its flag stands.
            targets |= _targets(policy, rule, areas, amounts, area)
    return targets


def _concentrated(
    rule: Rule, areas: Areas, values: Amounts, contributions: Mapping[str, Amounts] | None
) -> Iterator[tuple[Key, Target]]:
    """Yield the amounts that too few contributors make up.

    The interval asked keeps the largest contribution from being known within the share that the rule allows
    (de Wolf and Hundepool, the upper protection level of the dominance rule): x / k - X.
    """
    if contributions is None:
        raise UnknownContributorsError(
            f"La règle de « {rule.measure} » porte sur ses contributeurs, que rien ne donne. Que faire : "
            "fournissez les contributions, ou retirez dominance et contributors de la règle."
        )
    shares = [
        areas.amounts({area: given.get(area, 0.0) for area in values}) for given in contributions.values()
    ]
    for area, value in values.items():
        parts = sorted((share.get(area, 0.0) for share in shares), reverse=True)
        few = rule.contributors is not None and 0 < sum(part > 0 for part in parts) < rule.contributors
        dominated = rule.dominance is not None and value > 0 and parts[0] > rule.dominance * value
        if few or dominated:
            width = max(parts[0] / (rule.dominance or DOMINANCE) - value, value * (1 / DOMINANCE - 1))
            key = (rule.measure, COUNT, *area)
            yield (
                key,
                Target(
                    variables_of(rule.measure, areas.places[area]), frozenset(), width, "A" if few else "B"
                ),
            )


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
    if rule.units is not None:
        few = 0 < amounts[rule.units].get(area, 0.0) < rule.minimum
        width = value * (1 / DOMINANCE - 1)
        inside = variables_of(rule.measure, places)
        return {(rule.measure, COUNT, *area): Target(inside, frozenset(), width)} if few and value > 0 else {}
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
    """Return what everybody knows of the ``measures`` from their definitions, place by place.

    What a partition says already, that its parts are within the whole, is not said again.
    """
    measures = sorted(measures)
    partitions = [p for p in policy.partitions if {p.whole, *p.parts} <= set(measures)]
    known = [
        (parts, whole)
        for parts, whole in _definitions(policy, measures)
        if not any(whole == p.whole and parts <= set(p.parts) for p in partitions)
    ]
    everywhere = sorted(places)
    return tuple(
        Inclusion(frozenset((part, *place) for part in parts), (whole, *place), exact=exact)
        for parts, whole, exact in (
            *((frozenset(p.parts), p.whole, True) for p in partitions),
            *((parts, whole, False) for parts, whole in known),
        )
        for place in everywhere
    )


def _definitions(policy: Policy, measures: list[str]) -> Iterator[tuple[frozenset[str], str]]:
    """Yield the measures that share nothing and are together within another, and that other."""
    implied = {other for rule in policy.rules.values() for other in rule.apart_from}
    for measure in measures:
        rule = policy.rules[measure]
        nearest = next((whole for whole in policy.wholes(measure) if whole in measures), None)
        if nearest is not None and measure not in implied:
            beside = rule.apart_from if nearest == rule.within else ()
            yield frozenset({measure, *beside}), nearest
        yield from ((frozenset({measure}), whole) for whole in rule.also_within if whole in measures)
