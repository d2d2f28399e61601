"""Contracts of the heritage tables.

Belongs here: columns, types and notes. Does not: how they are filled.
"""

import polars as pl

from observatory.tables.contract import Column, Table

TYPES = ("Cité jardin", "Cité moderne", "Cité pavillonnaire", "Corons")
INTERESTS = ("Exceptionnelle", "Remarquable", "Témoin")
PROTECTIONS = ("classée", "inscrite", "aucune")
CONFIDENCES = ("certain", "propose", "aucun")
METHODS = ("decision", "element_unesco", "nom", "mot_du_nom", "commune")
GRID_STATUSES = ("published", "secret", "not_applicable")
CONTRADICTIONS = ("patrimoine_mondial", "communes")

HERITAGE = Table(
    "core",
    "heritage",
    "Les surfaces des couches patrimoniales de la Mission Bassin Minier.",
    ("feature_id",),
    (
        Column("feature_id", pl.String, "couche et identifiant du producteur dans la couche"),
        Column("layer", pl.String, "couche"),
        Column("code", pl.String, "identifiant du producteur\u202f; code Insee pour une commune"),
        Column("unesco_id", pl.String, "objet du Bien inscrit, par exemple 16A", nullable=True),
        Column("unesco_element", pl.String, "élément du Bien inscrit, de 1 à 109", nullable=True),
        Column("lsm_id", pl.String, "identifiant du logement minier, commun aux couches", nullable=True),
        Column("name", pl.String, "nom", nullable=True),
        Column("other_name", pl.String, "autre nom ou complément", nullable=True),
        Column("commune_names", pl.List(pl.String), "communes, telles que la couche les écrit"),
        Column("company", pl.String, "compagnie ou groupe d’exploitation", nullable=True),
        Column("type", pl.String, "type de cité", nullable=True, values=TYPES),
        Column("interest", pl.String, "intérêt patrimonial", nullable=True, values=INTERESTS),
        Column(
            "protection",
            pl.String,
            "au titre des monuments historiques\u202f; vide si la couche n’en dit rien",
            nullable=True,
            values=PROTECTIONS,
        ),
        Column("owners", pl.List(pl.String), "propriétaires\u202f; vide si la couche n’en dit rien"),
        Column("geometry", pl.String, "surface GeoJSON, WGS84, cinq décimales"),
        Column("area_ha", pl.Float64, "superficie sur l’ellipsoïde GRS80, en hectares"),
        Column("repaired", pl.Boolean, "vrai si le tracé se recoupait et a été réparé"),
        Column("file_id", pl.String, "fichier d’où vient la ligne, clé de core.files"),
    ),
    # The embedded edition has no heritage layer.
    may_be_empty=True,
)

CITE_TIES = Table(
    "core",
    "cite_ties",
    "Le rattachement de chaque cité aux surfaces patrimoniales, ou la raison de son absence.",
    ("slug",),
    (
        Column("slug", pl.String, "cité, clé de core.cites"),
        Column("confidence", pl.String, "rattachement certain, proposé ou absent", values=CONFIDENCES),
        Column("method", pl.String, "règle qui rattache ou propose", nullable=True, values=METHODS),
        Column("feature_ids", pl.List(pl.String), "surfaces rattachées\u202f; vide si rien n’est certain"),
        Column("candidates", pl.List(pl.String), "surfaces proposées ou possibles, à confirmer"),
        Column("reason", pl.String, "pourquoi ce rattachement, ou pourquoi il n’y en a pas"),
    ),
    # The embedded edition has no heritage layer.
    may_be_empty=True,
)

CITE_HERITAGE = Table(
    "core",
    "cite_heritage",
    "Contour et attributs patrimoniaux des cités rattachées avec certitude.",
    ("slug",),
    (
        Column("slug", pl.String, "cité, clé de core.cites"),
        Column("geometry", pl.String, "contour GeoJSON, WGS84, cinq décimales"),
        Column("area_ha", pl.Float64, "superficie sur l’ellipsoïde GRS80, en hectares"),
        Column("longitude", pl.Float64, "longitude du centre de gravité, en degrés"),
        Column("latitude", pl.Float64, "latitude du centre de gravité, en degrés"),
        Column("companies", pl.List(pl.String), "compagnies ou groupes, de la plus grande surface d’abord"),
        Column("types", pl.List(pl.String), "types de cité, de la plus grande surface d’abord"),
        Column("interests", pl.List(pl.String), "intérêts patrimoniaux, de la plus grande surface d’abord"),
        Column(
            "protection",
            pl.String,
            "la plus forte des protections des surfaces\u202f; vide si les couches n’en disent rien",
            nullable=True,
            values=PROTECTIONS,
        ),
        Column("owners", pl.List(pl.String), "propriétaires que nomment les couches"),
        Column("unesco_ids", pl.List(pl.String), "objets du Bien inscrit"),
        Column("share_inscribed", pl.Float64, "part de la cité dans le Bien inscrit, de 0 à 1"),
        Column("share_buffer", pl.Float64, "part de la cité dans la zone tampon, de 0 à 1"),
        Column("file_ids", pl.List(pl.String), "fichiers des surfaces, clés de core.files"),
    ),
    # The embedded edition has no heritage layer.
    may_be_empty=True,
)

CITE_SHARES = Table(
    "core",
    "cite_shares",
    "Les communes (ou IRIS) que la cité traverse, et les parts de l’une dans l’autre.",
    ("slug", "code"),
    (
        Column("slug", pl.String, "cité, clé de core.cites"),
        Column("code", pl.String, "commune ou IRIS"),
        Column("area_ha", pl.Float64, "superficie commune, en hectares"),
        Column("share_of_cite", pl.Float64, "part de la cité, de 0 à 1"),
        Column("share_of_territory", pl.Float64, "part de la commune ou de l’IRIS, de 0 à 1"),
    ),
    # The embedded edition has no heritage layer.
    may_be_empty=True,
)

CITE_IRIS = Table(
    "core",
    "cite_iris",
    "Les IRIS que la cité traverse, et les parts de l’un dans l’autre.",
    ("slug", "code"),
    (
        Column("slug", pl.String, "cité, clé de core.cites"),
        Column("code", pl.String, "IRIS"),
        Column("name", pl.String, "nom de l’IRIS"),
        Column("area_ha", pl.Float64, "superficie commune, en hectares"),
        Column("share_of_cite", pl.Float64, "part de la cité, de 0 à 1"),
        Column("share_of_territory", pl.Float64, "part de l’IRIS, de 0 à 1"),
        Column("file_id", pl.String, "fichier d’où vient la ligne, clé de core.files"),
    ),
    may_be_empty=True,
)

CITE_GRID = Table(
    "core",
    "cite_grid",
    "Ce que les carreaux de 200 m de Filosofi disent de chaque cité, et ce qui en est imputé.",
    ("slug", "vintage"),
    (
        Column("slug", pl.String, "cité, clé de core.cites"),
        Column("vintage", pl.Int32, "année des revenus"),
        Column("cells", pl.Int32, "carreaux dont le centre est dans la cité"),
        Column("households", pl.Float64, "ménages de ces carreaux", nullable=True),
        Column("imputed_share", pl.Float64, "part des ménages en carreaux imputés, de 0 à 1", nullable=True),
        Column("living_standard", pl.Float64, "niveau de vie moyen, winsorisé, en euros", nullable=True),
        Column("poor_share", pl.Float64, "part des ménages pauvres, de 0 à 1", nullable=True),
        Column("status", pl.String, "publié, secret sous onze ménages, sans objet", values=GRID_STATUSES),
        Column("file_id", pl.String, "fichier d’où vient la ligne, clé de core.files"),
    ),
    may_be_empty=True,
)

CITE_CONTRADICTIONS = Table(
    "core",
    "cite_contradictions",
    "Ce que les documents fondateurs et les couches patrimoniales disent différemment d’une cité.",
    ("slug", "subject"),
    (
        Column("slug", pl.String, "cité, clé de core.cites"),
        Column("subject", pl.String, "sujet", values=CONTRADICTIONS),
        Column("reason", pl.String, "ce que dit chaque source"),
    ),
    # The embedded edition has no heritage layer.
    may_be_empty=True,
)
