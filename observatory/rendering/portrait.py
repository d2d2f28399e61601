"""The chapters of the socio-economic portrait: Markdown whose every number is a checked quotation.

Belongs here: reading ``data/reference/portrait/NN-titre.md``, and writing a chapter for an edition.
Does not: what an address gives (``quotes``), drawings (``illustrations``), the page (``portrait_page``).

A chapter opens with its card between two lines ``---``: ``title``, ``perimeter`` and ``perimeter_vintage``
(those that its text describes), ``themes``. In its text a figure is a link, ``[58,7 %](chiffre:…)``, and an
illustration an image alone in its paragraph, ``![légende](illustration:…)``. A number outside a quotation is
refused, but for years, ages and bases (« pour 100 »).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from observatory.errors import InputError, ObservatoryError
from observatory.rendering.figures import Figure
from observatory.rendering.french import typeset
from observatory.rendering.quotes import AbsentFigureError, Answer, Quotations, QuoteError

ILLUSTRATION = "illustration:"
_RULE = "---"
_SPACES = re.compile(r"[\s\u00a0\u202f]+")
# Numbers that are no figure: years, ages, the base of a rate.
_NO_FIGURE = re.compile(
    r"\b(?:19|20)\d\d\b|\b\d+(?: (?:à|et|ou) \d+)? ans\b|\bpour (?:100|10?\s000)\b|\b1er\b"
)


class Card(BaseModel):
    """The card of a chapter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Annotated[str, Field(min_length=3), AfterValidator(typeset)]
    perimeter: str
    perimeter_vintage: int
    themes: tuple[str, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Chapter:
    """A chapter as it is written; ``line`` is the one of its file where ``text`` begins."""

    file: str
    card: Card
    text: str
    line: int

    @property
    def anchor(self) -> str:
        """Identifier of the chapter on its page."""
        return Path(self.file).stem.partition("-")[2]


@dataclass(frozen=True)
class Passage:
    """A paragraph, a list or a heading of a chapter, or the address of an illustration and its caption."""

    html: Markup
    figures: tuple[Figure, ...] = ()
    illustration: str = ""
    caption: str = ""
    line: int = 0
    heading: bool = False


@dataclass(frozen=True)
class ChapterText:
    """A chapter in an edition: what is shown, and why the rest is not."""

    chapter: Chapter
    passages: tuple[Passage, ...]
    absent: tuple[str, ...]

    @property
    def shown(self) -> bool:
        """Whether any paragraph with a figure stands."""
        return any(passage.figures for passage in self.passages)


def read_chapters(folder: Path) -> tuple[Chapter, ...]:
    """Return the chapters of a folder, in the order of their file names; none where there is no folder.

    Raises:
        InputError: a file has no card, or one that lacks something.
    """
    return tuple(_read(path) for path in sorted(folder.glob("*.md")))


def _read(path: Path) -> Chapter:
    remedy = "écrivez-la entre deux lignes « --- », sur le modèle des autres chapitres."
    lines = path.read_text(encoding="utf-8").splitlines()
    ends = [position for position, line in enumerate(lines) if line == _RULE]
    if len(ends) < 2 or ends[0] != 0:
        raise InputError(path.name, "le chapitre n’a pas de fiche.", remedy)
    try:
        card = Card.model_validate(yaml.safe_load("\n".join(lines[1 : ends[1]])))
    except (yaml.YAMLError, ValidationError) as error:
        raise InputError(path.name, "la fiche du chapitre ne convient pas.", remedy) from error
    start = ends[1] + 1
    return Chapter(path.name, card, "\n".join(lines[start:]), start + 1)


def chapter_text(chapter: Chapter, quotes: Quotations, root: str) -> tuple[ChapterText, list[InputError]]:
    """Write a chapter for an edition.

    Args:
        chapter: the chapter.
        quotes: what addresses give.
        root: way from the page to the root of the site.

    Returns:
        Its text and the faults of its quotations, each with file, line and remedy.
    """
    passages, absent, faults = [], [], []
    writer = _Writer(chapter, quotes, root)
    for block in _blocks(_MARKDOWN.parse(chapter.text)):
        try:
            passages.append(writer.passage(block))
        except AbsentFigureError as error:
            absent.append(str(error))
        except InputError as error:
            faults.append(error)
    return ChapterText(chapter, tuple(passages), tuple(dict.fromkeys(absent))), faults


def raise_faults(faults: Sequence[InputError]) -> None:
    """Raise the faults of all chapters at once.

    Raises:
        ObservatoryError: there are some.
    """
    if len(faults) == 1:
        raise faults[0]
    if faults:
        listed = "\n".join(f"- {fault}" for fault in faults)
        raise ObservatoryError(f"Le portrait a {len(faults)} citations à revoir\u202f:\n{listed}")


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).disable(["code", "fence", "hr", "html_block"])


def _blocks(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """Yield the tokens of each block of the top level."""
    block: list[Token] = []
    depth = 0
    for token in tokens:
        block.append(token)
        depth += token.nesting
        if depth == 0:
            yield block
            block = []


class _Writer:
    """Writes the blocks of a chapter."""

    def __init__(self, chapter: Chapter, quotes: Quotations, root: str) -> None:
        self._chapter, self._quotes, self._root = chapter, quotes, root

    def passage(self, block: list[Token]) -> Passage:
        """Write a block.

        Raises:
            InputError: a quotation is wrong, or a number is not one.
            AbsentFigureError: the edition lacks a figure of it.
        """
        figures: list[Figure] = []
        for token in block:
            if token.type in ("heading_open", "heading_close"):
                token.tag = "h3"
            if token.type == "inline" and token.children is not None and token.map is not None:
                first = token.children[0] if token.children else None
                if len(token.children) == 1 and first is not None and first.type == "image":
                    return self._illustration(first, self._chapter.line + token.map[0])
                figures += self._inline(token.children, self._chapter.line + token.map[0])
        html = _MARKDOWN.renderer.render(block, _MARKDOWN.options, {})
        # The renderer escapes every text, and lets no HTML through.
        return Passage(Markup(html), tuple(figures), heading=block[0].type == "heading_open")

    def _illustration(self, image: Token, line: int) -> Passage:
        address = str(image.attrs.get("src", ""))
        if not address.startswith(ILLUSTRATION):
            raise self._fault(line, address, "une image est une illustration tirée des tableaux.")
        caption = self._prose(image.content, line)
        return Passage(Markup(""), (), address.removeprefix(ILLUSTRATION), caption, line)

    def _inline(self, children: list[Token], line: int) -> list[Figure]:
        """Check and set the text of a block, its quotations written as the observations give them."""
        figures: list[Figure] = []
        answer: Answer | None = None
        address = ""
        for child in children:
            if child.type in ("softbreak", "hardbreak"):
                line += 1
            elif child.type == "link_open":
                address = str(child.attrs.get("href", ""))
                answer = self._answer(address, child, line)
                figures += answer.figures
            elif child.type == "link_close":
                answer = None
            elif child.type == "text" and answer is not None:
                child.content = self._written(child.content, answer, address, line)
            elif child.type == "text":
                child.content = self._prose(child.content, line)
            elif child.type in ("image", "code_inline"):
                raise self._fault(line, child.content, "une illustration est seule dans son paragraphe.")
        return figures

    def _answer(self, address: str, link: Token, line: int) -> Answer:
        try:
            answer = self._quotes.answer(address)
        except QuoteError as error:
            raise self._fault(line, address, str(error)) from error
        link.attrs = {
            "class": "quote",
            "href": f"{self._root}methodes/index.html#{answer.indicator.anchor}",
            "title": typeset(f"{answer.indicator.label} — {answer.note}"),
        }
        return answer

    def _written(self, text: str, answer: Answer, address: str, line: int) -> str:
        for expected in answer.texts:
            if _plain(expected) == _plain(text):
                return expected
        rule = f"les observations donnent « {answer.texts[0]} » pour « {address} »."
        raise self._fault(line, text, rule)

    def _prose(self, text: str, line: int) -> str:
        if found := re.search(r"\d[\d\s,]*", _NO_FIGURE.sub("", text)):
            raise self._fault(line, found[0].strip(), "ce nombre n’est la citation d’aucune observation.")
        return typeset(text.replace("'", "’"))

    def _fault(self, line: int, text: str, rule: str) -> InputError:
        remedy = "corrigez le texte ou l’adresse, ou retirez la phrase."
        return InputError(self._chapter.file, rule, remedy, row=line, value=text)


def _plain(text: str) -> str:
    """Return a quotation without what typography adds: spaces of one kind, minus signs of one kind."""
    return _SPACES.sub(" ", text).replace("\u2212", "-").replace("'", "’").strip()
