"""Contracts of the sources that exist only as files dropped by an analyst, one CSV per year.

Belongs here: what such a file must hold, its refusals, the annex that partners print.
Does not: where the file is found (``obtaining``), the producers' own files (``catalogue``, ``layouts``).
"""

import difflib
from collections.abc import Collection, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from observatory.errors import InputError, ObservatoryError
from observatory.sources.catalogue import Reading, Status
from observatory.sources.reading import prepare, read_cells, read_header, read_numbers
from observatory.tables import VALUES

CONTRACTS = Path(__file__).with_name("landing_contracts.yaml")
MARKS: dict[str, Status] = {
    "": "missing",
    "s": "secret",
    "nd": "not_available",
    "///": "not_applicable",
}
"""Marks that may stand in place of a figure, the same for every contract."""

Kind = Literal["commune", "year", "geography", "date", "code", "count", "share"]

_READING = Reading(separator=";", decimal="either")
_KINDS = {
    "commune": "code de commune, 5 signes",
    "year": "année, 4 chiffres",
    "geography": "année, 4 chiffres",
    "date": "date, AAAA-MM-JJ",
    "code": "code",
    "count": "nombre entier, zéro compris",
    "share": "nombre de 0 à 100, virgule ou point décimal",
}
_MEANINGS = {
    "missing": "donnée absente",
    "secret": "secret statistique",
    "not_available": "non disponible à ce niveau ou à cette date",
    "not_applicable": "sans objet",
}
_SHAPES = {"commune": r"^(\d{2}|2[AB])\d{3}$", "year": r"^\d{4}$", "geography": r"^\d{4}$"}
_CONSTANT = ("year", "geography", "date", "code")


class UnknownContractError(ObservatoryError):
    """A source that has no contract."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ContractColumn(_Frozen):
    """One column.

    Attributes:
        name: its name in the header, in French.
        kind: what its cells are.
        required: whether the file must have it.
        meaning: what it says, in French.
        example: a cell, as it would stand.
        codes: code -> meaning, for a column of codes.
        variable: English name of the variable that its figures are those of.
        unit: unit, in French.
        additive: whether the figures of several communes may be summed.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Kind
    required: bool = False
    meaning: str
    example: str
    codes: dict[str, str] = Field(default_factory=dict)
    variable: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]*$")
    unit: str | None = None
    additive: bool = True

    @model_validator(mode="after")
    def _check(self) -> "ContractColumn":
        figure = self.kind in ("count", "share")
        if figure != (self.variable is not None) or figure != (self.unit is not None):
            raise ValueError(f"« {self.name} » : une variable et une unité vont avec un chiffre.")
        if (self.kind == "code") != bool(self.codes):
            raise ValueError(f"« {self.name} » : des codes vont avec une colonne de codes.")
        return self


class LandingContract(_Frozen):
    """What the file of one source must hold.

    Attributes:
        id: id of the source, and name of its landing folder.
        title: title, in French.
        producer: who holds the data.
        citation: how to cite them.
        licence: licence.
        page: where to start from.
        purpose: what the observatory does with them, in French.
        notes: what must be known before using the figures, in French.
        withheld_below: a count from 1 to under this one may not stand in clear; None where any may.
        within: pairs of columns whose first never exceeds the second.
        columns: the columns.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    producer: str
    citation: str
    licence: str
    page: str
    purpose: str
    notes: str
    withheld_below: int | None = None
    within: tuple[tuple[str, str], ...] = ()
    columns: tuple[ContractColumn, ...]

    @model_validator(mode="after")
    def _check(self) -> "LandingContract":
        names = [column.name for column in self.columns]
        kinds = [column.kind for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError("une colonne figure deux fois.")
        if any(kinds.count(kind) != 1 for kind in ("commune", "year", "geography")):
            raise ValueError("il faut une colonne de communes, une d’années et une de COG.")
        if not {name for pair in self.within for name in pair} <= set(names):
            raise ValueError("une comparaison porte sur une colonne inconnue.")
        return self

    def of_kind(self, kind: Kind) -> ContractColumn:
        """Return the first column of a kind."""
        return next(column for column in self.columns if column.kind == kind)


@cache
def load_contracts(path: Path = CONTRACTS) -> dict[str, LandingContract]:
    """Return the contracts by source.

    Raises:
        pydantic.ValidationError: an entry breaks the model.
    """
    contracts = [LandingContract.model_validate(one) for one in yaml.safe_load(path.read_text("utf-8"))]
    return {contract.id: contract for contract in contracts}


def get_contract(source_id: str) -> LandingContract:
    """Return the contract of one source.

    Raises:
        UnknownContractError: it has none.
    """
    contracts = load_contracts()
    if source_id not in contracts:
        raise UnknownContractError(
            f"La source « {source_id} » n’a pas de contrat de dépôt. Contrats : {', '.join(contracts)}."
        )
    return contracts[source_id]


def read_landing(
    path: Path, contract: LandingContract, vintage: str, communes: Collection[str] | None = None
) -> pl.DataFrame:
    """Return ``core.values`` from a dropped file.

    Args:
        path: the CSV.
        contract: its contract.
        vintage: year of the folder it was dropped in.
        communes: communes to keep, all if None; one that has no row is ``missing``.

    Raises:
        InputError: the file breaks its contract; the message says line, column, value, rule and remedy.
    """
    content = prepare(path.read_bytes(), path.name, _READING)
    header = read_header(content, path.name, _READING)
    columns = _present(path.name, header.names, contract)
    cells = read_cells(content, path.name, _READING, header, [column.name for column in columns])
    file = _File(path.name, contract, cells.with_columns(pl.all().str.strip_chars()), header.row + 1)
    for column in columns:
        file.check(column, vintage)
    figures = {column.name: file.figures(column) for column in columns if column.variable is not None}
    file.check_within({name: numbers for name, (numbers, _) in figures.items()})
    codes = file.cells[contract.of_kind("commune").name]
    rows = [_rows(column, codes, *figures[column.name]) for column in columns if column.variable is not None]
    frame = pl.concat(rows)
    if communes is not None:
        wanted = sorted(set(communes))
        absent = pl.Series(sorted(set(wanted) - set(codes)), dtype=pl.String)
        nothing = pl.Series([None] * len(absent), dtype=pl.Float64)
        status = pl.Series(["missing"] * len(absent), dtype=pl.String)
        frame = pl.concat(
            [
                frame.filter(pl.col("code").is_in(wanted)),
                *(_rows(column, absent, nothing, status) for column in columns if column.variable),
            ]
        )
    return VALUES.conform(
        frame.with_columns(
            source=pl.lit(contract.id),
            vintage=pl.lit(int(vintage), pl.Int32),
            level=pl.lit("commune"),
            geography_vintage=pl.lit(int(file.cells[contract.of_kind("geography").name][0]), pl.Int32),
            file_id=pl.lit(f"{contract.id}:{vintage}:data"),
        )
    )


def example_csv(contract: LandingContract) -> str:
    """Return a file of one row that keeps the contract."""
    names = ";".join(column.name for column in contract.columns)
    return f"{names}\n{';'.join(column.example for column in contract.columns)}\n"


def annex(contract: LandingContract) -> str:
    """Return the contract as a French text in Markdown, to be printed and joined to an agreement."""
    rows = [
        f"| `{column.name}` | {column.meaning}{f' ({column.unit})' if column.unit else ''} | {_kind(column)} "
        f"| {'obligatoire' if column.required else 'facultative'} | {column.example} |"
        for column in contract.columns
    ]
    marks = [
        f"- {f'`{mark}`' if mark else 'cellule vide'} : {_MEANINGS[status]}" for mark, status in MARKS.items()
    ]
    rules = ["- une ligne par commune, zéro compris ; une seule année par fichier"]
    rules += [f"- `{small}` ne dépasse pas `{large}`" for small, large in contract.within]
    if contract.withheld_below is not None:
        rules.append(f"- un effectif de 1 à {contract.withheld_below - 1} est remplacé par `s`")
    parts = [
        f"# Annexe – {contract.title}",
        contract.purpose,
        f"Producteur : {contract.producer}. Citation : {contract.citation}. Licence : {contract.licence}. "
        f"Page : {contract.page}",
        f"Fichier CSV, UTF-8, séparateur « ; », déposé dans `data/landing/{contract.id}/<année>/`, seul.",
        "\n".join(["| Colonne | Sens | Type | Obligation | Exemple |", "|---|---|---|---|---|", *rows]),
        "Ce qui peut tenir la place d’un chiffre :\n\n" + "\n".join(marks),
        "Règles vérifiées :\n\n" + "\n".join(rules),
        contract.notes,
        f"Exemple, aux chiffres fictifs :\n\n```\n{example_csv(contract)}```",
    ]
    return "\n\n".join(parts) + "\n"


def _kind(column: ContractColumn) -> str:
    codes = ", ".join(f"`{code}` = {meaning}" for code, meaning in column.codes.items())
    return f"{_KINDS[column.kind]} : {codes}" if codes else _KINDS[column.kind]


class _File:
    """The cells of a dropped file, and the refusals that name them."""

    def __init__(self, name: str, contract: LandingContract, cells: pl.DataFrame, first_row: int) -> None:
        self.name, self.contract, self.cells, self.first_row = name, contract, cells, first_row
        if cells.is_empty():
            raise InputError(name, "le fichier n’a aucune ligne.", "déposez une ligne par commune.")

    def refuse(self, column: str, wrong: pl.Series, rule: str, remedy: str = "corrigez la cellule.") -> None:
        if wrong.any():
            index = int(wrong.arg_true()[0])
            raise InputError(
                self.name,
                rule,
                remedy,
                row=self.first_row + index,
                column=column,
                value=self.cells[column][index],
            )

    def check(self, column: ContractColumn, vintage: str) -> None:
        """Check the cells of a column that holds no figure."""
        cells = self.cells[column.name]
        if column.kind in _SHAPES:
            rule = f"la cellule n’est pas : {_KINDS[column.kind]}."
            remedy = "vérifiez que le fichier n’est pas passé par un tableur, qui retire les zéros de gauche."
            self.refuse(column.name, ~cells.str.contains(_SHAPES[column.kind]), rule, remedy)
        if column.kind == "commune":
            self.refuse(column.name, ~cells.is_first_distinct(), "la commune figure déjà plus haut.")
        elif column.kind == "year":
            rule = f"l’année n’est pas celle du dossier de dépôt, {vintage}."
            self.refuse(column.name, cells != vintage, rule, "déposez un fichier par année.")
        elif column.kind == "code":
            known = ", ".join(f"« {code} »" for code in column.codes)
            wrong = ~cells.is_in(list(column.codes))
            self.refuse(column.name, wrong, f"le code n’est pas admis ; codes admis : {known}.")
        elif column.kind == "date":
            wrong = pl.Series([not _is_date(cell) for cell in cells], dtype=pl.Boolean)
            self.refuse(column.name, wrong, f"la cellule n’est pas : {_KINDS['date']}.")
        if column.kind in _CONSTANT:
            rule = f"la valeur change dans le fichier, qui commence par « {cells[0]} »."
            self.refuse(column.name, cells != cells[0], rule, "déposez des fichiers distincts.")

    def figures(self, column: ContractColumn) -> tuple[pl.Series, pl.Series]:
        """Return the numbers and statuses of a column of figures."""
        numbers, statuses = read_numbers(self.cells[column.name], MARKS, _READING.decimal)
        marks = ", ".join(f"« {mark} »" for mark in MARKS if mark)
        rule = f"ce n’est ni un nombre ni une marque ({marks} ou vide)."
        self.refuse(column.name, statuses.is_null(), rule)
        beyond = (numbers < 0) | ((numbers > 100) if column.kind == "share" else (numbers % 1 != 0))
        self.refuse(column.name, beyond.fill_null(False), f"ce n’est pas : {_KINDS[column.kind]}.")
        limit = self.contract.withheld_below
        if limit is not None and column.kind == "count":
            small = ((numbers > 0) & (numbers < limit)).fill_null(False)
            rule = f"un effectif de 1 à {limit - 1} ne peut figurer en clair."
            self.refuse(column.name, small, rule, "remplacez-le par « s ».")
        return numbers, statuses

    def check_within(self, numbers: dict[str, pl.Series]) -> None:
        for small, large in self.contract.within:
            if small in numbers and large in numbers:
                wrong = (numbers[small] > numbers[large]).fill_null(False)
                self.refuse(small, wrong, f"le chiffre dépasse celui de « {large} » sur la même ligne.")


def _present(name: str, header: Sequence[str], contract: LandingContract) -> list[ContractColumn]:
    """Return the columns that a file has, after a check that none is missing, unknown or double."""
    known = [column.name for column in contract.columns]
    remedy = f"reprenez les noms de l’annexe de « {contract.id} »."
    for column in header:
        if column not in known or header.count(column) > 1:
            near = difflib.get_close_matches(column, known, n=1)
            hint = f" ; vouliez-vous « {near[0]} » ?" if near and column not in known else "."
            rule = "la colonne n’est pas au contrat" if column not in known else "la colonne figure deux fois"
            raise InputError(name, f"{rule}{hint}", remedy, column=column)
    for one in contract.columns:
        if one.required and one.name not in header:
            raise InputError(name, f"la colonne obligatoire manque ({one.meaning}).", remedy, column=one.name)
    return [column for column in contract.columns if column.name in header]


def _rows(column: ContractColumn, codes: pl.Series, numbers: pl.Series, statuses: pl.Series) -> pl.DataFrame:
    return pl.DataFrame({"code": codes, "value": numbers, "status": statuses}).with_columns(
        variable=pl.lit(column.variable)
    )


def _is_date(cell: str) -> bool:
    try:
        return date.fromisoformat(cell).isoformat() == cell
    except ValueError:
        return False
