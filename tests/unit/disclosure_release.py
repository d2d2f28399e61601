"""Published folders of invented basins, written in plain terms."""

import csv
from pathlib import Path

import polars as pl
from disclosure_towns import INDICATORS, Town

from observatory.disclosure.release import Release, read_release

KEYS = ["territory_level", "territory_code", "indicator"]


def write_release(
    folder: Path, town: Town, observations: pl.DataFrame, sha256: str = "aa", perimeter: str = "sept_epci"
) -> Release:
    """Write the data files of a site, and read them back."""
    data = folder / "donnees"
    data.mkdir(parents=True)
    flat = pl.col(pl.List(pl.String)).list.join("|")
    observations.with_columns(flat).write_csv(data / "observations.csv")
    town.territories.with_columns(flat, perimeter=pl.lit(perimeter)).write_csv(data / "territoires.csv")
    lines = {
        "definitions.csv": [["indicator", "vintages"], *([item.id, "2023|2024"] for item in INDICATORS)],
        "sources.csv": [["file_id", "sha256"], ["fichier", sha256]],
    }
    for name, rows in lines.items():
        with (data / name).open("w", newline="") as stream:
            csv.writer(stream).writerows(rows)
    return read_release(folder)


def shown_again(published: pl.DataFrame, computed: pl.DataFrame, *keys: tuple[str, ...]) -> pl.DataFrame:
    """Return ``published`` with some figures as they were before disclosure control."""
    chosen = pl.concat_str(KEYS, separator="/").is_in(["/".join(key) for key in keys])
    return pl.concat([published.filter(~chosen), computed.filter(chosen)])
