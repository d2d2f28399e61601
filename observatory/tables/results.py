"""Tables of results: the indicators."""

import polars as pl

from observatory.tables.contract import LEVELS, PERIMETER_NAMES, STATUSES, VINTAGE, Column, Table

OBSERVATIONS = Table(
    "indicators",
    "observations",
    "Une ligne par territoire, indicateur et millésime, avec son statut.",
    ("territory_level", "territory_code", "indicator", "vintage"),
    (
        Column("territory_level", pl.String, "niveau de territoire", values=LEVELS),
        Column("territory_code", pl.String, "code du territoire"),
        Column("indicator", pl.String, "clé de indicators.definitions"),
        VINTAGE,
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
        Column("perimeter", pl.String, "périmètre de l’édition", values=PERIMETER_NAMES),
        Column("perimeter_vintage", pl.Int32, "année du COG du périmètre"),
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
        Column("breakdown", pl.String, "répartition dont il donne une part", nullable=True),
        Column("category", pl.String, "catégorie de cette répartition", nullable=True),
        Column("category_position", pl.Int32, "ordre de cette catégorie", nullable=True),
        Column("proportion", pl.Boolean, "vrai si le numérateur compte une partie du dénominateur"),
        Column(
            "reliable_from",
            pl.Int32,
            "plus petite base (dénominateur, ou effectif) d’un chiffre fiable ; vide sans seuil",
            nullable=True,
        ),
        Column("reliability", pl.String, "raison de ce seuil", nullable=True),
        Column(
            "shortest_interval",
            pl.Int32,
            "années entre deux millésimes comparables ; vide si aucune évolution n’est permise",
            nullable=True,
        ),
        Column("breaks", pl.List(pl.Int32), "premiers millésimes après une rupture de série"),
        Column(
            "exceptional",
            pl.List(pl.Int32),
            "millésimes exceptionnels, dont aucune évolution ne part ni n’arrive",
        ),
        Column("change_note", pl.String, "raison de cet intervalle, ou de son absence"),
        Column("phrase", pl.String, "ce qu’une phrase en dit ; vide sans phrase", nullable=True),
    ),
)
