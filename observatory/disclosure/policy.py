"""The rules of secrecy by measure: those of ``rules.yaml``, then those of the breakdowns of what they count.

Belongs here: what makes a count sensitive, and what everybody knows of one count from another.
Does not: which cells there are (``cells``), which are hidden to protect others (``linked``).
"""

from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

from observatory.errors import ObservatoryError
from observatory.indicators.breakdowns import Breakdown, crossings, load_breakdowns

RULES = Path(__file__).with_name("rules.yaml")


class RuleError(ObservatoryError):
    """The rules contradict one another."""


class Rule(BaseModel):
    """What makes a count secret (see ``rules.yaml``).

    Attributes:
        measure: the count.
        label: what it counts, in French.
        minimum: counts from 1 to ``minimum - 1`` are secret.
        within: the count of which it is a part, by definition.
        also_within: other counts that contain it, besides ``within``.
        apart_from: other parts of the same whole that share no unit with it.
        complement_of: a count that contains it and what is left of which follows the same rule.
        units: for an amount in euros and the like, the count of those who share it: ``minimum`` is theirs.
        dominance: share of the amount above which its largest contributor makes it secret (flag B).
        contributors: fewest contributors that an amount other than nought may come from (flag A).
        highest: what everybody believes the measure not to exceed in one place.
        rounding: step to whose nearest multiple its amounts are published, on top of suppression.
        group: whether none, or all, is secret too.
        reason: why, in French.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    measure: str
    label: str
    minimum: int = Field(ge=2)
    within: str | None = None
    also_within: tuple[str, ...] = ()
    apart_from: tuple[str, ...] = ()
    complement_of: str | None = None
    units: str | None = None
    dominance: float | None = Field(default=None, gt=0, lt=1)
    contributors: int | None = Field(default=None, ge=2)
    highest: float | None = None
    rounding: float | None = Field(default=None, gt=0)
    group: bool = False
    reason: str


class Partition(BaseModel):
    """Counts that add up to another, as the cells of a table do to its margin.

    Attributes:
        whole: the margin.
        parts: measures, disjoint, that make it up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    whole: str
    parts: tuple[str, ...] = Field(min_length=2)


class Policy(BaseModel):
    """All the rules.

    Attributes:
        sources: sources of the catalogue that hold data on people's homes, ages and benefits.
        public: counts that other producers publish, which a figure may divide by.
        rules: rules by measure.
        partitions: tables and margins; a measure may stand in several, as in a cross-tabulation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: tuple[str, ...]
    public: tuple[str, ...]
    rules: dict[str, Rule]
    partitions: tuple[Partition, ...] = ()

    @property
    def highest(self) -> dict[str, float]:
        """What some measures are not believed to exceed."""
        return {name: rule.highest for name, rule in self.rules.items() if rule.highest is not None}

    def step(self, measure: str | None) -> float | None:
        """Return the step to which a measure is rounded, if it is."""
        return self.rules[measure].rounding if measure in self.rules else None

    def wholes(self, measure: str) -> list[str]:
        """Return the counts that contain a measure, nearest first."""
        found: list[str] = []
        whole = self.rules[measure].within
        while whole is not None:
            found.append(whole)
            whole = self.rules[whole].within
        return found


@cache
def load_policy(path: Path = RULES) -> Policy:
    """Return the rules.

    Raises:
        RuleError: a measure stands twice, or a rule names a count that does not contain its own.
        pydantic.ValidationError: a rule breaks the model.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    rules = [Rule.model_validate(item) for item in content.pop("rules")]
    counted = {rule.measure for rule in rules}
    breakdowns = tuple(one for one in load_breakdowns() if one.of in counted)
    for one in breakdowns:
        rules += [rule for rule in _rules_of(one, breakdowns) if rule.measure not in counted]
    partitions = [Partition.model_validate(item) for item in content.pop("partitions", [])]
    partitions += [Partition(whole=one.base, parts=one.parts) for one in breakdowns if one.cross is None]
    partitions += [Partition(whole=whole, parts=parts) for whole, parts in crossings(breakdowns)]
    policy = Policy(**content, rules={rule.measure: rule for rule in rules}, partitions=tuple(partitions))
    if len(policy.rules) != len(rules):
        raise RuleError(f"{path.name} donne deux règles à une même mesure.")
    for rule in rules:
        named = {rule.within, rule.complement_of, rule.units, *rule.also_within, *rule.apart_from} - {None}
        if unknown := sorted(str(name) for name in named if name not in policy.rules):
            raise RuleError(f"La règle de « {rule.measure} » cite des mesures sans règle : {unknown}.")
    for partition in policy.partitions:
        if unknown := sorted({partition.whole, *partition.parts} - policy.rules.keys()):
            raise RuleError(f"Une partition cite des mesures sans règle : {unknown}.")
    for rule in rules:
        if rule.complement_of is not None and rule.complement_of not in policy.wholes(rule.measure):
            raise RuleError(
                f"La règle de « {rule.measure} » protège le complément à « {rule.complement_of} », "
                "qui ne la contient pas."
            )
        if any(policy.rules[other].within != rule.within for other in rule.apart_from):
            raise RuleError(f"La règle de « {rule.measure} » l’oppose à une part d’un autre ensemble.")
    return policy


def _rules_of(one: Breakdown, breakdowns: tuple[Breakdown, ...]) -> Iterator[Rule]:
    """Yield the rules of the counts of a breakdown: its base, then its categories."""
    by_id = {other.id: other for other in breakdowns}
    outer = by_id[one.inside] if one.inside else None
    if one.base != one.of:
        yield Rule(
            measure=one.base,
            label=one.base_label,
            minimum=one.minimum,
            within=one.of,
            also_within=(outer.base,) if outer else (),
            reason=f"Base de la répartition « {one.title} ».",
        )
    held = {category.id: outer.measure(category) for category in outer.categories} if outer else {}
    rows, columns = (by_id[name].parts for name in one.cross) if one.cross else ((), ())
    margins = list(product(rows, columns))
    for position, category in enumerate(one.categories):
        yield Rule(
            measure=one.measure(category),
            label=one.label_of(category),
            minimum=one.minimum,
            within=margins[position][0] if margins else one.base,
            also_within=margins[position][1:] if margins else ((held[category.id],) if held else ()),
            complement_of=one.base,
            group=one.personal,
            reason=one.reason,
        )
