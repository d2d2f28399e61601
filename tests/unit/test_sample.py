import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from deliveries import SMALL_CITES, cite_frame, cite_row

from observatory.errors import InputError
from observatory.intake.deliveries import sort_file
from observatory.intake.places import Places
from observatory.intake.sorting import Delivery
from observatory.paths import PROJECT
from observatory.sources.cites import read_cites
from observatory.sources.sample import write_sample
from observatory.sources.sample_dirt import misspell
from observatory.sources.sample_stock import spread

MIRROR = Path(os.environ.get("OBSERVATORY_MIRROR", PROJECT.parent / "shared" / "mirror"))
FILES = [
    f"{producer}/2024/{name}"
    for producer, data in (
        ("maisons-et-cites", "logements.csv"),
        ("sia-habitat", "logements.csv"),
        ("angdm", "beneficiaires.csv"),
    )
    for name in (data, "LISEZMOI.txt")
]


@dataclass(frozen=True)
class Sample:
    folder: Path
    cites: pl.DataFrame
    communes: pl.DataFrame
    maisons: Delivery
    sia: Delivery
    angdm: Delivery

    @property
    def dwellings(self) -> pl.DataFrame:
        landlords = {"maisons-et-cites": self.maisons, "sia-habitat": self.sia}
        return pl.concat(one.accepted.with_columns(landlord=pl.lit(name)) for name, one in landlords.items())


def make_communes(codes: list[str]) -> pl.DataFrame:
    """287 communes of seven EPCI, from hamlets to towns, whose first ones have the given codes."""
    every = codes + [f"62{n:03d}" for n in range(287 - len(codes)) if f"62{n:03d}" not in codes]
    every += [f"59{n:03d}" for n in range(287 - len(every))]
    residences = [4000 + 90 * n if n < len(codes) else 120 + (n * 7919) % 4000 for n in range(287)]
    return pl.DataFrame(
        {
            "commune_code": every,
            "commune_name": [f"Commune {n}" for n in range(287)],
            "epci_code": [str(200000000 + n % 7) for n in range(287)],
            "population": [count * 2 for count in residences],
            "main_residences": residences,
            "dwellings": [round(count * 1.08) for count in residences],
            "population_65_over": [count // 3 for count in residences],
        }
    )


def make_cites() -> pl.DataFrame:
    codes = [f"62{n:03d}" for n in range(100, 130)]
    more = [
        cite_row(f"cite-{n}", f"Cité Prénom{n}", [code], (f"Corons Prénom{n}",))
        for n, code in enumerate(codes)
    ]
    return cite_frame([*SMALL_CITES.to_dicts(), *more])


def read_all(folder: Path, cites: pl.DataFrame, communes: pl.DataFrame) -> Sample:
    places = Places(cites, frozenset(communes["commune_code"]))
    paths = [folder / name for name in FILES[::2]]
    return Sample(
        folder,
        cites,
        communes,
        sort_file(paths[0], "maisons-et-cites", 2024, places),
        sort_file(paths[1], "sia-habitat", 2024, places),
        sort_file(paths[2], "angdm", 2024, places),
    )


def hand_made(folder: Path) -> Sample:
    cites = make_cites()
    communes = make_communes(cites["commune_codes"].explode().unique(maintain_order=True).to_list())
    write_sample(folder, cites, communes)
    return read_all(folder, cites, communes)


def real(folder: Path) -> Sample:
    names = MIRROR / "etalab" / "communes_sept_epci_2026.csv"
    figures = MIRROR / "insee" / "comparateur" / "base_cc_comparateur_2022_sept_epci.csv"
    reference = PROJECT / "data" / "reference" / "cites.csv"
    for path in (names, figures, reference):
        if not path.exists():
            pytest.skip(f"needs {path.name}")
    cites = read_cites(reference)
    count = {
        "population": "P22_POP",
        "main_residences": "P22_RP",
        "dwellings": "P22_LOG",
    }
    census = pl.read_csv(figures, separator=";", infer_schema=False).select(
        pl.col("CODGEO").alias("commune_code"),
        *(pl.col(old).cast(pl.Float64).round().cast(pl.Int64).alias(new) for new, old in count.items()),
    )
    communes = (
        pl.read_csv(names, infer_schema=False)
        .select(commune_code="code_commune", commune_name="nom", epci_code="siren_epci")
        .join(census, on="commune_code")
        .with_columns(population_65_over=pl.col("population") // 6)
    )
    write_sample(folder, cites, communes)
    return read_all(folder, cites, communes)


@pytest.fixture(scope="module", params=[hand_made, real], ids=["hand-made", "real"])
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Sample:
    make: Callable[[Path], Sample] = request.param
    return make(tmp_path_factory.mktemp("sample"))


def hashes(folder: Path) -> dict[str, str]:
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}


def test_the_same_arguments_give_the_same_bytes(sample: Sample, tmp_path: Path) -> None:
    shuffled = sample.communes.sample(fraction=1, shuffle=True, seed=1)
    written = write_sample(tmp_path, sample.cites.reverse(), shuffled)
    assert written == [tmp_path / name for name in FILES]
    assert hashes(tmp_path) == hashes(sample.folder)


def test_another_seed_gives_other_files(sample: Sample, tmp_path: Path) -> None:
    write_sample(tmp_path, sample.cites, sample.communes, seed=7)
    assert not set(hashes(tmp_path).values()) & set(hashes(sample.folder).values())


def test_nothing_but_the_files_is_left(sample: Sample) -> None:
    left = {path.relative_to(sample.folder).as_posix() for path in sample.folder.rglob("*") if path.is_file()}
    assert left == set(FILES)


def test_the_stock_is_that_of_the_field_notes(sample: Sample) -> None:
    maisons, sia = sample.maisons.delivered, sample.sia.delivered
    assert abs(maisons + sia - 63_000) < 630
    assert maisons / (maisons + sia) == pytest.approx(0.9, abs=0.002)
    assert sample.dwellings.height > 62_370
    assert sample.angdm.delivered == pytest.approx(25_000, rel=0.01)


def test_pinson_has_its_real_figures(sample: Sample) -> None:
    pinson = sample.dwellings.filter(pl.col("cite_slug") == "pinson-raismes")
    assert pinson.height == 193
    assert set(pinson["commune_code"]) == {"59491"}
    assert (pinson["status"] == "vacant").sum() / 193 == pytest.approx(0.0075, abs=0.003)
    assert (pinson["entry_date"].dt.year() == 2024).sum() / 193 == pytest.approx(0.046, abs=0.001)


def test_each_cite_has_a_plausible_number_of_dwellings(sample: Sample) -> None:
    sizes = sample.dwellings.group_by("cite_slug").len().drop_nulls()
    assert sizes.height == sample.cites.height
    # A few rows may be in quarantine, hence a little under the smallest size.
    assert sizes["len"].min() >= 15
    assert sizes["len"].max() <= 700
    assert (sizes["len"] <= 30).sum() >= 2
    ayants_droit = sample.dwellings.filter(occupant="ayant_droit").group_by("cite_slug").len()
    assert (ayants_droit["len"] < 11).sum() >= 5


def test_most_cites_have_one_landlord_and_a_few_have_both(sample: Sample) -> None:
    both = sample.dwellings.group_by("cite_slug").agg(pl.col("landlord").n_unique()).drop_nulls()
    count = (both["landlord"] == 2).sum()
    assert 1 <= count <= sample.cites.height // 8


def test_no_commune_has_more_mining_dwellings_than_dwellings(sample: Sample) -> None:
    stock = sample.dwellings.group_by("commune_code").len().join(sample.communes, on="commune_code")
    assert stock.filter(pl.col("len") > pl.col("dwellings")).is_empty()
    with_cite = set(sample.cites["commune_codes"].explode())
    assert with_cite <= set(stock["commune_code"])
    rural = sample.communes.filter(
        (pl.col("main_residences") < 1000) & ~pl.col("commune_code").is_in(list(with_cite))
    )
    assert rural.height > 20
    assert not set(rural["commune_code"]) & set(stock["commune_code"])


def test_the_rates_are_plausible(sample: Sample) -> None:
    stock = sample.dwellings
    occupied = stock.filter(pl.col("status") == "occupied")
    elders = occupied.filter(pl.col("occupant") == "ayant_droit")
    tenants = occupied.filter(pl.col("occupant") == "tenant")
    assert 0.12 <= elders.height / occupied.height <= 0.15
    assert 0.04 <= (stock["status"] == "vacant").mean() <= 0.06
    assert (stock["entry_date"].dt.year() == 2024).mean() == pytest.approx(0.07, abs=0.01)
    assert elders["entry_date"].median() < tenants["entry_date"].median()
    assert stock["energy_label"].is_in(["D", "E", "F"]).mean() > 0.7
    assert stock["energy_label"].null_count() / stock.height == pytest.approx(0.08, abs=0.01)
    assert 1880 <= stock["built_year"].min() <= stock["built_year"].max() <= 1975
    assert set(stock["dwelling_type"]) == {f"T{n}" for n in range(1, 8)}
    assert set(stock["status"]) == {"occupied", "vacant", "works", "to_demolish", "sold"}


def test_only_occupied_dwellings_have_an_occupant_who_moved_in_after_the_building(sample: Sample) -> None:
    stock = sample.dwellings
    vacant = stock.filter(pl.col("status") != "occupied")
    assert vacant.select(pl.col("occupant", "entry_date").is_null().all()).row(0) == (True, True)
    early = stock.filter(pl.col("entry_date").dt.year() <= pl.col("built_year"))
    assert early.is_empty()


def test_beneficiaries_are_an_old_and_a_younger_group(sample: Sample) -> None:
    people = sample.angdm.accepted.with_columns(age=2024 - pl.col("birth_year"))
    # Two bells: the mixture is wider than either, and its left shoulder holds the younger group.
    old = people.filter(pl.col("age") > 72)
    assert old["age"].mean() == pytest.approx(81, abs=1.5)
    assert 0.25 < (people["age"] < 70).mean() < 0.4
    miners = people.filter(pl.col("kind") == "former_miner")
    spouses = people.filter(pl.col("kind") == "surviving_spouse")
    assert (miners["sex"] == "M").mean() > 0.95
    assert (spouses["sex"] == "F").mean() > 0.95
    assert set(people["housing_benefit"]) == {"in_kind", "cash", "none"}
    housed = people.filter(pl.col("housing_benefit") == "in_kind").height
    elders = sample.dwellings.filter(pl.col("occupant") == "ayant_droit").height
    assert housed == pytest.approx(elders, rel=0.01)


def test_the_faults_are_counted_and_each_is_found(sample: Sample) -> None:
    for delivery, name in zip((sample.maisons, sample.sia, sample.angdm), FILES[1::2], strict=True):
        note = (sample.folder / name).read_text(encoding="utf-8")
        counts = re.findall(r"^- (.+)\u202f: (\d+) \((.+)\)$", note, re.MULTILINE)
        assert len(counts) == 11
        assert all(int(count) >= 1 for _, count, _ in counts)
        rejected = sum(int(count) for _, count, effect in counts if effect == "à rejeter")
        assert delivery.quarantine.height == rejected
        assert delivery.accepted.height == delivery.delivered - rejected
        share = sum(int(count) for _, count, _ in counts) / delivery.delivered
        assert 0.002 < share < 0.005


RULE_OF = {
    "cités inconnues": "cite_unknown",
    "noms de cité mal orthographiés": "cite_near",
    "cellules obligatoires vides": "required",
    "codes commune inexistants": "commune",
    "décimales mal écrites": "number",
    "date impossible": "date",
    "lignes en double": "duplicate",
}


def test_with_two_rows_in_a_hundred_dirty_each_rule_finds_what_was_put_in(tmp_path: Path) -> None:
    cites = make_cites()
    communes = make_communes(cites["commune_codes"].explode().unique(maintain_order=True).to_list())
    # Six kinds of fault that must be found, each on one row in three hundred: two in a hundred in all.
    write_sample(tmp_path, cites, communes, fault_rate=0.02 / 6)
    sample = read_all(tmp_path, cites, communes)
    for delivery, name in zip((sample.maisons, sample.sia, sample.angdm), FILES[1::2], strict=True):
        note = (tmp_path / name).read_text(encoding="utf-8")
        counts = {
            label: int(count) for label, count in re.findall(r"^- (.+)\u202f: (\d+) \(", note, re.MULTILINE)
        }
        injected: dict[str, int] = {}
        for label, rule in RULE_OF.items():
            injected[rule] = counts[label]
        found = delivery.by_rule
        # A name that has lost a letter may come near no name of its commune: it is then unknown.
        cites_found = found.pop("cite_near") + found.pop("cite_unknown")
        assert cites_found == injected.pop("cite_near") + injected.pop("cite_unknown")
        assert found == injected
        assert delivery.accepted.height + sum(delivery.by_rule.values()) == delivery.delivered
        assert 0.018 < delivery.quarantine.height / delivery.delivered < 0.022


def test_everything_says_that_it_is_fictive(sample: Sample) -> None:
    encodings = {"maisons-et-cites": "cp1252", "sia-habitat": "utf-8-sig", "angdm": "utf-8"}
    for data, note in zip(FILES[::2], FILES[1::2], strict=True):
        text = (sample.folder / data).read_bytes().decode(encodings[data.split("/")[0]])
        first, header, *rows = text.splitlines()
        assert first.startswith("# DONNÉES FICTIVES")
        assert header.endswith("nature")
        assert all(row.endswith("fictif") for row in rows)
        assert "FICTIF" in (sample.folder / note).read_text(encoding="utf-8")
    assert sample.maisons.fictive
    assert sample.sia.fictive
    assert sample.angdm.fictive


def test_the_producers_write_differently(sample: Sample) -> None:
    maisons, sia, angdm = ((sample.folder / name).read_bytes() for name in FILES[::2])
    assert "Étiquette DPE".encode("cp1252") in maisons
    assert b"\r\n" in maisons
    assert re.search(rb";\d+,\d;", maisons)
    assert sia.startswith(b"\xef\xbb\xbf")
    assert re.search(rb",\d+\.\d,", sia)
    assert re.search(rb",\d{4}-\d\d-\d\d,", sia)
    assert not angdm.startswith(b"\xef\xbb\xbf")


def test_a_cite_outside_the_communes_is_refused(tmp_path: Path) -> None:
    communes = make_communes(["59491"]).filter(pl.col("commune_code") != "62570")
    with pytest.raises(InputError, match="hors du périmètre"):
        write_sample(tmp_path, SMALL_CITES, communes)
    assert not list(tmp_path.iterdir())


def test_communes_too_small_for_the_stock_are_refused(tmp_path: Path) -> None:
    communes = make_communes(SMALL_CITES["commune_codes"].explode().unique(maintain_order=True).to_list())
    with pytest.raises(InputError, match="pas assez de logements"):
        write_sample(tmp_path, SMALL_CITES, communes.with_columns(dwellings=pl.lit(100)))


def test_spread_gives_whole_units_in_proportion_within_the_room() -> None:
    assert spread(10, np.array([1.0, 1.0, 0.0]), np.array([9, 9, 9])).tolist() == [5, 5, 0]
    assert spread(10, np.array([3.0, 1.0]), np.array([4, 9])).tolist() == [4, 6]
    assert spread(2, np.ones(3), np.full(3, 5)).tolist() == [1, 1, 0]
    assert spread(0, np.ones(2), np.ones(2)).tolist() == [0, 0]


def test_misspelling_changes_the_longest_word() -> None:
    assert misspell("Cité du Pinson") == "Cité du Pnson"
    assert misspell("Cité n° 9") == "Cté n° 9"
