"""An edition on the perimeter of another year."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from assets.perimeter import PERIMETER_VARIABLE, chosen_perimeter
from observatory.territories import UnknownPerimeterError

OBSERVATORY = Path(sys.executable).with_name("observatory")


def test_the_latest_perimeter_is_the_default(all_territories, monkeypatch):
    monkeypatch.delenv(PERIMETER_VARIABLE, raising=False)
    assert set(chosen_perimeter(all_territories)["perimeter_vintage"]) == {2026}


@pytest.mark.parametrize("year", ["1990", "deux mille", ""])
def test_a_year_without_perimeter_is_refused(all_territories, monkeypatch, year):
    monkeypatch.setenv(PERIMETER_VARIABLE, year)
    with pytest.raises(UnknownPerimeterError, match=r"COG 1990|attend une année"):
        chosen_perimeter(all_territories)


@pytest.mark.integration
def test_the_edition_of_2023_puts_emerchicourt_back(tmp_path):
    """INSEE’s municipal populations 2020, summed over the EPCI of 2024, which have the same communes.

    The source of COG 2023 puts Émerchicourt and its 826 inhabitants in Cœur d’Ostrevent: 71,494 and 157,752.
    """
    done = subprocess.run(
        [OBSERVATORY, "run", "--perimeter", "2023"],
        env=os.environ | {"OBSERVATORY_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(str(tmp_path / "warehouse" / "observatory.duckdb"), read_only=True) as warehouse:
        rows = warehouse.sql(
            """
            SELECT territory_code, value, geography_vintage FROM indicators.observations
            WHERE indicator = 'population_municipale' AND vintage = 2020 AND territory_level = 'epci'
              AND territory_code IN ('245901152', '200042190') ORDER BY ALL
            """
        ).fetchall()
    assert rows == [("200042190", 158_578, "COG 2023"), ("245901152", 70_668, "COG 2023")]
    assert "(COG) 2023" in (tmp_path / "site" / "index.html").read_text()
