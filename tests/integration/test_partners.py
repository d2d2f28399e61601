"""The chain with partners: who finds what in his folder, and what a change of agreements does."""

import re
import stat
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
import pytest
from shared_runs import Run, copied
from typer.testing import CliRunner
from ui_runs import run_job

from assets import checks
from assets.cli import app
from assets.instance import prepare_instance
from observatory.disclosure.release import read_release
from observatory.paths import CONVENTIONS, DataPaths, data_paths
from observatory.sources.default_sample import write_example_conventions
from observatory.warehouse import read_table

pytestmark = pytest.mark.integration

KEYS = ["level", "code", "indicator", "vintage"]
REAL = """
agreements:
  - partner: sia-habitat
    name: SIA Habitat
    kind: bailleur
    reference: convention 12
    own_cites: true
    measures: all
    first_day: 2025-01-01
    last_day: {last}
"""


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory, embedded_run: Run):
    """Make the editions of the example of agreements from the tables of a run that had none."""
    data = copied(embedded_run, tmp_path_factory.mktemp("partners")).data
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OBSERVATORY_DATA", str(data))
        patch.setenv("OBSERVATORY_DELIVERED", "")
        write_example_conventions(data_paths())
        assert make_editions_again().success
        yield data_paths()


def make_editions_again() -> dg.JobExecutionResult:
    """Materialize the editions alone, as an analyst does in the UI."""
    with dg.DagsterInstance.from_config(str(prepare_instance())) as instance:
        return run_job("refresh", instance, asset_selection=[dg.AssetKey("published_partners__editions")])


def record(paths: DataPaths, last: str) -> None:
    (paths.confidential / CONVENTIONS).write_text(REAL.format(last=last), encoding="utf-8")


def partners(paths: DataPaths) -> list[str]:
    return sorted(path.name for path in paths.partners.iterdir())


def secrets(folder: Path) -> pl.DataFrame:
    figures = read_release(folder).figures
    return figures.filter(pl.col("status") == "secret").select(KEYS).unique()


def test_the_example_gives_three_editions_for_their_owner_only(paths: DataPaths) -> None:
    assert partners(paths) == ["ca-lens-lievin", "maisons-et-cites", "sia-habitat"]
    for path in [paths.partners, *paths.partners.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    for name in partners(paths):
        note = (paths.partners / name / "LISEZMOI.txt").read_text("utf-8")
        assert note.startswith("DONNÉES FICTIVES")


def test_a_partner_sees_secrets_of_its_own_territories_and_no_other(paths: DataPaths) -> None:
    public = secrets(paths.site)
    shown = {}
    for name in partners(paths):
        figures = read_release(paths.partners / name).figures
        opened = figures.filter(pl.col("status") == "published").join(public, on=KEYS, how="semi")
        shown[name] = opened.height
        territories = set(read_release(paths.partners / name).territories.select("level", "code").rows())
        assert set(opened.select("level", "code").rows()) <= territories
    assert all(shown.values()), shown


def test_no_page_of_a_landlord_names_a_cite_where_the_other_has_dwellings(paths: DataPaths) -> None:
    dwellings = read_table(paths, "confidential.dwellings").drop_nulls("cite_slug")
    slugs = {
        landlord: set(dwellings.filter(pl.col("landlord") == landlord)["cite_slug"])
        for landlord in ("maisons-et-cites", "sia-habitat")
    }
    for landlord, own in slugs.items():
        (others,) = (found for name, found in slugs.items() if name != landlord)
        page = (paths.partners / landlord / "index.html").read_text("utf-8")
        named = set(re.findall(r'data-territory="cite:([^"]+)"', page))
        assert named
        assert named <= own - others
        files = [path.read_text("utf-8") for path in (paths.partners / landlord).rglob("*.csv")]
        assert not [slug for slug in others for text in files if f",{slug}," in text]


def test_nothing_of_an_edition_is_in_what_readers_open(paths: DataPaths) -> None:
    with duckdb.connect(str(paths.database), read_only=True) as warehouse:
        names = {name for (name,) in warehouse.sql("SELECT schema_name FROM duckdb_tables()").fetchall()}
    assert "confidential" not in names
    journal = read_table(paths, "confidential.disclosure_journal")
    assert set(journal.filter(pl.col("tier") == "partenaire")["partner"]) == set(partners(paths))
    assert set(journal.filter(pl.col("tier") == "public")["partner"]) == {""}


def test_the_command_says_what_each_agreement_covers(paths: DataPaths, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    said = CliRunner().invoke(app, ["conventions"]).output
    assert "Conventions fictives" in said
    assert "À régler" not in said
    assert re.search(r"ses \d+\u00a0cités", said)


def test_a_leak_of_the_editions_publishes_nothing(paths: DataPaths, monkeypatch) -> None:
    """An edition whose folder shows, at the last moment, a figure that is another partner's secret."""
    before = (paths.partners / "sia-habitat" / "index.html").stat().st_ino
    covered = read_release(paths.partners / "ca-lens-lievin").territories.select("level", "code")
    elsewhere = secrets(paths.partners / "sia-habitat").join(covered, on=["level", "code"], how="anti")
    other = elsewhere.sort(KEYS).row(0, named=True)
    original = checks.read_release

    def tampered(folder: Path):
        release = original(folder)
        if folder.name != "ca-lens-lievin":
            return release
        planted = release.figures.filter(pl.col("status") == "published").head(1)
        planted = planted.with_columns(
            **{name: pl.lit(value, planted.schema[name]) for name, value in other.items()}
        )
        return type(release)(**{**vars(release), "figures": pl.concat([release.figures, planted])})

    monkeypatch.setattr(checks, "read_release", tampered)
    result = make_editions_again()
    assert not result.success
    assert [one.passed for one in result.get_asset_check_evaluations()] == [False]
    assert (paths.partners / "sia-habitat" / "index.html").stat().st_ino == before


def test_recorded_agreements_take_the_place_of_the_example(paths: DataPaths) -> None:
    before = (paths.partners / "sia-habitat" / "index.html").stat().st_ino
    record(paths, "2125-12-31")
    assert make_editions_again().success
    assert (paths.partners / "sia-habitat" / "index.html").stat().st_ino != before
    assert partners(paths) == ["sia-habitat"]
    assert "exemple" not in (paths.partners / "sia-habitat" / "LISEZMOI.txt").read_text("utf-8")
    record(paths, "2025-06-30")
    assert make_editions_again().success
    assert partners(paths) == []
    journal = read_table(paths, "confidential.disclosure_journal")
    assert set(journal["tier"]) == {"public"}
