"""Purging deliveries: accepted rows, quarantine and reports, and the copies that runs made of them.

Belongs here: what is to go, its going, its mention in the journal. Does not: how long a delivery is kept
(``contracts``).
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from observatory.intake.store import REFUSED, locked, read_manifest, remove_folder, write_journal
from observatory.paths import DataPaths
from observatory.sessions import Session


@dataclass(frozen=True)
class Held:
    """A folder of the store.

    Attributes:
        folder: where it is.
        producer: who delivered.
        vintage: year that it describes.
        taken: false for the report of a refused delivery.
        rows: accepted and quarantined rows.
        since: day of its last file; None for a report.
        expires: day from which it is to be purged; None for a report.
        fictive: whether it is generated; None for a report.
    """

    folder: Path
    producer: str
    vintage: int
    taken: bool
    rows: int
    since: date | None
    expires: date | None
    fictive: bool | None


def held(
    paths: DataPaths, producer: str | None = None, vintage: int | None = None, before: date | None = None
) -> list[Held]:
    """Return the folders of the store, those that are asked for.

    Args:
        paths: data folders.
        producer: only those of this producer.
        vintage: only those of this year.
        before: only those whose last file was taken before this day, and every report of a refusal.
    """
    found = []
    for folder in sorted(paths.confidential.glob("*/[0-9]*")):
        one = _held(folder)
        if (
            producer in (None, one.producer)
            and vintage in (None, one.vintage)
            and (before is None or one.since is None or one.since < before)
        ):
            found.append(one)
    return found


def purge(paths: DataPaths, chosen: Sequence[Held], now: datetime, by: str) -> bool:
    """Delete folders of the store for good, and what a run made of them for few eyes.

    That is the database of individual rows, the partners' editions and an edition under embargo. They are
    whole or gone: the next run makes them again from what is left.

    Returns:
        Whether there was such a database.

    Raises:
        StoreBusyError: an intake is at work.
        WarehouseBusyError: a run is at work.
    """
    with locked(paths):
        copied = paths.confidential_database.exists() and any(one.taken for one in chosen)
        if copied:
            # The writer's lock: no run may be copying the database meanwhile.
            with Session(paths, "purge", public=False) as session:
                paths.confidential_database.unlink()
                if paths.partners.exists():
                    # Gone at once: whoever serves an edition meanwhile has all of it, or nothing.
                    paths.partners.rename(session.partners)
                    shutil.rmtree(session.partners)
                if paths.under_embargo.exists():
                    shutil.rmtree(paths.under_embargo)
        for one in chosen:
            remove_folder(one.folder)
            write_journal(paths, _entry(one, now, by))
    return copied


def _held(folder: Path) -> Held:
    manifest = read_manifest(folder)
    name = folder.name.removesuffix(REFUSED)
    if manifest is None:
        return Held(folder, folder.parent.name, int(name), False, 0, None, None, None)
    return Held(
        folder,
        manifest.producer,
        manifest.vintage,
        True,
        manifest.delivered,
        manifest.last.at.date(),
        manifest.expires,
        manifest.fictive,
    )


def _entry(one: Held, now: datetime, by: str) -> Mapping[str, object]:
    return {
        "at": now.isoformat(),
        "by": by,
        "what": "purge",
        "producer": one.producer,
        "vintage": one.vintage,
        "taken": one.taken,
        "rows": one.rows,
    }
