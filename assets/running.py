"""The whole refresh from a terminal: several Dagster runs, one session, one publication."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import dagster as dg
import polars as pl
from dagster import DagsterInstance

from assets.building import NOTICE, WARNING
from assets.checks import BROKEN, CHECKS_TABLE
from assets.definitions import RAW, defs, ingest_name, refresh, refresh_tables
from assets.instance import WITHIN, prepare_instance
from assets.perimeter import check_pages
from assets.publishing import check_tables_alone, publish
from assets.raw.files import ALLOW_STALE, SNAPSHOTS, asset_name, table_name
from assets.settling import PRODUCERS, settle_deliveries
from assets.storage import SESSION, WarehouseIOManager
from observatory.disk import FULL, says_full
from observatory.errors import ObservatoryError
from observatory.intake.store import locked
from observatory.paths import DataPaths, data_paths
from observatory.sessions import Session
from observatory.sources.catalogue import get_source
from observatory.sources.continuity import deliveries_changed, losses
from observatory.sources.default_sample import write_default_sample
from observatory.sources.obtaining import current_mode, file_sources, lacking, offered
from observatory.tables import FILES
from observatory.warehouse import published_tables, read_table

PARTITION_RANGE_START = "dagster/asset_partition_range_start"
PARTITION_RANGE_END = "dagster/asset_partition_range_end"
_REFUSED = (
    "contrôle bloquant, règles enfreintes :\n{}\n  Que faire : corriger le fichier ou la table de référence "
    "d’où viennent ces lignes, puis relancer."
)
SITE, EDITIONS = dg.AssetKey("published_all__site"), dg.AssetKey("published_partners__editions")


class RunFailedError(ObservatoryError):
    """A run failed: nothing was published.

    Attributes:
        public: what may leave the machine: the message without that of unforeseen errors, which may quote
            what was being read.
    """

    def __init__(self, message: str, public: str | None = None) -> None:
        super().__init__(message)
        self.public = public if public is not None else message


class DegradedRunError(RunFailedError):
    """A strict run would have published less than the edition in place, or with a warning."""


@dataclass(frozen=True)
class Outcome:
    """What a refresh did.

    Attributes:
        sources: title of each source and its vintages.
        checks: number of rules evaluated.
        checks_passed: number of rules kept.
        pages: number of pages written; None where only tables were made.
        editions: number of editions of partners.
        warnings: what the analyst must know of the sources, in French.
        notices: contents that changed at their address, in French.
        held_until: end of the embargo that the edition waits for; None where it is published.
    """

    sources: list[tuple[str, str]]
    checks: int
    checks_passed: int
    pages: int | None
    editions: int
    warnings: list[str]
    notices: list[str]
    held_until: datetime | None


def run_everything(
    say: Callable[[str], None],
    *,
    allow_stale: bool = False,
    strict: bool = False,
    tables_alone: bool = False,
    tags: Mapping[str, str] | None = None,
) -> Outcome:
    """Run sources, tables, indicators and site, then publish them together, or hold them under embargo.

    Args:
        say: where progress is told.
        allow_stale: whether the last snapshot of a source stands in when it cannot be had, or the run does
            without; the outcome then says so. Otherwise the run fails.
        strict: whether nothing is published where a warning is to be given, or the edition in place had more.
        tables_alone: whether tables, indicators and typology are made and published, and neither the site nor
            the editions of partners.
        tags: tags of every Dagster run of this refresh.

    Raises:
        WithoutPagesError: the perimeter has no site, and tables alone were not asked for.
        TablesAloneError: tables alone would not stand with what is published, or is to be.
        RunFailedError: a step or a blocking check failed; of the class ``DegradedRunError`` when ``strict``
            refuses.
        WarehouseBusyError: another session is writing.
    """
    if not tables_alone:
        check_pages()
    paths = data_paths()
    home = prepare_instance()
    with (
        Session(paths, str(uuid4())) as session,
        # No delivery comes or goes during a run.
        locked(paths),
        DagsterInstance.from_config(str(home)) as instance,
    ):
        if tables_alone:
            check_tables_alone(paths)
        mode = current_mode()
        absent = [
            f"{source.title}, {vintage} : absente, l’édition se fait sans elle."
            for source, vintage in lacking(paths, mode)
        ]
        warnings: list[str] = []
        notices: list[str] = []
        marks = {**(tags or {}), WITHIN: session.folder.name}
        real = settle_deliveries(paths)
        if len(real) < len(PRODUCERS):
            say("Livraisons fictives des bailleurs et de l’ANGDM")
            write_default_sample(paths)
        if real:
            say(f"Livraisons réelles : {', '.join(get_source(source_id).title for source_id in real)}")
        for asset in RAW:
            if asset.partitions_def is None:
                raise RunFailedError(f"L’actif {asset.key.to_user_string()} n’a pas de millésimes.")
            vintages = asset.partitions_def.get_partition_keys()
            range_of = {PARTITION_RANGE_START: vintages[0], PARTITION_RANGE_END: vintages[-1]}
            _execute(ingest_name(asset.key), session, instance, marks | range_of)
        # Snapshots of an earlier mode are no part of this run.
        for source_id in file_sources():
            session.write(table_name(source_id), pl.DataFrame(schema=SNAPSHOTS))
        for source, vintage in offered(paths, mode):
            key = dg.AssetKey(asset_name(source.id))
            range_of = {
                PARTITION_RANGE_START: vintage,
                PARTITION_RANGE_END: vintage,
                ALLOW_STALE: str(allow_stale),
            }
            result = _execute(ingest_name(key), session, instance, marks | range_of)
            warnings += _said(result, WARNING)
            notices += _said(result, NOTICE)
        job = refresh_tables if tables_alone else refresh
        result = _execute(job.name, session, instance, marks)
        warnings += _said(result, WARNING)
        checks = session.read(CHECKS_TABLE)
        files = session.read(FILES.qualified_name)
        if strict:
            _refuse_degraded(paths, files, absent, warnings)
        held_until = publish(session)
    sources: dict[str, list[str]] = {}
    for title, vintage in files.select("title", "vintage").unique().sort("title", "vintage").iter_rows():
        sources.setdefault(title, []).append(vintage)
    return Outcome(
        [(title, ", ".join(vintages)) for title, vintages in sources.items()],
        checks.height,
        int(checks["passed"].sum()),
        None if tables_alone else _told(result, SITE, "pages"),
        0 if tables_alone else _told(result, EDITIONS, "éditions"),
        absent + warnings,
        notices,
        held_until,
    )


def _refuse_degraded(paths: DataPaths, files: pl.DataFrame, absent: list[str], warnings: list[str]) -> None:
    """Refuse an edition that is not whole.

    A vintage that the edition in place lacks too was accepted by whoever published it.

    Raises:
        DegradedRunError: with every reason.
    """
    reasons = list(warnings)
    if FILES.qualified_name in published_tables(paths):
        before = read_table(paths, FILES.qualified_name)
        reasons += losses(before, files) + deliveries_changed(before, files, list(PRODUCERS))
    else:
        reasons += absent
    if reasons:
        raise DegradedRunError(
            "L’édition serait dégradée ; rien n’est publié, l’édition précédente reste en place.\n"
            + "\n".join(f"- {reason}" for reason in reasons)
        )


def _execute(
    job: str, session: Session, instance: DagsterInstance, tags: dict[str, str]
) -> dg.ExecuteInProcessResult:
    result = defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        tags=tags,
        raise_on_error=False,
        resources={SESSION: session, "io_manager": WarehouseIOManager(session)},
        run_config={"loggers": {"progress": {}}},
    )
    if not result.success:
        raise _failed(result)
    return result


def _told(result: dg.ExecuteInProcessResult, key: dg.AssetKey, name: str) -> int:
    """Return a number that an asset gives as metadata.

    Raises:
        RunFailedError: it is no number.
    """
    (found,) = [
        event.materialization.metadata[name].value
        for event in result.get_asset_materialization_events()
        if event.asset_key == key
    ]
    if not isinstance(found, int):
        raise RunFailedError(f"L’actif {key.to_user_string()} ne dit pas de nombre pour « {name} » : {found}")
    return found


def _said(result: dg.ExecuteInProcessResult, name: str) -> list[str]:
    return [
        str(event.materialization.metadata[name].value)
        for event in result.get_asset_materialization_events()
        if name in event.materialization.metadata
    ]


def _failed(result: dg.ExecuteInProcessResult) -> RunFailedError:
    """Say in French which steps failed and why."""
    broken = {
        f"{check.asset_key.to_user_string()}_{check.check_name}": str(check.metadata[BROKEN].value)
        for check in result.get_asset_check_evaluations()
        if not check.passed and BROKEN in check.metadata
    }
    foreseen = {each.__name__ for each in _descendants(ObservatoryError)} | {dg.Failure.__name__}
    lines, public = [], []
    for event in result.all_events:
        if not event.is_step_failure:
            continue
        error = event.step_failure_data.error
        cause = error.cause if error and error.cause else error
        while cause and cause.cls_name == dg.RetryRequested.__name__ and cause.cause:
            cause = cause.cause
        said = cause.message.strip() if cause else "sans détail"
        known = cause is not None and cause.cls_name in foreseen
        if event.step_key in broken:
            said, known = _REFUSED.format(broken[event.step_key]), True
        elif says_full(said):
            said, known = FULL, True
        elif known:
            # Dagster writes the name of the class before the sentence.
            said = re.sub(r"^[\w.]+: ", "", said)
        lines.append(f"- {event.step_key} : {said}")
        told = said if known else "erreur imprévue, voir le journal"
        public.append(f"- {event.step_key} : {told}")
    first = "Le traitement a échoué ; rien n’est publié, l’édition précédente reste en place."
    return RunFailedError("\n".join([first, *lines]), "\n".join([first, *public]))


def _descendants(kind: type[Exception]) -> Iterator[type[Exception]]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)
