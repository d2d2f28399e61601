"""What runs without anybody: the yearly refresh and the monthly check of the sources, on Paris time.

Belongs here: the two jobs and their schedules. Does not: events that ask for a refresh (``sensors``).

A refresh is what ``observatory run --strict`` does: every source, one session, one publication, and none at
all where the edition would be less than whole. Schedules and sensors start stopped, to be started in the UI;
``OBSERVATORY_AUTOMATION=on``, which the service sets, starts them with the daemon.
"""

import os
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import dagster as dg

from assets.instance import WRITER
from assets.raw.files import PATIENT, asset_name
from assets.telling import listed, tell
from observatory.alerts import Alert
from observatory.errors import ObservatoryError
from observatory.intake.store import StoreBusyError
from observatory.paths import data_paths
from observatory.rendering.french import paris_time
from observatory.sessions import WarehouseBusyError
from observatory.sources.obtaining import current_mode
from observatory.sources.watching import watch

PARIS = "Europe/Paris"
OCCASION, TRIGGER = "observatory/occasion", "observatory/trigger"
"""Tags of the runs: what a refresh is made for, and what asked for it."""
WHERE, REMEDY = "où", "que faire"
"""Metadata of a failure that an alert may repeat."""

SWITCH = "OBSERVATORY_AUTOMATION"
ON = os.environ.get(SWITCH) == "on"
_SCHEDULES = dg.DefaultScheduleStatus.RUNNING if ON else dg.DefaultScheduleStatus.STOPPED
# Another run or an intake is at work: wait for its end, an hour at most.
_TURNS, _WAIT = 6, 600
# Their steps give nothing to keep, and open no session of their own.
_NO_WAREHOUSE = {"io_manager": dg.mem_io_manager}


def safe_failure(what: str, where: str, remedy: str) -> dg.Failure:
    """Return a failure that says what an alert may repeat, and that is not tried again."""
    return dg.Failure(what, metadata={WHERE: where, REMEDY: remedy}, allow_retries=False)


@dg.op(pool=WRITER, description="Tout refaire, et ne publier qu’une édition entière.")
def refresh_everything(context: dg.OpExecutionContext) -> None:
    """Do what ``observatory run --strict`` does, in this process, and say what came of it.

    Raises:
        dagster.Failure: nothing was published; says what, where, what to do.
        dagster.RetryRequested: another run or an intake is at work.
    """
    # The runs of a refresh are those of the code location, which holds this very job.
    from assets.perimeter import check_available
    from assets.running import DegradedRunError, RunFailedError, run_everything

    tags = {name: context.run.tags[name] for name in (OCCASION, TRIGGER) if name in context.run.tags}
    tags[PATIENT] = "observatory/refresh"
    occasion = tags.get(OCCASION, "à la main")
    where = f"rafraîchissement « {occasion} », traitement {context.run_id}"
    try:
        check_available(data_paths(), current_mode())
        outcome = run_everything(context.log.info, strict=True, tags=tags)
    except (WarehouseBusyError, StoreBusyError) as error:
        if context.retry_number < _TURNS:
            raise dg.RetryRequested(_TURNS, _WAIT) from error
        raise safe_failure(str(error), where, "voyez ce qui l’occupe, puis relancez.") from error
    except DegradedRunError as error:
        raise safe_failure(
            str(error),
            where,
            "réglez chaque point, ou jugez l’édition acceptable et publiez-la par « observatory run ».",
        ) from error
    except RunFailedError as error:
        raise safe_failure(
            error.public,
            where,
            "lisez le journal du traitement, corrigez, puis relancez « observatory run ».",
        ) from error
    except ObservatoryError as error:
        raise safe_failure(str(error), where, "corrigez, puis relancez « observatory run ».") from error
    held = outcome.held_until
    fate = f"attend la fin de son embargo, le {paris_time(held)}" if held else "est publiée"
    tell(
        Alert(
            "information",
            f"L’édition « {occasion} » {fate} : {outcome.checks_passed} contrôles réussis sur "
            f"{outcome.checks}, {outcome.pages} pages.",
            where,
            listed(outcome.warnings + outcome.notices) or "rien.",
        ),
        context.log,
    )


@dg.op(description="Comparer ce que donnent les origines à ce qui est gardé, sans rien calculer.")
def compare_sources(context: dg.OpExecutionContext) -> None:
    """Ask every origin, note what it gives on the assets, and tell what is new.

    Raises:
        dagster.Failure: the alert could not leave.
    """
    news = []
    for finding in watch(data_paths(), current_mode()):
        known = finding.state != "sans fiche"
        context.log_event(
            dg.AssetObservation(
                asset_name(finding.source),
                partition=finding.vintage if known else None,
                metadata={"état": finding.state, "détail": finding.detail, "sha256": finding.sha256},
            )
        )
        if finding.state != "inchangée":
            context.log.warning(str(finding))
            news.append(str(finding))
    if not news:
        return
    alert = Alert(
        "information",
        f"Contrôle des sources : {len(news)} à voir.\n{listed(news)}",
        f"sources, traitement {context.run_id}",
        "un contenu nouveau ou changé entre dans l’édition au prochain rafraîchissement ; réglez le reste.",
    )
    if not tell(alert, context.log):
        raise dg.Failure("L’alerte du contrôle des sources n’est pas partie.", allow_retries=False)


@dg.job(
    name="yearly_refresh",
    description="Refait tout comme « observatory run --strict » : une session, une publication.",
    tags={OCCASION: "à la main"},
    resource_defs=_NO_WAREHOUSE,
    executor_def=dg.in_process_executor,
)
def yearly_refresh() -> None:
    """One step, which starts the runs of a refresh one after the other."""
    refresh_everything()


@dg.job(
    name="check_sources",
    description="Compare les sources à ce qui est gardé, sans rien calculer.",
    resource_defs=_NO_WAREHOUSE,
    executor_def=dg.in_process_executor,
)
def check_sources() -> None:
    """One step, which writes nothing in the warehouse."""
    compare_sources()


def refresh_tags(occasion: str, trigger: str) -> Mapping[str, str]:
    """Return the tags of a refresh."""
    return {OCCASION: occasion, TRIGGER: trigger}


# On 1 February the legal populations and the geographic code of the year are out; no change of hour is near.
@dg.schedule(
    job=yearly_refresh,
    cron_schedule="0 4 1 2 *",
    execution_timezone=PARIS,
    default_status=_SCHEDULES,
    description="Rafraîchissement annuel, le 1er février à 4 h.",
)
def every_year(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Ask for the refresh of the year."""
    year = context.scheduled_execution_time.astimezone(ZoneInfo(PARIS)).year
    return dg.RunRequest(run_key=f"refresh-{year}", tags=refresh_tags(f"refresh-{year}", "schedule"))


@dg.schedule(
    job=check_sources,
    cron_schedule="30 5 3 * *",
    execution_timezone=PARIS,
    default_status=_SCHEDULES,
    description="Contrôle des sources, le 3 de chaque mois à 5 h 30.",
)
def every_month(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Ask for the check of the month."""
    month = f"{context.scheduled_execution_time.astimezone(ZoneInfo(PARIS)):%Y-%m}"
    return dg.RunRequest(run_key=f"check-{month}", tags={TRIGGER: "schedule", OCCASION: f"check-{month}"})


JOBS = [yearly_refresh, check_sources]
SCHEDULES = [every_year, every_month]
