"""Indicators of the whole basin against the same sums written by hand in pandas.

``python tests/benchmarks/bench_chain.py`` prints one ratio: measures, observations and statuses for every
level, over a bare pandas merge and group-by that gives the same rates at the level of the EPCI.
"""

import statistics
import time

import pandas as pd
import polars as pl

from observatory.indicators import measures
from observatory.indicators.catalogue import load_indicators, measured
from observatory.indicators.compute import compute_observations
from observatory.paths import data_paths
from observatory.sources.cites import read_cites
from observatory.sources.embedded import read_embedded
from observatory.sources.extracts import parse_census, parse_perimeters
from observatory.territories import build_territories, select_perimeter

REPEATS = 7


def main() -> None:
    paths = data_paths()
    perimeters = parse_perimeters(read_embedded(paths.embedded / "perimetres.csv"))
    census = parse_census(read_embedded(paths.embedded / "iris_2021.csv"))
    cites = read_cites(paths.reference / "cites.csv")
    iris = census.filter(pl.col("level") == "iris")
    territories = select_perimeter(build_territories(perimeters, iris, cites))
    indicators = measured(load_indicators(), measures.census_measures(census, territories))
    latest = perimeters.filter(pl.col("perimeter_vintage") == 2026).to_pandas()
    rows = iris.to_pandas()

    def ours() -> int:
        counts = measures.census_measures(census, territories)
        return compute_observations(indicators, counts, territories).height

    def bare() -> int:
        frame = rows.assign(commune_code=rows["code"].str[:5]).merge(
            latest[["commune_code", "epci_code"]], on="commune_code"
        )
        sums = frame.groupby("epci_code").sum(numeric_only=True)
        rates = pd.DataFrame(
            {
                item.id: sums[item.numerator] / sums[item.denominator]
                for item in indicators
                if item.numerator in sums and item.denominator in sums
            }
        )
        return rates.size

    times: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(REPEATS):
        for name, work in (("ours", ours), ("bare", bare)):
            started = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - started)
    ratio = statistics.median(times["ours"]) / statistics.median(times["bare"])
    print(
        f"indicators: {ours()} observations with statuses in {ratio:.1f}x the time of "
        f"{bare()} bare pandas rates"
    )


if __name__ == "__main__":
    main()
