"""The rules of secrecy as readers are told them.

Belongs here: sentences. Does not: the rules (``disclosure.policy``) nor their application.
"""

from collections.abc import Iterator
from functools import cache

from observatory.disclosure.policy import Rule, load_policy
from observatory.indicators.catalogue import load_indicators
from observatory.rendering.french import number, quantity, typeset

PUBLIC_RULE = "Donnée que son producteur publie : ce qu’il tient secret le reste, rien de plus n’est caché."


def rule_text(rule: Rule) -> str:
    """Return what a rule asks of a count, in one French sentence."""
    return f"{' ; '.join(_clauses(rule))}."


def _clauses(rule: Rule) -> Iterator[str]:
    counted = f"de {rule.units} " if rule.units else ""
    yield f"aucun effectif {counted}de 1 à {number(rule.minimum - 1)} n’est publié"
    if rule.group:
        yield "ni aucun, ni tous"
    if rule.complement_of:
        yield "ce qui reste du tout suit la même règle"
    if rule.dominance is not None:
        most = quantity(rule.dominance * 100, 0, "%")
        yield f"aucun montant dont un seul contributeur ferait plus de {most}"
    if rule.contributors is not None:
        yield f"aucun montant de moins de {number(rule.contributors)} contributeurs"
    if rule.rounding is not None:
        yield f"montants arrondis à {number(rule.rounding)} près"


def rule_of(indicator: str) -> str:
    """Return the rules of the counts that an indicator is made of, in French.

    Args:
        indicator: identifier; one that the catalogue does not have follows no rule of its own.
    """
    rules = [
        load_policy().rules[name] for name in _measures().get(indicator, ()) if name in load_policy().rules
    ]
    if not rules:
        return PUBLIC_RULE
    labels = [typeset(rule.label) for rule in rules]
    return " ".join(
        f"{label[:1].upper()}{label[1:]} : {rule_text(rule)}"
        for label, rule in zip(labels, rules, strict=True)
    )


@cache
def _measures() -> dict[str, tuple[str, ...]]:
    return {
        one.id: tuple(dict.fromkeys(name for name in (one.numerator, one.denominator) if name))
        for one in load_indicators()
    }


@cache
def rules_by_reason() -> list[tuple[str, str, list[str]]]:
    """Return the rules as (what is asked, why, what they bear on), those that say the same together."""
    found: dict[tuple[str, str], list[str]] = {}
    for rule in load_policy().rules.values():
        found.setdefault((rule_text(rule), typeset(rule.reason)), []).append(typeset(rule.label))
    return [(asked, reason, sorted(set(labels))) for (asked, reason), labels in found.items()]
