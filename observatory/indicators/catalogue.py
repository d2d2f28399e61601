"""The catalogue of indicators, as frozen models read from ``catalogue.yaml`` and from the breakdowns."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from observatory.errors import ObservatoryError
from observatory.indicators.breakdowns import load_breakdowns
from observatory.indicators.precautions import Precaution, get_precaution
from observatory.sources.catalogue import get_source
from observatory.tables import DEFINITIONS

CATALOGUE = Path(__file__).with_name("catalogue.yaml")

_LANDLORDS, _ANGDM = ("maisons_et_cites", "sia_habitat"), ("angdm",)
FICTIVE_NOTE = "Données fictives. "

Level = Literal["iris", "cite", "commune", "epci", "basin", "department", "region", "country"]


class CatalogueError(ObservatoryError):
    """The catalogue of indicators contradicts itself."""


class Indicator(BaseModel):
    """One indicator: ``scale * numerator / denominator``, or a plain figure without denominator.

    Attributes:
        denominator_vintage: ``latest`` divides by the last year known of a territory's denominator, where
            the two sources have different years.
        vintages: years computed; none stands for every year measured (see ``measured``).
        proportion: whether the numerator counts a part of what the denominator counts.
        precaution: how carefully to read it (see ``precautions``).
        phrase: what a sentence says of it, ``{value}`` standing for the figure and its unit; none for an
            indicator that no sentence tells.
        ready_made: whether the producer gives the figure itself, a median or a rate, which no level sums.
        since: first year after a break of the series; what came before is left out.
        breakdown: title of the breakdown that it is a share of; none for others.
        category: which share, and its ``category_position`` among them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str
    theme: str
    formula: str
    unit: str
    decimals: int = 0
    numerator: str
    denominator: str | None = None
    denominator_vintage: Literal["same", "latest"] = "same"
    scale: float = 1.0
    ready_made: bool = False
    polarity: Literal["higher_is_better", "lower_is_better", "neutral"]
    proportion: bool = False
    precaution: str
    phrase: str | None = None
    sources: tuple[str, ...]
    levels: tuple[Level, ...]
    vintages: tuple[int, ...] = ()
    since: int | None = None
    comparability: str
    breakdown: str | None = None
    category: str | None = None
    category_position: int | None = None

    @model_validator(mode="after")
    def _agrees(self) -> "Indicator":
        if self.proportion and (self.denominator is None or self.scale != 100):
            raise ValueError(f"« {self.id} » est dit proportion sans être un rapport pour cent")
        if self.phrase is not None and self.phrase.count("{value}") != 1:
            raise ValueError(f"la phrase de « {self.id} » ne place pas une fois la valeur, « {{value}} »")
        return self

    @property
    def fictive(self) -> bool:
        """Whether any of its sources is generated."""
        return any(get_source(source).fictive for source in self.sources)

    @property
    def care(self) -> Precaution:
        """The precaution that it names."""
        return get_precaution(self.precaution)


@cache
def load_indicators() -> tuple[Indicator, ...]:
    """Return the shipped indicators in order of display: the catalogue, then the shares of each breakdown.

    A share that the catalogue gives already keeps its place there.

    Raises:
        CatalogueError, pydantic.ValidationError: as ``read_indicators``.
    """
    found = {indicator.id: indicator for indicator in read_indicators(CATALOGUE)}
    for one in load_breakdowns():
        sources = _ANGDM if one.of == "beneficiaries" else _LANDLORDS
        shares = {item["id"]: Indicator.model_validate(item) for item in one.indicators(sources)}
        for position, category in enumerate(one.categories, start=1):
            place = {"breakdown": one.title, "category": category.label, "category_position": position}
            share = category.indicator or f"part_{one.id}_{category.id}"
            found[share] = (found.get(share) or shares[share]).model_copy(update=place)
    return tuple(found.values())


def read_indicators(path: Path) -> tuple[Indicator, ...]:
    """Return the indicators of one file, in its order.

    Raises:
        CatalogueError: an id stands twice.
        pydantic.ValidationError: a definition breaks the model.
    """
    indicators = tuple(
        Indicator.model_validate(item) for item in yaml.safe_load(path.read_text(encoding="utf-8"))
    )
    if len({indicator.id for indicator in indicators}) != len(indicators):
        raise CatalogueError("Le catalogue des indicateurs donne deux fois le même identifiant.")
    return indicators


def measured(indicators: Iterable[Indicator], measures: pl.DataFrame) -> tuple[Indicator, ...]:
    """Return the indicators that the measures allow, with the vintages and sources that they really have.

    An indicator whose source is absent from this run is left out: nothing is promised that is not there.

    Args:
        indicators: the catalogue.
        measures: counts (``measures.MEASURES``).
    """
    held: dict[str, set[int]] = {}
    origins: dict[str, set[str]] = {}
    summary = measures.select("measure", "vintage", file_id=pl.col("file_ids")).explode("file_id").unique()
    for measure, vintage, file_id in summary.iter_rows():
        held.setdefault(measure, set()).add(vintage)
        if file_id is not None:
            origins.setdefault(measure, set()).add(file_id.partition(":")[0])
    kept = []
    for indicator in indicators:
        parts = [part for part in (indicator.numerator, indicator.denominator) if part is not None]
        if not all(part in held for part in parts):
            continue
        dated = parts[:1] if indicator.denominator_vintage == "latest" else parts
        vintages = set.intersection(*(held[part] for part in dated))
        if indicator.vintages:
            vintages &= set(indicator.vintages)
        if indicator.since is not None:
            vintages = {vintage for vintage in vintages if vintage >= indicator.since}
        if vintages:
            sources = set.union(*(origins.get(part, set()) for part in parts))
            kept.append(
                indicator.model_copy(
                    update={
                        "vintages": tuple(sorted(vintages)),
                        # A generated source is never dropped: the mark « fictif » hangs on it.
                        "sources": tuple(
                            name for name in indicator.sources if name in sources or get_source(name).fictive
                        ),
                    }
                )
            )
    return tuple(kept)


def definitions(indicators: Iterable[Indicator]) -> pl.DataFrame:
    """Return ``indicators.definitions``."""
    return DEFINITIONS.conform(
        pl.DataFrame(
            [
                {
                    "indicator": indicator.id,
                    "position": position,
                    "label": indicator.label,
                    "theme": indicator.theme,
                    "formula": indicator.formula,
                    "unit": indicator.unit,
                    "decimals": indicator.decimals,
                    "polarity": indicator.polarity,
                    "comparison": "not_compared" if _aggregation(indicator) == "sum" else "with_parents",
                    "sources": list(indicator.sources),
                    "aggregation": _aggregation(indicator),
                    "levels": list(indicator.levels),
                    "vintages": list(indicator.vintages),
                    "comparability": (FICTIVE_NOTE if indicator.fictive else "") + indicator.comparability,
                    "fictive": indicator.fictive,
                    "breakdown": indicator.breakdown,
                    "category": indicator.category,
                    "category_position": indicator.category_position,
                    "proportion": indicator.proportion,
                    "reliable_from": indicator.care.reliable_from,
                    "reliability": indicator.care.reliability,
                    "shortest_interval": indicator.care.shortest_interval,
                    "breaks": list(indicator.care.breaks),
                    "exceptional": list(indicator.care.exceptional),
                    "change_note": indicator.care.change_note,
                    "phrase": indicator.phrase,
                }
                for position, indicator in enumerate(indicators, start=1)
            ],
            schema=DEFINITIONS.polars_schema,
        )
    )


def _aggregation(indicator: Indicator) -> str:
    if indicator.ready_made:
        return "none"
    return "sum" if indicator.denominator is None else "ratio"
