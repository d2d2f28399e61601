"""Two invented editions in plain terms, and a data folder whose edition may be frozen."""

from pathlib import Path
from typing import Any

import polars as pl
from rendering_site import frame, site_data

from observatory.paths import DataPaths
from observatory.releases.editions import PublicEdition
from observatory.rendering import build_site
from observatory.sessions import Session
from observatory.tables import TABLES

FILE = "insee:2021:communes"
VERSION = {"perimeter": "sept_epci", "perimeter_vintage": 2026, "geography_vintage": 2026}


def territories(*communes_of_a: str, others: tuple[str, ...] = ("3",)) -> pl.DataFrame:
    """Return EPCI A with its communes, EPCI B with the others, their basin and their region."""
    above = ["basin:BM", "region:32"]
    rows: list[dict[str, Any]] = [
        {"level": "region", "code": "32", "name": "Région", "parents": []},
        {"level": "basin", "code": "BM", "name": "Bassin", "parents": ["region:32"]},
    ]
    for epci, communes in (("A", communes_of_a), ("B", others)):
        rows.append({"level": "epci", "code": epci, "name": f"EPCI {epci}", "parents": above})
        rows += [
            {"level": "commune", "code": code, "name": f"Ville {code}", "parents": [f"epci:{epci}", *above]}
            for code in communes
        ]
    return frame("core.territories", [row | VERSION for row in rows])


def definition(name: str, **changed: Any) -> dict[str, Any]:
    return {
        "indicator": name,
        "position": 1,
        "label": name.capitalize(),
        "theme": "Thème",
        "formula": "a ÷ b × 100",
        "unit": "%",
        "decimals": 1,
        "polarity": "neutral",
        "comparison": "with_parents",
        "sources": ["insee"],
        "aggregation": "ratio",
        "levels": ["commune", "epci"],
        "vintages": [2021],
        "comparability": "Comparable.",
        "fictive": False,
        "proportion": False,
        "breaks": [],
        "exceptional": [],
        "change_note": "Note.",
    } | changed


def file(name: str = FILE, sha256: str = "aa", *, fictive: bool = False) -> dict[str, Any]:
    return {
        "file_id": name,
        "source": "insee",
        "title": f"Fichier {name}",
        "producer": "Insee",
        "vintage": "2021",
        "sha256": sha256 * 32,
        "url": "https://example.org",
        "licence": "Licence Ouverte 2.0",
        "fetched_at": None,
        "fictive": fictive,
    }


def figure(area: str, value: float | None, indicator: str = "taux", **changed: Any) -> dict[str, Any]:
    level, _, code = area.partition(":")
    return {
        "territory_level": level,
        "territory_code": code,
        "indicator": indicator,
        "vintage": 2021,
        "value": value,
        "unit": "%",
        "status": "published" if value is not None else "secret",
        "perimeter": "sept_epci",
        "perimeter_vintage": 2026,
        "geography_vintage": "COG 2026",
        "file_ids": [FILE],
    } | changed


def edition(
    name: str,
    figures: list[dict[str, Any]],
    *,
    definitions: list[dict[str, Any]] | None = None,
    files: list[dict[str, Any]] | None = None,
    places: pl.DataFrame | None = None,
    code: str = "",
) -> PublicEdition:
    given = files if files is not None else [file()]
    return PublicEdition(
        name,
        frame("indicators.observations", figures),
        frame("indicators.definitions", definitions or [definition("taux")]),
        pl.DataFrame(given, schema=TABLES["core.files"].polars_schema),
        territories("1", "2") if places is None else places,
        code,
    )


def published(root: Path) -> DataPaths:
    """Publish the synthetic edition in a data folder: its site, its public tables, a confidential one."""
    paths, data = DataPaths(root), site_data()
    with Session(paths, "made") as session:
        for name, one in (
            ("indicators.observations", data.observations),
            ("indicators.definitions", data.definitions),
            ("core.files", data.files),
            ("core.territories", data.territories),
            ("core.cites", data.cites),
        ):
            session.write(name, one)
        session.write("confidential.rows", pl.DataFrame({"secret": ["48151.62342"]}))
        session.write("raw.rows", pl.DataFrame({"n": [1]}))
        build_site(data, session.site)
        session.commit()
    return paths
