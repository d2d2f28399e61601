"""The tables of an edition as CSV that machines read and that nobody can mistake.

Belongs here: which tables are published, their columns in French, the split of real and fictive
figures, the guard against formulas in spreadsheets.
Does not: other formats (the rest of the package), what may be shown (``disclosure``).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from observatory.errors import ObservatoryError
from observatory.indicators.mining import MINING_VINTAGE
from observatory.tables import (
    CITE_DASHBOARD,
    CITES,
    DEFINITIONS,
    FILES,
    OBSERVATIONS,
    PROJECTIONS,
    TERRITORIES,
    Table,
)
from observatory.tables.typology import (
    TRAJECTORY_COMMUNES,
    TRAJECTORY_FLOWS,
    TYPOLOGY_CLASSES,
    TYPOLOGY_COMMUNES,
    TYPOLOGY_NEIGHBOURS,
    TYPOLOGY_STABILITY,
    TYPOLOGY_VARIABLES,
)

LIST_SEPARATOR = "|"
FICTIVE_NATURE = "données fictives"
FORMULA_START = r"^[=+\-@\t\r]"


class ExportError(ObservatoryError):
    """A table cannot be published as it is."""


@dataclass(frozen=True)
class Export:
    """One file to publish: its name, French title and description, French notes by column, rows.

    ``contract`` is that of the table it comes from, whose columns it has among others.
    """

    name: str
    title: str
    description: str
    columns: dict[str, str]
    frame: pl.DataFrame
    fictive: bool = False
    contract: Table | None = None


_OBSERVATIONS = {
    "territory_level": "niveau : iris, cite, commune, epci, basin, department, region, country",
    "territory_code": "code du territoire : Insee, SIREN, ou identifiant de la cité",
    "indicator": "identifiant de l’indicateur, défini dans definitions.csv",
    "vintage": "année que le chiffre décrit",
    "value": "valeur, dans l’unité de l’indicateur ; vide si le statut n’est pas « published »",
    "numerator": "numérateur du taux ; vide pour un effectif",
    "denominator": "dénominateur du taux ; vide pour un effectif",
    "unit": "unité",
    "status": "published (publié), secret, missing (manquant), not_applicable (sans objet), "
    "not_available (non disponible)",
    "perimeter": "périmètre de l’édition : sept_epci (sept intercommunalités), mbm (Mission Bassin Minier), "
    "unesco (Bien inscrit)",
    "perimeter_vintage": "année du code officiel géographique (COG) du périmètre",
    "geography_vintage": "géographie sur laquelle le chiffre est calculé",
    "file_ids": "fichiers d’origine, décrits dans sources.csv",
}
_DEFINITIONS = {
    "indicator": "identifiant de l’indicateur",
    "position": "ordre d’affichage",
    "label": "libellé",
    "theme": "thème",
    "formula": "formule en mots",
    "unit": "unité",
    "decimals": "décimales affichées",
    "polarity": "sens : higher_is_better (plus élevé = favorable), lower_is_better, neutral",
    "comparison": "comparaison aux territoires englobants : with_parents ou not_compared",
    "sources": "sources",
    "aggregation": "agrégation : sum (somme), ratio (rapport de sommes), none (médiane ou taux donné)",
    "levels": "niveaux calculés",
    "vintages": "millésimes calculés",
    "comparability": "ce qui peut être comparé, et ce qui ne peut pas l’être",
    "fictive": "true si l’indicateur provient de données fictives",
    "breakdown": "répartition dont l’indicateur donne une part ; vide pour les autres",
    "category": "catégorie de cette répartition",
    "category_position": "ordre de cette catégorie",
    "proportion": "true si le numérateur compte une partie de ce que compte le dénominateur",
    "reliable_from": "plus petite base (dénominateur ou effectif) d’un chiffre fiable ; vide sans seuil",
    "reliability": "raison de ce seuil",
    "shortest_interval": "années entre deux millésimes comparables ; vide si aucune évolution n’est permise",
    "breaks": "premiers millésimes après une rupture de série, qu’aucune évolution ne franchit",
    "exceptional": "millésimes exceptionnels, dont aucune évolution ne part ni n’arrive",
    "change_note": "raison de cet intervalle, ou de l’absence d’évolution",
    "phrase": "ce qu’une phrase en dit, {value} tenant lieu de la valeur et de son unité ; vide sans phrase",
}
_TERRITORIES = {
    "perimeter": "périmètre : sept_epci (sept intercommunalités), mbm (Mission Bassin Minier), "
    "unesco (Bien inscrit)",
    "perimeter_vintage": "année du code officiel géographique (COG) du périmètre",
    "geography_vintage": "année du code officiel géographique (COG) des communes",
    "level": "niveau",
    "code": "code du territoire",
    "name": "nom",
    "parents": "territoires englobants, sous la forme niveau:code, le plus proche d’abord",
}
_CITES = {
    "slug": "identifiant stable, employé dans les adresses",
    "name": "nom",
    "alternative_names": "autres graphies rencontrées",
    "commune_codes": "codes Insee des communes, la principale d’abord",
    "epci_code": "SIREN de l’intercommunalité",
    "unesco": "inscription au patrimoine mondial : oui, en_partie, non_signale",
    "programmes": "programmes : integree, acceleration, etude_cadre, gr_ge, suivi",
    "phases_2022": "phases en 2022",
    "phases_2023": "phases en 2023",
    "dossiers_2022": "demandes de financement de 2022 : mai, octobre",
    "passages": "passages des documents fondateurs",
    "corrections": "coquilles corrigées, avec la raison",
    "notes": "ce que le lecteur doit savoir",
}
_FILES = {
    "file_id": "identifiant du fichier",
    "source": "source",
    "title": "titre",
    "producer": "producteur",
    "vintage": "millésime du contenu",
    "sha256": "empreinte du fichier lu",
    "url": "provenance",
    "licence": "licence",
    "fetched_at": "date d’obtention",
    "fictive": "true si le fichier est généré",
}
_LETTERS = "Ses classes 1, 2, 3… sont celles que le site nomme A, B, C…"
_TYPOLOGY: tuple[tuple[Table, str, str, str], ...] = (
    (TYPOLOGY_COMMUNES, "communes", "Typologie : communes", "Classe et coordonnées de chaque commune."),
    (
        TYPOLOGY_NEIGHBOURS,
        "communes-comparables",
        "Typologie : communes comparables",
        "Pour chaque commune, celles dont le profil est le plus proche.",
    ),
    (
        TYPOLOGY_CLASSES,
        "classes",
        "Typologie : profil des classes",
        "Moyenne de chaque variable dans chaque classe, et ce qui la distingue.",
    ),
    (
        TYPOLOGY_STABILITY,
        "stabilite",
        "Typologie : stabilité des classes",
        "Ce que devient chaque classe quand les communes sont tirées au sort.",
    ),
    (
        TYPOLOGY_VARIABLES,
        "variables",
        "Typologie : variables",
        "Variables retenues et écartées, avec la raison de chaque choix.",
    ),
    (
        TRAJECTORY_COMMUNES,
        "trajectoires",
        "Typologie : trajectoires des communes",
        f"Classe et place de chaque commune à deux dates. {_LETTERS}",
    ),
    (
        TRAJECTORY_FLOWS,
        "passages",
        "Typologie : passages entre classes",
        f"Communes qui passent d’une classe à l’autre entre deux dates. {_LETTERS}",
    ),
)


def fictive_mask(definitions: pl.DataFrame, files: pl.DataFrame) -> pl.Expr:
    """Return the expression that is true on observations which derive from generated data.

    An observation is fictive as soon as its definition or any of its files says so.
    """
    indicators = definitions.filter(pl.col("fictive"))["indicator"].to_list()
    generated = files.filter(pl.col("fictive"))["file_id"].to_list()
    return (
        pl.col("indicator").is_in(indicators)
        | pl.col("file_ids").list.eval(pl.element().is_in(generated)).list.any()
    )


def exports(
    *,
    observations: pl.DataFrame,
    definitions: pl.DataFrame,
    files: pl.DataFrame,
    territories: pl.DataFrame,
    cites: pl.DataFrame,
    typology: Mapping[str, pl.DataFrame],
    dashboard: pl.DataFrame,
    projections: pl.DataFrame,
) -> list[Export]:
    """Return the files to publish, frames keeping the contracts of ``observatory.tables``.

    Those of the typology are by table name; an edition without trajectories has no file of them.

    Raises:
        ExportError: an observation that is not published carries a value, a numerator or a denominator.
    """
    return [
        *_observation_exports(observations, definitions, files),
        _definitions_export(definitions),
        _territories_export(territories, "Les territoires du périmètre."),
        Export(
            "cites.csv",
            "Cités minières",
            "Les cités que nomment les documents fondateurs.",
            _CITES,
            cites.sort(CITES.key),
            contract=CITES,
        ),
        _files_export(files),
        *_typology_exports(typology),
        *_dashboard_exports(dashboard, observations, files),
        *_projection_exports(projections, files),
    ]


def partner_exports(
    observations: pl.DataFrame, definitions: pl.DataFrame, files: pl.DataFrame, territories: pl.DataFrame
) -> list[Export]:
    """Return the files of a partner's edition, in the columns of the public ones.

    Args:
        observations: those of his territories, as he may see them.
        definitions: definitions; those without observation are left out.
        files: source files; those that no observation comes from are left out.
        territories: his territories.

    Raises:
        ExportError: as ``exports``.
    """
    used = observations["file_ids"].explode().drop_nulls().unique().implode()
    return [
        *_observation_exports(observations, definitions, files),
        _definitions_export(definitions.join(observations, on="indicator", how="semi")),
        _territories_export(territories, "Les territoires que couvre la convention."),
        _files_export(files.filter(pl.col("file_id").is_in(used))),
    ]


def _observation_exports(
    observations: pl.DataFrame, definitions: pl.DataFrame, files: pl.DataFrame
) -> list[Export]:
    """Return the real figures, then the fictive ones."""
    hidden = observations.filter(
        (pl.col("status") != "published")
        & pl.any_horizontal(pl.col("value", "numerator", "denominator").is_not_null())
    )
    if hidden.height:
        raise ExportError(
            f"{hidden.height} observation(s) non publiée(s) portent une valeur : rien n’est exporté. "
            "Vider valeur, numérateur et dénominateur là où le statut n’est pas « published »."
        )
    fictive = fictive_mask(definitions, files)
    invented = (
        observations.filter(fictive)
        .sort(OBSERVATIONS.key)
        .select(pl.lit(FICTIVE_NATURE).alias("nature"), pl.all())
    )
    return [
        Export(
            "observations.csv",
            "Observations",
            "Tous les chiffres issus de données réelles : une ligne par territoire, indicateur et millésime.",
            _OBSERVATIONS,
            observations.filter(~fictive).sort(OBSERVATIONS.key),
            contract=OBSERVATIONS,
        ),
        *_fictive_exports(invented),
    ]


def _fictive_exports(invented: pl.DataFrame) -> Iterator[Export]:
    """Yield the file of the figures that derive from generated data, if there are any."""
    if invented.is_empty():
        return
    yield Export(
        "observations-donnees-fictives.csv",
        "Observations — données fictives",
        "Chiffres issus de fichiers générés, pour essayer la chaîne. Ils ne décrivent aucun logement ni "
        "aucune personne et ne doivent être ni cités ni diffusés comme réels.",
        {"nature": f"« {FICTIVE_NATURE} » sur chaque ligne"} | _OBSERVATIONS,
        invented,
        fictive=True,
        contract=OBSERVATIONS,
    )


def _projection_exports(projections: pl.DataFrame, files: pl.DataFrame) -> Iterator[Export]:
    """Yield the projection of the beneficiaries; nothing where there is none."""
    if projections.is_empty():
        return
    generated = set(files.filter(pl.col("fictive"))["file_id"])
    invented = not generated.isdisjoint(projections["file_ids"].explode())
    columns = {"nature": f"« {FICTIVE_NATURE} » sur chaque ligne"} if invented else {}
    columns |= {column.name: column.description for column in PROJECTIONS.columns}
    frame = projections.sort(PROJECTIONS.key).with_columns(nature=pl.lit(FICTIVE_NATURE))
    yield Export(
        f"projections-ayants-droit{'-donnees-fictives' if invented else ''}.csv",
        "Ayants droit à venir" + (" — données fictives" if invented else ""),
        "Bénéficiaires de l’ANGDM projetés jusqu’en 2050, par territoire et scénario : médianes et "
        "intervalles arrondis, logements par bailleur, prestations, ou la raison de leur absence.",
        columns,
        frame.select(list(columns)),
        fictive=invented,
        contract=PROJECTIONS,
    )


def _dashboard_exports(
    dashboard: pl.DataFrame, observations: pl.DataFrame, files: pl.DataFrame
) -> Iterator[Export]:
    """Yield the dashboard of the cités, each figure with its status; nothing where there is none."""
    if dashboard.is_empty():
        return
    # The dashboard tells risks in the words of ``rendering``, which imports this package.
    from observatory.indicators.dashboard import SHOWN

    generated = files.filter(pl.col("fictive"))["file_id"].to_list()
    fictive = pl.col("file_ids").list.eval(pl.element().is_in(generated)).list.any()
    nature = pl.when(fictive).then(pl.lit(FICTIVE_NATURE)).alias("nature")
    frame = dashboard.sort(CITE_DASHBOARD.key).select(nature, pl.all())
    invented = frame["nature"].is_not_null().any()
    columns = {"nature": f"« {FICTIVE_NATURE} » où un chiffre ou un niveau en provient"} if invented else {}
    columns |= {column.name: column.description for column in CITE_DASHBOARD.columns}
    for name in SHOWN:
        figures = observations.filter(
            pl.col("indicator") == name,
            pl.col("territory_level") == "cite",
            pl.col("vintage") == MINING_VINTAGE,
        ).select(pl.col("territory_code").alias("slug"), pl.col("value").alias(name), statut="status")
        frame = frame.join(
            figures.rename({"statut": f"statut_{name}"}), on="slug", how="left", maintain_order="left"
        )
        columns |= {
            name: f"valeur de {name} (definitions.csv), {MINING_VINTAGE}",
            f"statut_{name}": "son statut",
        }
    yield Export(
        "tableau-de-bord-des-cites.csv",
        "Tableau de bord des cités",
        "Bailleurs, chiffres publiés, risques de démolition et de dénaturation, raisons, dernier changement.",
        columns,
        frame.select(list(columns)),
        fictive=invented,
        contract=CITE_DASHBOARD,
    )


def _definitions_export(definitions: pl.DataFrame) -> Export:
    return Export(
        "definitions.csv",
        "Définitions",
        "Le catalogue des indicateurs.",
        _DEFINITIONS,
        definitions.sort(DEFINITIONS.key),
        contract=DEFINITIONS,
    )


def _territories_export(territories: pl.DataFrame, description: str) -> Export:
    return Export(
        "territoires.csv",
        "Territoires",
        description,
        _TERRITORIES,
        territories.sort(TERRITORIES.key),
        contract=TERRITORIES,
    )


def _files_export(files: pl.DataFrame) -> Export:
    return Export(
        "sources.csv",
        "Sources",
        "Les fichiers d’origine et leur empreinte.",
        _FILES,
        files.sort(FILES.key),
        contract=FILES,
    )


def _typology_exports(frames: Mapping[str, pl.DataFrame]) -> Iterator[Export]:
    for table, name, title, description in _TYPOLOGY:
        frame = frames[table.name]
        if not (table.may_be_empty and frame.is_empty()):
            columns = {column.name: column.description for column in table.columns}
            yield Export(
                f"typologie-{name}.csv", title, description, columns, frame.sort(table.key), contract=table
            )


def write_csv(export: Export, folder: Path) -> Path:
    """Write one file in ``folder``: UTF-8, commas, decimal points, lists joined by ``|``.

    Text that a spreadsheet would run as a formula is preceded by an apostrophe; numbers are untouched.

    Raises:
        ExportError: the columns of the frame are not those that are documented.
    """
    if list(export.columns) != export.frame.columns:
        raise ExportError(f"Les colonnes de {export.name} ne sont pas celles qui sont documentées.")
    path = folder / export.name
    export.frame.select(_cell(name, dtype) for name, dtype in export.frame.schema.items()).write_csv(
        path, float_scientific=False
    )
    return path


def _cell(name: str, dtype: pl.DataType) -> pl.Expr:
    text = pl.col(name)
    if isinstance(dtype, pl.List):
        text = text.cast(pl.List(pl.String)).list.join(LIST_SEPARATOR)
    elif dtype != pl.String:
        return text
    return pl.when(text.str.contains(FORMULA_START)).then(pl.lit("'") + text).otherwise(text).alias(name)
