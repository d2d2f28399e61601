"""The steps of a session, in processes of their own: what they stage is one, and nothing of it is lost."""

import multiprocessing
from pathlib import Path

import polars as pl
import pytest

from observatory.paths import DataPaths
from observatory.sessions import Session
from observatory.staging import NoSessionError, Staging
from observatory.warehouse import read_table

STEPS, TURNS = 4, 12


@pytest.fixture
def paths(tmp_path):
    return DataPaths(tmp_path)


def stage_rows(root: Path, step: int) -> None:
    with Staging(DataPaths(root), "run") as staging:
        for turn in range(TURNS):
            part = f"{step}-{turn}"
            staging.replace_rows("x.parts", pl.DataFrame({"part": [part]}), "part", [part])


def test_steps_that_replace_rows_of_one_table_at_once_keep_those_of_all(paths):
    with Session(paths, "run") as session:
        spawn = multiprocessing.get_context("spawn")
        steps = [spawn.Process(target=stage_rows, args=(paths.root, step)) for step in range(STEPS)]
        for step in steps:
            step.start()
        for step in steps:
            step.join()
        assert [step.exitcode for step in steps] == [0] * STEPS
        session.commit()
    kept = read_table(paths, "x.parts")["part"].sort().to_list()
    assert kept == sorted(f"{step}-{turn}" for step in range(STEPS) for turn in range(TURNS))


def test_a_step_reads_what_another_has_staged_and_leaves_it_to_the_session(paths):
    with Session(paths, "before") as session:
        session.write("x.old", pl.DataFrame({"n": [1]}))
        session.commit()
    with Session(paths, "run") as session:
        with Staging(paths, "run") as first:
            first.write("x.new", pl.DataFrame({"n": [2]}))
        with Staging(paths, "run") as second:
            assert second.read("x.new")["n"].to_list() == [2]
            assert second.read("x.old")["n"].to_list() == [1]
            second.write("x.old", pl.DataFrame({"n": [3]}))
        assert read_table(paths, "x.old")["n"].to_list() == [1]
        session.commit()
    assert read_table(paths, "x.old")["n"].to_list() == [3]
    assert read_table(paths, "x.new")["n"].to_list() == [2]


def test_a_step_of_a_session_that_is_over_stages_nothing(paths, tmp_path):
    """Its run was killed and the next one has cleared its folder, or its worker sees another data folder."""
    with Session(paths, "run"):
        late = Staging(paths, "run")
        late.write("x.new", pl.DataFrame({"n": [1]}))
        elsewhere = Staging(DataPaths(tmp_path / "elsewhere"), "run")
        with pytest.raises(NoSessionError, match="OBSERVATORY_DATA"):
            elsewhere.read("x.new")
    for use in (
        lambda: late.write("x.new", pl.DataFrame({"n": [1]})),
        lambda: late.read("x.new"),
        lambda: late.has("x.new"),
        lambda: late.replace_rows("x.new", pl.DataFrame({"n": [1]}), "n", ["1"]),
    ):
        with pytest.raises(NoSessionError, match="rien n’est publié"):
            use()
    assert not late.folder.exists()
