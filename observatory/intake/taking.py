"""Taking a delivery: sorted, weighed against the thresholds, stored with its report; or refused, and said.

Belongs here: the order of the steps and what each outcome leaves. Does not: the steps themselves.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import polars as pl

from observatory.errors import InputError, ObservatoryError
from observatory.files import sha256_file
from observatory.intake.contracts import DeliveryContract
from observatory.intake.corrections import correct
from observatory.intake.deliveries import contract_of, sort_file
from observatory.intake.identifiers import HashKey, HashKeyError, hash_key
from observatory.intake.mappings import get_mapping
from observatory.intake.places import Places, read_confirmations
from observatory.intake.report import Report, report_files
from observatory.intake.rules import RULES
from observatory.intake.sorting import Delivery, count_rules
from observatory.intake.store import (
    CONFIRMATIONS,
    REFUSED,
    REPORT_HTML,
    Event,
    Manifest,
    State,
    account,
    folder_of,
    locked,
    read_state,
    remove_folder,
    replace_folder,
    write_journal,
)
from observatory.paths import DataPaths
from observatory.sources.cites import read_cites
from observatory.sources.embedded import read_embedded
from observatory.sources.extracts import parse_perimeters
from observatory.tables import CITE_HERITAGE, PERIMETER_COMMUNES
from observatory.territories import WIDE
from observatory.warehouse import published_tables, read_table


class IntakeError(ObservatoryError):
    """A delivery cannot be taken as it is asked."""


@dataclass(frozen=True)
class Outcome:
    """What became of a delivered file; no value of it.

    Attributes:
        taken: whether the delivery is in place.
        repeated: whether it already was, so that nothing was written.
        delivered: rows of the delivery.
        accepted: those accepted.
        rules: those quarantined, by first broken rule.
        refusals: why it is not taken, in French.
        idle: corrections that are for no quarantined row.
        labels: names of cités to confirm.
        fictive: whether it is generated.
        report: the report.
    """

    taken: bool
    repeated: bool
    delivered: int
    accepted: int
    rules: dict[str, int]
    refusals: tuple[str, ...]
    idle: int
    labels: int
    fictive: bool
    report: Path


@dataclass(frozen=True)
class Request:
    """What is to be taken.

    Attributes:
        path: the file.
        producer: who delivers.
        vintage: year that it describes.
        corrections: whether its rows correct a delivery already taken.
    """

    path: Path = field(repr=False)
    producer: str
    vintage: int
    corrections: bool = False


def known_places(paths: DataPaths) -> Places:
    """Return what rows are placed by: shipped tables, published contours, confirmed spellings.

    Raises:
        InputError: a table is absent or altered, or a confirmation is wrong.
    """
    cites = read_cites(paths.reference / "cites.csv")
    codes = set(parse_perimeters(read_embedded(paths.embedded / "perimetres.csv"))["commune_code"])
    published = published_tables(paths)
    if PERIMETER_COMMUNES.qualified_name in published:
        communes = read_table(paths, PERIMETER_COMMUNES.qualified_name)
        codes |= set(communes.filter(~pl.col("perimeter").is_in(WIDE))["commune_code"])
    confirmed = read_confirmations(paths.confidential / CONFIRMATIONS, cites)
    places = Places(cites, frozenset(codes), confirmed)
    if CITE_HERITAGE.qualified_name in published:
        return replace(
            places, contours=read_table(paths, CITE_HERITAGE.qualified_name).select("slug", "geometry")
        )
    return places


def take(
    request: Request, places: Places, paths: DataPaths, now: datetime, environment: Mapping[str, str]
) -> Outcome:
    """Take a delivered file, or refuse it.

    Args:
        request: what is to be taken.
        places: what rows are placed by.
        paths: data folders.
        now: time, kept in the history.
        environment: where the key of identifiers is.

    Raises:
        InputError: the file as a whole cannot be read, or has no row.
        HashKeyError: the key is absent, too short, or not that of the delivery to correct.
        IntakeError: the file would replace a real delivery by a generated one or the contrary, or corrects a
            delivery that was never taken; or an unforeseen error, told without its message.
        StoreBusyError: another intake is at work.
        UnknownProducerError: the producer has no mapping.
    """
    try:
        with locked(paths):
            return _take(request, places, paths, now, environment)
    except ObservatoryError:
        raise
    except Exception as error:
        # The message and the chain of an unforeseen error may quote delivered values.
        raise IntakeError(
            f"L’entrée s’est arrêtée sur une erreur imprévue ({type(error).__name__}) ; rien n’a été changé. "
            "Signaler ce nom d’erreur et la forme du fichier, sans son contenu."
        ) from None


def _take(
    request: Request, places: Places, paths: DataPaths, now: datetime, environment: Mapping[str, str]
) -> Outcome:
    contract = contract_of(request.producer)
    delivery = sort_file(request.path, request.producer, request.vintage, places)
    if delivery.delivered == 0:
        raise InputError(request.path.name, "le fichier n’a aucune ligne.", "livrer au moins une ligne.")
    key = hash_key(fictive=delivery.fictive, environment=environment)
    folder = folder_of(paths, request.producer, request.vintage)
    former = read_state(folder)
    _check_former(request, former, delivery, key)
    inputs = _inputs(request, places, key)
    if former is not None and any(event.inputs == inputs for event in former.manifest.history):
        return _outcome(folder, former, repeated=True)
    refusals = () if request.corrections else _refusals(delivery, contract)
    if refusals:
        report = _report(request, contract, delivery, refusals)
        refused = folder.with_name(f"{folder.name}{REFUSED}")
        replace_folder(refused, report_files(report))
        _log(paths, request, now, "refusal", delivery.delivered, delivery.accepted.height)
        return Outcome(
            False,
            False,
            delivery.delivered,
            delivery.accepted.height,
            delivery.by_rule,
            refusals,
            0,
            delivery.labels.height,
            delivery.fictive,
            refused / REPORT_HTML,
        )
    return _store(
        request,
        contract,
        _fingerprinted(delivery, contract, request.producer, key),
        former,
        paths,
        now,
        key,
        inputs,
    )


def _check_former(request: Request, former: State | None, delivery: Delivery, key: HashKey) -> None:
    if former is None:
        if request.corrections:
            raise IntakeError(
                "Il n’y a pas de livraison à corriger pour ce producteur et ce millésime. Livrer d’abord le "
                "fichier entier, sans --corrections."
            )
        return
    if former.manifest.fictive != delivery.fictive:
        kinds = ("réelle", "fictive") if delivery.fictive else ("fictive", "réelle")
        raise IntakeError(
            f"Une livraison {kinds[0]} est en place ; celle-ci est {kinds[1]}. Purger d’abord la première "
            "(observatory purge)."
        )
    if request.corrections and former.manifest.key != key.fingerprint:
        raise HashKeyError(
            "La clé des identifiants n’est pas celle de la livraison à corriger. Reprendre la même clé."
        )


def _refusals(delivery: Delivery, contract: DeliveryContract) -> tuple[str, ...]:
    limits, refusals = contract.thresholds, []
    share = delivery.quarantine.height / delivery.delivered
    if share > limits.quarantined_share:
        shown, limit = (f"{one * 100:.1f}".replace(".", ",") for one in (share, limits.quarantined_share))
        refusals.append(
            f"{shown} % des lignes sont en quarantaine, pour {limit} % admis. {limits.share_reason}"
        )
    for rule in limits.blocking:
        if rule in set(delivery.faults["rule"]):
            refusals.append(f"Règle enfreinte : {RULES[rule]}. {limits.blocking_reason}")
    return tuple(refusals)


def _fingerprinted(delivery: Delivery, contract: DeliveryContract, producer: str, key: HashKey) -> Delivery:
    name = contract.identifier.column
    return replace(
        delivery,
        accepted=delivery.accepted.with_columns(key.of_all(producer, delivery.accepted[name])),
        quarantine=delivery.quarantine.with_columns(key.of_all(producer, delivery.quarantine["identifier"])),
    )


def _store(
    request: Request,
    contract: DeliveryContract,
    delivery: Delivery,
    former: State | None,
    paths: DataPaths,
    now: datetime,
    key: HashKey,
    inputs: str,
) -> Outcome:
    accepted, quarantine, faults = delivery.accepted, delivery.quarantine, delivery.faults
    delivered, idle = delivery.delivered, faults.clear()
    if request.corrections and former is not None:
        corrected = correct(former, delivery, contract, request.path.name)
        accepted, quarantine, faults = corrected.accepted, corrected.quarantine, corrected.faults
        delivered, idle = former.manifest.delivered, corrected.idle
    event = Event(
        kind="corrections" if request.corrections else "delivery",
        at=now,
        by=account(),
        sha256=sha256_file(request.path),
        inputs=inputs,
        rows=delivery.delivered,
        accepted=accepted.height,
        quarantined=quarantine.height,
    )
    manifest = Manifest(
        producer=request.producer,
        vintage=request.vintage,
        contract=contract.id,
        contract_version=contract.version,
        fictive=delivery.fictive,
        key=key.fingerprint,
        delivered=delivered,
        rules=count_rules(quarantine),
        expires=_years_after(now.date(), contract.retention_years),
        history=(*(former.manifest.history if former else ()), event),
    )
    state = State(manifest, accepted, quarantine, faults)
    report = replace(
        _report(request, contract, delivery, ()),
        delivered=delivered,
        accepted=accepted.height,
        quarantine=quarantine,
        faults=pl.concat([faults, idle]),
    )
    folder = folder_of(paths, request.producer, request.vintage)
    replace_folder(folder, state.files() | report_files(report))
    remove_folder(folder.with_name(f"{folder.name}{REFUSED}"))
    _log(paths, request, now, event.kind, delivered, accepted.height)
    return _outcome(folder, state, idle=idle.height, labels=delivery.labels.height)


def _outcome(
    folder: Path, state: State, *, repeated: bool = False, idle: int = 0, labels: int = 0
) -> Outcome:
    manifest = state.manifest
    return Outcome(
        True,
        repeated,
        manifest.delivered,
        state.accepted.height,
        manifest.rules,
        (),
        idle,
        labels,
        manifest.fictive,
        folder / REPORT_HTML,
    )


def _report(
    request: Request, contract: DeliveryContract, delivery: Delivery, refusals: tuple[str, ...]
) -> Report:
    return Report(
        get_mapping(request.producer),
        contract,
        request.vintage,
        request.path.name,
        sha256_file(request.path),
        delivery.fictive,
        refusals,
        delivery.delivered,
        delivery.accepted.height,
        delivery.quarantine,
        delivery.faults,
        delivery.labels,
        delivery.extra,
        delivery.ignored_sheets,
    )


def _inputs(request: Request, places: Places, key: HashKey) -> str:
    """Return a fingerprint of all that the sorting of a file depends on."""
    parts = [
        sha256_file(request.path),
        str(request.corrections),
        get_mapping(request.producer).model_dump_json(),
        contract_of(request.producer).model_dump_json(),
        places.cites.write_json(),
        places.contours.write_json(),
        repr(sorted(places.commune_codes)),
        repr(sorted(places.confirmed.items())),
        key.fingerprint,
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _log(paths: DataPaths, request: Request, now: datetime, what: str, delivered: int, accepted: int) -> None:
    write_journal(
        paths,
        {
            "at": now.isoformat(),
            "by": account(),
            "what": what,
            "producer": request.producer,
            "vintage": request.vintage,
            "delivered": delivered,
            "accepted": accepted,
        },
    )


def _years_after(day: date, years: int) -> date:
    last_day = 28 if (day.month, day.day) == (2, 29) else day.day
    return day.replace(year=day.year + years, day=last_day)
