"""The tree of the classification as inline SVG: its last merges, lying down, and the cut.

Belongs here: which merges are drawn and where.
Does not: SVG elements (template), the tree itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from observatory.rendering.plane import colour

SHOWN = 29
"""Merges drawn, the last ones; their branches stand for whole groups of communes."""

_WIDTH, _ROW, _TOP, _LEFT, _LABELS = 960, 20, 44, 20, 210


@dataclass(frozen=True)
class Merge:
    """One merge: the path of its branches, its height, and the colour of its class, if under the cut."""

    path: str
    height: float
    colour: str
    size: int


@dataclass(frozen=True)
class Leaf:
    """What is not drawn of a branch: its rows of the table of communes, and where its label stands."""

    y: float
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Branch:
    """A class of the tree, before consolidation: its rows, numbered along axis 1, from top to bottom."""

    number: int
    top: float
    bottom: float
    size: int
    colour: str


@dataclass(frozen=True)
class Dendrogram:
    """The drawing: the trunk is on the left, the communes on the right, the cut is an upright line."""

    width: int
    height: int
    merges: tuple[Merge, ...]
    leaves: tuple[Leaf, ...]
    branches: tuple[Branch, ...]
    cut: float
    cut_height: float
    edge: int
    ticks: tuple[tuple[float, float], ...]


def dendrogram(
    tree: pl.DataFrame, along: Sequence[float], classes: int, shown: int = SHOWN
) -> Dendrogram | None:
    """Draw the last merges of a tree.

    Args:
        tree: ``typology.tree``.
        along: coordinate on axis 1 of each individual, in the order of the tree; branches go along it.
        classes: number of classes of the cut.
        shown: merges drawn; at least those above the cut are.

    Returns:
        The drawing, or None without a tree.
    """
    if tree.is_empty():
        return None
    nodes = _Nodes(tree, along)
    first = max(nodes.first, nodes.last + 1 - max(shown, classes - 1))
    leaves = nodes.leaves(first)
    rows = {node: _TOP + _ROW * (rank + 0.5) for rank, node in enumerate(leaves)}
    heights = tree.sort("merge")["height"].to_list()
    limit = heights[-1]
    cut_height = (heights[-(classes - 1)] + (heights[-classes] if classes <= len(heights) else 0.0)) / 2
    edge = _WIDTH - _LABELS

    def across(height: float) -> float:
        return round(edge - height / limit * (edge - _LEFT), 1)

    groups = nodes.groups(classes)
    colours = {node: colour(number) for number, group in groups for node in nodes.under(group)}
    merges = []
    for node in range(first, nodes.last + 1):
        ends = [(rows[child], across(nodes.drawn_height(child, first))) for child in nodes.children(node)]
        x = across(nodes.height(node))
        (top, start), (bottom, end) = ends
        rows[node] = round((top + bottom) / 2, 1)
        line = f"M{start} {top}H{x}V{bottom}H{end}"
        merges.append(Merge(line, nodes.height(node), colours.get(node, ""), len(nodes.members(node))))
    return Dendrogram(
        width=_WIDTH,
        height=_TOP + _ROW * len(leaves) + 16,
        merges=tuple(merges),
        leaves=tuple(Leaf(rows[node], tuple(nodes.members(node))) for node in leaves),
        branches=tuple(_branch(number, group, nodes, leaves, rows) for number, group in groups),
        cut=across(cut_height),
        cut_height=cut_height,
        edge=edge,
        ticks=tuple((across(height), height) for height in _round_heights(limit)),
    )


def _round_heights(limit: float) -> list[float]:
    """Return round heights up to ``limit``, ten or so."""
    step = 10.0 ** math.floor(math.log10(limit))
    if limit < 4 * step:
        step /= 2
    return [step * rank for rank in range(math.floor(limit / step) + 1)]


def _branch(number: int, group: int, nodes: "_Nodes", leaves: list[int], rows: dict[int, float]) -> Branch:
    under = nodes.under(group)
    ends = [rows[leaf] for leaf in leaves if leaf in under]
    return Branch(
        number,
        min(ends) - _ROW * 0.36,
        max(ends) + _ROW * 0.36,
        len(nodes.members(group)),
        colour(number),
    )


class _Nodes:
    """The tree by node: individuals first, then merges, the last of which is the trunk."""

    def __init__(self, tree: pl.DataFrame, along: Sequence[float]) -> None:
        ordered = tree.sort("merge")
        self.first = ordered.height + 1
        self.last = self.first + ordered.height - 1
        self._heights = ordered["height"].to_list()
        self._members: list[list[int]] = [[row] for row in range(self.first)]
        pairs = list(ordered.select("first", "second").iter_rows())
        for first, second in pairs:
            self._members.append(self._members[first] + self._members[second])
        self._along = [sum(along[row] for row in rows) / len(rows) for rows in self._members]
        self._children = [sorted(pair, key=lambda node: (self._along[node], node)) for pair in pairs]

    def children(self, node: int) -> list[int]:
        """The two branches of a merge, along axis 1."""
        return self._children[node - self.first]

    def height(self, node: int) -> float:
        """Height of a merge, 0 for an individual."""
        return float(self._heights[node - self.first]) if node >= self.first else 0.0

    def drawn_height(self, node: int, first: int) -> float:
        """Height where a branch is drawn to: 0 for what is not drawn further."""
        return self.height(node) if node >= first else 0.0

    def members(self, node: int) -> list[int]:
        """Individuals under a node, in their own order."""
        return sorted(self._members[node])

    def under(self, node: int) -> set[int]:
        """A node and all those below it."""
        found, waiting = set(), [node]
        while waiting:
            one = waiting.pop()
            found.add(one)
            if one >= self.first:
                waiting += self.children(one)
        return found

    def leaves(self, first: int) -> list[int]:
        """Nodes drawn as leaves, from top to bottom, when merges before ``first`` are not drawn."""

        def walk(node: int) -> list[int]:
            return [node] if node < first else [leaf for child in self.children(node) for leaf in walk(child)]

        return walk(self.last)

    def groups(self, classes: int) -> list[tuple[int, int]]:
        """Number along axis 1 and node of each class of the cut."""
        above = self.last - (classes - 1)
        tops = [
            child
            for node in range(above + 1, self.last + 1)
            for child in self.children(node)
            if child <= above
        ]
        return list(enumerate(sorted(tops, key=lambda node: (self._along[node], node)), start=1))
