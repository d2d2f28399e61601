"""Typology of territories: standardised ACP, Ward's tree, k-means consolidation (HCPC), description.

Belongs here: the statistics, on any complete numeric table, equal to FactoMineR's results.
Does not: the choice of the variables, names and portraits of the classes, storage, display.
"""

from observatory.typology.analysis import Typology, classify
from observatory.typology.consolidation import Consolidation, consolidate
from observatory.typology.description import Description, describe
from observatory.typology.matrix import TypologyError, TypologyMatrix, read_matrix
from observatory.typology.pca import Pca, pca
from observatory.typology.supplementary import describe_by, place_individuals
from observatory.typology.tree import choose_classes, cut, inertia_gains, ward

__all__ = [
    "Consolidation",
    "Description",
    "Pca",
    "Typology",
    "TypologyError",
    "TypologyMatrix",
    "choose_classes",
    "classify",
    "consolidate",
    "cut",
    "describe",
    "describe_by",
    "inertia_gains",
    "pca",
    "place_individuals",
    "read_matrix",
    "ward",
]
