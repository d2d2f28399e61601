"""The 200 m grid: cells, their communes, what is imputed, what is left out, what is refused."""

import zipfile
from pathlib import Path

import pytest

from observatory.errors import InputError
from observatory.sources.archives import ArchiveError
from observatory.sources.filosofi_grid import CELLS, read_cells_of

# The columns of the file of 2019, in its order.
HEADER = (
    "idcar_200m,idcar_1km,idcar_nat,i_est_200,i_est_1km,lcog_geo,ind,men,men_pauv,men_1ind,men_5ind,men_prop,"
    "men_fmp,ind_snv,men_surf,men_coll,men_mais,log_av45,log_45_70,log_70_90,log_ap90,log_inc,log_soc,ind_0_3,"
    "ind_4_5,ind_6_10,ind_11_17,ind_18_24,ind_25_39,ind_40_54,ind_55_64,ind_65_79,ind_80p,ind_inc"
)
KNOWN = {
    "ind": "30.5",
    "men": "12",
    "men_pauv": "4",
    "men_prop": "3",
    "men_fmp": "2",
    "ind_snv": "512345.6",
    "log_soc": "6",
}


def cell(rank: int, codes: str, imputed: int = 0, **changes: str) -> str:
    """Return one line; cells stand in a row, from east to west."""
    place = f"CRS3035RES200mN3066000E{3810000 + 200 * rank}"
    known = {"idcar_200m": place, "i_est_200": str(imputed), "lcog_geo": codes, **KNOWN, **changes}
    return ",".join(known.get(name, "0") for name in HEADER.split(","))


def written(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "carreaux_200m_met.csv"
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return path


SIX = (
    cell(0, "62498"),
    cell(1, "62498", imputed=1, men="3.5", ind="8"),
    cell(2, "6249862427"),
    cell(3, "62427"),
    cell(4, "6242759002"),
    cell(5, "75056"),
)


def test_cells_have_their_place_and_their_communes(tmp_path):
    cells = read_cells_of(written(tmp_path, *reversed(SIX)), ["62498", "62427"])
    assert dict(cells.schema) == CELLS
    assert cells.height == 5, "the one of Paris is elsewhere"
    first = cells.row(0, named=True)
    assert (first["easting"], first["northing"]) == (3_810_000, 3_066_000)
    assert (first["persons"], first["households"], first["living_standard_sum"]) == (30.5, 12, 512345.6)
    assert cells["commune_codes"].to_list()[1:3] == [["62498"], ["62498", "62427"]]
    assert cells["imputed"].to_list() == [False, True, False, False, False]


def test_an_archive_and_capitals_are_read_alike(tmp_path):
    plain = read_cells_of(written(tmp_path, *SIX), ["62498"])
    archive = tmp_path / "carreaux.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.write(written(tmp_path, *SIX, header=HEADER.title()), "dossier/carreaux_200m_met.csv")
        target.writestr("carreaux_200m_mart.csv", "x")
    assert read_cells_of(archive, ["62498"]).equals(plain)


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (cell(0, "62498", idcar_200m="CRS2975RES200mN3066000E3810000"), "idcar_200m"),
        (cell(0, "62498", idcar_200m="CRS3035RES1000mN3066000E3810000"), "idcar_200m"),
        (cell(0, "62498", idcar_200m="CRS3035RES200mN3066100E3810000"), "idcar_200m"),
        (cell(0, "62498"), "idcar_200m"),
        (cell(1, "1001"), "lcog_geo"),
        (cell(1, ""), "lcog_geo"),
        (cell(1, "62498", i_est_200="2"), "i_est_200"),
        (cell(1, "62498", men="-1"), "men"),
        (cell(1, "62498", men_pauv="s"), "men_pauv"),
        (cell(1, "62498", ind_snv=""), "ind_snv"),
    ],
)
def test_what_is_not_a_cell_is_refused_wherever_it_is(tmp_path, line, column):
    with pytest.raises(InputError) as caught:
        read_cells_of(written(tmp_path, cell(0, "75056"), line), ["62498"])
    assert caught.value.column == column
    assert caught.value.row in (2, 3)


def test_a_missing_column_is_named(tmp_path):
    with pytest.raises(InputError, match="men_pauv"):
        read_cells_of(written(tmp_path, header=HEADER.replace("men_pauv", "men_p")), ["62498"])


def test_absence_is_said_with_its_remedy(tmp_path):
    nothing = tmp_path / "carreaux_200m_met.csv"
    with pytest.raises(InputError, match="data/landing/insee_filosofi_carreaux"):
        read_cells_of(nothing, ["62498"])
    nested = tmp_path / "Filosofi2019_carreaux_200m_csv.zip"
    with zipfile.ZipFile(nested, "w") as target:
        target.writestr("Filosofi2019_carreaux_200m_csv.7z", b"7z\xbc\xaf\x27\x1c")
    with pytest.raises(InputError, match="archive 7z"):
        read_cells_of(nested, ["62498"])
    broken = tmp_path / "coupe.zip"
    broken.write_bytes(b"PK\x03\x04")
    with pytest.raises(ArchiveError):
        read_cells_of(broken, ["62498"])
