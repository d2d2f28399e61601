"""Layers and datasets that come page after page: one file each, kept once, or a refusal."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from faulty_server import HeldClock, code, content, running
from melodi_server import melodi, observation

from observatory.sources.catalogue import DataFile, get_source
from observatory.sources.fetching import FetchError, Limits, RateLimiter
from observatory.sources.obtaining import remote_of
from observatory.sources.remotes import Means, RemoteDataset, RemoteFile, RemoteLayer
from observatory.sources.resolution import resolve
from observatory.sources.wfs import WfsLayer

FEATURES = [
    {"type": "Feature", "id": f"cites.{rank}", "properties": {"NOM": f"Cité n° {rank}"}, "geometry": None}
    for rank in range(1203)
]
DATASET = "DS_POPULATIONS_HISTORIQUES"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def means():
    clock = HeldClock().clock()
    return Means(limits=Limits(read_seconds=2, attempts=2), clock=clock, limiter=RateLimiter(1000, 60, clock))


@pytest.fixture
def server():
    with running() as started:
        yield started


@pytest.fixture
def get(tmp_path, means):
    def _get(remote):
        return resolve(
            "essai",
            "2026",
            landing=tmp_path / "landing",
            mirror=None,
            network=True,
            snapshots=tmp_path / "kept",
            remote=remote,
            mirror_path=None,
            kind=remote.kind,
            means=means,
        )

    return _get


def wfs(server, features):
    """Serve ``features`` as a WFS does, page after page."""

    def answer(handler):
        query = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        start, count = int(query["startIndex"]), int(query["count"])
        page = {"type": "FeatureCollection", "features": features[start : start + count]}
        handler.give(json.dumps(page | {"numberMatched": len(features), "timeStamp": start}).encode())

    return RemoteLayer(WfsLayer(endpoint=server.on("/ows", answer), type_name="mbm:cites_erbm"))


def test_a_layer_of_several_pages_is_one_file_kept_once(server, get):
    remote = wfs(server, FEATURES)
    first, second = get(remote), get(remote)
    assert json.loads(first.path.read_text())["features"] == FEATURES
    assert first.path.name == "cites_erbm.geojson"
    assert first.kind == "network" and "typeNames=mbm:cites_erbm" in first.origin
    assert second.snapshot.sha256 == first.snapshot.sha256 and not second.changed
    changed = get(RemoteLayer(wfs(server, FEATURES[:7]).layer))
    assert changed.changed and len(json.loads(changed.path.read_text())["features"]) == 7


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (code(404), "404"),
        (content(b"<ows:ExceptionReport/>"), "document XML"),
        (content(b'{"type": "Point"}'), "collection d’entités"),
    ],
)
def test_a_layer_that_fails_names_source_and_address(server, get, answer, words):
    remote = RemoteLayer(WfsLayer(endpoint=server.on("/ows", answer), type_name="mbm:cites_erbm"))
    with pytest.raises(FetchError, match=words) as raised:
        get(remote)
    assert raised.value.source == "essai" and "startIndex=0" in raised.value.url


def test_a_dataset_is_one_file_kept_once(get):
    rows = [observation("2025-COM-62498", year, 32000.0, POPREF_MEASURE="PMUN") for year in (2018, 2022)]
    filters = {"GEO": ["EPCI-246200364*COM"], "POPREF_MEASURE": ["PMUN"]}
    with melodi(DATASET, rows) as api:
        first = get(RemoteDataset(DATASET, filters, api.base))
        assert not get(RemoteDataset(DATASET, filters, api.base)).changed
        api.observations.append(observation("2025-COM-62498", 2023, 32500.0, POPREF_MEASURE="PMUN"))
        second = get(RemoteDataset(DATASET, filters, api.base))
    assert second.changed and second.snapshot.sha256 != first.snapshot.sha256
    assert len(first.path.read_text().splitlines()) == 1 + 2
    assert first.origin.startswith(f"{api.base}/data/{DATASET}?GEO=EPCI-246200364%2ACOM")


def test_cards_say_what_the_network_is_asked():
    archive = remote_of(get_source("insee_filosofi").data_file("2015"))
    assert isinstance(archive, RemoteFile) and archive.kind == "zip"
    layer = remote_of(get_source("heritage_communes_mbm").data_file("2026"))
    assert isinstance(layer, RemoteLayer) and "mission_bassin_minier:communes_mbm" in layer.address
    dataset = remote_of(get_source("insee_rp_logement").data_file("2026"))
    assert isinstance(dataset, RemoteDataset)
    assert dataset.address.startswith("https://api.insee.fr/melodi/data/DS_RP_LOGEMENT_PRINC?")
    assert dataset.filters["OCS"] == ["DW_MAIN", "DW_SEC_DW_OCC", "DW_VAC", "_T"]
    assert remote_of(get_source("caf_allocataires").data_file("2024")) is None


def test_a_card_has_one_origin_and_an_original_of_another_kind():
    card = {"kind": "csv", "coverage": "France", "url": "https://exemple.fr/a.csv"}
    layer = {"endpoint": "https://exemple.fr/ows", "type_name": "a:b"}
    with pytest.raises(ValueError, match="une seule"):
        DataFile.model_validate(card | {"wfs": layer})
    with pytest.raises(ValueError, match="doit différer"):
        DataFile.model_validate(card | {"original": {"kind": "csv"}})


def test_a_dropped_original_is_known_by_its_bytes(tmp_path):
    card = get_source("insee_populations_legales").data_file("2022")
    text = tmp_path / "a.csv"
    text.write_text("# titre\nCode département;Code commune\n62;498\n")
    assert card.as_in(text) is card
    workbook = tmp_path / "b.xlsx"
    workbook.write_bytes(make_workbook())
    original = card.as_in(workbook)
    assert (original.kind, original.sheet, original.reading.comment) == ("xlsx", "Communes", None)
    assert (original.cog, original.coverage) == (2024, "France sans Mayotte")


def make_workbook() -> bytes:
    import io

    import xlsxwriter

    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as book:
        book.add_worksheet("Communes").write(0, 0, "Code commune")
    return stream.getvalue()
