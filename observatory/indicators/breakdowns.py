"""How groups of dwellings and of people are shared out, as frozen models read from ``breakdowns.yaml``.

Belongs here: from one entry, the measures, indicators, partitions that follow.
Does not: counting (``mining``), the rules of secrecy made of them (``disclosure.policy``).
"""

from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from observatory.errors import ObservatoryError

BREAKDOWNS = Path(__file__).with_name("breakdowns.yaml")
_ID = r"^[a-z][a-z0-9_]*$"


class BreakdownError(ObservatoryError):
    """The breakdowns contradict one another."""


class Category(BaseModel):
    """One part of a group: rows whose column is one of ``values``, or ``low <= column < high``.

    Attributes:
        label: what they are, in French.
        measure: count of another rule that is this one; none for a measure of its own.
        indicator: indicator of the catalogue that gives its share; none for one of its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=_ID)
    label: str
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    measure: str | None = None
    indicator: str | None = None


class Breakdown(BaseModel):
    """One table: a group, the column that shares it out and its categories (see ``breakdowns.yaml``).

    Attributes:
        known: count of those whose column is filled, where a rule of its own names it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=_ID)
    title: str
    theme: str
    of: str
    of_label: str
    column: str | None = None
    noun: str | None = None
    known: str | None = None
    minimum: int = Field(ge=2)
    personal: bool = False
    reason: str
    note: str
    inside: str | None = None
    cross: tuple[str, str] | None = None
    levels: tuple[Literal["cite", "commune", "epci", "basin"], ...] = ("cite", "commune", "epci", "basin")
    categories: tuple[Category, ...] = ()

    @property
    def base(self) -> str:
        """Measure that the categories add up to."""
        if self.noun is None:
            return self.of
        return self.known or f"{self.id}_renseigne"

    @property
    def base_label(self) -> str:
        """What the base counts, in French."""
        return self.of_label if self.noun is None else f"{self.of_label} dont on connaît {self.noun}"

    def measure(self, category: Category) -> str:
        """Return the count of a category."""
        return category.measure or f"{self.id}_{category.id}"

    @property
    def parts(self) -> tuple[str, ...]:
        """Counts of the categories, in order."""
        return tuple(self.measure(category) for category in self.categories)

    def label_of(self, category: Category) -> str:
        """Return what the count of a category is, in French."""
        return f"{self.of_label}, {_lower(self.title)}\u202f: {category.label}"

    def indicators(self, sources: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """Yield the definitions of the shares that the catalogue does not have."""
        for category in self.categories:
            if category.indicator is None:
                yield {
                    "id": f"part_{self.id}_{category.id}",
                    "label": f"{self.title}\u202f: {category.label}",
                    "theme": self.theme,
                    "formula": f"{self.label_of(category)} ÷ {self.base_label} × 100",
                    "unit": "%",
                    "decimals": 1,
                    "numerator": self.measure(category),
                    "denominator": self.base,
                    "scale": 100,
                    "polarity": "neutral",
                    "proportion": True,
                    "precaution": "registre_taux",
                    "sources": sources,
                    "levels": self.levels,
                    "comparability": self.note,
                }


@cache
def load_breakdowns(path: Path = BREAKDOWNS) -> tuple[Breakdown, ...]:
    """Return the breakdowns, the categories of the crossed ones filled in.

    Raises:
        BreakdownError: an id stands twice, or one names a breakdown that is not there or does not match.
        pydantic.ValidationError: an entry breaks the model.
    """
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    by_id: dict[str, Breakdown] = {}
    for entry in entries:
        one = Breakdown.model_validate(entry)
        if one.id in by_id:
            raise BreakdownError(f"Deux répartitions ont le même identifiant « {one.id} ».")
        by_id[one.id] = _crossed(one, by_id) if one.cross else one
    for one in by_id.values():
        if one.inside is not None:
            _check_inside(one, by_id)
    return tuple(by_id.values())


def crossings(breakdowns: tuple[Breakdown, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the lines of the crossed tables: a category of one breakdown, and its parts by the other."""
    by_id = {one.id: one for one in breakdowns}
    for one in breakdowns:
        if one.cross is None:
            continue
        rows, columns = (by_id[name] for name in one.cross)
        cells = {
            (row, column): one.measure(cell)
            for (row, column), cell in zip(product(rows.parts, columns.parts), one.categories, strict=True)
        }
        for row in rows.parts:
            yield row, tuple(cells[row, column] for column in columns.parts)
        for column in columns.parts:
            yield column, tuple(cells[row, column] for row in rows.parts)


def _crossed(one: Breakdown, by_id: dict[str, Breakdown]) -> Breakdown:
    """Return a crossed breakdown with its categories, those of the first one slowest."""
    absent = [name for name in one.cross or () if name not in by_id or by_id[name].of != one.of]
    if absent:
        raise BreakdownError(
            f"La répartition « {one.id} » croise « {absent[0]} », qui n’est pas avant elle ou ne porte pas "
            "sur le même groupe."
        )
    rows, columns = (by_id[name].categories for name in one.cross or ())
    categories = tuple(
        Category(id=f"{row.id}_{column.id}", label=f"{row.label}, {column.label}")
        for row, column in product(rows, columns)
    )
    return one.model_copy(update={"categories": categories})


def _check_inside(one: Breakdown, by_id: dict[str, Breakdown]) -> None:
    outer = by_id.get(one.inside or "")
    if outer is None or {c.id for c in outer.categories} != {c.id for c in one.categories}:
        raise BreakdownError(
            f"La répartition « {one.id} » est contenue dans « {one.inside} », qui n’existe pas ou n’a pas "
            "les mêmes catégories."
        )


def _lower(title: str) -> str:
    """Return a title with a small first letter, unless its first word is an acronym."""
    return title if title[:2].isupper() else title[0].lower() + title[1:]
