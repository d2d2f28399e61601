"""The table contracts: columns, types, keys and notes of every table of the warehouse.

Belongs here: what a table promises to its readers. Docs, Dagster column schemas, expectation suites
and the data package all come from these contracts.
Does not: how a table is computed or stored.
"""

from observatory.tables.confidential import BENEFICIARIES, DWELLINGS
from observatory.tables.contract import LEVELS, STATUSES, Column, ContractError, Table
from observatory.tables.core import (
    CENSUS,
    CITES,
    CONTOURS,
    FILES,
    MORTALITY,
    PERIMETER_COMMUNES,
    PERIMETER_VERSIONS,
    PERIMETERS,
    POPULATION_SERIES,
    POPULATIONS,
    POSTCODES,
    TERRITORIES,
    VALUES,
)
from observatory.tables.dashboard import CITE_DASHBOARD, CITE_SIGNALS
from observatory.tables.disclosure import DISCLOSURE_JOURNAL
from observatory.tables.heritage import (
    CITE_CONTRADICTIONS,
    CITE_GRID,
    CITE_HERITAGE,
    CITE_IRIS,
    CITE_SHARES,
    CITE_TIES,
    HERITAGE,
)
from observatory.tables.projection import PROJECTIONS
from observatory.tables.results import DEFINITIONS, OBSERVATIONS
from observatory.tables.typology import TYPOLOGY_COMMUNES, TYPOLOGY_TABLES

TABLES = {
    table.qualified_name: table
    for table in (
        FILES,
        PERIMETERS,
        PERIMETER_COMMUNES,
        PERIMETER_VERSIONS,
        POPULATIONS,
        POSTCODES,
        CENSUS,
        VALUES,
        POPULATION_SERIES,
        MORTALITY,
        CONTOURS,
        TERRITORIES,
        CITES,
        CITE_SIGNALS,
        HERITAGE,
        CITE_TIES,
        CITE_HERITAGE,
        CITE_SHARES,
        CITE_IRIS,
        CITE_GRID,
        CITE_CONTRADICTIONS,
        DWELLINGS,
        BENEFICIARIES,
        DISCLOSURE_JOURNAL,
        OBSERVATIONS,
        DEFINITIONS,
        CITE_DASHBOARD,
        PROJECTIONS,
        *TYPOLOGY_TABLES,
    )
}

__all__ = [
    "BENEFICIARIES",
    "CENSUS",
    "CITES",
    "CITE_CONTRADICTIONS",
    "CITE_DASHBOARD",
    "CITE_GRID",
    "CITE_HERITAGE",
    "CITE_IRIS",
    "CITE_SHARES",
    "CITE_SIGNALS",
    "CITE_TIES",
    "CONTOURS",
    "DEFINITIONS",
    "DISCLOSURE_JOURNAL",
    "DWELLINGS",
    "FILES",
    "HERITAGE",
    "LEVELS",
    "MORTALITY",
    "OBSERVATIONS",
    "PERIMETERS",
    "PERIMETER_COMMUNES",
    "PERIMETER_VERSIONS",
    "POPULATIONS",
    "POPULATION_SERIES",
    "POSTCODES",
    "PROJECTIONS",
    "STATUSES",
    "TABLES",
    "TERRITORIES",
    "TYPOLOGY_COMMUNES",
    "TYPOLOGY_TABLES",
    "VALUES",
    "Column",
    "ContractError",
    "Table",
]
