"""Tables of the typology of the communes: classes, what makes them, how sure they are, moves through time."""

import polars as pl

from observatory.tables.contract import Column, Table

ROLES = ("active", "placed")
VARIABLE_ROLES = ("active", "supplementary", "left_out")
VERDICTS = ("très stable", "stable", "moyenne", "instable")

_DESCRIPTION = (
    Column("v_test", pl.Float64, "valeur-test"),
    Column("p_value", pl.Float64, "probabilité critique bilatérale"),
    Column("mean_in_class", pl.Float64, "moyenne dans la classe, géométrique pour un logarithme"),
    Column("overall_mean", pl.Float64, "moyenne de toutes les communes, géométrique pour un logarithme"),
    Column("sd_in_class", pl.Float64, "écart-type dans la classe, du logarithme s’il y en a un"),
    Column("overall_sd", pl.Float64, "écart-type de toutes les communes, du logarithme s’il y en a un"),
)

TYPOLOGY_COMMUNES = Table(
    "typology",
    "communes",
    "Classe et coordonnées de chaque commune.",
    ("commune_code",),
    (
        Column("commune_code", pl.String, "code Insee"),
        Column("role", pl.String, "active, ou placée ensuite faute d’une valeur", values=ROLES),
        Column("missing", pl.List(pl.String), "variables sans valeur d’une commune placée ensuite"),
        Column("class", pl.Int32, "classe, numérotée à partir de 1 le long de l’axe 1"),
        Column("axis_1", pl.Float64, "coordonnée sur l’axe 1"),
        Column("axis_2", pl.Float64, "coordonnée sur l’axe 2"),
        Column("distance_to_own", pl.Float64, "distance au centre de sa classe, sur les axes retenus"),
        Column("next_class", pl.Int32, "autre classe dont le centre est le plus proche"),
        Column("distance_to_next", pl.Float64, "distance au centre de cette autre classe"),
    ),
)

TYPOLOGY_UNPLACED = Table(
    "typology",
    "unplaced",
    "Communes que la typologie ne peut pas classer.",
    ("commune_code",),
    (
        Column("commune_code", pl.String, "code Insee"),
        Column("reason", pl.String, "pourquoi elle n’a pas de classe"),
    ),
    may_be_empty=True,
)

TYPOLOGY_CLASSES = Table(
    "typology",
    "classes",
    "Ce qui distingue chaque classe : valeurs-tests des variables.",
    ("class", "variable"),
    (
        Column("class", pl.Int32, "classe"),
        Column("variable", pl.String, "indicateur"),
        Column("role", pl.String, "active ou supplémentaire", values=VARIABLE_ROLES[:2]),
        *_DESCRIPTION,
    ),
)

TYPOLOGY_AXES = Table(
    "typology",
    "axes",
    "Valeurs propres de l’analyse en composantes principales.",
    ("axis",),
    (
        Column("axis", pl.Int32, "axe, à partir de 1"),
        Column("eigenvalue", pl.Float64, "valeur propre"),
        Column("explained_variance", pl.Float64, "part de l’inertie, en %"),
        Column("kept", pl.Boolean, "retenu pour la classification"),
    ),
)

TYPOLOGY_VARIABLES = Table(
    "typology",
    "variables",
    "Variables de la typologie : rôle, millésime, lien avec les axes et les classes, ou pourquoi aucun.",
    ("variable",),
    (
        Column("variable", pl.String, "indicateur"),
        Column("role", pl.String, "active, supplémentaire ou écartée", values=VARIABLE_ROLES),
        Column("transform", pl.String, "transformation : none, log ou log1p"),
        Column("vintage", pl.Int32, "millésime employé", nullable=True),
        Column("reason", pl.String, "pourquoi elle est au catalogue de la typologie"),
        Column("left_out", pl.String, "pourquoi elle n’est pas dans cette édition", nullable=True),
        Column("eta2", pl.Float64, "part de sa variance entre les classes, de 0 à 1", nullable=True),
        Column("axis_1", pl.Float64, "corrélation avec l’axe 1", nullable=True),
        Column("axis_2", pl.Float64, "corrélation avec l’axe 2", nullable=True),
    ),
)

TYPOLOGY_TREE = Table(
    "typology",
    "tree",
    "Arbre de la classification : fusions successives, de la plus précoce à la dernière.",
    ("merge",),
    (
        Column("merge", pl.Int32, "rang de la fusion, à partir de 1"),
        Column("first", pl.Int32, "rang d’une commune active, à partir de 0 ; au-delà, fusion antérieure"),
        Column("second", pl.Int32, "de même"),
        Column("height", pl.Float64, "distance de Ward"),
        Column("gain", pl.Float64, "inertie perdue par la fusion"),
        Column("size", pl.Int32, "communes réunies"),
    ),
)

TYPOLOGY_EXAMPLES = Table(
    "typology",
    "examples",
    "Communes les plus typiques (paragons) et les plus spécifiques de chaque classe.",
    ("class", "kind", "rank"),
    (
        Column("class", pl.Int32, "classe"),
        Column("kind", pl.String, "paragon ou spécifique", values=("paragon", "specific")),
        Column("rank", pl.Int32, "rang, à partir de 1"),
        Column("commune_code", pl.String, "code Insee"),
        Column("distance", pl.Float64, "au centre de sa classe, ou à l’autre centre le plus proche"),
    ),
)

TYPOLOGY_NEIGHBOURS = Table(
    "typology",
    "neighbours",
    "Communes les plus proches de chacune, par leur profil sur les axes retenus.",
    ("commune_code", "rank"),
    (
        Column("commune_code", pl.String, "code Insee"),
        Column("rank", pl.Int32, "rang, à partir de 1"),
        Column("neighbour_code", pl.String, "code Insee de la commune comparable"),
        Column("distance", pl.Float64, "distance sur les axes retenus"),
    ),
)

TYPOLOGY_STABILITY = Table(
    "typology",
    "stability",
    "Stabilité de chaque classe quand les communes sont tirées au sort (Hennig, 2007).",
    ("class",),
    (
        Column("class", pl.Int32, "classe"),
        Column("size", pl.Int32, "communes actives"),
        Column("jaccard", pl.Float64, "similarité de Jaccard moyenne, de 0 à 1"),
        Column("standard_error", pl.Float64, "erreur-type de cette moyenne"),
        Column("dissolved", pl.Float64, "part des tirages où la classe se dissout (0,5 au plus)"),
        Column("recovered", pl.Float64, "part des tirages où elle se retrouve (plus de 0,75)"),
        Column("verdict", pl.String, "lecture de la moyenne", values=VERDICTS),
        Column("impossible_draws", pl.Int32, "tirages qui ne permettent pas la procédure"),
    ),
)

TYPOLOGY_CHANCE = Table(
    "typology",
    "chance",
    "Ce que la même procédure trouve dans des tables sans structure.",
    ("statistic",),
    (
        Column("statistic", pl.String, "part d’inertie entre classes, ou similarité de Jaccard moyenne"),
        Column("observed", pl.Float64, "valeur de la typologie"),
        Column("random_low", pl.Float64, "premier décile des tables aléatoires"),
        Column("random_median", pl.Float64, "médiane des tables aléatoires"),
        Column("random_high", pl.Float64, "neuvième décile des tables aléatoires"),
        Column("share_as_high", pl.Float64, "part des tables qui font aussi bien, la vraie comprise"),
    ),
)

TYPOLOGY_EFFORT = Table(
    "typology",
    "effort",
    "Nombre de tirages dont viennent typology.stability et typology.chance.",
    ("judgement",),
    (
        Column("judgement", pl.String, "table que ces tirages remplissent", values=("stability", "chance")),
        Column("communes", pl.Int32, "communes actives, que l’on tire"),
        Column("tables", pl.Int32, "tables tirées : la vraie, ou des tables aléatoires"),
        Column("draws", pl.Int32, "tirages de chaque table"),
        Column("reduced", pl.Boolean, "vrai si les tirages sont moins nombreux, faute de temps"),
    ),
)

TYPOLOGY_SENSITIVITY = Table(
    "typology",
    "sensitivity",
    "Ce que change un réglage : une variable en moins, d’autres nombres d’axes ou de classes.",
    ("perturbation", "setting"),
    (
        Column("perturbation", pl.String, "réglage changé", values=("variable", "axes", "classes")),
        Column("setting", pl.String, "variable retirée, ou nombre d’axes ou de classes"),
        Column("adjusted_rand", pl.Float64, "indice de Rand ajusté", nullable=True),
        Column("share_moved", pl.Float64, "part des communes qui changent de classe", nullable=True),
        Column("reason", pl.String, "pourquoi le réglage est impossible", nullable=True),
    ),
)

_LETTER = "classe de la typologie à deux dates, qui n’est pas celle de typology.communes"

TRAJECTORY_COMMUNES = Table(
    "typology",
    "trajectory_communes",
    "Communes aux deux dates, sur les axes et les centres de la date de référence.",
    ("commune_code",),
    (
        Column("commune_code", pl.String, "code Insee"),
        Column("class_before", pl.Int32, _LETTER),
        Column("class_after", pl.Int32, "de même, à la seconde date"),
        Column("moved", pl.Boolean, "a changé de classe"),
        Column("borderline", pl.Boolean, "à la frontière de deux classes à l’une des dates"),
        Column("class_before_net", pl.Int32, "première classe, la dérive commune une fois ôtée"),
        Column("class_after_net", pl.Int32, "seconde classe, la dérive commune une fois ôtée"),
        Column("moved_net", pl.Boolean, "a changé de classe par rapport aux autres communes"),
        Column("borderline_net", pl.Boolean, "à la frontière, la dérive commune une fois ôtée"),
        Column("noise_probability", pl.Float64, "probabilité que le bruit seul la fasse changer de classe"),
        Column("axis_1_before", pl.Float64, "coordonnée sur l’axe 1 à la première date"),
        Column("axis_2_before", pl.Float64, "coordonnée sur l’axe 2 à la première date"),
        Column("axis_1_after", pl.Float64, "coordonnée sur l’axe 1 à la seconde date"),
        Column("axis_2_after", pl.Float64, "coordonnée sur l’axe 2 à la seconde date"),
        Column("displacement", pl.Float64, "chemin parcouru dans le plan des deux premiers axes"),
        Column("displacement_net", pl.Float64, "chemin parcouru, la dérive commune une fois ôtée"),
    ),
    may_be_empty=True,
)

TRAJECTORY_CLASSES = Table(
    "typology",
    "trajectory_classes",
    "Ce qui distingue les classes de la typologie à deux dates, à la date de référence.",
    ("class", "variable"),
    (Column("class", pl.Int32, _LETTER), Column("variable", pl.String, "indicateur"), *_DESCRIPTION),
    may_be_empty=True,
)

TRAJECTORY_FLOWS = Table(
    "typology",
    "trajectory_flows",
    "Passages d’une classe à l’autre entre les deux dates.",
    ("net", "class_before", "class_after"),
    (
        Column("net", pl.Boolean, "la dérive commune une fois ôtée"),
        Column("class_before", pl.Int32, _LETTER),
        Column("class_after", pl.Int32, "de même, à la seconde date"),
        Column("count", pl.Int32, "communes"),
        Column("share", pl.Float64, "part de la première classe, de 0 à 1", nullable=True),
    ),
    may_be_empty=True,
)

TRAJECTORY_DRIVERS = Table(
    "typology",
    "trajectory_drivers",
    "Ce qui fait changer de classe : contribution de chaque variable, qui somment au changement.",
    ("net", "commune_code", "variable"),
    (
        Column("net", pl.Boolean, "la dérive commune une fois ôtée"),
        Column("commune_code", pl.String, "code Insee"),
        Column("variable", pl.String, "indicateur"),
        Column("class_before", pl.Int32, _LETTER),
        Column("class_after", pl.Int32, "de même, à la seconde date"),
        Column("change", pl.Float64, "changement de la variable, du logarithme s’il y en a un"),
        Column("standardised_change", pl.Float64, "le même, en écarts-types de la date de référence"),
        Column("contribution", pl.Float64, "contribution au passage, en unités des axes au carré"),
        Column("share", pl.Float64, "part du passage ; peut être négative ou dépasser 1"),
    ),
    may_be_empty=True,
)

TRAJECTORY_SHIFT = Table(
    "typology",
    "trajectory_shift",
    "Dérive commune : changement moyen de chaque variable entre les deux dates.",
    ("variable",),
    (
        Column("variable", pl.String, "indicateur"),
        Column("shift", pl.Float64, "changement moyen, du logarithme s’il y en a un"),
        Column("standardised_shift", pl.Float64, "le même, en écarts-types de la date de référence"),
    ),
    may_be_empty=True,
)

TRAJECTORY_NOISE = Table(
    "typology",
    "trajectory_noise",
    "Changements de classe que le bruit seul produirait, selon deux bornes de ce bruit.",
    ("bound",),
    (
        Column("bound", pl.String, "borne basse (sondage seul) ou haute (résidus)", values=("low", "high")),
        Column("individuals", pl.Int32, "communes suivies"),
        Column("observed", pl.Int32, "changements observés, la dérive commune une fois ôtée"),
        Column("expected_low", pl.Float64, "changements par le bruit seul : premier décile"),
        Column("expected_median", pl.Float64, "changements par le bruit seul : médiane"),
        Column("expected_high", pl.Float64, "changements par le bruit seul : neuvième décile"),
        Column("share_as_many", pl.Float64, "part des simulations où le bruit en produit autant"),
    ),
    may_be_empty=True,
)

TYPOLOGY_PORTRAITS = Table(
    "typology",
    "portraits",
    "Portrait de chaque classe, écrit par un analyste, et ce qui a changé depuis.",
    ("class",),
    (
        Column("class", pl.Int32, "classe"),
        Column("title", pl.String, "titre, vide tant qu’aucun portrait ne lui correspond", nullable=True),
        Column("sentences", pl.List(pl.String), "trois phrases"),
        Column("written_on", pl.Date, "date du portrait", nullable=True),
        Column("likeness", pl.Float64, "part commune entre la classe d’alors et celle-ci, de 0 à 1"),
        Column("entered", pl.List(pl.String), "communes entrées depuis"),
        Column("departed", pl.List(pl.String), "communes sorties depuis"),
    ),
)

TYPOLOGY_TABLES = (
    TYPOLOGY_COMMUNES,
    TYPOLOGY_UNPLACED,
    TYPOLOGY_CLASSES,
    TYPOLOGY_AXES,
    TYPOLOGY_VARIABLES,
    TYPOLOGY_TREE,
    TYPOLOGY_EXAMPLES,
    TYPOLOGY_NEIGHBOURS,
    TYPOLOGY_STABILITY,
    TYPOLOGY_CHANCE,
    TYPOLOGY_EFFORT,
    TYPOLOGY_SENSITIVITY,
    TYPOLOGY_PORTRAITS,
    TRAJECTORY_COMMUNES,
    TRAJECTORY_CLASSES,
    TRAJECTORY_FLOWS,
    TRAJECTORY_DRIVERS,
    TRAJECTORY_SHIFT,
    TRAJECTORY_NOISE,
)
"""Every table of the schema ``typology``, in the order of their pages."""
