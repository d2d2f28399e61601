"""The history of the communes: INSEE's events put in order, and what they allow one to say.

Belongs here: which events lie between two years of the COG, and whether a commune existed in one.
Does not: the share of a count that follows each event (``flows``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from observatory.errors import ObservatoryError

# On one day, communes separate or change code before they merge: Freigné, in 2018, passes from 49144 to
# 44225, then from 44225 into 44180.
_MERGING = ("merger", "new_commune", "association")

EVENT_LABELS = {
    "name": "changement de nom",
    "creation": "création",
    "restoration": "rétablissement",
    "suppression": "suppression avec partage",
    "merger": "fusion simple",
    "new_commune": "commune nouvelle",
    "association": "fusion-association",
    "association_ended": "passage de la fusion-association à la fusion simple",
    "delegate_ended": "suppression d’une commune déléguée",
    "department_change": "changement de code (département)",
    "seat_change": "changement de code (chef-lieu)",
    "associate_delegated": "commune associée devenue déléguée",
}
"""What an analyst reads for each kind of event."""


class OutOfHistoryError(ObservatoryError):
    """A year of the COG that the events do not reach."""


class AbsentCommuneError(ObservatoryError):
    """A commune that does not exist in the year of the COG it is given for."""


class SameDayError(ObservatoryError):
    """Events of one day whose order the dates do not tell."""


@dataclass(frozen=True)
class Step:
    """The events of one day that happen together.

    Attributes:
        day: the day they take effect.
        links: commune before, and the communes after that hold its territory, itself included if it lasts.
        label: what happened, in French, for each commune before or after.
    """

    day: date
    links: Mapping[str, tuple[str, ...]]
    label: Mapping[str, str]

    def reversed_links(self) -> dict[str, tuple[str, ...]]:
        """Return the links read backwards: commune after, and the communes before."""
        return _transpose(self.links)


# Compared by identity: frames have no truth value.
@dataclass(frozen=True, eq=False)
class History:
    """Events, and the years of the COG (1 January) between which they are complete.

    Attributes:
        events: frame of ``sources.cog_events.parse_events``.
        first_year: first COG year.
        last_year: last COG year that the events reach.
        confirmed: for later years, the communes seen in every list from ``last_year`` on.
    """

    events: pl.DataFrame
    first_year: int
    last_year: int
    confirmed: Mapping[int, frozenset[str]]

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The structural events in order, those of one day together; changes of name are no step.

        Raises:
            SameDayError: a commune comes out of an event and enters another of the same kind on one day.
        """
        structural = self.events.filter(pl.col("kind") != "name").with_columns(
            pl.col("kind").is_in(_MERGING).alias("merging")
        )
        days = structural.sort("date", "merging", "code_before", "code_after").group_by(
            "date", "merging", maintain_order=True
        )
        return tuple(_step(frame) for _, frame in days)

    @cached_property
    def _appearances(self) -> dict[str, list[tuple[date, bool, bool]]]:
        """For each commune, in order: day, whether it exists before, whether it exists after."""
        found: dict[str, list[tuple[date, bool, bool]]] = {}
        for step in self.steps:
            after = {code for codes in step.links.values() for code in codes}
            for code in sorted(after | set(step.links)):
                found.setdefault(code, []).append((step.day, code in step.links, code in after))
        return found

    @cached_property
    def names(self) -> dict[str, list[tuple[date, str]]]:
        """For each commune, the days its name changed (alone) and « former → new »."""
        alone = self.events.filter(pl.col("kind") == "name").sort("date", "code_before")
        found: dict[str, list[tuple[date, str]]] = {}
        for day, code, before, after in alone.select(
            "date", "code_before", "name_before", "name_after"
        ).iter_rows():
            found.setdefault(code, []).append((day, f"{before} → {after}"))
        return found

    def check(self, year: int, codes: frozenset[str]) -> None:
        """Check that ``codes`` are communes of COG ``year``, as far as the events tell.

        A code that no event names is taken for a commune of every year: the events are no list of communes.

        Raises:
            OutOfHistoryError: the events do not reach the year, for one of these communes.
            AbsentCommuneError: a commune has been absorbed before, or appears later.
        """
        if year < self.first_year:
            raise OutOfHistoryError(
                f"Les événements des communes commencent en {self.first_year} : "
                f"pas de passage par le COG {year}."
            )
        if year > self.last_year:
            unseen = sorted(codes - self.confirmed.get(year, frozenset()))
            if unseen:
                raise OutOfHistoryError(
                    f"Les événements des communes s’arrêtent au COG {self.last_year}, et aucune liste ne "
                    f"confirme jusqu’au COG {year} : {_listed(unseen)}. Ajoutez un fichier d’événements plus "
                    "récent, ou la liste des communes des années qui manquent."
                )
        absent = sorted(code for code in codes if not self.exists(code, year))
        if absent:
            raise AbsentCommuneError(
                f"Ces communes n’existent pas au 1er janvier {year} : {_listed(absent)}. "
                "Vérifiez le code géographique du fichier."
            )

    def exists(self, code: str, year: int) -> bool:
        """Return whether a commune exists on 1 January ``year``, as far as the events tell."""
        appearances = self._appearances.get(code, [])
        past = [after for day, _, after in appearances if day <= date(year, 1, 1)]
        if past:
            return past[-1]
        return appearances[0][1] if appearances else True

    def index(self, year: int) -> int:
        """Return the number of steps that have taken effect on 1 January ``year``."""
        return sum(step.day <= date(year, 1, 1) for step in self.steps)


def build_history(
    events: pl.DataFrame, last_year: int, first_year: int = 1943, lists: pl.DataFrame | None = None
) -> History:
    """Return the history that the events tell, carried further by lists of communes.

    INSEE's events come once a year. Past them, a commune present in the list of every year is taken as
    unchanged: this is not proof that it absorbed no neighbour, only that none of the listed communes did
    disappear; where a list holds whole departments, the two are the same but for its borders.

    Args:
        events: frame of ``sources.cog_events.parse_events``.
        last_year: year of the file of events: they are complete up to its 1 January.
        first_year: the events are complete from its 1 January.
        lists: columns cog_year, commune_code: the communes known in years from ``last_year`` on.
    """
    confirmed: dict[int, frozenset[str]] = {}
    if lists is not None:
        seen: frozenset[str] | None = None
        years = set(lists["cog_year"])
        year = last_year
        while year in years:
            codes = frozenset(lists.filter(pl.col("cog_year") == year)["commune_code"])
            seen = codes if seen is None else seen & codes
            if year > last_year:
                confirmed[year] = seen
            year += 1
    return History(events, first_year, last_year, confirmed)


def _step(events: pl.DataFrame) -> Step:
    day = events["date"][0]
    gathered: dict[str, list[str]] = {}
    kinds: dict[str, str] = {}
    named: dict[str, str] = {}
    for kind, before, name_before, after, name_after in events.select(
        "kind", "code_before", "name_before", "code_after", "name_after"
    ).iter_rows():
        gathered.setdefault(before, []).append(after)
        kinds[before] = EVENT_LABELS[kind]
        named[f"<{before}"] = f"{name_before} ({before})"
        named[f">{after}"] = f"{name_after} ({after})"
    links = {code: tuple(sorted(set(after))) for code, after in gathered.items()}
    _check_order(day, links)
    sources = _transpose(links)
    label: dict[str, str] = {}
    for code, after in links.items():
        left = sorted({before for target in after for before in sources[target]})
        right = sorted({target for before in left for target in links[before]})
        sides = (" + ".join(named[f"<{c}"] for c in left), " + ".join(named[f">{c}"] for c in right))
        text = f"{day:%d/%m/%Y}, {kinds[code]}\u202f: {sides[0]} → {sides[1]}"
        label |= dict.fromkeys((*left, *right), text)
    return Step(day, links, label)


def _check_order(day: date, links: Mapping[str, tuple[str, ...]]) -> None:
    for before, after in links.items():
        for code in after:
            if code != before and code in links and code not in links[code]:
                raise SameDayError(
                    f"Le {day:%d/%m/%Y}, la commune {code} reçoit {before} et disparaît : "
                    "les événements ne disent pas dans quel ordre."
                )


def _transpose(links: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    turned: dict[str, list[str]] = {}
    for before, after in links.items():
        for code in after:
            turned.setdefault(code, []).append(before)
    return {code: tuple(sorted(before)) for code, before in sorted(turned.items())}


def _listed(codes: list[str]) -> str:
    shown = ", ".join(codes[:10])
    return shown if len(codes) <= 10 else f"{shown} et {len(codes) - 10} autres"
