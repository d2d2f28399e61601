"""The sheet of a territory as one file, to mail and to print: what it says besides the figures of its page.

Belongs here: its name and address, its definitions, how to cite it, what a compact layout leaves to the page.
Does not: sharing figures out (``sections``), HTML (``fiche.html.j2``), the page itself.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby

from observatory.rendering.edition import Edition
from observatory.rendering.figures import Figure, Indicator
from observatory.rendering.french import long_date
from observatory.rendering.imprint import Imprint
from observatory.rendering.places import Place
from observatory.rendering.projections import TerritoryProjections
from observatory.rendering.sections import Section
from observatory.rendering.sheets import Breakdown, Sheet, ThemeTable

# Territories beside the subject that a printed table has room for.
_BESIDE = ("commune", "epci", "basin")
# Those that have few figures: kept where they have some, and the subject is the basin.
_BESIDE_BASIN = ("region", "country")
_BESIDE_BREAKDOWN = ("commune", "basin")


@dataclass(frozen=True)
class Definition:
    """What one or several indicators are: those of a breakdown are defined together.

    ``anchors`` identify them in the file; the formula of a breakdown holds for each of its ``categories``.
    """

    anchors: tuple[str, ...]
    label: str
    unit: str
    formula: str
    categories: tuple[str, ...]
    comparability: str


@dataclass(frozen=True)
class DefinitionGroup:
    """Definitions that share what is said of comparing them."""

    comparability: str
    definitions: tuple[Definition, ...]


@dataclass(frozen=True)
class Block:
    """Tables made one, that have the same columns; the ``subjects`` first ones are the subject's.

    A ``folded`` one is left out of the print.
    """

    positions: tuple[int, ...]
    columns: tuple[Place, ...]
    subjects: int
    parts: tuple[ThemeTable, ...]
    folded: bool

    @property
    def fictive(self) -> bool:
        """Whether any figure derives from generated data."""
        return any(figure.fictive for part in self.parts for row in part.rows for figure in row.figures)


@dataclass(frozen=True)
class Cut:
    """What a table or breakdown keeps: positions of its columns, and their places."""

    positions: tuple[int, ...]
    columns: tuple[Place, ...]


def fiche_path(place: Place, release: str) -> str:
    """Return the address of the file, beside the page of the territory.

    Without slash nor space: codes, slugs and names of editions have none.
    """
    folder = place.address.removesuffix("index.html")
    return f"{folder}fiche-{place.code.lower()}-{release}.html"


def citation(name: str, kind: str, imprint: Imprint) -> str:
    """Return how to cite a sheet, in French."""
    return (
        f"{imprint.contact.organisation}, « {name} », {kind}, Observatoire socio-économique du Bassin "
        f"minier, édition {imprint.release}, {long_date(imprint.published_on)}."
    )


def cut(table: ThemeTable | Breakdown) -> Cut:
    """Choose the columns that the file shows: the subjects, then the nearest territories around."""
    beside = _BESIDE_BREAKDOWN if isinstance(table, Breakdown) else _BESIDE
    alone = table.columns[0].level == "basin"
    kept = tuple(
        position
        for position, place in enumerate(table.columns)
        if position < table.subjects
        or place.level in beside
        or (alone and place.level in _BESIDE_BASIN and _published(table, position))
    )
    return Cut(kept, tuple(table.columns[position] for position in kept))


def _published(table: ThemeTable | Breakdown, position: int) -> bool:
    return any(row.figures[position].value is not None for row in table.rows)


def blocks(tables: Iterable[ThemeTable], folded: Collection[str] = ()) -> list[Block]:
    """Join the tables that follow one another with the same columns; those of ``folded`` themes apart."""
    found: list[Block] = []
    for table in tables:
        kept = cut(table)
        if not table.rows:
            continue
        one = Block(kept.positions, kept.columns, table.subjects, (table,), table.theme in folded)
        if found and replace(found[-1], parts=one.parts) == one:
            found[-1] = replace(found[-1], parts=(*found[-1].parts, table))
        else:
            found.append(one)
    return found


def definitions(indicators: Iterable[Indicator]) -> list[DefinitionGroup]:
    """Define indicators in the order of the catalogue, the categories of a breakdown together."""
    found: dict[str, list[Indicator]] = {}
    for one in sorted(set(indicators), key=lambda one: one.position):
        key = one.indicator if one.stands_alone else f"{one.theme}/{one.breakdown}"
        found.setdefault(key, []).append(one)
    groups = groupby(map(_definition, map(tuple, found.values())), key=lambda one: one.comparability)
    return [DefinitionGroup(note, tuple(group)) for note, group in groups]


def shown_figures(sheet: Sheet, sections: Iterable[Section], others: Iterable[Figure]) -> list[Figure]:
    """Return every figure that the file shows: key figures, sections, and ``others``."""
    figures = list(others)
    for headline in sheet.headlines:
        figures += [headline.figure, *(figure for _, figure in headline.comparators)]
    return figures + [figure for one in sections for table in one.tables for figure in table.figures]


def projected_at(edition: Edition, place: Place) -> TerritoryProjections | None:
    """Return what is projected for a territory, if anything is published."""
    projected = edition.projections.of(place)
    return projected if projected and projected.published else None


def with_projection(edition: Edition, sheet: Sheet) -> Sheet:
    """List with the files of a sheet those that its projection comes from, where it has one."""
    if projected_at(edition, sheet.place) is None:
        return sheet
    named = {*(file["file_id"] for file in sheet.files), *edition.projections.file_ids}
    return replace(sheet, files=tuple(file for file in edition.files if file["file_id"] in named))


def invented(edition: Edition, sheet: Sheet) -> bool:
    """Return whether a sheet shows anything derived from generated data, its projection included."""
    return sheet.fictive or (edition.projections.fictive and projected_at(edition, sheet.place) is not None)


@cache
def _definition(group: tuple[Indicator, ...]) -> Definition:
    first = group[0]
    shares = not first.stands_alone
    return Definition(
        tuple(one.anchor for one in group),
        str(first.breakdown) if shares else first.label,
        first.unit,
        _shared_formula(first) if shares else first.formula,
        tuple(str(one.category) for one in group) if shares else (),
        first.comparability,
    )


def _shared_formula(indicator: Indicator) -> str:
    """Return the formula of a share without its category: what each category is divided by."""
    counted, divided, base = indicator.formula.partition(" ÷ ")
    return f"{counted.partition(', ')[0]} de la catégorie{divided}{base}" if divided else counted
