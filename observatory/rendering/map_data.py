"""Figures handed to the scripts of the map and of the comparison, as files that a page loads on demand.

Belongs here: which figures go into which file, how they are rounded and coded, the classes of a map.
Does not: drawing, HTML, the scripts themselves (``static``).

A file sets one entry of a table that its page has made, and the rest of it is JSON, so that pages opened
from a folder can load it and that the audit can read it (``disclosure.scripts``). A figure that is not
published is the letter of its status: a value never stands there.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

import polars as pl

from observatory.rendering.edition import Edition
from observatory.rendering.figures import Figure, Indicator
from observatory.rendering.french import number
from observatory.rendering.places import Place

STATUS_LETTERS = {"secret": "s", "missing": "m", "not_applicable": "o", "not_available": "d"}
TYPOLOGY = "typologie"
PROPERTY = "bien"
"""The inscribed property and its buffer zone, among the contours that a map may show."""

_CLASSES = 5
# Tones of one to five classes on a ramp of five, and of two or three on each side of zero.
_RAMP = {1: (2,), 2: (1, 3), 3: (0, 2, 4), 4: (0, 1, 3, 4), 5: (0, 1, 2, 3, 4)}
_SIDE = {1: (2,), 2: (1, 3), 3: (1, 2, 3)}
_HUES = {"neutral": "neutre", "lower_is_better": "chaude", "higher_is_better": "froide"}


@dataclass(frozen=True)
class Scale:
    """The classes of an indicator over all its vintages, so that their colours compare.

    Attributes:
        hue: name of the ramp.
        tones: CSS class of each class, lowest first.
        bounds: lower bound of each class but the first.
        low: smallest published value.
        high: largest published value.
    """

    hue: str
    tones: tuple[str, ...]
    bounds: tuple[float, ...]
    low: float
    high: float

    def tone(self, value: float) -> str:
        """Return the CSS class of a rounded value."""
        return self.tones[sum(bound <= value for bound in self.bounds)]

    def labels(self, decimals: int) -> list[str]:
        """Return what each class holds, in French."""
        low, high, bounds = (
            number(self.low, decimals),
            number(self.high, decimals),
            [number(bound, decimals) for bound in self.bounds],
        )
        if not bounds:
            return [low if low == high else f"de {low} à {high}"]
        between = [f"de {left} à moins de {right}" for left, right in pairwise(bounds)]
        return [f"moins de {bounds[0]}", *between, f"{bounds[-1]} ou plus"]


def scale(indicator: Indicator, values: Iterable[float]) -> Scale | None:
    """Return the classes of rounded published values: quantiles, cut at zero where there are two signs.

    Five classes at most, of as many values each as ties allow; None where nothing is published.
    """
    ordered = sorted(values)
    if not ordered:
        return None
    low, high = ordered[0], ordered[-1]
    if low < 0 < high:
        below, above = [one for one in ordered if one < 0], [one for one in ordered if one >= 0]
        more = len(below) > len(above)
        left, right = _cuts(below, 3 if more else 2), _cuts(above, 2 if more else 3)
        # A class on the right starts at zero, even where no value does.
        tones = (
            *(f"n{tone}" for tone in reversed(_SIDE[len(left) + 1])),
            *(f"p{tone}" for tone in _SIDE[len(right) + 1]),
        )
        return Scale("opposee", tones, (*left, 0.0, *right), low, high)
    bounds = _cuts(ordered, _CLASSES)
    # Where a fifth of the values or more are the lowest, zeros as a rule, they are a class of their own.
    if ordered[len(ordered) // _CLASSES] == low < high:
        above = [one for one in ordered if one > low]
        bounds = (above[0], *_cuts(above, _CLASSES - 1))
    tones = tuple(f"t{tone}" for tone in _RAMP[len(bounds) + 1])
    return Scale(_HUES[indicator.polarity], tones, bounds, low, high)


def _cuts(ordered: Sequence[float], classes: int) -> tuple[float, ...]:
    """Return the values that start the second and later classes of as many values each."""
    starts = {ordered[len(ordered) * rank // classes] for rank in range(1, classes)}
    return tuple(sorted(starts - {ordered[0], 0.0}))


def rounded(value: float, decimals: int) -> float | int:
    """Return a value as its text shows it, halves rounded away from zero."""
    shown = Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return float(shown) if shown != shown.to_integral_value() else int(shown)


def coded(figure: Figure) -> float | int | str:
    """Return what a file holds of a figure: its rounded value, or the letter of its status."""
    if figure.value is None:
        return STATUS_LETTERS[figure.status]
    return rounded(figure.value, figure.indicator.decimals)


class MapData:
    """The figures of the communes, by indicator that they have, coded once for the page and its files."""

    def __init__(self, edition: Edition, heritage: pl.DataFrame) -> None:
        """Code the figures of every commune; ``heritage`` is ``core.heritage``."""
        self._edition = edition
        drawn = heritage.sort("feature_id")
        self._zones = {
            part: drawn.filter(pl.col("layer") == layer)["geometry"].to_list()
            for part, layer in (("inscribed", "bien_inscrit"), ("buffer", "zone_tampon"))
        }
        self.indicators = [one for one in edition.book.indicators if "commune" in one.levels]
        communes = edition.gazetteer.communes
        self._figures = {
            one.indicator: {place.code: edition.book.series(place, one) for place in communes}
            for one in self.indicators
        }
        self._coded = {
            name: {code: [coded(figure) for figure in figures] for code, figures in rows.items()}
            for name, rows in self._figures.items()
        }
        self._scales = {one.indicator: scale(one, self._published(one)) for one in self.indicators}

    def _published(self, indicator: Indicator) -> Iterator[float]:
        for row in self._coded[indicator.indicator].values():
            yield from (value for value in row if not isinstance(value, str))

    @property
    def has_property(self) -> bool:
        """Whether the edition has the contours of the inscribed property."""
        return bool(self._zones["inscribed"])

    def scale(self, indicator: Indicator) -> Scale | None:
        """Return the classes of an indicator; None where the communes have nothing of it."""
        return self._scales.get(indicator.indicator)

    def value(self, indicator: Indicator, place: Place) -> float | int | str:
        """Return the latest figure of a commune as the files hold it."""
        return self._coded[indicator.indicator][place.code][-1]

    def scripts(self) -> Iterator[tuple[str, str]]:
        """Yield the name and text of one file by indicator, then of the typology and of the property."""
        for one in self.indicators:
            name = one.indicator
            # A figure may mix in a generated file where the definition of its indicator says nothing of it.
            made = {
                str(vintage): codes
                for position, vintage in enumerate(sorted(one.vintages))
                if not one.fictive
                and (codes := [code for code, row in self._figures[name].items() if row[position].fictive])
            }
            payload: dict[str, Any] = {
                "indicator": name,
                "level": "commune",
                "vintages": sorted(one.vintages),
                "values": self._coded[name],
            }
            yield f"carte/{name}.js", script("MAP", name, payload | ({"fictive": made} if made else {}))
        classes = self._edition.typology.classes.values()
        payload = {
            "classes": [{"number": one.number, "label": one.label, "css": one.css} for one in classes],
            "members": {code: one.number for code, one in self._edition.typology.members.items()},
        }
        if payload["classes"]:
            yield f"carte/{TYPOLOGY}.js", script("MAP", TYPOLOGY, payload)
        if self.has_property:
            paths = {part: self._edition.atlas.zone(zone) for part, zone in self._zones.items() if zone}
            yield f"carte/{PROPERTY}.js", script("MAP", PROPERTY, {"paths": paths})


def indicators_script(edition: Edition, data: MapData) -> str:
    """Return the file that says what each indicator is, with the classes of its map."""
    entries = [
        {
            "indicator": one.indicator,
            "label": one.label,
            "theme": one.theme,
            "unit": one.unit,
            "decimals": one.decimals,
            "total": one.aggregation == "sum",
            "compared": one.compared,
            "polarity": one.polarity,
            "comparability": one.comparability,
            "levels": list(one.levels),
            "vintages": sorted(one.vintages),
            "fictive": one.fictive,
            "scale": _scale_entry(data.scale(one), one.decimals),
        }
        for one in edition.book.indicators
    ]
    lines = ",\n".join(_json(entry) for entry in entries)
    return f"window.OBSERVATORY_INDICATORS = [\n{lines}\n];\n"


def _scale_entry(scale: Scale | None, decimals: int) -> dict[str, Any] | None:
    if scale is None:
        return None
    return {
        "hue": scale.hue,
        "tones": scale.tones,
        "bounds": scale.bounds,
        "labels": scale.labels(decimals),
        "low": scale.low,
        "high": scale.high,
    }


def script(table: str, key: str, payload: dict[str, Any]) -> str:
    """Return a file that sets one entry of a table of the page: all after the first « = » is JSON."""
    return f"window.OBSERVATORY_{table}[{_json(key)}] = {_json(payload)};\n"


def _json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
