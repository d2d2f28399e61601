"""The fictive deliveries of the landlords and of ANGDM, written as the producers would.

Belongs here: turning drawn rows into the producers' files, marked as fictive, and writing them.
Does not: the drawing itself (``sample_stock``, ``sample_draws``), the faults (``sample_dirt``), nor
what the producers' files look like (``sample_layouts``).
"""

from pathlib import Path

import numpy as np
import polars as pl

from observatory.files import write_atomic
from observatory.sources.cite_names import cite_index, cite_key
from observatory.sources.sample_dirt import FAULT_RATE, OTHER_SPELLING, Fault, faults, soil
from observatory.sources.sample_draws import VINTAGE, draw_beneficiaries, draw_dwellings, draw_resources
from observatory.sources.sample_layouts import Layout, layout_of
from observatory.sources.sample_stock import draw_places

_DECIMALS = {"surface": 1, "rent": 2, "housing_amount": 2, "heating_amount": 2}
_IDENTIFIERS = {"maisons-et-cites": "MC-", "sia-habitat": "SIA"}
# The small landlord writes the names of cités in capitals.
_LABELS = {
    "maisons-et-cites": pl.col("cite_name"),
    "sia-habitat": pl.col("cite_name").str.to_uppercase(),
}
_MARK = f"# DONNÉES FICTIVES – aucun logement ni aucune personne réels – millésime {VINTAGE}"
_NOTE = """DONNÉES FICTIVES

Le fichier « {name} » de ce dossier est FICTIF : il a été tiré au sort par la commande « observatory
sample » (graine {seed}). Il ne décrit aucun logement ni aucune personne réels, et rien de ce qui en
découle ne doit être publié comme réel. Seuls les noms des cités et des communes existent ; pour la
cité du Pinson à Raismes, le nombre de logements, la rotation et la vacance suivent des chiffres connus.

Présentation : encodage {encoding}, séparateur « {separator} », décimale « {decimal} », dates {dates}.
Lignes : {rows}, dont des défauts volontaires, comme en ont les livraisons réelles :
{faults}
"""


def write_sample(
    folder: Path,
    cites: pl.DataFrame,
    communes: pl.DataFrame,
    seed: int = 2024,
    fault_rate: float = FAULT_RATE,
) -> list[Path]:
    """Write the three fictive deliveries and, beside each, a note that says they are fictive.

    The same arguments always give the same bytes. Each file is written beside its place, then renamed,
    so that a reader never meets half of one.

    Args:
        folder: where ``<producer>/2024/`` folders are made.
        cites: table ``core.cites``.
        communes: one row per commune of the perimeter: ``commune_code``, ``commune_name``,
            ``epci_code``, ``population``, ``main_residences``, ``dwellings``, ``population_65_over``.
        seed: seed of chance.
        fault_rate: share of the rows that each kind of fault touches.

    Returns:
        The files written, each CSV followed by its note.

    Raises:
        InputError: a cité stands outside the communes, two cités of a commune have the same name, or the
            communes are too small for the stock.
    """
    # One stream each: a change in one part leaves the others as they were.
    places_rng, dwellings_rng, people_rng, dirt_rng, resources_rng = (
        np.random.default_rng(stream) for stream in np.random.SeedSequence(seed).spawn(5)
    )
    dwellings = draw_dwellings(draw_places(cites, communes, places_rng), dwellings_rng)
    people = draw_beneficiaries(dwellings, communes, people_rng)
    dwellings = draw_resources(dwellings, resources_rng)
    spellings = _other_spellings(cites)
    written: list[Path] = []
    for landlord in _IDENTIFIERS:
        layout = layout_of(landlord)
        own = dwellings.filter(pl.col("landlord") == landlord).with_columns(
            dwelling_id=pl.lit(_IDENTIFIERS[landlord]) + pl.col("dwelling_id"),
            cite_label=_LABELS[landlord],
        )
        kinds = faults(layout, number="surface", date="entry_date", optional="built_year", required="status")
        text, counts = _as_text(own, layout, spellings, kinds, dirt_rng, fault_rate)
        written += _write(folder / landlord / str(VINTAGE), "logements.csv", text, layout, counts, seed)
    layout = layout_of("angdm")
    kinds = faults(
        layout, number="heating_amount", date="start_date", optional="heating_amount", required="birth_year"
    )
    people = people.sort("pseudonym").rename({"cite_name": "cite_label"})
    text, counts = _as_text(people, layout, spellings, kinds, dirt_rng, fault_rate)
    written += _write(folder / "angdm" / str(VINTAGE), "beneficiaires.csv", text, layout, counts, seed)
    return written


def _other_spellings(cites: pl.DataFrame) -> pl.DataFrame:
    """Return, by cité and commune, another spelling that means this cité and no other."""
    index = cite_index(cites)
    rows = [
        (slug, commune, spelling)
        for slug, communes, spellings in cites.select(
            "slug", "commune_codes", "alternative_names"
        ).iter_rows()
        for commune in communes
        for spelling in spellings
        if index.get((commune, cite_key(spelling))) == slug
    ]
    schema = dict.fromkeys(["cite_slug", "commune_code", OTHER_SPELLING], pl.String)
    return pl.DataFrame(rows, schema=schema, orient="row").unique(
        ["cite_slug", "commune_code"], keep="first", maintain_order=True
    )


def _as_text(
    frame: pl.DataFrame,
    layout: Layout,
    spellings: pl.DataFrame,
    kinds: list[Fault],
    rng: np.random.Generator,
    rate: float,
) -> tuple[pl.DataFrame, list[tuple[Fault, int]]]:
    """Return the rows as the producer writes them, faults included, with its headers."""
    frame = frame.join(spellings, on=["cite_slug", "commune_code"], how="left", maintain_order="left")
    columns = [_text(name, frame.schema[name], layout) for name in layout.columns]
    soiled, counts = soil(
        frame.select(*columns, OTHER_SPELLING), frame["pinson"].to_numpy(), kinds, rng, rate
    )
    return (
        soiled.select(pl.col(name).alias(header) for name, header in layout.columns.items()).with_columns(
            nature=pl.lit("fictif")
        ),
        counts,
    )


def _text(name: str, dtype: pl.DataType, layout: Layout) -> pl.Expr:
    """Return a column as text in the producer's style."""
    column = pl.col(name)
    if name in layout.codes:
        theirs = {ours: code for code, ours in layout.codes[name].items()}
        return column.replace_strict(theirs, return_dtype=pl.String)
    if name in _DECIMALS:
        number = column.cast(pl.Decimal(12, _DECIMALS[name])).cast(pl.String)
        return number.str.replace(".", layout.decimal, literal=True)
    if dtype == pl.Date:
        return column.dt.strftime(layout.date_format)
    return column.cast(pl.String)


def _write(
    folder: Path,
    name: str,
    text: pl.DataFrame,
    layout: Layout,
    counts: list[tuple[Fault, int]],
    seed: int,
) -> list[Path]:
    end = "\r\n" if layout.encoding == "cp1252" else "\n"
    content = f"{_MARK}{end}{text.write_csv(separator=layout.separator, line_terminator=end)}"
    if layout.encoding == "cp1252":
        # Windows-1252 has no narrow no-break space.
        content = content.replace("\u202f", "\u00a0")
    note = _NOTE.format(
        name=name,
        seed=seed,
        encoding=layout.encoding_label,
        separator=layout.separator,
        decimal=layout.decimal,
        dates=layout.date_example,
        rows=f"{text.height:,}".replace(",", "\u202f"),
        faults="\n".join(
            f"- {fault.label} : {count} ({'à rejeter' if fault.rejected else 'sans gravité'})"
            for fault, count in counts
        ),
    )
    contents = {name: content.encode(layout.encoding), "LISEZMOI.txt": note.encode()}
    for one, written in contents.items():
        write_atomic(folder / one, written)
    return [folder / one for one in contents]
