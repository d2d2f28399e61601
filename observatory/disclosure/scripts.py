"""The figures that a release hands to the scripts of its pages, read as whoever downloads them could.

Belongs here: files whose text sets an entry of a table and is JSON after the first « = », whatever they hold.
Does not: what the data files publish (``release``), whether a figure might be shown (``audit``).

Read are figures by commune of one indicator (the map) and of many indicators by territory (the comparison),
both with their vintages. A file that sets figures and is of neither kind is an error: nobody would have read
it.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from observatory.disclosure.release import Release, ReleaseError

SCRIPTED: dict[str, type[pl.DataType]] = {
    "origin": pl.String,
    "level": pl.String,
    "code": pl.String,
    "indicator": pl.String,
    "vintage": pl.Int32,
    "value": pl.Float64,
}
"""One row per number handed to a script."""

_HEAD = re.compile(r'window\.OBSERVATORY_(?:MAP|COMPARED)\["[^"]*"\] = ')
_FOLDER = "assets"
# Half a unit of the last decimal is what rounding may move, and a computer a little more.
_SLACK = 1e-9


def read_scripts(folder: Path) -> pl.DataFrame:
    """Return the numbers that the scripts of a release hold, frame of ``SCRIPTED``.

    Raises:
        ReleaseError: a file of figures cannot be read.
    """
    rows = [
        row
        for path in sorted((folder / _FOLDER).rglob("*.js"))
        for row in _numbers(path, path.relative_to(folder).as_posix())
    ]
    return pl.DataFrame(rows, schema=SCRIPTED, orient="row")


def _numbers(path: Path, origin: str) -> Iterator[tuple[str, str, str, str, int, float]]:
    with path.open(encoding="utf-8") as file:
        # The bundle of the charts is 5 MB: the first line tells enough.
        head = _HEAD.match(file.readline(200))
    inside = path.parent.name != _FOLDER
    if head is None and not inside:
        return
    try:
        if head is None:
            raise ValueError(origin)
        content = json.loads(path.read_text(encoding="utf-8")[head.end() :].rstrip().removesuffix(";"))
        for level, code, indicator, vintage, value in _figures(content):
            if isinstance(value, int | float):
                yield origin, level, code, indicator, int(vintage), float(value)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReleaseError(
            f"Le fichier « {origin} » remet aux pages des chiffres que l’audit ne sait pas lire."
        ) from error


def _figures(content: dict[str, Any]) -> Iterator[tuple[str, str, str, int, Any]]:
    if "values" in content:
        for code, values in content["values"].items():
            for vintage, value in zip(content["vintages"], values, strict=True):
                yield content["level"], code, content["indicator"], vintage, value
    elif "figures" in content:
        columns = list(zip(content["indicators"], content["vintages"], strict=True))
        for name, values in content["figures"].items():
            level, _, code = name.partition(":")
            for (indicator, vintage), value in zip(columns, values, strict=True):
                yield level, code, indicator, vintage, value
    elif not {"territories", "classes", "paths"} & content.keys():
        raise ValueError(sorted(content))


def beyond_the_data(release: Release) -> pl.DataFrame:
    """Return the numbers of scripts that the data files do not publish, or publish otherwise.

    Returns:
        Frame of ``SCRIPTED`` with a column ``label``, the indicator's. A number agrees with the data if it is
        theirs at the decimals that the definition of its indicator shows.

    Raises:
        ReleaseError: a file of figures cannot be read.
    """
    scripted = read_scripts(release.folder)
    if scripted.is_empty():
        return scripted.with_columns(label=pl.lit(None, pl.String))
    path = release.folder / "donnees" / "definitions.csv"
    definitions = pl.read_csv(path, infer_schema=False).select(
        "indicator", "label", pl.col("decimals").cast(pl.Int32)
    )
    key = ["level", "code", "indicator", "vintage"]
    # A figure may stand in several data files, in some of them rounded.
    published = (
        release.figures.filter(pl.col("status") == "published", pl.col("value").is_not_null())
        .select(*key, pl.col("value").alias("published"))
        .unique()
    )
    half = 0.5 * pl.lit(10.0).pow(-pl.col("decimals"))
    agreed = (
        scripted.join(published, on=key)
        .join(definitions, on="indicator")
        .filter((pl.col("value") - pl.col("published")).abs() <= half * (1 + _SLACK) + _SLACK)
    )
    return (
        scripted.join(agreed, on=list(SCRIPTED), how="anti")
        .join(definitions, on="indicator", how="left")
        .select(*SCRIPTED, pl.coalesce("label", "indicator").alias("label"))
        .sort("origin", *key)
    )
