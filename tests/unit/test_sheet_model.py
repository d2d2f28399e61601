"""What a sheet says beside its figures, on an edition whose values are worked out by hand."""

import dataclasses
import re
from pathlib import Path

import polars as pl
import pytest
from rendering_site import site_data

from observatory.disclosure.pages import Gazetteer as Reading
from observatory.disclosure.pages import read_pages
from observatory.rendering import SiteData
from observatory.rendering.changes import change
from observatory.rendering.comparisons import Outcome
from observatory.rendering.edition import Edition, edition
from observatory.rendering.places import Place
from observatory.rendering.website import build_site
from observatory.territories import NO_EPCI

# Communes 62001 to 62006: vacant of dwellings. EPCI 200000001 has the first three, 200000002 the others.
VACANT = {
    "62001": (60, 400),
    "62002": (30, 400),
    "62003": (40, 400),
    "62004": (5, 60),
    "62005": (90, 900),
    "62006": (54, 600),
}
BEFORE = {"62001": (20, 400), "62002": (31, 400), "62003": (0, 400), "62005": (1, 100), "62006": (54, 600)}
SUMS = {"200000001": (130, 1200), "200000002": (149, 1560), "BM": (279, 2760)}


def told(data: SiteData) -> SiteData:
    """Return the edition with rates that may be judged, in 2016 and 2021, and one that is secret in 2016."""
    keys = {**dict.fromkeys(VACANT, "commune"), "BM": "basin"}
    template = data.observations.filter(pl.col("indicator") == "vacance").head(1)
    rows = []
    for vintage, counts in ((2021, VACANT | SUMS), (2016, BEFORE)):
        for code, (part, whole) in counts.items():
            rows.append(
                template.with_columns(
                    territory_level=pl.lit(keys.get(code, "epci")),
                    territory_code=pl.lit(code),
                    vintage=pl.lit(vintage, pl.Int32),
                    value=pl.lit(part / whole * 100),
                    numerator=pl.lit(float(part)),
                    denominator=pl.lit(float(whole)),
                    status=pl.lit("published"),
                )
            )
    rows.append(
        rows[0].with_columns(
            territory_code=pl.lit("62004"),
            vintage=pl.lit(2016, pl.Int32),
            status=pl.lit("secret"),
            **{name: pl.lit(None, pl.Float64) for name in ("value", "numerator", "denominator")},
        )
    )
    others = data.observations.filter(
        (pl.col("indicator") != "vacance") | ~pl.col("territory_level").is_in(["commune", "epci", "basin"])
    )
    here = pl.col("indicator") == "vacance"
    definitions = data.definitions.with_columns(
        proportion=here | pl.col("proportion"),
        reliable_from=pl.when(here).then(200).otherwise("reliable_from").cast(pl.Int32),
        reliability=pl.when(here).then(pl.lit("Petite base.")).otherwise("reliability"),
        shortest_interval=pl.when(pl.col("indicator").is_in(["vacance", "population"]))
        .then(pl.when(here).then(5).otherwise(2))
        .cast(pl.Int32),
        vintages=pl.when(here).then([2016, 2021]).otherwise("vintages"),
        phrase=pl.when(here).then(pl.lit("{value} des logements sont vacants")),
    )
    return dataclasses.replace(
        data,
        observations=pl.concat([others, *rows]),
        definitions=definitions,
        # The typology of the edition says that some of these rates are missing.
        typology={name: frame.clear() for name, frame in data.typology.items()},
    )


@pytest.fixture(scope="module")
def book() -> Edition:
    return edition(told(site_data()))


def row(book: Edition, code: str, level: str = "commune"):
    sheet = book.sheets.of_territory(
        book.gazetteer.place(level, code), "iris" if level == "commune" else "commune"
    )
    table = next(table for table in sheet.tables if table.theme == "Logement")
    return table, table.rows[0]


def test_a_commune_is_judged_beside_each_territory_around(book: Edition) -> None:
    # 60 of 400: from 11.8 to 18.8 %; its EPCI has 10.8 %, the basin 10.1 %, and fewer are better.
    table, one = row(book, "62001")
    outcomes = {
        place.level: judgement and judgement.outcome
        for place, judgement in zip(table.columns, one.judgements, strict=True)
    }
    assert outcomes["commune"] is None
    assert outcomes["epci"] is outcomes["basin"] is Outcome.WORSE
    # The department has a value, and no numerator, in this edition.
    assert outcomes["department"] is Outcome.WORSE
    # 40 of 400: from 7.4 to 13.3 %.
    _, other = row(book, "62003")
    assert other.judgements[1].outcome is other.judgements[2].outcome is Outcome.SIMILAR


def test_ranks_leave_fragile_values_out_and_follow_the_favourable_end(book: Edition) -> None:
    # 7.5, 9, 10, 10 and 15 %; the 8.3 % of 62004 is of 60 dwellings.
    found = {code: row(book, code)[1].rank for code in VACANT}
    assert {code: rank and (rank.position, rank.among) for code, rank in found.items()} == {
        "62002": (1, 5), "62006": (2, 5), "62003": (3, 5), "62005": (3, 5), "62001": (5, 5), "62004": None,
    }  # fmt: skip
    assert row(book, "62004")[1].fragile
    # Two EPCI are too few.
    assert row(book, "200000001", "epci")[1].rank is None


def test_changes_need_two_published_and_reliable_figures(book: Edition) -> None:
    found = {code: row(book, code)[1].change for code in VACANT}
    # 15 less 5 points; 7.5 less 7.75; 10 less 0; 9 less 9.
    assert {code: one.value for code, one in found.items() if one.value is not None} == {
        "62001": pytest.approx(10.0),
        "62002": pytest.approx(-0.25),
        "62003": pytest.approx(10.0),
        "62006": pytest.approx(0.0),
    }
    assert {code: one.significant for code, one in found.items()} == {
        "62001": True, "62002": False, "62003": True, "62004": None, "62005": None, "62006": False,
    }  # fmt: skip
    assert "pas publiée" in found["62004"].reason
    assert "fragile" in found["62005"].reason
    assert all(one.from_vintage == 2016 for one in found.values())


def test_counts_change_in_per_cent_and_nothing_changes_below_the_commune(book: Edition) -> None:
    place = book.gazetteer.place("commune", "62001")
    count = change(book.book, place, book.book.indicator("population"))
    assert (count.from_vintage, count.kind, count.value) == (2019, "percent", 0.0)
    quarter = book.gazetteer.place("iris", "620010100")
    below = change(book.book, quarter, book.book.indicator("vacance"))
    assert (below.kind, below.value) == ("none", None)
    assert "IRIS" in below.reason
    forbidden = change(book.book, place, book.book.indicator("rotation"))
    assert forbidden.reason == "Recensement."


def test_a_commune_alone_in_its_epci_is_not_compared_with_it() -> None:
    data = told(site_data())
    alone = pl.col("code").is_in([code for code in VACANT if code != "62001"]) & (
        pl.col("level") == "commune"
    )
    moved = pl.col("parents").list.eval(pl.element().replace("epci:200000001", "epci:200000002"))
    territories = data.territories.with_columns(parents=pl.when(alone).then(moved).otherwise("parents"))
    moved_edition = edition(dataclasses.replace(data, territories=territories, cites=data.cites.clear()))
    one = row(moved_edition, "62001")[1]
    assert one.judgements[1].outcome is Outcome.NOT_COMPARED
    assert one.judgements[1].gap is None
    assert one.judgements[2].outcome is Outcome.WORSE


def test_a_group_of_communes_without_epci_is_no_epci_to_rank(book: Edition) -> None:
    place = Place("epci", NO_EPCI, "Communes sans intercommunalité", ())
    assert book.book.ranking(place, book.book.indicator("vacance")) is None


def test_sentences_tell_the_level_the_position_and_the_change(book: Edition) -> None:
    table, _ = row(book, "62001")
    assert table.sentences == (
        "À Béthune 0, en 2021, 15,0\u00a0% des logements sont vacants, plus que dans la communauté "
        "d’agglomération de l’Écaillon (10,8\u00a0%) et que dans le Bassin minier (10,1\u00a0%).",
        "C’est la valeur la plus élevée des 5\u00a0communes classées\u202f; entre 2016 et 2021, elle a "
        "augmenté de 10,0\u00a0points.",
    )
    # Fragile: nothing is said of it.
    assert row(book, "62004")[0].sentences == ()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("told")
    build_site(told(site_data()), folder)
    return folder


def test_marks_are_words_or_signs_and_the_legend_explains_them(site: Path) -> None:
    page = (site / "communes/62001/index.html").read_text(encoding="utf-8")
    assert re.search(r'role="img" title="fiche plus élevée, ce qui est défavorable">▲</span>', page)
    assert re.search(r'<ul class="marks".*?▲</span> valeur de la fiche plus élevée', page, re.S)
    fragile = (site / "communes/62004/index.html").read_text(encoding="utf-8")
    assert '<span class="fragile">fragile</span>' in fragile
    assert re.search(r'<ul class="marks".*?fragile</span> à manier avec précaution', fragile, re.S)
    sections = fragile.partition('<section id="population">')[2].partition('<section id="typologie">')[0]
    assert "fragile" in sections
    assert "▲" not in sections


def test_the_reader_takes_a_name_for_the_longest_that_it_ends_with() -> None:
    rows = [
        ("commune", "62510", "Liévin", ["epci:1", "basin:BM"]),
        ("epci", "1", "CA de Lens-Liévin", ["basin:BM"]),
        ("basin", "BM", "Bassin minier", []),
    ]
    frame = pl.DataFrame(rows, schema=["level", "code", "name", "parents"], orient="row")
    gazetteer = Reading(frame)
    assert gazetteer.beside(("commune", "62510"), "Lens-Liévin") == ("epci", "1")
    assert gazetteer.beside(("commune", "62510"), "Commune Liévin") == ("commune", "62510")


def test_the_rank_of_a_key_figure_is_not_read_as_its_last_comparator(tmp_path: Path) -> None:
    page = tmp_path / "communes" / "62001" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text(
        '<ul><li class="key"><span class="key-label"><a href="#indicateur-vacance">Vacance</a></span>'
        '<span class="key-value">7,5</span><span class="key-more">2021 · Bassin minier\u202f: secret</span>'
        '<span class="key-note">3e sur 6 communes · +1,0 pt (2016–2021)</span></li></ul>',
        encoding="utf-8",
    )
    shown = list(read_pages(tmp_path, site_data().territories, {}))
    assert [(one.area, one.vintage, one.text) for one in shown] == [
        (("commune", "62001"), 2021, "7,5"),
        (("basin", "BM"), 2021, "secret"),
    ]


def test_ranks_and_changes_are_not_read_as_figures(site: Path) -> None:
    data = told(site_data())
    labels = dict(data.definitions.select("label", "indicator").iter_rows())
    published = {
        row[:4]: row[4]
        for row in data.observations.filter(pl.col("status") == "published")
        .select("territory_level", "territory_code", "indicator", "vintage", "value")
        .iter_rows()
    }
    shown = [one for one in read_pages(site, data.territories, labels) if one.indicator == "vacance"]
    numbers = [one for one in shown if any(map(str.isdigit, one.text))]
    assert len(numbers) > 50
    for one in numbers:
        value = published[*one.area, one.indicator, one.vintage or 2021]
        number = re.search(
            r"-?[\d.]+", one.text.replace(",", ".").replace("\u202f", "").replace("\u2212", "-")
        )[0]
        assert float(number) == pytest.approx(value, abs=0.051), one
