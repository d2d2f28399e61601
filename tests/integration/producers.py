"""The producers' servers on this machine: every address of the catalogue, over the mirror's content.

Each file that the mirror holds cut or converted is put back into the form of its original (workbook,
shapefile, archive), so that what is read through the network must be what is read from the mirror.
"""

import csv
import io
import json
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import shapefile
import shapely
import xlsxwriter
from faulty_server import FaultyServer, Handler, code, content, running
from pyproj import CRS, Transformer

from observatory.sources.catalogue import CATALOGUE, DataFile, Source, load_catalogue

# Names of the service's properties, where they are not those of the mirror's layers.
RENAMED = {
    "heritage_communes_mbm": {"insee": "insee_com", "nom": "nom_min", "population": "pop_tot"},
    "heritage_zt_cites_minieres": {"nom": "NOM_CITE", "nom_2": "NOM_CITE_2", "id_lsm": "ID_LSM"},
}


# Names of the producer's workbooks, where the mirror's text has their labels instead.
LABELS = {
    "# Code géographique": "CODGEO",
    "Libellé géographique": "LIBGEO",
    "EPCI - Métropole": "EPCI",
    "Libellé de l'EPCI / Métropole": "LIBEPCI",
}


@contextmanager
def producers(mirror: Path, folder: Path, datasets: dict[str, list[dict[str, Any]]]) -> Iterator[Path]:
    """Serve the addresses of the catalogue, 404 for what is nowhere, and give the catalogue that leads there.

    Args:
        mirror: root of the mirror.
        folder: where the catalogue goes.
        datasets: observations of each Melodi dataset that is served.
    """
    with running() as server:
        server.answers = defaultdict(lambda: [code(404)])
        home = server.on("", code(404))
        path = folder / "catalogue.yaml"
        text = CATALOGUE.read_text(encoding="utf-8").replace("https://", f"{home}/")
        text = text.replace(
            "        melodi:\n", f"        melodi:\n          base: {home}/api.insee.fr/melodi\n"
        )
        path.write_text(text, encoding="utf-8")
        shelf = _Shelf(server)
        for source in load_catalogue(path).values():
            for vintage in source.vintages.values():
                if vintage.file is not None and vintage.file.mirror is not None:
                    shelf.put(source.id, vintage.file, mirror / vintage.file.mirror)
        shelf.put_cites(load_catalogue(path), mirror / "mbm/patrimoine/cites-minieres.geojson")
        for dataset, observations in datasets.items():
            server.on(f"/api.insee.fr/melodi/data/{dataset}", _pages_of(observations))
        yield path


class _Shelf:
    """What the servers hold: members of archives by path, features by WFS layer."""

    def __init__(self, server: FaultyServer) -> None:
        self.server = server
        self.members: defaultdict[str, dict[str, bytes]] = defaultdict(dict)
        self.layers: dict[str, list[dict[str, Any]]] = {}

    def put(self, source_id: str, file: DataFile, mirrored: Path) -> None:
        if file.url is not None:
            self.server.on(urlsplit(file.url).path, content(mirrored.read_bytes()))
        elif file.wfs is not None:
            names = RENAMED[source_id]
            features = json.loads(mirrored.read_text(encoding="utf-8"))["features"]
            for feature in features:
                properties = feature["properties"].items()
                feature["properties"] = {names.get(name, name): value for name, value in properties}
            self.layers[file.wfs.type_name] = features
            self.server.on(urlsplit(file.wfs.endpoint).path, self._layer)
        elif source_id == "insee_mortalite":
            self.server.on(urlsplit(file.original.url).path, content(_mortality(mirrored)))
        elif file.original is not None and file.original.url is not None:
            where = urlsplit(file.original.url).path
            made = _original(file, mirrored)
            if file.original.kind == "zip":
                # The archive of the inscribed property answers for several layers.
                self.members[where] |= made
                self.server.on(where, content(_zip(self.members[where])))
            else:
                self.server.on(where, content(*made.values()))

    def put_cites(self, catalogue: dict[str, Source], merged: Path) -> None:
        """Serve apart the two layers that the mirror merges."""
        features = json.loads(merged.read_text(encoding="utf-8"))["features"]
        inscribed = [feature for feature in features if feature["properties"].get("id_unesco")]
        archive = catalogue["heritage_cites_inscrites"].data_file("2026")
        where = urlsplit(archive.url).path
        self.members[where] |= _shapefile(inscribed, "cités minières.shp")
        self.server.on(where, content(_zip(self.members[where])))
        layer = catalogue["heritage_cites_erbm"].data_file("2026").wfs
        self.layers[layer.type_name] = [one for one in features if one["properties"].get("id_lsm")]

    def _layer(self, handler: Handler) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        if query["typeNames"] not in self.layers:
            handler.give(b"<ows:ExceptionReport/>", 400)
            return
        features, start = self.layers[query["typeNames"]], int(query["startIndex"])
        page = features[start : start + int(query["count"])]
        document = {"type": "FeatureCollection", "features": page, "numberMatched": len(features)}
        handler.give(json.dumps(document).encode())


def _original(file: DataFile, mirrored: Path) -> dict[str, bytes]:
    """Return the producer's file, or the members of the producer's archive."""
    original = file.original
    if mirrored.suffix == ".geojson":
        return _shapefile(json.loads(mirrored.read_text(encoding="utf-8"))["features"], original.member)
    rows, member = _rows(mirrored, file), (original.member or "").replace("*", "")
    if original.sheet is not None:
        return {f"dossier/{member}": _workbook(rows, original.sheet.replace("*", "Feuille"))}
    stream = io.StringIO()
    csv.writer(stream, delimiter=original.reading.separator).writerows(rows)
    return {member.upper(): stream.getvalue().encode("utf-8-sig"), f"meta_{member}": b"COD_VAR;LIB_VAR\n"}


def _rows(mirrored: Path, file: DataFile) -> list[list[str]]:
    text = mirrored.read_text(encoding="utf-8-sig")
    lines = [line for line in text.splitlines() if not (file.reading.comment and line.startswith("#"))]
    header, *rows = list(csv.reader(lines, delimiter=file.reading.separator))[file.reading.header_row - 1 :]
    return [[LABELS.get(name, name) for name in header], *rows]


def _workbook(rows: list[list[str]], sheet: str) -> bytes:
    """Write figures as numbers, and as text whatever has a leading zero or a name of letters only."""
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        page = book.add_worksheet(sheet)
        page.write_row(0, 0, ["Mise en ligne"])
        codes = [
            place
            for place, name in enumerate(rows[0])
            if "cod" in name.lower() or "DEPCOM" in name or name == "EPCI"
        ]
        for rank, row in enumerate(rows):
            for place, cell in enumerate(row):
                number = _number(cell) if rank and place not in codes else None
                page.write(rank + 5, place, cell if number is None else number)
    return stream.getvalue()


def _mortality(mirrored: Path) -> bytes:
    """Write one sheet per year: age, then survivors, quotient and a third column for men and for women."""
    quotients: defaultdict[str, dict[tuple[str, int], float]] = defaultdict(dict)
    with mirrored.open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            quotients[row["year"]][row["sex"], int(row["age"])] = float(row["qx_annual_derived"])
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        for year in sorted(quotients):
            page, alive = book.add_worksheet(year), {"male": 100_000.0, "female": 100_000.0}
            page.write_row(3, 0, ["Âge", "Survivants", "Quotient", "Espérance"])
            for age in range(100):
                cells: list[float] = [age]
                for sex in alive:
                    quotient = round(quotients[year][sex, age] * 100_000)
                    cells += [round(alive[sex]), quotient, 0]
                    alive[sex] *= 1 - quotient / 100_000
                page.write_row(5 + age, 0, cells)
    return stream.getvalue()


def _number(cell: str) -> float | None:
    try:
        return float(cell.replace("\u00a0", ""))
    except ValueError:
        return None


def _shapefile(features: list[dict[str, Any]], member: str) -> bytes:
    to_lambert = Transformer.from_crs(4326, 2154, always_xy=True)
    shp, shx, dbf = io.BytesIO(), io.BytesIO(), io.BytesIO()
    names = list(features[0]["properties"])
    with shapefile.Writer(shp=shp, shx=shx, dbf=dbf) as writer:
        for name in names:
            writer.field(name, "C", 120)
        for feature in features:
            shape = shapely.from_geojson(json.dumps(feature["geometry"]))
            writer.shape(
                shapely.transform(shape, lambda xy: _columns(to_lambert.transform(xy[:, 0], xy[:, 1])))
            )
            writer.record(**{name: str(feature["properties"][name] or "") for name in names})
    stem = f"UNESCO - L93 2018/{member.removesuffix('.shp')}"
    parts = {"shp": shp.getvalue(), "dbf": dbf.getvalue(), "prj": CRS(2154).to_wkt().encode()}
    return {f"{stem}.{suffix}": body for suffix, body in parts.items()}


def _columns(pair: tuple[Any, Any]) -> Any:
    return shapely.get_coordinates(shapely.points(*pair))


def _zip(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return stream.getvalue()


def _pages_of(observations: list[dict[str, Any]]) -> Callable[[Handler], None]:
    """Answer as Melodi's ``data`` does for requests whose codes are those of all ``observations``."""

    def answer(handler: Handler) -> None:
        target = urlsplit(handler.path)
        own = dict(parse_qsl(target.query))
        size, page = int(own["maxResult"]), int(own.get("page", "1"))
        shown = observations[(page - 1) * size : page * size]
        paging: dict[str, Any] = {"count": len(observations), "isLast": page * size >= len(observations)}
        if size and not paging["isLast"]:
            host = handler.headers["Host"]
            paging["next"] = f"http://{host}{handler.path.split('&page=')[0]}&page={page + 1}"
        handler.give(json.dumps({"paging": paging, "observations": shown}).encode())

    return answer
