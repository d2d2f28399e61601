"""The recorded agreements under which partners may be given what the public is not.

Belongs here: the file of agreements, its rules, which of them are in force, what they cover on a perimeter.
Does not: what may be shown under them (``tiers``), editions (``rendering.partner``), the store (``intake``).

The file is ``conventions.yaml`` of the confidential store, kept by the observatory. The fictive deliveries
come with a fictive one, which serves only as long as all deliveries are fictive.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from observatory.disclosure.cells import Area, build_areas
from observatory.disclosure.policy import load_policy
from observatory.disclosure.tiers import Agreement
from observatory.errors import ObservatoryError
from observatory.paths import CONVENTIONS, DataPaths

ALL = "all"
STOCK = "mining_dwellings"
"""The count that contains all those of a landlord's delivery."""


class ConventionError(ObservatoryError):
    """The file of agreements breaks a rule."""

    @classmethod
    def of(cls, entry: str, rule: str, remedy: str) -> "ConventionError":
        """Return the error of one entry, or of the file for an empty one."""
        place = f"fichier « {CONVENTIONS} »" + (f", {entry}" if entry else "")
        return cls(f"{place} : {rule} Que faire : {remedy}")


class Territory(BaseModel):
    """A territory whose detail a partner may see, with all that it contains."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    level: Literal["cite", "commune", "epci"]
    code: str = Field(min_length=1)


class Convention(BaseModel):
    """A signed agreement.

    Attributes:
        partner: identifier, also the name of the edition's folder; a landlord's is that of its deliveries.
        name: the partner's name, as readers know it.
        kind: landlord or group of communes.
        reference: where the signed agreement is kept.
        territories: what it may see the detail of.
        own_cites: for a landlord, every cité where all the dwellings delivered are its own.
        measures: counts that it may see, or all those that may be.
        first_day: first day.
        last_day: last day.
    """

    # Dates are the only texts that YAML reads as something else; anything else is to be of its type.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    partner: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=60)
    name: str = Field(min_length=1)
    kind: Literal["bailleur", "epci"]
    reference: str = Field(min_length=1)
    territories: list[Territory] = []
    own_cites: bool = False
    measures: Literal["all"] | list[str]
    first_day: date
    last_day: date

    def in_force(self, day: date) -> bool:
        """Return whether a day is within the dates."""
        return self.first_day <= day <= self.last_day

    @property
    def counts(self) -> frozenset[str]:
        """Measures that it covers; a landlord's are those of the dwellings that it delivers."""
        return frozenset(_possible(self.kind) if self.measures == ALL else self.measures)


@dataclass(frozen=True)
class Conventions:
    """What the file holds; ``fictive`` says that nobody signed them."""

    agreements: tuple[Convention, ...]
    fictive: bool

    def in_force(self, day: date) -> list[Convention]:
        """Return those in force, one by partner, in the order of their identifiers."""
        return sorted((one for one in self.agreements if one.in_force(day)), key=lambda one: one.partner)


def conventions_path(paths: DataPaths, *, all_fictive: bool) -> Path | None:
    """Return the file of agreements; None where there is none.

    Args:
        paths: data folders.
        all_fictive: whether no delivery is real: the fictive example may then stand in.
    """
    recorded, example = paths.confidential / CONVENTIONS, paths.sample / CONVENTIONS
    if recorded.is_file():
        return recorded
    return example if all_fictive and example.is_file() else None


def read_conventions(path: Path) -> Conventions:
    """Return the agreements of a file.

    Raises:
        ConventionError: it breaks a rule; the message names the entry, the rule and the remedy.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (ligne {mark.line + 1})" if mark else ""
        raise ConventionError.of(
            "",
            f"le fichier n’est pas du YAML lisible{where}.",
            "corriger la ponctuation ou l’encodage (UTF-8).",
        ) from None
    if not isinstance(content, dict) or not content.keys() <= {"fictive", "agreements"}:
        raise ConventionError.of(
            "", "il lui faut une liste « agreements », et rien d’autre.", "suivre le modèle du README."
        )
    entries, fictive = content.get("agreements"), content.get("fictive", False)
    if not isinstance(entries, list) or not isinstance(fictive, bool):
        raise ConventionError.of(
            "",
            "« agreements » est une liste de conventions, « fictive » vaut true ou false.",
            "faire commencer chaque convention par un tiret.",
        )
    found = tuple(_read(number, entry) for number, entry in enumerate(entries, start=1))
    _check_overlaps(found)
    return Conventions(found, fictive)


def _read(number: int, entry: Any) -> Convention:
    named = entry.get("partner") if isinstance(entry, dict) else None
    place = f"convention n° {number}" + (f" (« {named} »)" if isinstance(named, str) else "")
    try:
        convention = Convention.model_validate(entry)
    except ValidationError as error:
        raise ConventionError.of(place, *_french(error)) from None
    for rule, remedy in _broken(convention):
        raise ConventionError.of(place, rule, remedy)
    return convention


_MESSAGES = {
    "missing": ("la clé est obligatoire.", "l’ajouter."),
    "extra_forbidden": ("la clé est inconnue.", "la retirer, ou corriger son nom."),
    "date": ("il faut une date.", "l’écrire AAAA-MM-JJ, sans guillemets."),
    "literal_error": ("la valeur n’est pas admise.", "choisir parmi les valeurs du modèle."),
    "string_pattern_mismatch": (
        "l’identifiant ne peut nommer un dossier.",
        "n’employer que des minuscules sans accent, des chiffres et des traits d’union.",
    ),
    "string_too_short": ("la valeur est vide.", "la remplir."),
    "string_type": ("il faut un texte.", "le mettre entre guillemets : un code n’est pas un nombre."),
}


def _french(error: ValidationError) -> tuple[str, str]:
    """Return the first fault as a rule and a remedy; the values at fault are not said again."""
    fault = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(
        str(part + 1) if isinstance(part, int) else part
        for part in fault["loc"]
        if isinstance(part, int) or part.replace("_", "").isalpha()
    )
    kind = "date" if fault["type"].startswith("date") else fault["type"]
    rule, remedy = _MESSAGES.get(kind, ("la valeur n’a pas la forme voulue.", "suivre le modèle du README."))
    return (f"« {where} » : {rule}" if where else rule), remedy


def _broken(one: Convention) -> Iterable[tuple[str, str]]:
    """Yield the rules that an entry breaks, with the remedy."""
    if one.last_day < one.first_day:
        yield "le dernier jour précède le premier.", "corriger « first_day » ou « last_day »."
    if one.own_cites and one.kind != "bailleur":
        yield "« own_cites » est pour un bailleur.", "lister les territoires dans « territories »."
    if one.own_cites == bool(one.territories):
        yield (
            "il faut des territoires (« territories ») ou, pour un bailleur, « own_cites: true », "
            "et non les deux.",
            "garder l’un des deux.",
        )
    if one.measures != ALL:
        possible = _possible(one.kind)
        if not one.measures or (unknown := sorted(set(one.measures) - possible)):
            what = ", ".join(unknown) if one.measures else "aucune"
            whose = (
                "d’un bailleur porte sur ses logements" if one.kind == "bailleur" else "porte sur un effectif"
            )
            yield (
                f"une convention {whose} ; mesures refusées : {what}.",
                f"choisir parmi {', '.join(sorted(possible))}, ou écrire « measures: all ».",
            )


def _possible(kind: str) -> set[str]:
    """Return the counts that an agreement may cover: for a landlord, those of the dwellings delivered."""
    policy = load_policy()
    return {
        measure
        for measure in policy.rules
        if kind == "epci" or measure == STOCK or STOCK in policy.wholes(measure)
    }


def _check_overlaps(conventions: Iterable[Convention]) -> None:
    ordered = sorted(conventions, key=lambda one: (one.partner, one.first_day))
    for one, other in pairwise(ordered):
        if one.partner == other.partner and other.first_day <= one.last_day:
            raise ConventionError.of(
                f"« {one.partner} »",
                "deux de ses conventions courent les mêmes jours.",
                "clore la première la veille du début de la seconde.",
            )


@dataclass(frozen=True)
class Scope:
    """What an agreement covers on a perimeter.

    Attributes:
        agreement: it, on the territories that the perimeter has; None if none is left.
        problems: what its keeper must know, in French.
    """

    agreement: Agreement | None
    problems: tuple[str, ...]


def scope_of(
    one: Convention, territories: pl.DataFrame, dwellings: pl.DataFrame, *, fictive: bool = False
) -> Scope:
    """Return what an agreement covers.

    A territory that the perimeter does not have is left out, and so is one that a landlord names where
    another one has dwellings: both are problems to settle, and neither opens anything.

    Args:
        one: the agreement.
        territories: ``core.territories`` of one perimeter version.
        dwellings: ``confidential.dwellings``.
        fictive: whether it is an example.
    """
    problems: list[str] = []
    areas: list[Area] = [(territory.level, territory.code) for territory in one.territories]
    known = build_areas(territories).places
    if one.kind == "bailleur" and one.partner not in dwellings["landlord"].unique():
        problems.append(
            "aucune livraison de ce bailleur : son identifiant doit être celui de ses livraisons."
        )
        areas = []
    elif one.own_cites:
        areas = [area for area in own_cites(dwellings, one.partner) if area in known]
    for area in [area for area in areas if area not in known]:
        problems.append(f"le territoire {':'.join(area)} n’est pas dans le périmètre de l’édition.")
        areas.remove(area)
    if one.kind == "bailleur" and not one.own_cites:
        places = dwellings.filter(pl.col("landlord") != one.partner).select(
            "commune_code", pl.col("cite_slug").fill_null("")
        )
        others = frozenset(places.unique().rows())
        for area in [area for area in areas if known[area] & others]:
            problems.append(f"un autre bailleur a des logements dans {':'.join(area)} : rien n’y est ouvert.")
            areas.remove(area)
    if not areas:
        problems.append("aucun territoire à montrer : pas d’édition.")
        return Scope(None, tuple(problems))
    agreement = Agreement(
        one.partner, one.name, one.reference, tuple(areas), one.counts, one.first_day, one.last_day, fictive
    )
    return Scope(agreement, tuple(problems))


def own_cites(dwellings: pl.DataFrame, landlord: str) -> list[tuple[str, str]]:
    """Return the cités where every dwelling of the deliveries is the landlord's, sorted."""
    owners = (
        dwellings.drop_nulls("cite_slug")
        .group_by("cite_slug")
        .agg(alone=(pl.col("landlord") == landlord).all())
        .filter("alone")
    )
    return [("cite", slug) for slug in owners["cite_slug"].sort()]


def agreements_in_force(
    paths: DataPaths, territories: pl.DataFrame, dwellings: pl.DataFrame, day: date, *, all_fictive: bool
) -> tuple[list[Agreement], list[str]]:
    """Return the agreements of a day on a perimeter, and the problems to settle, in French.

    Args:
        paths: data folders.
        territories: ``core.territories`` of one perimeter version.
        dwellings: ``confidential.dwellings``.
        day: day of the publication.
        all_fictive: whether no delivery is real.

    Raises:
        ConventionError: the file breaks a rule, or holds examples beside real deliveries.
    """
    path = conventions_path(paths, all_fictive=all_fictive)
    if path is None:
        return [], []
    read = read_conventions(path)
    if read.fictive and not all_fictive:
        raise ConventionError.of(
            "",
            "des conventions fictives ouvriraient des livraisons réelles.",
            "y inscrire les conventions signées, et retirer « fictive ».",
        )
    agreements, problems = [], []
    for one in read.in_force(day):
        scope = scope_of(one, territories, dwellings, fictive=read.fictive)
        problems += [f"Convention de « {one.partner} » : {problem}" for problem in scope.problems]
        agreements += [scope.agreement] if scope.agreement else []
    return agreements, problems
