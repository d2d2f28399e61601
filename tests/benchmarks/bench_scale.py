"""Seconds and memory of each stage of the chain against the number of communes, up to all those of France.

``python tests/benchmarks/bench_scale.py`` takes 287, 1,500, 5,000 and all the communes of the national files
of the mirror (``OBSERVATORY_MIRROR``), each number in a process of its own, and prints, stage by stage,
seconds of processor, ratio to the fewest communes, and *slope*: 1 where time follows the number of communes,
2 where it follows its square. EPCI are made up (28 neighbours each); disclosure control and pages are on
made-up figures, as France has no cités, and, like the stability of the typology, on fewer communes
(``LIMITS``). ``--small`` does 120 and 240 alone.

``--chain`` is the real thing instead: ``observatory run --tables`` on all the files of the mirror, on the
seven EPCI, the region and France, each in a process and a data folder of its own. It prints seconds of
processor, time, memory, ratio and slope to the seven EPCI, and the five longest steps: a quarter of an hour.
"""

import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

PROJECT = Path(__file__).resolve().parents[2]
MIRROR = Path(os.environ.get("OBSERVATORY_MIRROR", PROJECT.parent / "shared" / "mirror"))
sys.path.insert(0, str(PROJECT / "tests" / "unit"))

FILES = {
    ("insee_comparateur", "2018"): "insee/comparateur/base_cc_comparateur_2018_national.zip",
    ("insee_filosofi", "2021"): "insee/filosofi/cc_filosofi_2021_COM.csv",
    ("sdes_rpls", "2024"): "sdes/rpls/rpls_communes_2024-01_national.csv",
    ("insee_populations", "2013-2021"): "insee/populations/population_municipale_2013_2021_national.csv",
    ("insee_rp_melodi", "2022"): "insee/rp/rp_2022_commune_melodi_derive.parquet",
}
EVENTS, EVENTS_YEAR, YEAR = "insee/cog/v_mvtcommune_2023.csv", 2023, 2025
LISTS = {
    2023: ("insee_populations", "2013-2021"),
    2024: ("insee_filosofi", "2021"),
    2025: ("insee_rp_melodi", "2022"),
}
PERIMETERS = ("sept_epci", "hauts_de_france", "france")
SIZES, SMALL = (287, 1_500, 5_000, 0), (120, 240)
PER_EPCI = 28
LIMITS = {"stability": 5_000, "disclosure": 1_500, "pages": 1_500}
"""Stages that take long, and the most communes on which they are done."""


def main() -> None:
    sizes = SMALL if "--small" in sys.argv[1:] else SIZES
    if not MIRROR.is_dir():
        print(f"scale: no mirror of public files on this machine ({MIRROR}): pages and disclosure only")
    results = []
    for size in sizes:
        done = subprocess.run(
            [sys.executable, __file__, "--communes", str(size)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(done.stderr)
        results.append(json.loads(done.stdout.splitlines()[-1]))
        print(f"{results[-1]['communes']:,} communes: {results[-1]['memory']:,} MB at most", flush=True)
    first = results[0]
    for stage in first["seconds"]:
        told = []
        for result in results:
            if stage not in result["seconds"]:
                continue
            seconds, base = result["seconds"][stage], first["seconds"][stage]
            line = f"{result['communes']:,}: {seconds:.2f} s"
            if result is not first:
                growth = result["communes"] / first["communes"]
                line += f" ({seconds / base:.1f}x, slope {math.log(seconds / base) / math.log(growth):.2f})"
            told.append(line)
        print(f"{stage}: {'; '.join(told)}")
    growths = [f"{r['communes']:,}: {r['memory'] / first['memory']:.1f}x" for r in results]
    print(f"memory: {'; '.join(growths)}")


def chain() -> None:
    """Run the chain on each perimeter, tables alone, and print what it took."""
    if not MIRROR.is_dir():
        sys.exit(f"scale: no mirror of public files on this machine ({MIRROR})")
    first: Taken | None = None
    for perimeter in PERIMETERS:
        with tempfile.TemporaryDirectory() as folder:
            taken = run_chain(perimeter, Path(folder))
        line = f"{perimeter}, {taken.communes:,} communes"
        for name in ("processor", "time", "memory"):
            value, base = getattr(taken, name), getattr(first or taken, name)
            line += f"; {name} {value:,.0f} {'MB' if name == 'memory' else 's'}"
            if first is not None:
                growth = math.log(value / base) / math.log(taken.communes / first.communes)
                line += f" ({value / base:.1f}x, slope {growth:.2f})"
        print(line)
        print("  " + "; ".join(f"{step} {seconds:.0f} s" for step, seconds in taken.longest), flush=True)
        first = first or taken


@dataclass(frozen=True)
class Taken:
    """What one run took: seconds of processor, seconds, MB at most, and its longest steps."""

    communes: int
    processor: float
    time: float
    memory: float
    longest: list[tuple[str, float]]


def run_chain(perimeter: str, folder: Path) -> Taken:
    """Run ``observatory run --tables`` on a perimeter in a data folder."""
    from dagster import DagsterInstance

    from observatory.paths import DataPaths
    from observatory.warehouse import read_table

    words = [
        Path(sys.executable).with_name("observatory"),
        "run",
        "--tables",
        "--sources",
        f"mirror={MIRROR}",
    ]
    words += [] if perimeter == "sept_epci" else ["--perimeter", perimeter]
    started = time.monotonic()
    process = subprocess.Popen(
        words, env=os.environ | {"OBSERVATORY_DATA": str(folder)}, stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    elapsed = time.monotonic() - started
    if status:
        sys.exit(f"scale: the run on {perimeter} failed")
    paths = DataPaths(folder)
    with DagsterInstance.from_config(str(paths.dagster)) as instance:
        steps = [
            (step.step_key, step.end_time - step.start_time)
            for run in instance.get_runs()
            for step in instance.get_run_step_stats(run.run_id)
            if step.start_time and step.end_time
        ]
    return Taken(
        read_table(paths, "typology.communes").height + read_table(paths, "typology.unplaced").height,
        used.ru_utime + used.ru_stime,
        elapsed,
        used.ru_maxrss / 1024,
        sorted(steps, key=lambda step: step[1], reverse=True)[:5],
    )


class Stages:
    """Seconds of processor of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def time(self, name: str, work: Callable[[], object]) -> object:
        started = time.process_time()
        result = work()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - started
        return result


def measure(size: int) -> None:
    """Do every stage on ``size`` communes (all of them for 0) and print what it took, as JSON."""
    stages = Stages()
    communes = size
    if MIRROR.is_dir():
        communes = real_stages(stages, size)
    for name, work in (("disclosure", disclosure), ("pages", pages)):
        if 0 < size <= LIMITS[name]:
            work(stages, size)
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert peak
    print(json.dumps({"communes": communes, "seconds": stages.seconds, "memory": int(peak[1]) // 1024}))


def real_stages(stages: Stages, size: int) -> int:
    """Read, bring onto one geography, compute, classify, publish; return the number of communes."""
    from observatory.geography import build_history, build_passage, former_communes
    from observatory.indicators.catalogue import load_indicators, measured
    from observatory.indicators.compute import compute_observations
    from observatory.indicators.measures import MEASURES
    from observatory.indicators.values import onto_communes, value_measures
    from observatory.paths import DataPaths
    from observatory.sessions import Session
    from observatory.sources.catalogue import get_source
    from observatory.sources.cog_events import read_events
    from observatory.sources.embedded import read_embedded
    from observatory.sources.national import COMPOSITION, parse_composition
    from observatory.sources.values import read_whole
    from observatory.territories import areas_of, build_version
    from observatory.typology.commune_tables import typology_tables
    from observatory.typology.communes import classify_communes
    from observatory.warehouse import read_table

    whole = {}
    for key, path in FILES.items():
        whole[key] = stages.time("read files", lambda key=key, path=path: read_whole(MIRROR / path, *key))
    lists = pl.concat(
        whole[key].numbers.select("code", cog_year=pl.lit(year)).rename({"code": "commune_code"})
        for year, key in LISTS.items()
    )
    everywhere = set.intersection(*(set(part["commune_code"]) for part in lists.partition_by("cog_year")))
    chosen = sorted(everywhere)[: size or None]
    kept = frozenset(chosen)
    national = parse_composition(read_embedded(DataPaths(Path()).embedded / COMPOSITION))
    areas = areas_of(national, pl.DataFrame({"commune_code": chosen}))
    territories = stages.time("territories", lambda: build_version(version(chosen), IRIS, CITES, areas))
    history = stages.time(
        "history of communes",
        lambda: build_history(read_events(MIRROR / EVENTS), EVENTS_YEAR, lists=lists),
    )
    frames = []
    for (source, vintage), figures in whole.items():
        cog = get_source(source).data_file(vintage).cog

        def bring(figures=figures, source=source, cog=cog):
            former = former_communes(history, kept, YEAR, cog)
            passage = build_passage(history, former, cog, YEAR)
            return onto_communes(figures.rows(former), passage, source, YEAR)

        frames.append(stages.time("values onto one geography", bring))
    values = pl.concat(frames)
    counts = stages.time(
        "measures", lambda: value_measures(values, territories, pl.DataFrame(schema=MEASURES))
    )
    indicators = measured(load_indicators(), counts)
    observations = stages.time("observations", lambda: compute_observations(indicators, counts, territories))
    found = stages.time("typology", lambda: classify_communes(observations))
    if 0 < size <= LIMITS["stability"]:
        stages.time("its stability and sensitivity", lambda: typology_tables(found, ()))
    with tempfile.TemporaryDirectory() as folder:
        paths = DataPaths(Path(folder))
        with Session(paths, "bench") as session:
            stages.time("stage tables", lambda: session.write("core.values", values))
            stages.time("stage tables", lambda: session.write("indicators.observations", observations))
            stages.time("publish tables", session.commit)
        stages.time("read tables", lambda: read_table(paths, "indicators.observations"))
    return len(chosen)


IRIS = pl.DataFrame(schema={"code": pl.String})
CITES = pl.DataFrame(schema={"slug": pl.String, "name": pl.String, "commune_codes": pl.List(pl.String)})


def version(communes: list[str]) -> pl.DataFrame:
    """Return a version of a perimeter whose EPCI are made up."""
    frame = pl.DataFrame({"commune_code": communes}).with_row_index("rank")
    return frame.select(
        "commune_code",
        perimeter=pl.lit("france"),
        perimeter_vintage=pl.lit(YEAR),
        geography_vintage=pl.lit(YEAR),
        commune_name="commune_code",
        epci_code=pl.format("E{}", pl.col("rank") // PER_EPCI),
        epci_name=pl.format("EPCI {}", pl.col("rank") // PER_EPCI),
        epci_members=pl.lit(PER_EPCI),
        epci_communes=pl.lit(PER_EPCI),
    )


def disclosure(stages: Stages, size: int) -> None:
    """Protect four linked tables and attack them, a third as many cités and 220 dwellings a commune."""
    import bench_disclosure as bench

    from observatory.disclosure.attack import audit
    from observatory.disclosure.linked import protect

    bench.COMMUNES, bench.CITES, bench.EPCI = size, size // 3, -(-size // PER_EPCI)
    bench.MINING_COMMUNES, bench.STOCK = size // 2, 220 * size
    system, primary, _ = bench.system_of(bench.FEW)
    hidden = stages.time("disclosure control (4 tables)", lambda: set(protect(system, primary)))
    assert not stages.time("its audit", lambda: audit(system, hidden))


def pages(stages: Stages, size: int) -> None:
    """Write the pages of a made-up edition."""
    from rendering_site import site_data

    from observatory.rendering import build_site

    data = site_data(size)
    with tempfile.TemporaryDirectory() as folder:
        stages.time("pages and downloads", lambda: build_site(data, Path(folder) / "site"))


if __name__ == "__main__":
    if "--chain" in sys.argv[1:]:
        chain()
    elif "--communes" in sys.argv[1:]:
        measure(int(sys.argv[sys.argv.index("--communes") + 1]))
    else:
        main()
