"""Files landed, validated and stored in DuckDB against pandas.read_csv and to_sql of the same files.

Two files: the national comparateur (of the mirror, or a generated one of its shape), and a generated one
shaped as INSEE's « dossier complet », of which only the columns of the layout are read; pandas reads all.
The national one is measured twice: every commune stored, one row per figure with its status (thirty times the
rows of pandas' table), and as the observatory uses it: the whole file checked, the perimeter stored.
Each side runs in a process of its own, so that its peak memory is its own. ``--small`` leaves the wide
file out.
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
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl

from observatory.paths import PROJECT
from observatory.sources.catalogue import Source, get_source
from observatory.sources.layouts import expected_columns, get_layout
from observatory.sources.values import parse_values

COMMUNES, WIDE_COLUMNS, TURNS = 35_010, 1_900, 3
SOURCE, VINTAGE, MEMBER = "insee_comparateur", "2018", "base_cc_comparateur.CSV"


def ours(path: Path, target: Path, keep_codes: set[str] | None = None) -> None:
    """Read by card and layout, check the contract, store."""
    frame = parse_values(path, card(path.suffix), VINTAGE, get_layout(SOURCE), keep_codes)
    with duckdb.connect(target) as base:
        base.register("frame", frame.to_arrow())
        base.execute("CREATE TABLE core_values AS SELECT * FROM frame")


def perimeter(path: Path, target: Path) -> None:
    """Check the whole file and store the communes of the perimeter only."""
    rows = pl.read_csv(PROJECT / "data" / "embedded" / "perimetres.csv", infer_schema=False)
    ours(path, target, set(rows["commune"]))


def theirs(path: Path, target: Path) -> None:
    """Read and store: nothing checked, withheld figures read as missing."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(MEMBER) as stream:
            frame = pd.read_csv(stream, sep=";", dtype={"CODGEO": str})
    else:
        frame = pd.read_csv(path, sep=";", dtype={"CODGEO": str})
    with sqlite3.connect(target) as base:
        # By slices: whole, the wide file would take several gigabytes of Python numbers.
        frame.to_sql("comparateur", base, index=False, chunksize=2_000)


SIDES = {"ours": ours, "perimeter": perimeter, "theirs": theirs}


def card(suffix: str) -> Source:
    """Return the card of the comparateur, for an archive or for a bare file."""
    source = get_source(SOURCE).model_dump()
    if suffix != ".zip":
        source["vintages"][VINTAGE]["file"] |= {"kind": "csv", "member": None, "meta": None, "rows": 35_000}
    return Source.model_validate(source)


def generate(path: Path, rows: int, width: int) -> Path:
    """Write communes with the columns of the comparateur, and others up to ``width`` columns."""
    random = np.random.default_rng(0)
    file = get_source(SOURCE).data_file(VINTAGE)
    names = [column.name for column in expected_columns(get_layout(SOURCE), file, VINTAGE)]
    # The wanted columns stand far apart, as in the producer's file.
    others = [f"C18_X{rank}" for rank in range(width - len(names) - 1)]
    step = max(1, len(others) // len(names))
    order = ["CODGEO"]
    for rank, name in enumerate(names):
        order += [name, *others[rank * step : (rank + 1) * step]]
    order += others[len(names) * step :]
    figures = {
        name: random.gamma(0.6, 400, rows).round(0 if rank % 3 else 9) for rank, name in enumerate(order[1:])
    }
    communes = [f"{1 + rank // 900:02d}{rank % 900 + 1:03d}" for rank in range(rows)]
    frame = pl.DataFrame({"CODGEO": communes, **figures}).select(order)
    empty = pl.col(f"TP60{file.tokens['income']}")
    frame.with_columns(pl.when(pl.int_range(pl.len()) % 2 == 0).then(empty)).write_csv(path, separator=";")
    return path


def run(side: str, path: Path, folder: Path) -> tuple[float, float]:
    """Run one side in a process of its own; return its seconds, imports left out, and its peak megabytes."""
    target = folder / f"{side}.db"
    target.unlink(missing_ok=True)
    command = [sys.executable, __file__, "--side", side, "--file", str(path), "--target", str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


def compare(label: str, path: Path, folder: Path, sides: list[str], turns: int) -> None:
    results: dict[str, list[tuple[float, float]]] = {side: [] for side in [*sides, "theirs"]}
    # Alternating, so that a busy moment weighs on both.
    for _ in range(turns):
        for side, found in results.items():
            found.append(run(side, path, folder))
    best = {side: min(seconds for seconds, _ in found) for side, found in results.items()}
    peak = {side: max(megabytes for _, megabytes in found) for side, found in results.items()}
    print(f"{label}: pandas {best['theirs']:.2f} s, {peak['theirs']:.0f} MB at most")
    for side in sides:
        ratio = best["theirs"] / best[side]
        print(
            f"  {side}: {best[side]:.2f} s, {peak[side]:.0f} MB at most; pandas takes {ratio:.2f} times this"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="leave the wide file out")
    parser.add_argument("--side", choices=list(SIDES), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--target", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        start = time.perf_counter()
        SIDES[asked.side](asked.file, asked.target)
        seconds = time.perf_counter() - start
        print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    mirror = Path(os.environ.get("OBSERVATORY_MIRROR", PROJECT.parent / "shared" / "mirror"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        national = mirror / str(get_source(SOURCE).data_file(VINTAGE).mirror)
        kind = "of the mirror"
        if not national.is_file():
            national, kind = generate(folder / "comparateur.csv", COMMUNES, 33), "generated"
        compare(
            f"national comparateur, {kind}, {COMMUNES:,} rows", national, folder, ["ours", "perimeter"], TURNS
        )
        if not asked.small:
            wide = generate(folder / "dossier.csv", 35_000, WIDE_COLUMNS)
            size = wide.stat().st_size / 1024**2
            compare(f"35,000 rows of {WIDE_COLUMNS:,} columns, {size:.0f} MB", wide, folder, ["ours"], 1)


if __name__ == "__main__":
    main()
