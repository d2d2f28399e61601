import csv
import dataclasses
import io
import xml.etree.ElementTree as ET
import zipfile
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from rendering_site import FICTIVE_VALUE, frame, observation, site_data

from observatory.disclosure.pages import read_pages
from observatory.disclosure.release import read_release
from observatory.indicators.catalogue import load_indicators
from observatory.rendering import SiteData, build_site
from observatory.rendering.edition import Edition, edition
from observatory.rendering.landmark_files import CSV_COLUMNS, landmark_files, sheet_name
from observatory.rendering.landmarks import (
    COMMON,
    LATEST,
    chain,
    change,
    landmark_table,
    nearest,
    refusal,
)
from observatory.rendering.small_multiples import bars, multiples

YEARS = (1999, 2006, 2011, 2017, 2018, 2022)
# What each EPCI counts in 1999, 2006, 2011, 2017, 2018 and 2022; the basin is their sum.
COUNTS = {
    "200000001": (1000.0, 900.0, 800.0, 950.0, 940.0, 1100.0),
    "200000002": (3000.0, 3100.0, 3200.0, None, 3250.0, 2900.0),
}


def series_data() -> SiteData:
    """The synthetic edition, its population given over six vintages; one figure of an EPCI is secret."""
    data = site_data()
    rows = []
    for code, values in COUNTS.items():
        for vintage, value in zip(YEARS, values, strict=True):
            status = "secret" if value is None else "published"
            rows.append(observation("epci", code, "population", value, vintage=vintage, status=status))
    for vintage, *values in zip(YEARS, *COUNTS.values(), strict=True):
        value = sum(one for one in values if one is not None)
        rows.append(observation("basin", "BM", "population", value, vintage=vintage))
    rows.append(observation("country", "FR", "population", 60000.0, vintage=2018))
    rows.append(observation("region", "32", "population", 6000.0, vintage=2018))
    others = data.observations.filter(
        ~(
            (pl.col("indicator") == "population")
            & pl.col("territory_level").is_in(["epci", "basin", "country", "region"])
        )
    )
    definitions = data.definitions.with_columns(
        vintages=pl.when(pl.col("indicator") == "population")
        .then(pl.lit(list(YEARS), pl.List(pl.Int32)))
        .otherwise(pl.col("vintages")),
        shortest_interval=pl.lit(5, pl.Int32),
    )
    observations = pl.concat([others, frame("indicators.observations", rows)])
    return dataclasses.replace(data, observations=observations, definitions=definitions)


@pytest.fixture(scope="module")
def data() -> SiteData:
    return series_data()


@pytest.fixture(scope="module")
def indexed(data: SiteData) -> Edition:
    return edition(data)


@given(st.sets(st.integers(1960, 2030), max_size=12), st.integers(1990, 2025))
def test_a_landmark_is_never_farther_than_two_years_and_never_missed(vintages, year):
    found = nearest(sorted(vintages), year)
    within = {vintage for vintage in vintages if year - 2 <= vintage <= year + 2}
    assert (found is None) == (not within)
    if found is not None:
        assert found in within
        assert all(abs(found - year) <= abs(other - year) for other in within)


def test_of_two_vintages_as_near_the_later_stands():
    assert nearest([2015, 2017], 2016) == 2017
    assert nearest([2013, 2019], 2016) is None


@given(st.sets(st.integers(1960, 2030), min_size=1, max_size=15))
def test_a_line_joins_vintages_five_years_apart_up_to_the_latest(vintages):
    indicator = dataclasses.replace(SOME, vintages=tuple(sorted(vintages)), shortest_interval=5, breaks=())
    drawn = chain(indicator)
    assert drawn[-1] == max(vintages)
    assert set(drawn) <= vintages
    assert all(later - earlier >= 5 for earlier, later in pairwise(drawn))
    # Nothing earlier was left out that could have been joined.
    assert not [vintage for vintage in vintages if drawn[0] - vintage >= 5]


SOME = edition(site_data()).book.indicator("population")


def with_care(one):
    """Return the synthetic population, to be compared as an indicator of the catalogue is."""
    care = one.care
    return dataclasses.replace(
        SOME,
        shortest_interval=care.shortest_interval,
        breaks=care.breaks,
        change_note=care.change_note,
    )


def test_no_change_straddles_a_break():
    poverty = with_care(next(one for one in load_indicators() if one.id == "taux_pauvrete"))
    assert refusal(poverty, 2016, 2021) == ""
    assert refusal(poverty, 2016, 2023) == refusal(poverty, 2017, 2024) == poverty.change_note
    assert refusal(poverty, 2023, 2028) == ""


def test_what_the_catalogue_refuses_to_compare_has_no_change():
    never = {one.id for one in load_indicators() if refusal(with_care(one), 1990, 2020)}
    assert {
        "solde_naturel",
        "etablissements",
        "evolution_population_5_ans",
        "equipements",
        "commerces",
        "medecins_generalistes",
        "niveau_vie_median",
    } <= never
    assert not never & {
        "population_depuis_1968",
        "population_municipale",
        "taux_chomage_recensement",
        "part_logements_vacants",
        "emplois",
        "naissances",
    }


def test_columns_keep_their_own_year_and_say_what_they_stand_for(indexed: Edition) -> None:
    table = landmark_table(indexed.book, indexed.benchmarks, indexed.book.indicator("population"))
    assert [(column.vintage, column.roles) for column in table.columns] == [
        (1999, ("repère 1999",)),
        (2006, ("repère 2006",)),
        (2011, ()),
        (2017, ("repère 2016",)),
        (2018, (COMMON,)),
        (2022, (LATEST,)),
    ]
    assert table.absent == ""
    assert table.span == (1999, 2022)
    changes = {row.place.code: row.change.text for row in table.rows}
    # 1000 to 1100, 3000 to 2900, 4000 to 4000; France and the region have 2018 only.
    assert changes["200000001"] == "+10,0\u00a0%"
    assert changes["200000002"] == "−3,3\u00a0%"
    assert changes["BM"] == "0,0\u00a0%"
    assert changes["FR"] == "non disponible"


def test_two_vintages_too_near_have_no_change_and_the_reason() -> None:
    indexed = edition(site_data())
    table = landmark_table(indexed.book, indexed.benchmarks, indexed.book.indicator("population"))
    assert table.span is None
    assert table.absent == (
        "Repères 1999, 2006 et 2016\u202f: aucun millésime à deux ans près (le premier est 2019)."
    )
    vacancy = landmark_table(indexed.book, indexed.benchmarks, indexed.book.indicator("vacance"))
    assert [column.roles for column in vacancy.columns] == [(LATEST,)]
    assert vacancy.refusal == ""


def test_a_change_is_in_per_cent_for_a_count_and_in_points_for_a_rate(indexed: Edition) -> None:
    def figure(name: str, value: float | None, status: str = "published"):
        one = indexed.book.figure(indexed.gazetteer.basin, indexed.book.indicator(name))
        return dataclasses.replace(one, value=value, status=status)

    assert change(figure("vacance", 8.41), figure("vacance", 7.94)).text == "−0,5\u00a0point"
    assert change(figure("vacance", 5.0), figure("vacance", 7.0)).text == "+2,0\u00a0points"
    assert change(figure("population", 200.0), figure("population", 150.0)).text == "−25,0\u00a0%"
    assert change(figure("population", 0.0), figure("population", 5.0)).text == "sans objet"
    moved = dataclasses.replace(figure("vacance", 7.0), geography="COG 2020")
    assert change(figure("vacance", 5.0), moved).text == "géographies différentes"
    invented = dataclasses.replace(figure("vacance", 7.0), fictive=True)
    assert change(figure("vacance", 5.0), invented).value is None
    hidden = change(figure("vacance", None, "secret"), figure("vacance", 7.0))
    assert (hidden.text, hidden.value) == ("secret", None)


def test_panels_share_a_scale_and_break_where_nothing_is_published(indexed: Edition) -> None:
    population, basin = indexed.book.indicator("population"), indexed.gazetteer.basin
    vintages = (1999, 2011, 2017, 2022)

    def over(place):
        return [indexed.book.figure(place, population, vintage) for vintage in vintages]

    drawn = multiples(population, [(epci, over(epci)) for epci in indexed.gazetteer.epcis], over(basin))
    assert drawn is not None
    assert drawn.base == 1999
    first, second = drawn.panels
    # 23 years over 182 units from 14: 2011 is 12/23 of the way, 2017 is 18/23.
    assert [dot.x for dot in first.dots] == [14.0, 109.0, 156.4, 196.0]
    # Indices go from 23.75 (950 of 4000, the basin in 2017) to 110; 20 is the top, 86 the foot, 12 % spare.
    spread = 110 - 23.75
    foot = 23.75 - 0.12 * spread
    expected = [round(86 - (level - foot) / (1.24 * spread) * 66, 1) for level in (100, 80, 95, 110)]
    assert [dot.y for dot in first.dots] == expected
    assert [(dot.label, dot.anchor) for dot in first.dots] == [
        ("1\u202f000", "start"),
        ("", ""),
        ("", ""),
        ("1\u202f100", "end"),
    ]
    assert first.behind == second.behind
    assert first.trace.count("M") == 1
    # 2017 is secret in the second: its line is broken, and no dot stands there.
    assert second.trace.count("M") == 2
    assert [dot.x for dot in second.dots] == [14.0, 109.0, 196.0]
    # Labels leave the line free: one falls from its first dot and rises to its last, the other the reverse.
    assert [panel.dots[0].label_y < panel.dots[0].y for panel in drawn.panels] == [True, False]
    assert [panel.dots[-1].label_y < panel.dots[-1].y for panel in drawn.panels] == [True, False]


def test_a_label_clears_the_line_along_its_length(indexed: Edition) -> None:
    population, basin = indexed.book.indicator("population"), indexed.gazetteer.basin
    one = indexed.book.figure(basin, population)
    # Rises, then falls under where it began within the length of the first label, ten years on sixty.
    heights = ((1960, 100.0), (1965, 110.0), (1970, 80.0), (2020, 120.0))
    figures = [dataclasses.replace(one, vintage=vintage, value=value) for vintage, value in heights]
    drawn = multiples(population, [(basin, figures)], figures)
    assert drawn is not None
    first, _, lowest, _ = drawn.panels[0].dots
    assert first.label_y == pytest.approx(lowest.y + 16)


def test_bars_start_at_zero_and_are_not_drawn_under_it(indexed: Edition) -> None:
    vacancy, basin = indexed.book.indicator("vacance"), indexed.gazetteer.basin
    one = indexed.book.figure(basin, vacancy)

    def drawn(*values: float | None):
        return [
            bar.width for bar in bars([(basin, dataclasses.replace(one, value=value)) for value in values])
        ]

    assert drawn(5.0, 20.0, 0.0, None) == [25.0, 100.0, 0.0, None]
    assert drawn(-1.0, 3.0) == []
    assert drawn(None) == []


def files_of(indexed: Edition, fictive: bool = False):
    workbook, table = (file for file in landmark_files(indexed) if file.fictive == fictive)
    return CalamineWorkbook.from_filelike(io.BytesIO(workbook.content)), table


def published(data: SiteData) -> dict[tuple[str, str, str, int], float]:
    rows = data.observations.filter(pl.col("status") == "published")
    columns = ("territory_level", "territory_code", "indicator", "vintage", "value")
    return {row[:4]: row[4] for row in rows.select(columns).iter_rows()}


def test_every_cell_of_the_workbook_is_an_observation(data: SiteData, indexed: Edition) -> None:
    labels = dict(data.definitions.select("label", "indicator").iter_rows())
    levels = {"Intercommunalité": "epci", "Bassin minier": "basin", "Département": "department"}
    levels |= {"Région": "region", "Pays": "country"}
    known, read = published(data), 0
    for fictive, themes in (False, ["Population", "Logement"]), (True, ["Parc minier", "Occupation"]):
        workbook, _ = files_of(indexed, fictive)
        assert workbook.sheet_names == ["Lisez-moi", *themes, "Définitions", "Sources"]
        for theme in themes:
            head, *rows = workbook.get_sheet_by_name(theme).to_python(skip_empty_area=False)
            for row in rows:
                label, _, level, _, indicator, place = row[:6]
                code = place.removeprefix(f"{levels[level]}:")
                assert labels[label] == indicator
                for at in range(6, 21, 3):
                    assert [name.partition("\u202f: ")[2] for name in head[at : at + 3]] == [
                        "millésime",
                        "valeur",
                        "statut",
                    ]
                    vintage, value, status = row[at : at + 3]
                    if status in ("aucun millésime", "le dernier"):
                        assert (vintage, value) == ("", "")
                        continue
                    key = (levels[level], code, indicator, int(vintage))
                    if status == "publié":
                        assert isinstance(value, float)
                        assert known[key] == value
                        read += 1
                    else:
                        assert value == "", key
                        assert key not in known
                before, after, changed, unit_or_reason = row[-5:-1]
                if label == "Population" and levels[level] in ("epci", "basin"):
                    first, last = (
                        known[levels[level], code, "population", int(year)] for year in (before, after)
                    )
                    assert changed == pytest.approx((last / first - 1) * 100)
                    assert unit_or_reason == "%"
                else:
                    assert changed == ""
                assert (label in FICTIVE) == fictive
                assert row[-1] == ("données fictives" if fictive else "données réelles")
    # The thirty figures of the CSV but those of 2011, which stand for no landmark.
    assert read == 27


FICTIVE = ("Taux de rotation", "Type de ménage\u202f: personne seule", "Type de ménage\u202f: autre ménage")


def test_the_workbook_names_its_sources_and_hatches_what_is_invented(indexed: Edition) -> None:
    for fictive, name, nature in (False, "real", "données réelles"), (True, "made", "données fictives"):
        workbook, _ = files_of(indexed, fictive)
        sources = workbook.get_sheet_by_name("Sources").to_python()
        assert sources[0][5] == "SHA-256"
        assert {(row[0], row[5], row[7]) for row in sources[1:]} == {(name, "ab" * 32, nature)}
    invented = next(file for file in landmark_files(indexed) if file.fictive)
    with zipfile.ZipFile(io.BytesIO(invented.content)) as archive:
        styles = ET.fromstring(archive.read("xl/styles.xml"))
        patterns = {node.get("patternType") for node in styles.iter() if node.tag.endswith("patternFill")}
        assert "lightUp" in patterns
        sheet = archive.read("xl/worksheets/sheet2.xml").decode()
        assert 'state="frozen"' in sheet
        assert "<autoFilter" in sheet
        assert not any(
            "<f>" in archive.read(name).decode() for name in archive.namelist() if "worksheets/sheet" in name
        )


def test_the_csv_opens_in_a_french_spreadsheet(data: SiteData, indexed: Edition) -> None:
    known, read = published(data), 0
    for fictive in (False, True):
        _, file = files_of(indexed, fictive)
        assert file.content.startswith(b"\xef\xbb\xbf")
        text = file.content.decode("utf-8-sig")
        assert text.count("\r\n") == text.count("\n") == file.rows + 1
        rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
        assert list(rows[0]) == list(CSV_COLUMNS)
        for row in rows:
            level, _, code = row["identifiant"].partition(":")
            key = (level, code, row["indicateur"], int(row["millesime"]))
            assert "." not in row["valeur"]
            if row["statut"] == "publié":
                assert float(row["valeur"].replace(",", ".")) == known[key]
                read += 1
            else:
                assert row["valeur"] == ""
                assert key not in known
        assert {row["nature"] for row in rows} == {"données fictives" if fictive else "données réelles"}
        assert (str(FICTIVE_VALUE).replace(".", ",") in text) == fictive
    # Population: 6 + 5 in the EPCI, 6 in the basin, France and the region once; vacancy 6; fictive ones 5.
    assert read == 30


def test_text_that_a_spreadsheet_would_run_stays_text(data: SiteData) -> None:
    names = pl.when(pl.col("indicator") == "vacance").then(pl.lit('=1+1;"x"')).otherwise(pl.col("label"))
    hostile = edition(dataclasses.replace(data, definitions=data.definitions.with_columns(label=names)))
    workbook, file = files_of(hostile)
    assert workbook.get_sheet_by_name("Logement").to_python()[1][0] == '=1+1;"x"'
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig")), delimiter=";"))
    assert {row["libelle"] for row in rows if row["indicateur"] == "vacance"} == {'\'=1+1;"x"'}


def test_the_files_are_read_by_the_audit_and_are_the_same_each_time(data: SiteData, tmp_path: Path) -> None:
    build_site(data, tmp_path / "a")
    build_site(data, tmp_path / "b")
    for name in ("reperes-2026-1.xlsx", "reperes-2026-1.csv"):
        assert (tmp_path / "a/donnees" / name).read_bytes() == (tmp_path / "b/donnees" / name).read_bytes()
    figures = read_release(tmp_path / "a").figures
    ours, sheets = (
        figures.filter(pl.col("origin") == f"donnees/reperes-2026-1.{suffix}") for suffix in ("csv", "xlsx")
    )
    # All but the year that stands for no landmark, once for each landmark that a year stands for.
    read = set(
        sheets.filter(pl.col("status") == "published")
        .select("level", "code", "indicator", "vintage")
        .iter_rows()
    )
    assert {year for *_, year in read} >= {1999, 2006, 2021, 2022}
    assert read <= set(ours.select("level", "code", "indicator", "vintage").iter_rows())
    known = published(data)
    shown = ours.filter(pl.col("status") == "published")
    assert shown.height == 25
    assert all(
        known[row[:4]] == row[4]
        for row in shown.select("level", "code", "indicator", "vintage", "value").iter_rows()
    )
    assert ours.filter(pl.col("status") == "secret").height == 1
    # A figure slipped in the file is seen: it is published nowhere else.
    path = tmp_path / "a/donnees/reperes-2026-1.csv"
    text = path.read_bytes().decode("utf-8-sig")
    assert ";2017;;" in text
    path.write_bytes(
        text.replace(";2017;;habitants;secret", ";2017;3210,5;habitants;publié", 1).encode("utf-8-sig")
    )
    slipped = read_release(tmp_path / "a").figures.filter(
        pl.col("origin") == "donnees/reperes-2026-1.csv", pl.col("value") == 3210.5
    )
    assert slipped.select("level", "code", "indicator", "vintage").rows() == [
        ("epci", "200000002", "population", 2017)
    ]


def test_the_audit_reads_every_cell_of_a_theme_page(data: SiteData, tmp_path: Path) -> None:
    build_site(data, tmp_path / "site")
    release = read_release(tmp_path / "site")
    shown = [
        item
        for item in read_pages(release.folder, release.territories, {})
        if item.page == "reperes/population/index.html"
    ]
    # Six columns for the two EPCI, the basin, the department, the region and France.
    assert len(shown) == 6 * 6
    known = published(data)
    for item in shown:
        key = (*item.area, item.indicator, item.vintage)
        assert any(letter.isdigit() for letter in item.text) == (key in known), key


def test_names_of_sheets_are_those_a_workbook_takes():
    assert (
        sheet_name("Qualification et catégories socioprofessionnelles") == "Qualification et catégories soc"
    )
    assert sheet_name("Emploi/activité: [essai]?") == "Emploi activité   essai"


def test_theme_pages_hold_their_tables_and_drawings_without_script(data: SiteData, tmp_path: Path) -> None:
    build_site(data, tmp_path / "site")
    text = (tmp_path / "site/reperes/population/index.html").read_text(encoding="utf-8")
    assert text.count('<div class="panel">') == 2
    assert "repère 2016" in text
    index = (tmp_path / "site/reperes/index.html").read_text(encoding="utf-8")
    for name in ("reperes-2026-1.xlsx", "reperes-2026-1.csv"):
        assert f"donnees/{name}" in index
    assert 'class="other">2017<' in index
