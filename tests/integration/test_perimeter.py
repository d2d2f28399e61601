"""An edition on the perimeter of another year."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest
from shared_runs import copied

from assets.perimeter import (
    PERIMETER_VARIABLE,
    UnavailablePerimeterError,
    check_available,
    choices,
    chosen_perimeter,
    files_of,
)
from observatory.geography.perimeters import UndocumentedPerimeterError
from observatory.paths import DataPaths
from observatory.sources.dgcl import read_epci
from observatory.sources.obtaining import EMBEDDED
from observatory.territories import SEVEN_EPCI, UnknownPerimeterError

OBSERVATORY = Path(sys.executable).with_name("observatory")


def test_the_latest_perimeter_is_the_default(all_territories, monkeypatch):
    monkeypatch.delenv(PERIMETER_VARIABLE, raising=False)
    assert set(chosen_perimeter(all_territories)["perimeter_vintage"]) == {2026}


@pytest.mark.parametrize("choice", ["1990", "deux mille", "", "mbm"])
def test_a_choice_without_perimeter_is_refused(all_territories, monkeypatch, choice):
    monkeypatch.setenv(PERIMETER_VARIABLE, choice)
    with pytest.raises(UnknownPerimeterError, match=r"COG 1990|n’est pas un périmètre|n’a pas le périmètre"):
        chosen_perimeter(all_territories)


def test_what_can_be_chosen_are_the_years_with_a_composition_and_the_layers():
    assert choices() == [
        *("1999", "2006", "2011", "2016", "2017"),
        *("2021", "2022", "2023", "2024", "2025", "2026"),
        *("mbm", "unesco", "hauts_de_france", "france"),
    ]


def test_each_choice_says_which_files_it_takes():
    assert files_of("2023") == []
    files = dict(files_of("1999"))
    assert list(files) == ["dgcl_epci", "insee_cog_mouvements", "insee_cog_communes"]
    assert files["dgcl_epci"] == ("1999",)
    # Any vintage of the events will do.
    assert "2023" in files["insee_cog_mouvements"]
    # The composition of the EPCI of all France is embedded.
    assert (
        list(dict(files_of("france"))) == list(dict(files_of("hauts_de_france"))) == ["insee_cog_mouvements"]
    )
    assert list(dict(files_of("unesco")))[:3] == [
        "dgcl_epci",
        "heritage_communes_mbm",
        "heritage_bien_inscrit",
    ]


def test_the_embedded_edition_says_what_to_run_for_another_perimeter(tmp_path, monkeypatch):
    for choice, first in (("1999", "dgcl_epci"), ("mbm", "dgcl_epci"), ("france", "insee_cog_mouvements")):
        monkeypatch.setenv(PERIMETER_VARIABLE, choice)
        with pytest.raises(UnavailablePerimeterError, match=rf"{first} .*--sources mirror=DOSSIER"):
            check_available(DataPaths(tmp_path), EMBEDDED)
    monkeypatch.setenv(PERIMETER_VARIABLE, "2023")
    check_available(DataPaths(tmp_path), EMBEDDED)


@pytest.mark.parametrize(
    ("choice", "error", "message"),
    [
        ("erbm", UndocumentedPerimeterError, "8 intercommunalités et 250 communes"),
        ("2010", UnknownPerimeterError, "Pas de composition des EPCI pour le COG 2010"),
        ("Lille", UnknownPerimeterError, "n’est pas un périmètre"),
    ],
)
def test_what_cannot_be_chosen_says_why(tmp_path, monkeypatch, choice, error, message):
    monkeypatch.setenv(PERIMETER_VARIABLE, choice)
    with pytest.raises(error, match=message):
        check_available(DataPaths(tmp_path), EMBEDDED)


def run(data, choice, *words, **more):
    done = subprocess.run(
        [OBSERVATORY, "run", "--perimeter", choice, *words],
        env=os.environ | {"OBSERVATORY_DATA": str(data)} | more,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return duckdb.connect(str(data / "warehouse" / "observatory.duckdb"), read_only=True)


POPULATIONS = """
    SELECT territory_code, value FROM indicators.observations
    WHERE indicator = 'population_recensement' AND vintage = 2018
      AND territory_level IN ('epci', 'basin')
"""
RECORDED = "SELECT DISTINCT perimeter, perimeter_vintage, geography_vintage FROM indicators.observations"


@pytest.mark.integration
def test_the_edition_of_2023_puts_emerchicourt_back_and_holds_nothing_of_the_mirror(tmp_path, mirror_run):
    """INSEE’s municipal populations 2020, summed over the EPCI of 2024, which have the same communes.

    The source of COG 2023 puts Émerchicourt and its 826 inhabitants in Cœur d’Ostrevent: 71,494 and 157,752.
    This edition of the embedded data takes the place of one of the mirror.
    """
    data = copied(mirror_run, tmp_path).data
    with run(data, "2023") as warehouse:
        rows = warehouse.sql(
            """
            SELECT territory_code, value FROM indicators.observations
            WHERE indicator = 'population_municipale' AND vintage = 2020 AND territory_level = 'epci'
              AND territory_code IN ('245901152', '200042190') ORDER BY ALL
            """
        ).fetchall()
        assert warehouse.sql(RECORDED).fetchall() == [("sept_epci", 2023, "COG 2023")]
        sources = {source for (source,) in warehouse.sql("SELECT DISTINCT source FROM core.files").fetchall()}
        medians = warehouse.sql(
            "SELECT count(*) FROM indicators.definitions WHERE indicator = 'niveau_vie_median'"
        ).fetchall()
    assert rows == [("200042190", 158_578), ("245901152", 70_668)]
    assert "(COG) 2023" in (data / "site" / "index.html").read_text()
    assert "insee_filosofi" not in sources
    assert medians == [(0,)]


@pytest.mark.integration
def test_the_edition_of_1999_groups_today_s_communes_as_they_were(tmp_path, mirror):
    """Populations of 2018 summed by hand over the EPCI of 1999, from INSEE's own file."""
    people = pl.read_csv(
        mirror / "insee/populations/population_municipale_2013_2021_national.csv", infer_schema=False
    ).select(code="codgeo", people=pl.col("p18_pop").cast(pl.Float64))
    then = read_epci(mirror / "dgcl/epci/epci_1999_dep59_62.csv", 1999).select(
        "epci_code", code="commune_code"
    )
    # Verquigneul was a part of Béthune.
    bethune = pl.DataFrame({"epci_code": ["246200745"], "code": ["62847"]})
    sums = dict(
        pl.concat([then, bethune])
        .join(people, on="code")
        .group_by("epci_code")
        .agg(pl.sum("people"))
        .iter_rows()
    )
    with run(tmp_path, "1999", OBSERVATORY_SOURCES=f"mirror={mirror}") as warehouse:
        found = dict(warehouse.sql(POPULATIONS).fetchall())
        assert warehouse.sql(RECORDED).fetchall() == [("sept_epci", 1999, "COG 2026")]
        ((classified,),) = warehouse.sql("SELECT count(*) FROM typology.communes").fetchall()
    assert classified == 287
    home = (tmp_path / "site" / "index.html").read_text()
    # The communes that had no intercommunalité make a group, which is none.
    assert "14\u00a0intercommunalités" in home
    assert "Communes sans intercommunalité" in home
    assert found.pop("BM") == 1_216_644
    without = found.pop("ZZZZZZZZZ")
    assert len(found) == 14
    assert found == {code: sums[code] for code in found}
    assert without == 1_216_644 - sum(found.values())
    # The sums of the two districts whose communes are those of today's communautés, as INSEE publishes them.
    assert (found["246200364"], found["246200299"]) == (241_703, 126_509)


@pytest.mark.integration
def test_the_edition_of_the_mission_has_its_330_communes(tmp_path, mirror):
    with run(tmp_path, "mbm", "--tables", OBSERVATORY_SOURCES=f"mirror={mirror}") as warehouse:
        found = dict(warehouse.sql(POPULATIONS).fetchall())
        assert warehouse.sql(RECORDED).fetchall() == [("mbm", 2026, "COG 2026")]
        values = warehouse.sql(
            "SELECT territory_code, value FROM indicators.observations "
            "WHERE indicator = 'population_recensement' AND vintage = 2018 AND territory_level = 'commune'"
        ).fetchall()
        # Embedded figures stop at the seven EPCI: no sum of the 330 is made of 287.
        partial = warehouse.sql(
            "SELECT DISTINCT status FROM indicators.observations "
            "WHERE indicator IN ('population_municipale', 'part_moins_20_ans') AND territory_level = 'basin'"
        ).fetchall()
        versions = dict(warehouse.sql("SELECT choice, communes FROM core.perimeter_versions").fetchall())
    assert len(values) == 330
    assert found["BM"] == sum(value for _, value in values)
    seven = {code: value for code, value in found.items() if code in SEVEN_EPCI}
    assert sum(seven.values()) == 1_216_644
    assert found["BM"] - 1_216_644 == found["200041960"] + found["200093201"]
    assert partial == [("not_available",)]
    assert (versions["mbm"], versions["unesco"], versions["1999"], versions["erbm"]) == (330, 89, 286, None)
    assert not (tmp_path / "site").exists()
