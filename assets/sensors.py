"""Events that ask for a refresh, or for a person: files dropped, sources that changed, runs that failed.

Belongs here: what is new since the last look, kept in each sensor's cursor. Does not: the refresh itself
(``automation``), which publishes nothing that is less than whole.

What was asked for is asked once: a run's key follows from the event and from the one before it. The cursor is
saved after the requests are, so that an evaluation cut short is made again with the same keys. An alert that
did not leave is not noted as told, and is tried at the next look. Confidential deliveries never start
anything: taking one is a person's act, and the alert names its folder only.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping

import dagster as dg
from pydantic import BaseModel, ConfigDict, ValidationError

from assets.automation import JOBS, ON, REMEDY, WHERE, refresh_tags, yearly_refresh
from assets.instance import end_orphans
from assets.settling import PRODUCERS
from assets.telling import tell
from observatory.alerts import Alert
from observatory.paths import DataPaths, data_paths
from observatory.sources.arrivals import Seen, look
from observatory.sources.obtaining import current_mode, file_sources, offered
from observatory.sources.snapshots import latest
from observatory.tables import FILES
from observatory.warehouse import published_tables, read_table

_STATUS = dg.DefaultSensorStatus.RUNNING if ON else dg.DefaultSensorStatus.STOPPED
_CONFIDENTIAL = {*PRODUCERS, *PRODUCERS.values()}
_RUNS = 100
_ENDED = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


class Cursor(BaseModel):
    """What a sensor has done.

    Attributes:
        files: files of landing as last seen.
        asked: event -> fingerprint for which a refresh was asked.
        told: event -> fingerprint of which a person was told.
        key: key of the last refresh asked for.
    """

    model_config = ConfigDict(extra="forbid")

    files: dict[str, Seen] = {}
    asked: dict[str, str] = {}
    told: dict[str, str] = {}
    key: str = ""


def read_cursor(text: str | None) -> Cursor:
    """Return a cursor from its text; a first or unreadable one is empty: events are then seen again."""
    try:
        return Cursor.model_validate_json(text or "{}")
    except ValidationError:
        return Cursor()


def request(cursor: Cursor, events: Mapping[str, str], trigger: str) -> dg.RunRequest:
    """Return the one refresh that several events ask for, and note it in the cursor."""
    content = json.dumps([cursor.key, sorted(events.items())])
    cursor.key = hashlib.sha256(content.encode()).hexdigest()[:32]
    cursor.asked |= events
    names = ", ".join(sorted(events))
    occasion = f"{trigger} : {names if len(names) <= 120 else f'{len(events)} sources'}"
    return dg.RunRequest(run_key=cursor.key, tags=refresh_tags(occasion, trigger))


def published_files(paths: DataPaths) -> dict[str, str]:
    """Return the files of the edition in place, « source/vintage » -> fingerprint; empty without one."""
    if FILES.qualified_name not in published_tables(paths):
        return {}
    files = read_table(paths, FILES.qualified_name).select("source", "vintage", "sha256")
    return {f"{source}/{vintage}": sha256 for source, vintage, sha256 in files.iter_rows()}


@dg.sensor(
    job=yearly_refresh,
    minimum_interval_seconds=60,
    default_status=_STATUS,
    description="Fichiers déposés dans data/landing : entiers, ils demandent un rafraîchissement.",
)
def landing(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Ask for one refresh for all that was dropped whole, and tell what a person must do about the rest."""
    paths, cursor = data_paths(), read_cursor(context.cursor)
    cursor.files = look(paths.landing, cursor.files)
    growing = [name for name, seen in cursor.files.items() if seen.sha256 is None]
    whole = {name: seen.sha256 for name, seen in cursor.files.items() if seen.sha256 is not None}
    used = published_files(paths) if whole else {}
    new, waiting = {}, {}
    for name, sha256 in whole.items():
        place, _, file = name.rpartition("/")
        if _is_known(place) and file:
            if sha256 not in (cursor.asked.get(place), used.get(place)):
                new[place] = sha256
        elif cursor.told.get(name) != sha256:
            waiting[name] = sha256
    for name, sha256 in waiting.items():
        if tell(_of_dropped(name), context.log):
            cursor.told[name] = sha256
    requests = [request(cursor, new, "landing")] if new and not growing else []
    # What was taken away may come back, and is then an event again.
    places = {name.rpartition("/")[0] for name in cursor.files}
    cursor.asked = {name: sha256 for name, sha256 in cursor.asked.items() if name in places}
    cursor.told = {name: sha256 for name, sha256 in cursor.told.items() if name in cursor.files}
    reason = f"{len(growing)} fichier(s) en cours de dépôt." if growing else "Rien de nouveau."
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else reason,
        cursor=cursor.model_dump_json(),
    )


@dg.sensor(
    job=yearly_refresh,
    minimum_interval_seconds=3600,
    default_status=_STATUS,
    description="Millésime annoncé au catalogue, ou contenu pris qui n’est pas celui de l’édition.",
)
def sources(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Ask for one refresh for all the vintages and contents that the edition in place does not have."""
    paths, cursor = data_paths(), read_cursor(context.cursor)
    used = published_files(paths)
    if not used:
        return dg.SensorResult(skip_reason="Aucune édition n’est publiée : lancez « observatory run ».")
    new = {}
    for name, sha256 in _kept(paths):
        # Content of an announced vintage, once it comes, is the same event.
        if cursor.asked.get(name) == "":
            cursor.asked[name] = sha256
        if name not in used or (sha256 and sha256 != used[name]):
            if cursor.asked.get(name) != sha256:
                new[name] = sha256
        else:
            cursor.asked.pop(name, None)
    requests = [request(cursor, new, "sources")] if new else []
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else "Rien de nouveau.",
        cursor=cursor.model_dump_json(),
    )


@dg.sensor(
    minimum_interval_seconds=120,
    default_status=_STATUS,
    description="Rafraîchissements et contrôles des sources qui ont échoué : une alerte chacun.",
)
def failures(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Tell each failed run once, even one that was killed; those before the first look are past.

    The runs within a refresh that was killed are ended too, so that the next one gets its turn.
    """
    end_orphans(context.instance, data_paths())
    told = set(json.loads(context.cursor)) if context.cursor else None
    runs = [
        run
        for job in JOBS
        for run in context.instance.get_runs(dg.RunsFilter(job_name=job.name, statuses=_ENDED), limit=_RUNS)
    ]
    if told is None:
        told = {run.run_id for run in runs}
    for run in runs:
        if run.run_id not in told and tell(_of_failed(context.instance, run), context.log):
            told.add(run.run_id)
    kept = sorted(told & {run.run_id for run in runs})
    return dg.SensorResult(skip_reason="Aucun traitement n’est demandé.", cursor=json.dumps(kept))


def _is_known(place: str) -> bool:
    source, _, vintage = place.partition("/")
    known = file_sources()
    return source in known and vintage in known[source].vintages


def _kept(paths: DataPaths) -> Iterable[tuple[str, str]]:
    """Yield the vintages on offer, with the fingerprint of what is kept, empty without; not dropped files."""
    for source, vintage in offered(paths, current_mode()):
        folder = paths.landing / source.id / vintage
        if folder.is_dir() and any(folder.iterdir()):
            continue
        snapshot = latest(paths.snapshots, source.id, vintage)
        yield f"{source.id}/{vintage}", snapshot.sha256 if snapshot else ""


def _of_dropped(name: str) -> Alert:
    first = name.split("/", maxsplit=1)[0]
    if first in _CONFIDENTIAL:
        # The name of a confidential file is its producer's, and may say too much.
        return Alert(
            "information",
            "Une livraison confidentielle attend d’être prise.",
            f"data/landing/{first}/",
            "une livraison déposée n’entre pas d’elle-même : lancez « observatory intake », puis "
            "retirez le fichier.",
        )
    return Alert(
        "information",
        "Un fichier est déposé là où rien ne sera pris.",
        f"data/landing/{name}",
        "rangez-le dans data/landing/<source>/<millésime>/ ; un millésime nouveau demande d’abord une entrée "
        "au catalogue des sources.",
    )


def _of_failed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Alert:
    where = f"{run.job_name}, traitement {run.run_id}"
    remedy = "lisez le journal du traitement dans l’interface, puis relancez."
    for record in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        data = record.get_dagster_event().step_failure_data
        if data.user_failure_data is not None and data.user_failure_data.description:
            said = {name: str(value.value) for name, value in data.user_failure_data.metadata.items()}
            return Alert(
                "échec",
                data.user_failure_data.description,
                said.get(WHERE, where),
                said.get(REMEDY, remedy),
            )
        # Not written for a reader, an unforeseen error may quote what it was reading.
        error = data.error.cause or data.error if data.error else None
        name = error.cls_name if error else "erreur"
        return Alert("échec", f"Erreur imprévue ({name}). Rien n’est publié.", where, remedy)
    word = "interrompu" if run.status == dg.DagsterRunStatus.CANCELED else "arrêté sans un mot"
    return Alert("échec", f"Le traitement s’est {word}. Rien n’en est publié.", where, remedy)


SENSORS = [landing, sources, failures]
