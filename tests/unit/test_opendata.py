import csv
import dataclasses
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rendering_site import FICTIVE_VALUE, MADE, site_data

from observatory.opendata import Export, ExportError, exports, fictive_mask, write_csv
from observatory.rendering import SiteData
from observatory.tables.typology import (
    TRAJECTORY_COMMUNES,
    TRAJECTORY_FLOWS,
    TYPOLOGY_CLASSES,
    TYPOLOGY_COMMUNES,
    TYPOLOGY_NEIGHBOURS,
    TYPOLOGY_STABILITY,
    TYPOLOGY_VARIABLES,
)


def publish(data: SiteData) -> dict[str, Export]:
    made = exports(
        observations=data.observations,
        definitions=data.definitions,
        files=data.files,
        territories=data.territories,
        cites=data.cites,
        typology=data.typology,
        dashboard=data.dashboard,
        projections=data.projections,
    )
    return {export.name: export for export in made}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def data() -> SiteData:
    return site_data()


def test_real_and_fictive_observations_share_no_row(data: SiteData, tmp_path: Path) -> None:
    published = publish(data)
    real = read(write_csv(published["observations.csv"], tmp_path))
    made = read(write_csv(published["observations-donnees-fictives.csv"], tmp_path))
    assert len(real) + len(made) == data.observations.height
    assert {row["indicator"] for row in real} == {"population", "vacance"}
    assert {row["indicator"] for row in made} == set(MADE)
    assert {row["nature"] for row in made} == {"données fictives"}
    assert next(iter(made[0])) == "nature"
    assert str(FICTIVE_VALUE) not in (tmp_path / "observations.csv").read_text()
    assert "made" not in (tmp_path / "observations.csv").read_text()


def test_a_generated_file_makes_a_figure_fictive_whatever_its_definition(data: SiteData) -> None:
    mixed = data.observations.with_columns(
        file_ids=pl.when(pl.col("indicator") == "vacance")
        .then(pl.lit(["real", "made"]))
        .otherwise(pl.col("file_ids"))
    )
    kept = publish(dataclasses.replace(data, observations=mixed))["observations.csv"].frame
    assert set(kept["indicator"]) == {"population"}
    assert mixed.filter(fictive_mask(data.definitions, data.files))[
        "indicator"
    ].unique().sort().to_list() == sorted([*MADE, "vacance"])


def test_the_rows_written_are_the_rows_given(data: SiteData, tmp_path: Path) -> None:
    published = publish(data)
    given_rows = published["observations.csv"].frame.to_dicts()
    for written, row in zip(
        read(write_csv(published["observations.csv"], tmp_path)), given_rows, strict=True
    ):
        assert written["territory_code"] == row["territory_code"]
        assert written["status"] == row["status"]
        assert (float(written["value"]) if written["value"] else None) == row["value"]
        assert written["file_ids"] == "|".join(row["file_ids"])
    for name in ("definitions.csv", "territoires.csv", "cites.csv", "sources.csv", "typologie-communes.csv"):
        assert len(read(write_csv(published[name], tmp_path))) == published[name].frame.height


def test_the_tables_of_the_typology_are_documented_by_their_contracts(data: SiteData, tmp_path: Path) -> None:
    published = publish(data)
    files = {
        "typologie-communes.csv": TYPOLOGY_COMMUNES,
        "typologie-communes-comparables.csv": TYPOLOGY_NEIGHBOURS,
        "typologie-classes.csv": TYPOLOGY_CLASSES,
        "typologie-stabilite.csv": TYPOLOGY_STABILITY,
        "typologie-variables.csv": TYPOLOGY_VARIABLES,
        "typologie-trajectoires.csv": TRAJECTORY_COMMUNES,
        "typologie-passages.csv": TRAJECTORY_FLOWS,
    }
    assert {name for name in published if name.startswith("typologie-")} == set(files)
    for name, table in files.items():
        assert published[name].columns == {column.name: column.description for column in table.columns}
        rows = read(write_csv(published[name], tmp_path))
        assert len(rows) == data.typology[table.name].height > 0
    placed = read(tmp_path / "typologie-communes.csv")[1]
    assert (placed["role"], placed["missing"]) == ("placed", "vacance")


def test_an_edition_of_one_date_has_no_file_of_trajectories(data: SiteData) -> None:
    typology = {
        name: frame.clear() if name.startswith("trajectory_") else frame
        for name, frame in data.typology.items()
    }
    names = publish(dataclasses.replace(data, typology=typology)).keys()
    assert publish(data).keys() - names == {"typologie-trajectoires.csv", "typologie-passages.csv"}


def test_a_hidden_value_stops_everything(data: SiteData) -> None:
    leaking = data.observations.with_columns(
        numerator=pl.when(pl.col("status") == "secret").then(3.0).otherwise(None)
    )
    with pytest.raises(ExportError, match="rien n’est exporté"):
        publish(dataclasses.replace(data, observations=leaking))


def test_undocumented_columns_are_refused(data: SiteData, tmp_path: Path) -> None:
    export = publish(data)["sources.csv"]
    wider = dataclasses.replace(export, frame=export.frame.with_columns(more=pl.lit(1)))
    with pytest.raises(ExportError, match=r"sources\.csv"):
        write_csv(wider, tmp_path)


@given(
    st.lists(st.text(st.characters(exclude_categories=["C"]), max_size=12), min_size=1, max_size=8),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e9, max_value=1e9),
)
def test_no_cell_of_text_runs_as_a_formula_and_numbers_are_untouched(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], value: float
) -> None:
    frame = pl.DataFrame(
        {"text": texts, "many": [[text] for text in texts], "value": [value] * len(texts)},
        schema={"text": pl.String, "many": pl.List(pl.String), "value": pl.Float64},
    )
    export = Export("f.csv", "", "", dict.fromkeys(frame.columns, ""), frame)
    rows = read(write_csv(export, tmp_path_factory.mktemp("csv")))
    for text, row in zip(texts, rows, strict=True):
        for cell in (row["text"], row["many"]):
            assert not cell.startswith(("=", "+", "-", "@"))
            assert cell in (text, f"'{text}")
        assert float(row["value"]) == value
