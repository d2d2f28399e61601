"""Disclosure control of a publication of full size: seconds, hidden figures, ratio to bare programmes.

Forty linked tables (four with --small) on 100 cités, 287 communes, seven EPCI and the basin: breakdowns of
one stock in two to five categories, two of them crossed and printed with both margins. The bare side solves,
on the matrices of the protected publication, one programme per end of each protected interval.
"""

import sys
import time
from dataclasses import dataclass

import numpy as np
import polars as pl

from observatory.disclosure.attack import audit, intervals
from observatory.disclosure.cells import build_areas, build_system
from observatory.disclosure.linked import protect
from observatory.disclosure.policy import Partition, Policy, Rule

EPCI, COMMUNES, CITES, MINING_COMMUNES, STOCK = 7, 287, 100, 150, 63_000
TABLES, FEW = 40, 4


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


def main() -> None:
    random = np.random.default_rng(0)
    number = FEW if "--small" in sys.argv[1:] else TABLES
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
    system, primary = build_system(policy, areas, counts, figures)
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
    intervals(system, hidden)
    bare = time.perf_counter() - started
    print(
        f"disclosure: {ours / bare:.1f}x bare programmes "
        f"({ours:.1f} s / {bare:.1f} s; audit {checked:.1f} s), "
        f"{len(hidden):,} of {len(figures):,} figures hidden, "
        f"{len(hidden) - len(primary):,} of them beside the rules, "
        f"{len(leaks)} leaks"
    )


if __name__ == "__main__":
    main()
