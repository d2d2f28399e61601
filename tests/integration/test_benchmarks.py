"""The benchmarks run and print a ratio; no time is asserted."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.integration

BENCHMARKS = sorted((Path(__file__).parents[1] / "benchmarks").glob("bench_*.py"))
# The wide file takes half a gigabyte of disk: the command runs it, the test does without.
ARGUMENTS = {
    name: ["--small"]
    for name in ("bench_reading", "bench_disclosure", "bench_projection", "bench_portal", "bench_scale")
}


@pytest.mark.parametrize("script", BENCHMARKS, ids=lambda path: path.stem)
def test_benchmark_prints_a_ratio(script, tmp_path):
    done = subprocess.run(
        [sys.executable, script, *ARGUMENTS.get(script.stem, [])],
        env=os.environ | {"OBSERVATORY_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith("skipped: "):
        pytest.skip(done.stdout.strip())
    assert re.search(r"\d(\.\d+)?\s?(x|times|fois)|ratio \d", done.stdout), done.stdout
