"""The figures of one file, whole: one row per territory, one column per figure.

Belongs here: that frame, beside it why a figure is absent, and the rows of ``core.values`` made from both.
Does not: how a file is read and checked (``values``).
"""

from collections.abc import Collection
from dataclasses import dataclass

import polars as pl

from observatory.sources.layouts import Column
from observatory.tables import VALUES

ABSENCES: dict[str, type[pl.DataType]] = {"code": pl.String, "figure": pl.String, "status": pl.String}
"""Schema of the absences: one row per figure that a territory lacks, and its status."""


@dataclass(frozen=True)
class TerritoryFigures:
    """Every figure of one file, a thirtieth of the rows of ``core.values`` for the same facts.

    Attributes:
        source: source of the catalogue.
        file_id: its file.
        level: level of the territories.
        geography_vintage: COG year of their codes.
        absent: status of a commune that the file does not list, if the card gives one.
        columns: the variables and years of the figures.
        numbers: ``code``, then one Float64 column per figure, named by ``Column.figure``; null where there is
            no number. Sorted by code; without municipal districts of Paris, Lyon and Marseille.
        absences: why each null is one (schema ``ABSENCES``); any other figure is published.
    """

    source: str
    file_id: str
    level: str
    geography_vintage: int | None
    absent: str | None
    columns: tuple[Column, ...]
    numbers: pl.DataFrame
    absences: pl.DataFrame

    def rows(self, keep_codes: Collection[str] | None = None) -> pl.DataFrame:
        """Return ``core.values``, one row per figure and territory.

        Args:
            keep_codes: communes to keep, with their IRIS; all if None. One that the file does not list takes
                the status ``absent``, if there is one.
        """
        numbers, absences = self.numbers, self.absences
        if keep_codes is not None:
            kept = pl.col("code").str.slice(0, 5).is_in(sorted(set(keep_codes)))
            numbers, absences = numbers.filter(kept), absences.filter(kept)
        if keep_codes is not None and self.absent is not None:
            unlisted = sorted(set(keep_codes) - set(numbers["code"]))
            codes = pl.DataFrame({"code": unlisted}, schema={"code": pl.String})
            all_absent = codes.join(self._named().select("figure"), how="cross")
            numbers = pl.concat([numbers, codes], how="diagonal")
            absences = pl.concat([absences, all_absent.with_columns(status=pl.lit(self.absent))])
        long = (
            numbers.unpivot(index="code", variable_name="figure", value_name="value")
            .join(absences, on=["figure", "code"], how="left", maintain_order="left")
            .join(self._named(), on="figure", maintain_order="left")
        )
        return VALUES.conform(
            long.drop("figure").with_columns(
                pl.col("status").fill_null("published"),
                source=pl.lit(self.source),
                level=pl.lit(self.level),
                geography_vintage=pl.lit(self.geography_vintage, pl.Int32),
                file_id=pl.lit(self.file_id),
            )
        )

    def _named(self) -> pl.DataFrame:
        """Return the variable and the year of each figure."""
        named = [(column.figure, column.variable.name, column.year) for column in self.columns]
        schema = {"figure": pl.String, "variable": pl.String, "vintage": pl.Int32}
        return pl.DataFrame(named, schema=schema, orient="row")
