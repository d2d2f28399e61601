"""Where a run may look for file sources."""

from datetime import UTC, datetime, timedelta

import pytest
import xlsxwriter

from observatory.paths import DataPaths
from observatory.sources.catalogue import UnknownSourceError, get_source
from observatory.sources.obtaining import (
    EMBEDDED,
    MODE_VARIABLE,
    Mode,
    UnknownModeError,
    current_mode,
    file_sources,
    is_offered,
    lacking,
    obtain,
    offered,
    parse_mode,
    state_of,
    value_sources,
    wanted,
)
from observatory.sources.requesting import FetchError
from observatory.sources.snapshots import keep

RPLS = "sdes_rpls"


@pytest.fixture
def paths(tmp_path):
    return DataPaths(tmp_path / "data")


@pytest.fixture
def small_mirror(tmp_path):
    """A mirror that holds one file, whose content is not the one that the catalogue knows."""
    file = tmp_path / "mirror" / get_source(RPLS).data_file("2024").mirror
    file.parent.mkdir(parents=True)
    file.write_text("DEPCOM_ARM,nb_ls\n62498,1\n")
    return tmp_path / "mirror"


def test_modes_are_read(tmp_path):
    assert parse_mode("embedded") == EMBEDDED == Mode()
    assert parse_mode("network") == Mode(network=True)
    assert parse_mode(f"mirror={tmp_path}") == Mode(mirror=tmp_path.resolve())


@pytest.mark.parametrize("text", ["", "internet", "mirror=", "mirror"])
def test_unknown_mode_names_those_that_exist(text):
    with pytest.raises(UnknownModeError, match=r"embedded.*network.*mirror=DOSSIER"):
        parse_mode(text)


def test_mirror_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(UnknownModeError, match=r"nulle-part.*n’existe pas"):
        parse_mode(f"mirror={tmp_path / 'nulle-part'}")


def test_environment_chooses_and_embedded_is_the_default(monkeypatch):
    monkeypatch.delenv(MODE_VARIABLE, raising=False)
    assert current_mode() == EMBEDDED
    monkeypatch.setenv(MODE_VARIABLE, "network")
    assert current_mode() == Mode(network=True)


def test_embedded_mode_offers_nothing_but_what_is_dropped(paths):
    assert list(offered(paths, EMBEDDED)) == []
    folder = paths.landing / RPLS / "2024"
    folder.mkdir(parents=True)
    assert not is_offered(get_source(RPLS), "2024", paths, EMBEDDED)
    (folder / "rpls.csv").write_text("DEPCOM_ARM,nb_ls\n62498,1\n")
    assert [(source.id, vintage) for source, vintage in offered(paths, EMBEDDED)] == [(RPLS, "2024")]


def test_dropped_file_wins_over_the_mirror(paths, small_mirror):
    folder = paths.landing / RPLS / "2024"
    folder.mkdir(parents=True)
    (folder / "rpls.csv").write_text("DEPCOM_ARM,nb_ls\n62498,2\n")
    resolved = obtain(get_source(RPLS), "2024", paths, Mode())
    assert resolved.kind == "landing"
    assert resolved.path.read_text().endswith("62498,2\n")


def test_mirror_that_is_not_the_one_of_the_catalogue_is_refused(paths, small_mirror):
    with pytest.raises(FetchError, match="empreinte"):
        obtain(get_source(RPLS), "2024", paths, Mode(mirror=small_mirror))
    assert state_of(get_source(RPLS), "2024", paths, Mode(mirror=small_mirror)) == "disponible"


def test_states_follow_the_file(paths):
    source = get_source(RPLS)
    assert state_of(source, "2024", paths, EMBEDDED) == "absente"
    folder = paths.landing / RPLS / "2024"
    folder.mkdir(parents=True)
    (folder / "rpls.csv").write_text("DEPCOM_ARM,nb_ls\n62498,2\n")
    assert state_of(source, "2024", paths, EMBEDDED) == "disponible"
    kept = obtain(source, "2024", paths, EMBEDDED).path
    assert state_of(source, "2024", paths, EMBEDDED) == "prise"
    kept.chmod(0o644)
    kept.write_text("autre chose")
    assert state_of(source, "2024", paths, EMBEDDED) == "altérée"
    assert state_of(get_source("etalab_decoupage"), "2026", paths, EMBEDDED) == "embarquée"
    assert state_of(get_source("angdm"), "2024", paths, EMBEDDED) == "fictive"


def test_a_kept_file_is_stale_once_its_origin_has_another(paths):
    source, folder = get_source(RPLS), paths.landing / RPLS / "2024"
    folder.mkdir(parents=True)
    (folder / "rpls.csv").write_text("DEPCOM_ARM,nb_ls\n62498,2\n")
    obtain(source, "2024", paths, EMBEDDED)
    (folder / "rpls.csv").write_text("DEPCOM_ARM,nb_ls\n62498,3\n")
    assert state_of(source, "2024", paths, EMBEDDED) == "périmée"
    obtain(source, "2024", paths, EMBEDDED)
    assert state_of(source, "2024", paths, EMBEDDED) == "prise"


def test_a_kept_file_is_stale_once_no_address_has_confirmed_it_for_a_year(paths, tmp_path):
    source = get_source(RPLS)
    file = tmp_path / "rpls.csv"
    file.write_text("DEPCOM_ARM,nb_ls\n62498,2\n")
    names = {"source": RPLS, "vintage": "2024", "kind": "network", "origin": "https://exemple.fr/rpls.csv"}
    keep(file, paths.snapshots, at=datetime.now(UTC) - timedelta(days=401), **names)
    assert state_of(source, "2024", paths, Mode(network=True)) == "périmée"
    assert state_of(source, "2024", paths, EMBEDDED) == "prise"
    keep(file, paths.snapshots, at=datetime.now(UTC), **names)
    assert state_of(source, "2024", paths, Mode(network=True)) == "prise"


def test_the_file_of_the_catalogue_is_verified(paths, mirror):
    source = get_source(RPLS)
    obtain(source, "2024", paths, Mode(mirror=mirror))
    assert state_of(source, "2024", paths, EMBEDDED) == "vérifiée"


def test_a_dropped_original_is_taken_as_one(paths):
    """The producer's workbook where the mirror has text: anything else is refused."""
    source = get_source("insee_populations_legales")
    folder = paths.landing / source.id / "2022"
    folder.mkdir(parents=True)
    with xlsxwriter.Workbook(folder / "ensemble.xlsx") as book:
        book.add_worksheet("Communes").write(0, 0, "Code commune")
    assert obtain(source, "2022", paths, EMBEDDED).path.name == "ensemble.xlsx"
    (folder / "ensemble.xlsx").write_bytes(b"%PDF-1.7")
    with pytest.raises(FetchError, match="PDF"):
        obtain(source, "2022", paths, EMBEDDED)


def test_names_select_vintages():
    assert [(source.id, vintage) for source, vintage in wanted("insee_filosofi", None)] == [
        ("insee_filosofi", "2015"),
        ("insee_filosofi", "2016"),
        ("insee_filosofi", "2021"),
    ]
    assert len(wanted("insee_filosofi", "2021")) == 1
    with pytest.raises(UnknownSourceError, match="observatory sources"):
        wanted("insee_filosofi", "1990")


def test_sources_with_a_parser_of_their_own_have_no_values():
    assert set(value_sources()) < set(file_sources())
    assert {"insee_mortalite", "insee_cog_mouvements", "cog_populations"}.isdisjoint(value_sources())


def test_what_a_mirror_lacks_is_told(paths, small_mirror):
    """The small mirror holds one file of all those that the catalogue expects of a mirror."""
    missing = {(source.id, vintage) for source, vintage in lacking(paths, Mode(mirror=small_mirror))}
    assert ("insee_filosofi", "2021") in missing
    assert (RPLS, "2024") not in missing
    assert not any(source_id == "caf_allocataires" for source_id, _ in missing)
    assert list(lacking(paths, EMBEDDED)) == []


def test_network_lacks_what_has_no_address(paths):
    missing = {source.id for source, _ in lacking(paths, Mode(network=True))}
    assert "cog_populations" in missing
    assert RPLS not in missing
    assert "heritage_communes_mbm" not in missing
