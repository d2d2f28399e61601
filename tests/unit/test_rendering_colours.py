"""Colours that name categories, seen by readers who lack a kind of cones, and in a copy.

The simulations are those of Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB; differences
are Euclidean in CIE L*a*b* (1976), where some 2.3 is just noticeable between large neighbouring areas.
"""

import re
from itertools import combinations, pairwise

import numpy as np
import pytest
from rendering_site import site_data

from observatory.rendering.cells import shown
from observatory.rendering.charts import PALETTE, SYMBOLS
from observatory.rendering.edition import edition
from observatory.rendering.website import style
from observatory.rendering.wording import STATUSES

VISIONS = {
    "usual": np.eye(3),
    "no red": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "no green": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
    "no blue": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039],
    ],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
# Pieces of a bar touch their neighbours; the areas of a map may touch any other of the seven EPCI or classes.
NEIGHBOURS, ANY = 15.0, 11.0


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def seen(colour: str, vision: str) -> np.ndarray:
    """Return L*, a*, b* of a colour as a reader sees it."""
    xyz = TO_XYZ @ np.clip(np.array(VISIONS[vision]) @ linear(colour), 0, 1) / WHITE
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def apart(one: str, other: str, vision: str) -> float:
    return float(np.linalg.norm(seen(one, vision) - seen(other, vision)))


def contrast(one: str, other: str) -> float:
    """Return the ratio of WCAG 2."""
    low, high = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def fills() -> list[str]:
    found = dict(re.findall(r"--c(\d+): (#[0-9a-f]{6})", style()))
    return [found[str(rank)] for rank in range(len(found))]


def test_the_measure_is_the_known_one():
    """White is L* 100 for all; black on white is 21; red and green come near without red cones."""
    assert seen("#ffffff", "no red") == pytest.approx([100, 0, 0], abs=0.1)
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert apart("#ff0000", "#00ff00", "usual") == pytest.approx(170.6, abs=0.5)
    assert apart("#b0532f", "#7d6b1e", "no red") < apart("#b0532f", "#7d6b1e", "usual") / 2


@pytest.mark.parametrize("vision", VISIONS)
def test_neighbouring_fills_differ_for_every_reader(vision):
    assert len(fills()) == 11
    near = {pair: apart(*pair, vision) for pair in pairwise(fills())}
    near |= {pair: apart(*pair, vision) for pair in [(fills()[0], fills()[6])]}
    assert {pair: gap for pair, gap in near.items() if gap < NEIGHBOURS} == {}
    any_two = {pair: apart(*pair, vision) for pair in combinations(fills()[:7], 2)}
    assert {pair: gap for pair, gap in any_two.items() if gap < ANY} == {}


def test_the_text_of_a_piece_reads_on_its_fill():
    ink = re.search(r"--ink: (#[0-9a-f]{6})", style())[1]
    assert {fill: contrast(ink, fill) for fill in fills() if contrast(ink, fill) < 4.5} == {}


@pytest.mark.parametrize("vision", VISIONS)
def test_neighbouring_lines_differ_for_every_reader(vision):
    lines = PALETTE[:9]
    assert min(apart(*pair, vision) for pair in pairwise(lines)) >= NEIGHBOURS
    assert min(apart(*pair, vision) for pair in combinations(lines[:7], 2)) >= NEIGHBOURS


def every_figure(book, gazetteer):
    return [
        book.figure(place, indicator)
        for indicator in book.indicators
        for level in indicator.levels
        for place in gazetteer.level(level)
    ]


def test_nothing_is_coded_by_colour_alone():
    """Lines have a symbol each besides; statuses a word; what is fictive a hatching and a word."""
    assert len(set(SYMBOLS[: len(PALETTE)])) == len(PALETTE)
    data = site_data()
    book = edition(data).book
    seen = {figure.status: shown(figure) for figure in every_figure(book, edition(data).gazetteer)}
    assert {"secret", "not_available"} <= seen.keys()
    for status, html in seen.items():
        word = STATUSES[status].short
        assert status == "published" or f">{word}</span>" in html
    invented = next(one for one in every_figure(book, edition(data).gazetteer) if one.fictive and one.value)
    assert '<span class="mark">fictif</span>' in shown(invented)
    assert "--hatch: repeating-linear-gradient" in style()
