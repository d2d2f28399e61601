"""How the steps of a run are executed: in its process, a process each, or by workers on several machines.

``OBSERVATORY_EXECUTOR`` says which: nothing (in the process of the run), ``multiprocess``, or ``celery:`` and
the address of a Redis, from which ``observatory service worker`` takes steps on any machine that sees the
data folder. Whichever it is, the process of the run holds the session of the warehouse from its first step to
its publication; steps join it (``storage``).

Belongs here: executors, and the application of Celery. Does not: the session itself
(``observatory.sessions``).
"""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import dagster as dg

from assets.publishing import publish, told
from assets.settling import check_settled
from observatory.errors import ObservatoryError
from observatory.intake.store import locked
from observatory.paths import data_paths
from observatory.rendering.imprint import CARD, read_imprint
from observatory.sessions import Session

if TYPE_CHECKING:
    from celery import Celery

EXECUTOR_VARIABLE = "OBSERVATORY_EXECUTOR"
"""Environment variable: how steps are executed."""
MULTIPROCESS = "multiprocess"
_CELERY = "celery:"
_BROKERS = ("redis://", "rediss://", "redis+socket://")


class ExecutorSettingError(ObservatoryError):
    """The environment names no executor, or one whose packages are not installed."""


class OneSession(dg.Executor):
    """Executes the steps of a run as another executor does, within one session of the warehouse.

    What the run staged is published when every planned step has succeeded, and abandoned otherwise.

    Args:
        steps: what executes the steps.
    """

    def __init__(self, steps: dg.Executor) -> None:
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        """Give what the loops of Dagster ask the executor of the run for, such as Celery's settings."""
        return getattr(self._steps, name)

    @property
    def retries(self) -> Any:
        """Whether steps are tried again."""
        return self._steps.retries

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[Any]:
        """Hold the session, execute the steps, publish; yield the events.

        Raises:
            ChangedDeliveriesError: real deliveries came or went since the process settled on them.
            LakeUnavailableError: the shared warehouse does not answer.
            StoreBusyError: a delivery is being taken or purged.
            WarehouseBusyError: another session is writing.
            WarehouseConflictError: another session has published the same tables meanwhile.
        """
        paths = data_paths()
        done = set()
        # No delivery comes or goes during a run, here no more than from the command line.
        with Session(paths, plan_context.run_id) as session, locked(paths):
            check_settled(paths)
            for event in self._steps.execute(plan_context, execution_plan):
                if event.is_step_success:
                    done.add(event.step_key)
                yield event
            if not set(execution_plan.step_keys_to_execute) <= done:
                plan_context.log.error(
                    "Traitement incomplet : rien n’est publié, l’édition précédente reste en place."
                )
            elif publish(session) is None:
                plan_context.log.info("Entrepôt et site publiés.")
            else:
                plan_context.log.warning(told(read_imprint(paths.reference / CARD)))


def chosen_executor() -> dg.ExecutorDefinition:
    """Return the executor that the environment names, each run of which is one session.

    Raises:
        ExecutorSettingError: it names none, or its packages are not installed.
    """
    setting = os.environ.get(EXECUTOR_VARIABLE, "")
    if not setting:
        return _in_one_session(dg.in_process_executor)
    if setting == MULTIPROCESS:
        return _in_one_session(dg.multiprocess_executor)
    settings = _celery_settings(setting)
    from dagster_celery import celery_executor

    return _in_one_session(celery_executor, **settings)


def celery_application() -> "Celery":
    """Return the application whose workers take the steps.

    Raises:
        ExecutorSettingError: the environment names no broker, or Celery is not installed.
    """
    settings = _celery_settings(os.environ.get(EXECUTOR_VARIABLE, ""))
    from dagster_celery.executor import CeleryExecutor
    from dagster_celery.make_app import make_app
    from dagster_celery.tasks import create_task

    application = make_app(CeleryExecutor.for_cli(**settings).app_args())
    create_task(application)
    return application


def _in_one_session(steps: dg.ExecutorDefinition, **settings: str) -> dg.ExecutorDefinition:
    """Return an executor of sessions; ``settings``, which may hold a password, stay out of the runs."""
    create = steps.executor_creation_fn
    assert create is not None

    def creation(context: dg.InitExecutorContext) -> dg.Executor:
        config = {**context.executor_config, **settings}
        return OneSession(
            create(dg.InitExecutorContext(context.job, context.executor_def, config, context.instance))
        )

    return dg.ExecutorDefinition(
        name=f"{steps.name}_in_one_session",
        config_schema=steps.config_schema.as_field(),
        requirements=steps.get_requirements,
        executor_creation_fn=creation,
        description="Une session de l’entrepôt par traitement.",
    )


def _celery_settings(setting: str) -> dict[str, str]:
    """Return the address of the broker, where results come back too."""
    broker = setting.removeprefix(_CELERY)
    if broker == setting or not broker.startswith(_BROKERS):
        # Not the setting itself, which may hold a password.
        raise ExecutorSettingError(
            f"{EXECUTOR_VARIABLE} : attendu rien (étapes dans le processus du traitement), "
            f"« {MULTIPROCESS} », ou « {_CELERY} » suivi de l’adresse d’un courtier Redis "
            f"({', '.join(_BROKERS)}…)."
        )
    if find_spec("dagster_celery") is None:
        raise ExecutorSettingError(
            f"{EXECUTOR_VARIABLE} demande Celery. Installez-le : pip install --constraint constraints.txt "
            "--editable '.[celery]'."
        )
    return {"broker": broker, "backend": broker}
