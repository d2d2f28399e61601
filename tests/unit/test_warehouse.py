"""Sessions: whole or nothing, whatever happens in between."""

import os
import stat

import duckdb
import polars as pl
import pytest

from observatory import sessions
from observatory.paths import DataPaths
from observatory.sessions import Session, WarehouseBusyError
from observatory.tables import ContractError
from observatory.warehouse import MissingTableError, read_table


@pytest.fixture
def paths(tmp_path):
    return DataPaths(tmp_path)


def publish(paths, generation, session_id="first"):
    """Publish one generation: a public table, a confidential one, a site and an edition that all name it."""
    with Session(paths, session_id) as session:
        stage(session, generation)
        session.commit()


def stage(session, generation):
    session.write("x.generation", pl.DataFrame({"n": [generation]}))
    session.write("confidential.generation", pl.DataFrame({"n": [generation]}))
    session.site.mkdir()
    (session.site / "index.html").write_text(str(generation))
    (session.partners / "epci").mkdir(parents=True)
    (session.partners / "epci" / "index.html").write_text(str(generation))


def generations(paths):
    return (
        read_table(paths, "x.generation")["n"].to_list(),
        read_table(paths, "confidential.generation")["n"].to_list(),
        (paths.site / "index.html").read_text(),
        (paths.partners / "epci" / "index.html").read_text(),
    )


def test_what_is_staged_is_published_together(paths):
    publish(paths, 1)
    assert generations(paths) == ([1], [1], "1", "1")
    publish(paths, 2)
    assert generations(paths) == ([2], [2], "2", "2")


def test_tables_that_are_not_staged_are_kept(paths):
    publish(paths, 1)
    with Session(paths, "second") as session:
        session.write("y.other", pl.DataFrame({"n": [7]}))
        session.commit()
    assert generations(paths) == ([1], [1], "1", "1")
    assert read_table(paths, "y.other")["n"].to_list() == [7]


def test_leaving_without_commit_publishes_nothing(paths):
    publish(paths, 1)
    before = paths.database.read_bytes()
    with Session(paths, "second") as session:
        stage(session, 2)
    assert paths.database.read_bytes() == before
    assert generations(paths) == ([1], [1], "1", "1")
    assert not list((paths.warehouse / "sessions").iterdir())


def test_a_reader_keeps_the_file_it_opened(paths):
    publish(paths, 1)
    with duckdb.connect(str(paths.database), read_only=True) as reader:
        publish(paths, 2)
        assert reader.sql("SELECT n FROM x.generation").fetchall() == [(1,)]
        assert generations(paths) == ([2], [2], "2", "2")


def test_two_writers_cannot_be_there_at_once(paths):
    with (
        Session(paths, "first"),
        pytest.raises(WarehouseBusyError, match=str(os.getpid())),
        Session(paths, "second"),
    ):
        pass
    publish(paths, 3)


def test_individual_data_are_for_their_owner_only(paths):
    previous = os.umask(0)
    try:
        publish(paths, 1)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(paths.confidential_database.stat().st_mode) == 0o600
    assert stat.S_IMODE((paths.warehouse / "sessions").stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths.partners.rglob("*")}
    assert modes == {"epci": 0o700, "index.html": 0o600}
    assert stat.S_IMODE(paths.partners.stat().st_mode) == 0o700


def test_an_edition_that_is_no_longer_staged_is_gone(paths):
    publish(paths, 1)
    with Session(paths, "second") as session:
        session.partners.mkdir()
        session.commit()
    assert list(paths.partners.iterdir()) == []
    assert (paths.site / "index.html").read_text() == "1"


def test_public_database_holds_no_confidential_table(paths):
    publish(paths, 1)
    with duckdb.connect(str(paths.database), read_only=True) as reader:
        names = reader.sql("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
    assert names == [("x", "generation")]


def test_partitions_are_replaced_one_by_one(paths):
    with Session(paths, "first") as session:
        session.replace_rows("x.t", pl.DataFrame({"v": ["a", "b"], "n": [1, 2]}), "v", ["a", "b"])
        session.commit()
    with Session(paths, "second") as session:
        session.replace_rows("x.t", pl.DataFrame({"v": ["b"], "n": [20]}), "v", ["b"])
        session.commit()
    assert read_table(paths, "x.t").rows() == [("a", 1), ("b", 20)]


def test_a_table_never_made_says_what_to_do(paths):
    with pytest.raises(MissingTableError, match="make run"):
        read_table(paths, "core.territories")


def test_a_contract_is_enforced_when_staging(paths):
    with Session(paths, "first") as session, pytest.raises(ContractError, match=r"core\.files"):
        session.write("core.files", pl.DataFrame({"file_id": ["a"]}))


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the session's own clean-up runs after it."""


STEPS = {
    "while a database is built": ("build_database", 0),
    "before the mark": ("fsync_folder", 0),
    "when the mark is set": ("_publish", 0),
    "before the site": ("exchange_folders", 0),
    "after the site": ("exchange_folders", 1),
    "after the last folder": ("exchange_folders", 2),
}


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_of_the_commit(paths, monkeypatch, step):
    """After the kill and the next session, everything is of one generation, and that one is whole."""
    name, after = STEPS[step]
    publish(paths, 1)
    session = Session(paths, "killed")
    session.__enter__()
    stage(session, 2)
    original, calls = getattr(sessions, name), []

    def killed(*arguments):
        calls.append(arguments)
        if len(calls) <= after:
            original(*arguments)
        if len(calls) >= after:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(sessions, name, killed)
        with pytest.raises(Killed):
            session.commit()
    session._held.close()
    assert (paths.site / "index.html").read_text() in ("1", "2")

    with Session(paths, "next"):
        pass
    finished = step not in ("while a database is built", "before the mark")
    expected = 2 if finished else 1
    assert generations(paths) == ([expected], [expected], str(expected), str(expected))
    assert not list((paths.warehouse / "sessions").iterdir())


def test_contract_descriptions_travel_in_the_database(paths):
    frame = pl.DataFrame(
        {
            "axis": [1],
            "eigenvalue": [2.0],
            "explained_variance": [60.0],
            "kept": [True],
        }
    )
    with Session(paths, "first") as session:
        session.write("typology.axes", frame)
        session.commit()
    with duckdb.connect(str(paths.database), read_only=True) as reader:
        comments = reader.sql("SELECT comment FROM duckdb_columns() WHERE table_name = 'axes'").fetchall()
    assert all(comment for (comment,) in comments)
