"""Statistical landmarks: which vintages stand for 1999, 2006, 2016 and today, and what they let compare.

Belongs here: the choice of vintages, the reasons for the absent ones, changes between those that may be
compared.
Does not: pages (``landmarks_page``), files (``landmark_files``), drawings (``small_multiples``).

A vintage keeps its own year: 2017 may stand for the landmark 2016, and is written 2017. Changes are shown
between vintages as far apart as the precaution of the indicator asks, and on one side of its breaks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from observatory.rendering.figures import Figure, FigureBook, Indicator
from observatory.rendering.french import MINUS, NO_BREAK_SPACE, number
from observatory.rendering.places import Place

LANDMARK_YEARS = (1999, 2006, 2016)
TOLERANCE = 2
"""Years by which a vintage may miss the landmark that it stands for."""
LATEST, COMMON = "dernier", "dernier commun"


@dataclass(frozen=True)
class Column:
    """A vintage of a table and what it stands for; no role for one that is only drawn."""

    vintage: int
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """A change between two vintages, as written, its value and unit; without one, the word that says why."""

    text: str
    value: float | None = None
    unit: str = ""


@dataclass(frozen=True)
class LandmarkRow:
    """A territory: its figures in the order of the columns, and the change over ``span``."""

    place: Place
    figures: tuple[Figure, ...]
    change: Change


@dataclass(frozen=True)
class LandmarkTable:
    """An indicator by territory and landmark.

    Attributes:
        indicator: what it shows.
        columns: vintages, oldest first.
        absent: why landmarks have no vintage, in French; empty where all have one.
        span: first and last vintage of the change; none where nothing may be compared.
        refusal: why there is no change, in French; empty where there is one.
        rows: territories.
    """

    indicator: Indicator
    columns: tuple[Column, ...]
    absent: str
    span: tuple[int, int] | None
    refusal: str
    rows: tuple[LandmarkRow, ...]

    @property
    def fictive(self) -> bool:
        """Whether any figure derives from generated data."""
        return any(figure.fictive for row in self.rows for figure in row.figures)


def nearest(vintages: Sequence[int], year: int) -> int | None:
    """Return the vintage that stands for a landmark; of two as near, the later; none too far."""
    near = [vintage for vintage in vintages if abs(vintage - year) <= TOLERANCE]
    return min(near, key=lambda vintage: (abs(vintage - year), -vintage), default=None)


def refusal(indicator: Indicator, first: int, last: int) -> str:
    """Return why two vintages of an indicator may not be compared, in French; empty where they may."""
    interval = indicator.shortest_interval
    broken = any(first < year <= last for year in indicator.breaks)
    return indicator.change_note if interval is None or last - first < interval or broken else ""


def chain(indicator: Indicator) -> tuple[int, ...]:
    """Return the vintages that one line may join: from the latest back, each comparable to the next."""
    chosen: list[int] = []
    for vintage in sorted(indicator.vintages, reverse=True):
        if not chosen or not refusal(indicator, vintage, chosen[-1]):
            chosen.append(vintage)
    return tuple(reversed(chosen))


def landmark_table(book: FigureBook, places: Sequence[Place], indicator: Indicator) -> LandmarkTable:
    """Return an indicator in the territories where it is computed, by landmark."""
    covered = [place for place in places if place.level in indicator.levels]
    roles = _roles(book, covered, indicator)
    drawn = chain(indicator)
    vintages = sorted({*roles, *(drawn if len(drawn) > 1 else ())})
    columns = tuple(Column(vintage, tuple(roles.get(vintage, ()))) for vintage in vintages)
    span = _span(indicator, roles)
    older = [vintage for vintage in sorted(roles) if vintage != indicator.latest]
    why = refusal(indicator, older[0], indicator.latest) if older and span is None else ""
    rows = tuple(
        LandmarkRow(
            place,
            tuple(book.figure(place, indicator, vintage) for vintage in vintages),
            _change_over(book, place, indicator, span),
        )
        for place in covered
    )
    return LandmarkTable(indicator, columns, _absent(indicator), span, why, rows)


def _roles(book: FigureBook, places: Sequence[Place], indicator: Indicator) -> dict[int, list[str]]:
    roles: dict[int, list[str]] = {}
    for year in LANDMARK_YEARS:
        vintage = nearest(indicator.vintages, year)
        if vintage is not None:
            roles.setdefault(vintage, []).append(f"repère {year}")
    common = _most_published(book, places, indicator)
    if common != indicator.latest:
        roles.setdefault(common, []).append(COMMON)
    roles.setdefault(indicator.latest, []).append(LATEST)
    return roles


def _most_published(book: FigureBook, places: Sequence[Place], indicator: Indicator) -> int:
    """Return the latest of the vintages published in the most territories."""

    def published(vintage: int) -> int:
        return sum(book.figure(place, indicator, vintage).value is not None for place in places)

    return max(indicator.vintages, key=lambda vintage: (published(vintage), vintage))


def _span(indicator: Indicator, roles: dict[int, list[str]]) -> tuple[int, int] | None:
    for vintage in sorted(roles):
        if not refusal(indicator, vintage, indicator.latest):
            return vintage, indicator.latest
    return None


def _absent(indicator: Indicator) -> str:
    years = [year for year in LANDMARK_YEARS if nearest(indicator.vintages, year) is None]
    if not years:
        return ""
    listed = " et ".join(filter(None, (", ".join(map(str, years[:-1])), str(years[-1]))))
    plural = "s" if len(years) > 1 else ""
    earliest = min(indicator.vintages)
    where = f" (le premier est {earliest})" if earliest > years[-1] else " dans cette édition"
    return f"Repère{plural} {listed}\u202f: aucun millésime à deux ans près{where}."


def _change_over(
    book: FigureBook, place: Place, indicator: Indicator, span: tuple[int, int] | None
) -> Change:
    if span is None:
        return Change("")
    return change(book.figure(place, indicator, span[0]), book.figure(place, indicator, span[1]))


def change(first: Figure, last: Figure) -> Change:
    """Return how a figure changed: in per cent for a count, in points for a rate in %, else in its unit."""
    indicator = first.indicator
    if first.value is None or last.value is None:
        return Change((first if first.value is None else last).text)
    if reason := set_apart(first, last):
        return Change(reason)
    if indicator.aggregation == "sum":
        if first.value == 0:
            return Change("sans objet")
        value = exact((last.value / first.value - 1) * 100)
        return Change(f"{signed(value, 1)}{NO_BREAK_SPACE}%", value, "%")
    value = exact(last.value - first.value)
    written = signed(value, max(indicator.decimals, 1))
    if indicator.unit != "%":
        return Change(written, value, indicator.unit)
    return Change(f"{written}{NO_BREAK_SPACE}{points(value)}", value, "points")


def set_apart(first: Figure, last: Figure) -> str:
    """Return why two figures of an indicator differ by more than their years; empty where they do not."""
    if first.geography != last.geography:
        return "géographies différentes"
    if first.fragile or last.fragile:
        return "fragile"
    return "fictif d’un côté" if first.fictive != last.fictive else ""


def exact(difference: float) -> float:
    """Return a difference without the noise of binary numbers, which would tip a half."""
    return round(difference, 9)


def points(difference: float) -> str:
    """Return « point » or « points »: French takes the plural from two on."""
    return "points" if abs(difference) >= 2 else "point"


def signed(value: float, decimals: int) -> str:
    """Write a number with its sign, « + » included; what rounds to zero has none."""
    text = number(value, decimals)
    return text if text.startswith(MINUS) or not text.strip("0,") else f"+{text}"
