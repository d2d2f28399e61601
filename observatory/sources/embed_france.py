"""The embedded extracts that cover all France: the EPCI of every commune, and what became of the communes.

Belongs here: cutting the packages of the perimeters. Does not: the seven EPCI (``embed``), typing
(``national``).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import polars as pl

from observatory.sources.packages import PackageError

Members = Mapping[tuple[str, str], bytes]
"""(vintage, role) -> content of the package's file."""

_FIRST_EVENTS = 2024
"""First COG whose events are drawn from the packages: INSEE's file of the mirror stops at COG 2023."""


def composition(members: Members) -> pl.DataFrame:
    """Return every commune of France in the latest edition, with its EPCI, its department and its region.

    France is metropolitan France and the overseas departments: the 34,875 communes that INSEE counts. The
    overseas collectivities, which the package also lists, are none of them.

    Returns:
        One row per commune, all columns as text: cog, commune, nom_commune, population (municipal, of the
        census of ``communes.json``), departement, nom_departement, region, nom_region, and epci, nom_epci,
        nature, null where it has no EPCI.

    Raises:
        PackageError: an EPCI has a member that is not one of the communes.
    """
    vintage = max(edition for edition, _ in members)
    epci = {
        member["code"]: (one["code"], one["nom"], one["type"])
        for one in _json(members, vintage, "epci")
        for member in one["membres"]
    }
    departments = {one["code"]: one["nom"] for one in _json(members, vintage, "departments")}
    regions = {one["code"]: one["nom"] for one in _json(members, vintage, "regions")}
    communes = _communes(members, vintage)
    if strangers := sorted(set(epci) - set(communes)):
        raise PackageError(
            f"L’édition {vintage} du découpage donne à des EPCI des membres qui ne sont pas des communes : "
            f"{', '.join(strangers[:10])}."
        )
    rows = [
        {
            "cog": vintage,
            "commune": code,
            "nom_commune": one["nom"],
            "population": str(one["population"]) if "population" in one else None,
            "departement": one["departement"],
            "nom_departement": departments[one["departement"]],
            "region": one["region"],
            "nom_region": regions[one["region"]],
            **dict(zip(("epci", "nom_epci", "nature"), epci.get(code, (None,) * 3), strict=True)),
        }
        for code, one in sorted(communes.items())
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.String))


def events(members: Members, absorbed: Mapping[str, Mapping[str, str]]) -> Iterator[Sequence[Any]]:
    """Yield what became of the communes from each COG year to the next, from 2024, header first.

    An edition lists the communes déléguées and associées, each with the commune that it is in: those of them
    that were communes in the edition before have merged, those that are communes in the edition after have
    been restored, or have given their code to the whole.

    Args:
        members: packages of consecutive COG years.
        absorbed: by edition, the communes gone of which it says nothing -> the commune that absorbed each.

    Raises:
        PackageError: nothing says what became of a commune or where one comes from, or what is declared of
            one is no longer needed.
    """
    yield "cog", "evenement", "commune_avant", "nom_avant", "commune_apres", "nom_apres"
    vintages = sorted({edition for edition, _ in members})
    for before, after in pairwise(vintages):
        if int(after) >= _FIRST_EVENTS:
            yield from _between(members, before, after, absorbed.get(after, {}))


def _between(
    members: Members, before: str, after: str, declared: Mapping[str, str]
) -> Iterator[Sequence[Any]]:
    old, new = _communes(members, before), _communes(members, after)
    gone, come = sorted(set(old) - set(new)), sorted(set(new) - set(old))
    within, was_within = _parts(members, after), _parts(members, before)
    links: dict[str, set[str]] = {}
    kinds: dict[str, str] = {}
    for code in come:
        whole = was_within.get(code)
        if whole is None or whole not in old:
            raise PackageError(f"L’édition {after} du découpage a la commune {code}, qui ne vient d’aucune.")
        links.setdefault(whole, set()).add(code)
        kinds[whole] = "restoration" if whole in new else "seat_change"
    for code in (code for code in links if code in new):
        links[code].add(code)
    useless = sorted(set(declared) - {code for code in gone if code not in within})
    if useless:
        raise PackageError(
            f"L’édition {after} du découpage dit elle-même ce que sont devenues les communes "
            f"{', '.join(useless)} : retirez-les de « absorbed » dans observatory/sources/catalogue.yaml."
        )
    for code in gone:
        target = within.get(code) or declared.get(code)
        if target is None or target not in new:
            raise PackageError(
                f"L’édition {after} du découpage n’a plus la commune {code} ({old[code]['nom']}) et ne dit "
                "pas laquelle l’a absorbée : déclarez-la sous « absorbed » dans "
                "observatory/sources/catalogue.yaml."
            )
        if kinds.get(code) != "seat_change":
            kinds[code] = "new_commune"
        links.setdefault(code, set()).add(target)
        if target in old and target not in links:
            links[target], kinds[target] = {target}, "new_commune"
    for code in sorted(links):
        for target in sorted(links[code]):
            yield after, kinds[code], code, old[code]["nom"], target, new[target]["nom"]


def _communes(members: Members, vintage: str) -> dict[str, dict[str, Any]]:
    return {
        one["code"]: one
        for one in _json(members, vintage, "communes")
        if one["type"] == "commune-actuelle" and one["zone"] != "com"
    }


def _parts(members: Members, vintage: str) -> dict[str, str]:
    """Return each commune déléguée or associée, and the commune that it is in."""
    return {
        one["code"]: one["chefLieu"]
        for one in _json(members, vintage, "communes")
        if one["type"] in ("commune-deleguee", "commune-associee") and one["code"] != one["chefLieu"]
    }


def _json(members: Members, vintage: str, role: str) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = json.loads(members[vintage, role])
    return content
