"""Ties between the cités of the founding documents and the places of the heritage layers.

Belongs here: the rules, in order: a person's decision, the name within the commune, then proposals only.
Does not: what a tie gives (``attributes``), the gathering of features (``places``).
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from observatory.errors import InputError
from observatory.heritage.decisions import Decision
from observatory.heritage.places import Place, describe, gather_places, name_keys
from observatory.tables.heritage import CITE_TIES

# What many cités share, and so tells none of them: qualities, works, companies.
_QUALITIES = (
    "ancien",
    "ancienne",
    "nouveau",
    "nouvelle",
    "saint",
    "sainte",
    "haut",
    "hauts",
    "grand",
    "petit",
)
_WORKS = ("fosse", "coron", "corons")
_COMPANIES = (
    *("aniche", "anzin", "bethune", "bruay", "courrieres", "douchy", "dourges", "drocourt", "escarpelle"),
    *("lens", "lievin", "marles", "noeux", "ostricourt", "thivencelle", "vicoigne"),
)
_COMMON_WORDS = frozenset({*_QUALITIES, *_WORKS, *_COMPANIES})
_SHORTEST_WORD = 4


@dataclass(frozen=True)
class _Cite:
    """A row of the reference table as the rules see it."""

    slug: str
    keys: frozenset[str]
    communes: frozenset[str]


@dataclass(frozen=True)
class _Outcome:
    """What a rule says of one cité."""

    confidence: str
    method: str | None
    places: tuple[Place, ...]
    reason: str


def tie_cites(
    cites: pl.DataFrame,
    heritage: pl.DataFrame,
    communes: pl.DataFrame,
    decisions: Mapping[str, Decision],
) -> pl.DataFrame:
    """Tie each cité to the features that are it, or say why none is.

    A decision by hand comes first (by UNESCO object or element, or by dwelling identifier); then the name,
    within the communes that the layer writes: it ties where one place has it and no other cité claims that
    place. What remains is never tied: the single place that shares a telling word of the name, or that is
    alone in the commune and claimed by nobody else, is proposed; several are listed as candidates.

    Args:
        cites: table ``core.cites``.
        heritage: frame as the contract ``HERITAGE`` says; only layers of cités are used.
        communes: columns code, name: the communes of the departments 59 and 62 that the layers name.
        decisions: as ``read_decisions`` returns them.

    Returns:
        One row per cité, as the contract ``CITE_TIES`` says; the order of the frames has no effect.

    Raises:
        InputError: a decision names a feature that the layers no longer have.
        ObservatoryError: the layers describe no cité, or name an unknown commune.
    """
    places = gather_places(heritage, communes)
    names = dict(communes.select("code", "name").iter_rows())
    known = [_cite(row) for row in cites.sort("slug").iter_rows(named=True)]
    outcomes = _all_decided(decisions, places)
    outcomes |= _named([cite for cite in known if cite.slug not in outcomes], places, outcomes, names)
    outcomes |= _proposed([cite for cite in known if cite.slug not in outcomes], places, outcomes, names)
    rows = [_row(cite.slug, outcomes[cite.slug]) for cite in known]
    return CITE_TIES.conform(pl.DataFrame(rows, schema=CITE_TIES.polars_schema))


def _cite(row: dict[str, Any]) -> _Cite:
    keys = name_keys(row["name"], *row["alternative_names"])
    return _Cite(row["slug"], keys, frozenset(row["commune_codes"]))


def _row(slug: str, outcome: _Outcome) -> dict[str, Any]:
    features = sorted(feature for place in outcome.places for feature in place.feature_ids)
    certain = outcome.confidence == "certain"
    return {
        "slug": slug,
        "confidence": outcome.confidence,
        "method": outcome.method,
        "feature_ids": features if certain else [],
        "candidates": [] if certain else features,
        "reason": outcome.reason,
    }


def _all_decided(decisions: Mapping[str, Decision], places: list[Place]) -> dict[str, _Outcome]:
    """Apply every decision; two of them may not give one place to two cités for certain."""
    outcomes: dict[str, _Outcome] = {}
    for slug in sorted(decisions):
        decision = decisions[slug]
        outcome = _decided(decision, places)
        if decision.certain and (shared := _taken(outcomes).intersection(outcome.places)):
            raise InputError(
                decision.file,
                "deux cités sont rattachées pour certain à la même surface.",
                "garder «\u202fcertain\u202f» pour l’une, écrire «\u202fpropose\u202f» pour l’autre.",
                decision.row,
                "features",
                min(place.label for place in shared),
            )
        outcomes[slug] = outcome
    return outcomes


def _decided(decision: Decision, places: list[Place]) -> _Outcome:
    """Apply a decision; one that names a vanished feature must be taken again."""
    found: list[Place] = []
    for token in decision.tokens:
        kind, _, value = token.partition(":")
        held = [
            place
            for place in places
            if value
            in {"unesco": place.unesco_ids, "element": place.unesco_elements, "lsm": place.lsm_ids}[kind]
        ]
        if not held:
            raise InputError(
                decision.file,
                f"la décision sur la cité «\u202f{decision.slug}\u202f» nomme une surface que les couches "
                "n’ont pas.",
                "vérifier si le producteur a changé ses couches, et reprendre la décision.",
                decision.row,
                "features",
                token,
            )
        found += [place for place in held if place not in found]
    by_unesco = all(token.startswith(("unesco:", "element:")) for token in decision.tokens)
    return _Outcome(
        "certain" if decision.certain else "propose",
        "element_unesco" if by_unesco else "decision",
        tuple(found),
        decision.reason,
    )


def _named(
    cites: list[_Cite], places: list[Place], decided: Mapping[str, _Outcome], names: Mapping[str, str]
) -> dict[str, _Outcome]:
    """Tie by name within the communes; a name held by several places, or a place claimed twice, ties none."""
    matches = {
        cite.slug: [
            place for place in places if cite.keys & place.keys and cite.communes & place.commune_codes
        ]
        for cite in cites
    }
    claims = Counter(place for found in matches.values() for place in found)
    taken = _taken(decided)
    outcomes = {}
    for slug, found in matches.items():
        if not found:
            continue
        told = describe(found, names)
        if len(found) > 1:
            reason = f"Plusieurs surfaces portent un des noms de la cité dans sa commune\u202f: {told}."
            outcomes[slug] = _Outcome("aucun", None, tuple(found), reason)
        elif claims[found[0]] > 1 or found[0] in taken:
            reason = f"Une autre cité du texte revendique la même surface\u202f: {told}."
            outcomes[slug] = _Outcome("aucun", None, tuple(found), reason)
        else:
            reason = f"Même nom, même commune\u202f: {told}."
            outcomes[slug] = _Outcome("certain", "nom", tuple(found), reason)
    return outcomes


def _proposed(
    cites: list[_Cite], places: list[Place], settled: Mapping[str, _Outcome], names: Mapping[str, str]
) -> dict[str, _Outcome]:
    """Propose or list what may be the cités that no name ties."""
    taken = _taken(settled)
    free = {
        cite.slug: [place for place in places if cite.communes & place.commune_codes and place not in taken]
        for cite in cites
    }
    claims = Counter(place for found in free.values() for place in found)
    outcomes = {}
    for cite in cites:
        around = free[cite.slug]
        others = [place for place in places if cite.communes & place.commune_codes and place in taken]
        alike = [place for place in around if _words(cite.keys) & _words(place.keys)]
        elsewhere = [place for place in places if cite.keys & place.keys and place not in around]
        note = f" Le même nom existe ailleurs\u202f: {describe(elsewhere, names)}." if elsewhere else ""
        outcomes[cite.slug] = _proposal(alike, around, others, claims, names, note)
    return outcomes


def _proposal(
    alike: list[Place],
    around: list[Place],
    others: list[Place],
    claims: Mapping[Place, int],
    names: Mapping[str, str],
    note: str,
) -> _Outcome:
    told = describe(alike or around, names)
    if len(alike) == 1:
        reason = f"Un mot du nom est commun, dans la même commune\u202f: {told}. À confirmer.{note}"
        return _Outcome("propose", "mot_du_nom", tuple(alike), reason)
    if alike:
        reason = f"Plusieurs surfaces partagent un mot du nom, dans la même commune\u202f: {told}.{note}"
        return _Outcome("aucun", None, tuple(alike), reason)
    if len(around) == 1 and claims[around[0]] == 1:
        reason = (
            f"Seule surface de la commune qu’aucune autre cité ne prend\u202f: {told}. À confirmer.{note}"
        )
        return _Outcome("propose", "commune", tuple(around), reason)
    if around:
        reason = f"Aucune surface de la commune ne porte ce nom\u202f; il y reste\u202f: {told}.{note}"
        return _Outcome("aucun", None, tuple(around), reason)
    if others:
        reason = (
            f"Les surfaces de la commune sont celles d’autres cités\u202f: {describe(others, names)}.{note}"
        )
    else:
        reason = f"Les couches n’ont aucune cité dans la commune.{note}"
    return _Outcome("aucun", None, (), reason)


def _taken(outcomes: Mapping[str, _Outcome]) -> frozenset[Place]:
    """Return the places tied for certain."""
    return frozenset(
        place for outcome in outcomes.values() if outcome.confidence == "certain" for place in outcome.places
    )


def _words(keys: frozenset[str]) -> frozenset[str]:
    """Return the words of names that tell one cité from others."""
    words = (word for key in keys for word in key.split())
    return frozenset(word for word in words if len(word) >= _SHORTEST_WORD and word not in _COMMON_WORDS)


def count_ties(ties: pl.DataFrame) -> dict[str, dict[str, int]]:
    """Return the number of cités by confidence and method (``aucune`` where no rule spoke)."""
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    grouped = ties.group_by("confidence", "method").len().sort("confidence", "method")
    for confidence, method, number in grouped.iter_rows():
        counts[confidence][method or "aucune"] = number
    return dict(counts)
