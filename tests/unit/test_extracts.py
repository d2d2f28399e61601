import polars as pl
import pytest

from observatory.errors import InputError
from observatory.sources import extracts
from observatory.tables import CENSUS, CONTOURS, PERIMETERS, POPULATIONS, ContractError

COUNTS = {
    "pop": "40",
    "pop_0_19": "10",
    "pop_20_64": "20",
    "pop_65p": "10",
    "logements": "18",
    "res_principales": "15",
    "res_secondaires": "1",
    "logements_vacants": "2",
    "maisons": "16",
    "appartements": "2",
    "rp_en_appartement": "1",
}
LINES = {
    "perimeters": {
        "cog": "2026",
        "epci": "245901152",
        "nom_epci": "CA Coeur d'Ostrevent",
        "nature": "CA",
        "commune": "59008",
        "nom_commune": "Aniche",
    },
    "populations": {
        "niveau": "commune",
        "code": "59008",
        "recensement": "2022",
        "population": "9963",
        "file_id": "etalab_decoupage:2024:communes",
    },
    "census": {"niveau": "iris", "code": "590020000", "commune": "59002", "type_iris": "Z", **COUNTS},
    "contours": {"niveau": "commune", "code": "59002", "superficie_km2": "7.27", "contour": "{}"},
}
NUMBERS = {
    "perimeters": ["cog"],
    "populations": ["recensement", "population"],
    "census": list(COUNTS),
    "contours": ["superficie_km2"],
}
CONTRACTS = {"perimeters": PERIMETERS, "populations": POPULATIONS, "census": CENSUS, "contours": CONTOURS}
PARSERS = {name: getattr(extracts, f"parse_{name}") for name in LINES}


def text(name, **changes):
    return pl.DataFrame([LINES[name] | changes], schema=dict.fromkeys(LINES[name], pl.String))


@pytest.mark.parametrize("name", LINES)
def test_parser_keeps_the_contract(name):
    frame = PARSERS[name](text(name))
    assert frame.schema == pl.Schema(CONTRACTS[name].polars_schema)
    assert frame.height == 1


def test_perimeter_row():
    assert PARSERS["perimeters"](text("perimeters")).row(0, named=True) == {
        "perimeter_vintage": 2026,
        "epci_code": "245901152",
        "epci_name": "CA Coeur d'Ostrevent",
        "epci_kind": "CA",
        "commune_code": "59008",
        "commune_name": "Aniche",
        "file_id": "etalab_decoupage:2026:epci",
    }


HAINAUT = {"epci": "200042190", "nom_epci": "CA de la Porte du Hainaut", "nature": "CA"}
EMERCHICOURT = {"cog": "2023", "commune": "59192", "nom_commune": "Émerchicourt"}


def edition(*rows):
    return pl.DataFrame([LINES["perimeters"] | row for row in rows])


def test_emerchicourt_is_put_back_where_the_other_editions_have_it():
    raismes = HAINAUT | {"cog": "2023", "commune": "59491", "nom_commune": "Raismes"}
    frame = extracts.parse_perimeters(
        edition(EMERCHICOURT, raismes, EMERCHICOURT | {"cog": "2024"} | HAINAUT)
    )
    assert frame.filter(pl.col("commune_code") == "59192").select(
        "perimeter_vintage", "epci_code", "epci_name", "epci_kind"
    ).rows() == [(year, "200042190", "CA de la Porte du Hainaut", "CA") for year in (2023, 2024)]


@pytest.mark.parametrize("rows", [[EMERCHICOURT | HAINAUT], [HAINAUT | {"cog": "2023"}], [EMERCHICOURT]])
def test_the_correction_fails_once_the_source_no_longer_says_so(rows):
    with pytest.raises(InputError, match=r"59192 au COG 2023 ne s’applique plus .*retirez-la"):
        extracts.parse_perimeters(edition(*rows))


def test_population_row():
    assert PARSERS["populations"](text("populations")).row(0) == (
        "commune",
        "59008",
        2022,
        9963,
        "etalab_decoupage:2024:communes",
    )


def test_census_row():
    row = PARSERS["census"](text("census")).row(0, named=True)
    assert (row["level"], row["code"], row["vintage"]) == ("iris", "590020000", 2021)
    assert (row["population_under_20"], row["population_20_64"], row["population_65_over"]) == (10, 20, 10)
    assert (row["dwellings"], row["main_residences"], row["second_homes"]) == (18, 15, 1)
    assert (row["vacant_dwellings"], row["houses"], row["flats"]) == (2, 16, 2)
    assert row["main_residences_in_flats"] == 1
    assert row["file_id"] == "insee_rp_iris:2021:iris"


def test_comparator_has_an_area_and_no_contour():
    row = PARSERS["contours"](text("contours", niveau="country", code="FR", contour=None)).row(0, named=True)
    assert (row["geometry"], row["area_km2"]) == (None, 7.27)


# The extract keeps these two for its readers; the parser does without.
UNREAD = {("census", "commune"), ("census", "type_iris")}


@pytest.mark.parametrize(
    ("name", "column"), sorted({(n, c) for n, line in LINES.items() for c in line} - UNREAD)
)
def test_missing_column_is_named(name, column):
    with pytest.raises(InputError, match="la colonne manque") as raised:
        PARSERS[name](text(name).drop(column), name="fichier.csv")
    assert (raised.value.file, raised.value.column) == ("fichier.csv", column)


@pytest.mark.parametrize(("name", "column"), [(n, c) for n, columns in NUMBERS.items() for c in columns])
@pytest.mark.parametrize("value", ["s", "nd", "1 234", "1\u00a0234", "12,5", "0x1F"])
def test_value_that_is_no_number_is_quoted_with_its_line(name, column, value):
    frame = pl.concat([text(name), text(name, code="x") if "code" in LINES[name] else text(name)])
    frame = frame.with_columns(
        pl.when(pl.int_range(pl.len()) == 1).then(pl.lit(value)).otherwise(column).alias(column)
    )
    with pytest.raises(InputError, match="n’est pas un nombre") as raised:
        PARSERS[name](frame)
    assert (raised.value.row, raised.value.column, raised.value.value) == (3, column, value)


@pytest.mark.parametrize(("name", "column"), [(n, c) for n, columns in NUMBERS.items() for c in columns])
def test_empty_number_is_said_to_be_missing(name, column):
    with pytest.raises(InputError, match="la valeur manque") as raised:
        PARSERS[name](text(name, **{column: None}))
    assert (raised.value.row, raised.value.column, raised.value.value) == (2, column, None)


@pytest.mark.parametrize("value", ["NaN", "inf", "-inf"])
def test_area_must_be_finite(value):
    with pytest.raises(InputError, match="n’est pas un nombre") as raised:
        PARSERS["contours"](text("contours", superficie_km2=value))
    assert raised.value.value == value


def test_count_with_decimals_is_refused():
    with pytest.raises(InputError, match="n’est pas un nombre entier"):
        PARSERS["census"](text("census", pop="40.5"))


@pytest.mark.parametrize("name", LINES)
def test_row_that_stands_twice_is_refused(name):
    with pytest.raises(ContractError, match="même clé"):
        PARSERS[name](pl.concat([text(name), text(name)]))


def test_census_of_another_year_quotes_another_file():
    frame = PARSERS["census"](text("census"), vintage="2020")
    assert (frame["vintage"].item(), frame["file_id"].item()) == (2020, "insee_rp_iris:2020:iris")
