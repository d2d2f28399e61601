"""What the environment may say of how steps are executed, and that a password in it goes no further."""

import importlib.util

import dagster as dg
import pytest

from assets import executors
from assets.executors import (
    EXECUTOR_VARIABLE,
    ExecutorSettingError,
    OneSession,
    celery_application,
    chosen_executor,
)

BROKER = "redis://observatoire:s3cret@base:6379/0"


def a_job() -> dg.JobDefinition:
    @dg.job
    def job() -> None:
        """Do nothing."""

    return job


def created(monkeypatch, setting: str) -> tuple[dg.ExecutorDefinition, OneSession]:
    monkeypatch.setenv(EXECUTOR_VARIABLE, setting)
    definition = chosen_executor()
    config = {"retries": {"enabled": {}}, "max_concurrent": 2}
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.InitExecutorContext(dg.reconstructable(a_job), definition, config, instance)
        made = definition.executor_creation_fn(context)
    return definition, made


@pytest.mark.parametrize(
    ("setting", "steps"),
    [
        ("", "InProcessExecutor"),
        ("multiprocess", "MultiprocessExecutor"),
        (f"celery:{BROKER}", "CeleryExecutor"),
    ],
)
def test_each_setting_gives_its_executor(monkeypatch, setting, steps):
    _, made = created(monkeypatch, setting)
    assert type(made._steps).__name__ == steps
    assert made.retries is made._steps.retries


def test_the_address_of_the_broker_is_in_no_configuration_of_runs(monkeypatch):
    definition, made = created(monkeypatch, f"celery:{BROKER}")
    assert made.app_args()["broker"] == made.app_args()["backend"] == BROKER
    described = str(definition.config_schema.as_field().config_type.fields)
    assert "s3cret" not in described


@pytest.mark.parametrize(
    "setting", ["celery", "celery:", "celery:amqp://base", "processes", f"kafka:{BROKER}"]
)
def test_an_unknown_setting_is_refused_without_repeating_it(monkeypatch, setting):
    monkeypatch.setenv(EXECUTOR_VARIABLE, setting)
    with pytest.raises(ExecutorSettingError, match="multiprocess") as refused:
        chosen_executor()
    assert "s3cret" not in str(refused.value)


def test_a_worker_needs_a_broker_and_celery(monkeypatch):
    for setting in ("", "multiprocess"):
        monkeypatch.setenv(EXECUTOR_VARIABLE, setting)
        with pytest.raises(ExecutorSettingError, match="courtier"):
            celery_application()
    monkeypatch.setenv(EXECUTOR_VARIABLE, f"celery:{BROKER}")
    application = celery_application()
    assert "execute_plan" in application.tasks
    assert application.conf.broker_url == BROKER
    found = importlib.util.find_spec
    monkeypatch.setattr(
        executors, "find_spec", lambda name: None if name == "dagster_celery" else found(name)
    )
    with pytest.raises(ExecutorSettingError, match=r"\.\[celery\]"):
        chosen_executor()
