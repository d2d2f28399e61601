"""A made-up edition with every variable of the typology: forty communes in four planted groups, two dates."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from observatory.tables.results import OBSERVATIONS
from observatory.typology.communes import Variable, load_choice

CODES = [f"62{rank:03d}" for rank in range(1, 41)]
GROUPS = {code: rank // 10 for rank, code in enumerate(CODES)}
MOVER = CODES[0]
"""In the first group at the reference date; at the other, in the second."""

_PATTERNS = ((-1, -1, 1, 1), (-1, 1, -1, 1), (1, -1, -1, 1))
_LATEST = 2022


def full_edition() -> pl.DataFrame:
    """Return observations of every variable at its vintages, and the census population of the reference."""
    random = np.random.default_rng(4)
    rows = []
    for place, variable in enumerate(load_choice().variables):
        other, reference = variable.trajectory or (None, _LATEST)
        for vintage in (other, reference):
            noise = 0.1 * random.normal(size=len(CODES))
            if vintage is None:
                continue
            for code, error in zip(CODES, noise, strict=True):
                group = 1 if code == MOVER and vintage == other else GROUPS[code]
                level = _PATTERNS[place % 3][group] + error
                rows.append((variable.indicator, vintage, code, _value(variable, level)))
    rows += [("population_recensement", _LATEST, code, 12_000.0) for code in CODES]
    return observations(rows)


def observations(rows: Iterable[tuple[str, int, str, float | None]]) -> pl.DataFrame:
    """Make observations of communes from indicator, vintage, code and value; shares are of 5,000 units."""
    return OBSERVATIONS.conform(
        pl.DataFrame(
            [
                {
                    "territory_level": "commune",
                    "territory_code": code,
                    "indicator": indicator,
                    "vintage": vintage,
                    "value": value,
                    "numerator": None,
                    "denominator": 5_000.0,
                    "unit": "%" if indicator.startswith(("part_", "taux_")) else "",
                    "status": "missing" if value is None else "published",
                    "perimeter": "sept_epci",
                    "perimeter_vintage": 2026,
                    "geography_vintage": "2026",
                    "file_ids": [],
                }
                for indicator, vintage, code, value in rows
            ],
            schema=OBSERVATIONS.polars_schema,
        )
    )


def changed(
    frame: pl.DataFrame, indicator: str, codes: Iterable[str], value: float | None, vintage: int | None = None
) -> pl.DataFrame:
    """Return the observations with another value of an indicator in some communes, at one or all vintages."""
    here = (pl.col("indicator") == indicator) & pl.col("territory_code").is_in(list(codes))
    if vintage is not None:
        here &= pl.col("vintage") == vintage
    return frame.with_columns(pl.when(here).then(pl.lit(value, pl.Float64)).otherwise("value").alias("value"))


def values(frame: pl.DataFrame, indicator: str, vintage: int | None = None) -> dict[str, float]:
    """Return the value of each commune, at a vintage or the only one."""
    rows = frame.filter(pl.col("indicator") == indicator, pl.col("territory_level") == "commune")
    if vintage is not None:
        rows = rows.filter(pl.col("vintage") == vintage)
    return dict(rows.select("territory_code", "value").iter_rows())


def _value(variable: Variable, level: float) -> float:
    if variable.current_euros:
        return 20_000 + 2_000 * level
    if variable.transform == "none":
        return 50 + 10 * level
    return float(np.exp(5 + 0.5 * level))
