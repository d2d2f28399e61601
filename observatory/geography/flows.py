"""How the content of communes flows through events: the engine under ``passage``.

Belongs here: shares at a split, and the memory of what a merger joined.
Does not: frames, wording, and what may be summed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from observatory.errors import ObservatoryError
from observatory.geography.history import History, Step

# Where a part of a commune is now, and the communes it has been absorbed from, latest last.
_Place = tuple[str, tuple[str, ...]]


class MissingShareError(ObservatoryError):
    """A commune splits and no population says in which shares."""


@dataclass
class Flow:
    """What became of one commune.

    Attributes:
        parts: share of the commune by place.
        steps: the events it went through, in the order of reading: index in ``History.steps``, and the
            commune it was in.
    """

    parts: dict[_Place, float]
    steps: list[tuple[int, str]] = field(default_factory=list)

    def shares(self) -> dict[str, float]:
        """Return the share of the commune by commune of arrival."""
        total: dict[str, float] = {}
        for (code, _), share in sorted(self.parts.items()):
            total[code] = total.get(code, 0.0) + share
        return total


class Populations:
    """Populations that tell the shares of a split, brought to the eve or the morrow of the event."""

    def __init__(self, history: History, populations: pl.DataFrame | None) -> None:
        """Index the populations.

        Args:
            history: the events.
            populations: columns cog_year, code, population, each year on its own geography; null for none.
        """
        self._history = history
        self._by_year: dict[int, dict[str, float]] = {}
        self._walked: dict[tuple[int, int], dict[str, float]] = {}
        if populations is not None:
            for year, code, value in populations.select("cog_year", "code", "population").iter_rows():
                self._by_year.setdefault(year, {})[code] = float(value)
        self._index = {year: history.index(year) for year in sorted(self._by_year)}

    def near(self, codes: tuple[str, ...], step: int, forward: bool) -> list[float]:
        """Return the populations of ``codes`` just after step ``step`` (or just before, read backwards).

        The nearest year on the side where the communes exist is used; what they absorb (or had lost) between
        that year and the event is added.

        Raises:
            MissingShareError: no year has all of them.
        """
        position = step + 1 if forward else step
        years = [year for year, at in self._index.items() if (at >= position if forward else at <= position)]
        for year in years if forward else reversed(years):
            values = self._walk(year, position)
            found = [values.get(code) for code in codes]
            known = [value for value in found if value is not None]
            if len(known) == len(codes) and sum(known) > 0:
                return known
        day = self._history.steps[step].day
        raise MissingShareError(
            f"L’événement du {day:%d/%m/%Y} partage une commune entre {', '.join(codes)}, et aucune année de "
            "population ne les a toutes. Ajoutez leurs populations, ou retirez ces communes."
        )

    def _walk(self, year: int, position: int) -> dict[str, float]:
        if (year, position) in self._walked:
            return self._walked[year, position]
        values = dict(self._by_year[year])
        at = self._index[year]
        steps = self._history.steps
        path = [steps[i].links for i in range(at, position)]
        path += [steps[i].reversed_links() for i in range(at - 1, position - 1, -1)]
        for links in path:
            # A commune that splits on the way has no share to give: it keeps its population.
            moved = {code: values.pop(code) for code in links if code in values and len(links[code]) == 1}
            for code, value in moved.items():
                (target,) = links[code]
                values[target] = values.get(target, 0.0) + value
        self._walked[year, position] = values
        return values


def follow(
    history: History,
    codes: frozenset[str],
    year_from: int,
    year_to: int,
    populations: pl.DataFrame | None,
    *,
    equal_shares: bool = False,
) -> dict[str, Flow]:
    """Return what becomes of ``codes`` and of every commune that the events tie to them.

    Communes that no event touches between the two years are left out. A commune absorbed then restored
    between them gets back what it brought: the rest alone is shared by population.

    Args:
        history: the events.
        codes: communes of COG ``year_from``.
        year_from: year of the COG of departure.
        year_to: year of the COG of arrival, later or earlier.
        populations: columns cog_year, code, population.
        equal_shares: do without populations; shares then mean nothing but « holds a part of ».

    Raises:
        MissingShareError: a commune splits and no population says in which shares.
    """
    start, stop = history.index(year_from), history.index(year_to)
    forward = start <= stop
    window = list(range(start, stop)) if forward else list(range(start - 1, stop - 1, -1))
    links = {i: _links(history.steps[i], forward) for i in window}
    scope = _tied(codes, links.values())
    shares = None if equal_shares else Populations(history, populations)
    flows = {code: Flow({(code, ()): 1.0}) for code in _departures(scope, links.values())}
    holders: dict[str, set[str]] = {code: {code} for code in flows}
    for i in window:
        inside = {code: after for code, after in links[i].items() if code in scope}
        if inside:
            _apply(i, inside, flows, holders, shares, forward)
    return flows


def _links(step: Step, forward: bool) -> Mapping[str, tuple[str, ...]]:
    return step.links if forward else step.reversed_links()


def _tied(codes: frozenset[str], steps: Iterable[Mapping[str, tuple[str, ...]]]) -> frozenset[str]:
    """Return the communes that events tie to ``codes``, whatever the number of events between."""
    neighbours: dict[str, set[str]] = {}
    for links in steps:
        for before, after in links.items():
            for code in after:
                neighbours.setdefault(before, set()).add(code)
                neighbours.setdefault(code, set()).add(before)
    reached = {code for code in codes if code in neighbours}
    waiting = list(reached)
    while waiting:
        new = neighbours[waiting.pop()] - reached
        reached |= new
        waiting += new
    return frozenset(reached)


def _departures(scope: frozenset[str], steps: Iterable[Mapping[str, tuple[str, ...]]]) -> list[str]:
    """Return the communes of ``scope`` that exist at departure: the first event finds them there."""
    seen: dict[str, bool] = {}
    for links in steps:
        for code in {*links, *(target for after in links.values() for target in after)}:
            if code in scope:
                seen.setdefault(code, code in links)
    return sorted(code for code, there in seen.items() if there)


def _apply(
    i: int,
    links: Mapping[str, tuple[str, ...]],
    flows: dict[str, Flow],
    holders: dict[str, set[str]],
    shares: Populations | None,
    forward: bool,
) -> None:
    sources: dict[str, int] = {}
    for after in links.values():
        for code in after:
            sources[code] = sources.get(code, 0) + 1
    moves: list[tuple[str, _Place, float]] = []
    for before, after in sorted(links.items()):
        units = [
            (origin, place, flows[origin].parts.pop(place))
            for origin in sorted(holders.pop(before, ()))
            for place in sorted(flows[origin].parts)
            if place[0] == before
        ]
        returned = {_return(place, after) for _, place, _ in units} - {None}
        staying = tuple(code for code in after if code not in returned) or after
        weights = _weights(i, staying, sources, shares, forward)
        for origin, place, share in units:
            flows[origin].steps.append((i, before))
            home = _return(place, after)
            if home is not None:
                moves.append((origin, (home, place[1][: _last(place[1], home)]), share))
                continue
            for code, weight in zip(staying, weights, strict=True):
                absorbed = code != before and sources[code] > 1
                trace = (*place[1], before) if absorbed else place[1]
                moves.append((origin, (code, trace), share * weight))
    for origin, place, share in moves:
        parts = flows[origin].parts
        parts[place] = parts.get(place, 0.0) + share
        holders.setdefault(place[0], set()).add(origin)


def _weights(
    i: int,
    staying: tuple[str, ...],
    sources: Mapping[str, int],
    shares: Populations | None,
    forward: bool,
) -> list[float]:
    if len(staying) == 1:
        return [1.0]
    values = [1.0] * len(staying) if shares is None else shares.near(staying, i, forward)
    # A commune made from several gives each of them an equal part of its population: nothing says better.
    values = [value / sources[code] for value, code in zip(values, staying, strict=True)]
    total = sum(values)
    return [value / total for value in values]


def _return(place: _Place, after: tuple[str, ...]) -> str | None:
    """Return the commune that comes back among ``after``, and from which this part had been absorbed."""
    return next((code for code in reversed(place[1]) if code in after and code != place[0]), None)


def _last(trace: tuple[str, ...], code: str) -> int:
    return len(trace) - 1 - trace[::-1].index(code)
