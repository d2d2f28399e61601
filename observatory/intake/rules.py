"""The rules that a delivered row may break, and what a producer is to do about each.

Belongs here: one check per rule and column, each a mask over the rows. Does not: sorting the rows by them
(``sorting``), recognising cités (``places``).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from observatory.intake.contracts import DeliveryColumn, DeliveryContract
from observatory.intake.mappings import Mapping
from observatory.intake.values import TWO_DIGIT_YEAR, Style

EARLIEST_YEAR = 1900
LONGEST_TEXT = 200

RULES = {
    "line": "ligne illisible",
    "required": "valeur obligatoire absente",
    "condition": "valeur sans objet",
    "producer": "autre producteur",
    "text": "texte anormal",
    "code": "code inconnu",
    "number": "nombre mal écrit",
    "range": "nombre hors bornes",
    "year": "année impossible",
    "two_digit_year": "année en deux chiffres",
    "date": "date impossible ou mal écrite",
    "date_range": "date hors de la période",
    "order": "dates dans le désordre",
    "commune": "commune inconnue",
    "cite_unknown": "cité inconnue",
    "cite_near": "nom de cité à confirmer",
    "cite_point": "cité contredite par les coordonnées",
    "duplicate": "identifiant en double",
    "correction": "correction sans objet",
}
"""Short name of each rule, as the report counts it."""


@dataclass(frozen=True)
class Check:
    """One rule on one column: ``broken`` is true on the rows that break it; null counts as kept.

    Attributes:
        rule: key of ``RULES``.
        column: our column; None when the line as a whole is at fault.
        reason: the rule, in French.
        remedy: what to do, in French.
        broken: a mask over the rows.
    """

    rule: str
    column: str | None
    reason: str
    remedy: str
    broken: pl.Series


@dataclass(frozen=True)
class Rows:
    """Delivered rows, as text and as values, in the same order.

    Attributes:
        text: ``line``, ``readable`` and one String column per column that is there.
        values: the same columns, typed; null where the text is not what it should be.
        style: style of the file.
        producer: who delivers.
        vintage: year that the delivery describes.
    """

    text: pl.DataFrame
    values: pl.DataFrame
    style: Style
    producer: str
    vintage: int


def checks(
    rows: Rows, contract: DeliveryContract, mapping: Mapping, commune_codes: frozenset[str]
) -> Iterator[Check]:
    """Yield the checks of a delivery, cités and identifiers in double apart."""
    yield Check(
        "line",
        None,
        "la ligne n’a pas le même nombre de cellules que l’en-tête.",
        "vérifier les séparateurs, les guillemets et les retours à la ligne dans les cellules.",
        ~rows.text["readable"],
    )
    for column in contract.columns:
        if column.column in rows.text.columns:
            yield from _presence(rows, contract, column)
            yield from _content(rows, contract, mapping, column, commune_codes)


def _presence(rows: Rows, contract: DeliveryContract, column: DeliveryColumn) -> Iterator[Check]:
    empty = rows.text[column.column].is_null()
    needed = rows.text["readable"]
    if column.when is not None:
        other = contract.of(column.when.column)
        if other.column not in rows.values.columns:
            return
        # Null where the other cell says nothing: that is a fault of its own, not one of this cell.
        applies = rows.values[other.column].is_in(list(column.when.values))
        if not other.required:
            applies = applies.fill_null(False) | (
                rows.values[other.column].is_null() & rows.text[other.column].is_not_null()
            )
        yield Check(
            "condition",
            column.column,
            f"la cellule doit être vide, vu celle de « {other.name} ».",
            f"vider la cellule, ou corriger « {other.name} ».",
            ~empty & ~applies,
        )
        needed = needed & applies
    if column.required:
        yield Check(
            "required",
            column.column,
            "la valeur est obligatoire et manque.",
            "compléter la cellule.",
            needed & empty,
        )


def _content(
    rows: Rows,
    contract: DeliveryContract,
    mapping: Mapping,
    column: DeliveryColumn,
    commune_codes: frozenset[str],
) -> Iterator[Check]:
    name, text, value = column.column, rows.text[column.column], rows.values[column.column]
    wrong = text.is_not_null() & value.is_null()
    if column.kind in ("id", "text", "cite"):
        yield Check(
            "text",
            name,
            f"le texte dépasse {LONGEST_TEXT} signes ou contient des signes de contrôle.",
            "corriger la cellule.",
            (text.str.len_chars() > LONGEST_TEXT) | text.str.contains(r"[\x00-\x1f\x7f-\x9f]"),
        )
    elif column.kind == "producer":
        yield Check(
            "producer",
            name,
            f"la ligne n’est pas de « {rows.producer} ».",
            "livrer le fichier de ce producteur seulement.",
            text.str.to_lowercase() != rows.producer,
        )
    elif column.kind == "commune":
        yield Check(
            "commune",
            name,
            "le code n’est pas celui d’une commune du périmètre.",
            "employer le code officiel géographique (Insee) en vigueur, en cinq signes.",
            text.is_not_null() & ~text.is_in(sorted(commune_codes)),
        )
    elif column.kind == "code":
        codes = ", ".join(mapping.shown_codes(contract, name))
        yield Check(
            "code", name, "le code n’est pas convenu.", f"employer l’un de ces codes : {codes}.", wrong
        )
    elif column.kind in ("integer", "decimal", "coordinate"):
        yield from _numbers(column, rows.style, value, wrong)
    elif column.kind == "year":
        first = int(column.min or EARLIEST_YEAR)
        if column.oldest is not None:
            first = rows.vintage - column.oldest
        yield Check(
            "year",
            name,
            f"la valeur n’est pas une année de {first} à {rows.vintage}.",
            "écrire l’année en quatre chiffres.",
            wrong | ~value.is_between(first, rows.vintage),
        )
    elif column.kind == "date":
        yield from _dates(rows, contract, column, wrong)


def _numbers(column: DeliveryColumn, style: Style, value: pl.Series, wrong: pl.Series) -> Iterator[Check]:
    if column.kind == "integer":
        remedy = "écrire un nombre entier, sans unité."
    else:
        mark = {",": "la virgule", ".": "le point"}.get(style.marks, "la virgule ou le point")
        remedy = f"écrire le nombre sans unité, avec {mark} pour décimale."
    yield Check("number", column.column, "la valeur n’est pas un nombre écrit comme convenu.", remedy, wrong)
    low, high = column.min, column.max
    if low is not None and high is not None:
        yield Check(
            "range",
            column.column,
            f"le nombre n’est pas compris entre {low:g} et {high:g}.",
            "vérifier la valeur et son unité.",
            ~value.is_between(low, high),
        )


def _dates(
    rows: Rows, contract: DeliveryContract, column: DeliveryColumn, wrong: pl.Series
) -> Iterator[Check]:
    name, value = column.column, rows.values[column.column]
    short = rows.text[name].str.contains(TWO_DIGIT_YEAR)
    shown = " ou ".join(rows.style.dates[:2])
    yield Check(
        "two_digit_year",
        name,
        "l’année est en deux chiffres : le siècle n’est pas certain.",
        "écrire l’année en quatre chiffres.",
        short,
    )
    yield Check(
        "date",
        name,
        "la date n’existe pas ou n’est pas écrite comme convenu.",
        f"écrire la date sous la forme {shown}.",
        wrong & ~short,
    )
    yield Check(
        "date_range",
        name,
        f"la date est antérieure à {EARLIEST_YEAR} ou postérieure au millésime {rows.vintage}.",
        "corriger la date, ou le millésime de la livraison.",
        ~value.dt.year().is_between(EARLIEST_YEAR, rows.vintage),
    )
    if column.not_before is not None and column.not_before in rows.values.columns:
        other = contract.of(column.not_before)
        yield Check(
            "order",
            name,
            f"la date précède celle de « {other.name} ».",
            "corriger l’une des deux dates.",
            value < rows.values[other.column],
        )
