"""The sheet of one territory: its figures by theme, comparators, series and sources.

Belongs here: which figures a sheet shows and beside which territories.
Does not: looking figures up (``figures``), HTML. A single-file sheet renders the same model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from observatory.rendering.changes import Change, change
from observatory.rendering.charts import LineChart, line_chart
from observatory.rendering.comparisons import Judgement
from observatory.rendering.figures import Figure, FigureBook, Indicator, file_ids
from observatory.rendering.french import number, ordinal
from observatory.rendering.marks import Mark, legend, mark_of
from observatory.rendering.places import Cite, Gazetteer, Place
from observatory.rendering.ranks import Rank
from observatory.rendering.rows import Row, RowMaker
from observatory.rendering.sentences import sentences
from observatory.rendering.stacks import Pyramid, Stack, pyramid, stack
from observatory.rendering.wording import LEVELS_PLURAL

# Shorter series are two or three dots: their table says as much.
_SHORTEST_SERIES = 3
_BESIDE_HEADLINES = ("commune", "epci", "basin")


@dataclass(frozen=True)
class ThemeTable:
    """The indicators of a theme for some territories; the first ``subjects`` columns are the subject's.

    ``sentences`` tell the rows of a lone subject, in French; there may be none.
    """

    theme: str
    columns: tuple[Place, ...]
    rows: tuple[Row, ...]
    subjects: int
    breakdowns: tuple["Breakdown", ...] = ()
    sentences: tuple[str, ...] = ()

    @property
    def _all_rows(self) -> list[Row]:
        return [*self.rows, *(row for one in self.breakdowns for row in one.rows)]

    @property
    def figures(self) -> list[Figure]:
        """Every figure of the table and of its breakdowns."""
        return [figure for row in self._all_rows for figure in row.figures]

    @property
    def judgements(self) -> list[Judgement | None]:
        """Every comparison of the table and of its breakdowns."""
        return [judgement for row in self._all_rows for judgement in row.judgements]

    @property
    def legend(self) -> tuple[Mark, ...]:
        """The marks that the table and its breakdowns use."""
        return legend(self.figures, self.judgements, ranked=self.ranked)

    @property
    def fictive(self) -> bool:
        """Whether any figure derives from generated data."""
        return any(figure.fictive for figure in self.figures)

    @property
    def ranked(self) -> bool:
        """Whether any row has a rank."""
        return any(row.rank for row in self.rows)

    @property
    def changing(self) -> bool:
        """Whether any row has a change."""
        return any(row.change is not None and row.change.value is not None for row in self.rows)


@dataclass(frozen=True)
class Breakdown:
    """How a group is shared out in some territories: a row per category, and a drawing per territory."""

    title: str
    columns: tuple[Place, ...]
    rows: tuple[Row, ...]
    subjects: int

    @property
    def fictive(self) -> bool:
        """Whether any figure derives from generated data."""
        return any(figure.fictive for row in self.rows for figure in row.figures)

    @property
    def note(self) -> str:
        """What may be compared."""
        return self.rows[0].indicator.comparability

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """The bar of each territory."""
        return tuple(stack(place, self._column(position)) for position, place in enumerate(self.columns))

    @property
    def pyramids(self) -> tuple[Pyramid, ...]:
        """The pyramid of each territory, for a breakdown by sex and age."""
        drawn = [pyramid(place, self._column(position)) for position, place in enumerate(self.columns)]
        return tuple(one for one in drawn if one is not None)

    def _column(self, position: int) -> list[Figure]:
        return [row.figures[position] for row in self.rows]


@dataclass(frozen=True)
class Headline:
    """A key figure and the same figure in the territories around; ``judgements`` follow ``comparators``."""

    figure: Figure
    comparators: tuple[tuple[Place, Figure], ...]
    judgements: tuple[Judgement, ...]
    rank: Rank | None
    change: Change

    @property
    def marks(self) -> tuple[Mark | None, ...]:
        """Mark beside each comparator."""
        return tuple(mark_of(judgement) for judgement in self.judgements)

    @property
    def notes(self) -> list[str]:
        """Its position and its change, in a few words each."""
        notes = []
        if self.rank:
            level = LEVELS_PLURAL[self.rank.level]
            notes.append(f"{ordinal(self.rank.position)} sur {number(self.rank.among)} {level}")
        if self.change.text:
            doubt = ", non significatif" if self.change.significant is False else ""
            notes.append(f"{self.change.text} ({self.change.period}{doubt})")
        return notes


@dataclass(frozen=True)
class Series:
    """The figures of every vintage of one indicator, and their chart when enough are published."""

    figures: tuple[Figure, ...]
    chart: LineChart | None


@dataclass(frozen=True)
class ChildTable:
    """Figures of the territories within a territory."""

    indicators: tuple[Indicator, ...]
    rows: tuple[tuple[Place, tuple[Figure, ...]], ...]

    @property
    def legend(self) -> tuple[Mark, ...]:
        """The marks that the table uses."""
        return legend(figure for _, figures in self.rows for figure in figures)


@dataclass(frozen=True)
class Sheet:
    """Everything that the page of one territory says in figures."""

    place: Place
    headlines: tuple[Headline, ...]
    tables: tuple[ThemeTable, ...]
    environment: tuple[ThemeTable, ...]
    series: tuple[Series, ...]
    children: ChildTable
    files: tuple[dict[str, Any], ...]

    @property
    def fictive(self) -> bool:
        """Whether any figure of the sheet derives from generated data."""
        return any(table.fictive for table in (*self.tables, *self.environment)) or any(
            headline.figure.fictive for headline in self.headlines
        )

    @property
    def legend(self) -> tuple[Mark, ...]:
        """The marks that the key figures and the tables use."""
        tables = (*self.tables, *self.environment)
        figures = [headline.figure for headline in self.headlines]
        figures += [figure for headline in self.headlines for _, figure in headline.comparators]
        judgements = [judgement for headline in self.headlines for judgement in headline.judgements]
        return legend(
            [*figures, *(figure for table in tables for figure in table.figures)],
            [*judgements, *(judgement for table in tables for judgement in table.judgements)],
            ranked=any(headline.rank for headline in self.headlines) or any(one.ranked for one in tables),
        )


class SheetMaker:
    """Makes the sheets of an edition."""

    def __init__(self, gazetteer: Gazetteer, book: FigureBook, files: Sequence[dict[str, Any]]) -> None:
        """Keep what every sheet reads; ``files`` are the rows of ``core.files``."""
        self._gazetteer = gazetteer
        self._book = book
        self._files = {row["file_id"]: row for row in files}
        self._lines = RowMaker(gazetteer, book)

    def of_territory(self, place: Place, child_level: str) -> Sheet:
        """Make the sheet of a commune or an EPCI, with the figures of its ``child_level`` territories."""
        parents = self._gazetteer.parents(place)
        tables = self._tables((place,), parents)
        series = tuple(self._series(place))
        return self._sheet(
            place,
            (),
            headlines=self._headlines(place, parents),
            tables=tables,
            environment=(),
            series=series,
            children=self._children(place, child_level),
        )

    def of_cite(self, cite: Cite, contour_files: Sequence[str] = ()) -> Sheet:
        """Make the sheet of a cité: its own figures, then the census of its communes.

        ``contour_files`` are the files of its contour, listed with those of the figures.
        """
        around = [cite.epci, *self._gazetteer.parents(cite.epci)]
        departments = dict.fromkeys(
            self._gazetteer.parent(commune, "department") for commune in cite.communes
        )
        wider = [cite.epci, self._gazetteer.basin, *departments, *around[2:]]
        own = self._tables((cite.place,), [*cite.communes, *wider])
        indicators = {figure.indicator.indicator for table in own for figure in table.figures}
        environment = self._tables(cite.communes, wider, leave=indicators)
        return self._sheet(
            cite.place,
            contour_files,
            # A cité has no figures but those of the landlords and of ANGDM, generated or not.
            headlines=self._headlines(cite.place, [*cite.communes, *wider], with_fictive=True),
            tables=own,
            environment=environment,
            series=(),
            children=ChildTable((), ()),
        )

    def breakdowns(self, theme: str, places: Sequence[Place]) -> tuple[Breakdown, ...]:
        """Return the breakdowns of a theme in some territories, the first of which is the subject.

        They are set side by side and not compared: the subject may contain the others.
        """
        return self._breakdowns(
            theme, places[:1], places[1:], lambda one: places[0].level in one.levels, judged=False
        )

    def _breakdowns(
        self,
        theme: str,
        subjects: Sequence[Place],
        around: Sequence[Place],
        kept: Callable[[Indicator], bool],
        *,
        judged: bool = True,
    ) -> tuple[Breakdown, ...]:
        return tuple(
            Breakdown(title, *self._rows(subjects, around, parts, judged=judged), len(subjects))
            for title, parts in self._book.breakdowns.get(theme, {}).items()
            if all(map(kept, parts))
        )

    def _sheet(self, place: Place, other_files: Sequence[str], **parts: Any) -> Sheet:
        shown = [figure for table in (*parts["tables"], *parts["environment"]) for figure in table.figures]
        shown += [figure for series in parts["series"] for figure in series.figures]
        shown += [figure for _, figures in parts["children"].rows for figure in figures]
        identifiers = sorted({*file_ids(shown), *other_files})
        files = tuple(self._files[identifier] for identifier in identifiers)
        return Sheet(place=place, files=files, **parts)

    def _tables(
        self,
        subjects: Sequence[Place],
        around: Sequence[Place],
        leave: frozenset[str] | set[str] = frozenset(),
    ) -> tuple[ThemeTable, ...]:
        level = subjects[0].level

        def kept(one: Indicator) -> bool:
            return level in one.levels and one.indicator not in leave

        tables = []
        for theme, indicators in self._book.themes.items():
            plain = [one for one in indicators if one.stands_alone and kept(one)]
            columns, rows = self._rows(subjects, around, plain, told=True)
            breakdowns = self._breakdowns(theme, subjects, around, kept)
            if rows or breakdowns:
                told = self._sentences(subjects, columns, rows)
                tables.append(ThemeTable(theme, columns, rows, len(subjects), breakdowns, told))
        return tuple(tables)

    def _sentences(
        self, subjects: Sequence[Place], columns: Sequence[Place], rows: Sequence[Row]
    ) -> tuple[str, ...]:
        if len(subjects) != 1:
            return ()
        place = subjects[0]
        communes = [one for one in self._gazetteer.parents(place) if one.level == "commune"]
        return sentences(place, communes, columns, rows)

    def _rows(
        self,
        subjects: Sequence[Place],
        around: Sequence[Place],
        indicators: Sequence[Indicator],
        *,
        judged: bool = True,
        told: bool = False,
    ) -> tuple[tuple[Place, ...], tuple[Row, ...]]:
        """Return the columns of a table and its rows, one per indicator."""
        covered = {name for one in indicators for name in one.levels}
        columns = (*subjects, *(place for place in around if place.level in covered))
        return columns, tuple(
            self._lines.row(subjects, columns, one, judged=judged, told=told) for one in indicators
        )

    def _headlines(
        self, place: Place, around: Sequence[Place], *, with_fictive: bool = False
    ) -> tuple[Headline, ...]:
        return tuple(
            self._headline(place, around, indicator)
            for indicator in self._book.headlines(place.level, with_fictive=with_fictive)
        )

    def _headline(self, place: Place, around: Sequence[Place], indicator: Indicator) -> Headline:
        figure = self._book.figure(place, indicator)
        beside = [
            parent
            for parent in around
            if indicator.compared and parent.level in _BESIDE_HEADLINES and parent.level in indicator.levels
        ]
        comparators = tuple((parent, self._book.figure(parent, indicator)) for parent in beside)
        return Headline(
            figure,
            comparators,
            tuple(self._lines.judgement(place, figure, parent, other) for parent, other in comparators),
            self._book.rank(place, indicator),
            change(self._book, place, indicator),
        )

    def _series(self, place: Place) -> list[Series]:
        return [
            Series(tuple(figures), line_chart(figures))
            for indicator in self._book.indicators
            if place.level in indicator.levels and len(indicator.vintages) >= _SHORTEST_SERIES
            for figures in [self._book.series(place, indicator)]
        ]

    def _children(self, place: Place, level: str) -> ChildTable:
        indicators = tuple(
            one
            for one in self._book.indicators
            if level in one.levels and not one.fictive and one.stands_alone
        )
        rows = tuple(
            (child, tuple(self._book.figure(child, indicator) for indicator in indicators))
            for child in self._gazetteer.children(place, level)
        )
        return ChildTable(indicators, rows)
