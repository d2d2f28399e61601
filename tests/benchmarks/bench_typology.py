"""Ratios of ``classify`` to bare SciPy and to FactoMineR, of the command on every commune to a bare tree.

FactoMineR is skipped, with the reason, where R or the package is absent. The communes of France come from
the mirror (``OBSERVATORY_MIRROR``), or are generated. Run: ``python tests/benchmarks/bench_typology.py``.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from scipy.cluster.hierarchy import linkage

from observatory.typology import classify, pca

PROJECT = Path(__file__).resolve().parents[2]
MIRROR = Path(os.environ.get("OBSERVATORY_MIRROR", PROJECT.parent / "shared" / "mirror"))
GOLDEN = Path(os.environ.get("OBSERVATORY_GOLDEN", PROJECT.parent / "shared" / "golden"))
NATIONAL = MIRROR / "insee" / "comparateur" / "base_cc_comparateur_2018_national.zip"
AXES, REPEATS, NATIONAL_REPEATS = 5, 20, 3

FACTOMINER = """
suppressMessages(library(FactoMineR))
arguments <- commandArgs(trailingOnly = TRUE)
x <- read.csv(arguments[1], row.names = 1, colClasses = c("character"))
x[] <- lapply(x, as.numeric)
times <- replicate(20, system.time(HCPC(PCA(x, ncp = 5, graph = FALSE), nb.clust = -1, graph = FALSE))[3])
cat(median(times), "\\n")
"""
# The peak of the program itself: what the system reports of a child counts its parent's memory too.
PEAK = """
import re, sys
peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
print(int(peak) // 1024, file=sys.stderr)
"""
BARE = f"""
import sys, numpy, fastcluster
fastcluster.linkage_vector(numpy.load(sys.argv[1]), "ward")
{PEAK}
"""
COMMAND = f"""
from assets.cli import main
try:
    main()
except SystemExit as stopped:
    assert not stopped.code
{PEAK}
"""


def generated(n: int, p: int) -> pl.DataFrame:
    """Return n rows of p values: six groups and a strong common factor, as communes have."""
    random = np.random.default_rng(n)
    groups = random.normal(scale=1.5, size=(6, p))[random.integers(0, 6, n)]
    values = groups + random.normal(size=(n, 1)) * random.normal(size=p) + random.normal(size=(n, p))
    codes = pl.Series("code", [f"{row:05d}" for row in range(n)])
    return pl.DataFrame(values, schema=[f"v{column}" for column in range(p)]).insert_column(0, codes)


def communes_of_france() -> pl.DataFrame:
    """Return twelve variables of the communes of France that have them all."""
    with zipfile.ZipFile(NATIONAL) as archive:
        content = archive.read("base_cc_comparateur.CSV")
    table = pl.read_csv(
        content, separator=";", schema_overrides={"CODGEO": pl.String}, infer_schema_length=None
    )
    people, homes, active = pl.col("P18_POP"), pl.col("P18_LOG"), pl.col("P18_ACT1564")
    variables = {
        "evolution": people / pl.col("P13_POP"),
        "densite": (people / pl.col("SUPERF")).log(),
        "menages": people / pl.col("P18_MEN"),
        "vacants": pl.col("P18_LOGVAC") / homes,
        "secondaires": pl.col("P18_RSECOCC") / homes,
        "proprietaires": pl.col("P18_RP_PROP") / pl.col("P18_RP"),
        "chomage": pl.col("P18_CHOM1564") / active,
        "activite": active / pl.col("P18_POP1564"),
        "emploi": (pl.col("P18_EMPLT") / active).log1p(),
        "naissances": pl.col("NAIS1318") / people,
        "deces": pl.col("DECE1318") / people,
        "etablissements": (pl.col("ETTOT18") / people).log1p(),
    }
    return (
        table.select(pl.col("CODGEO").alias("code"), **variables)
        .filter(pl.all_horizontal(pl.exclude("code").is_finite()))
        .drop_nulls()
    )


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternating(
    first: Callable[[], object], second: Callable[[], object], repeats: int
) -> tuple[float, float]:
    """Return the median seconds of each, taken in turn after one turn that does not count."""
    turns = [(seconds(first), seconds(second)) for _ in range(repeats + 1)][1:]
    one, two = zip(*turns, strict=True)
    return statistics.median(one), statistics.median(two)


def bare_scipy(values: np.ndarray) -> None:
    """Standardise, decompose, build Ward's tree on the same axes: nothing else."""
    standardised = (values - values.mean(axis=0)) / values.std(axis=0)
    _, _, loadings = np.linalg.svd(standardised, full_matrices=False)
    linkage(standardised @ loadings[:AXES].T, method="ward")


def against_scipy(frame: pl.DataFrame) -> None:
    """Print the ratio to SciPy."""
    id_column, *variables = frame.columns
    values = frame.select(variables).to_numpy()
    ours, theirs = alternating(
        lambda: classify(frame, id_column, variables, n_axes=AXES), lambda: bare_scipy(values), REPEATS
    )
    n, p = values.shape
    print(f"typology {n}x{p}: {ours / theirs:.1f}x bare scipy ({ours * 1e3:.1f} ms / {theirs * 1e3:.1f} ms)")


def against_factominer(frame: pl.DataFrame, folder: Path) -> None:
    """Print how many times faster than FactoMineR, its start-up and reading not counted."""
    if shutil.which("Rscript") is None:
        print("typology: FactoMineR skipped, no Rscript on this machine")
        return
    table, script = folder / "matrix.csv", folder / "factominer.R"
    frame.write_csv(table)
    script.write_text(FACTOMINER)
    done = subprocess.run(["Rscript", script, table], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"typology: FactoMineR skipped, R says: {done.stderr.strip().splitlines()[-1]}")
        return
    id_column, *variables = frame.columns
    # In a row, as R does.
    ours = statistics.median(
        seconds(lambda: classify(frame, id_column, variables, n_axes=AXES)) for _ in range(REPEATS)
    )
    theirs = float(done.stdout)
    print(
        f"typology {frame.height}x{frame.width - 1}: {theirs / ours:.1f}x faster than FactoMineR "
        f"({ours * 1e3:.1f} ms / {theirs * 1e3:.1f} ms)"
    )


def child(code: str, *arguments: str) -> tuple[float, int]:
    """Return the seconds and the peak memory (MiB) of a Python program, start-up included."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return time.perf_counter() - start, int(done.stderr)


def national(folder: Path) -> None:
    """Print the ratios of the whole command to a bare tree of the same coordinates."""
    frame = communes_of_france() if NATIONAL.is_file() else generated(34_900, 12)
    table, points = folder / "communes.csv", folder / "points.npy"
    frame.write_csv(table)
    np.save(points, pca(frame.drop("code").to_numpy(), AXES).coordinates)
    options = ("typology", str(table), "--id", "code", "--out", str(folder / "result.json"))
    turns = [(child(COMMAND, *options), child(BARE, str(points))) for _ in range(NATIONAL_REPEATS)]
    ours, theirs = (np.median([turn[side] for turn in turns], axis=0) for side in (0, 1))
    origin = "comparateur 2018" if NATIONAL.is_file() else "generated"
    print(
        f"typology {frame.height}x{frame.width - 1} ({origin}): {ours[0] / theirs[0]:.1f}x bare fastcluster "
        f"({ours[0]:.1f} s / {theirs[0]:.1f} s), {ours[1] / theirs[1]:.1f}x its memory "
        f"({ours[1]:.0f} MiB / {theirs[1]:.0f} MiB)"
    )


def main() -> None:
    matrix = GOLDEN / "typologie" / "matrice_2021.csv"
    frame = (
        pl.read_csv(matrix, schema_overrides={"code_commune": pl.String})
        if matrix.is_file()
        else generated(287, 14)
    )
    with tempfile.TemporaryDirectory() as folder:
        against_scipy(frame)
        against_factominer(frame, Path(folder))
        national(Path(folder))


if __name__ == "__main__":
    main()
