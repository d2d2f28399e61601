"""An attacker of the publication that shares nothing with the code under test.

He reads published observations, the parents of the territories and the definitions of the indicators, and
writes one linear programme in plain terms. What he knows of the counts is said again here, on purpose.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from scipy.optimize import linprog
from scipy.sparse import lil_array

# smaller counts <= larger count, everywhere
AT_MOST = [
    (("mining_vacant", "mining_occupied"), "mining_dwellings"),
    (("mining_labelled",), "mining_dwellings"),
    (("mining_label_efg",), "mining_labelled"),
    (("mining_ayants_droit",), "mining_occupied"),
    (("mining_entries",), "mining_occupied"),
    (("beneficiaries_80_over",), "beneficiaries"),
    (("surviving_spouses",), "beneficiaries"),
]
FAMILIES = [
    [
        "mining_dwellings",
        "mining_vacant",
        "mining_labelled",
        "mining_label_efg",
        "mining_occupied",
        "mining_ayants_droit",
        "mining_entries",
    ],
    ["beneficiaries", "beneficiaries_80_over", "surviving_spouses"],
]
# Breakdowns, each with what it shares out; parts that add up to a whole, everywhere.
_STATES = ["mining_occupied", "mining_vacant", "statut_travaux", "statut_a_demolir"]
_HOUSEHOLDS = [f"menage_{name}" for name in ("seul", "couple", "couple_enfants", "monoparental", "autre")]
_SEXES = ["sexe_femmes", "sexe_hommes"]
_AGES = [f"age_{name}" for name in ("moins_65", "de_65_a_74", "de_75_a_79", "de_80_a_89", "plus_90")]
EXACTLY = [
    (tuple(_STATES), "mining_dwellings"),
    (tuple(_HOUSEHOLDS), "menage_renseigne"),
    (tuple(_SEXES), "beneficiaries"),
    (tuple(_AGES), "beneficiaries"),
    (("age_de_80_a_89", "age_plus_90"), "beneficiaries_80_over"),
]
AT_MOST += [(("menage_renseigne",), "mining_occupied"), (("mining_occupied",), "mining_dwellings")]
BREAKDOWNS = [
    ["mining_dwellings", *_STATES],
    ["mining_dwellings", "mining_occupied", "menage_renseigne", *_HOUSEHOLDS],
    ["beneficiaries", "beneficiaries_80_over", *_SEXES, *_AGES],
]
MINIMUM = dict.fromkeys(itertools.chain(*FAMILIES, *BREAKDOWNS), 11)
MINIMUM |= {"mining_dwellings": 3, "mining_vacant": 3, "statut_travaux": 3, "statut_a_demolir": 3}
# count -> the base whose remainder must not be small either
BASE = {
    "mining_vacant": "mining_dwellings",
    "mining_label_efg": "mining_labelled",
    "mining_ayants_droit": "mining_occupied",
    "mining_entries": "mining_occupied",
    "beneficiaries_80_over": "beneficiaries",
    "surviving_spouses": "beneficiaries",
}
BASE |= dict.fromkeys(["statut_travaux", "statut_a_demolir"], "mining_dwellings")
BASE |= dict.fromkeys(_HOUSEHOLDS, "menage_renseigne") | dict.fromkeys([*_SEXES, *_AGES], "beneficiaries")
PERSONAL = {"mining_ayants_droit", "beneficiaries_80_over", "surviving_spouses"}
PERSONAL |= {*_HOUSEHOLDS, *_SEXES, *_AGES}
NOBODY_BELIEVES_MORE = 1e6


@dataclass(frozen=True)
class Secret:
    """A count of an area, or the rest of its base, and the width of the interval that it asks."""

    measure: str
    area: tuple[str, str]
    rest: bool
    atoms: frozenset
    width: float

    @property
    def signs(self) -> dict[str, int]:
        return {BASE[self.measure]: 1, self.measure: -1} if self.rest else {self.measure: 1}


@dataclass
class Map:
    """Which atoms (cité, commune) or (commune) each area is made of."""

    atoms: dict[tuple[str, str], set] = field(default_factory=dict)

    def inside(self, communes: set[str]) -> dict[tuple[str, str], set]:
        every = set().union(*(self.atoms["commune", commune] for commune in communes))
        return {area: atoms for area, atoms in self.atoms.items() if atoms <= every}


def read_map(territories: pl.DataFrame) -> Map:
    found = defaultdict(set)
    above = {}
    for level, code, parents in territories.select("level", "code", "parents").iter_rows():
        if level == "commune":
            above[code] = [p.split(":") for p in parents if p.startswith(("epci:", "basin:"))]
            for area in [("commune", code), *map(tuple, above[code])]:
                found[area].add(code)
    for level, code, parents in territories.select("level", "code", "parents").iter_rows():
        if level == "cite":
            for commune in (p.removeprefix("commune:") for p in parents if p.startswith("commune:")):
                for area in [("cite", code), ("commune", commune), *map(tuple, above[commune])]:
                    found[area].add((code, commune))
    return Map(dict(found))


def read_counts(observations: pl.DataFrame, definitions: dict[str, tuple]) -> dict:
    """Return (measure, level, code) -> count for all that is printed, however it is printed."""
    known: dict = {}

    def learn(measure, level, code, count):
        assert known.setdefault((measure, level, code), round(count)) == round(count)

    for row in observations.iter_rows(named=True):
        if row["indicator"] not in definitions:
            continue
        numerator, denominator, scale = definitions[row["indicator"]]
        place = row["territory_level"], row["territory_code"]
        if row["status"] == "published" and denominator is None:
            learn(numerator, *place, row["value"])
        elif row["status"] == "published":
            learn(denominator, *place, row["denominator"])
            learn(numerator, *place, row["numerator"])
            learn(numerator, *place, row["value"] / scale * row["denominator"])
        elif row["status"] == "not_applicable" and denominator is not None:
            learn(denominator, *place, 0)
            learn(numerator, *place, 0)
        else:
            assert row["value"] is None and row["numerator"] is None and row["denominator"] is None
    return known


class Attacker:
    """One linear programme over one family of counts, in one set of communes."""

    def __init__(self, family: list[str], areas: dict, known: dict) -> None:
        self.areas = areas
        atoms = sorted(set().union(*areas.values()), key=str)
        self.column = {pair: n for n, pair in enumerate(itertools.product(family, atoms))}
        self.points: list[np.ndarray] = []
        printed = [(measure, area) for measure in family for area in areas if (measure, *area) in known]
        exact = [
            (parts, whole, atom)
            for parts, whole in EXACTLY
            if {whole, *parts} <= set(family)
            for atom in atoms
        ]
        self.equal = lil_array((len(printed) + len(exact), len(self.column)))
        for row, (measure, area) in enumerate(printed):
            for atom in areas[area]:
                self.equal[row, self.column[measure, atom]] = 1
        self.totals = [known[measure, *area] for measure, area in printed] + [0] * len(exact)
        for row, (parts, whole, atom) in enumerate(exact, start=len(printed)):
            self.equal[row, self.column[whole, atom]] = -1
            for part in parts:
                self.equal[row, self.column[part, atom]] = 1
        limits = [(a, b, atom) for a, b in AT_MOST if {b, *a} <= set(family) for atom in atoms]
        self.limits = lil_array((len(limits), len(self.column)))
        for row, (smaller, larger, atom) in enumerate(limits):
            self.limits[row, self.column[larger, atom]] = -1
            for measure in smaller:
                self.limits[row, self.column[measure, atom]] = 1
        self.equal, self.limits = self.equal.tocsr(), self.limits.tocsr()

    def form(self, signs: dict[str, int], atoms: set) -> np.ndarray:
        vector = np.zeros(len(self.column))
        for measure, sign in signs.items():
            for atom in atoms:
                vector[self.column[measure, atom]] = sign
        return vector

    def interval(self, form: np.ndarray, enough: float = np.inf) -> tuple[float, float]:
        """Return the interval of a form; any interval inside it, once ``enough`` wide."""
        for sign in (1, -1):
            seen = [form @ point for point in self.points]
            if seen and max(seen) - min(seen) >= enough:
                break
            self.points.append(self._solve(sign * form))
        seen = [form @ point for point in self.points]
        return min(seen), max(seen)

    def _solve(self, objective: np.ndarray) -> np.ndarray:
        result = linprog(
            objective,
            A_ub=self.limits if self.limits.shape[0] else None,
            b_ub=np.zeros(self.limits.shape[0]) if self.limits.shape[0] else None,
            A_eq=self.equal if self.totals else None,
            b_eq=self.totals or None,
            bounds=(0, NOBODY_BELIEVES_MORE),
            method="highs",
        )
        assert result.status == 0, result.message
        return result.x


def unpublished_areas(areas: dict) -> dict:
    """Return the areas that differences give: communes, one or several that share a cité, less cités."""
    communes = {code for level, code in areas if level == "commune"}
    of_cite = {code: {c for _, c in atoms} for (level, code), atoms in areas.items() if level == "cite"}
    wanted = {frozenset({c}) for c in communes} | {frozenset(c) for c in of_cite.values()}
    for one, other in itertools.combinations(list(wanted), 2):
        if one & other:
            wanted.add(one | other)
    found = {}
    for group in wanted:
        within = [cite for cite, own in of_cite.items() if own <= group]
        if within and group <= communes:
            atoms = set().union(*(areas["commune", c] for c in group))
            found["difference", "+".join(sorted(group))] = (
                atoms.difference(*(areas["cite", cite] for cite in within)),
                {("commune", c): 1 for c in group} | {("cite", cite): -1 for cite in within},
            )
    return found


def secrets(family: list[str], areas: dict, counts: dict) -> list[Secret]:
    """Return what must stay secret.

    ``counts`` is the truth, which the attacker does not have: (measure, level, code) -> count.
    """
    places = {area: (atoms, {area: 1}) for area, atoms in areas.items()} | unpublished_areas(areas)
    found = []
    for area, (atoms, parts) in places.items():
        # A count that no release gives at a level has no rule there.
        counted = [measure for measure in family if all((measure, *part) in counts for part in parts)]
        truth = {
            measure: sum(sign * counts[measure, *part] for part, sign in parts.items()) for measure in counted
        }
        for measure, count in truth.items():
            minimum = width = MINIMUM[measure]
            if "mining_dwellings" in truth:
                # The stock may be published from three dwellings on: nobody can doubt more than all of it.
                width = min(minimum, max(3, truth["mining_dwellings"]))
            all_or_none = measure in PERSONAL and BASE[measure] in truth and truth[BASE[measure]] > 0
            if 0 < count < minimum or (all_or_none and count == 0):
                found.append(Secret(measure, area, False, frozenset(atoms), width))
            rest = truth[BASE[measure]] - count if BASE.get(measure) in truth else None
            if rest is not None and (0 < rest < minimum or (all_or_none and rest == 0)):
                found.append(Secret(measure, area, True, frozenset(atoms), width))
    return found


def leaks(
    observations: pl.DataFrame,
    definitions: dict,
    territories: pl.DataFrame,
    counts: dict,
    whole: bool,
    families: list[list[str]] = FAMILIES,
    only: frozenset[str] = frozenset(),
) -> Iterator[tuple[Secret, float, float]]:
    """Yield the secrets known too precisely, with their intervals.

    ``whole`` attacks all at once; otherwise EPCI by EPCI, which is the same where their totals are printed.
    ``only`` some EPCI, if any are named.
    """
    every = read_map(territories)
    known = read_counts(observations, definitions)
    level = "basin" if whole else "epci"
    for (_, code), atoms in sorted((a, b) for a, b in every.atoms.items() if a[0] == level):
        if only and code not in only:
            continue
        areas = every.inside({atom if isinstance(atom, str) else atom[1] for atom in atoms})
        for family in families:
            assert whole or only or all((measure, level, code) in known for measure in family)
            attacker = Attacker(family, areas, known)
            for secret in secrets(family, areas, counts):
                form = attacker.form(secret.signs, secret.atoms)
                least, most = attacker.interval(form, secret.width)
                if most - least < secret.width - 1e-6:
                    yield secret, least, most
