import csv
import os
import re
from pathlib import Path

import polars as pl
import pytest
import yaml

from observatory.errors import InputError
from observatory.paths import PROJECT
from observatory.sources.cites import check_communes, read_cites
from observatory.tables import CITES

REFERENCE = PROJECT / "data" / "reference"
FILE = REFERENCE / "cites.csv"
MIRROR = Path(os.environ.get("OBSERVATORY_MIRROR", PROJECT.parent / "shared" / "mirror"))
COMMUNES = MIRROR / "etalab" / "communes_sept_epci_2026.csv"

HEADER = list(CITES.polars_schema)
LINE = {
    "slug": "loisne-barlin",
    "name": "Cité de la Loisne",
    "alternative_names": "Cité de la Loisme",
    "commune_codes": "62083",
    "epci_code": "200072460",
    "unesco": "oui",
    "programmes": "acceleration",
    "phases_2022": "",
    "phases_2023": "acceleration",
    "dossiers_2022": "",
    "passages": "rapport 2022|programme 2023",
    "corrections": "",
    "notes": "",
}


@pytest.fixture(scope="module")
def cites() -> pl.DataFrame:
    return read_cites(FILE)


@pytest.fixture
def write(tmp_path):
    """Write a table of the given lines, each a set of changes to a correct one, and return its path."""

    def _write(*changes: dict[str, str], header: list[str] = HEADER) -> Path:
        path = tmp_path / "cites.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(header)
            writer.writerows([list((LINE | change).values()) for change in changes])
        return path

    return _write


def having(cites: pl.DataFrame, column: str, value: str) -> pl.DataFrame:
    return cites.filter(pl.col(column).list.contains(value))


def one(cites: pl.DataFrame, slug: str) -> dict:
    return cites.row(by_predicate=pl.col("slug") == slug, named=True)


class TestCounts:
    def test_every_cite_the_texts_name_has_one_row(self, cites):
        assert cites.height == 86
        assert dict(cites["unesco"].value_counts().iter_rows()) == {
            "oui": 44,
            "en_partie": 1,
            "non_signale": 41,
        }

    def test_accelerated_are_15_of_which_9_inscribed_as_the_text_says(self, cites):
        accelerated = having(cites, "programmes", "acceleration")
        assert accelerated.height == 15
        assert accelerated.filter(unesco="oui").height == 9
        assert accelerated.equals(having(cites, "phases_2023", "acceleration"))

    def test_applications_of_may_are_14_once_the_two_double_ones_are_merged(self, cites):
        slugs = set(having(cites, "dossiers_2022", "mai")["slug"])
        for pair in (
            {"parc-mericourt", "croisette-mericourt"},
            {"cite-4-11-sallaumines", "cite-5-12-sallaumines"},
        ):
            assert pair <= slugs
        assert len(slugs) == 16 == 14 + 2

    def test_applications_of_october_are_15(self, cites):
        assert having(cites, "dossiers_2022", "octobre").height == 15

    def test_integrated_lists_give_more_than_the_35_and_20_of_the_text_and_the_notes_say_so(self, cites):
        integrated = having(cites, "programmes", "integree")
        inscribed = integrated.filter(unesco="oui").height
        partly = integrated.filter(unesco="en_partie").height
        assert (integrated.height, inscribed, partly) == (43, 21, 1)
        notes = " ".join(yaml.safe_load((REFERENCE / "cites.yaml").read_text("utf-8"))["notes"])
        assert f"{integrated.height} fiches, dont {inscribed} marquées et {partly} marquée en partie" in notes
        assert "35 opérations dont 20" in notes

    def test_other_programmes(self, cites):
        counts = dict(cites["programmes"].explode().drop_nulls().value_counts().iter_rows())
        assert counts == {"integree": 43, "acceleration": 15, "etude_cadre": 20, "gr_ge": 11, "suivi": 6}

    def test_cites_named_in_passing_have_no_programme(self, cites):
        assert set(cites.filter(pl.col("programmes").list.len() == 0)["slug"]) == {
            "electriciens-bruay-la-buissiere",
            "lemay-pecquencourt",
            "quartier-de-la-fosse-7-houdain",
            "sainte-marie-pecquencourt",
        }


class TestConsistency:
    def test_a_phase_or_an_application_goes_with_its_programme(self, cites):
        followed = pl.concat_list(
            "phases_2022", pl.col("phases_2023").list.set_difference(["acceleration"]), "dossiers_2022"
        )
        assert cites.filter(followed.list.len() > 0).equals(having(cites, "programmes", "integree"))

    def test_a_cite_of_the_gr_ge_group_is_inscribed(self, cites):
        assert having(cites, "programmes", "gr_ge")["unesco"].unique().to_list() == ["oui"]

    def test_no_two_cites_of_a_commune_share_a_spelling(self, cites):
        spellings = (
            cites.select("slug", "commune_codes", spelling=pl.concat_list("name", "alternative_names"))
            .explode("commune_codes")
            .explode("spelling")
            .with_columns(pl.col("spelling").str.to_lowercase())
        )
        assert not spellings.select("commune_codes", "spelling").is_duplicated().any()

    def test_prose_is_typographic(self):
        text = FILE.read_text("utf-8") + (REFERENCE / "cites.yaml").read_text("utf-8").split("notes:")[1]
        assert "'" not in text
        assert not re.search(r" [;:!?»]|« ", text)

    def test_card_says_where_the_facts_come_from(self):
        card = yaml.safe_load((REFERENCE / "cites.yaml").read_text("utf-8"))
        assert set(card) == {"title", "producer", "vintage", "licence", "date", "notes"}
        assert card["vintage"] == "2022-2023"


class TestCorrections:
    @pytest.mark.parametrize(
        ("slug", "communes", "misread"),
        [
            ("justice-auby", ["59028"], "Aubry"),
            ("moulin-auby", ["59028"], "Aubry"),
            ("schneider-lourches", ["59361", "59205", "59504"], "Louches"),
            ("schneider-lourches", ["59361", "59205", "59504"], "Rooulx"),
            ("loisne-barlin", ["62083"], "Loisme"),
            ("noumea-rouvroy", ["62724"], "la Motte"),
            ("sucrerie-sin-le-noble", ["59569"], "Sucrierie"),
            ("ferronniere-douai", ["59178"], "Ferronnerie"),
            ("riaumont-lievin", ["62510"], "Riamont"),
        ],
    )
    def test_misreading_is_recorded_with_the_commune_it_resolves_to(self, cites, slug, communes, misread):
        cite = one(cites, slug)
        assert cite["commune_codes"] == communes
        assert misread in cite["corrections"]

    @pytest.mark.parametrize(
        ("slug", "communes"),
        [
            ("cite-11-de-bethune-grenay", ["62386", "62528"]),
            ("belgique-grenay", ["62386", "62528"]),
            ("cuvinot-onnaing", ["59447", "59613"]),
            ("musiciens-bruay-la-buissiere", ["62178", "62270"]),
        ],
    )
    def test_cite_on_two_communes_names_the_main_one_first(self, cites, slug, communes):
        assert one(cites, slug)["commune_codes"] == communes

    @pytest.mark.parametrize(
        "slug",
        ["chabaud-latour-ancienne-denain", "chabaud-latour-nouvelle-denain", "croisette-mericourt"],
    )
    def test_ambiguity_is_said(self, cites, slug):
        assert "sans dire" in one(cites, slug)["notes"]


class TestReading:
    def test_lists_and_absences(self, write):
        row = read_cites(write({"programmes": "integree|acceleration"})).row(0, named=True)
        assert row["programmes"] == ["integree", "acceleration"]
        assert row["passages"] == ["rapport 2022", "programme 2023"]
        assert row["phases_2022"] == []
        assert row["corrections"] is None

    def test_byte_order_mark_is_ignored(self, write):
        path = write({})
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert read_cites(path).height == 1

    @pytest.mark.parametrize(
        ("column", "text", "value"),
        [
            ("slug", "", None),
            ("slug", "Loisne-Barlin", "Loisne-Barlin"),
            ("slug", "loisne--barlin", "loisne--barlin"),
            ("slug", "cité-barlin", "cité-barlin"),
            ("name", "", None),
            ("name", " Cité", " Cité"),
            ("alternative_names", "Cité 10||Cité n° 10", ""),
            ("alternative_names", "Cité 10|Cité 10", "Cité 10"),
            ("commune_codes", "", None),
            ("commune_codes", "62083|6208", "6208"),
            ("commune_codes", "62083|62083", "62083"),
            ("commune_codes", "62083 | 62084", "62083 "),
            ("epci_code", "20007246", "20007246"),
            ("unesco", "non", "non"),
            ("programmes", "integree|ERBM", "ERBM"),
            ("phases_2022", "amont", "amont"),
            ("phases_2023", "schema_directeur", "schema_directeur"),
            ("dossiers_2022", "juin", "juin"),
            ("passages", "", None),
        ],
    )
    def test_cell_at_fault_is_named(self, write, column, text, value):
        path = write({"slug": "anchin-noyelles-sous-lens"}, {column: text})
        with pytest.raises(InputError) as caught:
            read_cites(path)
        error = caught.value
        assert (error.file, error.row, error.column, error.value) == ("cites.csv", 3, column, value)
        assert error.rule and error.remedy

    def test_unknown_value_is_answered_with_the_known_ones(self, write):
        with pytest.raises(InputError, match="mai, octobre"):
            read_cites(write({"dossiers_2022": "juin"}))

    def test_slug_taken_twice_names_both_lines(self, write):
        with pytest.raises(InputError, match="déjà celui de la ligne 2") as caught:
            read_cites(write({}, {"name": "Autre"}))
        assert (caught.value.row, caught.value.column) == (3, "slug")

    @pytest.mark.parametrize("header", [HEADER[:-1], [*HEADER, "commune"], HEADER[::-1], []])
    def test_wrong_columns(self, write, header):
        with pytest.raises(InputError, match="les colonnes ne sont pas celles attendues") as caught:
            read_cites(write(header=header))
        assert caught.value.row == 1

    def test_line_with_another_number_of_cells(self, write):
        path = write({})
        path.write_text(path.read_text("utf-8") + "a,b\n", "utf-8")
        with pytest.raises(InputError, match="2 cellule") as caught:
            read_cites(path)
        assert caught.value.row == 3

    def test_badly_quoted_cell(self, write):
        path = write({})
        path.write_text(path.read_text("utf-8") + '"a"b,c\n', "utf-8")
        with pytest.raises(InputError, match="mal délimitée") as caught:
            read_cites(path)
        assert caught.value.row == 3

    def test_not_utf_8(self, write):
        path = write({})
        path.write_bytes(path.read_text("utf-8").encode("latin-1"))
        with pytest.raises(InputError, match="UTF-8"):
            read_cites(path)

    def test_absent_file(self, tmp_path):
        with pytest.raises(InputError, match="absent"):
            read_cites(tmp_path / "cites.csv")

    def test_empty_file(self, tmp_path):
        path = tmp_path / "cites.csv"
        path.write_bytes(b"")
        with pytest.raises(InputError, match="les colonnes"):
            read_cites(path)


class TestCommunes:
    def test_commune_outside_the_perimeter(self, write):
        cites = read_cites(write({"commune_codes": "62083|62531"}))
        with pytest.raises(InputError, match="loisne-barlin") as caught:
            check_communes(cites, {"62083": "200072460"})
        assert (caught.value.column, caught.value.value) == ("commune_codes", "62531")

    def test_epci_of_another_commune(self, write):
        cites = read_cites(write({"commune_codes": "62083|62386"}))
        check_communes(cites, {"62083": "200072460", "62386": "246200364"})
        with pytest.raises(InputError, match="62083") as caught:
            check_communes(cites, {"62083": "246200364", "62386": "200072460"})
        assert (caught.value.column, caught.value.value) == ("epci_code", "200072460")

    @pytest.mark.skipif(not COMMUNES.exists(), reason="no mirror of the communes of the seven EPCI")
    def test_all_communes_are_in_the_seven_epci(self, cites):
        with COMMUNES.open(encoding="utf-8", newline="") as stream:
            communes = {row["code_commune"]: row for row in csv.DictReader(stream)}
        assert len(communes) == 287
        check_communes(cites, {code: row["siren_epci"] for code, row in communes.items()})
        assert cites["epci_code"].n_unique() == 7
        for slug, codes in cites.select("slug", "commune_codes").iter_rows():
            main = re.sub("[^a-z]+", "-", _plain(communes[codes[0]]["nom"]))
            assert slug.endswith(f"-{main}"), slug


def _plain(name: str) -> str:
    return name.lower().translate(str.maketrans("éèêâîô'", "eeeaio-")).replace("œ", "oe")
