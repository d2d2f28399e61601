"""A run that fails publishes nothing and says in French what to do."""

import shutil

import dagster as dg
import polars as pl
import pytest

from assets import checks, running
from assets.automation import OCCASION, TRIGGER
from assets.definitions import defs
from assets.instance import WITHIN, prepare_instance
from assets.running import RunFailedError, run_everything
from observatory import paths as paths_module
from observatory.paths import DataPaths, data_paths
from observatory.sessions import Session, WarehouseBusyError

pytestmark = pytest.mark.integration


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("OBSERVATORY_DATA", str(tmp_path / "data"))
    return data_paths()


def test_a_failed_check_blocks_what_depends_on_it(data, monkeypatch):
    def one_fails(table, frame):
        return pl.DataFrame(
            {
                "table": [table.qualified_name],
                "rule": ["règle de l’essai"],
                "reason": ["sans elle, l’essai ne vaudrait rien"],
                "passed": [table.qualified_name != "core.census"],
                "observed": ["2 lignes"],
            }
        )

    monkeypatch.setattr(checks, "validate", one_fails)
    said = []
    with pytest.raises(RunFailedError, match="rien n’est publié") as failure:
        run_everything(said.append)
    assert "core_insee__iris_census" in str(failure.value)
    for said in (str(failure.value), failure.value.public):
        assert "- règle de l’essai (2 lignes) – sans elle, l’essai ne vaudrait rien" in said
        assert "Que faire : corriger" in said
    assert not data.database.exists()
    assert not data.site.exists()


def test_an_altered_extract_is_named(data, monkeypatch, tmp_path):
    shipped = tmp_path / "shipped"
    shutil.copytree(paths_module.PROJECT / "data" / "embedded", shipped / "embedded")
    shutil.copytree(paths_module.PROJECT / "data" / "reference", shipped / "reference")
    altered = shipped / "embedded" / "populations.csv"
    altered.write_text(altered.read_text().replace("commune,62498,2022,32697", "commune,62498,2022,42697"))
    moved = DataPaths(data.root, shipped)
    for module in ("assets.running", "assets.raw.extracts", "assets.raw.deliveries", "assets.core.public"):
        monkeypatch.setattr(f"{module}.data_paths", lambda: moved)
    with pytest.raises(RunFailedError, match=r"populations\.csv") as failure:
        run_everything(lambda _: None)
    assert "observatory embed" in str(failure.value)
    assert not data.database.exists()


def test_a_second_writer_is_told_to_wait(data):
    with Session(data, "other"), pytest.raises(WarehouseBusyError, match="Attendez"):
        run_everything(lambda _: None)


def test_a_delivery_that_is_not_fictive_is_refused(data, monkeypatch):
    """Until the intake's safeguards exist, no real confidential file goes in."""

    def real_delivery(paths):
        from observatory.sources.default_sample import write_default_sample

        files = write_default_sample(paths)
        for path in files:
            if path.suffix == ".csv":
                content = path.read_bytes()
                path.write_bytes(content.partition(b"\n")[2].replace(b"fictif", b"      "))
        return files

    monkeypatch.setattr(running, "write_default_sample", real_delivery)
    with pytest.raises(RunFailedError, match="n’est pas marquée fictive"):
        run_everything(lambda _: None)
    assert not data.confidential_database.exists()
    shutil.rmtree(data.root)


def test_a_scheduled_refresh_that_fails_publishes_nothing_and_says_so(data, monkeypatch):
    """The runs within the run are in the same history, with its tags; what an alert may repeat is said."""

    def quotes_what_it_reads(table, frame):
        raise ValueError("locataire DUPONT")

    monkeypatch.setattr(checks, "validate", quotes_what_it_reads)
    tags = {OCCASION: "refresh-2027", TRIGGER: "schedule"}
    with dg.DagsterInstance.from_config(str(prepare_instance())) as instance:
        job = defs.resolve_job_def("yearly_refresh")
        result = job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)
        runs = {run.job_name: run for run in instance.get_runs()}
    assert not result.success
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    told = failure.step_failure_data.user_failure_data
    assert "rien n’est publié" in told.description
    assert "erreur imprévue" in told.description
    assert "DUPONT" not in told.description
    assert not data.database.exists()
    assert not data.site.exists()
    assert {"yearly_refresh", "refresh", "ingest_etalab__commune_perimeters"} <= set(runs)
    assert all(tags.items() <= run.tags.items() for run in runs.values())
    assert {name for name, run in runs.items() if WITHIN not in run.tags} == {"yearly_refresh"}
    with Session(data, "after"):
        pass
