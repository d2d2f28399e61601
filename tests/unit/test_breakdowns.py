"""Breakdowns: shipped entries complete and sound, counts that add up, faults refused."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
import yaml

from observatory.indicators.breakdowns import BreakdownError, crossings, load_breakdowns
from observatory.indicators.catalogue import load_indicators
from observatory.indicators.mining import beneficiary_measures, dwelling_measures
from observatory.intake.contracts import load_delivery_contracts
from observatory.tables import DWELLINGS

BREAKDOWNS = {one.id: one for one in load_breakdowns()}


def amount(frame: pl.DataFrame, measure: str, level: str = "basin", code: str = "BM") -> float:
    return frame.filter(measure=measure, level=level, code=code)["amount"].item()


def coded() -> list[tuple[str, set[str]]]:
    """Return (breakdown, codes of its column by contract) where the column is a coded one."""
    codes = {
        column.column: set(column.codes)
        for contract in load_delivery_contracts().values()
        for column in contract.columns
        if column.codes
    }
    # Derived from two columns: no programme is a state too.
    codes["renovation_stage"] = codes["renovation_state"] | {"none"}
    return [(one.id, codes[one.column]) for one in load_breakdowns() if one.column in codes]


@pytest.mark.parametrize(
    ("name", "codes"), coded(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_code_of_the_contract_has_one_category(name, codes):
    placed = [value for category in BREAKDOWNS[name].categories for value in category.values]
    outside = {"sold"} if name == "statut" else set()
    assert sorted(placed) == sorted(codes - outside)


@pytest.mark.parametrize(
    "one", [one for one in load_breakdowns() if one.categories[0].high], ids=lambda o: o.id
)
def test_ranges_follow_one_another_without_gap(one):
    assert one.categories[0].low is None and one.categories[-1].high is None
    bounds = [
        (before.high, after.low) for before, after in zip(one.categories, one.categories[1:], strict=False)
    ]
    assert all(high == low for high, low in bounds)


@pytest.mark.parametrize("one", load_breakdowns(), ids=lambda one: one.id)
def test_categories_add_up_to_their_base_everywhere(one, counts):
    """Hence the shares add up to 100, and the partition that the attacker is told holds."""
    wide = counts.filter(pl.col("measure").is_in([one.base, *one.parts])).pivot(
        on="measure", index=["level", "code"], values="amount"
    )
    assert wide.filter(pl.col(one.parts[0]).is_not_null()).height >= (8 if one.cross else 295)
    wide = wide.filter(pl.col("level").is_in(one.levels))
    assert wide.select((pl.sum_horizontal(one.parts) - pl.col(one.base)).abs().max()).item() == 0


@pytest.mark.parametrize(
    ("whole", "parts"), list(crossings(load_breakdowns())), ids=lambda value: str(value)[:30]
)
def test_crossed_cells_add_up_to_both_margins(whole, parts, counts):
    wide = counts.filter(pl.col("measure").is_in([whole, *parts])).pivot(
        on="measure", index=["level", "code"], values="amount"
    )
    wide = wide.filter(pl.col("level").is_in(["epci", "basin"]))
    assert wide.height == 8
    assert wide.select((pl.sum_horizontal(parts) - pl.col(whole)).abs().max()).item() == 0


def test_newcomers_are_part_of_the_occupants_category_by_category(counts):
    for one in (one for one in load_breakdowns() if one.inside):
        outer = BREAKDOWNS[one.inside]
        for inner, whole in zip(one.parts, outer.parts, strict=True):
            assert amount(counts, inner) <= amount(counts, whole)


def test_counts_of_the_fictive_stock_against_its_rows(counts, dwellings, beneficiaries):
    """Counted again from the rows, with none of the code under test."""
    stock = dwellings.filter(pl.col("status") != "sold")
    occupied = stock.filter(pl.col("status") == "occupied")
    recent = occupied.filter(pl.col("entry_date") >= date(2020, 1, 1))
    assert amount(counts, "mining_newcomers") == recent.height
    assert amount(counts, "entrants_menage_seul") == recent.filter(household_type="single").height
    alone = occupied.filter(household_type="single", age_band="over_75")
    assert amount(counts, "mining_alone_75") == alone.height
    vacant = stock.filter(pl.col("status") == "vacant")
    assert (
        amount(counts, "duree_vacance_moins_6_mois")
        == vacant.filter(pl.col("vacant_since") >= date(2024, 7, 1)).height
    )
    assert (
        amount(counts, "duree_vacance_deux_ans_plus")
        == vacant.filter(pl.col("vacant_since") < date(2023, 1, 1)).height
    )
    assert amount(counts, "renovation_aucun") == stock["renovation"].null_count()
    old = beneficiaries.filter(pl.col("birth_year") <= 1934)
    assert amount(counts, "age_plus_90") == old.height
    assert amount(counts, "pyramide_femmes_plus_90") == old.filter(sex="F").height
    paid = beneficiaries.filter(heating_benefit="cash", commune_code="62498")["heating_amount"].drop_nulls()
    assert amount(counts, "heating_cash_known", "commune", "62498") == len(paid)
    assert amount(counts, "heating_cash_amount", "commune", "62498") == sum(round(x) for x in paid)


def test_rights_that_have_ended_are_not_counted(beneficiaries, territories, public_measures):
    ended = beneficiaries.with_columns(
        end_date=pl.when(pl.int_range(pl.len()) < 3)
        .then(pl.lit(date(2024, 12, 31)))
        .when(pl.int_range(pl.len()) < 5)
        .then(pl.lit(date(2025, 1, 1)))
    )
    frame = beneficiary_measures(ended, territories, public_measures)
    assert amount(frame, "beneficiaries") == beneficiaries.height - 3


def test_rows_that_do_not_say_are_out_of_the_base(dwellings, territories, public_measures):
    silent = dwellings.with_columns(
        household_type=pl.when(pl.col("cite_slug") == "pinson-raismes").then(None).otherwise("household_type")
    )
    frame = dwelling_measures(DWELLINGS.conform(silent), territories, public_measures)
    assert amount(frame, "menage_renseigne", "cite", "pinson-raismes") == 0
    assert amount(frame, "mining_occupied", "cite", "pinson-raismes") > 150


def test_every_category_has_one_indicator_of_its_share():
    shares = {(one.breakdown, one.category): one for one in load_indicators() if one.breakdown is not None}
    for breakdown in load_breakdowns():
        for category in breakdown.categories:
            share = shares.pop((breakdown.title, category.label))
            assert (share.numerator, share.denominator) == (breakdown.measure(category), breakdown.base)
            assert share.scale == 100
    assert not shares


ENTRY = {
    "id": "un",
    "title": "Un",
    "theme": "T",
    "of": "g",
    "of_label": "groupe",
    "column": "c",
    "minimum": 11,
    "reason": "Raison.",
    "note": "Note.",
    "categories": [{"id": "a", "label": "a", "values": ["a"]}, {"id": "b", "label": "b", "values": ["b"]}],
}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([ENTRY, ENTRY], "même identifiant « un »"),
        ([ENTRY | {"cross": ["un", "deux"]}], "croise « un »"),
        ([ENTRY, ENTRY | {"id": "deux", "of": "autre", "cross": ["un", "un"]}], "le même groupe"),
        ([ENTRY | {"inside": "deux"}], "contenue dans « deux »"),
        (
            [ENTRY | {"id": "deux", "categories": ENTRY["categories"][:1]}, ENTRY | {"inside": "deux"}],
            "mêmes cat",
        ),
    ],
)
def test_entries_that_contradict_one_another_are_refused(tmp_path: Path, entries, message):
    path = tmp_path / "breakdowns.yaml"
    path.write_text(yaml.safe_dump(entries, allow_unicode=True), encoding="utf-8")
    with pytest.raises(BreakdownError, match=message):
        load_breakdowns(path)


@pytest.fixture(scope="module")
def counts(public_measures, dwellings, beneficiaries, territories):
    return pl.concat(
        [
            dwelling_measures(dwellings, territories, public_measures),
            beneficiary_measures(beneficiaries, territories, public_measures),
        ]
    )
