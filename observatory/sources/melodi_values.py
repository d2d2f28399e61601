"""Observations of Melodi datasets as rows of ``core.values``, through the declarations of ``melodi.yaml``.

Belongs here: dimensions to variables, territories with the year of their geography, flags to statuses.
Does not: the API (``melodi``).
"""

import json
import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from observatory.errors import InputError, ObservatoryError
from observatory.tables import VALUES

MELODI = Path(__file__).with_name("melodi.yaml")

_GEO = re.compile(r"(\d{4})-([A-Z]+)-(\w+)")
_LEVELS = {"COM": "commune", "EPCI": "epci", "DEP": "department", "REG": "region"}
_COMMUNE = re.compile(r"(\d{2}|2[AB])\d{3}")
_YEAR = re.compile(r"\d{4}")
_PLACED = ("GEO", "TIME_PERIOD", "FREQ")
# C: confidential. K: the figure stands with that of another commune.
_FLAGS = {
    "CONF_STATUS": {"F": "published", "C": "secret"},
    "OBS_STATUS": {"A": "published", "O": "missing", "K": "not_available"},
}
_DECLARE = "déclarez le changement dans observatory/sources/melodi.yaml après avoir lu la page du jeu."


class UnknownDatasetError(ObservatoryError):
    """A dataset that ``melodi.yaml`` does not describe."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MelodiVariable(_Frozen):
    """One variable: what its observations have in common.

    Attributes:
        name: English name, the same in every source that has it.
        where: dimension -> code; the other dimensions take their total.
        unit: unit, in French.
        label: label, in French.
        additive: whether the figures of several territories may be summed.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    where: dict[str, str]
    unit: str
    label: str
    additive: bool


class MelodiDataset(_Frozen):
    """The card of one dataset.

    Attributes:
        id: its name in the API.
        source: source of the catalogue that its figures are those of.
        title: title, in French.
        citation: how to cite it, in French.
        dimensions: dimensions that every variable pins.
        totals: codes of the dimensions that a variable does not name.
        carried: dimensions or attributes that say how a figure is expressed.
        notes: what must be known before using the figures, in French.
        variables: the variables.
    """

    id: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    source: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    citation: str
    dimensions: tuple[str, ...]
    totals: dict[str, str]
    carried: tuple[str, ...] = ()
    notes: str
    variables: tuple[MelodiVariable, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> "MelodiDataset":
        pinned = [tuple(sorted(self.pins(one).items())) for one in self.variables]
        for one, pins in zip(self.variables, pinned, strict=True):
            names = {name for name, _ in pins}
            if not set(self.dimensions) <= names <= {*self.dimensions, *self.carried}:
                raise ValueError(f"la variable « {one.name} » ne fixe pas chaque dimension.")
        if len(set(pinned)) != len(pinned):
            raise ValueError("deux variables désignent les mêmes observations.")
        return self

    def pins(self, variable: MelodiVariable) -> dict[str, str]:
        """Return dimension -> code for one variable, totals included."""
        return self.totals | variable.where

    def filters(self, geo: Sequence[str]) -> dict[str, list[str]]:
        """Return the filters that ask for these territories and for no more codes than the variables need."""
        codes = {
            name: sorted({self.pins(one)[name] for one in self.variables if name in self.pins(one)})
            for name in self.dimensions
        }
        return {"GEO": sorted(geo), **codes}


@dataclass(frozen=True)
class _Row:
    file: str
    line: int
    dimensions: Mapping[str, str]
    attributes: Mapping[str, str]
    measures: Mapping[str, Any]

    def error(self, column: str, value: object, rule: str, remedy: str = _DECLARE) -> InputError:
        return InputError(self.file, rule, remedy, row=self.line, column=column, value=str(value))


@cache
def load_datasets(path: Path = MELODI) -> dict[str, MelodiDataset]:
    """Return the cards of the datasets, by id.

    Raises:
        UnknownDatasetError: an id stands twice.
        pydantic.ValidationError: a card breaks the model.
    """
    cards = [MelodiDataset.model_validate(one) for one in yaml.safe_load(path.read_text(encoding="utf-8"))]
    by_id = {card.id: card for card in cards}
    if len(by_id) != len(cards):
        raise UnknownDatasetError("Le fichier des jeux Melodi donne deux fois le même identifiant.")
    return by_id


def get_dataset(dataset: str) -> MelodiDataset:
    """Return the card of one dataset.

    Raises:
        UnknownDatasetError: there is none.
    """
    cards = load_datasets()
    if dataset not in cards:
        raise UnknownDatasetError(
            f"Le jeu Melodi « {dataset} » n’est pas décrit. Jeux connus : {', '.join(cards)}."
        )
    return cards[dataset]


def read_melodi(
    path: Path, card: MelodiDataset, vintage: str, keep_codes: Collection[str] | None = None
) -> pl.DataFrame:
    """Return ``core.values`` from a file written by ``melodi.download_dataset``.

    Args:
        path: the file.
        card: card of its dataset.
        vintage: vintage of the snapshot, for ``file_id``; the years of the rows are in the file.
        keep_codes: communes to keep, all if None; other levels are kept anyway. The whole file is checked.

    Raises:
        InputError: the file is cut or is another dataset's, a dimension, level or flag is not declared, a
            figure is missing without a flag, or a variable has no observation.
    """
    matches = {tuple(sorted(card.pins(one).items())): one.name for one in card.variables}
    expressed: dict[tuple[str, str], str] = {}
    found: list[tuple[Any, ...]] = []
    for row in _rows(path, card):
        _check_dimensions(row, card)
        name = _variable(row, card, matches, expressed)
        if name is not None:
            value, status = _figure(row)
            geography, level, code = _territory(row)
            found.append((name, _year(row), level, code, value, status, geography))
    absent = [one.name for one in card.variables if one.name not in {row[0] for row in found}]
    if absent:
        raise InputError(
            path.name, f"aucune observation pour {', '.join(absent)}.", f"vérifiez les filtres, ou {_DECLARE}"
        )
    columns = ("variable", "vintage", "level", "code", "value", "status", "geography_vintage")
    schema = {name: VALUES.polars_schema[name] for name in columns}
    frame = pl.DataFrame(found, schema=schema, orient="row").with_columns(
        source=pl.lit(card.source), file_id=pl.lit(f"{card.source}:{vintage}:data")
    )
    if keep_codes is not None:
        frame = frame.filter((pl.col("level") != "commune") | pl.col("code").is_in(sorted(set(keep_codes))))
    return VALUES.conform(frame)


def _rows(path: Path, card: MelodiDataset) -> Iterator[_Row]:
    """Yield the observations of a file, after a check that it is whole and of this dataset."""
    lines = path.read_text(encoding="utf-8").splitlines()
    remedy = "reprenez-le par l’API : observatory fetch."
    try:
        request, *observations = [json.loads(line) for line in lines]
        announced = (request["dataset"], request["observations"])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            path.name, "ce n’est pas un jeu Melodi écrit par l’observatoire, ou il est coupé.", remedy
        ) from error
    if announced != (card.id, len(observations)):
        raise InputError(
            path.name,
            f"le fichier annonce {announced[1]} observation(s) de {announced[0]} et en contient "
            f"{len(observations)} ; {card.id} était attendu.",
            remedy,
        )
    for number, one in enumerate(observations, start=2):
        yield _Row(path.name, number, one["dimensions"], one.get("attributes") or {}, one["measures"])


def _check_dimensions(row: _Row, card: MelodiDataset) -> None:
    for name in (*card.dimensions, "GEO", "TIME_PERIOD"):
        if name not in row.dimensions:
            raise row.error(name, "", "la dimension attendue manque.")
    for name, code in row.dimensions.items():
        if name == "FREQ" and code != "A":
            raise row.error(name, code, "seules les données annuelles sont lues.")
        if name not in (*card.dimensions, *card.carried, *_PLACED) and code != "_T":
            raise row.error(name, code, "la dimension n’est pas déclarée et n’est pas un total.")


def _variable(
    row: _Row,
    card: MelodiDataset,
    matches: Mapping[tuple[tuple[str, str], ...], str],
    expressed: dict[tuple[str, str], str],
) -> str | None:
    """Return the variable of an observation, None if it has none; ``expressed`` is kept up to date."""
    facts = dict(row.attributes) | dict(row.dimensions)
    carried = {name: facts[name] for name in card.carried if name in facts}
    pinned = {name: facts[name] for name in card.dimensions}
    whole = matches.get(tuple(sorted((pinned | carried).items())))
    if whole is not None:
        return whole
    name = matches.get(tuple(sorted(pinned.items())))
    if name is None:
        return None
    for dimension, code in carried.items():
        known = expressed.setdefault((name, dimension), code)
        if known != code:
            raise row.error(
                dimension, code, f"la variable « {name} » est exprimée de deux façons, dont « {known} »."
            )
    return name


def _territory(row: _Row) -> tuple[int, str, str]:
    """Return the year of the geography, the level and the code, from ``2025-COM-62427``."""
    geo = row.dimensions["GEO"]
    found = _GEO.fullmatch(geo)
    if found is None or found[2] not in _LEVELS:
        raise row.error("GEO", geo, "le territoire n’est pas de la forme « année-niveau-code » attendue.")
    if found[2] == "COM" and not _COMMUNE.fullmatch(found[3]):
        raise row.error("GEO", geo, "ce n’est pas un code de commune.")
    return int(found[1]), _LEVELS[found[2]], found[3]


def _year(row: _Row) -> int:
    period = row.dimensions["TIME_PERIOD"]
    if not _YEAR.fullmatch(period):
        raise row.error("TIME_PERIOD", period, "la période n’est pas une année.")
    return int(period)


def _figure(row: _Row) -> tuple[float | None, str]:
    """Return the figure and its status: secret first, then the flag of the observation."""
    statuses = []
    for flag, meanings in _FLAGS.items():
        code = row.attributes.get(flag, row.dimensions.get(flag))
        if code is not None and code not in meanings:
            raise row.error(flag, code, "le sens de cette marque n’est pas connu.")
        statuses.append("published" if code is None else meanings[code])
    status = next((one for one in statuses if one != "published"), "published")
    if status != "published":
        return None, status
    if len(row.measures) != 1:
        raise row.error("measures", ", ".join(row.measures), "une mesure et une seule était attendue.")
    ((name, measure),) = row.measures.items()
    value: Any = measure.get("value") if isinstance(measure, dict) else measure
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value):
        raise row.error(name, value, "la valeur manque ou n’est pas un nombre, sans marque qui l’explique.")
    return float(value), status
