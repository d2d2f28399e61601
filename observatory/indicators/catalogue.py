"""The catalogue of indicators, as frozen models read from ``catalogue.yaml``."""

from functools import cache
from pathlib import Path
from typing import Literal

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field

from observatory.errors import ObservatoryError
from observatory.sources.catalogue import get_source
from observatory.tables import DEFINITIONS

CATALOGUE = Path(__file__).with_name("catalogue.yaml")

Level = Literal["iris", "cite", "commune", "epci", "basin", "department", "region", "country"]


class CatalogueError(ObservatoryError):
    """The catalogue of indicators contradicts itself."""


class Indicator(BaseModel):
    """One indicator: ``scale * numerator / denominator``, or a plain count without denominator."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    label: str
    theme: str
    formula: str
    unit: str
    decimals: int = 0
    numerator: str
    denominator: str | None = None
    scale: float = 1.0
    polarity: Literal["higher_is_better", "lower_is_better", "neutral"]
    sources: tuple[str, ...]
    levels: tuple[Level, ...]
    vintages: tuple[int, ...]
    comparability: str

    @property
    def fictive(self) -> bool:
        """Whether any of its sources is generated."""
        return any(get_source(source).fictive for source in self.sources)


@cache
def load_indicators(path: Path = CATALOGUE) -> tuple[Indicator, ...]:
    """Return the indicators in order of display.

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


def definitions(indicators: tuple[Indicator, ...]) -> pl.DataFrame:
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
                    "comparison": "not_compared" if indicator.denominator is None else "with_parents",
                    "sources": list(indicator.sources),
                    "aggregation": "sum" if indicator.denominator is None else "ratio",
                    "levels": list(indicator.levels),
                    "vintages": list(indicator.vintages),
                    "comparability": indicator.comparability,
                    "fictive": indicator.fictive,
                }
                for position, indicator in enumerate(indicators, start=1)
            ],
            schema=DEFINITIONS.polars_schema,
        )
    )
