"""The whole chain, from the embedded data to the published site, as a user runs it."""

import hashlib
import os
import re
import signal
import subprocess
import sys
import time

import duckdb
import polars as pl
import pytest
from postgres import running_cluster
from running_notebooks import executed
from shared_runs import OBSERVATORY, copied, observatory

from observatory.lake import Lake, create_lake
from observatory.paths import DataPaths
from observatory.rendering.imprint import CARD, read_imprint
from observatory.warehouse import published_tables, read_table

pytestmark = pytest.mark.integration


def fingerprints(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def query(data, sql):
    with duckdb.connect(str(data / "warehouse" / "observatory.duckdb"), read_only=True) as warehouse:
        return warehouse.sql(sql).fetchall()


@pytest.fixture(scope="module")
def data(embedded_run, tmp_path_factory):
    """The data of the first run, for this file alone: later tests run over it."""
    return copied(embedded_run, tmp_path_factory.mktemp("chain")).data


def test_the_run_ends_with_a_table_in_french(embedded_run):
    data, output = embedded_run.data, embedded_run.output
    passed, total = re.search(r"Contrôles réussis\s*│\s*(\d+) sur (\d+)", output).groups()
    assert passed == total
    assert int(total) >= 50
    pages = int(re.search(r"Pages écrites\s*│\s*(\d+)", output).group(1))
    assert pages == len(list((data / "site").rglob("*.html")))
    assert "Durée" in output
    assert "2021, 2022, 2023, 2024, 2025, 2026" in output
    assert output.rstrip().endswith(str(data / "site" / "index.html"))


def test_the_seven_epci_hold_their_communes(data):
    counts = query(
        data,
        """
        SELECT count(*) FROM core.territories, unnest(parents) AS parent(code)
        WHERE level = 'commune' AND perimeter_vintage = 2026 AND parent.code LIKE 'epci:%'
        GROUP BY parent.code ORDER BY 1 DESC
        """,
    )
    assert [count for (count,) in counts] == [100, 47, 36, 35, 35, 20, 14]


@pytest.mark.parametrize(
    ("indicator", "vintage", "code", "value"),
    [
        ("population_municipale", 2018, "BM", 1_216_644),
        ("population_municipale", 2022, "BM", 1_213_844),
        ("population_municipale", 2018, "62498", 31_606),
        ("population_municipale", 2022, "62498", 32_697),
        ("population_municipale", 2022, "FR", 67_760_573),
        ("population_recensement", 2021, "BM", 1_214_409),
    ],
)
def test_published_figures(data, indicator, vintage, code, value):
    """Populations as INSEE publishes them (legal populations 2018 and 2022; census 2021)."""
    rows = query(
        data,
        f"""
        SELECT value, status FROM indicators.observations
        WHERE indicator = '{indicator}' AND vintage = {vintage} AND territory_code = '{code}'
        """,
    )
    assert rows == [(value, "published")]


def test_every_observation_leads_to_its_definition_territory_and_files(data):
    orphans = query(
        data,
        """
        SELECT count(*) FROM indicators.observations AS o
        LEFT JOIN indicators.definitions AS d USING (indicator)
        LEFT JOIN core.territories AS t
          ON t.level = o.territory_level AND t.code = o.territory_code
         AND t.perimeter = o.perimeter AND t.perimeter_vintage = o.perimeter_vintage
        WHERE d.indicator IS NULL OR t.code IS NULL
           OR (status = 'published' AND len(file_ids) = 0)
           OR (status = 'published') <> (value IS NOT NULL)
        """,
    )
    unknown = query(
        data,
        """
        SELECT DISTINCT used.file_id FROM indicators.observations, unnest(file_ids) AS used(file_id)
        WHERE used.file_id NOT IN (SELECT file_id FROM core.files)
        """,
    )
    assert orphans == [(0,)]
    assert unknown == []


def test_individual_rows_stay_out_of_what_readers_open(data):
    names = {name for (name,) in query(data, "SELECT schema_name FROM duckdb_tables()")}
    assert names == {"raw", "core", "indicators", "typology", "quality"}
    assert (data / "warehouse" / "individual.duckdb").stat().st_mode & 0o077 == 0


def test_killed_it_leaves_the_previous_edition(data):
    """SIGKILL as soon as the site has been announced; every step of a publication is in ``test_faults``."""
    site = fingerprints(data / "site")
    warehouse = hashlib.sha256((data / "warehouse" / "observatory.duckdb").read_bytes()).hexdigest()
    process = subprocess.Popen(
        [OBSERVATORY, "run"],
        env=os.environ | {"OBSERVATORY_DATA": str(data)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    for line in process.stdout:
        if "published_all__site" in line:
            break
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    assert process.wait(timeout=60) == -signal.SIGKILL
    time.sleep(0.1)
    assert fingerprints(data / "site") == site
    assert hashlib.sha256((data / "warehouse" / "observatory.duckdb").read_bytes()).hexdigest() == warehouse


def refreshed(data, **environment):
    """Run the job of the yearly refresh, as the daemon does."""
    words = ["-m", "dagster", "job", "execute", "-m", "assets.definitions", "-j", "yearly_refresh"]
    done = subprocess.run(
        [sys.executable, *words],
        env=os.environ | {"OBSERVATORY_DATA": str(data), "DAGSTER_HOME": str(data / "dagster")} | environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def in_order(frame):
    """Return the rows in an order of their own: that of a table without contract may vary."""
    return frame.sort([name for name, dtype in frame.schema.items() if not isinstance(dtype, pl.List)])


def frozen(data, **environment):
    """Freeze the edition without a signature, and return the fingerprint of every file of the release."""
    done = observatory(data, "release", "--unsigned", "--modified", **environment)
    assert done.returncode == 0, done.stderr
    return fingerprints(data / "releases")


def test_the_yearly_refresh_gives_the_same_edition_on_a_shared_warehouse_too(data, embedded_run, tmp_path):
    """After the run killed above, of which nothing is left: same site and tables, same bytes once frozen."""
    release = frozen(copied(embedded_run, tmp_path / "first").data)
    site, sample = fingerprints(data / "site"), fingerprints(data / "sample")
    with running_cluster() as cluster:
        words = cluster.database()
        create_lake(words, str(tmp_path / "lake"))
        shared = f"ducklake:postgres:{words}"
        refreshed(data, OBSERVATORY_WAREHOUSE=shared)
        paths = DataPaths(data)
        names = {name for name in published_tables(paths) if not name.startswith("confidential.")}
        with Lake(words, release=read_imprint(paths.reference / CARD).release) as lake:
            assert lake.names() == names
            different = [
                name
                for name in names
                if not in_order(lake.read(name)).equals(in_order(read_table(paths, name)))
            ]
        assert frozen(data, OBSERVATORY_WAREHOUSE=shared) == release
    assert different == []
    assert len(release) > 1000
    assert fingerprints(data / "site") == site
    assert fingerprints(data / "sample") == sample
    assert not list((data / "warehouse" / "sessions").iterdir())


def test_the_notebook_runs(data):
    executed("prise_en_main", data)
    exported = (data / "comparaison.csv").read_text(encoding="utf-8-sig").splitlines()
    assert exported[0] == "theme;indicateur;unite;millesime;Douai;Lens"
    lens_and_douai = next(line for line in exported if line.startswith("Population;Population municipale"))
    assert lens_and_douai.endswith("40250,0;32920,0")


def test_the_notebook_of_the_typology_runs(data):
    printed = executed("typologie", data)
    assert "287 communes complètes, 0 à placer ensuite" in printed
    assert "Cette édition n’a pas deux dates" in printed
    exported = (data / "ma_typologie.csv").read_text(encoding="utf-8-sig").splitlines()
    assert exported[0] == "id;commune;class;distance_to_own;distance_to_next"
    classes = {line.split(";")[1]: int(line.split(";")[2]) for line in exported[1:]}
    assert len(classes) == 287
    assert set(classes.values()) == set(range(1, max(classes.values()) + 1))
    assert classes["Lens"] == classes["Douai"] != classes["Warlaing"]


def test_each_class_has_its_own_portrait(data):
    """All of the communes of each class, and no other, are those that the analyst had in view."""
    rows = query(data, "SELECT likeness, len(sentences), len(entered), len(departed) FROM typology.portraits")
    assert rows == [(1.0, 3, 0, 0)] * 4
