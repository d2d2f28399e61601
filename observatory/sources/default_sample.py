"""The fictive deliveries on the real cités and communes of the embedded extracts."""

from pathlib import Path

import polars as pl

from observatory.paths import DataPaths
from observatory.sources.cites import read_cites
from observatory.sources.embedded import read_embedded
from observatory.sources.extracts import parse_census, parse_perimeters
from observatory.sources.sample import write_sample


def write_default_sample(paths: DataPaths) -> list[Path]:
    """Write the fictive deliveries of the shipped cités and communes; return the files.

    Raises:
        InputError: an extract or the reference table is absent or altered.
    """
    perimeters = parse_perimeters(read_embedded(paths.embedded / "perimetres.csv"))
    latest = perimeters.filter(pl.col("perimeter_vintage") == pl.col("perimeter_vintage").max())
    census = parse_census(read_embedded(paths.embedded / "iris_2021.csv")).filter(pl.col("level") == "iris")
    counts = census.group_by(commune_code=pl.col("code").str.slice(0, 5)).agg(
        pl.sum("population", "main_residences", "dwellings", "population_65_over")
    )
    communes = latest.select("commune_code", "commune_name", "epci_code").join(counts, on="commune_code")
    cites = read_cites(paths.reference / "cites.csv")
    return write_sample(paths.sample, cites, communes.sort("commune_code"))
