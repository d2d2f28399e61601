"""The open files in every format: each says what the observations say, and nothing else."""

import dataclasses
import hashlib
import io
import json
import re
import struct
import zipfile
from datetime import date
from itertools import pairwise
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
import shapely
from pyproj import CRS
from python_calamine import CalamineWorkbook
from rendering_site import FICTIVE_VALUE, HOSTILE, MADE, site_data

from observatory.disclosure.formats import FormatError, documents, tables
from observatory.disclosure.release import read_release
from observatory.opendata import ExportError
from observatory.opendata.archives import write_checksums, write_zip
from observatory.opendata.layers import commune_outlines, epci_outlines
from observatory.opendata.sheet_archive import write_sheet_archive
from observatory.opendata.wide import STATUS_WORDS, wide_tables
from observatory.rendering import SiteData, build_site
from observatory.rendering.imprint import Contact
from observatory.rendering.wording import STATUSES

KEY = ["level", "code", "indicator", "vintage"]
DATED = tuple(f"{name}_20" for name in MADE)


@pytest.fixture(scope="module")
def data() -> SiteData:
    return site_data()


@pytest.fixture(scope="module")
def site(data: SiteData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "edition"
    build_site(data, folder)
    return folder


@pytest.fixture(scope="module")
def folder(site: Path) -> Path:
    return site / "donnees"


def files_of(folder: Path) -> dict[str, Path]:
    """The files of the open data, those of its subfolders included, by their path in it."""
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def release_of(data: SiteData) -> str:
    return data.imprint.release


def test_every_format_is_there_and_fictive_files_are_apart(data: SiteData, folder: Path) -> None:
    release = release_of(data)
    names = files_of(folder).keys()
    assert {
        "SHA256SUMS",
        "datapackage.json",
        "observations.csv",
        f"observatoire-{release}.xlsx",
        f"observatoire-donnees-fictives-{release}.xlsx",
        f"observations-communes-{release}.json",
        f"communes-{release}.geojson",
        f"communes-{release}.parquet",
        f"intercommunalites-{release}.parquet",
        f"cites-{release}.geojson",
        f"cites-donnees-fictives-{release}.parquet",
        f"observatoire-csv-{release}.zip",
        f"observatoire-csv-donnees-fictives-{release}.zip",
        f"observatoire-{release}.gpkg",
        f"observatoire-donnees-fictives-{release}.gpkg",
        "observations.parquet",
        "observations-donnees-fictives.parquet",
        "catalogue.jsonld",
        "metadonnees/communes.xml",
        "metadonnees/communes-donnees-fictives.xml",
        "styles/communes-typologie.sld",
        "ogc/index.json",
        "ogc/collections/cites/items.json",
        "ogc/collections/cites-donnees-fictives/items.json",
    } <= names
    for relative, path in files_of(folder).items():
        named = "donnees-fictives" in relative or path.name.startswith(("tableau-de-bord", "datapackage"))
        for name, content in documents(folder) if path.suffix == ".zip" else [(path.name, path.read_bytes())]:
            if path.suffix == ".zip" and not name.startswith(path.name):
                continue
            shown = [
                column
                for table in tables(name, content)
                for column in table.columns
                if column.startswith(DATED) or str(FICTIVE_VALUE) in table[column].drop_nulls().to_list()
            ]
            assert named or not shown, (path.name, shown)


def test_all_formats_tell_the_same_figures_with_the_same_statuses(data: SiteData, site: Path) -> None:
    """Read by the audit's own reader; the wide ones hold the last year, the long ones every year."""
    figures = read_release(site).figures
    truth = data.observations.select(
        level="territory_level", code="territory_code", indicator="indicator", vintage="vintage",
        true_value="value", true_status="status",
    )  # fmt: skip
    joined = figures.join(truth, on=KEY, how="left")
    # A wide file says of a territory without observation that there is none.
    unknown = joined.filter(pl.col("true_status").is_null())
    assert unknown["value"].null_count() == unknown.height
    assert set(unknown["status"]) <= {"not_available", "missing"}
    joined = joined.filter(pl.col("true_status").is_not_null())
    assert joined.filter(~pl.col("value").eq_missing(pl.col("true_value"))).is_empty()
    assert joined.filter(pl.col("status") != pl.col("true_status")).is_empty()
    landmarks = joined.filter(pl.col("origin").str.contains("reperes-"))
    assert {"epci", "country"} <= set(landmarks["level"])
    joined = joined.filter(~pl.col("origin").str.contains("reperes-"))
    by_suffix = {
        suffix: set(rows.select(KEY).iter_rows())
        for (suffix,), rows in joined.with_columns(
            suffix=pl.when(pl.col("origin").str.contains(r"/ogc/")).then(pl.lit("ogc"))
            .when(pl.col("origin").str.contains(rf"-{re.escape('2026-1')}\.parquet$"))
            .then(pl.lit("geoparquet"))
            .otherwise(pl.col("origin").str.extract(r"\.(\w+)$"))
        ).partition_by("suffix", as_dict=True).items()
    }  # fmt: skip
    everything = set(truth.select(KEY).iter_rows())
    assert by_suffix["csv"] == by_suffix["parquet"] == by_suffix["json"] == everything
    last = {key for key in everything if key[3] == 2021}
    below = {key for key in last if key[0] in ("commune", "epci", "cite", "iris")}
    assert by_suffix["xlsx"] == below
    drawn = {key for key in below if key[0] != "iris" and (key[0] != "cite" or key[1] == "hostile")}
    assert by_suffix["geojson"] == by_suffix["geoparquet"] == by_suffix["gpkg"] == by_suffix["ogc"] == drawn


def test_the_last_year_of_a_level_is_the_last_that_a_source_covers_there(data: SiteData) -> None:
    gone = data.observations.with_columns(
        pl.when(
            (pl.col("territory_level") == "epci") & (pl.col("indicator") == "population")
            & (pl.col("vintage") == 2021)
        ).then(pl.lit("not_available")).otherwise(pl.col("status")).alias("status")
    ).with_columns(value=pl.when(pl.col("status") == "published").then(pl.col("value")))  # fmt: skip
    found = {
        table.level: {one.name for one in table.columns}
        for table in wide_tables(gone, data.definitions, data.files, data.territories)
        if not table.fictive
    }
    assert "population_2020" in found["epci"]
    assert "population_2021" in found["commune"]


def test_a_column_with_one_fictive_figure_is_in_the_fictive_table_alone(data: SiteData) -> None:
    mixed = data.observations.with_columns(
        file_ids=pl.when((pl.col("indicator") == "vacance") & (pl.col("territory_code") == "62001"))
        .then(pl.lit(["real", "made"]))
        .otherwise(pl.col("file_ids"))
    )
    found = {
        (table.level, table.fictive): {one.indicator for one in table.columns}
        for table in wide_tables(mixed, data.definitions, data.files, data.territories)
    }
    assert "vacance" not in found["commune", False]
    assert "vacance" in found["commune", True]
    assert "vacance" in found["epci", False]


def test_the_words_of_the_workbook_are_those_of_the_site() -> None:
    assert {key: one.short for key, one in STATUSES.items() if key != "published"} == STATUS_WORDS


def test_a_workbook_opens_with_numbers_words_and_no_formula(data: SiteData, folder: Path) -> None:
    workbook = CalamineWorkbook.from_path(str(folder / f"observatoire-{release_of(data)}.xlsx"))
    # No real figure of this edition is of a cité.
    assert workbook.sheet_names == ["Lisez-moi", "Communes", "EPCI", "IRIS", "Définitions", "Sources"]
    rows = workbook.get_sheet_by_name("Communes").to_python()
    assert rows[3] == ["level", "code", "name", "epci", "population_2021", "vacance_2021"]
    assert rows[0][4:] == ["Population", "Part des logements vacants"]
    assert rows[2][4:] == ["2021", "2021"]
    assert [row[5] for row in rows[4:]] == [0, "secret", "manquant", "sans objet", "non disponible", 5]
    assert [row[4] for row in rows[4:]] == [1000, 2000, 3000, 4000, 5000, 6000]
    fictive = CalamineWorkbook.from_path(
        str(folder / f"observatoire-donnees-fictives-{release_of(data)}.xlsx")
    )
    assert all("(fictif)" in name for name in fictive.sheet_names[1:-2])
    with zipfile.ZipFile(folder / f"observatoire-donnees-fictives-{release_of(data)}.xlsx") as archive:
        for name in archive.namelist():
            assert b"<f>" not in archive.read(name)
        assert HOSTILE.encode() not in archive.read("xl/sharedStrings.xml")


def test_a_text_that_looks_like_a_formula_is_text_in_the_workbook(data: SiteData, tmp_path: Path) -> None:
    evil = data.territories.with_columns(
        name=pl.when(pl.col("code") == "62001").then(pl.lit("=1+1")).otherwise(pl.col("name"))
    )
    build_site(dataclasses.replace(data, territories=evil), tmp_path / "site")
    path = tmp_path / f"site/donnees/observatoire-{release_of(data)}.xlsx"
    assert CalamineWorkbook.from_path(str(path)).get_sheet_by_name("Communes").to_python()[4][2] == "=1+1"
    with zipfile.ZipFile(path) as archive:
        assert not any(b"<f>" in archive.read(name) for name in archive.namelist())


def test_geojson_follows_its_standard_and_carries_its_licence(data: SiteData, folder: Path) -> None:
    content = json.loads((folder / f"communes-{release_of(data)}.geojson").read_text("utf-8"))
    assert content["type"] == "FeatureCollection"
    assert "crs" not in content
    assert content["licences"] == "Licence Ouverte 2.0"
    assert content["perimeter"] == "sept_epci (COG 2026)"
    assert content["bbox"] == [2.5, 50.4, 2.62, 50.42]
    assert [one["properties"]["code"] for one in content["features"]] == [f"6200{n}" for n in range(1, 7)]
    for feature in content["features"]:
        (ring,) = feature["geometry"]["coordinates"]
        assert ring[0] == ring[-1]
        # Twice the area that a ring encloses is positive when it turns anticlockwise.
        assert sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring)) > 0
    hidden = content["features"][1]["properties"]
    assert (hidden["vacance_2021"], hidden["vacance_2021_statut"]) == (None, "secret")
    assert "population_2021_statut" not in hidden


def test_geoparquet_is_read_again_by_others(data: SiteData, folder: Path) -> None:
    path = folder / f"communes-{release_of(data)}.parquet"
    metadata = pq.read_metadata(path).metadata
    geo = json.loads(metadata[b"geo"])
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    column = geo["columns"]["geometry"]
    assert (column["encoding"], column["geometry_types"]) == ("WKB", ["Polygon"])
    assert column["bbox"] == [2.5, 50.4, 2.62, 50.42]
    assert CRS.from_json_dict(column["crs"]) == CRS("OGC:CRS84")
    assert metadata[b"licences"].decode() == "Licence Ouverte 2.0"
    read = pq.read_table(path)
    assert read.schema.field("geometry").type == "binary"
    shapes = shapely.from_wkb(read["geometry"].to_pylist())
    assert shapely.is_valid(shapes).all()
    assert shapely.is_ccw(shapely.get_exterior_ring(shapes)).all()
    first = struct.unpack_from("<bIII", read["geometry"][0].as_py())
    assert first[:2] == (1, 3)
    code, value, status = duckdb.sql(
        f"SELECT code, vacance_2021, vacance_2021_statut FROM '{path}' WHERE code = '62002'"
    ).fetchone() or ("", 0, "")
    assert (code, value, status) == ("62002", None, "secret")


def test_an_epci_is_the_union_of_its_communes_or_is_not_drawn(data: SiteData) -> None:
    communes = commune_outlines(data.contours)
    drawn = epci_outlines(communes, data.territories).geometries
    assert sorted(drawn) == ["200000001", "200000002"]
    assert drawn["200000001"].area == pytest.approx(3 * 0.02 * 0.02)
    assert drawn["200000001"].geom_type == "Polygon"
    lacking = commune_outlines(data.contours.filter(pl.col("code") != "62001"))
    assert sorted(epci_outlines(lacking, data.territories).geometries) == ["200000002"]


def test_json_holds_what_is_needed_to_read_it(data: SiteData, folder: Path) -> None:
    content = json.loads((folder / f"observations-communes-{release_of(data)}.json").read_text("utf-8"))
    rows = [dict(zip(content["columns"], row, strict=True)) for row in content["data"]]
    named = {one["indicator"] for one in content["definitions"]}
    assert {row["indicator"] for row in rows} == named == {"population", "vacance"}
    placed = {(one["territory_level"], one["territory_code"]) for one in content["territories"]}
    assert {(row["territory_level"], row["territory_code"]) for row in rows} == placed
    assert {content["origins"][row["origin"]]["file_ids"][0] for row in rows} == {"real"}
    assert set(content["notes"]) == set(content["columns"])
    assert "nature" not in content
    fictive = json.loads(
        (folder / f"observations-cites-donnees-fictives-{release_of(data)}.json").read_text("utf-8")
    )
    assert fictive["nature"] == "données fictives"


def test_checksums_are_those_of_the_files(folder: Path) -> None:
    lines = [line.split("  ") for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines()]
    others = files_of(folder).keys() - {"SHA256SUMS", "index.html"}
    assert {name for _, name in lines} == others
    for digest, name in lines:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest


def test_the_data_package_describes_the_files_as_they_are(data: SiteData, folder: Path) -> None:
    package = json.loads((folder / "datapackage.json").read_text("utf-8"))
    assert package["version"] == release_of(data)
    for resource in package["resources"]:
        content = (folder / resource["path"]).read_bytes()
        assert resource["bytes"] == len(content)
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        if resource["type"] == "file":
            continue
        header = content.split(b"\n")[0].decode().split(",")
        assert [field["name"] for field in resource["schema"]["fields"]] == header
    described = {resource["path"]: resource for resource in package["resources"]}
    # Of the checksums, and of the pages, nothing is said; of itself it could not.
    assert described.keys() == files_of(folder).keys() - {
        "SHA256SUMS", "index.html", "datapackage.json"
    }  # fmt: skip
    schema = described["observations.csv"]["schema"]
    fields = {field["name"]: field for field in schema["fields"]}
    assert fields["value"]["type"] == "number"
    assert fields["status"]["constraints"]["enum"] == list(STATUSES)
    assert fields["vintage"]["constraints"] == {"required": True}
    assert "constraints" not in fields["value"]
    assert schema["primaryKey"] == ["territory_level", "territory_code", "indicator", "vintage"]
    for path, resource in described.items():
        assert ("nature" in resource) == ("donnees-fictives" in path or "tableau-de-bord" in path), path
    assert described["observations.csv"]["licenses"] == [
        {
            "name": "etalab-2.0",
            "path": "https://spdx.org/licenses/etalab-2.0",
            "title": "Licence Ouverte 2.0",
        }
    ]
    (source,) = described["observations.csv"]["sources"]
    assert source == {"title": "Recensement, Insee", "version": "2021"}


def test_the_sheets_make_one_archive_with_checksums_that_never_changes(tmp_path: Path) -> None:
    day = date(2026, 11, 25)
    (tmp_path / "donnees").mkdir()
    assert write_sheet_archive(tmp_path, "2026-1", day, "Mission") is None
    for folder, slug in (("cites", "b"), ("cites", "a"), ("communes", "62001")):
        (tmp_path / folder / slug).mkdir(parents=True)
        (tmp_path / f"{folder}/{slug}/fiche-{slug}-2026-1.html").write_text(f"<p>{slug}</p>")
    (tmp_path / "cites/a/fiche-a-2025-1.html").write_text("ancienne")
    made = write_sheet_archive(tmp_path, "2026-1", day, "Mission")
    assert made == (tmp_path / "donnees/fiches-2026-1.zip", 3)
    path, _ = made
    with zipfile.ZipFile(path) as archive:
        assert [name.removeprefix("fiches-2026-1/") for name in archive.namelist()] == [
            "LISEZMOI.txt",
            "SHA256SUMS",
            "cites/fiche-a-2026-1.html",
            "cites/fiche-b-2026-1.html",
            "communes/fiche-62001-2026-1.html",
        ]
        assert {one.date_time for one in archive.infolist()} == {(2026, 11, 25, 0, 0, 0)}
        sums = archive.read("fiches-2026-1/SHA256SUMS").decode().splitlines()
        for line in sums:
            digest, name = line.split("  ")
            assert hashlib.sha256(archive.read(f"fiches-2026-1/{name}")).hexdigest() == digest
        assert len(sums) == 4
        assert "3 fiche(s)" in archive.read("fiches-2026-1/LISEZMOI.txt").decode()
    before = path.read_bytes()
    assert write_sheet_archive(tmp_path, "2026-1", day, "Mission") == made
    assert path.read_bytes() == before


def test_an_archive_is_read_through_but_not_twice(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    write_zip(tmp_path / "z.zip", {"same.csv": b"x\n1\n", "other.csv": b"x\n2\n"}, date(2026, 1, 1))
    assert [name for name, _ in documents(tmp_path)] == ["a.csv", "z.zip!other.csv"]
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(FormatError, match=r"broken\.zip"):
        list(documents(tmp_path))


@pytest.mark.parametrize("suffix", ["json", "geojson", "jsonld", "parquet", "xlsx", "gpkg"])
def test_a_file_that_is_not_what_its_name_says_is_an_error(suffix: str) -> None:
    with pytest.raises(FormatError, match=suffix):
        list(tables(f"f.{suffix}", b"\xff\xfe\x00not"))


def test_a_page_may_not_be_listed_among_the_checksums(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("page")
    (tmp_path / "a.csv").write_bytes(b"")
    assert write_checksums(tmp_path).read_text().split() == [hashlib.sha256(b"").hexdigest(), "a.csv"]


def test_equal_frames_in_any_order_give_equal_files(data: SiteData, folder: Path, tmp_path: Path) -> None:
    turned = dataclasses.replace(
        data,
        observations=data.observations.reverse(),
        contours=data.contours.reverse(),
        files=data.files.reverse(),
        definitions=data.definitions.reverse(),
        territories=data.territories.reverse(),
    )
    build_site(turned, tmp_path / "site")
    for name, path in files_of(folder).items():
        assert (tmp_path / "site/donnees" / name).read_bytes() == path.read_bytes(), name


@pytest.mark.parametrize("column", ["value", "numerator", "denominator"])
def test_a_hidden_value_stops_every_format(data: SiteData, tmp_path: Path, column: str) -> None:
    leaking = data.observations.with_columns(
        pl.when(pl.col("status") == "secret").then(48151.62342).otherwise(pl.col(column)).alias(column)
    )
    with pytest.raises(ExportError):
        build_site(dataclasses.replace(data, observations=leaking), tmp_path / "site")
    assert list((tmp_path / "site/donnees").iterdir()) == []


def test_a_contact_may_have_a_telephone_and_a_site() -> None:
    contact = Contact(organisation="Mission", address=("rue",), phone="03 21 08 72 72", website="www.a.org")
    assert contact.email is None
    with pytest.raises(ValueError, match="phone"):
        Contact(organisation="Mission", address=("rue",), phone="0321087272")


def test_bytes_of_a_workbook_do_not_depend_on_the_hour(folder: Path, data: SiteData) -> None:
    with zipfile.ZipFile(io.BytesIO((folder / f"observatoire-{release_of(data)}.xlsx").read_bytes())) as book:
        assert {one.date_time[0] for one in book.infolist()} == {1980}
        assert b"2026-11-25T00:00:00Z" in book.read("docProps/core.xml")
