"""Styles of the layers for map servers, in the colours of the site.

Belongs here: which styles there are, their rules. Does not: the layers (``opendata``), their form (template).

Source of the form: OGC 02-070 (Styled Layer Descriptor 1.0.0), which GeoServer reads without conversion.
Rules exclude each other, and a territory that none takes is drawn in grey: no blank is ever drawn as a value.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from observatory.opendata.exports import LIST_SEPARATOR
from observatory.opendata.layers import Layer
from observatory.opendata.offers import Offer, offered
from observatory.rendering.edition import Edition
from observatory.rendering.map_data import rounded, scale

FOLDER = "styles"
PREFERRED = ("niveau_vie_median", "population_municipale")
"""Indicators of which the first that the layer has is drawn; its first figure where it has neither."""
_STYLES = Path(__file__).parent / "static" / "styles"
_GREY = "#d5d9de"


@dataclass(frozen=True)
class Rule:
    """Territories drawn alike: those of a value, or from ``low`` to less than ``high``, or all the others."""

    name: str
    title: str
    fill: str
    value: str | int | None = None
    low: float | None = None
    high: float | None = None
    otherwise: bool = False


@dataclass(frozen=True)
class LayerStyle:
    """A style: its layer, name, French title and abstract, the property it reads, its rules.

    ``listed`` says that the property holds values joined by ``|``, of which the first decides.
    """

    layer: str
    name: str
    title: str
    abstract: str
    property: str
    rules: tuple[Rule, ...]
    listed: bool = False


def layer_styles(edition: Edition, offers: Iterable[Offer]) -> list[LayerStyle]:
    """Return the styles of the real layers: communes by class and by a figure, cités by interest and owner.

    Args:
        edition: the edition.
        offers: what is offered, layers among it.
    """
    layers = {one.layer.name: one.layer for one in offers if one.layer and not one.fictive}
    found: list[LayerStyle | None] = []
    if communes := layers.get("communes"):
        found += [_by_class(edition, communes), _by_figure(edition, communes)]
    if cites := layers.get("cites"):
        found += [
            _by_first(cites, "interets", "cites-interet", "Cités par intérêt patrimonial"),
            _by_first(cites, "proprietaires", "cites-proprietaire", "Cités par propriétaire"),
        ]
    return [one for one in found if one is not None]


def style_offer(styles: list[LayerStyle], texts: Iterable[str], folder: Path) -> Iterator[Offer]:
    """Write styles in the folder of the open data and yield their offer; nothing where there are none.

    Args:
        styles: the styles.
        texts: each as SLD.
        folder: that of the open data.
    """
    if not styles:
        return
    (folder / FOLDER).mkdir()
    files = []
    for one, text in zip(styles, texts, strict=True):
        name = f"{FOLDER}/{one.name}.sld"
        (folder / name).write_text(text.strip() + "\n", encoding="utf-8", newline="\n")
        files.append(offered(folder, name, "SLD", one.title.lower()))
    yield Offer(
        name="styles",
        group="geoportal",
        title="Styles des couches",
        description="SLD 1.0.0, pour GeoServer et QGIS, aux couleurs du site, que les daltoniens "
        "distinguent. Un territoire sans valeur est gris.",
        files=tuple(files),
        rows=len(files),
        unit=("style", "styles"),
        licences=(),
    )


def _by_class(edition: Edition, communes: Layer) -> LayerStyle | None:
    name = "classe_typologie"
    present = communes.frame[name].drop_nulls().unique().sort().to_list()
    if not present:
        return None
    labels = {one.number: one.label for one in edition.typology.classes.values()}
    fills = class_fills()
    rules = [
        Rule(f"classe-{number}", labels[number], fills[(number - 1) % len(fills)], value=number)
        for number in present
    ]
    return LayerStyle(
        "communes",
        "communes-typologie",
        "Communes par classe de la typologie",
        f"Propriété {name}. Le portrait de chaque classe est sur le site.",
        name,
        (*rules, _others("Commune hors de la typologie")),
    )


def _by_figure(edition: Edition, communes: Layer) -> LayerStyle | None:
    columns = communes.table.columns
    if not columns:
        return None
    named = {one.indicator: one for one in columns}
    measured = next((named[name] for name in PREFERRED if name in named), columns[0])
    indicator = edition.book.indicator(measured.indicator)
    values = communes.frame[measured.name].drop_nulls().to_list()
    found = scale(indicator, [rounded(value, measured.decimals) for value in values])
    if found is None:
        return None
    ramp = ramps()[found.hue]
    # Classes are of rounded values, as the site shows them; the layer has the others.
    half = 0.5 * 10.0**-measured.decimals
    edges = [None, *(round(bound - half, measured.decimals + 1) for bound in found.bounds), None]
    rules = [
        Rule(f"tranche-{rank}", label, ramp[tone], low=low, high=high)
        for rank, (label, tone, low, high) in enumerate(
            zip(found.labels(measured.decimals), found.tones, edges, edges[1:], strict=False), start=1
        )
    ]
    if len(rules) == 1:
        rules = [Rule(rules[0].name, rules[0].title, rules[0].fill, low=found.low - half)]
    return LayerStyle(
        "communes",
        f"communes-{measured.indicator.replace('_', '-')}",
        f"Communes\u202f: {measured.label[0].lower()}{measured.label[1:]}, {measured.vintage}",
        f"Propriété {measured.name}, en {measured.unit}. Gris : valeur non publiée, la propriété "
        f"{measured.status}, si elle existe, dit pourquoi.",
        measured.name,
        (*rules, _others("Valeur non publiée")),
    )


def _by_first(cites: Layer, name: str, style: str, title: str) -> LayerStyle | None:
    """Return the style of a property of lists, by the first value of each."""
    firsts = cites.frame[name].drop_nulls().str.split(LIST_SEPARATOR).list.first()
    present = sorted({text for text in firsts if text})
    fills = class_fills()
    # Beyond as many as the palette tells apart, the others would look like the first.
    kept = present[: len(fills)]
    if not kept:
        return None
    rules = [Rule(f"valeur-{rank}", text, fills[rank - 1], value=text) for rank, text in enumerate(kept, 1)]
    return LayerStyle(
        "cites",
        style,
        title,
        f"Propriété {name} : la première valeur, celle de la plus grande surface.",
        name,
        (*rules, _others("Autre, ou non renseigné")),
        listed=True,
    )


def _others(title: str) -> Rule:
    return Rule("autres", title, _GREY, otherwise=True)


@cache
def class_fills() -> tuple[str, ...]:
    """Return the fills of the classes on the maps of the site, first class first."""
    found = _colours((_STYLES / "base.css").read_text(encoding="utf-8"))
    ranks = sorted(int(name[1:]) for name in found if re.fullmatch(r"c\d+", name))
    return tuple(found[f"c{rank}"] for rank in ranks)


@cache
def ramps() -> dict[str, dict[str, str]]:
    """Return the fills of the maps by indicator: ramp, then tone; ``opposee`` has two signs."""
    text = (_STYLES / "explore.css").read_text(encoding="utf-8")
    found = {hue: _colours(body) for hue, body in re.findall(r"\.hue-(\w+) \{([^}]*)\}", text)}
    return found | {"opposee": _colours(text)}


def _colours(text: str) -> dict[str, str]:
    """Return the colours that a style sheet names."""
    return dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", text))
