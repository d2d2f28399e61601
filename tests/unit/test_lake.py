"""A shared warehouse for real: a PostgreSQL of the tests' own, several data folders, several processes."""

import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest
from postgres import Cluster, running_cluster

from observatory.lake import (
    Lake,
    LakeUnavailableError,
    UnknownReleaseError,
    WarehouseConflictError,
    create_lake,
)
from observatory.paths import DataPaths
from observatory.sessions import HeldEditionError, Session
from observatory.staging import Staging
from observatory.warehouse import MissingTableError, open_warehouse, published_tables, read_table

WORKER = Path(__file__).with_name("lake_worker.py")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as running:
        yield running


@pytest.fixture
def words(cluster, tmp_path):
    """Return the words of a new shared warehouse."""
    reached = cluster.database()
    create_lake(reached, str(tmp_path / "files"))
    return reached


@pytest.fixture
def paths(words, tmp_path):
    return DataPaths(tmp_path / "anne", lake=words)


@pytest.fixture
def others(words, tmp_path):
    """Return the data folder of another machine, on the same warehouse."""
    return DataPaths(tmp_path / "zoe", lake=words)


def publish(paths, generation, release=None, session_id="first"):
    with Session(paths, session_id) as session:
        session.write("x.generation", pl.DataFrame({"n": [generation]}))
        session.write("confidential.generation", pl.DataFrame({"n": [generation]}))
        session.site.mkdir()
        (session.site / "index.html").write_text(str(generation))
        session.commit(release)


def generation(paths, **options):
    return read_table(paths, "x.generation", **options)["n"].to_list()


def test_tables_are_shared_and_the_rest_stays(paths, others):
    publish(paths, 1)
    assert generation(others) == [1]
    assert (paths.site / "index.html").read_text() == "1"
    assert not others.site.exists()
    assert not paths.database.exists()


def test_a_step_elsewhere_reads_the_moment_when_its_session_began(paths, others):
    publish(paths, 1)
    with Session(paths, "run") as session:
        publish(others, 2)
        with Staging(paths, "run") as step:
            assert step.read("x.generation")["n"].to_list() == [1]
            assert session.read("x.generation")["n"].to_list() == [1]
            step.write("x.other", pl.DataFrame({"n": [3]}))
        session.commit()
    assert generation(others) == [2]
    assert read_table(others, "x.other")["n"].to_list() == [3]


def test_no_individual_row_goes_to_the_shared_warehouse(paths, others, tmp_path):
    publish(paths, 1)
    assert published_tables(others) == {"x.generation"}
    assert published_tables(paths) == {"x.generation", "confidential.generation"}
    assert stat.S_IMODE(paths.confidential_database.stat().st_mode) == 0o600
    with pytest.raises(MissingTableError):
        read_table(others, "confidential.generation")
    assert not [path for path in (tmp_path / "files").rglob("*") if "confidential" in str(path)]


def test_a_frame_comes_back_as_it_was(paths):
    """Every type that the contracts use, absences, more rows than the catalogue would keep itself."""
    frame = pl.DataFrame(
        {
            "text": ["cité", None, 'l\'eau "vive"', ""] * 500,
            "whole": [1, None, -3, 2**40] * 500,
            "small": pl.Series([1, 2, None, 4] * 500, dtype=pl.Int32),
            "real": [0.1, None, -0.0, 1e300] * 500,
            "flag": [True, False, None, True] * 500,
            "list": [["a", "b"], [], None, ["c"]] * 500,
        }
    ).with_columns(day=pl.date(2026, 1, 31))
    with Session(paths, "first") as session:
        session.write("x.large", frame)
        session.write("x.small", frame.head(4))
        session.write("x.empty", frame.clear())
        session.commit()
    for name, expected in (("large", frame), ("small", frame.head(4)), ("empty", frame.clear())):
        assert read_table(paths, f"x.{name}").equals(expected), name
        assert read_table(paths, f"x.{name}").schema == expected.schema


def test_descriptions_of_the_contracts_travel_with_the_tables(paths):
    axes = pl.DataFrame({"axis": [1], "eigenvalue": [2.0], "explained_variance": [60.0], "kept": [True]})
    with Session(paths, "first") as session:
        session.write("typology.axes", axes)
        session.commit()
    with open_warehouse(paths) as reader:
        comments = reader.sql(
            "SELECT comment FROM duckdb_columns() WHERE database_name = 'published' AND table_name = 'axes'"
        ).fetchall()
    assert len(comments) == 4
    assert all(comment for (comment,) in comments)


def test_a_reader_and_a_session_keep_the_moment_when_they_began(paths, others):
    publish(paths, 1)
    with open_warehouse(others) as reader, Session(others, "second") as session:
        publish(paths, 2)
        assert reader.sql("SELECT n FROM x.generation").fetchall() == [(1,)]
        assert session.read("x.generation")["n"].to_list() == [1]
        assert generation(others) == [2]


def test_who_reads_cannot_write(paths):
    publish(paths, 1)
    with open_warehouse(paths) as reader, pytest.raises(duckdb.Error, match="read-only"):
        reader.sql("DELETE FROM x.generation")


def test_writers_of_distinct_tables_do_not_see_each_other(paths, others):
    with Session(paths, "one") as first, Session(others, "two") as second:
        first.write("x.a", pl.DataFrame({"n": [1]}))
        second.write("x.b", pl.DataFrame({"n": [2]}))
        first.commit()
        second.commit()
    assert read_table(paths, "x.a")["n"].to_list() == [1]
    assert read_table(paths, "x.b")["n"].to_list() == [2]


def test_of_two_writers_of_a_table_the_second_is_told_and_publishes_nothing(paths, others):
    publish(paths, 1)
    publish(others, 1, session_id="zoe")
    with Session(others, "slow") as slow:
        slow.write("x.generation", pl.DataFrame({"n": [3]}))
        slow.write("x.other", pl.DataFrame({"n": [3]}))
        slow.site.mkdir()
        (slow.site / "index.html").write_text("3")
        publish(paths, 2, session_id="fast")
        with pytest.raises(WarehouseConflictError, match=r"x\.generation"):
            slow.commit()
    assert generation(others) == [2]
    assert "x.other" not in published_tables(others)
    assert (others.site / "index.html").read_text() == "1"
    assert not list((others.warehouse / "sessions").iterdir())
    publish(others, 3, session_id="again")
    assert generation(paths) == [3]


def test_rows_that_another_program_adds_are_not_overwritten(paths, words):
    """An analyst's own client, which knows nothing of sessions."""
    publish(paths, 1)
    with Session(paths, "second") as session:
        session.write("x.generation", pl.DataFrame({"n": [2]}))
        with Lake(words) as client:
            client.connection().execute("INSERT INTO lake.x.generation VALUES (7)")
        with pytest.raises(WarehouseConflictError, match=r"x\.generation"):
            session.commit()
    assert sorted(generation(paths)) == [1, 7]


def test_two_processes_that_write_at_once_lose_nothing(paths, others, words):
    """Each adds three parts to one table, and again where the other was first."""
    count = 3
    processes = [
        subprocess.Popen(
            [sys.executable, WORKER, "parts", data.root, words, name, str(count)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, data in (("a", paths), ("z", others))
    ]
    said = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    found = read_table(paths, "x.shared")
    assert sorted(found.rows()) == sorted((f"{name}{n}", n) for name in "az" for n in range(count))
    assert read_table(paths, "x.own_a")["n"].to_list() == [count - 1]
    assert read_table(paths, "x.own_z")["n"].to_list() == [count - 1]


MOMENTS = {"before the lake commits": 1, "once the lake has committed": 2}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_by_the_system_in_the_middle_of_a_publication(paths, others, words, moment):
    """Readers see one whole generation, and the next session brings the site to the same one."""
    publish(paths, 1)
    done = subprocess.run([sys.executable, WORKER, "die", paths.root, words, moment], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    expected = MOMENTS[moment]
    assert generation(others) == [expected]
    assert (paths.site / "index.html").read_text() == "1"
    with Session(paths, "next"):
        pass
    assert generation(others) == [expected]
    assert (paths.site / "index.html").read_text() == str(expected)
    assert not list((paths.warehouse / "sessions").iterdir())


def test_releases_are_read_as_they_were(paths, others):
    publish(paths, 1, "2025-1")
    publish(others, 2, "2025-1", session_id="corrected")
    publish(paths, 3, "2026-1", session_id="third")
    publish(paths, 4, session_id="fourth")
    assert generation(others, release="2025-1") == [2]
    assert generation(others, release="2026-1") == [3]
    assert generation(others) == [4]
    with open_warehouse(paths, "2025-1") as reader:
        assert reader.sql("SELECT n FROM x.generation").fetchall() == [(2,)]
    with pytest.raises(UnknownReleaseError, match=r"2025-1, 2026-1"):
        generation(paths, release="2024-1")


def test_a_file_has_no_former_release(tmp_path):
    paths = DataPaths(tmp_path)
    publish(paths, 1, "2026-1")
    with pytest.raises(UnknownReleaseError, match="OBSERVATORY_WAREHOUSE"):
        generation(paths, release="2026-1")


def test_old_publications_are_forgotten_but_those_of_releases(paths, words):
    for number in range(1, 6):
        publish(paths, number, "2025-1" if number < 3 else None, session_id=str(number))
    with Lake(words) as lake:
        assert lake.expire(1) == 0
        # Nothing is older than the future.
        assert lake.expire(-1) == 4
        kept = [(snapshot.release, snapshot.number) for snapshot in lake.snapshots()]
    assert kept == [("2025-1", 2), (None, 5)]
    assert generation(paths, release="2025-1") == [2]
    publish(paths, 6, session_id="6")
    assert generation(paths) == [6]


def test_a_base_without_warehouse_says_how_to_create_it(cluster, tmp_path):
    paths = DataPaths(tmp_path, lake=cluster.database())
    with pytest.raises(LakeUnavailableError, match="observatory warehouse create"):
        read_table(paths, "x.t")
    with Session(replace(paths, lake=None), "first"):
        pass


def test_a_base_has_one_warehouse(words, tmp_path):
    create_lake(words, str(tmp_path / "files"))
    with pytest.raises(LakeUnavailableError):
        create_lake(words, str(tmp_path / "elsewhere"))


def test_without_postgresql_the_error_says_what_to_check(cluster, tmp_path):
    paths = DataPaths(tmp_path, lake=f"host={tmp_path} dbname=lake connect_timeout=2")
    for attempt in (lambda: read_table(paths, "x.t"), lambda: Session(paths, "first").__enter__()):
        with pytest.raises(LakeUnavailableError, match="ne répond pas") as raised:
            attempt()
        assert str(tmp_path) in str(raised.value)
        assert "Vérifiez que PostgreSQL est démarré" in str(raised.value)
    # The lock was given back: the same folder can be used.
    with Session(replace(paths, lake=None), "second"):
        pass


def test_postgresql_that_stops_in_the_middle_of_a_session_loses_nothing(cluster, paths):
    publish(paths, 1)
    with pytest.raises(LakeUnavailableError), Session(paths, "second") as session:
        session.write("x.generation", pl.DataFrame({"n": [2]}))
        session.site.mkdir()
        (session.site / "index.html").write_text("2")
        cluster.stop()
        try:
            session.commit()
        finally:
            cluster.start()
    with Session(paths, "third"):
        pass
    assert generation(paths) == [1]
    assert (paths.site / "index.html").read_text() == "1"
    assert not list((paths.warehouse / "sessions").iterdir())


def hold(paths, number):
    with Session(paths, f"held-{number}") as session:
        session.write("x.generation", pl.DataFrame({"n": [number]}))
        session.write("confidential.generation", pl.DataFrame({"n": [number]}))
        session.site.mkdir()
        (session.site / "index.html").write_text(str(number))
        session.hold()


def test_an_edition_under_embargo_is_shared_at_its_hour_only(paths, others):
    publish(paths, 1, "2026-1")
    hold(paths, 2)
    assert generation(others) == [1]
    assert generation(paths) == [1]
    assert (paths.site / "index.html").read_text() == "1"
    with Session(paths, "hour") as session:
        session.release_held("2026-2")
    assert generation(others) == generation(others, release="2026-2") == [2]
    assert read_table(paths, "confidential.generation")["n"].to_list() == [2]
    assert (paths.site / "index.html").read_text() == "2"
    assert not paths.under_embargo.exists()


def test_what_others_published_meanwhile_bars_an_edition_that_waits(paths, others):
    hold(paths, 2)
    publish(others, 3)
    with pytest.raises(HeldEditionError, match="observatory run"), Session(paths, "hour") as session:
        session.release_held("2026-2")
    assert generation(paths) == [3]
    assert (paths.under_embargo / "site" / "index.html").read_text() == "2"


def test_an_edition_whose_hour_finds_no_postgresql_still_waits(cluster, paths):
    publish(paths, 1)
    hold(paths, 2)
    with pytest.raises(LakeUnavailableError), Session(paths, "hour") as session:
        cluster.stop()
        try:
            session.release_held("2026-2")
        finally:
            cluster.start()
    with Session(paths, "again") as session:
        session.release_held("2026-2")
    assert generation(paths, release="2026-2") == [2]
    assert (paths.site / "index.html").read_text() == "2"


def test_without_the_extensions_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("observatory.lake._extension", lambda name: str(tmp_path / name))
    with pytest.raises(LakeUnavailableError, match=r"pip install .*\.\[lake\]"):
        Lake("dbname=lake")


KEYS = {
    "AWS_ACCESS_KEY_ID": "identifiant-secret",
    "AWS_SECRET_ACCESS_KEY": "clef-secrete",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "PGPASSWORD": "mot-de-passe",
}


def test_a_store_of_objects_asks_for_its_keys_and_no_error_shows_them(cluster, monkeypatch, tmp_path):
    """A store that does not answer: the port is one that nothing listens on."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    paths = DataPaths(tmp_path, lake=cluster.database())
    create_lake(paths.lake, "s3://observatoire/tables")
    with pytest.raises(LakeUnavailableError) as raised, Session(paths, "first") as session:
        session.write("x.t", pl.DataFrame({"n": range(1000)}))
        session.commit()
    assert paths.lake in str(raised.value)
    assert not any(value in str(raised.value) for value in KEYS.values() if "//" not in value)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(LakeUnavailableError, match="Donnez les variables AWS_ACCESS_KEY_ID"):
        read_table(paths, "x.t")
