import dataclasses
import re
from pathlib import Path

import polars as pl
import pytest
from rendering_site import frame, observation, site_data

from observatory.errors import InputError, ObservatoryError
from observatory.paths import DataPaths
from observatory.rendering import SiteData, build_site
from observatory.rendering.edition import edition
from observatory.rendering.illustrations import Illustrator, class_limits
from observatory.rendering.portrait import Chapter, read_chapters
from observatory.rendering.portrait_page import portrait_page
from observatory.rendering.quotes import AbsentFigureError, Quotations, QuoteError, catalogue_labels

CARD = "---\ntitle: Essai\nperimeter: sept_epci\nperimeter_vintage: 2026\nthemes: [Population]\n---\n\n"
PLACES = {
    "epci:200000001": (1000.0, 1250.0),
    "epci:200000002": (3000.0, 2850.0),
    "basin:BM": (4000.0, 4100.0),
}
RATES = {"epci:200000001": (5.0, 6.4), "epci:200000002": (9.0, 7.5), "basin:BM": (8.0, 7.25)}


def edition_data() -> SiteData:
    """The synthetic edition with two comparable vintages, 2016 and 2021, of a count and of a rate."""
    data = site_data()
    rows = []
    for name, values in (("population", PLACES), ("vacance", RATES)):
        for key, pair in values.items():
            level, _, code = key.partition(":")
            rows += [
                observation(level, code, name, value, vintage=vintage)
                for vintage, value in zip((2016, 2021), pair, strict=True)
            ]
    mine = pl.col("indicator").is_in(["population", "vacance"]) & pl.col("territory_level").is_in(
        ["epci", "basin"]
    )
    definitions = data.definitions.with_columns(
        vintages=pl.when(pl.col("indicator").is_in(["population", "vacance"]))
        .then(pl.lit([2016, 2021], pl.List(pl.Int32)))
        .otherwise(pl.col("vintages")),
        shortest_interval=pl.lit(5, pl.Int32),
        change_note=pl.lit("Deux recensements se comparent à cinq ans."),
    )
    observations = pl.concat([data.observations.filter(~mine), frame("indicators.observations", rows)])
    return dataclasses.replace(data, observations=observations, definitions=definitions)


@pytest.fixture(scope="module")
def data() -> SiteData:
    return edition_data()


@pytest.fixture(scope="module")
def quotes(data: SiteData) -> Quotations:
    indexed = edition(data)
    return Quotations(indexed.book, indexed.gazetteer)


def chapters(folder: Path, text: str, name: str = "01-essai.md", card: str = CARD) -> tuple[Chapter, ...]:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(card + text, encoding="utf-8")
    return read_chapters(folder)


def page(data: SiteData, found: tuple[Chapter, ...], folder: Path) -> str:
    build_site(dataclasses.replace(data, portrait=found), folder)
    return (folder / "portrait/index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("chiffre:population/basin:BM/2021", "4 100"),
        ("hausse:population/epci:200000001/2016-2021", "25,0 %"),
        ("baisse:population/epci:200000002/2016-2021", "5,0 %"),
        ("gain:vacance/epci:200000001/2016-2021", "1,4 point"),
        ("perte:vacance/epci:200000002/2016-2021", "1,5 point"),
        ("gain:population/basin:BM/2016-2021", "100"),
        ("moins:vacance/epci:200000001/basin:BM/2021", "0,9 point"),
        ("plus:vacance/epci:200000002/basin:BM/2016", "1,0 point"),
        ("part:population/epci:200000001/basin:BM/2016", "25,0 %"),
        ("rang:population/epci:200000001/2021", "2e"),
        ("premier:population/epci/2021", "Pévèle"),
        ("dernier:vacance/epci/2021", "L’Écaillon"),
        ("nombre:vacance/epci/2021", "2"),
        ("nombre:vacance/epci/2021/plus-de-6,4", "1"),
        ("nombre:vacance/epci/2021/moins-de-6,4", "0"),
        # Two of six communes are published, at 0 and at 5 per cent.
        ("nombre:vacance/commune/2021", "2"),
    ],
)
def test_each_address_gives_what_is_computed_by_hand(quotes: Quotations, address: str, expected: str) -> None:
    assert re.sub(r"\s", " ", quotes.answer(address).texts[0]) == expected


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hausse:population/epci:200000002/2016-2021", "le texte dit « hausse », .* disent « baisse »"),
        ("plus:vacance/epci:200000001/basin:BM/2021", "au-dessous"),
        ("chiffre:rotation/basin:BM/2021", "donnée fictive"),
        ("chiffre:inconnu/basin:BM/2021", "n’est pas au catalogue"),
        ("chiffre:population/basin:XX/2021", "basin:XX"),
        ("chiffre:population/basin:BM", "s’écrit « chiffre:indicateur/niveau:code/millésime »"),
        ("part:vacance/epci:200000001/basin:BM/2021", "n’est pas un effectif"),
        ("moyenne:population/basin:BM/2021", "n’est pas une citation"),
        ("hausse:population/basin:BM/2021-2022", "cinq ans"),
        ("chiffre:vacance/commune:62002/2021", "est devenu secret"),
        ("premier:evolution/epci/2021", "n’est pas au catalogue"),
    ],
)
def test_what_may_not_be_quoted_is_an_error(quotes: Quotations, address: str, message: str) -> None:
    with pytest.raises(QuoteError, match=message):
        quotes.answer(address)


@pytest.mark.parametrize(
    "address",
    [
        "chiffre:population/basin:BM/2010",
        "chiffre:taux_emploi/basin:BM/2022",
        "chiffre:vacance/commune:62003/2021",
    ],
)
def test_what_the_edition_lacks_is_no_error(quotes: Quotations, address: str) -> None:
    with pytest.raises(AbsentFigureError):
        quotes.answer(address)


def test_a_misquote_stops_the_site_and_says_where(data: SiteData, tmp_path: Path) -> None:
    text = "Le Bassin minier compte\n[4 000](chiffre:population/basin:BM/2021) habitants.\n"
    found = chapters(tmp_path / "portrait", text)
    with pytest.raises(InputError) as caught:
        page(data, found, tmp_path / "site")
    # Six lines of card, a blank one, then the second line of the text.
    assert (caught.value.file, caught.value.row, caught.value.value) == ("01-essai.md", 9, "4 000")
    assert "les observations donnent « 4\u202f100 »" in str(caught.value)
    assert not (tmp_path / "site/portrait").exists()


def test_every_fault_is_told_at_once(data: SiteData, tmp_path: Path) -> None:
    text = "[1](chiffre:population/basin:BM/2021)\n\nEncore 12 habitants.\n\n[x](https://exemple.fr)\n"
    with pytest.raises(ObservatoryError, match="3 citations à revoir") as caught:
        page(data, chapters(tmp_path / "portrait", text), tmp_path / "site")
    assert [int(row) for row in re.findall(r"ligne (\d+)", str(caught.value))] == [8, 10, 12]
    assert "ce nombre n’est la citation d’aucune observation" in str(caught.value)


def test_a_figure_that_became_secret_blocks(data: SiteData, tmp_path: Path) -> None:
    hidden = pl.when(
        (pl.col("territory_code") == "BM")
        & (pl.col("indicator") == "population")
        & (pl.col("vintage") == 2021)
    )
    observations = data.observations.with_columns(
        status=hidden.then(pl.lit("secret")).otherwise(pl.col("status")),
        value=hidden.then(None).otherwise(pl.col("value")),
    )
    found = chapters(tmp_path / "portrait", "[4 100](chiffre:population/basin:BM/2021)\n")
    with pytest.raises(InputError, match="est devenu secret"):
        page(dataclasses.replace(data, observations=observations), found, tmp_path / "site")


def test_a_fragile_figure_is_neither_quoted_nor_first(data: SiteData) -> None:
    definitions = data.definitions.with_columns(reliable_from=pl.lit(2000, pl.Int32))
    indexed = edition(dataclasses.replace(data, definitions=definitions))
    quotes = Quotations(indexed.book, indexed.gazetteer)
    with pytest.raises(QuoteError, match="fragile"):
        quotes.answer("chiffre:population/epci:200000001/2021")
    # 1 250 and 2 850 habitants: the smaller one counts too few.
    assert quotes.answer("dernier:population/epci/2021").texts[0] == "Pévèle"


def test_a_quotation_is_set_and_leads_to_its_definition(data: SiteData, tmp_path: Path) -> None:
    text = (
        "On compte **[4 100 habitants](chiffre:population/basin:BM/2021)** : c'est peu, pour 100 "
        "jeunes de 15 à 64 ans en 2021 <script>alert('x')</script>.\n"
    )
    shown = page(data, chapters(tmp_path / "portrait", text), tmp_path / "site")
    assert '<strong><a class="quote" href="../methodes/index.html#indicateur-population"' in shown
    assert 'title="Population — Bassin minier, 2021">4\u202f100\u00a0habitants</a>' in shown
    assert "</strong>\u202f: c’est peu" in shown
    assert "<script>alert" not in shown


def test_what_an_edition_lacks_is_left_out_and_said(data: SiteData, tmp_path: Path) -> None:
    folder = tmp_path / "portrait"
    here = "[4 100](chiffre:population/basin:BM/2021)\n\n"
    chapters(folder, f"{here}## Emploi\n\n[58,7](chiffre:taux_emploi/basin:BM/2022)\n\n## Suite\n\n{here}")
    chapters(
        folder,
        "[58,7](chiffre:taux_emploi/basin:BM/2022)\n",
        "02-emploi.md",
        CARD.replace("Essai", "Emplois"),
    )
    found = chapters(folder, here, "03-ailleurs.md", CARD.replace("Essai", "Hier").replace("2026", "2025"))
    content = portrait_page(edition(dataclasses.replace(data, portrait=found))).content
    assert [one.chapter.card.title for one in content["shown"]] == ["Essai"]
    lacking = f"« {catalogue_labels()['taux_emploi']} »\u202f: source non prise dans cette édition"
    assert content["shown"][0].absent == (lacking,)
    headings = [str(part.html) for part in content["shown"][0].parts if part.heading]
    assert headings == ["<h3>Suite</h3>\n"]
    assert [(one.chapter.card.title, one.reasons) for one in content["hidden"]] == [
        ("Emplois", (lacking,)),
        ("Hier", ("écrit pour un autre périmètre (COG 2025) que celui de cette édition",)),
    ]
    text = page(data, found, tmp_path / "site")
    assert text.count('class="chapter"') == 1
    assert "Ce que cette édition ne montre pas" in text


def test_illustrations_are_drawn_over_their_tables(data: SiteData, tmp_path: Path) -> None:
    text = "".join(
        f"![Légende](illustration:{address})\n\n"
        for address in (
            "serie/population",
            "ligne/population/basin:BM",
            "barres/vacance/2021",
            "parts/vacance/2021",
            "carte/population/2021",
            "carte/vacance/2021",
        )
    )
    found = chapters(tmp_path / "portrait", f"[4 100](chiffre:population/basin:BM/2021)\n\n{text}")
    shown = page(data, found, tmp_path / "site")
    assert re.findall(r"plate-(\w+)", shown) == ["serie", "ligne", "barres", "parts", "carte"]
    assert re.findall(r"Figure (\d)\.", shown) == ["1", "2", "3", "4", "5"]
    # Too few communes have a published vacancy for the second map.
    assert "trop peu de communes publiées" in shown


def test_an_unknown_or_fictive_illustration_is_a_fault(data: SiteData, tmp_path: Path) -> None:
    text = "[4 100](chiffre:population/basin:BM/2021)\n\n![x](illustration:camembert/population)\n"
    with pytest.raises(InputError, match=r"ligne 10.*n’est pas une illustration"):
        page(data, chapters(tmp_path / "a", text), tmp_path / "site-a")
    fictive = text.replace("camembert/population", "barres/rotation/2021")
    with pytest.raises(InputError, match="donnée fictive"):
        page(data, chapters(tmp_path / "b", fictive), tmp_path / "site-b")


def test_classes_of_a_map_are_even_and_keep_equal_values_together():
    assert class_limits([float(value) for value in range(1, 11)]) == [2.0, 4.0, 6.0, 8.0]
    assert class_limits([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 3.0, 4.0, 5.0]) == [1.0, 3.0]
    assert class_limits([7.0] * 5) == []


def test_a_map_counts_every_commune_once(data: SiteData) -> None:
    indexed = edition(data)
    illustrator = Illustrator(indexed, Quotations(indexed.book, indexed.gazetteer), "../")
    drawn = illustrator.draw("carte/population/2021").drawing
    assert sum(sum(group.counts) for group in drawn.classes) == 6
    assert next(group.bounds for group in drawn.classes) == "de 1\u202f000 à 1\u202f000"


def test_a_chapter_without_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="n’a pas de fiche"):
        chapters(tmp_path / "a", "Texte", card="")
    with pytest.raises(InputError, match="ne convient pas"):
        chapters(tmp_path / "b", "Texte", card="---\ntitle: Essai\n---\n")


def test_the_published_chapters_are_read_and_quote_known_indicators():
    found = read_chapters(DataPaths(Path()).portrait)
    assert 5 <= len(found) <= 12
    for chapter in found:
        for address in re.findall(r"\]\((\w+):([a-z0-9_]+)/", chapter.text):
            assert address[1] in catalogue_labels() or address[0] == "illustration", (chapter.file, address)
        assert len(re.findall(r"\]\(", chapter.text)) >= 10, chapter.file
