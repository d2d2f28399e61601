"""One line of a table: an indicator in some territories, and what may be said of it.

Belongs here: gathering figures, comparisons, rank, change and drawing of an indicator.
Does not: which lines a sheet has (``sheets``), how each is worked out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from observatory.rendering.changes import Change, change
from observatory.rendering.charts import Scale, Strip, scale
from observatory.rendering.comparisons import Judgement, judge
from observatory.rendering.figures import Figure, FigureBook, Indicator
from observatory.rendering.marks import Mark, mark_of
from observatory.rendering.places import Gazetteer, Place
from observatory.rendering.ranks import Rank, Ranking


@dataclass(frozen=True)
class Row:
    """One indicator of a theme.

    Attributes:
        figures: in the order of the columns.
        judgements: the first figure beside each other one; None for the subjects, and everywhere if there
            are several.
        rank: of the first figure among the territories of its level, where it is the only subject.
        strip: drawing of that distribution, with the subject in it.
        change: of the first figure, where it is the only subject.
    """

    indicator: Indicator
    figures: tuple[Figure, ...]
    judgements: tuple[Judgement | None, ...]
    rank: Rank | None
    strip: Strip | None
    change: Change | None

    @property
    def fragile(self) -> bool:
        """Whether the figure of the subject is fragile."""
        return self.figures[0].fragile

    @property
    def marks(self) -> tuple[Mark | None, ...]:
        """Mark beside each figure, in the order of the columns."""
        return tuple(mark_of(judgement) for judgement in self.judgements)


class RowMaker:
    """Makes the lines of the tables of an edition."""

    def __init__(self, gazetteer: Gazetteer, book: FigureBook) -> None:
        """Keep what every line reads."""
        self._gazetteer = gazetteer
        self._book = book
        self._scales: dict[tuple[str, str, bool], Scale] = {}

    def row(
        self,
        subjects: Sequence[Place],
        columns: Sequence[Place],
        indicator: Indicator,
        *,
        judged: bool,
        told: bool,
    ) -> Row:
        """Make the line of an indicator.

        Args:
            subjects: territories of the sheet, the first columns.
            columns: every territory of the table.
            indicator: what is shown.
            judged: whether a lone subject is compared with the other territories.
            told: whether ranks and changes are wanted too.
        """
        figures = tuple(self._book.figure(place, indicator) for place in columns)
        if len(subjects) != 1 or not judged:
            return Row(indicator, figures, (None,) * len(figures), None, None, None)
        subject, place = figures[0], subjects[0]
        judgements = tuple(
            self.judgement(place, subject, other, figure)
            for other, figure in zip(columns[1:], figures[1:], strict=True)
        )
        ranking = self._book.ranking(place, indicator) if told else None
        rank = ranking.rank(place.code) if ranking else None
        return Row(
            indicator,
            figures,
            (None, *judgements),
            rank,
            self._strip(ranking, subject) if ranking and rank else None,
            change(self._book, place, indicator) if told else None,
        )

    def judgement(self, place: Place, subject: Figure, other: Place, figure: Figure) -> Judgement:
        """Compare the figures of two territories."""
        return judge(subject, figure, same_territory=self._same(place, other))

    def _same(self, place: Place, other: Place) -> bool:
        """Return whether two territories are one, as a commune alone in its group of communes is."""
        if place == other:
            return True
        levels = {place.level, other.level}
        if not levels <= {"commune", "epci", "basin"}:
            return False
        return self._communes(place) == self._communes(other)

    def _communes(self, place: Place) -> list[Place]:
        return [place] if place.level == "commune" else self._gazetteer.children(place, "commune")

    def _strip(self, ranking: Ranking, subject: Figure) -> Strip:
        key = (ranking.level, subject.indicator.indicator, subject.fictive)
        if key not in self._scales:
            self._scales[key] = scale(ranking, subject.indicator.decimals)
        return self._scales[key].strip(subject)
