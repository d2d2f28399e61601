"""Files landed, validated and in DuckDB, against pandas.read_csv and DataFrame.to_sql of the same files.

Two files: the national comparateur (of the mirror, or a generated one of its shape), and a generated one
shaped as INSEE's « dossier complet », of which only the columns of the layout are read; pandas reads all.

Ours, each with every line and every cell of the layout's columns checked (encoding, cells per line, columns
by name, shape and uniqueness of codes, a number or a known mark in each cell, as many rows as the card asks):

- figures: one row per commune and one column per figure, and why each absent figure is absent;
- rows: the same as ``core.values``, one row per figure, its contract checked: thirty times as many;
- perimeter: what the chain keeps, the rows of the communes of the perimeter.

Great Expectations' rules bear on the perimeter in the chain; their time is printed apart.

Theirs, with nothing checked and withheld figures read as missing: « duckdb » into DuckDB too, by its
SQLAlchemy driver (package duckdb-engine, left out where it is not installed); « sqlite » into SQLite, which
pandas writes far faster; « chosen » into SQLite too, but of the columns of the layout alone, as someone who
knows them would ask. Each side runs in a process of its own, so that its peak memory is its own; imports
and the reading of the catalogue come before the clock. ``--small`` leaves the wide file out and turns once.
"""

import argparse
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
import zipfile
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow  # noqa: F401 - imported lazily by Polars, on our clock otherwise

from observatory.paths import PROJECT
from observatory.sources.catalogue import Source, get_source
from observatory.sources.layouts import expected_columns, get_layout
from observatory.sources.values import parse_whole
from observatory.tables import POPULATIONS

COMMUNES, WIDE_COLUMNS, TURNS = 35_010, 1_900, 3
SOURCE, VINTAGE, MEMBER = "insee_comparateur", "2018", "base_cc_comparateur.CSV"
DRIVER = "duckdb_engine"


def store(target: Path, **frames: pl.DataFrame) -> None:
    with duckdb.connect(target) as base:
        for name, frame in frames.items():
            base.register("frame", frame.to_arrow())
            base.execute(f"CREATE TABLE {name} AS FROM frame")


def figures(path: Path, target: Path) -> None:
    whole = parse_whole(path, card(path.suffix), VINTAGE, get_layout(SOURCE))
    store(target, figures=whole.numbers, absences=whole.absences)


def rows(path: Path, target: Path) -> None:
    store(target, core_values=parse_whole(path, card(path.suffix), VINTAGE, get_layout(SOURCE)).rows())


def perimeter(path: Path, target: Path) -> None:
    whole = parse_whole(path, card(path.suffix), VINTAGE, get_layout(SOURCE))
    store(target, core_values=whole.rows(communes()))


def expectations(path: Path, target: Path) -> None:
    """Run the rules of the chain on the perimeter; the import of Great Expectations counts."""
    from observatory.value_expectations import validate_values

    whole = parse_whole(path, card(path.suffix), VINTAGE, get_layout(SOURCE))
    validate_values(whole.rows(communes()), pl.DataFrame(schema=POPULATIONS.polars_schema))


def read_frame(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(MEMBER) as stream:
            return pd.read_csv(stream, sep=";", dtype={"CODGEO": str}, usecols=columns)
    return pd.read_csv(path, sep=";", dtype={"CODGEO": str}, usecols=columns)


def sqlite(path: Path, target: Path) -> None:
    with sqlite3.connect(target) as base:
        # By slices: whole, the wide file would take several gigabytes of Python numbers.
        read_frame(path).to_sql("comparateur", base, index=False, chunksize=2_000)


def chosen(path: Path, target: Path) -> None:
    with sqlite3.connect(target) as base:
        frame = read_frame(path, ["CODGEO", *names()])
        frame.to_sql("comparateur", base, index=False, chunksize=2_000)


def duckdb_driver(path: Path, target: Path) -> None:
    from sqlalchemy import create_engine

    engine = create_engine(f"duckdb:///{target}")
    read_frame(path).to_sql("comparateur", engine, index=False)
    engine.dispose()


OURS = {"figures": figures, "rows": rows, "perimeter": perimeter}
THEIRS = {"duckdb": duckdb_driver, "sqlite": sqlite}
SIDES = OURS | THEIRS | {"chosen": chosen, "expectations": expectations}


def names() -> list[str]:
    """Return the columns of the layout."""
    file = get_source(SOURCE).data_file(VINTAGE)
    return [column.name for column in expected_columns(get_layout(SOURCE), file, VINTAGE)]


def communes() -> list[str]:
    rows = pl.read_csv(PROJECT / "data" / "embedded" / "perimetres.csv", infer_schema=False)
    return sorted(set(rows["commune"]))


def card(suffix: str) -> Source:
    """Return the card of the comparateur, for an archive or for a bare file."""
    source = get_source(SOURCE)
    if suffix == ".zip":
        return source
    fields = source.model_dump()
    fields["vintages"][VINTAGE]["file"] |= {"kind": "csv", "member": None, "meta": None, "rows": 35_000}
    return Source.model_validate(fields)


def generate(path: Path, rows: int, width: int) -> Path:
    """Write communes with the columns of the comparateur, and others up to ``width`` columns."""
    random = np.random.default_rng(0)
    wanted = names()
    # The wanted columns stand far apart, as in the producer's file.
    others = [f"C18_X{rank}" for rank in range(width - len(wanted) - 1)]
    step = max(1, len(others) // len(wanted))
    order = ["CODGEO"]
    for rank, name in enumerate(wanted):
        order += [name, *others[rank * step : (rank + 1) * step]]
    order += others[len(wanted) * step :]
    numbers = {
        name: random.gamma(0.6, 400, rows).round(0 if rank % 3 else 9) for rank, name in enumerate(order[1:])
    }
    # No commune of the perimeter is in the first 58 departments.
    kept = communes()
    codes = [f"{1 + rank // 900:02d}{rank % 900 + 1:03d}" for rank in range(rows - len(kept))] + kept
    frame = pl.DataFrame({"CODGEO": codes, **numbers}).select(order)
    empty = pl.col(f"TP60{get_source(SOURCE).data_file(VINTAGE).tokens['income']}")
    frame.with_columns(pl.when(pl.int_range(pl.len()) % 2 == 0).then(empty)).write_csv(path, separator=";")
    return path


def run(side: str, path: Path, folder: Path) -> tuple[float, float]:
    """Run one side in a process of its own; return its seconds and its peak megabytes."""
    target = folder / f"{side}.db"
    target.unlink(missing_ok=True)
    command = [sys.executable, __file__, "--side", side, "--file", str(path), "--target", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


def measure(side: str, path: Path, target: Path) -> None:
    """Print the seconds and the peak megabytes of one side, run here."""
    get_source(SOURCE), get_layout(SOURCE)
    if side == "duckdb":
        import_module(DRIVER)
    start = time.perf_counter()
    SIDES[side](path, target)
    seconds = time.perf_counter() - start
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def compare(label: str, path: Path, folder: Path, ours: list[str], theirs: list[str], turns: int) -> None:
    results: dict[str, list[tuple[float, float]]] = {side: [] for side in [*ours, *theirs]}
    # Alternating, so that a busy moment weighs on all.
    for _ in range(turns):
        for side, found in results.items():
            found.append(run(side, path, folder))
    best = {side: min(seconds for seconds, _ in found) for side, found in results.items()}
    print(label)
    for side, found in results.items():
        ratios = [f"{other} takes {best[other] / best[side]:.1f} x this" for other in theirs if side in ours]
        peak = max(megabytes for _, megabytes in found)
        name = side if side in ours else f"pandas, {side}"
        print(f"  {name}: {', '.join([f'{best[side]:.2f} s', f'{peak:.0f} MB at most', *ratios])}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--small", action="store_true", help="leave the wide file out, turn once")
    parser.add_argument("--side", choices=list(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--target", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        measure(asked.side, asked.file, asked.target)
        return
    theirs = list(THEIRS)
    if find_spec(DRIVER) is None:
        theirs.remove("duckdb")
        print("pandas into DuckDB is not measured: duckdb-engine is not installed.")
    mirror = Path(os.environ.get("OBSERVATORY_MIRROR", PROJECT.parent / "shared" / "mirror"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        national = mirror / str(get_source(SOURCE).data_file(VINTAGE).mirror)
        kind = "of the mirror"
        if not national.is_file():
            national, kind = generate(folder / "comparateur.csv", COMMUNES, 33), "generated"
        label = f"national comparateur, {kind}, {COMMUNES:,} rows"
        compare(label, national, folder, list(OURS), theirs, 1 if asked.small else TURNS)
        seconds = run("expectations", national, folder)[0]
        print(f"  Great Expectations on the perimeter, its import included: {seconds:.2f} s")
        if not asked.small:
            wide = generate(folder / "dossier.csv", 35_000, WIDE_COLUMNS)
            label = f"35,000 rows of {WIDE_COLUMNS:,} columns, {wide.stat().st_size / 1024**2:.0f} MB"
            # Into DuckDB, pandas would take minutes.
            compare(label, wide, folder, ["figures"], ["sqlite", "chosen"], 1)


if __name__ == "__main__":
    main()
