import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from faulty_server import HeldClock, archive, code, content, ranged, running

from observatory.files import sha256_bytes
from observatory.sources.archives import ArchiveError, ArchiveLimits, read_member
from observatory.sources.fetching import FetchError, Limits
from observatory.sources.remotes import Means, RemoteFile
from observatory.sources.resolution import Resolved, resolve
from observatory.sources.snapshots import SnapshotError, all_of

TABLE = b"CODGEO;P22_POP\n62498;32697\n" * 50
OTHER = TABLE.replace(b"32697", b"32700")
QUICK = Limits(connect_seconds=2, read_seconds=1, total_seconds=20)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def whole_server():
    with running() as server:
        yield server


@pytest.fixture
def server(whole_server):
    whole_server.asked.clear()
    return whole_server


@pytest.fixture
def mirrored(tmp_path) -> Path:
    file = tmp_path / "mirror" / "insee" / "base.csv"
    file.parent.mkdir(parents=True)
    file.write_bytes(TABLE)
    return file


@pytest.fixture
def drop(tmp_path):
    """Drop a file as an analyst does."""

    def _drop(body: bytes = TABLE, name: str = "base.csv") -> Path:
        file = tmp_path / "landing" / "insee_test" / "2022" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        return file

    return _drop


@pytest.fixture
def get(tmp_path):
    """Resolve with the mirror and no address, unless told otherwise."""

    def _get(**options) -> Resolved:
        kind, url = options.get("kind", "csv"), options.pop("url", None)
        settings = {
            "landing": tmp_path / "landing",
            "mirror": tmp_path / "mirror",
            "network": url is not None,
            "snapshots": tmp_path / "kept",
            "remote": RemoteFile(url, kind, options.pop("name", None)) if url is not None else None,
            "mirror_path": "insee/base.csv",
            "kind": kind,
            "means": Means(limits=QUICK, clock=HeldClock().clock()),
        }
        return resolve("insee_test", "2022", **(settings | options))

    return _get


def _kept(tmp_path) -> set[bytes]:
    return {snapshot.path.read_bytes() for snapshot in all_of(tmp_path / "kept", "insee_test", "2022")}


def test_dropped_file_wins_over_mirror_and_network(get, drop, mirrored, server):
    drop(OTHER)
    resolved = get(url=server.on("/base.csv", content(TABLE)))
    assert (resolved.kind, resolved.origin) == ("landing", "landing/insee_test/2022/base.csv")
    assert resolved.path.read_bytes() == OTHER and not resolved.stale
    assert server.asked == []


def test_mirror_wins_over_network(get, mirrored, server):
    resolved = get(url=server.on("/base.csv", content(OTHER)))
    assert (resolved.kind, resolved.origin) == ("mirror", "insee/base.csv")
    assert resolved.path.read_bytes() == TABLE and server.asked == []


def test_network_serves_what_the_mirror_lacks(get, server, tmp_path):
    url = server.on("/base.csv", content(TABLE))
    resolved = get(url=url)
    assert (resolved.kind, resolved.origin) == ("network", url)
    assert resolved.path.read_bytes() == TABLE
    incoming = tmp_path / "kept" / "insee_test" / "2022" / ".incoming"
    assert all(path.name.startswith(".") for path in incoming.iterdir())


def test_kept_file_outlives_its_origin(get, drop):
    file = drop()
    resolved = get()
    file.write_bytes(OTHER)
    assert resolved.path.read_bytes() == TABLE
    assert get().changed and resolved.path.read_bytes() == TABLE


@pytest.mark.parametrize("names", [("a.csv", "b.csv"), ("a.csv", "lisez-moi.txt")])
def test_two_dropped_files_are_listed(get, drop, names):
    for name in names:
        drop(name=name)
    with pytest.raises(FetchError) as raised:
        get()
    assert f"2 fichiers sont déposés au lieu d’un\u202f: {', '.join(names)}" in raised.value.cause


def test_clutter_of_desktops_is_not_dropped_data(get, drop, mirrored):
    for name in (".gitkeep", "~$base.xlsx", "Thumbs.db", ".DS_Store"):
        drop(name=name)
    assert get().kind == "mirror"
    drop(OTHER)
    assert get().kind == "landing"


@pytest.mark.parametrize("made", ["folder", "link"])
def test_dropped_folder_or_link_is_refused(get, drop, mirrored, made):
    place = drop()
    place.unlink()
    place.mkdir() if made == "folder" else place.symlink_to(mirrored)
    with pytest.raises(FetchError, match="un dossier ou un lien"):
        get()


@pytest.mark.parametrize("where", ["landing", "mirror"])
def test_wrong_local_file_is_an_error_and_no_reason_to_look_further(get, drop, mirrored, server, where):
    wrong = b"<html>portail</html>"
    file = drop(wrong) if where == "landing" else mirrored
    file.write_bytes(wrong)
    with pytest.raises(FetchError) as raised:
        get(url=server.on("/base.csv", content(TABLE)), allow_stale=True)
    assert "une page HTML" in raised.value.cause and raised.value.url == str(file)
    assert server.asked == []


@pytest.mark.parametrize(
    "path", ["../landing/base.csv", "/etc/passwd", "insee/../../x", "", "a\\..\\b", "a\x00"]
)
def test_mirror_paths_that_leave_it_are_refused(get, mirrored, path):
    with pytest.raises(FetchError, match="sort du miroir"):
        get(mirror_path=path)


def test_link_that_leaves_the_mirror_is_refused(get, mirrored, tmp_path):
    outside = tmp_path / "secret.csv"
    outside.write_bytes(OTHER)
    mirrored.unlink()
    mirrored.symlink_to(outside)
    with pytest.raises(FetchError, match="sort du miroir"):
        get()


@pytest.mark.parametrize(("source", "vintage"), [("../x", "2022"), ("insee_test", "../2022")])
def test_names_that_leave_the_folders_are_refused(tmp_path, source, vintage):
    with pytest.raises(SnapshotError):
        resolve(
            source,
            vintage,
            landing=tmp_path,
            mirror=None,
            network=False,
            snapshots=tmp_path,
            remote=None,
            mirror_path=None,
            kind="csv",
        )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "le miroir ne contient pas «\u202finsee/base.csv\u202f», le réseau n’est pas utilisé."),
        ({"mirror_path": None}, "la source n’est pas au miroir"),
        ({"mirror": None, "network": True}, "data/landing/insee_test/2022/, la source n’a pas d’adresse."),
        ({"url": "http://insee.test/x", "network": False}, "--sources network"),
    ],
)
def test_missing_everywhere_says_where_it_was_looked_for(get, options, words):
    with pytest.raises(FetchError) as raised:
        get(**options)
    assert words in str(raised.value)


def test_unchanged_file_is_confirmed(get, server, tmp_path):
    url = server.on("/base.csv", ranged(TABLE, '"v1"'))
    first, second = get(url=url), get(url=url)
    assert server.header(1, "If-None-Match") == '"v1"'
    assert first.path == second.path and not second.changed
    assert _kept(tmp_path) == {TABLE}


def test_changed_content_is_a_new_snapshot_that_says_so(get, server, tmp_path):
    get(url=server.on("/base.csv", ranged(TABLE, '"v1"')))
    resolved = get(url=server.on("/base.csv", ranged(OTHER, '"v2"')))
    assert resolved.changed and resolved.path.read_bytes() == OTHER
    assert _kept(tmp_path) == {TABLE, OTHER}


@pytest.mark.parametrize("where", ["landing", "mirror", "network"])
def test_content_other_than_the_catalogue_says_is_refused_and_not_kept(
    get, drop, mirrored, server, tmp_path, where
):
    options = {"url": server.on("/base.csv", content(TABLE)), "mirror": None} if where == "network" else {}
    if where == "landing":
        drop()
    with pytest.raises(FetchError, match="pas celui que décrit le catalogue"):
        get(expected_sha256=sha256_bytes(OTHER), **options)
    assert _kept(tmp_path) == set()
    assert get(expected_sha256=sha256_bytes(TABLE).upper(), **options).kind == where


def test_failed_network_is_an_error_unless_the_run_allows_the_last_snapshot(get, server):
    url = server.on("/base.csv", content(TABLE))
    get(url=url)
    server.on("/base.csv", code(404))
    with pytest.raises(FetchError, match="404"):
        get(url=url)
    resolved = get(url=url, allow_stale=True)
    assert resolved.stale and resolved.path.read_bytes() == TABLE
    assert resolved.reason is not None and "404" in resolved.reason and url in resolved.reason


def test_nothing_stands_in_when_nothing_was_kept(get, server):
    with pytest.raises(FetchError, match="404"):
        get(url=server.on("/base.csv", code(404)), allow_stale=True)


def test_last_snapshot_stands_in_without_network_and_says_so(get, drop):
    file = drop()
    get()
    file.unlink()
    resolved = get(allow_stale=True)
    assert resolved.stale and resolved.kind == "landing"
    assert resolved.reason is not None and "le réseau n’est pas utilisé" in resolved.reason


@pytest.mark.parametrize("answer", [ranged(TABLE, '"v1"'), code(404)], ids=["unchanged", "stale"])
def test_altered_snapshot_never_stands_in(get, server, answer):
    url = server.on("/base.csv", ranged(TABLE, '"v1"'))
    path = get(url=url).path
    path.chmod(0o644)
    path.write_bytes(OTHER)
    server.on("/base.csv", answer)
    with pytest.raises(SnapshotError, match="n’est plus celui"):
        get(url=url, allow_stale=True)


def test_altered_snapshot_does_not_stand_in_without_network(get, drop):
    file = drop()
    path = get().path
    file.unlink()
    path.chmod(0o644)
    path.write_bytes(OTHER)
    with pytest.raises(SnapshotError, match="n’est plus celui"):
        get(allow_stale=True)


def test_stale_snapshot_other_than_the_catalogue_says_is_refused(get, server):
    url = server.on("/base.csv", content(TABLE))
    get(url=url)
    with pytest.raises(FetchError, match="pas celui que décrit"):
        get(url=url, expected_sha256=sha256_bytes(OTHER), allow_stale=True)


def test_zip_bomb_from_the_network_is_refused_when_read(get, server):
    url = server.on("/base.zip", content(archive(base=b"0" * 1_000_000)))
    resolved = get(url=url, kind="zip")
    limits = replace(ArchiveLimits(), ratio_from_bytes=100_000)
    with pytest.raises(ArchiveError, match="se décompresse plus de 200 fois"):
        read_member(resolved.path, "*.csv", limits)


def test_zip_that_leaves_its_folder_is_refused_when_read(get, drop):
    file = drop(b"", "base.zip")
    with zipfile.ZipFile(file, "w") as target:
        target.writestr("../base.csv", TABLE)
    with pytest.raises(ArchiveError, match="sort de l’archive"):
        read_member(get(kind="zip").path, "base.csv")


def test_national_archive_of_the_mirror_is_read(mirror, tmp_path):
    resolved = resolve(
        "insee_comparateur",
        "2018",
        landing=tmp_path / "landing",
        mirror=mirror,
        network=False,
        snapshots=tmp_path / "kept",
        remote=None,
        mirror_path="insee/comparateur/base_cc_comparateur_2018_national.zip",
        kind="zip",
        expected_sha256="311caa145141e60a7e61297a2e6038a2acba6d85b3a7763320b058076d2be9dc",
    )
    assert resolved.snapshot.bytes == 3_755_401
    table = read_member(resolved.path, "base_cc_comparateur.csv")
    assert len(table.splitlines()) == 35_010 + 1
