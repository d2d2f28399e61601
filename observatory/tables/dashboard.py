"""Contracts of the dashboard of the cités.

Belongs here: columns, types and notes. Does not: how risks are judged (``indicators.dashboard``).
"""

import polars as pl

from observatory.tables.contract import FILE, Column, Table

SIGNALS = ("demolition", "projet", "prevalidation")
RISKS = ("fort", "modere", "faible", "non_evalue")

CITE_SIGNALS = Table(
    "core",
    "cite_signals",
    "Ce que le comité de suivi et le groupe technique ont dit de cités, d’après les documents fondateurs.",
    ("slug", "year", "kind"),
    (
        Column("slug", pl.String, "cité, clé de core.cites"),
        Column("year", pl.Int32, "année"),
        Column("kind", pl.String, "démolition, projet examiné ou projet pré-validé", values=SIGNALS),
        Column("fact", pl.String, "le fait, en quelques mots"),
        Column("passage", pl.String, "où les documents le disent"),
        FILE,
    ),
)

CITE_DASHBOARD = Table(
    "indicators",
    "cite_dashboard",
    "Tableau de bord des cités : bailleurs, risques pour la valeur patrimoniale et leurs raisons.",
    ("slug",),
    (
        Column("slug", pl.String, "cité, clé de core.cites"),
        Column(
            "interests", pl.List(pl.String), "intérêts patrimoniaux ; vide si aucun contour n’est rattaché"
        ),
        Column("owners", pl.List(pl.String), "bailleurs qui y ont au moins trois logements"),
        Column("demolition_risk", pl.String, "risque de démolition", values=RISKS),
        Column("demolition_reasons", pl.List(pl.String), "raisons de ce niveau"),
        Column("distortion_risk", pl.String, "risque de dénaturation", values=RISKS),
        Column("distortion_reasons", pl.List(pl.String), "raisons de ce niveau"),
        Column("last_change_year", pl.Int32, "année du dernier changement connu", nullable=True),
        Column("last_change", pl.String, "dernier changement connu", nullable=True),
        Column("file_ids", pl.List(pl.String), "fichiers dont viennent les niveaux"),
    ),
)
