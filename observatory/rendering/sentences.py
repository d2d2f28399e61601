"""What the figures of a theme say, in French sentences.

Belongs here: which lines are told; level, comparison, position and change in words.
Does not: grammar of names and numbers (``naming``, ``french``), working anything out.

A figure that is not published or is fragile is never told, and a gap that chance explains is said to be so.
"""

from collections.abc import Callable, Sequence

from observatory.rendering.changes import Change
from observatory.rendering.comparisons import Judgement, Outcome
from observatory.rendering.figures import Figure
from observatory.rendering.french import NO_BREAK_SPACE, capital, counted, joined, number, ordinal, that
from observatory.rendering.naming import named, opening, within
from observatory.rendering.places import Place
from observatory.rendering.ranks import Rank
from observatory.rendering.rows import Row
from observatory.rendering.wording import LEVELS_PLURAL

FICTIVE_WORDS = "(données fictives)"
_TOLD, _LONGEST = 2, 3
_SHORT_UNITS = ("%", "€")
_COMPARATORS = ("commune", "epci", "basin")


def sentences(
    place: Place, communes: Sequence[Place], columns: Sequence[Place], rows: Sequence[Row]
) -> tuple[str, ...]:
    """Return sentences on the first lines of a theme that may be told: their level, then a position.

    Args:
        place: the only subject of the lines.
        communes: those of a cité, the main one first.
        columns: territories of the figures of each line, the subject first.
        rows: lines of the theme.
    """
    told = [row for row in rows if _may_be_told(row)][:_TOLD]
    lines: list[str] = []
    for row in told:
        # Only the first names the territory: what follows is read after it.
        where = "" if lines else f"{opening(place, communes)}, "
        lines.append(capital(f"{where}en {row.figures[0].vintage}, {_level(columns, row)}."))
        if len(lines) < _LONGEST and row.indicator.aggregation != "sum" and (after := _position(row)):
            lines.append(after)
    return tuple(lines[:_LONGEST])


def _may_be_told(row: Row) -> bool:
    return row.indicator.phrase is not None and row.figures[0].value is not None and not row.fragile


def _level(columns: Sequence[Place], row: Row) -> str:
    """Say a figure and those of the territories around."""
    figure = row.figures[0]
    value = counted(figure.value or 0.0, figure.indicator.decimals, figure.indicator.unit)
    phrase = (row.indicator.phrase or "").replace("{value}", value)
    made_up = f" {FICTIVE_WORDS}" if figure.fictive else ""
    return f"{phrase}{made_up}{_beside(columns, row)}"


def _beside(columns: Sequence[Place], row: Row) -> str:
    around = [
        (place, figure, judgement)
        for place, figure, judgement in zip(columns, row.figures, row.judgements, strict=True)
        if judgement is not None and judgement.gap is not None and place.level in _COMPARATORS
    ]

    def those(kept: Callable[[Judgement], bool], said: Callable[[Place], str]) -> list[str]:
        return [
            f"{said(place)} ({_value(figure)})"
            for place, figure, judgement in around
            if kept(judgement) and not figure.fragile
        ]

    above = those(lambda one: one.told_apart and one.above, lambda place: that(within(place)))
    below = those(lambda one: one.told_apart and not one.above, lambda place: that(within(place)))
    alike = those(lambda one: one.outcome is Outcome.SIMILAR, named)
    aside = those(lambda one: one.outcome is Outcome.NOT_COMPARED, within)
    clauses = [
        *([f"plus {joined(above)}"] if above else []),
        *([f"moins {joined(below)}"] if below else []),
        *([f"sans écart significatif avec {joined(alike)}"] if alike else []),
    ]
    judged = f", {_opposed(clauses)}" if clauses else ""
    # A gap without an interval is left to the reader, the two figures side by side.
    return judged + (f", contre {joined(_turned(aside))}" if aside else "")


def _opposed(clauses: Sequence[str]) -> str:
    """Set two clauses against each other, or list three."""
    return ", mais ".join(clauses) if len(clauses) < 3 else f"{', '.join(clauses[:-1])}, et {clauses[-1]}"


def _turned(aside: Sequence[str]) -> list[str]:
    """Return « 7 % à Lens » from « à Lens (7 %) »."""
    parts = [text.rpartition(" (") for text in aside]
    return [f"{value.removesuffix(')')} {where}" for where, _, value in parts]


def _position(row: Row) -> str:
    """Say the position of a figure among the others of its level, and its change."""
    made_up = f" {FICTIVE_WORDS}" if row.figures[0].fictive else ""
    position = f"C’est {_ranked(row.rank, row.indicator.polarity)}" if row.rank else ""
    moved = _moved(row.change)
    if position and moved:
        return f"{position}\u202f; entre {moved.format(subject='elle')}{made_up}."
    if position:
        return f"{position}{made_up}."
    return f"Entre {moved.format(subject='cette valeur')}{made_up}." if moved else ""


def _ranked(rank: Rank, polarity: str) -> str:
    first, last = ("faible", "élevée") if polarity == "lower_is_better" else ("élevée", "faible")
    among = f"des {number(rank.among)}{NO_BREAK_SPACE}{LEVELS_PLURAL[rank.level]} classées"
    if rank.position == rank.among:
        return f"la valeur la plus {last} {among}"
    tied = ", ex æquo," if rank.tied else ""
    place = "la valeur" if rank.position == 1 else f"la {ordinal(rank.position)} valeur"
    return f"{place} la plus {first}{tied} {among}"


def _moved(change: Change | None) -> str:
    """Say a change, ``{subject}`` standing for what changed; nothing where none is told."""
    if change is None or change.value is None:
        return ""
    years = f"{change.from_vintage} et {change.to_vintage}"
    if change.significant is False:
        return f"{years}, {{subject}} n’a pas changé de façon significative ({change.text})"
    if not change.text.startswith(("+", "\u2212")):
        return f"{years}, {{subject}} est restée stable"
    verb = "a augmenté" if change.value > 0 else "a diminué"
    unit = "%" if change.kind == "percent" else "points"
    return f"{years}, {{subject}} {verb} de {counted(abs(change.value), 1, unit)}"


def _value(figure: Figure) -> str:
    """Return the value of a comparator, without the unit that the subject's has just told in words."""
    if figure.value is None or not figure.indicator.unit.startswith(_SHORT_UNITS):
        return figure.text
    return figure.full_text
