"""What changed between two editions: each reason by hand, then what holds whatever the editions."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from releases_small import FILE, definition, edition, figure, file, territories
from rendering_site import site_data

from observatory.disclosure.pages import read_pages
from observatory.disclosure.release import read_release, read_releases
from observatory.opendata.changes import changes_exports
from observatory.releases.differences import KINDS, REASONS, Differences, differences, since_last
from observatory.releases.editions import (
    CURRENT,
    PublicEdition,
    find_edition,
    last_release,
    read_edition,
)
from observatory.releases.naming import ReleaseFolderError, order
from observatory.releases.provenance import code_fingerprint
from observatory.rendering import build_site
from observatory.rendering.differences_page import write_differences


def changes(found: Differences) -> list[tuple[str, str, list[str]]]:
    """Return area, kind and reasons of each row."""
    return [
        (f"{row['territory_level']}:{row['territory_code']}", row["change"], row["reasons"])
        for row in found.rows.iter_rows(named=True)
    ]


BEFORE = [figure("commune:1", 10.0), figure("commune:2", 20.0), figure("epci:A", 15.0)]
REVISED = [figure("commune:1", 10.5), *BEFORE[1:]]


def test_the_same_edition_has_no_difference() -> None:
    found = differences(edition("a", BEFORE), edition("b", BEFORE))
    assert found.rows.is_empty()
    assert (found.compared, found.unexplained, found.by_reason) == (3, 0, [])


def test_a_revised_source_is_the_reason_only_of_what_comes_from_it() -> None:
    other = figure("commune:2", 21.0, file_ids=["autre"])
    found = differences(
        edition(
            "a", [*BEFORE[:1], figure("commune:2", 20.0, file_ids=["autre"])], files=[file(), file("autre")]
        ),
        edition("b", [REVISED[0], other], files=[file(sha256="bb"), file("autre")]),
    )
    assert changes(found) == [
        ("commune:1", "value", ["source"]),
        ("commune:2", "value", ["unexplained"]),
    ]
    assert [(one.file_id, one.change) for one in found.sources] == [(FILE, "revised")]
    row = found.rows.row(0, named=True)
    assert (row["value_before"], row["value_after"], row["territory"]) == (10.0, 10.5, "Ville 1")
    assert found.unexplained == 1


def test_a_change_of_formula_or_of_unit_is_told_and_one_of_label_is_no_reason() -> None:
    for changed, reason in (
        ({"formula": "a ÷ c × 100"}, "formula"),
        ({"unit": "‰"}, "formula"),
        ({"label": "Autre libellé"}, "unexplained"),
    ):
        found = differences(
            edition("a", BEFORE), edition("b", REVISED, definitions=[definition("taux", **changed)])
        )
        assert changes(found) == [("commune:1", "value", [reason])]
        assert len(found.definitions) == 1


def test_a_perimeter_touches_what_it_recomposes_and_not_the_region() -> None:
    moved = territories("1", others=("2", "3"))
    after = [figure("commune:1", 10.5), figure("epci:A", 10.5), figure("region:32", 31.0)]
    found = differences(edition("a", [*BEFORE, figure("region:32", 30.0)]), edition("b", after, places=moved))
    assert changes(found) == [
        ("commune:1", "value", ["unexplained"]),
        ("commune:2", "removed", ["unexplained"]),
        ("epci:A", "value", ["perimeter"]),
        ("region:32", "value", ["unexplained"]),
    ]
    other = figure("epci:B", 9.0)
    gone = differences(
        edition("a", [*BEFORE, other]), edition("b", [BEFORE[0], other], places=territories("1"))
    )
    assert changes(gone) == [
        ("commune:2", "removed", ["perimeter"]),
        ("epci:A", "removed", ["perimeter"]),
    ]
    geography = [figure("commune:1", 11.0, geography_vintage="COG 2025")]
    found = differences(edition("a", BEFORE[:1]), edition("b", geography))
    assert changes(found) == [("commune:1", "value", ["perimeter"])]


def test_a_new_vintage_or_indicator_says_it_all() -> None:
    added = figure("commune:1", 12.0, vintage=2022, file_ids=["insee:2022:communes"])
    other = figure("commune:1", 3.0, "autre")
    found = differences(
        edition("a", BEFORE),
        edition(
            "b",
            [*BEFORE, added, other],
            files=[file(), file("insee:2022:communes")],
            definitions=[definition("taux"), definition("autre")],
        ),
    )
    assert changes(found) == [
        ("commune:1", "added", ["indicator"]),
        ("commune:1", "added", ["vintage"]),
    ]
    assert (found.added, found.removed) == (("autre",), ())


def test_secrecy_is_told_and_never_the_value_that_became_secret() -> None:
    hidden = [figure("commune:1", None), *BEFORE[1:]]
    found = differences(edition("a", BEFORE), edition("b", hidden))
    assert changes(found) == [("commune:1", "status", ["confidentiality"])]
    assert found.rows.row(0, named=True)["value_before"] is None
    assert "10.0" not in found.rows.write_json()
    shown = differences(edition("a", hidden), edition("b", BEFORE))
    assert changes(shown) == [("commune:1", "status", ["confidentiality"])]
    assert shown.rows.row(0, named=True)["value_after"] == 10.0


def test_a_withdrawn_value_is_not_recalled() -> None:
    found = differences(edition("a", BEFORE), edition("b", BEFORE[1:]))
    assert changes(found) == [("commune:1", "removed", ["unexplained"])]
    assert found.rows["value_before"].to_list() == [None]


def test_several_reasons_hold_together() -> None:
    found = differences(
        edition("a", BEFORE),
        edition(
            "b",
            [figure("commune:1", None, geography_vintage="COG 2025"), *BEFORE[1:]],
            files=[file(sha256="cc")],
            definitions=[definition("taux", formula="autre")],
        ),
    )
    assert changes(found) == [("commune:1", "status", ["source", "perimeter", "formula", "confidentiality"])]
    assert [reason for reason, _ in found.by_reason] == ["source", "perimeter", "formula", "confidentiality"]


def test_another_file_behind_the_same_figure_is_said() -> None:
    absent = figure("commune:1", None, status="not_available", file_ids=[])
    found = differences(edition("a", [absent]), edition("b", BEFORE[:1]))
    assert changes(found) == [("commune:1", "status", ["files"])]


@pytest.mark.parametrize(("codes", "same"), [(("x", "x"), True), (("x", "y"), False), (("", "y"), None)])
def test_whether_the_code_is_the_same_is_known_only_where_both_say(codes: Any, same: bool | None) -> None:
    found = differences(edition("a", BEFORE, code=codes[0]), edition("b", REVISED, code=codes[1]))
    assert found.same_code is same


def test_a_row_of_generated_data_is_fictive() -> None:
    found = differences(
        edition("a", BEFORE, files=[file(fictive=True)]), edition("b", REVISED, files=[file(fictive=True)])
    )
    assert found.rows["fictive"].to_list() == [True]
    real, fictive = changes_exports(found)
    assert (real.frame.height, fictive.frame["nature"].to_list()) == (0, ["données fictives"])


AREAS = st.sampled_from(["commune:1", "commune:2", "epci:A", "region:32"])
FIGURES = st.lists(
    st.builds(
        lambda area, value, name, vintage: figure(area, value, name, vintage=vintage),
        AREAS,
        st.one_of(st.none(), st.floats(-1e6, 1e6, allow_nan=False)),
        st.sampled_from(["taux", "part"]),
        st.sampled_from([2020, 2021]),
    ),
    unique_by=lambda row: (row["territory_level"], row["territory_code"], row["indicator"], row["vintage"]),
    max_size=12,
)
EDITIONS = st.builds(
    lambda figures, sha, formula, communes: edition(
        "x",
        figures,
        files=[file(sha256=sha)],
        definitions=[definition("taux", formula=formula), definition("part")],
        places=territories(*communes),
    ),
    FIGURES,
    st.sampled_from(["aa", "bb"]),
    st.sampled_from(["f", "g"]),
    st.sampled_from([("1",), ("1", "2")]),
)
MIRRORED = {"added": "removed", "removed": "added", "value": "value", "status": "status"}


@settings(max_examples=40)
@given(EDITIONS, EDITIONS)
def test_whatever_the_editions(one: PublicEdition, other: PublicEdition) -> None:
    assert differences(one, one).rows.is_empty()
    found, back = differences(one, other), differences(other, one)
    assert [(area, MIRRORED[kind], reasons) for area, kind, reasons in changes(found)] == changes(back)
    assert found.compared == back.compared
    rows = found.rows
    assert set(rows["change"]) <= set(KINDS)
    # Every change has a reason or is counted as unexplained, alone.
    assert all(reasons and set(reasons) <= set(REASONS) for reasons in rows["reasons"].to_list())
    alone = [reasons for reasons in rows["reasons"].to_list() if "unexplained" in reasons]
    assert all(reasons == ["unexplained"] for reasons in alone)
    assert found.unexplained == len(alone)
    # No value stands beside a figure that the later edition does not publish.
    untold = rows.filter(pl.col("status_after").fill_null("") != "published")
    assert untold["value_before"].null_count() == untold.height
    # What differs is what a comparison by hand says.
    keys = ["territory_level", "territory_code", "indicator", "vintage"]
    told = [
        {
            tuple(row[key] for key in keys): (row["status"], row["value"])
            for row in side.observations.to_dicts()
        }
        for side in (one, other)
    ]
    expected = {
        key
        for key in told[0].keys() | told[1].keys()
        if told[0].get(key) != told[1].get(key) and not _as_good_as_equal(told[0].get(key), told[1].get(key))
    }
    assert set(rows.select(keys).rows()) == expected


def _as_good_as_equal(one: Any, other: Any) -> bool:
    if one is None or other is None or one[0] != other[0] or None in (one[1], other[1]):
        return False
    return abs(one[1] - other[1]) <= 1e-9 * max(abs(one[1]), abs(other[1]), 1.0)


def test_releases_are_in_the_order_of_their_numbers() -> None:
    names = ["2026-10", "2026-2", "2025-1", "automne"]
    assert sorted(names, key=order) == ["automne", "2025-1", "2026-2", "2026-10"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of releases: the synthetic edition, twice, and one being frozen."""
    folder = tmp_path_factory.mktemp("releases")
    build_site(site_data(), folder / "2026-2")
    build_site(site_data(), folder / "2026-10" / "site")
    (folder / ".2026-11.partial").mkdir()
    return folder


def test_data_files_give_back_the_edition(kept: Path) -> None:
    data = site_data()
    current = PublicEdition(
        CURRENT, data.observations, data.definitions, data.files, data.territories, code_fingerprint()
    )
    for name in ("2026-2", "2026-10"):
        found = differences(read_edition(kept / name), current)
        assert (found.rows.height, found.definitions, found.sources) == (0, (), ())
        assert found.compared == data.observations.filter(pl.col("status") == "published").height
        assert found.same_code is True
    since = since_last(kept, current)
    assert since is not None
    assert since.before == "2026-10"
    # An edition is not set against itself, frozen before it is made again.
    assert last_release(kept, current.perimeter, "2026-10").name == "2026-2"
    assert last_release(kept, "mbm-2026", "2027-1") is None
    assert [one.name for one in read_releases(kept)] == ["2026-2", "2026-10"]


def test_each_sheet_says_what_changed_and_why_and_no_reader_takes_it_for_a_figure(
    kept: Path, tmp_path: Path
) -> None:
    """Population of 2020 revised by its source, one vacancy now secret, one indicator gone."""
    data = site_data()
    revised = (pl.col("indicator") == "population") & (pl.col("vintage") == 2020)
    hidden = (
        (pl.col("indicator") == "vacance")
        & (pl.col("territory_code") == "62001")
        & (pl.col("territory_level") == "commune")
    )
    empty = pl.when(~hidden)
    observations = data.observations.with_columns(
        value=empty.then(pl.when(revised).then(pl.col("value") + 1).otherwise(pl.col("value"))),
        numerator=empty.then(pl.col("numerator")),
        denominator=empty.then(pl.col("denominator")),
        status=empty.then(pl.col("status")).otherwise(pl.lit("secret")),
    )
    was = data.observations.filter(hidden)["value"].item()
    files = data.files.with_columns(sha256=pl.lit("c" * 64))
    imprint = data.imprint.model_copy(update={"release": "2031-1"})
    current = PublicEdition("2031-1", observations, data.definitions, files, data.territories)
    found = since_last(kept, current)
    assert found is not None
    made = dataclasses.replace(
        data, observations=observations, files=files, imprint=imprint, differences=found
    )
    folder = tmp_path / "site"
    build_site(made, folder)
    names = ("communes/62001/index.html", "communes/62001/fiche-62001-2031-1.html")
    for name in names:
        section = (
            (folder / name).read_text("utf-8").partition('id="changements"')[2].partition("</section>")[0]
        )
        told = re.sub(
            r"\s+", " ", re.sub(r"<[^>]+>", "", section.replace("\u202f", " ").replace("\u00a0", " "))
        )
        assert "2 chiffres de ce territoire ont changé" in told
        assert "Population, 2020 : 1 000 habitants → 1 001 habitants (source révisée)" in told
        assert "publié → secret (source révisée, confidentialité)" in told
    # Neither the page that downloaders read nor the CSV recalls what became secret.
    rows = pl.read_csv(folder / "donnees/changements.csv", infer_schema=False)
    secret = rows.filter(pl.col("status_after") == "secret")
    assert secret["value_before"].to_list() == [None]
    assert str(was) not in (folder / "donnees/changements.csv").read_text("utf-8")
    release = read_release(folder)
    shown = [one for one in read_pages(folder, release.territories, {}) if one.page in names]
    assert shown
    assert not [one for one in shown if "1\u202f000" in one.text and one.vintage == 2020]
    # Each value of the file is one that an edition publishes at that place.
    keys = ["level", "code", "indicator", "vintage"]
    after = rows.rename({"territory_level": "level", "territory_code": "code"}).with_columns(
        pl.col("vintage").cast(pl.Int32)
    )
    for side, edition_read in (("before", read_release(kept / "2026-10")), ("after", release)):
        told_values = after.select(*keys, value=pl.col(f"value_{side}").cast(pl.Float64)).drop_nulls()
        published = edition_read.figures.filter(pl.col("origin").str.ends_with("observations.csv"))
        assert told_values.join(published, on=[*keys, "value"], how="anti").is_empty()
        assert told_values.height == 12


def test_an_edition_is_named_by_release_folder_or_word(kept: Path) -> None:
    assert find_edition("2026-2", kept, kept).name == "2026-2"
    assert find_edition(CURRENT, kept, kept / "2026-2").name == CURRENT
    assert find_edition(str(kept / "2026-10"), kept, kept).name == "2026-10"
    for wrong in ("2031-1", str(kept)):
        with pytest.raises(ReleaseFolderError, match="Que faire"):
            find_edition(wrong, kept, kept)


def test_a_comparison_is_written_the_same_each_time(tmp_path: Path) -> None:
    hostile = definition("taux", label="<script>x</script>")
    found = differences(
        edition("a", BEFORE), edition("b", [*REVISED[:2], figure("epci:A", None)], definitions=[hostile])
    )
    written = write_differences(found, {"taux": "<script>x</script>"}, tmp_path / "one")
    again = write_differences(found, {"taux": "<script>x</script>"}, tmp_path / "two")
    assert [path.read_bytes() for path in written] == [path.read_bytes() for path in again]
    page = written[0].read_text("utf-8")
    assert "<script>x" not in page
    assert "1\u00a0changement inexpliqué" in page
    rows = pl.read_csv(tmp_path / "one/changements.csv", infer_schema=False).to_dicts()
    assert [(row["territory_code"], row["reasons"], row["value_before"]) for row in rows] == [
        ("1", "unexplained", "10"),
        ("A", "confidentiality", None),
    ]
