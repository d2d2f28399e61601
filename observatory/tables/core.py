"""Core tables: what the sources say, typed."""

import polars as pl

from observatory.tables.contract import FILE, LEVELS, PERIMETER_NAMES, STATUSES, VINTAGE, Column, Table

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
        FILE,
    ),
)

_PERIMETER = Column("perimeter", pl.String, "périmètre", values=PERIMETER_NAMES)
_EPCI_KINDS = ("CA", "CC", "CU", "CV", "DISTRICT", "MET69", "METRO")

PERIMETER_COMMUNES = Table(
    "core",
    "perimeter_communes",
    "Communes de chaque version de chaque périmètre, sur les communes de son année, avec leur EPCI d’alors.",
    ("perimeter", "perimeter_vintage", "commune_code"),
    (
        _PERIMETER,
        Column("perimeter_vintage", pl.Int32, "année du COG de la version"),
        Column("commune_code", pl.String, "code Insee de la commune, cette année-là"),
        Column("commune_name", pl.String, "nom de la commune"),
        Column("epci_code", pl.String, "SIREN de son EPCI ; vide si elle n’en a pas", nullable=True),
        Column("epci_name", pl.String, "nom de son EPCI", nullable=True),
        Column("epci_kind", pl.String, "nature juridique de son EPCI", nullable=True, values=_EPCI_KINDS),
        Column(
            "epci_communes",
            pl.Int32,
            "communes de son EPCI, dans le périmètre ou non ; celles du Nord et du Pas-de-Calais seules, "
            "hors des périmètres france et hauts_de_france",
            nullable=True,
        ),
        Column("reference_epci", pl.List(pl.String), "ceux des sept EPCI qui la tiennent aujourd’hui"),
        Column(
            "situation",
            pl.String,
            "EPCI d’alors : l’un de ceux d’aujourd’hui, un autre, ou aucun",
            values=("same_epci", "other_epci", "no_epci"),
        ),
        Column("file_ids", pl.List(pl.String), "fichiers d’où vient la version"),
    ),
)

PERIMETER_VERSIONS = Table(
    "core",
    "perimeter_versions",
    "Les périmètres que l’on peut choisir, et ceux que l’on ne peut pas, avec la raison.",
    ("choice",),
    (
        Column("choice", pl.String, "ce que « --perimeter » attend"),
        Column("perimeter", pl.String, "périmètre"),
        Column("perimeter_vintage", pl.Int32, "année du COG ; vide si aucune n’est connue", nullable=True),
        Column("label", pl.String, "ce qu’est le périmètre"),
        Column("selectable", pl.Boolean, "vrai si cette édition peut le montrer"),
        Column("communes", pl.Int32, "nombre de communes ; vide si l’on ne peut le choisir", nullable=True),
        Column("note", pl.String, "raison de l’absence, ou ce qu’il faut en savoir", nullable=True),
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
        VINTAGE,
        Column("population", pl.Int64, "habitants (population municipale)"),
        FILE,
    ),
)

POSTCODES = Table(
    "core",
    "postcodes",
    "Codes postaux des communes du Nord et du Pas-de-Calais, dans la dernière édition du découpage.",
    ("commune_code", "postcode"),
    (
        Column("commune_code", pl.String, "code Insee de la commune"),
        Column("postcode", pl.String, "code postal ; une commune peut en avoir plusieurs"),
        FILE,
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
        VINTAGE,
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
        FILE,
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
        VINTAGE,
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
        FILE,
    ),
    # The embedded edition reads no file.
    may_be_empty=True,
)

POPULATION_SERIES = Table(
    "core",
    "population_series",
    "Populations de chaque recensement depuis 1968, sur les communes du périmètre d’aujourd’hui.",
    ("code", "vintage"),
    (
        Column("code", pl.String, "code Insee de la commune d’aujourd’hui"),
        VINTAGE,
        Column("population", pl.Float64, "habitants"),
        Column("estimated", pl.Boolean, "vrai si la commune n’existait pas : part estimée de celle d’alors"),
        Column("cog_year", pl.Int32, "année du COG du chiffre d’origine"),
        FILE,
    ),
    # The embedded edition reads no file.
    may_be_empty=True,
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
        FILE,
    ),
    # The embedded edition reads no file.
    may_be_empty=True,
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
        FILE,
    ),
)

TERRITORIES = Table(
    "core",
    "territories",
    "Tous les territoires de toutes les versions des périmètres, avec ceux qui les contiennent.",
    ("perimeter", "perimeter_vintage", "level", "code"),
    (
        _PERIMETER,
        Column("perimeter_vintage", pl.Int32, "année du COG du périmètre"),
        Column("geography_vintage", pl.Int32, "année du COG des communes"),
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
