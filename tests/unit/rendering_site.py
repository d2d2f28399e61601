"""A small synthetic edition of the site: two EPCI, every status, a hostile name, real and fictive figures."""

import dataclasses
import itertools
import json
from datetime import date
from typing import Any

import polars as pl
from typology_site import typology_frames

from observatory.paths import PROJECT
from observatory.projection.assumptions import CARD as ASSUMPTIONS
from observatory.projection.assumptions import read_assumptions
from observatory.projection.calibration import Calibration, Check, ClosedCohort, Landmark, LifeExpectancy
from observatory.rendering import SiteData
from observatory.rendering.imprint import CARD, read_imprint
from observatory.tables import TABLES, Table
from observatory.tables.heritage import (
    CITE_CONTRADICTIONS,
    CITE_GRID,
    CITE_HERITAGE,
    CITE_IRIS,
    CITE_SHARES,
    CITE_TIES,
    HERITAGE,
)
from observatory.tables.projection import ALONE, DERIVED, DRAWN, EUROS, PROJECTIONS, SCENARIOS, WHOLE

HOSTILE = 'Cité <script>alert("x")</script> & Cie'
HOSTILE_COMPANY = '<script>alert("c")</script> & Fils'
# A value that no real figure takes, so that a leak can be searched for.
FICTIVE_VALUE = 31.41592
MADE = ("rotation", "menage_seul", "menage_autre")
ABOVE = ["basin:BM", "department:62", "region:32", "country:FR"]


def frame(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Make a frame that keeps its contract, columns that are not given being null or empty lists."""
    return keep(TABLES[table], rows)


def keep(contract: Table, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Make a frame that keeps a contract, as ``frame`` does."""
    filled = [{column.name: row.get(column.name) for column in contract.columns} for row in rows]
    return contract.conform(pl.DataFrame(filled, schema=contract.polars_schema))


def commune_codes(communes: int) -> list[str]:
    return [f"62{rank:03d}" for rank in range(1, communes + 1)]


def epci_of(rank: int, communes: int) -> str:
    return "200000001" if rank < communes / 2 else "200000002"


def territories(communes: int) -> pl.DataFrame:
    rows: list[dict[str, Any]] = [
        {"level": "epci", "code": "200000001", "name": "CA de l’Écaillon", "parents": ABOVE},
        {"level": "epci", "code": "200000002", "name": "CC du Pévèle", "parents": ABOVE},
        {"level": "basin", "code": "BM", "name": "Bassin minier", "parents": ABOVE[2:]},
        {"level": "department", "code": "62", "name": "Pas-de-Calais", "parents": ABOVE[2:]},
        {"level": "region", "code": "32", "name": "Hauts-de-France", "parents": ABOVE[3:]},
        {"level": "country", "code": "FR", "name": "France", "parents": []},
    ]
    for rank, code in enumerate(commune_codes(communes)):
        parents = [f"epci:{epci_of(rank, communes)}", *ABOVE]
        name = f"Œuf-en-Ternois {rank}" if rank % 3 else f"Béthune {rank}"
        rows.append({"level": "commune", "code": code, "name": name, "parents": parents})
        for quarter in range(2 if rank == 0 else 1):
            iris = {"level": "iris", "code": f"{code}010{quarter}", "name": f"Quartier {quarter}"}
            rows.append(iris | {"parents": [f"commune:{code}", *parents]})
    for slug, name, codes in CITES:
        parents = [f"commune:{code}" for code in codes]
        rows.append(
            {"level": "cite", "code": slug, "name": name, "parents": [*parents, "epci:200000001", *ABOVE]}
        )
    version = {"perimeter": "sept_epci", "perimeter_vintage": 2026, "geography_vintage": 2026}
    return frame("core.territories", [row | version for row in rows])


CITES = (
    ("hostile", HOSTILE, ["62001"]),
    ("pinson", "Cité du Pinson", ["62001", "62002"]),
    ("zero", "Cité du Zéro", ["62002"]),
)


def cites() -> pl.DataFrame:
    lists = ("alternative_names", "programmes", "phases_2022", "phases_2023", "dossiers_2022", "passages")
    rows = [
        {name: [] for name in lists}
        | {"slug": slug, "name": name, "commune_codes": codes, "epci_code": "200000001", "unesco": "oui"}
        for slug, name, codes in CITES
    ]
    rows[1] |= {
        "programmes": ["integree", "gr_ge"],
        "phases_2022": ["operationnelle"],
        "phases_2023": ["amont"],
        "dossiers_2022": ["mai"],
        "passages": ["rapport 2022"],
        "alternative_names": ["Pinçon"],
        "corrections": "Orthographe rétablie.",
        "unesco": "en_partie",
    }
    rows[2] |= {"unesco": "non_signale"}
    return frame("core.cites", rows)


def definitions() -> pl.DataFrame:
    shared = {
        "formula": "formule",
        "decimals": 1,
        "polarity": "neutral",
        "comparison": "with_parents",
        "aggregation": "ratio",
        "comparability": "Comparable.",
        "fictive": False,
        "vintages": [2021],
        "proportion": False,
        "breaks": [],
        "exceptional": [],
        "change_note": "Recensement.",
    }
    wide = ["commune", "epci", "basin", "department", "region", "country"]
    rows = [
        {
            "indicator": "population",
            "label": "Population",
            "theme": "Population",
            "unit": "habitants",
            "decimals": 0,
            "aggregation": "sum",
            "comparison": "not_compared",
            "levels": wide,
            "vintages": [2019, 2020, 2021],
        },
        {
            "indicator": "vacance",
            "label": "Part des logements vacants",
            "theme": "Logement",
            "unit": "%",
            "polarity": "lower_is_better",
            "levels": ["iris", *wide],
        },
        {
            "indicator": "rotation",
            "label": "Taux de rotation",
            "theme": "Parc minier",
            "unit": "%",
            "polarity": "lower_is_better",
            "levels": ["cite", "commune", "epci", "basin"],
            "fictive": True,
        },
    ]
    # A breakdown, whose categories are not in the order of display.
    for position, (name, category) in enumerate((("autre", "autre ménage"), ("seul", "personne seule"))):
        rows.append(
            {
                "indicator": f"menage_{name}",
                "label": f"Type de ménage\u202f: {category}",
                "theme": "Occupation",
                "unit": "%",
                "levels": ["cite", "commune", "epci", "basin"],
                "fictive": True,
                "breakdown": "Type de ménage",
                "category": category,
                "category_position": 2 - position,
            }
        )
    rows = [shared | row | {"position": rank, "sources": ["s"]} for rank, row in enumerate(rows, start=1)]
    return frame("indicators.definitions", rows)


def files() -> pl.DataFrame:
    shared = {"producer": "Insee", "vintage": "2021", "sha256": "ab" * 32, "url": "pkg:pypi/x@1"}
    shared |= {"licence": "Licence Ouverte 2.0", "fetched_at": date(2026, 1, 2)}
    return frame(
        "core.files",
        [
            shared | {"file_id": "real", "source": "s", "title": "Recensement", "fictive": False},
            shared | {"file_id": "made", "source": "t", "title": "Parc", "fictive": True},
            shared | {"file_id": "layer", "source": "u", "title": "Cités minières", "fictive": False},
        ],
    )


def observation(level: str, code: str, indicator: str, value: float | None, **more: Any) -> dict[str, Any]:
    made = indicator in MADE
    return {
        "territory_level": level,
        "territory_code": code,
        "indicator": indicator,
        "vintage": 2021,
        "value": value,
        "unit": "habitants" if indicator == "population" else "%",
        "status": "published",
        "perimeter": "sept_epci",
        "perimeter_vintage": 2026,
        "geography_vintage": "COG 2026",
        "file_ids": ["made"] if made else ["real"],
    } | more


def observations(communes: int) -> pl.DataFrame:
    codes = commune_codes(communes)
    wide = [("epci", "200000001"), ("epci", "200000002"), ("basin", "BM"), ("department", "62")]
    wide += [("region", "32"), ("country", "FR")]
    rows = []
    for vintage in (2019, 2020, 2021):
        for rank, (level, code) in enumerate([*(("commune", code) for code in codes), *wide]):
            rows.append(observation(level, code, "population", 1000.0 * (rank + 1), vintage=vintage))
    statuses = ("secret", "missing", "not_applicable", "not_available")
    for rank, code in enumerate(codes):
        if 1 <= rank <= len(statuses):
            rows.append(observation("commune", code, "vacance", None, status=statuses[rank - 1]))
        else:
            rows.append(observation("commune", code, "vacance", float(rank)))
        rows.append(observation("commune", code, "rotation", FICTIVE_VALUE))
    rows += [observation(level, code, "vacance", 7.25) for level, code in wide]
    rows += [observation("iris", f"{codes[0]}010{quarter}", "vacance", 3.0) for quarter in range(2)]
    rows += [observation(level, code, "rotation", FICTIVE_VALUE) for level, code in wide[:3]]
    rows += [
        observation("cite", "hostile", "rotation", FICTIVE_VALUE),
        observation("cite", "pinson", "rotation", None, status="secret"),
        observation("cite", "zero", "rotation", 0.0),
        observation("cite", "hostile", "menage_seul", 62.5),
        observation("cite", "hostile", "menage_autre", 37.5),
        observation("cite", "pinson", "menage_seul", 40.0),
        observation("cite", "pinson", "menage_autre", None, status="secret"),
        observation("basin", "BM", "menage_seul", 55.0),
        observation("basin", "BM", "menage_autre", 45.0),
    ]
    return frame("indicators.observations", rows)


def contours(communes: int) -> pl.DataFrame:
    rows = []
    for rank, code in enumerate(commune_codes(communes)):
        west, south = 2.5 + 0.02 * (rank % 20), 50.4 + 0.02 * (rank // 20)
        geometry = square(west, south, 0.02)
        rows.append({"level": "commune", "code": code, "geometry": geometry, "area_km2": 3.0})
    return frame("core.contours", [row | {"file_id": "real"} for row in rows])


def postcodes(communes: int) -> pl.DataFrame:
    """Two communes share a postcode, and the first has a second one."""
    pairs = [(code, f"621{rank // 2:02d}") for rank, code in enumerate(commune_codes(communes))]
    pairs.append((pairs[0][0], "62990"))
    rows = [{"commune_code": code, "postcode": postcode, "file_id": "real"} for code, postcode in pairs]
    return frame("core.postcodes", rows)


def square(west: float, south: float, side: float) -> str:
    ring = [[west, south], [west + side, south], [west + side, south + side], [west, south + side]]
    return json.dumps({"type": "Polygon", "coordinates": [[*ring, ring[0]]]})


def heritage() -> pl.DataFrame:
    """The inscribed property in two parts, and its buffer zone around the first."""
    shared = {"commune_names": [], "owners": [], "area_ha": 50.0, "repaired": False, "file_id": "layer"}
    areas = {
        "bien_inscrit/1": square(2.516, 50.41, 0.008),
        "bien_inscrit/2": square(2.55, 50.41, 0.004),
        "zone_tampon/1": square(2.51, 50.405, 0.02),
    }
    rows = [
        {
            "feature_id": name,
            "layer": name.partition("/")[0],
            "code": name.partition("/")[2],
            "geometry": area,
        }
        for name, area in areas.items()
    ]
    return keep(HERITAGE, [shared | row for row in rows])


def cite_ties() -> pl.DataFrame:
    """One cité tied, one proposed, one without candidate."""
    certain = {"confidence": "certain", "method": "nom", "reason": "Même nom, même commune : Cité d'Anzin."}
    proposed = {"confidence": "propose", "method": "commune", "reason": "Seule surface : Cité Neuve."}
    none = {"confidence": "aucun", "reason": "Les couches n’ont aucune cité dans la commune."}
    candidates = ["cites_minieres/16A", "cites_minieres/lsm-671", "zt_cites_minieres/lsm-671"]
    return keep(
        CITE_TIES,
        [
            certain | {"slug": "hostile", "feature_ids": ["cites_minieres/1A"], "candidates": []},
            proposed | {"slug": "pinson", "feature_ids": [], "candidates": candidates},
            none | {"slug": "zero", "feature_ids": [], "candidates": []},
        ],
    )


def cite_heritage() -> pl.DataFrame:
    row = {
        "slug": "hostile",
        "geometry": square(2.516, 50.41, 0.008),
        "area_ha": 50.46,
        "longitude": 2.52,
        "latitude": 50.414,
        "companies": [HOSTILE_COMPANY, "Anzin"],
        "types": ["Corons"],
        "interests": ["Exceptionnelle", "Témoin"],
        "protection": None,
        "owners": [],
        "unesco_ids": ["1A"],
        "share_inscribed": 0.853,
        "share_buffer": 0.004,
        "file_ids": ["layer"],
    }
    return keep(CITE_HERITAGE, [row])


def cite_shares() -> pl.DataFrame:
    shared = {"slug": "hostile", "area_ha": 25.0}
    return keep(
        CITE_SHARES,
        [
            shared | {"code": "62002", "share_of_cite": 0.41, "share_of_territory": 0.07},
            shared | {"code": "62001", "share_of_cite": 0.59, "share_of_territory": 0.09},
        ],
    )


def cite_contradictions() -> pl.DataFrame:
    reasons = {"communes": "La surface s’étend aussi ailleurs.", "patrimoine_mondial": "85 % seulement."}
    return keep(
        CITE_CONTRADICTIONS,
        [{"slug": "hostile", "subject": subject, "reason": reason} for subject, reason in reasons.items()],
    )


def dashboard() -> pl.DataFrame:
    """One cité at risk, one that cannot be judged, one at none."""
    shared = {"interests": [], "file_ids": ["made"], "distortion_risk": "non_evalue"}
    shared |= {"distortion_reasons": ["intérêt patrimonial inconnu dans cette édition"]}
    grave = {"demolition_risk": "fort", "demolition_reasons": ['12 % des logements <à démolir> & "plus"']}
    unknown = {"demolition_risk": "non_evalue", "demolition_reasons": ["rien de publié"]}
    none = {"demolition_risk": "faible", "demolition_reasons": ["aucun logement à démolir"]}
    changed = {"last_change_year": 2022, "last_change": "projet examiné"}
    rows = [
        shared | grave | changed | {"slug": "hostile", "owners": ["maisons-et-cites", "sia-habitat"]},
        shared | unknown | {"slug": "pinson", "owners": []},
        shared | none | {"slug": "zero", "owners": ["sia-habitat"]},
    ]
    return frame("indicators.cite_dashboard", rows)


def without_heritage(data: SiteData) -> SiteData:
    """Return the edition as it is where the heritage layers were never fetched."""
    names = ("heritage", "cite_ties", "cite_heritage", "cite_shares", "cite_contradictions")
    return dataclasses.replace(data, **{name: getattr(data, name).clear() for name in names})


def projections() -> pl.DataFrame:
    """Make the projection of the basin, of an EPCI and of a cité, another being withheld."""
    rows = []
    for level, code, size in (("basin", "BM", 900), ("epci", "200000001", 400), ("cite", "pinson", 100)):
        quantities = [(name, WHOLE) for name in DRAWN + ALONE + DERIVED]
        quantities += [("freed_stock", "sia-habitat"), ("freed_stock_per_year", "sia-habitat")]
        quantities += [] if level == "cite" else [(name, WHOLE) for name in EUROS]
        for scenario, (quantity, part), year in itertools.product(
            SCENARIOS, quantities, range(2030, 2051, 5)
        ):
            left = size * (2055 - year) // 30 - 10 * SCENARIOS.index(scenario)
            drawn = quantity in DRAWN
            rows.append(
                (
                    level,
                    code,
                    scenario,
                    quantity,
                    part,
                    year,
                    10,
                    left - 10 if drawn else None,
                    left,
                    left + 10 if drawn else None,
                    "published",
                )
            )
    rows += [
        ("cite", "zero", scenario, quantity, WHOLE, year, 10, None, None, None, "too_few")
        for scenario, quantity, year in itertools.product(SCENARIOS, DRAWN + ALONE, range(2030, 2051, 5))
    ]
    columns = [
        "territory_level",
        "territory_code",
        "scenario",
        "quantity",
        "part",
        "year",
        "step",
        "low",
        "median",
        "high",
        "reason",
    ]
    frame = pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None).with_columns(
        first_year=pl.lit(2025), file_ids=pl.lit(["made"], pl.List(pl.String))
    )
    return PROJECTIONS.conform(frame)


def calibration() -> Calibration:
    life, part = (
        Landmark(nature=nature, annee=2018, sexe="F", age=0, base=None, valeur=value, source="Insee")
        for nature, value in (("esperance", 85.4), ("part", 0.66))
    )
    return Calibration(
        (LifeExpectancy(life, 85.38),),
        (Check(part, 0.66, 0.67, 0.655),),
        12.3,
        81.2,
        52.1,
        0.85,
        6.2,
        ((2010, 1000.0),),
        (ClosedCohort(2010, 70, 2020, 812.5, 812.5),),
    )


def site_data(communes: int = 6) -> SiteData:
    """Make an edition of ``communes`` communes, at least six so that every status is met."""
    return SiteData(
        imprint=read_imprint(PROJECT / "data" / "reference" / CARD),
        perimeter_vintage=2026,
        territories=territories(communes),
        cites=cites(),
        observations=observations(communes),
        definitions=definitions(),
        files=files(),
        contours=contours(communes),
        postcodes=postcodes(communes),
        heritage=heritage(),
        cite_ties=cite_ties(),
        cite_heritage=cite_heritage(),
        cite_shares=cite_shares(),
        cite_iris=keep(CITE_IRIS, []),
        cite_grid=keep(CITE_GRID, []),
        cite_contradictions=cite_contradictions(),
        dashboard=dashboard(),
        projections=projections(),
        assumed=read_assumptions(PROJECT / "data" / "reference" / ASSUMPTIONS),
        calibration=calibration(),
        typology=typology_frames(commune_codes(communes)),
        checks=pl.DataFrame(
            {
                "table": ["core.cites"],
                "rule": ["Les adresses sont uniques."],
                "reason": ["Une page en écraserait une autre."],
                "passed": [True],
                "observed": [""],
            }
        ),
    )
