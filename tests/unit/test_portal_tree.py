"""Whatever a request asks for, nothing is read outside the folder, nor of two editions at once."""

import io
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portal_site import SECRET, ask, make_world, write

from observatory.files import exchange_folders
from observatory.portal import packing
from observatory.portal.packing import ReplacedError, pack
from observatory.portal.tree import AbsentError, FolderFoundError, held, open_file, open_parts

INSIDE = "dedans"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return a site beside secrets, with every kind of entry that could lead to them."""
    root = tmp_path_factory.mktemp("tree")
    for name in ("index.html", "a/index.html", "a/b.txt", "a/..b", "a/c/d"):
        write(root / "site" / name, INSIDE)
    write(root / "secret.txt", SECRET)
    write(root / "site-voisin/index.html", SECRET)
    (root / "site/lien.txt").symlink_to(root / "secret.txt")
    (root / "site/dossier").symlink_to(root)
    (root / "site/a/haut").symlink_to("../..")
    os.mkfifo(root / "site/tube")
    write(root / "site/.cache", SECRET)
    return root / "site"


PARTS = st.sampled_from(
    ["..", ".", "", "a", "b.txt", "..b", "c", "d", "index.html", "lien.txt", "dossier", "haut", "site",
     "secret.txt", "site-voisin", "tube", ".cache", "%2e%2e", "..\\", "\x00", "a\x00", "~", "/etc/passwd",
     "....", "\udcff", "é"]
)  # fmt: skip


PATHS = st.one_of(st.lists(PARTS, max_size=7).map("/".join), st.text(st.characters(), max_size=40))


@given(PATHS)
def test_no_path_leads_outside(folder, path):
    try:
        opened = open_file(folder, path)
    except (AbsentError, FolderFoundError):
        return
    assert opened.read().decode() == INSIDE


@pytest.mark.parametrize("path", ["", "index.html", "a/", "a/index.html", "a/b.txt", "a/c/d"])
def test_what_is_inside_is_found(folder, path):
    assert open_file(folder, path).read().decode() == INSIDE


def test_a_folder_without_its_slash_is_told_apart(folder):
    with pytest.raises(FolderFoundError):
        open_file(folder, "a")
    with pytest.raises(AbsentError):
        open_file(folder, "a/c/")


def test_no_descriptor_is_left_open(folder):
    before = len(list(Path("/dev/fd").iterdir()))
    for path in ("a/b.txt", "a/absent", "a", "dossier/secret.txt", "tube", "../secret.txt", "a/c/d/e"):
        try:
            open_file(folder, path).close()
        except (AbsentError, FolderFoundError):
            continue
    assert len(list(Path("/dev/fd").iterdir())) == before


TARGETS = [
    "/../secret.txt",
    "/cites/../../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/%252e%252e/secret.txt",
    "/..%252fsecret.txt",
    "/..\\secret.txt",
    "/..%5csecret.txt",
    "/%5c..%5csecret.txt",
    "//secret.txt",
    "/cites//../../secret.txt",
    "/.%00./secret.txt",
    "/..%00/secret.txt",
    "/%c0%ae%c0%ae/secret.txt",
    "/secret.txt%00.html",
    "/./../secret.txt",
    "/....//secret.txt",
    "/lien.txt",
    "/dossier/secret.txt",
    "/dossier/partners/sia-habitat/index.html",
    "/partners/sia-habitat/index.html",
    "/../partners/sia-habitat/LISEZMOI.txt",
    "/../confidential/portail.sqlite",
    "/" + "a" * 5000,
]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    world = make_world(tmp_path_factory.mktemp("world"))
    (world.paths.site / "lien.txt").symlink_to(world.paths.root / "secret.txt")
    (world.paths.site / "dossier").symlink_to(world.paths.root)
    return world


@pytest.mark.parametrize("target", TARGETS)
def test_traversals_find_nothing(world, target):
    answer = ask(world, target)
    assert answer.status == 404
    assert SECRET.encode() not in answer.body
    assert b"SQLite" not in answer.body


@pytest.mark.parametrize("target", ["//exemple.org", "//exemple.org/", "/\\exemple.org", "/%2fexemple.org"])
def test_no_redirection_leads_elsewhere(world, target):
    answer = ask(world, target)
    assert answer.status == 404
    assert "location" not in answer.headers


def test_the_folder_of_an_edition_is_kept_while_another_takes_its_place(tmp_path):
    for name, text in (("old", "ancienne"), ("new", "nouvelle")):
        write(tmp_path / name / "a.csv", text)
    with held(tmp_path / "old") as root:
        exchange_folders(tmp_path / "new", tmp_path / "old")
        assert open_parts(root, ["a.csv"]).read() == b"ancienne"
    assert open_file(tmp_path / "old", "a.csv").read() == b"nouvelle"


def edition(folder: Path, text: str) -> Path:
    for number in range(4):
        write(folder / f"donnees/{number}.csv", f"{text} {number}")
    return folder


def packed_bytes(folder: Path) -> bytes:
    archive, size = pack(folder, folder.parent)
    with archive:
        content = archive.read()
    assert len(content) == size
    return content


def test_an_archive_holds_the_edition_and_nothing_else(tmp_path):
    folder = edition(tmp_path / "ici", "un")
    (folder / "lien.csv").symlink_to(tmp_path / "secret")
    write(tmp_path / "secret", SECRET)
    content = packed_bytes(folder)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert packed.testzip() is None
        assert packed.namelist() == [f"donnees/{number}.csv" for number in range(4)]
        assert packed.read("donnees/2.csv") == b"un 2"
    assert packed_bytes(folder) == content


@pytest.mark.parametrize("how", ["exchanged", "removed", "emptied"])
def test_an_archive_never_mixes_two_editions(tmp_path, monkeypatch, how):
    """The edition changes after the second file is read: no archive comes of it."""
    folder, other = edition(tmp_path / "ici", "un"), edition(tmp_path / "suite", "deux")
    added, original = [], packing._add

    def adding(packed, root, name, status):
        original(packed, root, name, status)
        added.append(name)
        if len(added) == 2 and how == "exchanged":
            exchange_folders(other, folder)
        elif len(added) == 2 and how == "removed":
            folder.rename(tmp_path / "parti")
        elif len(added) == 2:
            (folder / "donnees/0.csv").unlink()

    monkeypatch.setattr(packing, "_add", adding)
    with pytest.raises(ReplacedError):
        pack(folder, tmp_path)
    monkeypatch.undo()
    if how == "exchanged":
        with zipfile.ZipFile(io.BytesIO(packed_bytes(folder))) as packed:
            assert {packed.read(name)[:4] for name in packed.namelist()} == {b"deux"}
