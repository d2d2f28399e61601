"""The chain on the real files of a mirror: published figures, statuses, and the way back to embedded."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

pytestmark = pytest.mark.integration

OBSERVATORY = Path(sys.executable).with_name("observatory")


def observatory(data, *words):
    return subprocess.run(
        [OBSERVATORY, *words],
        env=os.environ | {"OBSERVATORY_DATA": str(data), "COLUMNS": "120"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def query(data, sql):
    with duckdb.connect(str(data / "warehouse" / "observatory.duckdb"), read_only=True) as warehouse:
        return warehouse.sql(sql).fetchall()


@pytest.fixture(scope="module")
def data(tmp_path_factory, mirror):
    folder = tmp_path_factory.mktemp("mirror-run")
    done = observatory(folder, "run", "--sources", f"mirror={mirror}")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.parametrize(
    ("indicator", "vintage", "code", "value"),
    [
        ("population_recensement", 2018, "62498", 31_606),
        ("population_recensement", 2022, "62498", 32_697),
        ("population_recensement", 2018, "BM", 1_216_644),
        ("population_recensement", 2022, "BM", 1_213_844),
        ("niveau_vie_median", 2021, "62498", 17_250),
        ("logements_sociaux", 2024, "BM", 169_589),
        ("population_depuis_1968", 2016, "BM", 1_217_016),
    ],
)
def test_published_figures(data, indicator, vintage, code, value):
    rows = query(
        data,
        f"""
        SELECT value, status FROM indicators.observations
        WHERE indicator = '{indicator}' AND vintage = {vintage} AND territory_code = '{code}'
        """,
    )
    assert rows == [(value, "published")]


def test_dwellings_of_2018_and_their_vacancy(data):
    ((numerator, denominator),) = query(
        data,
        """
        SELECT numerator, denominator FROM indicators.observations
        WHERE indicator = 'part_logements_vacants' AND vintage = 2018 AND territory_code = 'BM'
        """,
    )
    assert (round(numerator), round(denominator)) == (46_651, 557_626)


def test_withheld_poverty_is_secret_and_never_zero(data):
    """INSEE withholds the rate of 2021 for 148 of the 287 communes; none is at zero."""
    statuses = dict(
        query(
            data,
            """
            SELECT status, count(*) FROM indicators.observations
            WHERE indicator = 'taux_pauvrete' AND vintage = 2021 AND territory_level = 'commune'
            GROUP BY status
            """,
        )
    )
    assert statuses == {"secret": 148, "published": 139}
    assert query(
        data, "SELECT count(*) FROM indicators.observations WHERE indicator = 'taux_pauvrete' AND value = 0"
    ) == [(0,)]


def test_commune_without_a_row_in_the_register_is_not_available(data):
    statuses = dict(
        query(
            data,
            """
            SELECT status, count(*) FROM indicators.observations
            WHERE indicator = 'logements_sociaux' AND territory_level = 'commune' GROUP BY status
            """,
        )
    )
    assert statuses == {"published": 236, "not_available": 51}


def test_medians_are_never_aggregated(data):
    levels = query(
        data,
        "SELECT DISTINCT territory_level FROM indicators.observations WHERE indicator = 'niveau_vie_median'",
    )
    assert levels == [("commune",)]


def test_establishments_before_the_break_are_left_out(data):
    ((first,),) = query(
        data, "SELECT min(vintage) FROM indicators.observations WHERE indicator = 'etablissements'"
    )
    assert first >= 2016


def test_suites_by_source_all_pass(data):
    ((rules, failed),) = query(
        data,
        """
        SELECT count(*), count(*) FILTER (NOT passed) FROM quality.checks WHERE "table" LIKE '%par source'
        """,
    )
    assert rules >= 60
    assert failed == 0


def test_secret_reads_as_secret_on_the_page(data):
    ((code,),) = query(
        data,
        """
        SELECT min(territory_code) FROM indicators.observations
        WHERE indicator = 'taux_pauvrete' AND vintage = 2021 AND status = 'secret'
        """,
    )
    page = (data / "site" / "communes" / code / "index.html").read_text()
    row = page[page.index("Taux de pauvreté") :][:1500]
    assert "secret" in row


def test_fetched_files_are_kept_verified_and_shown(data, mirror):
    done = observatory(data, "sources", "insee_filosofi")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("vérifiée") == 3
    again = observatory(data, "fetch", "insee_filosofi", "--sources", f"mirror={mirror}")
    assert again.returncode == 0, again.stdout
    assert "NOUVEAU CONTENU" not in again.stdout


def test_source_that_cannot_be_had_says_what_to_do(data):
    done = observatory(data, "fetch", "insee_filosofi", "--vintage", "2021")
    assert done.returncode == 1
    assert "data/landing/insee_filosofi/2021" in done.stdout


def test_embedded_run_afterwards_holds_nothing_of_the_mirror(data):
    """Last, since it replaces the edition."""
    done = observatory(data, "run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert query(
        data, "SELECT count(*) FROM indicators.definitions WHERE indicator = 'niveau_vie_median'"
    ) == [(0,)]
    sources = {source for (source,) in query(data, "SELECT DISTINCT source FROM core.files")}
    assert "insee_filosofi" not in sources
