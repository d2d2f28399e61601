"""The page of the socio-economic portrait: the chapters that the edition can show, and why not the others.

Belongs here: gathering chapters, illustrations, sources; which chapters are left out.
Does not: checking quotations (``portrait``, ``quotes``), drawing (``illustrations``), HTML (template).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from observatory.errors import InputError
from observatory.rendering.edition import Edition
from observatory.rendering.figures import Figure, file_ids
from observatory.rendering.illustrations import Illustration, Illustrator
from observatory.rendering.landmarks_page import theme_address
from observatory.rendering.page import Page
from observatory.rendering.portrait import (
    Chapter,
    ChapterText,
    Passage,
    chapter_text,
    raise_faults,
)
from observatory.rendering.quotes import AbsentFigureError, Quotations, QuoteError

_PATH = "portrait/index.html"
_ROOT = "../"


@dataclass(frozen=True)
class Part:
    """A passage as it is shown: text, or an illustration with its number and caption."""

    html: Markup
    heading: bool
    illustration: Illustration | None = None
    number: int = 0
    caption: str = ""


@dataclass(frozen=True)
class ShownChapter:
    """A chapter of the page; ``absent`` says what of it the edition lacks."""

    chapter: Chapter
    parts: tuple[Part, ...]
    themes: tuple[tuple[str, str], ...]
    figures: tuple[Figure, ...]
    absent: tuple[str, ...]


@dataclass(frozen=True)
class HiddenChapter:
    """A chapter that the edition cannot show, and why."""

    chapter: Chapter
    reasons: tuple[str, ...]


def portrait_page(edition: Edition) -> Page:
    """Return the page of the portrait.

    Raises:
        ObservatoryError: a quotation differs from the observations, or may not be published.
    """
    shown, hidden = _chapters(edition)
    figures = [figure for one in shown for figure in one.figures]
    used = set(file_ids(figures))
    vintages = sorted({figure.vintage for figure in figures})
    return Page(
        _PATH,
        "portrait.html.j2",
        "portrait",
        "Portrait socio-économique 2000–2020",
        "Population, âge, logement, emploi, niveau de vie et équipements du Bassin minier\u202f: un portrait "
        "illustré dont chaque chiffre est vérifié.",
        False,
        {
            "shown": shown,
            "hidden": hidden,
            "vintages": vintages,
            "files": [row for row in edition.files if row["file_id"] in used],
            "notes": _notes(figures),
        },
    )


def _chapters(edition: Edition) -> tuple[list[ShownChapter], list[HiddenChapter]]:
    quotes = Quotations(edition.book, edition.gazetteer)
    illustrator = Illustrator(edition, quotes, _ROOT)
    shown: list[ShownChapter] = []
    hidden: list[HiddenChapter] = []
    faults: list[InputError] = []
    for chapter in edition.portrait:
        if reason := _elsewhere(edition, chapter):
            hidden.append(HiddenChapter(chapter, (reason,)))
            continue
        text, found = chapter_text(chapter, quotes, _ROOT)
        faults += found
        if text.shown:
            drawn = sum(part.illustration is not None for one in shown for part in one.parts)
            shown.append(_shown(text, illustrator, drawn, faults))
        else:
            hidden.append(HiddenChapter(chapter, text.absent))
    raise_faults(faults)
    return shown, hidden


def _shown(text: ChapterText, illustrator: Illustrator, drawn: int, faults: list[InputError]) -> ShownChapter:
    """Draw the illustrations of a chapter, numbered after ``drawn`` others; its faults go to ``faults``."""
    parts: list[Part] = []
    lacking = list(text.absent)
    for passage in text.passages:
        try:
            illustration = _drawn(text.chapter, passage, illustrator)
        except AbsentFigureError as error:
            lacking.append(str(error))
            continue
        except InputError as error:
            faults.append(error)
            continue
        drawn += illustration is not None
        parts.append(Part(passage.html, passage.heading, illustration, drawn, passage.caption))
    figures = [figure for passage in text.passages for figure in passage.figures]
    figures += [figure for part in parts if part.illustration for figure in part.illustration.figures]
    return ShownChapter(
        text.chapter,
        tuple(_without_empty_sections(parts)),
        tuple((theme, theme_address(theme)) for theme in text.chapter.card.themes),
        tuple(figures),
        tuple(dict.fromkeys(lacking)),
    )


def _without_empty_sections(parts: Sequence[Part]) -> list[Part]:
    """Leave out headings that nothing follows but another heading."""
    following = [*parts[1:], None]
    return [
        part
        for part, after in zip(parts, following, strict=True)
        if not (part.heading and (after is None or after.heading))
    ]


def _elsewhere(edition: Edition, chapter: Chapter) -> str:
    """Return why a chapter does not describe the perimeter of the edition; empty where it does."""
    card, places = chapter.card, edition.gazetteer
    if (card.perimeter, card.perimeter_vintage) == (places.perimeter, places.perimeter_vintage):
        return ""
    return f"écrit pour un autre périmètre (COG {card.perimeter_vintage}) que celui de cette édition"


def _drawn(chapter: Chapter, passage: Passage, illustrator: Illustrator) -> Illustration | None:
    if not passage.illustration:
        return None
    try:
        return illustrator.draw(passage.illustration)
    except QuoteError as error:
        remedy = "corrigez l’adresse de l’illustration, ou retirez-la."
        raise InputError(
            chapter.file, str(error), remedy, row=passage.line, value=passage.illustration
        ) from error


def _notes(figures: Sequence[Figure]) -> list[tuple[str, list[str]]]:
    """Return what may be compared, each sentence once with the indicators that it is about."""
    notes: dict[str, dict[str, None]] = {}
    for figure in figures:
        notes.setdefault(figure.indicator.comparability, {})[figure.indicator.label] = None
    return [(note, list(labels)) for note, labels in notes.items()]
