"""How a figure stands beside the same figure elsewhere: better, worse, higher, lower, or not told apart.

Belongs here: the outcomes of a comparison, the interval behind them, why two figures are not compared.
Does not: choosing the territories to compare (``sheets``), signs and words of the page (``marks``).

The method is that of the public health profiles of England: the 95 % interval of the proportion of a
territory against the value of the other, taken as known. The interval is Wilson's score interval:
E. B. Wilson, « Probable inference, the law of succession, and statistical inference », Journal of the
American Statistical Association, 22 (1927), p. 209-212.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from observatory.rendering.figures import Figure
from observatory.rendering.french import number

# 97.5th centile of the normal distribution: an interval of 95 %.
_Z = 1.959963984540054


class Outcome(StrEnum):
    """What a comparison says of the subject; ``HIGHER`` and ``LOWER`` where neither end is favourable."""

    BETTER = "better"
    WORSE = "worse"
    HIGHER = "higher"
    LOWER = "lower"
    SIMILAR = "similar"
    NOT_COMPARED = "not_compared"


@dataclass(frozen=True)
class Judgement:
    """A subject beside one comparator.

    Attributes:
        outcome: what may be said.
        gap: subject less comparator, in the unit of the indicator (points for a percentage); None where one
            of them is not published or must not be set beside the other.
        reason: why they are not compared, in French; empty where they are.
    """

    outcome: Outcome
    gap: float | None = None
    reason: str = ""

    @property
    def told_apart(self) -> bool:
        """Whether chance does not account for the gap."""
        return self.outcome not in (Outcome.SIMILAR, Outcome.NOT_COMPARED)

    @property
    def above(self) -> bool:
        """Whether the subject has the larger value, where they are told apart."""
        return self.told_apart and self.gap is not None and self.gap > 0


def wilson(part: float, whole: float) -> tuple[float, float]:
    """Return the 95 % score interval of a proportion, from 0 to 1.

    Args:
        part: those counted, from 0 to ``whole``.
        whole: those among whom they are counted, above 0.
    """
    share, z2 = part / whole, _Z * _Z
    middle = (share + z2 / (2 * whole)) / (1 + z2 / whole)
    half = _Z / (1 + z2 / whole) * math.sqrt(share * (1 - share) / whole + z2 / (4 * whole * whole))
    # At the ends one bound is the share itself, which rounding may miss by a hair.
    return (0.0 if part == 0 else middle - half), (1.0 if part == whole else middle + half)


def difference(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Return the 95 % interval of the difference of two independent proportions, from -1 to 1.

    It combines the score intervals of each: R. G. Newcombe, « Interval estimation for the difference between
    independent proportions: comparison of eleven methods », Statistics in Medicine, 17 (1998), p. 873-890,
    method 10.

    Args:
        one: part and whole, as for ``wilson``.
        other: those of the proportion that is taken away.
    """
    (low, high), (low_other, high_other) = wilson(*one), wilson(*other)
    share, share_other = one[0] / one[1], other[0] / other[1]
    gap = share - share_other
    return (
        gap - math.hypot(share - low, high_other - share_other),
        gap + math.hypot(high - share, share_other - low_other),
    )


def judge(subject: Figure, other: Figure, *, same_territory: bool = False) -> Judgement:
    """Compare a figure with that of a territory around.

    Args:
        subject: figure of the territory told.
        other: the same indicator and vintage elsewhere.
        same_territory: whether the two territories are one, by different names.
    """
    if reason := _forbidden(subject, other, same_territory):
        return Judgement(Outcome.NOT_COMPARED, reason=reason)
    if subject.value is None or other.value is None:
        return Judgement(Outcome.NOT_COMPARED, reason="une des deux valeurs n’est pas publiée")
    gap = subject.value - other.value
    if subject.fragile or other.fragile:
        return Judgement(Outcome.NOT_COMPARED, gap, "une des deux valeurs est fragile")
    if not subject.indicator.proportion or not subject.denominator or subject.numerator is None:
        return Judgement(
            Outcome.NOT_COMPARED, gap, "ce n’est pas une proportion\u202f: aucun intervalle n’est calculable"
        )
    low, high = wilson(subject.numerator, subject.denominator)
    decimals = subject.indicator.decimals
    unseen = number(subject.value, decimals) == number(other.value, decimals)
    if unseen or low * 100 <= other.value <= high * 100:
        return Judgement(Outcome.SIMILAR, gap)
    return Judgement(_direction(subject.indicator.polarity, gap), gap)


def _forbidden(subject: Figure, other: Figure, same_territory: bool) -> str:
    if not subject.indicator.compared:
        return "un effectif dépend de la taille du territoire"
    if same_territory:
        return "les deux territoires n’en font qu’un"
    if subject.vintage != other.vintage:
        return "les millésimes diffèrent"
    if subject.fictive != other.fictive and None not in (subject.value, other.value):
        return "l’un des deux chiffres est fictif"
    return ""


def _direction(polarity: str, gap: float) -> Outcome:
    if polarity == "neutral":
        return Outcome.HIGHER if gap > 0 else Outcome.LOWER
    return Outcome.BETTER if (gap > 0) == (polarity == "higher_is_better") else Outcome.WORSE
