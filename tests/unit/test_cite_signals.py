"""What the founding documents say of projects: the shipped file, and files that break a rule."""

from pathlib import Path

import polars as pl
import pytest

from observatory.errors import InputError
from observatory.paths import PROJECT
from observatory.sources.cite_signals import read_signals
from observatory.sources.cites import read_cites
from observatory.tables import CITE_SIGNALS

HEADER = "slug,year,kind,fact,passage"
LINE = "pinson,2022,projet,projet examiné,rapport 2022"


def write(folder: Path, *lines: str) -> Path:
    path = folder / "signals.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_shipped_signals_are_those_of_the_report_of_2022():
    cites = read_cites(PROJECT / "data/reference/cites.csv")
    frame = read_signals(PROJECT / "data/reference/cites_signalements.csv", cites["slug"].to_list())
    assert CITE_SIGNALS.conform(frame).equals(frame)
    # The committee met on two demolitions and two other projects; seven projects were agreed to in advance,
    # one of them at Chabaud-Latour, without saying which of its two cités.
    assert dict(frame["kind"].value_counts().iter_rows()) == {
        "demolition": 2,
        "projet": 2,
        "prevalidation": 8,
    }
    inscribed = cites.filter(pl.col("unesco") != "non_signale")["slug"]
    assert set(frame["slug"]) <= set(inscribed)


def test_a_line_is_read(tmp_path):
    (row,) = read_signals(write(tmp_path, HEADER, LINE), ["pinson"]).rows(named=True)
    assert (row["slug"], row["year"], row["kind"]) == ("pinson", 2022, "projet")
    assert row["file_id"] == "mbm_cites:2023:signals"


@pytest.mark.parametrize(
    ("lines", "column", "row"),
    [
        ((HEADER.replace("fact", "fait"), LINE), None, 1),
        ((HEADER, LINE, LINE.replace("pinson", "inconnue")), "slug", 3),
        ((HEADER, LINE.replace("2022,", "22,", 1)), "year", 2),
        ((HEADER, LINE.replace(",projet,", ",rumeur,")), "kind", 2),
        ((HEADER, LINE.replace("projet examiné", "")), "fact", 2),
        ((HEADER, LINE.removesuffix("rapport 2022")), "passage", 2),
    ],
)
def test_a_line_that_breaks_a_rule_is_named(tmp_path, lines, column, row):
    with pytest.raises(InputError) as caught:
        read_signals(write(tmp_path, *lines), ["pinson"])
    assert (caught.value.column, caught.value.row) == (column, row)
    assert caught.value.file == "signals.csv"
