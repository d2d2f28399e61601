"""INSEE's dossier complet: a generated archive of its shape, read through its own card and layout."""

import io
import zipfile

import polars as pl
import pytest

from observatory.errors import InputError
from observatory.sources.archives import ArchiveError
from observatory.sources.catalogue import Source, get_source
from observatory.sources.layouts import expected_columns, get_layout
from observatory.sources.values import parse_values

ID = "insee_dossier_complet"
LAYOUT = get_layout(ID)
CODES = ["01001", "2A004", "59002", "62498", "97601", "75056", "75101"]


def small(rows: int = 1) -> Source:
    """Return the card, for a file of a few rows."""
    card = get_source(ID).model_dump()
    card["vintages"]["2022"]["file"]["rows"] = rows
    return Source.model_validate(card)


def names() -> list[str]:
    return [column.name for column in expected_columns(LAYOUT, small().data_file("2022"), "2022")]


def table(**changes: str) -> str:
    """Return columns in alphabetical order among others that are not read, one figure for each."""
    columns = sorted([*names(), "LIBGEO", "MED21", "TP6021", "BPE_2024_A501", "C22_ACTOCC1564"])
    lines = [";".join(["CODGEO", *columns])]
    for rank, code in enumerate(CODES):
        cells = {name: f"{10 * rank + place}.25" for place, name in enumerate(columns)}
        cells |= {"LIBGEO": "L’Abergement", "MED21": "s", "TP6021": "s"}
        if code == "97601":
            cells |= dict.fromkeys(names(), "")
        if code == "62498":
            cells |= {"P22_POP": "32697", "P16_POP": "31133.0", "P22_LOGVAC": "0", **changes}
        lines.append(";".join([code, *(cells[name] for name in columns)]))
    return "\n".join(lines) + "\n"


def archive(folder, text: str, data: str = "dossier_complet.csv", meta: str = "meta_dossier_complet.csv"):
    path = folder / "dossier_complet.zip"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr(meta, "COD_VAR;LIB_VAR;LIB_VAR_LONG\n")
        target.writestr(data, text)
    path.write_bytes(stream.getvalue())
    return path


def value(frame: pl.DataFrame, variable: str, year: int, code: str = "62498"):
    return frame.filter(variable=variable, vintage=year, code=code).select("value", "status").rows()[0]


@pytest.mark.parametrize("name", ["dossier_complet.csv", "dossier_complet.CSV", "Dossier_Complet.csv"])
def test_three_censuses_are_read_by_name(tmp_path, name):
    frame = parse_values(archive(tmp_path, table(), name), small(), "2022", LAYOUT)
    assert value(frame, "population", 2022) == (32697, "published")
    assert value(frame, "population", 2016) == (31133, "published")
    assert value(frame, "vacant_dwellings", 2022) == (0, "published")
    assert value(frame, "population_0_14", 2011)[1] == "published"
    assert value(frame, "population", 2022, "97601") == (None, "not_available"), "no census there"
    assert "75101" not in set(frame["code"]) and {"75056", "2A004", "01001"} <= set(frame["code"])
    assert set(frame["geography_vintage"]) == {2025}
    assert frame.height == 6 * len(names())


def test_it_holds_the_themes_that_the_other_sources_lack():
    variables = {one.name for one in LAYOUT.variables}
    assert {"population_75_89", "executives", "manual_workers", "no_diploma", "diploma_bac_5"} <= variables
    assert {"social_rented_residences", "single_parent_households", "unemployed_15_64", "jobs"} <= variables
    assert all(one.additive for one in LAYOUT.variables)


def test_the_file_of_the_next_census_is_refused_and_not_read_for_another(tmp_path):
    later = table().replace("P22_", "P23_").replace("C22_", "C23_")
    with pytest.raises(InputError) as caught:
        parse_values(archive(tmp_path, later), small(), "2022", LAYOUT)
    assert caught.value.column == "P22_POP"


def test_a_withheld_or_cut_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="ni un nombre ni une marque"):
        parse_values(archive(tmp_path, table(P22_LOG="s")), small(), "2022", LAYOUT)
    with pytest.raises(InputError, match="moins que les 34900"):
        parse_values(archive(tmp_path, table()), get_source(ID), "2022", LAYOUT)
    with pytest.raises(ArchiveError):
        parse_values(archive(tmp_path, table(), data="autre.csv"), small(), "2022", LAYOUT)
