"""The agreements in force on the day of a run, for the asset of editions, its check and the command."""

from datetime import UTC, datetime

import polars as pl

from assets.perimeter import chosen_perimeter
from assets.raw.deliveries import PRODUCERS
from observatory.disclosure.conventions import agreements_in_force
from observatory.disclosure.tiers import Agreement
from observatory.paths import DataPaths
from observatory.sources.catalogue import get_source


def all_fictive() -> bool:
    """Return whether every delivery of this process is generated."""
    return all(get_source(source_id).fictive for source_id in PRODUCERS)


def agreements_of_the_day(
    paths: DataPaths, territories: pl.DataFrame, dwellings: pl.DataFrame
) -> tuple[list[Agreement], list[str]]:
    """Return the agreements in force today on the perimeter of the run, and the problems to settle.

    Raises:
        ConventionError: the file of agreements breaks a rule.
    """
    perimeter, today = chosen_perimeter(territories), datetime.now(UTC).date()
    return agreements_in_force(paths, perimeter, dwellings, today, all_fictive=all_fictive())
