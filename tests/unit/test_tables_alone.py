"""``run --tables``: what is refused before anything is computed, and what the command then says."""

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from assets import perimeter, publishing, running
from assets.cli import app
from assets.definitions import refresh, refresh_tables
from assets.perimeter import PERIMETER_VARIABLE, WithoutPagesError, check_pages
from assets.publishing import TablesAloneError, check_tables_alone
from assets.running import Outcome, run_everything
from observatory.paths import PROJECT, DataPaths
from observatory.rendering.imprint import CARD
from observatory.tables import OBSERVATIONS

BEFORE, AFTER = datetime(2027, 1, 15, 4, tzinfo=UTC), datetime(2027, 1, 15, 5, tzinfo=UTC)


@pytest.fixture
def paths(tmp_path: Path) -> DataPaths:
    """Return data folders whose card sets an embargo until 2027-01-15, 6:00 in Paris."""
    made = DataPaths(tmp_path / "data", tmp_path / "shipped")
    made.reference.mkdir(parents=True)
    card = (
        (PROJECT / "data" / "reference" / CARD).read_text("utf-8").replace("2026-11-25\n", "2027-01-15\n", 1)
    )
    (made.reference / CARD).write_text(f"{card}embargo_until: 2027-01-15T06:00\n", "utf-8")
    return made


@pytest.fixture
def published(paths, monkeypatch):
    """Publish a site and, in their one row, observations of the seven EPCI of COG 2026."""
    paths.site.mkdir(parents=True)
    row = pl.DataFrame({"perimeter": ["sept_epci"], "perimeter_vintage": [2026]})
    monkeypatch.setattr(publishing, "published_tables", lambda _: {OBSERVATIONS.qualified_name})
    monkeypatch.setattr(publishing, "read_table", lambda *_: row)
    return paths


def test_tables_alone_wait_for_an_edition_under_embargo(paths):
    check_tables_alone(paths, BEFORE)
    paths.under_embargo.mkdir(parents=True)
    with pytest.raises(TablesAloneError, match="release publish"):
        check_tables_alone(paths, AFTER)


def test_a_shared_warehouse_shows_no_table_before_the_hour(paths):
    shared = DataPaths(paths.root, paths.shipped, lake="host=base dbname=observatoire")
    with pytest.raises(TablesAloneError, match="OBSERVATORY_WAREHOUSE"):
        check_tables_alone(shared, BEFORE)
    check_tables_alone(shared, AFTER)


@pytest.mark.parametrize("choice", ["france", "hauts_de_france", "mbm", "2021"])
def test_tables_of_another_perimeter_go_to_another_folder_than_the_site(published, monkeypatch, choice):
    monkeypatch.setenv(PERIMETER_VARIABLE, choice)
    with pytest.raises(TablesAloneError, match="OBSERVATORY_DATA"):
        check_tables_alone(published, AFTER)


@pytest.mark.parametrize("choice", [None, "2026"])
def test_tables_of_the_perimeter_of_the_site_may_be_made_again(published, monkeypatch, choice):
    monkeypatch.setenv(PERIMETER_VARIABLE, "2025")
    with pytest.raises(TablesAloneError):
        check_tables_alone(published, AFTER)
    monkeypatch.delenv(PERIMETER_VARIABLE)
    if choice:
        monkeypatch.setenv(PERIMETER_VARIABLE, choice)
    check_tables_alone(published, AFTER)


@pytest.mark.parametrize("choice", ["france", "hauts_de_france"])
def test_a_wide_perimeter_has_no_pages(monkeypatch, choice):
    monkeypatch.setenv(PERIMETER_VARIABLE, choice)
    with pytest.raises(WithoutPagesError, match="ajouter --tables"):
        check_pages()
    monkeypatch.setenv(PERIMETER_VARIABLE, "mbm")
    check_pages()


def command(monkeypatch, *words):
    """Run ``observatory run`` on a chain that only notes what it is asked for."""
    asked: list[dict[str, object]] = []

    def run(_, **options):
        asked.append(options)
        pages = None if options["tables_alone"] else 797
        return Outcome([("Recensement", "2021")], 3, 3, pages, 0, [], [], None)

    monkeypatch.setattr(running, "run_everything", run)
    monkeypatch.setattr(perimeter, "check_available", lambda *_: None)
    monkeypatch.delenv(PERIMETER_VARIABLE, raising=False)
    # The command sets it for what it starts: it must not outlive the test.
    monkeypatch.setenv(PERIMETER_VARIABLE, "2026")
    return CliRunner().invoke(app, ["run", *words]), asked


def test_the_command_says_where_the_tables_are_and_names_no_page(monkeypatch, tmp_path):
    monkeypatch.setenv("OBSERVATORY_DATA", str(tmp_path))
    done, asked = command(monkeypatch, "--tables", "--perimeter", "france")
    assert done.exit_code == 0, done.output
    assert asked == [{"allow_stale": False, "strict": False, "tables_alone": True}]
    assert "Tables publiées, sans site" in done.output
    assert str(tmp_path / "warehouse" / "observatory.duckdb") in done.output.replace("\n", "")
    assert "Pages" not in done.output
    assert "index.html" not in done.output


def test_the_pages_of_france_are_refused_before_anything_is_computed(monkeypatch, tmp_path):
    monkeypatch.setenv("OBSERVATORY_DATA", str(tmp_path))
    monkeypatch.setenv(PERIMETER_VARIABLE, "france")
    with pytest.raises(WithoutPagesError):
        run_everything(print)
    assert list(tmp_path.iterdir()) == []


def test_the_job_of_the_tables_is_the_refresh_without_what_is_published():
    from assets.definitions import defs

    whole = set(defs.resolve_job_def(refresh.name).asset_layer.executable_asset_keys)
    alone = set(defs.resolve_job_def(refresh_tables.name).asset_layer.executable_asset_keys)
    assert {key.to_user_string() for key in whole - alone} == {
        "published_all__site",
        "published_partners__editions",
    }
    assert alone < whole
