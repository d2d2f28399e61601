"""The dashboard: levels and reasons by hand, from published figures only; its page and its file."""

import dataclasses
import re
from pathlib import Path

import polars as pl
import pytest
from rendering_site import frame, site_data

from observatory.disclosure.release import read_release
from observatory.indicators.dashboard import cite_dashboard
from observatory.rendering.website import build_site
from observatory.tables import CITE_SIGNALS, CITES, DWELLINGS, OBSERVATIONS
from observatory.tables.heritage import CITE_HERITAGE

DEMOLISH, VACANT, LABEL = "part_parc_minier_a_demolir", "part_parc_minier_vacant", "part_etiquette_e_f_g"
STUDIED, UNDERWAY = "part_renovation_etude", "part_renovation_en_cours"
CALM = {DEMOLISH: 0.0, VACANT: 4.0, LABEL: 20.0, STUDIED: 10.0, UNDERWAY: 10.0}


def cites(**more) -> pl.DataFrame:
    empty = {column.name: [] for column in CITES.columns if column.dtype == pl.List(pl.String)}
    row = empty | {"slug": "a", "name": "Cité A", "epci_code": "200000001", "unesco": "oui"}
    return frame("core.cites", [row | {"commune_codes": ["62001"]} | more])


def figures(values: dict[str, float | None]) -> pl.DataFrame:
    rows = [
        {
            "territory_level": "cite",
            "territory_code": "a",
            "indicator": indicator,
            "vintage": 2024,
            "value": value,
            "unit": "%",
            "status": "secret" if value is None else "published",
            "perimeter": "sept_epci",
            "perimeter_vintage": 2026,
            "geography_vintage": "COG 2026",
            "file_ids": ["f"],
        }
        for indicator, value in values.items()
    ]
    return frame(OBSERVATIONS.qualified_name, rows)


def signals(*said: tuple[int, str, str]) -> pl.DataFrame:
    rows = [
        {"slug": "a", "year": year, "kind": kind, "fact": fact, "passage": "p", "file_id": "s"}
        for year, kind, fact in said
    ]
    return frame(CITE_SIGNALS.qualified_name, rows)


def dwellings(**counts: int) -> pl.DataFrame:
    rows = [
        {
            "landlord": landlord.replace("_", "-"),
            "dwelling_id": f"{landlord}{n}",
            "vintage": 2024,
            "cite_slug": "a",
            "commune_code": "62001",
            "dwelling_type": "T3",
            "status": "occupied",
            "file_id": "d",
        }
        for landlord, count in counts.items()
        for n in range(count)
    ]
    return frame(DWELLINGS.qualified_name, rows)


def judged(values=CALM, said=(), heritage=None, **more) -> dict:
    if heritage is None:
        heritage = pl.DataFrame(schema=CITE_HERITAGE.polars_schema)
    table = cite_dashboard(
        cites(**more), signals(*said), heritage, dwellings(maisons_et_cites=5), figures(values)
    )
    return table.row(0, named=True)


@pytest.mark.parametrize(
    ("values", "said", "level", "reasons"),
    [
        ({}, (), "faible", ["aucun logement à démolir"]),
        ({DEMOLISH: 3.5}, (), "modere", ["3,5\u00a0% des logements à démolir"]),
        ({DEMOLISH: 10.0}, (), "fort", ["10,0\u00a0% des logements à démolir"]),
        ({VACANT: 9.99}, (), "faible", ["aucun logement à démolir"]),
        ({VACANT: 10.0}, (), "modere", ["10,0\u00a0% des logements vacants"]),
        ({}, ((2022, "demolition", "deux rues"),), "fort", ["2022 : deux rues"]),
        ({}, ((2022, "projet", "une place"),), "modere", ["2022 : une place"]),
        ({DEMOLISH: None}, (), "non_evalue", ["la part de logements à démolir n’est pas publiée"]),
        ({DEMOLISH: None, VACANT: 12.0}, (), "modere", ["12,0\u00a0% des logements vacants"]),
    ],
)
def test_risk_of_demolition(values, said, level, reasons):
    row = judged(CALM | values, said)
    assert (row["demolition_risk"], row["demolition_reasons"]) == (level, reasons)


@pytest.mark.parametrize(
    ("values", "said", "level"),
    [
        ({}, (), "faible"),
        ({LABEL: 50.0}, (), "modere"),
        ({STUDIED: 30.0, UNDERWAY: 20.0}, (), "modere"),
        ({LABEL: 50.0, STUDIED: 50.0}, (), "fort"),
        ({LABEL: 50.0, STUDIED: 50.0}, ((2022, "prevalidation", "accord"),), "modere"),
        ({LABEL: 50.0}, ((2022, "prevalidation", "accord"),), "faible"),
        ({}, ((2022, "projet", "une place"),), "modere"),
        ({LABEL: None}, (), "non_evalue"),
        # What is published is enough, whatever the rest may be.
        ({LABEL: None, STUDIED: 60.0, UNDERWAY: None}, (), "modere"),
        ({UNDERWAY: None}, (), "non_evalue"),
    ],
)
def test_risk_of_distortion(values, said, level):
    assert judged(CALM | values, said)["distortion_risk"] == level


def test_only_what_is_worth_keeping_may_be_distorted():
    row = judged(CALM | {LABEL: 90.0}, unesco="non_signale")
    assert row["distortion_risk"] == "non_evalue"
    contour = site_data().cite_heritage.with_columns(
        slug=pl.lit("a"), unesco_ids=pl.lit([], pl.List(pl.String))
    )
    witness = contour.with_columns(interests=pl.lit(["Témoin"]))
    assert judged(CALM | {LABEL: 90.0}, heritage=witness, unesco="non_signale")["distortion_risk"] == "faible"
    fine = contour.with_columns(interests=pl.lit(["Témoin", "Remarquable"]))
    row = judged(CALM | {LABEL: 90.0}, heritage=fine, unesco="non_signale")
    assert (row["distortion_risk"], row["interests"]) == ("modere", ["Témoin", "Remarquable"])
    assert "layer" in row["file_ids"]


def test_a_landlord_is_named_from_three_dwellings():
    table = cite_dashboard(
        cites(),
        signals(),
        pl.DataFrame(schema=CITE_HERITAGE.polars_schema),
        dwellings(maisons_et_cites=2, sia_habitat=3),
        figures(CALM),
    )
    assert table["owners"].to_list() == [["sia-habitat"]]


@pytest.mark.parametrize(
    ("more", "said", "year", "change"),
    [
        ({}, (), None, None),
        ({"phases_2022": ["operationnelle"]}, (), 2022, "phase opérationnelle"),
        (
            {"phases_2022": ["schema_directeur"], "phases_2023": ["operationnelle"]},
            (),
            2023,
            "phase opérationnelle (phase de schéma directeur en 2022)",
        ),
        ({"phases_2022": ["operationnelle"]}, ((2022, "projet", "une place"),), 2022, "une place"),
        ({"dossiers_2022": ["mai"]}, (), 2022, "appel à dépôt de demandes de mai 2022"),
    ],
)
def test_last_change_is_the_latest_word(more, said, year, change):
    row = judged(CALM, said, **more)
    assert (row["last_change_year"], row["last_change"]) == (year, change)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dashboard") / "site"
    build_site(site_data(), folder)
    return folder


def test_the_page_has_every_cite_gravest_first(site):
    text = (site / "cites/tableau-de-bord/index.html").read_text(encoding="utf-8")
    levels = re.findall(r'<tr data-words=.*? data-demolition="(\w+)"', text)
    assert levels == ["fort", "faible", "non_evalue"]
    assert "<à démolir>" not in text and "&lt;à démolir&gt;" in text
    assert "Maisons &amp; Cités, SIA Habitat" in text


def test_the_file_gives_each_figure_with_its_status(tmp_path):
    data = site_data()
    rows = [
        row | {"indicator": "parc_minier", "vintage": 2024, "unit": "logements"}
        for row in data.observations.filter(
            pl.col("territory_level") == "cite", pl.col("indicator") == "rotation"
        ).rows(named=True)
    ]
    with_stock = pl.concat([data.observations, frame(OBSERVATIONS.qualified_name, rows)])
    definition = data.definitions.filter(pl.col("indicator") == "rotation").with_columns(
        indicator=pl.lit("parc_minier"), vintages=pl.lit([2024], pl.List(pl.Int32))
    )
    definitions = pl.concat([data.definitions, definition])
    build_site(dataclasses.replace(data, observations=with_stock, definitions=definitions), tmp_path / "site")
    table = pl.read_csv(tmp_path / "site/donnees/tableau-de-bord-des-cites.csv")
    told = {row["slug"]: (row["parc_minier"], row["statut_parc_minier"]) for row in table.rows(named=True)}
    assert told["pinson"] == (None, "secret")
    assert told["zero"] == (0, "published")
    assert set(table["nature"]) == {"données fictives"}
    # The auditor reads it as a file of figures.
    figures_read = read_release(tmp_path / "site").figures
    assert not figures_read.filter(pl.col("origin") == "donnees/tableau-de-bord-des-cites.csv").is_empty()


def test_an_edition_without_dashboard_has_no_page_of_it(tmp_path):
    data = site_data()
    build_site(dataclasses.replace(data, dashboard=data.dashboard.clear()), tmp_path / "site")
    assert not (tmp_path / "site/cites/tableau-de-bord").exists()
    assert not (tmp_path / "site/donnees/tableau-de-bord-des-cites.csv").exists()
    assert "tableau-de-bord" not in (tmp_path / "site/cites/index.html").read_text(encoding="utf-8")
