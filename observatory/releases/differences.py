"""What changed between two editions, figure by figure, and why.

Belongs here: the rows that differ; their reasons, from definitions, source files, perimeters and statuses.
Does not: reading editions (``editions``), writing what is found (``difference_files``, ``rendering``).

A reason is deduced, never typed by hand, and several may hold. A change that none explains is said to be
unexplained: the same files, formula and perimeter should give the same figure.

Nothing is told that both editions do not tell: a value is recalled only where the later edition still
publishes the figure, so that one now secret or withdrawn is not shown again beside it. Earlier releases are
held by the attacker of every audit anyway (``disclosure.audit``).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from observatory.releases.editions import PublicEdition, last_release
from observatory.tables import OBSERVATIONS

KEY = list(OBSERVATIONS.key)
KINDS = {
    "value": "valeur révisée",
    "status": "statut changé",
    "added": "chiffre ajouté",
    "removed": "chiffre retiré",
}
UNEXPLAINED = "unexplained"
REASONS = {
    "vintage": "millésime ajouté ou retiré",
    "indicator": "indicateur ou niveau ajouté ou retiré",
    "source": "source révisée",
    "files": "autres fichiers sources",
    "perimeter": "périmètre",
    "formula": "formule",
    "confidentiality": "confidentialité",
    UNEXPLAINED: "inexpliqué",
}
CHANGES: dict[str, pl.DataType] = {
    "territory_level": pl.String(),
    "territory_code": pl.String(),
    "territory": pl.String(),
    "indicator": pl.String(),
    "vintage": pl.Int32(),
    "change": pl.String(),
    "status_before": pl.String(),
    "status_after": pl.String(),
    "value_before": pl.Float64(),
    "value_after": pl.Float64(),
    "unit": pl.String(),
    "reasons": pl.List(pl.String),
    "fictive": pl.Boolean(),
}
"""One row per figure that differs: kind of change and reasons are keys of ``KINDS`` and ``REASONS``."""
DEFINITION_FIELDS = {
    "label": "libellé",
    "formula": "formule",
    "unit": "unité",
    "aggregation": "agrégation",
    "breakdown": "répartition",
    "category": "catégorie",
    "polarity": "sens",
    "sources": "sources",
    "comparability": "comparabilité",
    "reliable_from": "seuil de fiabilité",
    "shortest_interval": "intervalle de comparaison",
    "breaks": "ruptures de série",
    "exceptional": "millésimes exceptionnels",
}
# Those that make another figure; the others change how it is read.
_FORMULA = ("formula", "unit", "aggregation", "breakdown", "category")
# Levels made of the communes of the perimeter; the others are whole whatever it is.
_COMPOSED = ("iris", "cite", "commune", "epci", "basin")
_TOLERANCE = 1e-9
_BESIDE = ["value", "status", "file_ids", "geography_vintage", "unit"]


@dataclass(frozen=True)
class DefinitionChange:
    """A field of a definition that both editions have and that differs: its French name and both texts."""

    indicator: str
    field: str
    before: str
    after: str


@dataclass(frozen=True)
class SourceChange:
    """A source file added, removed, or of the same vintage with another content (``revised``)."""

    file_id: str
    title: str
    change: str


@dataclass(frozen=True)
class Differences:
    """What changed between two editions.

    Attributes:
        before: name of the earlier edition.
        after: name of the later one.
        rows: frame of ``CHANGES``, by territory, indicator and vintage.
        compared: figures that both publish.
        added: indicators that the later edition alone has.
        removed: indicators that the earlier one alone has.
        definitions: definitions that differ.
        sources: source files that differ.
        perimeters: perimeter of each and its year, as one word.
        same_code: whether both were made by the same code; None where one does not say.
    """

    before: str
    after: str
    rows: pl.DataFrame
    compared: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    definitions: tuple[DefinitionChange, ...]
    sources: tuple[SourceChange, ...]
    perimeters: tuple[str, str]
    same_code: bool | None

    def count(self, kind: str) -> int:
        """Return how many figures changed in a way."""
        return self.rows.filter(pl.col("change") == kind).height

    @property
    def unexplained(self) -> int:
        """How many figures changed for no reason found."""
        return self.rows.filter(pl.col("reasons").list.contains(UNEXPLAINED)).height

    @cached_property
    def by_reason(self) -> list[tuple[str, Mapping[str, int]]]:
        """Count of each kind of change by reason, reasons in their order; a figure may count in several."""
        counts: dict[str, dict[str, int]] = {}
        exploded = self.rows.select("change", reason="reasons").explode("reason")
        for reason, kind, count in exploded.group_by("reason", "change").len().iter_rows():
            counts.setdefault(reason, {})[kind] = count
        return [(reason, counts[reason]) for reason in REASONS if reason in counts]

    @cached_property
    def by_indicator(self) -> list[tuple[str, Mapping[str, int], tuple[str, ...]]]:
        """Count of each kind of change by indicator, in alphabetical order, and all its reasons."""
        found: list[tuple[str, Mapping[str, int], tuple[str, ...]]] = []
        for (name,), rows in sorted(self.rows.partition_by("indicator", as_dict=True).items()):
            counts = dict(rows.group_by("change").len().iter_rows())
            reasons = set(rows["reasons"].explode().to_list())
            found.append((str(name), counts, tuple(one for one in REASONS if one in reasons)))
        return found

    @cached_property
    def _by_territory(self) -> dict[tuple[object, ...], pl.DataFrame]:
        return self.rows.partition_by("territory_level", "territory_code", as_dict=True)

    def of(self, level: str, code: str) -> pl.DataFrame:
        """Return the rows of a territory."""
        return self._by_territory.get((level, code), self.rows.clear())


def differences(before: PublicEdition, after: PublicEdition) -> Differences:
    """Set two editions against each other."""
    joined = _beside(before, "_before").join(_beside(after, "_after"), on=KEY, how="full", coalesce=True)
    published = [pl.col(f"status_{side}") == "published" for side in ("before", "after")]
    scale = pl.max_horizontal(pl.col("value_before").abs(), pl.col("value_after").abs(), pl.lit(1.0))
    differs = (pl.col("value_after") - pl.col("value_before")).abs() > _TOLERANCE * scale
    change = (
        pl.when(pl.col("status_before").is_null())
        .then(pl.lit("added"))
        .when(pl.col("status_after").is_null())
        .then(pl.lit("removed"))
        .when(pl.col("status_before") != pl.col("status_after"))
        .then(pl.lit("status"))
        .when(published[0] & differs)
        .then(pl.lit("value"))
    )
    changed = joined.with_columns(change=change).filter(pl.col("change").is_not_null())
    names_before, names_after = (set(one.definitions["indicator"]) for one in (before, after))
    return Differences(
        before.name,
        after.name,
        _explained(changed, before, after),
        joined.filter(*published).height,
        tuple(sorted(names_after - names_before)),
        tuple(sorted(names_before - names_after)),
        tuple(_definition_changes(before, after)),
        tuple(_source_changes(before, after)),
        (before.perimeter, after.perimeter),
        before.code == after.code if before.code and after.code else None,
    )


def since_last(releases: Path, current: PublicEdition) -> Differences | None:
    """Return what changed since the last release of the same perimeter; None where there is none.

    Args:
        releases: where releases are kept.
        current: the edition about to be published, named as the release that it will be.
    """
    before = last_release(releases, current.perimeter, current.name)
    return None if before is None else differences(before, current)


def _beside(edition: PublicEdition, suffix: str) -> pl.DataFrame:
    observations = edition.observations.select(*KEY, *_BESIDE)
    return observations.unique(KEY, keep="first", maintain_order=True).rename(
        {name: name + suffix for name in _BESIDE}
    )


def _explained(changed: pl.DataFrame, before: PublicEdition, after: PublicEdition) -> pl.DataFrame:
    """Return the rows that differ, in the columns of ``CHANGES``."""
    rows = _with_scope(changed, before, after)
    rows = rows.join(_by_files(rows, before, after), on=["change", "ids_before", "ids_after"], how="left")
    area = pl.concat_str("territory_level", "territory_code", separator=":")
    other_geography = pl.col("geography_vintage_before") != pl.col("geography_vintage_after")
    statuses = pl.col("status_before"), pl.col("status_after")
    found = {
        "vintage": pl.col("new_vintage") & ~pl.col("new_indicator"),
        "indicator": pl.col("new_indicator"),
        "source": pl.col("revised_file"),
        # A new vintage comes with its file: the first reason says it all.
        "files": pl.col("other_files") & ~pl.col("new_vintage") & ~pl.col("new_indicator"),
        "perimeter": area.is_in(_recomposed(before, after)) | other_geography.fill_null(False),
        "formula": pl.col("indicator").is_in(_redefined(before, after)),
        "confidentiality": (pl.col("change") == "status")
        & pl.any_horizontal(*(one == "secret" for one in statuses)),
    }
    reasons = pl.concat_list(
        pl.when(holds).then(pl.lit(reason)).otherwise(pl.lit(None, pl.String))
        for reason, holds in found.items()
    ).list.drop_nulls()
    names = [
        {"territory_level": level, "territory_code": code, "territory": name}
        for (level, code), name in (before.names | after.names).items()
    ]
    shown = pl.when(statuses[1] == "published").then(pl.col("value_before"))
    return (
        rows.with_columns(
            fictive=_fictive(before, after),
            reasons=pl.when(reasons.list.len() > 0).then(reasons).otherwise(pl.lit([UNEXPLAINED])),
            value_before=shown,
            unit=pl.coalesce("unit_after", "unit_before"),
        )
        .join(
            pl.DataFrame(names, schema=dict.fromkeys([*KEY[:2], "territory"], pl.String)),
            on=KEY[:2],
            how="left",
        )
        .with_columns(pl.col("territory").fill_null(pl.col("territory_code")))
        .select(pl.col(name).cast(dtype) for name, dtype in CHANGES.items())
        .sort(KEY)
    )


def _fictive(before: PublicEdition, after: PublicEdition) -> pl.Expr:
    """Return whether a row derives from generated data, in either edition."""
    made = [set(one.definitions.filter("fictive")["indicator"]) for one in (before, after)]
    generated = [set(one.files.filter("fictive")["file_id"]) for one in (before, after)]
    files = [
        pl.col(f"file_ids_{side}").list.eval(pl.element().is_in(sorted(ids))).list.any().fill_null(False)
        for side, ids in zip(("before", "after"), generated, strict=True)
    ]
    return pl.any_horizontal(pl.col("indicator").is_in(sorted(made[0] | made[1])), *files)


def _with_scope(changed: pl.DataFrame, before: PublicEdition, after: PublicEdition) -> pl.DataFrame:
    """Tell which rows have an indicator, or a vintage of it, that one edition has nowhere at that level."""
    for name, columns in (
        ("new_indicator", ["territory_level", "indicator"]),
        ("new_vintage", ["territory_level", "indicator", "vintage"]),
    ):
        there, here = (one.observations.select(columns).unique() for one in (before, after))
        both = there.join(here, on=columns, how="semi").with_columns(pl.lit(False).alias(name))
        changed = changed.join(both, on=columns, how="left").with_columns(pl.col(name).fill_null(True))
    identifiers = {
        f"ids_{side}": pl.col(f"file_ids_{side}").list.sort().list.join("|").fill_null("")
        for side in ("before", "after")
    }
    return changed.with_columns(**identifiers)


def _by_files(rows: pl.DataFrame, before: PublicEdition, after: PublicEdition) -> pl.DataFrame:
    """Tell, for each pair of lists of files, whether one was revised and whether they are others."""
    prints = [dict(one.files.select("file_id", "sha256").iter_rows()) for one in (before, after)]
    found = []
    for change, first, second in rows.select("change", "ids_before", "ids_after").unique().iter_rows():
        ids = [{name for name in joined.split("|") if name} for joined in (first, second)]
        known = [name for name in ids[0] | ids[1] if name in prints[0] and name in prints[1]]
        revised = any(prints[0][name] != prints[1][name] for name in known)
        whole = change in ("added", "removed")
        others = len(known) < len(ids[0] | ids[1]) if whole else ids[0] != ids[1]
        found.append((change, first, second, revised, others))
    schema = dict.fromkeys(["change", "ids_before", "ids_after"], pl.String)
    return pl.DataFrame(
        found, schema=schema | {"revised_file": pl.Boolean, "other_files": pl.Boolean}, orient="row"
    )


def _recomposed(before: PublicEdition, after: PublicEdition) -> list[str]:
    """Return the territories that one edition lacks, or that have other communes, as ``level:code``."""
    both = before.names.keys() & after.names.keys()
    alone = before.names.keys() ^ after.names.keys()
    changed = {
        area
        for area in both
        if area[0] in _COMPOSED and before.compositions[area] != after.compositions[area]
    }
    return sorted(":".join(area) for area in alone | changed)


def _redefined(before: PublicEdition, after: PublicEdition) -> list[str]:
    fields = {DEFINITION_FIELDS[name] for name in _FORMULA}
    return sorted({one.indicator for one in _definition_changes(before, after) if one.field in fields})


def _definition_changes(before: PublicEdition, after: PublicEdition) -> Iterator[DefinitionChange]:
    texts = [
        {row["indicator"]: row for row in one.definitions.iter_rows(named=True)} for one in (before, after)
    ]
    for indicator in sorted(texts[0].keys() & texts[1].keys()):
        for name, written in DEFINITION_FIELDS.items():
            first, second = (_text(one[indicator][name]) for one in texts)
            if first != second:
                yield DefinitionChange(indicator, written, first, second)


def _source_changes(before: PublicEdition, after: PublicEdition) -> Iterator[SourceChange]:
    files = [{row["file_id"]: row for row in one.files.iter_rows(named=True)} for one in (before, after)]
    for name in sorted(files[0].keys() | files[1].keys()):
        row = files[1].get(name) or files[0][name]
        if name not in files[0]:
            yield SourceChange(name, row["title"], "added")
        elif name not in files[1]:
            yield SourceChange(name, row["title"], "removed")
        elif files[0][name]["sha256"] != files[1][name]["sha256"]:
            yield SourceChange(name, row["title"], "revised")


def _text(value: object) -> str:
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
