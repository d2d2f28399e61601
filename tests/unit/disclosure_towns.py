"""Small invented basins, with their counts drawn at random, shared by the tests of disclosure control."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from observatory.indicators.catalogue import Indicator, load_indicators
from observatory.indicators.compute import compute_observations
from observatory.indicators.measures import MEASURES
from observatory.indicators.mining import MINING_VINTAGE
from observatory.tables import TERRITORIES

DRAWN = {
    "mining_dwellings",
    "mining_vacant",
    "mining_occupied",
    "mining_labelled",
    "mining_label_efg",
    "mining_ayants_droit",
    "mining_entries",
    "beneficiaries",
    "beneficiaries_80_over",
    "surviving_spouses",
    "census_dwellings",
}
"""Counts that the invented places have: those of the breakdowns are not among them."""
INDICATORS = tuple(
    indicator.model_copy(update={"vintages": (MINING_VINTAGE,)})
    for indicator in load_indicators()
    if indicator.fictive and {indicator.numerator, indicator.denominator} <= DRAWN | {None}
)
DEFINITIONS = {item.id: (item.numerator, item.denominator, item.scale) for item in INDICATORS}
LEVELS = ("cite", "commune", "epci", "basin")


@dataclass(frozen=True)
class Town:
    """A basin: EPCI of each commune, communes of each cité, counts of each smallest place."""

    epci_of: dict[str, str]
    communes_of: dict[str, list[str]]
    drawn: dict[tuple[str, str], dict[str, int]]

    @cached_property
    def territories(self) -> pl.DataFrame:
        rows = [("basin", "BM", "Bassin", [])]
        rows += [("epci", code, code, ["basin:BM"]) for code in sorted(set(self.epci_of.values()))]
        rows += [("commune", code, code, [f"epci:{epci}", "basin:BM"]) for code, epci in self.epci_of.items()]
        for cite, communes in self.communes_of.items():
            parents = [f"commune:{code}" for code in communes] + [f"epci:{self.epci_of[communes[0]]}"]
            rows.append(("cite", cite, cite, [*parents, "basin:BM"]))
        version = ("sept_epci", 2026, 2026)
        return pl.DataFrame(
            [(*version, *row) for row in rows], schema=TERRITORIES.polars_schema, orient="row"
        )

    @cached_property
    def counts(self) -> dict[tuple[str, str, str], int]:
        """(measure, level, code) -> count."""
        found: dict[tuple[str, str, str], int] = {}
        for (commune, cite), amounts in self.drawn.items():
            areas = [("commune", commune), ("epci", self.epci_of[commune]), ("basin", "BM")]
            areas += [("cite", cite)] if cite else []
            for measure, amount in amounts.items():
                for area in areas:
                    found[measure, *area] = found.get((measure, *area), 0) + amount
        return found

    @cached_property
    def measures(self) -> pl.DataFrame:
        rows = [
            (level, code, measure, MINING_VINTAGE, float(amount), "published", ["fichier"])
            for (measure, level, code), amount in self.counts.items()
        ]
        return pl.DataFrame(rows, schema=MEASURES, orient="row")

    @cached_property
    def observations(self) -> pl.DataFrame:
        return compute_observations(INDICATORS, self.measures, self.territories)

    @property
    def publication(self) -> tuple[pl.DataFrame, tuple[Indicator, ...], pl.DataFrame, pl.DataFrame]:
        """What ``protect_observations`` takes."""
        return self.observations, INDICATORS, self.measures, self.territories


def draw_town(seed: int, epci: int, communes: int, cites: int, shared: int, size: int) -> Town:
    """Return a basin; the last ``shared`` cités lie on two communes, perhaps of two EPCI."""
    random = np.random.default_rng(seed)
    epci_of = {f"c{n:02d}": f"e{n % epci}" for n in range(communes)}
    names = list(epci_of)
    communes_of = {}
    for n in range(cites):
        several = min(communes, 2 if n >= cites - shared else 1)
        communes_of[f"cite-{n:02d}"] = [str(c) for c in random.choice(names, several, replace=False)]
    places = [(commune, "") for commune in names]
    places += [(commune, cite) for cite, own in communes_of.items() for commune in own]
    return Town(epci_of, communes_of, {place: _draw(random, size) for place in places})


def _draw(random: np.random.Generator, size: int) -> dict[str, int]:
    """Return one place's counts: sometimes nothing, sometimes all or none of a group."""

    def part(whole: int) -> int:
        share = random.choice([0, 1, random.random(), random.random() ** 3])
        return round(share * whole)

    dwellings = int(random.integers(0, size)) if random.random() < 0.8 else 0
    vacant = part(dwellings) // 3
    occupied = dwellings - vacant - part(dwellings - vacant) // 4
    labelled = dwellings - part(dwellings) // 5
    people = int(random.integers(0, size)) if random.random() < 0.8 else 0
    return {
        "mining_dwellings": dwellings,
        "mining_vacant": vacant,
        "mining_occupied": occupied,
        "mining_labelled": labelled,
        "mining_label_efg": part(labelled),
        "mining_ayants_droit": part(occupied),
        "mining_entries": part(occupied) // 2,
        "beneficiaries": people,
        "beneficiaries_80_over": part(people),
        "surviving_spouses": part(people),
        "census_dwellings": dwellings + int(random.integers(1, 500)),
    }
