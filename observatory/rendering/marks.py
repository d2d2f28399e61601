"""The signs that stand beside figures, and the legend of those that a table uses.

Belongs here: sign, words and meaning of each mark.
Does not: when a mark is due (``comparisons``, ``figures``), HTML.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from observatory.rendering.comparisons import Judgement, Outcome
from observatory.rendering.figures import Figure
from observatory.rendering.wording import STATUSES


@dataclass(frozen=True)
class Mark:
    """A sign or short word, the class that draws it, its title beside a figure, what the legend says."""

    sign: str
    css: str
    word: str
    meaning: str


def _beside(sign: str, css: str, word: str, sense: str) -> Mark:
    """Return the mark of a comparison: what the sheet's own figure is, beside that of a column."""
    return Mark(sign, f"judged {css}", f"fiche {word}{sense}", f"valeur de la fiche {word} qu’ici{sense}")


_GOOD, _BAD = ", ce qui est favorable", ", ce qui est défavorable"
_MARKS = {
    (Outcome.BETTER, True): _beside("△", "better", "plus élevée", _GOOD),
    (Outcome.BETTER, False): _beside("▽", "better", "plus faible", _GOOD),
    (Outcome.WORSE, True): _beside("▲", "worse", "plus élevée", _BAD),
    (Outcome.WORSE, False): _beside("▼", "worse", "plus faible", _BAD),
    (Outcome.HIGHER, True): _beside("↑", "apart", "plus élevée", ""),
    (Outcome.LOWER, False): _beside("↓", "apart", "plus faible", ""),
    (Outcome.SIMILAR, False): Mark(
        "≈",
        "judged similar",
        "écart non significatif",
        "écart non significatif entre la valeur de la fiche et celle-ci",
    ),
}
COMPARISON_MARKS = tuple(_MARKS.values())
RANK = Mark("1er", "rank-sign", "rang", "le plus favorable\u202f; à défaut de sens favorable, le plus élevé")
FRAGILE = Mark("fragile", "fragile", "fragile", "à manier avec précaution\u202f: base trop petite")
FICTIVE = Mark("fictif", "mark", "fictif", "donnée fictive, qui ne décrit aucun logement ni aucune personne")


def mark_of(judgement: Judgement | None) -> Mark | None:
    """Return the mark of a comparison; None where there is none to show."""
    if judgement is None or judgement.outcome is Outcome.NOT_COMPARED:
        return None
    return _MARKS[judgement.outcome, judgement.above]


def legend(
    figures: Iterable[Figure], judgements: Iterable[Judgement | None] = (), *, ranked: bool = False
) -> tuple[Mark, ...]:
    """Return the marks that some figures, comparisons and ranks use, in a fixed order."""
    judged = {mark_of(judgement) for judgement in judgements}
    shown = tuple(figures)
    published = [figure for figure in shown if figure.value is not None]
    found = [mark for mark in _MARKS.values() if mark in judged]
    if ranked:
        found.append(RANK)
    if any(figure.fragile for figure in published):
        found.append(FRAGILE)
    absent = {figure.status for figure in shown if figure.value is None}
    found += [
        Mark(status.short, f"status status-{name}", status.short, status.meaning)
        for name, status in STATUSES.items()
        if name in absent
    ]
    if any(figure.fictive for figure in published):
        found.append(FICTIVE)
    return tuple(found)
