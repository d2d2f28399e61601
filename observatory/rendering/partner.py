"""The edition of a partner: one page, the figures that he may see, and what he must know of them.

Belongs here: the files of his folder.
Does not: what he may see (``disclosure.tiers``), when editions are made (package ``assets``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from observatory.disclosure.rules import Protected
from observatory.disclosure.tiers import COVERED, KEYS, WITHHELD, Agreement, own_territories
from observatory.opendata import Export, partner_exports, write_csv
from observatory.rendering.figures import Figure, FigureBook, Indicator
from observatory.rendering.french import long_date, plural, typeset_row
from observatory.rendering.places import Place
from observatory.rendering.website import page_environment

_LEVELS = ("epci", "commune", "cite")
_TEMPLATES = {"index.html": "partenaire.html.j2", "LISEZMOI.txt": "partenaire.txt.j2"}


@dataclass(frozen=True)
class EditionData:
    """What the editions of all partners are made from.

    Attributes:
        territories: ``core.territories`` of one perimeter version.
        definitions: ``indicators.definitions``.
        files: ``core.files``.
    """

    territories: pl.DataFrame
    definitions: pl.DataFrame
    files: pl.DataFrame


@dataclass(frozen=True)
class ThemeTable:
    """The figures of one theme for the territories of one level; ``reserved`` are not in the public site."""

    level: str
    theme: str
    indicators: list[Indicator]
    rows: list[tuple[Place, list[tuple[Figure, bool]]]]


@dataclass(frozen=True)
class Counts:
    """What the agreement opens, and what is hidden all the same: not covered, or kept to protect others."""

    opened: int
    not_covered: int
    withheld: int


def build_edition(agreement: Agreement, edition: Protected, data: EditionData, folder: Path) -> None:
    """Write the edition of one partner in a new folder; equal frames give equal bytes.

    Args:
        agreement: in force.
        edition: what he may see, as ``disclosure.tiers.protect_for_partners``.
        data: the other frames.
        folder: where; it must not exist.
    """
    territories = own_territories(agreement, data.territories)
    keys = territories.select(territory_level="level", territory_code="code")
    observations = edition.observations.join(keys, on=keys.columns, how="semi", maintain_order="left")
    exports = partner_exports(observations, data.definitions, data.files, territories)
    (folder / "donnees").mkdir(parents=True)
    for export in exports:
        write_csv(export, folder / "donnees")
    content = _content(agreement, edition.journal, observations, territories, exports)
    for name, template in _TEMPLATES.items():
        text = page_environment().get_template(template).render(content)
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _content(
    agreement: Agreement,
    journal: pl.DataFrame,
    observations: pl.DataFrame,
    territories: pl.DataFrame,
    exports: list[Export],
) -> dict[str, object]:
    """Return what the templates read."""
    frames = {export.name: export.frame for export in exports}
    definitions, files = frames["definitions.csv"], frames["sources.csv"]
    book = FigureBook(observations, definitions, files)
    reserved = set(journal.filter(pl.col("reason") == COVERED).select(KEYS).iter_rows())
    hidden = journal.filter(pl.col("flag") != "V")
    withheld = hidden.filter(pl.col("reason") == WITHHELD).height
    return {
        "agreement": agreement,
        "until": long_date(agreement.end),
        "since": long_date(agreement.start),
        "tables": list(_tables(book, territories, reserved)),
        "indicators": book.indicators,
        "files": [typeset_row(row, "title", "producer", "licence") for row in files.to_dicts()],
        "exports": exports,
        "counts": Counts(len(reserved), hidden.height - withheld, withheld),
        "territory_count": plural(territories.height, "territoire", "territoires"),
        "fictive": agreement.fictive or bool(files["fictive"].any()),
    }


def _tables(
    book: FigureBook, territories: pl.DataFrame, reserved: set[tuple[object, ...]]
) -> Iterator[ThemeTable]:
    for level in _LEVELS:
        places = sorted(
            (
                Place(level, code, name, ())
                for code, name in territories.filter(pl.col("level") == level).select("code", "name").rows()
            ),
            key=lambda place: place.sort_key,
        )
        for theme, indicators in book.themes.items() if places else ():
            shown = [indicator for indicator in indicators if level in indicator.levels]
            rows = [
                (place, [_marked(book.figure(place, one), place, reserved) for one in shown])
                for place in places
            ]
            if shown:
                yield ThemeTable(level, theme, shown, rows)


def _marked(figure: Figure, place: Place, reserved: set[tuple[object, ...]]) -> tuple[Figure, bool]:
    key = (place.level, place.code, figure.indicator.indicator, figure.vintage)
    return figure, key in reserved
