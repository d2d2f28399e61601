"""Layouts: what the columns of a producer's files mean, found by name and never by position.

Belongs here: the models of ``layouts.yaml``, the names that a vintage gives to its columns, territory codes.
Does not: bytes and cells (``reading``), rows of ``core.values`` (``values``).
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from string import Formatter
from typing import Literal

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from observatory.errors import InputError, ObservatoryError
from observatory.sources.catalogue import DataFile

LAYOUTS = Path(__file__).with_name("layouts.yaml")

_SHAPES = {
    "commune": r"^(\d{2}|2[AB])\d{3}$",
    "iris": r"^(\d{2}|2[AB])\d{7}$",
}
_DISTRICTS = {
    "75056": frozenset(str(75_100 + number) for number in range(1, 21)),
    "13055": frozenset(str(13_200 + number) for number in range(1, 17)),
    "69123": frozenset(str(69_380 + number) for number in range(1, 10)),
}
"""Municipal districts of Paris, Marseille and Lyon, by commune."""


class LayoutError(ObservatoryError):
    """The catalogue and the layouts do not fit together."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Key(_Frozen):
    """How a row names its territory.

    Attributes:
        columns: the columns that hold the code.
        build: ``as_is`` for one column that holds it whole; ``department_commune`` for a department and the
            three figures of the commune (overseas, 971 and 101 make 97101).
    """

    columns: tuple[str, ...]
    build: Literal["as_is", "department_commune"] = "as_is"

    @model_validator(mode="after")
    def _check(self) -> "Key":
        if len(self.columns) != (1 if self.build == "as_is" else 2):
            raise ValueError("le nombre de colonnes ne convient pas à la construction du code.")
        return self


class Variable(_Frozen):
    """One variable of a layout.

    Attributes:
        name: English name, the same in every source that has it.
        column: name of its column, with tokens between braces.
        year: year that the figure describes, with tokens between braces.
        unit: unit, in French.
        label: label, in French.
        additive: whether the figures of several territories may be summed: counts, not medians or rates.
        group: group of variables whose marks are read alike.
        types: in a long layout, the types that it counts; ``C1*`` means all that begin with C1.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    column: str
    year: str = "{vintage}"
    unit: str
    label: str
    additive: bool
    group: str = "default"
    types: tuple[str, ...] = ()


class Layout(_Frozen):
    """What the columns of a family of files mean.

    Attributes:
        id: name that cards quote.
        level: level of the territories.
        key: how a row names its territory.
        partial_sums: whether the file lists only territories that have something to count, so that a sum
            bears on those; elsewhere a sum needs every territory.
        type_column: in a long layout (one row per territory and type), the column of types.
        notes: what must be known before using the figures, in French.
        variables: the variables.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    level: Literal["commune", "iris"]
    key: Key
    type_column: str | None = None
    partial_sums: bool = False
    notes: str = ""
    variables: tuple[Variable, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> "Layout":
        if any(bool(one.types) != (self.type_column is not None) for one in self.variables):
            raise ValueError("les types vont avec une colonne de types, et réciproquement.")
        return self


@dataclass(frozen=True)
class Column:
    """A variable as one vintage holds it: the name of its column and the year it describes."""

    variable: Variable
    name: str
    year: int

    @property
    def figure(self) -> str:
        """Name of its column where each figure of a territory has one: variable and year."""
        return f"{self.variable.name}_{self.year}"


@cache
def load_layouts(path: Path = LAYOUTS) -> dict[str, Layout]:
    """Return the layouts by id, in the order of the file.

    Raises:
        LayoutError: an id stands twice.
        pydantic.ValidationError: an entry breaks the model.
    """
    layouts = [Layout.model_validate(one) for one in yaml.safe_load(path.read_text(encoding="utf-8"))]
    by_id = {layout.id: layout for layout in layouts}
    if len(by_id) != len(layouts):
        raise LayoutError("Le fichier des dispositions donne deux fois le même identifiant.")
    return by_id


def get_layout(layout_id: str | None) -> Layout:
    """Return one layout.

    Raises:
        LayoutError: there is none of that name, or the file of the card has none.
    """
    if layout_id is None:
        raise LayoutError(
            "Ce fichier n’est pas un tableau par territoire : il n’a pas de disposition, "
            "mais son propre analyseur."
        )
    layouts = load_layouts()
    if layout_id not in layouts:
        raise LayoutError(
            f"La disposition « {layout_id} » n’existe pas. Dispositions connues : {', '.join(layouts)}."
        )
    return layouts[layout_id]


def expected_columns(layout: Layout, file: DataFile, vintage: str) -> list[Column]:
    """Return the columns that a vintage should have; a token of several texts gives one column for each.

    Raises:
        LayoutError: the card lacks a token, names in ``without`` a variable that the layout does not have,
            gives a status to absent IRIS, whose list it does not know, or gives a variable one year twice.
    """
    if file.absent is not None and layout.level != "commune":
        raise LayoutError(
            f"La disposition « {layout.id} » ne sait pas quels IRIS manquent : retirez « absent »."
        )
    unknown = set(file.without) - {one.name for one in layout.variables}
    if unknown:
        raise LayoutError(f"La disposition « {layout.id} » n’a pas de variable {', '.join(sorted(unknown))}.")
    tokens = {"vintage": vintage, **file.tokens}
    columns = []
    for one in layout.variables:
        if one.name in file.without:
            continue
        for texts in _spread(one, tokens, layout):
            columns.append(Column(one, one.column.format(**texts), int(one.year.format(**texts))))
    figures = [column.figure for column in columns]
    if twice := sorted({figure for figure in figures if figures.count(figure) > 1}):
        raise LayoutError(
            f"La disposition « {layout.id} » donne deux fois « {twice[0]} » avec les jetons du millésime "
            f"« {vintage} »."
        )
    return columns


def check_columns(names: Sequence[str], layout: Layout, file: DataFile, vintage: str, file_name: str) -> None:
    """Check that a file has the columns of its layout, and none of those its card says it lacks.

    Raises:
        InputError: a column is missing, or is there although the card says that the vintage lacks it.
    """
    wanted = [(f"la variable « {c.variable.name} »", c.name) for c in expected_columns(layout, file, vintage)]
    keys = [("le code du territoire", name) for name in layout.key.columns]
    types = [("le type", layout.type_column)] if layout.type_column else []
    for purpose, name in [*keys, *types, *wanted]:
        if name not in names:
            raise InputError(
                file_name,
                f"la colonne attendue pour {purpose} manque ; "
                f"noms les plus proches : {_closest(name, names)}.",
                "si le producteur l’a renommée, corrigez la disposition "
                f"« {layout.id} » dans observatory/sources/layouts.yaml ou les jetons du millésime "
                f"« {vintage} » dans observatory/sources/catalogue.yaml ; s’il l’a retirée, "
                "déclarez-la dans « without ».",
                column=name,
            )
    whole = file.model_copy(update={"without": ()})
    for column in expected_columns(layout, whole, vintage):
        if column.variable.name in file.without and column.name in names:
            raise InputError(
                file_name,
                f"la colonne de la variable « {column.variable.name} » est là, "
                "alors que la fiche la dit absente.",
                "retirez-la de « without » dans observatory/sources/catalogue.yaml.",
                column=column.name,
            )


def territory_codes(
    cells: pl.DataFrame, layout: Layout, file: DataFile, file_name: str, first_row: int
) -> pl.Series:
    """Return the territory codes of rows, as text.

    Municipal districts are parts of Paris, Marseille and Lyon. Where the file has them all and not the
    commune, each takes its code; elsewhere they would count it twice, or by half: null, to be left out.

    Args:
        cells: the rows, with the key columns as text.
        layout: how they name their territory.
        file: the card, for its declared corrections.
        file_name: name of the file, for errors.
        first_row: line number of the first row.

    Raises:
        InputError: a code is not shaped as one of its level, stands twice (in a layout of one row per
            territory), or a declared correction no longer applies.
    """
    parts = [pl.col(name).cast(pl.String).fill_null("").str.strip_chars() for name in layout.key.columns]
    if layout.key.build == "department_commune":
        whole = parts[0].str.slice(0, 2) + parts[1].str.pad_start(3, "0")
    else:
        whole = parts[0]
    codes = cells.select(whole.alias("code"))["code"]
    for one in file.code_corrections:
        if not codes.str.contains(one.pattern).any():
            raise InputError(
                file_name,
                f"la correction déclarée ne s’applique plus ({one.reason}) : le producteur a sans doute "
                "corrigé son fichier.",
                "retirez-la de « code_corrections » dans observatory/sources/catalogue.yaml.",
            )
        codes = codes.str.replace(one.pattern, one.replacement)
    wrong = (~codes.str.contains(_SHAPES[layout.level])).arg_true()
    if len(wrong):
        raise _code_error(
            file_name, layout, codes, int(wrong[0]), first_row, "le code n’a pas la forme attendue."
        )
    twice = codes.is_duplicated() if layout.type_column is None else pl.Series([], dtype=pl.Boolean)
    if twice.any():
        again = int((twice & ~codes.is_first_distinct()).arg_true()[0])
        raise _code_error(file_name, layout, codes, again, first_row, "le code figure déjà plus haut.")
    # Each IRIS of a district stands once.
    if layout.level == "commune":
        found = set(codes)
        for commune, districts in _DISTRICTS.items():
            alone = districts <= found and commune not in found
            codes = codes.set(codes.is_in(sorted(districts)), commune if alone else None)
    return codes


def _code_error(
    file_name: str, layout: Layout, codes: pl.Series, index: int, first_row: int, rule: str
) -> InputError:
    return InputError(
        file_name,
        rule,
        "vérifiez que le fichier vient du producteur sans passer par un tableur, qui retire les zéros "
        "de gauche, puis reprenez-le.",
        row=first_row + index,
        column=" + ".join(layout.key.columns),
        value=codes[index],
    )


def _spread(
    variable: Variable, tokens: dict[str, str | tuple[str, ...]], layout: Layout
) -> list[dict[str, str]]:
    used = sorted(
        {
            name
            for text in (variable.column, variable.year)
            for _, name, _, _ in Formatter().parse(text)
            if name
        }
    )
    missing = [name for name in used if name not in tokens]
    if missing:
        raise LayoutError(
            f"La disposition « {layout.id} » demande le jeton « {missing[0]} » pour la variable "
            f"« {variable.name} », que la fiche du millésime ne donne pas."
        )
    texts_of = {name: (text,) if isinstance(text, str) else text for name, text in tokens.items()}
    return [dict(zip(used, texts, strict=True)) for texts in product(*(texts_of[name] for name in used))]


def _closest(name: str, names: Sequence[str]) -> str:
    lowered = {one.lower(): one for one in names}
    found = difflib.get_close_matches(name.lower(), list(lowered), n=3, cutoff=0.5)
    return ", ".join(f"« {lowered[one]} »" for one in found) or "aucun"
