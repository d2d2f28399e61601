"""What the sentences of the portraits say of each class, as facts that a run can check.

Signs are those of v-tests beyond 1.96; 0 is a variable on which the class is like the others. An extreme is
the highest (or lowest) mean of the classes.
"""

from typing import NamedTuple

import polars as pl


class Claims(NamedTuple):
    """Facts behind the three sentences of a portrait, by indicator."""

    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    highest: tuple[str, ...] = ()
    lowest: tuple[str, ...] = ()


CHANGE = "evolution_population_recensement_5_ans"
CHANGE_LEGAL = "evolution_population_5_ans"

MIRROR = {
    "Villes et bourgs du cœur minier et industriel": Claims(
        more=(
            "densite",
            "indicateur_concentration_emploi",
            "equipements_pour_1000_habitants",
            "taux_logements_sociaux",
            "part_moins_20_ans",
            "part_ouvriers",
            "taux_chomage_recensement",
            "part_logements_vacants",
        ),
        less=("niveau_vie_median",),
        highest=(
            "indicateur_concentration_emploi",
            "equipements_pour_1000_habitants",
            "taux_logements_sociaux",
            "taux_chomage_recensement",
            "part_logements_vacants",
        ),
        lowest=("niveau_vie_median",),
    ),
    "Bourgs et villages aux habitants plus âgés": Claims(
        more=("part_65_ans_ou_plus", "part_proprietaires", "niveau_vie_median"),
        less=(
            "densite",
            "part_moins_20_ans",
            "habitants_par_residence_principale",
            "taux_chomage_recensement",
            CHANGE,
        ),
        highest=("part_65_ans_ou_plus",),
        lowest=("part_moins_20_ans",),
    ),
    "Communes familiales qui gagnent des habitants": Claims(
        more=("part_moins_20_ans", "habitants_par_residence_principale", CHANGE),
        less=("part_logements_vacants", "indicateur_concentration_emploi", "equipements_pour_1000_habitants"),
        alike=("niveau_vie_median",),
        highest=("part_moins_20_ans", "habitants_par_residence_principale"),
    ),
    "Bourgs et villages résidentiels plus aisés": Claims(
        more=("niveau_vie_median", "part_diplomes_superieur", "part_proprietaires", "part_cadres", CHANGE),
        less=("densite", "taux_chomage_recensement", "indicateur_concentration_emploi"),
        highest=("niveau_vie_median", "part_diplomes_superieur", "part_proprietaires", "part_cadres"),
        lowest=("densite", "taux_chomage_recensement", "indicateur_concentration_emploi"),
    ),
}

EMBEDDED = {
    "Villes-centres et communes aux logements variés": Claims(
        more=("densite", "part_logements_vacants"),
        less=("part_maisons", "habitants_par_residence_principale"),
        alike=("part_moins_20_ans", "part_65_ans_ou_plus"),
        highest=("part_logements_vacants",),
        lowest=("part_maisons", "habitants_par_residence_principale"),
    ),
    "Bourgs et campagnes aux habitants plus âgés": Claims(
        more=("part_maisons", "part_65_ans_ou_plus", "part_residences_secondaires"),
        less=("densite", "part_moins_20_ans", "habitants_par_residence_principale", CHANGE_LEGAL),
        highest=("part_65_ans_ou_plus", "part_residences_secondaires"),
        lowest=("part_moins_20_ans",),
    ),
    "Villes et bourgs denses à la population jeune": Claims(
        more=("densite", "part_moins_20_ans"),
        less=("part_65_ans_ou_plus", "part_residences_secondaires", CHANGE_LEGAL),
        lowest=("part_residences_secondaires",),
    ),
    "Communes de grands ménages, en croissance": Claims(
        more=("part_maisons", "habitants_par_residence_principale", "part_moins_20_ans", CHANGE_LEGAL),
        less=("densite", "part_65_ans_ou_plus"),
        highest=("part_maisons", "habitants_par_residence_principale", "part_moins_20_ans", CHANGE_LEGAL),
        lowest=("part_65_ans_ou_plus",),
    ),
}


def false_claims(claims: Claims, number: int, classes: pl.DataFrame) -> list[str]:
    """Return the facts that ``typology.classes`` denies for a class."""
    v_tests = dict(classes.filter(pl.col("class") == number).select("variable", "v_test").iter_rows())
    means = {
        name: dict(rows.select("class", "mean_in_class").iter_rows())
        for (name,), rows in classes.group_by("variable")
    }
    return [
        *(f"more {name}" for name in claims.more if not v_tests[name] > 1.96),
        *(f"less {name}" for name in claims.less if not v_tests[name] < -1.96),
        *(f"alike {name}" for name in claims.alike if not abs(v_tests[name]) < 1.96),
        *(f"highest {name}" for name in claims.highest if max(means[name], key=means[name].get) != number),
        *(f"lowest {name}" for name in claims.lowest if min(means[name], key=means[name].get) != number),
    ]
