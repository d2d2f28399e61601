"""The whole refresh from a terminal: several Dagster runs, one session, one publication."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import dagster as dg
import polars as pl
import yaml
from dagster import DagsterInstance

from assets.checks import CHECKS_TABLE
from assets.definitions import RAW, defs, ingest_name, refresh
from assets.raw.files import ALLOW_STALE, SNAPSHOTS, WARNING, asset_name, table_name
from assets.settling import PRODUCERS, settle_deliveries
from assets.storage import SESSION, WarehouseIOManager
from observatory.errors import ObservatoryError
from observatory.files import write_atomic
from observatory.intake.store import locked
from observatory.paths import data_paths
from observatory.rendering.imprint import CARD, read_imprint
from observatory.sources.catalogue import get_source
from observatory.sources.default_sample import write_default_sample
from observatory.sources.obtaining import current_mode, file_sources, lacking, offered
from observatory.warehouse import Session

PARTITION_RANGE_START = "dagster/asset_partition_range_start"
PARTITION_RANGE_END = "dagster/asset_partition_range_end"
SITE, EDITIONS = dg.AssetKey("published_all__site"), dg.AssetKey("published_partners__editions")

# One run at a time: DuckDB has one writer. The queue belongs to the daemon that `dagster dev` starts.
INSTANCE = {
    "telemetry": {"enabled": False},
    "nux": {"enabled": False},
    "concurrency": {"runs": {"max_concurrent_runs": 1}},
}


class RunFailedError(ObservatoryError):
    """A run failed: nothing was published."""


@dataclass(frozen=True)
class Outcome:
    """What a refresh did.

    Attributes:
        sources: title of each source and its vintages.
        checks: number of rules evaluated.
        checks_passed: number of rules kept.
        pages: number of pages written.
        editions: number of editions of partners.
        warnings: what the analyst must know of the sources, in French.
    """

    sources: list[tuple[str, str]]
    checks: int
    checks_passed: int
    pages: int
    editions: int
    warnings: list[str]


def prepare_instance() -> Path:
    """Return Dagster's home, with its configuration written."""
    home = data_paths().dagster
    write_atomic(home / "dagster.yaml", yaml.safe_dump(INSTANCE).encode())
    return home


def run_everything(say: Callable[[str], None], *, allow_stale: bool = False) -> Outcome:
    """Run sources, tables, indicators and site, then publish them together.

    Args:
        say: where progress is told.
        allow_stale: whether the last snapshot of a source stands in when it cannot be had, or the run does
            without; the outcome then says so. Otherwise the run fails.

    Raises:
        RunFailedError: a step or a blocking check failed.
        WarehouseBusyError: another session is writing.
    """
    paths = data_paths()
    home = prepare_instance()
    with (
        Session(paths, str(uuid4())) as session,
        # No delivery comes or goes during a run.
        locked(paths),
        DagsterInstance.from_config(str(home)) as instance,
    ):
        mode = current_mode()
        warnings = [
            f"{source.title}, {vintage} : absente, l’édition se fait sans elle."
            for source, vintage in lacking(paths, mode)
        ]
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
            tags = {PARTITION_RANGE_START: vintages[0], PARTITION_RANGE_END: vintages[-1]}
            _execute(ingest_name(asset.key), session, instance, tags)
        # Snapshots of an earlier mode are no part of this run.
        for source_id in file_sources():
            session.write(table_name(source_id), pl.DataFrame(schema=SNAPSHOTS))
        for source, vintage in offered(paths, mode):
            key = dg.AssetKey(asset_name(source.id))
            tags = {
                PARTITION_RANGE_START: vintage,
                PARTITION_RANGE_END: vintage,
                ALLOW_STALE: str(allow_stale),
            }
            result = _execute(ingest_name(key), session, instance, tags)
            warnings += _warnings(result)
        result = _execute(refresh.name, session, instance, {})
        checks = session.read(CHECKS_TABLE)
        files = session.read("core.files")
        session.commit(read_imprint(paths.reference / CARD).release)
    sources: dict[str, list[str]] = {}
    for title, vintage in files.select("title", "vintage").unique().sort("title", "vintage").iter_rows():
        sources.setdefault(title, []).append(vintage)
    return Outcome(
        [(title, ", ".join(vintages)) for title, vintages in sources.items()],
        checks.height,
        int(checks["passed"].sum()),
        _told(result, SITE, "pages"),
        _told(result, EDITIONS, "éditions"),
        warnings,
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
        raise RunFailedError(_explained(result))
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


def _warnings(result: dg.ExecuteInProcessResult) -> list[str]:
    return [
        str(event.materialization.metadata[WARNING].value)
        for event in result.get_asset_materialization_events()
        if WARNING in event.materialization.metadata
    ]


def _explained(result: dg.ExecuteInProcessResult) -> str:
    """Say in French which steps failed and why."""
    lines = []
    for event in result.all_events:
        if not event.is_step_failure:
            continue
        error = event.step_failure_data.error
        cause = error.cause if error and error.cause else error
        lines.append(f"- {event.step_key} : {cause.message.strip() if cause else 'sans détail'}")
    return "Le traitement a échoué ; rien n’est publié, l’édition précédente reste en place.\n" + "\n".join(
        lines
    )
