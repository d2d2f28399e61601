"""Every delivered row is accepted or quarantined; none is lost, none counted twice.

Belongs here: what a delivery is once sorted, its balance, its faults. Does not: the rules (``rules``), the
store of accepted rows (``store``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from observatory.intake.contracts import DeliveryContract
from observatory.intake.grids import Content, Grid
from observatory.intake.mappings import ORIGINAL_LINE, Mapping
from observatory.intake.places import Placed, Places, place
from observatory.intake.rules import Check, Rows, checks
from observatory.intake.values import style_of, typed
from observatory.tables import ContractError

FAULTS = {
    "file": pl.String,
    "sheet": pl.String,
    "row": pl.Int64,
    "column": pl.String,
    "rule": pl.String,
    "reason": pl.String,
    "remedy": pl.String,
    "value": pl.String,
}
"""One line per fault of a row, the worst first; ``row`` counts from 1, ``column`` is the producer's header,
null when the line as a whole is at fault. ``value`` is confidential."""

QUARANTINE = {
    "sheet": pl.String,
    "row": pl.Int64,
    "identifier": pl.String,
    "original_line": pl.String,
    "rule": pl.String,
}
"""One line per quarantined row, with its first broken rule. ``identifier`` is confidential;
``original_line`` is that of the row that a correction is for."""


@dataclass(frozen=True)
class Delivery:
    """A delivery once sorted.

    Attributes:
        accepted: accepted rows, typed, the contract's columns that are kept, ``cite_slug``, ``sheet``,
            ``row`` and ``original_line``.
        quarantine: as ``QUARANTINE``.
        faults: as ``FAULTS``.
        delivered: number of rows in the file.
        fictive: whether every row says that it is generated.
        labels: names of cités that are not recognised, as ``Placed.labels``.
        extra: headers that are neither read nor kept.
        ignored_sheets: sheets that are not read.
    """

    accepted: pl.DataFrame = field(repr=False)
    quarantine: pl.DataFrame = field(repr=False)
    faults: pl.DataFrame = field(repr=False)
    delivered: int
    fictive: bool
    labels: pl.DataFrame = field(repr=False)
    extra: tuple[str, ...] = field(default=(), repr=False)
    ignored_sheets: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if self.accepted.height + self.quarantine.height != self.delivered:
            raise ContractError(
                f"La livraison compte {self.delivered} lignes, mais {self.accepted.height} acceptées "
                f"et {self.quarantine.height} mises en quarantaine."
            )

    @property
    def by_rule(self) -> dict[str, int]:
        """Quarantined rows by their first broken rule: they add up to the quarantine."""
        return count_rules(self.quarantine)


def count_rules(quarantine: pl.DataFrame) -> dict[str, int]:
    """Return the number of quarantined rows by first broken rule, in alphabetical order."""
    return dict(quarantine.group_by("rule").len().sort("rule").iter_rows())


def sort_delivery(
    content: Content,
    file: str,
    mapping: Mapping,
    contract: DeliveryContract,
    vintage: int,
    places: Places,
) -> Delivery:
    """Sort the rows of a delivery.

    Of the rows that keep every rule, the first of each identifier is accepted and the following ones are
    quarantined, so that a faulty row never hides a correct one.

    Args:
        content: the file, read.
        file: its name.
        mapping: how its producer writes.
        contract: what it must hold.
        vintage: year that it describes; no date may be later than its end.
        places: what rows are placed by.

    Raises:
        InputError: two cités of one commune share a name.
    """
    sheets = [_sort_sheet(grid, file, mapping, contract, vintage, places) for grid in content.grids]
    rows = pl.concat([one[0] for one in sheets])
    faults = pl.concat([one[1] for one in sheets])
    twins = _twins(rows, faults, content, file, contract.identifier.column)
    faults = pl.concat([faults, twins]).sort("sheet", "row", nulls_last=True, maintain_order=True)
    rejected = faults.group_by("sheet", "row", maintain_order=True).agg(pl.col("rule").first())
    quarantine = rejected.join(
        rows.select("sheet", "row", ORIGINAL_LINE, identifier=contract.identifier.column),
        on=["sheet", "row"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    accepted = rows.join(rejected, on=["sheet", "row"], how="anti", nulls_equal=True, maintain_order="left")
    return Delivery(
        accepted,
        quarantine.select(*QUARANTINE),
        faults,
        sum(grid.frame.height for grid in content.grids),
        content.fictive,
        pl.concat([one[2] for one in sheets]),
        tuple(dict.fromkeys(name for grid in content.grids for name in grid.header.extra)),
        content.ignored_sheets,
    )


def _sort_sheet(
    grid: Grid, file: str, mapping: Mapping, contract: DeliveryContract, vintage: int, places: Places
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the typed rows, the faults and the unknown labels of one sheet."""
    present = [column for column in contract.columns if column.column in grid.frame.columns]
    style = style_of(grid, mapping, contract)
    values = typed(grid.frame, present, style, mapping, contract)
    rows = Rows(grid.frame, values, style, mapping.producer, vintage)
    placed = place(
        _filled(grid.frame, ("commune_code", "cite_label"), pl.String),
        _filled(values, ("longitude", "latitude"), pl.Float64),
        places,
    )
    found = [*checks(rows, contract, mapping, places.commune_codes), *_place_checks(placed, values.columns)]
    faults = _faults(found, grid, file)
    kept = [column for column in contract.columns if column.kept and column.kind not in ("cite", "producer")]
    dtypes = {"integer": pl.Int32, "decimal": pl.Float64, "year": pl.Int32, "date": pl.Date}
    typed_rows = values.select(
        (pl.col(one.column) if one.column in values.columns else pl.lit(None).alias(one.column)).cast(
            dtypes.get(one.kind, pl.String)
        )
        for one in kept
    ).with_columns(
        placed.slug.alias("cite_slug"),
        pl.lit(grid.sheet, pl.String).alias("sheet"),
        grid.frame["line"].alias("row"),
        _filled(grid.frame, (ORIGINAL_LINE,), pl.String)[ORIGINAL_LINE],
    )
    return typed_rows, faults, placed.labels


def _filled(frame: pl.DataFrame, names: Sequence[str], dtype: type[pl.DataType]) -> pl.DataFrame:
    """Return columns of a frame, null where it does not have them."""
    absent = [pl.lit(None, dtype).alias(name) for name in names if name not in frame.columns]
    return frame.with_columns(absent).select(names)


def _place_checks(placed: Placed, columns: Sequence[str]) -> list[Check]:
    if "cite_label" not in columns:
        return []
    remedy = (
        "corriger le nom ou la commune ; ou confirmer ce nom dans la liste des cités à confirmer ; laisser "
        "vide hors d’une cité."
    )
    return [
        Check(
            "cite_near",
            "cite_label",
            "le nom ressemble à celui d’une cité de la commune, sans être le sien.",
            remedy,
            placed.near,
        ),
        Check(
            "cite_unknown",
            "cite_label",
            "le nom ne désigne aucune cité suivie de cette commune, ou en désigne plusieurs.",
            remedy,
            placed.unknown,
        ),
        Check(
            "cite_point",
            "cite_label",
            "les coordonnées sont dans une autre cité que celle qui est nommée.",
            "corriger le nom de la cité ou les coordonnées.",
            placed.contradicted,
        ),
    ]


def _faults(found: Sequence[Check], grid: Grid, file: str) -> pl.DataFrame:
    frames = [pl.DataFrame(schema=FAULTS)]
    for check in found:
        value = pl.lit(None, pl.String) if check.column is None else pl.col(check.column)
        frames.append(
            grid.frame.filter(check.broken.fill_null(False)).select(
                pl.lit(file).alias("file"),
                pl.lit(grid.sheet, pl.String).alias("sheet"),
                pl.col("line").alias("row"),
                pl.lit(grid.header.names.get(check.column or ""), pl.String).alias("column"),
                pl.lit(check.rule).alias("rule"),
                pl.lit(check.reason).alias("reason"),
                pl.lit(check.remedy).alias("remedy"),
                value.alias("value"),
            )
        )
    return pl.concat(frames).sort("row", maintain_order=True)


def _twins(
    rows: pl.DataFrame, faults: pl.DataFrame, content: Content, file: str, identifier: str
) -> pl.DataFrame:
    """Return a fault for each row without any whose identifier an earlier one has."""
    sound = rows.join(faults, on=["sheet", "row"], how="anti", nulls_equal=True, maintain_order="left")
    headers = {grid.sheet: grid.header.names[identifier] for grid in content.grids}
    return sound.filter(~pl.col(identifier).is_first_distinct()).select(
        pl.lit(file).alias("file"),
        "sheet",
        "row",
        pl.col("sheet").replace_strict(headers, return_dtype=pl.String).alias("column"),
        pl.lit("duplicate").alias("rule"),
        pl.lit("l’identifiant est déjà celui d’une ligne acceptée de ce fichier.").alias("reason"),
        pl.lit("supprimer la ligne en double, ou corriger l’identifiant.").alias("remedy"),
        pl.col(identifier).alias("value"),
    )
