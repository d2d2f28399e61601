"""Disclosure control of a publication of full size: seconds, hidden figures, ratio to bare programmes.

Forty linked tables (four with --small) on 100 cités, 287 communes, seven EPCI and the basin: breakdowns of
one stock in two to five categories, two of them crossed and printed with both margins. The bare side solves
with SciPy, on the matrices of the protected publication, one programme per end of a protected interval: of
``SAMPLE`` amounts, spread evenly, whose time is scaled to all of them.
"""

import sys
import time
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.optimize import linprog
from scipy.sparse import coo_array

from observatory.disclosure.attack import audit, intervals
from observatory.disclosure.cells import build_areas, build_system
from observatory.disclosure.deduction import Component, learn
from observatory.disclosure.linked import protect
from observatory.disclosure.policy import Partition, Policy, Rule
from observatory.disclosure.programme import Programme
from observatory.disclosure.system import Key, System

EPCI, COMMUNES, CITES, MINING_COMMUNES, STOCK = 7, 287, 100, 150, 63_000
TABLES, FEW = 40, 4
SAMPLE = 400


@dataclass(frozen=True)
class Tables:
    """Categories by table, and the partitions that link them."""

    categories: dict[str, int]
    crossed: list[tuple[str, str]]

    def partitions(self) -> list[Partition]:
        found = [
            Partition(whole="stock", parts=tuple(f"{name}_{c}" for c in range(count)))
            for name, count in self.categories.items()
        ]
        for one, other in self.crossed:
            for c in range(self.categories[one]):
                inside = tuple(f"{one}_{c}x{other}_{d}" for d in range(self.categories[other]))
                found.append(Partition(whole=f"{one}_{c}", parts=inside))
            for d in range(self.categories[other]):
                inside = tuple(f"{one}_{c}x{other}_{d}" for c in range(self.categories[one]))
                found.append(Partition(whole=f"{other}_{d}", parts=inside))
        return found


def territories(random: np.random.Generator) -> pl.DataFrame:
    rows = [("basin", "BM", [])] + [("epci", f"e{n}", ["basin:BM"]) for n in range(EPCI)]
    for n in range(COMMUNES):
        rows.append(("commune", f"c{n:03d}", [f"epci:e{n % EPCI}", "basin:BM"]))
    for n in range(CITES):
        commune = int(random.integers(MINING_COMMUNES))
        rows.append(
            ("cite", f"cite-{n:03d}", [f"commune:c{commune:03d}", f"epci:e{commune % EPCI}", "basin:BM"])
        )
    return pl.DataFrame(
        rows, schema={"level": pl.String, "code": pl.String, "parents": pl.List(pl.String)}, orient="row"
    )


def draw(random: np.random.Generator, tables: Tables, size: int) -> dict[str, int]:
    """Return the counts of one place: its stock, shared out by each table."""
    counts = {"stock": size}
    held: dict[str, np.ndarray] = {}
    for name, number in tables.categories.items():
        held[name] = random.choice(number, size, p=random.dirichlet(np.full(number, 4.0)))
        counts |= {f"{name}_{c}": int((held[name] == c).sum()) for c in range(number)}
    for one, other in tables.crossed:
        for c in range(tables.categories[one]):
            for d in range(tables.categories[other]):
                both = (held[one] == c) & (held[other] == d)
                counts[f"{one}_{c}x{other}_{d}"] = int(both.sum())
    return counts


def matrix(lines: list, programme: Programme) -> coo_array | None:
    entries = [(row, programme.index[v], c) for row, line in enumerate(lines) for v, c in line.items()]
    if not entries:
        return None
    rows, columns, values = zip(*entries, strict=True)
    return coo_array((values, (rows, columns)), shape=(len(lines), len(programme.index)), dtype=float)


def solve_both_ends(component: Component, keys: list[Key]) -> None:
    """Solve two plain programmes per amount, from nothing each time."""
    programme = Programme(component)
    lines = list(zip(programme.lines, programme.least, programme.most, strict=True))
    equal = [(line, most) for line, least, most in lines if least == most]
    limit = [(line, most) for line, least, most in lines if least != most]
    for key in keys:
        objective = np.zeros(len(programme.index))
        for variable, coefficient in component.targets[key].items():
            objective[programme.index[variable]] = coefficient
        for sign in (1, -1):
            result = linprog(
                sign * objective,
                A_ub=matrix([line for line, _ in limit], programme),
                b_ub=[most for _, most in limit] or None,
                A_eq=matrix([line for line, _ in equal], programme),
                b_eq=[most for _, most in equal] or None,
                bounds=np.column_stack([programme.lower, programme.upper]),
                method="highs-ds",
            )
            assert result.success, result.message


def bare_programmes(system: System, hidden: set[Key]) -> tuple[float, int]:
    """Return the seconds that plain programmes take for all amounts, and how many amounts were solved."""
    components = learn(system, hidden).components
    keys = sorted(key for component in components for key in component.targets)
    chosen = set(keys[:: -(-len(keys) // SAMPLE)])
    started = time.perf_counter()
    for component in components:
        solve_both_ends(component, sorted(chosen & component.targets.keys()))
    return (time.perf_counter() - started) * len(keys) / len(chosen), len(chosen)


def system_of(number: int) -> tuple[System, dict[Key, Key], dict[Key, tuple[str, ...]]]:
    """Return the system of ``number`` linked tables, what the rules hide, and the figures."""
    random = np.random.default_rng(0)
    areas = build_areas(territories(random))
    crossed = [("t0", "t1")]
    tables = Tables({f"t{n}": 2 + n % 4 for n in range(number - len(crossed))}, crossed)
    partitions = tuple(tables.partitions())
    names = dict.fromkeys(name for p in partitions for name in (p.whole, *p.parts))
    rules = {name: Rule(measure=name, label=name, minimum=11, reason="essai") for name in names}
    policy = Policy(sources=(), public=(), rules=rules, partitions=partitions)
    places = sorted(areas.places["basin", "BM"])
    weights = np.array([random.lognormal(0, 1) if int(c[1:]) < MINING_COMMUNES else 0 for c, _ in places])
    sizes = np.round(STOCK * weights / weights.sum()).astype(int)
    drawn = {place: draw(random, tables, int(size)) for place, size in zip(places, sizes, strict=True)}
    counts = {
        name: {
            area: float(sum(drawn[place][name] for place in inside))
            for area, inside in areas.places.items()
            if area[0] != "rest"
        }
        for name in names
    }
    figures = {(name, *area): (name,) for name in names for area in counts[name]}
    return *build_system(policy, areas, counts, figures), figures


def main() -> None:
    number = FEW if "--small" in sys.argv[1:] else TABLES
    system, primary, figures = system_of(number)
    print(
        f"{number} tables, {len(system.cells):,} cells, {len(system.targets):,} amounts to protect",
        flush=True,
    )
    started = time.perf_counter()
    hidden = set(protect(system, primary))
    ours = time.perf_counter() - started
    started = time.perf_counter()
    leaks = audit(system, hidden)
    checked = time.perf_counter() - started
    started = time.perf_counter()
    attacked = len(intervals(system, hidden))
    attack = time.perf_counter() - started
    bare, solved = bare_programmes(system, hidden)
    print(
        f"disclosure: {ours / bare:.2f}x bare programmes "
        f"({ours:.1f} s / {bare:.1f} s, scaled from {solved:,} of {attacked:,} amounts; "
        f"audit {checked:.1f} s, every interval {attack:.1f} s), "
        f"{len(hidden):,} of {len(figures):,} figures hidden, "
        f"{len(hidden) - len(primary):,} of them beside the rules, "
        f"{len(leaks)} leaks"
    )


if __name__ == "__main__":
    main()
