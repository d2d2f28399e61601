import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from observatory.sources.archives import ArchiveError, ArchiveLimits, extract_member, read_member

TABLE = b"CODGEO;P18_POP\n62498;31606\n" * 500
SMALL = ArchiveLimits(member_bytes=200_000, ratio=50, ratio_from_bytes=50_000, members=20)


def _zip(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return path


@pytest.fixture
def comparateur(tmp_path) -> Path:
    members = {
        "base_cc_comparateur.CSV": TABLE,
        "meta_base_cc_comparateur.CSV": b"COD_VAR;LIB_VAR\n",
        "lisez_moi/notice.txt": b"notice",
    }
    return _zip(tmp_path / "comparateur.zip", members)


@pytest.mark.parametrize(
    "pattern",
    ["base_cc_comparateur.CSV", "base_cc_comparateur.csv", "BASE_*.csv", "base_cc_comparateur.???"],
)
def test_member_is_found_whatever_the_letter_case(comparateur, pattern):
    assert read_member(comparateur, pattern) == TABLE


@pytest.mark.parametrize("pattern", ["notice.txt", "*/notice.txt", "Lisez_moi/NOTICE.txt", "*.txt"])
def test_member_of_a_folder_is_found_by_its_last_part_or_its_path(comparateur, pattern):
    assert read_member(comparateur, pattern) == b"notice"


def test_exact_name_wins_over_its_reading_as_a_pattern(tmp_path):
    path = _zip(tmp_path / "a.zip", {"base[1].csv": b"exact", "base1.csv": b"pattern"})
    assert read_member(path, "base[1].csv") == b"exact"


def test_several_candidates_are_listed(comparateur):
    with pytest.raises(ArchiveError) as raised:
        read_member(comparateur, "*.csv")
    assert raised.value.cause == (
        "«\u202f*.csv\u202f» désigne 2 fichiers au lieu d’un\u202f; candidats\u202f: "
        "base_cc_comparateur.CSV, meta_base_cc_comparateur.CSV."
    )


def test_absent_member_lists_what_is_there(comparateur):
    with pytest.raises(ArchiveError) as raised:
        read_member(comparateur, "base_2022.csv")
    assert "désigne 0 fichiers" in raised.value.cause and "lisez_moi/notice.txt" in raised.value.cause
    assert str(raised.value).startswith("Archive «\u202fcomparateur.zip\u202f»\u202f: ")


def test_folder_is_no_member(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.mkdir("donnees")
    with pytest.raises(ArchiveError, match="entrées de l’archive\u202f: aucune"):
        read_member(path, "donnees*")


def test_member_is_streamed_to_a_file_that_appears_whole(comparateur, tmp_path):
    target = tmp_path / "out" / "base.csv"
    assert extract_member(comparateur, "base*.csv", target) == "base_cc_comparateur.CSV"
    assert target.read_bytes() == TABLE
    assert [path.name for path in target.parent.iterdir()] == ["base.csv"]


@pytest.mark.parametrize(
    "name",
    [
        "../base.csv",
        "/etc/base.csv",
        "a/../../base.csv",
        "..\\base.csv",
        "C:\\base.csv",
        "\\\\host\\base.csv",
    ],
)
def test_archive_with_a_name_that_leaves_it_is_refused_whole(tmp_path, name):
    path = _zip(tmp_path / "a.zip", {"base.csv": TABLE, name: b"x"})
    with pytest.raises(ArchiveError, match="sort de l’archive"):
        extract_member(path, "base.csv", tmp_path / "out" / "base.csv")
    assert list((tmp_path / "out").iterdir()) == []


def test_folders_written_with_backslashes_are_read(tmp_path):
    path = _zip(tmp_path / "a.zip", {"donnees\\base.csv": TABLE})
    assert read_member(path, "base.csv") == TABLE == read_member(path, "donnees/base.csv")


def test_bomb_is_refused_by_its_announced_size(tmp_path):
    path = _zip(tmp_path / "a.zip", {"base.csv": b"0" * 200_001})
    with pytest.raises(
        ArchiveError, match="annonce 200\u202f001 octets, au-delà de la limite de 200\u202f000"
    ):
        extract_member(path, "base.csv", tmp_path / "out.csv", SMALL)
    assert not (tmp_path / "out.csv").exists()


def test_bomb_is_refused_by_its_ratio(tmp_path):
    path = _zip(tmp_path / "a.zip", {"base.csv": b"0" * 100_000})
    with pytest.raises(ArchiveError, match="plus de 50 fois"):
        read_member(path, "base.csv", SMALL)


def test_small_repetitive_file_is_no_bomb(tmp_path):
    body = b"0" * 50_000
    assert read_member(_zip(tmp_path / "a.zip", {"base.csv": body}), "base.csv", SMALL) == body


def test_bomb_that_announces_less_is_refused(tmp_path):
    path = _zip(tmp_path / "a.zip", {"base.csv": b"0" * 1_000_000})
    real, false = (1_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    content = path.read_bytes()
    assert content.count(real) == 2, "in the local header and in the directory"
    path.write_bytes(content.replace(real, false))
    with pytest.raises(ArchiveError, match="abîmée"):
        read_member(path, "base.csv", SMALL)


def test_archive_of_too_many_entries_is_refused(tmp_path):
    path = _zip(tmp_path / "a.zip", {f"{number}.csv": b"" for number in range(21)})
    with pytest.raises(ArchiveError, match="21 entrées, au-delà de la limite de 20"):
        read_member(path, "1.csv", SMALL)


def test_encrypted_member_is_refused(tmp_path):
    path = _zip(tmp_path / "a.zip", {"base.csv": TABLE})
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 0x1
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match="est chiffré"):
        read_member(path, "base.csv")


def test_symbolic_link_is_refused(tmp_path):
    path, link = tmp_path / "a.zip", zipfile.ZipInfo("base.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ArchiveError, match="lien symbolique"):
        read_member(path, "base.csv")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_whose_memory_is_not_bounded_are_refused(tmp_path, method):
    path = _zip(tmp_path / "a.zip", {"base.csv": TABLE}, method)
    with pytest.raises(ArchiveError, match="méthode non prise en charge"):
        read_member(path, "base.csv")


@pytest.mark.parametrize("body", [b"", b"<html>maintenance</html>", b"PK\x03\x04"])
def test_what_is_no_archive_is_refused(tmp_path, body):
    (tmp_path / "a.zip").write_bytes(body)
    with pytest.raises(ArchiveError, match="illisible, incomplète ou abîmée"):
        read_member(tmp_path / "a.zip", "base.csv")


def test_damaged_content_is_refused_and_leaves_no_file(tmp_path):
    path = _zip(tmp_path / "a.zip", {"base.csv": TABLE}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[2000] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match="abîmée"):
        extract_member(path, "base.csv", tmp_path / "out" / "base.csv")
    assert list((tmp_path / "out").iterdir()) == []


@given(cut=st.integers(0, 400), flips=st.lists(st.integers(0, 400), max_size=3))
@example(cut=0, flips=[163])
def test_no_damage_gives_another_content(tmp_path_factory, cut, flips):
    path = _zip(tmp_path_factory.mktemp("zip") / "a.zip", {"base.csv": TABLE[:3000]})
    content = bytearray(path.read_bytes())
    for place in flips:
        content[place % len(content)] ^= 0x55
    path.write_bytes(bytes(content[: len(content) - cut]) if cut < len(content) else b"")
    try:
        assert read_member(path, "base.csv") == TABLE[:3000]
    except ArchiveError as error:
        assert error.remedy
