"""Runs as the UI and the daemon start them: by the executor of the code location, in their own session."""

from typing import Any

import dagster as dg

from assets.definitions import defs


def job_named(name: str) -> dg.JobDefinition:
    """Return a job of the code location."""
    return defs.resolve_job_def(name)


def run_job(name: str, instance: dg.DagsterInstance, **options: Any) -> dg.JobExecutionResult:
    """Run a job; ``options`` are those of ``dagster.execute_job``."""
    job = dg.build_reconstructable_job(__name__, job_named.__name__, reconstructable_args=(name,))
    return dg.execute_job(job, instance=instance, raise_on_error=False, **options)
