"""Which cité a delivered row is in: by name, by confirmed spelling, by coordinates; never by a guess.

Belongs here: confirmations, near names to confirm, points in contours. Does not: what two spellings of one
name share (``sources.cite_names``), nor where contours come from (``heritage``).
"""

import csv
import difflib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import shapely

from observatory.errors import InputError
from observatory.sources.cite_names import cite_index, cite_key

NEAR = 0.75
"""Least likeness (share of common signs, Ratcliff and Obershelp) for a name to be proposed."""

OUTSIDE = "hors_suivi"
"""What a confirmation says of a label that names no cité that the observatory follows."""

CONFIRMATION_COLUMNS = ("commune", "nom_livre", "cite")


@dataclass(frozen=True)
class Places:
    """What rows are placed by.

    Attributes:
        cites: table ``core.cites``.
        commune_codes: INSEE codes of the communes of any perimeter.
        confirmed: (commune, key of the delivered name) -> slug, or ``OUTSIDE``.
        contours: ``slug`` and ``geometry`` (GeoJSON, WGS84) of cités; empty where there are none.
    """

    cites: pl.DataFrame = field(repr=False)
    commune_codes: frozenset[str]
    confirmed: Mapping[tuple[str, str], str] = field(default_factory=dict)
    contours: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"slug": pl.String, "geometry": pl.String}), repr=False
    )


@dataclass(frozen=True)
class Placed:
    """Where rows are, one value per row.

    Attributes:
        slug: cité; null outside those followed, or when a rule is broken.
        unknown: the name is that of no cité, or of several, of the row's commune.
        near: likewise, and one cité has a name that comes near.
        contradicted: the point is in another cité's contour, and not in this one's.
        labels: one row per name that is not recognised: ``commune_code``, ``label``, ``rows``, ``proposal``
            (slug or null), ``likeness``.
    """

    slug: pl.Series
    unknown: pl.Series
    near: pl.Series
    contradicted: pl.Series
    labels: pl.DataFrame = field(repr=False)


def read_confirmations(path: Path, cites: pl.DataFrame) -> dict[tuple[str, str], str]:
    """Return the confirmed spellings; none if the file does not exist.

    Args:
        path: CSV separated by « ; », columns ``CONFIRMATION_COLUMNS``.
        cites: table ``core.cites``.

    Raises:
        InputError: a column is missing, or a line confirms a cité that does not exist. The delivered name is
            not quoted.
    """
    if not path.is_file():
        return {}
    reader = csv.DictReader(io.StringIO(path.read_text("utf-8-sig")), delimiter=";")
    if not set(CONFIRMATION_COLUMNS) <= set(reader.fieldnames or ()):
        raise InputError(
            path.name,
            "une colonne manque.",
            f"garder les colonnes {', '.join(CONFIRMATION_COLUMNS)}, séparées par « ; ».",
        )
    slugs = {*cites["slug"], OUTSIDE}
    confirmed: dict[tuple[str, str], str] = {}
    for row in reader:
        slug = (row["cite"] or "").strip()
        if slug not in slugs:
            raise InputError(
                path.name,
                "la cité confirmée n’est pas dans la table des cités.",
                f"employer un identifiant de cites.csv, ou « {OUTSIDE} ».",
                row=reader.line_num,
                column="cite",
            )
        confirmed[(row["commune"] or "").strip(), cite_key(row["nom_livre"] or "")] = slug
    return confirmed


def place(rows: pl.DataFrame, points: pl.DataFrame, places: Places) -> Placed:
    """Say which cité each row is in.

    A name decides; a row without a recognised name is placed by its point, if that falls in the contour of
    exactly one cité of its commune.

    Args:
        rows: String columns ``commune_code`` and ``cite_label``.
        points: Float64 columns ``longitude`` and ``latitude``, null where unknown, in the same order.
        places: what to place by.
    """
    named = _by_name(rows, places)
    inside = _containing(points, places.contours)
    communes = {slug: set(codes) for slug, codes in places.cites.select("slug", "commune_codes").iter_rows()}
    drawn = set(places.contours["slug"])
    slugs: list[str | None] = []
    contradicted: list[bool] = []
    for slug, commune, found in zip(named["slug"], rows["commune_code"], inside, strict=True):
        here = [one for one in found if commune in communes.get(one, ())]
        if slug is None and len(here) == 1:
            slug = here[0]
        contradicted.append(bool(found) and slug in drawn and slug not in found)
        slugs.append(slug)
    slug_column = pl.Series("slug", slugs, dtype=pl.String)
    missed = rows["cite_label"].is_not_null() & slug_column.is_null()
    near = missed & named["proposal"].is_not_null()
    labels = (
        named.select("commune_code", "likeness", "proposal", label="cite_label")
        .filter(missed)
        .group_by("commune_code", "label", "proposal", "likeness")
        .len("rows")
        .sort("commune_code", "label", nulls_last=True)
    )
    return Placed(
        slug_column.replace(OUTSIDE, None),
        missed & ~near,
        near,
        pl.Series("contradicted", contradicted, dtype=pl.Boolean),
        labels,
    )


def _by_name(rows: pl.DataFrame, places: Places) -> pl.DataFrame:
    """Return commune, label, slug, proposal and likeness of each row."""
    index = cite_index(places.cites)
    names = _names(places.cites)
    pairs = rows.select("commune_code", "cite_label").unique().filter(pl.col("cite_label").is_not_null())
    found = []
    for commune, label in pairs.iter_rows():
        key = cite_key(label)
        slug = places.confirmed.get((commune, key)) or index.get((commune, key))
        proposal, likeness = (None, None) if slug else _nearest(key, names.get(commune, []))
        found.append((commune, label, slug, proposal, likeness))
    schema = dict.fromkeys(("commune_code", "cite_label", "slug", "proposal"), pl.String)
    matched = pl.DataFrame(found, schema={**schema, "likeness": pl.Float64}, orient="row")
    return rows.select("commune_code", "cite_label").join(
        matched, on=["commune_code", "cite_label"], how="left", maintain_order="left", nulls_equal=True
    )


def _names(cites: pl.DataFrame) -> dict[str, list[tuple[str, str]]]:
    """Return, by commune, the keys of names and other spellings, with their slug."""
    names: dict[str, list[tuple[str, str]]] = {}
    for cite in cites.iter_rows(named=True):
        for commune in cite["commune_codes"]:
            keys = {cite_key(name) for name in (cite["name"], *cite["alternative_names"])} - {""}
            names.setdefault(commune, []).extend((key, cite["slug"]) for key in sorted(keys))
    return names


def _nearest(key: str, names: list[tuple[str, str]]) -> tuple[str | None, float | None]:
    scored = [(difflib.SequenceMatcher(None, key, name).ratio(), slug) for name, slug in names if key]
    best, slug = max(scored, default=(0.0, ""))
    rivals = {other for score, other in scored if score == best}
    # Of two cités that come as near, neither is proposed.
    return (slug, best) if best >= NEAR and len(rivals) == 1 else (None, None)


def _containing(points: pl.DataFrame, contours: pl.DataFrame) -> list[list[str]]:
    """Return the cités whose contour covers each point."""
    inside: list[list[str]] = [[] for _ in range(points.height)]
    located = points.with_row_index("place").filter(
        pl.col("longitude").is_not_null() & pl.col("latitude").is_not_null()
    )
    if located.is_empty() or contours.is_empty():
        return inside
    tree = shapely.STRtree(shapely.from_geojson(contours["geometry"].to_numpy()))
    spots = shapely.points(located["longitude"].to_numpy(), located["latitude"].to_numpy())
    ranks, slugs = located["place"].to_list(), contours["slug"].to_list()
    for point, contour in tree.query(spots, predicate="covered_by").T.tolist():
        inside[ranks[point]].append(slugs[contour])
    return inside
