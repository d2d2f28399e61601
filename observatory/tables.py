"""The table contracts: columns, types, keys and notes of every table of the warehouse.

Belongs here: what a table promises to its readers. Docs, Dagster column schemas, expectation suites
and the data package all come from these contracts.
Does not: how a table is computed or stored.
"""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from observatory.errors import ObservatoryError

STATUSES = ("published", "secret", "missing", "not_applicable", "not_available")
LEVELS = ("iris", "cite", "commune", "epci", "basin", "department", "region", "country")


class ContractError(ObservatoryError):
    """A frame does not keep the contract of its table."""


@dataclass(frozen=True)
class Column:
    """One column: its Polars type, meaning, whether it may be null and the values it may take."""

    name: str
    dtype: Any
    description: str
    nullable: bool = False
    values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Table:
    """One table of the warehouse, ``schema.name``, with its key and columns in order."""

    schema: str
    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    confidential: bool = field(default=False)

    @property
    def qualified_name(self) -> str:
        """``schema.name``, as SQL writes it."""
        return f"{self.schema}.{self.name}"

    @property
    def polars_schema(self) -> dict[str, Any]:
        """Column names and Polars types, in order."""
        return {column.name: column.dtype for column in self.columns}

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return ``frame`` with the contract's columns, types and key order.

        Raises:
            ContractError: a column is missing or unexpected, cannot take its type, is null where it
                may not be, or the key is not unique. The message names table and column, never a value.
        """
        expected = list(self.polars_schema)
        missing = [name for name in expected if name not in frame.columns]
        unexpected = [name for name in frame.columns if name not in expected]
        if missing or unexpected:
            raise ContractError(
                f"La table {self.qualified_name} n’a pas les colonnes de son contrat : "
                f"manquantes {missing}, inattendues {unexpected}."
            )
        try:
            frame = frame.select(expected).cast(self.polars_schema)
        except pl.exceptions.InvalidOperationError as error:
            types = {
                name: str(frame.schema[name])
                for name in expected
                if frame.schema[name] != self.polars_schema[name]
            }
            raise ContractError(
                f"La table {self.qualified_name} a des colonnes d’un type que le contrat ne connaît pas : "
                f"{types}."
            ) from error
        for column in self.columns:
            if not column.nullable and frame[column.name].null_count():
                raise ContractError(
                    f"La table {self.qualified_name} a {frame[column.name].null_count()} valeur(s) "
                    f"absente(s) dans « {column.name} », qui n’en admet pas."
                )
        if frame.select(self.key).is_duplicated().any():
            raise ContractError(
                f"La table {self.qualified_name} a plusieurs lignes pour une même clé {list(self.key)}."
            )
        return frame.sort(self.key)


_VINTAGE = Column("vintage", pl.Int32, "year the figure describes")
_FILE = Column("file_id", pl.String, "file the row comes from, key of core.files")

FILES = Table(
    "core",
    "files",
    "Every source file used, with its fingerprint and licence.",
    ("file_id",),
    (
        Column("file_id", pl.String, "identifier quoted by the other tables"),
        Column("source", pl.String, "source of the catalogue"),
        Column("title", pl.String, "French title"),
        Column("producer", pl.String, "producer of the data"),
        Column("vintage", pl.String, "vintage of the content, as the producer names it"),
        Column("sha256", pl.String, "fingerprint of the file as read"),
        Column("url", pl.String, "where the file comes from; a package URL for registry packages"),
        Column("licence", pl.String, "licence of the data"),
        Column("fetched_at", pl.Date, "day the file was fetched or generated"),
        Column("fictive", pl.Boolean, "true for generated data"),
    ),
)

PERIMETERS = Table(
    "core",
    "perimeters",
    "Composition of the seven EPCI, one version per year of the official geographic code (COG).",
    ("perimeter_vintage", "commune_code"),
    (
        Column("perimeter_vintage", pl.Int32, "COG year"),
        Column("epci_code", pl.String, "SIREN of the EPCI"),
        Column("epci_name", pl.String, "name of the EPCI that year"),
        Column("epci_kind", pl.String, "legal kind that year", values=("CA", "CC", "CU", "METRO")),
        Column("commune_code", pl.String, "INSEE code of the commune"),
        Column("commune_name", pl.String, "name of the commune that year"),
        _FILE,
    ),
)

POPULATIONS = Table(
    "core",
    "populations",
    "Legal municipal populations of the communes and of the comparators.",
    ("level", "code", "vintage"),
    (
        Column("level", pl.String, "territory level", values=LEVELS),
        Column("code", pl.String, "territory code"),
        _VINTAGE,
        Column("population", pl.Int64, "inhabitants, municipal population"),
        _FILE,
    ),
)

CENSUS = Table(
    "core",
    "census",
    "Census counts by IRIS of the perimeter, and their sums for the comparators.",
    ("level", "code", "vintage"),
    (
        Column("level", pl.String, "territory level", values=LEVELS),
        Column("code", pl.String, "territory code"),
        _VINTAGE,
        Column("population", pl.Int64, "inhabitants"),
        Column("population_under_20", pl.Int64, "inhabitants aged 0 to 19"),
        Column("population_20_64", pl.Int64, "inhabitants aged 20 to 64"),
        Column("population_65_over", pl.Int64, "inhabitants aged 65 or over"),
        Column("dwellings", pl.Int64, "dwellings"),
        Column("main_residences", pl.Int64, "main residences"),
        Column("second_homes", pl.Int64, "second and occasional homes"),
        Column("vacant_dwellings", pl.Int64, "vacant dwellings"),
        Column("houses", pl.Int64, "houses"),
        Column("flats", pl.Int64, "flats"),
        Column("main_residences_in_flats", pl.Int64, "main residences that are flats"),
        _FILE,
    ),
)

CONTOURS = Table(
    "core",
    "contours",
    "Simplified contours of the communes (WGS84) and areas of the communes and comparators.",
    ("level", "code"),
    (
        Column("level", pl.String, "territory level", values=LEVELS),
        Column("code", pl.String, "territory code"),
        Column("geometry", pl.String, "GeoJSON geometry, WGS84; communes only", nullable=True),
        Column("area_km2", pl.Float64, "area on the GRS80 ellipsoid, km²"),
        _FILE,
    ),
)

TERRITORIES = Table(
    "core",
    "territories",
    "Every territory of every perimeter version, with the territories that contain it.",
    ("perimeter_vintage", "level", "code"),
    (
        Column("perimeter_vintage", pl.Int32, "COG year of the perimeter"),
        Column("level", pl.String, "territory level", values=LEVELS),
        Column("code", pl.String, "territory code; slug for a cité"),
        Column("name", pl.String, "French name"),
        Column("parents", pl.List(pl.String), "containing territories, as level:code, nearest first"),
    ),
)

CITES = Table(
    "core",
    "cites",
    "The mining estates (cités minières) that the founding documents name.",
    ("slug",),
    (
        Column("slug", pl.String, "stable identifier, used in addresses"),
        Column("name", pl.String, "French name, without the commune"),
        Column("alternative_names", pl.List(pl.String), "other spellings met in the sources"),
        Column("commune_codes", pl.List(pl.String), "INSEE codes of the communes, main one first"),
        Column("epci_code", pl.String, "SIREN of the EPCI"),
        Column(
            "unesco",
            pl.String,
            "inside the inscribed property",
            values=("oui", "en_partie", "non_signale"),
        ),
        Column(
            "programmes",
            pl.List(pl.String),
            "integree, acceleration, etude_cadre, gr_ge, suivi; empty when only named",
        ),
        Column("phases_2022", pl.List(pl.String), "schema_directeur, operationnelle"),
        Column("phases_2023", pl.List(pl.String), "amont, operationnelle, acceleration"),
        Column("dossiers_2022", pl.List(pl.String), "funding applications: mai, octobre"),
        Column("passages", pl.List(pl.String), "passages of the founding documents"),
        Column("corrections", pl.String, "misreadings corrected, with the reason", nullable=True),
        Column("notes", pl.String, "what the reader must know", nullable=True),
    ),
)

DWELLINGS = Table(
    "confidential",
    "dwellings",
    "One row per dwelling of a landlord's delivery. Fictive unless a real delivery is landed.",
    ("landlord", "dwelling_id", "vintage"),
    (
        Column("landlord", pl.String, "landlord", values=("maisons-et-cites", "sia-habitat")),
        Column("dwelling_id", pl.String, "landlord's identifier"),
        _VINTAGE,
        Column("cite_slug", pl.String, "cité, when it is one that the observatory follows", nullable=True),
        Column("commune_code", pl.String, "INSEE code"),
        Column("dwelling_type", pl.String, "T1 to T7"),
        Column("built_year", pl.Int32, "year of building", nullable=True),
        Column("energy_label", pl.String, "energy label A to G", nullable=True, values=tuple("ABCDEFG")),
        Column("status", pl.String, "state", values=("occupied", "vacant", "works", "to_demolish", "sold")),
        Column("occupant", pl.String, "kind of occupant", nullable=True, values=("ayant_droit", "tenant")),
        Column("entry_date", pl.Date, "day the occupant moved in", nullable=True),
        _FILE,
    ),
    confidential=True,
)

BENEFICIARIES = Table(
    "confidential",
    "beneficiaries",
    "One row per beneficiary of ANGDM. Fictive unless a real delivery is landed.",
    ("pseudonym", "vintage"),
    (
        Column("pseudonym", pl.String, "pseudonym"),
        _VINTAGE,
        Column("birth_year", pl.Int32, "year of birth"),
        Column("sex", pl.String, "sex", values=("F", "M")),
        Column("kind", pl.String, "kind", values=("former_miner", "surviving_spouse", "other")),
        Column("commune_code", pl.String, "INSEE code"),
        Column("cite_slug", pl.String, "cité, when followed", nullable=True),
        Column("housing_benefit", pl.String, "housing benefit", values=("in_kind", "cash", "none")),
        Column("heating_benefit", pl.String, "heating benefit", values=("in_kind", "cash", "none")),
        _FILE,
    ),
    confidential=True,
)

OBSERVATIONS = Table(
    "indicators",
    "observations",
    "One row per territory, indicator and vintage, with its status.",
    ("territory_level", "territory_code", "indicator", "vintage"),
    (
        Column("territory_level", pl.String, "territory level", values=LEVELS),
        Column("territory_code", pl.String, "territory code"),
        Column("indicator", pl.String, "key of indicators.definitions"),
        _VINTAGE,
        Column("value", pl.Float64, "value in the indicator's unit; null unless published", nullable=True),
        Column(
            "numerator", pl.Float64, "numerator; null for a plain count, or unless published", nullable=True
        ),
        Column(
            "denominator",
            pl.Float64,
            "denominator; null for a plain count, or unless published",
            nullable=True,
        ),
        Column("unit", pl.String, "unit"),
        Column("status", pl.String, "why the value is or is not there", values=STATUSES),
        Column("geography_vintage", pl.String, "geography on which the figure is computed"),
        Column("file_ids", pl.List(pl.String), "files the figure comes from"),
    ),
)

DEFINITIONS = Table(
    "indicators",
    "definitions",
    "The catalogue of indicators.",
    ("indicator",),
    (
        Column("indicator", pl.String, "identifier"),
        Column("position", pl.Int32, "order of display"),
        Column("label", pl.String, "French label"),
        Column("theme", pl.String, "French theme"),
        Column("formula", pl.String, "formula in words"),
        Column("unit", pl.String, "unit"),
        Column("decimals", pl.Int32, "decimals shown"),
        Column(
            "polarity",
            pl.String,
            "which way is better",
            values=("higher_is_better", "lower_is_better", "neutral"),
        ),
        Column(
            "comparison",
            pl.String,
            "how a territory is compared",
            values=("with_parents", "not_compared"),
        ),
        Column("sources", pl.List(pl.String), "sources of the catalogue"),
        Column("aggregation", pl.String, "how levels aggregate", values=("sum", "ratio")),
        Column("levels", pl.List(pl.String), "levels where the indicator is computed"),
        Column("vintages", pl.List(pl.Int32), "vintages computed"),
        Column("comparability", pl.String, "what may be compared, and what may not"),
        Column("fictive", pl.Boolean, "true when it derives from generated data"),
    ),
)

TYPOLOGY_COMMUNES = Table(
    "typology",
    "communes",
    "Class and coordinates of each commune.",
    ("commune_code",),
    (
        Column("commune_code", pl.String, "INSEE code"),
        Column("class", pl.Int32, "class, from 1, along axis 1"),
        Column("axis_1", pl.Float64, "coordinate on axis 1"),
        Column("axis_2", pl.Float64, "coordinate on axis 2"),
        Column("distance_to_own", pl.Float64, "distance to the centre of its class, kept axes"),
        Column("distance_to_next", pl.Float64, "distance to the closest other centre"),
    ),
)

TYPOLOGY_CLASSES = Table(
    "typology",
    "classes",
    "What sets each class apart: v-tests of the variables.",
    ("class", "variable"),
    (
        Column("class", pl.Int32, "class"),
        Column("variable", pl.String, "indicator"),
        Column("v_test", pl.Float64, "v-test"),
        Column("p_value", pl.Float64, "two-sided p-value"),
        Column("mean_in_class", pl.Float64, "mean in the class"),
        Column("overall_mean", pl.Float64, "mean over all communes"),
        Column("sd_in_class", pl.Float64, "standard deviation in the class"),
        Column("overall_sd", pl.Float64, "standard deviation over all communes"),
    ),
)

TYPOLOGY_AXES = Table(
    "typology",
    "axes",
    "Eigenvalues of the principal component analysis.",
    ("axis",),
    (
        Column("axis", pl.Int32, "axis, from 1"),
        Column("eigenvalue", pl.Float64, "eigenvalue"),
        Column("explained_variance", pl.Float64, "share of the inertia, %"),
        Column("kept", pl.Boolean, "used by the classification"),
    ),
)

TYPOLOGY_VARIABLES = Table(
    "typology",
    "variables",
    "Correlation of each variable with the first two axes.",
    ("variable",),
    (
        Column("variable", pl.String, "indicator"),
        Column("axis_1", pl.Float64, "correlation with axis 1"),
        Column("axis_2", pl.Float64, "correlation with axis 2"),
    ),
)

TABLES = {
    table.qualified_name: table
    for table in (
        FILES,
        PERIMETERS,
        POPULATIONS,
        CENSUS,
        CONTOURS,
        TERRITORIES,
        CITES,
        DWELLINGS,
        BENEFICIARIES,
        OBSERVATIONS,
        DEFINITIONS,
        TYPOLOGY_COMMUNES,
        TYPOLOGY_CLASSES,
        TYPOLOGY_AXES,
        TYPOLOGY_VARIABLES,
    )
}
