"""Contract of the projections of ANGDM's beneficiaries.

Belongs here: columns, types and notes. Does not: how they are computed (``projection``).
"""

import polars as pl

from observatory.tables.contract import Column, Table

SCENARIOS = ("national", "moderate", "strong")
DRAWN = ("beneficiaries", "aged_85", "aged_90", "freed")
"""Quantities with an interval."""
EXPECTED = ("alone", "heating_euros", "housing_euros")
"""Quantities of which the expectation alone is given, for groups of communes."""
REASONS = ("published", "count_not_published", "too_few", "small_remainder", "ages_deducible")

PROJECTIONS = Table(
    "indicators",
    "projections",
    "Ce que deviendraient les bénéficiaires de l’ANGDM, par territoire, scénario et année ; à la dizaine.",
    ("territory_level", "territory_code", "scenario", "quantity", "year"),
    (
        Column("territory_level", pl.String, "niveau", values=("cite", "commune", "epci", "basin")),
        Column("territory_code", pl.String, "code du territoire"),
        Column("scenario", pl.String, "mortalité : nationale, supérieure de 15 %, de 30 %", values=SCENARIOS),
        Column(
            "quantity",
            pl.String,
            "bénéficiaires ; logements dont l’occupant a 85 ans ou plus, 90 ans ou plus ; logements libérés "
            "depuis le départ ; personnes qui vivent seules ; chauffage, logement : euros versés en espèces "
            "dans l’année, en euros du départ",
            values=DRAWN + EXPECTED,
        ),
        Column("year", pl.Int32, "1er janvier de cette année"),
        Column("low", pl.Int64, "une chance sur dix d’être en dessous ; vide si non publié", nullable=True),
        Column(
            "median",
            pl.Int64,
            "autant de chances au-dessus qu’au-dessous ; espérance pour ce qui n’a pas d’intervalle",
            nullable=True,
        ),
        Column("high", pl.Int64, "une chance sur dix d’être au-dessus", nullable=True),
        Column("reason", pl.String, "publié, ou pourquoi non", values=REASONS),
        Column("first_year", pl.Int32, "1er janvier dont part la projection"),
        Column("file_ids", pl.List(pl.String), "fichiers dont vient le chiffre"),
    ),
    may_be_empty=True,
)
