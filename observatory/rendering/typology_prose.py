"""Sentences of the typology: what a reader who is no statistician makes of its figures.

Belongs here: turning gaps, similarities, distances, moves and bounds into French.
Does not: looking figures up (``typology``, ``trajectories``), HTML.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from observatory.rendering.french import MINUS, NO_BREAK_SPACE, THIN_SPACE, number, plural, quantity, unit
from observatory.typology.trajectories import BORDERLINE

SIGNIFICANCE = 0.05
"""The usual two-sided threshold of a v-test, over which a gap may be chance."""
DEGREES = ((1.0, "nettement "), (0.5, ""), (0.0, "un peu "))
"""Gaps to the mean, in standard deviations, and how they are told."""

# Simplified silhouette of 0.25, under which L. Kaufman and P. Rousseeuw (1990) see no real structure.
_CLEAR = 0.75
_ADVICE = {
    "très stable": "on peut s’y fier",
    "stable": "on peut s’y fier, sauf pour les communes de la frontière",
    "moyenne": "son cœur se retrouve, ses bords changent",
    "instable": "elle se défait souvent, et il ne faut pas s’appuyer sur elle seule",
}
_ABSENCES = {
    "secret": "non publié, secret statistique",
    "missing": "valeur absente de la source",
    "not_applicable": "sans objet, dénominateur nul",
    "not_available": "non disponible pour la commune",
    "published": "valeur nulle, qui n’a pas de logarithme",
}


@dataclass(frozen=True)
class Bound:
    """Moves that noise alone would make, under one bound of the noise: 80 % interval and median."""

    low: float
    median: float
    high: float

    @property
    def wide(self) -> bool:
        """Whether there is an interval."""
        return self.low < self.high

    @property
    def text(self) -> str:
        """The median, and the interval where there is one."""
        if not self.wide:
            return _count(self.median)
        return f"{_count(self.median)} [{_count(self.low)}–{_count(self.high)}]"


def lower_first(label: str) -> str:
    """Return a label as it stands within a sentence."""
    return label[:1].lower() + label[1:]


def enumeration(items: Sequence[str]) -> str:
    """Join items as a sentence does: a, b et c."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} et {items[-1]}"


def letter(number_: int) -> str:
    """Name a class of the trajectories, 1 being A, so that nobody takes it for a class of the typology."""
    return chr(ord("A") + number_ - 1)


def reading(gap: float, p_value: float) -> str:
    """Say where a class stands on a variable, ``gap`` in standard deviations of all communes."""
    if p_value > SIGNIFICANCE:
        return "comme la moyenne"
    degree = next(word for least, word in DEGREES if abs(gap) >= least)
    return f"{degree}{'au-dessus' if gap > 0 else 'au-dessous'}"


def stability(jaccard: float, verdict: str) -> str:
    """Say what a mean bootstrap similarity of Jaccard, from 0 to 1, means."""
    share = quantity(jaccard * 100, 0, "%")
    return (
        "Quand on retire au hasard plus d’un tiers des communes et qu’on refait toute l’analyse, la classe "
        f"d’origine et celle qui lui ressemble le plus ont en moyenne {share} de leurs communes en "
        f"commun{THIN_SPACE}: {_ADVICE[verdict]}."
    )


def border(own: float, following: float, next_class: int) -> str:
    """Say how close to another class a commune is, from its distances to both centres."""
    ratio = own / following
    if ratio > 1:
        return (
            f"à la frontière avec la classe {next_class}, dont le centre est même un peu plus proche "
            "que celui de sa classe"
        )
    if ratio >= BORDERLINE:
        return f"proche de la frontière avec la classe {next_class}{THIN_SPACE}: elle pourrait y passer"
    clearly = "nettement " if ratio < _CLEAR else ""
    return f"{clearly}plus proche de sa classe que de la suivante, la classe {next_class}"


def absence(status: str) -> str:
    """Say why a placed commune lacks a value."""
    return _ABSENCES[status]


def change(value: float, transform: str, unit_name: str, decimals: int, *, relative: bool) -> str:
    """Write a change of a variable, of its logarithm if it has one.

    Args:
        value: change, in the units of the transformed variable.
        transform: ``none``, ``log`` or ``log1p``, whose changes are told in per cent.
        unit_name: unit of the indicator.
        decimals: decimals of the indicator.
        relative: whether the variable is set against the mean of the communes of the year, at 100.
    """
    if transform != "none":
        of = " (de un plus la part)" if transform == "log1p" else ""
        return f"{_signed(math.expm1(value) * 100, 1)}{NO_BREAK_SPACE}%{of}"
    if relative:
        return f"{_signed(value, 1)}{NO_BREAK_SPACE}{_points(value, 1)} d’indice"
    if unit_name == "%":
        return f"{_signed(value, 1)}{NO_BREAK_SPACE}{_points(value, 1)}"
    one_word = unit_name.endswith("s") and " " not in unit_name
    noun = unit_name.removesuffix("s") if one_word and abs(value) < 2 else unit_name
    return f"{_signed(value, max(decimals, 1))}{NO_BREAK_SPACE}{unit(noun)}"


def moves(observed: int, followed: int, raw: int, years: tuple[int, int]) -> str:
    """Say how many communes change class, net of the common drift and not."""
    when = f"entre {years[0]} et {years[1]}"
    net = f"une fois ôtée l’évolution commune à toutes ({number(raw)} sans l’ôter)"
    if not observed:
        return f"Aucune des {number(followed)} communes suivies ne change de classe {when}, {net}."
    verb = "change" if observed < 2 else "changent"
    return f"{plural(observed, 'commune', 'communes')} sur {number(followed)} {verb} de classe {when}, {net}."


def noise(observed: int, low: Bound, high: Bound) -> str:
    """Say whether the moves observed are more than noise makes.

    The truth lies between the two bounds of the noise: only moves beyond what the high one makes are proof
    of change; within or below, nothing is proved, whatever the low one says.
    """
    expected = (
        f"Le bruit seul en produirait entre {low.text} (borne basse{THIN_SPACE}: le sondage du recensement) "
        f"et {high.text} (borne haute{THIN_SPACE}: tout ce que l’évolution commune n’explique pas)."
    )
    if low.wide or high.wide:
        expected = f"{expected[:-2]}{THIN_SPACE}; entre crochets, huit simulations sur dix)."
    return f"{expected} {_verdict(observed, low, high)}"


def _verdict(observed: int, low: Bound, high: Bound) -> str:
    if not observed:
        return "Il n’y a donc aucun changement à expliquer."
    these = "ce changement" if observed < 2 else "ces changements"
    if observed > high.high:
        subject = these if observed < 2 else f"une partie au moins de {these}"
        real = "réel" if observed < 2 else "réelle"
        return (
            f"Même à sa borne haute, le bruit en produit rarement autant{THIN_SPACE}: {subject} est sans "
            f"doute {real}."
        )
    rest = (
        "Le sondage seul n’en expliquerait pas autant, mais il n’est pas le seul bruit."
        if observed > low.high
        else "Le sondage seul y suffirait."
    )
    nothing = "ces deux dates ne prouvent pas que des communes aient changé de profil plus que les autres"
    if observed < high.low:
        return (
            "C’est moins que sa borne haute, qui compte donc pour du bruit plus qu’il n’y en a, mais "
            f"{nothing}{THIN_SPACE}: le bruit véritable, entre les deux bornes, n’est pas connu. {rest}"
        )
    return f"À sa borne haute, le bruit suffit à expliquer {these}{THIN_SPACE}: {nothing}. {rest}"


def path(raw: tuple[int, int], net: tuple[int, int], years: tuple[int, int]) -> str:
    """Say which classes a commune goes through, with the common drift and without.

    Args:
        raw: classes before and after.
        net: the same, the drift of all communes taken away.
        years: the two dates.
    """
    when = f"De {years[0]} à {years[1]}, la commune"
    if raw[0] == raw[1] and net[0] == net[1]:
        return f"{when} reste dans la classe {letter(raw[1])}."
    if raw == net:
        return f"{when} {_passes(raw)}, y compris une fois ôtée l’évolution commune à toutes."
    if net[0] == net[1]:
        return (
            f"{when} {_passes(raw)}, mais avec les autres{THIN_SPACE}: l’évolution commune à toutes une fois "
            f"ôtée, elle reste dans la classe {letter(net[1])}."
        )
    return (
        f"{when} {_passes(raw)}{THIN_SPACE}; l’évolution commune à toutes une fois ôtée, elle {_passes(net)}."
    )


def noise_probability(probability: float) -> str:
    """Say how likely noise alone makes a commune change class, under the high bound."""
    alone = "À elle seule, l’imprécision des chiffres"
    if probability < 0.005:
        return f"{alone} n’aurait presque aucune chance de la faire changer de classe."
    chances = (
        "une chance sur cent" if probability < 0.015 else f"{number(probability * 100)} chances sur cent"
    )
    return f"{alone} aurait au plus {chances} de la faire changer de classe."


def _passes(classes: tuple[int, int]) -> str:
    if classes[0] == classes[1]:
        return f"reste dans la classe {letter(classes[1])}"
    return f"passe de la classe {letter(classes[0])} à la classe {letter(classes[1])}"


def _count(value: float) -> str:
    return number(value, 0 if float(value).is_integer() else 1)


def _signed(value: float, decimals: int) -> str:
    text = number(value, decimals)
    shown_zero = not any(figure in text for figure in "123456789")
    return text if text.startswith(MINUS) or shown_zero else f"+{text}"


def _points(value: float, decimals: int) -> str:
    return "point" if round(abs(value), decimals) < 2 else "points"
