"""The sections of a sheet: which figures fill each, in which order, and what is said where there are none.

Belongs here: the plan of the sheets, sharing the tables of a sheet out, the reasons for what is absent.
Does not: the figures themselves (``sheets``), HTML.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from observatory.rendering.figures import Figure, Indicator
from observatory.rendering.french import plural
from observatory.rendering.places import Cite, Place
from observatory.rendering.rows import Row
from observatory.rendering.sentences import sentences
from observatory.rendering.sheets import Breakdown, Sheet, ThemeTable
from observatory.rendering.wording import STATUSES

# Two stand side by side.
_OPEN = 2


@dataclass(frozen=True)
class Topic:
    """One section of the plan.

    Attributes:
        key: its identifier in the page.
        title: its heading.
        short: its heading in the table of contents, where shorter.
        awaited: what it shows and from which source, said where the edition has none of it.
        themes: themes of the catalogue that it takes.
        indicators: single indicators that it takes from other themes.
        breakdowns: titles of breakdowns that it takes from other themes.
        folded: themes whose tables are closed until the reader opens them.
        rest: whether it takes the themes that no other section names.
    """

    key: str
    title: str
    awaited: str
    themes: tuple[str, ...]
    short: str = ""
    indicators: tuple[str, ...] = ()
    breakdowns: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    rest: bool = False

    @property
    def label(self) -> str:
        """Heading in the table of contents."""
        return self.short or self.title


@dataclass(frozen=True)
class Section:
    """One section of a sheet: the tables of its subject, those of the communes around, reasons."""

    topic: Topic
    own: tuple[ThemeTable, ...]
    around: tuple[ThemeTable, ...]
    notes: tuple[str, ...]

    @property
    def tables(self) -> tuple[ThemeTable, ...]:
        """Every table, the subject's first."""
        return (*self.own, *self.around)

    def opened(self, table: ThemeTable) -> tuple[Breakdown, ...]:
        """Return the breakdowns of a table that a page shows at once."""
        return table.breakdowns[:_OPEN]

    def more(self, table: ThemeTable) -> tuple[Breakdown, ...]:
        """Return the breakdowns of a table that a page shows on request."""
        return table.breakdowns[_OPEN:]


_HOUSING = Topic(
    "parc",
    "Parc minier et poids dans les logements de la commune",
    "logements miniers, leur situation et leur part dans les logements (bailleurs, recensement)",
    ("Parc minier",),
    short="Parc minier",
)
_OCCUPATION = Topic(
    "occupation",
    "Occupation : ayants droit et locataires",
    "ménages locataires (bailleurs), ayants droit et leurs prestations (ANGDM)",
    ("Occupation", "Ayants droit"),
    short="Occupation",
)
_ENTRANTS = Topic(
    "entrants",
    "Nouveaux entrants",
    "ménages entrés depuis moins de cinq ans (bailleurs)",
    ("Nouveaux entrants",),
)
_LIVING = Topic(
    "niveau-de-vie",
    "Niveau de vie",
    "niveau de vie médian, pauvreté et sources de revenu (Insee, Filosofi)",
    ("Niveau de vie",),
    breakdowns=("Ressources du ménage",),
)
_BENEFITS = Topic(
    "prestations",
    "Prestations sociales",
    "allocataires et minima sociaux (CAF, MSA, Filosofi)",
    ("Prestations sociales",),
    breakdowns=("Aide personnalisée au logement",),
)
_TRANSIT = Topic(
    "desserte", "Desserte", "arrêts et fréquence des transports collectifs (horaires publiés)", ("Desserte",)
)
_FACILITIES = Topic(
    "equipements",
    "Équipements à portée",
    "équipements et services de la commune (Insee, base permanente des équipements)",
    ("Équipements",),
)
_SOCIAL = Topic(
    "logement-social",
    "Logement social",
    "parc des bailleurs sociaux, vacance (répertoire du parc locatif social)",
    ("Logement social",),
)
_AGEING = Topic(
    "vieillissement",
    "Vieillissement et ayants droit à venir",
    "âge des locataires (bailleurs) et des bénéficiaires (ANGDM)",
    ("Vieillissement",),
    short="Vieillissement",
    indicators=("part_beneficiaires_80_ans_ou_plus",),
    breakdowns=("Âge des bénéficiaires", "Sexe et âge des bénéficiaires"),
)
_RENOVATION = Topic(
    "renovation",
    "Rénovation et énergie",
    "avancement des travaux et étiquettes énergie (bailleurs)",
    ("Rénovation",),
    short="Rénovation",
    indicators=("part_etiquette_e_f_g",),
    breakdowns=("Étiquette énergie",),
)
_WORK = ("Emploi et activité", "Établissements", "Qualification et catégories socioprofessionnelles")

CITE_PLAN = (
    _HOUSING,
    _OCCUPATION,
    _ENTRANTS,
    _LIVING,
    _BENEFITS,
    _TRANSIT,
    _FACILITIES,
    _SOCIAL,
    Topic(
        "environnement",
        "Environnement de la cité",
        "population, âge, logement et emploi de la commune (Insee, recensement)",
        ("Population", "Âge", "Logement", *_WORK),
        short="Environnement",
        folded=_WORK,
        rest=True,
    ),
    _AGEING,
    _RENOVATION,
)
TERRITORY_PLAN = (
    Topic("population", "Population et âge", "population et âge (Insee, recensement)", ("Population", "Âge")),
    Topic("logement", "Logement", "logements et occupation (Insee, recensement)", ("Logement",)),
    replace(_HOUSING, title="Parc minier et poids dans les logements"),
    _OCCUPATION,
    _ENTRANTS,
    _LIVING,
    _BENEFITS,
    Topic(
        "emploi",
        "Emploi, établissements et qualification",
        "emploi, établissements, diplômes (Insee)",
        _WORK,
        short="Emploi",
        rest=True,
    ),
    _TRANSIT,
    replace(_FACILITIES, title="Équipements"),
    _SOCIAL,
    _AGEING,
    _RENOVATION,
)


def topic_of(plan: Sequence[Topic], theme: str, name: str) -> Topic:
    """Return the section that shows an indicator, or a breakdown by its title, of a theme."""
    for topic in plan:
        if name in topic.indicators or name in topic.breakdowns:
            return topic
    named = [topic for topic in plan if theme in topic.themes]
    return named[0] if named else next(topic for topic in plan if topic.rest)


def cite_sections(sheet: Sheet, themes: Mapping[str, Sequence[Indicator]], cite: Cite) -> list[Section]:
    """Share out the tables of a cité, then those of its communes.

    Args:
        sheet: of the cité.
        themes: every indicator of the edition, by theme.
        cite: whose sheet it is.
    """
    own = _shared(CITE_PLAN, sheet.tables, cite.communes)
    around = _shared(CITE_PLAN, sheet.environment)
    held = _held(CITE_PLAN, themes)
    sections = []
    for topic in CITE_PLAN:
        notes = list(_reasons(topic, own.get(topic.key, ()), topic.key in held, "la cité"))
        if topic.key in around and topic.key not in own:
            notes.append(f"Aucune source de ce thème ne descend à la cité : voir {cite.communes_text}.")
        sections.append(Section(topic, own.get(topic.key, ()), around.get(topic.key, ()), tuple(notes)))
    return sections


def territory_sections(sheet: Sheet, themes: Mapping[str, Sequence[Indicator]]) -> list[Section]:
    """Share out the tables of a commune, an EPCI or the basin; ``themes`` as for ``cite_sections``."""
    own, held = _shared(TERRITORY_PLAN, sheet.tables), _held(TERRITORY_PLAN, themes)
    sections = []
    for topic in TERRITORY_PLAN:
        tables = own.get(topic.key, ())
        notes = list(_reasons(topic, tables, topic.key in held, "ce territoire"))
        if topic.key in held and not tables:
            notes.append("Aucune source de ce thème ne donne de chiffre à cette échelle.")
        sections.append(Section(topic, tables, (), tuple(notes)))
    return sections


def _held(plan: Sequence[Topic], themes: Mapping[str, Sequence[Indicator]]) -> set[str]:
    """Return the sections that the edition has an indicator for, at any level."""
    return {
        topic_of(plan, theme, one.indicator if one.stands_alone else str(one.breakdown)).key
        for theme, indicators in themes.items()
        for one in indicators
    }


def _reasons(topic: Topic, tables: Sequence[ThemeTable], held: bool, subject: str) -> Iterable[str]:
    """Say why a section lacks what it should show: no source, or nothing that may be published."""
    if not held:
        yield f"Sans données : {topic.awaited}. Aucune source de ce thème n’a été prise pour cette édition."
        return
    figures = [figure for table in tables for figure in _of_subject(table)]
    if not figures or any(figure.value is not None for figure in figures):
        return
    statuses = [name for name in STATUSES if any(figure.status == name for figure in figures)]
    meanings = " ".join(f"« {STATUSES[name].short} » : {STATUSES[name].meaning}" for name in statuses)
    total = plural(len(figures), "chiffre", "chiffres")
    yield f"Aucun chiffre publié ici pour {subject} ({total}). {meanings}"


def _of_subject(table: ThemeTable) -> list[Figure]:
    rows = [*table.rows, *(row for one in table.breakdowns for row in one.rows)]
    return [figure for row in rows for figure in row.figures[: table.subjects]]


def _shared(
    plan: Sequence[Topic], tables: Sequence[ThemeTable], communes: Sequence[Place] = ()
) -> dict[str, tuple[ThemeTable, ...]]:
    """Return the tables of each section, a theme being cut where the plan says so, sentences and all.

    ``communes`` are those of a cité.
    """
    found: dict[str, tuple[ThemeTable, ...]] = {}
    for table in tables:
        rows: dict[str, list[Row]] = {}
        breakdowns: dict[str, list[Breakdown]] = {}
        for row in table.rows:
            rows.setdefault(topic_of(plan, table.theme, row.indicator.indicator).key, []).append(row)
        for one in table.breakdowns:
            breakdowns.setdefault(topic_of(plan, table.theme, one.title).key, []).append(one)
        for key in dict.fromkeys([*rows, *breakdowns]):
            kept = tuple(rows.get(key, ()))
            told = table.sentences
            if len(kept) < len(table.rows) and table.subjects == 1:
                told = sentences(table.columns[0], communes, table.columns, kept)
            part = replace(table, rows=kept, breakdowns=tuple(breakdowns.get(key, ())), sentences=told)
            found[key] = (*found.get(key, ()), part)
    return found
