"""The table contracts: columns, types, keys and notes of every table of the warehouse.

Belongs here: what a table promises to its readers. Docs, Dagster column schemas, expectation suites
and the data package all come from these contracts.
Does not: how a table is computed or stored.
"""

from contextlib import suppress
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
            ContractError: a column is missing or unexpected, cannot take its type unaltered, is null where it
                may not be, or the key is not unique. The message names table and column, never a value.
        """
        expected = list(self.polars_schema)
        missing = [name for name in expected if name not in frame.columns]
        unexpected = [name for name in frame.columns if name not in expected]
        if missing or unexpected:
            raise ContractError(
                f"La table {self.qualified_name} n’a pas les colonnes de son contrat : "
                f"manquantes {missing}, inattendues {unexpected}."
            )
        frame = self._typed(frame.select(expected))
        for column in self.columns:
            if not column.nullable and frame[column.name].null_count():
                raise ContractError(
                    f"La table {self.qualified_name} a {frame[column.name].null_count()} valeur(s) "
                    f"absente(s) dans « {column.name} », qui n’en admet pas."
                )
        frame = frame.sort(self.key)
        # Once sorted, equal keys are neighbours: eighteen times faster than hashing a million of them.
        keys = frame.select(self.key)
        if keys.select(pl.all_horizontal(pl.all().eq_missing(pl.all().shift(1)))).to_series()[1:].any():
            raise ContractError(
                f"La table {self.qualified_name} a plusieurs lignes pour une même clé {list(self.key)}."
            )
        return frame

    def _typed(self, frame: pl.DataFrame) -> pl.DataFrame:
        contract = pl.Schema(self.polars_schema)
        # A cast would drop the decimals of a count without a word.
        cut = any(
            dtype.is_integer() and frame.schema[name].is_float() and (frame[name] % 1 != 0).any()
            for name, dtype in contract.items()
        )
        # Polars quotes the cells at fault, which may be confidential: its error goes no further.
        with suppress(pl.exceptions.InvalidOperationError, pl.exceptions.ComputeError):
            typed = frame.cast(contract)
            if not cut and typed.schema == contract:
                return typed
        types = {name: str(frame.schema[name]) for name in contract if frame.schema[name] != contract[name]}
        raise ContractError(
            f"La table {self.qualified_name} a des colonnes d’un type que le contrat ignore : {types}."
        )


_VINTAGE = Column("vintage", pl.Int32, "année que le chiffre décrit")
_FILE = Column("file_id", pl.String, "fichier d’où vient la ligne, clé de core.files")

FILES = Table(
    "core",
    "files",
    "Tous les fichiers sources utilisés, avec leur empreinte et leur licence.",
    ("file_id",),
    (
        Column("file_id", pl.String, "identifiant que citent les autres tables"),
        Column("source", pl.String, "source du catalogue"),
        Column("title", pl.String, "titre"),
        Column("producer", pl.String, "producteur des données"),
        Column("vintage", pl.String, "millésime du contenu, tel que le nomme le producteur"),
        Column("sha256", pl.String, "empreinte SHA-256 du fichier du producteur"),
        Column("url", pl.String, "provenance ; adresse de paquet (purl) pour un paquet de registre"),
        Column("licence", pl.String, "licence des données"),
        Column("fetched_at", pl.Date, "jour où le fichier a été pris ou généré"),
        Column("fictive", pl.Boolean, "vrai pour des données générées"),
    ),
)

PERIMETERS = Table(
    "core",
    "perimeters",
    "Composition des sept EPCI, une version par année du code officiel géographique (COG).",
    ("perimeter_vintage", "commune_code"),
    (
        Column("perimeter_vintage", pl.Int32, "année du COG"),
        Column("epci_code", pl.String, "SIREN de l’EPCI"),
        Column("epci_name", pl.String, "nom de l’EPCI cette année-là"),
        Column("epci_kind", pl.String, "nature juridique cette année-là", values=("CA", "CC", "CU", "METRO")),
        Column("commune_code", pl.String, "code Insee de la commune"),
        Column("commune_name", pl.String, "nom de la commune cette année-là"),
        _FILE,
    ),
)

POPULATIONS = Table(
    "core",
    "populations",
    "Populations municipales légales des communes et des territoires de comparaison.",
    ("level", "code", "vintage"),
    (
        Column("level", pl.String, "niveau de territoire", values=LEVELS),
        Column("code", pl.String, "code du territoire"),
        _VINTAGE,
        Column("population", pl.Int64, "habitants (population municipale)"),
        _FILE,
    ),
)

CENSUS = Table(
    "core",
    "census",
    "Effectifs du recensement par IRIS du périmètre, et leurs sommes pour les territoires de comparaison.",
    ("level", "code", "vintage"),
    (
        Column("level", pl.String, "niveau de territoire", values=LEVELS),
        Column("code", pl.String, "code du territoire"),
        _VINTAGE,
        Column("population", pl.Int64, "habitants"),
        Column("population_under_20", pl.Int64, "habitants de 0 à 19 ans"),
        Column("population_20_64", pl.Int64, "habitants de 20 à 64 ans"),
        Column("population_65_over", pl.Int64, "habitants de 65 ans ou plus"),
        Column("dwellings", pl.Int64, "logements"),
        Column("main_residences", pl.Int64, "résidences principales"),
        Column("second_homes", pl.Int64, "résidences secondaires et logements occasionnels"),
        Column("vacant_dwellings", pl.Int64, "logements vacants"),
        Column("houses", pl.Int64, "maisons"),
        Column("flats", pl.Int64, "appartements"),
        Column("main_residences_in_flats", pl.Int64, "résidences principales en appartement"),
        _FILE,
    ),
)

VALUES = Table(
    "core",
    "values",
    "Valeurs lues dans les fichiers des producteurs, une ligne par variable et territoire, avec leur statut.",
    ("source", "variable", "vintage", "level", "code", "file_id"),
    (
        Column("source", pl.String, "source du catalogue"),
        Column("variable", pl.String, "variable, nommée et définie dans la disposition de la source"),
        _VINTAGE,
        Column("level", pl.String, "niveau de territoire", values=LEVELS),
        Column("code", pl.String, "code du territoire"),
        Column(
            "value",
            pl.Float64,
            "valeur dans l’unité de la variable ; vide si elle n’est pas publiée",
            nullable=True,
        ),
        Column("status", pl.String, "pourquoi la valeur est là ou n’y est pas", values=STATUSES),
        Column("geography_vintage", pl.Int32, "année du COG des codes"),
        _FILE,
    ),
)

MORTALITY = Table(
    "core",
    "mortality",
    "Quotients annuels de mortalité de la France, par année, sexe et âge.",
    ("year", "sex", "age"),
    (
        Column("year", pl.Int32, "année"),
        Column("sex", pl.String, "sexe", values=("F", "M")),
        Column("age", pl.Int32, "âge révolu, en années"),
        Column("probability", pl.Float64, "probabilité de mourir avant l’âge suivant, entre 0 et 1"),
        _FILE,
    ),
)

CONTOURS = Table(
    "core",
    "contours",
    "Contours simplifiés des communes (WGS84), superficies des communes et des territoires de comparaison.",
    ("level", "code"),
    (
        Column("level", pl.String, "niveau de territoire", values=LEVELS),
        Column("code", pl.String, "code du territoire"),
        Column("geometry", pl.String, "géométrie GeoJSON, WGS84 ; communes seulement", nullable=True),
        Column("area_km2", pl.Float64, "superficie sur l’ellipsoïde GRS80, en km²"),
        _FILE,
    ),
)

TERRITORIES = Table(
    "core",
    "territories",
    "Tous les territoires de toutes les versions du périmètre, avec ceux qui les contiennent.",
    ("perimeter_vintage", "level", "code"),
    (
        Column("perimeter_vintage", pl.Int32, "année du COG du périmètre"),
        Column("level", pl.String, "niveau de territoire", values=LEVELS),
        Column("code", pl.String, "code du territoire ; identifiant court pour une cité"),
        Column("name", pl.String, "nom"),
        Column(
            "parents",
            pl.List(pl.String),
            "territoires qui le contiennent, sous la forme level:code, du plus proche au plus lointain",
        ),
    ),
)

CITES = Table(
    "core",
    "cites",
    "Les cités minières que nomment les documents fondateurs.",
    ("slug",),
    (
        Column("slug", pl.String, "identifiant stable, utilisé dans les adresses"),
        Column("name", pl.String, "nom, sans la commune"),
        Column("alternative_names", pl.List(pl.String), "autres graphies des sources"),
        Column("commune_codes", pl.List(pl.String), "codes Insee des communes, la principale d’abord"),
        Column("epci_code", pl.String, "SIREN de l’EPCI"),
        Column(
            "unesco",
            pl.String,
            "dans le Bien inscrit au Patrimoine mondial",
            values=("oui", "en_partie", "non_signale"),
        ),
        Column(
            "programmes",
            pl.List(pl.String),
            "integree, acceleration, etude_cadre, gr_ge, suivi ; vide si la cité est seulement nommée",
        ),
        Column("phases_2022", pl.List(pl.String), "schema_directeur, operationnelle"),
        Column("phases_2023", pl.List(pl.String), "amont, operationnelle, acceleration"),
        Column("dossiers_2022", pl.List(pl.String), "dossiers de financement : mai, octobre"),
        Column("passages", pl.List(pl.String), "passages des documents fondateurs"),
        Column("corrections", pl.String, "erreurs de lecture corrigées, avec la raison", nullable=True),
        Column("notes", pl.String, "ce que le lecteur doit savoir", nullable=True),
    ),
)

DWELLINGS = Table(
    "confidential",
    "dwellings",
    "Une ligne par logement des livraisons des bailleurs. Données fictives.",
    ("landlord", "dwelling_id", "vintage"),
    (
        Column("landlord", pl.String, "bailleur", values=("maisons-et-cites", "sia-habitat")),
        Column("dwelling_id", pl.String, "identifiant du bailleur"),
        _VINTAGE,
        Column("cite_slug", pl.String, "cité, si l’observatoire la suit", nullable=True),
        Column("commune_code", pl.String, "code Insee"),
        Column("dwelling_type", pl.String, "T1 à T7"),
        Column("built_year", pl.Int32, "année de construction", nullable=True),
        Column(
            "energy_label", pl.String, "étiquette énergie, de A à G", nullable=True, values=tuple("ABCDEFG")
        ),
        Column("status", pl.String, "état", values=("occupied", "vacant", "works", "to_demolish", "sold")),
        Column(
            "occupant", pl.String, "catégorie d’occupant", nullable=True, values=("ayant_droit", "tenant")
        ),
        Column("entry_date", pl.Date, "date d’emménagement", nullable=True),
        _FILE,
    ),
    confidential=True,
)

BENEFICIARIES = Table(
    "confidential",
    "beneficiaries",
    "Une ligne par bénéficiaire de l’ANGDM. Données fictives.",
    ("pseudonym", "vintage"),
    (
        Column("pseudonym", pl.String, "pseudonyme"),
        _VINTAGE,
        Column("birth_year", pl.Int32, "année de naissance"),
        Column("sex", pl.String, "sexe", values=("F", "M")),
        Column("kind", pl.String, "catégorie", values=("former_miner", "surviving_spouse", "other")),
        Column("commune_code", pl.String, "code Insee"),
        Column("cite_slug", pl.String, "cité, si l’observatoire la suit", nullable=True),
        Column("housing_benefit", pl.String, "avantage logement", values=("in_kind", "cash", "none")),
        Column("heating_benefit", pl.String, "avantage chauffage", values=("in_kind", "cash", "none")),
        _FILE,
    ),
    confidential=True,
)

OBSERVATIONS = Table(
    "indicators",
    "observations",
    "Une ligne par territoire, indicateur et millésime, avec son statut.",
    ("territory_level", "territory_code", "indicator", "vintage"),
    (
        Column("territory_level", pl.String, "niveau de territoire", values=LEVELS),
        Column("territory_code", pl.String, "code du territoire"),
        Column("indicator", pl.String, "clé de indicators.definitions"),
        _VINTAGE,
        Column(
            "value",
            pl.Float64,
            "valeur dans l’unité de l’indicateur ; vide si elle n’est pas publiée",
            nullable=True,
        ),
        Column(
            "numerator",
            pl.Float64,
            "numérateur ; vide pour un simple effectif ou si la valeur n’est pas publiée",
            nullable=True,
        ),
        Column(
            "denominator",
            pl.Float64,
            "dénominateur ; vide pour un simple effectif ou si la valeur n’est pas publiée",
            nullable=True,
        ),
        Column("unit", pl.String, "unité"),
        Column("status", pl.String, "pourquoi la valeur est là ou n’y est pas", values=STATUSES),
        Column("geography_vintage", pl.String, "géographie sur laquelle le chiffre est calculé"),
        Column("file_ids", pl.List(pl.String), "fichiers dont vient le chiffre"),
    ),
)

DEFINITIONS = Table(
    "indicators",
    "definitions",
    "Le catalogue des indicateurs.",
    ("indicator",),
    (
        Column("indicator", pl.String, "identifiant"),
        Column("position", pl.Int32, "ordre d’affichage"),
        Column("label", pl.String, "libellé"),
        Column("theme", pl.String, "thème"),
        Column("formula", pl.String, "formule en toutes lettres"),
        Column("unit", pl.String, "unité"),
        Column("decimals", pl.Int32, "décimales affichées"),
        Column(
            "polarity",
            pl.String,
            "sens favorable",
            values=("higher_is_better", "lower_is_better", "neutral"),
        ),
        Column(
            "comparison",
            pl.String,
            "comment un territoire est comparé",
            values=("with_parents", "not_compared"),
        ),
        Column("sources", pl.List(pl.String), "sources du catalogue"),
        Column("aggregation", pl.String, "comment les niveaux s’agrègent", values=("sum", "ratio", "none")),
        Column("levels", pl.List(pl.String), "niveaux où l’indicateur est calculé"),
        Column("vintages", pl.List(pl.Int32), "millésimes calculés"),
        Column("comparability", pl.String, "ce qui se compare et ce qui ne se compare pas"),
        Column("fictive", pl.Boolean, "vrai s’il dérive de données générées"),
    ),
)

TYPOLOGY_COMMUNES = Table(
    "typology",
    "communes",
    "Classe et coordonnées de chaque commune.",
    ("commune_code",),
    (
        Column("commune_code", pl.String, "code Insee"),
        Column("class", pl.Int32, "classe, numérotée à partir de 1 le long de l’axe 1"),
        Column("axis_1", pl.Float64, "coordonnée sur l’axe 1"),
        Column("axis_2", pl.Float64, "coordonnée sur l’axe 2"),
        Column("distance_to_own", pl.Float64, "distance au centre de sa classe, sur les axes retenus"),
        Column("distance_to_next", pl.Float64, "distance au centre le plus proche d’une autre classe"),
    ),
)

TYPOLOGY_CLASSES = Table(
    "typology",
    "classes",
    "Ce qui distingue chaque classe : valeurs-tests des variables.",
    ("class", "variable"),
    (
        Column("class", pl.Int32, "classe"),
        Column("variable", pl.String, "indicateur"),
        Column("v_test", pl.Float64, "valeur-test"),
        Column("p_value", pl.Float64, "probabilité critique bilatérale"),
        Column("mean_in_class", pl.Float64, "moyenne dans la classe"),
        Column("overall_mean", pl.Float64, "moyenne de toutes les communes"),
        Column("sd_in_class", pl.Float64, "écart-type dans la classe"),
        Column("overall_sd", pl.Float64, "écart-type de toutes les communes"),
    ),
)

TYPOLOGY_AXES = Table(
    "typology",
    "axes",
    "Valeurs propres de l’analyse en composantes principales.",
    ("axis",),
    (
        Column("axis", pl.Int32, "axe, à partir de 1"),
        Column("eigenvalue", pl.Float64, "valeur propre"),
        Column("explained_variance", pl.Float64, "part de l’inertie, en %"),
        Column("kept", pl.Boolean, "retenu pour la classification"),
    ),
)

TYPOLOGY_VARIABLES = Table(
    "typology",
    "variables",
    "Corrélation de chaque variable avec les deux premiers axes.",
    ("variable",),
    (
        Column("variable", pl.String, "indicateur"),
        Column("axis_1", pl.Float64, "corrélation avec l’axe 1"),
        Column("axis_2", pl.Float64, "corrélation avec l’axe 2"),
    ),
)

TABLES = {
    table.qualified_name: table
    for table in (
        FILES,
        PERIMETERS,
        POPULATIONS,
        CENSUS,
        VALUES,
        MORTALITY,
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
