"""The fictive deliveries on the real cités and communes of the embedded extracts, and fictive agreements."""

from pathlib import Path

import polars as pl

from observatory.files import write_atomic
from observatory.paths import CONVENTIONS, DataPaths
from observatory.sources.cites import read_cites
from observatory.sources.embedded import read_embedded
from observatory.sources.extracts import parse_census, parse_perimeters
from observatory.sources.sample import write_sample

_CONVENTIONS = """# CONVENTIONS FICTIVES – un exemple, que personne n’a signé.
# Il ne sert que si aucune livraison n’est réelle ; les vraies s’inscrivent dans data/confidential/.
fictive: true
agreements:
  - partner: maisons-et-cites
    name: Maisons & Cités
    kind: bailleur
    reference: exemple fictif n° 1
    own_cites: true
    measures: all
    first_day: 2024-01-01
    last_day: 2099-12-31
  - partner: sia-habitat
    name: SIA Habitat
    kind: bailleur
    reference: exemple fictif n° 2
    own_cites: true
    measures: all
    first_day: 2024-01-01
    last_day: 2099-12-31
  - partner: ca-lens-lievin
    name: CA de Lens-Liévin
    kind: epci
    reference: exemple fictif n° 3
    territories:
      - {level: epci, code: "246200364"}
    measures: all
    first_day: 2024-01-01
    last_day: 2099-12-31
"""


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


def write_example_conventions(paths: DataPaths) -> Path:
    """Write the fictive agreements beside the fictive deliveries: the next runs make their editions."""
    write_atomic(paths.sample / CONVENTIONS, _CONVENTIONS.encode())
    return paths.sample / CONVENTIONS
