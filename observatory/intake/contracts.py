"""The contracts of the confidential deliveries, as frozen models read from ``contracts.yaml``.

Belongs here: what a delivery must hold, when it is taken, how long it is kept, the annex that partners print.
Does not: how one producer writes its file (``mappings``), nor the checking of rows (``rules``).
"""

from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from observatory.errors import ObservatoryError

CONTRACTS = Path(__file__).with_name("contracts.yaml")

Kind = Literal[
    "id", "producer", "text", "cite", "commune", "code", "integer", "decimal", "coordinate", "year", "date"
]
ContractId = Literal["dwellings", "beneficiaries"]

_KINDS: dict[Kind, str] = {
    "id": "texte, unique dans le fichier",
    "producer": "identifiant du producteur",
    "text": "texte",
    "cite": "nom de cité",
    "commune": "code Insee, 5 signes",
    "code": "code",
    "integer": "nombre entier",
    "decimal": "nombre, virgule ou point décimal",
    "coordinate": "nombre, virgule ou point décimal",
    "year": "année, 4 chiffres",
    "date": "date, JJ/MM/AAAA ou AAAA-MM-JJ",
}


class UnknownDeliveryContractError(ObservatoryError):
    """A contract of delivery that does not exist."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class When(_Frozen):
    """The column is to be filled only where another one holds one of these values."""

    column: str
    values: tuple[str, ...]


class DeliveryColumn(_Frozen):
    """One column.

    Attributes:
        name: its header in the annex, in French.
        column: its name in the observatory.
        kind: what its cells are.
        required: whether a cell must be filled; with ``when``, only where the column applies.
        when: where the column applies; everywhere if None.
        personal: whether it says something of a person or a household.
        kept: whether accepted rows keep it.
        meaning: what it says, in French.
        example: a cell, as it would stand.
        unit: unit, in French.
        codes: our value -> code in the file and its meaning, in French.
        min: smallest number or year.
        max: largest number; a year is never after the vintage.
        oldest: a year is at most this number of years before the vintage.
        not_before: column of dates that this one does not precede.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    column: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Kind
    required: bool = False
    when: When | None = None
    personal: bool = False
    kept: bool = True
    meaning: str
    example: str
    unit: str | None = None
    codes: dict[str, tuple[str, str]] = Field(default_factory=dict)
    min: float | None = None
    max: float | None = None
    oldest: int | None = None
    not_before: str | None = None

    @model_validator(mode="after")
    def _check(self) -> "DeliveryColumn":
        if (self.kind == "code") != bool(self.codes):
            raise ValueError(f"« {self.name} » : des codes vont avec une colonne de codes.")
        return self


class Thresholds(_Frozen):
    """When a delivery is not taken.

    Attributes:
        quarantined_share: largest share of the rows that may be quarantined.
        share_reason: why, in French.
        blocking: rules that refuse the delivery as soon as one row breaks them.
        blocking_reason: why, in French.
    """

    quarantined_share: float = Field(ge=0, le=1)
    share_reason: str
    blocking: tuple[str, ...]
    blocking_reason: str


class DeliveryContract(_Frozen):
    """What a kind of delivery must hold.

    Attributes:
        id: name of the contract and of its confidential table.
        version: changes with any meaning, code or obligation.
        title: title, in French.
        row: what a row is, in French.
        purpose: what the observatory does with the rows, in French.
        thresholds: when a delivery is not taken.
        retention_years: years after which a delivery is to be purged.
        retention_reason: why, in French.
        columns: the columns.
    """

    id: ContractId
    version: int = Field(ge=1)
    title: str
    row: str
    purpose: str
    thresholds: Thresholds
    retention_years: int = Field(ge=1)
    retention_reason: str
    columns: tuple[DeliveryColumn, ...]

    @model_validator(mode="after")
    def _check(self) -> "DeliveryContract":
        by_column = {column.column: column for column in self.columns}
        if len(by_column) != len(self.columns) or len({one.name for one in self.columns}) != len(by_column):
            raise ValueError("une colonne figure deux fois.")
        if [column.kind for column in self.columns].count("id") != 1:
            raise ValueError("il faut un identifiant, un seul.")
        for column in self.columns:
            if column.when is not None:
                other = by_column.get(column.when.column)
                if other is None or not set(column.when.values) <= set(other.codes):
                    raise ValueError(f"« {column.name} » dépend d’une colonne ou de codes inconnus.")
            if column.not_before is not None and column.not_before not in by_column:
                raise ValueError(f"« {column.name} » se compare à une colonne inconnue.")
        return self

    @property
    def identifier(self) -> DeliveryColumn:
        """The column that identifies a row."""
        return next(column for column in self.columns if column.kind == "id")

    def of(self, column: str) -> DeliveryColumn:
        """Return a column by its name in the observatory."""
        return next(one for one in self.columns if one.column == column)


@cache
def load_delivery_contracts(path: Path = CONTRACTS) -> dict[str, DeliveryContract]:
    """Return the contracts by id.

    Raises:
        pydantic.ValidationError: an entry breaks the model.
    """
    contracts = [DeliveryContract.model_validate(one) for one in yaml.safe_load(path.read_text("utf-8"))]
    return {contract.id: contract for contract in contracts}


def get_delivery_contract(name: str) -> DeliveryContract:
    """Return one contract.

    Raises:
        UnknownDeliveryContractError: it does not exist.
    """
    contracts = load_delivery_contracts()
    if name not in contracts:
        raise UnknownDeliveryContractError(
            f"Il n’y a pas de contrat de livraison « {name} ». Contrats : {', '.join(contracts)}."
        )
    return contracts[name]


def delivery_annex(contract: DeliveryContract) -> str:
    """Return the contract as a French text in Markdown, to be printed and joined to an agreement."""
    rows = [
        f"| `{column.name}` | {column.meaning}{f' ({column.unit})' if column.unit else ''} "
        f"| {_kind_text(column)} | {_obligation(contract, column)} "
        f"| {'oui' if column.personal else 'non'} | {column.example} |"
        for column in contract.columns
    ]
    codes = [
        f"- `{column.name}` : " + ", ".join(f"`{code}` = {text}" for code, text in column.codes.values())
        for column in contract.columns
        if column.codes
    ]
    dropped = ", ".join(f"`{column.name}`" for column in contract.columns if not column.kept)
    limits = contract.thresholds
    share = f"{limits.quarantined_share * 100:g}".replace(".", ",")
    header = ";".join(column.name for column in contract.columns)
    example = ";".join(_example(contract, column) for column in contract.columns)
    parts = [
        f"# Annexe d’échange – {contract.title} (version {contract.version})",
        contract.purpose,
        f"Une ligne : {contract.row}. Fichier CSV (UTF-8 de préférence ; Windows-1252 et UTF-16 sont "
        "reconnus ; séparateur « ; », « , », « | » ou tabulation) ou classeur XLSX. L’ordre des colonnes "
        "est libre ; une colonne en trop n’est ni lue ni gardée ; l’année d’une date s’écrit en "
        "quatre chiffres.",
        "\n".join(
            [
                "| Colonne | Sens | Type | Obligation | Donnée personnelle | Exemple |",
                "|---|---|---|---|---|---|",
                *rows,
            ]
        ),
        "Codes :\n\n" + "\n".join(codes),
        f"Ne sont pas gardées après l’arrivée : {dropped}. L’identifiant est remplacé par une "
        "empreinte à clé.",
        f"La livraison n’est pas prise si plus de {share} % de ses lignes sont en quarantaine. "
        f"{limits.share_reason}"
        + (f" Motif de refus immédiat : {limits.blocking_reason}" if limits.blocking else ""),
        f"Conservation : {contract.retention_years} ans. {contract.retention_reason}",
        f"Exemple fictif :\n\n```\n{header}\n{example}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _example(contract: DeliveryContract, column: DeliveryColumn) -> str:
    """Return the cell of the example row, empty where its other cells leave the column without object."""
    if column.when is not None:
        other = contract.of(column.when.column)
        if other.example not in {other.codes[value][0] for value in column.when.values}:
            return ""
    return column.example


def _kind_text(column: DeliveryColumn) -> str:
    bounds = [
        f"au moins {column.min:g}" if column.min is not None else "",
        f"au plus {column.max:g}" if column.max is not None else "",
    ]
    said = " et ".join(bound for bound in bounds if bound)
    return f"{_KINDS[column.kind]}, {said}" if said else _KINDS[column.kind]


def _obligation(contract: DeliveryContract, column: DeliveryColumn) -> str:
    word = "obligatoire" if column.required else "facultative"
    if column.when is None:
        return word
    other = contract.of(column.when.column)
    if set(column.when.values) == set(other.codes):
        return f"{word} si `{other.name}` est rempli, vide sinon"
    codes = ", ".join(f"`{other.codes[value][0]}`" for value in column.when.values)
    return f"{word} si `{other.name}` vaut {codes}, vide sinon"
