"""Where the public tables are: one setting, read once, and refused where it cannot be followed."""

from pathlib import Path

import polars as pl
import pytest

from observatory.paths import WarehouseSettingError, data_paths, parse_warehouse
from observatory.sessions import Session
from observatory.warehouse import read_table


def test_without_setting_the_database_is_in_the_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("OBSERVATORY_DATA", str(tmp_path))
    monkeypatch.delenv("OBSERVATORY_WAREHOUSE", raising=False)
    assert data_paths().database == tmp_path / "warehouse" / "observatory.duckdb"
    assert data_paths().lake is None


def test_a_file_takes_the_public_tables_and_leaves_the_individual_ones(monkeypatch, tmp_path):
    monkeypatch.setenv("OBSERVATORY_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("OBSERVATORY_WAREHOUSE", str(tmp_path / "elsewhere" / "tables.duckdb"))
    paths = data_paths()
    with Session(paths, "first") as session:
        session.write("x.t", pl.DataFrame({"n": [1]}))
        session.write("confidential.t", pl.DataFrame({"n": [2]}))
        session.commit()
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["tables.duckdb"]
    assert (tmp_path / "data" / "warehouse" / "individual.duckdb").exists()
    assert not (tmp_path / "data" / "warehouse" / "observatory.duckdb").exists()
    assert read_table(paths, "x.t")["n"].to_list() == [1]


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no second file system on this machine")
def test_a_file_on_another_file_system_is_refused_before_anything_is_written(monkeypatch, tmp_path):
    if Path("/dev/shm").stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("the tests' folder is in memory itself")
    monkeypatch.setenv("OBSERVATORY_DATA", str(tmp_path))
    monkeypatch.setenv("OBSERVATORY_WAREHOUSE", "/dev/shm/tables.duckdb")
    with (
        pytest.raises(WarehouseSettingError, match="autre système de fichiers"),
        Session(data_paths(), "first"),
    ):
        pass
    assert not Path("/dev/shm/tables.duckdb").exists()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("ducklake:postgres:host=base dbname=lake", "host=base dbname=lake"),
        ("ducklake:postgres:postgresql://anne@base:5432/lake", "postgresql://anne@base:5432/lake"),
    ],
)
def test_a_lake_is_reached_by_the_words_of_libpq(setting, words):
    assert parse_warehouse(setting) == (None, words)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("ducklake:postgres:", "Écrivez par exemple"),
        ("ducklake:tables.ducklake", "Écrivez par exemple"),
        ("ducklake:sqlite:tables.db", "Écrivez par exemple"),
        ("postgres:dbname=lake", "Choix possibles"),
        ("tables.db", "Choix possibles"),
        ("ducklake:postgres:dbname=lake password=abc123xyz", "PGPASSWORD"),
        ("ducklake:postgres:dbname=lake PASSWORD = 'abc123xyz'", "PGPASSWORD"),
        ("ducklake:postgres:postgresql://anne:abc123xyz@base/lake", "PGPASSWORD"),
    ],
)
def test_another_setting_is_refused_and_no_password_is_repeated(setting, said):
    with pytest.raises(WarehouseSettingError, match=said) as raised:
        parse_warehouse(setting)
    assert "abc123xyz" not in str(raised.value)
