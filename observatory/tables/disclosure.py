"""The journal of disclosure control: why each figure is hidden. It tells which are small: it stays inside."""

from enum import StrEnum

import polars as pl

from observatory.tables.contract import LEVELS, VINTAGE, Column, Table


class Tier(StrEnum):
    """Who a publication is for: everybody, one partner under an agreement, the observatory itself."""

    PUBLIC = "public"
    PARTNER = "partenaire"
    INTERNAL = "interne"


DISCLOSURE_JOURNAL = Table(
    "confidential",
    "disclosure_journal",
    "Une ligne par chiffre confidentiel : publié ou masqué, et pourquoi, sans valeur ; reste interne.",
    ("territory_level", "territory_code", "indicator", "vintage", "tier", "partner"),
    (
        Column("territory_level", pl.String, "niveau de territoire", values=LEVELS),
        Column("territory_code", pl.String, "code du territoire"),
        Column("indicator", pl.String, "clé de indicators.definitions"),
        VINTAGE,
        Column(
            "flag",
            pl.String,
            "A (trop peu d’unités), B (dominance), D (secondaire), V (publiable)",
            values=("A", "B", "D", "V"),
        ),
        Column("reason", pl.String, "raison de la règle, en toutes lettres"),
        Column("asked_by", pl.String, "effectif protégé : mesure / sorte / niveau / code", nullable=True),
        Column("tier", pl.String, "publication concernée", values=tuple(map(str, Tier))),
        Column("partner", pl.String, "partenaire à qui la publication est réservée ; vide pour tous"),
    ),
    confidential=True,
    may_be_empty=True,
)
