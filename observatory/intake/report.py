"""The report that goes back to the producer: French, standalone HTML and CSV.

Belongs here: what the report says and how it is written. Does not: where it is kept (``store``).

The report quotes delivered values, since the producer must find them: it is as confidential as they are.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

import jinja2
import polars as pl

from observatory.intake.contracts import DeliveryContract
from observatory.intake.mappings import Mapping
from observatory.intake.places import CONFIRMATION_COLUMNS, OUTSIDE
from observatory.intake.rules import RULES
from observatory.intake.sorting import count_rules
from observatory.intake.store import CONFIRMATIONS, LABELS_CSV, REPORT_CSV, REPORT_HTML

LISTED = 2_000
"""Faults that the page lists; the CSV has them all."""

_HEADERS = {
    "file": "fichier",
    "sheet": "feuille",
    "row": "ligne_d_origine",
    "column": "colonne",
    "value": "valeur",
    "rule": "regle",
    "reason": "explication",
    "remedy": "que_faire",
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Report:
    """What a report says.

    Attributes:
        mapping: who delivers.
        contract: its contract.
        vintage: year that it describes.
        file: name of the file.
        sha256: fingerprint of the file.
        fictive: whether it is generated.
        refusals: why the delivery is not taken, in French; none if it is.
        delivered: rows of the delivery.
        accepted: those accepted.
        quarantine: those quarantined, as ``sorting.QUARANTINE``.
        faults: their faults, as ``sorting.FAULTS``.
        labels: names of cités that are not recognised, as ``Placed.labels``.
        extra: headers neither read nor kept.
        ignored_sheets: sheets not read.
    """

    mapping: Mapping
    contract: DeliveryContract
    vintage: int
    file: str
    sha256: str
    fictive: bool
    refusals: tuple[str, ...]
    delivered: int
    accepted: int
    quarantine: pl.DataFrame = field(repr=False)
    faults: pl.DataFrame = field(repr=False)
    labels: pl.DataFrame = field(repr=False)
    extra: tuple[str, ...] = field(default=(), repr=False)
    ignored_sheets: tuple[str, ...] = field(default=(), repr=False)


def report_files(report: Report) -> dict[str, bytes]:
    """Return the content of the report's files by name."""
    return {
        REPORT_HTML: _html(report).encode(),
        REPORT_CSV: _csv(_HEADERS.values(), report.faults.select(*_HEADERS).rows()),
        LABELS_CSV: _csv(
            (*CONFIRMATION_COLUMNS[:2], "lignes", "ressemblance", CONFIRMATION_COLUMNS[2]),
            report.labels.select(
                "commune_code", "label", "rows", pl.col("likeness").round(2), "proposal"
            ).rows(),
        ),
    }


def _html(report: Report) -> str:
    rows = count_rules(report.quarantine)
    faults = count_rules(report.faults)
    listed = report.faults.head(LISTED)
    return _template().render(
        name=report.mapping.name,
        vintage=report.vintage,
        contract=report.contract,
        file=report.file,
        sha256=report.sha256,
        fictive=report.fictive,
        refusals=report.refusals,
        delivered=report.delivered,
        accepted=report.accepted,
        waiting=report.quarantine.height,
        rules=[(label, rows.get(rule, 0), faults[rule]) for rule, label in RULES.items() if rule in faults],
        labels=report.labels.select("commune_code", "label", "rows", "proposal").rows(),
        faults=listed.rows(named=True),
        unlisted=report.faults.height - listed.height,
        extra=report.extra,
        ignored_sheets=report.ignored_sheets,
        outside=OUTSIDE,
        labels_file=LABELS_CSV,
        csv_file=REPORT_CSV,
        confirmations=CONFIRMATIONS,
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("observatory.intake"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["integer"] = lambda number: f"{number:,}".replace(",", "\u202f")
    return environment.get_template("report.html.j2")


def _csv(header: Iterable[str], rows: Iterable[Sequence[object]]) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_inert(cell) if isinstance(cell, str) else cell for cell in row])
    # The mark tells spreadsheets that the text is UTF-8.
    return buffer.getvalue().encode("utf-8-sig")


def _inert(cell: str) -> str:
    """Return a text that no spreadsheet takes for a formula: a delivered cell may hold one."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
