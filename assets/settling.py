"""Which confidential sources are real in this process: those taken by ``observatory intake``, settled once.

Belongs here: from the store to the cards of the catalogue, and whether that still holds.
Does not: the deliveries themselves (``raw.deliveries``).

A figure is real when all its sources are, and marked as fictive otherwise: a source that turned real, or
back, between two assets of a run or two runs of parts of the chain, would make that mark lie.
"""

from observatory.errors import ObservatoryError
from observatory.intake.mappings import get_mapping
from observatory.intake.store import folder_of, read_manifest
from observatory.paths import DataPaths
from observatory.sources.catalogue import get_source, load_catalogue, use_delivered

PRODUCERS = {"maisons_et_cites": "maisons-et-cites", "sia_habitat": "sia-habitat", "angdm": "angdm"}
"""Source of the catalogue -> producer of the deliveries."""


class ChangedDeliveriesError(ObservatoryError):
    """The store no longer holds what this process settled on."""


def real_deliveries(paths: DataPaths) -> list[str]:
    """Return the sources that have a real delivery for each of their vintages."""
    return [
        source_id
        for source_id, producer in PRODUCERS.items()
        if all(
            (taken := read_manifest(folder_of(paths, producer, int(vintage)))) is not None
            and not taken.fictive
            for vintage in load_catalogue()[source_id].vintages
        )
    ]


def settled_deliveries() -> list[str]:
    """Return the sources that are real in this process."""
    return [source_id for source_id in PRODUCERS if not get_source(source_id).fictive]


def settle_deliveries(paths: DataPaths) -> list[str]:
    """Use the real deliveries of the store; return their sources."""
    real = real_deliveries(paths)
    use_delivered(real)
    return real


def check_settled(paths: DataPaths) -> None:
    """Check that the store still holds what this process settled on. The store's lock is held.

    Raises:
        ChangedDeliveriesError: a real delivery came or went meanwhile.
    """
    changed = sorted(set(real_deliveries(paths)) ^ set(settled_deliveries()))
    if changed:
        names = ", ".join(get_mapping(PRODUCERS[source_id]).name for source_id in changed)
        raise ChangedDeliveriesError(
            f"Les livraisons réelles ont changé depuis l’ouverture de l’interface ({names}). Fermez-la, "
            "lancez « observatory run », qui refait toute l’édition, puis rouvrez-la par « observatory dev »."
        )
