"""Runs started from the UI: no delivery comes or goes meanwhile, and none that came is half used."""

from collections.abc import Iterator

import dagster as dg
import pytest
from ui_runs import run_job

from assets import executors, settling
from assets.instance import prepare_instance
from observatory.intake.store import StoreBusyError, locked
from observatory.paths import DataPaths, data_paths
from observatory.sources.catalogue import use_delivered
from observatory.warehouse import published_tables

pytestmark = pytest.mark.integration
JOB, TABLE = "ingest_sia_habitat__deliveries", "raw.sia_habitat_deliveries"


@pytest.fixture
def paths(tmp_path, monkeypatch) -> DataPaths:
    monkeypatch.setenv("OBSERVATORY_DATA", str(tmp_path))
    monkeypatch.setenv("OBSERVATORY_DELIVERED", "")
    return data_paths()


@pytest.fixture
def instance(paths) -> Iterator[dg.DagsterInstance]:
    home = prepare_instance()
    with dg.DagsterInstance.from_config(str(home)) as found:
        yield found


def launch(instance: dg.DagsterInstance) -> dg.JobExecutionResult:
    return run_job(JOB, instance, tags={"dagster/partition": "2024"})


def errors(result: dg.JobExecutionResult) -> str:
    return "\n".join(str(event.event_specific_data) for event in result.all_events if event.is_failure)


def test_a_run_holds_the_store(paths, instance, monkeypatch) -> None:
    tried = []
    original = executors.publish

    def try_an_intake(session):
        with pytest.raises(StoreBusyError), locked(paths):
            pass
        tried.append(True)
        return original(session)

    monkeypatch.setattr(executors, "publish", try_an_intake)
    assert launch(instance).success
    assert tried == [True]
    assert TABLE in published_tables(paths)
    # It is let go at the end.
    with locked(paths):
        pass


def test_a_run_is_refused_while_a_delivery_is_taken(paths, instance) -> None:
    with locked(paths):
        result = launch(instance)
    assert not result.success
    assert "Une entrée ou une purge de livraisons, ou un traitement, est en cours" in errors(result)
    assert TABLE not in published_tables(paths)
    assert launch(instance).success


def test_a_run_is_refused_if_real_deliveries_came_or_went(paths, instance, monkeypatch) -> None:
    """The process settled on no real delivery, and the store has one: then the other way round."""
    monkeypatch.setattr(settling, "real_deliveries", lambda _: ["sia_habitat"])
    result = launch(instance)
    assert not result.success
    assert "Les livraisons réelles ont changé" in errors(result)
    assert "SIA Habitat" in errors(result)
    monkeypatch.setattr(settling, "real_deliveries", lambda _: [])
    use_delivered(["angdm"])
    assert "Les livraisons réelles ont changé" in errors(launch(instance))
    use_delivered([])
    assert launch(instance).success
