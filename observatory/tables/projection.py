"""Contract of the projections of ANGDM's beneficiaries.

Belongs here: columns, types and notes. Does not: how they are computed (``projection``).
"""

import polars as pl

from observatory.tables.contract import Column, Table

SCENARIOS = ("national", "moderate", "strong")
DRAWN = ("beneficiaries", "aged_85", "aged_90", "freed")
"""Quantities with an interval."""
ALONE = ("alone", "alone_85")
"""Persons who live alone, of any age and of 85 or more: the expectation alone is given."""
EUROS = ("heating_cash_euros", "housing_cash_euros", "heating_in_kind_euros", "housing_in_kind_euros")
"""Benefits of a year."""
DERIVED = (
    "lost_euros",
    "freed_per_year",
    "freed_stock",
    "freed_stock_per_year",
    "let_again",
    "turnover",
)
"""Quantities that follow from published ones."""
REASONS = (
    "published",
    "count_not_published",
    "too_few",
    "small_remainder",
    "ages_deducible",
    "share_not_published",
)
WHOLE = "ensemble"
"""Stands for a part where a number is of all dwellings, or of persons."""

PROJECTIONS = Table(
    "indicators",
    "projections",
    "Ce que deviendraient les bénéficiaires de l’ANGDM, par territoire, scénario et année, arrondi.",
    ("territory_level", "territory_code", "scenario", "quantity", "part", "year"),
    (
        Column("territory_level", pl.String, "niveau", values=("cite", "commune", "epci", "basin")),
        Column("territory_code", pl.String, "code du territoire"),
        Column("scenario", pl.String, "mortalité : nationale, supérieure de 15 %, de 30 %", values=SCENARIOS),
        Column(
            "quantity",
            pl.String,
            "bénéficiaires ; logements dont l’occupant a 85 ans ou plus, 90 ans ou plus ; logements libérés "
            "depuis le départ, par an sur la période qui s’achève ; personnes qui vivent seules, seules à "
            "85 ans ou plus ; logements libérés du parc des bailleurs, par an, reloués, pour mille logements "
            "du parc et par an ; chauffage, logement : euros de l’année en espèces et en nature, et ce qui "
            "n’est plus reçu, en euros du départ",
            values=DRAWN + ALONE + DERIVED + EUROS,
        ),
        Column("part", pl.String, f"bailleur, indicateur du profil des arrivés récents, ou « {WHOLE} »"),
        Column("year", pl.Int32, "1er janvier de cette année"),
        Column("step", pl.Int64, "pas de l’arrondi de ce dont vient le chiffre, dans son unité"),
        Column("low", pl.Int64, "une chance sur dix d’être en dessous ; vide si non publié", nullable=True),
        Column(
            "median",
            pl.Int64,
            "autant de chances au-dessus qu’au-dessous ; espérance pour ce qui n’a pas d’intervalle",
            nullable=True,
        ),
        Column("high", pl.Int64, "une chance sur dix d’être au-dessus", nullable=True),
        Column("reason", pl.String, "publié, ou pourquoi non", values=REASONS),
        Column("first_year", pl.Int32, "1er janvier dont part la projection"),
        Column("file_ids", pl.List(pl.String), "fichiers dont vient le chiffre"),
    ),
    may_be_empty=True,
)
