"""Bars and pyramids of the breakdowns: widths, what is withheld, and the table under each."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rendering_site import site_data

from observatory.rendering.edition import edition
from observatory.rendering.figures import Figure, Indicator
from observatory.rendering.places import Place
from observatory.rendering.stacks import pyramid, stack
from observatory.rendering.website import build_site

PLACE = Place("epci", "e", "CA", ())


def share(value: float | None, category: str = "x", status: str = "secret") -> Figure:
    indicator = Indicator(
        "i", 1, "l", "t", "f", "%", 1, "neutral", "with_parents", (), "ratio", (), (2024,), "c", False,
        "b", category, 1, True, None, None, None, (), (), "", None,
    )  # fmt: skip
    given = "published" if value is not None else status
    return Figure(indicator, 2024, value, given, False, "", (), None, None)


@given(st.lists(st.one_of(st.none(), st.floats(0, 100)), min_size=1, max_size=6))
def test_a_bar_never_shows_more_than_what_is_published(values):
    drawn = stack(PLACE, [share(value) for value in values])
    known = [value for value in values if value is not None]
    assert [piece.width for piece in drawn.pieces] == [value for value in known if value > 0]
    if None in values:
        assert drawn.withheld == pytest.approx(max(0, 100 - sum(known)))
        assert drawn.reason == "secret"
    else:
        assert (drawn.withheld, drawn.reason) == (0, "")


def test_a_narrow_piece_has_no_number():
    drawn = stack(PLACE, [share(7.9), share(92.1)])
    assert [piece.text for piece in drawn.pieces] == ["", "92,1"]
    assert [piece.position for piece in drawn.pieces] == [0, 1]


def test_a_pyramid_has_the_oldest_on_top_and_the_widest_bar_full():
    names = [
        "femmes, moins de 65 ans",
        "femmes, 65 ans ou plus",
        "hommes, moins de 65 ans",
        "hommes, 65 ans ou plus",
    ]
    figures = [share(value, name) for value, name in zip((10.0, 40.0, None, 20.0), names, strict=True)]
    drawn = pyramid(PLACE, figures)
    assert drawn.sides == ("femmes", "hommes")
    assert [step.name for step in drawn.steps] == ["65 ans ou plus", "moins de 65 ans"]
    assert [step.widths for step in drawn.steps] == [(100, 50), (25, 0)]


def test_other_categories_make_no_pyramid():
    assert pyramid(PLACE, [share(1.0, "a"), share(2.0, "b")]) is None


def test_the_table_follows_the_order_of_the_categories_and_says_what_is_secret(tmp_path: Path):
    build_site(site_data(), tmp_path / "site")
    text = (tmp_path / "site/cites/pinson/index.html").read_text(encoding="utf-8")
    figure = re.search(r'<figure class="breakdown fictive-drawing">.*?</figure>', text, re.S)[0]
    rows = re.findall(r'<a class="def"[^>]*>([^<]+)</a> <span', figure)
    assert rows == ["personne seule", "autre ménage"]
    assert re.search(r'class="piece c0" style="width: 40.0%">40,0</span>', figure)
    assert re.search(r'class="piece withheld" style="width: 60.0%">secret</span>', figure)
    assert figure.count("status-secret") == 1


def test_shares_are_no_key_figures_and_stand_in_no_table_of_their_theme():
    data = site_data()
    indexed = edition(data)
    heads = indexed.book.headlines("cite", with_fictive=True)
    assert [one.indicator for one in heads] == ["rotation"]
    sheet = indexed.sheets.of_cite(indexed.gazetteer.cites[0])
    occupation = next(table for table in sheet.tables if table.theme == "Occupation")
    assert occupation.rows == ()
    assert [one.title for one in occupation.breakdowns] == ["Type de ménage"]
    assert occupation.fictive
