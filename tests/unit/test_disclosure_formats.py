"""A figure that the data hide and that a file gives is a leak, whatever the format of the file."""

import io
import json
import sqlite3
import tempfile
from contextlib import closing
from datetime import date
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from disclosure_release import write_release
from disclosure_towns import INDICATORS, draw_town
from xlsxwriter import Workbook

from observatory.disclosure.audit import audit_release
from observatory.disclosure.formats import FormatError, tables
from observatory.disclosure.release import read_release
from observatory.disclosure.rules import protect_observations
from observatory.opendata.archives import write_zip

TOWN = draw_town(1, 2, 5, 4, 1, 40)
INDICATOR = "part_parc_minier_vacant"


@pytest.fixture(scope="module")
def published() -> pl.DataFrame:
    return protect_observations(*TOWN.publication)


@pytest.fixture
def release(tmp_path, published):
    return write_release(tmp_path / "edition", TOWN, published)


@pytest.fixture(scope="module")
def leak(published) -> tuple[str, int, float]:
    """A commune whose figure is hidden, its year, and what the figure was."""
    key = (pl.col("territory_level") == "commune") & (pl.col("indicator") == INDICATOR)
    code, vintage = (
        published.filter(key & (pl.col("status") == "secret")).select("territory_code", "vintage").row(0)
    )
    true = TOWN.observations.filter(key & (pl.col("territory_code") == code) & (pl.col("vintage") == vintage))
    return code, vintage, true["value"][0]


def json_split(code: str, vintage: int, value: float) -> bytes:
    columns = ["territory_level", "territory_code", "indicator", "vintage", "value", "status"]
    rows = [["commune", code, INDICATOR, vintage, value, "secret"]]
    return json.dumps({"about": {"columns": columns, "data": rows}}).encode()


def geojson(code: str, vintage: int, value: float) -> bytes:
    properties = {"level": "commune", "code": code, f"{INDICATOR}_{vintage}": value}
    square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    feature = {"type": "Feature", "properties": properties, "geometry": square}
    return json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()


def nested_geojson(code: str, vintage: int, value: float) -> bytes:
    """The figures of a feature may stand in a list of their own."""
    long = {"territory_level": "commune", "territory_code": code, "indicator": INDICATOR, "vintage": vintage}
    feature = {"type": "Feature", "geometry": None, "properties": {"figures": [long | {"value": value}]}}
    return json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()


def parquet(code: str, vintage: int, value: float) -> bytes:
    """The column of statuses says « secret », the column of values tells."""
    table = pa.table(
        {
            "level": ["commune"],
            "code": [code],
            f"{INDICATOR}_{vintage}": [value],
            f"{INDICATOR}_{vintage}_statut": ["secret"],
            "geometry": pa.array([b"\x01"], pa.binary()),
        }
    )
    written = io.BytesIO()
    pq.write_table(table, written)
    return written.getvalue()


def workbook(code: str, vintage: int, value: float, *, hidden: bool = False) -> bytes:
    written = io.BytesIO()
    with Workbook(written) as book:
        book.add_worksheet("Lisez-moi").write(0, 0, "À lire")
        sheet = book.add_worksheet("Communes")
        sheet.write_row(0, 0, ["Niveau", "Code", "Part du parc vacant"])
        sheet.write_row(3, 0, ["level", "code", f"{INDICATOR}_{vintage}"])
        sheet.write_row(4, 0, ["commune", "autre", "secret"])
        sheet.write_row(5, 0, ["commune", code, value])
        if hidden:
            sheet.very_hidden()
    return written.getvalue()


def hidden_sheet(code: str, vintage: int, value: float) -> bytes:
    return workbook(code, vintage, value, hidden=True)


def csv(code: str, vintage: int, value: float) -> bytes:
    return f"level,code,{INDICATOR}_{vintage}\ncommune,{code},{value}\n".encode()


def geopackage(code: str, vintage: int, value: float) -> bytes:
    """As GDAL writes it: the column of statuses says « secret », the column of values tells."""
    name = f"{INDICATOR}_{vintage}"
    table = pa.table(
        {
            "level": ["commune"],
            "code": [code],
            name: [value],
            f"{name}_statut": ["secret"],
            "geom": pa.array([shapely.to_wkb(shapely.box(0, 0, 1, 1))], pa.binary()),
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.gpkg"
        pyogrio.write_arrow(
            table, path, layer="communes", driver="GPKG", geometry_name="geom", geometry_type="Polygon",
            crs="EPSG:2154",
        )  # fmt: skip
        return path.read_bytes()


def view_of_a_geopackage(code: str, vintage: int, value: float) -> bytes:
    """A view that no table of contents names."""
    with closing(sqlite3.connect(":memory:")) as base:
        base.execute("CREATE TABLE a (x TEXT, y REAL)")
        base.execute("INSERT INTO a VALUES (?, ?)", (code, value))
        base.execute(
            f"""CREATE VIEW "b ""c" AS SELECT 'commune' level, x code, y {INDICATOR}_{vintage} FROM a"""
        )
        base.commit()
        return base.serialize()


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("f.json", json_split),
        ("f.geojson", geojson),
        ("g.geojson", nested_geojson),
        ("f.parquet", parquet),
        ("f.xlsx", workbook),
        ("g.xlsx", hidden_sheet),
        ("f.csv", csv),
        ("f.gpkg", geopackage),
        ("g.gpkg", view_of_a_geopackage),
    ],
)
@pytest.mark.parametrize("archived", [False, True])
def test_a_hidden_figure_in_any_format_is_a_leak_even_in_an_archive(release, leak, name, write, archived):
    folder = release.folder / "donnees"
    content = write(*leak)
    if archived:
        write_zip(folder / "tout.zip", {f"dossier/{name}": content}, date(2026, 1, 1))
        name = f"tout.zip!dossier/{name}"
    else:
        (folder / name).write_bytes(content)
    outcome = audit_release(read_release(release.folder), (), INDICATORS, TOWN.measures)
    told = [line for one in outcome.leaks for line in one.path]
    assert any(f"donnees/{name}" in line for line in told), told


@pytest.mark.parametrize("archived", [False, True])
def test_a_file_that_the_audit_cannot_read_is_refused(release, archived):
    """Whoever downloads it may have the program that does."""
    folder = release.folder / "donnees"
    if archived:
        write_zip(folder / "tables.zip", {"tables/parc.ods": b"PK"}, date(2026, 11, 25))
    else:
        (folder / "parc.ods").write_bytes(b"PK")
    with pytest.raises(FormatError, match=r"parc\.ods.*ne sait pas lire"):
        read_release(release.folder)


def test_a_page_in_an_archive_is_read_as_one_of_the_site(release, leak):
    code, vintage, _ = leak
    head = f'<th>Commune</th><th><a href="x#indicateur-{INDICATOR}">Part</a> {vintage}</th>'
    body = f'<th><a href="communes/{code}/index.html">C</a></th><td>12,5</td>'
    table = f"<table><thead><tr>{head}</tr></thead><tbody><tr>{body}</tr></tbody></table>"
    folder = release.folder / "donnees"
    write_zip(folder / "fiches.zip", {"fiche.html": table.encode()}, date(2026, 1, 1))
    outcome = audit_release(read_release(release.folder), (), INDICATORS, TOWN.measures)
    assert any("fiches.zip!fiche.html" in line for one in outcome.leaks for line in one.path)


def test_words_in_place_of_figures_are_read_as_statuses(release, leak):
    code, vintage, _ = leak
    (release.folder / "donnees" / "f.xlsx").write_bytes(workbook(code, vintage, "secret"))  # type: ignore[arg-type]
    again = read_release(release.folder)
    rows = again.figures.filter(pl.col("origin") == "donnees/f.xlsx")
    assert rows.select("code", "value", "status").rows() == [
        ("autre", None, "secret"),
        (code, None, "secret"),
    ]
    assert audit_release(again, (), INDICATORS, TOWN.measures).leaks == ()


def test_a_geojson_is_one_table_of_properties(leak):
    found = list(tables("f.geojson", geojson(*leak)))
    assert [frame.columns for frame in found] == [["level", "code", f"{INDICATOR}_{leak[1]}"]]
