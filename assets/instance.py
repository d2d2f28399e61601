"""Dagster's instance: where it keeps the history of runs, what may run at once, and runs whose process died.

Belongs here: ``dagster.yaml``. Does not: what runs (``definitions``), when (``automation``).
"""

import os
import re
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from observatory.files import write_atomic
from observatory.paths import DataPaths, data_paths
from observatory.sessions import Session, WarehouseBusyError

STORAGE_VARIABLE = "OBSERVATORY_DAGSTER_STORAGE"
"""Environment variable: address of the PostgreSQL database of the history; SQLite without it."""
WRITER = "entrepot"
"""Pool of all that writes in the warehouse: one run at a time."""
WITHIN = "observatory/within"
"""Tag of the runs of a refresh, which live in the process that holds the warehouse: its session."""
LONGEST = 4 * 3600

_UNFINISHED = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
# A run of the pool waits for its turn; others, such as the check of the sources, go beside it. Limits are by
# run: the refresh of everything holds its turn over the runs that it starts itself.
_INSTANCE: dict[str, Any] = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
    "concurrency": {"runs": {"max_concurrent_runs": 3}, "pools": {"default_limit": 1, "granularity": "run"}},
    "run_monitoring": {"enabled": True, "max_runtime_seconds": LONGEST},
    "freshness": {"enabled": True},
}


def prepare_instance() -> Path:
    """Return Dagster's home, with its configuration written. No secret goes there, only variables' names."""
    home = data_paths().dagster
    instance = dict(_INSTANCE)
    if address := os.environ.get(STORAGE_VARIABLE):
        # Unless told, SQLAlchemy 2.1 takes another driver than the one that comes with dagster-postgres.
        os.environ[STORAGE_VARIABLE] = re.sub(r"^postgres(ql)?://", "postgresql+psycopg2://", address)
        instance["storage"] = {"postgres": {"postgres_url": {"env": STORAGE_VARIABLE}}}
    write_atomic(home / "dagster.yaml", yaml.safe_dump(instance).encode())
    return home


def end_orphans(
    instance: dg.DagsterInstance, paths: DataPaths, *, service_is_starting: bool = False
) -> list[str]:
    """Note as failed the runs whose process is gone, which would hold their turn for hours; return their ids.

    A run within a refresh is alive only while the warehouse is held. Any other one is known to be dead only
    before a daemon starts: its process went with the former one.
    """
    records = _unfinished(instance, service_is_starting)
    if not records:
        return []
    try:
        with Session(paths, "orphans"):
            # Those that have ended meanwhile have said so.
            records = _unfinished(instance, service_is_starting)
            for record in records:
                instance.report_run_failed(
                    record.dagster_run,
                    "Le processus de ce traitement s’est arrêté ; rien n’en est publié.",
                )
    except WarehouseBusyError:
        return []
    return [record.dagster_run.run_id for record in records]


def _unfinished(instance: dg.DagsterInstance, all_of_them: bool) -> list[dg.RunRecord]:
    records = instance.get_run_records(dg.RunsFilter(statuses=_UNFINISHED))
    return [record for record in records if all_of_them or WITHIN in record.dagster_run.tags]
