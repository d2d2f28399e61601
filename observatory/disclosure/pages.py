"""The figures that the pages of a release show, read as a visitor would.

Belongs here: from HTML tables, key figures and data of charts to who, what and the text shown.
Does not: whether it might be shown (``audit``).

An indicator is known by the link to its definition (``#indicateur-…``), a territory by the address of its
page, or by its code (``data-territory``) where it has none.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from lxml import etree

from observatory.disclosure.formats import documents

Area = tuple[str, str]
_FOLDERS = {"cites": "cite", "communes": "commune", "epci": "epci"}
_BASIN = re.compile(r"(?:^|/)bassin/[^/]+\.html$")
_HEADINGS = {"Cité minière": "cite", "Commune": "commune", "Intercommunalité": "epci"}
_DEFINITION = re.compile(r"#indicateur-([a-z0-9_]+)$")
# The page of a territory, or its sheet as one file.
_ADDRESS = re.compile(r"(cites|communes|epci)/([^/]+)/(?:index|fiche-[^/]+)\.html$")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_SEPARATOR = re.compile(r"\s:\s")


@dataclass(frozen=True)
class Shown:
    """A text shown on a page where the figure of a territory stands; ``vintage`` null where none is said."""

    page: str
    area: Area
    indicator: str
    vintage: int | None
    text: str


@dataclass
class _Cell:
    """A cell of a table, or a key figure: its text and links."""

    text: str = ""
    sort: str = ""
    indicator: str | None = None
    area: Area | None = None
    row_level: str | None = None

    @property
    def vintage(self) -> int | None:
        years = _YEAR.findall(self.text)
        return int(years[-1]) if years else None


@dataclass
class _Table:
    caption: _Cell
    head: list[_Cell] = field(default_factory=list)
    rows: list[list[_Cell]] = field(default_factory=list)


class _Reader:
    """Gathers tables, key figures and the data of charts of one page, as the parser calls it."""

    def __init__(self) -> None:
        self.tables: list[_Table] = []
        self.keys: list[tuple[_Cell, _Cell, _Cell]] = []
        self.charts: list[tuple[_Cell, str]] = []
        self._open: _Cell | None = None
        self._caption = _Cell()
        self._in_head = self._in_table = self._in_script = False
        self._row_level: str | None = None

    def start(self, tag: str, given: Mapping[str, str]) -> None:
        css = given.get("class", "").split()
        if tag == "table":
            self._in_table = True
            self.tables.append(_Table(self._caption))
        elif tag == "thead":
            self._in_head = True
        elif tag == "tr" and self._in_table:
            levels = [name.removeprefix("level-") for name in css if name.startswith("level-")]
            self._row_level = levels[0] if levels else None
            if not self._in_head:
                self.tables[-1].rows.append([])
        elif tag in ("th", "td") and self._in_table:
            self._open = _Cell(sort=given.get("data-sort", ""), row_level=self._row_level)
            if named := given.get("data-territory"):
                level, _, code = named.partition(":")
                self._open.area = level, code
            line = self.tables[-1].head if self._in_head else self.tables[-1].rows[-1]
            line.append(self._open)
        elif tag == "figcaption":
            self._open = self._caption = _Cell()
        elif tag == "li" and "key" in css:
            self.keys.append((_Cell(), _Cell(), _Cell()))
        elif tag == "span" and self.keys and not self._in_table:
            for position, name in enumerate(("key-label", "key-value", "key-more")):
                if name in css:
                    self._open = self.keys[-1][position]
            # Its rank and its change: years and numbers that are no figure of the indicator.
            if "key-note" in css:
                self._open = None
        elif tag == "script" and given.get("type") == "application/json":
            self._in_script = True
            self.charts.append((self._caption, ""))
        elif tag == "a" and self._open is not None:
            if definition := _DEFINITION.search(given.get("href", "")):
                self._open.indicator = definition[1]
            elif address := _ADDRESS.search(given.get("href", "")):
                self._open.area = _FOLDERS[address[1]], address[2]

    def end(self, tag: str) -> None:
        if tag == "table":
            self._in_table = False
        elif tag == "thead":
            self._in_head = False
        elif tag == "script":
            self._in_script = False
        if tag in ("th", "td", "figcaption", "li", "table"):
            self._open = None

    def data(self, data: str) -> None:
        if self._in_script:
            caption, before = self.charts[-1]
            self.charts[-1] = caption, before + data
        elif self._open is not None:
            self._open.text += data

    def close(self) -> None:
        """Nothing is left to gather at the end of a page."""


class Gazetteer:
    """Names and parents of the territories of a release."""

    def __init__(self, territories: pl.DataFrame) -> None:
        rows = list(territories.select("level", "code", "name", "parents").iter_rows())
        self.names: dict[Area, str] = {(level, code): name for level, code, name, _ in rows}
        self.parents: dict[Area, list[Area]] = {
            (level, code): [(p.partition(":")[0], p.partition(":")[2]) for p in parents if p]
            for level, code, _, parents in rows
        }
        self.by_name = {name: area for area, name in self.names.items()}
        self.basin = next((area for area in self.names if area[0] == "basin"), None)

    def beside(self, area: Area | None, heading: str) -> Area | None:
        """Return the territory that a heading names on the page of ``area``."""
        heading = " ".join(heading.split())
        if heading.startswith("Bassin minier"):
            return self.basin
        level = next((name for label, name in _HEADINGS.items() if heading.startswith(label)), None)
        near = [] if area is None else [area, *self.parents.get(area, [])]
        named = [
            place
            for place in near
            if place[0] == (level or place[0]) and place in self.names and heading.endswith(self._bare(place))
        ]
        alone = [place for place in near if place[0] == level]
        if named:
            # « Lens-Liévin » ends like « Liévin » too: the longest name is the one that is said.
            return max(named, key=lambda place: len(self._bare(place)))
        return alone[0] if len(alone) == 1 else None

    def _bare(self, area: Area) -> str:
        return self.names[area].removeprefix("CA de ").removeprefix("CA ").lstrip("d’")


def read_pages(folder: Path, territories: pl.DataFrame, labels: dict[str, str]) -> Iterator[Shown]:
    """Yield what the pages of a release show, figure by figure.

    Args:
        folder: the site.
        territories: level, code, name, parents.
        labels: label -> indicator, for charts, whose captions name what they show without a link.
    """
    gazetteer = Gazetteer(territories)
    for page, content in documents(folder):
        if not page.endswith(".html"):
            continue
        reader = _Reader()
        etree.fromstring(content, etree.HTMLParser(target=reader, encoding="utf-8", huge_tree=True))
        found = _ADDRESS.search(page)
        own = (_FOLDERS[found[1]], found[2]) if found else None
        if _BASIN.search(page):
            own = gazetteer.basin
        for table in reader.tables:
            yield from _of_table(table, page, own, gazetteer)
        for label, value, more in reader.keys:
            yield from _of_key(label, value, more, page, own, gazetteer)
        for caption, text in reader.charts:
            yield from _of_chart(caption, text, page, gazetteer, labels)


def _of_table(table: _Table, page: str, own: Area | None, gazetteer: Gazetteer) -> Iterator[Shown]:
    for first, *cells in (row for row in table.rows if row):
        for head, cell in zip(table.head[1:], cells, strict=False):
            text = cell.sort or cell.text
            if head.indicator:
                area = first.area or (gazetteer.basin if first.row_level == "basin" else None)
                indicator, vintage = head.indicator, head.vintage
            elif first.indicator:
                area, indicator, vintage = (
                    head.area or gazetteer.beside(own, head.text),
                    first.indicator,
                    first.vintage,
                )
            elif table.caption.indicator:
                area, indicator, vintage = own, table.caption.indicator, head.vintage
            else:
                continue
            if area is not None:
                yield Shown(page, area, indicator, vintage, text)


def _of_key(
    label: _Cell, value: _Cell, more: _Cell, page: str, own: Area | None, gazetteer: Gazetteer
) -> Iterator[Shown]:
    if label.indicator is None or own is None:
        return
    yield Shown(page, own, label.indicator, more.vintage, value.text)
    for part in more.text.split(" · ")[1:]:
        name, *text = _SEPARATOR.split(part, maxsplit=1)
        if text and (area := gazetteer.beside(own, name)):
            yield Shown(page, area, label.indicator, more.vintage, text[0])


def _of_chart(
    caption: _Cell, text: str, page: str, gazetteer: Gazetteer, labels: dict[str, str]
) -> Iterator[Shown]:
    indicator = labels.get(_YEAR.split(caption.text)[0].strip(" ,\n"))
    if indicator is None:
        return
    for words in _strings(json.loads(text)):
        name, *rest = _SEPARATOR.split(words, maxsplit=1)
        if rest and name in gazetteer.by_name:
            yield Shown(page, gazetteer.by_name[name], indicator, caption.vintage, rest[0])


def _strings(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict | list):
        for value in content.values() if isinstance(content, dict) else content:
            yield from _strings(value)
