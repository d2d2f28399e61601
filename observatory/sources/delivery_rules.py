"""The rules that any producer's row may break, and the sorting of rows by them.

Belongs here: rules shared by the deliveries, the values read from text cells, accepted against
quarantined rows.
Does not: reading a file (``delivery``), nor which columns follow which rules (``landlords``, ``angdm``).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from observatory.sources.delivery import QUARANTINE_SCHEMA, Layout

EARLIEST_YEAR = 1900


@dataclass(frozen=True)
class Check:
    """One rule: ``broken`` is true on the rows that break it (null counts as kept)."""

    column: str | None
    rule: str
    remedy: str
    broken: pl.Expr


def whole_line_check() -> Check:
    """The line does not have the cells of the header."""
    return Check(
        None,
        "la ligne n’a pas le même nombre de cellules que l’en-tête.",
        "vérifier les séparateurs et les guillemets de la ligne.",
        ~pl.col("readable"),
    )


def required_checks(layout: Layout, names: Sequence[str]) -> list[Check]:
    """An obligatory cell is empty."""
    return [
        Check(
            layout.columns[name],
            "la valeur est obligatoire et manque.",
            "compléter la cellule.",
            pl.col(name).is_null(),
        )
        for name in names
    ]


def code_checks(layout: Layout) -> list[Check]:
    """A coded cell holds a code that was not agreed."""
    return [
        Check(
            layout.columns[name],
            "le code n’est pas de ceux qui ont été convenus.",
            f"employer l’un de ces codes : {', '.join(codes)}.",
            pl.col(name).is_not_null() & code_value(layout, name).is_null(),
        )
        for name, codes in layout.codes.items()
    ]


def code_value(layout: Layout, name: str) -> pl.Expr:
    """Our code for the producer's code, whatever its case; null for any other text."""
    codes = {theirs.lower(): ours for theirs, ours in layout.codes[name].items()}
    return pl.col(name).str.to_lowercase().replace_strict(codes, default=None, return_dtype=pl.String)


def number_checks(layout: Layout, names: Sequence[str]) -> list[Check]:
    """A cell is not a positive number written with the file's decimal mark."""
    mark = "la virgule" if layout.decimal == "," else "le point"
    pattern = rf"^[0-9]+(?:[{layout.decimal}][0-9]+)?$"
    return [
        Check(
            layout.columns[name],
            "la valeur n’est pas un nombre positif écrit comme convenu.",
            f"écrire un nombre sans unité ni espace, avec {mark} pour décimale.",
            ~pl.col(name).str.contains(pattern),
        )
        for name in names
    ]


def year_check(layout: Layout, name: str, first: int, last: int) -> Check:
    """A cell is not a year from ``first`` to ``last``."""
    return Check(
        layout.columns[name],
        f"la valeur n’est pas une année de {first} à {last}.",
        "écrire l’année en quatre chiffres.",
        pl.col(name).is_not_null() & ~year_value(name).is_between(first, last).fill_null(False),
    )


def year_value(name: str) -> pl.Expr:
    """The year that a cell holds in four digits; null for any other text."""
    return pl.col(name).str.extract(r"^([0-9]{4})$").cast(pl.Int32)


def date_checks(layout: Layout, names: Sequence[str], vintage: int) -> list[Check]:
    """A cell is not a date in the agreed style, or lies before 1900 or after the vintage."""
    checks = []
    for name in names:
        date = date_value(layout, name)
        checks += [
            Check(
                layout.columns[name],
                "la date n’existe pas ou n’est pas écrite comme convenu.",
                f"écrire la date sous la forme {layout.date_example}.",
                pl.col(name).is_not_null() & date.is_null(),
            ),
            Check(
                layout.columns[name],
                f"la date est antérieure à {EARLIEST_YEAR} ou postérieure au millésime {vintage}.",
                "corriger la date, ou le millésime de la livraison.",
                ~date.dt.year().is_between(EARLIEST_YEAR, vintage),
            ),
        ]
    return checks


def date_value(layout: Layout, name: str) -> pl.Expr:
    """The date that a cell holds; null for any other text."""
    return pl.col(name).str.strptime(pl.Date, layout.date_format, strict=False)


def place_checks(layout: Layout, commune_codes: set[str]) -> list[Check]:
    """The commune is not of the perimeter, or the named cité is not one of the commune's."""
    return [
        Check(
            layout.columns["commune_code"],
            "le code commune n’est pas celui d’une commune du périmètre.",
            "employer le code officiel géographique (INSEE) en vigueur, en cinq caractères.",
            ~pl.col("commune_code").is_in(sorted(commune_codes)),
        ),
        Check(
            layout.columns["cite_label"],
            "le nom ne désigne aucune cité suivie de cette commune, ou en désigne plusieurs.",
            "corriger le nom ou la commune, ou faire ajouter cette graphie à la liste des cités ; "
            "laisser vide hors d’une cité suivie.",
            pl.col("cite_label").is_not_null() & pl.col("cite_slug").is_null(),
        ),
    ]


def sort_rows(
    frame: pl.DataFrame, checks: Sequence[Check], key: str, key_header: str, file: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows that keep every check, and one quarantine row for each other row.

    The identifier ``key`` comes last: of the rows that keep every other rule, the first of each
    identifier is accepted and the following ones are quarantined, so that a faulty row never hides
    a correct one.
    """
    twin = Check(
        key_header,
        "l’identifiant figure déjà dans une ligne acceptée de ce fichier.",
        "supprimer la ligne en double, ou corriger l’identifiant.",
        pl.lit(True),
    )
    rules = [*checks, twin]
    first = pl.coalesce(
        *(pl.when(check.broken).then(pl.lit(i, pl.Int32)) for i, check in enumerate(checks)),
        pl.lit(None, pl.Int32),
    )
    sorted_rows = frame.with_columns(broken=first).with_columns(
        broken=pl.when(
            pl.col("broken").is_null()
            & ~pl.struct(pl.col("broken").is_null().alias("kept"), key).is_first_distinct()
        )
        .then(pl.lit(len(checks), pl.Int32))
        .otherwise("broken")
    )
    accepted = sorted_rows.filter(pl.col("broken").is_null()).drop("broken")
    rejected = sorted_rows.filter(pl.col("broken").is_not_null()).select("line", "broken").rows()
    quarantined = pl.DataFrame(
        [(file, line, rules[i].column, rules[i].rule, rules[i].remedy) for line, i in rejected],
        schema=QUARANTINE_SCHEMA,
        orient="row",
    )
    return accepted, quarantined
