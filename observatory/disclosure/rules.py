"""The rules by measure, and observations with the secret cells emptied.

Belongs here: which counts are sensitive (status A of INSEE) and how a hidden count hides figures.
Does not: which further cells must be hidden for it (``linked``).
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field

from observatory.disclosure.linked import Cell, Key, System, protect
from observatory.errors import ObservatoryError
from observatory.indicators.catalogue import Indicator
from observatory.territories import members

RULES = Path(__file__).with_name("rules.yaml")
LEVELS = ("cite", "commune", "epci", "basin")

Amounts = dict[tuple[str, str], float]
"""(level, code) -> count."""


class UnprotectedMeasureError(ObservatoryError):
    """An indicator draws on confidential data by a measure that has no rule."""


class Rule(BaseModel):
    """What makes a count secret (see ``rules.yaml``)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    measure: str
    minimum: int = Field(ge=2)
    complement_of: str | None = None
    group: bool = False
    reason: str


@cache
def load_rules(path: Path = RULES) -> dict[str, Rule]:
    """Return the rules by measure."""
    rules = [Rule.model_validate(item) for item in yaml.safe_load(path.read_text(encoding="utf-8"))]
    return {rule.measure: rule for rule in rules}


def protect_observations(
    observations: pl.DataFrame,
    indicators: Iterable[Indicator],
    measures: pl.DataFrame,
    territories: pl.DataFrame,
) -> pl.DataFrame:
    """Return ``observations`` with secret cells emptied and their status set to ``secret``.

    A figure is hidden when its numerator or its denominator is: value, numerator and denominator go
    together.

    Args:
        observations: as computed, without the status ``secret``.
        indicators: definitions.
        measures: the counts that the observations come from, every level.
        territories: ``core.territories`` of one perimeter version.

    Raises:
        UnprotectedMeasureError: a fictive or confidential indicator has a numerator without rule.
    """
    rules = load_rules()
    hidden = {
        (rule.measure, vintage): hidden_cells(rule, amounts, measures, territories)
        for rule in rules.values()
        for vintage, amounts in _amounts(measures, rule.measure).items()
    }
    rows = set()
    for indicator in indicators:
        if indicator.fictive and indicator.numerator not in rules:
            raise UnprotectedMeasureError(
                f"L’indicateur « {indicator.id} » tire de données confidentielles la mesure "
                f"« {indicator.numerator} », qui n’a pas de règle de secret. Ajoutez-la à {RULES.name}."
            )
        for vintage in indicator.vintages:
            for measure in (indicator.numerator, indicator.denominator):
                cells = hidden.get((str(measure), vintage), set())
                rows |= {(indicator.id, vintage, *cell) for cell in cells}
    keys = ["indicator", "vintage", "territory_level", "territory_code"]
    secret = pl.DataFrame(
        sorted(rows),
        schema=dict(zip(keys, (pl.String, pl.Int32, pl.String, pl.String), strict=True)),
        orient="row",
    ).with_columns(secret=pl.lit(True))
    is_secret = pl.col("secret").fill_null(False)
    return observations.join(secret, on=keys, how="left").select(
        *(
            pl.when(~is_secret).then(pl.col(name)).alias(name)
            if name in ("value", "numerator", "denominator")
            else pl.when(is_secret).then(pl.lit("secret")).otherwise(pl.col(name)).alias(name)
            if name == "status"
            else pl.col(name)
            for name in observations.columns
        )
    )


def hidden_cells(
    rule: Rule, amounts: Amounts, measures: pl.DataFrame, territories: pl.DataFrame
) -> set[tuple[str, str]]:
    """Return the (level, code) to hide for one measure: sensitive cells and those that protect them."""
    system = build_system(amounts, territories)
    bases = _amounts(measures, rule.complement_of) if rule.complement_of else {}
    base = next(iter(bases.values()), {})
    sensitive = {key for key, cell in system.cells.items() if _sensitive(rule, key, cell.value, base)}
    hidden = protect(system, sensitive, rule.minimum)
    return {key for key in hidden if isinstance(key, tuple)}


def build_system(amounts: Amounts, territories: pl.DataFrame) -> System:
    """Return the cells of one count: cité, commune, EPCI, basin, and what differences give away.

    The base variables are the part of each cité in each of its communes and the rest of each commune.
    The rest of a commune is never printed, but commune minus cités gives it: it is a cell to protect.
    """
    in_commune: dict[str, list[tuple[str, str]]] = {}
    of_cite: dict[str, list[tuple[str, str]]] = {}
    for cite, commune in members(territories, "cite", "commune").iter_rows():
        part = (cite, commune)
        in_commune.setdefault(commune, []).append(part)
        of_cite.setdefault(cite, []).append(part)
    cells: dict[Key, Cell] = {}
    for cite, parts in of_cite.items():
        cells["cite", cite] = Cell(amounts["cite", cite], frozenset(parts))
    communes: dict[str, frozenset[Key]] = {}
    for commune in territories.filter(pl.col("level") == "commune")["code"]:
        parts = in_commune.get(commune, [])
        rest = frozenset({("rest", commune), *(part for part in parts if len(of_cite[part[0]]) > 1)})
        communes[commune] = frozenset(parts) | rest
        cells["commune", commune] = Cell(amounts["commune", commune], communes[commune])
        inside = sum(amounts["cite", cite] for cite, _ in parts if len(of_cite[cite]) == 1)
        if rest != communes[commune]:
            cells[f"rest of {commune}"] = Cell(amounts["commune", commune] - inside, rest, publishable=False)
    for level in ("epci", "basin"):
        for code, group in members(territories, "commune", level).group_by("parent"):
            bases = frozenset().union(*(communes[commune] for commune in group["child"]))
            cells[level, str(code[0])] = Cell(amounts[level, str(code[0])], bases)
    return System(cells)


def _sensitive(rule: Rule, key: Key, value: float, base: Amounts) -> bool:
    if 0 < value < rule.minimum:
        return True
    if not isinstance(key, tuple) or key not in base:
        return False
    whole = base[key]
    if 0 < whole - value < rule.minimum:
        return True
    return rule.group and whole > 0 and value in (0, whole)


def _amounts(measures: pl.DataFrame, measure: str) -> dict[int, Amounts]:
    """Return the counts of one measure by vintage, at the levels that are linked."""
    frame = measures.filter((pl.col("measure") == measure) & pl.col("level").is_in(LEVELS))
    by_vintage: dict[int, Amounts] = {}
    for level, code, vintage, amount in frame.select("level", "code", "vintage", "amount").iter_rows():
        by_vintage.setdefault(vintage, {})[level, code] = amount
    return by_vintage
