"""File sources: one partition per vintage, each kept as a verified snapshot."""

import dagster as dg
import polars as pl

from assets.building import NOTICE, WARNING, table_asset
from assets.partitions import vintages_of
from assets.storage import PARTITION_COLUMN
from observatory.paths import data_paths
from observatory.sources.catalogue import Source
from observatory.sources.fetching import FetchError
from observatory.sources.obtaining import MODE_VARIABLE, current_mode, file_sources, is_offered, obtain
from observatory.sources.resolution import Resolved, UnavailableError
from observatory.tables import FILES

PATH_COLUMN = "path"
ALLOW_STALE = "observatory/allow_stale"
PATIENT = "observatory/patient"
"""Tag of a run that nobody watches: a source that may answer later is asked again, minutes later."""
_RETRIES, _WAIT = 3, 300
SNAPSHOTS = {**FILES.polars_schema, PATH_COLUMN: pl.String, PARTITION_COLUMN: pl.String}
"""Rows of ``core.files``, with the snapshot's path under the data folder and the partition."""


def table_name(source_id: str) -> str:
    """Return the table that lists the snapshots of a source."""
    return f"raw.{source_id}_snapshots"


def asset_name(source_id: str) -> str:
    """Return the asset that fills it."""
    return f"raw_{source_id}__snapshots"


def _snapshots(source: Source) -> dg.AssetsDefinition:
    @table_asset(
        asset_name(source.id),
        table_name(source.id),
        group="raw",
        kinds={"file"},
        description=f"{source.title} : les fichiers tels quels. Producteur : {source.producer}.",
        partitions_def=vintages_of(source.id),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def snapshots(context: dg.AssetExecutionContext) -> pl.DataFrame:
        paths, mode = data_paths(), current_mode()
        allow_stale = context.run.tags.get(ALLOW_STALE) == str(True)
        rows, warnings, notices = [], [], []
        for vintage in context.partition_keys:
            name = f"{source.title}, {vintage}"
            if not (allow_stale or is_offered(source, vintage, paths, mode)):
                warnings.append(
                    f"{name} : rien à prendre. Déposez le fichier dans data/landing, ou donnez un miroir "
                    f"ou le réseau par {MODE_VARIABLE}."
                )
                continue
            try:
                resolved = obtain(source, vintage, paths, mode, allow_stale=allow_stale)
            except UnavailableError as error:
                warnings.append(f"{name} : l’édition se fait sans elle. {error}")
                continue
            except FetchError as error:
                if error.transient and PATIENT in context.run.tags:
                    raise dg.RetryRequested(_RETRIES, _WAIT) from error
                raise
            rows.append(_row(source, vintage, resolved))
            if resolved.stale:
                warnings.append(f"{name} : fichier d’un passage antérieur. {resolved.reason}")
            if resolved.changed:
                notices.append(f"{name} : le contenu a changé à la même adresse ({resolved.origin}).")
        for message in warnings:
            context.log.warning(message)
        for message in notices:
            context.log.info(message)
        told = {WARNING: warnings, NOTICE: notices}
        context.add_output_metadata({kind: "\n".join(texts) for kind, texts in told.items() if texts})
        return pl.DataFrame(rows, schema=SNAPSHOTS)

    return snapshots


def _row(source: Source, vintage: str, resolved: Resolved) -> dict[str, object]:
    snapshot = resolved.snapshot
    return {
        "file_id": source.file_id(vintage, "data"),
        "source": source.id,
        "title": source.title,
        "producer": source.producer,
        "vintage": vintage,
        "sha256": snapshot.sha256,
        "url": snapshot.first.origin,
        "licence": source.licence,
        "fetched_at": snapshot.first.at.date(),
        "fictive": source.fictive,
        PATH_COLUMN: str(snapshot.path.relative_to(data_paths().root)),
        PARTITION_COLUMN: vintage,
    }


SNAPSHOT_ASSETS = [_snapshots(source) for source in file_sources().values()]
