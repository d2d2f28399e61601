"""Recorded agreements: the rules of their file, their dates, and what they cover on a perimeter."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from assets.cli import app
from observatory.disclosure.conventions import (
    Convention,
    ConventionError,
    agreements_in_force,
    conventions_path,
    own_cites,
    read_conventions,
    scope_of,
)
from observatory.paths import CONVENTIONS, DataPaths

LANDLORD = """
  - partner: sia-habitat
    name: SIA Habitat
    kind: bailleur
    reference: convention 12
    own_cites: true
    measures: all
    first_day: 2025-01-01
    last_day: 2025-12-31
"""
EPCI = """
  - partner: epci-a
    name: EPCI A
    kind: epci
    reference: convention 13
    territories: [{level: commune, code: "62001"}]
    measures: [mining_dwellings, beneficiaries]
    first_day: 2025-01-01
    last_day: 2025-12-31
"""
DWELLING_COUNTS = {
    "mining_dwellings",
    "mining_vacant",
    "mining_labelled",
    "mining_label_efg",
    "mining_occupied",
    "mining_ayants_droit",
    "mining_entries",
}


@pytest.fixture
def paths(tmp_path: Path) -> DataPaths:
    return DataPaths(tmp_path)


def write(folder: Path, *entries: str, head: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / CONVENTIONS
    path.write_text(f"{head}agreements:{''.join(entries)}", encoding="utf-8")
    return path


def read(tmp_path: Path, *entries: str) -> list[Convention]:
    return list(read_conventions(write(tmp_path / "in", *entries)).agreements)


FAULTS = {
    "missing key": (LANDLORD.replace("    kind: bailleur\n", ""), "« kind » : la clé est obligatoire"),
    "unknown key": (LANDLORD + "    notes: x\n", "« notes » : la clé est inconnue"),
    "not a date": (LANDLORD.replace("2025-01-01", "demain"), "« first_day » : il faut une date"),
    "unknown kind": (LANDLORD.replace("bailleur", "mairie"), "« kind » : la valeur n’est pas admise"),
    "a path": (LANDLORD.replace("partner: sia-habitat", "partner: ../site"), "ne peut nommer un dossier"),
    "empty name": (LANDLORD.replace("SIA Habitat", '""'), "« name » : la valeur est vide"),
    "code as a number": (EPCI.replace('"62001"', "62001"), "« territories.1.code » : il faut un texte"),
    "unknown level": (EPCI.replace("level: commune", "level: basin"), "« territories.1.level »"),
    "days reversed": (LANDLORD.replace("2025-12-31", "2024-12-31"), "le dernier jour précède le premier"),
    "own cités of an EPCI": (LANDLORD.replace("bailleur", "epci"), "« own_cites » est pour un bailleur"),
    "no territory": (LANDLORD.replace("true", "false"), "il faut des territoires"),
    "both": (LANDLORD + '    territories: [{level: cite, code: "x"}]\n', "et non les deux"),
    "unknown measure": (EPCI.replace("beneficiaries", "loyers"), "mesures refusées : loyers"),
    "no measure": (EPCI.replace("[mining_dwellings, beneficiaries]", "[]"), "mesures refusées : aucune"),
    "a landlord's beneficiaries": (LANDLORD.replace("all", "[beneficiaries]"), "porte sur ses logements"),
    "not an entry": ("\n  - sia-habitat\n", "n’a pas la forme voulue"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_entry_is_named_with_its_rule_and_remedy(tmp_path: Path, fault: str) -> None:
    """The sound entry before it is not at fault: the second one is."""
    entry, rule = FAULTS[fault]
    other = LANDLORD if "epci-a" in entry else EPCI
    with pytest.raises(ConventionError) as caught:
        read(tmp_path, other, entry)
    message = str(caught.value)
    assert f"fichier « {CONVENTIONS} », convention n° 2" in message
    assert rule in message
    assert "Que faire : " in message


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("agreements: [", "pas du YAML lisible (ligne 1)"),
        ("- a\n", "liste « agreements »"),
        ("agreements: []\nautre: 1\n", "et rien d’autre"),
        ("agreements: 3\n", "est une liste de conventions"),
        ("fictive: peut-être\nagreements: []\n", "« fictive » vaut true ou false"),
    ],
)
def test_a_faulty_file_is_explained(tmp_path: Path, text: str, rule: str) -> None:
    path = tmp_path / CONVENTIONS
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConventionError) as caught:
        read_conventions(path)
    assert rule in str(caught.value)


def test_two_agreements_of_a_partner_follow_one_another(tmp_path: Path) -> None:
    renewed = LANDLORD.replace("2025-", "2026-")
    assert [one.first_day.year for one in read(tmp_path, renewed, LANDLORD)] == [2026, 2025]
    with pytest.raises(ConventionError, match="les mêmes jours"):
        read(tmp_path, LANDLORD, LANDLORD.replace("2025-01-01", "2025-12-31"))


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2024, 12, 31), []),
        (date(2025, 1, 1), ["epci-a", "sia-habitat"]),
        (date(2025, 12, 31), ["epci-a", "sia-habitat"]),
        (date(2026, 1, 1), []),
    ],
)
def test_first_and_last_day_are_in_force(tmp_path: Path, day: date, expected: list[str]) -> None:
    found = read_conventions(write(tmp_path / "in", LANDLORD, EPCI)).in_force(day)
    assert [one.partner for one in found] == expected


def test_all_is_what_a_partner_may_be_shown(tmp_path: Path) -> None:
    """A landlord delivers no beneficiary: « all » is not ANGDM's."""
    landlord, epci = read(tmp_path, LANDLORD, EPCI.replace("[mining_dwellings, beneficiaries]", "all"))
    assert landlord.counts >= DWELLING_COUNTS | {"menage_seul", "entrants_age_plus_75"}
    people = {"beneficiaries", "surviving_spouses", "pyramide_femmes_plus_90", "heating_cash_amount"}
    assert epci.counts - landlord.counts >= people
    assert landlord.counts.isdisjoint(people)


# Pinson is SIA's alone, Anchin is shared, Barrois is the other landlord's, with one more dwelling in 62001.
DWELLINGS = pl.DataFrame(
    [
        ("sia-habitat", "pinson", "62001"),
        ("sia-habitat", "pinson", "62002"),
        ("sia-habitat", "anchin", "62001"),
        ("maisons-et-cites", "anchin", "62001"),
        ("maisons-et-cites", "barrois", "62002"),
        ("maisons-et-cites", None, "62001"),
        ("sia-habitat", "ailleurs", "62009"),
    ],
    schema=["landlord", "cite_slug", "commune_code"],
    orient="row",
)


def territories() -> pl.DataFrame:
    rows = [("basin", "BM", []), ("epci", "e", ["basin:BM"])]
    rows += [("commune", code, ["epci:e", "basin:BM"]) for code in ("62001", "62002")]
    rows += [
        ("cite", "pinson", ["commune:62001", "commune:62002"]),
        ("cite", "anchin", ["commune:62001"]),
        ("cite", "barrois", ["commune:62002"]),
    ]
    schema = {"level": pl.String, "code": pl.String, "parents": pl.List(pl.String)}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_a_landlord_has_the_cites_where_every_dwelling_is_its_own(tmp_path: Path) -> None:
    (landlord,) = read(tmp_path, LANDLORD)
    assert own_cites(DWELLINGS, "maisons-et-cites") == [("cite", "barrois")]
    scope = scope_of(landlord, territories(), DWELLINGS)
    # « ailleurs » is its own too, out of the perimeter.
    assert scope.agreement.areas == (("cite", "pinson"),)
    assert scope.problems == ()


def test_a_landlord_is_not_shown_where_another_one_has_dwellings(tmp_path: Path) -> None:
    listed = '    territories: [{level: cite, code: "pinson"}, {level: commune, code: "62001"}]\n'
    (landlord,) = read(tmp_path, LANDLORD.replace("    own_cites: true\n", listed))
    scope = scope_of(landlord, territories(), DWELLINGS)
    assert scope.agreement.areas == (("cite", "pinson"),)
    assert scope.problems == ("un autre bailleur a des logements dans commune:62001 : rien n’y est ouvert.",)


def test_a_landlord_that_delivers_nothing_is_shown_nothing(tmp_path: Path) -> None:
    (landlord,) = read(tmp_path, LANDLORD.replace("partner: sia-habitat", "partner: sia"))
    scope = scope_of(landlord, territories(), DWELLINGS)
    assert scope.agreement is None
    assert "aucune livraison de ce bailleur" in scope.problems[0]


def test_a_territory_out_of_the_perimeter_is_said_and_left_out(tmp_path: Path) -> None:
    (epci,) = read(tmp_path, EPCI.replace("{level", '{level: epci, code: "9"}, {level', 1))
    scope = scope_of(epci, territories(), DWELLINGS)
    assert scope.agreement.areas == (("commune", "62001"),)
    assert scope.problems == ("le territoire epci:9 n’est pas dans le périmètre de l’édition.",)


def test_the_example_serves_only_as_long_as_all_is_fictive(paths: DataPaths) -> None:
    assert conventions_path(paths, all_fictive=True) is None
    example = write(paths.sample, LANDLORD, head="fictive: true\n")
    assert conventions_path(paths, all_fictive=True) == example
    assert conventions_path(paths, all_fictive=False) is None
    recorded = write(paths.confidential, LANDLORD)
    assert conventions_path(paths, all_fictive=True) == recorded
    assert conventions_path(paths, all_fictive=False) == recorded


def test_a_fictive_agreement_opens_no_real_delivery(paths: DataPaths) -> None:
    write(paths.confidential, LANDLORD, head="fictive: true\n")
    day = date(2025, 6, 1)
    with pytest.raises(ConventionError, match="ouvriraient des livraisons réelles"):
        agreements_in_force(paths, territories(), DWELLINGS, day, all_fictive=False)
    (found,), _ = agreements_in_force(paths, territories(), DWELLINGS, day, all_fictive=True)
    assert found.fictive


def test_nothing_is_made_without_a_file(paths: DataPaths) -> None:
    none = agreements_in_force(paths, territories(), DWELLINGS, date(2025, 6, 1), all_fictive=False)
    assert none == ([], [])


def test_the_command_lists_the_agreements(paths: DataPaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBSERVATORY_DATA", str(paths.root))
    monkeypatch.setenv("COLUMNS", "160")
    assert "Aucune convention" in CliRunner().invoke(app, ["conventions"]).output
    write(paths.confidential, LANDLORD, EPCI.replace("2025-12-31", "2125-12-31"))
    said = CliRunner().invoke(app, ["conventions"]).output
    for words in ("SIA Habitat", "convention 12", "31/12/2025", "échue", "en vigueur", "1\u00a0territoire"):
        assert words in said
    assert "se vérifie après" in said
