"""The audit of a published folder: what it attacks, what it finds, what it tells."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from disclosure_release import KEYS, shown_again, write_release
from disclosure_towns import INDICATORS, Town, draw_town
from typer.testing import CliRunner

from assets.cli import app
from observatory.disclosure.audit import Audit, audit_release
from observatory.disclosure.release import ReleaseError, read_release, read_releases
from observatory.disclosure.report import audit_report
from observatory.disclosure.rules import protect_observations
from observatory.disclosure.system import InconsistentCellsError

TOWN = draw_town(1, 2, 5, 4, 1, 40)
SMALL = [draw_town(seed, 2, 3, 2, 1, size) for seed, size in ((4, 40), (5, 15), (6, 120), (7, 80))]


def audited(town: Town, release, *earlier, truth: bool = True) -> Audit:
    return audit_release(release, earlier, INDICATORS, town.measures if truth else None)


@pytest.fixture(scope="module")
def published() -> pl.DataFrame:
    return protect_observations(*TOWN.publication)


@pytest.fixture
def release(tmp_path, published):
    return write_release(tmp_path / "edition", TOWN, published)


@pytest.mark.parametrize("town", SMALL)
def test_a_protected_publication_stands_and_no_figure_can_be_shown_again(tmp_path, town):
    """Every hidden figure, primary or secondary, is needed."""
    published = protect_observations(*town.publication)
    outcome = audited(town, write_release(tmp_path / "whole", town, published))
    assert outcome.leaks == ()
    assert outcome.on_truth
    hidden = published.filter(pl.col("status") == "secret")
    assert outcome.figures_hidden == hidden.height > 0
    for number, key in enumerate(hidden.select(KEYS).iter_rows()):
        mutated = shown_again(published, town.observations, key)
        outcome = audited(town, write_release(tmp_path / str(number), town, mutated))
        assert outcome.leaks, key


def hidden_commune(published: pl.DataFrame) -> str:
    """A commune whose stock is shown and whose vacant dwellings are not."""
    rows = published.filter(
        (pl.col("territory_level") == "commune")
        & (pl.col("indicator") == "part_parc_minier_vacant")
        & (pl.col("status") == "secret")
    )
    return rows["territory_code"][0]


def test_what_the_rules_protect_is_counted(release):
    outcome = audited(TOWN, release)
    assert outcome.leaks == ()
    assert outcome.protected > 20


def test_an_earlier_release_of_the_same_rows_gives_away_what_is_now_hidden(tmp_path, release, published):
    commune = hidden_commune(published)
    key = ("commune", commune, "part_parc_minier_vacant")
    before = shown_again(published, TOWN.observations, key)
    earlier = write_release(tmp_path / "edition-de-mai", TOWN, before)
    outcome = audited(TOWN, release, earlier)
    assert outcome.leaks
    assert any(
        "edition-de-mai/donnees/observations.csv" in line for leak in outcome.leaks for line in leak.path
    )
    assert outcome.earlier == ("edition-de-mai",)


def test_an_earlier_release_of_other_rows_is_left_out_and_said(tmp_path, release):
    earlier = write_release(tmp_path / "autre", TOWN, TOWN.observations, sha256="bb")
    outcome = audited(TOWN, release, earlier)
    assert outcome.leaks == ()
    assert any("« autre »" in " ".join(remark.split()) for remark in outcome.remarks)


def square(epci_of: dict[str, str]) -> Town:
    """Communes of 40 dwellings, the last of which has 5; everything else is large or nothing."""

    def counts(dwellings: int) -> dict[str, int]:
        return dict.fromkeys(TOWN.drawn[next(iter(TOWN.drawn))], 0) | {
            "beneficiaries": dwellings,
            "census_dwellings": 500,
        }

    return Town(epci_of, {}, {(code, ""): counts(5 if code == "c4" else 40) for code in epci_of})


def test_two_perimeters_that_overlap_are_subtracted(tmp_path):
    """The EPCI of four communes, then of three of them: the difference is the fourth, of five people."""
    four = square({"c1": "e1", "c2": "e1", "c3": "e1", "c4": "e1"})
    three = square({"c1": "e1", "c2": "e1", "c3": "e1"})
    release = write_release(tmp_path / "quatre", four, protect_observations(*four.publication))
    assert audited(four, release).leaks == ()
    sums = three.observations.filter(pl.col("territory_level") == "epci")
    earlier = write_release(tmp_path / "trois", three, sums, perimeter="mbm")
    outcome = audited(four, release, earlier)
    (leak,) = [leak for leak in outcome.leaks if leak.what.startswith("bénéficiaires de l’ANGDM, commune c4")]
    assert (leak.width, leak.asked) == (0, 11)
    assert sorted(line[0] for line in leak.path) == ["+", "−"]
    assert any("périmètre mbm-2026" in line for line in leak.path)


def page_of(release, area: str, body: str):
    path = release.folder / area / "index.html"
    path.parent.mkdir(parents=True)
    path.write_text(f"<!doctype html><main>{body}</main>", encoding="utf-8")
    return release


def link(indicator: str) -> str:
    return (
        f'<a class="def" href="../../methodes/index.html#indicateur-{indicator}">x</a> <small>%, 2024</small>'
    )


BODIES = {
    "table by indicator": """<table class="figures"><thead><tr><th>Indicateur</th>
        <th><span class="level">Commune</span> X</th></tr></thead>
        <tbody><tr><th>{link}</th><td data-sort="">{text}</td></tr></tbody></table>""",
    "table by territory": """<table><thead><tr><th>Commune</th><th>{link}</th></tr></thead><tbody><tr>
        <th><a href="../../communes/{code}/index.html">X</a></th><td>{text}</td></tr></tbody></table>""",
    "key figure": """<ul><li class="key"><span class="key-label">{link}</span>
        <span class="key-value">{text} <small>%</small></span><span class="key-more">2024</span></li></ul>""",
    "years": """<figure><figcaption>{link}</figcaption>
        <table><thead><tr><th>Année</th><th>2024</th></tr></thead>
        <tbody><tr><th>X</th><td>{text}</td></tr></tbody></table></figure>""",
    "chart": """<figure><figcaption>Part du parc minier vacant, 2024</figcaption>
        <script type="application/json">{{"hovertext": ["{code}\u202f: {text}"]}}</script></figure>""",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_page_that_shows_a_hidden_figure_is_a_leak(release, published, body):
    code = hidden_commune(published)
    words = {"link": link("part_parc_minier_vacant"), "code": code}
    page_of(release, f"communes/{code}", body.format(text="secret", **words))
    assert audited(TOWN, release).leaks == ()
    shutil.rmtree(release.folder / "communes")
    page_of(release, f"communes/{code}", body.format(text="12,5", **words))
    (leak,) = audited(TOWN, release).leaks
    assert "Part du parc minier vacant" in leak.what
    assert "communes/" in leak.path[0]


@pytest.mark.parametrize("shape", ["long", "wide", "geojson"])
def test_a_json_file_that_gives_a_hidden_figure_is_a_leak(release, published, shape):
    code = hidden_commune(published)
    is_it = (pl.col("territory_code") == code) & (pl.col("indicator") == "part_parc_minier_vacant")
    value = TOWN.observations.filter(is_it)["value"][0]
    wide = {"level": "commune", "code": code, "part_parc_minier_vacant": value}
    content = {
        "long": {
            "chiffres": [
                {
                    "territory_level": "commune",
                    "territory_code": code,
                    "indicator": "part_parc_minier_vacant",
                    "vintage": 2024,
                    "value": value,
                }
            ]
        },
        "wide": [wide],
        "geojson": {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": wide}]},
    }[shape]
    (release.folder / "donnees" / "carte.json").write_text(json.dumps(content))
    outcome = audited(TOWN, read_release(release.folder))
    assert any("carte.json" in line for leak in outcome.leaks for line in leak.path)


def test_without_the_confidential_counts_only_certainty_is_a_leak(tmp_path, release):
    outcome = audited(TOWN, release, truth=False)
    assert (outcome.leaks, outcome.on_truth, outcome.protected) == ((), False, 0)
    bare = write_release(tmp_path / "nu", TOWN, TOWN.observations)
    assert audited(TOWN, bare, truth=False).leaks


def test_counts_of_another_edition_are_not_trusted(release):
    other = TOWN.measures.with_columns(amount=pl.col("amount") + 100)
    outcome = audit_release(release, (), INDICATORS, other)
    assert not outcome.on_truth
    assert outcome.remarks


def test_figures_that_contradict_one_another_stop_the_audit(release):
    shown = release.figures.filter(pl.col("indicator") == "parc_minier", pl.col("status") == "published")
    twice = pl.concat([release.figures, shown.with_columns(pl.col("value") + 1)])
    with pytest.raises(InconsistentCellsError):
        audited(TOWN, replace(release, figures=twice))


def test_the_report_is_french_names_the_path_and_tells_no_value(tmp_path):
    town = square({"c1": "e1", "c2": "e1", "c3": "e1", "c4": "e1"})
    release = write_release(tmp_path / "edition", town, town.observations)
    text = audit_report(audited(town, release))
    assert "bénéficiaires de l’ANGDM, commune c4, 2024" in text
    assert "intervalle de 0 pour 11 demandés" in text
    assert "+ bénéficiaires" in text
    assert "publication est refusée" in text
    assert "'" not in text
    calm = audit_report(
        audited(TOWN, write_release(tmp_path / "b", TOWN, protect_observations(*TOWN.publication)))
    )
    assert "Aucune fuite" in calm


def test_a_folder_that_is_no_release_is_refused(tmp_path):
    with pytest.raises(ReleaseError, match="site publié"):
        read_release(tmp_path)
    assert read_releases(tmp_path / "absent") == []


def test_the_command_ends_with_one_on_a_leak(tmp_path, monkeypatch, published):
    monkeypatch.setenv("OBSERVATORY_DATA", str(tmp_path / "data"))
    write_release(tmp_path / "sure", TOWN, published)
    write_release(tmp_path / "nue", TOWN, TOWN.observations)
    run = CliRunner().invoke
    calm = run(app, ["audit", str(tmp_path / "sure")])
    assert (calm.exit_code, "Aucune fuite" in calm.output) == (0, True)
    assert run(app, ["audit", str(tmp_path / "nue")]).exit_code == 1
    both = run(app, ["audit", str(tmp_path / "sure"), "--previous", str(tmp_path / "nue")])
    assert both.exit_code == 1
    # Releases kept in the data folder are attacked without being asked for.
    Path(tmp_path / "data").mkdir(exist_ok=True)
    shutil.copytree(tmp_path / "nue", tmp_path / "data" / "releases" / "2025")
    assert run(app, ["audit", str(tmp_path / "sure")]).exit_code == 1
