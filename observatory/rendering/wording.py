"""The fixed French wording of the site: statuses, levels, programmes, themes without data.

Belongs here: labels of the values that the table contracts allow, and the reasons for what is absent.
Does not: wording that comes from the catalogue of indicators or from the files.
"""

from dataclasses import dataclass

from observatory.errors import ObservatoryError


@dataclass(frozen=True)
class Status:
    """How a status is shown: a short word in cells, a sentence in the legend."""

    short: str
    meaning: str


STATUSES = {
    "published": Status(
        "publié", "La valeur est connue et peut être publiée ; un zéro affiché est un vrai zéro."
    ),
    "secret": Status(
        "secret", "La valeur existe mais n’est pas publiée, pour protéger les personnes (secret statistique)."
    ),
    "missing": Status("manquant", "La source devrait donner la valeur et ne la donne pas."),
    "not_applicable": Status(
        "sans objet",
        "La question ne se pose pas pour ce territoire : un taux sans dénominateur, par exemple.",
    ),
    "not_available": Status(
        "non disponible", "La source ne couvre pas ce territoire, ce niveau géographique ou ce millésime."
    ),
}

LEVELS = {
    "iris": "IRIS",
    "cite": "Cité minière",
    "commune": "Commune",
    "epci": "Intercommunalité",
    "basin": "Bassin minier",
    "department": "Département",
    "region": "Région",
    "country": "Pays",
}

LEVELS_PLURAL = {"cite": "cités", "commune": "communes", "epci": "intercommunalités"}


@dataclass(frozen=True)
class PerimeterWording:
    """How a perimeter version is told.

    Attributes:
        of: what follows « périmètre ».
        name: the perimeter, standing alone.
        content: what its communes and groups of communes are.
        basin: what the basin is; ``{communes}`` and ``{epcis}`` stand for their counts and nouns.
    """

    of: str
    name: str
    content: str
    basin: str


def perimeter_wording(perimeter: str, vintage: int, geography: int) -> PerimeterWording:
    """Return the wording of a perimeter version.

    Args:
        perimeter: one of the contract's perimeters.
        vintage: COG year of the perimeter.
        geography: COG year of its communes.
    """
    cog = f"code officiel géographique (COG) {vintage}"
    if perimeter != "sept_epci":
        of, communes = _OTHER_PERIMETERS[perimeter]
        name = f"communes {of}, {cog}"
        return PerimeterWording(
            f"{of} (COG {vintage})", name, name, f"l’ensemble des {{communes}} {communes},"
        )
    if geography != vintage:
        name = f"intercommunalités du {cog}, communes du COG {geography}"
        basin = (
            "l’ensemble des {communes} des sept intercommunalités d’aujourd’hui, "
            f"groupées comme au COG {vintage},"
        )
        return PerimeterWording(f"du COG {vintage}, sur les communes du COG {geography}", name, name, basin)
    return PerimeterWording(
        f"du COG {vintage}",
        cog,
        f"communes et intercommunalités du {cog}",
        "la réunion de {epcis}, soit {communes},",
    )


_OTHER_PERIMETERS = {
    "mbm": ("de la Mission Bassin Minier", "de la couche de la Mission Bassin Minier"),
    "unesco": ("du Bien inscrit", "que touche le Bien inscrit au Patrimoine mondial"),
}

POLARITIES = {
    "higher_is_better": "une valeur élevée est favorable",
    "lower_is_better": "une valeur faible est favorable",
    "neutral": "ni favorable ni défavorable en soi",
}

COMPARISONS = {
    "with_parents": "comparé aux territoires englobants",
    "not_compared": "non comparé",
}

AGGREGATIONS = {
    "sum": "somme des effectifs",
    "ratio": "rapport des sommes du numérateur et du dénominateur, jamais moyenne de taux",
    "none": "aucune : le producteur donne la médiane ou le taux, qui ne s’additionne pas",
}

UNESCO = {
    "oui": "Dans le périmètre du Bien inscrit au patrimoine mondial",
    "en_partie": "En partie dans le périmètre du Bien inscrit au patrimoine mondial",
    "non_signale": "Les documents fondateurs ne signalent pas la cité comme inscrite",
}

UNESCO_SHORT = {"oui": "Oui", "en_partie": "En partie", "non_signale": "Non signalé"}

UNTIED = {"propose": "Proposé, à confirmer", "aucun": "Aucun rattachement certain"}

PROGRAMMES = {
    "integree": "Rénovation intégrée : l’une des 35 cités prioritaires de l’ERBM",
    "acceleration": "ERBM « accélération » : rénovation avancée des logements",
    "etude_cadre": "Étude-cadre ou étude urbaine et sociale à l’échelle de l’intercommunalité",
    "gr_ge": "Grosses réparations et gros entretien (GR/GE)",
    "suivi": "Suivi par la Mission Bassin Minier, hors programme de rénovation nommé",
}

PROGRAMMES_SHORT = {
    "integree": "intégrée",
    "acceleration": "accélération",
    "etude_cadre": "étude-cadre",
    "gr_ge": "GR/GE",
    "suivi": "suivi",
}

PHASES = {
    "schema_directeur": "phase de schéma directeur",
    "operationnelle": "phase opérationnelle",
    "amont": "phase amont",
    "acceleration": "programme « accélération »",
}

DOSSIERS = {
    "mai": "appel à dépôt de demandes de mai 2022",
    "octobre": "appel à dépôt de demandes d’octobre 2022",
}


RISKS = {"fort": "Fort", "modere": "Modéré", "faible": "Faible", "non_evalue": "Non évalué"}

LANDLORDS = {"maisons-et-cites": "Maisons & Cités", "sia-habitat": "SIA Habitat"}


@dataclass(frozen=True)
class AbsentTheme:
    """A theme that a sheet announces without being able to fill it."""

    theme: str
    content: str
    reason: str


_NOT_EMBEDDED = "source non intégrée à l’édition embarquée"

ABSENT_THEMES = (
    AbsentTheme("Niveau de vie", "revenu disponible médian et taux de pauvreté (Filosofi)", _NOT_EMBEDDED),
    AbsentTheme("Prestations sociales", "allocataires et minima sociaux (CAF, MSA)", _NOT_EMBEDDED),
    AbsentTheme("Desserte", "arrêts et fréquence des transports collectifs", _NOT_EMBEDDED),
    AbsentTheme(
        "Équipements", "équipements et services à portée (base permanente des équipements)", _NOT_EMBEDDED
    ),
    AbsentTheme("Logement social", "parc locatif social (RPLS)", _NOT_EMBEDDED),
    AbsentTheme("Rénovation", "avancement des travaux logement par logement (bailleurs)", _NOT_EMBEDDED),
)


def word(vocabulary: dict[str, str], value: str) -> str:
    """Return the French word for a coded value.

    Raises:
        ObservatoryError: the value is not in the vocabulary.
    """
    try:
        return vocabulary[value]
    except KeyError as error:
        raise ObservatoryError(
            f"Le site ne sait pas écrire la valeur « {value} » ; valeurs connues : {', '.join(vocabulary)}."
        ) from error
