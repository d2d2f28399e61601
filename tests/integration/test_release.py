"""A real edition frozen: whole, equal to what is published, read again by whoever attacks the next one."""

from pathlib import Path

import polars as pl
import pytest
from shared_runs import Run, copied, observatory

from observatory.disclosure.audit import audit_release
from observatory.disclosure.release import read_release, read_releases
from observatory.indicators.catalogue import load_indicators
from observatory.paths import DataPaths
from observatory.warehouse import read_table

pytestmark = pytest.mark.integration


def test_a_real_edition_is_frozen_verified_and_attacked_with_the_next(
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
    # Whoever holds the release and the site learns no more than from the site.
    truth = read_table(paths, "confidential.measures")
    audit = audit_release(
        read_release(paths.site), read_releases(paths.releases), load_indicators(), truth, with_pages=False
    )
    assert audit.leaks == ()
    assert audit.earlier == (folder.name,)
    assert audit.remarks == ()
