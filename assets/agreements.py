"""The agreements in force on the day of a run, for the asset of editions and its check."""

from datetime import UTC, datetime

import polars as pl

from assets.perimeter import chosen_perimeter
from assets.settling import settled_deliveries
from observatory.disclosure.conventions import agreements_in_force
from observatory.disclosure.tiers import Agreement
from observatory.paths import DataPaths


def agreements_of_the_day(
    paths: DataPaths, territories: pl.DataFrame, dwellings: pl.DataFrame
) -> tuple[list[Agreement], list[str]]:
    """Return the agreements in force today on the perimeter of the run, and the problems to settle.

    Raises:
        ConventionError: the file of agreements breaks a rule.
    """
    perimeter, today = chosen_perimeter(territories), datetime.now(UTC).date()
    return agreements_in_force(paths, perimeter, dwellings, today, all_fictive=not settled_deliveries())
