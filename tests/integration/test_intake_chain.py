"""Real deliveries through the commands and the chain: what they change, and where their values never go."""

import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from observatory.paths import DataPaths
from observatory.sources.default_sample import write_default_sample

pytestmark = pytest.mark.integration

OBSERVATORY = Path(sys.executable).with_name("observatory")
CANARY = "QZX987canari"
FILES = {
    "maisons-et-cites": ("logements.csv", "cp1252", ";"),
    "sia-habitat": ("logements.csv", "utf-8-sig", ","),
    "angdm": ("beneficiaires.csv", "utf-8", ";"),
}


def command(data, *words, key="une clé de plus de seize octets"):
    return subprocess.run(
        [OBSERVATORY, *words],
        env=os.environ | {"OBSERVATORY_DATA": str(data), "OBSERVATORY_HASH_KEY": key, "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def deliver(data, folder, producer):
    """Deliver the generated file as if it were real, with a canary in cells of every kind."""
    name, encoding, separator = FILES[producer]
    lines = (folder / producer / "2024" / name).read_text(encoding).splitlines()[1:]
    lines = [line.replace(f"{separator}fictif", f"{separator}{CANARY}") for line in lines]
    header = lines[0].split(separator)
    for number in range(1, len(header)):
        cells = lines[number * 7].split(separator)
        if len(cells) == len(header):
            cells[number] = CANARY
            lines[number * 7] = separator.join(cells)
    identifier = next(n for n, one in enumerate(header) if one in ("Code logement", "ref_lot", "pseudonyme"))
    cells = lines[-1].split(separator)
    cells[identifier] = f"{CANARY}-1"
    lines[-1] = separator.join(cells)
    path = data / f"{producer}.csv"
    path.write_text("\n".join(lines), encoding)
    return command(data, "intake", str(path), "--producer", producer, "--vintage", "2024")


def rows(data, sql):
    with duckdb.connect(str(data / "warehouse" / "observatory.duckdb"), read_only=True) as warehouse:
        return warehouse.sql(sql).fetchall()


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """Return the data folder of a run on real deliveries, and all that the commands printed."""
    data = tmp_path_factory.mktemp("data")
    sample = DataPaths(tmp_path_factory.mktemp("sample"))
    write_default_sample(sample)
    done = [deliver(data, sample.sample, producer) for producer in FILES]
    done += [command(data, "deliveries"), command(data, "run"), command(data, "sources", "angdm")]
    for one in done:
        assert one.returncode == 0, one.stdout + one.stderr
    return data, "".join(one.stdout + one.stderr for one in done)


def test_real_deliveries_take_the_place_of_generated_ones(said):
    data, printed = said
    assert "Livraisons réelles" in printed
    assert not (data / "sample").exists()
    assert rows(data, "SELECT count(*) FROM core.files WHERE fictive") == [(0,)]
    assert rows(data, "SELECT count(*) FROM indicators.definitions WHERE fictive") == [(0,)]
    urls = rows(data, "SELECT DISTINCT url, title FROM core.files WHERE source = 'sia_habitat'")
    assert urls == [("observatory intake", "Parc de logements de SIA Habitat")]
    with duckdb.connect(str(data / "warehouse" / "individual.duckdb"), read_only=True) as individual:
        (count, shortest) = individual.sql(
            "SELECT count(*), min(length(dwelling_id)) FROM confidential.dwellings"
        ).fetchone()
    assert 62_700 < count < 63_019
    assert shortest == 64


STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)


def test_nothing_is_said_to_be_fictive_that_is_not(said):
    data, _ = said
    pages = sorted((data / "site").rglob("*.html"))
    assert len(pages) > 380
    # The columns that say whether an indicator or a file is fictive are documented all the same. Pages that
    # hold their style have a rule for it.
    documented = {"donnees/index.html": 4}
    told = {
        path.relative_to(data / "site").as_posix(): len(re.findall("fictive?s?", text, re.IGNORECASE))
        for path in pages
        if "ficti" in (text := STYLE.sub("", path.read_text(encoding="utf-8"))).lower()
    }
    assert told == documented
    # A cité still has its key figures, which are those of the landlords and of ANGDM.
    pinson = (data / "site/cites/pinson-raismes/index.html").read_text(encoding="utf-8")
    assert pinson.count('<li class="key">') >= 8


def test_no_delivered_value_leaves_the_store(said):
    data, printed = said
    assert CANARY not in printed
    holding = {
        path.relative_to(data).as_posix()
        for path in data.rglob("*")
        if path.is_file() and CANARY.encode() in path.read_bytes()
    }
    assert holding, "the canary was planted"
    stored = re.compile(
        r"confidential/[a-z-]+/2024/(faults\.parquet|rapport\.(html|csv)|cites_a_confirmer\.csv)"
    )
    delivered = {f"{producer}.csv" for producer in FILES}
    assert {name for name in holding - delivered if not stored.fullmatch(name)} == set()


def test_a_purge_takes_the_individual_rows_too_and_the_next_run_is_fictive(said):
    data, _ = said
    shown = command(data, "purge", "--vintage", "2024")
    assert "Rien n’est supprimé" in shown.stdout
    done = command(data, "purge", "--vintage", "2024", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (data / "warehouse" / "individual.duckdb").exists()
    assert command(data, "deliveries").stdout.startswith("Aucune livraison")
    done = command(data, "run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows(data, "SELECT count(*) FROM core.files WHERE fictive") == [(3,)]
