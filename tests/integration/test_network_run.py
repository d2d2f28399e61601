"""The chain from the network: every address of the catalogue, answered on this machine with real content."""

import os
import subprocess
import sys

import polars as pl
import pytest
from producers import producers

from observatory.paths import DataPaths
from observatory.sources.catalogue import get_source
from observatory.sources.dgcl import read_epci
from observatory.sources.mortality import read_mortality
from observatory.sources.values import read_values
from observatory.territories import SEVEN_EPCI
from observatory.warehouse import read_table

pytestmark = pytest.mark.integration

READ = (
    ("insee_comparateur", "2017"),
    ("insee_comparateur", "2022"),
    ("insee_filosofi", "2015"),
    ("insee_filosofi", "2016"),
    ("insee_filosofi", "2021"),
    ("insee_filosofi_iris", "2021"),
    ("insee_populations_legales", "2019"),
    ("insee_populations_legales", "2022"),
    ("insee_populations", "2013-2021"),
    ("insee_bpe", "2018"),
    ("sdes_rpls", "2024"),
)
# The command with the addresses of another catalogue, which the assets read when they are imported. The files
# served are cut to the basin: what the portrait quotes of wider territories is not in them.
COMMAND = """
import sys
from pathlib import Path
import observatory.sources.catalogue as catalogue
catalogue.CATALOGUE = Path(sys.argv.pop(1))
from assets.cli import main
import assets.published.website as website
website.read_chapters = lambda folder: ()
main()
"""


def observation(code, year, value, **dimensions):
    place = {"GEO": f"2025-COM-{code}", "TIME_PERIOD": str(year), "FREQ": "A"}
    return {"dimensions": place | dimensions, "measures": {"OBS_VALUE_NIVEAU": {"value": value}}}


@pytest.fixture(scope="module")
def communes(perimeters):
    return sorted(perimeters.filter(pl.col("perimeter_vintage") == 2025)["commune_code"])


@pytest.fixture(scope="module")
def datasets(populations, communes):
    legal = populations.filter(pl.col("level") == "commune", pl.col("code").is_in(communes))
    history = [
        observation(row["code"], row["vintage"], float(row["population"]), POPREF_MEASURE="PMUN")
        for row in legal.iter_rows(named=True)
    ]
    history += [observation(code, 1999, 100.0, POPREF_MEASURE="PSDC") for code in communes]
    return {"DS_POPULATIONS_HISTORIQUES": history}


def observatory(catalogue, data, *words):
    return subprocess.run(
        [sys.executable, "-c", COMMAND, str(catalogue), *words],
        env=os.environ | {"OBSERVATORY_DATA": str(data), "COLUMNS": "200", "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.fixture(scope="module")
def done(tmp_path_factory, mirror, datasets):
    """Run from the network: what a first run without what does not answer writes and says."""
    folder = tmp_path_factory.mktemp("network-run")
    with producers(mirror, folder, datasets) as catalogue:
        strict = observatory(catalogue, folder / "strict", "run", "--sources", "network")
        fetched = observatory(catalogue, folder / "data", "fetch", "sdes_rpls", "--sources", "network")
        ran = observatory(catalogue, folder / "data", "run", "--sources", "network", "--allow-stale")
        listed = observatory(catalogue, folder / "data", "sources", "sdes_rpls", "--sources", "network")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return {"data": folder / "data", "strict": strict, "fetched": fetched, "ran": ran, "listed": listed}


def table(done, name):
    return read_table(DataPaths(done["data"]), name)


def test_a_strict_run_fails_at_the_first_source_that_does_not_answer(done):
    strict = done["strict"]
    assert strict.returncode == 1
    assert "Source « insee_populations_legales »" in strict.stderr
    assert "/7739582/ensemble.xlsx" in strict.stderr and "data/landing" in strict.stderr
    assert not (done["data"].parent / "strict" / "site").exists()


def test_what_does_not_answer_is_said(done):
    for title in ("Dossier complet – communes, 2022", "Recensement – logements (Melodi), 2026"):
        (line,) = [line for line in done["ran"].stdout.splitlines() if title in line]
        assert "ATTENTION" in line or "l’édition se fait sans elle" in line


def test_a_fetched_file_is_kept_and_seen(done):
    assert done["fetched"].returncode == 0
    assert "sdes_rpls 2024 : pris (network)" in done["fetched"].stdout.replace(" ", " ")
    assert "prise" in done["listed"].stdout
    files = table(done, "core.files").filter(pl.col("source") == "sdes_rpls")
    assert files["url"].item().endswith("/media/7970/download")


@pytest.mark.parametrize(("source", "vintage"), READ)
def test_originals_say_what_the_mirror_says(done, mirror, communes, source, vintage):
    """Workbooks and archives of the producers give the figures of the mirror's files, statuses included."""
    file = get_source(source).data_file(vintage)
    expected = read_values(mirror / file.mirror, source, vintage, communes)
    same = ["level", "code", "variable", "vintage"]
    found = table(done, "core.values").filter(
        pl.col("file_id") == f"{source}:{vintage}:data", pl.col("level").is_in(["commune", "iris"])
    )
    both = expected.join(found, on=same, how="full", suffix="_found")
    assert both.filter(pl.col("status").ne_missing(pl.col("status_found"))).is_empty()
    gap = (pl.col("value") - pl.col("value_found")).abs() > 1e-9 * pl.col("value").abs()
    assert both.filter(gap).is_empty()
    assert expected["status"].eq("published").sum() > 286


def test_compositions_of_the_workbook_are_those_of_the_mirror(done, mirror):
    """INSEE's workbook of 2024, as the text that the mirror made of its sheet."""
    snapshot = next((done["data"] / "snapshots" / "dgcl_epci" / "2024").glob("*/*.zip"))
    text = read_epci(mirror / "dgcl/epci/epci_2024_dep59_62.csv", 2024)
    assert read_epci(snapshot, 2024).equals(text)
    assert text.filter(pl.col("epci_code").is_in(SEVEN_EPCI)).height == 287


def test_mortality_of_the_workbook_is_that_of_the_mirror(done, mirror):
    """Quotients are published per 100,000: what the mirror derives from hazards comes back to them."""
    text = read_mortality(mirror / get_source("insee_mortalite").data_file("1977-2019").mirror)
    both = table(done, "core.mortality").join(text, on=["year", "sex", "age"], suffix="_text")
    assert both.height == text.height == 43 * 2 * 100
    assert (both["probability"] - both["probability_text"]).abs().max() < 1e-8


def test_melodi_series_follow_the_legal_populations(done):
    """INSEE's legal populations of 2022 make 1,213,844 inhabitants in the seven EPCI."""
    series = table(done, "core.values").filter(pl.col("source") == "insee_populations_historiques")
    total = series.filter(pl.col("variable") == "population").group_by("vintage").agg(pl.sum("value"))
    assert dict(total.iter_rows())[2022] == 1_213_844
    earlier = series.filter(pl.col("variable") == "population_without_double_counts")
    assert (earlier["vintage"].unique().to_list(), earlier["value"].sum()) == ([1999], 28_700)
    assert set(series["geography_vintage"]) == {2026}


@pytest.mark.parametrize(
    ("indicator", "vintage", "code", "value"),
    [
        ("population_recensement", 2022, "62498", 32_697),
        ("population_recensement", 2022, "BM", 1_213_844),
        ("niveau_vie_median", 2021, "62498", 17_250),
        ("logements_sociaux", 2024, "BM", 169_589),
    ],
)
def test_published_figures(done, indicator, vintage, code, value):
    found = table(done, "indicators.observations").filter(
        pl.col("indicator") == indicator, pl.col("vintage") == vintage, pl.col("territory_code") == code
    )
    assert found.select("value", "status").rows() == [(value, "published")]


def test_a_figure_comes_from_the_sources_of_its_definition(done):
    """Each file behind a figure is of a source that the catalogue names for the indicator."""
    files = table(done, "core.files").select("source", file_ids="file_id")
    named = table(done, "indicators.definitions").select("indicator", pl.col("sources").alias("named"))
    behind = (
        table(done, "indicators.observations").select("indicator", "file_ids").explode("file_ids").unique()
    )
    found = behind.join(files, on="file_ids").join(named, on="indicator")
    assert found.filter(~pl.col("source").is_in(pl.col("named"))).is_empty()
    assert "insee_populations_historiques" in found["source"]


def test_layers_of_the_service_and_of_the_archive_tie_the_cites(done):
    """The service and the archive give apart what the mirror merges: the same cités are tied for certain."""
    ties = table(done, "core.cite_ties")
    assert ties.filter(pl.col("confidence") == "certain")["slug"].n_unique() == 68
    layers = table(done, "core.heritage").group_by("layer").len()
    assert dict(layers.iter_rows())["communes_mbm"] == 330
