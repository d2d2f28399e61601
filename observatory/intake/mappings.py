"""How each producer writes its file: its headers, its codes, and its styles where they are known.

Belongs here: the mapping files, what two spellings of a header or a code share, headers found or missing.
Does not: what the columns mean (``contracts``), nor the reading of files (``grids``).
"""

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from observatory.errors import InputError, ObservatoryError
from observatory.intake.contracts import ContractId, DeliveryColumn, DeliveryContract, get_delivery_contract
from observatory.paths import PROJECT

MAPPINGS = PROJECT / "data" / "reference" / "mappings"

DateStyle = Literal["auto", "JJ/MM/AAAA", "AAAA-MM-JJ", "JJ-MM-AAAA", "JJ.MM.AAAA"]
Decimal = Literal["auto", "comma", "point"]

ORIGINAL_LINE = "original_line"
"""Column of corrected rows: the line that the row had in the delivery."""

NATURE = "nature"
"""Column of generated files, « fictif » on every row."""

_SERVICE = {"ligne_d_origine": ORIGINAL_LINE, "nature": NATURE}


class UnknownProducerError(ObservatoryError):
    """A producer without a mapping file."""


def text_key(text: str) -> str:
    """Return a header or a code without accents, case, punctuation nor doubled spaces.

    « Étiquette DPE » and « etiquette_dpe » share the key ``etiquette dpe``.
    """
    bare = unicodedata.normalize("NFKD", text.replace("œ", "oe").replace("Œ", "oe")).casefold()
    kept = "".join(character for character in bare if not unicodedata.combining(character))
    return " ".join(re.findall(r"[^\W_]+", kept))


class Mapping(BaseModel):
    """How one producer writes its file.

    Attributes:
        producer: its identifier.
        name: its name, as readers know it.
        contract: the contract that its deliveries keep.
        sheet: name or pattern of the sheets to read, in a workbook; any sheet that has the columns if None.
        encoding: encoding of its text files; found from the bytes if None.
        separator: separator of its text files; found from the header if None.
        decimal: decimal mark of its text files; the most frequent one if ``auto``.
        dates: style of the dates of its text files; any known one if ``auto``.
        blank: texts that stand for an empty cell.
        columns: its header -> our column.
        codes: our column -> its code -> our value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    producer: str = Field(pattern=r"^[a-z][a-z0-9-]*$")
    name: str
    contract: ContractId
    sheet: str | None = None
    encoding: Literal["utf-8", "cp1252", "latin-1", "utf-16"] | None = None
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    decimal: Decimal = "auto"
    dates: DateStyle = "auto"
    blank: tuple[str, ...] = ()
    columns: dict[str, str]
    codes: dict[str, dict[str, str]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> "Mapping":
        known = {column.column: column for column in get_delivery_contract(self.contract).columns}
        for header, name in self.columns.items():
            if name not in known:
                raise ValueError(f"l’en-tête « {header} » vise une colonne inconnue : {name}.")
        for name, codes in self.codes.items():
            if name not in known or not set(codes.values()) <= set(known[name].codes):
                raise ValueError(f"les codes de « {name} » visent une colonne ou des valeurs inconnues.")
            by_key: dict[str, str] = {}
            for code, value in codes.items():
                if by_key.setdefault(text_key(code), value) != value:
                    raise ValueError(f"deux codes de « {name} » se confondent : {code}.")
        return self

    def headers(self, contract: DeliveryContract) -> dict[str, str]:
        """Return our column by key of header: the annex's names, then the producer's, which win."""
        annex = {text_key(column.name): column.column for column in contract.columns}
        service = {text_key(header): column for header, column in _SERVICE.items()}
        return service | annex | {text_key(header): column for header, column in self.columns.items()}

    def values(self, contract: DeliveryContract, column: str) -> dict[str, str]:
        """Return our value by key of code, for one column: the annex's codes, then the producer's."""
        annex = {text_key(code): value for value, (code, _) in contract.of(column).codes.items()}
        return annex | {text_key(code): value for code, value in self.codes.get(column, {}).items()}

    def shown_codes(self, contract: DeliveryContract, column: str) -> list[str]:
        """Return the codes to name in a remedy: the producer's own, or else the annex's."""
        own = list(self.codes.get(column, {}))
        return own or [code for code, _ in contract.of(column).codes.values()]


@cache
def load_mappings(folder: Path = MAPPINGS) -> dict[str, Mapping]:
    """Return the mappings by producer.

    Raises:
        pydantic.ValidationError: a file breaks the model.
    """
    mappings = [
        Mapping.model_validate(yaml.safe_load(path.read_text("utf-8")))
        for path in sorted(folder.glob("*.yaml"))
    ]
    return {mapping.producer: mapping for mapping in mappings}


def get_mapping(producer: str, folder: Path = MAPPINGS) -> Mapping:
    """Return the mapping of one producer.

    Raises:
        UnknownProducerError: it has none.
    """
    mappings = load_mappings(folder)
    if producer not in mappings:
        raise UnknownProducerError(
            f"Le producteur « {producer} » n’a pas de fichier de correspondance. "
            f"Producteurs : {', '.join(mappings)}."
        )
    return mappings[producer]


@dataclass(frozen=True)
class Header:
    """A row of headers, understood.

    Attributes:
        places: our column -> its rank in the row.
        names: our column -> its header, as the producer writes it.
        extra: headers that are not known, in their order.
    """

    places: dict[str, int]
    names: dict[str, str]
    extra: tuple[str, ...]


def known_cells(cells: Sequence[str], headers: dict[str, str]) -> int:
    """Return how many distinct known columns a row of cells names."""
    return len({headers[key] for cell in cells if (key := text_key(cell)) in headers})


def understand(cells: Sequence[str], contract: DeliveryContract, mapping: Mapping, file: str) -> Header:
    """Return what a row of headers names.

    Raises:
        InputError: a required column is missing or a column stands twice; the message lists the headers.
    """
    headers = mapping.headers(contract)
    places: dict[str, int] = {}
    extra: list[str] = []
    for place, cell in enumerate(cells):
        named = headers.get(text_key(cell))
        if named is None:
            if cell.strip():
                extra.append(cell.strip())
        elif named in places:
            raise InputError(
                file,
                "la colonne figure plusieurs fois.",
                "livrer chaque colonne une seule fois.",
                column=cell.strip(),
            )
        else:
            places[named] = place
    for column in contract.columns:
        if column.required and column.when is None and column.column not in places:
            raise _missing(cells, column, mapping, headers, extra, file)
    return Header(places, {name: cells[place].strip() for name, place in places.items()}, tuple(extra))


def _missing(
    cells: Sequence[str],
    column: DeliveryColumn,
    mapping: Mapping,
    headers: dict[str, str],
    extra: list[str],
    file: str,
) -> InputError:
    expected = [key for key, name in headers.items() if name == column.column]
    near = {
        cell: score
        for cell in extra
        if (score := max(difflib.SequenceMatcher(None, text_key(cell), key).ratio() for key in expected))
        >= 0.6
    }
    hint = f" Peut-être « {max(near, key=lambda cell: near[cell])} » ?" if near else ""
    found = ", ".join(f"« {cell.strip()} »" for cell in cells if cell.strip())
    return InputError(
        file,
        f"la colonne obligatoire manque. En-têtes trouvés : {found}.{hint}",
        "livrer cette colonne, ou ajouter son en-tête au fichier de correspondance du producteur.",
        column=next((one for one, name in mapping.columns.items() if name == column.column), column.name),
    )
