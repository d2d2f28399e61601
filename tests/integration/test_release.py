"""A real edition frozen: whole, equal to what is published, reckoned with by the run that follows."""

from pathlib import Path

import polars as pl
import pytest
from shared_runs import Run, copied, observatory

from observatory.disclosure.release import read_releases
from observatory.disclosure.rules import protect_with_journal
from observatory.indicators.catalogue import load_indicators, measured
from observatory.indicators.compute import compute_observations
from observatory.paths import DataPaths
from observatory.tables import OBSERVATIONS
from observatory.territories import select_perimeter
from observatory.warehouse import read_table

pytestmark = pytest.mark.integration


def test_a_real_edition_is_frozen_verified_and_reckoned_with_by_the_next_run(
    embedded_run: Run, tmp_path: Path
) -> None:
    run = copied(embedded_run, tmp_path)
    done = observatory(run.data, "release", "--unsigned", "--modified", OBSERVATORY_SIGNING_KEY="")
    assert done.returncode == 0, done.stderr
    assert "NON SIGNÉE" in done.stdout
    (folder,) = (run.data / "releases").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == [
        "CITATION.cff",
        "LISEZMOI.txt",
        "SHA256SUMS",
        "datacite.json",
        "manifest.json",
        "site",
        "tables",
    ]
    done = observatory(run.data, "release", "verify", str(folder), "--unsigned")
    assert done.returncode == 0, done.stdout
    paths = DataPaths(run.data)
    # The tables tell what the warehouse tells.
    observations = read_table(paths, "indicators.observations")
    frozen = pl.read_parquet(folder / "tables" / "indicators.observations.parquet")
    assert frozen.height == observations.height
    assert frozen["value"].sum() == pytest.approx(observations["value"].sum())
    assert not list(folder.rglob("confidential.*"))
    done = observatory(run.data, "diff", folder.name, "courante")
    assert done.returncode == 0, done.stderr
    assert "0\u00a0chiffre changé" in done.stdout
    # The next run on the same data reckons with the release, and hides the same figures.
    territories = select_perimeter(read_table(paths, "core.territories"))
    counts = pl.concat([read_table(paths, "indicators.measures"), read_table(paths, "confidential.measures")])
    indicators = measured(load_indicators(), counts)
    (kept,) = read_releases(paths.releases)
    again = protect_with_journal(
        compute_observations(indicators, counts, territories), indicators, counts, territories, earlier=[kept]
    ).observations
    key = list(OBSERVATIONS.key)
    assert again.sort(key).equals(observations.select(again.columns).sort(key))
