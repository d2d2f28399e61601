"""The dashboard of the cités: risk of demolition and of distortion, each with its reasons.

Belongs here: the reading grid, from signals, heritage value and published figures to a level.
Does not: figures (``compute``), which of them may be shown (``disclosure``): only published ones are read, so
that a level tells nothing that they do not.

The Mission's follow-up committee approved the format of this dashboard in 2022; the thresholds are the
observatory's proposal, for that committee to confirm. A renovation may alter what makes a façade worth
keeping (insulation from outside, joinery): a poor energy label and a programme under way call for watching.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from observatory.indicators.mining import MINING_VINTAGE
from observatory.rendering.french import quantity
from observatory.rendering.wording import DOSSIERS, PHASES
from observatory.sources.catalogue import get_source
from observatory.tables import CITE_DASHBOARD

DEMOLITION_SHARE = 10.0
"""Per cent of the dwellings to be demolished from which the whole of the cité is at stake."""
VACANCY_SHARE = 10.0
"""Per cent of vacant dwellings, twice the mean of the stock, from which restructuring becomes likely."""
ENERGY_SHARE = 50.0
"""Per cent of the dwellings labelled E, F or G from which most façades will be worked on."""
RENOVATION_SHARE = 50.0
"""Per cent of the dwellings whose renovation is studied or under way: most of the cité."""
OWNER_DWELLINGS = 3
"""A landlord is named from so many dwellings: the rule of their count."""

TO_DEMOLISH, VACANT, POOR_LABEL = (
    "part_parc_minier_a_demolir",
    "part_parc_minier_vacant",
    "part_etiquette_e_f_g",
)
STUDIED, UNDERWAY = "part_renovation_etude", "part_renovation_en_cours"
_FIGURES = (TO_DEMOLISH, VACANT, POOR_LABEL, STUDIED, UNDERWAY)
SHOWN = ("parc_minier", VACANT, TO_DEMOLISH, POOR_LABEL)
"""Indicators told beside the risks."""

_WORTH = ("Exceptionnelle", "Remarquable")
_GRADES = ("faible", "modere", "fort")


@dataclass(frozen=True)
class _Cite:
    """What is known of one cité; ``figures`` are the published ones, in per cent."""

    inscribed: bool
    interests: tuple[str, ...]
    figures: Mapping[str, float]
    signals: tuple[tuple[int, str, str], ...]

    @property
    def worth(self) -> bool:
        return self.inscribed or not set(_WORTH).isdisjoint(self.interests)

    def told(self, kind: str) -> list[str]:
        """Return what the signals of a kind say."""
        return [f"{year} : {fact}" for year, named, fact in self.signals if named == kind]


Judgment = tuple[str, list[str]]
"""Level and reasons."""


def cite_dashboard(
    cites: pl.DataFrame,
    signals: pl.DataFrame,
    heritage: pl.DataFrame,
    dwellings: pl.DataFrame,
    observations: pl.DataFrame,
) -> pl.DataFrame:
    """Return ``indicators.cite_dashboard``, one row per cité.

    Args:
        cites: ``core.cites``, of the perimeter.
        signals: ``core.cite_signals``.
        heritage: ``core.cite_heritage``; empty where the run has no heritage layer.
        dwellings: ``confidential.dwellings``: nothing of it is kept but which landlords each cité has.
        observations: ``indicators.observations``, after disclosure control.
    """
    owners = _owners(dwellings)
    contours = {row["slug"]: row for row in heritage.iter_rows(named=True)}
    published = observations.filter(
        pl.col("territory_level") == "cite",
        pl.col("indicator").is_in(_FIGURES),
        pl.col("vintage") == MINING_VINTAGE,
        pl.col("status") == "published",
    )
    figures: dict[str, dict[str, float]] = {}
    for slug, indicator, value in published.select("territory_code", "indicator", "value").iter_rows():
        figures.setdefault(slug, {})[indicator] = value
    told: dict[str, list[tuple[int, str, str]]] = {}
    for slug, year, kind, fact in signals.select("slug", "year", "kind", "fact").iter_rows():
        told.setdefault(slug, []).append((year, kind, fact))
    founding = get_source("mbm_cites").file_id("2023", "cites")
    common = {founding, *signals["file_id"].unique(), *dwellings["file_id"].unique()}
    rows = []
    for row in cites.iter_rows(named=True):
        slug = row["slug"]
        contour = contours.get(slug, {"interests": [], "unesco_ids": [], "file_ids": []})
        cite = _Cite(
            row["unesco"] != "non_signale" or bool(contour["unesco_ids"]),
            tuple(contour["interests"]),
            figures.get(slug, {}),
            tuple(told.get(slug, ())),
        )
        demolition, distortion = _demolition(cite), _distortion(cite)
        year, change = _last_change(row, cite.signals)
        rows.append(
            {
                "slug": slug,
                "interests": list(cite.interests),
                "owners": owners.get(slug, []),
                "demolition_risk": demolition[0],
                "demolition_reasons": demolition[1],
                "distortion_risk": distortion[0],
                "distortion_reasons": distortion[1],
                "last_change_year": year,
                "last_change": change,
                "file_ids": sorted(common.union(contour["file_ids"])),
            }
        )
    return CITE_DASHBOARD.conform(pl.DataFrame(rows, schema=CITE_DASHBOARD.polars_schema))


def _owners(dwellings: pl.DataFrame) -> dict[str, list[str]]:
    counted = (
        dwellings.filter(
            pl.col("vintage") == MINING_VINTAGE,
            pl.col("status") != "sold",
            pl.col("cite_slug").is_not_null(),
        )
        .group_by("cite_slug", "landlord")
        .len()
        .filter(pl.col("len") >= OWNER_DWELLINGS)
        .sort("len", "landlord", descending=[True, False])
    )
    found: dict[str, list[str]] = {}
    for slug, landlord in counted.select("cite_slug", "landlord").iter_rows():
        found.setdefault(slug, []).append(landlord)
    return found


def _demolition(cite: _Cite) -> Judgment:
    demolished, vacant = cite.figures.get(TO_DEMOLISH), cite.figures.get(VACANT)
    grave = cite.told("demolition")
    slight = cite.told("projet")
    if demolished is not None and demolished > 0:
        reason = f"{_percent(demolished)} des logements à démolir"
        (grave if demolished >= DEMOLITION_SHARE else slight).append(reason)
    if vacant is not None and vacant >= VACANCY_SHARE:
        slight.append(f"{_percent(vacant)} des logements vacants")
    if grave or slight:
        return ("fort" if grave else "modere"), grave + slight
    if demolished is None:
        return "non_evalue", ["la part de logements à démolir n’est pas publiée"]
    return "faible", ["aucun logement à démolir"]


def _distortion(cite: _Cite) -> Judgment:
    if not cite.worth:
        if not cite.interests:
            return "non_evalue", ["intérêt patrimonial inconnu dans cette édition"]
        return "faible", ["intérêt patrimonial : témoin, hors du Bien inscrit"]
    label = cite.figures.get(POOR_LABEL)
    # Two parts of one whole: where one is withheld, the other is the least that the sum may be.
    renovated = [cite.figures[name] for name in (STUDIED, UNDERWAY) if name in cite.figures]
    signs = cite.told("projet") + cite.told("demolition")
    if label is not None and label >= ENERGY_SHARE:
        signs.append(f"{_percent(label)} des logements classés E, F ou G")
    if sum(renovated) >= RENOVATION_SHARE:
        signs.append(f"rénovation à l’étude ou en cours pour {_percent(sum(renovated))} des logements")
    if not signs and (label is None or len(renovated) < 2):
        return "non_evalue", ["étiquettes énergie ou avancement de la rénovation non publiés"]
    grade = min(len(signs), 2)
    agreed = cite.told("prevalidation")
    if agreed and grade:
        return _GRADES[grade - 1], [*signs, *agreed]
    return _GRADES[grade], [*(signs or ["ni étiquettes ni travaux qui menacent les façades"]), *agreed]


def _last_change(
    row: Mapping[str, object], signals: Iterable[tuple[int, str, str]]
) -> tuple[int | None, str | None]:
    """Return the year and the text of what was last said of a cité; a signal before a phase of its year."""
    said = [(year, 1, fact) for year, _, fact in signals]
    before = _phases(row["phases_2022"])
    if now := _phases(row["phases_2023"]):
        moved = f" ({before} en 2022)" if before and before != now else ""
        said.append((2023, 0, f"{now}{moved}"))
    elif before:
        said.append((2022, 0, before))
    dossiers = row["dossiers_2022"]
    if isinstance(dossiers, list) and dossiers:
        said.append((2022, -1, ", ".join(DOSSIERS[name] for name in dossiers)))
    if not said:
        return None, None
    year, _, text = max(said)
    return year, text


def _phases(codes: object) -> str:
    return ", ".join(PHASES[code] for code in codes) if isinstance(codes, list) else ""


def _percent(value: float) -> str:
    return quantity(value, 1, "%")
