"""The rules of secrecy by measure, read from ``rules.yaml``.

Belongs here: what makes a count sensitive, and what everybody knows of one count from another.
Does not: which cells there are (``cells``), which are hidden to protect others (``linked``).
"""

from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

from observatory.errors import ObservatoryError

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
    policy = Policy(**content, rules={rule.measure: rule for rule in rules})
    if len(policy.rules) != len(rules):
        raise RuleError(f"{path.name} donne deux règles à une même mesure.")
    for rule in rules:
        named = {rule.within, rule.complement_of, rule.units, *rule.apart_from} - {None}
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
