"""The projections as the reader meets them: by territory, their reasons for absence, their fans.

Belongs here: looking projections up, the geometry of a fan, their French wording.
Does not: projecting (``projection``), pages, HTML.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from observatory.projection.assumptions import Steps
from observatory.rendering.charts import round_ticks
from observatory.rendering.french import number
from observatory.rendering.places import Place
from observatory.tables.projection import PROJECTIONS, SCENARIOS, WHOLE

CENTRAL = "moderate"
"""The scenario shown where only one is: the basin's mortality has long been above the nation's."""

SCENARIO_WORDS = {
    "national": "mortalité nationale",
    "moderate": "surmortalité de 15\u00a0%",
    "strong": "surmortalité de 30\u00a0%",
}
QUANTITY_WORDS = {
    "beneficiaries": ("Bénéficiaires", "personnes"),
    "freed": ("Logements libérés depuis le départ", "logements"),
    "freed_per_year": ("Logements libérés par an, moyenne de la période qui s’achève", "logements par an"),
    "aged_85": ("Logements dont l’occupant a 85 ans ou plus", "logements"),
    "aged_90": ("Logements dont l’occupant a 90 ans ou plus", "logements"),
    "alone": ("Bénéficiaires qui vivent seuls dans leur logement", "personnes"),
    "alone_85": ("Bénéficiaires de 85 ans ou plus qui vivent seuls", "personnes"),
    "freed_stock": ("Logements des bailleurs libérés depuis le départ", "logements"),
    "freed_stock_per_year": (
        "Logements des bailleurs libérés par an, moyenne de la période qui s’achève",
        "logements par an",
    ),
    "turnover": ("Rotation due à ces départs", "logements libérés par an pour 1\u202f000 du parc minier"),
    "let_again": ("Logements des bailleurs reloués depuis le départ", "logements"),
    "heating_cash_euros": ("Chauffage versé en espèces", "€ par an"),
    "housing_cash_euros": ("Logement versé en espèces", "€ par an"),
    "heating_in_kind_euros": ("Chauffage fourni en nature", "€ par an"),
    "housing_in_kind_euros": ("Logement fourni en nature", "€ par an"),
    "lost_euros": ("Prestations que plus personne ne reçoit", "€ par an"),
}
REASON_WORDS = {
    "count_not_published": "le nombre de bénéficiaires d’aujourd’hui n’est pas publié (secret statistique)",
    "too_few": "moins de cinquante bénéficiaires aujourd’hui",
    "small_remainder": "ce qui resterait des territoires voisins serait un groupe trop petit",
    "ages_deducible": "la projection laisserait deviner l’âge, le sexe ou la catégorie de quelques personnes",
    "share_not_published": "une part d’aujourd’hui dont ce chiffre dépend n’est pas publiée",
}

_WIDTH, _HEIGHT = 380, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 10, 14, 30


@dataclass(frozen=True)
class Point:
    """A projected number of one year; ``low`` and ``high`` are None for an expectation alone."""

    year: int
    low: int | None
    median: int
    high: int | None

    @property
    def text(self) -> str:
        """The median."""
        return number(self.median)

    @property
    def interval(self) -> str:
        """The 80 % interval, or nothing."""
        return "" if self.low is None or self.high is None else f"{number(self.low)} à {number(self.high)}"


@dataclass(frozen=True)
class Fan:
    """A median and its interval over the years, of one scenario."""

    width: int
    height: int
    left: int
    right: int
    base: int
    band: str
    median: str
    dots: tuple[tuple[float, float, str, str], ...]
    rules: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Projection:
    """One quantity of a territory by scenario, in the order of ``SCENARIOS``."""

    quantity: str
    points: dict[str, tuple[Point, ...]]

    @property
    def label(self) -> str:
        """What it is."""
        return QUANTITY_WORDS[self.quantity][0]

    @property
    def unit(self) -> str:
        """Its unit."""
        return QUANTITY_WORDS[self.quantity][1]

    @property
    def years(self) -> list[int]:
        """Years projected."""
        return [point.year for point in self.points[CENTRAL]]

    @property
    def central(self) -> tuple[Point, ...]:
        """Points of the scenario shown where only one is."""
        return self.points[CENTRAL]

    @property
    def fans(self) -> dict[str, Fan]:
        """The drawing of each scenario, on one axis that starts from zero."""
        highest = max(point.high or point.median for points in self.points.values() for point in points)
        return {name: fan(points, highest) for name, points in self.points.items()}

    def at(self, scenario: str, year: int) -> Point | None:
        """Return the point of a scenario and year, or None."""
        return next((point for point in self.points[scenario] if point.year == year), None)


@dataclass(frozen=True)
class TerritoryProjections:
    """What is projected for a territory, or why nothing is.

    Attributes:
        place: the territory.
        reason: ``published``, or a key of ``REASON_WORDS``.
        projections: by quantity; empty when not published, without those that lack a share of today.
        parts: by quantity, then landlord or indicator of the newcomers.
        first_year: 1 January that the projection starts from.
    """

    place: Place
    reason: str
    projections: dict[str, Projection]
    parts: dict[str, dict[str, Projection]]
    first_year: int

    @property
    def published(self) -> bool:
        """Whether anything is shown."""
        return self.reason == "published"


class ProjectionBook:
    """Every projection of the edition, found by territory."""

    def __init__(self, frame: pl.DataFrame, fictive_files: Iterable[str]) -> None:
        """Index ``indicators.projections``; fictive when one of its files is."""
        self._rows: dict[tuple[str, str], list[dict[str, object]]] = {}
        for row in frame.sort(PROJECTIONS.key).iter_rows(named=True):
            self._rows.setdefault((row["territory_level"], row["territory_code"]), []).append(row)
        used = set(frame["file_ids"].explode().drop_nulls()) if frame.height else set()
        self.file_ids = tuple(sorted(used))
        self.fictive = not used.isdisjoint(fictive_files)

    @property
    def empty(self) -> bool:
        """Whether the edition projects nothing."""
        return not self._rows

    def of(self, place: Place) -> TerritoryProjections | None:
        """Return what is projected for a territory, or None where nothing was to be."""
        rows = self._rows.get((place.level, place.code))
        if rows is None:
            return None
        first = rows[0]
        reason, start = str(first["reason"]), int(str(first["first_year"]))
        if reason != "published":
            return TerritoryProjections(place, reason, {}, {}, start)
        points: dict[tuple[str, str], dict[str, list[Point]]] = {}
        for row in rows:
            if row["median"] is None:
                continue
            by_scenario = points.setdefault(
                (str(row["quantity"]), str(row["part"])), {name: [] for name in SCENARIOS}
            )
            by_scenario[str(row["scenario"])].append(
                Point(row["year"], row["low"], row["median"], row["high"])  # type: ignore[arg-type]
            )
        whole: dict[str, Projection] = {}
        parts: dict[str, dict[str, Projection]] = {}
        for (quantity, part), found in points.items():
            one = Projection(quantity, {name: tuple(own) for name, own in found.items()})
            if part == WHOLE:
                whole[quantity] = one
            else:
                parts.setdefault(quantity, {})[part] = one
        return TerritoryProjections(place, reason, whole, parts, start)


def projected_sentence(projected: TerritoryProjections) -> str:
    """Write what becomes of the beneficiaries and of their dwellings, in the central scenario."""
    people, freed = (projected.projections[name].central for name in ("beneficiaries", "freed"))
    first, middle, last = people[0], people[len(people) // 2], people[-1]
    name = "le Bassin minier" if projected.place.level == "basin" else "le territoire"
    return (
        f"{name} compterait environ {number(first.median)} bénéficiaires en {first.year}, "
        f"{number(middle.median)} en {middle.year} et {number(last.median)} en {last.year} ; environ "
        f"{number(freed[len(people) // 2].median)} logements auraient été libérés d’ici {middle.year}."
    )


def steps_text(steps: Steps) -> str:
    """Write a share by age: 0,4 % à 70 ans, 1,8 % à 80 ans."""
    written = [
        f"{number(value * 100, 1)} % à {age} ans" for age, value in zip(steps.ages, steps.values, strict=True)
    ]
    return ", ".join(written)


def fan(points: Sequence[Point], highest: int) -> Fan:
    """Draw a median and its interval over the years, on an axis that holds ``highest``."""
    years = [point.year for point in points]
    marks = round_ticks(0, max(highest, 10))

    def across(year: int) -> float:
        return round(
            _LEFT + 14 + (year - years[0]) / (years[-1] - years[0]) * (_WIDTH - _LEFT - _RIGHT - 28), 1
        )

    def down(value: float) -> float:
        return round(_HEIGHT - _BOTTOM - value / marks[-1] * (_HEIGHT - _TOP - _BOTTOM), 1)

    def line(values: Iterable[tuple[int, int]]) -> str:
        return "M" + "L".join(f"{across(year)} {down(value)}" for year, value in values)

    above = [(point.year, point.high) for point in points if point.high is not None]
    below = [(point.year, point.low) for point in reversed(points) if point.low is not None]
    return Fan(
        _WIDTH,
        _HEIGHT,
        _LEFT,
        _WIDTH - _RIGHT,
        _HEIGHT - _BOTTOM,
        f"{line([*above, *below])}Z" if above else "",
        line((point.year, point.median) for point in points),
        tuple((across(point.year), down(point.median), str(point.year), point.text) for point in points),
        tuple((down(tick), number(tick)) for tick in marks),
    )
