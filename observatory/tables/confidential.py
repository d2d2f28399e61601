"""Tables of individual data, kept in a database of their own."""

import polars as pl

from observatory.tables.contract import FILE, VINTAGE, Column, Table

DWELLINGS = Table(
    "confidential",
    "dwellings",
    "Une ligne par logement des livraisons des bailleurs. Données fictives.",
    ("landlord", "dwelling_id", "vintage"),
    (
        Column("landlord", pl.String, "bailleur", values=("maisons-et-cites", "sia-habitat")),
        Column("dwelling_id", pl.String, "identifiant du bailleur"),
        VINTAGE,
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
        FILE,
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
        VINTAGE,
        Column("birth_year", pl.Int32, "année de naissance"),
        Column("sex", pl.String, "sexe", values=("F", "M")),
        Column("kind", pl.String, "catégorie", values=("former_miner", "surviving_spouse", "other")),
        Column("commune_code", pl.String, "code Insee"),
        Column("cite_slug", pl.String, "cité, si l’observatoire la suit", nullable=True),
        Column("housing_benefit", pl.String, "avantage logement", values=("in_kind", "cash", "none")),
        Column("heating_benefit", pl.String, "avantage chauffage", values=("in_kind", "cash", "none")),
        FILE,
    ),
    confidential=True,
)
