"""Tables of individual data, kept in a database of their own."""

import polars as pl

from observatory.tables.contract import FILE, VINTAGE, Column, Table

DWELLINGS = Table(
    "confidential",
    "dwellings",
    "Une ligne par logement des livraisons des bailleurs. Réelles ou fictives selon core.files.",
    ("landlord", "dwelling_id", "vintage"),
    (
        Column("landlord", pl.String, "bailleur", values=("maisons-et-cites", "sia-habitat")),
        Column("dwelling_id", pl.String, "empreinte à clé de l’identifiant du bailleur"),
        VINTAGE,
        Column("cite_slug", pl.String, "cité, si l’observatoire la suit", nullable=True),
        Column("commune_code", pl.String, "code Insee"),
        Column("dwelling_type", pl.String, "T1 à T7"),
        Column("built_year", pl.Int32, "année de construction", nullable=True),
        Column("surface", pl.Float64, "surface habitable, en m²", nullable=True),
        Column(
            "heating",
            pl.String,
            "énergie et mode de chauffage",
            nullable=True,
            values=(
                "gas_individual",
                "gas_collective",
                "electricity",
                "coal",
                "oil",
                "wood",
                "heat_network",
                "heat_pump",
                "other",
            ),
        ),
        Column(
            "energy_label", pl.String, "étiquette énergie, de A à G", nullable=True, values=tuple("ABCDEFG")
        ),
        Column("rent", pl.Float64, "loyer hors charges, en euros par mois", nullable=True),
        Column("status", pl.String, "état", values=("occupied", "vacant", "works", "to_demolish", "sold")),
        Column("vacant_since", pl.Date, "premier jour de la vacance", nullable=True),
        Column(
            "renovation",
            pl.String,
            "programme de rénovation",
            nullable=True,
            values=("full", "thermal", "other"),
        ),
        Column(
            "renovation_state",
            pl.String,
            "avancement du programme",
            nullable=True,
            values=("studied", "underway", "delivered"),
        ),
        Column(
            "occupant", pl.String, "catégorie d’occupant", nullable=True, values=("ayant_droit", "tenant")
        ),
        Column("entry_date", pl.Date, "date d’emménagement", nullable=True),
        Column("household_size", pl.Int32, "nombre d’occupants", nullable=True),
        Column(
            "household_type",
            pl.String,
            "composition du ménage",
            nullable=True,
            values=("single", "couple", "couple_children", "single_parent", "other"),
        ),
        Column(
            "age_band",
            pl.String,
            "âge du titulaire du bail",
            nullable=True,
            values=("under_30", "from_30_to_44", "from_45_to_59", "from_60_to_74", "over_75"),
        ),
        Column(
            "income_band",
            pl.String,
            "ressources en part des plafonds PLUS (enquête OPS)",
            nullable=True,
            values=(
                "under_20",
                "from_20_to_40",
                "from_40_to_60",
                "from_60_to_80",
                "from_80_to_100",
                "from_100_to_130",
                "over_130",
            ),
        ),
        Column("apl", pl.String, "aide personnalisée au logement", nullable=True, values=("yes", "no")),
        FILE,
    ),
    confidential=True,
)

BENEFICIARIES = Table(
    "confidential",
    "beneficiaries",
    "Une ligne par bénéficiaire de l’ANGDM. Réelles ou fictives selon core.files.",
    ("pseudonym", "vintage"),
    (
        Column("pseudonym", pl.String, "empreinte à clé du pseudonyme"),
        VINTAGE,
        Column("birth_year", pl.Int32, "année de naissance"),
        Column("sex", pl.String, "sexe", values=("F", "M")),
        Column("kind", pl.String, "catégorie", values=("former_miner", "surviving_spouse", "other")),
        Column("commune_code", pl.String, "code Insee"),
        Column("cite_slug", pl.String, "cité, si l’observatoire la suit", nullable=True),
        Column("housing_benefit", pl.String, "avantage logement", values=("in_kind", "cash", "none")),
        Column("housing_amount", pl.Float64, "avantage logement, en euros par an", nullable=True),
        Column("heating_benefit", pl.String, "avantage chauffage", values=("in_kind", "cash", "none")),
        Column("heating_amount", pl.Float64, "avantage chauffage, en euros par an", nullable=True),
        Column("start_date", pl.Date, "ouverture des droits", nullable=True),
        Column("end_date", pl.Date, "fermeture des droits", nullable=True),
        FILE,
    ),
    confidential=True,
)
