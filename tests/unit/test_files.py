import errno
import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observatory import files
from observatory.files import exchange_folders, sha256_bytes, sha256_file, write_atomic

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
"""SHA-256 of « abc », as FIPS 180-2 prints it."""


@pytest.fixture
def folders(tmp_path):
    new, current = tmp_path / "new", tmp_path / "current"
    for folder, content in ((new, "new"), (current, "old")):
        folder.mkdir()
        (folder / "page").write_text(content, encoding="utf-8")
    return new, current


def read(folder):
    return (folder / "page").read_text(encoding="utf-8")


def test_fingerprint_is_that_of_the_standard(tmp_path):
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_bytes(b"abc") == sha256_file(tmp_path / "abc") == ABC


@given(st.binary(max_size=300_000))
def test_fingerprint_by_blocks_equals_that_of_the_whole(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("hash") / "file"
    path.write_bytes(content)
    assert sha256_file(path) == hashlib.sha256(content).hexdigest()


def test_write_makes_the_folders_and_replaces_the_file(tmp_path):
    path = tmp_path / "a" / "b" / "file.txt"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, broken):
    path = tmp_path / "file.txt"
    path.write_bytes(b"old")

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(*((files.os, "fsync") if broken == "fsync" else (type(path), "replace")), full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_write_onto_a_folder_leaves_no_partial(tmp_path):
    path = tmp_path / "taken"
    path.mkdir()
    (path / "inside").touch()
    with pytest.raises(OSError, match="taken"):
        write_atomic(path, b"new")
    assert list(tmp_path.iterdir()) == [path]


def test_exchange_swaps_the_two_folders(folders):
    new, current = folders
    exchange_folders(new, current)
    assert (read(current), read(new)) == ("new", "old")


def test_exchange_without_renameat2_ends_the_same(folders, monkeypatch):
    new, current = folders
    monkeypatch.setattr(files, "_rename_exchange", lambda *_: False)
    exchange_folders(new, current)
    assert (read(current), read(new)) == ("new", "old")
    assert sorted(path.name for path in new.parent.iterdir()) == ["current", "new"]


def test_exchange_onto_nothing_moves_the_folder(folders, tmp_path):
    new, _ = folders
    exchange_folders(new, tmp_path / "fresh")
    assert read(tmp_path / "fresh") == "new"
    assert not new.exists()


class FakeLibrary:
    """A C library whose ``renameat2`` fails with a given error."""

    def __init__(self, code):
        self.code = code

    def __call__(self, *_args, **_kwargs):
        return self

    def renameat2(self, *_):
        files.ctypes.set_errno(self.code)
        return -1


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOSYS])
def test_file_system_without_exchange_falls_back(folders, monkeypatch, code):
    new, current = folders
    monkeypatch.setattr(files.ctypes, "CDLL", FakeLibrary(code))
    exchange_folders(new, current)
    assert (read(current), read(new)) == ("new", "old")


def test_system_without_the_call_falls_back(folders, monkeypatch):
    new, current = folders
    monkeypatch.setattr(files.ctypes, "CDLL", lambda *_args, **_kwargs: object())
    exchange_folders(new, current)
    assert (read(current), read(new)) == ("new", "old")


def test_other_failures_are_raised_and_move_nothing(folders, monkeypatch):
    new, current = folders
    monkeypatch.setattr(files.ctypes, "CDLL", FakeLibrary(errno.EACCES))
    with pytest.raises(PermissionError, match="current"):
        exchange_folders(new, current)
    assert (read(current), read(new)) == ("old", "new")
