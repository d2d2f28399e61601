"""Shared fixtures: the shipped data as core frames, and the folders that a machine may not have."""

import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import settings

# Tables of the commands are as wide whatever the tests are run from; said before the
# commands are imported, which make their consoles then.
os.environ["COLUMNS"] = "160"

from observatory.indicators import measures as counting
from observatory.intake.deliveries import sample_rows
from observatory.intake.places import Places
from observatory.paths import PROJECT, DataPaths
from observatory.sources.cites import read_cites
from observatory.sources.default_sample import write_default_sample
from observatory.sources.embedded import read_embedded
from observatory.sources.extracts import (
    parse_census,
    parse_contours,
    parse_perimeters,
    parse_populations,
    parse_postcodes,
)
from observatory.tables import TERRITORIES
from observatory.territories import build_territories, select_perimeter

# A busy machine is no reason for a failure.
settings.register_profile("observatory", deadline=None)
# Thousands of cases for the intake: pytest tests/unit/test_intake_fuzz.py --hypothesis-profile intake
settings.register_profile("intake", deadline=None, max_examples=1500)
settings.load_profile("observatory")

EMBEDDED = PROJECT / "data" / "embedded"


@pytest.fixture(scope="session")
def embedded() -> Path:
    return EMBEDDED


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Return the folder of public files kept beside the project."""
    folder = Path(os.environ.get("OBSERVATORY_MIRROR", PROJECT.parent / "shared" / "mirror"))
    if not folder.is_dir():
        pytest.skip("the mirror of public files is not on this machine (OBSERVATORY_MIRROR)")
    return folder


@pytest.fixture(scope="session")
def perimeters() -> pl.DataFrame:
    return parse_perimeters(read_embedded(EMBEDDED / "perimetres.csv"))


@pytest.fixture(scope="session")
def populations() -> pl.DataFrame:
    return parse_populations(read_embedded(EMBEDDED / "populations.csv"))


@pytest.fixture(scope="session")
def postcodes() -> pl.DataFrame:
    return parse_postcodes(read_embedded(EMBEDDED / "codes_postaux.csv"))


@pytest.fixture(scope="session")
def census() -> pl.DataFrame:
    return parse_census(read_embedded(EMBEDDED / "iris_2021.csv"))


@pytest.fixture(scope="session")
def contours() -> pl.DataFrame:
    return parse_contours(read_embedded(EMBEDDED / "contours.csv"))


@pytest.fixture(scope="session")
def cites() -> pl.DataFrame:
    return read_cites(PROJECT / "data" / "reference" / "cites.csv")


@pytest.fixture(scope="session")
def all_territories(perimeters, census, cites) -> pl.DataFrame:
    """Return the territories of every version of the perimeter."""
    return build_territories(perimeters, census.filter(pl.col("level") == "iris"), cites)


@pytest.fixture(scope="session")
def territories(all_territories) -> pl.DataFrame:
    """Return the territories of the latest perimeter."""
    return select_perimeter(all_territories)


@pytest.fixture(scope="session")
def public_measures(census, populations, contours, territories) -> pl.DataFrame:
    return pl.concat(
        [
            counting.census_measures(census, territories),
            counting.population_measures(populations, territories),
            counting.area_measures(contours, territories),
        ]
    )


@pytest.fixture(scope="session")
def deliveries(tmp_path_factory) -> DataPaths:
    """Return data folders that hold the fictive deliveries."""
    paths = DataPaths(tmp_path_factory.mktemp("data"))
    write_default_sample(paths)
    return paths


@pytest.fixture(scope="session")
def places(cites, perimeters) -> Places:
    return Places(cites, frozenset(perimeters["commune_code"]))


@pytest.fixture(scope="session")
def dwellings(deliveries, places) -> pl.DataFrame:
    return pl.concat(
        sample_rows(
            deliveries.sample / landlord / "2024" / "logements.csv",
            landlord,
            2024,
            places,
            f"{source}:2024:dwellings",
        )[0]
        for landlord, source in (("maisons-et-cites", "maisons_et_cites"), ("sia-habitat", "sia_habitat"))
    )


@pytest.fixture(scope="session")
def beneficiaries(deliveries, places) -> pl.DataFrame:
    path = deliveries.sample / "angdm" / "2024" / "beneficiaires.csv"
    return sample_rows(path, "angdm", 2024, places, "angdm:2024:beneficiaries")[0]


@pytest.fixture(scope="session")
def small_territories() -> pl.DataFrame:
    """Return a made-up perimeter: EPCI A with two communes, EPCI B with one, two cités, four IRIS."""
    above = ["basin:BM", "region:32", "country:FR"]
    homes = {"59001": "A", "59002": "A", "62001": "B"}
    rows = [
        ("country", "FR", []),
        ("region", "32", ["country:FR"]),
        ("basin", "BM", above[1:]),
        *(("epci", code, above) for code in "AB"),
        *(("commune", code, [f"epci:{epci}", *above]) for code, epci in homes.items()),
        *(
            ("iris", iris, [f"commune:{iris[:5]}", f"epci:{homes[iris[:5]]}", *above])
            for iris in ("590010101", "590010102", "590020000", "620010000")
        ),
        ("cite", "pinson", ["commune:59001", "epci:A", *above]),
        ("cite", "musiciens", ["commune:59002", "commune:62001", "epci:A", *above]),
    ]
    return TERRITORIES.conform(
        pl.DataFrame(
            [("sept_epci", 2026, 2026, level, code, code, parents) for level, code, parents in rows],
            schema=TERRITORIES.polars_schema,
            orient="row",
        )
    )
