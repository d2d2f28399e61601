"""A delivered file as rows of its confidential table.

Belongs here: the way from a file to sorted rows, from sorted rows to a table. Does not: each step of it.
"""

from pathlib import Path

import polars as pl

from observatory.errors import InputError
from observatory.intake.contracts import DeliveryContract, get_delivery_contract
from observatory.intake.grids import read_delivery
from observatory.intake.identifiers import FICTIVE_KEY, HashKey
from observatory.intake.mappings import get_mapping
from observatory.intake.places import Places
from observatory.intake.sorting import Delivery, sort_delivery
from observatory.tables import BENEFICIARIES, DWELLINGS, Table

TABLE_OF: dict[str, Table] = {"dwellings": DWELLINGS, "beneficiaries": BENEFICIARIES}


def contract_of(producer: str) -> DeliveryContract:
    """Return the contract of a producer's deliveries.

    Raises:
        UnknownProducerError: the producer has no mapping.
    """
    return get_delivery_contract(get_mapping(producer).contract)


def sort_file(path: Path, producer: str, vintage: int, places: Places) -> Delivery:
    """Read a delivered file and sort its rows.

    Raises:
        InputError: the file as a whole cannot be read (see ``grids.read_delivery``).
        UnknownProducerError: the producer has no mapping.
    """
    mapping, contract = get_mapping(producer), contract_of(producer)
    content = read_delivery(path, mapping, contract)
    return sort_delivery(content, path.name, mapping, contract, vintage, places)


def with_fingerprints(rows: pl.DataFrame, producer: str, key: HashKey) -> pl.DataFrame:
    """Return sorted rows whose identifiers are replaced by their fingerprints."""
    name = contract_of(producer).identifier.column
    return rows.with_columns(key.of_all(producer, rows[name]))


def as_table(rows: pl.DataFrame, producer: str, vintage: int, file_id: str) -> pl.DataFrame:
    """Return accepted rows, fingerprinted, as the confidential table of their contract."""
    table = TABLE_OF[contract_of(producer).id]
    complete = rows.with_columns(
        pl.lit(producer).alias("landlord"),
        pl.lit(vintage, pl.Int32).alias("vintage"),
        pl.lit(file_id).alias("file_id"),
    )
    return table.conform(complete.select(table.polars_schema.keys()))


def sample_rows(
    path: Path, producer: str, vintage: int, places: Places, file_id: str
) -> tuple[pl.DataFrame, Delivery]:
    """Return the accepted rows of a generated delivery as a table, and how it was sorted.

    Raises:
        InputError: the file cannot be read, or a row does not say that it is generated.
    """
    delivery = sort_file(path, producer, vintage, places)
    if not delivery.fictive:
        raise InputError(
            path.name,
            f"la livraison de {get_mapping(producer).name} n’est pas marquée fictive.",
            "faire entrer une livraison réelle par « observatory intake » ; refaire les livraisons fictives "
            "par « observatory sample ».",
        )
    rows = with_fingerprints(delivery.accepted, producer, FICTIVE_KEY)
    return as_table(rows, producer, vintage, file_id), delivery
